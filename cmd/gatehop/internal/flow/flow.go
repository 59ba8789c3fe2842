// Package flow turns a profile's chain into a source of sessions.
package flow

import (
	"context"
	"time"

	"gatehop/cmd/gatehop/internal/choices"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/cmd/gatehop/internal/session"
	"gatehop/creds"
	"gatehop/idp"
	"gatehop/saml"
	"gatehop/sts"
)

// Flow makes the sessions of every profile behind one gateway. All of its funcs are
// called only when an arrow of the picture cannot be answered from its Flight, so
// that a fresh last hop costs no client of any kind.
type Flow struct {
	Gateway string // the gateway's profile name; its choices and pins are kept under it
	Want    Want   // what configuration, environment and flags ask for
	Trust   string // digest of the settings that a session must have been made under

	Login   func(ctx context.Context) (Signed, error) // one sign-in at the identity provider
	STS     func(ch profile.Chain) (*sts.Client, error)
	Confirm func(ctx context.Context, q idp.Question) (bool, error) // of a change of what was pinned
	Prompt  idp.Prompter                                            // which role, where several are offered
	Choices *choices.File
	Given   func() map[string]string // account ID to the name that the configuration gives
	Aliases func() map[string]string // Given, and names that were learned elsewhere
	Now     func() time.Time
	Force   bool // sign in again and renew every hop
	// AtLeast is the life that a session must have left to be used as it is; 0 leaves it
	// to the margin of renewal. It does not make sessions longer than AWS allows.
	AtLeast time.Duration
	// Offering, if set, hears of an assertion from whose roles a person is about to choose.
	Offering func(ctx context.Context, a *saml.Assertion)
	// Learned, if set, hears of a role that allows no longer session than this.
	Learned func(roleARN string, longest time.Duration)

	Sessions *creds.Flight[Session] // per role session; kept between runs
	SignIns  *creds.Flight[Signed]  // per identity provider and user; never on disk
}

// Want and Session are those of package session.
type (
	Want    = session.Want
	Session = session.Session
)

// Signed is one sign-in: the assertion and the user name that it was made with.
type Signed struct {
	Assertion *saml.Assertion
	User      string
	Typed     bool // a person typed the user name

	new bool // made while whoever has it waited, and not kept from before
}

// Func yields a session that is good now.
type Func func(ctx context.Context) (Session, error)

// Source is the whole picture: sign in, take the gateway's role, hop by hop to the
// last profile of the chain. Each arrow is answered from its Flight while it can be.
//
// A session that only calls the next hop is used up to its last minute: what it is
// traded for has a life of its own, and a sign-in may need a person.
func (f *Flow) Source(ch profile.Chain) Func {
	session := f.gateway(ch, f.signIn(ch))
	for i := 1; i < len(ch); i++ {
		session = f.hop(ch, i, f.caller(ch[:i], session))
	}
	return session
}

// caller is from, or while it lives the session that is kept for ch.
func (f *Flow) caller(ch profile.Chain, from Func) Func {
	return func(ctx context.Context) (Session, error) {
		if !f.Force {
			if s, ok := f.Cached(ctx, ch); ok {
				return s, nil
			}
		}
		return from(ctx)
	}
}

// Walk runs the chain hop by hop and reports each session as it stands.
func (f *Flow) Walk(ctx context.Context, ch profile.Chain, report func(profile.Profile, Session)) (Session, error) {
	step := f.gateway(ch, f.signIn(ch))
	for i := 0; ; i++ {
		s, err := step(ctx)
		if err != nil {
			return Session{}, err
		}
		report(ch[i], s)
		if i+1 == len(ch) {
			return s, nil
		}
		step = f.hop(ch, i+1, func(context.Context) (Session, error) { return s, nil })
	}
}

// Roles signs in and returns what the assertion offers.
func (f *Flow) Roles(ctx context.Context, ch profile.Chain) (Signed, error) {
	return f.signIn(ch)(ctx)
}

// Cached returns the chain's last session from the store alone. It may be past its
// margin; it has over a minute left.
func (f *Flow) Cached(ctx context.Context, ch profile.Chain) (Session, bool) {
	s, ok := f.Sessions.Cached(ctx, ch.CacheKey(len(ch)-1))
	return s, ok && f.fits(s) && s.Usable(f.Now())
}

// Kept returns the chain's last session as it lies in the store, expired or not. fits
// says whether it is of the user, the role and the settings that are asked for now.
func (f *Flow) Kept(ctx context.Context, ch profile.Chain) (s Session, fits, ok bool) {
	s, ok = f.Sessions.Cached(ctx, ch.CacheKey(len(ch)-1))
	return s, ok && f.fits(s), ok
}

// Live reports whether anything on the chain can be used without a sign-in.
func (f *Flow) Live(ctx context.Context, ch profile.Chain) bool {
	if f.Force {
		return false
	}
	for i := len(ch); i > 0; i-- {
		if _, ok := f.Cached(ctx, ch[:i]); ok {
			return true
		}
	}
	return false
}

// Alone reports whether the chain's last session can be yielded without a sign-in: it is
// fresh, or one that it can be made from lives.
func (f *Flow) Alone(ctx context.Context, ch profile.Chain) bool {
	if s, ok := f.Cached(ctx, ch); ok && f.Fresh(s) {
		return true
	}
	for i := len(ch) - 1; i > 0; i-- {
		if _, ok := f.Cached(ctx, ch[:i]); ok {
			return true
		}
	}
	return false
}

// Longest is the longest session that the chain can end in, as far as the configuration
// and what AWS said before tell.
func (f *Flow) Longest(ch profile.Chain) time.Duration {
	if p := ch[len(ch)-1]; len(ch) > 1 {
		if p.Duration != 0 {
			return p.Duration
		}
		return sts.MaxChained
	}
	longest, in := sts.MaxSession, ch[0].SignIn
	if in.SessionDuration != 0 && !in.Max {
		longest = in.SessionDuration
	}
	if known, err := f.Choices.Get(f.Gateway); err == nil && known.Longest != 0 && (known.LimitedRole == ch[0].RoleARN || known.LimitedRole == f.Want.Settled) {
		longest = min(longest, time.Duration(known.Longest)*time.Second)
	}
	return longest
}

// Fresh reports whether s may be handed out without renewal.
func (f *Flow) Fresh(s Session) bool {
	return f.fits(s) && s.Fresh(f.Now()) && s.Remaining(f.Now()) >= f.AtLeast
}

func (f *Flow) fits(s Session) bool { return f.Want.Fits(s, f.Trust, f.Given) }

func (f *Flow) signIn(ch profile.Chain) func(context.Context) (Signed, error) {
	return f.SignIns.Wrap(ch[0].SignIn.Key(), f.login)
}

func (f *Flow) login(ctx context.Context) (Signed, error) {
	signed, err := f.Login(ctx)
	if err != nil {
		return Signed{}, err
	}
	signed.new = true
	return signed, f.pin(ctx, choices.PinIssuer, signed.Assertion.Issuer)
}

func (f *Flow) gateway(ch profile.Chain, signIn func(context.Context) (Signed, error)) Func {
	return f.keep(ch.CacheKey(0), func(ctx context.Context) (Session, error) {
		client, err := f.STS(ch) // what is wrong on AWS's side is found before a password is sent
		if err != nil {
			return Session{}, err
		}
		client.OnMaximum = f.learned
		x := exchange{f: f, p: ch[0], client: client}
		signed, err := signIn(ctx)
		if err != nil {
			return Session{}, err
		}
		s, err := x.with(ctx, signed)
		if err == nil || !x.ranOut(err) {
			return s, err
		}
		// Once, and not from memory: that holds what has just run out.
		if signed, err = f.SignIns.Forced(ch[0].SignIn.Key(), f.login)(ctx); err != nil {
			return Session{}, err
		}
		return x.with(ctx, signed)
	})
}

func (f *Flow) hop(ch profile.Chain, i int, from Func) Func {
	p := ch[i]
	return f.keep(ch.CacheKey(i), func(ctx context.Context) (Session, error) {
		client, err := f.STS(ch)
		if err != nil {
			return Session{}, err
		}
		caller, err := from(ctx)
		if err != nil {
			return Session{}, err
		}
		source := func(context.Context) (creds.Credentials, error) { return caller.Credentials, nil }
		c, err := client.Assume(source, sts.Hop{
			RoleARN: p.RoleARN, SessionName: p.SessionName, ExternalID: p.ExternalID, SourceIdentity: p.SourceIdentity,
			Tags: p.Tags, TransitiveTags: p.TransitiveTags, Duration: p.Duration,
		})(ctx)
		if err != nil {
			return Session{}, &HopError{Profile: p.Name, Gateway: f.Gateway, Err: err}
		}
		return f.session(c, caller), nil
	})
}

// HopError says which profile's hop failed.
type HopError struct {
	Profile, Gateway string
	Err              error
}

func (e *HopError) Error() string { return "profile " + e.Profile + ": " + e.Err.Error() }

// Unwrap returns the failure.
func (e *HopError) Unwrap() error { return e.Err }

// keep answers from the Flight of sessions, or, if Force is set, only shares the work.
func (f *Flow) keep(key string, do Func) Func {
	if f.Force {
		return f.Sessions.Forced(key, do)
	}
	return f.Sessions.Wrap(key, do)
}

// session is c with what its caller, or the sign-in, is known by.
func (f *Flow) session(c creds.Credentials, of Session) Session {
	of.Credentials, of.Lifetime, of.Trust = c, c.Remaining(f.Now()), f.Trust
	return of
}
