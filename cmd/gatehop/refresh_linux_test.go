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
