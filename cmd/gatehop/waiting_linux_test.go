package main

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// reached waits until somebody has sent the provider a request.
func (c *counted) reached(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if requests, _ := c.seen(); len(requests) > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody reaches the provider")
		}
	}
}

// TestLeaderStopped stops a run in the middle of its sign-in. Who has nobody to ask
// leaves in the end and names it; a person is told what to do, and both go on with it.
func TestLeaderStopped(t *testing.T) {
	t.Parallel()
	idp, _, command := realProcesses(t, realOptions{slow: 500 * time.Millisecond})
	own := []string{password(worldPassword)}
	leader := command(own, "credential-process", "dev")
	if err := leader.Start(); err != nil {
		t.Fatal(err)
	}
	idp.reached(t)
	if err := leader.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	person := screenFor(t, command(own, "env", "dev", "--shell", "bash"), t.TempDir())
	r := resultOf(t, command(own, "credential-process", "dev"))
	name := holderName(holderOf(leader, "credential-process dev"))
	if r.status != statusHuman || r.stdout != "" || !strings.Contains(r.stderr, name+" is signing in and was stopped") {
		t.Errorf("behind a stopped run: %+v, want it named", r)
	}
	person.see("waiting for " + name + ", which was stopped: continue it with `fg`")
	if err := leader.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	person.see("AWS_ACCESS_KEY_ID")
	if status := person.leave(); status != 0 || idp.passwords() > 2 { // the leader's own time may be over
		t.Errorf("the person left with %d after %d passwords", status, idp.passwords())
	}
	_ = leader.Wait()
}

// TestLeaderKilled kills a run in the middle of its sign-in: it is replaced, once.
func TestLeaderKilled(t *testing.T) {
	t.Parallel()
	idp, _, command := realProcesses(t, realOptions{slow: 300 * time.Millisecond})
	own := []string{password(worldPassword)}
	leader := command(own, "credential-process", "dev")
	if err := leader.Start(); err != nil {
		t.Fatal(err)
	}
	idp.reached(t)
	time.AfterFunc(200*time.Millisecond, func() { _ = leader.Process.Kill() })
	var cmds []*exec.Cmd
	for range 6 {
		cmds = append(cmds, command(own, "credential-process", "dev"))
	}
	for _, r := range together(t, cmds) {
		if r.status != 0 || r.stderr != "" {
			t.Errorf("behind a killed run: %+v, want credentials", r)
		}
	}
	if err := leader.Wait(); err == nil {
		t.Error("the leader was done before it was killed: the test shows nothing")
	}
	if n := idp.passwords(); n < 1 || n > 2 {
		t.Errorf("%d passwords, want one, and one more for the run that was killed", n)
	}
}

// TestLeaderAsks has a run ask its person for the password. Who has nobody to ask
// leaves and names it; who waits at another terminal learns what became of the question.
func TestLeaderAsks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		args  []string
		end   func(s *screen)
		shows string // to the person who waits
		left  int    // the status of the one who was asked
		want  int    // and of the one who waited; -1: is asked in turn
	}{
		{"ctrl-c", []string{"env", "dev", "--shell", "bash"}, func(s *screen) { s.typeKeys("\x03") }, "was cancelled by its person", statusInterrupted, statusInterrupted},
		{"ctrl-c at login", []string{"login", "dev"}, func(s *screen) { s.typeKeys("\x03") }, "was cancelled by its person", statusInterrupted, statusInterrupted},
		{"killed", []string{"login", "dev"}, func(s *screen) { _ = s.cmd.Process.Kill() }, "Password", -1, -1},
		{"answered", []string{"login", "dev"}, func(s *screen) { s.typeKeys(worldPassword + "\r") }, "AWS_ACCESS_KEY_ID", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			idp, _, command := realProcesses(t, realOptions{})
			leader := screenFor(t, command(nil, c.args...), t.TempDir())
			leader.see("Password")
			leader.waitForEcho(false)
			name := holderName(holderOf(leader.cmd, strings.Join(c.args[:2], " ")))
			waiting := screenFor(t, command(nil, "env", "dev", "--shell", "bash"), t.TempDir())
			waiting.see("waiting for " + name + ", which waits for its person")
			r := resultOf(t, command([]string{password(worldPassword)}, "credential-process", "dev"))
			if r.status != statusHuman || !strings.Contains(r.stderr, name+" is signing in and waits for its person") {
				t.Errorf("with nobody to ask: %+v, want it to leave and name %s", r, name)
			}
			c.end(leader)
			waiting.see(c.shows)
			if c.want < 0 {
				waiting.waitForEcho(false)
				waiting.typeKeys(worldPassword + "\r")
				waiting.see("AWS_ACCESS_KEY_ID")
				c.want = 0
			}
			if left := leader.leave(); left != c.left {
				t.Errorf("the one who was asked left with %d, want %d", left, c.left)
			}
			if status := waiting.leave(); status != c.want {
				t.Errorf("the one who waited left with %d, want %d\n%s", status, c.want, waiting.text.String())
			}
			if n := idp.passwords(); n > 1 || c.want == 0 && n != 1 {
				t.Errorf("%d passwords were sent", n)
			}
		})
	}
}

func TestIsStopped(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for { // the signal takes a moment
		if _, state := stateOf(pidText(cmd)); state == 'T' {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if isStopped(cmd.Process.Pid) {
		t.Error("a stopped sleep passes for a gatehop")
	}
}
