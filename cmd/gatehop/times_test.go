package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// timeNames are the names under which JSON has a point in time, and secondsNames those of
// a time span, or of a number that is none.
var (
	timeNames    = []string{"expires", "since", "until", "Expiration"}
	secondsNames = []string{"seconds_left", "longest_seconds", "Version", "status"}
)

// forPeople is a time as a person is told it: "in 47 min", "1h0m0s", "47m".
var forPeople = regexp.MustCompile(`\bin \d|\d (min|h|s)\b|\b\d+h\d+m|\b\d+[hms]\b`)

// timeProblems says what in a JSON text is not a time as programs read it.
func timeProblems(text string) (problems []string, times int) {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return []string{err.Error()}, 0
	}
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				walk(name, value)
			}
		case []any:
			for _, value := range v {
				walk(name, value)
			}
		case float64:
			if !slices.Contains(secondsNames, name) || v != float64(int64(v)) {
				problems = append(problems, fmt.Sprintf("%s is the number %v", name, v))
			}
		case string:
			if at, err := time.Parse(time.RFC3339, v); err == nil {
				times++
				if _, zone := at.Zone(); zone != 0 || !strings.HasSuffix(v, "Z") || !slices.Contains(timeNames, name) {
					problems = append(problems, fmt.Sprintf("%s is the time %s, in no zone of everybody's or under another name", name, v))
				}
			} else if slices.Contains(timeNames, name) || forPeople.MatchString(v) {
				problems = append(problems, fmt.Sprintf("%s is %q", name, v))
			}
		}
	}
	walk("", v)
	return problems, times
}

// TestTimesInJSON runs every command that prints JSON and wants every time in it in UTC as
// RFC 3339 has it, spans in seconds, and nothing said as to a person.
func TestTimesInJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.vars = []string{password(worldPassword), "AWS_ACCESS_KEY_ID=x", "GATEHOP_PROFILE=dev", "AWS_CREDENTIAL_EXPIRATION=2026-03-01T10:47:00+01:00"}
	for _, c := range []struct {
		args  string
		times int
	}{
		{"login dev --json", 2}, {"refresh dev gateway --json", 2}, {"status --json", 2}, {"status dev --json", 2},
		{"roles gateway --json", 0}, {"version --json", 0}, {"credential-process dev", 1}, {"login dev --write --dry-run --json", 0}, {"logout dev --json", 0},
		{"configure gateway --dry-run --json", 0}, {"each dev --json -- hostname", 1},
	} {
		out := w.run(strings.Fields(c.args)...).want(t, 0)
		problems, times := timeProblems(out.stdout)
		if len(problems) > 0 || times != c.times {
			t.Errorf("%s: %d times, want %d, %q\n%s", c.args, times, c.times, problems, out.stdout)
		}
	}
	// serve prints and stays: it ends when it has printed. Its token may look like anything.
	served := regexp.MustCompile(`"token": "[^"]*"`).ReplaceAllString(w.served("dev", "--json"), `"token": ""`)
	if problems, times := timeProblems(served); len(problems) > 0 || times != 1 {
		t.Errorf("serve --json: %d times, %q\n%s", times, problems, served)
	}
	rows := []string{"login", "serve", "refresh", "status", "roles", "version", "logout", "configure", "each"}
	for _, c := range rootCommand(&app{}).Commands() {
		if c.Flags().Lookup("json") != nil && !slices.Contains(rows, c.Name()) {
			t.Errorf("%s has --json and no row here", c.Name())
		}
	}
}

// TestTimesInJSONControl plants times as people read them.
func TestTimesInJSONControl(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"expires": "in 47 min"}`, `{"expires": "2026-03-01T10:00:00+01:00"}`, `{"expires": 1772355600}`, `{"left": "1h0m0s"}`,
		`{"left": "59m"}`, `{"a": [{"end": "2026-03-01T10:00:00Z"}]}`, `{"seconds_left": 1.5}`, `{"environment": ["which end in 3 h"]}`, `{`,
	} {
		if problems, _ := timeProblems(text); len(problems) == 0 {
			t.Errorf("no problem in %s", text)
		}
	}
}
