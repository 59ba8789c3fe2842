package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/cells"
)

// shownBy runs gatehop in a sandbox on a terminal to its end, and returns what the
// terminal was sent.
func shownBy(t *testing.T, vars []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("gatehop", args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TMPDIR="+t.TempDir(), "TERM=xterm-256color", "NO_COLOR=", "GATEHOP_PLAIN=")
	cmd.Env = append(cmd.Env, vars...)
	s := screenFor(t, cmd, t.TempDir())
	letGo := s.keepOpen()
	if status := s.leave(); status != 0 {
		t.Errorf("%q: status %d\n%s", args, status, s.text.String())
	}
	letGo()
	s.see("\x00end")
	return strings.TrimSuffix(s.text.String(), "\x00end")
}

// TestNoticeOnTerminal wants the warning on the terminal once, whether standard error is
// there or elsewhere.
func TestNoticeOnTerminal(t *testing.T) {
	t.Parallel()
	const begin = `sed -i "s/^gatehop_store = file/&\ngatehop_keep_session = no/" "$AWS_CONFIG_FILE"; gatehop login gateway --duration 15m >"$TMPDIR/out"; unset GATEHOP_PASSWORD; `
	for _, end := range []string{"", ` 2>"$TMPDIR/err"`} {
		shown := shownBy(t, nil, "sandbox", "--", "sh", "-c", begin+"gatehop exec --serve dev -- sleep 0.5"+end)
		if strings.Count(shown, "the session of profile gateway ends in 15 min; ") != 1 {
			t.Errorf("with%s the terminal shows %q", end, shown)
		}
	}
}

// What is slow enough for a line by each request alone: on a busy machine there may be
// more than a moment between two.
const (
	slow      = "1200ms"
	plainSlow = "2200ms"
)

// TestProgressOnTerminal wants a slow sign-in at a terminal to say whom it waits for, in
// place, and to leave nothing of that behind.
func TestProgressOnTerminal(t *testing.T) {
	t.Parallel()
	text := shownBy(t, nil, "sandbox", "--latency", slow, "--", "gatehop", "login", "dev")
	if !strings.Contains(text, "waiting for 127.0.0.1: 1 s") {
		t.Errorf("no progress: %q", text)
	}
	g := &glass{}
	_, _ = g.Write([]byte(text))
	if left := g.String(); strings.Contains(left, "waiting") || !strings.Contains(left, "\ngateway  111111111111  Gateway") {
		t.Errorf("left on the screen:\n%s", left)
	}
}

// TestProgressWhere wants one line that stays where only that can be, and no word where
// nobody is to be told.
func TestProgressWhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		vars []string
		args []string
		want bool // a line that stays
	}{
		{"dumb", []string{"TERM=dumb"}, []string{"gatehop", "login", "gateway"}, true},
		{"plain", nil, []string{"env", "GATEHOP_PLAIN=1", "gatehop", "env", "gateway", "--shell", "bash"}, true},
		{"quiet", nil, []string{"gatehop", "-q", "login", "gateway"}, false},
		{"no input", nil, []string{"gatehop", "--no-input", "login", "gateway"}, false},
		{"helper", nil, []string{"gatehop", "credential-process", "gateway"}, false},
		{"redirected", nil, []string{"sh", "-c", `gatehop login gateway 2>"$HOME/errors"; cat "$HOME/errors"`}, false},
		{"background", nil, []string{"bash", "-c", `set -m; gatehop login gateway & wait`}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			latency := slow
			if c.want {
				latency = plainSlow
			}
			text := shownBy(t, c.vars, append([]string{"sandbox", "--latency", latency, "--"}, c.args...)...)
			if got := strings.Contains(text, "waiting for"); got != c.want || strings.Contains(text, "\b") {
				t.Errorf("words about waiting: %v, want %v: %q", got, c.want, text)
			}
			if c.want && !strings.Contains("\n"+text, "\nwaiting for 127.0.0.1\r\n") {
				t.Errorf("no line of its own: %q", text)
			}
		})
	}
}

// TestColourOnTerminal wants an escape sequence on a terminal that has colours, and no byte
// of one anywhere else.
func TestColourOnTerminal(t *testing.T) {
	t.Parallel()
	rarelyRaced(t, "commands one after another have little to race")
	const wrong = `gatehop login gatewya; gatehop login dev; gatehop status; gatehop roles; gatehop refresh dev; gatehop --help; true`
	for _, c := range []struct {
		name string
		vars []string
		run  string
		want bool
	}{
		{"terminal", nil, wrong, true},
		{"NO_COLOR", []string{"NO_COLOR=1"}, wrong, false},
		{"dumb", []string{"TERM=dumb"}, wrong, false},
		{"no TERM", []string{"TERM="}, wrong, false},
		{"pipe", nil, "{ " + wrong + "; } 2>&1 | cat", false},
		{"plain", nil, "export GATEHOP_PLAIN=1; " + wrong, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := shownBy(t, c.vars, "sandbox", "--", "sh", "-c", c.run)
			if got := strings.Contains(text, "\x1b"); got != c.want {
				t.Errorf("escape sequences: %v, want %v: %q", got, c.want, text)
			}
			if !strings.Contains(text, "gatewya") || !strings.Contains(text, "PROFILE") {
				t.Errorf("the commands did not run: %q", text)
			}
		})
	}
}

// TestTablesOnTerminal wants the tables of a sandbox within 80 columns on a terminal, and
// whole on a pipe.
func TestTablesOnTerminal(t *testing.T) {
	t.Parallel()
	rarelyRaced(t, "commands one after another have little to race")
	const tables = `gatehop login prod; gatehop status; gatehop roles; gatehop refresh staging dev prod`
	for _, c := range []struct {
		name, run string
		fits      bool
	}{
		{"terminal", tables, true},
		{"pipe", "{ " + tables + "; } | cat", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := shownBy(t, []string{"NO_COLOR=1"}, "sandbox", "--", "sh", "-c", "exec 2>/dev/null; "+c.run)
			widest, identities := 0, 0
			for _, line := range strings.Split(strings.ReplaceAll(text, "\r", ""), "\n") {
				widest = max(widest, cells.Width(line))
				identities += strings.Count(line, "arn:aws:sts::333333333333:assumed-role/Admins/alice")
			}
			if fits := widest <= usualWidth; fits != c.fits || !c.fits && identities == 0 || !strings.Contains(text, "333333333333 Admins/") == c.fits {
				t.Errorf("the widest line has %d columns, want at most %d: %v\n%s", widest, usualWidth, c.fits, text)
			}
		})
	}
}
