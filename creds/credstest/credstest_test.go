package credstest

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/creds"
	"gatehop/creds/store"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	TestStore(t, func(*testing.T) creds.Store { return store.NewMemory() })
}

// broken is a memory store with one defect. What a function leaves nil is sound.
type broken struct {
	creds.Store
	get    func(ctx context.Context, s creds.Store, key string) ([]byte, error)
	put    func(ctx context.Context, s creds.Store, key string, value []byte) error
	delete func(ctx context.Context, s creds.Store, key string) error
}

func (b broken) Get(ctx context.Context, key string) ([]byte, error) {
	if b.get != nil {
		return b.get(ctx, b.Store, key)
	}
	return b.Store.Get(ctx, key)
}

func (b broken) Put(ctx context.Context, key string, value []byte) error {
	if b.put != nil {
		return b.put(ctx, b.Store, key, value)
	}
	return b.Store.Put(ctx, key, value)
}

func (b broken) Delete(ctx context.Context, key string) error {
	if b.delete != nil {
		return b.delete(ctx, b.Store, key)
	}
	return b.Store.Delete(ctx, key)
}

// keyed stores every entry under another name than its key.
func keyed(name func(string) string) broken {
	return broken{
		get:    func(ctx context.Context, s creds.Store, key string) ([]byte, error) { return s.Get(ctx, name(key)) },
		put:    func(ctx context.Context, s creds.Store, key string, v []byte) error { return s.Put(ctx, name(key), v) },
		delete: func(ctx context.Context, s creds.Store, key string) error { return s.Delete(ctx, name(key)) },
	}
}

func replacer(oldnew ...string) func(string) string { return strings.NewReplacer(oldnew...).Replace }

func puts(change func([]byte) []byte) broken {
	return broken{put: func(ctx context.Context, s creds.Store, key string, v []byte) error {
		return s.Put(ctx, key, change(bytes.Clone(v)))
	}}
}

func gets(change func([]byte, error) ([]byte, error)) broken {
	return broken{get: func(ctx context.Context, s creds.Store, key string) ([]byte, error) {
		return change(s.Get(ctx, key))
	}}
}

// defects maps each check to stores that it must refuse.
func defects() map[string][]broken {
	return map[string][]broken{
		"absent": {
			gets(func(v []byte, _ error) ([]byte, error) { return v, nil }),
			gets(func(v []byte, err error) ([]byte, error) {
				if err != nil {
					err = errors.New("no such entry")
				}
				return v, err
			})},
		"get what was put": {
			{put: func(context.Context, creds.Store, string, []byte) error { return nil }},
			keyed(func(string) string { return "the only one" })},
		"replace": {
			{put: func(ctx context.Context, s creds.Store, key string, v []byte) error {
				if _, err := s.Get(ctx, key); err == nil {
					return nil // the first value stays
				}
				return s.Put(ctx, key, v)
			}},
			{put: func(ctx context.Context, s creds.Store, key string, v []byte) error {
				old, _ := s.Get(ctx, key) // written over the old one, which is not cut
				return s.Put(ctx, key, append(bytes.Clone(v), old[min(len(v), len(old)):]...))
			}}},
		"delete": {
			{delete: func(context.Context, creds.Store, string) error { return nil }},
			{delete: func(ctx context.Context, s creds.Store, key string) error {
				return errors.Join(s.Delete(ctx, key), s.Delete(ctx, "kept"))
			}},
			tombstones()},
		"delete what is absent": {{delete: func(ctx context.Context, s creds.Store, key string) error {
			if _, err := s.Get(ctx, key); err != nil {
				return err
			}
			return s.Delete(ctx, key)
		}}},
		"empty value": {gets(func(v []byte, err error) ([]byte, error) {
			if err == nil && len(v) == 0 {
				return nil, creds.ErrNotFound
			}
			return v, err
		})},
		"binary value": {
			puts(func(v []byte) []byte { return bytes.ToValidUTF8(v, []byte("\ufffd")) }),
			puts(bytes.TrimSpace),
			puts(func(v []byte) []byte { before, _, _ := bytes.Cut(v, []byte{0}); return before }),
			puts(func(v []byte) []byte { return bytes.ReplaceAll(v, []byte("\r\n"), []byte("\n")) })},
		"longest value": {
			puts(func(v []byte) []byte { return v[:min(len(v), 2560)] }),
			{put: func(ctx context.Context, s creds.Store, key string, v []byte) error {
				if len(v) > 2560 { // what the Windows credential manager holds
					return errors.New("too long")
				}
				return s.Put(ctx, key, v)
			}}},
		"too long value": {
			puts(func(v []byte) []byte { return v[:min(len(v), creds.MaxValue)] }),
			{put: func(ctx context.Context, s creds.Store, key string, v []byte) error {
				err := s.Put(ctx, key, v)
				if err != nil { // refused, but the old value is lost
					_ = s.Delete(ctx, key)
				}
				return err
			}}},
		"longest keys": {
			keyed(func(key string) string { return key[:min(len(key), 255)] }),
			{put: func(ctx context.Context, s creds.Store, key string, v []byte) error {
				if len(hex.EncodeToString([]byte(key))) > 255 {
					return errors.New("file name too long")
				}
				return s.Put(ctx, key, v)
			}}},
		"too long key": {keyed(func(key string) string { return key[:min(len(key), creds.MaxKey)] })},
		"empty key":    {keyed(func(key string) string { return "prefix" + key[:min(len(key), creds.MaxKey-6)] })},
		"similar keys": {
			keyed(strings.ToLower),
			keyed(strings.TrimSpace),
			keyed(replacer("/", "|")),
			keyed(replacer("/", "\\")),
			keyed(replacer("\x00", "")),
			keyed(replacer("%2F", "/")),
			keyed(func(key string) string { return strings.TrimRight(key, ". ") + "x" }),
			keyed(func(key string) string { return strings.ToValidUTF8(key, "\ufffd") }),
			keyed(replacer("e\u0301", "\u00e9"))},
		"value belongs to the caller": {aliasing(true), aliasing(false)},
		"context that has ended":      ignoringContext(),
		"one key at once":             {torn(), missing()},
		"many keys at once": {
			keyed(func(key string) string { return key[:1] }),
			unlocked()},
	}
}

// tombstones refuses to put again what was deleted.
func tombstones() broken {
	var mu sync.Mutex
	gone := map[string]bool{}
	return broken{
		put: func(ctx context.Context, s creds.Store, key string, v []byte) error {
			mu.Lock()
			defer mu.Unlock()
			if gone[key] {
				return nil
			}
			return s.Put(ctx, key, v)
		},
		delete: func(ctx context.Context, s creds.Store, key string) error {
			mu.Lock()
			defer mu.Unlock()
			gone[key] = true
			return s.Delete(ctx, key)
		}}
}

// aliasing keeps the caller's slice, or gives out its own.
func aliasing(in bool) broken {
	var mu sync.Mutex
	entries := map[string][]byte{}
	return broken{
		put: func(_ context.Context, _ creds.Store, key string, v []byte) error {
			mu.Lock()
			defer mu.Unlock()
			if !in {
				v = bytes.Clone(v)
			}
			entries[key] = v
			return nil
		},
		get: func(_ context.Context, _ creds.Store, key string) ([]byte, error) {
			mu.Lock()
			defer mu.Unlock()
			if in {
				return bytes.Clone(entries[key]), nil
			}
			return entries[key], nil
		}}
}

func ignoringContext() []broken {
	return []broken{
		{get: func(ctx context.Context, s creds.Store, key string) ([]byte, error) {
			return s.Get(context.WithoutCancel(ctx), key)
		}},
		{put: func(ctx context.Context, s creds.Store, key string, v []byte) error {
			return s.Put(context.WithoutCancel(ctx), key, v)
		}},
		{put: func(ctx context.Context, s creds.Store, key string, v []byte) error {
			return errors.Join(s.Put(context.WithoutCancel(ctx), key, v), ctx.Err())
		}},
		{delete: func(ctx context.Context, s creds.Store, key string) error {
			return s.Delete(context.WithoutCancel(ctx), key)
		}},
	}
}

// torn writes in two steps.
func torn() broken {
	return inTwoSteps(func(ctx context.Context, s creds.Store, key string, v []byte) error {
		return s.Put(ctx, key, v[:len(v)/2])
	})
}

// missing removes the old value before it writes the new one.
func missing() broken {
	return inTwoSteps(func(ctx context.Context, s creds.Store, key string, _ []byte) error {
		return s.Delete(ctx, key)
	})
}

// inTwoSteps lets somebody read between the first step of a Put and the last, if
// anybody does within a while.
func inTwoSteps(first func(ctx context.Context, s creds.Store, key string, v []byte) error) broken {
	read := make(chan struct{})
	return broken{
		put: func(ctx context.Context, s creds.Store, key string, v []byte) error {
			if err := first(ctx, s, key, v); err != nil {
				return err
			}
			select {
			case <-read:
			case <-time.After(20 * time.Millisecond):
			}
			return s.Put(ctx, key, v)
		},
		get: func(ctx context.Context, s creds.Store, key string) ([]byte, error) {
			v, err := s.Get(ctx, key)
			select {
			case read <- struct{}{}:
			default:
			}
			return v, err
		}}
}

// unlocked loses what others put while it puts: it reads everything, changes one entry
// and writes everything.
func unlocked() broken {
	var mu sync.Mutex
	all := map[string][]byte{}
	copied := func() map[string][]byte {
		mu.Lock()
		defer mu.Unlock()
		snapshot := map[string][]byte{}
		for k, v := range all {
			snapshot[k] = v
		}
		return snapshot
	}
	change := func(edit func(map[string][]byte)) {
		snapshot := copied()
		time.Sleep(time.Millisecond)
		edit(snapshot)
		mu.Lock()
		defer mu.Unlock()
		all = snapshot
	}
	return broken{
		put: func(_ context.Context, _ creds.Store, key string, v []byte) error {
			change(func(m map[string][]byte) { m[key] = bytes.Clone(v) })
			return nil
		},
		get: func(_ context.Context, _ creds.Store, key string) ([]byte, error) {
			if v, ok := copied()[key]; ok {
				return v, nil
			}
			return nil, creds.ErrNotFound
		},
		delete: func(_ context.Context, _ creds.Store, key string) error {
			change(func(m map[string][]byte) { delete(m, key) })
			return nil
		}}
}

// TestChecksFind shows that every check refuses the stores made for it.
func TestChecksFind(t *testing.T) {
	t.Parallel()
	made := defects()
	for _, c := range checks() {
		stores := made[c.name]
		delete(made, c.name)
		if len(stores) == 0 {
			t.Errorf("check %q has no broken store to find", c.name)
		}
		for n, s := range stores {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				s.Store = store.NewMemory()
				if err := c.run(t.Context(), s); err == nil {
					t.Errorf("broken store %d passes", n)
				}
			})
		}
	}
	var left []string
	for name := range made {
		left = append(left, name)
	}
	if slices.Sort(left); len(left) > 0 {
		t.Errorf("broken stores for checks that do not exist: %q", left)
	}
}
