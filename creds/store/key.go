package store

import (
	"context"
	"fmt"
	"io"

	"gatehop/creds/store/paths"
)

const (
	keyName    = "session.key"
	secretName = "secret.key"
	keySize    = 32 // bytes: AES-256
)

// Key is where the key of sealed entries lies. Its methods may be called at once.
type Key interface {
	// Name is the place as a person knows it: "session.key", "the keyring".
	Name() string
	// Read returns the key. It is an error that is fs.ErrNotExist if there is none; any
	// other one may pass.
	Read(ctx context.Context) ([]byte, error)
	// Make returns the key, and makes one of random if there is none, and only then. A nil
	// random makes none.
	Make(ctx context.Context, random io.Reader) ([]byte, error)
}

// KeyFile is a Key in a file of a folder, for its owner alone.
type KeyFile struct {
	dir  Dir
	name string
}

// SecretFile is the file with the second key of dir, for what opens more than one session:
// it is for who chose files for that too.
func SecretFile(dir Dir) KeyFile { return KeyFile{dir, secretName} }

// Name is the file's.
func (k KeyFile) Name() string { return k.name }

// Read reads the file.
func (k KeyFile) Read(context.Context) ([]byte, error) { return readKey(k.dir, k.name) }

// Make reads the file, or makes it under a lock beside it.
func (k KeyFile) Make(ctx context.Context, random io.Reader) ([]byte, error) {
	return readOrMakeKey(ctx, k.dir, k.name, random)
}

// damagedKeyError reports a key file that holds no key and never will: what was sealed
// under the key that it once held is lost.
type damagedKeyError struct{ err error }

func (e *damagedKeyError) Error() string { return e.err.Error() }
func (e *damagedKeyError) Unwrap() error { return e.err }

// readKey returns fs.ErrNotExist if there is no key, *damagedKeyError if there is none
// in the file, and another error if the system does not let us see.
func readKey(dir Dir, name string) ([]byte, error) {
	key, err := ReadFile(dir, name)
	if fileErr, ok := err.(*FileError); ok && fileErr.Err == nil {
		return nil, &damagedKeyError{err} // a link, or a file that others could read
	}
	if err != nil {
		return nil, err
	}
	if len(key) != keySize {
		path := paths.Join(dir.path, name)
		return nil, &damagedKeyError{&FileError{Path: path, Problem: fmt.Sprintf("holds %d bytes and not a key of %d", len(key), keySize)}}
	}
	return key, nil
}

// readOrMakeKey makes a key if there is none, and only then: whatever else keeps a key
// from being read may pass, and the entries sealed under it would be lost.
func readOrMakeKey(ctx context.Context, dir Dir, name string, random io.Reader) ([]byte, error) {
	key, err := readKey(dir, name)
	if err == nil || !mayMakeKey(err) {
		return key, err
	}
	unlock, err := LockFile(ctx, paths.Join(dir.path, name+".lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	key, err = readKey(dir, name) // somebody else may have made it while we waited
	if err == nil || !mayMakeKey(err) {
		return key, err
	}
	if random == nil {
		return nil, &FileError{Path: paths.Join(dir.path, name), Problem: "is not there, and nothing makes a key"}
	}
	key = make([]byte, keySize)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, err
	}
	if err := WriteFile(dir, name, key); err != nil {
		return nil, err
	}
	return key, nil
}

func mayMakeKey(err error) bool {
	_, damaged := err.(*damagedKeyError)
	return damaged || isAbsent(err)
}
