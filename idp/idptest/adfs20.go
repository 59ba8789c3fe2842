package idptest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// LocalAuth is the way in which AD FS 2.0 signs everybody in: the first of the
// localAuthenticationTypes in its web.config. There is no falling back to another one.
type LocalAuth string

// The ways that are simulated. The zero value is LocalForms.
const (
	LocalForms      LocalAuth = ""           // FormsSignIn.aspx
	LocalIntegrated LocalAuth = "Integrated" // auth/integrated/
	LocalBasic      LocalAuth = "Basic"      // auth/basic/
)

// webForms is the version of AD FS that is made of ASP.NET Web Forms. Everything that it
// asks for is a page of its own state, which comes back with the answer.
const webForms = "2.0"

func (o *Options) webForms() bool { return o.Flavour == webForms }

// checkWebForms refuses what the versions do not have.
func (o *Options) checkWebForms() error {
	has := func(options map[string]bool) string {
		for _, name := range slices.Sorted(maps.Keys(options)) {
			if options[name] {
				return name
			}
		}
		return ""
	}
	if !slices.Contains([]LocalAuth{LocalForms, LocalIntegrated, LocalBasic}, o.LocalAuthFirst) {
		return fmt.Errorf("simulate AD FS: unknown local authentication %q", o.LocalAuthFirst)
	}
	later := has(map[string]bool{
		"UpdatePasswordEndpoint": o.UpdatePasswordEndpoint, "RequireRequestCookie": o.RequireRequestCookie, "Kmsi": o.Kmsi,
		"CertificateLink": o.CertificateLink, "MethodChoice": o.MethodChoice, "IdPInitiatedDisabled": o.IdPInitiatedDisabled,
		"Intranet": o.Intranet, "MFA": o.MFA != "" || slices.ContainsFunc(o.Users, func(u User) bool { return u.MFA }),
	})
	early := has(map[string]bool{
		"Asp4": o.Asp4, "LocalAuthFirst": o.LocalAuthFirst != LocalForms, "BreakViewState": o.BreakViewState, "DisplayExceptions": o.DisplayExceptions,
	})
	switch {
	case o.webForms() && later != "":
		return fmt.Errorf("simulate AD FS: 2.0 has no %s", later)
	case !o.webForms() && early != "":
		return fmt.Errorf("simulate AD FS: %s has no %s", o.Flavour, early)
	}
	return nil
}

// basicAt is the path that asks for HTTP Basic.
func (o *Options) basicAt() string {
	if o.LocalAuthFirst == LocalBasic {
		return "/adfs/ls/auth/basic/"
	}
	return ""
}

// headers are those of HTTP.sys, or of IIS.
func (o *Options) headers() http.Header {
	if !o.webForms() {
		return http.Header{
			"Server": {"Microsoft-HTTPAPI/2.0"}, "Cache-Control": {"no-cache,no-store"}, "Pragma": {"no-cache"},
			"Expires": {"-1"}, "Content-Type": {"text/html; charset=utf-8"},
		}
	}
	asp := "2.0.50727"
	if o.Asp4 {
		asp = "4.0.30319"
	}
	return http.Header{
		"Server": {"Microsoft-IIS/7.5"}, "Cache-Control": {"private"}, "X-Aspnet-Version": {asp}, "X-Powered-By": {"ASP.NET"},
		"Content-Type": {"text/html; charset=utf-8"},
	}
}

// routes20 are the pages of AD FS 2.0. The sign-in form has no address of its own: it is
// shown at, and posted to, the one that was asked for.
func (a *ADFS) routes20() map[string]func(*exchange) answer {
	direct := func(x *exchange) answer { return a.errorPage(x, "MSIS7001", "") }
	return map[string]func(*exchange) answer{
		"/adfs/ls/idpinitiatedsignon.aspx": a.entry20,
		"/adfs/ls/idpinitiatedsignon":      a.entry20,
		"/adfs/ls/homerealmdiscovery.aspx": a.homeRealm20,
		"/adfs/ls/":                        a.protocol,
		"/adfs/ls/formssignin.aspx":        direct,
		"/adfs/ls/auth/integrated/":        a.integrated20,
		"/adfs/ls/auth/basic/":             a.basic20,
	}
}

// challenge20 is the 401 of IIS.
func (a *ADFS) challenge20(schemes ...string) answer {
	to := a.page(http.StatusUnauthorized, "adfs20/iis.html", Page{
		Title: "401 - Unauthorized: Access is denied due to invalid credentials.",
		Error: "You do not have permission to view this directory or page using the credentials that you supplied.",
	})
	for _, scheme := range schemes {
		to = to.set("WWW-Authenticate", scheme)
	}
	return to
}

// What a page of AD FS 2.0 asks for.
type asks20 string

const (
	asks20Password asks20 = "password"
	asks20Site     asks20 = "relying party"
	asks20Realm    asks20 = "claims provider"
	asks20Nothing  asks20 = "nothing"
)

// sent20 is a page that was sent.
type sent20 struct {
	asks  asks20
	state Fields // what must come back byte for byte
	label string // of the button
	flow  *flow
}

// names of what ASP.NET and AD FS put into a page, in the order of the page.
const (
	viewStateField       = "__VIEWSTATE"
	generatorField       = "__VIEWSTATEGENERATOR"
	eventValidationField = "__EVENTVALIDATION"
	dbField              = "__db"
)

// page20 sends a page with a state of its own, as part of the sign-in under way or the
// first of one: only the state tells sign-ins apart.
func (a *ADFS) page20(x *exchange, status int, name string, asks asks20, p Page) answer {
	if x.flow == nil || x.flow == a.pool {
		x.flow = newFlow("", nil)
	}
	p.WebForm = WebForm{
		// As ASP.NET's own they begin with /wEPDw and /wEW, and all of +, / and = is in them.
		ViewState:       a.state64([]byte{0xff, 0x01, 0x0f, 0x0f, 0x05, 0x0a, 0xfb, 0xef, 0xbe}, 601),
		EventValidation: a.state64([]byte{0xff, 0x01, 0x16, 0xfb, 0xef, 0xbe}, 41),
		Generator:       "0EE29E36", DB: "15", Asp4: a.o.Asp4, PostsBack: asks == asks20Site,
	}
	label := x.text.SignInButton
	if asks == asks20Realm {
		label = x.text.Continue
	}
	a.sent[p.WebForm.ViewState] = &sent20{asks, Fields{
		{viewStateField, p.WebForm.ViewState}, {generatorField, p.WebForm.Generator},
		{eventValidationField, p.WebForm.EventValidation}, {dbField, p.WebForm.DB},
	}, label, x.flow}
	return a.page(status, name, p)
}

func (a *ADFS) state64(head []byte, random int) string {
	return base64.StdEncoding.EncodeToString(append(head, a.random(random)...))
}

// signInPage20 is FormsSignIn.aspx. One text is for everything that is wrong with an
// account, and its element is there with a text alone.
func (a *ADFS) signInPage20(x *exchange, userName, words string) answer {
	p := a.chrome(x, x.text.SignIn)
	p.UserName, p.Action, p.NoAction, p.RawAmp = userName, a.action(x), a.o.Action == ActionMissing, a.o.Action == ActionUnescapedAmp
	if words != "" {
		p.Error = x.text.IncorrectUserName
	}
	if a.fault.login != nil {
		a.fault.login(&p, x)
	}
	return a.page20(x, http.StatusOK, "adfs20/signin.html", asks20Password, p)
}

// sitesPage20 is the list of relying parties. A script posts it back when the other one of
// its radio buttons is chosen, which is when the list can be used.
func (a *ADFS) sitesPage20(x *exchange, sess *session, other bool) answer {
	p := a.chrome(x, x.text.SignIn)
	p.Action, p.SignedIn, p.Parties, p.OtherSite = a.pathAndQuery(x), sess != nil, a.parties, other
	return a.page20(x, http.StatusOK, "adfs20/idpsignon.html", asks20Site, p)
}

func (a *ADFS) homeRealmPage20(x *exchange) answer {
	p := a.chrome(x, x.text.SignIn)
	p.Action, p.Providers = a.pathAndQuery(x), a.providers()
	return a.page20(x, http.StatusOK, "adfs20/homerealm.html", asks20Realm, p)
}

// errorPage20 gives a number to ask the administrator about, and the error itself where
// the server is set up to.
func (a *ADFS) errorPage20(x *exchange, status int, msis, words string) answer {
	p := a.chrome(x, x.text.ErrorTitle)
	p.Action, p.Error, p.Activity = a.pathAndQuery(x), words, a.guid()
	if a.o.DisplayExceptions && msis != "" {
		p.Detail = "Microsoft.IdentityServer.Web.InvalidRequestException: " + msis
	}
	return a.page20(x, status, "adfs20/error.html", asks20Nothing, p)
}

// brokenState is ASP.NET's answer to a state that is not its own.
func (a *ADFS) brokenState(x *exchange) *answer {
	p := Page{
		Text: x.text, Detail: "ViewStateException: Invalid viewstate.",
		Error: "Validation of viewstate MAC failed. If this application is hosted by a Web Farm or cluster, ensure that <machineKey> configuration specifies the same validationKey and validation algorithm.",
	}
	to := a.page(http.StatusInternalServerError, "adfs20/viewstate.html", p)
	return &to
}

// cookiePath is where a cookie of AD FS is shown.
func (o *Options) cookiePath() string {
	if o.webForms() {
		return "/adfs/ls"
	}
	return "/adfs"
}

// tail is the last part of the path, with the query.
func (a *ADFS) tail(x *exchange) string { return a.pathAndQuery(x)[strings.LastIndex(x.Path, "/")+1:] }
