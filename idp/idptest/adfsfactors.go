package idptest

import (
	"fmt"
	"slices"
	"strings"
)

// Factor is a kind of second factor: what one product asks for after the password, and in
// which way. Factors lists them.
type Factor string

// The kinds.
const (
	FactorAzurePush         Factor = "azure-push"
	FactorAzureNumber       Factor = "azure-number"
	FactorAzureCode         Factor = "azure-code"
	FactorAzureServer       Factor = "azure-server"
	FactorAzureServerChoice Factor = "azure-server-choice"
	FactorAzureServerCode   Factor = "azure-server-code"
	FactorRSA               Factor = "rsa"
	FactorRSAPin            Factor = "rsa-pin"
	FactorRSA2              Factor = "rsa2"
	FactorVIP               Factor = "vip"
	FactorSymantec          Factor = "symantec"
	FactorSafeNet           Factor = "safenet"
	FactorDefender          Factor = "defender"
	FactorPrivacyIDEA       Factor = "privacyidea"
	FactorSilverfort        Factor = "silverfort"
	FactorDuoFrame          Factor = "duo-frame"
	FactorDuoUniversal      Factor = "duo-universal"
	FactorPasskey           Factor = "passkey"
	FactorChoice            Factor = "choice"
	FactorCustom            Factor = "custom"
)

// Pages that only another page leads to.
const (
	stepRSANext      Factor = "rsa-next"
	stepRSA2Passcode Factor = "rsa2-passcode"
)

const (
	azureMethod       = "AzureMfaAuthentication"
	azureServerMethod = "AzureMfaServerAuthentication"
	rsaMethod         = "SecurIDAuthentication"
	rsa2Method        = "SecurIDv2Authentication"
	duoMethod         = "DuoAdfsAdapter"
	sampleMethod      = "SampleAdapter" // of a user for whom Options say nothing
)

const (
	// CustomCode is what FactorCustom takes; MFACode is what all other kinds take that ask
	// for a code.
	CustomCode = "42"
	// NextTokenCode is the passcode that FactorRSA answers with a question for the next one.
	NextTokenCode = "next"
)

// FactorInfo describes a kind of second factor.
type FactorInfo struct {
	Factor  Factor
	About   string
	Results []FactorResult // that it can be given in Options.MFAResult
}

// Factors returns all kinds with what each one asks for, in a fixed order.
func Factors() []FactorInfo {
	var out []FactorInfo
	for _, s := range factorSteps() {
		if s.about != "" {
			out = append(out, FactorInfo{s.Name, s.about, s.results()})
		}
	}
	return append(out, FactorInfo{FactorChoice, "two of them to choose from: azure-push and custom", allResults()})
}

// FactorResult is how a second factor ends for a person who does what is asked of them.
type FactorResult string

// The results. The zero value is FactorApproved.
const (
	FactorApproved    FactorResult = "approve"
	FactorDenied      FactorResult = "deny"        // the request on the phone is denied, or every code refused
	FactorNever       FactorResult = "never"       // nobody looks at the phone
	FactorNotEnrolled FactorResult = "notenrolled" // Azure MFA knows no phone
)

func allResults() []FactorResult {
	return []FactorResult{FactorApproved, FactorDenied, FactorNever, FactorNotEnrolled}
}

// How the form of a second factor is answered.
type factorWay string

const (
	wayNone   factorWay = ""       // by a browser alone
	wayCode   factorWay = "code"   // by a code
	wayPoll   factorWay = "poll"   // by posting it until something was done on the phone
	wayBlock  factorWay = "block"  // by posting it once, which is answered when something was done on the phone
	wayScript factorWay = "script" // by what a script fills in
	wayOption factorWay = "option" // by one of the links on the page
)

// factorStep is a page of a second factor. What its form has besides AuthMethod and Context
// stands here in the order of the page.
type factorStep struct {
	Name   Factor
	about  string   // "": only another page leads to it
	method string   // AuthMethod
	family []string // how the AuthMethods begin that have this page; nil: method
	way    factorWay

	Title    string // "": as of the sign-in page
	FormID   string // "": loginForm
	NoIDs    bool   // the hidden fields have none
	Hidden   []Field
	Part     string // of adfs/factors.html: what else the page has
	Code     string // the name of the field for the code
	CodeID   string
	Secret   bool // which is of type password
	Prompted bool // by its placeholder; else it has a label
	words    func(Text) string
	Confirm  string  // the name of a second field
	After    []Field // hidden fields behind the field for the code
	Button   string  // its name
	ButtonID string  // "": submitButton
	// OwnErrors: words about the last answer stand where privacyIDEA has them, not in
	// #errorText.
	OwnErrors bool

	set []string // hidden fields that a script sets
}

// factorSteps are all pages: those of the kinds, each under the name of its kind, and those
// that others lead to. The first one of an AuthMethod is what it begins with.
func factorSteps() []factorStep {
	return slices.Concat(azureSteps(), rsaSteps(), codeSteps(), browserSteps())
}

func azureSteps() []factorStep {
	code := func(t Text) string { return t.VerificationCode }
	return []factorStep{
		{Name: FactorAzurePush, about: "Azure MFA: a request on the phone", method: azureMethod, way: wayPoll, Part: "push"},
		{Name: FactorAzureNumber, about: "Azure MFA: the same, with a number to type there", method: azureMethod, way: wayPoll, Part: "push"},
		{Name: FactorAzureCode, about: "Azure MFA: a code", method: azureMethod, way: wayCode, family: []string{"AzurePrimaryAuthentication"},
			Code: "VerificationCode", CodeID: "verificationCodeInput", Prompted: true, words: code, ButtonID: "signInButton"},
		{Name: FactorAzureServer, about: "Azure MFA Server: a call, and an answer after it", method: azureServerMethod, way: wayBlock, Part: "progress",
			family: []string{azureServerMethod, "WindowsAzureMultiFactorAuthentication"}},
		{Name: FactorAzureServerChoice, about: "Azure MFA Server: a call or a code, to choose from", method: azureServerMethod, way: wayOption, Part: "options",
			Hidden: []Field{{"__EVENTTARGET", ""}}, set: []string{"__EVENTTARGET"}},
		{Name: FactorAzureServerCode, about: "Azure MFA Server: a code", method: azureServerMethod, way: wayCode,
			Code: "OathCode", CodeID: "oathCodeInput", words: code, Button: "Submit"},
	}
}

func rsaSteps() []factorStep {
	const title, title2 = "RSA SecurID Authentication", "RSA SecurID Access Authentication"
	passcode := func(t Text) string { return t.Passcode }
	next := func(t Text) string { return t.NextCode }
	pin := func(t Text) string { return t.NewPin }
	return []factorStep{
		{Name: FactorRSA, about: "RSA SecurID: a passcode; next asks for another", method: rsaMethod, way: wayCode, Title: title,
			FormID: "passcodeForm", Code: "Passcode", CodeID: "passcodeInput", Secret: true, words: passcode, Button: "Submit"},
		{Name: stepRSANext, method: rsaMethod, way: wayCode, Title: title,
			FormID: "passcodeForm", Hidden: []Field{{"ChallengeQuestionAnswer", NextTokenCode}},
			Code: "NextCode", CodeID: "nextCodeInput", Secret: true, words: next, Button: "Submit"},
		{Name: FactorRSAPin, about: "RSA SecurID: a new PIN to choose", method: rsaMethod, Title: title,
			FormID: "passcodeForm", Code: "NewPin", CodeID: "newPinInput", Secret: true, words: pin, Confirm: "ConfirmPin", Button: "Submit"},
		{Name: FactorRSA2, about: "RSA SecurID Access: a script, then a passcode", method: rsa2Method, way: wayScript, Title: title2, Part: "script",
			Hidden: []Field{{"InitStatus", "false"}, {"latitude", ""}, {"longitude", ""}, {"geoLocationCollTimestamp", ""}, {"rsa_risk_fp", ""}},
			set:    []string{"InitStatus"}},
		{Name: stepRSA2Passcode, method: rsa2Method, way: wayCode, Title: title2,
			Code: "Passcode", CodeID: "passcodeInput", Secret: true, words: passcode, Button: "Submit"},
	}
}

func codeSteps() []factorStep {
	code := func(t Text) string { return t.SecurityCode }
	challenge := func(t Text) string { return t.Challenge }
	return []factorStep{
		{Name: FactorVIP, about: "Symantec VIP: a code", method: "VIPAuthenticationProviderWindowsAccountName", family: []string{"VIPAuthenticationProvider"}, way: wayCode,
			Code: "security_code", CodeID: "security_code", words: code, Button: "Submit"},
		{Name: FactorSymantec, about: "Symantec VIP, a later adapter: a code", method: "SymantecVipAdapter", way: wayCode,
			Hidden: []Field{{"EnterpriseId", "corp"}}, Code: "SecurityCode", CodeID: "securityCodeInput", words: code, Button: "Submit"},
		{Name: FactorSafeNet, about: "SafeNet: a code, on a page without ids", method: "SafeNet-MFA", way: wayCode, NoIDs: true,
			Code: "SAFENET_PASSWORD", Secret: true, words: code, Button: "Submit"},
		{Name: FactorDefender, about: "Quest Defender: a code", method: "Defender AD FS Adapter", way: wayCode,
			Code: "ChallengeQuestionAnswer", CodeID: "challengeQuestionInput", words: code, Button: "Submit"},
		{Name: FactorPrivacyIDEA, about: "privacyIDEA: a code, beside what scripts would do", method: "privacyIDEA-ADFSProvider", way: wayCode, Part: "modes", OwnErrors: true,
			Code: "otp", CodeID: "otp", Secret: true, words: code, Button: "Submit",
			After: []Field{{"autoSubmit", "0"}, {"mode", "otp"}, {"pushAvailable", "1"}, {"otpAvailable", "1"}, {"webAuthnSignRequest", ""},
				{"webAuthnSignResponse", ""}, {"modeChanged", "0"}, {"origin", ""}, {"authCounter", "1"}, {"message", "otp"}}},
		{Name: FactorSilverfort, about: "Silverfort: a request, and an answer after it", method: "SilverfortAdfs", way: wayBlock, Part: "progress"},
		{Name: FactorCustom, about: "an adapter of one's own, answered with " + CustomCode, method: sampleMethod, way: wayCode,
			Code: "ChallengeQuestionAnswer", CodeID: "challengeQuestionInput", words: challenge, Button: "Submit"},
	}
}

// browserSteps are pages that nothing can be typed into.
func browserSteps() []factorStep {
	return []factorStep{
		{Name: FactorDuoFrame, about: "Duo, in a frame: for browsers alone", method: duoMethod, FormID: "duo_form", Part: "duo"},
		{Name: FactorDuoUniversal, about: "Duo, on a page of its own: for browsers alone", method: duoMethod, FormID: "adfs_form", Part: "duo-universal"},
		{Name: FactorPasskey, about: "a passkey: for browsers alone", method: "PasskeyAdapter", Part: "passkey", Hidden: []Field{{"assertionResponse", ""}}},
	}
}

// results are those that the page can end with.
func (s factorStep) results() []FactorResult {
	list := []FactorResult{FactorApproved}
	if s.way != wayNone {
		list = append(list, FactorDenied)
	}
	if s.way == wayPoll || s.way == wayBlock || s.way == wayOption {
		list = append(list, FactorNever)
	}
	if s.method == azureMethod {
		list = append(list, FactorNotEnrolled)
	}
	return list
}

// right is the code that the page takes.
func (s factorStep) right() string {
	if s.Name == FactorCustom {
		return CustomCode
	}
	return MFACode
}

// stepNamed finds a page; of no name it is that of FactorCustom.
func stepNamed(name Factor) factorStep {
	var custom factorStep
	for _, s := range factorSteps() {
		if s.Name == name {
			return s
		}
		if s.Name == FactorCustom {
			custom = s
		}
	}
	return custom
}

// stepOf is the first page of an AuthMethod: of one that nothing is known of it is that of
// FactorCustom.
func stepOf(method string) factorStep {
	for _, s := range factorSteps() {
		family := s.family
		if family == nil {
			family = []string{s.method}
		}
		begins := func(prefix string) bool { return strings.HasPrefix(method, prefix) }
		if slices.ContainsFunc(family, begins) {
			return s
		}
	}
	return stepNamed(FactorCustom)
}

// defaultFactors fills in what Options say about second factors.
func (o *Options) defaultFactors() {
	if o.MFAResult == "" {
		o.MFAResult = FactorApproved
	}
	if o.MFAPolls == 0 {
		o.MFAPolls = defaultPolls
	}
	if o.MFAExpires == 0 {
		o.MFAExpires = defaultExpires
	}
	if o.Users == nil {
		alice := Alice()
		alice.MFA = o.MFA != ""
		o.Users = []User{alice}
	}
}

// checkFactors refuses kinds and results that there are not, and writes the AuthMethods of a
// kind into Factors.
func (o *Options) checkFactors() error {
	o.defaultFactors()
	kinds := Factors()
	i := slices.IndexFunc(kinds, func(f FactorInfo) bool { return f.Factor == o.MFA })
	switch {
	case !slices.Contains(allResults(), o.MFAResult):
		return fmt.Errorf("simulate AD FS: unknown result of a second factor %q", o.MFAResult)
	case o.MFA == "":
		return nil
	case i < 0:
		return fmt.Errorf("simulate AD FS: unknown second factor %q", o.MFA)
	case len(o.Factors) > 0:
		return fmt.Errorf("simulate AD FS: the second factor %s and others by their methods", o.MFA)
	case !slices.Contains(kinds[i].Results, o.MFAResult):
		return fmt.Errorf("simulate AD FS: the second factor %s never ends in %q", o.MFA, o.MFAResult)
	case o.MFA == FactorChoice:
		o.Factors = []string{azureMethod, sampleMethod}
	default:
		o.Factors = []string{stepNamed(o.MFA).method}
	}
	return nil
}

// Asked is the page of the second factor, for its template.
func (p Page) Asked() factorStep { return stepNamed(p.Factor) }

// CodeWords are those that the page asks for a code with.
func (p Page) CodeWords() string {
	if s := p.Asked(); s.words != nil {
		return s.words(p.Text)
	}
	return ""
}
