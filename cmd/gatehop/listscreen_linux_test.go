package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/gdamore/tcell/v3/vt"
	"golang.org/x/sys/unix"
)

// listScreen is a screen that can be compared before and after.
type listScreen struct {
	*screen
	columns, lines int
	before         unix.Termios
	letGo          func()
}

// listOnScreen runs a shell program in a sandbox with so many roles, on a terminal.
func listOnScreen(t *testing.T, roles int, env []string, program ...string) *listScreen {
	t.Helper()
	args := append([]string{"sandbox", "--roles", fmt.Sprint(roles), "--", "sh", "-c", openStory, "sh", "sh", "-c"}, program...)
	return sized(t, env, "gatehop", args...)
}

func sized(t *testing.T, env []string, name string, args ...string) *listScreen {
	t.Helper()
	cmd, tmp := exec.Command(name, args...), t.TempDir()
	cmd.Env = append(append(os.Environ(), "HOME="+t.TempDir(), "TMPDIR="+tmp, "TERM=xterm-256color", "NO_COLOR=", "GATEHOP_PLAIN=", "LC_ALL=C.UTF-8"), env...)
	s := &listScreen{screen: screenOfSize(t, cmd, tmp, &pty.Winsize{Cols: 80, Rows: 12}), columns: 80, lines: 12}
	s.letGo = s.keepOpen()
	s.before = freshTermios(t)
	return s
}

// freshTermios are the modes of a terminal that nothing has run on: a program that has been
// started may have changed those of its own already.
func freshTermios(t *testing.T) unix.Termios {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = master.Close(), slave.Close() }()
	state, err := unix.IoctlGetTermios(int(master.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *state
}

func (s *listScreen) termios() unix.Termios {
	s.t.Helper()
	state, err := unix.IoctlGetTermios(int(s.pty.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return *state
}

// picture is what a person sees of the list, or "" if there is none.
func (s *listScreen) picture() string {
	s.mu.Lock()
	text := s.text.String()
	s.mu.Unlock()
	begin, end := strings.LastIndex(text, "\x1b[?1049h"), strings.LastIndex(text, "\x1b[?1049l")
	if begin < 0 || end > begin {
		return ""
	}
	size := vt.Coord{X: vt.Col(s.columns), Y: vt.Row(s.lines)}
	term := vt.NewMockTerm(vt.MockOptSize(size))
	if err := term.Start(); err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = term.Stop() }()
	if _, err := term.Write([]byte(text[begin:])); err != nil {
		s.t.Fatal(err)
	}
	if err := term.Drain(); err != nil {
		s.t.Fatal(err)
	}
	var b strings.Builder
	for y := range s.lines {
		line := ""
		for x := 0; x < s.columns; x++ {
			cell := term.GetCell(vt.Coord{X: vt.Col(x), Y: vt.Row(y)})
			if cell.C == "" {
				cell.C = " "
			}
			line += cell.C
			x += max(0, cell.W-1)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// wait waits until the picture holds all words.
func (s *listScreen) wait(words ...string) string {
	s.t.Helper()
	deadline := time.Now().Add(s.patience)
	for {
		seen := s.picture()
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(seen, word) }) {
			return seen
		}
		if time.Now().After(deadline) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.t.Fatalf("no %q on the screen:\n%s\n%q", words, seen, s.text.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

var modeSwitch = regexp.MustCompile(`\x1b\[\?(\d+)([hl])`)

// restMode is how a terminal's modes are to be left: no alternate screen, a cursor, lines
// that wrap, cursor keys as usual, nothing held back.
var restMode = map[string]string{"1049": "l", "25": "h", "7": "h", "1": "l", "2026": "l"}

// changed says what of the terminal is not as it was before the list.
func (s *listScreen) changed(modes unix.Termios) (problems []string) {
	if modes != s.before {
		problems = append(problems, "other terminal modes")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := map[string]string{}
	for _, m := range modeSwitch.FindAllStringSubmatch(s.text.String(), -1) {
		last[m[1]] = m[2]
	}
	for mode, state := range last {
		if want, ok := restMode[mode]; ok && state != want {
			problems = append(problems, "screen mode "+mode+" is left "+state)
		}
	}
	slices.Sort(problems)
	return problems
}

// over waits for the end and says what is wrong then.
func (s *listScreen) over(status int) (problems []string) {
	s.t.Helper()
	if got := s.leave(); got != status {
		problems = append(problems, fmt.Sprintf("status %d, want %d", got, status))
	}
	modes := s.termios()
	s.letGo()
	s.see("\x00end") // all of the output
	problems = append(problems, s.changed(modes)...)
	if out, err := os.ReadFile(filepath.Join(s.tmp, "out")); err == nil && strings.ContainsAny(string(out), "\x1b") {
		problems = append(problems, "the list is on standard output")
	} else if err == nil && status != 0 && len(out) > 0 {
		problems = append(problems, "standard output is not empty")
	}
	return problems
}
