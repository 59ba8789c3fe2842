package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gatehop/cmd/gatehop/internal/guard"
	"gatehop/cmd/gatehop/internal/profile"
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
			limit = a.unattendedWait()
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

// keepsRefusals reports whether refused passwords of the chain's person are remembered;
// where nobody knows who that is, whether anybody's are.
func (a *app) keepsRefusals(ctx context.Context, ch profile.Chain) bool {
	dir, _, err := a.state("file", false)
	if err != nil || dir.Path() == "" {
		return false
	}
	s, err := a.knownPerson(dir, ch)
	if err != nil || s == nil {
		return anyRefusal(dir)
	}
	return a.guard(ch[0].Name, s, dir).Remembers(ctx, guard.Key(string(s.origin()), s.User))
}

// anyRefusal reports whether there is any record of a refusal.
func anyRefusal(dir store.Dir) bool {
	sealed, _ := os.ReadDir(filepath.Join(dir.Path(), refusalKind+"s"))
	kept, _ := os.ReadDir(filepath.Join(dir.Path(), timesDir))
	return len(sealed) > 0 || slices.ContainsFunc(kept, func(file fs.DirEntry) bool { return strings.HasSuffix(file.Name(), timesEnd) })
}

// forgetRefusals forgets every refusal and says whether there were any. The locks stay.
func forgetRefusals(ctx context.Context, dir store.Dir) (bool, error) {
	if dir.Path() == "" {
		return false, nil
	}
	n, err := store.NewSealed(dir, refusalKind, rand.Reader, nil).DeleteAll(ctx)
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
