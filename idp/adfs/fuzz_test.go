package adfs_test

import (
	"net/http"
	"strings"
	"testing"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
)

// FuzzPages signs in at two pages, whatever they are. Nothing may end it but a verdict or
// an assertion, and the password goes out at most once, in the body of a POST to AD FS.
func FuzzPages(f *testing.F) {
	names, err := idptest.PageNames()
	if err != nil {
		f.Fatal(err)
	}
	blocks := []string{"usernamePage", "primaryOptionsPage", "passwordPage"}
	for _, name := range names {
		if !strings.HasPrefix(name, "adfs") {
			continue
		}
		for _, flavour := range idptest.Flavours() {
			page := idptest.Page{Flavour: flavour, Title: "Sign in", Host: host, Action: "/adfs/ls/", OptionsAction: "https://" + host + ":443/adfs/ls/", Blocks: blocks, Options: []string{"FormsAuthentication", "AzureMfaAuthentication"},
				Providers: []idptest.ClaimsProvider{{ID: "urn:partner", Display: "Partner"}, {ID: "urn:x", Display: "urn:x"}},
				WebForm:   idptest.WebForm{ViewState: "/wEPDwUK+A==", EventValidation: "/wEWBA+/==", Generator: "0EE29E36", DB: "15", Asp4: flavour == "2019"}, Activity: guid20}
			first := render(f, name, page)
			page.Error, page.Themed = "Falsch.", true
			f.Add(first, render(f, name, page))
			for _, block := range blocks {
				page.Blocks = []string{block}
				f.Add(render(f, "adfs/paginated.html", page), first)
			}
		}
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		const password = "kennwort8264kanarie"
		if pages := strings.ToLower(first + second); strings.Contains(pages, password) || strings.Contains(pages, "refresh") {
			return // the latter are waited for
		}
		for _, c := range []adfs.Config{{}, {HomeRealm: "Partner", MFA: "azure"}} {
			fuzzPages(t, c, password, first, second)
		}
	})
}

// fuzzPages signs in at two pages.
func fuzzPages(t *testing.T, c adfs.Config, password, first, second string) {
	s, other := &server{pages: []string{first, second}}, &server{pages: []string{""}}
	r := newRig(t, idptest.Options{}, map[string][]string{"username": {alice, idptest.NoAnswer}, "password": {password, idptest.NoAnswer}, "otp": {idptest.NoAnswer}, "home_realm": {"urn:x"}, "mfa": {"AzureMfaAuthentication"}})
	transport := idptest.Transport(map[string]http.Handler{host: s, idptest.AnyHost: other})
	r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: r.session.Trust, Transport: transport, Now: clock})
	if _, err := r.login(t, c); err != nil && strings.Contains(err.Error(), password) {
		t.Errorf("Login = %v, which holds the password", err)
	}
	if sent := strings.Count(strings.Join(s.posted, "\n"), password); sent > 1 {
		t.Errorf("the password was posted %d times", sent)
	}
	if strings.Contains(strings.Join(append(other.posted, s.asked...), "\n")+strings.Join(other.asked, "\n"), password) {
		t.Error("the password is in an address, or was sent to another host")
	}
}

func render(f *testing.F, name string, p idptest.Page) string {
	f.Helper()
	source, err := idptest.Render(name, p)
	if err != nil {
		f.Fatal(err)
	}
	return string(source)
}
