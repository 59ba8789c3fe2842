package main

import (
	"testing"
)

// oneWrite counts how often it is written to.
type oneWrite struct{ writes int }

func (w *oneWrite) Write(p []byte) (int, error) { w.writes++; return len(p), nil }

// TestTableIsOneWrite wants a table written at once: whoever is killed while printing
// leaves all of it or nothing, and a terminal is not written to cell by cell.
func TestTableIsOneWrite(t *testing.T) {
	t.Parallel()
	var w oneWrite
	a := &app{process: process{stdout: &w}}
	if err := a.printTable([][]string{{"PROFILE", "ROLE"}, {"dev", "Admins"}}); err != nil || w.writes != 1 {
		t.Errorf("printTable = %v in %d writes, want 1", err, w.writes)
	}
}
