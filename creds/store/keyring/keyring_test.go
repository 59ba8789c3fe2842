package keyring

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/creds/store"
)

// fake is a keyring in memory that can be out of order. Like the real ones it may never
// answer.
type fake struct {
	mu      sync.Mutex
	entries map[string]string
	trouble error         // of Ready
	failing error         // of the rest
	slow    time.Duration // of every call
	forgets bool
	sets    int
}

func (f *fake) Ready(context.Context) error {
	time.Sleep(f.slow)
	return f.trouble
}

func (f *fake) Get(service, account string) (string, error) {
	time.Sleep(f.slow)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing != nil {
		return "", f.failing
	}
	text, ok := f.entries[service+" "+account]
	if !ok {
		return "", fs.ErrNotExist
	}
	return text, nil
}

func (f *fake) Set(service, account, value string) error {
	time.Sleep(f.slow)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sets++; f.failing != nil || f.forgets {
		return f.failing
	}
	if f.entries == nil {
		f.entries = map[string]string{}
	}
	f.entries[service+" "+account] = value
	return nil
}

func (f *fake) Delete(service, account string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.entries, service+" "+account)
	return f.failing
}

func openDir(t *testing.T) store.Dir {
	t.Helper()
	dir, err := store.OpenDir(filepath.Join(t.TempDir(), "state"), true)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestMake makes a key once, whoever asks, and gives the same one ever after.
func TestMake(t *testing.T) {
	t.Parallel()
	dir, ring := openDir(t), &fake{}
	key := New(dir, ring)
	if _, err := key.Read(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Read = %v, want fs.ErrNotExist", err)
	}
	if _, err := key.Make(t.Context(), nil); err == nil {
		t.Error("Make without random made a key")
	}
	var wg sync.WaitGroup
	made := make([]string, 8)
	for i := range made {
		wg.Go(func() {
			k, err := New(dir, ring).Make(t.Context(), rand.Reader)
			if err != nil {
				t.Error(err)
			}
			made[i] = string(k)
		})
	}
	wg.Wait()
	for _, k := range made {
		if k != made[0] || len(k) != keySize {
			t.Errorf("keys differ, or have not %d bytes", keySize)
		}
	}
	if ring.sets != 1 {
		t.Errorf("%d keys were put into the keyring, want 1", ring.sets)
	}
	other, err := New(openDir(t), ring).Make(t.Context(), rand.Reader)
	if err != nil || string(other) == made[0] {
		t.Errorf("another directory: %v, want a key of its own", err)
	}
	if err := key.Forget(t.Context()); err != nil {
		t.Error(err)
	}
	if k, err := key.Make(t.Context(), rand.Reader); err != nil || string(k) == made[0] {
		t.Errorf("after Forget: %v, want another key", err)
	}
}

// TestTroubles: whatever is wrong is said as it is, and makes no key.
func TestTroubles(t *testing.T) {
	t.Parallel()
	canary := errors.New("org.example.Oops")
	for name, c := range map[string]struct {
		ring *fake
		want Trouble
	}{
		"missing": {&fake{trouble: &Error{Trouble: Missing}}, Missing},
		"no bus":  {&fake{trouble: &Error{Trouble: Missing, Err: &os.PathError{Op: "dial", Path: "/gone", Err: fs.ErrNotExist}}}, Missing},
		"locked":  {&fake{trouble: &Error{Trouble: Locked}}, Locked},
		"failing": {&fake{failing: canary}, Failing},
		"slow":    {&fake{slow: 10 * time.Second}, Slow},
		"foreign": {&fake{entries: map[string]string{}}, Foreign},
	} {
		synctest.Test(t, func(t *testing.T) {
			dir := openDir(t)
			if c.want == Foreign {
				c.ring.entries["gatehop "+dir.Path()] = "gatehop key 2 AAAA"
			}
			key := New(dir, c.ring)
			for method, call := range map[string]func() error{
				"Read": func() error { _, err := key.Read(t.Context()); return err },
				"Make": func() error { _, err := key.Make(t.Context(), rand.Reader); return err },
			} {
				begun := time.Now()
				var e *Error
				if err := call(); !errors.As(err, &e) || e.Trouble != c.want || !strings.Contains(err.Error(), string(c.want)) {
					t.Errorf("%s: %s = %v, want %q", name, method, err, c.want)
				}
				if took := time.Since(begun); took > callLimit {
					t.Errorf("%s: %s took %v", name, method, took)
				}
			}
			if c.ring.sets != 0 {
				t.Errorf("%s: a key was put into the keyring", name)
			}
			time.Sleep(time.Minute) // what was given up on ends
		})
	}
	if err := (&Error{Trouble: Failing, Err: canary}).Error(); !strings.Contains(err, canary.Error()) {
		t.Errorf("the system's reason is not in %q", err)
	}
	if _, err := New(openDir(t), &fake{forgets: true}).Make(t.Context(), rand.Reader); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a keyring that forgets: %v", err)
	}
}

// TestCancelled: who goes away is not told that the keyring is slow.
func TestCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Second); cancel() }()
		if _, err := New(openDir(t), &fake{slow: 10 * time.Second}).Read(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Read = %v, want context.Canceled", err)
		}
		time.Sleep(time.Minute)
	})
}

// TestSealedUnder seals under a key in the keyring: what another keyring has opens
// nothing, and no key comes to lie in the directory.
func TestSealedUnder(t *testing.T) {
	t.Parallel()
	dir, ring := openDir(t), &fake{}
	sealed := func(s System) *store.Sealed {
		return store.NewSealedUnder(dir, "cookie", New(dir, s), rand.Reader, nil)
	}
	if err := sealed(ring).Put(t.Context(), "k", []byte("value")); err != nil {
		t.Fatal(err)
	}
	if got, err := sealed(ring).Get(t.Context(), "k"); err != nil || string(got) != "value" {
		t.Errorf("Get = %q, %v", got, err)
	}
	other := &fake{}
	if _, err := New(dir, other).Make(t.Context(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if got, err := sealed(other).Get(t.Context(), "k"); err == nil {
		t.Errorf("another key opened it: %q", got)
	}
	files, err := os.ReadDir(dir.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".key") {
			t.Errorf("%s lies in the directory", f.Name())
		}
	}
}
