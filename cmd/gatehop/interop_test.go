//go:build interop

// The interoperability tests run the real binary against software that nobody here
// wrote. They need what .ci/steps/01-install installs, and fail without it.
package main_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const interopDir = "testdata/interop"

// build compiles a Go program of this tree, or of a module inside it, and returns its path.
func build(t *testing.T, dir, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", "build", "-o", out, ".")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build in %s: %v\n%s", dir, err, text)
	}
	return out
}

// outcome is how a program ended.
type outcome struct {
	stdout, stderr string
	status         int
}

// person is somebody's home with nobody at a terminal.
type person struct {
	home string
	env  []string // what is set besides
}

// newPerson makes an empty home. Variables of the machine that lead programs elsewhere
// (AWS_, GATEHOP_, proxies) are not passed on.
func newPerson(t *testing.T, env ...string) person {
	t.Helper()
	home, tmp := t.TempDir(), t.TempDir()
	return person{home: home, env: append([]string{
		"HOME=" + home, "TMPDIR=" + tmp, "PATH=" + os.Getenv("PATH"), "SHELL=/bin/bash", "LC_ALL=C.UTF-8",
		"GATEHOP_HOME=" + filepath.Join(home, "state"), "AWS_CONFIG_FILE=" + filepath.Join(home, "config"),
		"AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(home, "credentials"), "AWS_EC2_METADATA_DISABLED=true",
	}, env...)}
}

// configure writes the AWS config file.
func (p person) configure(t *testing.T, lines ...string) {
	t.Helper()
	text := strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(p.home, "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a program in a session of its own, so that it finds no terminal, with more
// variables than the person's own.
func (p person) run(t *testing.T, env []string, program string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(append([]string{}, p.env...), env...)
	cmd.Dir = p.home
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, stderr.String())
	}
	return outcome{stdout: stdout.String(), stderr: stderr.String(), status: cmd.ProcessState.ExitCode()}
}
