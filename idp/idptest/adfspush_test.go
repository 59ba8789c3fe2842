package idptest_test

import (
	"testing"

	"gatehop/idp/idptest"
)

// pushing is an AD FS that pushes a request to Alice's phone after her password.
func pushing(t *testing.T, v version) (*idptest.ADFS, *browser) {
	t.Helper()
	u := idptest.Alice()
	u.MFA = true
	a := newADFS(t, v.as(idptest.Options{Users: []idptest.User{u}, MFA: idptest.FactorAzurePush, MFAResult: idptest.FactorNever}))
	return a, newBrowser(t, a, a.Elsewhere())
}

// TestADFSPush: the page is posted until the person has done something, under a new context
// each time, and one page is one push.
func TestADFSPush(t *testing.T) {
	t.Parallel()
	for _, v := range versions() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			a, b := pushing(t, v)
			p := b.signIn(entry, alice, idptest.AlicePassword)
			seen := map[string]bool{}
			poll := func(words string, pushes int) {
				t.Helper()
				context := val(p.id("context"), "value")
				if p.textOf("instructions") == "" || p.id("challengeQuestionInput") != nil || seen[context] {
					t.Error("want instructions, nothing to type and a new context")
				}
				seen[context] = true
				if got := p.textOf("errorText"); got != words || a.Pushes() != pushes {
					t.Errorf("errorText %q after %d pushes, want %q after %d", got, a.Pushes(), words, pushes)
				}
				p = b.submit(p, p.form("Context"), nil)
			}
			for range 30 { // polls are not charged as requests of a sign-in
				poll("", 1)
			}
			a.SetPhone(alice, idptest.PhoneDenies)
			poll("", 1)
			poll("The request was denied.", 1)
			a.SetPhone(alice, "")
			poll("", 2)
			if b.get(entry).form("Context") == nil || a.Pushes() != 3 {
				t.Errorf("%d pushes, want 3: the page is asked for anew", a.Pushes())
			}
			a.SetPhone(alice, idptest.PhoneApproves)
			p = b.get(entry)
			poll("", 4)
			for p.assertion() == "" && p.forward() != "" {
				p = b.get(p.resolve(p.forward(), true).String())
			}
			wantAssertion(t, p)
			wantAssertion(t, b.get(entry)) // the session has both factors
			if a.Pushes() != 4 {
				t.Errorf("%d pushes, want 4", a.Pushes())
			}
			wantClean(t, a.ClientBugs())
		})
	}
}

// TestADFSPushRefuses: a stale context, another method and a field of another page are
// client bugs, and the first two approve nothing.
func TestADFSPushRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stale    bool
		method   string
		more     []idptest.Field
		bugs     int
		approved bool
	}{
		"as it should be": {method: "AzureMfaAuthentication", approved: true},
		"stale context":   {method: "AzureMfaAuthentication", stale: true, bugs: 1},
		"another method":  {method: "SecurIDAuthentication", bugs: 1},
		"another field":   {method: "AzureMfaAuthentication", more: []idptest.Field{{Name: "VerificationCode", Value: "1"}}, bugs: 1, approved: true},
	} {
		a, b := pushing(t, versions()[0])
		p := b.signIn(entry, alice, idptest.AlicePassword)
		if c.stale {
			b.submit(p, p.form("Context"), nil)
		}
		a.SetPhone(alice, idptest.PhoneApproves)
		b.post(p.url.String(), append(c.more, idptest.Field{Name: "AuthMethod", Value: c.method}, idptest.Field{Name: "Context", Value: val(p.id("context"), "value")}))
		if got := len(a.ClientBugs()); got != c.bugs {
			t.Errorf("%s: %d client bugs, want %d: %q", name, got, c.bugs, a.ClientBugs())
		}
		if got := b.get(entry).assertion() != ""; got != c.approved {
			t.Errorf("%s: approved = %v, want %v", name, got, c.approved)
		}
	}
}
