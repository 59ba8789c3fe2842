//go:build !linux

package early

// HideMemory does nothing here: only Linux lets a process choose.
func HideMemory() {}
