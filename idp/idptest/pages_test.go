package idptest_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"gatehop/idp"
	"gatehop/idp/idptest"
)

// TestRender parses every page and looks for the elements that make it that page.
func TestRender(t *testing.T) {
	t.Parallel()
	names, err := idptest.PageNames()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{ // of every AD FS page: what identifies it
		"adfs/login.html": "loginForm", "adfs/error.html": "errorMessage", "adfs/hrd.html": "hrd", "adfs/idpform.html": "idpForm",
		"adfs/mfa.html": "mfaGreeting", "adfs/updatepassword.html": "updatePasswordForm", "adfs/methods.html": "options", "ssp/login.html": "f",
		"adfs20/signin.html": "ctl00_ContentPlaceHolder1_PasswordTextBox", "adfs20/idpsignon.html": "ctl00_ContentPlaceHolder1_RelyingPartyDropDownList",
		"adfs20/homerealm.html": "ctl00_ContentPlaceHolder1_PassiveIdentityProvidersDropDownList", "adfs20/error.html": "aspnetForm",
		"ssp/changepassword.html": "change",
	}
	full := idptest.Page{
		Title: "T<1>", Company: "C&C", Host: host, Action: `/x?a=1&b="2"`, UserName: `a"<b>`, Error: "<i>words</i>", Forced: true,
		Options: []string{"CertificateAuthentication"}, Parties: []idptest.RelyingParty{{GUID: "g", Display: "<AWS>"}},
		Providers: []idptest.ClaimsProvider{{ID: idptest.LocalAuthority, Display: "AD"}}, Context: `<x a="b">+`, Activity: "1-2", Detail: "MSIS1",
		Display: "AWS", Time: "now", UserAgent: "<ua>", ACS: "https://sp.example/acs", SAMLResponse: "QUJD+/==", RelayState: `"&`, Decoy: true,
		Quirks: idptest.Quirks(), Ask: []string{"username", "password", "otp"}, AuthState: `_1:https://x/?a&b`, Link: `/y?a=1&b='"`, ErrorText: "<more>",
		OptionsAction: "https://" + host + ":443/adfs/ls/?a=1&b=2", Captcha: true, Kmsi: true,
		Blocks: []string{"usernamePage", "primaryOptionsPage", "passwordPage"}, Themed: true,
		WebForm: idptest.WebForm{ViewState: "/wEPDw+/==", Generator: "0EE29E36", EventValidation: "/wEW+/==", DB: "15", PostsBack: true},
	}
	newest := full
	newest.Flavour = "2019"
	pages := []idptest.Page{{}, full, newest}
	for _, f := range idptest.Factors() {
		of := full
		of.Factor, of.Number, of.AuthMethod = f.Factor, "<i>42</i>", "<i>x</i>"
		pages = append(pages, of)
	}
	for _, name := range names {
		for _, p := range pages {
			source, err := idptest.Render(name, p)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			doc, err := html.Parse(bytes.NewReader(source))
			if err != nil {
				t.Fatal(err)
			}
			if id := ids[name]; id != "" && (&page{doc: doc}).id(id) == nil {
				t.Errorf("%s has no element %s", name, id)
			}
			if len(all(doc, func(n *html.Node) bool { return n.Data == "i" || n.Data == "ua" || n.Data == "more" })) != 0 {
				t.Errorf("%s: a value became markup", name)
			}
			if strings.Contains(string(source), "ZgotmplZ") {
				t.Errorf("%s: a value was refused by its context", name)
			}
		}
	}
	if _, err := idptest.Render("adfs/other.html", full); err == nil {
		t.Error("Render of no page = nil, want an error")
	}
	if _, err := idptest.Render("adfs/autopost.html", idptest.Page{SAMLResponse: `"><script>`}); err == nil {
		t.Error("Render of a SAMLResponse that is not base64 = nil, want an error")
	}
	if len(names) < 20 || slices.ContainsFunc(names, func(n string) bool {
		return strings.HasSuffix(n, "chrome.html") || strings.HasSuffix(n, "factors.html")
	}) {
		t.Errorf("PageNames = %q", names)
	}
}

// TestRenderAction writes the action as it shall stand in the source.
func TestRenderAction(t *testing.T) {
	t.Parallel()
	both := idptest.Page{Action: "/x?a=1&b=2", Blocks: []string{"usernamePage", "passwordPage"}}
	source, err := idptest.Render("adfs/paginated.html", both)
	if want := ` action="/x?a=1&amp;b=2">`; err != nil || strings.Count(string(source), want) != 2 {
		t.Errorf("Render of a paginated page: want %q twice, %v", want, err)
	}
	for want, p := range map[string]idptest.Page{
		` action="/x?a=1&amp;b=2">`:      {Action: "/x?a=1&b=2"},
		` action="/x?a=1&b=2">`:          {Action: "/x?a=1&b=2", RawAmp: true},
		` action="">`:                    {},
		`Login.submitLoginRequest();" >`: {NoAction: true, Action: "/x"},
	} {
		source, err := idptest.Render("adfs/login.html", p)
		if err != nil || !strings.Contains(string(source), want) {
			t.Errorf("Render of %+v: no %q, %v", p.Action, want, err)
		}
	}
}

// TestAnswers gives each answer once, and what is not in the script is an error.
func TestAnswers(t *testing.T) {
	t.Parallel()
	a := idptest.NewAnswers(map[string][]string{"password": {"one", "", idptest.NoAnswer}, "otp": {"1"}})
	ask := func(field string) (string, error) {
		v, err := a.Ask(t.Context(), idp.Question{Field: field, Options: []string{"x"}})
		return v.Reveal(), err
	}
	for _, want := range []string{"one", ""} {
		if v, err := ask("password"); v != want || err != nil {
			t.Errorf("Ask = %q, %v; want %q", v, err, want)
		}
	}
	if _, err := ask("password"); !errors.Is(err, idp.ErrNoAnswer) {
		t.Errorf("Ask = %v, want ErrNoAnswer", err)
	}
	var none *idptest.UnscriptedError
	if _, err := ask("password"); !errors.As(err, &none) || none.Asked != 4 || none.Question.Field != "password" {
		t.Errorf("Ask = %v, want the fourth question unscripted", err)
	}
	if _, err := ask("username"); !errors.As(err, &none) || none.Asked != 1 || errors.Is(err, idp.ErrNoAnswer) {
		t.Errorf("Ask = %v, want an unscripted question", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Ask(ctx, idp.Question{Field: "otp"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Ask = %v, want context.Canceled", err)
	}
	if got := a.Unused(); !slices.Equal(got, []string{"otp"}) {
		t.Errorf("Unused = %q, want otp", got)
	}
	a.Tell(t.Context(), "number 42")
	if got := a.Told(); !slices.Equal(got, []string{"number 42"}) {
		t.Errorf("Told = %q", got)
	}
	if a.Asked("password") != 4 || len(a.Questions()) != 6 {
		t.Errorf("Asked = %d of %d", a.Asked("password"), len(a.Questions()))
	}
}
