package samltest

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// Prefixes is how a response writes its namespaces.
type Prefixes int

// The ways. The zero value is that of AD FS.
const (
	ADFS       Prefixes = iota // samlp: for the protocol, a default namespace on Issuer and Assertion
	SAML                       // samlp: and saml:
	SAML2                      // saml2p: and saml2:
	Unprefixed                 // default namespaces only
)

// Formats of a NameID that AWS takes.
const (
	Persistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	Transient   = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	Email       = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	Unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
)

// How the person signed in, for Response.AuthnContext.
const (
	PasswordContext = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	WindowsContext  = "urn:federation:authentication:windows"
)

// None as Response.Assertions makes a response without an assertion.
const None = -1

// Response says what to issue. The zero value is a response as AD FS 2016 sends it
// (assertion signed with RSA-SHA256, one line of base64), without any role.
type Response struct {
	// The person.
	Subject         string // NameID; "" is alice@corp.example
	NameIDFormat    string // "" is Persistent
	NoSubject       bool   // no NameID; the confirmation stays
	SessionName     string // RoleSessionName; "" is alice@corp.example
	NoSessionName   bool
	SessionDuration string            // text of the attribute as it shall stand; "" leaves it out
	Roles           []string          // values of the Role attribute as they shall stand; none leaves it out
	Tags            map[string]string // PrincipalTag:KEY, by key in order
	TransitiveTags  []string
	SourceIdentity  string
	AuthnContext    string // "" is PasswordContext

	// To whom and when.
	Destination   string // "" is https://signin.aws.amazon.com/saml
	NoDestination bool   // no Destination attribute on the Response
	Recipient     string // "" is Destination
	Audience      string // "" is urn:amazon:webservices
	// Issued is the IssueInstant of response and assertion. Zero is the time that New
	// was given.
	Issued              time.Time
	NotBefore           time.Time // zero is Issued
	NotOnOrAfter        time.Time // zero is Issued + 60 min
	ConfirmBefore       time.Time // NotOnOrAfter of the subject confirmation; zero is Issued + 5 min
	SessionNotOnOrAfter time.Time // zero leaves it out
	NoConditions        bool

	// A refusal. With a StatusCode the response has no assertion, unless Assertions
	// asks for some.
	StatusCode    string // urn:oasis:names:tc:SAML:2.0:status:Responder; "" is success
	StatusSubCode string
	StatusMessage string

	// Oddities.
	Assertions    int               // how many; 0 is 1, None is none
	Encrypted     bool              // an EncryptedAssertion in place of each Assertion
	EncryptTo     *x509.Certificate // for whom (RSA-OAEP, AES-256-CBC); nil is the IDP itself
	AlsoEncrypted bool              // after the plain ones, one more that is encrypted
	Prefixes      Prefixes
	Pretty        bool // indented, white space around every value
	Comments      bool // a comment in the middle of every value, after signing: signatures stay good
	Duplicates    bool // every role twice
	Unsigned      bool // no signature at all
	SignResponse  bool // the response as well as the assertion
	SHA1          bool // signed with RSA-SHA1, as AD FS 2.0 does
	WrapBase64    bool // CRLF after every 76 characters

	// Rand is where IDs and encryption keys come from; nil is crypto/rand.
	Rand io.Reader
}

// Issue returns the value of the SAMLResponse field: base64 of the XML. Two calls with
// the same Response, Rand included, differ in nothing but what RSA-OAEP randomizes.
func (p *IDP) Issue(r Response) (encoded string, err error) {
	xml, err := p.XML(r)
	if err != nil {
		return "", err
	}
	encoded = base64.StdEncoding.EncodeToString(xml)
	if !r.WrapBase64 {
		return encoded, nil
	}
	var lines strings.Builder
	for len(encoded) > 76 {
		lines.WriteString(encoded[:76] + "\r\n")
		encoded = encoded[76:]
	}
	return lines.String() + encoded + "\r\n", nil
}

// XML returns the document that Issue encodes.
func (p *IDP) XML(r Response) ([]byte, error) {
	b := &builder{idp: p, Response: p.withDefaults(r)}
	root, err := b.response()
	if err != nil {
		return nil, fmt.Errorf("issue SAML response: %w", err)
	}
	doc := etree.NewDocument()
	doc.SetRoot(root)
	// A carriage return must be written as a reference: parsers turn a bare one into
	// a line feed, and the signature over it would break.
	doc.WriteSettings.CanonicalText = true
	doc.WriteSettings.CanonicalAttrVal = true
	return doc.WriteToBytes()
}

func (p *IDP) withDefaults(r Response) Response {
	for _, d := range []struct {
		field *string
		value string
	}{
		{&r.Subject, "alice@corp.example"},
		{&r.NameIDFormat, Persistent},
		{&r.SessionName, "alice@corp.example"},
		{&r.AuthnContext, PasswordContext},
		{&r.Destination, "https://signin.aws.amazon.com/saml"},
		{&r.Audience, "urn:amazon:webservices"},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if r.Recipient == "" {
		r.Recipient = r.Destination
	}
	if r.Issued.IsZero() {
		r.Issued = p.now
	}
	for _, d := range []struct {
		field *time.Time
		after time.Duration
	}{{&r.NotBefore, 0}, {&r.NotOnOrAfter, time.Hour}, {&r.ConfirmBefore, 5 * time.Minute}} {
		if d.field.IsZero() {
			*d.field = r.Issued.Add(d.after)
		}
	}
	switch {
	case r.Assertions == None, r.Assertions == 0 && r.StatusCode != "":
		r.Assertions = 0
	case r.Assertions == 0:
		r.Assertions = 1
	}
	if r.Duplicates {
		r.Roles = append(append([]string(nil), r.Roles...), r.Roles...)
	}
	r.Rand = orSystem(r.Rand)
	return r
}
