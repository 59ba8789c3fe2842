package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// untilSignal is a command that says what it hears, goes on for a moment to hear it
// twice, and leaves.
const untilSignal = `left=100000
trap 'echo heard-INT; left=10' INT
trap 'echo heard-TERM; left=10' TERM
echo ready
while test $left -gt 0; do sleep 0.03; left=$((left-1)); done; exit 9`

// TestEachInterrupt wants Ctrl-C heard once by every command, and a second one to end those
// that do not listen.
func TestEachInterrupt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, script string
		keys         int
		heard        map[string]int // words on the screen
	}{
		{"once", untilSignal, 1, map[string]int{"| heard-INT": 3, "heard-TERM": 0, "status 9\r": 3, "0 of 5 ok, 3 failed, 2 not started": 1}},
		{"politely", `trap 'echo bye; exit 0' INT; echo ready; while :; do sleep 0.03; done`, 1, map[string]int{"| bye": 3, "3 of 5 ok, 2 not started": 1}},
		{"twice", `trap 'echo deaf' INT; echo ready; while :; do sleep 0.03; done`, 2, map[string]int{"| deaf": 3, "status 143\r": 3, "0 of 5 ok, 3 failed, 2 not started": 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := onScreen(t, "sandbox", "--accounts", "5", "--", "gatehop", "each", "acct-*", "--parallel", "3", "--", "sh", "-c", c.script)
			ready := "| ready"
			for range c.keys {
				if problem := s.seeTimes(ready, 3); problem != "" {
					t.Fatal(problem)
				}
				s.typeKeys("\x03")
				ready = "| deaf"
			}
			if c.keys > 1 {
				s.insist("\x03", "status 143\r", 3)
			}
			if status := s.leave(); status != statusInterrupted {
				t.Errorf("status %d, want %d", status, statusInterrupted)
			}
			s.see("\x00end")
			for words, n := range c.heard {
				if got := s.times(words); got < n || words != "| deaf" && got != n {
					t.Errorf("%q is on the screen %d times, want %d:\n%s", words, got, n, s.text.String())
				}
			}
		})
	}
}

// TestEachSecond: a Ctrl-C of the terminal's, which the commands heard, sends them nothing;
// the second one is SIGTERM.
func TestEachSecond(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &eachRun{running: map[*os.Process]bool{cmd.Process: true}}
	ended := make(chan error, 1)
	r.end(os.Interrupt, true)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		t.Fatalf("the first one ended it: %v", err)
	case <-time.After(50 * time.Millisecond): // long enough for most signals
	}
	r.end(os.Interrupt, true)
	if err := <-ended; err == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("after the second one: %v", err)
	}
}

// insist types again what should make words show so many times, as a person does: while a
// process is kept waiting, the system makes one signal of two.
func (s *screen) insist(keys, words string, times int) {
	s.t.Helper()
	whole := s.patience
	defer func() { s.patience = whole }()
	s.patience = whole / 10
	for range 9 {
		if s.seeTimes(words, times) == "" {
			return
		}
		s.typeKeys(keys)
	}
}

// TestEachSignals wants what ends gatehop alone, without a terminal, passed on to every
// command.
func TestEachSignals(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			_, _, command := realProcesses(t, realOptions{more: manyProfiles(4)})
			cmd := command([]string{password(worldPassword)}, "each", "hop-*", "--parallel", "3", "--", "sh", "-c", untilSignal)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			out := &heard{want: 3}
			out.ready = sync.NewCond(&out.mu)
			cmd.Stdout = out
			var errs bytes.Buffer
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
			out.wait()
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			word := map[syscall.Signal]string{syscall.SIGINT: "heard-INT", syscall.SIGTERM: "heard-TERM"}[signal]
			if n := strings.Count(out.text.String(), word); n != 3 || cmd.ProcessState.ExitCode() != statusInterrupted {
				t.Errorf("%d of 3 commands heard it, status %d\n%s%s", n, cmd.ProcessState.ExitCode(), out.text.String(), errs.String())
			}
			if !strings.Contains(errs.String(), "0 of 4 ok, 3 failed, 1 not started\n") {
				t.Errorf("standard error is\n%s", errs.String())
			}
		})
	}
}

// heard is output that can be waited for to say that so many commands are ready.
type heard struct {
	want  int
	mu    sync.Mutex
	text  bytes.Buffer
	ready *sync.Cond
}

func (h *heard) Write(data []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.ready.Broadcast()
	return h.text.Write(data)
}

func (h *heard) wait() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for strings.Count(h.text.String(), "| ready") < h.want {
		h.ready.Wait()
	}
}

// TestEachColour wants a profile's colour before its lines where the terminal knows
// colours, and no byte of it anywhere else.
func TestEachColour(t *testing.T) {
	t.Parallel()
	const run = `sed -i 's/^\[profile dev\]$/&\ngatehop_color = ff0000/' "$AWS_CONFIG_FILE"; gatehop each dev staging -- sh -c 'echo out; echo err >&2'`
	const red = "\x1b[48;5;196m  \x1b[0m "
	for _, c := range []struct {
		name       string
		vars       []string
		run        string
		dev, plain string // before the names
	}{
		{"terminal", nil, run, red, "   "},
		{"NO_COLOR", []string{"NO_COLOR=1"}, run, "", ""},
		{"dumb", []string{"TERM=dumb"}, run, "", ""},
		{"pipe", nil, "{ " + run + "; } 2>&1 | cat", "", ""},
		{"no colour", nil, strings.Replace(run, "ff0000", "", 1), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.name == "no colour" {
				c.run = c.run[strings.Index(c.run, "gatehop each"):]
			}
			text := "\n" + strings.ReplaceAll(shownBy(t, c.vars, "sandbox", "--", "sh", "-c", c.run), "\r", "")
			for _, word := range []string{"out", "err"} {
				for _, want := range []string{"\n" + c.dev + "dev     | " + word + "\n", "\n" + c.plain + "staging | " + word + "\n"} {
					if !strings.Contains(text, want) {
						t.Errorf("no %q in %q", want, text)
					}
				}
			}
			if c.dev == "" && strings.Contains(text, "\x1b") {
				t.Errorf("escape sequences in %q", text)
			}
		})
	}
}

// TestEachLeavesTerminalAlone wants neither a progress line nor a question between the
// lines of commands, however long those take.
func TestEachLeavesTerminalAlone(t *testing.T) {
	t.Parallel()
	text := shownBy(t, []string{"NO_COLOR=1"}, "sandbox", "--latency", "1300ms", "--accounts", "4", "--", "gatehop", "each", "acct-*", "--parallel", "2", "--",
		"sh", "-c", "echo begin; echo end")
	from := strings.Index(text, "acct-")
	if from < 0 {
		t.Fatalf("no command ran: %q", text)
	}
	for line := range strings.Lines(text[from:]) {
		if !regexp.MustCompile(`^(acct-00\d \| (begin|end)|4 of 4 ok)\r\n$`).MatchString(line) {
			t.Errorf("between the lines of commands: %q", line)
		}
	}
}

// TestEachDrops wants a command that cannot write any more to end gatehop too, as a pipe
// that closes does.
func TestEachDrops(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command("gatehop", "sandbox", "--", "sh", "-c",
		fmt.Sprintf(`gatehop each dev staging -- sh -c 'while echo y; do sleep 0.01; done' 2>/dev/null | head -n 3; echo over >%q`, filepath.Join(dir, "over")))
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TMPDIR="+t.TempDir())
	defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
	out, err := cmd.Output()
	if err != nil || strings.Count(string(out), "| y\n") != 3 {
		t.Errorf("%v: %q", err, out)
	}
	if readFile(t, filepath.Join(dir, "over")) != "over\n" {
		t.Error("it did not end")
	}
}

// caughtUp is what the test binary does as gatehop-caught-up. With "start" it sends itself
// signals, begins a command right after each, and prints how many of 400 began; "ignorant",
// the control, only looks whether the signal was heard, until one was not. With "held" four
// signals cannot be heard at first; it prints whether catchUp waited, and for how many.
func caughtUp() {
	time.AfterFunc(time.Minute, func() { os.Exit(1) }) // nothing here waits for ever
	r := &eachRun{argv: []string{"nothing"}}
	defer r.relay()()
	missed := 0
	switch os.Args[1] {
	case "start":
		for range 400 {
			if r.misses(func() bool { return !errors.Is(r.start(&exec.Cmd{Path: "/nonexistent"}), context.Canceled) }) {
				missed++
			}
		}
	case "ignorant":
		for missed == 0 {
			if r.misses(func() bool { return !r.signalled() }) {
				missed++
			}
		}
	case "held":
		fmt.Print(r.held())
		return
	}
	fmt.Print(missed)
}

func (r *eachRun) signalled() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.signals > 0
}

// interruptSelf is a request to end that nothing can take for the terminal's.
func interruptSelf() {
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		panic(err)
	}
}

// misses reports what missed says right after a signal, and then forgets the signal.
func (r *eachRun) misses(missed func() bool) bool {
	interruptSelf()
	got := missed()
	for !r.signalled() {
		runtime.Gosched()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.signals = 0
	return got
}

// held keeps the relay from hearing four signals while somebody catches up.
func (r *eachRun) held() string {
	r.mu.Lock()
	for range 4 {
		interruptSelf()
		awaitDelivery()
	}
	done := make(chan bool)
	go func() { r.catchUp(); close(done) }()
	select {
	case <-done:
		return "left"
	case <-time.After(200 * time.Millisecond): // a hundred times as long as it takes
	}
	r.mu.Unlock()
	<-done
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprint("waited for ", r.signals)
}

// TestEachCatchesUp: whoever is about to begin a command has heard the signals that came
// before. While the system makes room for a handler, nothing shows that it will run: one of
// some hundred thousand is missed then, on a busy machine.
func TestEachCatchesUp(t *testing.T) {
	t.Parallel()
	run := func(mode string) string {
		out, err := exec.Command("gatehop-caught-up", mode).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", mode, err)
		}
		return string(out)
	}
	if missed, err := strconv.Atoi(run("start")); err != nil || missed > 3 {
		t.Errorf("%d of 400 commands began after a signal (%v)", missed, err)
	}
	if got := run("ignorant"); got != "1" {
		t.Errorf("the control says %q", got)
	}
	if got := run("held"); got != "waited for 4" {
		t.Errorf("while signals are being heard: %q", got)
	}
}

// TestPendingIn reads what proc_pid_status(5) says of waiting signals.
func TestPendingIn(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{
		"Name:\tgatehop\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000002\nSigBlk:\t0000000000000000\n": true,  // SIGINT
		"Name:\tgatehop\nSigPnd:\t0000000000004000\nShdPnd:\t0000000000000000\n":                            true,  // SIGTERM, for one thread
		"Name:\tgatehop\nShdPnd:\t0000000000010000\n":                                                       false, // SIGCHLD
		"Name:\tgatehop\nShdPnd:\t0000000000000000\nSigBlk:\tfffffffe7ffbfeff\n":                            true,  // in a handler
		"Name:\tgatehop\nShdPnd:\t0000000000000000\nSigBlk:\t0000000000000002\n":                            false, // started with SIGINT blocked
		"Name:\tgatehop\nSigCgt:\tfffffffe7ffbfeff\n":                                                       false,
		"Name:\tgatehop\nShdPnd:\tyes\n":                                                                    false,
		"":                                                                                                  false,
	} {
		if got := pendingIn([]byte(status), maskOf(endSignals())); got != want {
			t.Errorf("pendingIn(%q) = %v", status, got)
		}
	}
}
