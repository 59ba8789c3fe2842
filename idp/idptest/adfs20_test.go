package idptest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"gatehop/idp/idptest"
)

const (
	controls20  = "ctl00$ContentPlaceHolder1$"
	userField   = controls20 + "UsernameTextBox"
	passField   = controls20 + "PasswordTextBox"
	submitField = controls20 + "SubmitButton"
	wrong20     = "The user name or password is not right. Type both again, and make sure of the case of letters."
)

var typed20 = map[string]string{userField: alice, passField: idptest.AlicePassword}

// in20 are the options of a 2.0 or, with its ids, a 2.1.
func in20(o idptest.Options) idptest.Options {
	o.Flavour = "2.0"
	return o
}

// find returns the element whose id ends so, whatever stands before it.
func (p *page) find(end string) *html.Node {
	found := all(p.doc, func(n *html.Node) bool { return strings.HasSuffix(val(n, "id"), end) })
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// words20 is the text about a refused password.
func (p *page) words20() string {
	if n := p.find("_ErrorTextLabel"); n != nil {
		return text(n)
	}
	return ""
}

// TestADFS20 signs in over every option that changes nothing about the outcome: T05.
func TestADFS20(t *testing.T) {
	t.Parallel()
	partner := "https://idp.partner.example/adfs/services/trust"
	cases := []struct {
		name  string
		o     idptest.Options
		query string
		pages int
	}{
		{name: "as it comes", pages: 3},
		{name: "its name known", o: idptest.Options{Host: host}, pages: 3},
		{name: "absolute action", o: idptest.Options{Action: idptest.ActionAbsolute}, pages: 3},
		{name: "action with port", o: idptest.Options{Action: idptest.ActionAbsolute443}, pages: 3},
		{name: "relative action", o: idptest.Options{Action: idptest.ActionRelative}, pages: 3},
		{name: "unescaped ampersands", o: idptest.Options{Action: idptest.ActionUnescapedAmp}, query: "&pullStatus=0", pages: 3},
		{name: "empty action", o: idptest.Options{Action: idptest.ActionEmpty}, pages: 3},
		{name: "no action", o: idptest.Options{Action: idptest.ActionMissing}, pages: 3},
		{name: "big token", o: idptest.Options{BigToken: true}, pages: 3},
		{name: "gzip", o: idptest.Options{Gzip: true}, pages: 3},
		{name: "decoy form", o: idptest.Options{DecoyEmptySAMLResponse: true}, pages: 3},
		{name: "wrapped base64", o: idptest.Options{WrappedBase64: true}, pages: 3},
		{name: "themed", o: idptest.Options{Themed: true}, pages: 3},
		{name: "one claims provider named", o: idptest.Options{ClaimsProviders: []string{idptest.LocalAuthority, partner}},
			query: "&RedirectToIdentityProvider=AD+AUTHORITY", pages: 3},
		{name: "relay state", query: "&RelayState=" + url.QueryEscape("RPID=urn%3Aamazon%3Awebservices&RelayState=x"), pages: 3},
	}
	for _, asp4 := range []bool{false, true} {
		for _, c := range cases {
			t.Run(map[bool]string{false: "2.0/", true: "2.1/"}[asp4]+c.name, func(t *testing.T) {
				t.Parallel()
				o := c.o
				o.Asp4 = asp4
				a := newADFS(t, in20(o))
				p := newBrowser(t, a, a.Elsewhere()).signIn(entry+c.query, alice, idptest.AlicePassword)
				wantAssertion(t, p)
				wantClean(t, a.ClientBugs())
				if got := a.Stats(); got.Logins != 1 || got.Requests != c.pages {
					t.Errorf("Stats = %+v, want 1 login, %d requests", got, c.pages)
				}
			})
		}
	}
}

// TestADFS20Page is the sign-in form, name by name.
func TestADFS20Page(t *testing.T) {
	t.Parallel()
	for prefix, o := range map[string]idptest.Options{"ctl00_": {}, "": {Asp4: true}} {
		a := newADFS(t, in20(o))
		b := newBrowser(t, a, a.Elsewhere())
		p := b.get(entry)
		form := p.id("aspnetForm")
		if form == nil || val(form, "name") != "aspnetForm" || val(form, "method") != "post" || val(form, "action") != idptest.ADFSEntry {
			t.Fatalf("%q: no form as of ASP.NET, posted to where it was asked for", prefix)
		}
		var names, ids []string
		for _, c := range p.controls(form) {
			names, ids = append(names, val(c, "name")), append(ids, val(c, "id"))
		}
		hidden := []string{"__VIEWSTATE", "__VIEWSTATEGENERATOR", "__EVENTVALIDATION"}
		if want := slices.Concat(hidden, []string{userField, passField, submitField, "__db"}); !slices.Equal(names, want) {
			t.Errorf("%q: names %q, want %q", prefix, names, want)
		}
		at := prefix + "ContentPlaceHolder1_"
		if want := slices.Concat(hidden, []string{at + "UsernameTextBox", at + "PasswordTextBox", at + "SubmitButton", ""}); !slices.Equal(ids, want) {
			t.Errorf("%q: ids %q, want %q", prefix, ids, want)
		}
		state, valid := val(p.id("__VIEWSTATE"), "value"), val(p.id("__EVENTVALIDATION"), "value")
		if !strings.HasPrefix(state, "/wEPDw") || !strings.HasPrefix(valid, "/wEW") {
			t.Errorf("%q: states begin with %.6s and %.6s", prefix, state, valid)
		}
		for _, v := range []string{state, valid} {
			if !strings.Contains(v, "+") || !strings.Contains(v, "/") || !strings.HasSuffix(v, "=") || !strings.Contains(p.source, `value="`+v+`"`) {
				t.Errorf("%q: want all of +, / and = in a state, and unescaped in the source", prefix)
			}
		}
		if again := b.get(entry); val(again.id("__VIEWSTATE"), "value") == state || val(again.id("__EVENTVALIDATION"), "value") == valid {
			t.Errorf("%q: two pages of one state", prefix)
		}
		if p.find("_ErrorTextLabel") != nil {
			t.Errorf("%q: the element for errors is there without one", prefix)
		}
		if !strings.Contains(p.source, `type="password" value="decoy"`) || len(all(p.doc, func(n *html.Node) bool { return val(n, "value") == "decoy" })) != 0 {
			t.Errorf("%q: want the decoy in a comment", prefix)
		}
		if h := p.header; h.Get("Server") != "Microsoft-IIS/7.5" || h.Get("X-Powered-By") != "ASP.NET" || h.Get("Cache-Control") != "private" || h.Get("X-AspNet-Version") == "" {
			t.Errorf("%q: header = %v, want those of IIS", prefix, h)
		}
	}
}

// TestADFS20Refuses: one text for everything that can be wrong, the user name kept.
func TestADFS20Refuses(t *testing.T) {
	t.Parallel()
	state := func(s idptest.UserState) idptest.Options {
		u := idptest.Alice()
		u.State = s
		return idptest.Options{Users: []idptest.User{u}}
	}
	cases := []struct {
		name, user, password string
		o                    idptest.Options
		page, words          string
	}{
		{"wrong password", alice, "wrong", idptest.Options{}, "adfs20/signin.html", wrong20},
		{"the same in 2.1", alice, "wrong", idptest.Options{Asp4: true}, "adfs20/signin.html", wrong20},
		{"unknown user", `CORP\bob`, idptest.AlicePassword, idptest.Options{}, "adfs20/signin.html", wrong20},
		{"bare user", "alice", idptest.AlicePassword, idptest.Options{}, "adfs20/signin.html", wrong20},
		{"locked", alice, idptest.AlicePassword, state(idptest.UserLocked), "adfs20/signin.html", wrong20},
		{"disabled", alice, idptest.AlicePassword, state(idptest.UserDisabled), "adfs20/signin.html", wrong20},
		{"expired", alice, idptest.AlicePassword, state(idptest.UserExpired), "adfs20/signin.html", wrong20},
		{"must change", alice, idptest.AlicePassword, state(idptest.UserMustChange), "adfs20/signin.html", wrong20},
		{"not permitted", alice, idptest.AlicePassword, state(idptest.UserNotPermitted), "adfs20/error.html", ""},
		{"without words", alice, idptest.AlicePassword, idptest.Options{Fault: idptest.FaultNoWords}, "adfs20/signin.html", ""},
		{"cookies dropped", alice, idptest.AlicePassword, idptest.Options{DropCookies: true}, "adfs20/signin.html", ""},
		{"state broken", alice, idptest.AlicePassword, idptest.Options{BreakViewState: true}, "adfs20/viewstate.html", ""},
	}
	for _, c := range cases {
		a := newADFS(t, in20(c.o))
		p := newBrowser(t, a, a.Elsewhere()).signIn(entry, c.user, c.password)
		reqs := a.Requests()
		if got := reqs[len(reqs)-1].Page; got != c.page || p.words20() != c.words || p.assertion() != "" {
			t.Errorf("%s: page %s with %q, want %s with %q", c.name, got, p.words20(), c.page, c.words)
		}
		if n := p.find("_UsernameTextBox"); c.words != "" && val(n, "value") != c.user {
			t.Errorf("%s: the user name is not kept on the page", c.name)
		}
		wantClean(t, a.ClientBugs())
	}
}

// TestADFS20State: what a form gets that is not as its page. Nothing but what stands there
// is looked at then, and least of all the password.
func TestADFS20State(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func([]idptest.Field) []idptest.Field
		status int
		page   string
	}{
		{"as it stands", func(f []idptest.Field) []idptest.Field { return f }, 200, "adfs/autopost.html"},
		{"view state altered", replace("__VIEWSTATE", func(v string) string { return v[:20] + "A" + v[21:] }), 500, "adfs20/viewstate.html"},
		{"view state with spaces", replace("__VIEWSTATE", func(v string) string { return strings.ReplaceAll(v, "+", " ") }), 500, "adfs20/viewstate.html"},
		{"view state cut", replace("__VIEWSTATE", func(v string) string { return strings.TrimRight(v, "=") }), 500, "adfs20/viewstate.html"},
		{"view state empty", replace("__VIEWSTATE", func(string) string { return "" }), 500, "adfs20/viewstate.html"},
		{"event validation altered", replace("__EVENTVALIDATION", func(v string) string { return v + "=" }), 500, "adfs20/viewstate.html"},
		{"event validation left out", without("__EVENTVALIDATION"), 500, "adfs20/viewstate.html"},
		{"generator altered", replace("__VIEWSTATEGENERATOR", strings.ToLower), 500, "adfs20/viewstate.html"},
		{"number altered", replace("__db", func(string) string { return "14" }), 500, "adfs20/viewstate.html"},
		{"number left out", without("__db"), 500, "adfs20/viewstate.html"},
		{"view state left out", without("__VIEWSTATE"), 200, "adfs20/signin.html"},
		{"button left out", without(submitField), 200, "adfs20/signin.html"},
		{"no password", replace(passField, func(string) string { return "" }), 200, "adfs20/signin.html"},
		{"no user name", replace(userField, func(string) string { return "" }), 200, "adfs20/signin.html"},
	}
	for _, c := range cases {
		a := newADFS(t, in20(idptest.Options{}))
		b := newBrowser(t, a, a.Elsewhere())
		p := b.get(entry)
		fields, _ := p.successful(p.id("aspnetForm"), typed20)
		p = b.post(entry, c.change(fields))
		reqs := a.Requests()
		if got := reqs[len(reqs)-1].Page; p.status != c.status || got != c.page || p.words20() != "" {
			t.Errorf("%s: %d %s with %q, want %d %s without words", c.name, p.status, got, p.words20(), c.status, c.page)
		}
		if clean := len(a.ClientBugs()) == 0; clean != (c.name == "as it stands" || c.name == "no password") {
			t.Errorf("%s: ClientBugs = %q", c.name, a.ClientBugs())
		}
	}
}

// replace and without change one field of a form.
func replace(name string, with func(string) string) func([]idptest.Field) []idptest.Field {
	return func(f []idptest.Field) []idptest.Field {
		f = slices.Clone(f)
		for i := range f {
			if f[i].Name == name {
				f[i].Value = with(f[i].Value)
			}
		}
		return f
	}
}

func without(name string) func([]idptest.Field) []idptest.Field {
	return func(f []idptest.Field) []idptest.Field {
		return slices.DeleteFunc(slices.Clone(f), func(f idptest.Field) bool { return f.Name == name })
	}
}

// TestADFS20Entry is what the entry shows to somebody who is not signed in.
func TestADFS20Entry(t *testing.T) {
	t.Parallel()
	const path = base + "/adfs/ls/idpinitiatedsignon"
	cases := []struct {
		name, url string
		o         idptest.Options
		status    int
		page      string
		end       string // of the address
		offers    []string
	}{
		{name: "any case", url: base + "/ADFS/LS/IDPInitiatedSignOn.ASPX?loginToRp=urn:amazon:webservices", status: 200, page: "adfs20/signin.html"},
		{name: "no relying party", url: path, status: 200, page: "adfs20/idpsignon.html"},
		{name: "unknown relying party", url: path + "?loginToRp=urn:other", status: 200, page: "adfs20/idpsignon.html"},
		{name: "unknown relying party, error", url: path + "?loginToRp=urn:other", o: idptest.Options{UnknownRPError: true, ErrorStatus: 500}, status: 500, page: "adfs20/error.html"},
		{name: "the form by its own name", url: base + "/adfs/ls/FormsSignIn.aspx", status: 200, page: "adfs20/error.html"},
		{name: "protocol", url: base + "/adfs/ls/?wa=wsignin1.0", status: 200, page: "adfs20/error.html"},
		{name: "integrated", url: entry, o: idptest.Options{LocalAuthFirst: idptest.LocalIntegrated}, status: 401, page: "adfs20/iis.html",
			end: "/adfs/ls/auth/integrated/?loginToRp=urn:amazon:webservices", offers: []string{"Negotiate", "NTLM"}},
		{name: "basic", url: entry, o: idptest.Options{LocalAuthFirst: idptest.LocalBasic}, status: 401, page: "adfs20/iis.html",
			end: "/adfs/ls/auth/basic/?loginToRp=urn:amazon:webservices", offers: []string{`Basic realm="` + host + `"`}},
		{name: "home realm", url: entry, o: idptest.Options{ClaimsProviders: []string{idptest.LocalAuthority, "b"}}, status: 200, page: "adfs20/homerealm.html",
			end: "/adfs/ls/HomeRealmDiscovery.aspx?loginToRp=urn:amazon:webservices"},
		{name: "what came with 3.0", url: base + "/adfs/portal/updatepassword/", status: 404, page: "adfs/notfound.html"},
	}
	for _, c := range cases {
		a := newADFS(t, in20(c.o))
		p := newBrowser(t, a, a.Elsewhere()).get(c.url)
		reqs := a.Requests()
		if got := reqs[len(reqs)-1].Page; p.status != c.status || got != c.page || !strings.HasSuffix(p.url.String(), c.end) {
			t.Errorf("%s: %d %s at %s, want %d %s at %s", c.name, p.status, got, p.url, c.status, c.page, c.end)
		}
		if got := p.header.Values("WWW-Authenticate"); !slices.Equal(got, c.offers) {
			t.Errorf("%s: WWW-Authenticate = %q, want %q", c.name, got, c.offers)
		}
		wantClean(t, a.ClientBugs())
	}
}

// TestADFS20Error has a number for the administrator, and more only where the server says more.
func TestADFS20Error(t *testing.T) {
	t.Parallel()
	for _, more := range []bool{false, true} {
		a := newADFS(t, in20(idptest.Options{DisplayExceptions: more}))
		p := newBrowser(t, a, a.Elsewhere()).get(base + "/adfs/ls/FormsSignIn.aspx")
		if !strings.Contains(p.source, "There was a problem accessing the site.") || !strings.Contains(p.source, "Reference number: ") {
			t.Error("want the words of the error page")
		}
		if strings.Contains(p.source, "MSIS7001") != more {
			t.Errorf("DisplayExceptions %v: the error is said, or not, the other way round", more)
		}
	}
}

// TestADFS20Locale: the label of the button and the words about a refusal are translated.
func TestADFS20Locale(t *testing.T) {
	t.Parallel()
	for language, want := range map[string][2]string{
		"":      {"Sign In", "The user name or"},
		"de-AT": {"Anmelden", "Benutzername oder"},
		"nl":    {"Aanmelden", "De gebruikersnaam"},
	} {
		a := newADFS(t, in20(idptest.Options{}))
		b := newBrowser(t, a, a.Elsewhere())
		b.header = func(r *http.Request) { r.Header.Set("Accept-Language", language) }
		p := b.signIn(entry, alice, "wrong")
		if got := val(p.find("_SubmitButton"), "value"); got != want[0] || !strings.HasPrefix(p.words20(), want[1]) {
			t.Errorf("in %q: %q, %q; want %q", language, got, p.words20(), want)
		}
		wantClean(t, a.ClientBugs())
	}
}

// TestADFS20Cookies: their path is the program's own, and SamlSession came later.
func TestADFS20Cookies(t *testing.T) {
	t.Parallel()
	a := newADFS(t, in20(idptest.Options{}))
	b := newBrowser(t, a, a.Elsewhere())
	p := b.signIn(entry, alice, idptest.AlicePassword)
	var names []string
	for _, line := range p.header.Values("Set-Cookie") {
		name, _, _ := strings.Cut(line, "=")
		names = append(names, name)
		for _, want := range []string{"; path=/adfs/ls;", "; HttpOnly", "; Secure"} {
			if !strings.Contains(line, want) {
				t.Errorf("Set-Cookie of %s has no %q", name, want)
			}
		}
	}
	if want := []string{"MSISAuth", "MSISAuth", "MSISAuthenticated", "MSISLoopDetectionCookie", "MSISSignOut"}; !slices.Equal(names, want) {
		t.Errorf("cookies %q, want %q", names, want)
	}
	for range 4 {
		wantAssertion(t, b.get(entry))
	}
	if p = b.get(entry); p.assertion() != "" || !strings.Contains(p.source, "Reference number") {
		t.Error("the sixth assertion was issued")
	}
	if got := a.Stats(); got.Logins != 1 {
		t.Errorf("Logins = %d, want 1", got.Logins)
	}
	wantClean(t, a.ClientBugs())
}
