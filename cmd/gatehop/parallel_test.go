package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// crowd is many processes that want credentials at once on an empty cache.
type crowd struct {
	processes int
	profiles  []string       // process i wants profile i modulo their number
	command   []string       // of gatehop, before the profile
	costs     map[string]int // of all together
}

// counted by the listeners: passwords and calls to AWS.
func costs(passwords, exchanges, hops int) map[string]int {
	return map[string]int{"password": passwords, "AssumeRoleWithSAML": exchanges, "AssumeRole": hops}
}

// gated is a role of the test binary: gatehop that says when it is there and begins when its input ends. Starting two hundred
// processes takes longer than the fifteen seconds that an unattended gatehop has, and
// they are to ask at once.
func gated() {
	fmt.Fprintln(os.Stderr, gateWord)
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(realMain(nil))
}

const gateWord = "ready"

// member is one process of a crowd. It is its own standard error.
type member struct {
	cmd       *exec.Cmd
	ready     chan struct{}
	out, errs bytes.Buffer
}

func (m *member) Write(p []byte) (int, error) {
	if m.errs.Len() == 0 {
		close(m.ready)
	}
	return m.errs.Write(p)
}

// run lets all go at once and returns what was wrong, and how long it took from then on.
func (c crowd) run(w *realCompany) (time.Duration, error) {
	gate, opener, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer gate.Close()
	all := make([]*member, c.processes)
	for i := range all {
		args := append(slices.Clone(c.command), c.profiles[i%len(c.profiles)])
		m := &member{cmd: w.command("state", "gatehop-gated", args...), ready: make(chan struct{})}
		m.cmd.Stdin, m.cmd.Stdout, m.cmd.Stderr = gate, &m.out, m
		if err := m.cmd.Start(); err != nil {
			_ = opener.Close()
			return 0, err
		}
		all[i] = m
	}
	for _, m := range all {
		<-m.ready
	}
	opened := time.Now()
	_ = opener.Close()
	problems := c.judge(all)
	took := time.Since(opened)
	if got := w.calls(); !maps.Equal(got, c.costs) {
		problems = append(problems, fmt.Errorf("%d processes cost %v, want %v", c.processes, got, c.costs))
	}
	return took, errors.Join(problems...)
}

// judge waits for all and compares the answers of those who wanted the same.
func (c crowd) judge(all []*member) (problems []error) {
	answers := map[string]string{}
	for i, m := range all {
		if err := m.cmd.Wait(); err != nil {
			problems = append(problems, fmt.Errorf("process %d: %w: %s", i, err, m.errs.String()))
			continue
		}
		name, answer := c.profiles[i%len(c.profiles)], m.out.String()
		if first, ok := answers[name]; !ok {
			answers[name] = answer
		} else if answer != first || !strings.HasPrefix(answer, `{"Version":1,`) {
			problems = append(problems, fmt.Errorf("process %d was given another answer for %s: %d and %d bytes", i, name, len(answer), len(first)))
		}
	}
	return problems
}

// accounts is the names of further destination profiles.
func accounts(n int) []string {
	var names []string
	for _, d := range destinations(sandboxOptions{accounts: n})[3:] {
		names = append(names, d[0])
	}
	return names
}

// TestParallelProcesses lets many processes go at once on an empty cache: one sign-in,
// one exchange, one hop for each destination, one answer for all who want the same.
// Under the race detector, for which the crowd without it is the test, it is half as many:
// each process then takes so long to start that two hundred come close to their 15 seconds.
func TestParallelProcesses(t *testing.T) {
	t.Parallel()
	command, many := []string{"credential-process"}, 200
	if raceDetector {
		many = 40
	}
	for _, c := range []crowd{
		{processes: 50, command: command, profiles: []string{"dev"}, costs: costs(1, 1, 1)},
		{processes: many, command: command, profiles: accounts(20), costs: costs(1, 1, 20)},
	} {
		t.Run(fmt.Sprintf("%d for %s", c.processes, plural(len(c.profiles), "profile")), func(t *testing.T) {
			took, err := c.run(newRealCompany(t, realOptions{accounts: 20}))
			if err != nil {
				t.Error(err)
			}
			t.Logf("%d processes in %v", c.processes, took.Round(time.Millisecond))
		})
	}
}

// TestParallelProcessesJudge shows that a crowd that does not share is found out.
func TestParallelProcessesJudge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		crowd crowd
		want  string
	}{
		{"each signs in", crowd{command: []string{"login", "--force", "--json"}, costs: costs(1, 1, 1)}, "cost map[AssumeRole:3 AssumeRoleWithSAML:3 password:3]"},
		{"answers differ", crowd{command: []string{"login", "--force", "--json"}, costs: costs(3, 3, 3)}, "another answer"},
		{"nobody asks", crowd{command: []string{"version"}, costs: costs(1, 1, 1)}, "cost map[]"},
		{"all fail", crowd{command: []string{"credential-process", "--no-such"}, costs: costs(0, 0, 0)}, "exit status 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.crowd.processes, c.crowd.profiles = 3, []string{"dev"}
			if _, err := c.crowd.run(newRealCompany(t, realOptions{})); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("run = %v, want %q", err, c.want)
			}
		})
	}
}
