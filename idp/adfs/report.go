package adfs

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"gatehop/idp"
	"gatehop/idp/form"
)

var (
	activityForm = lazily(`[0-9a-fA-F-]{32,40}`) // a GUID, whatever the words before it
	numberForm   = lazily(`MSIS\d{4}`)
	realmForm    = lazily(`HRD\s*\.\s*selection\s*\(\s*(?:'([^']*)'|"([^"]*)")`)
)

// lazily compiles a pattern when it is first used: most runs of the program read no page.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// enrolmentLinks lead from the page of a second factor to where it is set up (E23).
const enrolmentLinks = `#mfaGreetingDescription a[href*="proofup.aspx"], #mfaGreetingDescription a[href*="aka.ms/mfasetup"]`

// numbers are the errors whose number says more than the page. External users
// normally see none.
var numbers = map[string]idp.Verdict{
	"MSIS7000": idp.StateLost,
	"MSIS7001": idp.StateLost,
	"MSIS7007": idp.UnknownParty, // "unspecified or unsupported"; after a sign-in: not permitted
	"MSIS7012": idp.EntryDisabled,
	"MSIS7042": idp.SignInLoop,
}

// isError knows the error page by its parts, whatever its status: it may be 200.
func isError(p *form.Page, s *form.State) bool {
	return p.Has("#errorArea, #errorMessage") && !asks(p, s)
}

// reportError tells the error pages apart: by number, by where they lead, and by when
// they come. The first page of all is refused because the entry is switched off or the
// relying party is not known; after the password was right, the person is not permitted.
func (v *visit) reportError(_ context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	details := p.Text("#errorDetails") + " " + p.Text("#errorMessage")
	number := numberForm().FindString(details)
	verdict, known := numbers[number]
	switch {
	case known && (verdict != idp.UnknownParty || !signedIn(w, p)):
	case p.Has(`#errorArea a[href*="proofup.aspx"], #errorArea a[href*="aka.ms/mfasetup"]`) ||
		strings.Contains(details, "proofup.aspx") || strings.Contains(details, "aka.ms/mfasetup"):
		verdict = idp.Enrolment
	case v.factor != "" && w.State.Direct: // the answer to a second factor, which the sign-in ends with
		verdict = idp.MFADenied
	case signedIn(w, p):
		verdict = idp.NotPermitted
	case w.State.Pages == 1 && number == "":
		verdict = idp.EntryDisabled
	default:
		verdict = idp.ProviderError
	}
	if v.forgetLoop(w, p, verdict, known) {
		return w.Restart(), nil
	}
	e := w.Fail(p, verdict, p.VisibleText("#errorMessage"))
	e.Activity = w.Clean(activityForm().FindString(p.Text("#activityID")))
	if verdict == idp.UnknownParty {
		e.Words = w.Clean(relyingParty(w.Entry))
	}
	if verdict == idp.EntryDisabled && !known {
		return v.askBare(w, p, e), nil
	}
	return form.Next{}, e
}

// askBare goes to the entry without a relying party, which tells what e was about.
func (v *visit) askBare(w *form.Walk, p *form.Page, e *idp.PageError) form.Next {
	bare := *w.Entry
	bare.RawQuery = ""
	v.refused = e
	return w.Get(p, &bare)
}

// loopCookie counts the assertions that one browser got lately. Several programs that
// share a kept session get more of them in 20 seconds than a person would.
const loopCookie = "MSISLoopDetectionCookie"

// forgetLoop drops the count of a loop, once and where nothing was typed or approved that
// would have to be again; what loops in truth comes back. An error without a number that meets
// a kept session may be about a loop as well, if there is a count.
func (v *visit) forgetLoop(w *form.Walk, p *form.Page, verdict idp.Verdict, known bool) bool {
	if w.Session.HTTP.Jar == nil || v.looped || w.State.Passwords > 0 || v.factor != "" {
		return false
	}
	counted := slices.ContainsFunc(w.Session.HTTP.Jar.Cookies(p.URL), func(c *http.Cookie) bool { return c.Name == loopCookie })
	if verdict != idp.SignInLoop && (known || verdict != idp.NotPermitted || !counted) {
		return false
	}
	v.looped = w.DropCookies(p, loopCookie)
	return v.looped
}

// reportRefused tells, by the entry without a relying party, why AD FS refused the one
// with it and did not say: whoever shows the list knows no such party.
func (v *visit) reportRefused(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	if !p.Has(partyList) {
		return form.Next{}, v.refused
	}
	_, err := reportParties(ctx, w, p)
	var e *idp.PageError
	if errors.As(err, &e) {
		e.Activity = v.refused.Activity
	}
	return form.Next{}, err
}

// signedIn reports whether AD FS has given the cookie that proves a sign-in.
func signedIn(w *form.Walk, p *form.Page) bool {
	if w.Session.HTTP.Jar == nil {
		return false
	}
	for _, c := range w.Session.HTTP.Jar.Cookies(p.URL) {
		if strings.HasPrefix(c.Name, "MSISAuth") && c.Value != "" {
			return true
		}
	}
	return false
}

// partyList is the list of relying parties.
const partyList = `form#idpForm, select[name="RelyingParty"], select[name$="RelyingPartyDropDownList"]`

// reportParties reports that AD FS shows its list of relying parties although one was
// asked for.
func reportParties(_ context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	var parties []item
	for _, o := range p.Find(`select[name="RelyingParty"] option, select[name$="RelyingPartyDropDownList"] option`).EachIter() {
		parties = append(parties, item{o.AttrOr("value", ""), o.Text()})
	}
	return form.Next{}, choice{verdict: idp.UnknownParty, words: relyingParty(w.Entry), items: parties}.open(w, p, parties)
}
