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

	mu   sync.Mutex
	text bytes.Buffer
	grew *sync.Cond
}

// onScreen starts gatehop on a terminal of its own.
func onScreen(t *testing.T, args ...string) *screen {
	t.Helper()
	s := &screen{t: t, cmd: exec.Command("gatehop", args...), tmp: t.TempDir()}
	s.grew = sync.NewCond(&s.mu)
	s.cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TMPDIR="+s.tmp)
	var err error
	if s.pty, err = pty.Start(s.cmd); err != nil {
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
	s.mu.Lock()
	defer s.mu.Unlock()
	for !strings.Contains(s.text.String(), words) {
		if strings.HasSuffix(s.text.String(), "\x00end") {
			s.t.Fatalf("the screen ended without %q:\n%s", words, s.text.String())
		}
		s.grew.Wait()
	}
}

func (s *screen) typeKeys(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.pty, keys); err != nil {
		s.t.Fatal(err)
	}
}

// leave waits for the program and returns its exit status.
func (s *screen) leave() int {
	s.t.Helper()
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
	state, err := unix.IoctlGetTermios(int(s.pty.Fd()), ioctlGetTermios)
	if err != nil {
		s.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// TestInterrupt wants Ctrl-C at a question to leave at once with 130, the terminal as
// it was and nothing of the sandbox left.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, question := range []string{"User name", "Password"} {
		t.Run(question, func(t *testing.T) {
			t.Parallel()
			s := onScreen(t, "demo")
			keep := s.keepOpen()
			defer keep()
			s.see("User name")
			if question == "Password" {
				s.typeKeys("\r")
				s.see("Password")
				s.waitForEcho(false)
			}
			s.typeKeys("\x03")
			if status := s.leave(); status != statusInterrupted {
				t.Errorf("status %d, want %d", status, statusInterrupted)
			}
			if !s.echoes() {
				t.Error("the terminal no longer echoes")
			}
			if left := files(t, s.tmp); len(left) != 1 { // the folder itself
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestRefusedOnScreen types a wrong password and then the right one: the provider's
// words are shown, and nothing that was typed.
func TestRefusedOnScreen(t *testing.T) {
	t.Parallel()
	s := onScreen(t, "demo")
	s.see("User name")
	s.typeKeys("\r")
	s.see("Password")
	s.waitForEcho(false)
	s.typeKeys("not-the-password\r")
	s.see("127.0.0.1 says: Incorrect user ID or password.")
	s.waitForEcho(false)
	s.typeKeys("\r") // the offered one
	s.see("\nNext:")
	if status := s.leave(); status != 0 {
		t.Errorf("status %d, want 0", status)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.Contains(s.text.String(), "not-the-password") {
		t.Errorf("the password was shown:\n%s", s.text.String())
	}
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

const ioctlGetTermios = unix.TCGETS

func ptsName(f *os.File) (string, error) {
	n, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPTN)
	return fmt.Sprintf("/dev/pts/%d", n), err
}
