package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"gatehop/cmd/gatehop/internal/choices"
	"gatehop/creds"
	"gatehop/creds/store"
)

// state opens the state directory and the store of sessions in it. Without create, a
// directory that is not there is no directory, and nothing is kept in it.
func (a *app) state(kind string, create bool) (store.Dir, creds.Store, error) {
	path, err := a.stateDir()
	if err != nil {
		return store.Dir{}, nil, err
	}
	dir, err := store.OpenDir(path, create)
	if !create && errors.Is(err, fs.ErrNotExist) {
		return store.Dir{}, store.None{}, nil
	}
	var unfit *store.DirError
	if errors.As(err, &unfit) && unfit.Err == nil {
		return store.Dir{}, nil, err
	}
	if err != nil { // a read-only or full disk delivers all the same
		a.warn(fmt.Errorf("nothing is kept: %w", err))
		return store.Dir{}, store.None{}, nil
	}
	if kind == "none" {
		return dir, store.None{}, nil
	}
	return dir, store.NewSealed(dir, "session", rand.Reader, a.warn), nil
}

// isFull reports a disk that takes no new file: full, or read-only.
func isFull(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, fs.ErrPermission)
}

// choices is the choices file of a state directory.
func (a *app) choices(dir store.Dir) *choices.File {
	if dir.Path() == "" {
		return &choices.File{}
	}
	file := plainFile(dir, choices.Name)
	return &choices.File{Read: file.read, Warn: a.warn, Remove: file.remove, Update: file.update}
}

// stateFile is a file of the state directory that is not sealed.
type stateFile struct {
	read   func() ([]byte, error) // nil bytes if it is not there
	update func(change func([]byte) ([]byte, error)) error
	remove func() (bool, error)
}

func plainFile(dir store.Dir, name string) stateFile {
	read := func() ([]byte, error) {
		data, err := store.ReadFile(dir, name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, creds.ErrNotFound) {
			return nil, nil
		}
		return data, err
	}
	lock := store.Locker(filepath.Join(dir.Path(), "locks"))
	remove := func() (bool, error) {
		err := os.Remove(filepath.Join(dir.Path(), name))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	}
	return stateFile{read: read, remove: remove, update: func(change func([]byte) ([]byte, error)) error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		unlock, err := lock(ctx, name)
		if err != nil {
			return err
		}
		defer unlock()
		data, err := read()
		if err != nil {
			return err
		}
		if data, err = change(data); err != nil {
			return err
		}
		return store.WriteFile(dir, name, data)
	}}
}

// deleteAll empties the store of sessions and says how many it held.
func deleteAll(ctx context.Context, kept creds.Store) (int, error) {
	if sealed, ok := kept.(*store.Sealed); ok {
		return sealed.DeleteAll(ctx)
	}
	return 0, nil
}
