package idp

import "slices"

// Class is what kind of trouble a verdict is: whose turn it is to do something. A
// program's exit status is made of it.
type Class string

// The classes.
const (
	Auth        Class = "auth"        // the provider refused the person
	Config      Class = "config"      // settings, here or at the provider, must change
	Choice      Class = "choice"      // something is to be chosen and nobody chose
	MFA         Class = "mfa"         // a second factor was refused or not answered
	Unsupported Class = "unsupported" // the page is not understood, or needs a browser
	Server      Class = "server"      // the provider is at fault
	Net         Class = "net"         // the way to the provider, or its being down
)

// Row is one kind of page of the failure catalogue.
type Row struct {
	ID      string // "E01" and so on; "" for what gatehop refuses of itself
	Verdict Verdict
	Class   Class  // the same in all rows of one verdict
	Summary string // the same in all rows of one verdict: lower case, no advice
}

// Catalogue returns every kind of page that ends a sign-in, in the order of the IDs.
// It is the caller's to keep. IDs that are missing are no page's: E43, E53 and E58 do
// not end a sign-in, E54 is *NetworkError, E55 is *OriginError, E59 and E60 explain
// another failure, and E40 was never given.
func Catalogue() []Row { return slices.Clone(catalogue) }

// Summaries of the verdicts with several rows.
const (
	rejected  = "user name or password refused"
	expired   = "what you sign in with has expired and must be changed"
	reported  = "the provider reports an error"
	lost      = "the provider lost the sign-in session"
	loop      = "the sign-in never ends"
	browser   = "asks for a second factor that needs a browser"
	enrolment = "no second factor is registered for this account"
	consent   = "shows terms or a consent to agree to"
	unknown   = "page not recognised"
)

// catalogue is never changed.
var catalogue = []Row{
	{"E01", Rejected, Auth, rejected},
	{"E02", Rejected, Auth, rejected},
	{"E03", Unexplained, Config, "the sign-in page came again without an explanation"},
	{"E04", PasswordExpired, Auth, expired},
	{"E05", UnknownParty, Config, "the provider does not know this relying party"},
	{"E06", PasswordExpired, Auth, expired},
	{"E07", EntryDisabled, Config, "the provider has its sign-in entry page switched off"},
	{"E08", ProviderError, Server, reported},
	{"E09", ProviderError, Server, reported},
	{"E10", NotPermitted, Auth, "signed in, but the provider issues nothing for AWS to this account"},
	{"E11", Integrated, Config, "asks for integrated sign-in (NTLM or Kerberos)"},
	{"E12", Rejected, Auth, rejected},
	{"E13", BasicAuth, Config, "asks for HTTP Basic or Digest authentication"},
	{"E14", HomeRealm, Choice, "asks which organisation you belong to"},
	{"E15", SignInLoop, Server, loop},
	{"E16", StateLost, Server, lost},
	{"E17", CookiesTooLarge, Net, "the server finds the cookies too large"},
	{"E18", MethodChoice, Choice, "asks which way to sign in"},
	{"E21", MFADenied, MFA, "the second factor was refused"},
	{"E22", MFATimeout, MFA, "the second factor was not answered in time"},
	{"E23", Enrolment, Config, enrolment},
	{"E24", NeedsBrowser, Unsupported, browser},
	{"E25", NeedsBrowser, Unsupported, browser},
	{"E26", NeedsBrowser, Unsupported, browser},
	{"E27", Certificate, Config, "asks for a TLS client certificate"},
	{"E28", NeedsBrowser, Unsupported, browser},
	{"E29", Captcha, Unsupported, "shows a CAPTCHA"},
	{"E30", Firewall, Unsupported, "a web firewall wants a browser"},
	{"E31", ScriptOnly, Unsupported, "works only with scripts"},
	{"E32", Rejected, Auth, rejected},
	{"E33", StateLost, Server, lost},
	{"E34", PasswordExpired, Auth, expired},
	{"E35", Enrolment, Config, enrolment},
	{"E36", Consent, Config, consent},
	{"E37", Consent, Config, consent},
	{"E38", StateLost, Server, lost},
	{"E39", Rejected, Auth, rejected},
	{"E41", ForeignAssertion, Config, "the assertion is for another service than AWS"},
	{"E42", BadAssertion, Server, "the SAML response cannot be used"},
	{"E44", NoRoles, Auth, "signed in, but the assertion offers no AWS role"},
	{"E45", WSFederation, Config, "answers in WS-Federation format, not SAML"},
	{"E46", AWSPage, Config, "arrived at AWS instead of the provider"},
	{"E47", Unknown, Unsupported, unknown},
	{"E48", Unknown, Unsupported, unknown},
	{"E49", NotHTML, Server, "not a web page"},
	{"E49", TooLarge, Server, "page too large"},
	{"E50", NotFound, Config, "no sign-in page at this address"},
	{"E51", Unavailable, Net, "the provider is unavailable"},
	{"E52", ProxyRefused, Net, "the network proxy refuses"},
	{"E56", SignInLoop, Server, loop},
	{"E57", OtherUser, Config, "the page is for another user"},
	{"", SecondFactor, Unsupported, "asks for a second factor of a kind that is not understood"},
	{"", NoCertificate, Config, "offers no sign-in by certificate"},
	{"", TicketRefused, Auth, "the server refused the Kerberos ticket"},
	{"", FormInstead, Config, "shows a sign-in form where another way to sign in is configured"},
	{"", ConnectionLost, Net, "the connection that the sign-in is bound to was lost twice"},
	{"", BareUser, Config, "the user name has no domain"},
	{"", UnreadableForm, Unsupported, "the form would not send what you type safely"},
}
