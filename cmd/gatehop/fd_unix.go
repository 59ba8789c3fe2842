//go:build unix

package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// inherited opens a descriptor that this process was started with, and keeps it from
// every program that is started from here. One that closes by itself at such a start is
// not among them: the Go runtime opened it, since then.
func inherited(fd int) (*os.File, error) {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return nil, errors.New("it is not open")
	}
	mode, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || mode&unix.O_ACCMODE == unix.O_WRONLY {
		return nil, errors.New("it is not open for reading")
	}
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "password"), nil
}
