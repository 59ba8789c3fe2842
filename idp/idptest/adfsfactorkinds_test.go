package idptest_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"gatehop/idp/idptest"
)

// TestNewADFSFactors refuses what no second factor is, and results that a kind cannot have.
func TestNewADFSFactors(t *testing.T) {
	t.Parallel()
	u := idptest.Alice()
	u.MFA = true
	make := func(o idptest.Options) error {
		o.Now, o.Rand = (&clock{now: start}).Now, seed()
		_, err := idptest.NewADFS(o)
		return err
	}
	for words, o := range map[string]idptest.Options{
		`unknown second factor "pigeon"`:                           {MFA: "pigeon"},
		`unknown second factor "rsa-next"`:                         {MFA: "rsa-next"},
		`unknown result of a second factor "maybe"`:                {MFAResult: "maybe"},
		`the second factor rsa and others by their methods`:        {MFA: "rsa", Factors: []string{"SampleAdapter"}},
		`the second factor rsa never ends in "never"`:              {MFA: "rsa", MFAResult: "never"},
		`the second factor silverfort never ends in "notenrolled"`: {MFA: "silverfort", MFAResult: "notenrolled"},
		`the second factor passkey never ends in "deny"`:           {MFA: "passkey", MFAResult: "deny"},
		`2.0 has no MFA`: {Flavour: "2.0", MFA: "rsa"},
	} {
		if err := make(o); err == nil || err.Error() != "simulate AD FS: "+words {
			t.Errorf("NewADFS = %v, want %q", err, words)
		}
	}
	seen := map[idptest.Factor]bool{}
	for _, f := range idptest.Factors() {
		if seen[f.Factor] || f.About == "" || !slices.Contains(f.Results, idptest.FactorApproved) {
			t.Errorf("%+v: again, or not described", f)
		}
		seen[f.Factor] = true
		for _, result := range []idptest.FactorResult{"approve", "deny", "never", "notenrolled"} {
			err := make(idptest.Options{MFA: f.Factor, MFAResult: result, Users: []idptest.User{u}})
			if has := slices.Contains(f.Results, result); (err == nil) != has {
				t.Errorf("%s, %s: %v", f.Factor, result, err)
			}
		}
	}
	for _, name := range strings.Fields("azure-push azure-number azure-code azure-server rsa rsa2 vip symantec safenet silverfort duo-frame duo-universal passkey choice custom") {
		if !seen[idptest.Factor(name)] {
			t.Errorf("no kind %s", name)
		}
	}
	if len(seen) != 20 {
		t.Errorf("%d kinds, want 20", len(seen))
	}
}

// TestADFSFactorsByMethod: an AuthMethod stands for the kind that it begins like, and one
// that nothing is known of for an adapter of the company's own.
func TestADFSFactorsByMethod(t *testing.T) {
	t.Parallel()
	u := idptest.Alice()
	u.MFA = true
	for method, field := range map[string]string{
		"AzureMfaServerAuthentication2020": "", "WindowsAzureMultiFactorAuthentication": "", "VIPAuthenticationProviderUPN": "security_code",
		"AzureMfaAuthentication": "", "AzurePrimaryAuthentication": "VerificationCode", "SecurIDAuthentication": "Passcode", "SecurIDv2Authentication": "InitStatus", "DuoAdfsAdapter": "Context",
		"AcmeAdapter": "ChallengeQuestionAnswer", "": "ChallengeQuestionAnswer",
	} {
		o := idptest.Options{Users: []idptest.User{u}}
		if method != "" {
			o.Factors = []string{method}
		}
		_, b := withFactor(t, versions()[0], o)
		p := b.signIn(entry, alice, idptest.AlicePassword)
		if method == "" {
			method = "SampleAdapter"
		}
		if got := val(p.id("authMethod"), "value"); got != method {
			t.Errorf("%s: AuthMethod %q", method, got)
		}
		if field != "" && p.form(field) == nil || field == "" && p.form("Submit") != nil {
			t.Errorf("%s: no field %q, or one too many", method, field)
		}
	}
}

// TestADFSFactorsLocale: the pages of second factors speak the language of the others.
func TestADFSFactorsLocale(t *testing.T) {
	t.Parallel()
	english := reflect.ValueOf(idptest.TextIn("en"))
	for _, language := range []string{"de", "nl"} {
		words := reflect.ValueOf(idptest.TextIn(language))
		for _, name := range strings.Fields("VerificationCode SecurityCode Passcode NextCode NewPin ConfirmPin Calling CallDenied CallExpired CallOptions NotEnrolled EnrolAt") {
			if got := words.FieldByName(name); got.Len() == 0 || reflect.DeepEqual(got.Interface(), english.FieldByName(name).Interface()) {
				t.Errorf("%s is not said in %q", name, language)
			}
		}
		text := idptest.TextIn(language)
		for _, f := range secondFactors() {
			_, b := withFactor(t, versions()[0], idptest.Options{MFA: f.kind, Locale: language})
			p := f.arrive(b)
			said := slices.ContainsFunc([]string{text.VerificationCode, text.SecurityCode, text.Passcode, text.NextCode, text.Pushed, text.Calling, text.Challenge},
				func(words string) bool { return strings.Contains(p.source, words) })
			if !said {
				t.Errorf("%s does not speak %q", f.kind, language)
			}
		}
	}
}

// TestADFSFactorsMarkup is what tells the products' pages apart besides their fields.
func TestADFSFactorsMarkup(t *testing.T) {
	t.Parallel()
	seen := map[idptest.Factor]bool{}
	for _, f := range secondFactors() {
		if seen[f.kind] || f.kind == "choice" {
			continue
		}
		seen[f.kind] = true
		_, b := withFactor(t, versions()[0], idptest.Options{MFA: f.kind})
		p := b.signIn(entry, alice, idptest.AlicePassword)
		title := map[idptest.Factor]string{"rsa": "RSA SecurID Authentication", "rsa2": "RSA SecurID Access Authentication"}[f.kind]
		if title == "" {
			title = "Sign in"
		}
		if !strings.Contains(p.source, "<title>"+title+"</title>") {
			t.Errorf("%s: the title is not %q", f.kind, title)
		}
		if without := f.kind == idptest.FactorSafeNet; (p.id("authMethod") == nil) != without || (p.id("context") == nil) != without {
			t.Errorf("%s: the hidden fields have ids: want that to be %v", f.kind, !without)
		}
		if f.code == "" || f.before != nil {
			continue
		}
		field := all(p.doc, func(n *html.Node) bool { return val(n, "name") == f.code })[0]
		labels := all(p.form("Context"), func(n *html.Node) bool { return n.Data == "label" && val(n, "id") == "" })
		if prompted := f.kind == idptest.FactorAzureCode; prompted != (len(labels) == 0) || prompted && val(field, "placeholder") != "Verification code" {
			t.Errorf("%s: %d labels and the placeholder %q", f.kind, len(labels), val(field, "placeholder"))
		}
		if prompted := f.kind == idptest.FactorAzureCode; prompted != (p.id("signInButton") != nil) || prompted == (p.id("submitButton") != nil) {
			t.Errorf("%s: the button has another id", f.kind)
		}
	}
}

// TestADFSFactorsFirst: a method that stands beside the password has its own page, too.
func TestADFSFactorsFirst(t *testing.T) {
	t.Parallel()
	_, b := withFactor(t, versions()[0], idptest.Options{MethodChoice: true, Methods: []string{"AzurePrimaryAuthentication"}})
	p := b.answer(b.get(entry), typing{"AuthMethod": "AzurePrimaryAuthentication"})
	if p.id("verificationCodeInput") == nil || val(p.id("authMethod"), "value") != "AzurePrimaryAuthentication" {
		t.Error("not the page of Azure MFA")
	}
}
