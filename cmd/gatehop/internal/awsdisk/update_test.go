//go:build unix

package awsdisk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/awsfile"
)

const userVariable = "GATEHOP_AWSFILE_TEST_USER"

func TestUpdate(t *testing.T) {
	t.Parallel()
	if asUser(t) {
		return
	}
	for _, tt := range []struct {
		mode, want, was fs.FileMode
		secret          bool
	}{
		{0o600, 0o600, 0, true}, {0o644, 0o600, 0o644, true}, {0o660, 0o600, 0o660, true}, {0o700, 0o700, 0, true},
		{0o644, 0o644, 0, false}, {0o640, 0o640, 0, false}, {0o600, 0o600, 0, false},
	} {
		p := newPlace(t, raceFile, tt.mode)
		w, err := Update(t.Context(), p.path, Options{Backups: p.backups, Secret: tt.secret}, sectionsEdit("w"))
		if err != nil || !w.Changed || w.Was != tt.was || w.Path != p.path {
			t.Errorf("Update of mode %04o = %+v, %v, want it changed and Was %04o", tt.mode, w, err, tt.was)
		}
		if got := modeOf(t, p.path); got != tt.want {
			t.Errorf("mode after %04o (secret %v) = %04o, want %04o", tt.mode, tt.secret, got, tt.want)
		}
		if got := content(t, p.path); !strings.HasPrefix(got, raceFile+"\n[w]\n") {
			t.Errorf("the file = %q", got)
		}
		if got := p.backup(t); got != raceFile {
			t.Errorf("the backup = %q, want the file as it was", got)
		}
		if got := dirNames(t, p.dir); got != ".credentials.gatehop.lock credentials state" {
			t.Errorf("the folder holds %s", got)
		}
		if got := modeOf(t, filepath.Join(p.dir, ".credentials.gatehop.lock")); got != 0o600 {
			t.Errorf("mode of the lock = %04o", got)
		}
	}
}

// TestUpdateTwice: what changes nothing touches nothing.
func TestUpdateTwice(t *testing.T) {
	t.Parallel()
	p := newPlace(t, raceFile, 0o600)
	if _, err := p.update(t, p.path); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(p.path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := p.update(t, p.path)
	after, serr := os.Stat(p.path)
	if err != nil || serr != nil || w.Changed || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the second Update = %+v, %v, and the file another one or written again", w, err)
	}
	if got := p.backup(t); got != raceFile {
		t.Errorf("the backup = %q, want that of the first", got)
	}
}

func TestUpdateNewFile(t *testing.T) {
	t.Parallel()
	if asUser(t) {
		return
	}
	p := newPlace(t, "", 0o600)
	path := filepath.Join(p.dir, "deep", ".aws", "credentials")
	if _, err := p.update(t, path); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700, filepath.Join(p.dir, "deep"): 0o700} {
		if got := modeOf(t, name); got != want {
			t.Errorf("mode of %s = %04o, want %04o", name, got, want)
		}
	}
	if got := p.backup(t); got != "" {
		t.Errorf("a backup of nothing: %q", got)
	}
}

// TestBackupOfEmpty: an empty reading never replaces a backup.
func TestBackupOfEmpty(t *testing.T) {
	t.Parallel()
	p := newPlace(t, raceFile, 0o600)
	if _, err := p.update(t, p.path); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := errors.Join(os.Truncate(p.path, 0), os.Chtimes(p.path, old, old)); err != nil {
		t.Fatal(err)
	}
	if w, err := p.update(t, p.path); err != nil || !w.Changed {
		t.Fatalf("Update of an empty file = %+v, %v", w, err)
	}
	if got := p.backup(t); got != raceFile {
		t.Errorf("the backup = %q, want what it was", got)
	}
	// The control: a file with content does replace it.
	if err := os.WriteFile(p.path, []byte("[x]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.update(t, p.path); err != nil || p.backup(t) != "[x]\n" {
		t.Errorf("the backup = %q, %v, want the last version", p.backup(t), err)
	}
}

func TestUpdateLinks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		links map[string]string // name: what it points to
		want  string            // the file that is written, relative to the folder
	}{
		{"relative", map[string]string{"a": "credentials"}, "credentials"},
		{"a chain", map[string]string{"a": "sub/b", "sub/b": "../credentials"}, "credentials"},
		{"absolute", map[string]string{"a": "DIR/credentials"}, "credentials"},
		{"into nothing", map[string]string{"a": "sub/new"}, "sub/new"},
		{"into no folder", map[string]string{"a": "none/new"}, "none/new"},
		{"through a folder", map[string]string{"link": "sub", "a": "link/b", "sub/b": "../credentials"}, "credentials"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, raceFile, 0o600)
			if err := os.Mkdir(filepath.Join(p.dir, "sub"), 0o700); err != nil {
				t.Fatal(err)
			}
			for name, to := range tt.links {
				if err := os.Symlink(strings.Replace(to, "DIR", p.dir, 1), filepath.Join(p.dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			real := filepath.Join(p.dir, filepath.FromSlash(tt.want))
			w, err := p.update(t, filepath.Join(p.dir, "a"))
			if err != nil || !sameTarget(w.Path, real) || !strings.Contains(content(t, real), "[w]\n") {
				t.Errorf("Update = %+v, %v, want %s written", w, err, real)
			}
			for name := range tt.links {
				if info, err := os.Lstat(filepath.Join(p.dir, name)); err != nil || info.Mode()&fs.ModeSymlink == 0 {
					t.Errorf("%s is no link any more (%v)", name, err)
				}
			}
			lock := filepath.Join(filepath.Dir(real), "."+filepath.Base(real)+".gatehop.lock")
			if _, err := os.Stat(lock); err != nil {
				t.Errorf("no lock beside the target: %v", err)
			}
		})
	}
}

func sameTarget(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(x, y)
}

// TestUpdateRefuses plants one fault at a time and wants the file as it was, and nothing
// left beside it.
func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	if asUser(t) {
		return
	}
	replace := func(with func(path string) error) func(place) error {
		return func(p place) error { return errors.Join(os.Remove(p.path), with(p.path)) }
	}
	for _, tt := range []struct {
		name    string
		plant   func(p place) error
		problem string
	}{
		{"a folder in its place", replace(func(path string) error { return os.Mkdir(path, 0o700) }), "not a regular file"},
		{"a pipe in its place", replace(func(path string) error { return syscall.Mkfifo(path, 0o600) }), "not a regular file"},
		{"a circle", replace(func(path string) error { return os.Symlink("credentials", path) }), "circle"},
		{"a circle of two", replace(func(path string) error {
			return errors.Join(os.Symlink("other", path), os.Symlink("credentials", filepath.Join(filepath.Dir(path), "other")))
		}), "circle"},
		{"two names", func(p place) error { return os.Link(p.path, p.path+".other") }, "hard links"},
		{"read-only", func(p place) error { return os.Chmod(p.path, 0o400) }, "read-only"},
		{"unreadable", func(p place) error { return os.Chmod(p.path, 0o200) }, "cannot be read"},
		{"too long", func(p place) error { return os.Truncate(p.path, maxFile+1) }, "longer than"},
		{"a folder that the group can write", func(p place) error { return os.Chmod(p.dir, 0o770) }, "others can write"},
		{"a folder that all can write", func(p place) error { return os.Chmod(p.dir, 0o703) }, "others can write"},
		{"the same, sticky", func(p place) error { return os.Chmod(p.dir, 0o703|fs.ModeSticky) }, "others can write"},
		{"a read-only folder", func(p place) error { return os.Chmod(p.dir, 0o500) }, "cannot be written"},
		{"a lock that is a link", func(p place) error {
			return os.Symlink("credentials", filepath.Join(p.dir, ".credentials.gatehop.lock"))
		}, "lock"},
		{"no room for a backup", func(p place) error { return os.WriteFile(filepath.Join(p.dir, "state"), nil, 0o600) }, "back up"},
		{"backups that others can see", func(p place) error {
			return errors.Join(os.MkdirAll(p.backups, 0o755), os.Chmod(p.backups, 0o755))
		}, "back up"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, raceFile, 0o600)
			if err := tt.plant(p); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(p.dir, 0o700) })
			before := listing(t, p.dir)
			w, err := p.update(t, p.path)
			if err == nil || w.Changed || !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("Update = %+v, %v, want it refused: %s", w, err, tt.problem)
			}
			var target *TargetError
			kind := map[string]TargetKind{"others can write": TargetShared, "read-only": TargetReadOnly}[tt.problem]
			if errors.As(err, &target) && target.Kind != kind {
				t.Errorf("Update = %v of kind %d, want %d", err, target.Kind, kind)
			}
			if after := listing(t, p.dir); strings.ReplaceAll(after, ".credentials.gatehop.lock 0600 \"\"\n", "") != before {
				t.Errorf("the folder was\n%sand is\n%s", before, after)
			}
			if strings.Contains(tt.problem, "back up") || strings.Contains(tt.problem, "lock") {
				return
			}
			if _, _, _, err := Preview(t.Context(), p.path, sectionsEdit("w")); err == nil || !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("Preview = %v, want it refused: %s", err, tt.problem)
			}
		})
	}
}

// listing is what stands in a folder: names, modes, short contents.
func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		var data []byte
		if info.Mode().IsRegular() && info.Size() < 1000 {
			data, _ = os.ReadFile(filepath.Join(dir, e.Name()))
		}
		fmt.Fprintf(&b, "%s %04o %q\n", e.Name(), info.Mode().Perm(), data)
	}
	return b.String()
}

// TestUpdateOtherOwner needs root to make what belongs to another user; others find
// root's files.
func TestUpdateOtherOwner(t *testing.T) {
	t.Parallel()
	p := newPlace(t, raceFile, 0o600)
	if os.Geteuid() != 0 {
		if _, err := p.update(t, "/etc/passwd"); err == nil {
			t.Error("Update of a file of root = nil")
		}
		return
	}
	if err := os.Lchown(p.path, 65534, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := p.update(t, p.path); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
		t.Errorf("Update of another's file = %v, want it refused", err)
	}
	if err := errors.Join(os.Lchown(p.path, 0, -1), os.Lchown(p.dir, 65534, -1)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.update(t, p.path); err == nil || !strings.Contains(err.Error(), "folder of another user") {
		t.Errorf("Update in another's folder = %v, want it refused", err)
	}
	if err := os.Lchown(p.dir, 0, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := p.update(t, p.path); err != nil {
		t.Errorf("Update of one's own = %v, want nil", err)
	}
}

// TestMoveUpdate moves a section in a real file and wants the mode kept and the file as
// it was in the backup.
func TestMoveUpdate(t *testing.T) {
	t.Parallel()
	const static = "aws_access_key_id = AKIA\naws_secret_access_key = s\n"
	dir := t.TempDir()
	path, backups := filepath.Join(dir, "credentials"), filepath.Join(dir, "backups")
	before := "# mine\n[w] # c\n" + static
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	edit := func(f *awsfile.File) ([]byte, error) { return f.Move(awsfile.Scan(nil), "w", "w-static") }
	w, err := Update(t.Context(), path, Options{Backups: backups}, edit)
	if err != nil || !w.Changed {
		t.Fatalf("Update = %+v, %v", w, err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "# mine\n[w-static] # c\n"+static {
		t.Errorf("the file holds %q, %v", data, err)
	}
	saved, err := filepath.Glob(filepath.Join(backups, "credentials-*"))
	if err != nil || len(saved) != 1 {
		t.Fatalf("backups = %q, %v, want one", saved, err)
	}
	if data, err := os.ReadFile(saved[0]); err != nil || string(data) != before {
		t.Errorf("the backup holds %q, %v", data, err)
	}
	var refusal *awsfile.RefusalError
	if _, err := Update(t.Context(), path, Options{Backups: backups}, edit); !errors.As(err, &refusal) {
		t.Errorf("Update once more = %v, want the refusal: there is no [w] any more", err)
	}
}
