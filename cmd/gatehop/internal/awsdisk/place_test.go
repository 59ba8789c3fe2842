//go:build unix

package awsdisk

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asUser runs the calling test once more as a user who is not root, and reports whether
// that was done: then the caller has nothing left to do.
func asUser(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return false
	}
	const nobody = 65534
	dir := t.TempDir()
	exe := filepath.Join(dir, "test")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err == nil {
		err = os.WriteFile(exe, binary, 0o755)
	}
	if err == nil {
		err = errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chown(dir, nobody, nobody), os.Chmod(dir, 0o700))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = dir, []string{"TMPDIR=" + dir, userVariable + "=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) || strings.Contains(string(out), "--- SKIP") {
		t.Errorf("as another user: %v\n%s", err, out)
	}
	return true
}

// place is a home with a credentials file in it, and where backups go.
type place struct{ dir, path, backups string }

func newPlace(t *testing.T, content string, mode fs.FileMode) place {
	t.Helper()
	dir := privateDir(t)
	p := place{dir: dir, path: filepath.Join(dir, "credentials"), backups: filepath.Join(dir, "state", "backups")}
	old := time.Now().Add(-time.Hour)
	err := os.WriteFile(p.path, []byte(content), 0o600)
	if err = errors.Join(err, os.Chmod(p.path, mode), os.Chtimes(p.path, old, old)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p place) update(t *testing.T, path string) (Written, error) {
	t.Helper()
	return Update(t.Context(), path, Options{Backups: p.backups, Secret: true}, sectionsEdit("w"))
}

// backup is the content of the only backup, "" if there is none.
func (p place) backup(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(p.backups, "*"))
	if err != nil || len(found) > 1 {
		t.Fatal(found, err)
	}
	if len(found) == 0 {
		return ""
	}
	if got := modeOf(t, found[0]); got != 0o600 {
		t.Errorf("mode of the backup = %04o, want 0600", got)
	}
	return content(t, found[0])
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func modeOf(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}
