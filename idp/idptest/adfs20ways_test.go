package idptest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehop/idp/idptest"
)

// TestADFS20HomeRealm chooses an organisation in the list.
func TestADFS20HomeRealm(t *testing.T) {
	t.Parallel()
	const partner, list = "http://idp.partner.example/adfs/services/trust", controls20 + "PassiveIdentityProvidersDropDownList"
	o := in20(idptest.Options{ClaimsProviders: []string{partner, idptest.LocalAuthority}, Now: time.Now}) // the jar has a clock of its own
	choose := func(change func([]idptest.Field) []idptest.Field) (*idptest.ADFS, *browser, *page) {
		a := newADFS(t, o)
		b := newBrowser(t, a, a.Elsewhere())
		p := b.get(entry)
		fields, _ := p.successful(p.id("aspnetForm"), nil)
		return a, b, b.post(p.resolve(val(p.id("aspnetForm"), "action"), true).String(), change(fields))
	}
	set := func(id string) func([]idptest.Field) []idptest.Field {
		return replace(list, func(string) string { return id })
	}
	a, b, p := choose(set(idptest.LocalAuthority))
	if reqs := a.Requests(); !strings.HasSuffix(p.url.String(), "IdpInitiatedSignOn.aspx?loginToRp=urn:amazon:webservices") || reqs[2].Status != 302 {
		t.Errorf("the choice led to %s", p.url)
	}
	wantAssertion(t, b.submit(p, p.id("aspnetForm"), typed20))
	wantClean(t, a.ClientBugs())

	_, _, p = choose(set(partner))
	if p.url.Host != "idp.partner.example" {
		t.Errorf("the partner's choice led to %s", p.url.Host)
	}
	a, _, p = choose(without(controls20 + "PassiveSignInButton"))
	if p.find("_PassiveIdentityProvidersDropDownList") == nil {
		t.Error("without the button the list does not come again")
	}
	wantBug(t, a.ClientBugs(), idptest.BugForeignField)
	a, _, p = choose(set("urn:nobody"))
	if p.status != 500 {
		t.Error("an organisation that is not offered was taken")
	}
	wantBug(t, a.ClientBugs(), idptest.BugForeignField)
}

// TestADFS20Sites signs in by way of the list of relying parties, which a script posts back
// before it can be used.
func TestADFS20Sites(t *testing.T) {
	t.Parallel()
	a := newADFS(t, in20(idptest.Options{}))
	b := newBrowser(t, a, a.Elsewhere())
	p := b.get(base + "/adfs/ls/IdpInitiatedSignOn.aspx")
	list := p.find("_RelyingPartyDropDownList")
	if _, off := attr(list, "disabled"); !off {
		t.Error("the list can be used before the other site is chosen")
	}
	fields, _ := p.successful(p.id("aspnetForm"), nil)
	other := replace(controls20+"group1", func(string) string { return "OtherRpRadioButton" })
	event := replace("__EVENTTARGET", func(string) string { return controls20 + "OtherRpRadioButton" })
	p = b.post(p.url.String(), without(controls20+"SignInButton")(event(other(fields))))
	if got := val(all(p.find("_RelyingPartyDropDownList"), func(n *html.Node) bool { return n.Data == "option" })[0], "value"); got != "urn:amazon:webservices" {
		t.Errorf("the option's value is %q, want the identifier", got)
	}
	p = b.submit(p, p.id("aspnetForm"), nil)
	wantAssertion(t, b.submit(p, p.id("aspnetForm"), typed20))
	if p = b.get(base + "/adfs/ls/IdpInitiatedSignOn.aspx"); !strings.Contains(p.source, "You are signed in.") || p.find("_GoButton") == nil {
		t.Error("the list does not know that its user is signed in")
	}
	wantClean(t, a.ClientBugs())
}

// TestADFSIntranet is who is sent to integrated sign-in.
func TestADFSIntranet(t *testing.T) {
	t.Parallel()
	const trident = "Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko"
	cases := []struct {
		name, agent string
		o           idptest.Options
		sent        bool
	}{
		{"outside", trident, idptest.Options{}, false},
		{"outside, without forms inside", "gatehop", idptest.Options{FormsOnIntranetOff: true}, false},
		{"inside", trident, idptest.Options{Intranet: true}, true},
		{"inside, another client", "gatehop", idptest.Options{Intranet: true}, false},
		{"inside, part of the name", "x MSIPC y", idptest.Options{Intranet: true}, true},
		{"inside, other names", "x MSIPC y", idptest.Options{Intranet: true, WIAUserAgents: []string{"Chrome"}}, false},
		{"inside, no names", trident, idptest.Options{Intranet: true, WIAUserAgents: []string{}}, false},
		{"inside, an administrator's names", "Mozilla/5.0 (Windows NT 10.0) Chrome/1", idptest.Options{Intranet: true, WIAUserAgents: []string{"Chrome"}}, true},
		{"inside, without forms", "gatehop", idptest.Options{Intranet: true, FormsOnIntranetOff: true}, true},
		{"inside, without falling back", "gatehop", idptest.Options{Intranet: true, WIAFallbackOff: true}, true},
	}
	for _, v := range versions() {
		for _, c := range cases {
			a := newADFS(t, v.as(c.o))
			b := newBrowser(t, a, a.Elsewhere())
			b.header = func(r *http.Request) { r.Header.Set("User-Agent", c.agent) }
			p := b.get(entry)
			if sent := p.status == 401; sent != c.sent || sent != slices.Equal(p.header.Values("WWW-Authenticate"), []string{"Negotiate", "NTLM"}) {
				t.Errorf("%s, %s: status %d, want it sent to integrated sign-in: %v", v.name, c.name, p.status, c.sent)
			}
			if c.sent && (p.url.Path != "/adfs/ls/wia" || p.url.Query().Get("client-request-id") == "" || p.url.Query().Get("loginToRp") == "") {
				t.Errorf("%s, %s: at %s, want the query and its client-request-id", v.name, c.name, p.url)
			}
			// A password posted all the same is not looked at.
			p = b.post(entry, []idptest.Field{{Name: "UserName", Value: alice}, {Name: "Password", Value: idptest.AlicePassword}, {Name: "AuthMethod", Value: "FormsAuthentication"}})
			if v.more == 0 && (p.assertion() == "") != c.sent {
				t.Errorf("%s, %s: a posted password was taken, or not, the other way round", v.name, c.name)
			}
		}
	}
}
