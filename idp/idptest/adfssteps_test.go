package idptest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehop/idp/idptest"
)

// TestADFSHomeRealm chooses an organisation by each way that the page knows.
func TestADFSHomeRealm(t *testing.T) {
	t.Parallel()
	const partner = "http://idp.partner.example/adfs/services/trust"
	open := func() (*idptest.ADFS, *browser, *page) {
		a := newADFS(t, idptest.Options{ClaimsProviders: []string{idptest.LocalAuthority, partner}, Now: time.Now})
		b := newBrowser(t, a, a.Elsewhere())
		p := b.get(entry)
		if !strings.Contains(p.source, "HRD.selection('AD AUTHORITY')") {
			t.Error("the page does not offer AD AUTHORITY")
		}
		if !strings.Contains(p.source, ">Active Directory<") {
			t.Error("the page does not name its own directory")
		}
		if n := p.id("hrdSelection"); n == nil || val(n, "name") != "" {
			t.Error("hrdSelection has a name")
		}
		return a, b, p
	}
	choose := func(b *browser, p *page, fields ...idptest.Field) *page {
		return b.post(p.resolve(val(p.id("hrd"), "action"), true).String(), fields)
	}
	a, b, p := open()
	choose(b, p, idptest.Field{Name: "HomeRealmSelection", Value: idptest.LocalAuthority}, idptest.Field{Name: "Email"})
	wantAssertion(t, b.signIn(entry, alice, idptest.AlicePassword))
	wantClean(t, a.ClientBugs())

	_, b, p = open()
	p = choose(b, p, idptest.Field{Name: "Email", Value: alice}, idptest.Field{Name: "HomeRealmByEmail", Value: "Next"})
	if p.id("hrd") == nil || p.textOf("errorText") == "" {
		t.Error("a user name as e-mail address was not refused")
	}

	_, b, p = open()
	p = choose(b, p, idptest.Field{Name: "HomeRealmSelection", Value: partner}, idptest.Field{Name: "Email"})
	if p.url.Host != "idp.partner.example" {
		t.Errorf("the partner's choice led to %s", p.url.Host)
	}
}

// TestADFSSites signs in by way of the list of relying parties.
func TestADFSSites(t *testing.T) {
	t.Parallel()
	a := newADFS(t, idptest.Options{})
	b := newBrowser(t, a, a.Elsewhere())
	p := b.get(base + "/adfs/ls/idpinitiatedsignon")
	guid := val(all(p.id("idp_RelyingPartyDropDownList"), func(n *html.Node) bool { return n.Data == "option" })[0], "value")
	p = b.post(p.url.String(), []idptest.Field{
		{Name: "SignInOtherSite", Value: "SignInOtherSite"}, {Name: "RelyingParty", Value: guid},
		{Name: "SignInGo", Value: "Sign in"}, {Name: "SingleSignOut", Value: "SingleSignOut"},
	})
	wantAssertion(t, b.submit(p, p.id("loginForm"), map[string]string{"UserName": alice, "Password": idptest.AlicePassword}))
	wantClean(t, a.ClientBugs())
	if got := val(b.get(base+"/adfs/ls/idpinitiatedsignon").id("idpForm"), "action"); got != "/adfs/ls/idpinitiatedsignon" {
		t.Errorf("action = %s, want the page's own", got)
	}
	if p = b.get(base + "/adfs/ls/idpinitiatedsignon"); p.textOf("idp_SignInThisSiteStatusLabel") != "You are signed in." {
		t.Error("the list does not know that its user is signed in")
	}
}

// TestADFSOwnSite signs in to the provider alone.
func TestADFSOwnSite(t *testing.T) {
	t.Parallel()
	a := newADFS(t, idptest.Options{})
	b := newBrowser(t, a, a.Elsewhere())
	p := b.get(base + "/adfs/ls/idpinitiatedsignon")
	if p.textOf("idp_SignInThisSiteStatusLabel") != "You are not signed in." {
		t.Error("the list thinks that somebody is signed in")
	}
	p = b.post(p.url.String(), []idptest.Field{
		{Name: "SignInIdpSite", Value: "SignInIdpSite"}, {Name: "SignInSubmit", Value: "Sign in"}, {Name: "SingleSignOut", Value: "SingleSignOut"},
	})
	p = b.submit(p, p.id("loginForm"), typedRight)
	if p.textOf("idp_SignInThisSiteStatusLabel") != "You are signed in." {
		t.Error("nobody is signed in")
	}
	wantClean(t, a.ClientBugs())
}

// TestADFSSecondFactor: the page comes again with words, under a new context each time,
// until there were three wrong answers.
func TestADFSSecondFactor(t *testing.T) {
	t.Parallel()
	u := idptest.Alice()
	u.MFA = true
	for _, v := range versions() {
		wrongThrice(t, v, newADFS(t, v.as(idptest.Options{Users: []idptest.User{u}})))
	}
}

func wrongThrice(t *testing.T, v version, a *idptest.ADFS) {
	t.Helper()
	b := newBrowser(t, a, a.Elsewhere())
	p := b.signIn(entry, alice, idptest.AlicePassword)
	seen := map[string]bool{}
	for i := range 3 {
		form := p.form("Context")
		if form == nil {
			t.Fatal("no form with a Context")
		}
		if _, has := attr(form, "action"); has || p.id("options") == nil {
			t.Error("want a form without action, and the options form")
		}
		ctx := val(p.id("context"), "value")
		if seen[ctx] || len(ctx) < 3000 || strings.HasPrefix(ctx, "<EncryptedData ") != (v.name == "3.0") {
			t.Errorf("%s: the context is not a new one of 4 KB, XML in 3.0 alone", v.name)
		}
		seen[ctx] = true
		if words := p.textOf("errorText"); (words != "") != (i > 0) {
			t.Errorf("errorText = %q at try %d", words, i)
		}
		p = b.submit(p, form, map[string]string{"ChallengeQuestionAnswer": strconv.Itoa(i)})
	}
	if p.id("errorArea") == nil {
		t.Error("want the error page after three answers")
	}
	if p = b.get(entry); p.form("Context") == nil {
		t.Error("the first factor alone signed in")
	}
	wantClean(t, a.ClientBugs())
}

// TestADFSDirectPost: aws-adfs posts without a first GET, which works where allowed.
func TestADFSDirectPost(t *testing.T) {
	t.Parallel()
	for _, refused := range []bool{false, true} {
		a := newADFS(t, idptest.Options{DirectPostRefused: refused})
		b := newBrowser(t, a, a.Elsewhere())
		fields := []idptest.Field{{Name: "UserName", Value: alice}, {Name: "Password", Value: idptest.AlicePassword}, {Name: "AuthMethod", Value: "FormsAuthentication"}}
		if got := b.post(entry, fields).assertion() == ""; got != refused {
			t.Errorf("refused = %v, want %v", got, refused)
		}
		wantClean(t, a.ClientBugs())
	}
}

// TestADFSForms: what a login form without its parts gets, which is no words at all.
func TestADFSForms(t *testing.T) {
	t.Parallel()
	full := []idptest.Field{{Name: "UserName", Value: alice}, {Name: "Password", Value: idptest.AlicePassword}, {Name: "AuthMethod", Value: "FormsAuthentication"}}
	set := func(name, value string) []idptest.Field {
		f := slices.Clone(full)
		f[slices.IndexFunc(f, func(f idptest.Field) bool { return f.Name == name })].Value = value
		return f
	}
	cases := map[string][]idptest.Field{
		"nothing":                           nil,
		"no method":                         full[:2],
		"empty method":                      set("AuthMethod", ""),
		"empty method last":                 append(slices.Clone(full), idptest.Field{Name: "AuthMethod"}),
		"other method":                      set("AuthMethod", "SampleAdapter"),
		"no user name":                      full[1:],
		"empty user name":                   set("UserName", ""),
		"empty user name last":              append(slices.Clone(full), idptest.Field{Name: "UserName"}),
		"empty password":                    set("Password", ""),
		"the options form only":             {{Name: "AuthMethod", Value: "FormsAuthentication"}},
		"the options form with a user name": {{Name: "AuthMethod", Value: "FormsAuthentication"}, {Name: "UserName", Value: alice}},
		"the certificate, not offered":      {{Name: "AuthMethod", Value: "CertificateAuthentication"}},
	}
	for _, v := range versions() {
		for name, fields := range cases {
			a := newADFS(t, v.as(idptest.Options{}))
			p := newBrowser(t, a, a.Elsewhere()).post(entry, fields)
			n := p.id("userNameInput")
			if p.id("loginForm") == nil && p.id("loginFormPaginated") == nil || p.textOf(v.says) != "" || n != nil && val(n, "value") != "" {
				t.Errorf("%s: %s: want the sign-in page without words", v.name, name)
			}
		}
		a := newADFS(t, v.as(idptest.Options{}))
		wantAssertion(t, newBrowser(t, a, a.Elsewhere()).post(entry, full)) // the control
		for _, way := range []idptest.CertificateWay{idptest.CertificateByPage, idptest.CertificateByRedirect} {
			a = newADFS(t, v.as(idptest.Options{CertificateLink: true, CertificateWay: way}))
			p := newBrowser(t, a, a.Elsewhere()).post(entry, []idptest.Field{{Name: "AuthMethod", Value: "CertificateAuthentication"}})
			to := p.url.String()
			if n := p.id("certificateForm"); n != nil {
				to = val(n, "action")
			}
			if u, err := url.Parse(to); err != nil || u.Host != host+":49443" {
				t.Errorf("%s: the certificate's choice led to %s", v.name, to)
			}
		}
	}
}

func TestADFSMethodAndSize(t *testing.T) {
	t.Parallel()
	a := newADFS(t, idptest.Options{})
	b := newBrowser(t, a, a.Elsewhere())
	do := func(method, body string) int {
		req, err := http.NewRequestWithContext(t.Context(), method, entry, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return b.do(req).status
	}
	if got := do(http.MethodPut, ""); got != http.StatusMethodNotAllowed {
		t.Errorf("PUT = %d", got)
	}
	if got := do(http.MethodPost, "x="+strings.Repeat("x", 1<<20)); got != http.StatusRequestEntityTooLarge {
		t.Errorf("POST of over 1 MiB = %d", got)
	}
	if got := do(http.MethodPost, "x="+strings.Repeat("x", 1<<19)); got != http.StatusOK {
		t.Errorf("POST of half a MiB = %d", got)
	}
}
