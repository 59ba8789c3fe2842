package store

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

// watch counts, by the kernel's own account, how often anything in the folders, or a
// folder itself, is opened by anybody.
type watch struct{ fd int }

func newWatch(t *testing.T, folders ...string) watch {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	for _, folder := range folders {
		if _, err := syscall.InotifyAddWatch(fd, folder, syscall.IN_OPEN); err != nil {
			t.Fatal(err)
		}
	}
	return watch{fd}
}

// opened returns the names opened since the last call, "" for a folder itself.
func (w watch) opened(t *testing.T) (names []string) {
	t.Helper()
	buffer := make([]byte, 64<<10)
	n, err := syscall.Read(w.fd, buffer)
	if errors.Is(err, syscall.EAGAIN) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	for buffer = buffer[:n]; len(buffer) > 0; {
		end := syscall.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buffer[12:]))
		names = append(names, string(bytes.TrimRight(buffer[syscall.SizeofInotifyEvent:end], "\x00")))
		buffer = buffer[end:]
	}
	return names
}

// TestWarmGetOpensTwoFiles: the entry and the key, each once. The controls are what else
// a store does, which the same watch sees.
func TestWarmGetOpensTwoFiles(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "key", "value")
	w := newWatch(t, dir.path, filepath.Join(dir.path, "sessions"))
	s := NewSealed(dir, "session", rand.Reader, nil)
	for _, step := range []struct {
		name string
		do   func() error
		want []string
	}{
		{"nothing", func() error { return nil }, nil},
		{"first Get", func() error { _, err := s.Get(t.Context(), "key"); return err }, []string{hashName("key"), keyName}},
		{"second Get", func() error { _, err := s.Get(t.Context(), "key"); return err }, []string{hashName("key")}},
		{"Get of an absent key", func() error { _, _ = s.Get(t.Context(), "none"); return nil }, nil},
		{"ReadFile", func() error { _, err := ReadFile(dir, keyName); return err }, []string{keyName}},
		{"OpenDir", func() error { _, err := OpenDir(dir.path, true); return err }, nil},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s = %v", step.name, err)
		}
		got := w.opened(t)
		if len(got) != len(step.want) {
			t.Errorf("%s opened %q, want %q", step.name, got, step.want)
			continue
		}
		for n := range got {
			if got[n] != step.want[n] {
				t.Errorf("%s opened %q, want %q", step.name, got, step.want)
			}
		}
	}
	mustPut(t, s, "key", "new value")
	if got := w.opened(t); len(got) < 3 {
		t.Errorf("Put opened %q, want the key, a temporary file and the folders it sweeps: the watch is blind", got)
	}
}
