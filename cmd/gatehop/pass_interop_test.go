//go:build interop

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestInteropPass signs in with a password that pass keeps, which asks nobody.
func TestInteropPass(t *testing.T) {
	t.Parallel()
	w := newRealCompany(t, realOptions{config: "gatehop_password_command = pass show corp/aws"})
	if err := os.Chmod(w.home, 0o700); err != nil {
		t.Fatal(err)
	}
	do := func(stdin, name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Env = []string{"HOME=" + w.home, "PATH=" + os.Getenv("PATH")}
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	do("", "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "alice@corp.example", "default", "default", "never")
	t.Cleanup(func() {
		cmd := exec.Command("gpgconf", "--kill", "all")
		cmd.Env = []string{"HOME=" + w.home, "PATH=" + os.Getenv("PATH")}
		_ = cmd.Run()
	})
	do("", "pass", "init", "alice@corp.example")
	do(worldPassword+"\nnotes that are none of gatehop's business\n", "pass", "insert", "--multiline", "corp/aws")
	run := w.command("state", "gatehop", "credential-process", "gateway")
	for i, v := range run.Env {
		if strings.HasPrefix(v, "GATEHOP_PASSWORD=") {
			run.Env[i] = "GATEHOP_PASSWORD="
		}
	}
	if out, err := run.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), `{"Version":1,`) {
		t.Errorf("with pass: %v\n%s", err, out)
	}
	if n := w.calls()["password"]; n != 1 {
		t.Errorf("%d passwords were sent, want 1", n)
	}
	if err := os.RemoveAll(filepath.Join(w.home, ".password-store")); err != nil {
		t.Fatal(err)
	}
	run = w.command("other-state", "gatehop", "credential-process", "gateway")
	run.Env = append(run.Env, "GATEHOP_PASSWORD=")
	if out, err := run.CombinedOutput(); err == nil || !strings.Contains(string(out), "gatehop_password_command") { // the control
		t.Errorf("without the entry: %v\n%s", err, out)
	}
}
