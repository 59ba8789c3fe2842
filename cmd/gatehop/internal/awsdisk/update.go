// Package awsdisk changes an AWS file on the disk while other tools write it too.
package awsdisk

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/creds/store"
)

// Options are how Update writes.
type Options struct {
	// Backups is the folder that gets the file as it was, mode 0600, before it is
	// replaced; one per file, absolute, made if missing. Without a backup there is no
	// edit: Update harms no file whose last version nobody has.
	Backups string
	// Secret says that what is written holds a secret: the mode becomes 0600 if others
	// may do anything with the file.
	Secret bool
}

// Written is what Update did.
type Written struct {
	Path    string      // of the file, links resolved
	Changed bool        // false: the edit changed nothing, and nothing was touched
	Was     fs.FileMode // the mode before it became 0600 because of a secret; 0 if it did not
}

// Update edits the file at path, or makes it, so that nobody reads less than a whole
// version and no change is lost: neither of another gatehop, which the lock beside the
// file keeps out, nor of a program that knows no lock, as far as that can be seen. The
// AWS CLI reads, empties the file and writes it anew: its change is looked for before
// the rename, in the replaced file after it, and for a moment in the new one. Wherever
// there is one, edit is called again with the bytes that then count. What counts for
// nothing is a replaced file that was emptied, or holds only its old beginning, and stays
// so: that program died, and the new file has everything. An end of ctx stops no Update
// between its rename and the last look for what others wrote.
//
// edit returns the bytes after the edit, or a refusal, which Update returns as it is.
// Other errors are *TargetError, of the lock and of the backup (*store.FileError,
// *store.DirError), and of ctx. After every one of them the file is whole.
//
// Symbolic links are followed. Refused are files that are not regular, of another
// owner, with several names or read-only, and folders that others can write.
func Update(ctx context.Context, path string, o Options, edit func(*awsfile.File) ([]byte, error)) (Written, error) {
	target, err := resolve(path)
	if err != nil {
		return Written{}, err
	}
	return newUpdater(target, o, edit).run(ctx)
}

// Preview returns the file at path as it is and as Update would leave it, and refuses
// what Update would refuse before it writes. It writes nothing and takes no lock.
func Preview(ctx context.Context, path string, edit func(*awsfile.File) ([]byte, error)) (target string, before, after []byte, err error) {
	target, err = resolve(path)
	if err != nil {
		return "", nil, nil, err
	}
	if err := checkFolder(target); err != nil {
		return "", nil, nil, err
	}
	s, err := newUpdater(target, Options{}, edit).whole(ctx, nil, func() (*snapshot, error) { return look(target) })
	if err != nil {
		return "", nil, nil, err
	}
	defer s.close()
	after, err = edit(awsfile.Scan(s.data))
	return target, s.data, after, err
}

// updater is one Update. What may come between its steps are fields, so that a test can
// put something there or take a step away.
type updater struct {
	path string
	o    Options
	edit func(*awsfile.File) ([]byte, error)

	now    func() time.Time
	pause  func(ctx context.Context, d time.Duration) error
	lock   func(ctx context.Context, path string) (func(), error)
	rename func(from, to string) error
	backup func(dir, name string, data []byte) error
	fresh  func(path string, s *snapshot) (bool, error) // just before the rename
	late   func(s *snapshot) (bool, error)              // in the replaced file, after it
	held   func(path string, data []byte) (bool, error) // in the new one
	cut    func(now, was []byte) bool                   // whether a reading is what a dead program leaves
	finish func(ctx context.Context) context.Context    // for what must be done though ctx has ended
}

func newUpdater(path string, o Options, edit func(*awsfile.File) ([]byte, error)) *updater {
	return &updater{
		path: path, o: o, edit: edit, now: time.Now, pause: pause, lock: store.LockFile, rename: os.Rename,
		backup: writeBackup, fresh: isFresh, late: isLate, held: isHeld,
		cut: isCut, finish: context.WithoutCancel,
	}
}

// How often an Update begins again, how long it looks after the rename for a program
// that read before it, and how long it tries a rename that cannot be.
const (
	mostRounds     = 20
	watchQuiet     = 5 * time.Millisecond
	watchBusy      = 30 * time.Millisecond // of a file that changed a moment ago
	busyFor        = 2 * time.Second
	renamePatience = 2 * time.Second
	renamePause    = 20 * time.Millisecond
)

func (u *updater) run(ctx context.Context) (w Written, err error) {
	w.Path = u.path
	if err := u.folder(); err != nil {
		return w, err
	}
	unlock, err := u.lock(ctx, u.sibling(".lock"))
	if err != nil {
		return w, err
	}
	defer unlock()
	u.sweep()
	var installed, theirs []byte // what the last round wrote, and what somebody wrote beside it
	var was []byte               // what the file held last
	for range mostRounds {
		until := ctx
		if theirs != nil { // no file has it but this Update
			until = u.finish(ctx)
		}
		s, err := u.whole(until, was, func() (*snapshot, error) { return look(u.path) })
		if err != nil {
			return w, err
		}
		base := s.data
		if theirs != nil && bytes.Equal(base, installed) {
			base = theirs
		} else {
			theirs = nil // somebody wrote once more, and that counts
		}
		next, done, err := u.round(until, s, base, was, &w)
		if done || err != nil {
			s.close()
			return w, err
		}
		was = s.data
		if next != nil {
			installed, was = next, next
			theirs, done, err = u.watch(u.finish(ctx), s, next)
		}
		s.close()
		if done || err != nil {
			return w, err
		}
	}
	return w, &TargetError{Path: u.path, Kind: TargetBusy, Problem: "is being changed all the time by another program"}
}

// folder makes the file's folder if there is none, and checks it.
func (u *updater) folder() error {
	if err := os.MkdirAll(filepath.Dir(u.path), 0o700); err != nil {
		return &TargetError{Path: u.path, Problem: "is in a folder that cannot be made", Err: err}
	}
	return checkFolder(u.path)
}

// round edits base and puts the result in the place of s. before is what the file held
// in the last round. next is nil if s was not the file any more.
func (u *updater) round(ctx context.Context, s *snapshot, base, before []byte, w *Written) (next []byte, done bool, err error) {
	next, err = u.edit(awsfile.Scan(base))
	if err != nil || bytes.Equal(next, s.data) {
		return nil, true, err
	}
	if !u.cut(base, before) { // what is cut never replaces a backup
		sum := sha256.Sum256([]byte(u.path))
		name := filepath.Base(u.path) + "-" + hex.EncodeToString(sum[:8])
		if err := u.backup(u.o.Backups, name, base); err != nil {
			return nil, false, fmt.Errorf("back up %s: %w", u.path, err)
		}
	}
	mode, was := fs.FileMode(0o600), fs.FileMode(0)
	if s.file != nil {
		mode = s.info.Mode().Perm()
		if u.o.Secret && mode&0o077 != 0 && hasModes {
			mode, was = 0o600, mode
		}
	}
	installed, err := u.install(ctx, s, next, mode)
	if err != nil || !installed {
		return nil, false, err
	}
	w.Changed = true
	if was != 0 {
		w.Was = was
	}
	return next, false, nil
}

// install writes the new version beside the old one and renames it over that, if s is
// still what stands there.
func (u *updater) install(ctx context.Context, s *snapshot, data []byte, mode fs.FileMode) (done bool, err error) {
	temp := u.sibling("-" + rand.Text())
	defer func() {
		if !done {
			_ = os.Remove(temp)
		}
	}()
	if err := writeTemp(temp, data, s, mode); err != nil {
		return false, &TargetError{Path: u.path, Problem: "cannot be written", Err: err}
	}
	for waited := time.Duration(0); ; waited += renamePause {
		fresh, err := u.fresh(u.path, s)
		if err != nil || !fresh {
			return false, err
		}
		err = u.rename(temp, u.path)
		if err == nil {
			// The new version is there; that it would outlive a power cut is no reason to report a failure.
			_ = syncFolder(filepath.Dir(u.path))
			return true, nil
		}
		if !isBusy(err) || waited >= renamePatience {
			return false, &TargetError{Path: u.path, Problem: "cannot be replaced", Err: err}
		}
		if err := u.pause(ctx, renamePause); err != nil {
			return false, err
		}
	}
}

// watch looks whether somebody wrote into the replaced file, or has written over the new
// one. theirs is what stands in the replaced file if it is that, and more than a program
// leaves that died.
func (u *updater) watch(ctx context.Context, s *snapshot, data []byte) (theirs []byte, done bool, err error) {
	span := watchQuiet
	if s.file != nil && u.now().Sub(s.info.ModTime()) < busyFor {
		span = watchBusy
	}
	for waited := time.Duration(0); ; waited += lookPause {
		late, err := u.late(s)
		if err != nil {
			return nil, false, &TargetError{Path: u.path, Problem: "was written, but the replaced file cannot be read again", Err: err}
		}
		if late {
			t, err := u.whole(ctx, s.data, func() (*snapshot, error) { return again(s.file) })
			if err != nil {
				return nil, false, err
			}
			if !u.cut(t.data, s.data) {
				return t.data, false, nil
			}
			span = 0 // one look more, at the new file
		}
		held, err := u.held(u.path, data)
		if err != nil || !held || waited >= span {
			return nil, held && err == nil, err
		}
		if err := u.pause(ctx, lookPause); err != nil {
			return nil, false, err
		}
	}
}

func isFresh(path string, s *snapshot) (bool, error) {
	now, err := look(path)
	if err != nil {
		return false, err
	}
	defer now.close()
	return s.same(now), nil
}

func isLate(s *snapshot) (bool, error) {
	if s.file == nil {
		return false, nil
	}
	now, err := again(s.file)
	return err == nil && !bytes.Equal(now.data, s.data), err
}

func isHeld(path string, data []byte) (bool, error) {
	now, err := look(path)
	if err != nil {
		return false, err
	}
	defer now.close()
	return bytes.Equal(now.data, data), nil
}

// isCut reports a reading that is nothing or only the beginning of an earlier one: so a
// program leaves a file that it emptied to write it anew, if it does not get further.
func isCut(now, was []byte) bool {
	return len(now) == 0 || len(now) < len(was) && bytes.HasPrefix(was, now)
}

// sibling names a file of gatehop's own beside the target.
func (u *updater) sibling(suffix string) string {
	return filepath.Join(filepath.Dir(u.path), "."+filepath.Base(u.path)+".gatehop"+suffix)
}

// staleAfter is far longer than any write takes.
const staleAfter = 10 * time.Minute

// sweep removes what a gatehop that was killed left beside the target. The lock keeps
// live ones out, and the age those of another machine on whose file system it does not.
func (u *updater) sweep() {
	dir := filepath.Dir(u.path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), filepath.Base(u.sibling("-"))) || !e.Type().IsRegular() {
			continue
		}
		if info, err := e.Info(); err == nil && u.now().Sub(info.ModTime()) > staleAfter {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

func writeTemp(path string, data []byte, old *snapshot, mode fs.FileMode) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := setMode(f, old.info, mode); err != nil {
		return err
	}
	return f.Sync()
}

func writeBackup(dir, name string, data []byte) error {
	d, err := store.OpenDir(dir, true)
	if err != nil {
		return err
	}
	return store.WriteFile(d, name, data)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
