package form_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"

	"gatehop/idp"
	"gatehop/idp/form"
)

// printed is v in every way in which a mistake would print it.
func printed(v any) []string {
	var out []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		out = append(out, fmt.Sprintf(verb, v), fmt.Sprintf(verb, &v), fmt.Sprintf(verb, struct{ inner any }{v}))
	}
	j, err := json.Marshal(v)
	if err != nil {
		j = []byte(err.Error())
	}
	return append(out, string(j))
}

func TestParse(t *testing.T) {
	t.Parallel()
	p := read(t, "https://idp.example/a?b=c", utf8HTML, "<title> Sign\n in &amp; go </title><svg><title>x</title></svg><p id=e>text<p style='DISPLAY : none'><b id=h>hidden</b>")
	if p.Title != "Sign in & go" || !p.IsHTML || p.Media != "text/html" || p.Charset != "utf-8" {
		t.Errorf("Parse = %q %t %q %q", p.Title, p.IsHTML, p.Media, p.Charset)
	}
	if p.Text("#h") != "hidden" || p.VisibleText("#h") != "" || p.VisibleText("#e") != "text" {
		t.Errorf("texts %q %q %q", p.Text("#h"), p.VisibleText("#h"), p.VisibleText("#e"))
	}
	if p.Has("no(t a selector") {
		t.Error("what is no selector finds something")
	}
	empty, err := form.Parse(form.Response{})
	if err != nil || empty.IsHTML || len(empty.Forms) != 0 || empty.Has("html") {
		t.Errorf("Parse of nothing = %+v, %v", empty, err)
	}
}

// TestParseLimits: a page over the limits is refused, one at them is not.
func TestParseLimits(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, body string
		tooLarge   bool
	}{
		{"50,000 elements", strings.Repeat("<br>", 50_000), false},
		{"50,001 elements", strings.Repeat("<br>", 50_001), true},
		{"in a template", "<template>" + strings.Repeat("<br>", 50_001), true},
		{"in a title in svg", "<svg><title>" + strings.Repeat("<br>", 60_000) + "</title></svg>", false}, // text, and no elements in the tree either
		{"made by end tags", strings.Repeat("</p>", 50_001), true},
		{"500 levels", strings.Repeat("<div>", 500), false},
		{"520 levels", strings.Repeat("<div>", 520), true},
		{"100,000 levels", strings.Repeat("<div>", 100_000), true},
		{"many that need no end tag", strings.Repeat("<li>x", 20_000), false},
		{"formatting that blocks repeat", "<p>" + formatting(400) + strings.Repeat("<p>x", 20_000), false},
		{"5,000 controls", "<form>" + strings.Repeat("<input name=a>", 4999), false},
		{"5,001 controls", "<form>" + strings.Repeat("<input name=a>", 5000), true},
		{"one huge tag", "<input value='" + strings.Repeat("x", 4<<20) + "'>", true},
		{"one large tag", "<input value='" + strings.Repeat("x", 1<<20-100) + "'>", false},
		{"escapes that grow", "<p title='" + strings.Repeat(`"`, 1<<20) + "'>", true},
		{"much text", strings.Repeat("some text & more. ", 200_000), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := &url.URL{Scheme: "https", Host: "idp.example", Path: "/a", RawQuery: "secret=1"}
			p, err := form.Parse(form.Response{URL: u, Header: http.Header{"Content-Type": {utf8HTML}}, Body: []byte(c.body)})
			if c.tooLarge != errors.Is(err, &idp.PageError{Verdict: idp.TooLarge}) || !c.tooLarge && err != nil {
				t.Errorf("Parse = %v, want too large %t", err, c.tooLarge)
			}
			if err == nil {
				if n := p.Find("*").Length(); n > 3*50_000 {
					t.Errorf("the tree has %d elements", n)
				}
			}
		})
	}
}

// formatting are n open formatting elements that all differ, so that the tree builder
// would repeat each of them in every paragraph.
func formatting(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<font size=%d>", i)
	}
	return b.String()
}

// TestParseLimitsControl shows what the limits are against: without the token pass the
// same page has many times as many elements.
func TestParseLimitsControl(t *testing.T) {
	t.Parallel()
	body := "<p>" + formatting(100) + strings.Repeat("<p>x", 500)
	ours := read(t, "https://idp.example/", utf8HTML, body).Find("*").Length()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if bare := goquery.NewDocumentFromNode(root).Find("*").Length(); bare < 50*ours || ours > 700 {
		t.Errorf("%d elements with the token pass, %d without", ours, bare)
	}
}

func TestParseMedia(t *testing.T) {
	t.Parallel()
	cases := []struct {
		contentType, body string
		html              bool
	}{
		{"text/html", "<p>", true},
		{"TEXT/HTML;charset=utf-8", "<p>", true},
		{"application/xhtml+xml", "<p>", true},
		{"", "<!DOCTYPE html><p>", true},
		{"", `{"a":1}`, false},
		{"application/json", "<p>", false},
		{"text/plain", "<html>", false},
		{"application/pdf", "%PDF", false},
	}
	for _, c := range cases {
		if p := read(t, "https://idp.example/", c.contentType, c.body); p.IsHTML != c.html {
			t.Errorf("%q %q: IsHTML = %t, want %t", c.contentType, c.body, p.IsHTML, c.html)
		}
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	cases := []struct {
		in    string
		url   string // "" is no refresh
		delay time.Duration
	}{
		{`<meta http-equiv=refresh content="0;url=/next">`, "https://idp.example/next", 0},
		{`<meta http-equiv=REFRESH content=" 3 ; URL = '/a b' ">`, "https://idp.example/a%20b", 3 * time.Second},
		{`<meta http-equiv=refresh content='5, url="next"junk'>`, "https://idp.example/sso/next", 5 * time.Second},
		{`<meta http-equiv=refresh content="1 next">`, "https://idp.example/sso/next", time.Second},
		{`<meta http-equiv=refresh content="2">`, "https://idp.example/sso/login?from=start", 2 * time.Second},
		{`<meta http-equiv=refresh content="1.9; url=/x">`, "https://idp.example/x", time.Second},
		{`<meta http-equiv=refresh content=".5; url=/x">`, "https://idp.example/x", 0},
		{`<meta http-equiv=refresh content="9999999999; url=/x">`, "https://idp.example/x", 1 << 20 * time.Second},
		{`<noscript><meta http-equiv=refresh content="0;url=/n"></noscript>`, "https://idp.example/n", 0},
		{`<base href=/b/><meta http-equiv=refresh content="0;url=n">`, "https://idp.example/b/n", 0},
		{`<meta http-equiv=refresh content="url=/x">`, "", 0},
		{`<meta http-equiv=refresh content="">`, "", 0},
		{`<meta http-equiv=refresh content="0;url=javascript:go()">`, "", 0},
		{`<meta name=refresh content="0;url=/x">`, "", 0},
		{`<!-- <meta http-equiv=refresh content="0;url=/x"> -->`, "", 0},
		{`<template><meta http-equiv=refresh content="0;url=/x"></template>`, "", 0},
	}
	for _, c := range cases {
		p := read(t, "https://idp.example/sso/login?from=start", utf8HTML, c.in)
		switch {
		case p.Refresh == nil:
			if c.url != "" {
				t.Errorf("%s: no refresh, want %s", c.in, c.url)
			}
		case p.Refresh.URL.String() != c.url || p.Refresh.Delay != c.delay:
			t.Errorf("%s: %s after %v, want %q after %v", c.in, p.Refresh.URL, p.Refresh.Delay, c.url, c.delay)
		}
	}
}

func TestAutoSubmit(t *testing.T) {
	t.Parallel()
	const hidden = `<input type=hidden name=a value=1>`
	cases := []struct {
		name, in, want string // the id of the form; "" is none
	}{
		{"onload", `<body onload="document.forms[0].submit()"><form id=f>` + hidden, "f"},
		{"script", `<form id=f>` + hidden + `</form><script>document.forms[0].submit()</script>`, "f"},
		{"script with the second form", `<form id=e>` + hidden + `</form><form id=f>` + hidden + `</form><script>setTimeout('document.forms[1].submit()', 0)</script>`, "f"},
		{"script by id", `<form id=e>` + hidden + `</form><form id=f>` + hidden + `</form><script>document.getElementById("f").submit();</script>`, "f"},
		{"script by name", `<form id=e>` + hidden + `</form><form id=f name=g>` + hidden + `</form><script>document.g.submit()</script>`, "f"},
		{"script by forms name", `<form id=e>` + hidden + `</form><form id=f name=g>` + hidden + `</form><script>document.forms['g'].submit()</script>`, "f"},
		{"nameless button", `<form id=f>` + hidden + `<input type=submit value=Continue></form>`, "f"},
		{"button in noscript", `<form id=f>` + hidden + `<noscript><input type=submit name=continue></noscript></form>`, "f"},
		{"old Keycloak", `<BODY Onload="document.forms[0].submit()"><FORM ID=f METHOD=POST><INPUT TYPE=HIDDEN NAME=A VALUE=1><INPUT TYPE="BUTTON" VALUE="Click"/></FORM>`, "f"},
		{"fields hidden by style", `<form id=f><div style="display:none"><input name=a></div><input type=submit></form>`, "f"},
		{"beside a search form", `<form role=search><input name=q></form><form id=f>` + hidden + `</form><script>document.forms[1].submit()</script>`, "f"},
		{"neither script nor button", `<form id=f>` + hidden + `</form>`, ""},
		{"a visible field", `<form id=f>` + hidden + `<input name=b></form><script>document.forms[0].submit()</script>`, ""},
		{"another form with a visible field", `<form id=e><input name=b></form><form id=f>` + hidden + `</form><script>document.forms[1].submit()</script>`, ""},
		{"a named button", `<form id=f>` + hidden + `<input type=submit name=accept value=Accept></form>`, ""},
		{"a nameless button that agrees", `<form id=f>` + hidden + `<input type=submit value="I agree"></form>`, ""},
		{"a nameless button that leaves", `<form id=f>` + hidden + `<button>Log out</button><button>Cancel</button></form>`, ""},
		{"no fields", `<form id=f></form><script>document.forms[0].submit()</script>`, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if f := read(t, "https://idp.example/", utf8HTML, c.in).AutoSubmit(); f != nil {
				got = f.ID
			}
			if got != c.want {
				t.Errorf("AutoSubmit = %q, want %q", got, c.want)
			}
		})
	}
}

func TestScriptLocation(t *testing.T) {
	t.Parallel()
	cases := []struct{ in, want string }{
		{`<script>window.location.href = "/next?a=1\u0026b=2";</script>`, "https://idp.example/next?a=1&b=2"},
		{`<script>window.location = '\/next';</script>`, "https://idp.example/next"},
		{`<script>location.replace("next")</script>`, "https://idp.example/sso/next"},
		{`<script>document.location.assign('https://idp.example:443/\x61');</script>`, "https://idp.example/a"},
		{`<body onload="location='/b'">`, "https://idp.example/b"},
		{`<script>if (top != self) { top.location = "/c"; }</script>`, "https://idp.example/c"},
		{`<script>location.href = "https://other.example/"</script>`, ""},
		{`<script>location.href = "http://idp.example/"</script>`, ""},
		{`<script>location.href = "javascript:go()"</script>`, ""},
		{`<script>location.href = "/a" + token;</script>`, ""},
		{`<script>location.href = target;</script>`, ""},
		{`<script>mylocation = "/a";</script>`, ""},
		{`<script>x.location = "/a";</script>`, ""},
		{`<script>location.href = "/a\n";</script>`, ""},
		{`<script>location.href = "/a";</script><form></form>`, ""},
		{`<script>location.href = "/a";</script>` + strings.Repeat("<p>filler</p>", 1000), ""},
		{`<!-- <script>location.href = "/a";</script> -->`, ""},
	}
	for _, c := range cases {
		got := ""
		if u := read(t, "https://idp.example/sso/login", utf8HTML, c.in).ScriptLocation(); u != nil {
			got = u.String()
		}
		if got != c.want {
			t.Errorf("%.80s: ScriptLocation = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	cases := []struct{ in, want string }{
		{`<p class=error>one</p><p role=alert>two</p>`, "two"},
		{`<p role=alert> </p><p aria-live=assertive>three</p>`, "three"},
		{`<div style="display:none"><p role=alert>hidden</p></div><span id=errorText>four</span>`, "four"},
		{`<noscript><p class=error>scripts are off</p></noscript>`, ""},
		{`<head><noscript><p class=error>scripts are off</p></noscript></head><body><p class=error>seven</p>`, "seven"},
		{`<template><noscript></template><p class=error>eight</p>`, "eight"},
		{`<p class="error" hidden>hidden</p>`, ""},
		{`<div class="message-box error"><h3>Incorrect</h3> <p>Try again</p></div>`, "Incorrect Try again"},
		{`<span id=input-error-username>five</span>`, "five"},
		{`<div id=loginErrorsPanel><p>six</p></div>`, "six"},
		{`<div><img src="/icons/gtk-dialog-error.48x48.png"><h2>Error</h2><p><strong>seven</strong></p><p>and why</p></div><p>text</p>`, "seven"},
		{`<div><img src="/icons/gtk-dialog-authentication.png"><p>nothing</p></div>`, ""},
		{`<p>nothing</p>`, ""},
	}
	for _, c := range cases {
		if got := read(t, "https://idp.example/", utf8HTML, c.in).Words(); got != c.want {
			t.Errorf("%s: Words = %q, want %q", c.in, got, c.want)
		}
	}
}

// TestFingerprint: names and types, never values.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	p := read(t, "https://idp.example/", utf8HTML, `<form id=f method=post><input name=a value=secret1><select name=s><option>secret2</select><textarea name=t>secret3</textarea><button name=b value=secret4>secret5</button><input type=hidden value=secret6></form><form></form>`)
	want := "post #f a:text s:select-one t:textarea b:submit -:hidden; get"
	if got := p.Fingerprint(); got != want {
		t.Errorf("Fingerprint = %q, want %q", got, want)
	}
	if got := read(t, "https://idp.example/", utf8HTML, `<p>`).Fingerprint(); got != "no forms" {
		t.Errorf("Fingerprint = %q, want no forms", got)
	}
	many := "<form>" + strings.Repeat("<input name=x>", 1000) + "</form>"
	if got := read(t, "https://idp.example/", utf8HTML, many).Fingerprint(); len(got) > 500 {
		t.Errorf("Fingerprint has %d bytes", len(got))
	}
}
