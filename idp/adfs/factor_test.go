package adfs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
)

// withCode is Alice with the right password, and with answers to the questions for a code.
func withCode(codes ...string) map[string][]string {
	script := person(alice, idptest.AlicePassword)
	script["otp"] = codes
	return script
}

// withMethod is withCode, and with one for the method.
func withMethod(method string, codes ...string) map[string][]string {
	script := withCode(codes...)
	script["mfa"] = []string{method}
	return script
}

// factorSight is a row of the matrix about a second factor, with what the person sees.
type factorSight struct {
	sight
	asked  []string // the questions after those for user name and password, by their labels
	told   []string // without the host; "NUMBER" stands for two digits
	pushes int
}

var (
	needsPhone  = idptest.TextIn("en").Pushed
	wrongAnswer = idptest.TextIn("en").WrongAnswer
)

// factorSights are T11 and T12: each kind of second factor as it ends well, or for the
// adapter at all, and as it does not.
func factorSights() []factorSight {
	return slices.Concat(factorsAnswered(), factorsOfBrowsers(), factorsChosen(), factorsRefused())
}

func factorsAnswered() []factorSight {
	code := func(kind idptest.Factor, label string, codes ...string) factorSight {
		f := factorSight{sight: sight{id: "T11", name: string(kind), o: idptest.Options{MFA: kind}, script: withCode(codes...), want: signed}}
		for range codes {
			f.asked = append(f.asked, label)
		}
		return f
	}
	rows := []factorSight{
		{sight: sight{id: "T11", name: "azure-push", o: idptest.Options{MFA: idptest.FactorAzurePush}, want: signed}, told: []string{needsPhone}, pushes: 1},
		{sight: sight{id: "T11", name: "azure-push that is slow to be approved", o: idptest.Options{MFA: idptest.FactorAzurePush, MFAPolls: 60}, want: signed}, told: []string{needsPhone}, pushes: 1},
		{sight: sight{id: "T11", name: "azure-number", o: idptest.Options{MFA: idptest.FactorAzureNumber}, want: signed},
			told: []string{"type NUMBER in the app on your phone: " + needsPhone}, pushes: 1},
		{sight: sight{id: "T11", name: "azure-server", o: idptest.Options{MFA: idptest.FactorAzureServer, MFABlocks: 50 * time.Second}, want: signed},
			told: []string{"We are contacting you. Answer to go on."}, pushes: 1},
		{sight: sight{id: "T11", name: "silverfort", o: idptest.Options{MFA: idptest.FactorSilverfort, MFABlocks: 50 * time.Second}, want: signed},
			told: []string{"We are contacting you. Answer to go on."}, pushes: 1},
		code(idptest.FactorAzureCode, "Verification code", idptest.MFACode),
		code(idptest.FactorAzureServerCode, "Verification code", idptest.MFACode),
		code(idptest.FactorRSA, "Passcode", idptest.MFACode),
		code(idptest.FactorRSA2, "Passcode", idptest.MFACode),
		code(idptest.FactorVIP, "Security code", idptest.MFACode),
		code(idptest.FactorSymantec, "Security code", idptest.MFACode),
		code(idptest.FactorSafeNet, "Answer", idptest.MFACode),
		code(idptest.FactorDefender, "Security code", idptest.MFACode),
		code(idptest.FactorPrivacyIDEA, "Security code", idptest.MFACode),
		code(idptest.FactorCustom, "What is the answer?", idptest.CustomCode),
	}
	next := code(idptest.FactorRSA, "Passcode", idptest.NextTokenCode, idptest.MFACode)
	next.name, next.asked[1] = "rsa in next-token mode", "Wait for the code to change, then type the [secret] one" // which is the code that was typed
	again := code(idptest.FactorVIP, "Security code", "000000", "000000", idptest.MFACode)                         // the same one is not sent again
	again.name = "a wrong code first"
	return append(rows, next, again)
}

func factorsOfBrowsers() []factorSight {
	row := func(kind idptest.Factor, words string) factorSight {
		return factorSight{sight: sight{id: "T11", name: string(kind), o: idptest.Options{MFA: kind}, want: ending{verdict: idp.NeedsBrowser, words: words, logins: 1}}}
	}
	return []factorSight{
		row(idptest.FactorDuoFrame, "Duo"), row(idptest.FactorDuoUniversal, "Duo"),
		row(idptest.FactorPasskey, "passkey"), row(idptest.FactorRSAPin, "new PIN"),
	}
}

func factorsChosen() []factorSight {
	choice := idptest.Options{MFA: idptest.FactorChoice}
	server := idptest.Options{MFA: idptest.FactorAzureServerChoice}
	return []factorSight{
		{sight: sight{id: "T11", name: "choice, configured", o: choice, c: adfs.Config{MFA: "azure"}, want: signed}, told: []string{needsPhone}, pushes: 1},
		{sight: sight{id: "T11", name: "choice, by the person", o: choice, script: withMethod("SampleAdapter", idptest.CustomCode), want: signed},
			asked: []string{"", "What is the answer?"}},
		{sight: sight{id: "T11", name: "choice, by nobody", o: choice, want: ending{verdict: idp.MethodChoice, logins: 1}}, asked: []string{""}},
		{sight: sight{id: "T11", name: "azure-server-choice, a call", o: server, script: withMethod("Phone call"), want: signed}, asked: []string{""},
			told: []string{"We are contacting you. Answer to go on."}, pushes: 1},
		{sight: sight{id: "T11", name: "azure-server-choice, a code", o: server, script: withMethod("Code of the mobile app", idptest.MFACode), want: signed},
			asked: []string{"", "Verification code"}},
		{sight: sight{id: "T11", name: "azure-server-choice, configured", o: server, c: adfs.Config{MFA: "phone call"}, want: signed},
			told: []string{"We are contacting you. Answer to go on."}, pushes: 1},
		{sight: sight{id: "T11", name: "azure-server-choice, by nobody", o: server, want: ending{verdict: idp.MethodChoice, logins: 1}}, asked: []string{""}},
	}
}

func factorsRefused() []factorSight {
	text := idptest.TextIn("en")
	var rows []factorSight
	for _, f := range idptest.Factors() {
		for _, result := range f.Results {
			row := factorSight{sight: sight{id: "T12", name: string(f.Factor) + " " + string(result), o: idptest.Options{MFA: f.Factor, MFAResult: result},
				want: ending{verdict: idp.MFADenied, logins: 1}}}
			server := f.Factor == idptest.FactorAzureServer || f.Factor == idptest.FactorAzureServerChoice
			polls := f.Factor == idptest.FactorAzurePush || f.Factor == idptest.FactorAzureNumber || f.Factor == idptest.FactorChoice
			switch {
			case result == idptest.FactorApproved: // T11
				continue
			case result == idptest.FactorNotEnrolled:
				row.want.verdict, row.want.words = idp.Enrolment, text.NotEnrolled
			case result == idptest.FactorNever && server:
				row.want.words = text.CallExpired // its words alone say that it was no denial
			case result == idptest.FactorNever:
				row.want.verdict = idp.MFATimeout
			case f.Factor == idptest.FactorSilverfort:
				row.want.words = "Not authorized"
			case server:
				row.want.words = strings.Join(strings.Fields(text.CallDenied), " ")
			case polls:
				row.want.words = text.PushDenied
			default: // three codes, and the server has enough
				row.script = withCode("000001", "000002", "000003")
			}
			if f.Factor == idptest.FactorChoice {
				row.c.MFA = "azure"
			}
			if f.Factor == idptest.FactorAzureServerChoice {
				row.script = withMethod("Phone call")
			}
			rows = append(rows, row)
		}
	}
	nobody := factorSight{sight: sight{id: "T12", name: "a wrong code, and no other", o: idptest.Options{MFA: idptest.FactorVIP}, script: withCode("000000", idptest.NoAnswer),
		want: ending{verdict: idp.MFADenied, words: text.WrongAnswer, logins: 1}}}
	return append(rows, nobody)
}

// TestFactors: what the person is asked and told, at every version that has second factors,
// and that no phone rings oftener than it must.
func TestFactors(t *testing.T) {
	t.Parallel()
	flavours := []string{"3.0", "2016", "2019"}
	if raceDetector { // 3.0 is the matrix's
		flavours = flavours[2:]
	}
	for _, flavour := range flavours {
		for _, f := range factorSights() {
			t.Run(flavour+" "+f.id+" "+f.name, func(t *testing.T) {
				t.Parallel()
				f.o.Flavour, f.o.PollEvery = flavour, 900*time.Millisecond
				synctest.Test(t, func(t *testing.T) { f.run(t) })
			})
		}
	}
}

func (f factorSight) run(t *testing.T) {
	script := f.script
	if script == nil {
		script = person(alice, idptest.AlicePassword)
	}
	f.o.Now = time.Now
	r := newRig(t, f.o, script)
	begin := time.Now()
	_, err := r.login(t, f.c)
	if took := time.Since(begin); f.o.MFABlocks > 0 && took != f.o.MFABlocks {
		t.Errorf("took %v, want %v: nothing is gained by waiting before a request that blocks", took, f.o.MFABlocks)
	}
	if problem := f.want.differs(err); problem != nil {
		t.Error(problem)
	}
	if problem := r.broken(f.want.logins); problem != nil {
		t.Error(problem)
	}
	if f.id != "T11" {
		if got := r.p.Pushes(); got > 1 {
			t.Errorf("%d pushes, want one at most", got)
		}
		return
	}
	var asked, told []string
	for _, q := range r.answers.Questions() {
		if q.Field != "username" && q.Field != "password" && q.Field != idp.Approval {
			asked = append(asked, q.Label)
		}
	}
	for _, text := range r.answers.Told() {
		text = strings.TrimPrefix(text, "adfs.corp.example: ")
		for n := range 100 {
			text = strings.Replace(text, fmt.Sprintf("type %02d in", n), "type NUMBER in", 1)
		}
		told = append(told, text)
	}
	if !slices.Equal(asked, f.asked) || !slices.Equal(told, f.told) || r.p.Pushes() != f.pushes {
		t.Errorf("asked %q, told %q, %d pushes; want %q, %q, %d", asked, told, r.p.Pushes(), f.asked, f.told, f.pushes)
	}
}
