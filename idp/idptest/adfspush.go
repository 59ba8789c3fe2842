package idptest

import (
	"net/http"
	"strings"
)

// pushMethod is Azure MFA in the cloud. It pushes a request to the person's phone and shows
// a page that is posted again and again, with nothing to type, until that is answered
// (idp-pages.md 3.6).
const pushMethod = "AzureMfaAuthentication"

// Phone is what a person does with the requests that are pushed to their phone.
type Phone string

// What they do. The zero value is nothing at all.
const (
	PhoneApproves Phone = "approves"
	PhoneDenies   Phone = "denies"
)

// SetPhone says what a user does with pushed requests from now on.
func (a *ADFS) SetPhone(user string, does Phone) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.phones[strings.ToLower(user)] = does
}

// Pushes is how many requests were pushed to phones.
func (a *ADFS) Pushes() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pushes
}

// beginFactor asks for the second factor that was chosen. A method that pushes does so with
// its page, whoever has asked for that.
func (a *ADFS) beginFactor(x *exchange, sess *session) answer {
	if sess.method == pushMethod {
		a.pushes++
		sess.pushed = true
	}
	return a.factorPage(x, sess, "")
}

// polled answers a page that waits for the phone: with the next one until the person has
// done something. After a denial the page says so, and whoever posts that one has another
// request pushed.
func (a *ADFS) polled(x *exchange, sess *session) answer {
	x.flow.requests-- // polls count for nothing
	a.checkFields(x.Request, "AuthMethod", "Context")
	if x.Form.Get("AuthMethod") != pushMethod {
		a.bug(BugForeignField, x.Request, "another method than that of the page")
		return a.errorPage(x, "MSIS7001", "")
	}
	switch does := a.phones[strings.ToLower(sess.user.Name)]; {
	case !sess.pushed:
		return a.beginFactor(x, sess)
	case does == PhoneDenies:
		sess.pushed = false
		return a.factorPage(x, sess, x.text.PushDenied)
	case does == PhoneApproves:
		sess.partial = false
		return redirect(http.StatusFound, a.self(x, x.flow.id))
	}
	return a.factorPage(x, sess, "")
}
