//go:build unix

package tty

import (
	"os"

	"golang.org/x/sys/unix"
)

func open() (in, out *os.File, err error) {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0)
	return f, f, err
}

// foreground reports whether this process may read from the terminal without being stopped.
func foreground(f *os.File) bool {
	group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
