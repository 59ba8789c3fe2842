//go:build unix

package tty

import "os"

// EnableColour reports whether the terminal f understands escape sequences for colours.
func EnableColour(*os.File) bool { return true }

// Foreground reports whether this process is in the foreground of the terminal f: what it
// writes there stands among what a person reads now.
func Foreground(f *os.File) bool { return foreground(f) }
