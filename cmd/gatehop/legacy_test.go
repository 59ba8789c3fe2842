package main

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLegacyTLSKey signs in at a server that speaks TLS 1.0 alone: refused with the name
// of the key, and with it in the profile reached, and said unless nothing is to be said.
// The server has no page, which only who reaches it hears.
func TestLegacyTLSKey(t *testing.T) {
	t.Parallel()
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.StartTLS()
	t.Cleanup(old.Close) // after the cases
	const notice = "gatehop_tls = legacy: old TLS is accepted from 127.0.0.1"
	for _, c := range []struct {
		name, line string
		args       []string
		status     int
		said, not  string
	}{
		{"without the key", "", nil, statusNetwork, "set gatehop_tls = legacy in the profile", notice},
		{"with it", "gatehop_tls = legacy", nil, statusUsage, notice, "set gatehop_tls"},
		{"with it, quietly", "gatehop_tls = legacy", []string{"-q"}, statusUsage, "no sign-in page at this address", notice},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			bundle := filepath.Join(home, "ca.pem")
			config := filepath.Join(home, "config")
			root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: old.Certificate().Raw})
			text := "[profile gateway]\ngatehop_idp = adfs\ngatehop_url = " + old.URL + "\ngatehop_username = CORP\\alice\ngatehop_store = none\ngatehop_ca_bundle = " + bundle + "\n" + c.line + "\n"
			for name, data := range map[string][]byte{bundle: root, config: []byte(text)} {
				if err := os.WriteFile(name, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("gatehop", append([]string{"login", "gateway", "--no-input"}, c.args...)...)
			cmd.Env = append(os.Environ(), "HOME="+home, "GATEHOP_HOME="+filepath.Join(home, "state"), "AWS_CONFIG_FILE="+config, "GATEHOP_PASSWORD=not sent")
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != c.status || !strings.Contains(string(out), c.said) || strings.Contains(string(out), c.not) {
				t.Errorf("%v, want status %d and %q, without %q:\n%s", err, c.status, c.said, c.not, out)
			}
		})
	}
}
