package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"gatehop/creds"
	"gatehop/creds/store"
	"gatehop/creds/store/keyring"
)

// What is known of a keyring that could not be used lies in this file of the state
// directory: one that is slow is left alone for a while, and each is said once a day.
const (
	ringFile   = "keyring.json"
	ringRest   = 15 * time.Minute
	ringSilent = 24 * time.Hour
)

// ringTrouble is the content of that file.
type ringTrouble struct {
	Trouble keyring.Trouble               `json:"trouble"` // at the last look; "" is none
	At      time.Time                     `json:"at"`      // of that look
	Said    map[keyring.Trouble]time.Time `json:"said"`    // the last warning of each
}

// secretKey is where the second key lies for gatehop_store = in; nil for nowhere.
func (a *app) secretKey(dir store.Dir, in string) store.Key {
	switch {
	case dir.Path() == "":
	case in == "file":
		return store.SecretFile(dir)
	case (in == "keyring" || in == "") && a.keyring != nil:
		return &ringKey{Key: keyring.New(dir, a.keyring), a: a, dir: dir}
	}
	return nil
}

// secretStore keeps what opens more than one session, sealed under the second key; in the
// memory of this run where there is none, or while the keyring cannot be used.
func (a *app) secretStore(dir store.Dir, in, kind string) creds.Store {
	key := a.secretKey(dir, in)
	if key == nil {
		return store.NewMemory()
	}
	sealed := store.NewSealedUnder(dir, kind, key, rand.Reader, func(err error) {
		if !errors.As(err, new(*keyring.Error)) { // which has been said
			a.warn(err)
		}
	})
	if _, ok := key.(*ringKey); !ok {
		return sealed
	}
	return &overMemory{Sealed: sealed, memory: store.NewMemory()}
}

// overMemory is a Sealed that this run does without where its key cannot be had.
type overMemory struct {
	*store.Sealed
	memory *store.Memory
}

func (s *overMemory) Get(ctx context.Context, key string) ([]byte, error) {
	if value, err := s.memory.Get(ctx, key); err == nil {
		return value, nil
	}
	return s.Sealed.Get(ctx, key)
}

func (s *overMemory) Put(ctx context.Context, key string, value []byte) error {
	err := s.Sealed.Put(ctx, key, value)
	if errors.As(err, new(*keyring.Error)) {
		return s.memory.Put(ctx, key, value)
	}
	return errors.Join(err, s.memory.Delete(ctx, key))
}

func (s *overMemory) Delete(ctx context.Context, key string) error {
	return errors.Join(s.Sealed.Delete(ctx, key), s.memory.Delete(ctx, key))
}

// ringKey is the key in the keyring, which is not asked again at once after it was slow.
type ringKey struct {
	keyring.Key
	a   *app
	dir store.Dir
}

func (k *ringKey) Read(ctx context.Context) ([]byte, error) {
	return k.try(func() ([]byte, error) { return k.Key.Read(ctx) })
}

func (k *ringKey) Make(ctx context.Context, random io.Reader) ([]byte, error) {
	return k.try(func() ([]byte, error) { return k.Key.Make(ctx, random) })
}

func (k *ringKey) try(ask func() ([]byte, error)) ([]byte, error) {
	k.a.ring.Lock()
	defer k.a.ring.Unlock()
	now, known := k.a.now(), k.known()
	rests := known.Trouble == keyring.Slow || known.Trouble == keyring.Failing
	if age := now.Sub(known.At); rests && !k.a.isLogin && age >= 0 && age < ringRest {
		return nil, &keyring.Error{Trouble: known.Trouble}
	}
	key, err := ask()
	var trouble *keyring.Error
	switch {
	case errors.As(err, &trouble):
		k.say(&known, trouble, now)
		k.note(ringTrouble{trouble.Trouble, now, known.Said})
	case err == nil && known.Trouble != "":
		k.note(ringTrouble{"", now, known.Said})
	}
	return key, err
}

// known is what the file says; the zero value if it says nothing.
func (k *ringKey) known() (t ringTrouble) {
	data, err := store.ReadFile(k.dir, ringFile)
	if err != nil || json.Unmarshal(data, &t) != nil {
		return ringTrouble{}
	}
	return t
}

// say warns of the trouble where that was not done for a day.
func (k *ringKey) say(known *ringTrouble, trouble *keyring.Error, now time.Time) {
	if silent := now.Sub(known.Said[trouble.Trouble]); silent >= 0 && silent < ringSilent {
		return
	}
	k.a.warn(fmt.Errorf("%w: neither the provider's session nor a password is kept beyond this run (gatehop_store = file keeps them in files)", trouble))
	if known.Said == nil {
		known.Said = map[keyring.Trouble]time.Time{}
	}
	known.Said[trouble.Trouble] = now
}

// note writes down what is known. Where that fails the keyring is looked at, and said, again.
func (k *ringKey) note(known ringTrouble) {
	if data, err := json.Marshal(known); err == nil {
		_ = store.WriteFile(k.dir, ringFile, append(data, '\n'))
	}
}

// forgetSecretKey removes the second key from the keyring, if there ever was one: the next
// one is another.
func (a *app) forgetSecretKey(ctx context.Context, dir store.Dir) error {
	if dir.Path() == "" || a.keyring == nil {
		return nil
	}
	key := keyring.New(dir, a.keyring)
	if !key.Known() {
		return nil
	}
	if err := key.Forget(ctx); err != nil {
		return fmt.Errorf("forget the key in the keyring: %w", err)
	}
	return nil
}
