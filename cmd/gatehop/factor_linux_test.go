package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestApprovalOnTerminal wants one line that says what to do, another that says for how long
// it waits and is gone afterwards, and Ctrl-C to leave at once.
func TestApprovalOnTerminal(t *testing.T) {
	t.Parallel()
	login := []string{"gatehop", "login", "gateway"}
	helper := []string{"sh", "-c", `gatehop "$@" credential-process gateway --prompt >"$TMPDIR/out" 2>"$TMPDIR/err"`, "-"} // as an SDK runs it
	for _, c := range []struct {
		name, result, keys string
		args               []string
		status             int
		last               string
	}{
		{"approved", "approve", "", login, 0, "Gateway/alice"},
		{"denied", "deny", "", login, statusRefused, "did not cause"},
		{"left", "never", "\x03", login, statusInterrupted, "to go on."},
		{"approved, with standard error elsewhere", "approve", "", helper, 0, ""},
		{"left, with standard error elsewhere", "never", "\x03", helper, statusInterrupted, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("gatehop", "sandbox", "--mfa", "azure-number", "--mfa-result", c.result, "--")
			cmd.Args = append(cmd.Args, c.args...)
			cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TMPDIR="+t.TempDir(), "TERM=xterm-256color", "NO_COLOR=", "GATEHOP_PLAIN=")
			s := screenFor(t, cmd, t.TempDir())
			letGo := s.keepOpen()
			s.see("waiting for your approval: 1 s")
			if c.keys != "" {
				s.typeKeys(c.keys)
			}
			if status := s.leave(); status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			letGo()
			s.see("\x00end")
			text := strings.TrimSuffix(s.all(), "\x00end")
			g := &glass{}
			_, _ = g.Write([]byte(text))
			left := strings.TrimSpace(g.String())
			if strings.Contains(left, "waiting") || strings.Contains(left, "^C") || strings.Count(left, " in the app on your phone: ") != 1 || !strings.Contains(left, c.last) {
				t.Errorf("left on the screen:\n%s", left)
			}
		})
	}
}
