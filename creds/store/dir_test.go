package store

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestOpenDirCreates(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b", "state")
	if _, err := OpenDir(path, false); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("OpenDir of a missing folder = %v, want fs.ErrNotExist", err)
	}
	if _, err := os.Lstat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("OpenDir without create made the parent: %v", err)
	}
	for range 2 { // made, then found
		dir, err := OpenDir(path+string(filepath.Separator), true)
		if err != nil || dir.Path() != path {
			t.Fatalf("OpenDir = %q, %v, want %q", dir.Path(), err, path)
		}
	}
	if _, err := OpenDir(path, false); err != nil {
		t.Errorf("OpenDir of a folder that was made = %v, want nil", err)
	}
}

func TestOpenDirCreatesOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "state")
	errs := make([]error, 16)
	var all sync.WaitGroup
	for n := range errs {
		all.Go(func() { _, errs[n] = OpenDir(path, true) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Errorf("OpenDir by several at once = %v, want nil", err)
	}
}

func TestOpenDirRefusesRelativePaths(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", ".", "state", "./state", "~/state"} {
		_, err := OpenDir(path, true)
		var dirErr *DirError
		if !errors.As(err, &dirErr) || dirErr.Path != path || !strings.Contains(dirErr.Problem, "absolute") {
			t.Errorf("OpenDir(%q) = %v, want a *DirError about an absolute path", path, err)
		}
	}
}

func TestOpenDirRefusesFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	mustWrite(t, path, "")
	_, err := OpenDir(path, true)
	var dirErr *DirError
	if !errors.As(err, &dirErr) || dirErr.Problem != "is not a folder" {
		t.Errorf("OpenDir of a file = %v, want a *DirError", err)
	}
	if got, want := err.Error(), "use folder "+path+": it is not a folder"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestZeroDir(t *testing.T) {
	t.Parallel()
	if err := WriteFile(Dir{}, "name", nil); err == nil {
		t.Error("WriteFile in no folder = nil, want an error")
	}
	if _, err := ReadFile(Dir{}, "name"); err == nil {
		t.Error("ReadFile in no folder = nil, want an error")
	}
	if err := NewSealed(Dir{}, "session", rand.Reader, nil).Put(t.Context(), "key", nil); err == nil {
		t.Error("Put in no folder = nil, want an error")
	}
}
