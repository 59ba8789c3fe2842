package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDisks wants credentials delivered, with one line of warning, to a user who is not
// root and whose state cannot be written, for whatever reason; and none where a lock is
// somebody else's.
func TestDisks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		plant    func(t *testing.T, state string)
		limit    string // of the shell, before gatehop
		status   int
		warnings int
		words    string
	}{
		{"nothing wrong", func(*testing.T, string) {}, "", 0, 0, ""},
		{"state read-only", func(t *testing.T, state string) { mustChmod(t, state, 0o500) }, "", 0, 1, "permission denied"},
		{"locks read-only", func(t *testing.T, state string) { mustMkdir(t, filepath.Join(state, "locks"), 0o500) }, "", 0, 1, "permission denied"},
		{"sessions read-only", func(t *testing.T, state string) { mustMkdir(t, filepath.Join(state, "sessions"), 0o500) }, "", 0, 1, "permission denied"},
		{"every disk full", func(*testing.T, string) {}, "ulimit -f 0; trap '' XFSZ; ", 0, 1, "file too large"},
		{"locks that are a link", func(t *testing.T, state string) {
			if err := os.Symlink(t.TempDir(), filepath.Join(state, "locks")); err != nil {
				t.Fatal(err)
			}
		}, "", statusUsage, 0, "symbolic link"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cmd, home := asNobody(t)
			state := filepath.Join(home, "state")
			mustMkdir(t, state, 0o700)
			c.plant(t, state)
			giveAway(t, cmd, home)
			public, err := os.MkdirTemp("", "gatehop-test-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(public) })
			mustChmod(t, public, 0o755)
			_, _, command := realProcesses(t, realOptions{home: public})
			cmd.Args = []string{"sh", "-c", c.limit + `exec "$0" credential-process dev`, cmd.Path}
			cmd.Path = "/bin/sh"
			cmd.Env = append(command([]string{password(worldPassword)}, "version").Env, "GATEHOP_HOME="+state)
			r := resultOf(t, cmd)
			if r.status != c.status || (c.status == 0) != strings.HasPrefix(r.stdout, `{"Version":1`) || !strings.Contains(r.stderr, c.words) {
				t.Errorf("%+v, want status %d and %q", r, c.status, c.words)
			}
			if n := strings.Count(r.stderr, "warning"); n != c.warnings {
				t.Errorf("%d warnings, want %d: %s", n, c.warnings, r.stderr)
			}
		})
	}
}

func mustChmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func mustMkdir(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Mkdir(path, mode); err != nil {
		t.Fatal(err)
	}
}

// giveAway makes everything below a folder belong to the user that the command runs as.
func giveAway(t *testing.T, cmd *exec.Cmd, dir string) {
	t.Helper()
	if cmd.SysProcAttr == nil {
		return
	}
	user := cmd.SysProcAttr.Credential
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(user.Uid), int(user.Gid))
	})
	if err != nil {
		t.Fatal(err)
	}
}
