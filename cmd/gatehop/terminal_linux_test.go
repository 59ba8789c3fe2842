package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// TestInterrupt wants Ctrl-C, Ctrl-\ and every signal to leave at a question to do so
// at once with 130, the terminal as it was and nothing of the sandbox left.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, question := range []string{"User name", "Password"} {
		for name, leave := range map[string]func(*screen){
			"ctrl-c":    func(s *screen) { s.typeKeys("\x03") },
			"ctrl-\\":   func(s *screen) { s.typeKeys("\x1c") },
			"hang up":   func(s *screen) { _ = s.cmd.Process.Signal(unix.SIGHUP) },
			"terminate": func(s *screen) { _ = s.cmd.Process.Signal(unix.SIGTERM) },
		} {
			t.Run(question+" "+name, func(t *testing.T) {
				t.Parallel()
				s := onScreen(t, "demo")
				if problems := s.leaveAt(question, leave); len(problems) > 0 {
					t.Errorf("%q\n%s", problems, s.text.String())
				}
				if left := files(t, s.tmp); len(left) != 1 { // the folder itself
					t.Errorf("left behind: %v", left)
				}
			})
		}
	}
}

// TestInterruptSeen is TestInterrupt's control: a program that does everything wrong.
func TestInterruptSeen(t *testing.T) {
	t.Parallel()
	s := programOnScreen(t, "sh", "-c", `trap : QUIT
printf 'User name'; read name; stty -echo; printf 'Password' >"$TMPDIR/question"
cat "$TMPDIR/question" -
echo goroutine 1
exit 2`)
	got := s.leaveAt("Password", func(s *screen) { s.typeKeys("\x1c") })
	want := []string{"status 2, want 130", "the terminal no longer echoes", "a dump is shown"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// leaveAt leaves the program at a question and says what is wrong then.
func (s *screen) leaveAt(question string, leave func(*screen)) (problems []string) {
	s.t.Helper()
	letGo := s.keepOpen()
	s.goTo(question)
	leave(s)
	if status := s.leave(); status != statusInterrupted {
		problems = append(problems, fmt.Sprintf("status %d, want %d", status, statusInterrupted))
	}
	if !s.echoes() {
		problems = append(problems, "the terminal no longer echoes")
	}
	letGo()
	s.see("\x00end")
	if s.times("goroutine") > 0 {
		problems = append(problems, "a dump is shown")
	}
	return problems
}

// goTo answers what comes before a question with what is offered.
func (s *screen) goTo(question string) {
	s.t.Helper()
	s.see("User name")
	if question == "Password" {
		s.typeKeys("\r")
		s.see("Password")
		s.waitForEcho(false)
	}
}

// stopStory is a shell with job control around a program: each line that is typed to
// the shell takes one step. The shell does not touch the terminal's modes.
const stopStory = `set -m
sh -c "$1"
echo "stopped $?"
read go
if test "$2"; then bg; read go; jobs; read go; fi
fg
echo "left $?"`

// TestStop wants Ctrl-Z at a question to stop gatehop with the terminal as it was, and
// the question back after that as if nothing had been typed.
func TestStop(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ question, by string }{
		{"User name", ""}, {"Password", ""}, {"User name", "bg"}, {"Password", "bg"},
	} {
		t.Run(c.question+" "+c.by, func(t *testing.T) {
			t.Parallel()
			s := programOnScreen(t, "sh", "-c", stopStory, "sh", "exec gatehop demo", c.by)
			if problems := s.stopAt(c.question, c.by); len(problems) > 0 {
				t.Fatalf("%q\n%s", problems, s.text.String())
			}
			if c.question == "User name" {
				s.goTo("Password") // with the offered name; what was typed before is forgotten
			}
			s.typeKeys("not-the-password\r")
			s.see("127.0.0.1 says: Incorrect user ID or password.")
			s.waitForEcho(false)
			s.typeKeys("\r") // the offered one
			s.see("left 0")
			if s.times("not-the-password") > 0 || s.times("Incorrect") > 1 {
				t.Errorf("the password was shown, or sent twice:\n%s", s.text.String())
			}
		})
	}
}

// TestStopSeen is TestStop's control: a program that knows nothing of being stopped.
func TestStopSeen(t *testing.T) {
	t.Parallel()
	const program = `printf 'User name'; read name; stty -echo; printf 'Password'; read password`
	for by, want := range map[string][]string{
		"":   {"no echo while stopped", "not asked again"},
		"bg": {"no echo while stopped", "does not run in the background", "not asked again"},
	} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			s := programOnScreen(t, "sh", "-c", stopStory, "sh", program, by)
			s.patience = 2 * time.Second
			if got := s.stopAt("Password", by); !slices.Equal(got, want) {
				t.Errorf("%q, want %q\n%s", got, want, s.text.String())
			}
		})
	}
}

// stopAt stops the program at a question and continues it, by way of the background
// if by says so, and says what is wrong then.
func (s *screen) stopAt(question, by string) (problems []string) {
	s.t.Helper()
	problem := func(when bool, what string) {
		if when {
			problems = append(problems, what)
		}
	}
	s.goTo(question)
	s.typeKeys("half an answer\x1a")
	s.see("stopped 1") // 128 and the signal
	problem(!s.echoes(), "no echo while stopped")
	asked := s.times(question)
	s.typeKeys("\r")
	if by == "bg" {
		s.see("[1]")                       // what bg says
		time.Sleep(100 * time.Millisecond) // for what it might do wrong
		s.typeKeys("\r")
		problem(s.seeTimes("Running", 1) != "", "does not run in the background")
		problem(s.times(question) != asked, "asked in the background")
		s.typeKeys("\r")
	}
	problem(s.seeTimes(question, asked+1) != "", "not asked again")
	if question == "Password" {
		s.waitForEcho(false)
	}
	return problems
}

// TestStopBetween wants Ctrl-Z to stop gatehop after its questions as well.
func TestStopBetween(t *testing.T) {
	t.Parallel()
	s := onScreen(t, "sandbox", "--no-password", "--latency", "1s", "--",
		"sh", "-c", stopStory, "sh", "exec gatehop login dev", "")
	s.see("User name")
	s.typeKeys(`CORP\alice` + "\r")
	s.see("Password")
	s.waitForEcho(false)
	s.typeKeys(sandboxPassword + "\r")
	s.waitForEcho(true)
	s.typeKeys("\x1a")
	s.see("stopped 1")
	s.typeKeys("\r")
	s.see("left 0")
	if s.times(sandboxPassword) > 0 {
		t.Errorf("the password was shown:\n%s", s.text.String())
	}
}

// TestSessionOver wants a question in the background to end with its session.
func TestSessionOver(t *testing.T) {
	t.Parallel()
	s := programOnScreen(t, "sh", "-c", stopStory, "sh", "exec gatehop demo", "bg")
	s.goTo("Password")
	s.typeKeys("\x1a")
	s.see("stopped 1")
	s.typeKeys("\r")
	s.see("[1]")
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.see("\x00end") // nobody has the terminal open
}

// TestStopKeyAlone wants Ctrl-Z to stop nothing where no shell could continue it: the
// system would not, either.
func TestStopKeyAlone(t *testing.T) {
	t.Parallel()
	s := onScreen(t, "demo")
	s.goTo("Password")
	asked := s.times("Password")
	s.typeKeys("half an answer\x1a")
	if problem := s.seeTimes("Password", asked+1); problem != "" {
		t.Fatal(problem)
	}
	s.waitForEcho(false)
	s.typeKeys("\r") // the offered one
	s.see("\nNext:")
	if status := s.leave(); status != 0 {
		t.Errorf("status %d, want 0", status)
	}
}

// TestRefusedOnScreen types a wrong password and then the right one: the provider's
// words are shown, and nothing that was typed.
func TestRefusedOnScreen(t *testing.T) {
	t.Parallel()
	s := onScreen(t, "demo")
	s.goTo("Password")
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

// TestPassOverTerminal wants no line taken from a terminal, whatever the command line says.
func TestPassOverTerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	person, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer person.Close()
	defer terminal.Close()
	if _, err := io.WriteString(person, "the first\nthe second\n"); err != nil {
		t.Fatal(err)
	}
	w.stdin = terminal
	w.run("login", "--password-stdin").want(t, statusUsage, "reads from a terminal")
	w.run("login", "--password-stdin", "--nope").want(t, statusUsage, "unknown flag")
	line := make([]byte, 80)
	if n, err := terminal.Read(line); err != nil || string(line[:n]) != "the first\n" {
		t.Errorf("the terminal gives %q, %v, want its first line", line[:n], err)
	}
}
