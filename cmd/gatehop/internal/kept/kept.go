// Package kept is what is remembered of a person's session at an identity provider: its cookies.
package kept

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"gatehop/creds"
	"gatehop/idp"
	"gatehop/saml"
)

// maxAge is how long a cookie is kept that a browser would forget when it is closed.
const maxAge = 12 * time.Hour

// Who is whose session at which provider, and under which settings.
type Who struct {
	Origin idp.Origin   // the provider's
	Kind   string       // of adapter
	User   string       // as it is sent
	Trust  string       // digest of the settings that say whom the cookies go to
	Hosts  []idp.Origin // that are trusted: cookies of others are not kept
}

// Key names the place of a person's record. Names that differ only in their case are
// one; those with and without a domain are two.
func (w Who) Key() string {
	text, err := json.Marshal([]string{"gatehop kept 1", string(w.Origin), w.Kind, w.user()})
	if err != nil { // strings alone
		return ""
	}
	return string(text)
}

func (w Who) user() string { return strings.ToLower(strings.TrimSpace(w.User)) }

// Is reports whether both are one person at one provider.
func (w Who) Is(other Who) bool { return w.Key() == other.Key() }

// Identity is whom an assertion is about. The zero value is nobody.
type Identity struct{ Issuer, Subject, Session string }

// Of is the identity in an assertion; nobody if it is encrypted or does not say.
func Of(a *saml.Assertion) Identity {
	if a.Encrypted || a.Subject == "" && a.SessionName == "" {
		return Identity{}
	}
	return Identity{a.Issuer, a.Subject, a.SessionName}
}

// Record is what is kept for one Who.
type Record struct {
	Identity Identity // of the assertion that the cookies were good for
	Begun    time.Time
	Spent    bool // the provider has asked for a password all the same
	Cookies  []idp.Cookie
}

// Book keeps records. Entries that cannot be read count as absent; Warn hears of the
// first that opens and is no record.
type Book struct {
	Store creds.Store
	Now   func() time.Time
	Warn  func(error) // may be nil
}

// RecordError reports a record that cannot be read. It quotes nothing of it.
type RecordError struct{ Problem string }

func (e *RecordError) Error() string {
	return "the kept session of an identity provider " + e.Problem + " and is not used"
}

// Get returns the live part of who's record; false if there is none, or if it was made
// for somebody else or under other settings.
func (b Book) Get(ctx context.Context, who Who) (Record, bool) {
	data, err := b.Store.Get(ctx, who.Key())
	if err != nil {
		return Record{}, false
	}
	f, err := decode(data)
	if err != nil {
		if b.Warn != nil {
			b.Warn(err)
		}
		return Record{}, false
	}
	if !f.fits(who) {
		return Record{}, false
	}
	r := f.record()
	r.Cookies = live(r, who.Hosts, b.Now())
	return r, len(r.Cookies) > 0
}

// Put replaces who's record by the live part of r, or removes it if nothing is.
func (b Book) Put(ctx context.Context, who Who, r Record) error {
	if r.Identity == (Identity{}) {
		return b.Forget(ctx, who)
	}
	if r.Cookies = live(r, who.Hosts, b.Now()); len(r.Cookies) == 0 {
		return b.Forget(ctx, who)
	}
	data, err := json.Marshal(fileOf(who, r))
	if err != nil {
		return errors.New("the cookies cannot be written")
	}
	return b.Store.Put(ctx, who.Key(), data)
}

// Forget removes who's record.
func (b Book) Forget(ctx context.Context, who Who) error { return b.Store.Delete(ctx, who.Key()) }

// Has reports whether there is a record in who's place, of whatever settings.
func (b Book) Has(ctx context.Context, who Who) bool {
	_, err := b.Store.Get(ctx, who.Key())
	return err == nil
}

// live are the cookies of trusted hosts whose time is not over. A record from ahead of
// the clock has no age, and so only cookies that end by a date.
func live(r Record, hosts []idp.Origin, now time.Time) []idp.Cookie {
	age := now.Sub(r.Begun)
	young := age >= 0 && age < maxAge
	return slices.DeleteFunc(slices.Clone(r.Cookies), func(c idp.Cookie) bool {
		switch {
		case !slices.Contains(hosts, c.Origin):
			return true
		case c.Expires.IsZero():
			return !young
		}
		return !c.Expires.After(now)
	})
}
