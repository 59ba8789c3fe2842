package tty

import (
	"strings"
	"testing"
)

// TestReadLine wants what was typed ahead left for the next question.
func TestReadLine(t *testing.T) {
	t.Parallel()
	r := strings.NewReader("first\r\nsecond\nunfinished")
	for _, want := range []string{"first", "second"} {
		if got, err := readLine(r); got != want || err != nil {
			t.Errorf("readLine = %q, %v; want %q", got, err, want)
		}
	}
	if got, err := readLine(r); err == nil {
		t.Errorf("readLine of an unfinished line = %q, want an error", got)
	}
}
