package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"sync"
	"time"

	"gatehop/creds/store/paths"
)

// A waiting process looks again after an eighth of the time that it has waited, so that
// it is never late by much more than that, and a crowd of them leaves the processor to
// the one at work.
const (
	firstPause   = 2 * time.Millisecond
	longestPause = 250 * time.Millisecond
)

// Lock is a lock that is held: an empty file or one that says who holds it (Holder). The
// system frees the lock of a process that dies. Two of one process exclude each other too.
type Lock struct {
	mu   sync.Mutex
	file *os.File // nil once it is free
	path string
	said bool // that somebody holds it
}

// Take takes the lock of a key, shared by all processes of this machine that use the
// same folder, waiting as long as ctx and watch let it. watch hears, each time that
// somebody else has the lock, what the file says of them, the zero Holder if that is
// nothing; its error ends the waiting and is returned. nil: nobody watches.
//
// The locks are files in dir, one per key, named by its hash, mode 0600. dir is made,
// and checked, as by OpenDir. The files are never deleted: who deletes a lock file lets
// a second process in beside the first.
func Take(ctx context.Context, dir, key string, watch func(Holder) error) (*Lock, error) {
	d, err := OpenDir(dir, true)
	if err != nil {
		return nil, err
	}
	return takeFile(ctx, paths.Join(d.path, hashName(key)+".lock"), watch)
}

// Locker returns Take for those who neither watch nor say who they are. unlock may be
// called more than once.
func Locker(dir string) func(ctx context.Context, key string) (unlock func(), err error) {
	return func(ctx context.Context, key string) (func(), error) { return unlocker(Take(ctx, dir, key, nil)) }
}

// hashName makes a file name of any key: the same length for all, nothing of the key in it.
func hashName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// LockFile takes the lock that the file at path is, as Locker does for its keys.
func LockFile(ctx context.Context, path string) (func(), error) {
	return unlocker(takeFile(ctx, path, nil))
}

func unlocker(l *Lock, err error) (func(), error) {
	if err != nil {
		return nil, err
	}
	return l.Unlock, nil
}

// Unlock frees the lock and leaves nobody's name in its file. A second call does nothing.
func (l *Lock) Unlock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return
	}
	if l.said {
		_ = writeHolder(l.file, Holder{}) // those who wait see soon enough that it is free
	}
	unlock(l.file)
	_ = l.file.Close()
	l.file = nil
}

func takeFile(ctx context.Context, path string, watch func(Holder) error) (*Lock, error) {
	for waited := time.Duration(0); ; {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("wait for the lock %s: %w", paths.Base(path), err)
		}
		f, holder, err := takeLock(path)
		if err != nil {
			return nil, fmt.Errorf("take the lock: %w", err)
		}
		if f != nil {
			return &Lock{file: f, path: path}, nil
		}
		if watch != nil {
			if err := watch(holder); err != nil {
				return nil, err
			}
		}
		pause := min(max(waited/8, firstPause), longestPause)
		waited += pause
		wait(ctx, pause)
	}
}

// takeLock returns no file if somebody else has the lock, and what is known of them.
func takeLock(path string) (*os.File, Holder, error) {
	f, err := openLockFile(path)
	if err != nil {
		return nil, Holder{}, lockFileError(path, err)
	}
	mine, err := f.Stat()
	if err == nil {
		if problem := lockProblem(mine); problem != "" {
			_ = f.Close()
			return nil, Holder{}, &FileError{Path: path, Problem: problem}
		}
	}
	taken := false
	if err == nil {
		taken, err = tryLock(f)
	}
	if taken {
		if isCurrent(path, mine) {
			return f, Holder{}, nil
		}
		unlock(f)
	}
	var holder Holder
	if err == nil && !taken {
		holder = readHolder(f)
	}
	_ = f.Close()
	if err != nil {
		return nil, Holder{}, &FileError{Path: path, Problem: "cannot be locked", Err: err}
	}
	return nil, holder, nil
}

// lockFileError tells a file that must not be used, whoever may open it, from a disk
// that takes no new one.
func lockFileError(path string, err error) error {
	if info, statErr := os.Lstat(path); statErr == nil {
		if problem := lockProblem(info); problem != "" {
			return &FileError{Path: path, Problem: problem}
		}
	}
	return &FileError{Path: path, Problem: "cannot be opened as a lock", Err: err}
}

func lockProblem(info os.FileInfo) string {
	if !info.Mode().IsRegular() {
		return "is not a regular file"
	}
	return ownerProblem(info)
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
