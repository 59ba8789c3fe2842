package store

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	if _, err := ReadFile(dir, "choices"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("ReadFile of a missing file = %v, want fs.ErrNotExist", err)
	}
	for _, content := range []string{"first, long", "second", "", "a\x00b\r\n\xff"} {
		if err := WriteFile(dir, "choices", []byte(content)); err != nil {
			t.Fatalf("WriteFile(%q) = %v", content, err)
		}
		if got, err := ReadFile(dir, "choices"); err != nil || string(got) != content {
			t.Errorf("ReadFile = %q, %v, want %q", got, err, content)
		}
	}
	if got := files(t, dir.path); len(got) != 1 {
		t.Errorf("%d files, want one", len(got))
	}
}

func TestWriteFileLimit(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	longest := bytes.Repeat([]byte{'x'}, MaxFile)
	if err := WriteFile(dir, "choices", longest); err != nil {
		t.Fatalf("WriteFile of MaxFile bytes = %v, want nil", err)
	}
	if err := WriteFile(dir, "choices", append(longest, 'x')); err == nil {
		t.Error("WriteFile of more than MaxFile bytes = nil, want an error")
	}
	if got, err := ReadFile(dir, "choices"); err != nil || !bytes.Equal(got, longest) {
		t.Errorf("ReadFile = %d bytes, %v, want MaxFile of them", len(got), err)
	}
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	outside := filepath.Join(filepath.Dir(dir.path), "outside")
	mustWrite(t, outside, "outside")
	for _, name := range []string{"", ".", "..", "../outside", "a/b", `a\b`, "/etc/passwd", "c:x", "a:b", "a\x00b", tempPrefix + "x", outside} {
		var fileErr *FileError
		if err := WriteFile(dir, name, []byte("x")); !errors.As(err, &fileErr) {
			t.Errorf("WriteFile(%q) = %v, want a *FileError", name, err)
		}
		if got, err := ReadFile(dir, name); !errors.As(err, &fileErr) {
			t.Errorf("ReadFile(%q) = %q, %v, want a *FileError", name, got, err)
		}
	}
	for _, name := range []string{"choices", "a.b", "-x", "~", "a b"} {
		if err := WriteFile(dir, name, []byte(name)); err != nil {
			t.Errorf("WriteFile(%q) = %v, want nil", name, err)
		}
	}
	if content, err := os.ReadFile(outside); err != nil || string(content) != "outside" {
		t.Errorf("file outside = %q, %v, want it untouched", content, err)
	}
}

// TestWriteFileFails: what cannot be replaced stays, and nothing is left behind.
func TestWriteFileFails(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	if err := os.MkdirAll(filepath.Join(dir.path, "choices", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := WriteFile(dir, "choices", []byte("canary"))
	var fileErr *FileError
	if !errors.As(err, &fileErr) || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), tempPrefix) {
		t.Errorf("WriteFile over a folder = %v, want a *FileError without the content and the temporary name", err)
	}
	if left := temporary(t, dir.path); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := WriteFile(dir, "other", []byte("x")); err != nil {
		t.Errorf("WriteFile beside it = %v, want nil", err)
	}
}

// TestSweep: the first Put of a store removes temporary files that are old by the file
// system's own clock, and nothing else.
func TestSweep(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "key", "value")
	now := time.Now()
	old := map[string]time.Time{
		tempPrefix + "old": now.Add(-2 * staleAfter),
		tempPrefix + "new": now.Add(-staleAfter / 2),
		"old":              now.Add(-2 * staleAfter),
		filepath.Join("sessions", tempPrefix+"old"):        now.Add(-2 * staleAfter),
		filepath.Join("sessions", tempPrefix+"new"):        now.Add(-staleAfter / 2),
		filepath.Join("sessions", hashName("old session")): now.Add(-20 * staleAfter),
	}
	for name, at := range old {
		path := filepath.Join(dir.path, name)
		mustWrite(t, path, "x")
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "key", "value")
	left := files(t, dir.path)
	for name := range old {
		_, there := left[filepath.ToSlash(name)]
		if want := filepath.Base(name) != tempPrefix+"old"; there != want {
			t.Errorf("%s is there: %v, want %v", name, there, want)
		}
	}
}

// TestWriteFileSweeps wants gone what a writer that died left behind, once it is old,
// and nothing else: it may be a copy of something secret.
func TestWriteFileSweeps(t *testing.T) {
	t.Parallel()
	dir, err := OpenDir(filepath.Join(t.TempDir(), "d"), true)
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	for name, at := range map[string]time.Time{".tmp-old": old, ".tmp-new": time.Now(), "old": old} {
		path := filepath.Join(dir.Path(), name)
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteFile(dir, "name", []byte("y")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir.Path())
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if got := strings.Join(left, " "); got != ".tmp-new name old" {
		t.Errorf("left after WriteFile: %q", got)
	}
}
