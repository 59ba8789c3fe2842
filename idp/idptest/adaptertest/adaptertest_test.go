package adaptertest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"math/rand/v2"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/idptest"
	"gatehop/idp/idptest/adaptertest"
	"gatehop/saml"
	"gatehop/saml/samltest"
)

// toy is an adapter for the simulated AD FS alone: it knows the source of its pages
// and nothing of HTML. Its fields are what it does wrong.
type toy struct {
	postsTwice, giveUp, noWords, untyped, fixed, swallow, leak, ignoreContext, forget, anyOrigin, anyAssertion, submits, public, unasked, needsRoles bool
}

var (
	loginAction = regexp.MustCompile(`(?s)<form method="([^"]*)"( enctype="[^"]*")? id="loginForm".*?action="([^"]*)"`)
	errorText   = regexp.MustCompile(`id="errorText" for="">([^<]*)<`)
	response    = regexp.MustCompile(`(?s)action="([^"]*)".*?name="SAMLResponse" value="([^"]+)"`)
)

type view struct {
	url    *url.URL
	source string
}

func (m toy) Login(ctx context.Context, s *idp.Session) (*saml.Assertion, error) {
	if m.ignoreContext {
		ctx = context.WithoutCancel(ctx)
	}
	c := *s.HTTP
	if m.forget {
		c.Jar = idp.NewJar(time.Now)
	}
	v, err := m.fetch(ctx, &c, http.MethodGet, adaptertest.Base+idptest.ADFSEntry, "")
	if err != nil {
		return nil, err
	}
	if a, err := m.assertion(s, v); a != nil || err != nil {
		return a, err
	}
	if m.unasked {
		_, _ = s.Prompt.Ask(ctx, idp.Question{Field: "password"})
	}
	user, err := s.Prompt.Ask(ctx, idp.Question{Field: "username", Public: true})
	if err != nil {
		return nil, m.shown(err)
	}
	return m.passwords(ctx, s, &c, v, user)
}

func (m toy) passwords(ctx context.Context, s *idp.Session, c *http.Client, v view, user secret.Text) (*saml.Assertion, error) {
	words := ""
	for {
		form := loginAction.FindStringSubmatch(v.source)
		if form == nil {
			return nil, &idp.PageError{Verdict: idp.Unknown, URL: v.url.Host}
		}
		target, err := v.url.Parse(strings.ReplaceAll(form[3], "&amp;", "&"))
		if err != nil {
			return nil, err
		}
		if err := s.Trust.CheckSubmit(v.url, target); err != nil && !m.anyOrigin {
			return nil, m.shown(err)
		}
		q := idp.Question{Field: "password", Retry: words, Public: m.public}
		if m.noWords && words != "" {
			q.Retry = "wrong"
		}
		password, err := s.Prompt.Ask(ctx, q)
		if m.fixed && err != nil {
			password, err = secret.New(idptest.AlicePassword), nil
		}
		if errors.Is(err, idp.ErrNoAnswer) || words != "" && m.giveUp {
			refusal := &idp.PageError{Verdict: idp.Rejected, URL: v.url.Host, Words: words}
			if m.leak {
				refusal.Words += " wrong horse"
			}
			return nil, m.shown(refusal)
		}
		if err != nil {
			return nil, m.shown(err)
		}
		body := url.Values{"UserName": {user.Reveal()}, "Password": {password.Reveal()}, "AuthMethod": {"FormsAuthentication"}}.Encode()
		for range map[bool]int{false: 1, true: 2}[m.postsTwice] {
			if v, err = m.fetch(ctx, c, http.MethodPost, target.String(), body); err != nil {
				return nil, m.shown(err)
			}
		}
		if a, err := m.assertion(s, v); a != nil || err != nil {
			return a, m.shown(err)
		}
		if found := errorText.FindStringSubmatch(v.source); found != nil {
			words = found[1]
		}
	}
}

// shown is err, or what a careless adapter makes of it.
func (m toy) shown(err error) error {
	if err != nil && m.swallow {
		return errors.New("sign-in did not work")
	}
	return err
}

func (m toy) fetch(ctx context.Context, c *http.Client, method, address, body string) (view, error) {
	if method == http.MethodPost && !m.untyped && !m.anyOrigin {
		ctx = idp.WithTyped(ctx)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return view{}, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		req.Body = http.NoBody
	}
	resp, err := c.Do(req)
	if err != nil {
		return view{}, idp.NetError(err)
	}
	source, err := idp.ReadPage(resp)
	return view{resp.Request.URL, string(source)}, err
}

func (m toy) assertion(s *idp.Session, v view) (*saml.Assertion, error) {
	found := response.FindStringSubmatch(v.source)
	if found == nil {
		return nil, nil
	}
	a, err := saml.Decode(found[2])
	if err != nil {
		return nil, &idp.PageError{Verdict: idp.BadAssertion}
	}
	action, err := url.Parse(found[1])
	if err != nil {
		return nil, err
	}
	if m.needsRoles && len(a.Roles) == 0 {
		return nil, &idp.PageError{Verdict: idp.NoRoles}
	}
	if m.submits {
		if _, err := m.fetch(context.Background(), s.HTTP, http.MethodPost, action.String(), "SAMLResponse="+url.QueryEscape(found[2])); err != nil {
			return nil, err
		}
	}
	if err := s.Trust.CheckAssertion(v.url, action, a); err != nil && !m.anyAssertion {
		return nil, m.shown(err)
	}
	return a, nil
}

// signer is one key for all cases: making one takes longer than a case.
var signer = sync.OnceValues(func() (*samltest.IDP, error) {
	return samltest.New("http://adfs.corp.example/adfs/services/trust", rand.NewChaCha8([32]byte{}), time.Now())
})

func suite(t *testing.T, m toy) adaptertest.Suite {
	t.Helper()
	key, err := signer()
	if err != nil {
		t.Fatal(err)
	}
	return adaptertest.Suite{
		Open: func(base string) (idp.Adapter, error) {
			if base != adaptertest.Base {
				return nil, fmt.Errorf("base = %s", base)
			}
			return m, nil
		},
		Provider: func(f idptest.Fault) (adaptertest.Provider, error) {
			return idptest.NewADFS(idptest.Options{Fault: f, Now: time.Now, Rand: bytes.NewReader(make([]byte, 32)), Signer: key, ACSPort443Off: true})
		},
		User: `CORP\alice`, Words: "Incorrect user ID or password.",
	}
}

// toyVerdicts are the faults whose verdict needs no understanding of pages.
var toyVerdicts = []idptest.Fault{
	idptest.FaultForeignAction, idptest.FaultPlainAction, idptest.FaultRedirect307, idptest.FaultRedirectPlain, idptest.FaultCut,
	idptest.FaultRedirectLoop, idptest.FaultHuge, idptest.FaultProxy, idptest.FaultForeignACS, idptest.FaultBadResponse,
	idptest.FaultRefusedResponse, idptest.FaultSeveralAssertions, idptest.FaultForeignResponse, idptest.FaultEncrypted,
}

// passable reports whether the toy can be right about a case.
func passable(name string) bool {
	fault, isFault := strings.CutPrefix(name, "fault ")
	return !isFault || slices.Contains(toyVerdicts, idptest.Fault(fault))
}

// TestToy passes every case that a toy can pass.
func TestToy(t *testing.T) {
	t.Parallel()
	for _, c := range adaptertest.Cases() {
		if passable(c.Name) {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				if err := c.Run(t.Context(), suite(t, toy{})); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestToyVerdicts: an adapter that puts every page down as unknown, or takes what it
// should not, fails the case of every other fault.
func TestToyVerdicts(t *testing.T) {
	t.Parallel()
	for _, c := range adaptertest.Cases() {
		if !passable(c.Name) {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				if err := c.Run(t.Context(), suite(t, toy{})); err == nil {
					t.Error("the toy passed")
				}
			})
		}
	}
}

// TestFaultsCovered: no fault is forgotten.
func TestFaultsCovered(t *testing.T) {
	t.Parallel()
	for _, f := range idptest.Faults() {
		if f.Fault == idptest.FaultHang || f.Fault == idptest.FaultHangPosted || f.Fault == idptest.FaultForeignPage {
			continue // the cases of cancellation and of the foreign page
		}
		if !slices.ContainsFunc(adaptertest.Cases(), func(c adaptertest.Case) bool { return c.Name == "fault "+string(f.Fault) }) {
			t.Errorf("no case for the fault %s", f.Fault)
		}
	}
}

// TestMutants has, for each case, an adapter that only this one thing is wrong with,
// and that the case must catch.
func TestMutants(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		m    toy
		fail []string
	}{
		{"posts twice", toy{postsTwice: true}, []string{"good sign-in", "refused once", "second answer"}},
		{"gives up at once", toy{giveUp: true}, []string{"second answer"}},
		{"does not say why it asks again", toy{noWords: true}, []string{"refused once", "second answer"}},
		{"answers by itself", toy{fixed: true}, []string{"no password", "refused once"}},
		{"errors without a type", toy{swallow: true}, []string{"refused once", "no user name", "no password", "fault foreign-action", "fault foreign-acs"}},
		{"says the password", toy{leak: true}, []string{"refused once"}},
		{"ignores the context", toy{ignoreContext: true}, []string{"context cancelled before", "context cancelled at the password"}},
		{"forgets cookies", toy{forget: true}, []string{"already signed in"}},
		{"asks before it needs to", toy{unasked: true}, []string{"good sign-in"}},
		{"fills any form", toy{anyOrigin: true}, []string{"fault foreign-action", "foreign page asks for nothing"}},
		{"takes any assertion", toy{anyAssertion: true}, []string{"fault foreign-acs", "fault foreign-assertion"}},
		{"wants roles it can read", toy{needsRoles: true}, []string{"fault encrypted"}},
		{"posts to AWS", toy{submits: true}, []string{"good sign-in"}},
		{"shows the password", toy{public: true}, []string{"good sign-in"}},
	}
	for _, c := range cases {
		for _, name := range c.fail {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := suite(t, c.m)
				i := slices.IndexFunc(adaptertest.Cases(), func(c adaptertest.Case) bool { return c.Name == name })
				if i < 0 {
					t.Fatalf("no case %q", name)
				}
				synctest.Test(t, func(t *testing.T) { // time-outs of 30 s cost nothing here
					if adaptertest.Cases()[i].Run(t.Context(), s) == nil {
						t.Error("the case was passed")
					}
				})
			})
		}
	}
}
