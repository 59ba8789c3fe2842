//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// defaultTickets is the credential cache of whoever did not name one to kinit (MIT krb5,
// ccache_def: FILE:/tmp/krb5cc_UID), if it is a file of theirs.
func defaultTickets() string { return ticketsOf("/tmp", os.Getuid()) }

func ticketsOf(dir string, user int) string {
	path := fmt.Sprintf("%s/krb5cc_%d", dir, user)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != user { // anybody can write there
		return ""
	}
	return path
}
