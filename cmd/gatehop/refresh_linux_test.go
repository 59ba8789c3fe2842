package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestRefreshOnTerminal wants a line that counts while many profiles are refreshed, gone
// before the table comes; and none of it on a pipe.
func TestRefreshOnTerminal(t *testing.T) {
	t.Parallel()
	counts := regexp.MustCompile(`\rrefreshing: \d+ of 44: \d+ s`)
	for name, c := range map[string]struct {
		run  string
		want bool
	}{
		"terminal": {"gatehop refresh --all", true},
		"quiet":    {"gatehop refresh --all -q", false},
		"pipe":     {"gatehop refresh --all 2>&1 | cat", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := shownBy(t, []string{"NO_COLOR=1"}, "sandbox", "--latency", "400ms", "--accounts", "40", "--", "sh", "-c", c.run)
			before, table, ok := strings.Cut(text, "PROFILE")
			if !ok || strings.Count(table, " new ") != 44 || strings.Contains(table, "refreshing") {
				t.Errorf("the table is %q", table)
			}
			if counts.MatchString(before) != c.want {
				t.Errorf("before the table: %q", before)
			}
			if c.want && !strings.HasSuffix(before, " \r") {
				t.Errorf("the line is still there: %q", before)
			}
		})
	}
}

// TestRefreshInterrupted wants Ctrl-C to leave with 130 and no table, and what was made
// until then kept.
func TestRefreshInterrupted(t *testing.T) {
	t.Parallel()
	s := onScreen(t, "sandbox", "--latency", "300ms", "--accounts", "60", "--", "sh", "-c",
		`trap : INT; gatehop refresh --all; echo "status $?"; gatehop refresh --all >again; grep -c " cached " again; grep -c " failed " again; rm again; exit 7`)
	s.see("refreshing: ")
	s.typeKeys("\x03")
	s.see("status 130")
	if s.times("PROFILE") != 0 || s.times("canceled") != 0 {
		t.Errorf("after Ctrl-C:\n%s", s.text.String())
	}
	if status := s.leave(); status != 7 {
		t.Errorf("status %d, want 7", status)
	}
	s.see("\x00end")
	_, rest, _ := strings.Cut(s.text.String(), "status 130\r\n")
	if !regexp.MustCompile(`(^|\r|\n)[1-9]\d*\r\n0\r\n`).MatchString(rest) {
		t.Errorf("how many were kept, and how many failed: %q", rest)
	}
}
