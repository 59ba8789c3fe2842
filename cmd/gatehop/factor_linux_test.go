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
	for _, c := range []struct {
		name, result, keys string
		status             int
		last               string
	}{
		{"approved", "approve", "", 0, "Gateway/alice"},
		{"denied", "deny", "", statusRefused, "did not cause"},
		{"left", "never", "\x03", statusInterrupted, "to go on."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("gatehop", "sandbox", "--mfa", "azure-number", "--mfa-result", c.result, "--", "gatehop", "login", "gateway")
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
