package idptest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehop/idp/idptest"
)

// state stands for the hidden fields of the page that was sent last.
const state = "{state}"

func hidden(p *page, form *html.Node) []idptest.Field {
	var fields []idptest.Field
	for _, c := range p.controls(form) {
		if val(c, "type") == "hidden" {
			fields = append(fields, idptest.Field{Name: val(c, "name"), Value: val(c, "value")})
		}
	}
	return fields
}

// FuzzProviders posts anything anywhere. Nothing may end the handler, break a page,
// become markup in it, or be answered with an assertion but the right password.
func FuzzProviders(f *testing.F) {
	f.Add("/adfs/ls/IdpInitiatedSignOn.aspx?loginToRp=urn:amazon:webservices", "UserName=CORP%5Calice&Password=wrong&AuthMethod=FormsAuthentication", "application/x-www-form-urlencoded", "")
	f.Add("/adfs/ls/idpinitiatedsignon?client-request-id=\"><script>x</script>", "Context=<x>&AuthMethod=SampleAdapter", "application/x-www-form-urlencoded", "MSISAuth=x; MSISAuth1=y; MSISLoopDetectionCookie=MjAyNC0wNS0wNjowNzowODowOVpcNQ==")
	f.Add("/adfs/ls/idpinitiatedsignon", "SignInOtherSite=x&RelayingParty=y&SignInGo=z", "application/x-www-form-urlencoded", "MSISIPSelectionPersistent=QUQgQVVUSE9SSVRZ")
	f.Add("/adfs/ls/idpinitiatedsignon?RelayState=RPID%3Dx%26RelayState%3D%22", "HomeRealmSelection=%3A%2F%2F&Email=", "application/x-www-form-urlencoded", "SamlSession=%%%")
	f.Add("/adfs/portal/updatepassword/?username=%3Cscript%3E", "OldPassword=x", "text/plain", "")
	f.Add("/simplesaml/module.php/core/loginuserpass.php?AuthState=x", "AuthState=x&username=alice&password=%zz", "multipart/form-data; boundary=x", "SimpleSAMLSessionID=x")
	f.Add("/simplesaml/saml2/idp/SSOService.php?spentityid=urn:amazon:webservices", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--", "multipart/form-data; boundary=x", "")
	f.Add("/adfs/ls/idpinitiatedsignon?loginToRp=urn:amazon:webservices", "UserName=%22%3E%3Cscript%3E", "application/x-www-form-urlencoded", "")
	f.Add("/adfs/ls/idpinitiatedsignon?loginToRp=urn:amazon:webservices", "AuthMethod=FormsAuthentication&UserName=%3Ci%3E", "application/x-www-form-urlencoded", "")
	f.Add("/adfs/ls/IdpInitiatedSignOn.aspx?loginToRp=urn:amazon:webservices", state+"&ctl00%24ContentPlaceHolder1%24UsernameTextBox=%22%3E%3Cscript%3E&ctl00%24ContentPlaceHolder1%24PasswordTextBox=wrong&ctl00%24ContentPlaceHolder1%24SubmitButton=Sign+In", "application/x-www-form-urlencoded", "")
	f.Add("/adfs/ls/IdpInitiatedSignOn.aspx", state+"&__EVENTTARGET=x&ctl00%24ContentPlaceHolder1%24group1=OtherRpRadioButton&ctl00%24ContentPlaceHolder1%24RelyingPartyDropDownList=x&ctl00%24ContentPlaceHolder1%24GoButton=x", "application/x-www-form-urlencoded", "MSISAuth=x")
	f.Add("/adfs/ls/HomeRealmDiscovery.aspx?loginToRp=\"", state+"&ctl00%24ContentPlaceHolder1%24PassiveIdentityProvidersDropDownList=%3A%2F%2F&ctl00%24ContentPlaceHolder1%24PassiveSignInButton=x", "application/x-www-form-urlencoded", "")
	f.Add("/adfs/ls/FormsSignIn.aspx?<i>", "__VIEWSTATE=%2FwEPDw+&__db=", "application/x-www-form-urlencoded", "")
	users := []idptest.User{{Name: alice, Password: "no fuzzer finds this password", Roles: idptest.SampleRoles()}}
	f.Fuzz(func(t *testing.T, target, body, contentType, cookies string) {
		if !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
		if _, err := url.ParseRequestURI(target); err != nil {
			return
		}
		for _, p := range []provider{
			newADFS(t, idptest.Options{Users: users, Kmsi: true, CertificateLink: true, ClaimsProviders: []string{idptest.LocalAuthority, "b"}}),
			newADFS(t, idptest.Options{Users: users, Flavour: "2019", Themed: true, MethodChoice: true}),
			newADFS(t, idptest.Options{Users: users, Flavour: "2019", Paginated: idptest.PaginatedNative, CertificateLink: true}),
			newADFS(t, idptest.Options{Users: users, Flavour: "2019", Paginated: idptest.PaginatedSteps, MethodChoice: true}),
			newADFS(t, idptest.Options{Users: users, Flavour: "2.0", Themed: true, DisplayExceptions: true}),
			newADFS(t, idptest.Options{Users: users, Flavour: "2.0", Asp4: true, ClaimsProviders: []string{idptest.LocalAuthority, "b"}}),
			newForm(t, idptest.FormOptions{Users: users, Quirks: []idptest.Quirk{idptest.QuirkLatin1, idptest.QuirkMultipart}}),
		} {
			rt := idptest.Transport(map[string]http.Handler{idptest.AnyHost: p})
			sent := body
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				req, err := http.NewRequestWithContext(t.Context(), method, base+target, strings.NewReader(sent))
				if err != nil {
					return
				}
				req.Header = http.Header{"Content-Type": {contentType}, "Cookie": {cookies}, "Referer": {body}, "Accept-Language": {body}, "User-Agent": {body}}
				resp, err := rt.RoundTrip(req)
				if err != nil {
					if strings.Contains(err.Error(), "panicked") {
						t.Fatal(err)
					}
					return
				}
				if l := resp.Header.Get("Location"); strings.ContainsAny(l, "\r\n") {
					t.Error("a redirect with a line end")
				}
				doc, err := html.Parse(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				pg := &page{doc: doc}
				if form := pg.id("aspnetForm"); form != nil {
					sent = strings.ReplaceAll(body, state, encode(hidden(pg, form)))
				}
				if pg.assertion() != "" {
					t.Error("an assertion was issued")
				}
				for _, s := range all(doc, func(n *html.Node) bool { return n.Data == "script" }) {
					if strings.Contains(body+target, text(s)) && text(s) != "" && len(text(s)) < 20 {
						t.Error("what was sent became a script")
					}
				}
			}
			if reqs := p.Requests(); reqs[len(reqs)-1].Page == "broken" {
				t.Error("a page did not render")
			}
			p.Stats()
		}
	})
}

// FuzzSecondFactor posts anything to any second factor, with the context of its page where
// the text has it. Without the right code, or somebody at the phone, nothing signs in.
func FuzzSecondFactor(f *testing.F) {
	for i := range idptest.Factors() {
		f.Add(i, "AuthMethod=SampleAdapter&Context={context}&ChallengeQuestionAnswer=41&Submit=Submit")
		f.Add(i, "Context={context}&Context=x&__EVENTTARGET=verificationOption3&InitStatus=true&Passcode=next&AuthMethod=")
		f.Add(i, "AuthMethod=AzureMfaAuthentication&Context={context}")
		f.Add(i, "AuthMethod=SecurIDAuthentication&Context={context}&Passcode=next&Submit=Submit")
	}
	f.Fuzz(func(t *testing.T, kind int, body string) {
		kinds := idptest.Factors()
		info := kinds[uint(kind)%uint(len(kinds))]
		o := idptest.Options{MFA: info.Factor, MFAExpires: time.Nanosecond}
		for _, f := range parsed(body) {
			if f.Value == idptest.MFACode || f.Value == idptest.CustomCode {
				return
			}
		}
		results := []idptest.FactorResult{idptest.FactorNever, idptest.FactorDenied}
		if !slices.Contains(info.Results, idptest.FactorNever) { // nobody is needed but who knows the code
			results = []idptest.FactorResult{idptest.FactorApproved}
		}
		for _, o.MFAResult = range results {
			a := newADFS(t, o)
			b := newBrowser(t, a, a.Elsewhere())
			p := b.signIn(entry, alice, idptest.AlicePassword)
			for range 4 {
				context := ""
				if n := p.id("context"); n != nil {
					context = url.QueryEscape(val(n, "value"))
				}
				p = b.post(entry, parsed(strings.ReplaceAll(body, "{context}", context)))
			}
			if b.get(entry).assertion() != "" {
				t.Errorf("%s signed in", info.Factor)
			}
			if reqs := a.Requests(); slices.ContainsFunc(reqs, func(r idptest.Request) bool { return r.Page == "broken" }) {
				t.Error("a page did not render")
			}
		}
	})
}

// parsed reads the fields of a body.
func parsed(body string) []idptest.Field {
	var fields []idptest.Field
	for pair := range strings.SplitSeq(body, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if v, err := url.QueryUnescape(value); err == nil {
			value = v
		}
		fields = append(fields, idptest.Field{Name: name, Value: value})
	}
	return fields
}
