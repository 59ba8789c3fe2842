package form

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"gatehop/idp"
	"gatehop/idp/challenge"
	"gatehop/saml"
)

// Config is what the generic form adapter needs to know.
type Config struct {
	URL          string `json:"url"`      // where the sign-in begins: the provider's address for signing in to AWS
	Username     string `json:"username"` // the user name if it is known already; for Auth alone
	Auth         string `json:"auth"`     // a challenge.Kind; else forms
	Keytab       string `json:"keytab"`   // see challenge.Config, as are the next two
	CCache       string `json:"ccache"`
	KerberosConf string `json:"krb5_conf"`
}

// New makes the adapter for any provider whose sign-in is made of HTML forms. The URL
// must be https, or http of this machine.
func New(c Config) (idp.Adapter, error) {
	entry, err := entryURL(c.URL)
	if err != nil {
		return nil, err
	}
	kind, ok := challenge.ParseKind(c.Auth)
	if !ok {
		return adapter{entry: entry}, nil
	}
	return adapter{entry, challenge.Config{Kind: kind, Username: c.Username, Keytab: c.Keytab, Cache: c.CCache, Conf: c.KerberosConf}}, nil
}

// entryURL reads the sign-in address. Its errors do not quote it: it may hold a token.
func entryURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return nil, errors.New("read the sign-in address: it is empty")
	case err != nil:
		return nil, errors.New("read the sign-in address: it is no URL")
	case u.User != nil:
		return nil, fmt.Errorf("read the sign-in address %q: it holds a user name", idp.SafeURL(u))
	}
	if _, err := idp.ParseOrigin(u.Scheme + "://" + u.Host); err != nil {
		return nil, fmt.Errorf("read the sign-in address: %w", err)
	}
	u.Fragment, u.RawFragment = "", ""
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

type adapter struct {
	entry *url.URL
	auth  challenge.Config
}

// walk is a sign-in that has not begun.
func (a adapter) walk(s *idp.Session) *Walk {
	return &Walk{Session: s, Entry: a.entry, Steps: slices.Concat(Challenged(a.auth), Ends(), Walls(), NoForms(a.auth, asksLogin), Ways())}
}

// asksLogin: the page has a form for user name or password.
func asksLogin(p *Page, _ *State) bool {
	_, ok := p.Login()
	return ok
}

// Login implements idp.Adapter.
func (a adapter) Login(ctx context.Context, s *idp.Session) (*saml.Assertion, error) {
	return a.walk(s).Run(ctx)
}

// wait lets d pass or returns the context's error.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
