package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// screen is a terminal with a program on it, as a person sees it.
type screen struct {
	t   *testing.T
	pty *os.File
	cmd *exec.Cmd
	tmp string // the program's TMPDIR

	patience time.Duration // how long something may take to show

	mu   sync.Mutex
	text bytes.Buffer
	grew *sync.Cond
}

// all is everything that was shown so far.
func (s *screen) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// onScreen starts gatehop on a terminal of its own.
func onScreen(t *testing.T, args ...string) *screen {
	t.Helper()
	return programOnScreen(t, "gatehop", args...)
}

func programOnScreen(t *testing.T, name string, args ...string) *screen {
	t.Helper()
	cmd, tmp := exec.Command(name, args...), t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TMPDIR="+tmp)
	return screenFor(t, cmd, tmp)
}

func screenFor(t *testing.T, cmd *exec.Cmd, tmp string) *screen {
	t.Helper()
	return screenOfSize(t, cmd, tmp, nil)
}

// screenOfSize is screenFor on a terminal that says how large it is.
func screenOfSize(t *testing.T, cmd *exec.Cmd, tmp string, size *pty.Winsize) *screen {
	t.Helper()
	s := &screen{t: t, cmd: cmd, tmp: tmp, patience: 20 * time.Second}
	s.grew = sync.NewCond(&s.mu)
	var err error
	if s.pty, err = pty.StartWithSize(s.cmd, size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.pty.Close() })
	go s.watch()
	return s
}

func (s *screen) watch() {
	buffer := make([]byte, 4096)
	for {
		n, err := s.pty.Read(buffer)
		s.mu.Lock()
		s.text.Write(buffer[:n])
		if err != nil {
			s.text.WriteString("\x00end")
		}
		s.grew.Broadcast()
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// see waits until the screen shows words; a screen that ends without them fails.
func (s *screen) see(words string) {
	s.t.Helper()
	if problem := s.seeTimes(words, 1); problem != "" {
		s.t.Fatal(problem)
	}
}

// seeTimes waits until the screen shows words so many times, or says why it does not.
func (s *screen) seeTimes(words string, times int) (problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	deadline := time.Now().Add(s.patience)
	defer time.AfterFunc(s.patience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.grew.Broadcast()
	}).Stop()
	for strings.Count(s.text.String(), words) < times {
		if strings.HasSuffix(s.text.String(), "\x00end") {
			return fmt.Sprintf("the screen ended without %q %d times:\n%s", words, times, s.text.String())
		}
		if !time.Now().Before(deadline) {
			return fmt.Sprintf("the screen does not show %q %d times:\n%s", words, times, s.text.String())
		}
		s.grew.Wait()
	}
	return ""
}

// times counts what is on the screen by now.
func (s *screen) times(words string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), words)
}

func (s *screen) typeKeys(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.pty, keys); err != nil {
		s.t.Fatal(err)
	}
}

// leave waits for the program and returns its exit status, -1 if it had to be killed.
func (s *screen) leave() int {
	s.t.Helper()
	defer time.AfterFunc(s.patience, func() { _ = s.cmd.Process.Kill() }).Stop()
	var exit *exec.ExitError
	if err := s.cmd.Wait(); errors.As(err, &exit) {
		return exit.ExitCode()
	} else if err != nil {
		s.t.Fatal(err)
	}
	return 0
}

func (s *screen) echoes() bool {
	s.t.Helper()
	state, err := unix.IoctlGetTermios(int(s.pty.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// keepOpen holds the terminal's other end, so that its state outlives the program.
func (s *screen) keepOpen() func() {
	s.t.Helper()
	name, err := ptsName(s.pty)
	if err != nil {
		s.t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	return func() { _ = f.Close() }
}

// waitForEcho waits until the program has switched the echo.
func (s *screen) waitForEcho(on bool) {
	s.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for s.echoes() != on {
		if time.Now().After(deadline) {
			s.t.Fatalf("echo stays %v", !on)
		}
		time.Sleep(time.Millisecond)
	}
}

func ptsName(f *os.File) (string, error) {
	n, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPTN)
	return fmt.Sprintf("/dev/pts/%d", n), err
}
