package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// process is what the world runs gatehop with, for tests that call its parts.
func (w *world) process(vars []string, args ...string) (p process, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return process{
		args:  args,
		env:   append([]string{"HOME=" + w.home, "USERPROFILE=" + w.home, "GATEHOP_HOME=" + filepath.Join(w.home, "state"), "PATH=" + os.Getenv("PATH")}, vars...),
		stdin: strings.NewReader(""), stdout: stdout, stderr: stderr, now: w.clock, terminal: w.person, transport: w.net,
		executable: func() (string, error) { return filepath.Join(w.home, "gatehop"), nil },
	}, stdout, stderr
}

// warmly is what the warm path says to a command line, if it answers.
func (w *world) warmly(vars []string, args ...string) (o output, done bool) {
	p, stdout, stderr := w.process(vars, args...)
	o.status, done = warm(context.Background(), p)
	o.stdout, o.stderr = stdout.String(), stderr.String()
	return o, done
}

// wholly is what the command tree says.
func (w *world) wholly(vars []string, args ...string) (o output) {
	p, stdout, stderr := w.process(vars, args...)
	o.status = runCommand(context.Background(), p)
	o.stdout, o.stderr = stdout.String(), stderr.String()
	return o
}

// differ says in what two runs differ for whoever sees only their streams and status.
func differ(a, b output) (in []string) {
	if a.stdout != b.stdout {
		in = append(in, "stdout")
	}
	if a.stderr != b.stderr {
		in = append(in, "stderr")
	}
	if a.status != b.status {
		in = append(in, "status")
	}
	return in
}

// TestWarmSaysTheSame runs every short way through the warm path and through the command
// tree, and wants the same bytes. The control is a run a minute later, of another profile
// or for another shell, which must not pass for the same.
func TestWarmSaysTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, 0)
	start := w.now
	for _, c := range []struct {
		vars  []string
		after time.Duration
		args  []string
		word  string
	}{
		{nil, 0, []string{"credential-process", "dev"}, `"AccessKeyId"`},
		{nil, 0, []string{"credential-process", "gateway"}, `"AccessKeyId"`},
		{nil, 0, []string{"env", "dev"}, "export AWS_SESSION_TOKEN="},
		{[]string{"SHELL=/usr/bin/zsh"}, 0, []string{"env", "gateway"}, "export AWS_REGION="},
		{[]string{"AWS_REGION=us-east-1", "AWS_PROFILE=open"}, 0, []string{"env", "dev"}, "eu-west-1"},
		{nil, 0, []string{"status", "dev", "--short"}, "60m\n"},
		{nil, 0, []string{"status", "--short", "gateway"}, "12h\n"},
		{nil, 0, []string{"status", "open", "--short"}, "none\n"},
		{nil, 41 * time.Minute, []string{"status", "dev", "--short"}, "19m\n"},
		{nil, 2 * time.Hour, []string{"status", "dev", "--short"}, "expired\n"},
		{[]string{`GATEHOP_USERNAME=CORP\bob`}, 0, []string{"status", "dev", "--short"}, "none\n"},
	} {
		name := strings.Join(append(slices.Clone(c.vars), c.args...), " ")
		w.now = start.Add(c.after)
		fast, done := w.warmly(c.vars, c.args...)
		if !done || !strings.Contains(fast.stdout, c.word) {
			t.Errorf("%s: done %v, %q; want %q from the warm path", name, done, fast.stdout, c.word)
		}
		if in := differ(fast, w.wholly(c.vars, c.args...)); in != nil {
			t.Errorf("%s: the two ways differ in %v", name, in)
		}
	}
	w.now = start
	fast, _ := w.warmly(nil, "status", "dev", "--short")
	w.now = start.Add(time.Minute)
	if in := differ(fast, w.wholly(nil, "status", "dev", "--short")); !slices.Equal(in, []string{"stdout"}) {
		t.Errorf("a minute later the two ways differ in %v: the comparison is blind", in)
	}
	fast, _ = w.warmly(nil, "env", "dev")
	if in := differ(fast, w.wholly([]string{"SHELL=/bin/fish"}, "env", "dev")); !slices.Equal(in, []string{"stdout", "stderr", "status"}) {
		t.Errorf("for an unknown shell they differ in %v: the comparison is blind", in)
	}
}

// TestWarmLeaves wants the warm path to keep out of everything else, and to have printed
// nothing when it does.
func TestWarmLeaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	leaves := func(what string, vars []string, args ...string) {
		t.Helper()
		if o, done := w.warmly(vars, args...); done || o.stdout+o.stderr != "" {
			t.Errorf("%s: %q: done %v, %q %q; want it left to the command tree", what, args, done, o.stdout, o.stderr)
		}
	}
	cached := [][]string{{"credential-process", "dev"}, {"env", "dev"}}
	for _, args := range cached {
		leaves("before a sign-in", nil, args...)
	}
	w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, 0)
	for _, args := range append(slices.Clone(cached), []string{"status", "dev", "--short"}) {
		if _, done := w.warmly(nil, args...); !done {
			t.Errorf("%q: left to the command tree: what follows shows nothing", args)
		}
	}
	for _, args := range [][]string{
		nil, {"credential-process"}, {"credential-process", "--help"}, {"credential-process", "-h"}, {"credential-process", "dev", "--prompt"},
		{"credential-process", "--", "dev"}, {"--no-input", "credential-process", "dev"}, {"credential-process", "nobody"}, {"credential-process", ""},
		{"env"}, {"env", "dev", "--shell", "zsh"}, {"env", "--help"}, {"env", "nobody"},
		{"status"}, {"status", "dev"}, {"status", "--short"}, {"status", "--short", "--json"}, {"status", "--help", "--short"},
		{"status", "dev", "--json"}, {"status", "nobody", "--short"}, {"login", "dev"}, {"exec", "dev"}, {"roles", "dev"},
	} {
		leaves("other words", nil, args...)
	}
	leaves("a shell that is not known", []string{"SHELL=/bin/fish"}, "env", "dev")
	for _, args := range cached {
		leaves("another user", []string{`GATEHOP_USERNAME=CORP\bob`}, args...)
	}
	w.now = w.now.Add(41 * time.Minute)
	for _, args := range cached {
		leaves("past the margin", nil, args...)
	}
	for _, name := range files(t, filepath.Join(w.home, "state", "sessions")) {
		if name != "." {
			w.write(filepath.Join("state", "sessions", name), "gatehop sealed 1\nnot what it was")
		}
	}
	leaves("what is worth a warning", nil, "status", "dev", "--short")
	if o := w.wholly(nil, "status", "dev", "--short"); !strings.Contains(o.stderr, "warning") || o.stdout != "none\n" {
		t.Errorf("a damaged entry: %q %q, want none and a warning", o.stdout, o.stderr)
	}
}
