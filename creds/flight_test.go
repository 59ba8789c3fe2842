package creds

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pocket is a store with room for one value, and faults on demand.
type pocket struct {
	value          []byte
	getErr, putErr error
	delay          time.Duration // of Put, which goes by its context
	gets, puts     int
}

func (p *pocket) Get(context.Context, string) ([]byte, error) {
	p.gets++
	if p.getErr != nil {
		return nil, p.getErr
	}
	if p.value == nil {
		return nil, ErrNotFound
	}
	return p.value, nil
}

func (p *pocket) Put(ctx context.Context, _ string, value []byte) error {
	p.puts++
	if p.delay > 0 {
		if err := pause(ctx, p.delay); err != nil {
			return err
		}
	}
	if p.putErr == nil {
		p.value = value
	}
	return p.putErr
}

func (p *pocket) Delete(context.Context, string) error { return nil }

// textFlight keeps texts; those that begin with "fresh" are.
func textFlight(store Store) (f *Flight[string], warnings *[]error) {
	warnings = new([]error)
	return &Flight[string]{
		Store:  store,
		Fresh:  func(text string) bool { return strings.HasPrefix(text, "fresh") },
		Encode: func(text string) ([]byte, error) { return []byte(text), nil },
		Decode: func(data []byte) (string, error) {
			if strings.HasPrefix(string(data), "damaged") {
				return "", errors.New("cannot be decoded")
			}
			return string(data), nil
		},
		Warn: func(err error) { *warnings = append(*warnings, err) },
	}, warnings
}

func returns(text string, count *int) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		*count++
		return text, nil
	}
}

// TestFlightFresh: something fresh costs one look, no lock, no work.
func TestFlightFresh(t *testing.T) {
	t.Parallel()
	for kept, want := range map[string]struct {
		text                    string
		gets, locks, works, put int
	}{
		"fresh one": {"fresh one", 1, 0, 0, 0},
		"old one":   {"new", 2, 1, 1, 1},
	} {
		store := &pocket{value: []byte(kept)}
		f, warnings := textFlight(store)
		locks, works := 0, 0
		f.Lock = func(context.Context, string) (func(), error) { locks++; return func() {}, nil }
		got, err := f.Wrap("key", returns("new", &works))(t.Context())
		if got != want.text || err != nil || store.gets != want.gets || locks != want.locks || works != want.works || store.puts != want.put {
			t.Errorf("with %q kept: %q, %v, %d looks, %d locks, %d works, %d puts; want %+v",
				kept, got, err, store.gets, locks, works, store.puts, want)
		}
		if len(*warnings) > 0 {
			t.Errorf("warned %v", *warnings)
		}
	}
}

func TestFlightForced(t *testing.T) {
	t.Parallel()
	store := &pocket{value: []byte("fresh one")}
	f, _ := textFlight(store)
	works := 0
	got, err := f.Forced("key", returns("fresh two", &works))(t.Context())
	if got != "fresh two" || err != nil || works != 1 || store.gets != 0 || string(store.value) != "fresh two" {
		t.Errorf("Forced = %q, %v after %d works, %d looks, kept %q; want new work, no look, kept", got, err, works, store.gets, store.value)
	}
}

func TestFlightCached(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		store Store
		want  string
		ok    bool
	}{
		{&pocket{value: []byte("fresh one")}, "fresh one", true},
		{&pocket{value: []byte("old one")}, "old one", true},
		{&pocket{}, "", false},
		{&pocket{value: []byte("damaged")}, "", false},
		{&pocket{getErr: errors.New("locked")}, "", false},
		{nil, "", false},
	} {
		f, warnings := textFlight(c.store)
		if got, ok := f.Cached(t.Context(), "key"); got != c.want || ok != c.ok || len(*warnings) > 0 {
			t.Errorf("Cached of %+v = %q, %v, warned %v, want %q, %v", c.store, got, ok, *warnings, c.want, c.ok)
		}
	}
}

func TestFlightZero(t *testing.T) {
	t.Parallel()
	var f Flight[string]
	works := 0
	for n := range 2 {
		if got, err := f.Wrap("key", returns("value", &works))(t.Context()); got != "value" || err != nil || works != n+1 {
			t.Errorf("Wrap of the zero Flight = %q, %v after %d works, want the value of work %d", got, err, works, n+1)
		}
	}
}

// TestFlightWarns: whatever the store does, the value is delivered, with one warning.
func TestFlightWarns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		store    *pocket
		encodes  bool
		warnings []string // what the one warning names; nil: there is none
	}{
		{"sound", &pocket{}, true, nil},
		{"old value", &pocket{value: []byte("old")}, true, nil},
		{"Get", &pocket{getErr: errors.New("locked")}, true, []string{"read what was kept: locked"}},
		{"Put", &pocket{putErr: errors.New("full")}, true, []string{"keep the result: full"}},
		{"both", &pocket{getErr: errors.New("locked"), putErr: errors.New("full")}, true,
			[]string{"read what was kept: locked", "keep the result: full"}},
		{"Decode", &pocket{value: []byte("damaged")}, true, []string{"read what was kept: cannot be decoded"}},
		{"Encode", &pocket{}, false, []string{"keep the result: cannot be encoded"}},
	} {
		f, warnings := textFlight(c.store)
		if !c.encodes {
			f.Encode = func(string) ([]byte, error) { return nil, errors.New("cannot be encoded") }
		}
		works := 0
		if got, err := f.Wrap("key", returns("new", &works))(t.Context()); got != "new" || err != nil {
			t.Errorf("%s: Wrap = %q, %v, want the value", c.name, got, err)
		}
		if len(*warnings) != min(1, len(c.warnings)) {
			t.Errorf("%s: warned %v, want %q", c.name, *warnings, c.warnings)
			continue
		}
		for _, words := range c.warnings {
			if !strings.Contains((*warnings)[0].Error(), words) {
				t.Errorf("%s: warned %v, want %q in it", c.name, *warnings, words)
			}
		}
		f.Warn = nil
		if got, err := f.Wrap("key", returns("new", &works))(t.Context()); got != "new" || err != nil {
			t.Errorf("%s: Wrap with nobody to warn = %q, %v, want the value", c.name, got, err)
		}
	}
}

func TestFlightLockFails(t *testing.T) {
	t.Parallel()
	f, warnings := textFlight(&pocket{})
	refused := errors.New("no lock")
	f.Lock = func(context.Context, string) (func(), error) { return nil, refused }
	works := 0
	if _, err := f.Wrap("key", returns("new", &works))(t.Context()); !errors.Is(err, refused) || works != 0 || len(*warnings) > 0 {
		t.Errorf("Wrap = %v after %d works, warned %v, want the lock's error and no work", err, works, *warnings)
	}
}

// TestFlightContext: the work has the caller's values and not its deadline.
func TestFlightContext(t *testing.T) {
	t.Parallel()
	type name struct{}
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), name{}, "alice"), time.Hour)
	defer cancel()
	f, _ := textFlight(nil)
	f.Store = nil
	got, err := f.Wrap("key", func(ctx context.Context) (string, error) {
		_, limited := ctx.Deadline()
		return fmt.Sprintf("%v %v", ctx.Value(name{}), limited), nil
	})(ctx)
	if got != "alice false" || err != nil {
		t.Errorf("Wrap = %q, %v, want the value %q and no deadline", got, err, "alice")
	}
}

// TestFlightSlowStore: a caller whose time ends while the store is slow takes the value
// with it, the keeping goes on, and a store that never ends is given up.
func TestFlightSlowStore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		delay, patience time.Duration
		wantAfter       time.Duration
		kept            bool
	}{
		{"caller waits", time.Second, time.Minute, time.Second, true},
		{"caller leaves", 3 * time.Second, time.Second, time.Second, true},
		{"store hangs", time.Hour, time.Minute, keepLimit, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &pocket{delay: c.delay}
				f, warnings := textFlight(store)
				ctx, cancel := context.WithTimeout(t.Context(), c.patience)
				defer cancel()
				begin, works := time.Now(), 0
				got, err := f.Wrap("key", returns("fresh", &works))(ctx)
				if after := time.Since(begin); got != "fresh" || err != nil || after != c.wantAfter {
					t.Errorf("Wrap = %q, %v after %v, want the value after %v", got, err, after, c.wantAfter)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if kept := store.value != nil; kept != c.kept || len(*warnings) == 0 != c.kept {
					t.Errorf("kept %v, warned %v, want kept %v", kept, *warnings, c.kept)
				}
			})
		})
	}
}

// TestFlightPanic: whoever waits gets an error that says nothing of what was in the panic,
// and the key is free.
func TestFlightPanic(t *testing.T) {
	t.Parallel()
	const canary = "canary-of-the-panic"
	for name, do := range map[string]func(context.Context) (string, error){
		"panic": func(context.Context) (string, error) { panic(canary) },
		"error": func(context.Context) (string, error) { panic(errors.New(canary)) },
		"exit":  func(context.Context) (string, error) { exitGoroutine(); return "", nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := textFlight(&pocket{})
			locked := 0
			f.Lock = func(context.Context, string) (func(), error) { locked++; return func() { locked-- }, nil }
			_, err := f.Wrap("key", do)(t.Context())
			var panicked *PanicError
			if !errors.As(err, &panicked) {
				t.Fatalf("Wrap = %v, want a *PanicError", err)
			}
			if text := fmt.Sprintf("%v %+v %s", err, *panicked, panicked.Stack); strings.Contains(text, canary) {
				t.Errorf("the error holds what was in the panic: %s", text)
			}
			if hasStack := strings.Contains(string(panicked.Stack), "TestFlightPanic"); hasStack != (name != "exit") {
				t.Errorf("stack = %q, want where it panicked", panicked.Stack)
			}
			works := 0
			if got, err := f.Wrap("key", returns("value", &works))(t.Context()); got != "value" || err != nil || locked != 0 {
				t.Errorf("Wrap after it = %q, %v, %d locks held, want the value", got, err, locked)
			}
		})
	}
}

// BenchmarkFlightFresh is what Flight adds to a store on the warm path.
func BenchmarkFlightFresh(b *testing.B) {
	f, _ := textFlight(&pocket{value: []byte("fresh")})
	works := 0
	source := f.Wrap("key", returns("new", &works))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := source(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
