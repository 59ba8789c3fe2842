package adfs_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

// canary is the password of a sign-in that is tampered with, codeCanary every code.
const canary, codeCanary = "kennwort8264kanarie", "731946028"

// longest is above what a sign-in may take: 300 s, three times 120 s for the person to
// answer on a phone, and 5 s to notice.
const longest = 670 * time.Second

// attackable are the servers whose answers are tampered with: every version, and every page
// that the adapter has a step for.
func attackable() []idptest.Options {
	var all []idptest.Options
	for _, v := range versions() {
		all = append(all, v.of(idptest.Options{}))
	}
	organisations := []string{idptest.LocalAuthority, "https://partner.example/adfs/services/trust"}
	other := map[string]idptest.RelyingParty{"urn:x": {ACS: "https://x.example/acs", Audience: "urn:x"}}
	state := func(change func(*idptest.User)) []idptest.User {
		u := idptest.Alice()
		change(&u)
		return []idptest.User{u}
	}
	for _, kind := range []idptest.Factor{idptest.FactorAzureNumber, idptest.FactorAzureServer, idptest.FactorAzureServerChoice, idptest.FactorRSA, idptest.FactorRSA2,
		idptest.FactorSilverfort, idptest.FactorSafeNet, idptest.FactorChoice, idptest.FactorDuoUniversal} {
		all = append(all, idptest.Options{MFA: kind, Users: state(func(u *idptest.User) { u.MFA = true })})
	}
	return append(all,
		in20(idptest.Options{}), in20(idptest.Options{ClaimsProviders: organisations}), in20(idptest.Options{RelyingParties: other, UnknownRPError: true}),
		idptest.Options{ClaimsProviders: organisations}, idptest.Options{MethodChoice: true, CertificateLink: true}, idptest.Options{RelyingParties: other},
		idptest.Options{IdPInitiatedDisabled: true}, idptest.Options{Users: state(func(u *idptest.User) { u.MFA = true })},
		idptest.Options{Users: state(func(u *idptest.User) { u.State = idptest.UserNotPermitted })},
		idptest.Options{Users: state(func(u *idptest.User) { u.State = idptest.UserExpired }), UpdatePasswordEndpoint: true},
	)
}

// attacked is one sign-in at an AD FS whose answers are tampered with.
type attacked struct {
	at  idptest.Options
	how []tampering
	// login signs in; nil: the adapter. client lacks the guards of idp.NewClient only
	// for a mutant's sake.
	login  func(ctx context.Context, s *idp.Session) error
	client func(idp.Trust, http.RoundTripper) *http.Client
}

// run signs in and returns what was wrong about it: the judge of the fuzz target and of
// its mutants. Time is that of a synctest bubble.
func (a attacked) run(t testing.TB) (problem error) {
	defer func() {
		if v := recover(); v != nil {
			problem = fmt.Errorf("the sign-in panicked: %v", v)
		}
	}()
	o := a.at
	if o.Users == nil {
		o.Users = []idptest.User{idptest.Alice()}
	}
	o.Users = slices.Clone(o.Users)
	o.Users[0].Password = canary
	o.Now, o.Rand, o.Signer = clock, rand.NewChaCha8([32]byte{7}), signer()
	p, err := idptest.NewADFS(o)
	if err != nil {
		t.Fatal(err)
	}
	home := &tampered{Handler: p, how: a.how}
	away := &tampered{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, loginPage)
	})}
	trust, err := idp.NewTrust(host, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.client == nil {
		a.client = func(trust idp.Trust, rt http.RoundTripper) *http.Client {
			return idp.NewClient(idp.ClientOptions{Trust: trust, Transport: rt, Now: clock})
		}
	}
	if a.login == nil {
		a.login = signInAt
	}
	answers := idptest.NewAnswers(map[string][]string{"username": {alice, idptest.NoAnswer}, "password": {canary, idptest.NoAnswer}, "otp": {codeCanary, idptest.NoAnswer}, "mfa": {"Phone call", "AzureMfaAuthentication"}})
	session := &idp.Session{Trust: trust, Prompt: idp.FirstOf(answers), HTTP: a.client(trust, onlyHost{home, away})}
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 2*longest)
	defer cancel()
	err = a.login(ctx, session)
	return errors.Join(judge(err, time.Since(start)), secretsAt(home, 1, "AD FS"), secretsAt(away, 0, "another origin"), cookiesAt(away))
}

func signInAt(ctx context.Context, s *idp.Session) error {
	adapter, err := adfs.New(adfs.Config{URL: host})
	if err != nil {
		return err
	}
	_, err = adapter.Login(ctx, s)
	return err
}

// judge looks at how a sign-in ended.
func judge(err error, took time.Duration) error {
	switch {
	case took > longest:
		return fmt.Errorf("the sign-in took %v", took)
	case err != nil && (strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), codeCanary)):
		return fmt.Errorf("the error holds a secret: %w", err)
	}
	return nil
}

// secretsAt counts the requests that hold the password, or the code, anywhere in them.
func secretsAt(s *tampered, most int, where string) error {
	for _, secret := range []string{canary, codeCanary} {
		n := 0
		for _, r := range s.received {
			n += strings.Count(r, secret)
			if line, _, _ := strings.Cut(r, "\n"); strings.Contains(line, secret) {
				return fmt.Errorf("%s is in an address of %s", secret, where)
			}
		}
		if n > most {
			return fmt.Errorf("%s was sent to %s %d times, want at most %d", secret, where, n, most)
		}
	}
	return nil
}

// cookiesAt wants no cookie of AD FS's in the requests.
func cookiesAt(s *tampered) error {
	for _, r := range s.received {
		if strings.Contains(r, "MSIS") && strings.Contains(r, "Cookie: ") {
			return errors.New("a cookie was sent to another origin")
		}
	}
	return nil
}

// onlyHost serves the configured origin from home and everything else, other ports and
// http included, from away.
type onlyHost struct{ home, away http.Handler }

func (o onlyHost) RoundTrip(r *http.Request) (*http.Response, error) {
	h := o.away
	if idp.OriginOf(r.URL) == idp.OriginOf(&url.URL{Scheme: "https", Host: host}) {
		h = o.home
	}
	return idptest.Transport(map[string]http.Handler{idptest.AnyHost: h}).RoundTrip(r)
}

// FuzzTampered signs in at a whole AD FS whose answers are tampered with. Whatever that
// makes of them, the sign-in ends in time and without a panic, and the password goes to
// AD FS at most once, in a body, and to nobody else.
func FuzzTampered(f *testing.F) {
	signer()
	for v, o := range attackable() {
		f.Add(byte(v), []byte{})
		for kind := range tamperers {
			if raceDetector && kind%3 != 0 {
				continue
			}
			if o.MFA != "" { // whose pages come after those of the others
				f.Add(byte(v), []byte{3, byte(kind), byte(70 * kind), byte(31 * kind)})
				continue
			}
			for answer := range 3 {
				f.Add(byte(v), []byte{byte(answer), byte(kind), byte(70 * kind), byte(31 * answer)})
			}
		}
		if o.MFA != "" {
			continue
		}
		for i := range max(len(snippets), len(values)) {
			f.Add(byte(v), []byte{1, 3, byte(i * 9), byte(i), 1, 4, byte(i * 7), byte(i)})
		}
	}
	f.Fuzz(func(t *testing.T, v byte, how []byte) {
		synctest.Test(t, func(t *testing.T) {
			if err := (attacked{at: pick(attackable(), v), how: tamperings(how)}).run(t); err != nil {
				t.Error(err)
			}
		})
	})
}

// bare is a client without any guard.
func bare(_ idp.Trust, rt http.RoundTripper) *http.Client {
	return &http.Client{Transport: rt, Jar: idp.NewJar(clock)}
}

// anywhere is a client that shows its cookies to everybody.
func anywhere(trust idp.Trust, rt http.RoundTripper) *http.Client {
	c := idp.NewClient(idp.ClientOptions{Trust: trust, Transport: rt, Now: clock})
	return &http.Client{Jar: c.Jar, CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		for _, cookie := range c.Jar.Cookies(&url.URL{Scheme: "https", Host: host, Path: "/adfs/ls/"}) {
			req.AddCookie(cookie)
		}
		return nil
	}, Transport: rt}
}

// walking is a mutant's sign-in: its own step before the generic ones.
func walking(step func(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error)) func(context.Context, *idp.Session) error {
	return func(ctx context.Context, s *idp.Session) error {
		text, err := adfs.EntryURL(host, "")
		if err != nil {
			return err
		}
		entry, err := url.Parse(text)
		if err != nil {
			return err
		}
		hasForm := func(p *form.Page, _ *form.State) bool { f, _ := filled(p, ""); return f != nil }
		w := &form.Walk{Session: s, Entry: entry, Steps: slices.Concat(form.Ends(), []form.Step{{Name: "login", Match: hasForm, Act: step}}, form.Steps())}
		_, err = w.Run(ctx)
		return err
	}
}

// TestTamperedJudge: the judge of the fuzz target has nothing to say about the adapter,
// and notices every way of breaking one of its promises.
func TestTamperedJudge(t *testing.T) {
	t.Parallel()
	signer()
	action := []tampering{} // every tag's first attributes become a lure, in the sign-in page
	for at := range 12 {
		action = append(action, tampering{1, 3, byte(at * 20), 3})
	}
	again := walking(func(_ context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
		f, fill := filled(p, canary)
		send, err := f.Submit(nil, fill)
		if err != nil {
			return form.Next{}, err
		}
		resp, err := w.Session.HTTP.Post(send.URL, "application/x-www-form-urlencoded", strings.NewReader(send.Body.Reveal()))
		if err == nil {
			err = resp.Body.Close()
		}
		return form.Next{Send: send, From: p.URL}, err
	})
	follow := walking(func(_ context.Context, _ *form.Walk, p *form.Page) (form.Next, error) {
		f, fill := filled(p, canary)
		send, err := f.Submit(nil, fill)
		return form.Next{Send: send, From: p.URL}, err
	})
	inAddress := walking(func(_ context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
		return w.Get(p, &url.URL{Scheme: "https", Host: host, Path: "/adfs/ls/", RawQuery: "Password=" + canary}), nil
	})
	telling := func(_ context.Context, s *idp.Session) error {
		resp, err := s.HTTP.Post("https://elsewhere.example/", "text/plain", strings.NewReader(codeCanary))
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	refused := []tampering{{2, 7, 0, 0}, {2, 11, 3, 0}} // the answer to the password leads nowhere
	cases := []struct {
		name string
		a    attacked
		want string // part of the problem; "": none
	}{
		{"the adapter", attacked{}, ""},
		{"the adapter, lured", attacked{how: action}, ""},
		{"the adapter, led astray", attacked{how: refused}, ""},
		{"panics", attacked{login: func(context.Context, *idp.Session) error { panic("at the page") }}, "panicked: at the page"},
		{"hangs", attacked{login: func(ctx context.Context, _ *idp.Session) error { <-ctx.Done(); return ctx.Err() }}, "took"},
		{"says the password", attacked{login: func(context.Context, *idp.Session) error { return errors.New("no form for " + canary) }}, "the error holds a secret"},
		{"says the code", attacked{login: func(context.Context, *idp.Session) error { return errors.New("not " + codeCanary) }}, "the error holds a secret"},
		{"gives the code away", attacked{login: telling, client: bare}, "to another origin"},
		{"sends it again", attacked{login: again, client: bare}, "to AD FS 2 times"},
		{"follows a lure", attacked{login: follow, client: bare, how: action}, "to another origin"},
		{"takes its cookies along", attacked{how: []tampering{{1, 7, 0, 0}, {1, 11, 3, 0}}, client: anywhere}, "a cookie was sent"},
		{"puts it into an address", attacked{login: inAddress, client: bare}, "in an address"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := c.a.run(t)
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("the judge says %v, want %q", err, c.want)
				}
			})
		})
	}
}

// TestTamperings: what is tampered with is really changed, by each kind, and nothing else
// is.
func TestTamperings(t *testing.T) {
	t.Parallel()
	for kind := range tamperers {
		changed := false
		for at := range 256 {
			m := message{status: 200, header: http.Header{}, tokens: split([]byte(loginPage))}
			tamperers[kind](&m, tampering{1, byte(kind), byte(at), byte(at / 2)})
			changed = changed || m.status != 200 || len(m.header) > 0 || strings.Join(m.tokens, "") != loginPage
		}
		if !changed {
			t.Errorf("kind %d changes nothing", kind)
		}
	}
	if got := strings.Join(split([]byte(loginPage)), ""); got != loginPage {
		t.Errorf("split and joined: %q", got)
	}
}
