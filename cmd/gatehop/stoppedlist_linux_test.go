package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestStopList wants Ctrl-Z to give the terminal back, the background to leave it
// alone, and fg to bring the list back with what was typed.
func TestStopList(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"", "bg"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			s := listOnScreen(t, 30, nil, stopStory, "sh", openLogin, by)
			if problems := s.stopList(by); len(problems) > 0 {
				t.Fatalf("%q\n%s", problems, s.picture())
			}
			s.typeKeys("\x1b")
			s.see("left 130")
			if problems := s.over(0); len(problems) > 0 {
				t.Errorf("%q", problems)
			}
		})
	}
}

// TestStopListSeen is its control: a list that knows nothing of being stopped.
func TestStopListSeen(t *testing.T) {
	t.Parallel()
	const program = `stty -echo -icanon; printf '\033[?1049h30 of 30 Role-0007 Filter: 7'; read key`
	s := listOnScreen(t, 30, nil, stopStory, "sh", program, "bg")
	s.patience = 2 * time.Second
	want := []string{"stopped: other terminal modes", "stopped: screen mode 1049 is left h", "does not run in the background", "not shown again"}
	if got := s.stopList("bg"); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// stopList types into the list, stops it and continues it, by way of the background if
// by says so, and says what is wrong then.
func (s *listScreen) stopList(by string) (problems []string) {
	s.t.Helper()
	s.wait("30 of 30")
	s.typeKeys("7")
	s.wait("Filter: 7", "Role-0007")
	shown := s.times("\x1b[?1049h")
	s.typeKeys("\x1a")
	s.see("stopped 1")
	for _, problem := range s.changed(s.termios()) {
		problems = append(problems, "stopped: "+problem)
	}
	s.typeKeys("\r")
	if by == "bg" {
		s.see("[1]")
		time.Sleep(100 * time.Millisecond) // for what it might do wrong
		s.typeKeys("\r")
		if s.seeTimes("Running", 1) != "" {
			problems = append(problems, "does not run in the background")
		}
		if s.times("\x1b[?1049h") != shown {
			problems = append(problems, "shown in the background")
		}
		s.typeKeys("\r")
	}
	if s.seeTimes("\x1b[?1049h", shown+1) != "" {
		return append(problems, "not shown again")
	}
	s.wait("Filter: 7", "Role-0007")
	return problems
}

// TestStoppedList wants the list and the terminal's modes back after a stop that nothing
// could be done about, and after which somebody else has used the terminal. In the
// background meanwhile it neither reads nor writes there: what is typed is the shell's, and
// whoever reads is stopped.
func TestStoppedList(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"", "bg"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			testStoppedList(t, by)
		})
	}
}

func testStoppedList(t *testing.T, by string) {
	// Nobody in the foreground takes what is typed while the list is in the background.
	const story = `set -m
sh -c "$1"
echo "stopped $?"
read go
if test "$2"; then bg; until test -e "$TMPDIR/go"; do :; done; jobs; read go; fi
fg
echo "left $?"`
	s := listOnScreen(t, 30, nil, story, "sh", openLogin, by)
	s.wait("30 of 30")
	s.typeKeys("7")
	s.wait("Filter: 7", "Role-0007")
	group, err := unix.IoctlGetInt(int(s.pty.Fd()), unix.TIOCGPGRP)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(-group, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s.see("stopped 1")
	if got := s.changed(s.termios()); len(got) == 0 {
		t.Error("the terminal was given back: this is not the stop that is meant")
	}
	if err := unix.IoctlSetTermios(int(s.pty.Fd()), unix.TCSETS, &s.before); err != nil {
		t.Fatal(err)
	}
	const cleared = "\x1b[H\x1b[J"
	times := s.times(cleared)
	s.typeKeys("\r")
	if by == "bg" {
		s.see("[1]")
		s.typeKeys("9\r")
		time.Sleep(100 * time.Millisecond) // for what it might do wrong
		if s.times(cleared) != times {
			t.Error("the list is drawn in the background")
		}
		if err := os.WriteFile(filepath.Join(s.tmp, "go"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s.see("Running")
	}
	if problem := s.seeTimes(cleared, times+1); problem != "" {
		t.Fatal(problem)
	}
	s.waitForEcho(false)
	s.wait("Filter: 7", "Role-0007")
	s.typeKeys("\x1b")
	s.see("left 130")
	if problems := s.over(0); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
}
