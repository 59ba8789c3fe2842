//go:build unix

package store

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehop/creds"
)

// TestSealedLinks puts links in place of what a sealed store reads.
func TestSealedLinks(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"entry":  filepath.Join("sessions", hashName("key")),
		"key":    keyName,
		"folder": "sessions",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "key", "value")
			if got, err := NewSealed(dir, "session", rand.Reader, nil).Get(t.Context(), "key"); err != nil || string(got) != "value" {
				t.Fatalf("Get before = %q, %v, want the value", got, err)
			}
			target := filepath.Join(t.TempDir(), "target")
			link := filepath.Join(dir.path, path)
			if err := errors.Join(os.Rename(link, target), os.Symlink(target, link)); err != nil {
				t.Fatal(err)
			}
			var warnings []error
			s := NewSealed(dir, "session", rand.Reader, func(err error) { warnings = append(warnings, err) })
			if _, err := s.Get(t.Context(), "key"); !errors.Is(err, creds.ErrNotFound) || len(warnings) != 1 ||
				!strings.Contains(warnings[0].Error(), "symbolic link") {
				t.Errorf("Get through a link = %v, warned %v, want ErrNotFound and one warning of the link", err, warnings)
			}
			before := files(t, filepath.Dir(target))
			err := s.Put(t.Context(), "key", []byte("new"))
			if after := files(t, filepath.Dir(target)); len(after) != len(before) || after["target"] != before["target"] {
				t.Error("Put wrote through the link")
			}
			if name == "folder" {
				var dirErr *DirError
				if !errors.As(err, &dirErr) {
					t.Errorf("Put into a folder that is a link = %v, want a *DirError", err)
				}
			} else if got, errGet := s.Get(t.Context(), "key"); err != nil || errGet != nil || string(got) != "new" {
				t.Errorf("Put, Get = %v, %q, %v, want the link replaced", err, got, errGet)
			}
		})
	}
}

// TestSealedOpenKey: a key that others could have read is no key.
func TestSealedOpenKey(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "key", "value")
	path := filepath.Join(dir.path, keyName)
	old, err := os.ReadFile(path)
	if err := errors.Join(err, os.Chmod(path, 0o644)); err != nil {
		t.Fatal(err)
	}
	s := NewSealed(dir, "session", rand.Reader, nil)
	if _, err := s.Get(t.Context(), "key"); !errors.Is(err, creds.ErrNotFound) {
		t.Errorf("Get with a key that others can read = %v, want ErrNotFound", err)
	}
	mustPut(t, s, "key", "new")
	if now, err := os.ReadFile(path); err != nil || string(now) == string(old) || mode(t, path) != 0o600 {
		t.Errorf("key after Put: same as before, or mode %04o, or %v; want a new one of mode 0600", mode(t, path), err)
	}
}

// TestSealedUnreadableKey: a key that cannot be read now is not replaced. Root can read
// it, and must not replace it either.
func TestSealedUnreadableKey(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "key", "value")
	path := filepath.Join(dir.path, keyName)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	s := NewSealed(dir, "session", rand.Reader, nil)
	err := s.Put(t.Context(), "other", []byte("value"))
	if os.Geteuid() != 0 && !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Put with an unreadable key = %v, want fs.ErrPermission", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := NewSealed(dir, "session", rand.Reader, nil).Get(t.Context(), "key"); err != nil || string(got) != "value" {
		t.Errorf("Get when the key can be read again = %q, %v, want the value", got, err)
	}
}

// TestSealedKeyNoFile: something that cannot be opened stands where the key should be. It
// is not "not found", so no key is made in its place; for root too.
func TestSealedKeyNoFile(t *testing.T) {
	t.Parallel()
	short, err := os.MkdirTemp("", "gh") // a socket's path is at most about 100 bytes long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	dir, err := OpenDir(filepath.Join(short, "state"), true)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", filepath.Join(dir.path, keyName))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	var fileErr *FileError
	if err := NewSealed(dir, "session", rand.Reader, nil).Put(t.Context(), "key", []byte("value")); !errors.As(err, &fileErr) {
		t.Errorf("Put with a socket for a key = %v, want a *FileError", err)
	}
	if info, err := os.Lstat(filepath.Join(dir.path, keyName)); err != nil || info.Mode().Type() != fs.ModeSocket {
		t.Errorf("in the key's place is %v, %v, want the socket", info, err)
	}
}
