package main

import "golang.org/x/sys/unix"

// Calls that newer architectures do without.
const (
	sysOpen  = unix.SYS_OPEN
	sysCreat = unix.SYS_CREAT
)

func olderCalls() map[string][]uint64 {
	return map[string][]uint64{
		"renameat": {unix.SYS_RENAME}, "unlinkat": {unix.SYS_UNLINK, unix.SYS_RMDIR}, "mkdirat": {unix.SYS_MKDIR},
		"linkat": {unix.SYS_LINK, unix.SYS_SYMLINK}, "fchmodat": {unix.SYS_CHMOD}, "truncate": {unix.SYS_CREAT},
	}
}
