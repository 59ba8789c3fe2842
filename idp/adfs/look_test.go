package adfs_test

import (
	"errors"
	"net/url"
	"slices"
	"testing"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

// TestLook sees what a sign-in begins with and sends nothing: whatever the page, there is
// no question, no password, and the verdict is that of a sign-in.
func TestLook(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		o       idptest.Options
		c       adfs.Config
		verdict idp.Verdict
		sign    string
	}{
		{name: "the sign-in form", sign: "form#loginForm"},
		{name: "two claims providers", o: idptest.Options{ClaimsProviders: []string{"https://partner.example/adfs/services/trust", idptest.LocalAuthority}}, sign: "form#loginForm"},
		{name: "an organisation to be chosen", o: idptest.Options{ClaimsProviders: []string{"urn:a", "urn:b"}}, sign: "form#hrd"},
		{name: "an organisation that is not there", o: idptest.Options{ClaimsProviders: []string{"urn:a", "urn:b"}}, c: adfs.Config{HomeRealm: "urn:c"}, sign: "form#hrd"},
		{name: "another relying party", c: adfs.Config{RelyingParty: "urn:example:other"}, verdict: idp.UnknownParty, sign: "form#idpForm"},
		{name: "the entry switched off", o: idptest.Options{IdPInitiatedDisabled: true}, verdict: idp.EntryDisabled, sign: "#errorArea"},
		{name: "a form that sends elsewhere", o: idptest.Options{Fault: idptest.FaultForeignAction}, verdict: "origin", sign: "form#loginForm"},
	} {
		r := newRig(t, c.o, person(alice, idptest.AlicePassword))
		if c.c.URL == "" {
			c.c.URL = host
		}
		p, err := adfs.Look(t.Context(), r.session, c.c)
		var page *idp.PageError
		var origin *idp.OriginError
		switch {
		case c.verdict == "" && err != nil,
			c.verdict == "origin" && !errors.As(err, &origin),
			c.verdict != "" && c.verdict != "origin" && (!errors.As(err, &page) || page.Verdict != c.verdict):
			t.Errorf("%s: Look = %v, want verdict %q", c.name, err, c.verdict)
		}
		if signs := adfs.Signs(p); !slices.Contains(signs, c.sign) || !slices.Contains(signs, "/adfs/") {
			t.Errorf("%s: Signs = %q, want %s among them", c.name, signs, c.sign)
		}
		if n := len(r.answers.Questions()); n != 0 || r.p.Stats().Logins != 0 {
			t.Errorf("%s: %d questions and %d passwords, want none", c.name, n, r.p.Stats().Logins)
		}
	}
	// The control: what looks is what signs in.
	r := newRig(t, idptest.Options{}, person(alice, idptest.AlicePassword))
	if _, err := r.login(t, adfs.Config{}); err != nil || r.p.Stats().Logins != 1 {
		t.Errorf("Login = %v after %d passwords", err, r.p.Stats().Logins)
	}
}

// TestSigns: an address below /adfs/ is not enough, and neither is a form of that name.
func TestSigns(t *testing.T) {
	t.Parallel()
	const login = `<form id="loginForm" method="post"><input name="UserName"><input name="Password" type="password"></form>`
	for _, c := range []struct {
		address, body string
		status        int
		header        string
		want          []string
	}{
		{"https://a.example/adfs/ls/IdpInitiatedSignOn.aspx", login, 200, "", []string{"form#loginForm", "/adfs/"}},
		{"https://a.example/portal/ADFS/ls/", login, 200, "", []string{"form#loginForm", "/adfs/"}},
		{"https://a.example/login", login, 200, "", nil},
		{"https://a.example/adfs/ls/", "<p>Welcome", 200, "", nil},
		{"https://a.example/adfs/ls/wia", "", 401, "Negotiate", []string{"/adfs/ls/wia"}},
		{"https://a.example/adfs/ls/wia", "", 401, `Basic realm="x"`, nil},
		{"https://a.example/wia", "", 401, "Negotiate", nil},
	} {
		u, err := url.Parse(c.address)
		if err != nil {
			t.Fatal(err)
		}
		header := map[string][]string{"Content-Type": {"text/html"}}
		if c.header != "" {
			header["Www-Authenticate"] = []string{c.header}
		}
		p, err := form.Parse(form.Response{URL: u, Status: c.status, Header: header, Body: []byte(c.body)})
		if err != nil {
			t.Fatal(err)
		}
		if got := adfs.Signs(p); !slices.Equal(got, c.want) {
			t.Errorf("Signs of %s (%d) = %q, want %q", c.address, c.status, got, c.want)
		}
	}
}
