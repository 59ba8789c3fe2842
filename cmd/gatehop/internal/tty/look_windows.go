package tty

import (
	"os"

	"golang.org/x/sys/windows"
)

// EnableColour reports whether the terminal f understands escape sequences for colours,
// after it has been told to.
func EnableColour(f *os.File) bool {
	var mode uint32
	handle := windows.Handle(f.Fd())
	if windows.GetConsoleMode(handle, &mode) != nil {
		return false
	}
	const wanted = windows.ENABLE_PROCESSED_OUTPUT | windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
	return mode&wanted == wanted || windows.SetConsoleMode(handle, mode|wanted) == nil
}

// Foreground is always true: Windows has no job control.
func Foreground(*os.File) bool { return true }
