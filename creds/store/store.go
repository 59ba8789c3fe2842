// Package store keeps small secrets in files of one folder, or in memory, or not at all.
//
// Everything lies in one folder that must be the user's own (OpenDir). On Unix that is
// checked by owner and mode, of the folder and of every file that is read; symbolic
// links in place of either are refused. On Windows the folder is made with an access
// list for its owner alone and a folder found is checked for others' entries; the files
// in it inherit the list and are not checked one by one. The Windows part is built and
// vetted with the rest but its tests run only where Windows does.
package store

import (
	"context"
	"fmt"
	"sync"

	"gatehop/creds"
)

// Memory keeps entries for the life of the process. It is for what processes may share
// in memory or not at all, and for tests. Make one with NewMemory.
type Memory struct {
	mu      sync.Mutex
	entries map[string][]byte
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{entries: map[string][]byte{}} }

// Get returns a copy of the value, or creds.ErrNotFound.
func (m *Memory) Get(ctx context.Context, key string) ([]byte, error) {
	if err := checkEntry(ctx, "read", key, nil); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.entries[key]
	if !ok {
		return nil, creds.ErrNotFound
	}
	return append([]byte{}, value...), nil
}

// Put keeps a copy of value.
func (m *Memory) Put(ctx context.Context, key string, value []byte) error {
	if err := checkEntry(ctx, "keep", key, value); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries[key] = append([]byte{}, value...)
	return nil
}

// Delete forgets the value.
func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := checkEntry(ctx, "delete", key, nil); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
	return nil
}

// None keeps nothing: every Put is dropped, every Get is creds.ErrNotFound. It is what
// a person who wants no secret stored chooses.
type None struct{}

// Get returns creds.ErrNotFound.
func (None) Get(ctx context.Context, key string) ([]byte, error) {
	if err := checkEntry(ctx, "read", key, nil); err != nil {
		return nil, err
	}
	return nil, creds.ErrNotFound
}

// Put drops the value.
func (None) Put(ctx context.Context, key string, value []byte) error {
	return checkEntry(ctx, "keep", key, value)
}

// Delete has nothing to delete.
func (None) Delete(ctx context.Context, key string) error {
	return checkEntry(ctx, "delete", key, nil)
}

// checkEntry is what every method of every store begins with.
func checkEntry(ctx context.Context, doing, key string, value []byte) error {
	switch {
	case key == "":
		return fmt.Errorf("%s an entry: its key is empty", doing)
	case len(key) > creds.MaxKey:
		return fmt.Errorf("%s an entry: its key of %d bytes is longer than %d", doing, len(key), creds.MaxKey)
	case len(value) > creds.MaxValue:
		return fmt.Errorf("%s an entry: its value of %d bytes is longer than %d", doing, len(value), creds.MaxValue)
	}
	return ctx.Err()
}
