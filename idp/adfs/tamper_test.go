package adfs_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"golang.org/x/net/html"
)

// A tampering changes the answers of an AD FS on their way, as an attacker who can
// inject markup, a broken proxy or a strange theme would. It is made of four bytes: which
// answer, what, where, with what.
type tampering struct{ answer, kind, at, with byte }

// tamperings reads as many as there are in b, at most twelve.
func tamperings(b []byte) []tampering {
	var out []tampering
	for ; len(b) >= 4 && len(out) < 12; b = b[4:] {
		out = append(out, tampering{b[0] % 6, b[1] % byte(len(tamperers)), b[2], b[3]})
	}
	return out
}

// lures are the addresses that what was typed must not go to.
var lures = []string{
	"https://elsewhere.example/", "//elsewhere.example/adfs/ls/", "http://adfs.corp.example/adfs/ls/", "https://adfs.corp.example:444/adfs/ls/",
	"https://adfs.corp.example.elsewhere.example/", "https://adfs.corp.example@elsewhere.example/", "https://sub.adfs.corp.example/", "https://corp.example/",
}

// values are what attributes are set to.
var values = append([]string{
	"", "?", "#", "javascript:x()", "get", "text/plain", "multipart/form-data", "dialog", "FormsAuthentication", "loginForm", "options", "hrd", "aspnetForm",
	"hidden", "password", "submit", "UserName", "Password", "AuthMethod", "Context", "SAMLResponse", "/adfs/portal/updatepassword/", "refresh", "0;url=/adfs/ls/", "%zz",
}, lures...)

// snippets are what is put between two tokens of a page; LURE stands for one of lures.
var snippets = []string{
	`<base href="LURE">`, `<meta http-equiv=refresh content="0;url=LURE">`, `<meta http-equiv=refresh content="7;url=">`, `<form id=loginForm method=post action="LURE">`,
	`</form>`, `<button formaction="LURE" name=x>`, `<input type=submit form=loginForm formaction="LURE">`, `<input name=UserName>`, `<input name=Password type=password>`,
	`<input type=password name=second form=loginForm>`, `<input name=Password type=text form=loginForm>`, `<script>location.href='LURE'</script>`, `<!--`, `-->`, `<textarea>`,
	`<template>`, `<noscript>`, `<select name=x><option value=y>`, `<fieldset disabled>`, `<div style="display:none">`, `<iframe src="LURE"></iframe>`, `<plaintext>`, `<svg><title>`,
	`<form method=post action="LURE"><input type=hidden name=SAMLResponse value=PHg+></form><script>document.forms[0].submit()</script>`,
	`<body onload="document.forms[0].submit()"><form method=post action="LURE"><input type=hidden name=a value=b></form>`,
	`<div id=errorText>Your password has expired.</div>`, `<div id=errorArea><div id=errorMessage>x</div></div>`, `<input type=hidden name=Context value=x>`,
	`<form id=hrd method=post action="LURE"><div onclick="HRD.selection('AD AUTHORITY')"></div></form>`, `<form id=options method=post action="LURE"><input name=AuthMethod></form>`,
}

// headers are what answers get besides.
var headers = [][2]string{
	{"Location", "LURE"}, {"Refresh", "0;url=LURE"}, {"Refresh", "9"}, {"Set-Cookie", "MSISAuth=x; path=/adfs; Secure"}, {"Set-Cookie", "MSISAuth=; Max-Age=0; path=/adfs"},
	{"Content-Type", "text/html; charset=utf-16"}, {"Content-Type", "application/json"}, {"WWW-Authenticate", "Negotiate"}, {"Content-Encoding", "gzip"},
}

var statuses = []int{200, 301, 302, 303, 307, 308, 400, 401, 403, 404, 407, 431, 500, 503, 204}

// message is an answer that is being changed.
type message struct {
	status int
	header http.Header
	tokens []string // of the body, as they stand in it
}

// tamperers do one thing each; the order is part of the corpus.
var tamperers = []func(m *message, t tampering){
	func(m *message, t tampering) { m.cut(t, 0) },
	func(m *message, t tampering) { m.cut(t, 2) },
	func(m *message, t tampering) { // swap
		i, j := m.index(t.at), m.index(t.with)
		m.tokens[i], m.tokens[j] = m.tokens[j], m.tokens[i]
	},
	func(m *message, t tampering) { // insert
		text := strings.ReplaceAll(pick(snippets, t.with), "LURE", pick(lures, t.with/byte(len(snippets))+t.at))
		i := m.index(t.at)
		m.tokens[i] = text + m.tokens[i]
	},
	func(m *message, t tampering) {
		m.attribute(t, func(a *html.Attribute) { a.Val = pick(values, t.with) })
	},
	func(m *message, t tampering) { m.attribute(t, func(a *html.Attribute) { a.Key = "x" }) },
	func(m *message, t tampering) { m.tokens = m.tokens[:m.index(t.at)+1] },
	func(m *message, t tampering) { m.status = pick(statuses, t.with) },
	func(m *message, t tampering) {
		h := pick(headers, t.with)
		m.header.Add(h[0], strings.ReplaceAll(h[1], "LURE", pick(lures, t.at)))
	},
	func(m *message, t tampering) { // one byte
		i := m.index(t.at)
		if b := []byte(m.tokens[i]); len(b) > 0 {
			b[int(t.with)%len(b)] ^= 1 << (t.with % 7)
			m.tokens[i] = string(b)
		}
	},
	func(m *message, t tampering) { // the page several times
		m.tokens = []string{strings.Repeat(strings.Join(m.tokens, ""), int(t.with%8)+1)}
	},
	func(m *message, t tampering) { // a redirect to a lure
		m.status, m.tokens = pick(statuses[1:6], t.with), []string{""}
		m.header.Set("Location", pick(lures, t.at))
	},
}

func pick[T any](list []T, n byte) T { return list[int(n)%len(list)] }

// index is a place in the page; there is always one.
func (m *message) index(n byte) int {
	if len(m.tokens) == 0 {
		m.tokens = []string{""}
	}
	return int(n) * len(m.tokens) / 256
}

// cut leaves n copies of a token.
func (m *message) cut(t tampering, n int) {
	i := m.index(t.at)
	m.tokens[i] = strings.Repeat(m.tokens[i], n)
}

// attribute changes one attribute of the tag at or after a place.
func (m *message) attribute(t tampering, change func(*html.Attribute)) {
	for i := m.index(t.at); i < len(m.tokens); i++ {
		z := html.NewTokenizer(strings.NewReader(m.tokens[i]))
		if kind := z.Next(); kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		token := z.Token()
		if len(token.Attr) == 0 {
			continue
		}
		change(&token.Attr[int(t.with/7)%len(token.Attr)])
		m.tokens[i] = token.String()
		return
	}
}

// split is a page by its tokens; joined again they are the page.
func split(body []byte) []string {
	var out []string
	z := html.NewTokenizer(bytes.NewReader(body))
	for z.Next() != html.ErrorToken {
		out = append(out, string(z.Raw()))
	}
	return append(out, string(z.Raw()))
}

// tampered is a server whose answers are changed, and that remembers what it was sent.
type tampered struct {
	http.Handler
	how []tampering

	mu       sync.Mutex
	answers  int
	received []string // whole requests
}

func (s *tampered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	s.received = append(s.received, whole(r, body))
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	s.Handler.ServeHTTP(rec, r)
	m := message{status: rec.Code, header: rec.Header(), tokens: split(rec.Body.Bytes())}
	for _, t := range s.how {
		if int(t.answer) == s.answers {
			tamperers[t.kind](&m, t)
		}
	}
	s.answers++
	for name, values := range m.header {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(m.status)
	_, _ = io.WriteString(w, strings.Join(m.tokens, ""))
}

// whole is everything of a request that a server sees.
func whole(r *http.Request, body []byte) string {
	var b strings.Builder
	b.WriteString(r.Method + " " + r.Host + r.RequestURI + "\n")
	_ = r.Header.Write(&b)
	b.WriteString("\n" + string(body))
	return b.String()
}
