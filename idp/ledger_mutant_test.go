package idp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/form"
	"gatehop/saml"
)

// mutants are clients that break one rule each, and what the ledger must say of them:
// how it begins, a "*", and what is in it.
var mutants = []struct {
	name   string
	who    subject
	places string // in which it is looked for, "|" between
	wants  []string
}{
	{"nothing changed", subject{}, "action|page|307 of what was typed", nil},
	{"registrable domain", wrongRule("registrable domain"), "action|formaction|page|SAML page|401 to a form", []string{
		"action: sub-domain: user: *was sent the user", "formaction: sibling: password: *was sent the password",
		"action: parent: code: *was sent the code", "page: sibling: password: *got the password 1 times, want 0",
		"SAML page: sibling: user: *taken true, want false",
	}},
	{"host without port", wrongRule("host only"), "action|SAML page", []string{
		"action: other port: password: *was sent the password", "SAML page: other port: code: *taken true, want false",
	}},
	{"trailing dot dropped", wrongRule("trailing dot dropped"), "base|SAML page", []string{
		"base: trailing dot: password: *was sent the password", "SAML page: trailing dot: cookie: *taken true, want false",
	}},
	{"user part taken for the host", wrongRule("authority as text"), "action|meta|301 to a page", []string{
		"action: userinfo: password: *was sent the password", "meta: userinfo: user: *was sent the user",
		"301 to a page: userinfo with port: code: *was sent the code",
	}},
	{"prefix of the host", wrongRule("prefix"), "action", []string{
		"action: look-alike suffix: user: *was sent the user",
	}},
	{"scheme not looked at", subject{trust: wrongTrust("scheme-blind"), client: plainClient}, "action|page that goes on", []string{
		"action: http on port 443: password: *was sent the password", "action: http on port 443: user: *was written to in clear",
		"page that goes on: http on port 443: code: *was sent the code",
	}},
	{"no walls against redirects", subject{client: plainClient}, "307 of what was typed|308 of what was typed|302 to a page|401", []string{
		"307 of what was typed: sub-domain: password: *was sent the password", "308 of what was typed: http: code: *was sent the code",
		"307 of what was typed: same: user: *was sent 2 times", "302 to a page: look-alike letter: user: *was sent a query of another origin",
		"302 to a page: http: user: *was written to in clear", "401: same, user part: ticket: *Authorization header",
	}},
	{"a jar that ignores ports", subject{client: laxJar}, "action|302 to a page", []string{
		"302 to a page: other port: cookie: *was sent a cookie of", "302 to a page: sibling: cookie: *was sent a cookie of",
	}},
	{"a certificate for everybody", subject{client: openCertificate}, "302 to a page|action", []string{
		"302 to a page: look-alike suffix: certificate: *was shown a certificate true, want false",
	}},
	{"no certificate for anybody", subject{client: noCertificate}, "302 to a page", []string{
		"302 to a page: sibling, listed: certificate: *was shown a certificate false, want true",
	}},
	{"answers challenges", subject{client: basicClient}, "401|401 to a form|401 to what was typed|SAML page", []string{
		"401: parent: password: *was sent the password in an address or a header", "401 to a form: same: password: *Authorization header",
		"SAML page: sibling: NTLM: *Authorization header", "401 to what was typed: same: ticket: *Authorization header",
	}},
	{"posts twice", subject{client: doubleClient}, "action", []string{"action: same: password: *was sent 2 times"}},
	{"looks at the action alone", answering(func(w *form.Walk, _ *form.Page, to form.Target) bool {
		return w.Session.Trust.Has(to.URL) && isPost(to)
	}), "page", []string{
		"page: sibling: password: *got the password 1 times, want 0",
	}},
	{"looks at the page alone", answering(func(w *form.Walk, p *form.Page, to form.Target) bool { return w.Session.Trust.Has(p.URL) && isPost(to) }), "action|action without scheme", []string{
		"action: userinfo: password: *was sent the password", "action without scheme: parent: code: *was sent the code",
	}},
	{"looks at the form's action without base", answering(withoutBase), "base|base, no scheme|action", []string{
		"base: sibling: password: *was sent the password", "base, no scheme: parent: user: *was sent the user",
	}},
	{"looks at the form's action without formaction", answering(withoutFormaction), "formaction|formmethod", []string{
		"formaction: look-alike prefix: password: *was sent the password",
	}},
	{"sends by GET", answering(func(w *form.Walk, p *form.Page, to form.Target) bool {
		return w.Session.Trust.CheckSubmit(p.URL, to.URL) == nil
	}), "GET form|formmethod|text/plain", []string{
		"GET form: same: password: *was sent the password in an address", "formmethod: sub-domain, listed: code: *was sent the code in an address",
		"text/plain: same: password: *got the password 1 times, want 0",
	}},
	{"forgets what was typed", answering(honest), "echo in a refresh|echo in a redirect|echo in a form", []string{
		"echo in a refresh: sibling: password: *was sent the password", "echo in a redirect: other port: code: *was sent the code",
		"echo in a form: look-alike letter: password: *was sent the password",
	}},
	{"takes an assertion from anywhere", subject{steps: []form.Step{takeAnything}}, "SAML page|302 of what was typed", []string{
		"SAML page: look-alike suffix: user: *taken true, want false", "302 of what was typed: trailing dot: code: *taken true, want false",
	}},
	{"hands the assertion to anywhere", subject{steps: []form.Step{handOver}}, "SAML action", []string{
		"SAML action: sub-domain: user: *was sent the assertion",
	}},
	{"sends nothing", answering(func(*form.Walk, *form.Page, form.Target) bool { return false }), "action|302 of what was typed", []string{
		"action: same: user: *got the user 0 times, want 1", "action: sibling, listed: password: *did not get the password",
	}},
}

// wrongTrust trusts, besides what it should, every target that a wrong rule cannot tell
// from the configured address.
func wrongTrust(name string) func(testing.TB, run) idp.Trust {
	rule := idp.WrongOrigin(name)
	return func(t testing.TB, r run) idp.Trust {
		t.Helper()
		trust := productTrust(t, r)
		to, err := url.Parse(r.target.url)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := url.Parse(r.setting.url)
		if err != nil {
			t.Fatal(err)
		}
		if rule(to) == rule(ours) {
			trust.Origins = append(trust.Origins, idp.Origin(r.target.origin))
		}
		return trust
	}
}

// wrongRule has that Trust, and its client goes by it.
func wrongRule(name string) subject { return subject{trust: wrongTrust(name)} }

// plainClient is Go's client over the same network: it follows whatever it is told to.
func plainClient(_ run, o idp.ClientOptions, dial idp.Dial) *http.Client {
	return &http.Client{Jar: o.Jar, Transport: idp.NetworkAt(o, dial, idp.OriginOf)}
}

func laxJar(r run, o idp.ClientOptions, dial idp.Dial) *http.Client {
	o.Jar, _ = cookiejar.New(nil)
	return productClient(r, o, dial)
}

func openCertificate(r run, o idp.ClientOptions, dial idp.Dial) *http.Client {
	c := productClient(r, o, dial)
	c.Transport = idp.NetworkAt(o, dial, func(*url.URL) idp.Origin { return idp.Origin(r.setting.origin) })
	return c
}

func noCertificate(r run, o idp.ClientOptions, dial idp.Dial) *http.Client {
	o.ClientCert = nil
	return productClient(r, o, dial)
}

// tripper is an http.RoundTripper of one function.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// basicClient answers every challenge with the password.
func basicClient(r run, o idp.ClientOptions, dial idp.Dial) *http.Client {
	c := productClient(r, o, dial)
	honest := c.Transport
	network := idp.NetworkAt(o, dial, idp.OriginOf)
	c.Transport = tripper(func(req *http.Request) (*http.Response, error) {
		resp, err := honest.RoundTrip(req)
		if err != nil || resp.StatusCode != http.StatusUnauthorized {
			return resp, err
		}
		_ = resp.Body.Close()
		again := req.Clone(req.Context())
		again.Method, again.Body, again.ContentLength = http.MethodGet, nil, 0
		again.SetBasicAuth(typed(user), typed(password))
		return network.RoundTrip(again)
	})
	return c
}

// doubleClient sends every form again, for good measure.
func doubleClient(r run, o idp.ClientOptions, dial idp.Dial) *http.Client {
	c := productClient(r, o, dial)
	honest := c.Transport
	c.Transport = tripper(func(req *http.Request) (*http.Response, error) {
		if req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			first := req.Clone(req.Context())
			first.Body = body
			resp, err := honest.RoundTrip(first)
			if err != nil {
				return nil, err
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		return honest.RoundTrip(req)
	})
	return c
}

func isPost(to form.Target) bool { return to.Method == "POST" && to.Enctype != "text/plain" }

func honest(w *form.Walk, p *form.Page, to form.Target) bool {
	return w.Session.Trust.CheckSubmit(p.URL, to.URL) == nil && isPost(to)
}

func withoutBase(w *form.Walk, p *form.Page, to form.Target) bool {
	action, err := url.Parse(p.Forms[0].Action)
	return err == nil && isPost(to) && w.Session.Trust.CheckSubmit(p.URL, p.URL.ResolveReference(action)) == nil
}

func withoutFormaction(w *form.Walk, p *form.Page, _ form.Target) bool {
	to, err := p.Forms[0].Target(nil)
	return err == nil && honest(w, p, to)
}

// answering is a walker with a check of its own for where an answer may go. It tells
// the client nothing about what it sends.
func answering(may func(w *form.Walk, p *form.Page, to form.Target) bool) subject {
	find := func(p *form.Page) (*form.Form, *form.Control, string) {
		for _, f := range p.Forms {
			for _, c := range f.Controls {
				if field := map[string]string{"UserName": "username", "Password": "password", "otp": "otp"}[c.Name]; field != "" {
					return f, c, field
				}
			}
		}
		return nil, nil, ""
	}
	return subject{steps: []form.Step{{
		Name:  "answer",
		Match: func(p *form.Page, _ *form.State) bool { f, _, _ := find(p); return f != nil },
		Act: func(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
			f, c, field := find(p)
			to, err := f.Target(f.Button())
			if err != nil || !may(w, p, to) {
				return form.Next{}, errors.Join(errors.New("answer: may not"), err)
			}
			text, err := answerTo(ctx, w, field)
			if err != nil {
				return form.Next{}, err
			}
			if field == "password" {
				w.State.Passwords++
			}
			send, err := f.Submit(f.Button(), form.Fill{Values: map[*form.Control]secret.Text{c: text}})
			return form.Next{Send: send, From: p.URL}, err
		},
	}}}
}

// response is the first form with a SAML response, and what is in it.
func response(p *form.Page) (*form.Form, string) {
	for _, f := range p.Forms {
		for _, c := range f.Controls {
			if c.Name == "SAMLResponse" {
				return f, c.Value
			}
		}
	}
	return nil, ""
}

func hasResponse(p *form.Page, _ *form.State) bool { f, _ := response(p); return f != nil }

var takeAnything = form.Step{Name: "take", Match: hasResponse, Act: func(_ context.Context, _ *form.Walk, p *form.Page) (form.Next, error) {
	_, value := response(p)
	a, err := saml.Decode(value)
	return form.Next{Assertion: a}, err
}}

var handOver = form.Step{Name: "hand over", Match: func(p *form.Page, s *form.State) bool {
	f, _ := response(p)
	return f != nil && !strings.HasPrefix(f.Action, "https://signin.aws.amazon.com/")
}, Act: func(_ context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	f, _ := response(p)
	return w.Press(p, f, nil, form.Fill{})
}}

// TestLedgerNoticesMutants: the ledger says of each mutant what it did, and nothing of
// what is not one.
func TestLedgerNoticesMutants(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	all, _ := runs()
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			at := strings.Split(m.places, "|")
			found := survey(t, n, m.who, slices.DeleteFunc(slices.Clone(all), func(r run) bool {
				return r.adapter != "form" || r.setting.origin[:5] != "https" || !slices.Contains(at, r.place.name) || !anyWants(m.wants, r)
			}))
			if m.wants == nil && len(found) > 0 {
				t.Errorf("the product itself: %q", found)
			}
			for _, want := range m.wants {
				begin, end, _ := strings.Cut(want, "*")
				if !slices.ContainsFunc(found, func(f string) bool {
					return strings.HasPrefix(f, begin) && strings.Contains(f, end)
				}) {
					t.Errorf("not noticed: %s; found %d: %.2000q", want, len(found), found)
				}
			}
		})
	}
}

// anyWants keeps the combinations that the wants speak of, all of them if there are none.
func anyWants(wants []string, r run) bool {
	name, _, _ := strings.Cut(r.String(), ": form of")
	return wants == nil || slices.ContainsFunc(wants, func(w string) bool { return strings.HasPrefix(w, name+": ") })
}

// TestLedgerNoticesNothing: a ledger without combinations, or without a value of an
// axis, does not pass.
func TestLedgerNoticesNothing(t *testing.T) {
	t.Parallel()
	if found := survey(t, newInternet(t), subject{}, nil); len(found) != 1 {
		t.Errorf("no combination: found %q, want one complaint", found)
	}
	all, _ := runs()
	for name, missing := range map[string]func(run) bool{
		"place base is": func(r run) bool { return r.place.name == "base" },
		"column cookie": func(r run) bool { return r.column.name == "cookie" },
		"target parent": func(r run) bool { return r.target.name == "parent" },
	} {
		if found := unseen(slices.DeleteFunc(slices.Clone(all), missing)); len(found) != 1 || !strings.HasPrefix(found[0], name) {
			t.Errorf("without %s: found %q", name, found)
		}
	}
}
