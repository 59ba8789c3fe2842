package main

import (
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/cells"
)

// TestHelpWidth: whatever --help says fits the usual terminal.
func TestHelpWidth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	names := []string{""}
	for _, c := range rootCommand(&app{process: process{env: w.vars}}).Commands() {
		names = append(names, c.Name())
	}
	if len(names) < 14 {
		t.Fatalf("only the commands %q", names)
	}
	for _, name := range names {
		o := w.run(strings.Fields(name+" --help")...).want(t, 0, "Usage:", "--password-stdin")
		if lines := tooWide(o.stdout); len(lines) > 0 {
			t.Errorf("gatehop %s --help has lines of more than %d cells:\n%s", name, usualWidth, strings.Join(lines, "\n"))
		}
	}
}

// tooWide returns the lines that do not fit the usual terminal.
func tooWide(text string) []string {
	var wide []string
	for _, line := range strings.Split(text, "\n") {
		if cells.Width(line) > usualWidth {
			wide = append(wide, line)
		}
	}
	return wide
}

// TestHelpWidthControl: a line that is one cell too wide is found.
func TestHelpWidthControl(t *testing.T) {
	t.Parallel()
	fits := strings.Repeat("x", usualWidth)
	if got := tooWide(fits + "\n" + fits + "y\n"); len(got) != 1 || got[0] != fits+"y" {
		t.Errorf("tooWide = %q", got)
	}
}
