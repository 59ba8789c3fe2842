package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/creds/store"
	"gatehop/idp/idptest"
	"gatehop/sts/ststest"
)

// realProcesses is a real company for tests that start several processes, each with
// variables of its own and no password but what those say.
func realProcesses(t *testing.T, o realOptions) (idp, aws *counted, command func(vars []string, args ...string) *exec.Cmd) {
	t.Helper()
	w := newRealCompany(t, o)
	return w.idp, w.aws, func(vars []string, args ...string) *exec.Cmd {
		cmd := w.command("state", "gatehop", args...)
		cmd.Env = append(slices.DeleteFunc(cmd.Env, func(v string) bool { return v == password(worldPassword) }), vars...)
		return cmd
	}
}

// passwords is how many passwords the AD FS was sent.
func (c *counted) passwords() (n int) {
	requests, _ := c.seen()
	for _, r := range requests {
		if strings.HasPrefix(r, "POST ") {
			n++
		}
	}
	return n
}

// result is how a process ended.
type result struct {
	stdout, stderr string
	status         int
}

func resultOf(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	err := cmd.Run()
	if err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// together runs all processes at once.
func together(t *testing.T, cmds []*exec.Cmd) []result {
	t.Helper()
	results := make([]result, len(cmds))
	var wg sync.WaitGroup
	for i, cmd := range cmds {
		wg.Go(func() { results[i] = resultOf(t, cmd) })
	}
	wg.Wait()
	return results
}

const stagingProfile = `[profile staging]
gatehop_role_arn = arn:aws:iam::333333333333:role/Admins
gatehop_source_profile = gateway
region = eu-west-1

`

// TestWrongPasswordShared starts many processes at two hops with a password that is
// wrong: it is sent once, and all of them say the same. The right one is tried at once.
func TestWrongPasswordShared(t *testing.T) {
	t.Parallel()
	idp, aws, command := realProcesses(t, realOptions{more: stagingProfile})
	wrong := []string{password("not-the-password")}
	var cmds []*exec.Cmd
	many := 20 // to recognise a secret is slow on purpose; TestManyRuns has fifty
	if raceDetector {
		many = 8
	}
	for i := range many {
		cmds = append(cmds, command(wrong, "credential-process", []string{"dev", "staging"}[i%2]))
	}
	results := together(t, cmds)
	for i, r := range results {
		if r != results[0] || r.status != statusRefused || r.stdout != "" || !strings.Contains(r.stderr, "Incorrect user ID") {
			t.Fatalf("process %d ended with %+v, the first with %+v, want both refused alike", i, r, results[0])
		}
	}
	if n := idp.passwords(); n != 1 {
		t.Errorf("%d passwords were sent, want 1", n)
	}
	if kept := files(t, filepath.Join(homeOf(cmds[0]), "state", "failures")); len(kept) != 1+4 {
		t.Errorf("%d records of a failure at 4 locks: %q", len(kept)-1, kept)
	}
	right := resultOf(t, command([]string{password(worldPassword)}, "credential-process", "dev"))
	if right.status != 0 || right.stderr != "" || idp.passwords() != 2 {
		t.Errorf("with the right password: %+v after %d passwords", right, idp.passwords())
	}
	// The sign-in and the gateway are well again, and so is whatever they failed for.
	if r := resultOf(t, command(wrong, "credential-process", "staging")); r.status != 0 {
		t.Errorf("staging, whose gateway is signed in: %+v", r)
	}
	if kept := files(t, filepath.Join(homeOf(cmds[0]), "state", "failures")); len(kept) != 1 {
		t.Errorf("records after success: %q", kept)
	}
	if calls, _ := aws.seen(); len(calls) != 3 {
		t.Errorf("%d calls to AWS, want one exchange and two hops", len(calls))
	}
}

// TestManyRuns is fifty runs in one bubble, whose time stands still while they compute.
func TestManyRuns(t *testing.T) {
	runs := 50
	if raceDetector {
		runs = 20
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{config: stagingProfile + worldConfig, adfs: func(o *idptest.Options) { o.Latency = time.Second }})
		all := func(secret string) (outputs []output) {
			outputs = make([]output, runs)
			var wg sync.WaitGroup
			for i := range outputs {
				wg.Go(func() {
					outputs[i] = w.runWith([]string{password(secret)}, "credential-process", []string{"dev", "staging"}[i%2])
				})
			}
			wg.Wait()
			return outputs
		}
		refused := all("not-the-password")
		for _, o := range refused {
			if o.status != statusRefused || o.stderr != refused[0].stderr {
				t.Errorf("%+v, want it refused like %q", o, refused[0].stderr)
			}
		}
		if n := w.logins(); n != 1 {
			t.Errorf("%d passwords were sent, want 1", n)
		}
		for i, o := range all(worldPassword) {
			if o.status != 0 {
				t.Errorf("run %d with the right password: %+v", i, o)
			}
		}
		if c := w.sts.Counts(); w.logins() != 2 || c.AssumeRoleWithSAML != 1 || c.AssumeRole != 2 {
			t.Errorf("%d passwords in all and %+v, want 2, 1 and 2", w.logins(), c)
		}
	})
}

// TestFailureIsAnswered follows a failure through the minute in which unattended runs
// are answered with it, and everything that ends it sooner.
func TestFailureIsAnswered(t *testing.T) {
	t.Parallel()
	rarelyRaced(t, "one run after another")
	wrong, other := password("not-the-password"), password("nor-this")
	for _, c := range []struct {
		name  string
		later func(w *world) // between the failure and the next run
		vars  []string
		args  []string
		sent  int // further passwords
	}{
		{name: "at once"},
		{name: "after 59 s", later: func(w *world) { w.now = w.now.Add(59 * time.Second) }},
		{name: "after a minute", later: func(w *world) { w.now = w.now.Add(time.Minute) }, sent: 1},
		{name: "clock set back", later: func(w *world) { w.now = w.now.Add(-time.Second) }, sent: 1},
		{name: "another profile", args: []string{"credential-process", "staging"}},
		{name: "another command", args: []string{"env", "dev", "--shell", "bash"}},
		{name: "another password", vars: []string{other}, sent: 1},
		{name: "another user", vars: []string{`GATEHOP_USERNAME=CORP\bob`}, sent: 1},
		{name: "another code", vars: []string{"GATEHOP_OTP=123456"}, sent: 1},
		{name: "another user agent", vars: []string{"GATEHOP_USER_AGENT=x"}, sent: 1},
		{name: "another CA", vars: []string{"AWS_CA_BUNDLE=/other"}, sent: 1},
		{name: "somebody at the terminal", later: func(w *world) { w.answer = map[string]string{} }, args: []string{"env", "dev", "--shell", "bash"}, sent: 1},
		{name: "login", args: []string{"login", "dev", "--no-input"}, sent: 1},
		{name: "logout", later: func(w *world) { w.run("logout", "gateway").want(w.t, 0, "forgot the record of what failed") }, sent: 1},
		{name: "logout of all", later: func(w *world) { w.run("logout", "--all").want(w.t, 0, "which passwords were refused") }, sent: 1},
		{name: "nothing kept", later: func(w *world) { w.vars = []string{"GATEHOP_STORE=none"} }, sent: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{config: stagingProfile + worldConfig})
			first := w.runWith([]string{wrong}, "credential-process", "dev").want(t, statusRefused, "Incorrect user ID")
			if c.later != nil {
				c.later(w)
			}
			w.forgetRefusals()
			if c.args == nil {
				c.args = []string{"credential-process", "dev"}
			}
			before := w.logins()
			again := w.runWith(append([]string{wrong}, c.vars...), c.args...).want(t, statusRefused)
			if n := w.logins() - before; n != c.sent {
				t.Errorf("%d passwords were sent, want %d", n, c.sent)
			}
			if c.sent == 0 && again.stderr != first.stderr {
				t.Errorf("answered %q, want %q", again.stderr, first.stderr)
			}
			w.vars, w.answer = nil, nil
			w.forgetRefusals()
			w.runWith([]string{password(worldPassword)}, "credential-process", "dev").want(t, 0)
		})
	}
}

// TestWrongPasswordNotShared is the control: logins share no failure, and the same counter
// sees each of them. Each has a password of its own: what was refused is not sent again.
func TestWrongPasswordNotShared(t *testing.T) {
	t.Parallel()
	idp, _, command := realProcesses(t, realOptions{})
	var cmds []*exec.Cmd
	for i := range 3 {
		cmds = append(cmds, command([]string{password(fmt.Sprintf("wrong-%d", i))}, "login", "dev", "--no-input"))
	}
	for _, r := range together(t, cmds) {
		if r.status != statusRefused {
			t.Errorf("login = %+v, want refused", r)
		}
	}
	if n := idp.passwords(); n != len(cmds) {
		t.Errorf("%d passwords for %d logins", n, len(cmds))
	}
	if kept := files(t, filepath.Join(homeOf(cmds[0]), "state")); strings.Contains(strings.Join(kept, " "), "failure") {
		t.Errorf("a login's failure was kept: %q", kept)
	}
}

// TestProfilesBehindOneGateway starts many processes over many profiles.
func TestProfilesBehindOneGateway(t *testing.T) {
	t.Parallel()
	idp, aws, command := realProcesses(t, realOptions{more: manyProfiles(10)})
	var cmds []*exec.Cmd
	for i := range 30 {
		cmds = append(cmds, command([]string{password(worldPassword)}, "credential-process", profileNumber(i%10)))
	}
	for i, r := range together(t, cmds) {
		if r.status != 0 || r.stderr != "" {
			t.Errorf("process %d = %+v, want credentials", i, r)
		}
	}
	if calls, _ := aws.seen(); idp.passwords() != 1 || len(calls) != 11 {
		t.Errorf("%d passwords and %d calls to AWS, want 1 and 11", idp.passwords(), len(calls))
	}
}

// manyProfiles are hops to one role under session names of their own.
func manyProfiles(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("[profile " + profileNumber(i) + "]\ngatehop_role_arn = arn:aws:iam::444444444444:role/Admins\n" +
			"gatehop_source_profile = gateway\ngatehop_role_session_name = " + profileNumber(i) + "\nregion = eu-west-1\n\n")
	}
	return b.String()
}

func profileNumber(i int) string { return "hop-" + string(rune('a'+i)) }

func homeOf(cmd *exec.Cmd) string { return environ.Vars(cmd.Env).Get("HOME") }

// holderOf is what a process says of itself in the locks that it holds.
func holderOf(cmd *exec.Cmd, words string) store.Holder {
	return store.Holder{PID: cmd.Process.Pid, Command: words}
}

func pidText(cmd *exec.Cmd) string { return strconv.Itoa(cmd.Process.Pid) }

// TestNothingKeptNothingAwaited wants runs that share nothing not to stand in line for
// each other: twelve sign-ins one after the other would take longer than nobody waits.
func TestNothingKeptNothingAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{bubble: true, config: strings.ReplaceAll(worldConfig, "gatehop_store = file", "gatehop_store = none"),
			adfs: func(o *idptest.Options) { o.Latency = 300 * time.Millisecond }, sts: func(o *ststest.Options) { o.Latency = 300 * time.Millisecond }})
		w.vars = []string{password(worldPassword)}
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() { w.run("credential-process", "dev").want(t, 0) })
		}
		wg.Wait()
		if n := w.logins(); n != 12 {
			t.Errorf("%d sign-ins, want 12", n)
		}
	})
}

// forgetRefusals takes from the lock-out guard what it remembers, for tests of what is
// remembered besides.
func (w *world) forgetRefusals() {
	w.t.Helper()
	for _, name := range []string{"refusals", "guard"} {
		if err := os.RemoveAll(filepath.Join(w.home, "state", name)); err != nil {
			w.t.Fatal(err)
		}
	}
}
