package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"gatehop/cmd/gatehop/internal/tty"
)

// openStory adds a gateway without a role to the sandbox and runs "$@" in it. The
// program's standard output goes to a file.
const openStory = `cat >>"$AWS_CONFIG_FILE" <<end

[profile open]
gatehop_from = gateway

[profile team]
gatehop_source_profile = gateway
gatehop_role_arn = arn:aws:iam::111111111111:role/ReadOnly
gatehop_alias = 日本 prod
gatehop_color = ff8800
gatehop_note = für Zürich
end
exec "$@"`

const openLogin = `exec gatehop login open >"$TMPDIR/out"`

// TestChooseRole filters, moves, changes the size of the terminal and chooses.
func TestChooseRole(t *testing.T) {
	t.Parallel()
	s := listOnScreen(t, 200, nil, openLogin)
	first := s.wait("Which role for profile open at 127.0.0.1?", "200 of 200", "Enter choose", "> ", "Role-0005")
	if lines := strings.Split(first, "\n"); !strings.HasPrefix(lines[2], ">   日本 prod  111111111111  Gateway") ||
		!strings.HasPrefix(lines[3], "  ■ 日本 prod  111111111111  ReadOnly   für Zürich") {
		t.Errorf("the first lines are not in order:\n%s", first)
	}
	s.typeKeys("rich 日")
	s.wait("1 of 200", "> ■", "Filter: rich 日", "ReadOnly")
	s.typeKeys("\x15")
	s.wait("200 of 200")
	s.typeKeys("007 rol")
	s.wait("11 of 200", ">   日本 prod  111111111111  Role-0007")
	s.columns, s.lines = 50, 6
	if err := pty.Setsize(s.pty, &pty.Winsize{Cols: 50, Rows: 6}); err != nil {
		t.Fatal(err)
	}
	s.wait("\nEnter choose   Esc leave   arrows, PgUp/PgDn, Hom…", "Filter: 007 rol")
	s.typeKeys("\x1b[B\x0e\x1bOB\x10") // down, Ctrl-N, down as cursor keys have it, Ctrl-P
	s.wait("> ", ">   日本 prod  111111111111  Role-0071")
	s.typeKeys("\x1b[F")
	s.wait(">   日本 prod  111111111111  Role-0079")
	s.typeKeys("\x1b[H\x1b[6~\r") // Home, page down
	if problems := s.over(0); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
	out, err := os.ReadFile(filepath.Join(s.tmp, "out"))
	if err != nil || !strings.Contains(string(out), "role/Role-0072") && !strings.Contains(string(out), "Role-0072") {
		t.Errorf("standard output %q, %v, want the third role of the filter", out, err)
	}
}

// TestChooseThousands wants 2,000 roles as few.
func TestChooseThousands(t *testing.T) {
	t.Parallel()
	s := listOnScreen(t, 2000, nil, openLogin)
	s.wait("2000 of 2000")
	s.typeKeys("1999\r")
	if problems := s.over(0); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
	out, err := os.ReadFile(filepath.Join(s.tmp, "out"))
	if err != nil || !strings.Contains(string(out), "Role-1999") {
		t.Errorf("standard output %q, %v, want role 1999", out, err)
	}
}

// TestLeaveList wants every way out of the list to leave the terminal as it was, and
// nothing on standard output.
func TestLeaveList(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*listScreen){
		"esc":       func(s *listScreen) { s.typeKeys("\x1b") },
		"ctrl-c":    func(s *listScreen) { s.typeKeys("\x03") },
		"ctrl-\\":   func(s *listScreen) { s.typeKeys("\x1c") },
		"terminate": func(s *listScreen) { _ = s.cmd.Process.Signal(unix.SIGTERM) },
		"hang up":   func(s *listScreen) { _ = s.cmd.Process.Signal(unix.SIGHUP) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := listOnScreen(t, 30, nil, openLogin)
			s.wait("30 of 30")
			if s.echoes() {
				t.Error("the terminal echoes under the list")
			}
			leave(s)
			if problems := s.over(statusInterrupted); len(problems) > 0 {
				t.Errorf("%q", problems)
			}
		})
	}
}

// listProgram chooses from a list by itself, with a context that panics, ends, closes
// the terminal as a run does that waits no longer, or goes away without a word. When
// Choose returns the terminal is to be as it was, so nothing is closed then.
func listProgram() {
	t, err := tty.Open()
	if err != nil {
		os.Exit(99)
	}
	giveBack := sync.OnceFunc(t.Close)
	ctx, end := context.WithCancel(context.Background())
	defer end()
	doomed := doomedContext{Context: ctx, looks: new(atomic.Int64), how: os.Args[1], end: end}
	if os.Args[1] == "close" {
		doomed.end = giveBack
	}
	defer func() {
		if recover() != nil {
			giveBack()
			os.Exit(7)
		}
	}()
	_, err = t.Choose(doomed, tty.Choice{Title: "Which?", Items: []tty.Item{{Answer: "a", Columns: []string{"first"}}}}, tty.Look{Term: "xterm"})
	if errors.Is(err, context.Canceled) {
		os.Exit(statusInterrupted)
	}
	os.Exit(98)
}

type doomedContext struct {
	context.Context
	looks *atomic.Int64
	how   string
	end   func()
}

func (c doomedContext) Err() error {
	if c.looks.Add(1) == 20 {
		switch c.how {
		case "panic":
			panic("of the list")
		case "end", "close":
			c.end()
		case "vanish": // the control
			os.Exit(7)
		}
	}
	return c.Context.Err()
}

// TestListEnds wants the terminal back where the list does not end by a key.
func TestListEnds(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]struct {
		status   int
		problems []string
	}{
		"panic":  {7, nil},
		"end":    {statusInterrupted, nil},
		"close":  {statusInterrupted, nil},
		"vanish": {7, []string{"other terminal modes", "screen mode 1 is left h", "screen mode 1049 is left h", "screen mode 7 is left l"}},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := sized(t, nil, "gatehop-list", how)
			s.wait("Which?", "1 of 1", "> first")
			if got := s.over(want.status); !slices.Equal(got, want.problems) {
				t.Errorf("%q, want %q", got, want.problems)
			}
		})
	}
}

// TestLeaveListSeen is the control of what is looked for after a list: a program that
// does everything wrong.
func TestLeaveListSeen(t *testing.T) {
	t.Parallel()
	s := sized(t, nil, "sh", "-c", `printf '\033[?1049h\033[?25l\033[?7l\033[?2026h\033[?1hlist'; stty -icanon
printf '\033[?1049hlist' >"$TMPDIR/out"; exit 2`)
	want := []string{"status 2, want 130", "other terminal modes", "screen mode 1 is left h", "screen mode 1049 is left h",
		"screen mode 2026 is left h", "screen mode 25 is left l", "screen mode 7 is left l", "the list is on standard output"}
	if got := s.over(statusInterrupted); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

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

// TestNoListInBackground wants a process in the background to ask nobody: reading from
// the terminal would stop it.
func TestNoListInBackground(t *testing.T) {
	t.Parallel()
	s := listOnScreen(t, 30, nil, `set -m
gatehop login open >"$TMPDIR/out" 2>"$TMPDIR/err" &
wait $!
echo "left $?"
read -r line
exec gatehop login open >"$TMPDIR/out"`)
	s.see("left 4")
	if s.times("\x1b[?1049h") > 0 {
		t.Error("a list was drawn from the background")
	}
	s.typeKeys("\r")
	s.wait("30 of 30") // the control: the same in the foreground
	s.typeKeys("\x1b")
	if problems := s.over(statusInterrupted); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
}

// TestNumberedList wants text where a screen is no use.
func TestNumberedList(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		size *pty.Winsize
	}{
		"dumb":       {[]string{"TERM=dumb"}, nil},
		"no name":    {[]string{"TERM="}, nil},
		"plain":      {[]string{"GATEHOP_PLAIN=1"}, nil},
		"tiny":       {nil, &pty.Winsize{Cols: 80, Rows: 4}},
		"unknown":    {nil, &pty.Winsize{}},
		"as it is":   {nil, &pty.Winsize{Cols: 80, Rows: 12}}, // the control
		"no colours": {[]string{"NO_COLOR=1"}, &pty.Winsize{Cols: 80, Rows: 12}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := listOnScreen(t, 12, c.env, openLogin)
			if c.size != nil {
				if err := pty.Setsize(s.pty, c.size); err != nil { // long before the sandbox is up
					t.Fatal(err)
				}
			}
			switch name {
			case "as it is":
				s.wait("12 of 12", "  ■ ")
				s.typeKeys("0007\r")
			case "no colours":
				if seen := s.wait("12 of 12"); strings.Contains(seen, "■") || strings.Contains(s.all(), "\x1b[38") {
					t.Errorf("there is a colour:\n%s", seen)
				}
				s.typeKeys("0007\r")
			default:
				s.see(" 2  日本 prod  111111111111  ReadOnly   für Zürich\r\n")
				s.see("Which role for profile open at 127.0.0.1? (1-12): ")
				if strings.Contains(s.all(), "\x1b") {
					t.Errorf("not text alone: %q", s.all())
				}
				s.typeKeys("8\r")
			}
			if problems := s.over(0); len(problems) > 0 {
				t.Errorf("%q", problems)
			}
			if out, err := os.ReadFile(filepath.Join(s.tmp, "out")); err != nil || !strings.Contains(string(out), "Role-0007") {
				t.Errorf("standard output %q, %v, want role 7", out, err)
			}
		})
	}
}
