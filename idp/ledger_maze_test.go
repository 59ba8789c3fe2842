package idp_test

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehop/idp"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

// dice are bytes that decide how a page is made. When they are used up, all is zero.
type dice struct{ left []byte }

func (d *dice) roll(n int) int {
	if len(d.left) == 0 {
		return 0
	}
	b := d.left[0]
	d.left = d.left[1:]
	return int(b) % n
}

func pick[T any](d *dice, from ...T) T { return from[d.roll(len(from))] }

// maze is a sign-in whose pages are made of several tricks at once. It answers in place
// of the network and keeps the accounts of a world; what arrived is also kept in order.
type maze struct {
	*world
	d      *dice
	listed target
	echoes bool // pages repeat what was typed: who is trusted may get it in an address
	visits []visit
}

type visit struct {
	origin string
	received
}

func newMaze(b []byte) *maze {
	m := &maze{world: newWorld(nil, nil), d: &dice{b}}
	m.listed = pick(m.d, settings()[0].targets...)
	m.echoes = m.d.roll(4) == 1
	return m
}

func (m *maze) home() setting { return settings()[0] }

func (m *maze) trusts(origin string) bool {
	return origin == m.home().origin || origin == m.listed.origin && !m.listed.unlistable
}

// RoundTrip answers a request, and keeps what http.Transport would have written.
func (m *maze) RoundTrip(req *http.Request) (*http.Response, error) {
	port := req.URL.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[req.URL.Scheme]
	}
	origin := strings.ToLower(req.URL.Scheme + "://" + req.URL.Hostname() + ":" + port)
	var raw bytes.Buffer
	if err := req.Write(&raw); err != nil {
		return nil, err
	}
	head, body, _ := strings.Cut(raw.String(), "\r\n\r\n")
	q := received{req, head, body}
	a := m.to(origin)
	a.head.WriteString(head + "\n")
	a.body.WriteString(body + "\n")
	a.requests = append(a.requests, q)
	m.visits = append(m.visits, visit{origin, q})
	rep := m.page(q)
	if rep.header == nil {
		rep.header = http.Header{"Content-Type": {"text/html"}}
	}
	rep.header.Add("Set-Cookie", "k="+cookieOf(origin)+"; Path=/")
	return &http.Response{
		StatusCode: rep.status, ProtoMajor: 1, ProtoMinor: 1, Header: rep.header, Request: req,
		ContentLength: int64(len(rep.body)), Body: io.NopCloser(strings.NewReader(rep.body)),
	}, nil
}

// address is one of the targets in one of the spellings that browsers take.
func (m *maze) address() string {
	to := m.d
	text := pick(to, append(m.home().targets, m.home().targets[0], m.listed)...).url
	scheme, rest, _ := strings.Cut(text, "://")
	text = pick(to, text, text, text, "//"+rest, scheme+`:\\`+rest, `\\`+rest, `/\`+rest, "///"+rest, scheme+":/"+rest, scheme+":"+rest,
		" \t"+text, scheme+"://\t"+rest, strings.ToUpper(text), "", "x/..", "?"+rest, "./"+text)
	return text + pick(to, "/do/x", "/do/x?a=b", "", "/", "#@adfs.corp.example/", `\@adfs.corp.example/`, "/..//evil.example/")
}

// echo is what was typed last, if this maze repeats it.
func (m *maze) echo(q received) string {
	if !m.echoes {
		return "nothing"
	}
	fields, _ := url.ParseQuery(q.body)
	for _, name := range []string{"Password", "otp"} {
		if v := fields.Get(name); v != "" {
			return v
		}
	}
	return "nothing"
}

// page makes the response to a request.
func (m *maze) page(q received) reply {
	d := m.d
	if len(d.left) == 0 {
		return automatic("https://signin.aws.amazon.com/saml", "SAMLResponse", assertion().encoded)
	}
	switch d.roll(12) {
	case 0, 1:
		to := m.address()
		if d.roll(2) == 1 {
			to += "?e=" + url.QueryEscape(m.echo(q))
		}
		return moved(pick(d, 301, 302, 303, 307, 308), to)
	case 2:
		return challenge()
	case 3:
		if d.roll(2) == 1 {
			return automatic(m.address(), "SAMLResponse", assertion().encoded)
		}
		return automatic(m.address(), "a", m.echo(q))
	}
	var b strings.Builder
	for range 1 + d.roll(4) {
		b.WriteString(m.part(q))
	}
	r := shown(b.String())
	if d.roll(8) == 1 {
		r.header.Set("Refresh", "0; url="+m.address())
	}
	return r
}

// part is one piece of markup. Most are forms.
func (m *maze) part(q received) string {
	d := m.d
	attr := func() string { return `"` + html.EscapeString(m.address()) + `"` }
	switch d.roll(18) {
	case 0:
		return "<base href=" + attr() + ">"
	case 1:
		return `<meta http-equiv=refresh content="0; url=` + html.EscapeString(m.address()+"?e="+url.QueryEscape(m.echo(q))) + `">`
	case 2:
		return "<script>location=" + attr() + "</script>"
	case 3:
		return "<script>document.forms[" + fmt.Sprint(d.roll(3)) + "].submit()</script>"
	case 4:
		return pick(d, "<!-- ", "<template>", "<svg>", "<noscript>", "<table>", "<textarea>", "<select>", "</form>", "<fieldset disabled>", "-->", "</template>")
	case 5:
		return "<button form=" + pick(d, "loginForm", "userForm", "codeForm") + " formaction=" + attr() + ">Sign in</button>"
	case 6:
		return "<input type=hidden name=e form=" + pick(d, "loginForm", "f") + ` value="` + html.EscapeString(m.echo(q)) + `">`
	case 7:
		return "<form id=loginForm>"
	case 8:
		return `<form method=post action=` + attr() + `><input type=hidden name=SAMLResponse value="` + assertion().encoded + `"></form>`
	}
	button := ""
	if d.roll(3) == 1 {
		button = "formaction=" + attr() + pick(d, "", " formmethod=get", " formenctype=text/plain")
	}
	action := pick(d, "", "action="+attr(), "action="+attr()) + pick(d, "", "", "", " method=get", " enctype=text/plain", " enctype=multipart/form-data", " method=dialog")
	return signInPage(pick(d, user, password, password, code), action, button, "").body
}

// judge looks at what must never be, whatever the pages were.
func (m *maze) judge(accepted bool) []string {
	var out []string
	for origin, a := range m.accounts {
		head, body := a.head.String(), a.body.String()
		for _, s := range []stage{user, password, code} {
			if !m.trusts(origin) && holds(head+body, core(s)) {
				out = append(out, fmt.Sprintf("%s was sent the %s", origin, s))
			}
			if !m.echoes && holds(head, core(s)) {
				out = append(out, fmt.Sprintf("%s was sent the %s in an address or a header", origin, s))
			}
		}
		if strings.HasPrefix(origin, "http://") {
			out = append(out, origin+" was written to in clear")
		}
		if !m.trusts(origin) && strings.Contains(head+body, assertion().piece) {
			out = append(out, origin+" was sent the assertion")
		}
		for other := range m.accounts {
			if other != origin && strings.Contains(head+body, cookieOf(other)) {
				out = append(out, fmt.Sprintf("%s was sent a cookie of %s", origin, other))
			}
		}
	}
	sent := map[stage]int{}
	for i, v := range m.visits {
		for _, s := range []stage{user, password, code} {
			if v.Method != "POST" || m.echoes || !holds(v.body, core(s)) {
				continue
			}
			if sent[s]++; sent[s] > 1 && s != user { // who it is may be asked for by several pages
				out = append(out, fmt.Sprintf("the %s was sent again", s))
			}
			if i > 0 && !m.trusts(m.visits[i-1].origin) {
				out = append(out, fmt.Sprintf("a page of %s was given the %s", m.visits[i-1].origin, s))
			}
		}
		if v.Header.Get("Authorization") != "" {
			out = append(out, v.origin+" was sent an Authorization header")
		}
		if u, err := url.Parse(v.Header.Get("Referer")); err != nil || u.RawQuery != "" || u.Host != "" && string(idp.OriginOf(u)) != v.origin {
			out = append(out, v.origin+" was sent a foreign or whole address as Referer")
		}
	}
	if last := m.visits[len(m.visits)-1].origin; accepted && !m.trusts(last) {
		out = append(out, "an assertion was taken from "+last)
	}
	return out
}

// wanderer is who walks a maze: the product, or a mutant with a client or first steps of its own.
type wanderer struct {
	client func(o idp.ClientOptions) *http.Client
	steps  []form.Step
}

// wander walks one maze and returns what is wrong and whether a password was sent and
// an assertion taken.
func (who wanderer) wander(t testing.TB, b []byte) (problems []string, sent, accepted bool) {
	t.Helper()
	m := newMaze(b)
	home := m.home()
	r := run{setting: home, target: m.listed, listed: !m.listed.unlistable && m.listed.origin != home.origin}
	r.adapter = pick(m.d, "form", "adfs")
	trust := productTrust(t, r)
	o := idp.ClientOptions{Trust: trust, Jar: idp.NewJar(nil), Transport: m}
	s := &idp.Session{HTTP: idp.NewClient(o), Trust: trust, Prompt: idptest.NewAnswers(map[string][]string{
		"username": {typed(user)}, "password": {typed(password)}, "otp": {typed(code)},
	})}
	if who.client != nil {
		s.HTTP = who.client(o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var err error
	if who.steps == nil {
		a, loginErr := r.adapterOf(t).Login(ctx, s)
		accepted, err = a != nil, loginErr
	} else {
		entry, _ := url.Parse(home.url + "/start?token=" + queryCore)
		a, runErr := (&form.Walk{Session: s, Entry: entry, Steps: slices.Concat(who.steps, form.Steps())}).Run(ctx)
		accepted, err = a != nil, runErr
	}
	problems = m.judge(accepted)
	if err != nil && holds(err.Error(), passCore) {
		problems = append(problems, "the error holds the password")
	}
	for _, a := range m.accounts {
		sent = sent || holds(a.body.String(), passCore)
	}
	return problems, sent, accepted
}

// TestLedgerMaze walks mazes of a fixed seed. Some must end with a password sent and
// with an assertion: a client that does nothing is not what is looked for.
func TestLedgerMaze(t *testing.T) {
	t.Parallel()
	mazes := 2000
	if testing.Short() || raceDetector {
		mazes = 400
	}
	found, sent, accepted := wanderer{}.wanderMany(t, mazes, nil)
	for _, problem := range found {
		t.Error(problem)
	}
	if sent < mazes/100 || accepted < mazes/200 || accepted == mazes {
		t.Errorf("of %d mazes %d were given the password and %d gave an assertion", mazes, sent, accepted)
	}
	t.Logf("%d mazes, %d were given the password, %d gave an assertion", mazes, sent, accepted)
}

// wanderMany walks n mazes, or fewer if wants are given and each has been found.
func (who wanderer) wanderMany(t testing.TB, n int, wants []string) (found []string, sent, accepted int) {
	t.Helper()
	open := slices.Clone(wants)
	random := rand.NewChaCha8([32]byte{5})
	for i := range n {
		b := make([]byte, 20+i%180)
		_, _ = random.Read(b)
		problems, s, a := who.wander(t, b)
		sent, accepted = sent+count(s), accepted+count(a)
		for _, p := range problems {
			found = append(found, fmt.Sprintf("maze %d (%x): %s", i, b, p))
			open = slices.DeleteFunc(open, func(w string) bool { return strings.Contains(p, w) })
		}
		if len(wants) > 0 && len(open) == 0 {
			break
		}
	}
	return found, sent, accepted
}

// FuzzLedgerMaze is the same with mazes of the fuzzer's making.
func FuzzLedgerMaze(f *testing.F) {
	random := rand.NewChaCha8([32]byte{6})
	for i := range 40 {
		b := make([]byte, 10+5*i)
		_, _ = random.Read(b)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if problems, _, _ := (wanderer{}).wander(t, b); len(problems) > 0 {
			t.Errorf("%q", problems)
		}
	})
}
