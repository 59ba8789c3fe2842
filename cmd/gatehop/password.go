package main

import (
	"context"
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
	return guard.Source{Field: "password", Name: "the stored password", Get: func(ctx context.Context) (secret.Text, error) {
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
	p.record.Refused = p.a.now()
	p.a.warn(p.book.Put(context.WithoutCancel(ctx), p.who, p.record))
	p.a.say("the stored password is not used any more; `gatehop login %s` in a terminal can store the new one", p.profile)
}

// offer is a password that a person typed and that was right.
type offer struct {
	*stored
	text secret.Text
}

// offered notes it, for the end of the command.
func (p *stored) offered(user string, text secret.Text) {
	if !p.ok && user != "" && len(p.s.Changed) == 0 { // whose it is has only now been said
		s := *p.s
		s.User = user
		dir, _, err := p.a.state(s.SignIn.Store, false)
		if err != nil {
			return
		}
		p = p.a.stored(p.profile, &s, dir)
	}
	if !p.ok || text.IsZero() {
		return
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
	}
	record := o.get(ctx)
	same := record.Usable(keptTrust(o.s)) && record.Password.Equal(o.text)
	if same || record.Declined && !sure {
		return nil
	}
	if !sure {
		key, isRing := a.secretKey(o.dir, o.s.SignIn.Store).(*ringKey)
		if !isRing || a.isUnattended() {
			return nil
		}
		if _, err := key.Make(ctx, nil); errors.As(err, new(*keyring.Error)) { // it was said
			return nil
		}
		yes, err := a.confirm(ctx, idp.Question{Field: "keep_password", Public: true, Options: []string{"no", "yes"},
			Label: fmt.Sprintf("Keep the password of %s at %s in the keyring?", idp.CleanWords(o.who.User), hostOf(o.s.SignIn.URL))})
		if err != nil { // a question that is left is no answer
			return nil
		}
		if !yes {
			record.Declined = true
			a.warn(o.book.Put(ctx, o.who, record))
			return nil
		}
	}
	a.warn(o.book.Put(ctx, o.who, passwords.Record{Password: o.text, Trust: keptTrust(o.s)}))
	return nil
}

// errNotTyped reports that there is no password to keep.
var errNotTyped = errors.New("no password was typed: nothing is stored; `gatehop login --force --store-password` asks for it")

// forgetPassword forgets the password of a gateway's person, and says whose it was; "" if
// there was none.
func (a *app) forgetPassword(ctx context.Context, dir store.Dir, ch profile.Chain) (string, error) {
	s, err := a.settings(ch)
	if err != nil || dir.Path() == "" {
		return "", err
	}
	known, err := a.choices(dir).Get(ch[0].Name)
	if err != nil {
		return "", err
	}
	s.Remember(ch, known)
	p := a.stored(ch[0].Name, s, dir)
	if !p.ok {
		return "", nil
	}
	there := p.get(ctx) != passwords.Record{}
	if err := p.book.Forget(ctx, p.who); err != nil || !there {
		return "", err
	}
	return "the password of " + idp.CleanWords(s.User) + " at " + hostOf(s.SignIn.URL), nil
}
