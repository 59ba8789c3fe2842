package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gatehop/creds"
	"gatehop/creds/store"
)

// The guard's places in the state directory: sealed marks lie in "refusals"; its locks,
// and the times of refusals where no mark can be kept, in "guard".
const (
	refusalKind = "refusal"
	timesDir    = "guard"
	timesEnd    = ".times"
)

// times is a creds.Store of what is no secret: when something was refused.
type times struct{ dir string }

func (t times) file(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + timesEnd
}

// Get returns creds.ErrNotFound for whatever cannot be read.
func (t times) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := store.OpenDir(t.dir, false)
	if err != nil {
		return nil, creds.ErrNotFound
	}
	data, err := store.ReadFile(dir, t.file(key))
	if err != nil {
		return nil, creds.ErrNotFound
	}
	return data, nil
}

// Put replaces the file of key.
func (t times) Put(ctx context.Context, key string, value []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	dir, err := store.OpenDir(t.dir, true)
	if err != nil {
		return err
	}
	return store.WriteFile(dir, t.file(key), value)
}

// Delete removes the file of key, if there is one.
func (t times) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := os.Remove(filepath.Join(t.dir, t.file(key)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// guardLock takes the locks of the guard. They are taken last: after those of hop,
// gateway and sign-in.
func (a *app) guardLock(dir store.Dir, profile string) func(context.Context, string) (func(), error) {
	lock := store.Locker(filepath.Join(dir.Path(), timesDir))
	return func(ctx context.Context, key string) (func(), error) {
		limit := attendedWait
		if a.isUnattended() {
			limit = unattendedWait
		}
		waiting, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		unlock, err := lock(waiting, key)
		switch {
		case err == nil || ctx.Err() != nil:
			return unlock, err
		case waiting.Err() != nil:
			return nil, &waitError{Profile: profile}
		case isFull(err):
			return func() {}, nil // the record says it
		}
		return nil, err
	}
}

// forgetRefusals forgets every refusal and says whether there were any. The locks stay.
func forgetRefusals(ctx context.Context, dir store.Dir) (bool, error) {
	if dir.Path() == "" {
		return false, nil
	}
	n, err := store.NewSealed(dir, refusalKind, nil).DeleteAll(ctx)
	if err != nil {
		return n > 0, err
	}
	files, err := os.ReadDir(filepath.Join(dir.Path(), timesDir))
	if errors.Is(err, fs.ErrNotExist) {
		return n > 0, nil
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), timesEnd) {
			continue
		}
		if gone := os.Remove(filepath.Join(dir.Path(), timesDir, file.Name())); gone != nil {
			err = errors.Join(err, gone)
		}
		n++
	}
	return n > 0, err
}
