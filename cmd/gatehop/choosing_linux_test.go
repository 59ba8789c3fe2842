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
