package idptest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The controls of AD FS 2.0.
const (
	controls20   = "ctl00$ContentPlaceHolder1$"
	userField    = controls20 + "UsernameTextBox"
	passField    = controls20 + "PasswordTextBox"
	submitField  = controls20 + "SubmitButton"
	groupField   = controls20 + "group1"
	partyField   = controls20 + "RelyingPartyDropDownList"
	realmField   = controls20 + "PassiveIdentityProvidersDropDownList"
	realmButton  = controls20 + "PassiveSignInButton"
	otherRpRadio = "OtherRpRadioButton"
)

// entry20 is the IdP-initiated sign-on page and, with a relying party, everything up to
// its assertion.
func (a *ADFS) entry20(x *exchange) answer {
	sess := a.signedIn(a.authCookie(x))
	if sess != nil && !sess.issued {
		x.flow = sess.flow
	}
	if x.Method == http.MethodPost {
		return a.posted20(x, sess)
	}
	return a.shown20(x, sess)
}

// shown20 is what the entry shows who has not answered anything.
func (a *ADFS) shown20(x *exchange, sess *session) answer {
	party := a.party(x)
	rp, known := a.relyingParty(x)
	switch {
	case party != "" && !known && a.o.UnknownRPError:
		return a.errorPage(x, "MSIS3020", "")
	case !known:
		return a.sitesPage20(x, sess, false)
	case sess != nil:
		return a.issue(x, sess, rp)
	case a.fault.entry != nil:
		return a.fault.entry(a.simulator, x)
	case a.homeRealmOpen(x):
		return redirect(http.StatusFound, "/adfs/ls/HomeRealmDiscovery.aspx?"+x.RawQuery)
	case a.o.LocalAuthFirst == LocalIntegrated:
		return redirect(http.StatusFound, "/adfs/ls/auth/integrated/?"+x.RawQuery)
	case a.o.LocalAuthFirst == LocalBasic:
		return redirect(http.StatusFound, "/adfs/ls/auth/basic/?"+x.RawQuery)
	}
	return a.signInPage20(x, "", "")
}

// posted20 goes by the page that the form came from.
func (a *ADFS) posted20(x *exchange, sess *session) answer {
	from, broken := a.cameFrom(x)
	if password := x.Form.Get(passField); password != "" {
		a.notePassword(x, x.Form.Get(userField), password)
	}
	switch {
	case broken != nil:
		return *broken
	case from == nil: // no post back at all
		return a.shown20(x, sess)
	case from.asks == asks20Password:
		return a.login20(x, from)
	case from.asks == asks20Site:
		return a.chosenSite20(x, sess, from)
	}
	return *a.brokenState(x)
}

// cameFrom finds the page that a form came from by its state, which must be as it was
// sent. Without one it is no post back: nil and nil.
func (a *ADFS) cameFrom(x *exchange) (*sent20, *answer) {
	if x.flow == nil {
		x.flow = a.pool
	}
	state := x.Form.Get(viewStateField)
	if x.Form.Count(viewStateField) == 0 {
		a.bug(BugViewState, x.Request, "%s was left out", viewStateField)
		return nil, nil
	}
	from := a.sent[state]
	if from == nil {
		what := "is not as on the page"
		if from = a.sent[strings.ReplaceAll(state, " ", "+")]; from != nil {
			what = "has a + that was not escaped"
			x.flow = from.flow
		}
		a.bug(BugViewState, x.Request, "%s %s", viewStateField, what)
		return nil, a.brokenState(x)
	}
	x.flow = from.flow
	for _, f := range from.state {
		switch n := x.Form.Count(f.Name); {
		case n == 0:
			a.bug(BugViewState, x.Request, "%s was left out", f.Name)
		case n > 1:
			a.bug(BugForeignField, x.Request, "%s %d times", f.Name, n)
		}
		if got := x.Form.Get(f.Name); got != f.Value {
			if got != "" {
				a.bug(BugViewState, x.Request, "%s is not as on the page", f.Name)
			}
			return from, a.brokenState(x)
		}
	}
	return from, nil
}

// pressed reports whether the button of the page was sent, without which ASP.NET shows the
// page again. No person sends a form without it.
func (a *ADFS) pressed(x *exchange, from *sent20, button string) bool {
	switch n := x.Form.Count(button); {
	case n == 0:
		a.bug(BugForeignField, x.Request, "%q was left out", button)
		return false
	case n > 1:
		a.bug(BugForeignField, x.Request, "%q %d times", button, n)
	case x.Form.Get(button) != from.label:
		a.bug(BugForeignField, x.Request, "%q is not sent as it stands on the page", button)
	}
	return true
}

func (a *ADFS) checkFields20(x *exchange, from *sent20, more ...string) {
	a.checkFields(x.Request, slices.Concat(from.state.Names(), more)...)
}

// checkLogin20 looks for client bugs in a posted sign-in form.
func (a *ADFS) checkLogin20(x *exchange, from *sent20) {
	a.checkFields20(x, from, userField, passField, submitField)
	if n := x.Form.Count(userField); n > 1 {
		a.bug(BugUserNameRepeated, x.Request, "the user name %d times", n)
	}
	if x.Form.Count(passField) > 1 {
		a.bug(BugPasswordRepeated, x.Request, "the password twice in one form")
	}
	if x.Form.Get(passField) != "" && x.Form.Get(userField) == "" {
		a.bug(BugUserNameMissing, x.Request, "a password without a user name")
	}
}

// login20 takes a user name and password. That a form with an empty one comes again
// without a word is this simulator's choice.
func (a *ADFS) login20(x *exchange, from *sent20) answer {
	a.checkLogin20(x, from)
	name, password := x.Form.Get(userField), x.Form.Get(passField)
	switch {
	case !a.pressed(x, from, submitField), name == "", password == "":
		return a.signInPage20(x, name, "")
	case a.o.BreakViewState:
		return *a.brokenState(x)
	case a.fault.posted != nil:
		return a.fault.posted(a.simulator, x)
	case a.fault.always:
		a.noteRefusal(x, name, password)
		return a.signInPage20(x, name, "")
	}
	return a.judge(x, name, password)
}

// chosenSite20 takes the list of relying parties: from its script, or from its button.
func (a *ADFS) chosenSite20(x *exchange, sess *session, from *sent20) answer {
	const signIn, goOn = controls20 + "SignInButton", controls20 + "GoButton"
	a.checkFields20(x, from, "__EVENTTARGET", "__EVENTARGUMENT", "__LASTFOCUS", groupField, partyField, signIn, goOn)
	other := x.Form.Get(groupField) == otherRpRadio
	if x.Form.Count(signIn)+x.Form.Count(goOn) == 0 {
		return a.sitesPage20(x, sess, other)
	}
	if !other && sess == nil {
		return a.signInPage20(x, "", "")
	}
	for id, rp := range a.o.RelyingParties {
		if other && !rp.Disabled && rp.Audience == x.Form.Get(partyField) {
			return redirect(http.StatusFound, x.Path+"?"+withQuery(x.RawQuery, "loginToRp", url.QueryEscape(id)))
		}
	}
	return a.sitesPage20(x, sess, other)
}

// homeRealm20 is the page of the organisations, and takes the choice of one.
func (a *ADFS) homeRealm20(x *exchange) answer {
	if x.Method != http.MethodPost {
		return a.homeRealmPage20(x)
	}
	from, broken := a.cameFrom(x)
	switch {
	case broken != nil:
		return *broken
	case from == nil:
		return a.homeRealmPage20(x)
	case from.asks != asks20Realm:
		return *a.brokenState(x)
	}
	a.checkFields20(x, from, realmField, realmButton)
	choice := x.Form.Get(realmField)
	switch {
	case !a.pressed(x, from, realmButton):
		return a.homeRealmPage20(x)
	case !slices.Contains(a.o.ClaimsProviders, choice): // which ASP.NET sees by its event validation
		a.bug(BugForeignField, x.Request, "a claims provider that the page does not offer")
		return *a.brokenState(x)
	case choice != LocalAuthority:
		return a.partner(x, choice)
	}
	return a.rememberRealm(redirect(http.StatusFound, "IdpInitiatedSignOn.aspx?"+x.RawQuery), choice)
}

// rememberRealm sets the cookie for the organisation that was chosen.
func (a *ADFS) rememberRealm(to answer, choice string) answer {
	until := a.now().AddDate(0, 0, 30).UTC().Format(http.TimeFormat)
	return a.cookie(to, "MSISIPSelectionPersistent", base64.StdEncoding.EncodeToString([]byte(choice)), "; expires="+until)
}

// partner sends the client to another organisation.
func (a *ADFS) partner(x *exchange, choice string) answer {
	if p := a.partnerOf(choice); p != nil {
		return a.toPartner(x, p)
	}
	u, err := url.Parse(choice)
	if err != nil || u.Host == "" {
		return a.errorPage(x, "MSIS7065", "")
	}
	return redirect(http.StatusFound, "https://"+u.Host+"/adfs/ls/?wa=wsignin1.0")
}
