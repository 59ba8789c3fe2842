package idptest_test

import (
	"strconv"
	"strings"
	"testing"

	"gatehop/idp/idptest"
)

// typing is what is put into the fields of a form, whatever they hold.
type typing map[string]string

// answer sends the form of a second factor, or of the choice of one.
func (b *browser) answer(p *page, typed typing) *page {
	b.t.Helper()
	form := p.form("Context")
	if form == nil {
		form = p.id("options")
	}
	if form == nil {
		b.t.Fatalf("nothing to answer at %s", p.textOf("errorMessage"))
	}
	fields, _ := p.successful(form, nil)
	for i := range fields {
		if v, ok := typed[fields[i].Name]; ok {
			fields[i].Value = v
		}
	}
	action, has := attr(form, "action")
	return b.post(p.resolve(action, has).String(), fields)
}

// secondFactor is one kind as somebody walks it.
type secondFactor struct {
	kind   idptest.Factor
	method string
	before []typing // answers that lead to the page that takes the code, or waits
	code   string   // the field for it; "" for none
	right  string   // "": MFACode
	polls  int      // how often the page is posted before it is the last time
	pushes int      // by then
	mark   string   // the id of an element that only this page has
	words  string   // the id of what says no; "": errorText
}

func secondFactors() []secondFactor {
	const azure, server = "AzureMfaAuthentication", "AzureMfaServerAuthentication"
	option := func(n string) []typing { return []typing{{"__EVENTTARGET": "verificationOption" + n}} }
	return []secondFactor{
		{kind: "azure-push", method: azure, polls: 3, pushes: 1, mark: "instructions"},
		{kind: "azure-number", method: azure, polls: 3, pushes: 1, mark: "validEntropyNumber"},
		{kind: "azure-code", method: azure, code: "VerificationCode", mark: "verificationCodeInput"},
		{kind: "azure-server", method: server, pushes: 1, mark: "Progress"},
		{kind: "azure-server-choice", method: server, before: option("0"), pushes: 1, mark: "Progress"},
		{kind: "azure-server-choice", method: server, before: option("1"), pushes: 1, mark: "Progress"},
		{kind: "azure-server-choice", method: server, before: option("2"), pushes: 1, mark: "Progress"},
		{kind: "azure-server-choice", method: server, before: option("3"), code: "OathCode", mark: "oathCodeInput"},
		{kind: "azure-server-code", method: server, code: "OathCode", mark: "oathCodeInput"},
		{kind: "rsa", method: "SecurIDAuthentication", code: "Passcode", mark: "passcodeForm"},
		{kind: "rsa", method: "SecurIDAuthentication", before: []typing{{"Passcode": "next"}}, code: "NextCode", mark: "nextCodeInput"},
		{kind: "rsa2", method: "SecurIDv2Authentication", before: []typing{{"InitStatus": "true"}}, code: "Passcode", mark: "passcodeInput"},
		{kind: "vip", method: "VIPAuthenticationProviderWindowsAccountName", code: "security_code", mark: "security_code"},
		{kind: "symantec", method: "SymantecVipAdapter", code: "SecurityCode", mark: "EnterpriseId"},
		{kind: "safenet", method: "SafeNet-MFA", code: "SAFENET_PASSWORD", mark: "loginForm"},
		{kind: "defender", method: "Defender AD FS Adapter", code: "ChallengeQuestionAnswer", mark: "challengeQuestionInput"},
		{kind: "privacyidea", method: "privacyIDEA-ADFSProvider", code: "otp", mark: "mode", words: "pageIntroductionText"},
		{kind: "silverfort", method: "SilverfortAdfs", pushes: 1, mark: "Progress"},
		{kind: "custom", method: "SampleAdapter", code: "ChallengeQuestionAnswer", right: "42", mark: "challengeQuestionInput"},
		{kind: "choice", method: "SampleAdapter", before: []typing{{"AuthMethod": "SampleAdapter"}}, code: "ChallengeQuestionAnswer", right: "42", mark: "challengeQuestionInput"},
		{kind: "choice", method: azure, before: []typing{{"AuthMethod": azure}}, polls: 3, pushes: 1, mark: "instructions"},
	}
}

// withFactor is an AD FS that asks Alice for a second factor.
func withFactor(t testing.TB, v version, o idptest.Options) (*idptest.ADFS, *browser) {
	t.Helper()
	a := newADFS(t, v.as(o))
	return a, newBrowser(t, a, a.Elsewhere())
}

// arrive signs in and walks to the page that takes the code, or waits.
func (f secondFactor) arrive(b *browser) *page {
	b.t.Helper()
	p := b.signIn(entry, alice, idptest.AlicePassword)
	for _, typed := range f.before {
		p = b.answer(p, typed)
	}
	return p
}

// last does what ends the second factor well.
func (f secondFactor) last(b *browser, p *page) *page {
	b.t.Helper()
	for range f.polls {
		p = b.answer(p, nil)
	}
	right := f.right
	if right == "" {
		right = idptest.MFACode
	}
	return b.answer(p, typing{f.code: right})
}

// TestADFSFactors walks every kind at every version to an assertion.
func TestADFSFactors(t *testing.T) {
	t.Parallel()
	for _, v := range versions() {
		for _, f := range secondFactors() {
			t.Run(v.name+"/"+string(f.kind), func(t *testing.T) {
				t.Parallel()
				a, b := withFactor(t, v, idptest.Options{MFA: f.kind})
				p := f.arrive(b)
				if p.id(f.mark) == nil || p.id("mfaGreeting") == nil || p.id("options") == nil || p.status != 200 {
					t.Errorf("not the page of %s", f.kind)
				}
				if (p.id("validEntropyNumber") != nil) != (f.kind == idptest.FactorAzureNumber) {
					t.Error("a number where there is none, or none where there is")
				}
				form := p.form("Context")
				if _, has := attr(form, "action"); has {
					t.Error("the form has an action")
				}
				for _, c := range p.controls(form) {
					if val(c, "name") == "AuthMethod" && val(c, "value") != f.method {
						t.Errorf("AuthMethod %q, want %q", val(c, "value"), f.method)
					}
				}
				wantAssertion(t, f.last(b, p))
				wantAssertion(t, b.get(entry)) // the session has both factors
				if n := a.Pushes(); n != f.pushes {
					t.Errorf("%d pushes, want %d", n, f.pushes)
				}
				wantClean(t, a.ClientBugs())
			})
		}
	}
}

// TestADFSFactorsWrong: two wrong codes are answered with the page again and words, the
// third with an error page; and where every code is refused, so is the right one.
func TestADFSFactorsWrong(t *testing.T) {
	t.Parallel()
	for _, f := range secondFactors() {
		if f.code == "" {
			continue
		}
		for _, result := range []idptest.FactorResult{"approve", "deny"} {
			a, b := withFactor(t, versions()[0], idptest.Options{MFA: f.kind, MFAResult: result})
			p := f.arrive(b)
			words := f.words
			if words == "" {
				words = "errorText"
			}
			codes := []string{"000000", "00000 1", "next"}
			if f.kind == "rsa" {
				codes[2] = "000002"
			}
			if result == idptest.FactorDenied {
				codes[0] = idptest.MFACode
			}
			if f.code == "NextCode" { // a wrong one leads back to the first question
				codes = codes[:1]
			}
			for i, code := range codes {
				if got := p.textOf(words); got != "" && i == 0 {
					t.Errorf("%s: says %q before the first code", f.kind, got)
				}
				p = b.answer(p, typing{f.code: code})
				if got := p.textOf(words); (got != "The answer is not right. Try again.") != (i == 2) {
					t.Errorf("%s: code %d: says %q", f.kind, i+1, got)
				}
			}
			if f.code == "NextCode" && p.id("passcodeInput") == nil {
				t.Errorf("%s: not the first question again", f.kind)
			}
			if ended := p.id("errorArea") != nil; ended != (len(codes) == 3) {
				t.Errorf("%s: error page = %v after %d wrong codes", f.kind, ended, len(codes))
			}
			if b.get(entry).assertion() != "" || a.Pushes() > 0 {
				t.Errorf("%s: signed in, or pushed", f.kind)
			}
			wantClean(t, a.ClientBugs())
		}
	}
}

// TestADFSFactorsMethod: who names another method gets the page again, not in.
func TestADFSFactorsMethod(t *testing.T) {
	t.Parallel()
	for _, f := range secondFactors() {
		a, b := withFactor(t, versions()[0], idptest.Options{MFA: f.kind, MFAPolls: -1})
		p := b.answer(f.arrive(b), typing{"AuthMethod": "OtherAdapter", f.code: idptest.MFACode})
		if p.form("Context") == nil || p.textOf("errorText")+p.textOf(f.words) == "" {
			t.Errorf("%s: not the page again with words", f.kind)
		}
		if bugs := a.ClientBugs(); len(bugs) != 1 || !strings.HasPrefix(bugs[0], "16: another method") {
			t.Errorf("%s: %q", f.kind, bugs)
		}
		f.polls = 0
		wantAssertion(t, f.last(b, p))
	}
}

// TestADFSFactorsStale: an old context gets an error page, whatever comes with it.
func TestADFSFactorsStale(t *testing.T) {
	t.Parallel()
	for _, f := range secondFactors() {
		a, b := withFactor(t, versions()[0], idptest.Options{MFA: f.kind, MFAPolls: -1})
		p := f.arrive(b)
		b.get(entry) // another page of it
		f.polls = 0
		if f.last(b, p).id("errorArea") == nil || b.get(entry).assertion() != "" {
			t.Errorf("%s: an old context was taken", f.kind)
		}
		if bugs := a.ClientBugs(); len(bugs) != 1 || !strings.HasPrefix(bugs[0], "8: ") {
			t.Errorf("%s: %q", f.kind, bugs)
		}
	}
}

// TestADFSFactorsBrowserOnly: pages that take nothing can be recognised, and whatever is
// posted to them is refused.
func TestADFSFactorsBrowserOnly(t *testing.T) {
	t.Parallel()
	for kind, c := range map[idptest.Factor]struct{ mark, context string }{
		"rsa-pin": {"confirmPinInput", "Context"}, "duo-frame": {"duo_form", "Context"},
		"duo-universal": {"adfs_form", "adfs_context"}, "passkey": {"assertionResponse", "Context"},
	} {
		a, b := withFactor(t, versions()[0], idptest.Options{MFA: kind})
		p := b.signIn(entry, alice, idptest.AlicePassword)
		if p.id(c.mark) == nil || p.id("mfaGreeting") == nil || p.id("options") == nil {
			t.Errorf("%s: no element %s", kind, c.mark)
		}
		wantClean(t, a.ClientBugs())
		fields, _ := p.successful(p.form(c.context), nil)
		for i := range fields {
			if fields[i].Name == c.context {
				fields[i].Name = "Context"
			}
		}
		p = b.post(entry, fields)
		if p.assertion() != "" || b.get(entry).assertion() != "" {
			t.Errorf("%s: signed in", kind)
		}
		wantBug(t, a.ClientBugs(), idptest.BugBrowserOnly)
		if len(a.ClientBugs()) != 1 {
			t.Errorf("%s: %q", kind, a.ClientBugs())
		}
	}
}

// TestADFSFactorsNumber: each request has a number of two digits, not that of the one before.
func TestADFSFactorsNumber(t *testing.T) {
	t.Parallel()
	_, b := withFactor(t, versions()[0], idptest.Options{MFA: idptest.FactorAzureNumber})
	p := b.signIn(entry, alice, idptest.AlicePassword)
	last := ""
	for range 60 {
		number := p.textOf("validEntropyNumber")
		if n, err := strconv.Atoi(number); err != nil || n < 10 || n > 99 || number == last {
			t.Fatalf("number %q after %q", number, last)
		}
		if q := b.answer(p, nil); q.textOf("validEntropyNumber") != number {
			t.Errorf("number %q after a poll, want %q", q.textOf("validEntropyNumber"), number)
		}
		last, p = number, b.get(entry)
	}
}
