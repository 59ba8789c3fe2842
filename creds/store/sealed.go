package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"gatehop/creds"
	"gatehop/creds/store/paths"
)

// sealedFormat opens every entry, and is part of what its seal covers. After it come a
// random nonce of 12 bytes and AES-256-GCM's output.
const sealedFormat = "gatehop sealed 1\n"

// Sealed is a store of files, each sealed with a key that lies in the folder and named by
// the hash of its entry's key. It protects against copies of single files and
// against files put in place of others, not against another program of the same user,
// which can read the key like this one.
//
// An entry that cannot be opened counts as absent. The first such entry of a Sealed is
// reported to its warn.
type Sealed struct {
	dir    Dir
	kind   string
	master Key
	random io.Reader
	warn   func(error)

	warned sync.Once
	swept  sync.Once
	mu     sync.Mutex
	key    []byte // as last read; nil before
}

// NewSealed returns the store of one kind of entry in dir, such as "session", whose files
// lie in the folder "sessions", sealed with the key in session.key. A kind is a word of
// lower-case letters. No file is touched before the first call of a method. Keys are made
// of random: crypto/rand.Reader, or nil where nothing is put. warn may be nil.
func NewSealed(dir Dir, kind string, random io.Reader, warn func(error)) *Sealed {
	return NewSealedUnder(dir, kind, KeyFile{dir, keyName}, random, warn)
}

// NewSealedUnder is NewSealed with the key in another place.
func NewSealedUnder(dir Dir, kind string, master Key, random io.Reader, warn func(error)) *Sealed {
	return &Sealed{dir: dir, kind: kind, master: master, random: random, warn: warn}
}

// EntryError reports a file that is there and cannot be opened as the entry it is named for.
type EntryError struct {
	Path    string
	Problem string // "is of another format", "does not open with the key of this folder", ...
	Err     error  // if another error says more
}

func (e *EntryError) Error() string { return withReason("read entry "+e.Path, e.Problem, e.Err) }

// Unwrap returns the reason.
func (e *EntryError) Unwrap() error { return e.Err }

// Get opens the entry's file, and the key's the first time.
func (s *Sealed) Get(ctx context.Context, key string) ([]byte, error) {
	if err := checkEntry(ctx, "read", key, nil); err != nil {
		return nil, err
	}
	value, err := s.read(ctx, key)
	if err == nil {
		return value, nil
	}
	if !isAbsent(err) && s.warn != nil {
		s.warned.Do(func() { s.warn(err) })
	}
	return nil, creds.ErrNotFound
}

func (s *Sealed) read(ctx context.Context, key string) ([]byte, error) {
	folder, err := s.folder(false)
	if err != nil {
		return nil, err
	}
	sealed, err := ReadFile(folder, hashName(key))
	if err != nil {
		return nil, err
	}
	path := paths.Join(folder.path, hashName(key))
	if !strings.HasPrefix(string(sealed[:min(len(sealed), len(sealedFormat))]), sealedFormat) {
		return nil, &EntryError{Path: path, Problem: "is of another format"}
	}
	if value, ok := s.open(s.knownKey(), key, sealed); ok {
		return value, nil
	}
	masterKey, err := s.readKey(ctx) // for the first time, or because another process made a new one
	if err != nil {
		return nil, &EntryError{Path: path, Problem: "has no key to open it", Err: s.hideAbsence(err)}
	}
	if value, ok := s.open(masterKey, key, sealed); ok {
		return value, nil
	}
	return nil, &EntryError{Path: path, Problem: "does not open with the key of this folder"}
}

// hideAbsence keeps a missing key from passing for a missing entry.
func (s *Sealed) hideAbsence(err error) error {
	if isAbsent(err) {
		return errors.New(s.master.Name() + " is not there")
	}
	return err
}

// Put seals the value and replaces the entry's file.
func (s *Sealed) Put(ctx context.Context, key string, value []byte) error {
	if err := checkEntry(ctx, "keep", key, value); err != nil {
		return err
	}
	folder, err := s.folder(true)
	if err != nil {
		return err
	}
	// Read anew each time: under a key that was replaced nobody could open the entry.
	masterKey, err := s.master.Make(ctx, s.random)
	if err != nil {
		return err
	}
	s.remember(masterKey)
	aead, err := newAEAD(masterKey)
	if err != nil {
		return err
	}
	sealed := aead.Seal([]byte(sealedFormat), nil, value, s.additional(key))
	written, err := replaceFile(ctx, folder, hashName(key), sealed)
	if err != nil {
		return err
	}
	s.swept.Do(func() {
		folder.sweep(written)
		s.dir.sweep(written)
	})
	return nil
}

// Has reports whether there is a file for the entry, whether or not it opens.
func (s *Sealed) Has(key string) bool {
	folder, err := s.folder(false)
	if err != nil {
		return false
	}
	_, err = os.Lstat(paths.Join(folder.path, hashName(key)))
	return err == nil
}

// Delete removes the entry's file.
func (s *Sealed) Delete(ctx context.Context, key string) error {
	if err := checkEntry(ctx, "delete", key, nil); err != nil {
		return err
	}
	folder, err := s.folder(false)
	if err == nil {
		err = remove(folder, hashName(key))
	}
	if isAbsent(err) {
		return nil
	}
	return err
}

// DeleteAll removes every entry of this kind, those of other keys and formats too, and
// says how many entries there were.
func (s *Sealed) DeleteAll(ctx context.Context) (removed int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	folder, err := s.folder(false)
	if isAbsent(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	files, err := os.ReadDir(folder.path)
	if err != nil {
		return 0, &DirError{Path: folder.path, Problem: "cannot be read", Err: err}
	}
	var failed []error
	for _, file := range files {
		name := file.Name()
		entry := len(name) == len(hashName(""))
		if !entry && !strings.HasPrefix(name, tempPrefix) {
			continue
		}
		switch err := remove(folder, name); {
		case err == nil && entry:
			removed++
		case err != nil && !isAbsent(err):
			failed = append(failed, err)
		}
	}
	return removed, errors.Join(failed...)
}

func remove(folder Dir, name string) error {
	path := paths.Join(folder.path, name)
	if err := os.Remove(path); err != nil {
		return &FileError{Path: path, Problem: "cannot be removed", Err: err}
	}
	return nil
}

// folder returns the folder of this kind's files.
func (s *Sealed) folder(create bool) (Dir, error) {
	if s.kind == "" || strings.Trim(s.kind, "abcdefghijklmnopqrstuvwxyz") != "" {
		return Dir{}, fmt.Errorf("open the store of %q: a kind is a word of lower-case letters", s.kind)
	}
	path, err := s.dir.file(s.kind + "s")
	if err != nil {
		return Dir{}, err
	}
	return OpenDir(path, create)
}

// additional is what a seal covers besides the value: an entry does not open as another
// kind, under another key, or as another format. Lengths keep the parts apart.
func (s *Sealed) additional(key string) []byte {
	var data []byte
	for _, part := range []string{sealedFormat, s.kind, key} {
		data = binary.BigEndian.AppendUint32(data, uint32(len(part)))
		data = append(data, part...)
	}
	return data
}

// open reports false for a seal that is broken, or was made with another key or for
// another entry: which of them cannot be told.
func (s *Sealed) open(masterKey []byte, key string, sealed []byte) (value []byte, ok bool) {
	aead, err := newAEAD(masterKey)
	if err != nil {
		return nil, false
	}
	value, err = aead.Open(nil, nil, sealed[len(sealedFormat):], s.additional(key))
	return value, err == nil
}

func newAEAD(masterKey []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(masterKey)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (s *Sealed) knownKey() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key
}

func (s *Sealed) remember(key []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = key
}

func (s *Sealed) readKey(ctx context.Context) ([]byte, error) {
	key, err := s.master.Read(ctx)
	if err == nil {
		s.remember(key)
	}
	return key, err
}
