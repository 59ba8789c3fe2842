package store

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestSealedDamagedKey: a key of another size is lost, and with it what it sealed.
func TestSealedDamagedKey(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 16, 24, 31, 33, 64} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "old", "value")
			sound := files(t, dir.path)[keyName]
			damaged := strings.Repeat(sound, 2)[:size]
			mustWrite(t, filepath.Join(dir.path, keyName), damaged)
			wantAbsent(t, dir, "session", "old", fmt.Sprintf("holds %d bytes", size))
			if got := files(t, dir.path)[keyName]; got != damaged {
				t.Error("Get changed the key")
			}
			mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "new", "new value")
			if got := files(t, dir.path)[keyName]; len(got) != keySize || got == sound {
				t.Errorf("key after Put has %d bytes, or is the old one; want a new one of %d", len(got), keySize)
			}
			wantValue(t, dir, "session", "new", "new value")
			wantAbsent(t, dir, "session", "old", "does not open")
		})
	}
}

func TestSealedMissingKey(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "key", "value")
	if err := os.Remove(filepath.Join(dir.path, keyName)); err != nil {
		t.Fatal(err)
	}
	wantAbsent(t, dir, "session", "key", "session.key is not there")
	if _, ok := files(t, dir.path)[keyName]; ok {
		t.Error("Get made a key")
	}
}

// TestSealedKeyReplaced: a store that has read the key goes on when another process has
// made a new one.
func TestSealedKeyReplaced(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	s := NewSealed(dir, "session", rand.Reader, func(err error) { t.Errorf("warned: %v", err) })
	mustPut(t, s, "key", "value")
	if err := os.Remove(filepath.Join(dir.path, keyName)); err != nil {
		t.Fatal(err)
	}
	mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "key", "value under the new key")
	if got, err := s.Get(t.Context(), "key"); err != nil || string(got) != "value under the new key" {
		t.Errorf("Get = %q, %v, want what the other put", got, err)
	}
	if err := os.Remove(filepath.Join(dir.path, keyName)); err != nil {
		t.Fatal(err)
	}
	mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "other", "value")
	mustPut(t, s, "key", "new value")
	wantValue(t, dir, "session", "key", "new value")
}

// TestSealedOneKey: many that begin at once, here and in other processes, make one key.
func TestSealedOneKey(t *testing.T) {
	t.Parallel()
	const stores, processes = 8, 3
	dir := tempDir(t)
	var all sync.WaitGroup
	for n := range processes {
		all.Go(func() {
			cmd, _ := helper(t, "put", dir.path, fmt.Sprintf("process %d", n))
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	for n := range stores {
		all.Go(func() {
			key := fmt.Sprintf("store %d", n)
			if err := NewSealed(dir, "session", rand.Reader, nil).Put(t.Context(), key, []byte("value of "+key)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for n := range processes {
		key := fmt.Sprintf("process %d", n)
		wantValue(t, dir, "session", key, "value of "+key)
	}
	for n := range stores {
		key := fmt.Sprintf("store %d", n)
		wantValue(t, dir, "session", key, "value of "+key)
	}
	if left := temporary(t, dir.path); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestSealedKeyUnderLock: who waited for the lock of the key looks again before making one.
func TestSealedKeyUnderLock(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	unlock, err := LockFile(t.Context(), filepath.Join(dir.path, keyName+".lock"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- NewSealed(dir, "session", rand.Reader, nil).Put(t.Context(), "key", []byte("value")) }()
	made := bytes.Repeat([]byte{1}, keySize)
	select {
	case err := <-done:
		t.Fatalf("Put = %v while another made the key, want it to wait", err)
	case <-appears(t, filepath.Join(dir.path, "sessions")):
	}
	if err := WriteFile(dir, keyName, made); err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := files(t, dir.path)[keyName]; got != string(made) {
		t.Error("the key was made twice")
	}
	wantValue(t, dir, "session", "key", "value")
}

// TestSealedWithoutRandom: what is made without a source of keys makes none.
func TestSealedWithoutRandom(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	var fileErr *FileError
	if err := NewSealed(dir, "session", nil, nil).Put(t.Context(), "key", []byte("value")); !errors.As(err, &fileErr) {
		t.Errorf("Put = %v, want a *FileError", err)
	}
	if _, err := os.Lstat(filepath.Join(dir.Path(), keyName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a key: %v", err)
	}
	mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "key", "value")
	if got, err := NewSealed(dir, "session", nil, nil).Get(t.Context(), "key"); err != nil || string(got) != "value" {
		t.Errorf("Get = %q, %v", got, err)
	}
}
