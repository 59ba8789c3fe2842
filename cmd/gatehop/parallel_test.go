package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"strings"
	"testing"
)

// crowd is many processes that want credentials at once on an empty cache.
type crowd struct {
	processes int
	profiles  []string       // process i wants profile i modulo their number
	program   []string       // nil: gatehop credential-process
	costs     map[string]int // of all together
}

// counted by the listeners: passwords and calls to AWS.
func costs(passwords, exchanges, hops int) map[string]int {
	return map[string]int{"password": passwords, "AssumeRoleWithSAML": exchanges, "AssumeRole": hops}
}

// run starts all before it waits for any, and returns what was wrong.
func (c crowd) run(w *realCompany) error {
	program := c.program
	if program == nil {
		program = []string{"gatehop", "credential-process"}
	}
	type member struct {
		cmd       *exec.Cmd
		out, errs bytes.Buffer
	}
	all := make([]*member, c.processes)
	var problems []error
	for i := range all {
		args := append(program[1:len(program):len(program)], c.profiles[i%len(c.profiles)])
		m := &member{cmd: w.command("state", program[0], args...)}
		m.cmd.Stdout, m.cmd.Stderr = &m.out, &m.errs
		if err := m.cmd.Start(); err != nil {
			problems = append(problems, err)
			continue
		}
		all[i] = m
	}
	answers := map[string]string{}
	for i, m := range all {
		if m == nil {
			continue
		}
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
	if got := w.calls(); !maps.Equal(got, c.costs) {
		problems = append(problems, fmt.Errorf("%d processes cost %v, want %v", c.processes, got, c.costs))
	}
	return errors.Join(problems...)
}

// accounts is the names of further destination profiles.
func accounts(n int) []string {
	var names []string
	for _, d := range destinations(sandboxOptions{accounts: n})[3:] {
		names = append(names, d[0])
	}
	return names
}

// TestParallelProcesses starts many processes at once on an empty cache: one sign-in,
// one exchange, one hop for each destination, one answer for all who want the same.
func TestParallelProcesses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]crowd{
		"50 for one profile":  {processes: 50, profiles: []string{"dev"}, costs: costs(1, 1, 1)},
		"200 for 20 profiles": {processes: 200, profiles: accounts(20), costs: costs(1, 1, 20)},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.run(newRealCompany(t, realOptions{accounts: 20})); err != nil {
				t.Error(err)
			}
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
		{"each signs in", crowd{program: []string{"gatehop", "login", "--force", "--json"}, costs: costs(1, 1, 1)}, "cost map[AssumeRole:3 AssumeRoleWithSAML:3 password:3]"},
		{"answers differ", crowd{program: []string{"gatehop", "login", "--force", "--json"}, costs: costs(3, 3, 3)}, "another answer"},
		{"nobody asks", crowd{program: []string{"gatehop", "version"}, costs: costs(1, 1, 1)}, "cost map[]"},
		{"all fail", crowd{program: []string{"gatehop", "credential-process", "--no-such"}, costs: costs(0, 0, 0)}, "exit status 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.crowd.processes, c.crowd.profiles = 3, []string{"dev"}
			if err := c.crowd.run(newRealCompany(t, realOptions{})); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("run = %v, want %q", err, c.want)
			}
		})
	}
}
