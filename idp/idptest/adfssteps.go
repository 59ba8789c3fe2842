package idptest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	formsMethod       = "FormsAuthentication"
	certificateMethod = "CertificateAuthentication"
	requestID         = "client-request-id"
)

// entry is the IdP-initiated sign-on page, where all of a sign-in happens.
func (a *ADFS) entry(x *exchange) answer {
	sess := a.signedIn(a.authCookie(x))
	a.findFlow(x, sess)
	if a.o.IdPInitiatedDisabled {
		return a.errorPage(x, "MSIS7012", "")
	}
	if x.Method == http.MethodPost {
		return a.posted(x, sess)
	}
	party := a.party(x)
	rp, known := a.relyingParty(x)
	switch {
	case sess != nil && sess.partial:
		return a.partial(x, sess)
	case party != "" && !known && a.o.UnknownRPError:
		return a.errorPage(x, "MSIS7007", "")
	case !known:
		return a.idpForm(x, sess)
	case sess != nil:
		return a.issue(x, sess, rp)
	case a.fault.entry != nil:
		return a.fault.entry(a.simulator, x)
	case a.partnerOf(x.Query.Get("RedirectToIdentityProvider")) != nil:
		return a.toPartner(x, a.partnerOf(x.Query.Get("RedirectToIdentityProvider")))
	case a.homeRealmOpen(x):
		return a.hrdPage(x, "")
	case a.integrated(x):
		return a.toIntegrated(x)
	case !a.o.ClientRequestIDOff && x.Query.Get(requestID) == "":
		return a.redirectToSelf(x)
	}
	return a.firstPage(x)
}

// findFlow tells which sign-in the request belongs to: by the id in its query, else by
// its cookie. A GET without an id begins one.
func (a *ADFS) findFlow(x *exchange, sess *session) {
	parent := a.flows[x.cookie("MSISSamlRequest")]
	id := x.Query.Get(requestID)
	switch f := a.flows[id]; {
	case id != "" && f != nil:
		x.flow = f
	case x.Method == http.MethodPost && parent != nil:
		x.flow = parent
	case x.Method == http.MethodPost:
		x.flow = a.pool
	case a.o.ClientRequestIDOff:
		x.flow = a.pool
		if sess == nil || sess.issued {
			a.pool.starts++
		}
	case id != "":
		x.flow = a.begin(id, parent, id)
	default:
		id = a.guid()
		x.flow = a.begin(id, parent, id)
	}
}

// redirectToSelf adds the id of the sign-in to the address and sets its cookie.
func (a *ADFS) redirectToSelf(x *exchange) answer {
	id := x.flow.id
	binding := url.QueryEscape("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect")
	cookie := base64.StdEncoding.EncodeToString([]byte(
		"BaseUrl=" + url.QueryEscape("https://"+x.host+x.Path) + `\SAMLRequest=` + base64.RawURLEncoding.EncodeToString(a.random(24)) +
			`\ProtocolBinding=` + binding + `\`))
	a.flows[cookie] = x.flow
	return a.cookie(redirect(http.StatusFound, a.self(x, id)), "MSISSamlRequest", cookie, "")
}

// self is the address of the request with that id.
func (a *ADFS) self(x *exchange, id string) string {
	query := x.RawQuery
	if !a.o.ClientRequestIDOff && id != "" {
		query = withQuery(query, requestID, id)
	}
	if query != "" {
		query = "?" + query
	}
	return "https://" + x.host + a.path(x) + query
}

// cookie sets a cookie as AD FS does.
func (a *ADFS) cookie(to answer, name, value, more string) answer {
	if a.o.DropCookies {
		return to
	}
	if a.o.Flavour == "2019" {
		more += "; SameSite=None"
	}
	return to.set("Set-Cookie", name+"="+value+more+"; path="+a.o.cookiePath()+"; HttpOnly; Secure")
}

// authCookie returns the session cookie, its parts joined.
func (a *ADFS) authCookie(x *exchange) string {
	value := x.cookie("MSISAuth")
	for i := 1; i < 10; i++ {
		value += x.cookie("MSISAuth" + strconv.Itoa(i))
	}
	return value
}

// party is the identifier of the service that the sign-in is for.
func (a *ADFS) party(x *exchange) string {
	if id := x.Query.Get("loginToRp"); id != "" {
		return id
	}
	return parseFields(x.Query.Get("RelayState")).Get("RPID")
}

// relyingParty is the service that the sign-in is for; a trust that is switched off is as
// good as none.
func (a *ADFS) relyingParty(x *exchange) (rp RelyingParty, known bool) {
	rp, known = a.o.RelyingParties[a.party(x)]
	return rp, known && !rp.Disabled
}

func (a *ADFS) homeRealmOpen(x *exchange) bool {
	if len(a.o.ClaimsProviders) < 2 {
		return false
	}
	chosen := x.Query.Get("RedirectToIdentityProvider")
	if id, err := base64.StdEncoding.DecodeString(x.cookie("MSISIPSelectionPersistent")); err == nil && len(id) > 0 {
		chosen = string(id)
	}
	return chosen != LocalAuthority
}

func (a *ADFS) hrdPage(x *exchange, words string) answer {
	p := a.chrome(x, x.text.SignIn)
	p.Action, p.Error, p.Providers = a.pathAndQuery(x), words, a.providers()
	return a.page(http.StatusOK, "adfs/hrd.html", p)
}

// providers are the organisations to choose from.
func (a *ADFS) providers() []ClaimsProvider {
	var list []ClaimsProvider
	for _, id := range a.o.ClaimsProviders {
		display := id
		if id == LocalAuthority {
			display = "Active Directory"
		}
		if partner := a.partnerOf(id); partner != nil {
			display = partner.Display
		}
		list = append(list, ClaimsProvider{id, display})
	}
	return list
}

func (a *ADFS) idpForm(x *exchange, sess *session) answer {
	p := a.chrome(x, x.text.SignIn)
	p.Action, p.SignedIn, p.Parties = a.pathAndQuery(x), sess != nil, a.parties
	return a.page(http.StatusOK, "adfs/idpform.html", p)
}

// posted tells the forms of the page apart by their fields.
func (a *ADFS) posted(x *exchange, sess *session) answer {
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return x.Form.Count(n) > 0 })
	}
	switch {
	case has("Context"):
		return a.secondFactor(x, sess)
	case has("HomeRealmSelection", "HomeRealmByEmail", "Email"):
		return a.homeRealm(x)
	case has("SignInIdpSite", "SignInOtherSite", "SingleSignOut", "RelyingParty"):
		return a.chosenSite(x)
	case has("Password"):
		return a.login(x)
	case has("AuthMethod") && sess != nil && sess.partial:
		return a.chosenFactor(x, sess)
	case has("AuthMethod"):
		return a.chosenMethod(x)
	case has("UserName") && a.o.Paginated == PaginatedSteps:
		return a.namedUser(x)
	case has("UserName"):
		return a.login(x)
	}
	return a.firstPage(x)
}

// homeRealm takes the choice of an organisation. Only AD FS's own directory signs
// anybody in here.
func (a *ADFS) homeRealm(x *exchange) answer {
	a.checkFields(x.Request, "HomeRealmSelection", "Email", "HomeRealmByEmail")
	choice := x.Form.Get("HomeRealmSelection")
	switch {
	case !slices.Contains(a.o.ClaimsProviders, choice):
		return a.hrdPage(x, x.text.UnknownEmail)
	case choice != LocalAuthority:
		return a.partner(x, choice)
	}
	return a.rememberRealm(redirect(http.StatusFound, a.self(x, "")), choice)
}

// chosenSite takes the form that lists the relying parties.
func (a *ADFS) chosenSite(x *exchange) answer {
	a.checkFields(x.Request, "SignInIdpSite", "SignInOtherSite", "RelyingParty", "SignInSubmit", "SignInGo", "SingleSignOut")
	if x.Form.Count("SignInOtherSite") == 0 {
		return a.firstPage(x)
	}
	for id, rp := range a.o.RelyingParties {
		if rp.Disabled {
			continue
		}
		if guid := x.Form.Get("RelyingParty"); guid != "" && guid == rp.GUID {
			return redirect(http.StatusFound, "https://"+x.host+a.path(x)+"?"+withQuery(x.RawQuery, "loginToRp", url.QueryEscape(id)))
		}
	}
	return a.idpForm(x, nil)
}

// user finds an account by any of its names.
func (a *ADFS) user(name string) *User {
	domain, local := splitName(name)
	for i := range a.users {
		d, l := splitName(a.users[i].Name)
		if l == local && (domain == d && domain != "" || domain == "" && a.o.AcceptBareUser) {
			return &a.users[i]
		}
	}
	return nil
}

// splitName returns domain and name in lower case.
func splitName(name string) (domain, local string) {
	name = strings.ToLower(name)
	if domain, local, ok := strings.Cut(name, `\`); ok {
		return domain, local
	}
	if i := strings.LastIndex(name, "@"); i >= 0 {
		return name[i+1:], name[:i]
	}
	return "", name
}

// signIn begins a session, whose cookies have the Domain attribute domain if that is not
// "", and sends the client to the same page again.
func (a *ADFS) signIn(x *exchange, user *User, domain string) answer {
	id := x.flow.id
	if x.flow == a.pool && !a.o.ClientRequestIDOff { // a direct post: its sign-in begins here
		id = a.guid()
		a.begin(id, nil, id)
		a.pool.starts++
	}
	sess := &session{user: user, flow: x.flow, since: a.now(), partial: user.MFA, domain: domain, kept: a.o.Kmsi && x.Form.Get("Kmsi") == "true"}
	token := base64.StdEncoding.EncodeToString(a.random(1500))
	a.sessions[token] = sess
	return a.authCookies(redirect(http.StatusFound, a.self(x, id)), token, sess)
}

// authCookies sets the session cookie, in two parts if it is big.
func (a *ADFS) authCookies(to answer, token string, sess *session) answer {
	more := ""
	if sess.kept {
		more = "; expires=" + sess.since.AddDate(0, 0, 7).UTC().Format(http.TimeFormat)
	}
	if sess.domain != "" {
		more += "; domain=" + sess.domain
	}
	if !a.o.BigToken {
		return a.cookie(to, "MSISAuth", token, more)
	}
	half := len(token) / 2
	return a.cookie(a.cookie(to, "MSISAuth", token[:half], more), "MSISAuth1", token[half:], more)
}
