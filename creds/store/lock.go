package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	firstPause   = 2 * time.Millisecond
	longestPause = 50 * time.Millisecond
)

// Locker returns a function that takes the lock of a key, shared by all processes of
// this machine that use the same folder, waiting as long as the context lets it. It
// fits Flight.Lock. unlock may be called more than once. The system frees the lock of a
// process that dies. Two calls of one process exclude each other too.
//
// The locks are empty files in dir, one per key, named by its hash, mode 0600. dir is
// made, and checked, as by OpenDir at every call. The files are never deleted: who
// deletes a lock file lets a second process in beside the first.
func Locker(dir string) func(ctx context.Context, key string) (unlock func(), err error) {
	return func(ctx context.Context, key string) (func(), error) {
		d, err := OpenDir(dir, true)
		if err != nil {
			return nil, err
		}
		return LockFile(ctx, filepath.Join(d.path, hashName(key)+".lock"))
	}
}

// hashName makes a file name of any key: the same length for all, nothing of the key in it.
func hashName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// LockFile takes the lock that the file at path is, as Locker does for its keys.
func LockFile(ctx context.Context, path string) (func(), error) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("wait for the lock %s: %w", filepath.Base(path), err)
		}
		f, err := takeLock(path)
		if err != nil {
			return nil, fmt.Errorf("take the lock: %w", err)
		}
		if f != nil {
			return sync.OnceFunc(func() {
				unlock(f)
				_ = f.Close()
			}), nil
		}
		wait(ctx, pause)
	}
}

// takeLock returns nil if somebody else has the lock.
func takeLock(path string) (*os.File, error) {
	f, err := openLockFile(path)
	if err != nil {
		return nil, &FileError{Path: path, Problem: "cannot be opened as a lock", Err: err}
	}
	mine, err := f.Stat()
	if err == nil && !mine.Mode().IsRegular() {
		_ = f.Close()
		return nil, &FileError{Path: path, Problem: "is not a regular file"}
	}
	taken := false
	if err == nil {
		taken, err = tryLock(f)
	}
	if taken {
		if isCurrent(path, mine) {
			return f, nil
		}
		unlock(f)
	}
	_ = f.Close()
	if err != nil {
		return nil, &FileError{Path: path, Problem: "cannot be locked", Err: err}
	}
	return nil, nil
}

// isCurrent reports whether the file that was opened is still the one at path. A person
// may have cleared the folder between opening and locking; then whoever comes next locks
// another file of that name, and this lock is worth nothing.
func isCurrent(path string, opened os.FileInfo) bool {
	current, err := os.Lstat(path)
	return err == nil && os.SameFile(opened, current)
}

// wait reports whether the pause passed before ctx ended.
func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
