package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// isOver reports whether a process has ended, reaped or not.
func isOver(pid string) bool {
	data, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return true
	}
	_, state, _ := strings.Cut(string(data), ") ")
	return strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X")
}

// eventually waits for what the kernel does soon.
func eventually(done func() bool) bool {
	for range 500 {
		if done() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// TestTied kills gatehop so that it can do nothing more: the command ends all the same, and
// nobody answers on its port. A sandbox, whose command is not tied, is the control.
func TestTied(t *testing.T) {
	t.Parallel()
	const show = `echo $$ $PPID $AWS_CONTAINER_CREDENTIALS_FULL_URI $AWS_CONTAINER_AUTHORIZATION_TOKEN; exec sleep 300`
	for _, c := range []struct {
		name string
		args []string
		tied bool
	}{
		{"exec --serve", []string{"sandbox", "--", "gatehop", "exec", "--serve", "dev", "--", "sh", "-c", show}, true},
		{"the control", []string{"sandbox", "--", "sh", "-c", show}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cmd, _ := asNobody(t, c.args...)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() }()
			line, err := bufio.NewReader(out).ReadString('\n')
			words := strings.Fields(line)
			if err != nil || len(words) < 2 {
				t.Fatalf("the command says %q, %v", line, err)
			}
			child := words[0]
			parent, err := strconv.Atoi(words[1])
			if err != nil || isOver(child) {
				t.Fatalf("the command says %q", line)
			}
			if c.tied {
				askAsRoot(t, words[2], words[3])
			}
			if err := syscall.Kill(parent, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if !c.tied {
				if time.Sleep(200 * time.Millisecond); isOver(child) {
					t.Error("a command that is not tied ends with its parent: the check shows nothing")
				}
				pid, err := strconv.Atoi(child)
				if err != nil {
					t.Fatal(err)
				}
				_ = syscall.Kill(pid, syscall.SIGKILL)
				return
			}
			if !eventually(func() bool { return isOver(child) }) {
				t.Error("the command goes on")
			}
			// The kernel ends the threads of a process one by one, and its sockets with the last.
			if !eventually(func() bool { return isGone(t, words[2]) }) {
				t.Error("somebody answers on the port")
			}
		})
	}
}

// askAsRoot shows the token to an endpoint of another user, unless nobody here is root.
func askAsRoot(t *testing.T, address, token string) {
	t.Helper()
	status, body := asked(t, []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + address, "AWS_CONTAINER_AUTHORIZATION_TOKEN=" + token}, nil)
	if got, want := strings.Contains(body, "AnotherUser"), os.Getuid() == 0; got != want || strings.Contains(body, "ASIA") == want {
		t.Errorf("user %d gets %d %s", os.Getuid(), status, body)
	}
}

// TestTiedToServer ends a command whose server has ended before it.
func TestTiedToServer(t *testing.T) {
	t.Parallel()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	for _, stops := range []bool{true, false} {
		stopped := make(chan struct{})
		a := &app{process: process{stdout: io.Discard, stderr: io.Discard, stdin: strings.NewReader("")}}
		c := command{path: sleep, args: []string{"sleep", "0.3"}, tied: stopped}
		if stops {
			c.args[1] = "300"
			time.AfterFunc(50*time.Millisecond, func() { close(stopped) })
		}
		err := a.runChild(c)
		var exit *childExit
		if killed := errors.As(err, &exit) && exit.status == 128+int(syscall.SIGKILL); killed != stops || !stops && err != nil {
			t.Errorf("the server stops: %v; the command ends with %v", stops, err)
		}
	}
}

// TestServeSignals passes on to the command what asks it to end, answers until it has, and
// leaves with its status.
func TestServeSignals(t *testing.T) {
	t.Parallel()
	const last = `trap 'kill -0 $PPID && echo still; exit 7' TERM; echo $$ $PPID; while :; do sleep 0.05; done`
	cmd, _ := asNobody(t, "sandbox", "--", "sh", "-c", "gatehop exec --serve dev -- sh -c '"+strings.ReplaceAll(last, "'", `'\''`)+"'; echo status $?")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the command says nothing")
	}
	parent, err := strconv.Atoi(strings.Fields(lines.Text())[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(parent, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	if got := strings.Join(said, ","); got != "still,status 7" {
		t.Errorf("the command and its gatehop say %q", got)
	}
}
