// Package keyring keeps one key in the system's keyring, for what must not lie in files alone.
package keyring

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	system "github.com/zalando/go-keyring"

	"gatehop/creds/store"
	"gatehop/creds/store/paths"
)

const (
	service   = "gatehop"
	keySize   = 32 // bytes
	format    = "gatehop key 1 "
	callLimit = 2 * time.Second // of one question to the keyring: some wait for a person
	lockName  = "keyring.lock"
)

// Trouble is why the keyring cannot be used; its text ends a sentence about it.
type Trouble string

// The troubles.
const (
	Missing Trouble = "is not there"
	Locked  Trouble = "is locked"
	Slow    Trouble = "does not answer"
	Failing Trouble = "refuses"
	Foreign Trouble = "holds something else in gatehop's place"
)

// Error reports a keyring that cannot be used now. It says nothing about what is in it,
// and is no other error: a bus that is not there must not pass for a key that is not.
type Error struct {
	Trouble Trouble
	Err     error // the system's, for its words; nil if there are none
}

func (e *Error) Error() string {
	if e.Err != nil && e.Trouble == Failing {
		return "the keyring " + string(e.Trouble) + ": " + e.Err.Error()
	}
	return "the keyring " + string(e.Trouble)
}

// System is a keyring as a whole. Its methods may block for ever, and be left to do so.
type System interface {
	// Ready returns an *Error where the keyring would ask a person, or is not there.
	Ready(ctx context.Context) error
	// Get returns what is kept; fs.ErrNotExist if nothing is.
	Get(service, account string) (string, error)
	Set(service, account, value string) error
	// Delete removes it; nothing there is no error.
	Delete(service, account string) error
}

// Own is the keyring of the person: Secret Service, Keychain or Credential Manager. env is
// the environment of the process, which says whether there is a session bus.
func Own(env []string) System { return own{env} }

type own struct{ env []string }

func (o own) Ready(ctx context.Context) error { return ready(ctx, o.env) }

func (own) Get(service, account string) (string, error) {
	text, err := system.Get(service, account)
	if errors.Is(err, system.ErrNotFound) {
		return "", fs.ErrNotExist
	}
	return text, err
}

func (own) Set(service, account, value string) error { return system.Set(service, account, value) }

func (own) Delete(service, account string) error {
	if err := system.Delete(service, account); !errors.Is(err, system.ErrNotFound) {
		return err
	}
	return nil
}

// Key is a store.Key: the key of one state directory, in the keyring under its path. No
// key is made but where the keyring says that there is none.
type Key struct {
	dir    store.Dir
	system System
}

// New returns the key of dir in s. Nothing is asked before a method is called.
func New(dir store.Dir, s System) Key { return Key{dir, s} }

// Name is "the keyring".
func (k Key) Name() string { return "the keyring" }

// Known reports whether a key was ever made for the directory, without asking the keyring.
func (k Key) Known() bool {
	_, err := os.Lstat(paths.Join(k.dir.Path(), lockName))
	return err == nil
}

// Read asks the keyring. Errors: fs.ErrNotExist, *Error.
func (k Key) Read(ctx context.Context) ([]byte, error) {
	return limited(ctx, func(ctx context.Context) ([]byte, error) {
		if err := k.system.Ready(ctx); err != nil {
			return nil, err
		}
		return k.get()
	})
}

func (k Key) get() ([]byte, error) {
	text, err := k.system.Get(service, k.dir.Path())
	if err != nil {
		return nil, err
	}
	rest, ok := strings.CutPrefix(text, format)
	key, err := base64.StdEncoding.DecodeString(rest)
	if !ok || err != nil || len(key) != keySize {
		return nil, &Error{Trouble: Foreign} // not overwritten: it may be a later version's
	}
	return key, nil
}

// Make asks the keyring, and puts a key of random there if there is none, under a lock of
// the directory. Errors: *Error, and those of the lock and of random.
func (k Key) Make(ctx context.Context, random io.Reader) ([]byte, error) {
	key, err := k.Read(ctx)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if random == nil {
		return nil, fmt.Errorf("the key in the keyring is not there, and nothing makes one")
	}
	made := make([]byte, keySize)
	if _, err := io.ReadFull(random, made); err != nil {
		return nil, err
	}
	return limited(ctx, func(ctx context.Context) ([]byte, error) { return k.make(ctx, made) })
}

// make holds the lock until the keyring has answered, also where nobody waits for that any
// more: a key that arrives late must not replace another one.
func (k Key) make(ctx context.Context, made []byte) ([]byte, error) {
	unlock, err := store.LockFile(ctx, paths.Join(k.dir.Path(), lockName))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if key, err := k.get(); err != fs.ErrNotExist { // another process may have made it
		return key, err
	}
	if err := k.system.Set(service, k.dir.Path(), format+base64.StdEncoding.EncodeToString(made)); err != nil {
		return nil, err
	}
	return k.get() // a keyring that forgets what it was given is none
}

// Forget removes the key: what is sealed under it cannot be read again.
func (k Key) Forget(ctx context.Context) error {
	_, err := limited(ctx, func(ctx context.Context) ([]byte, error) {
		if err := k.system.Ready(ctx); err != nil {
			return nil, err
		}
		return nil, k.system.Delete(service, k.dir.Path())
	})
	return err
}

// limited gives up on a call that does not come back.
func limited(ctx context.Context, call func(context.Context) ([]byte, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	type answer struct {
		key []byte
		err error
	}
	done := make(chan answer, 1)
	go func() {
		key, err := call(ctx)
		done <- answer{key, err}
	}()
	select {
	case a := <-done:
		return a.key, judged(ctx, a.err)
	case <-ctx.Done():
		return nil, judged(ctx, ctx.Err())
	}
}

// judged makes an *Error of what the system says.
func judged(ctx context.Context, err error) error {
	var known *Error
	switch {
	case err == nil, errors.As(err, &known), err == fs.ErrNotExist:
		return err
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &Error{Trouble: Slow}
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, system.ErrUnsupportedPlatform):
		return &Error{Trouble: Missing}
	}
	return &Error{Trouble: Failing, Err: err}
}
