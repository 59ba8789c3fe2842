package idptest_test

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"gatehop/idp/idptest"
)

// quirkSigns says by what each quirk can be told, in the answer to the entry or in the
// page at the end of its redirects, which are one page where there is no redirect.
func quirkSigns() map[idptest.Quirk]func(first, form *page) bool {
	source := func(text string) func(_, form *page) bool {
		return func(_, form *page) bool { return strings.Contains(form.source, text) }
	}
	return map[idptest.Quirk]func(first, form *page) bool{
		idptest.QuirkTwoStep:        func(_, form *page) bool { return form.form("username") != nil && form.form("password") == nil },
		idptest.QuirkFixedUser:      func(_, form *page) bool { n := form.id("username"); return n != nil && disabled(n) },
		idptest.QuirkMetaRefresh:    source(`<META HTTP-EQUIV="Refresh" CONTENT="0; URL='../../module.php/`),
		idptest.QuirkRefreshHeader:  func(first, _ *page) bool { return strings.HasPrefix(first.header.Get("Refresh"), "0; url=../") },
		idptest.QuirkNoScript:       source(`<noscript><META HTTP-EQUIV="Refresh"`),
		idptest.QuirkScriptRedirect: source(`window.location.href = '../../module.php/`),
		idptest.QuirkAutoSubmit:     func(_, form *page) bool { return form.form("storage_read") != nil },
		idptest.QuirkGetForm:        source(`action="/simplesaml/module.php/multiauth/selectsource.php?stale=1" method="get"`),
		idptest.QuirkFullAction:     source(`action="` + base + `/simplesaml/module.php/core/loginuserpass.php?AuthState=`),
		idptest.QuirkBaseHref:       source(`<base href="` + base + `/simplesaml/module.php/base/">`),
		idptest.QuirkFormAction:     source(`formaction="?"`),
		idptest.QuirkSeveralSubmits: source(`name="event" value="cancel"`),
		idptest.QuirkImageSubmit:    source(`type="image"`),
		idptest.QuirkFormAttribute:  source(`name="password" form="f"`),
		idptest.QuirkMultipart:      source(`enctype="multipart/form-data"`),
		idptest.QuirkLatin1: func(_, form *page) bool {
			return strings.Contains(form.source, `charset="iso-8859-1"`) && form.title() == "Anmeldung für alle"
		},
		idptest.QuirkUpperCase:        source(`TYPE="HIDDEN"`),
		idptest.QuirkFieldsetDisabled: source(`<fieldset disabled>`),
		idptest.QuirkSelect:           source(`<select name="organization">`),
		idptest.QuirkCheckboxes:       source(`name="public" checked`),
		idptest.QuirkTextarea:         source(`<textarea name="notice"`),
		idptest.QuirkCharsetField:     source(`name="_charset_"`),
		idptest.QuirkOtherForms:       source(`action="/simplesaml/register"`),
		idptest.QuirkComment:          source(`<!-- <form action="/simplesaml/decoy"`),
		idptest.QuirkHiddenError:      source(`class="message-box error" style="display:none"`),
	}
}

func (p *page) title() string {
	for _, n := range all(p.doc, func(n *html.Node) bool { return n.Data == "title" }) {
		return text(n)
	}
	return ""
}

// TestQuirksShow: each quirk is on the page, and without it is not. That a sign-in
// works with it is what TestForm shows.
func TestQuirksShow(t *testing.T) {
	t.Parallel()
	open := func(quirks ...idptest.Quirk) (*page, *page) {
		f := newForm(t, idptest.FormOptions{Quirks: quirks})
		b := newBrowser(t, f, f.Elsewhere())
		form := b.get(formEntry)
		b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		return b.get(formEntry), form
	}
	signs := quirkSigns()
	for _, q := range idptest.Quirks() {
		if q == idptest.QuirkRelayState {
			continue // on the last page: TestFormFinalPage
		}
		if sign := signs[q]; sign == nil {
			t.Errorf("%s has no sign", q)
		} else if !sign(open(q)) {
			t.Errorf("%s does not show", q)
		} else if sign(open()) {
			t.Errorf("%s shows where it is not", q)
		}
	}
}

// TestFormFinalPage looks at what only the last page shows.
func TestFormFinalPage(t *testing.T) {
	t.Parallel()
	for _, quirks := range [][]idptest.Quirk{nil, {idptest.QuirkRelayState}} {
		f := newForm(t, idptest.FormOptions{Quirks: quirks})
		p := newBrowser(t, f, f.Elsewhere()).signIn(formEntry, "alice", idptest.AlicePassword)
		form := p.form("SAMLResponse")
		if got := val(form, "action"); got != "https://signin.aws.amazon.com/saml" {
			t.Errorf("action = %q, want AWS's", got)
		}
		if first := p.controls(form)[0]; val(first, "type") != "submit" || val(first, "name") != "" {
			t.Error("the first control is not a button without a name")
		}
		fields, _ := p.successful(form, nil)
		want := "SAMLResponse"
		if quirks != nil {
			want = "SAMLResponse RelayState extra[0] extra[1]"
		}
		if got := strings.Join(idptest.Fields(fields).Names(), " "); got != want {
			t.Errorf("fields = %s, want %s", got, want)
		}
	}
}

// TestFormLost: no page goes on without the state of a sign-in.
func TestFormLost(t *testing.T) {
	t.Parallel()
	f := newForm(t, idptest.FormOptions{})
	b := newBrowser(t, f, f.Elsewhere())
	for _, path := range []string{"core/loginuserpass.php", "base/loginuserpass.php", "multiauth/selectsource.php", "storage/go.php"} {
		address := base + "/simplesaml/module.php/" + path
		for _, p := range []*page{b.get(address + "?AuthState=other"), b.post(address, []idptest.Field{{Name: "AuthState", Value: "other"}})} {
			if p.id("trackid") == nil {
				t.Errorf("%s went on", path)
			}
		}
	}
	wantClean(t, f.ClientBugs())
}

// TestFormManyRequests: the last page belongs to the sign-in that led to it.
func TestFormManyRequests(t *testing.T) {
	t.Parallel()
	for extra, bug := range map[int]bool{16: false, 17: true} {
		f := newForm(t, idptest.FormOptions{})
		b := newBrowser(t, f, f.Elsewhere())
		p := b.get(formEntry) // 2 requests
		for range extra {
			p = b.get(p.url.String())
		}
		wantAssertion(t, b.submit(p, p.id("f"), map[string]string{"username": "alice", "password": idptest.AlicePassword})) // 2 more
		if bug {
			wantBug(t, f.ClientBugs(), idptest.BugManyRequests)
		} else {
			wantClean(t, f.ClientBugs())
		}
	}
}
