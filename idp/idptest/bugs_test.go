package idptest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"gatehop/idp/idptest"
)

// mutant is a client that is right but for one thing.
type mutant struct {
	name string
	bug  idptest.Bug
	also idptest.Bug // a rule that it cannot help breaking together with its own
	o    idptest.Options
	user func(*idptest.User)
	// What the client does wrong: to the fields of the sign-in form, to every request,
	// or in a walk of its own in place of the ordinary one.
	fields func([]idptest.Field) []idptest.Field
	header func(*http.Request)
	walk   func(*browser)
}

func add(fields ...idptest.Field) func([]idptest.Field) []idptest.Field {
	return func(f []idptest.Field) []idptest.Field { return append(f, fields...) }
}

func set(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

var (
	typedRight = map[string]string{"UserName": alice, "Password": idptest.AlicePassword}
	typedWrong = map[string]string{"UserName": alice, "Password": "wrong horse"}
)

// mutants are the wrong clients. Some break rule 15 as well because Go's http.Client
// writes the whole previous URL into Referer when it follows a redirect.
func mutants() []mutant {
	return slices.Concat(passwordMutants(), hostMutants(), formMutants(), methodMutants(), pageMutants(), mutants20(), requestMutants(), factorMutants())
}

// passwordMutants send a password too often or in a wrong place.
func passwordMutants() []mutant {
	return []mutant{
		{name: "posts a refused password again", bug: 1, walk: func(b *browser) {
			p := b.get(entry)
			p = b.submit(p, p.form("Password"), typedWrong)
			b.submit(p, p.form("Password"), typedWrong)
		}},
		{name: "the same without client-request-id", bug: 1, o: idptest.Options{ClientRequestIDOff: true}, walk: func(b *browser) {
			p := b.get(entry)
			p = b.submit(p, p.form("Password"), typedWrong)
			b.submit(p, p.form("Password"), typedWrong)
		}},
		{name: "starts again with a refused password", bug: 1, walk: func(b *browser) {
			b.signIn(entry, alice, "wrong horse")
			b.signIn(entry, alice, "wrong horse")
		}},
		{name: "starts again after a post without client-request-id", bug: 1, walk: func(b *browser) {
			p := b.get(entry)
			fields, _ := p.successful(p.form("Password"), typedWrong)
			b.post(entry, fields)
			b.signIn(entry, alice, "wrong horse")
		}},
		{name: "posts the right password again", bug: 1, walk: func(b *browser) {
			p := b.get(entry)
			b.submit(p, p.form("Password"), typedRight)
			b.submit(p, p.form("Password"), typedRight)
		}},
		{name: "posts directly, twice", bug: 1, walk: func(b *browser) {
			f := []idptest.Field{{Name: "UserName", Value: alice}, {Name: "Password", Value: "wrong horse"}, {Name: "AuthMethod", Value: "FormsAuthentication"}}
			b.post(entry, f)
			b.post(entry, f)
		}},
		{name: "two passwords in one form", bug: 1, fields: add(idptest.Field{Name: "Password", Value: idptest.AlicePassword})},
		{name: "password in the query", bug: 2, also: 15, walk: func(b *browser) {
			b.get(entry + "&Password=" + url.QueryEscape(idptest.AlicePassword))
		}},
		{name: "password in a query under another name", bug: 2, also: 15, walk: func(b *browser) {
			b.get(entry + "&x=" + url.QueryEscape(idptest.AlicePassword))
		}},
		{name: "password in the path", bug: 2, walk: func(b *browser) {
			b.get(base + "/adfs/" + url.PathEscape(idptest.AlicePassword))
		}},
		{name: "typed password in a query", bug: 2, also: 15, walk: func(b *browser) {
			b.signIn(entry, alice, "wrong horse")
			b.get(entry + "&x=" + url.QueryEscape("wrong horse"))
		}},
	}
}

// hostMutants talk to a wrong host, or in the clear.
func hostMutants() []mutant {
	evil := "https://" + idptest.ForeignHost + "/"
	return []mutant{
		{name: "follows a foreign action", bug: 3, o: idptest.Options{Fault: idptest.FaultForeignAction}},
		{name: "follows a 307", bug: 3, also: 15, o: idptest.Options{Fault: idptest.FaultRedirect307}},
		{name: "sends the assertion elsewhere", bug: 3, walk: func(b *browser) {
			p := b.signIn(entry, alice, idptest.AlicePassword)
			b.post(evil, []idptest.Field{{Name: "SAMLResponse", Value: p.assertion()}})
		}},
		{name: "password in a header elsewhere", bug: 3, walk: func(b *browser) {
			b.header = set("X-Debug", "password is "+idptest.AlicePassword)
			b.get(evil)
		}},
		{name: "other name of the provider", bug: 3, also: 15, o: idptest.Options{Host: "sso.corp.example"}, walk: func(b *browser) { b.get(entry) }},
		{name: "plain http", bug: 4, walk: func(b *browser) { b.get("http://" + host + idptest.ADFSEntry) }},
		{name: "follows an action to http", bug: 4, o: idptest.Options{Fault: idptest.FaultPlainAction}, walk: func(b *browser) {
			b.signIn(entry, alice, "") // an empty password: only the scheme is wrong
		}},
		{name: "plain http elsewhere", bug: 4, walk: func(b *browser) { b.get("http://" + idptest.ForeignHost) }},
		{name: "Referer of another host", bug: 15, header: set("Referer", evil)},
		{name: "Referer with a token", bug: 15, header: set("Referer", base+"/adfs/ls/?SAMLRequest=x")},
		{name: "Referer with a password", bug: 15, header: set("Referer", base+"/?p=correct+horse")},
		{name: "Referer with a user", bug: 15, header: set("Referer", "https://alice@"+host+"/")},
		{name: "Referer to elsewhere", bug: 15, walk: func(b *browser) {
			b.header = set("Referer", entry)
			b.get(evil)
		}},
		{name: "cookie of another host", bug: 20, header: func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "JSESSIONID", Value: "1"}) }},
		{name: "cookies to another host", bug: 20, walk: func(b *browser) {
			b.header = set("Cookie", "MSISLoopDetectionCookie=x")
			b.get(evil)
		}},
		{name: "session cookie to another host", bug: 3, also: 20, walk: func(b *browser) {
			p := b.signIn(entry, alice, idptest.AlicePassword)
			b.header = func(r *http.Request) {
				for _, c := range b.http.Jar.Cookies(p.url) {
					r.AddCookie(&http.Cookie{Name: "x-" + c.Name, Value: c.Value})
				}
			}
			b.get(evil)
		}},
	}
}

// formMutants fill a form wrongly.
func formMutants() []mutant {
	return []mutant{
		{name: "both AuthMethods", bug: 5, fields: add(idptest.Field{Name: "AuthMethod"})},
		{name: "the same AuthMethod twice", bug: 5, fields: add(idptest.Field{Name: "AuthMethod", Value: "FormsAuthentication"})},
		{name: "empty AuthMethod", bug: 5, fields: func(f []idptest.Field) []idptest.Field { return append(f[:2], idptest.Field{Name: "AuthMethod"}) }},
		{name: "no AuthMethod", bug: 5, fields: func(f []idptest.Field) []idptest.Field { return f[:2] }},
		{name: "UserName twice", bug: 6, fields: add(idptest.Field{Name: "UserName", Value: alice})},
		{name: "unchecked Kmsi", bug: 7, fields: add(idptest.Field{Name: "Kmsi", Value: "true"})},
		{name: "stale context", bug: 8, user: func(u *idptest.User) { u.MFA = true }, walk: func(b *browser) {
			p := b.signIn(entry, alice, idptest.AlicePassword)
			b.submit(p, p.form("Context"), nil)
			b.submit(p, p.form("Context"), nil)
		}},
		{name: "fills the change of passwords", bug: 9, user: func(u *idptest.User) { u.State = idptest.UserExpired },
			o: idptest.Options{UpdatePasswordEndpoint: true}, walk: func(b *browser) {
				p := b.signIn(entry, alice, idptest.AlicePassword)
				b.submit(p, p.id("updatePasswordForm"), map[string]string{"OldPassword": "x"})
			}},
		{name: "a password as a name", bug: 16, fields: add(idptest.Field{Name: idptest.AlicePassword})},
		{name: "a button that is not there", bug: 16, fields: add(idptest.Field{Name: "submit", Value: "Sign in"})},
		{name: "fields of another form", bug: 16, o: idptest.Options{ClaimsProviders: []string{idptest.LocalAuthority, "b"}}, walk: func(b *browser) {
			b.post(entry, []idptest.Field{{Name: "Email"}, {Name: "UserName", Value: alice}})
		}},
		{name: "value of a comment", bug: 17, fields: func(f []idptest.Field) []idptest.Field { f[1].Value = "decoy"; return f }},
	}
}

// requestMutants make requests that nobody needs.
func requestMutants() []mutant {
	return []mutant{
		{name: "Basic", bug: 10, header: func(r *http.Request) { r.SetBasicAuth(alice, "x") }, walk: func(b *browser) { b.get(base + "/adfs/ls/wia") }},
		{name: "walks for ever", bug: 12, walk: func(b *browser) {
			p := b.get(entry)
			for range 20 {
				b.get(p.url.String())
			}
		}},
		{name: "walks for ever without client-request-id", bug: 12, o: idptest.Options{ClientRequestIDOff: true}, walk: func(b *browser) {
			b.get(entry)
			for range 20 {
				b.get(base + "/adfs/ls/")
			}
		}},
		{name: "content type with a parameter", bug: 13, header: func(r *http.Request) {
			if r.Method == http.MethodPost {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			}
		}},
		{name: "text/plain", bug: 13, header: func(r *http.Request) {
			if r.Method == http.MethodPost {
				r.Header.Set("Content-Type", "text/plain")
			}
		}},
		{name: "no content type", bug: 13, header: func(r *http.Request) { r.Header.Del("Content-Type") }},
		{name: "fetches styles", bug: 14, walk: func(b *browser) { b.get(base + "/adfs/portal/css/style.css") }},
		{name: "fetches scripts", bug: 14, walk: func(b *browser) { b.get(base + "/adfs/portal/script/onload.js") }},
		{name: "fetches images", bug: 14, walk: func(b *browser) { b.get(base + "/adfs/portal/logo/logo.png") }},
		{name: "posts the assertion to AWS", bug: 19, walk: func(b *browser) {
			p := b.signIn(entry, alice, idptest.AlicePassword)
			b.submit(p, p.form("SAMLResponse"), nil)
		}},
	}
}

// TestClientBugs has one wrong client per rule, and each must be caught by its rule
// and no other. That a right client is not caught is what TestADFS shows.
func TestClientBugs(t *testing.T) {
	t.Parallel()
	for _, m := range mutants() {
		t.Run(fmt.Sprintf("%d %s", m.bug, m.name), func(t *testing.T) {
			t.Parallel()
			u := idptest.Alice()
			if m.user != nil {
				m.user(&u)
			}
			m.o.Users = []idptest.User{u}
			a := newADFS(t, m.o)
			b := newBrowser(t, a, a.Elsewhere())
			b.fields, b.header = m.fields, m.header
			if m.walk == nil {
				m.walk = func(b *browser) { b.signIn(entry, alice, idptest.AlicePassword) }
			}
			m.walk(b)
			bugs := a.ClientBugs()
			wantBug(t, bugs, m.bug)
			if m.name == "posts a refused password again" && !strings.HasSuffix(bugs[0], ": POST /adfs/ls/IdpInitiatedSignOn.aspx)") {
				t.Errorf("the report does not say where: %s", bugs[0])
			}
			for _, bug := range bugs {
				own := strings.HasPrefix(bug, fmt.Sprintf("%d: ", m.bug))
				if !own && !strings.HasPrefix(bug, fmt.Sprintf("%d: ", m.also)) {
					t.Errorf("also caught: %s", bug)
				}
				for _, secret := range []string{idptest.AlicePassword, "wrong horse", "correct", url.QueryEscape(idptest.AlicePassword)} {
					if strings.Contains(bug, secret) {
						t.Errorf("the report holds a password: %s", bug)
					}
				}
			}
		})
	}
}

// innocent is a client that does what looks like a bug and is none.
type innocent struct {
	name string
	o    idptest.Options
	walk func(*browser)
}

func innocents() []innocent {
	return []innocent{
		{"a second answer", idptest.Options{}, func(b *browser) { b.signIn(entry, alice, "wrong horse", idptest.AlicePassword) }},
		{"a second sign-in of another browser", idptest.Options{}, func(b *browser) {
			b.signIn(entry, alice, idptest.AlicePassword)
			b.http.Jar = nil
			b.get(entry)
		}},
		{"the same password in another browser", idptest.Options{}, func(b *browser) {
			rt := b.http.Transport
			b.signIn(entry, alice, "wrong horse")
			browserOver(b.t, rt).signIn(entry, alice, "wrong horse")
		}},
		{"the same, indistinguishable", idptest.Options{ClientRequestIDOff: true}, func(b *browser) {
			rt := b.http.Transport
			b.signIn(entry, alice, idptest.AlicePassword)
			browserOver(b.t, rt).signIn(entry, alice, idptest.AlicePassword)
		}},
		{"kept cookies over and over", idptest.Options{ClientRequestIDOff: true, ACSPort443Off: true}, func(b *browser) {
			b.signIn(entry, alice, idptest.AlicePassword)
			for range 30 {
				b.get(entry)
			}
		}},
		{"20 requests", idptest.Options{}, func(b *browser) {
			p := b.get(entry) // two
			for range 18 {
				b.get(p.url.String())
			}
		}},
		{"an own Referer", idptest.Options{}, func(b *browser) {
			b.header = set("Referer", entry)
			b.signIn(entry, alice, idptest.AlicePassword)
		}},
		{"a chosen Kmsi", idptest.Options{Kmsi: true}, func(b *browser) {
			b.fields = func(f []idptest.Field) []idptest.Field {
				return []idptest.Field{f[0], f[1], {Name: "Kmsi", Value: "true"}, f[2]}
			}
			b.signIn(entry, alice, idptest.AlicePassword)
		}},
		{"a chosen Kmsi on the first of two pages", idptest.Options{Flavour: "2019", Paginated: idptest.PaginatedSteps, Kmsi: true}, func(b *browser) {
			b.post(b.get(entry).url.String(), []idptest.Field{{Name: "UserName", Value: alice}, {Name: "Kmsi", Value: "true"}})
		}},
		{"the method with the name that was typed", idptest.Options{Flavour: "2019", MethodChoice: true}, func(b *browser) {
			b.post(b.get(entry).url.String(), []idptest.Field{{Name: "AuthMethod", Value: "FormsAuthentication"}, {Name: "UserName", Value: alice}})
		}},
		{"the method that must be chosen", idptest.Options{Flavour: "2019", MethodChoice: true}, func(b *browser) {
			b.post(b.get(entry).url.String(), []idptest.Field{{Name: "AuthMethod", Value: "FormsAuthentication"}, {Name: "UserName"}})
		}},
		{"another person on the second of two pages", idptest.Options{Flavour: "2019", Paginated: idptest.PaginatedSteps}, func(b *browser) {
			p := b.get(entry)
			p = b.submit(p, p.id("loginFormPaginated"), map[string]string{"UserName": `CORP\bob`})
			b.submit(p, p.id("loginForm"), typedRight)
		}},
		{"the newest context", idptest.Options{Users: []idptest.User{{Name: alice, Password: idptest.AlicePassword, MFA: true}}}, func(b *browser) {
			p := b.signIn(entry, alice, idptest.AlicePassword)
			p = b.submit(p, p.form("Context"), nil)
			b.submit(p, p.form("Context"), nil)
		}},
		{"looks at the change of passwords", idptest.Options{}, func(b *browser) { b.get(base + "/adfs/portal/updatepassword/") }},
		{"a page of another host", idptest.Options{}, func(b *browser) { b.get("https://" + idptest.ForeignHost) }},
	}
}

// TestClientBugsNone: nothing is said against the innocent.
func TestClientBugsNone(t *testing.T) {
	t.Parallel()
	for _, c := range slices.Concat(innocents(), factorInnocents()) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newADFS(t, c.o)
			c.walk(newBrowser(t, a, a.Elsewhere()))
			wantClean(t, a.ClientBugs())
		})
	}
}

// TestClientBugsNaive is the walk of old scripts, which merge the inputs of a page. It
// gets nowhere, as at the real AD FS, and not because anything says so.
func TestClientBugsNaive(t *testing.T) {
	t.Parallel()
	for _, v := range versions() {
		a := newADFS(t, v.as(idptest.Options{}))
		b := newBrowser(t, a, a.Elsewhere())
		p := b.get(entry)
		var fields []idptest.Field
		for _, n := range all(p.doc, func(n *html.Node) bool { return n.Data == "input" }) {
			name, value := val(n, "name"), val(n, "value")
			if v, ok := typedRight[name]; ok {
				value = v
			}
			fields = append(fields, idptest.Field{Name: name, Value: value})
		}
		p = b.post(p.url.String(), fields)
		if p.id("loginForm") == nil && p.id("loginFormPaginated") == nil || p.textOf(v.says) != "" || p.assertion() != "" {
			t.Errorf("%s: want the sign-in page without words", v.name)
		}
		wantBug(t, a.ClientBugs(), idptest.BugUncheckedSent)
		if v.more == 0 { // in steps the first page has one form
			wantBug(t, a.ClientBugs(), idptest.BugAuthMethod)
		}
		if p.id("userNameInputOptionsHolder") != nil {
			wantBug(t, a.ClientBugs(), idptest.BugUserNameRepeated)
		}
	}
}
