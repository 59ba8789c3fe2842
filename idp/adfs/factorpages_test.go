package adfs_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
)

// TestFactorPages: what follows the page of a second factor is judged by itself, whatever
// products there may be.
func TestFactorPages(t *testing.T) {
	t.Parallel()
	const (
		azure, server, duo, rsa2 = "AzureMfaAuthentication", "AzureMfaServerAuthentication", "DuoAdfsAdapter", "SecurIDv2Authentication"
		begun                    = "&InitStatus=true&latitude=&longitude=&geoLocationCollTimestamp=&rsa_risk_fp="
		refused                  = "<p>Not authorized</p>"
	)
	sent := func(method string) string { return "AuthMethod=" + method + "&Context=x" }
	methods := func(ids ...string) string {
		page := "<div id=authOptions>"
		for _, id := range ids {
			page += "<a class=actionLink id=" + id + ">The " + id + "</a>"
		}
		return page + "</div>"
	}
	code := strings.Replace(hiddenFactor("Acme"), "</form>", "<input name=Code></form>", 1)
	call := `<a id=verificationOption0>Call</a>` + hiddenFactor(server)
	signedIn := strings.ReplaceAll(loginPage, "</form>", "<input type=hidden name=Context value=x></form>")
	person := func(more ...string) map[string][]string {
		script := withCode(more...)
		script["mfa"] = []string{"Call", "Call"}
		return script
	}
	for _, c := range []struct {
		name   string
		wish   string
		pages  []string
		want   idp.Verdict
		words  string
		posted []string
	}{
		{name: "another product in its place", pages: []string{hiddenFactor(azure), hiddenFactor(duo)}, want: idp.NeedsBrowser, words: "Duo (" + duo + ")", posted: []string{sent(azure)}},
		{name: "a passkey in its place", pages: []string{hiddenFactor(azure), hiddenFactor(azure) + "<form data-passkey-options=x>"}, want: idp.NeedsBrowser, words: "Azure MFA (" + azure + ")", posted: []string{sent(azure)}},
		{name: "a choice in its place", pages: []string{hiddenFactor(server), call, "<p>Nothing"}, want: idp.Unknown,
			posted: []string{sent(server), sent(server) + "&__EVENTTARGET=verificationOption0"}},
		{name: "a choice again", pages: []string{call, call + "<p>"}, want: idp.MethodChoice, posted: []string{sent(server) + "&__EVENTTARGET=verificationOption0"}},
		{name: "RSA's script again", pages: []string{hiddenFactor(rsa2), hiddenFactor(rsa2) + "<p>"}, want: idp.NeedsBrowser, words: "RSA SecurID (" + rsa2 + ")", posted: []string{sent(rsa2) + begun}},
		{name: "Silverfort refuses", pages: []string{hiddenFactor("SilverfortAdfs"), refused}, want: idp.MFADenied, words: "Not authorized", posted: []string{sent("SilverfortAdfs")}},
		{name: "another page says the same", pages: []string{code, refused}, want: idp.Unknown, posted: []string{sent("Acme") + "&Code=123456"}},
		{name: "a page behind Silverfort's does", pages: []string{hiddenFactor("SilverfortAdfs"), "moved", refused}, want: idp.Unknown, posted: []string{sent("SilverfortAdfs")}},
		{name: "an error in answer to a code", pages: []string{"signed in " + code, errorPage}, want: idp.MFADenied, words: "It broke.", posted: []string{sent("Acme") + "&Code=123456"}},
		{name: "an error behind it", pages: []string{"signed in " + code, "moved", errorPage}, want: idp.NotPermitted, words: "It broke.", posted: []string{sent("Acme") + "&Code=123456"}},
		{name: "a context on a sign-in form", pages: []string{signedIn, "<p>Nothing"}, want: idp.Unknown,
			posted: []string{"UserName=CORP%5Calice&Password=correct+horse&AuthMethod=FormsAuthentication&Context=x"}},
		{name: "the one that is wished for", wish: "the other", pages: []string{hiddenFactor(duo) + methods(duo, "Other"), code, "<p>Nothing"}, want: idp.Unknown,
			posted: []string{"AuthMethod=Other", sent("Acme") + "&Code=123456"}},
		{name: "the wish is its own", wish: "duo", pages: []string{hiddenFactor(duo) + methods(duo, "Duo2")}, want: idp.NeedsBrowser, words: "Duo (" + duo + ")"},
		{name: "two that may be wished for", wish: "azure", pages: []string{hiddenFactor(duo) + methods("AzureA", "AzureB")}, want: idp.NeedsBrowser, words: "Duo (" + duo + ")"},
		{name: "wished for once", wish: "other", pages: []string{hiddenFactor(duo) + methods("Other"), hiddenFactor(duo) + methods("Other") + "<p>"}, want: idp.NeedsBrowser, words: "Duo (" + duo + ")",
			posted: []string{"AuthMethod=Other"}},
		{name: "one that waits after the other", pages: []string{hiddenFactor("A"), hiddenFactor("B"), hiddenFactor("C"), hiddenFactor("D")}, want: idp.SignInLoop,
			posted: []string{sent("A"), sent("B"), sent("C")}},
		{name: "two fields, one of them filled in", pages: []string{strings.Replace(code, "<input name=Code>", "<input name=NextCode><input name=Code value=1>", 1), "<p>Nothing"}, want: idp.Unknown,
			posted: []string{sent("Acme") + "&NextCode=123456&Code=1"}},
		{name: "two fields, both empty", pages: []string{strings.Replace(code, "<input name=Code>", "<input name=NextCode><input name=Code>", 1)}, want: idp.SecondFactor, words: "Acme"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, _, err := wishing(t, adfs.Config{MFA: c.wish}, person("123456"), c.pages...)
				if got := wantVerdict(t, err, c.want); got.Words != c.words {
					t.Errorf("Words = %q, want %q", got.Words, c.words)
				}
				if !slices.Equal(s.posted, c.posted) {
					t.Errorf("posted %q, want %q", s.posted, c.posted)
				}
			})
		})
	}
}

// TestFactorLabels: what a person is asked for a code with, in the page's words if it has
// any, and by what the person is told that the last one was wrong.
func TestFactorLabels(t *testing.T) {
	t.Parallel()
	page := func(field string) string {
		return strings.Replace(hiddenFactor("SafeNet-MFA"), "</form>", field+"</form>", 1)
	}
	for _, c := range []struct{ page, label string }{
		{`<label for=c>Your token's code</label>` + page(`<input id=c name=C>`), "Your token's code"},
		{page(`<input name=C placeholder="6 digits">`), "6 digits"},
		{`<p id=instructions>Look at your token.</p><div id=mfaGreetingDescription>More is needed.</div>` + page(`<input name=C>`), "Look at your token."},
		{`<div id=mfaGreetingDescription>More is needed.</div>` + page(`<input name=C>`), "More is needed."},
		{page(`<input name=C>`), "Code of SafeNet"},
		{page(`<input name=NextCode>`), "The next code of the token, once it has changed"},
	} {
		_, answers, err := at(t, withCode("1234567", idptest.NoAnswer), c.page, c.page+"<p id=pageIntroductionText>Wrong.</p>")
		denied := wantVerdict(t, err, idp.MFADenied)
		questions := answers.Questions()
		if len(questions) != 2 || questions[0].Label != c.label || questions[0].Retry != "" || questions[1].Retry != "Wrong." || denied.Words != "Wrong." {
			t.Errorf("asked %+v, want %q, and again because of \"Wrong.\"", questions, c.label)
		}
	}
}

// TestFactorNobody: where nobody is there, no page that rings is posted and no method that
// may ring is chosen; one that asks for a code alone is.
func TestFactorNobody(t *testing.T) {
	t.Parallel()
	methods := func(id string) string {
		return `<div id=authOptions>` + options + `<a class=actionLink id=` + id + `>It</a></div>`
	}
	for _, c := range []struct {
		name, page string
		codes      bool // there is a program for them
		posts      bool
	}{
		{"a page that waits", hiddenFactor("AzureMfaAuthentication"), true, false},
		{"a page that blocks", hiddenFactor("SilverfortAdfs"), true, false},
		{"a page of nobody's", hiddenFactor("Acme"), true, false},
		{"ways to be called", `<a id=verificationOption0>It</a>` + hiddenFactor("AzureMfaServerAuthentication"), false, false},
		{"ways to be called, with codes", `<a id=verificationOption0>It</a>` + hiddenFactor("AzureMfaServerAuthentication"), true, true},
		{"RSA's script, without codes", hiddenFactor("SecurIDv2Authentication"), false, false},
		{"RSA's script, with codes", hiddenFactor("SecurIDv2Authentication"), true, true},
		{"a method that rings", methods("SilverfortAdfs"), true, false},
		{"a method that may, without codes", methods("AzureMfaAuthentication"), false, false},
		{"a method that may, with codes", methods("AzureMfaAuthentication"), true, true},
		{"a method of nobody's, without codes", methods("Acme"), false, false},
		{"a method with codes alone", methods("Defender"), false, true},
		{"a wish that rings", hiddenFactor("DuoAdfsAdapter") + methods("SilverfortAdfs"), true, false},
		{"the password", methods("FormsAuthentication"), false, true},
	} {
		script := withMethod("It", "123456")
		script[idp.Approval] = []string{idptest.NoAnswer, idptest.NoAnswer}
		if c.codes {
			script[idp.Approval] = []string{idp.ByCode}
		}
		wish := ""
		if strings.HasPrefix(c.name, "a wish") {
			wish = "silverfort"
		}
		s, answers, err := wishing(t, adfs.Config{MFA: wish}, script, c.page, "<p>Nothing")
		var needs *idp.NeedsInputError
		if errors.As(err, &needs) == c.posts || (len(s.posted) > 0) != c.posts {
			t.Errorf("%s: %v, posted %q; want a request %v", c.name, err, s.posted, c.posts)
		}
		if n := len(answers.Told()); n > 0 {
			t.Errorf("%s: told %q", c.name, answers.Told())
		}
	}
}
