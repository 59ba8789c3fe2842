//go:build unix

package profile

import (
	"io/fs"
	"os"
	"syscall"
)

// openFile opens the file for reading. Without O_NONBLOCK a pipe would make it wait
// until somebody writes.
func openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// isNull reports the null device, by its number: a container may have several.
func isNull(info fs.FileInfo) bool {
	if info.Mode()&fs.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	if err != nil {
		return false
	}
	a, ok := info.Sys().(*syscall.Stat_t)
	b, ok2 := null.Sys().(*syscall.Stat_t)
	return ok && ok2 && null.Mode()&fs.ModeCharDevice != 0 && a.Rdev == b.Rdev
}
