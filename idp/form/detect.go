package form

import (
	"slices"
	"strings"

	"gatehop/idp"
	"gatehop/saml"
)

// detector recognises pages on which nothing may be done, and gives the verdict. words
// may be nil: then the page's own words about what is wrong are in the verdict.
type detector struct {
	name    string
	verdict idp.Verdict
	match   func(p *Page) bool
	words   func(p *Page) string
}

// lookAlikes are pages that look like a sign-in form, or hold one that would not help:
// they are looked for before it. Answering them would change a password or agree to
// something, and only the person may do that.
var lookAlikes = []detector{
	{"aws page", idp.AWSPage, isAWSPage, nil},
	{"password change", idp.PasswordExpired, has(`#kc-passwd-update-form, #pwdmain, [name="confirmedPassword"], [name="password-new"]`), nil},
	{"enrolment", idp.Enrolment, has(`#kc-totp-settings, #kc-totp-settings-form, [name="totpSecret"], #kc-update-profile-form, #kc-verify-email`), nil},
	{"captcha", idp.Captcha, hasCaptcha, nil},
	{"consent", idp.Consent, has(`[name="_shib_idp_consentIds"], [name="_shib_idp_consentOptions"], [name="_eventId_AttributeReleaseRejected"], [name="_eventId_TermsRejected"]`), nil},
}

// strangers are pages without a sign-in form, or a form that submits itself, that are
// known to need a person.
var strangers = []detector{
	{"duo", idp.NeedsBrowser, isDuo, constant("Duo")},
	{"passkey", idp.NeedsBrowser, has(`form#webauth, [data-passkey-options], [name="assertionResponse"], [name="isWebAuthnSupportedByBrowser"]`), constant("passkey or security key")},
	{"new password", idp.PasswordExpired, asksNewPassword, nil},
	{"agreement", idp.Consent, asksAgreement, nil},
	{"registration", idp.Enrolment, isRegistration, nil},
	{"provider error", idp.ProviderError, has(`pre#trackid, #kc-error-message`), errorMessage},
}

// steps makes the rows of a table of detectors. The rows match only where when does.
func detectorSteps(table []detector, when func(p *Page) bool) []Step {
	var steps []Step
	for _, d := range table {
		steps = append(steps, Refuse(d.name, d.verdict, func(p *Page, _ *State) bool { return when(p) && d.match(p) }, d.words))
	}
	return steps
}

func has(selector string) func(*Page) bool {
	return func(p *Page) bool { return p.Has(selector) }
}

func constant(words string) func(*Page) string {
	return func(*Page) string { return words }
}

func isAWSPage(p *Page) bool {
	_, aws := saml.SignInPartition("https://" + p.URL.Host + "/saml")
	return aws || p.Has("form#saml_form")
}

// hasCaptcha looks for a challenge that is shown. Pages also load the script of one
// that they show only after some failures.
func hasCaptcha(p *Page) bool {
	for _, n := range p.Find(`.g-recaptcha, .h-captcha, .cf-turnstile`).Nodes {
		if attrOf(n, "data-size") != "invisible" && !p.hides(n) {
			return true
		}
	}
	for _, f := range p.Forms {
		if slices.ContainsFunc(f.Controls, func(c *Control) bool {
			return !c.Hidden && c.Tag == "input" && strings.Contains(strings.ToLower(c.Name+" "+c.ID), "captcha")
		}) {
			return true
		}
	}
	return false
}

func isDuo(p *Page) bool {
	host := p.URL.Hostname()
	return host == "duosecurity.com" || strings.HasSuffix(host, ".duosecurity.com") ||
		p.Has(`#duo_iframe, #duo_form, [data-sig-request], [name="sig_request"], form#adfs_form, [name="adfs_auth_method"]`)
}

// asksNewPassword knows forms with two passwords, and those with a single field for
// choosing one.
func asksNewPassword(p *Page) bool {
	return slices.ContainsFunc(p.Forms, func(f *Form) bool {
		chooses := func(c *Control) bool {
			return c.Role() == NewPassword && !c.Disabled && c.Name != "" && f.shows(c)
		}
		return (f.passwords() >= 2 || slices.ContainsFunc(f.Controls, chooses)) && !f.says(registerWords...)
	})
}

// asksAgreement knows buttons for and against, in one form or in two, and what a
// consent page of SimpleSAMLphp is made of.
func asksAgreement(p *Page) bool {
	yes, no := p.Has(`[name="saveconsent"], [name="StateId"]`), false
	for _, f := range p.Forms {
		for _, c := range f.Controls {
			if c.IsButton() {
				yes = yes || c.consents()
				no = no || c.leads() || slices.Contains([]string{"no"}, strings.ToLower(c.Name))
			}
		}
	}
	return yes && (no || !slices.ContainsFunc(p.Forms, (*Form).asks))
}

func isRegistration(p *Page) bool {
	return slices.ContainsFunc(p.Forms, func(f *Form) bool { return f.asks() && f.says(registerWords...) })
}

func errorMessage(p *Page) string {
	for _, place := range []string{"#kc-error-message .instruction", "p.message", "h1", "h2"} {
		if text := p.VisibleText(place); text != "" {
			return text
		}
	}
	return p.Words()
}

// product is a sign-in that lives in scripts.
type product struct {
	name    string
	hosts   []string // and every host below
	markers []string // anywhere in the source
}

var products = []product{
	{"Okta", []string{"okta.com", "oktapreview.com", "okta-emea.com"}, []string{"okta-signin-widget", "okta-sign-in", "OktaUtil", "oktaData"}},
	{"Microsoft Entra ID", []string{"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"}, []string{"$Config=", "ConvergedSignIn"}},
	{"Google", []string{"accounts.google.com"}, []string{"/v3/signin/", "bgresponse"}},
	{"PingOne", []string{"pingone.com", "pingone.eu", "pingone.ca", "pingone.asia"}, []string{"davinci"}},
	{"OneLogin", []string{"onelogin.com"}, nil},
	{"Auth0", []string{"auth0.com"}, []string{"auth0.js", "auth0-lock"}},
	{"JumpCloud", []string{"jumpcloud.com"}, nil},
}

// scriptProduct names the product whose sign-in is made of scripts; ok is false if the
// page is none of them.
func (p *Page) scriptProduct() (name string, ok bool) {
	host := strings.ToLower(p.URL.Hostname())
	for _, product := range products {
		for _, h := range product.hosts {
			if host == h || strings.HasSuffix(host, "."+h) {
				return product.name, true
			}
		}
		if p.contains(product.markers...) {
			return product.name, true
		}
	}
	return "", false
}

// needsScripts is the rule of thumb for a page that scripts would have to build: HTML
// that holds nothing to go on with but scripts from elsewhere.
func (p *Page) needsScripts() bool {
	return p.Status < 400 && len(p.Forms) == 0 && p.Has("script[src]")
}

var firewallMarks = []string{"/cdn-cgi/challenge-platform", "_Incapsula_", "bm-verify", "cf-browser-verification"}

// isFirewall knows the challenge pages of web firewalls. The marks alone are also in
// pages that a firewall has let through.
func isFirewall(p *Page) bool {
	if p.Header.Get("Cf-Mitigated") != "" || strings.HasPrefix(p.Title, "Just a moment") {
		return true
	}
	return p.contains(firewallMarks...) && (p.Status == 403 || p.Status == 503 || p.Status == 429 || len(p.Forms) == 0)
}

// isTooLong knows how HTTP.sys refuses a request whose cookies have grown too large.
func isTooLong(p *Page) bool {
	return (p.Status == 400 || p.Status == 431) && (p.contains("Request Too Long") || p.Status == 431)
}

// isLost knows pages of a session that is no more: SimpleSAMLphp's "Missing cookie" and
// "State information lost", Shibboleth's "Stale Request", Keycloak's expired page.
func isLost(p *Page) bool {
	for _, title := range []string{"Missing cookie", "State information lost", "Stale Request"} {
		if strings.Contains(p.Title, title) || p.Text("h1") == title || p.Text("h2") == title {
			return true
		}
	}
	return p.Has("a#loginRestartLink, a#retry")
}
