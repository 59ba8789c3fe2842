package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var someone = Holder{PID: 4711, Command: "login prod", Since: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), Asking: true}

// watched is what somebody who waits for the lock reads of its holder; ok is false if
// the lock is free.
func watched(t *testing.T, dir, key string) (h Holder, ok bool) {
	t.Helper()
	enough := errors.New("enough")
	lock, err := Take(t.Context(), dir, key, func(seen Holder) error {
		h, ok = seen, true
		return enough
	})
	if err == nil {
		lock.Unlock()
	} else if !errors.Is(err, enough) {
		t.Fatalf("Take = %v, want what watch said", err)
	}
	return h, ok
}

func TestHolder(t *testing.T) {
	t.Parallel()
	dir := tempDir(t).path
	lock, err := Take(t.Context(), dir, "key", nil)
	if err != nil {
		t.Fatal(err)
	}
	if h, ok := watched(t, dir, "key"); !ok || h != (Holder{}) {
		t.Errorf("before it says anything the holder is %+v, %v", h, ok)
	}
	quiet := someone
	quiet.Asking, quiet.Command = false, "a much longer command than before"
	for _, want := range []Holder{quiet, someone} { // the shorter note replaces the longer
		if err := lock.Say(want); err != nil {
			t.Fatal(err)
		}
		if h, _ := watched(t, dir, "key"); h != want {
			t.Errorf("the holder is %+v, want %+v", h, want)
		}
	}
	if err := lock.Say(Holder{PID: 1, Command: strings.Repeat("x", noteSize)}); err == nil {
		t.Error("Say of too long a command = nil")
	}
	if h, _ := watched(t, dir, "key"); h != someone {
		t.Errorf("after a note that was refused the holder is %+v, want the one before", h)
	}
	lock.Unlock()
	if _, held := watched(t, dir, "key"); held {
		t.Error("the lock is not free")
	}
	if note, err := os.ReadFile(filepath.Join(dir, hashName("key")+".lock")); err != nil || strings.TrimSpace(string(note)) != "" {
		t.Errorf("a free lock says %q, %v", note, err)
	}
	if err := lock.Say(someone); err != nil { // of a lock that may be another's by now
		t.Error(err)
	}
	if note, _ := os.ReadFile(filepath.Join(dir, hashName("key")+".lock")); strings.TrimSpace(string(note)) != "" {
		t.Error("a lock that was let go speaks")
	}
}

// TestHalfANote wants every note that is not whole to say nothing.
func TestHalfANote(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := writeHolder(f, someone); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := parseHolder(whole); got != someone {
		t.Fatalf("parseHolder = %+v, want %+v", got, someone)
	}
	other := someone
	other.PID, other.Asking = 4712, false
	if err := writeHolder(f, other); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		torn := append(append([]byte{}, after[:n]...), whole[n:]...)
		if got := parseHolder(torn); got != (Holder{}) && got != someone && got != other {
			t.Errorf("torn after %d bytes: %+v", n, got)
		}
	}
	// The control: without the checksum a mixture passes.
	if n := strings.Index(string(whole), "4711") + 4; parseHolder(append(append([]byte{}, after[:n]...), whole[n:]...)) != (Holder{}) {
		t.Error("a mixture passes for a note")
	}
}

func TestTakeContext(t *testing.T) {
	t.Parallel()
	dir := tempDir(t).path
	lock, err := Take(t.Context(), dir, "key", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Take(ctx, dir, "key", func(Holder) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Take = %v, want context.Canceled", err)
	}
}

func FuzzHolder(f *testing.F) {
	f.Add([]byte(noteFormat + `00000000 {"pid":1}`))
	f.Add([]byte("gatehop holder 1 37dd1e6d {\"pid\":4711,\"command\":\"login prod\"}\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, note []byte) {
		if h := parseHolder(note); h != (Holder{}) && h.PID <= 0 {
			t.Errorf("parseHolder = %+v", h)
		}
	})
}
