package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"gatehop/cmd/gatehop/internal/guard"
	"gatehop/cmd/gatehop/internal/passwords"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/secret"
	"gatehop/creds/store"
	"gatehop/creds/store/keyring"
	"gatehop/idp"
)

// passwordKind names the sealed records of passwords, and their folder.
const passwordKind = "password"

// storedSource is what the password is called where it comes from.
const storedSource = "gatehop's store"

// stored is the password that a person let gatehop keep, for one sign-in.
type stored struct {
	a       *app
	s       *settings
	profile string
	dir     store.Dir
	book    passwords.Book
	who     passwords.Who
	ok      bool // there is a place for it

	once   sync.Once
	record passwords.Record
	given  bool // to the provider
}

// stored finds the place of the person's password. Nothing is read before a password is
// needed.
func (a *app) stored(profile string, s *settings, dir store.Dir) *stored {
	p := &stored{a: a, s: s, profile: profile, dir: dir}
	if a.secretKey(dir, s.SignIn.Store) == nil || s.User == "" || len(s.Changed) > 0 {
		return p
	}
	p.ok = true
	p.book = passwords.Book{Store: a.secretStore(dir, s.SignIn.Store, passwordKind)}
	p.who = passwords.Who{Origin: s.origin(), Kind: s.SignIn.Kind, User: s.User}
	return p
}

func (p *stored) get(ctx context.Context) passwords.Record {
	if !p.ok {
		return passwords.Record{}
	}
	p.once.Do(func() { p.record = p.book.Get(ctx, p.who) })
	return p.record
}

// usable reports whether there is a password that may be sent.
func (p *stored) usable(ctx context.Context) bool { return p.get(ctx).Usable(keptTrust(p.s)) }

// source gives the password out, after all other sources that ask nobody.
func (p *stored) source() guard.Source {
	return guard.Source{Field: "password", Name: storedSource, Get: func(ctx context.Context) (secret.Text, error) {
		if !p.usable(ctx) {
			return secret.Text{}, idp.ErrNoAnswer
		}
		p.given = true
		return p.record.Password, nil
	}}
}

// judge puts a password that was refused out of use. It stays where it is, so that nobody
// wonders where it went.
func (p *stored) judge(ctx context.Context, err error) {
	var page *idp.PageError
	if !p.given || !errors.As(err, &page) || page.Verdict != idp.Rejected && page.Verdict != idp.PasswordExpired {
		return
	}
	p.refuse(ctx)
	p.a.say("the stored password is not used any more; `gatehop login %s` in a terminal can store the new one", p.profile)
}

// offer is a password that a person typed and that was right.
type offer struct {
	*stored
	text secret.Text
}

// offered notes it, for the end of the command.
func (p *stored) offered(user string, text secret.Text) {
	if text.IsZero() {
		return
	}
	if !p.ok && user != "" && len(p.s.Changed) == 0 { // whose it is has only now been said
		s := *p.s
		s.User = user
		dir, _, err := p.a.state(s.SignIn.Store, false)
		if err != nil {
			return
		}
		p = p.a.stored(p.profile, &s, dir)
	}
	p.a.mu.Lock()
	defer p.a.mu.Unlock()
	p.a.offer = &offer{p, text}
}

// keepOffer asks, once per person and provider, whether the password that was typed is to
// be kept; with sure it is kept unasked. What is known already is left alone. The
// credentials have been delivered: what goes wrong here is a warning.
func (a *app) keepOffer(ctx context.Context, sure bool) error {
	a.mu.Lock()
	o := a.offer
	a.mu.Unlock()
	switch {
	case o == nil && sure:
		return errNotTyped
	case o == nil:
		return nil
	case !o.ok && sure:
		return errNoPlace
	case !o.ok:
		return nil
	}
	record := o.get(ctx)
	same := record.Usable(keptTrust(o.s)) && record.Password.Equal(o.text)
	if same || record.Declined && !sure {
		return nil
	}
	if sure {
		if _, err := a.secretKey(o.dir, o.s.SignIn.Store).Make(ctx, rand.Reader); err != nil {
			return fmt.Errorf("the password is not stored: %w", err)
		}
	} else if yes, err := a.wantsKept(ctx, o, record); !yes {
		return err
	}
	a.warn(o.book.Put(ctx, o.who, passwords.Record{Password: o.text, Trust: keptTrust(o.s)}))
	return nil
}

// wantsKept asks the person, where there is a keyring that can be used, and remembers a no.
func (a *app) wantsKept(ctx context.Context, o *offer, known passwords.Record) (bool, error) {
	key, isRing := a.secretKey(o.dir, o.s.SignIn.Store).(*ringKey)
	if !isRing {
		return false, nil
	}
	if _, err := key.Make(ctx, nil); errors.As(err, new(*keyring.Error)) { // it was said
		return false, nil
	}
	yes, err := a.confirm(ctx, idp.Question{Field: "keep_password", Public: true, Options: []string{"no", "yes"},
		Label: fmt.Sprintf("Keep the password of %s at %s in the keyring?", idp.CleanWords(o.who.User), hostOf(o.s.SignIn.URL))})
	if err != nil { // a question that is left is no answer
		return false, ctx.Err()
	}
	if !yes {
		known.Declined = true
		a.warn(o.book.Put(ctx, o.who, known))
	}
	return yes, nil
}

// errNoPlace reports that there is nowhere to keep one.
var errNoPlace = errors.New("the password is not stored: gatehop_store is none, there is no keyring, or the environment overrides the profile")

// errNotTyped reports that there is no password to keep.
var errNotTyped = errors.New("no password was typed: nothing is stored; `gatehop login --force --store-password` asks for it")

// forgetPassword forgets the password of a gateway's person, and says whose it was, "" if
// there was none; or without remove says that it stays.
func (a *app) forgetPassword(ctx context.Context, dir store.Dir, ch profile.Chain, remove bool) (string, error) {
	s, err := a.knownPerson(dir, ch)
	if s == nil {
		return "", err
	}
	who := passwords.Who{Origin: s.origin(), Kind: s.SignIn.Kind, User: s.User}
	sealed := store.NewSealedUnder(dir, passwordKind, store.SecretFile(dir), nil, nil) // no key opens a thing to remove it
	there := sealed.Has(who.Key()) && !a.stored(ch[0].Name, s, dir).declined(ctx)
	whose := "the password of " + idp.CleanWords(s.User) + " at " + hostOf(s.SignIn.URL)
	switch {
	case !there && remove:
		return "", sealed.Delete(ctx, who.Key())
	case !there:
		return "", nil
	case !remove:
		a.say("%s stays stored; `gatehop logout --all` forgets it, too", whose)
		return "", nil
	}
	return whose, sealed.Delete(ctx, who.Key())
}

// declined reports whether all that is known is that the person wants no password kept.
func (p *stored) declined(ctx context.Context) bool {
	r := p.get(ctx)
	return r.Declined && r.Password.IsZero()
}

// refuse puts a password that was given out in vain out of use.
func (p *stored) refuse(ctx context.Context) {
	p.record.Refused = p.a.now()
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeLimit)
	defer cancel()
	p.a.warn(p.book.Put(limited, p.who, p.record))
}
