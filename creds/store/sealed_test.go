package store

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehop/creds"
	"gatehop/creds/credstest"
)

func TestSealed(t *testing.T) {
	t.Parallel()
	credstest.TestStore(t, func(t *testing.T) creds.Store {
		return NewSealed(tempDir(t), "session", rand.Reader, func(err error) { t.Errorf("warned: %v", err) })
	})
}

func TestNone(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	if err := (None{}).Put(ctx, "key", []byte("value")); err != nil {
		t.Errorf("Put = %v, want nil", err)
	}
	if got, err := (None{}).Get(ctx, "key"); !errors.Is(err, creds.ErrNotFound) || got != nil {
		t.Errorf("Get = %q, %v, want ErrNotFound", got, err)
	}
	if err := (None{}).Delete(ctx, "key"); err != nil {
		t.Errorf("Delete = %v, want nil", err)
	}
	if (None{}).Put(ctx, "key", make([]byte, creds.MaxValue+1)) == nil || (None{}).Put(ctx, "", nil) == nil {
		t.Error("Put of what no store takes = nil, want an error")
	}
}

// wantAbsent expects one warning that has the words in it, or none at all for "".
func wantAbsent(t *testing.T, dir Dir, kind, key, words string) {
	t.Helper()
	var warnings []error
	s := NewSealed(dir, kind, rand.Reader, func(err error) { warnings = append(warnings, err) })
	for range 2 {
		if got, err := s.Get(t.Context(), key); !errors.Is(err, creds.ErrNotFound) || got != nil {
			t.Errorf("Get(%q) = %q, %v, want ErrNotFound", key, got, err)
		}
	}
	switch {
	case words == "" && len(warnings) > 0:
		t.Errorf("Get(%q) twice warned %v, want no warning", key, warnings)
	case words != "" && (len(warnings) != 1 || !strings.Contains(warnings[0].Error(), words)):
		t.Errorf("Get(%q) twice warned %v, want one warning with %q", key, warnings, words)
	}
}

func wantValue(t *testing.T, dir Dir, kind, key, value string) {
	t.Helper()
	s := NewSealed(dir, kind, rand.Reader, func(err error) { t.Errorf("Get(%q) warned %v", key, err) })
	if got, err := s.Get(t.Context(), key); err != nil || string(got) != value {
		t.Errorf("Get(%q) = %q, %v, want %q", key, got, err, value)
	}
}

// TestSealedLazy: making and asking a store makes no file.
func TestSealedLazy(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	wantAbsent(t, dir, "session", "key", "")
	s := NewSealed(dir, "session", rand.Reader, nil)
	n, err := s.DeleteAll(t.Context())
	if err := errors.Join(s.Delete(t.Context(), "key"), err); n != 0 || err != nil {
		t.Errorf("Delete, DeleteAll = %d, %v, want 0, nil", n, err)
	}
	if entries, err := os.ReadDir(dir.path); err != nil || len(entries) > 0 {
		t.Errorf("folder = %v, %v, want it empty", entries, err)
	}
	mustPut(t, s, "key", "value")
	for _, name := range []string{keyName, filepath.Join("sessions", hashName("key"))} {
		if _, err := os.Lstat(filepath.Join(dir.path, name)); err != nil {
			t.Errorf("after Put: %v", err)
		}
	}
	wantValue(t, dir, "session", "key", "value")
}

func TestSealedKinds(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "key", "a session")
	mustPut(t, NewSealed(dir, "record", rand.Reader, nil), "key", "a record")
	wantValue(t, dir, "session", "key", "a session")
	wantValue(t, dir, "record", "key", "a record")
	if n, err := NewSealed(dir, "session", rand.Reader, nil).DeleteAll(t.Context()); n != 1 || err != nil {
		t.Fatalf("DeleteAll = %d, %v, want 1, nil", n, err)
	}
	wantAbsent(t, dir, "session", "key", "")
	wantValue(t, dir, "record", "key", "a record")
	for _, kind := range []string{"", "..", "a/b", "Session", "session.", "session1"} {
		if err := NewSealed(dir, kind, rand.Reader, nil).Put(t.Context(), "key", nil); err == nil {
			t.Errorf("Put into kind %q = nil, want an error", kind)
		}
	}
}

func TestSealedDeleteAll(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	s := NewSealed(dir, "session", rand.Reader, nil)
	for n := range 5 {
		mustPut(t, s, fmt.Sprint(n), "value")
	}
	for _, name := range []string{tempPrefix + "x", hashName("damaged"), "somebody's"} {
		mustWrite(t, filepath.Join(dir.path, "sessions", name), "x")
	}
	if n, err := s.DeleteAll(t.Context()); n != 6 || err != nil {
		t.Fatalf("DeleteAll = %d, %v, want the 5 entries and the damaged one", n, err)
	}
	left := files(t, filepath.Join(dir.path, "sessions"))
	if _, ok := left["somebody's"]; len(left) != 1 || !ok {
		t.Errorf("left: %q, want only the file that is not the store's", left)
	}
	mustPut(t, s, "0", "again")
	wantValue(t, dir, "session", "0", "again")
}

// TestSealedHides searches the files, and their names, for what was put. The control
// searches a file written plainly.
func TestSealedHides(t *testing.T) {
	t.Parallel()
	const canary, key = "canary-value-0123456789", "canary-key-0123456789"
	var needles []string
	for _, text := range []string{canary, key} {
		needles = append(needles, text, hex.EncodeToString([]byte(text)), base64.StdEncoding.EncodeToString([]byte(text))[:20])
	}
	found := func(dir Dir) (names []string) {
		for name, content := range files(t, dir.path) {
			for _, needle := range needles {
				if strings.Contains(name+"\n"+content, needle) {
					names = append(names, name)
				}
			}
		}
		return names
	}
	sealed := tempDir(t)
	mustPut(t, NewSealed(sealed, "session", rand.Reader, nil), key, canary)
	if names := found(sealed); len(names) > 0 {
		t.Errorf("found what was sealed in %q", names)
	}
	plain := tempDir(t)
	if err := errors.Join(WriteFile(plain, "a", []byte(canary)), WriteFile(plain, key, nil)); err != nil {
		t.Fatal(err)
	}
	if names := found(plain); len(names) != 2 {
		t.Errorf("the search found %q in plain files, want both", names)
	}
}

// TestSealedNonce: the same value is sealed differently each time.
func TestSealedNonce(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	s := NewSealed(dir, "session", rand.Reader, nil)
	nonces := map[string]bool{}
	const rounds = 20
	for range rounds {
		mustPut(t, s, "key", "value")
		content := files(t, dir.path)["sessions/"+hashName("key")]
		nonces[content[len(sealedFormat):len(sealedFormat)+12]] = true
	}
	if len(nonces) != rounds {
		t.Errorf("%d nonces in %d writes, want one each", len(nonces), rounds)
	}
}

func entryPath(dir Dir, key string) string {
	return filepath.Join(dir.path, "sessions", hashName(key))
}

// TestSealedMovedFile: a file copied over another does not open.
func TestSealedMovedFile(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	s := NewSealed(dir, "session", rand.Reader, nil)
	mustPut(t, s, "mine", "value of mine")
	mustPut(t, s, "theirs", "value of theirs")
	content, err := os.ReadFile(entryPath(dir, "mine"))
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, entryPath(dir, "theirs"), string(content))
	wantAbsent(t, dir, "session", "theirs", "does not open")
	wantValue(t, dir, "session", "mine", "value of mine")
}

// TestSealedCovers seals by hand: with exactly the parts that the store covers the entry
// opens, so it is the changed part that keeps the others from opening.
func TestSealedCovers(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "other", "value")
	key, err := os.ReadFile(filepath.Join(dir.path, keyName))
	if err != nil {
		t.Fatal(err)
	}
	seal := func(key []byte, parts ...string) []byte {
		block, errBlock := aes.NewCipher(key)
		aead, errGCM := cipher.NewGCM(block)
		if err := errors.Join(errBlock, errGCM); err != nil {
			t.Fatal(err)
		}
		var additional []byte
		for _, part := range parts {
			additional = append(binary.BigEndian.AppendUint32(additional, uint32(len(part))), part...)
		}
		nonce := bytes.Repeat([]byte{7}, 12)
		return aead.Seal(append([]byte(sealedFormat), nonce...), nonce, []byte("value"), additional)
	}
	otherKey := bytes.Clone(key)
	otherKey[31] ^= 1
	for _, c := range []struct {
		name    string
		content []byte
		opens   bool
	}{
		{"as the store does", seal(key, sealedFormat, "session", "key"), true},
		{"another master key", seal(otherKey, sealedFormat, "session", "key"), false},
		{"another format", seal(key, "gatehop sealed 2\n", "session", "key"), false},
		{"another kind", seal(key, sealedFormat, "record", "key"), false},
		{"another entry", seal(key, sealedFormat, "session", "kez"), false},
		{"a shorter key", seal(key, sealedFormat, "session", "ke"), false},
		{"parts divided elsewhere", seal(key, sealedFormat, "sessionk", "ey"), false},
		{"nothing covered", seal(key), false},
	} {
		mustWrite(t, entryPath(dir, "key"), string(c.content))
		if c.opens {
			wantValue(t, dir, "session", "key", "value")
		} else if wantAbsent(t, dir, "session", "key", "does not open"); t.Failed() {
			t.Fatalf("sealed with %s", c.name)
		}
	}
}

// TestSealedDamaged changes every byte, and cuts the file at every length.
func TestSealedDamaged(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "key", "value")
	sound, err := os.ReadFile(entryPath(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range sound {
		damaged := bytes.Clone(sound)
		damaged[n] ^= 0x20
		for what, content := range map[string][]byte{"changed": damaged, "cut": sound[:n]} {
			mustWrite(t, entryPath(dir, "key"), string(content))
			if wantAbsent(t, dir, "session", "key", hashName("key")); t.Failed() {
				t.Fatalf("%s at byte %d", what, n)
			}
		}
	}
	mustWrite(t, entryPath(dir, "key"), string(sound)+"x")
	wantAbsent(t, dir, "session", "key", "does not open")
	mustWrite(t, entryPath(dir, "key"), string(sound))
	wantValue(t, dir, "session", "key", "value")
}

// FuzzSealed: no content of a file opens, but the one that was written.
func FuzzSealed(f *testing.F) {
	dir := tempDir(f)
	mustPut(f, NewSealed(dir, "session", rand.Reader, nil), "key", "value")
	sound, err := os.ReadFile(entryPath(dir, "key"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sound)
	f.Add([]byte(sealedFormat))
	f.Add(sound[:len(sealedFormat)+12])
	f.Add([]byte("gatehop sealed 2\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		mustWrite(t, entryPath(dir, "key"), string(content))
		got, err := NewSealed(dir, "session", rand.Reader, nil).Get(t.Context(), "key")
		if opened := err == nil; opened != bytes.Equal(content, sound) {
			t.Errorf("Get = %q, %v", got, err)
		}
		if err != nil && !errors.Is(err, creds.ErrNotFound) {
			t.Errorf("Get = %v, want ErrNotFound", err)
		}
	})
}

// BenchmarkSealedGet is what a warm run pays: a new store, which reads key and entry.
func BenchmarkSealedGet(b *testing.B) {
	dir := tempDir(b)
	mustPut(b, NewSealed(dir, "session", rand.Reader, nil), "key", strings.Repeat("x", 1500))
	for b.Loop() {
		if _, err := NewSealed(dir, "session", rand.Reader, nil).Get(b.Context(), "key"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealedPut(b *testing.B) {
	s := NewSealed(tempDir(b), "session", rand.Reader, nil)
	for b.Loop() {
		mustPut(b, s, "key", strings.Repeat("x", 1500))
	}
}
