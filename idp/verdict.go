package idp

import (
	"fmt"
	"strings"
)

// Verdict is what a page was found to be, if it is not the way on. The set is closed;
// Catalogue has what each one means.
type Verdict string

// The verdicts. Each stands for one or more rows of the failure catalogue.
const (
	Unknown          Verdict = "unknown"           // E47, E48: none of the others
	Rejected         Verdict = "rejected"          // E01, E02, E12, E32, E39: the provider refused user name or password
	Unexplained      Verdict = "sign-in-again"     // E03: the sign-in page again, without a word
	PasswordExpired  Verdict = "password-expired"  // E04, E06, E34
	UnknownParty     Verdict = "relying-party"     // E05: the provider does not know the relying party; Options: what it offers
	EntryDisabled    Verdict = "entry-disabled"    // E07: IdP-initiated sign-on is switched off
	ProviderError    Verdict = "provider-error"    // E08, E09: the provider's own error page; Activity
	NotPermitted     Verdict = "not-permitted"     // E10: signed in, but nothing for AWS
	NoRoles          Verdict = "no-roles"          // E44: an assertion without roles
	Integrated       Verdict = "integrated"        // E11: 401 Negotiate or NTLM, which is not what is configured; Words: what is offered
	BasicAuth        Verdict = "basic"             // E13: 401 Basic or Digest, in the same way
	HomeRealm        Verdict = "home-realm"        // E14: which organisation; Options
	SignInLoop       Verdict = "loop"              // E15, E56: the sign-in never ends
	StateLost        Verdict = "state-lost"        // E16, E33, E38
	CookiesTooLarge  Verdict = "cookies-too-large" // E17
	MethodChoice     Verdict = "method-choice"     // E18: Options
	SecondFactor     Verdict = "second-factor"     // of a kind that is not understood; Words: its kind, Options: what else is offered
	MFADenied        Verdict = "mfa-denied"        // E21: a second factor was refused; Words
	MFATimeout       Verdict = "mfa-timeout"       // E22: nobody approved in time
	NeedsBrowser     Verdict = "needs-browser"     // E24 to E26, E28: a second factor that only a browser can do; Words: its name, Options: what else is offered
	Captcha          Verdict = "captcha"           // E29
	Firewall         Verdict = "firewall"          // E30: a web firewall wants a browser
	ScriptOnly       Verdict = "script-only"       // E31: Words: the product, if known
	Enrolment        Verdict = "enrolment"         // E23, E35
	Consent          Verdict = "consent"           // E36, E37
	Certificate      Verdict = "certificate"       // E27: also a TLS alert that asks for one
	NoCertificate    Verdict = "no-certificate"    // a certificate is to be shown, and the page wants something else
	ForeignAssertion Verdict = "foreign-assertion" // E41: for another service; Words: its address
	BadAssertion     Verdict = "bad-assertion"     // E42: empty, malformed, several, or not Success; Words
	WSFederation     Verdict = "ws-federation"     // E45
	AWSPage          Verdict = "aws-page"          // E46: arrived at AWS itself
	NotHTML          Verdict = "not-html"          // E49: Words: the content type
	NotFound         Verdict = "not-found"         // E50
	Unavailable      Verdict = "unavailable"       // E51
	ProxyRefused     Verdict = "proxy"             // E52; Words: the ways to sign in that the proxy offers
	TooLarge         Verdict = "too-large"         // E49: over the body, element or depth limit
	OtherUser        Verdict = "other-user"        // E57: the page is for another user; Words: that name
	BareUser         Verdict = "bare-user-name"    // refused before anything is sent: neither @ nor \
	FormInstead      Verdict = "form-instead"      // a 401 is to be answered, and the page is a sign-in form; Words: the way that is configured
	TicketRefused    Verdict = "ticket-refused"    // E12: the server refused the Kerberos ticket, or the system's own session
	ConnectionLost   Verdict = "connection-lost"   // the connection that NTLM is bound to did not last
	UnreadableForm   Verdict = "unsupported-form"  // a form that would send a secret by GET or as text/plain
)

// Summary is the verdict in a few words of gatehop's own: lower case, no advice. Only
// that of Rejected mentions the password.
func (v Verdict) Summary() string { return v.row().Summary }

// Class is the verdict's class; Unsupported for a text that is no verdict.
func (v Verdict) Class() Class { return v.row().Class }

func (v Verdict) row() Row {
	for _, r := range catalogue {
		if r.Verdict == v {
			return r
		}
	}
	return Row{Verdict: v, Class: Unsupported, Summary: string(v)}
}

// PageError is a verdict over one page. Its fields hold no secret and no query string;
// what the provider wrote has gone through CleanWords.
type PageError struct {
	Verdict     Verdict
	URL         string   // scheme, host and path of the page (SafeURL); "" if there is none
	Title       string   // the page's title
	Words       string   // the provider's own words, or what the verdict's comment says
	Activity    string   // the provider's reference for its administrator
	Options     []string // what the page offers to choose from
	Fingerprint string   // names and types of the page's fields, never values; for Unknown
	Charset     string   // of Rejected: the page's encoding, if it is not UTF-8; what was typed was sent in it
	Scheme      string   // of Rejected and PasswordExpired: the kind of HTTP authentication; "" for a form
	Status      int      // HTTP status; 0 if it does not matter; said if it is 400 or more
}

func (e *PageError) Error() string {
	text := e.Verdict.Summary()
	if e.URL != "" && !e.isAboutPerson() {
		text = e.URL + ": " + text
	}
	if e.Words != "" {
		text += fmt.Sprintf(": %q", e.Words)
	} else if e.Title != "" {
		text += fmt.Sprintf(", titled %q", e.Title)
	}
	var more []string
	if e.Status >= 400 {
		more = append(more, fmt.Sprintf("HTTP status %d", e.Status))
	}
	if e.Activity != "" {
		more = append(more, "activity ID "+e.Activity)
	}
	if len(e.Options) > 0 {
		more = append(more, "offered: "+strings.Join(e.Options, ", "))
	}
	if e.Fingerprint != "" {
		more = append(more, "fields: "+e.Fingerprint)
	}
	if len(more) > 0 {
		text += " (" + strings.Join(more, "; ") + ")"
	}
	return text
}

// isAboutPerson: what the person answered is meant, and not a page.
func (e *PageError) isAboutPerson() bool {
	return e.Verdict == Rejected || e.Verdict == MFADenied || e.Verdict == MFATimeout
}

// Is reports whether target is a *PageError of the same verdict.
func (e *PageError) Is(target error) bool {
	t, ok := target.(*PageError)
	return ok && t.Verdict == e.Verdict
}
