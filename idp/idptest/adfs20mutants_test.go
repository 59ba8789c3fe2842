package idptest_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"gatehop/idp/idptest"
)

// raw changes the bytes of what a form sends, which fields cannot: "+" is a space there.
func raw(old, with string) func(*http.Request) {
	return func(r *http.Request) {
		if r.Method != http.MethodPost {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		body = bytes.ReplaceAll(body, []byte(old), []byte(with))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
}

// mutants20 fill in the pages of AD FS 2.0 wrongly.
func mutants20() []mutant {
	in, later := in20(idptest.Options{}), in20(idptest.Options{Asp4: true})
	upper := func(v string) string { return strings.ToUpper(v) }
	none := func(string) string { return "" }
	realms := in20(idptest.Options{ClaimsProviders: []string{idptest.LocalAuthority, "b"}})
	choose := func(change func([]idptest.Field) []idptest.Field) func(*browser) {
		return func(b *browser) {
			p := b.get(entry)
			fields, _ := p.successful(p.id("aspnetForm"), nil)
			b.post(p.resolve(val(p.id("aspnetForm"), "action"), true).String(), change(fields))
		}
	}
	twice := func(b *browser) {
		p := b.get(entry)
		for range 2 {
			b.submit(p, p.id("aspnetForm"), typed20)
		}
	}
	return []mutant{
		{name: "view state altered", bug: 18, o: in, fields: replace("__VIEWSTATE", upper)},
		{name: "view state altered in 2.1", bug: 18, o: later, fields: replace("__VIEWSTATE", upper)},
		{name: "unescaped +", bug: 18, o: in, header: raw("%2B", "+")},
		{name: "view state left out", bug: 18, o: in, fields: without("__VIEWSTATE")},
		{name: "view state empty", bug: 18, o: in, fields: replace("__VIEWSTATE", none)},
		{name: "event validation altered", bug: 18, o: in, fields: replace("__EVENTVALIDATION", upper)},
		{name: "event validation left out", bug: 18, o: in, fields: without("__EVENTVALIDATION")},
		{name: "generator left out", bug: 18, o: in, fields: without("__VIEWSTATEGENERATOR")},
		{name: "number altered", bug: 18, o: in, fields: replace("__db", func(string) string { return "1" })},
		{name: "number left out", bug: 18, o: in, fields: without("__db")},
		{name: "a password without the page", bug: 18, o: in, walk: func(b *browser) {
			b.post(entry, []idptest.Field{{Name: userField, Value: alice}, {Name: passField, Value: idptest.AlicePassword}, {Name: submitField, Value: "Sign In"}})
		}},
		{name: "view state of the organisations altered", bug: 18, o: realms, walk: choose(replace("__VIEWSTATE", upper))},
		{name: "number twice", bug: 16, o: in, fields: add(idptest.Field{Name: "__db", Value: "15"})},
		{name: "button left out", bug: 16, o: in, fields: without(submitField)},
		{name: "button of another language", bug: 16, o: in, fields: replace(submitField, func(string) string { return "Anmelden" })},
		{name: "button twice", bug: 16, o: in, fields: add(idptest.Field{Name: submitField, Value: "Sign In"})},
		{name: "button of the organisations left out", bug: 16, o: realms, walk: choose(without(controls20 + "PassiveSignInButton"))},
		{name: "an organisation that is not offered", bug: 16, o: realms, walk: choose(replace(controls20+"PassiveIdentityProvidersDropDownList", func(string) string { return "c" }))},
		{name: "a user name for the organisations", bug: 16, o: realms, walk: choose(add(idptest.Field{Name: userField, Value: alice}))},
		{name: "the fields of 3.0", bug: 16, o: in, fields: add(idptest.Field{Name: "AuthMethod", Value: "FormsAuthentication"})},
		{name: "a user name for the relying parties", bug: 16, o: in, walk: func(b *browser) {
			p := b.get(base + "/adfs/ls/IdpInitiatedSignOn.aspx")
			fields, _ := p.successful(p.id("aspnetForm"), nil)
			b.post(p.url.String(), append(fields, idptest.Field{Name: userField, Value: alice}))
		}},
		{name: "user name twice in 2.0", bug: 6, o: in, fields: add(idptest.Field{Name: userField, Value: alice})},
		{name: "password twice in one form of 2.0", bug: 1, o: in, fields: add(idptest.Field{Name: passField, Value: idptest.AlicePassword})},
		{name: "the same page of 2.0 twice", bug: 1, o: in, walk: twice},
		{name: "posts a password again that 2.0 refused", bug: 1, o: in, walk: func(b *browser) { b.signIn(entry, alice, "wrong horse", "wrong horse") }},
		{name: "a password without a user name in 2.0", bug: 21, o: in, fields: replace(userField, none)},
		{name: "value of a comment in 2.0", bug: 17, o: in, fields: replace(passField, func(string) string { return "decoy" })},
		{name: "walks for ever in 2.0", bug: 12, o: in, walk: func(b *browser) {
			p := b.get(entry)
			for range 20 {
				b.submit(p, p.id("aspnetForm"), nil)
			}
		}},
		{name: "asks the challenge of 2.0 for ever", bug: 12, o: in20(idptest.Options{LocalAuthFirst: idptest.LocalIntegrated}), walk: func(b *browser) {
			for range 21 {
				b.get(base + "/adfs/ls/auth/integrated/")
			}
		}},
		{name: "password to another host in 2.0", bug: 3, o: in20(idptest.Options{Fault: idptest.FaultForeignAction}), walk: func(b *browser) { b.signIn(entry, alice, idptest.AlicePassword) }},
		{name: "password in a URL of 2.0", bug: 2, also: 15, o: in20(idptest.Options{Fault: idptest.FaultGetForm}), walk: func(b *browser) {
			p := b.get(entry)
			b.submit(p, p.id("aspnetForm"), typed20)
		}},
	}
}

// TestClientBugs20None: nothing is said against the innocent at AD FS 2.0.
func TestClientBugs20None(t *testing.T) {
	t.Parallel()
	in := in20(idptest.Options{})
	for _, c := range []innocent{
		{"a second answer", in, func(b *browser) { b.signIn(entry, alice, "wrong horse", idptest.AlicePassword) }},
		{"the same password in another browser", in, func(b *browser) {
			rt := b.http.Transport
			b.signIn(entry, alice, "wrong horse")
			browserOver(b.t, rt).signIn(entry, alice, "wrong horse")
		}},
		{"kept cookies over and over", in, func(b *browser) {
			b.signIn(entry, alice, idptest.AlicePassword)
			for range 30 {
				b.get(entry)
			}
		}},
		{"an older page", in, func(b *browser) {
			p := b.get(entry)
			b.get(entry)
			wantAssertion(b.t, b.submit(p, p.id("aspnetForm"), typed20))
		}},
		{"looks at every page", in, func(b *browser) {
			for _, path := range []string{"FormsSignIn.aspx", "HomeRealmDiscovery.aspx", "auth/integrated/", "auth/basic/", "", "IdpInitiatedSignOn.aspx"} {
				b.get(base + "/adfs/ls/" + path)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newADFS(t, c.o)
			c.walk(newBrowser(t, a, a.Elsewhere()))
			wantClean(t, a.ClientBugs())
		})
	}
}
