package form_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

// seeds are all pages of the simulated providers, and what pages can be made of.
func seeds(f *testing.F) [][]byte {
	f.Helper()
	var out [][]byte
	names, err := idptest.PageNames()
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		for i, quirks := range [][]idptest.Quirk{nil, idptest.Quirks()} {
			page, err := idptest.Render(name, idptest.Page{
				Flavour: []string{"", "2019"}[i], Blocks: []string{"usernamePage", "primaryOptionsPage", "passwordPage"}, Themed: i > 0,
				Title: "Sign in", Host: host, Action: "?a=b", Ask: []string{"username", "password", "otp"}, Quirks: quirks,
				Link: "/next?a=b&c", ACS: "https://signin.aws.amazon.com/saml", SAMLResponse: "PHg+", Providers: []idptest.ClaimsProvider{{ID: "a", Display: "b"}},
			})
			if err != nil {
				f.Fatal(err)
			}
			out = append(out, page)
		}
	}
	for _, page := range []string{
		"", "\xef\xbb\xbf<p>", "\xff\xfe<\x00p\x00>\x00", "<svg><title><input name=a></title><style><b></style></svg>",
		"<table><form method=post><tr><td><input name=a></form><select><form><option><input name=b>",
		"<template><form></template><noscript><meta http-equiv=refresh content='1;url=x'>",
		"<b><i></b><a><div><a><p></a></b><nobr><nobr><textarea>\n\n</textarea><plaintext><input>",
		"<frameset><frame><noframes><form>", "<math><mi><form><annotation-xml encoding='text/html'><input name=a form=f>",
		"<script>location='\\x41'</script>", "<base href=//x><form action=:?%zz#><button formaction='javascript:x'>",
	} {
		out = append(out, []byte(page))
	}
	return out
}

// FuzzParsePage: no panic, no tree that is larger than the limits allow, and every
// question that the step tables ask has an answer.
func FuzzParsePage(f *testing.F) {
	for _, page := range seeds(f) {
		f.Add(page, "text/html; charset=utf-8", 200)
		f.Add(page, "text/html; charset=shift_jis", 401)
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType string, status int) {
		header := http.Header{"Content-Type": {contentType}, "Www-Authenticate": {contentType}, "Refresh": {contentType}}
		p, err := form.Parse(form.Response{
			URL: &url.URL{Scheme: "https", Host: host, Path: "/a"}, Status: status, Header: header, Body: body,
		})
		if err != nil {
			return
		}
		if n := p.Find("*").Length(); n > 3*bytes.Count(body, []byte("<"))+10 && strings.Contains(contentType, "utf-8") {
			t.Errorf("%d elements of %d tags", n, bytes.Count(body, []byte("<")))
		}
		controls := 0
		for _, c := range p.Forms {
			controls += len(c.Controls)
			_ = c.Button()
		}
		if n := p.Find("input, select, textarea, button").Length(); controls > n {
			t.Errorf("%d controls of forms, %d in the page", controls, n)
		}
		state := &form.State{Passwords: 1, Typed: true, Cookie: true, Acted: map[string]int{}}
		for _, s := range form.Steps() {
			_ = s.Match(p, state)
		}
		_, _, _ = p.Words(), p.Fingerprint(), p.AutoSubmit()
		if u := p.ScriptLocation(); u != nil && idp.OriginOf(u) != idp.OriginOf(p.URL) {
			t.Errorf("ScriptLocation = %s, of another origin", u)
		}
	})
}

// FuzzSubmission: no panic; what is sent is a form of the type it says, to an http
// address without user and fragment, and agrees with net/url where both apply.
func FuzzSubmission(f *testing.F) {
	for _, page := range seeds(f) {
		f.Add(page, "correct horse\r\n+&=é*~", 0)
		f.Add(page, "\xff", 1)
	}
	f.Fuzz(func(t *testing.T, body []byte, typed string, press int) {
		p, err := form.Parse(form.Response{
			URL:    &url.URL{Scheme: "https", Host: host, Path: "/a", RawQuery: "b=c"},
			Header: http.Header{"Content-Type": {utf8HTML}}, Body: body,
		})
		if err != nil {
			return
		}
		for _, each := range p.Forms {
			checkSubmission(t, each, typed, press)
		}
	})
}

func checkSubmission(t *testing.T, f *form.Form, typed string, press int) {
	t.Helper()
	fill := form.Fill{Values: map[*form.Control]secret.Text{}}
	var button *form.Control
	for i, c := range f.Controls {
		if c.Type == "password" {
			fill.Values[c] = secret.New(typed)
		}
		if c.IsButton() && i == press {
			button = c
		}
	}
	got, err := f.Submit(button, fill)
	if err != nil {
		return
	}
	u, err := url.Parse(got.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
		t.Fatalf("Submit goes to %q, %v", got.URL, err)
	}
	encoded := got.Body.Reveal()
	switch {
	case got.Method == "GET":
		encoded = u.RawQuery
		if got.ContentType != "" || got.Body.Reveal() != "" {
			t.Errorf("Submit = %+v, a GET with a body", got)
		}
	case got.Method != "POST":
		t.Errorf("Submit = %+v", got)
	case got.ContentType != "application/x-www-form-urlencoded":
		return
	}
	if strings.ContainsFunc(encoded, func(r rune) bool { return r <= ' ' || r > '~' }) {
		t.Errorf("%q is not encoded", encoded)
	}
	for pair := range strings.SplitSeq(encoded, "&") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok && encoded != "" {
			t.Errorf("%q has no =", pair)
		}
		for _, part := range []string{name, value} {
			text, err := url.QueryUnescape(part)
			if err != nil {
				t.Fatalf("net/url cannot read %q: %v", part, err)
			}
			if again := browserEscape(text); again != part {
				t.Errorf("%q is sent as %q, and as %q by net/url", text, part, again)
			}
			if crlf := strings.ReplaceAll(text, "\r\n", ""); strings.ContainsAny(crlf, "\r\n") {
				t.Errorf("%q has a bare line end", text)
			}
		}
	}
}

// browserEscape is net/url's escaping but for the two characters in which the URL
// standard differs.
func browserEscape(s string) string {
	return strings.NewReplacer("%2A", "*", "~", "%7E").Replace(url.QueryEscape(s))
}
