package idptest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehop/idp/idptest"
	"gatehop/saml"
)

const (
	alice = `CORP\alice`
	entry = base + idptest.ADFSEntry
)

// TestADFS signs in over every option that changes nothing about the outcome.
func TestADFS(t *testing.T) {
	t.Parallel()
	partner := "https://idp.partner.example/adfs/services/trust"
	cases := []struct {
		name  string
		o     idptest.Options
		query string
		pages int // requests of the sign-in
	}{
		{name: "as it comes", pages: 4},
		{name: "its name known", o: idptest.Options{Host: host}, pages: 4},
		{name: "without client-request-id", o: idptest.Options{ClientRequestIDOff: true}, pages: 3},
		{name: "request cookie required", o: idptest.Options{RequireRequestCookie: true}, pages: 4},
		{name: "direct post refused", o: idptest.Options{DirectPostRefused: true}, pages: 4},
		{name: "direct post refused without client-request-id", o: idptest.Options{DirectPostRefused: true, ClientRequestIDOff: true}, pages: 3},
		{name: "absolute action", o: idptest.Options{Action: idptest.ActionAbsolute}, pages: 4},
		{name: "action with port", o: idptest.Options{Action: idptest.ActionAbsolute443}, pages: 4},
		{name: "relative action", o: idptest.Options{Action: idptest.ActionRelative}, pages: 4},
		{name: "unescaped ampersands", o: idptest.Options{Action: idptest.ActionUnescapedAmp}, query: "&pullStatus=0", pages: 4},
		{name: "empty action", o: idptest.Options{Action: idptest.ActionEmpty}, pages: 4},
		{name: "no action", o: idptest.Options{Action: idptest.ActionMissing}, pages: 4},
		{name: "client-request-id of its own", o: idptest.Options{DirectPostRefused: true}, query: "&client-request-id=mine", pages: 3},
		{name: "big token", o: idptest.Options{BigToken: true}, pages: 4},
		{name: "gzip", o: idptest.Options{Gzip: true}, pages: 4},
		{name: "decoy form", o: idptest.Options{DecoyEmptySAMLResponse: true}, pages: 4},
		{name: "wrapped base64", o: idptest.Options{WrappedBase64: true}, pages: 4},
		{name: "keep me signed in offered", o: idptest.Options{Kmsi: true}, pages: 4},
		{name: "certificate offered", o: idptest.Options{CertificateLink: true}, pages: 4},
		{name: "method chosen", o: idptest.Options{MethodChoice: true, CertificateLink: true}, pages: 5},
		{name: "method chosen, direct post refused", o: idptest.Options{MethodChoice: true, DirectPostRefused: true}, pages: 5},
		{name: "themed", o: idptest.Options{Themed: true}, pages: 4},
		{name: "one claims provider named", o: idptest.Options{ClaimsProviders: []string{idptest.LocalAuthority, partner}},
			query: "&RedirectToIdentityProvider=AD+AUTHORITY", pages: 4},
		{name: "relay state", query: "&RelayState=" + url.QueryEscape("RPID=urn%3Aamazon%3Awebservices&RelayState="+url.QueryEscape(`x"&y`)), pages: 4},
	}
	for _, v := range versions() {
		for _, c := range cases {
			if v.more > 0 && c.o.ClientRequestIDOff {
				continue // TestNewADFS: refused
			}
			t.Run(v.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				a := newADFS(t, v.as(c.o))
				p := newBrowser(t, a, a.Elsewhere()).signIn(entry+c.query, alice, idptest.AlicePassword)
				wantAssertion(t, p)
				wantClean(t, a.ClientBugs())
				if got := a.Stats(); got.Logins != 1 || got.Requests != c.pages+v.more {
					t.Errorf("Stats = %+v, want 1 login, %d requests", got, c.pages+v.more)
				}
			})
		}
	}
}

// wantAssertion reads the page's assertion as the product would.
func wantAssertion(t testing.TB, p *page) *saml.Assertion {
	t.Helper()
	a, err := saml.Decode(p.assertion())
	if err != nil {
		t.Fatalf("no assertion at %s (%q): %v", p.url.Path, p.textOf("errorText"), err)
	}
	if len(a.Roles) != 3 || a.Destination != "https://signin.aws.amazon.com/saml" {
		t.Errorf("assertion has %d roles for %s, want 3 for AWS", len(a.Roles), a.Destination)
	}
	return a
}

// TestADFSFinalPage looks at what only the last page shows.
func TestADFSFinalPage(t *testing.T) {
	t.Parallel()
	last := func(o idptest.Options, query string) *page {
		a := newADFS(t, o)
		return newBrowser(t, a, a.Elsewhere()).signIn(entry+query, alice, idptest.AlicePassword)
	}
	action := func(p *page) string { return val(p.form("SAMLResponse"), "action") }
	if got := action(last(idptest.Options{}, "")); got != "https://signin.aws.amazon.com:443/saml" {
		t.Errorf("action = %s, want one with :443", got)
	}
	if got := action(last(idptest.Options{ACSPort443Off: true}, "")); got != "https://signin.aws.amazon.com/saml" {
		t.Errorf("action = %s, want the configured one", got)
	}
	p := last(idptest.Options{WrappedBase64: true}, "")
	if !strings.Contains(p.assertion(), "\n") {
		t.Error("SAMLResponse has one line, want several")
	}
	p = last(idptest.Options{DecoyEmptySAMLResponse: true}, "")
	if n := len(all(p.doc, func(n *html.Node) bool { return val(n, "name") == "SAMLResponse" })); n != 2 {
		t.Errorf("%d SAMLResponse fields, want 2", n)
	}
	p = last(idptest.Options{}, "&RelayState="+url.QueryEscape("RelayState="+url.QueryEscape(`x"&y`)))
	relay := all(p.doc, func(n *html.Node) bool { return val(n, "name") == "RelayState" })
	if len(relay) != 1 || val(relay[0], "value") != `x"&y` {
		t.Errorf("RelayState is not what was asked for")
	}
}

// TestADFSAssertion is what the assertion says about its user.
func TestADFSAssertion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		u           idptest.User
		roles       int
		sessionName string
		duration    time.Duration
	}{
		"as she comes": {u: idptest.Alice(), roles: 3, sessionName: "alice@corp.example"},
		"without more": {u: idptest.User{Name: alice, Password: idptest.AlicePassword}, sessionName: "alice"},
		"no roles":     {u: idptest.User{Name: alice, Password: idptest.AlicePassword, Roles: idptest.SampleRoles(), State: idptest.UserNoRoles}, sessionName: "alice"},
		"duration": {u: idptest.User{Name: alice, Password: idptest.AlicePassword, Roles: idptest.SampleRoles()[:1], SessionName: "a", SessionDuration: "28800"},
			roles: 1, sessionName: "a", duration: 8 * time.Hour},
	} {
		p := newADFS(t, idptest.Options{Users: []idptest.User{c.u}})
		got, err := saml.Decode(newBrowser(t, p, p.Elsewhere()).signIn(entry, alice, idptest.AlicePassword).assertion())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(got.Roles) != c.roles || got.SessionName != c.sessionName || got.SessionDuration != c.duration || got.Subject != alice || !got.Issued.Equal(start) {
			t.Errorf("%s: %d roles, session %s for %v, subject %s, issued %v", name, len(got.Roles), got.SessionName, got.SessionDuration, got.Subject, got.Issued)
		}
	}
}

// TestADFSSigner: without a signer given, the provider makes its own, once, under the
// entity ID of an AD FS, which is http and has no port.
func TestADFSSigner(t *testing.T) {
	t.Parallel()
	a, err := idptest.NewADFS(idptest.Options{Host: host + ":443", Now: (&clock{now: start}).Now, Rand: seed()})
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, a, a.Elsewhere())
	got := wantAssertion(t, b.signIn(entry, alice, idptest.AlicePassword))
	if want := "http://" + host + "/adfs/services/trust"; got.Issuer != want {
		t.Errorf("Issuer = %s, want %s", got.Issuer, want)
	}
}

// TestADFSNames is which names are one user.
func TestADFSNames(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]idptest.Options{
		`corp\ALICE`: {},
		`Alice@CORP`: {},
		`alice`:      {AcceptBareUser: true},
	} {
		a := newADFS(t, o)
		wantAssertion(t, newBrowser(t, a, a.Elsewhere()).signIn(entry, name, idptest.AlicePassword))
	}
}

// TestADFSEntry is what the entry shows to somebody who is not signed in.
func TestADFSEntry(t *testing.T) {
	t.Parallel()
	const path = base + "/adfs/ls/idpinitiatedsignon"
	two := []string{idptest.LocalAuthority, "https://idp.partner.example/trust"}
	cases := []struct {
		name, url string
		o         idptest.Options
		status    int
		id        string // an element that the page has
	}{
		{"the form", path + "?loginToRp=urn%3Aamazon%3Awebservices", idptest.Options{}, 200, "loginForm"},
		{"any case", base + "/ADFS/LS/IDPInitiatedSignOn.ASPX?loginToRp=urn:amazon:webservices", idptest.Options{}, 200, "loginForm"},
		{"by relay state", path + "?RelayState=RPID%3Durn%253Aamazon%253Awebservices", idptest.Options{}, 200, "loginForm"},
		{"no relying party", path, idptest.Options{}, 200, "idpForm"},
		{"unknown relying party", path + "?loginToRp=urn:other", idptest.Options{}, 200, "idpForm"},
		{"unknown relying party, error", path + "?loginToRp=urn:other", idptest.Options{UnknownRPError: true}, 200, "errorArea"},
		{"switched off", entry, idptest.Options{IdPInitiatedDisabled: true}, 200, "errorArea"},
		{"switched off, status", entry, idptest.Options{IdPInitiatedDisabled: true, ErrorStatus: 503}, 503, "errorArea"},
		{"home realm", entry, idptest.Options{ClaimsProviders: two}, 200, "hrd"},
		{"protocol", base + "/adfs/ls/?wa=wsignin1.0", idptest.Options{}, 200, "errorArea"},
		{"update password", base + "/adfs/portal/updatepassword/?username=x", idptest.Options{}, 200, "updatePasswordForm"},
		{"not there", base + "/adfs/other", idptest.Options{}, 404, ""},
		{"integrated", base + "/adfs/ls/wia", idptest.Options{}, 401, ""},
		{"down", entry, idptest.Options{Status503: -1}, 503, ""},
		{"certificate offered", entry, idptest.Options{CertificateLink: true}, 200, "CertificateAuthentication"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newADFS(t, c.o)
			p := newBrowser(t, a, a.Elsewhere()).get(c.url)
			if p.status != c.status {
				t.Errorf("status = %d, want %d", p.status, c.status)
			}
			if c.id != "" && p.id(c.id) == nil {
				t.Errorf("no element %s on the page", c.id)
			}
			if c.id == "errorArea" && strings.Contains(p.source, "Relying party: Amazon Web Services") != (c.url == entry) {
				t.Error("the details do not say which relying party it is about")
			}
			if h := p.header; h.Get("Server") != "Microsoft-HTTPAPI/2.0" || h.Get("Cache-Control") != "no-cache,no-store" || h.Get("Expires") != "-1" {
				t.Errorf("header = %v", h)
			}
			wantClean(t, a.ClientBugs())
		})
	}
}

// TestADFSLoginPage has the traps that make the real page hard to read.
func TestADFSLoginPage(t *testing.T) {
	t.Parallel()
	a := newADFS(t, idptest.Options{Host: host, Kmsi: true})
	p := newBrowser(t, a, a.Elsewhere()).get(entry)
	forms := all(p.doc, func(n *html.Node) bool { return n.Data == "form" })
	if len(forms) != 2 || val(forms[0], "id") != "loginForm" || val(forms[1], "id") != "options" {
		t.Fatalf("%d forms, want loginForm and options", len(forms))
	}
	if got := val(forms[1], "action"); !strings.HasPrefix(got, "https://"+host+":443/adfs/ls/") {
		t.Errorf("action of options = %s, want an absolute one with :443", got)
	}
	methods := all(p.doc, func(n *html.Node) bool { return val(n, "name") == "AuthMethod" })
	if _, has := attr(methods[1], "value"); len(methods) != 2 || has {
		t.Error("AuthMethod of options has a value, want none")
	}
	if n := p.id("submitButton"); n == nil || n.Data != "span" {
		t.Error("the submit control is no span")
	}
	for _, want := range []string{
		"event && event.keyCode", `name="Password" type="password" value="decoy"`, "userNameFormatError", "JavaScript is required",
	} {
		if !strings.Contains(p.source, want) {
			t.Errorf("the source does not have %q", want)
		}
	}
	if got := p.textOf("errorText"); got != "" {
		t.Errorf("errorText = %q, want none", got)
	}
	if len(all(p.doc, func(n *html.Node) bool { return val(n, "value") == "decoy" })) != 0 {
		t.Error("the decoy is not in a comment")
	}
}

func TestADFSLocale(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]string{
		"":                   "Incorrect user ID",
		"de-AT,de;q=0.9":     "Benutzer-ID oder Kennwort",
		"fr, nl;q=0.5":       "Gebruikers-id",
		"en-GB,de;q=0.1":     "Incorrect user ID",
		"x-klingon;q=nought": "Incorrect user ID",
	} {
		a := newADFS(t, idptest.Options{})
		b := newBrowser(t, a, a.Elsewhere())
		b.header = func(r *http.Request) { r.Header.Set("Accept-Language", language) }
		if got := b.signIn(entry, alice, "wrong").textOf("errorText"); !strings.HasPrefix(got, want) {
			t.Errorf("in %q: %q, want %q...", language, got, want)
		}
	}
}

// TestNewADFS refuses what it cannot simulate.
func TestNewADFS(t *testing.T) {
	t.Parallel()
	good := idptest.Options{Now: time.Now, Rand: seed()}
	cases := map[string]func(*idptest.Options){
		"flavour":           func(o *idptest.Options) { o.Flavour = "1.1" },
		"pagination":        func(o *idptest.Options) { o.Flavour, o.Paginated = "2019", "sometimes" },
		"pagination before": func(o *idptest.Options) { o.Flavour, o.Paginated = "2016", idptest.PaginatedNative },
		"steps without id": func(o *idptest.Options) {
			o.Flavour, o.Paginated, o.ClientRequestIDOff = "2019", idptest.PaginatedSteps, true
		},
		"choice without id": func(o *idptest.Options) { o.MethodChoice, o.ClientRequestIDOff = true, true },
		"cookie":            func(o *idptest.Options) { o.RequireRequestCookie, o.ClientRequestIDOff = true, true },
		"action":            func(o *idptest.Options) { o.Action = "sideways" },
		"2.1 after 2.0":     func(o *idptest.Options) { o.Asp4 = true },
		"state after 2.0":   func(o *idptest.Options) { o.BreakViewState = true },
		"errors after 2.0":  func(o *idptest.Options) { o.DisplayExceptions = true },
		"local after 2.0":   func(o *idptest.Options) { o.LocalAuthFirst = idptest.LocalIntegrated },
		"local":             func(o *idptest.Options) { o.Flavour, o.LocalAuthFirst = "2.0", "Sideways" },
		"passwords in 2.0":  func(o *idptest.Options) { o.Flavour, o.UpdatePasswordEndpoint = "2.0", true },
		"request in 2.0":    func(o *idptest.Options) { o.Flavour, o.RequireRequestCookie = "2.0", true },
		"kmsi in 2.0":       func(o *idptest.Options) { o.Flavour, o.Kmsi = "2.0", true },
		"link in 2.0":       func(o *idptest.Options) { o.Flavour, o.CertificateLink = "2.0", true },
		"choice in 2.0":     func(o *idptest.Options) { o.Flavour, o.MethodChoice = "2.0", true },
		"off in 2.0":        func(o *idptest.Options) { o.Flavour, o.IdPInitiatedDisabled = "2.0", true },
		"intranet in 2.0":   func(o *idptest.Options) { o.Flavour, o.Intranet = "2.0", true },
		"factor in 2.0":     func(o *idptest.Options) { o.Flavour, o.Users = "2.0", []idptest.User{{Name: "x", MFA: true}} },
		"pages in 2.0":      func(o *idptest.Options) { o.Flavour, o.Paginated = "2.0", idptest.PaginatedNative },
		"fault":             func(o *idptest.Options) { o.Fault = "gremlin" },
		"state":             func(o *idptest.Options) { o.Users = []idptest.User{{Name: "x", State: "odd"}} },
		"clock":             func(o *idptest.Options) { o.Now = nil },
		"rand":              func(o *idptest.Options) { o.Rand = nil },
		"no rand":           func(o *idptest.Options) { o.Rand = strings.NewReader("short") },
	}
	for name, change := range cases {
		o := good
		change(&o)
		if _, err := idptest.NewADFS(o); err == nil {
			t.Errorf("%s: NewADFS = nil, want an error", name)
		}
	}
	for _, flavour := range append(idptest.Flavours(), "") {
		o := good
		o.Flavour = flavour
		o.Rand = seed()
		if _, err := idptest.NewADFS(o); err != nil {
			t.Errorf("flavour %q: %v", flavour, err)
		}
	}
}

// TestADFSConcurrent signs many people in at once, over one provider and shared time.
func TestADFSConcurrent(t *testing.T) {
	t.Parallel()
	for _, o := range []idptest.Options{{}, {ClientRequestIDOff: true}} {
		const people = 8
		for i := range people {
			u := idptest.Alice()
			u.Name = fmt.Sprintf(`CORP\user%d`, i)
			o.Users = append(o.Users, u)
		}
		a := newADFS(t, o)
		ca := newCA(t)
		srv := serve(t, a, ca)
		t.Run(fmt.Sprintf("client-request-id %v", !o.ClientRequestIDOff), func(t *testing.T) {
			for i := range people {
				t.Run(fmt.Sprint(i), func(t *testing.T) {
					t.Parallel()
					b := browserOver(t, network(ca))
					b.signIn(srv.URL()+idptest.ADFSEntry, fmt.Sprintf(`CORP\user%d`, i), "wrong", idptest.AlicePassword)
					wantAssertion(t, b.signIn(srv.URL()+idptest.ADFSEntry, ""))
				})
			}
		})
		wantClean(t, a.ClientBugs())
		if got := a.Stats().Logins; got != 2*people {
			t.Errorf("Logins = %d, want %d", got, 2*people)
		}
	}
}
