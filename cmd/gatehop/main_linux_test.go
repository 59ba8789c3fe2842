package main

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestHideMemory wants the process unreadable once hideMemory ran, and readable before.
func TestHideMemory(t *testing.T) {
	dumpable := func() int {
		n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if got := dumpable(); got != 1 {
		t.Fatalf("dumpable = %d before, want 1", got)
	}
	hideMemory()
	if got := dumpable(); got != 0 {
		t.Errorf("dumpable = %d, want 0", got)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
}
