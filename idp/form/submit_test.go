package form_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/form"
)

// read parses a page that stands at address.
func read(t testing.TB, address, contentType, body string) *form.Page {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p, err := form.Parse(form.Response{URL: u, Status: 200, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)})
	if err != nil {
		t.Fatalf("Parse = %v", err)
	}
	return p
}

const utf8HTML = "text/html; charset=utf-8"

// submit parses body, finds form #f, presses #go if it is there, and types into fields
// by their names.
func submit(t testing.TB, contentType, body string, typed map[string]string) (form.Submission, error) {
	t.Helper()
	p := read(t, "https://idp.example/sso/login?from=start", contentType, body)
	f := p.FormByID("f")
	if f == nil {
		t.Fatalf("no form #f in %s", body)
	}
	var button *form.Control
	fill := form.Fill{Values: map[*form.Control]secret.Text{}}
	for _, c := range f.Controls {
		if c.ID == "go" {
			button = c
		}
		if text, ok := typed[c.Name]; ok {
			fill.Values[c] = secret.New(text)
		}
	}
	return f.Submit(button, fill)
}

// TestSubmitFields: which controls are sent, and with what.
func TestSubmitFields(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, in, want string }{
		{"order and duplicates", `<input name=b value=1><input name=a value=2><input name=b value=3>`, "b=1&a=2&b=3"},
		{"empty values", `<input name=a><input name=b value="">`, "a=&b="},
		{"no name", `<input value=x><input name="" value=y><input name=a value=z>`, "a=z"},
		{"disabled", `<input name=a value=1 disabled><input name=b value=2>`, "b=2"},
		{"readonly", `<input name=a value=1 readonly>`, "a=1"},
		{"hidden by style", `<div style="display: none"><input name=a value=1></div>`, "a=1"},
		{"upper case", `<INPUT TYPE=HIDDEN NAME=A VALUE=1><INPUT TYPE=CHECKBOX NAME=B>`, "A=1"},
		{"unknown type", `<input type=foo name=a value="x` + "\n" + `y">`, "a=xy"},
		{"checkbox", `<input type=checkbox name=a><input type=checkbox name=b checked><input type=checkbox name=c value=1 checked>`, "b=on&c=1"},
		{"radio", `<input type=radio name=r value=1><input type=radio name=r value=2 checked><input type=radio name=s value=3>`, "r=2"},
		{"radio pressed twice", `<input type=radio name=r value=1 checked><input type=radio name=r value=2 checked>`, "r=2"},
		{"fieldset", `<fieldset disabled><legend><input name=a value=1></legend><input name=b value=2><legend><input name=c value=3></legend></fieldset>`, "a=1"},
		{"fieldset in fieldset", `<fieldset disabled><fieldset><legend><input name=a value=1></legend></fieldset></fieldset><input name=b value=2>`, "b=2"},
		{"select", `<select name=s><option>one<option selected>two</select>`, "s=two"},
		{"select without a choice", `<select name=s><option disabled>x<option value=1>one</select>`, "s=1"},
		{"select marked twice", `<select name=s><option selected>1<option selected>2</select>`, "s=2"},
		{"select with a disabled choice", `<select name=s><option selected disabled>1<option>2</select>`, ""},
		{"select in a disabled group", `<select name=s><optgroup disabled><option>1</optgroup><option>2</select>`, "s=2"},
		{"select of nothing", `<select name=s></select>`, ""},
		{"list", `<select name=s size=3><option>1<option>2</select>`, ""},
		{"select of several", `<select name=s multiple><option selected>1<option>2<option selected>3</select>`, "s=1&s=3"},
		{"option text", `<select name=s><option>  a` + "\n" + ` b <b>c</b></select>`, "s=a+b+c"},
		{"textarea", "<textarea name=t>\n\nfirst\nsecond\r\nthird</textarea>", "t=%0D%0Afirst%0D%0Asecond%0D%0Athird"},
		{"textarea with markup", "<textarea name=t><input name=x value=1></textarea>", "t=%3Cinput+name%3Dx+value%3D1%3E"},
		{"line ends in a hidden field", "<input type=hidden name=t value=\"a\nb&#13;c&#13;&#10;d\">", "t=a%0D%0Ab%0D%0Ac%0D%0Ad"},
		{"line ends in a text field", "<input name=t value=\"a\nb\">", "t=ab"},
		{"e-mail", `<input type=email name=e value="  a@b  ">`, "e=a%40b"},
		{"number", `<input type=number name=n value=12a><input type=number name=m value=1.5>`, "n=&m=1.5"},
		{"range and colour", `<input type=range name=r><input type=color name=c value=red>`, "r=50&c=%23000000"},
		{"date", `<input type=date name=d value=2025-11-23><input type=date name=e value=tomorrow>`, "d=2025-11-23&e="},
		{"file", `<input type=file name=f>`, "f="},
		{"datalist", `<datalist><input name=a value=1></datalist><input name=b value=2>`, "b=2"},
		{"template", `<template><input name=a value=1></template><input name=b value=2>`, "b=2"},
		{"comment", `<!-- <input name=a value=1> --><input name=b value=2>`, "b=2"},
		{"script", `<script>document.write('<input name=a value=1>')</script><input name=b value=2>`, "b=2"},
		{"noscript", `<noscript><input name=a value=1></noscript>`, "a=1"},
		{"svg", `<svg><input name=a value=1><title><input name=b value=2></title></svg><input name=c value=3>`, "c=3"},
		{"buttons not pressed", `<input type=submit name=a value=1><button name=b value=2>B</button><input type=image name=c><input type=button name=d value=4><input type=reset name=e value=5>`, ""},
		{"the pressed button", `<button name=a value=1>A</button><button id=go name=b value=2>B</button><input type=submit name=c>`, "b=2"},
		{"a pressed button without a value", `<button id=go name=a>A</button>`, "a="},
		{"a pressed button without a name", `<button id=go value=1>A</button><input name=b value=2>`, "b=2"},
		{"the pressed image", `<input type=image id=go name=a><input type=image name=b>`, "a.x=0&a.y=0"},
		{"a pressed image without a name", `<input type=image id=go>`, "x=0&y=0"},
		{"a disabled button that is pressed", `<button id=go name=a value=1 disabled>A</button>`, "a=1"},
		{"dirname", `<div dir=rtl><input name=a value=1 dirname=a.dir></div>`, "a=1&a.dir=rtl"},
		{"characters", `<input name="a b&amp;c" value="*-._~+ é/?=%">`, "a+b%26c=*-._%7E%2B+%C3%A9%2F%3F%3D%25"},
		{"first of two attributes", `<input name=a name=b value=1 value=2>`, "a=1"},
		{"_charset_", `<input type=hidden name=_charset_ value=x><input name=_charset_ value=y>`, "_charset_=UTF-8&_charset_=y"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := submit(t, utf8HTML, "<form id=f method=post>"+c.in+"</form>", nil)
			if err != nil || got.Body.Reveal() != c.want {
				t.Errorf("Submit = %q, %v, want %q", got.Body.Reveal(), err, c.want)
			}
			if got.ContentType != "application/x-www-form-urlencoded" || got.Method != "POST" {
				t.Errorf("Submit = %s of %s, want a form posted", got.Method, got.ContentType)
			}
		})
	}
}

// TestSubmitOwner: whose control it is.
func TestSubmitOwner(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, in, want string }{
		{"form attribute", `<input name=a value=1 form=f><form id=f method=post><input name=b value=2></form><input name=c value=3 form=f>`, "a=1&b=2&c=3"},
		{"form attribute of another form", `<form id=f method=post><input name=a value=1 form=g><input name=b value=2></form><form id=g></form>`, "b=2"},
		{"form attribute of nothing", `<form id=f method=post><input name=a value=1 form=nope><input name=b value=2></form>`, "b=2"},
		{"empty form attribute", `<form id=f method=post><input name=a value=1 form=""><input name=b value=2></form>`, "b=2"},
		{"id of something else first", `<p id=f></p><form id=f method=post><input name=a value=1></form><input name=b value=2 form=f>`, "a=1"},
		{"form around table rows", `<table><form id=f method=post><tr><td><input name=a value=1></td></tr></form></table><input name=b value=2>`, "a=1"},
		{"form within a form", `<form id=f method=post><input name=a value=1><form id=g><input name=b value=2></form><input name=c value=3>`, "a=1&b=2"},
		{"form closed too early", `<form id=f method=post><div></form><input name=a value=1></div>`, "a=1"},
		{"form never closed", `<form id=f method=post><input name=a value=1><p>text`, "a=1"},
		{"misnested", `<b><form id=f method=post><i><input name=a value=1></b><input name=b value=2></i></form>`, "a=1&b=2"},
		{"forged marks", `<form id=g></form><form id=f method=post gatehop-form=1><input name=a value=1 gatehop-owner=1></form>`, "a=1"},
		{"forged owner", `<input name=b value=2 gatehop-owner=1><form id=f method=post><input name=a value=1></form>`, "a=1"},
		{"two forms of one id", `<form id=f method=post><input name=a value=1></form><form id=f><input name=b value=2></form><input name=c value=3 form=f>`, "a=1&c=3"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := submit(t, utf8HTML, c.in, nil)
			if err != nil || got.Body.Reveal() != c.want {
				t.Errorf("Submit = %q, %v, want %q", got.Body.Reveal(), err, c.want)
			}
		})
	}
}

// TestSubmitTarget: method, address and encoding. The page is
// https://idp.example/sso/login?from=start.
func TestSubmitTarget(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, in, want string }{
		{"no action", `<form id=f method=post>`, "POST https://idp.example/sso/login?from=start"},
		{"empty action", `<form id=f method=post action="">`, "POST https://idp.example/sso/login?from=start"},
		{"blank action", `<form id=f method=post action=" ">`, "POST https://idp.example/sso/login?from=start"},
		{"question mark", `<form id=f method=post action="?">`, "POST https://idp.example/sso/login?"},
		{"hash", `<form id=f method=post action="#">`, "POST https://idp.example/sso/login?from=start"},
		{"fragment", `<form id=f method=post action="/x#y">`, "POST https://idp.example/x"},
		{"relative", `<form id=f method=post action="next">`, "POST https://idp.example/sso/next"},
		{"dots", `<form id=f method=post action="../a/./b">`, "POST https://idp.example/a/b"},
		{"absolute", `<form id=f method=post action="https://other.example/a?b=c">`, "POST https://other.example/a?b=c"},
		{"without scheme", `<form id=f method=post action="//other.example">`, "POST https://other.example/"},
		{"port 443", `<form id=f method=post action="https://IDP.example:443/a">`, "POST https://idp.example/a"},
		{"other port", `<form id=f method=post action="https://idp.example:8443/a">`, "POST https://idp.example:8443/a"},
		{"user in the address", `<form id=f method=post action="https://idp.example@evil.example/a">`, "POST https://evil.example/a"},
		{"back slashes", `<form id=f method=post action="\a\b">`, "POST https://idp.example/a/b"},
		{"tabs and line ends", "<form id=f method=post action=\" /a\tb\nc \">", "POST https://idp.example/abc"},
		{"spaces within", `<form id=f method=post action="/a b?c d">`, "POST https://idp.example/a%20b?c%20d"},
		{"unescaped ampersand", `<form id=f method=post action="/a?x=1&y=2&amp;z=3">`, "POST https://idp.example/a?x=1&y=2&z=3"},
		{"a colon", `<form id=f method=post action="/adfs/ls/?loginToRp=urn:amazon:webservices">`, "POST https://idp.example/adfs/ls/?loginToRp=urn:amazon:webservices"},
		{"base", `<base href="/other/place/"><form id=f method=post action="next">`, "POST https://idp.example/other/place/next"},
		{"base and empty action", `<base href="/other/"><form id=f method=post action="">`, "POST https://idp.example/sso/login?from=start"},
		{"base and question mark", `<base href="/other/x"><form id=f method=post action="?">`, "POST https://idp.example/other/x?"},
		{"base without href first", `<base target=x><base href="/one/"><base href="/two/"><form id=f method=post action="a">`, "POST https://idp.example/one/a"},
		{"base elsewhere", `<base href="https://other.example/"><form id=f method=post action="a">`, "POST https://other.example/a"},
		{"base in a template", `<template><base href="https://other.example/"></template><form id=f method=post action="a">`, "POST https://idp.example/sso/a"},
		{"formaction", `<form id=f method=post action="/wrong"><button id=go formaction="/right">`, "POST https://idp.example/right"},
		{"empty formaction", `<form id=f method=post action="/wrong"><button id=go formaction="">`, "POST https://idp.example/sso/login?from=start"},
		{"formaction of another button", `<form id=f method=post action="/right"><button formaction="/wrong"></button><button id=go>`, "POST https://idp.example/right"},
		{"formmethod", `<form id=f method=post action="/a"><button id=go formmethod=get>`, "GET https://idp.example/a?"},
		{"formmethod post", `<form id=f action="/a"><button id=go formmethod=POST>`, "POST https://idp.example/a"},
		{"wrong formmethod", `<form id=f method=post action="/a"><button id=go formmethod=put>`, "GET https://idp.example/a?"},
		{"wrong method", `<form id=f method=put action="/a">`, "GET https://idp.example/a?"},
		{"get replaces the query", `<form id=f action="/a?old=1"><input name=b value="2 3">`, "GET https://idp.example/a?b=2+3"},
		{"get of the page", `<form id=f><input name=b value=2>`, "GET https://idp.example/sso/login?b=2"},
		{"get with an enctype", `<form id=f enctype="multipart/form-data" action="/a"><input name=b value=2>`, "GET https://idp.example/a?b=2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := submit(t, utf8HTML, c.in+"</form>", nil)
			if err != nil || got.Method+" "+got.URL != c.want {
				t.Errorf("Submit = %s %s, %v, want %s", got.Method, got.URL, err, c.want)
			}
		})
	}
	p := read(t, "https://alice:hunter2@idp.example/sso?a=b#c", utf8HTML, `<form id=f method=post></form>`)
	if got, err := p.FormByID("f").Submit(nil, form.Fill{}); err != nil || got.URL != "https://idp.example/sso?a=b" {
		t.Errorf("Submit = %s, %v, want no user and no fragment", got.URL, err)
	}
	refused := map[string]idp.Verdict{
		`<form id=f method=post action="javascript:go()">`:         idp.ScriptOnly,
		`<form id=f method=post action=" JavaScript:go()">`:        idp.ScriptOnly,
		`<form id=f><button id=go formaction="javascript:go()">`:   idp.ScriptOnly,
		`<form id=f method=post action="mailto:help@idp.example">`: idp.UnreadableForm,
		`<form id=f method=post action="https://">`:                idp.UnreadableForm,
		`<form id=f method=post action="https://[::1/a">`:          idp.UnreadableForm,
		`<form id=f method=dialog>`:                                idp.UnreadableForm,
	}
	for in, want := range refused {
		_, err := submit(t, utf8HTML, in, nil)
		if !errors.Is(err, &idp.PageError{Verdict: want}) {
			t.Errorf("Submit of %s = %v, want %q", in, err, want)
		}
	}
}

// TestSubmitEncoding: what is typed, in the page's encoding and the form's.
func TestSubmitEncoding(t *testing.T) {
	t.Parallel()
	const in = `<form id=f method=post%s><input type=password name=p><input type=hidden name=_charset_></form>`
	cases := []struct{ name, contentType, attr, head, typed, want string }{
		{"utf-8", utf8HTML, "", "", "é €", "p=%C3%A9+%E2%82%AC&_charset_=UTF-8"},
		{"none named", "text/html", "", "", "é", "p=%C3%A9&_charset_=UTF-8"},
		{"header", "text/html; charset=iso-8859-1", "", "", "é €", "p=%E9+%80&_charset_=windows-1252"},
		{"unknown in the header", "text/html; charset=nope", "", `<meta charset=iso-8859-2>`, "ő", "p=%F5&_charset_=ISO-8859-2"},
		{"meta", "text/html", "", `<meta charset="latin1">`, "é", "p=%E9&_charset_=windows-1252"},
		{"meta in content", "text/html", "", `<meta http-equiv=Content-Type content="text/html; charset='Shift_JIS'">`, "é日", "p=%26%23233%3B%93%FA&_charset_=Shift_JIS"},
		{"header before meta", utf8HTML, "", `<meta charset=latin1>`, "é", "p=%C3%A9&_charset_=UTF-8"},
		{"mark before header", "text/html; charset=latin1", "", "\xef\xbb\xbf", "é", "p=%C3%A9&_charset_=UTF-8"},
		{"utf-16 in meta", "text/html", "", `<meta charset=utf-16>`, "é", "p=%C3%A9&_charset_=UTF-8"},
		{"meta in a comment", "text/html", "", `<!-- <meta charset=latin1> -->`, "é", "p=%C3%A9&_charset_=UTF-8"},
		{"not in the encoding", "text/html; charset=us-ascii", "", "", "日", "p=%26%2326085%3B&_charset_=windows-1252"},
		{"accept-charset", utf8HTML, ` accept-charset="nope latin1 utf-8"`, "", "é", "p=%E9&_charset_=windows-1252"},
		{"accept-charset unknown", "text/html; charset=gbk", ` accept-charset="nope"`, "", "中", "p=%D6%D0&_charset_=GBK"},
		{"line ends are not typed", utf8HTML, "", "", "a\r\nb", "p=ab&_charset_=UTF-8"},
		{"not UTF-8", utf8HTML, "", "", "a\xffb", "p=a%EF%BF%BDb&_charset_=UTF-8"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := submit(t, c.contentType, c.head+strings.Replace(in, "%s", c.attr, 1), map[string]string{"p": c.typed})
			if err != nil || got.Body.Reveal() != c.want {
				t.Errorf("Submit = %q, %v, want %q", got.Body.Reveal(), err, c.want)
			}
		})
	}
}

// TestSubmitUTF16: a page in UTF-16 is read as such and its forms are sent in UTF-8.
func TestSubmitUTF16(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString("\xff\xfe")
	for _, r := range `<form id=f method=post><input name=ü value=é></form>` {
		page.WriteString(string([]byte{byte(r), byte(r >> 8)}))
	}
	got, err := submit(t, "text/html", page.String(), nil)
	if err != nil || got.Body.Reveal() != "%C3%BC=%C3%A9" {
		t.Errorf("Submit = %q, %v", got.Body.Reveal(), err)
	}
}

func TestSubmitMultipart(t *testing.T) {
	t.Parallel()
	const in = `<form id=f method=post enctype="Multipart/Form-Data"><input name='a"b' value="x&#10;y" type=hidden><input type=file name=c><input name=d value="--%s"></form>`
	const first = "----gatehop-form-boundary-0"
	got, err := submit(t, utf8HTML, strings.Replace(in, "%s", first, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	const b = "----gatehop-form-boundary-1"
	want := "--" + b + "\r\nContent-Disposition: form-data; name=\"a%22b\"\r\n\r\nx\r\ny\r\n" +
		"--" + b + "\r\nContent-Disposition: form-data; name=\"c\"; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n" +
		"--" + b + "\r\nContent-Disposition: form-data; name=\"d\"\r\n\r\n--" + first + "\r\n--" + b + "--\r\n"
	if got.Body.Reveal() != want || got.ContentType != "multipart/form-data; boundary="+b {
		t.Errorf("Submit = %s\n%q, want\n%q", got.ContentType, got.Body.Reveal(), want)
	}
	got, err = submit(t, utf8HTML, `<form id=f method=post enctype="text/plain"><input name=a value="b c"></form>`, nil)
	if err != nil || got.Body.Reveal() != "a=b c\r\n" || got.ContentType != "text/plain" {
		t.Errorf("Submit = %s %q, %v, want text/plain", got.ContentType, got.Body.Reveal(), err)
	}
}

// TestSubmitFill: fields that are to be set are sent once, in the place of the page's.
func TestSubmitFill(t *testing.T) {
	t.Parallel()
	p := read(t, "https://idp.example/", utf8HTML, `<form id=f method=post><input name=m value=1><input name=a value=2><input name=m value=3></form>`)
	got, err := p.FormByID("f").Submit(nil, form.Fill{Set: []form.Field{{Name: "m", Value: "x"}, {Name: "n", Value: "y"}}})
	if err != nil || got.Body.Reveal() != "m=x&a=2&n=y" {
		t.Errorf("Submit = %q, %v, want m=x&a=2&n=y", got.Body.Reveal(), err)
	}
}

// TestSubmissionPrints: whatever prints a Submission, it shows nothing that was typed.
func TestSubmissionPrints(t *testing.T) {
	t.Parallel()
	got, err := submit(t, utf8HTML, `<form id=f method=post><input type=password name=p></form>`, map[string]string{"p": "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got.Body.Reveal(), "hunter2") {
		t.Fatalf("Submit = %q, want the password in it", got.Body.Reveal())
	}
	for _, text := range printed(got) {
		if strings.Contains(text, "hunter2") {
			t.Errorf("printed: %s", text)
		}
	}
}
