package idptest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/idp/idptest"
)

// TestADFSPolls: a page that is polled waits as often as it is told to, and a denial is said
// after the same wait.
func TestADFSPolls(t *testing.T) {
	t.Parallel()
	for polls, pending := range map[int]int{0: 3, 1: 1, 5: 5, -1: 0} {
		for _, result := range []idptest.FactorResult{"", "deny"} {
			a, b := withFactor(t, versions()[0], idptest.Options{MFA: idptest.FactorAzurePush, MFAPolls: polls, MFAResult: result})
			p := b.signIn(entry, alice, idptest.AlicePassword)
			waited := -1
			for p.textOf("errorText") == "" && p.assertion() == "" && waited < 10 {
				p = b.answer(p, nil)
				waited++
			}
			if waited != pending || (p.assertion() != "") != (result == "") {
				t.Errorf("MFAPolls %d, %q: ended after %d polls, want %d", polls, result, waited, pending)
			}
			wantClean(t, a.ClientBugs())
		}
	}
}

// TestADFSDenied: whoever denies is told so, has another request sent by whoever posts the
// page again, and after the third one is shown an error.
func TestADFSDenied(t *testing.T) {
	t.Parallel()
	for _, v := range versions() {
		for _, f := range secondFactors() {
			if f.pushes == 0 || f.kind == "silverfort" {
				continue
			}
			a, b := withFactor(t, v, idptest.Options{MFA: f.kind, MFAResult: "deny", MFAPolls: -1})
			p := f.arrive(b)
			for i := range 3 {
				if f.polls > 0 && i > 0 {
					p = b.answer(p, nil) // another request
				}
				p = b.answer(p, nil)
				words := map[bool]string{true: "The request was denied.", false: "Authentication denied.  Please try again."}[f.polls > 0]
				if got := p.textOf("errorText"); (got != words) != (i == 2) || a.Pushes() != i+1 {
					t.Errorf("%s, denial %d: says %q after %d pushes", f.kind, i+1, got, a.Pushes())
				}
			}
			if p.id("errorArea") == nil || b.get(entry).assertion() != "" {
				t.Errorf("%s: want an error page and no assertion", f.kind)
			}
			wantClean(t, a.ClientBugs())
		}
	}
}

// TestADFSSilverfort: its words are a page without a form.
func TestADFSSilverfort(t *testing.T) {
	t.Parallel()
	for result, words := range map[idptest.FactorResult]string{"deny": "Not authorized", "never": "MFA request expired"} {
		a, b := withFactor(t, versions()[0], idptest.Options{MFA: idptest.FactorSilverfort, MFAResult: result, MFAExpires: time.Nanosecond})
		p := b.answer(b.signIn(entry, alice, idptest.AlicePassword), nil)
		if p.textOf("customAuthArea") != words || p.form("Context") != nil || b.get(entry).assertion() != "" {
			t.Errorf("%s: says %q, want %q and no form", result, p.textOf("customAuthArea"), words)
		}
		wantClean(t, a.ClientBugs())
	}
}

// TestADFSBlocks: a post that waits for the phone takes as long as it is told to, or until
// nobody is waited for any longer.
func TestADFSBlocks(t *testing.T) {
	t.Parallel()
	for _, kind := range []idptest.Factor{idptest.FactorAzureServer, idptest.FactorSilverfort} {
		for _, c := range []struct {
			o     idptest.Options
			takes time.Duration
			in    bool
		}{
			{idptest.Options{}, 0, true},
			{idptest.Options{MFABlocks: 50 * time.Second}, 50 * time.Second, true},
			{idptest.Options{MFABlocks: 5 * time.Second, MFAResult: "deny"}, 5 * time.Second, false},
			{idptest.Options{MFABlocks: 5 * time.Second, MFAResult: "never"}, time.Minute, false},
			{idptest.Options{MFAExpires: 90 * time.Second, MFAResult: "never"}, 90 * time.Second, false},
			{idptest.Options{MFABlocks: 5 * time.Second, MFAExpires: time.Second, MFAResult: "never"}, 5 * time.Second, false},
		} {
			synctest.Test(t, func(t *testing.T) {
				c.o.MFA, c.o.Now = kind, time.Now
				a, b := withFactor(t, versions()[0], c.o)
				p := b.signIn(entry, alice, idptest.AlicePassword)
				if a.Pushes() != 0 {
					t.Errorf("%s: %d pushes before anything was posted", kind, a.Pushes())
				}
				since := time.Now()
				p = b.answer(p, nil)
				if got := time.Since(since); got != c.takes || (p.assertion() != "") != c.in || a.Pushes() != 1 {
					t.Errorf("%s, %+v: took %v and %d pushes, signed in = %v", kind, c.o, got, a.Pushes(), !c.in)
				}
				wantClean(t, a.ClientBugs())
				last := a.Requests()[4]
				if c.in && last.Status != 302 || !c.in && (last.Status != 200 || last.Page == "") {
					t.Errorf("%s: recorded as %d %q", kind, last.Status, last.Page)
				}
			})
		}
	}
}

// TestADFSBlockedPhone: what a person does while a post waits counts when it is answered.
func TestADFSBlockedPhone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := withFactor(t, versions()[0], idptest.Options{MFA: idptest.FactorAzureServer, MFAResult: "deny", MFABlocks: 20 * time.Second, Now: time.Now})
		p := b.signIn(entry, alice, idptest.AlicePassword)
		time.AfterFunc(10*time.Second, func() { a.SetPhone(alice, idptest.PhoneApproves) })
		wantAssertion(t, b.answer(p, nil))
	})
}

// TestADFSBlockedGone: who gives up has made the call all the same, and cannot make another
// one with the same page.
func TestADFSBlockedGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := withFactor(t, versions()[0], idptest.Options{MFA: idptest.FactorAzureServer, MFABlocks: time.Minute, Now: time.Now})
		p := b.signIn(entry, alice, idptest.AlicePassword)
		b.http.Timeout = 10 * time.Second
		fields, _ := p.successful(p.form("Context"), nil)
		resp, err := b.http.Post(p.url.String(), "application/x-www-form-urlencoded", strings.NewReader(encode(fields)))
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Post = %v, want a time-out", err)
		}
		synctest.Wait()
		b.http.Timeout = 0
		if b.answer(p, nil).id("errorArea") == nil || a.Pushes() != 1 {
			t.Errorf("%d calls, want 1 and an error page", a.Pushes())
		}
		wantBug(t, a.ClientBugs(), idptest.BugStaleContext)
		if last := a.Requests()[4]; last.Status != 0 || last.Page != "" {
			t.Errorf("recorded as %d %q, want nothing answered", last.Status, last.Page)
		}
	})
}

// TestADFSPhoneWins: a phone that is set is what counts, at once.
func TestADFSPhoneWins(t *testing.T) {
	t.Parallel()
	for result, does := range map[idptest.FactorResult]idptest.Phone{"approve": idptest.PhoneDenies, "never": idptest.PhoneApproves, "deny": idptest.PhoneApproves} {
		for _, f := range secondFactors() {
			if f.pushes == 0 {
				continue
			}
			a, b := withFactor(t, versions()[0], idptest.Options{MFA: f.kind, MFAResult: result, MFAPolls: 9, MFAExpires: time.Nanosecond})
			a.SetPhone(strings.ToUpper(alice), does)
			if got := b.answer(f.arrive(b), nil).assertion() != ""; got != (does == idptest.PhoneApproves) {
				t.Errorf("%s, %s: signed in = %v by a phone that %s", f.kind, result, got, does)
			}
		}
	}
}

// TestADFSNotEnrolled: Azure MFA says where a phone is made known, and rings none.
func TestADFSNotEnrolled(t *testing.T) {
	t.Parallel()
	for _, v := range versions() {
		for _, kind := range []idptest.Factor{"azure-push", "azure-number", "azure-code", "choice"} {
			a, b := withFactor(t, v, idptest.Options{MFA: kind, MFAResult: "notenrolled"})
			p := b.signIn(entry, alice, idptest.AlicePassword)
			if kind == "choice" {
				p = b.answer(p, typing{"AuthMethod": "AzureMfaAuthentication"})
			}
			words := p.textOf("errorMessage")
			if !strings.HasPrefix(words, "The selected authentication method is not available for "+alice) || !strings.Contains(words, "proofup.aspx") {
				t.Errorf("%s: says %q", kind, words)
			}
			if a.Pushes() != 0 || b.get(entry).assertion() != "" {
				t.Errorf("%s: %d pushes, or an assertion", kind, a.Pushes())
			}
			wantClean(t, a.ClientBugs())
		}
	}
}

// TestADFSEnrolledElsewhere: Azure MFA alone says that somebody is not enrolled.
func TestADFSEnrolledElsewhere(t *testing.T) {
	t.Parallel()
	_, b := withFactor(t, versions()[0], idptest.Options{MFA: idptest.FactorChoice, MFAResult: "notenrolled"})
	p := b.answer(b.signIn(entry, alice, idptest.AlicePassword), typing{"AuthMethod": "SampleAdapter"})
	wantAssertion(t, b.answer(p, typing{"ChallengeQuestionAnswer": idptest.CustomCode}))
}

// TestADFSStepUp: the cookie of the first factor ends with the second one, and a later
// second factor has three tries of its own.
func TestADFSStepUp(t *testing.T) {
	t.Parallel()
	a, b := withFactor(t, versions()[0], idptest.Options{MFA: idptest.FactorVIP})
	p := b.signIn(entry, alice, idptest.AlicePassword)
	var first []string
	for _, c := range b.http.Jar.Cookies(p.url) {
		first = append(first, c.String())
	}
	wrong := func(code string) {
		t.Helper()
		if p = b.answer(p, typing{"security_code": code}); p.textOf("errorText") == "" {
			t.Errorf("not asked again after %s", code)
		}
	}
	wrong("000000")
	wrong("000001")
	wantAssertion(t, b.answer(p, typing{"security_code": idptest.MFACode}))
	a.SetMFA(alice, true)
	p = b.get(entry)
	wrong("000000")
	wrong("000002")
	wantAssertion(t, b.answer(p, typing{"security_code": idptest.MFACode}))
	wantClean(t, a.ClientBugs())
	b.http.Jar = nil
	b.header = set("Cookie", strings.Join(first, "; "))
	if p := b.get(entry); p.form("Password") == nil {
		t.Error("the cookie of the first factor is still good")
	}
}

// TestADFSPollEvery: polls that are too close are client bugs, of one request alone.
func TestADFSPollEvery(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		every, gap time.Duration
		bugs       int
	}{
		{900 * time.Millisecond, 899 * time.Millisecond, 1},
		{900 * time.Millisecond, 900 * time.Millisecond, 0},
		{0, 0, 0},
	} {
		at := &clock{now: start}
		a, b := withFactor(t, versions()[0], idptest.Options{MFA: idptest.FactorAzurePush, MFAResult: "never", PollEvery: c.every, Now: at.Now})
		p := b.answer(b.signIn(entry, alice, idptest.AlicePassword), nil) // the first may come at once
		at.advance(c.gap)
		b.answer(p, nil)
		p = b.get(entry) // another request
		b.answer(p, nil)
		bugs := a.ClientBugs()
		if len(bugs) != c.bugs {
			t.Errorf("%v after %v: %q, want %d", c.every, c.gap, bugs, c.bugs)
		}
		if c.bugs > 0 {
			wantBug(t, bugs, idptest.BugFastPoll)
		}
	}
}
