package idptest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Phone is what a person does with the requests that are pushed to their phone.
type Phone string

// What they do. The zero value is nothing at all.
const (
	PhoneApproves Phone = "approves"
	PhoneDenies   Phone = "denies"
)

const (
	defaultPolls   = 3
	defaultExpires = time.Minute
)

// SetPhone says what a user does with pushed requests from now on, at once and whatever
// Options.MFAPolls and MFAResult say.
func (a *ADFS) SetPhone(user string, does Phone) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.phones[strings.ToLower(user)] = does
}

// Pushes is how many requests were pushed to phones and how many calls made.
func (a *ADFS) Pushes() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pushes
}

// push sends a request to the phone. Its number, for the page that shows one, is never that
// of the one before.
func (a *ADFS) push(sess *session) {
	a.pushes++
	sess.pushed, sess.polls, sess.polledAt = true, 0, time.Time{}
	last := sess.number
	for sess.number == last {
		sess.number = fmt.Sprint(10 + int(a.random(1)[0])%90)
	}
}

// onPhone is what the person has done with the request by now.
func (a *ADFS) onPhone(sess *session) Phone {
	if does, set := a.phones[strings.ToLower(sess.user.Name)]; set {
		return does
	}
	switch a.o.MFAResult {
	case FactorDenied:
		return PhoneDenies
	case FactorNever:
		return ""
	}
	return PhoneApproves
}

// polled answers a page that waits for the phone: with the next one until the person has
// done something. After a denial the page says so, and whoever posts that one has another
// request pushed.
func (a *ADFS) polled(x *exchange, sess *session) answer {
	x.flow.requests-- // polls count for nothing
	if !sess.pushed {
		a.push(sess)
		return a.factorPage(x, sess, "")
	}
	now := a.now()
	if gap := now.Sub(sess.polledAt); gap < a.o.PollEvery {
		a.bug(BugFastPoll, x.Request, "polled %v after the poll before", gap)
	}
	sess.polledAt = now
	sess.polls++
	_, set := a.phones[strings.ToLower(sess.user.Name)]
	if !set && sess.polls <= a.o.MFAPolls {
		return a.factorPage(x, sess, "")
	}
	switch a.onPhone(sess) {
	case PhoneDenies:
		sess.pushed = false
		return a.refusedFactor(x, sess, x.text.PushDenied)
	case PhoneApproves:
		return a.passed(x, sess)
	}
	return a.factorPage(x, sess, "")
}

// blocked makes the call, or the request, and answers when the person has done something:
// after Options.MFABlocks, or when nobody is waited for any longer. The context is used up
// with that.
func (a *ADFS) blocked(x *exchange, sess *session) answer {
	a.push(sess)
	sess.context = ""
	return answer{waits: a.o.MFABlocks, then: func() answer {
		if a.onPhone(sess) != "" {
			return a.answered(x, sess)
		}
		return answer{waits: a.o.MFAExpires - a.o.MFABlocks, then: func() answer { return a.answered(x, sess) }}
	}}
}

// answered is what the product says to what was done on the phone.
func (a *ADFS) answered(x *exchange, sess *session) answer {
	does := a.onPhone(sess)
	switch {
	case does == PhoneApproves:
		return a.passed(x, sess)
	case sess.step == FactorSilverfort && does == PhoneDenies:
		return a.silverfort(x, "Not authorized")
	case sess.step == FactorSilverfort:
		return a.silverfort(x, "MFA request expired")
	case does == PhoneDenies:
		return a.refusedFactor(x, sess, x.text.CallDenied)
	}
	return a.refusedFactor(x, sess, x.text.CallExpired)
}

// silverfort is its page of words, which has no form. It speaks English alone.
func (a *ADFS) silverfort(x *exchange, words string) answer {
	p := a.chrome(x, x.text.SignIn)
	p.Error = words
	return a.page(http.StatusOK, "adfs/silverfort.html", p)
}
