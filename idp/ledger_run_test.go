package idp_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
	"gatehop/saml"
	"gatehop/saml/samltest"
)

// What is looked for on the wire. The cores of what is typed are lower-case letters
// and digits, around them stands what each encoding writes differently.
const (
	queryCore = "abfrage4711kanarie" // in addresses of the configured host
	userCore  = "benutzer7319kanarie"
	passCore  = "kennwort8264kanarie"
	codeCore  = "zahl5550219kanarie"
)

// typed is what the person answers.
func typed(s stage) string {
	return [...]string{`CORP\` + userCore, `ä <&+%41"` + passCore + `';*~`, codeCore}[s]
}

func core(s stage) string { return [...]string{userCore, passCore, codeCore}[s] }

// document is an assertion for AWS and a piece of it that no encoding changes.
type document struct{ encoded, piece string }

var assertion = sync.OnceValue(func() document {
	p, err := samltest.New("http://adfs.corp.example/adfs/services/trust", nil, time.Now())
	if err != nil {
		panic(err)
	}
	encoded, err := p.Issue(samltest.Response{Roles: []string{samltest.RoleValue("111111111111", "Gateway", "adfs", false)}})
	if err != nil {
		panic(err)
	}
	return document{encoded, regexp.MustCompile(`[A-Za-z0-9]{30,}`).FindString(encoded[200:])}
})

// run is one combination.
type run struct {
	setting setting
	target  target
	listed  bool
	place   place
	column  column
	adapter string
}

func (r run) String() string {
	listed := ""
	if r.listed {
		listed = ", listed"
	}
	return fmt.Sprintf("%s: %s%s: %s: %s of %s", r.place.name, r.target.name, listed, r.column.name, r.adapter, r.setting.url)
}

// to is an address of the target.
func (r run) to(format string, args ...any) string {
	return r.target.url + fmt.Sprintf(format, args...) + "?via=trick"
}

// after is the target's address of what comes after a stage.
func (r run) after(s stage) string {
	if s+1 == done {
		return r.to("/saml")
	}
	return r.to("/page/%s", s+1)
}

// trusted says whether the target is: it is the configured origin itself, or listed.
func (r run) trusted() bool { return r.listed || r.target.origin == r.setting.origin }

// adapterOf opens the adapter. The query of its first address has a canary of its own.
func (r run) adapterOf(t testing.TB) idp.Adapter {
	t.Helper()
	a, err := adfs.New(adfs.Config{URL: r.setting.url, RelyingParty: "urn:" + queryCore})
	if r.adapter == "form" {
		a, err = form.New(form.Config{URL: r.setting.url + "/start?token=" + queryCore})
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// serve is what the hosts of the combination answer: a sign-in of three pages and an
// assertion, the same everywhere, with one trick in it at the configured origin.
func (r run) serve(origin string, q received) reply {
	rep := r.respond(origin, q)
	if rep.header == nil {
		rep.header = http.Header{}
	}
	rep.header.Add("Set-Cookie", "k="+cookieOf(origin)+"; Path=/")
	if host := hostOf(origin); strings.HasSuffix(host, ".corp.example") {
		rep.header.Add("Set-Cookie", "d="+cookieOf(origin)+"; Path=/; Domain=corp.example")
	}
	return rep
}

func (r run) respond(origin string, q received) reply {
	query := q.URL.Query()
	trick := query.Get("via") != ""
	switch {
	case trick && r.column.challenge != "":
		return reply{401, http.Header{"Www-Authenticate": {r.column.challenge}}, "<p>no"}
	case trick && query.Get("status") == "401":
		return challenge()
	}
	kind, name, _ := strings.Cut(strings.TrimPrefix(q.URL.Path, "/"), "/")
	at := map[string]stage{"user": user, "password": password, "code": code}[name]
	switch kind {
	case "page":
		action := "/do/" + name
		if query.Get("action") == "home" {
			action = r.setting.url + action
		}
		return signInPage(at, `action="`+action+`"`, "", "")
	case "do":
		if r.place.where == answer && at == r.column.stage && !trick && origin == r.setting.origin {
			form, _ := url.ParseQuery(q.body)
			return r.place.trick(r, at, form.Get(map[stage]string{user: "UserName", password: "Password", code: "otp"}[at]))
		}
		return r.show(origin, at+1)
	case "saml", "acs":
		return automatic("https://signin.aws.amazon.com/saml", "SAMLResponse", assertion().encoded)
	}
	return r.show(origin, user)
}

// show is the page of a stage.
func (r run) show(origin string, s stage) reply {
	atHome := origin == r.setting.origin
	switch {
	case atHome && r.place.where == page && s == r.column.stage, atHome && r.place.where == end && s == done:
		return r.place.trick(r, s, "")
	case s == done:
		return automatic("https://signin.aws.amazon.com/saml", "SAMLResponse", assertion().encoded)
	}
	query := ""
	if atHome {
		query = "?ctx=" + queryCore
	}
	return signInPage(s, `action="/do/`+s.String()+query+`"`, "", "")
}

// cookieOf is the value of the cookies that an origin sets.
func cookieOf(origin string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(origin))
	return fmt.Sprintf("keks%016x", h.Sum64())
}

// subject is who signs in. The zero value is the product; mutants replace a part.
type subject struct {
	trust  func(t testing.TB, r run) idp.Trust
	client func(r run, o idp.ClientOptions, dial idp.Dial) *http.Client
	steps  []form.Step // tried before those of the generic adapter
}

func productTrust(t testing.TB, r run) idp.Trust {
	t.Helper()
	var listed []string
	if r.listed {
		listed = []string{r.target.origin}
	}
	trust, err := idp.NewTrust(r.setting.url, listed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

func productClient(_ run, o idp.ClientOptions, dial idp.Dial) *http.Client {
	return idp.NewClientAt(o, dial, idp.OriginOf)
}

// outcome is what became of a run.
type outcome struct {
	run
	assertion *saml.Assertion
	err       error
	accounts  map[string]*account
}

// sign runs one combination.
func (who subject) sign(t testing.TB, n *internet, r run) outcome {
	t.Helper()
	w := newWorld(n, r.serve)
	if who.trust == nil {
		who.trust = productTrust
	}
	if who.client == nil {
		who.client = productClient
	}
	trust := who.trust(t, r)
	o := idp.ClientOptions{Trust: trust, Roots: n.roots, Jar: idp.NewJar(nil)}
	if r.column.certificate {
		o.ClientCert = &n.person
	}
	s := &idp.Session{HTTP: who.client(r, o, w.dial), Trust: trust, Prompt: idptest.NewAnswers(map[string][]string{
		"username": {typed(user)}, "password": {typed(password)}, "otp": {typed(code)},
	})}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := outcome{run: r}
	if who.steps == nil {
		out.assertion, out.err = r.adapterOf(t).Login(ctx, s)
	} else {
		entry, err := url.Parse(r.setting.url + "/start?token=" + queryCore)
		if err != nil {
			t.Fatal(err)
		}
		walk := &form.Walk{Session: s, Entry: entry, Steps: append(who.steps, form.Steps()...)}
		out.assertion, out.err = walk.Run(ctx)
	}
	s.HTTP.CloseIdleConnections()
	out.accounts = w.close()
	return out
}

// answerTo asks as a step of a mutant does: nothing remembers what was answered.
func answerTo(ctx context.Context, w *form.Walk, field string) (secret.Text, error) {
	return w.Session.Prompt.Ask(ctx, idp.Question{Field: field})
}
