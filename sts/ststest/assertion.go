package ststest

import (
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// Names of the attributes (IAM user guide, "Configure SAML assertions for the
// authentication response"). They are case-sensitive.
const (
	attrPrefix     = "https://aws.amazon.com/SAML/Attributes/"
	attrRole       = attrPrefix + "Role"
	attrName       = attrPrefix + "RoleSessionName"
	attrDuration   = attrPrefix + "SessionDuration"
	attrSource     = attrPrefix + "SourceIdentity"
	attrTag        = attrPrefix + "PrincipalTag:"
	attrTransitive = attrPrefix + "TransitiveTagKeys"
)

// assertion is what a signature covers, as AWS reads it.
type assertion struct {
	issuer              string
	subject, format     string // NameID; "" if there is none
	issued              time.Time
	from, until         time.Time // of Conditions; zero if absent
	audiences           []string
	recipient           string // "" unless there is exactly one bearer confirmation with Recipient and NotOnOrAfter
	confirm             time.Time
	sessionNotOnOrAfter time.Time           // zero if absent
	attrs               map[string][]string // by name, white space around values cut
}

// readAssertion verifies the response against a provider and reads what is signed.
func readAssertion(encoded string, p Provider) (*assertion, error) {
	root, err := parse(encoded)
	if err != nil {
		return nil, err
	}
	status := only(only(root, protocolNS, "Status"), protocolNS, "StatusCode")
	if status == nil || status.SelectAttrValue("Value", "") != success {
		return nil, errors.New("its status is not success")
	}
	// Whose certificates are the right ones depends on the issuer, so AWS looks at that
	// first, and so does this; it is read once more from what is signed.
	if issuer := firstIssuer(root); issuer != p.EntityID {
		return nil, errIssuer
	}
	e, err := signedAssertion(root, p)
	if err != nil {
		return nil, err
	}
	a := read(e)
	if a.issuer != p.EntityID {
		return nil, errIssuer
	}
	return a, nil
}

var errIssuer = errors.New("issuer not present in provider")

func firstIssuer(root *etree.Element) string {
	if a := only(root, assertionNS, "Assertion"); a != nil {
		return strings.TrimSpace(text(only(a, assertionNS, "Issuer")))
	}
	return strings.TrimSpace(text(only(root, assertionNS, "Issuer")))
}

// signedAssertion returns the assertion out of what was digested. Of response and
// assertion at least one must be signed, and both if both claim to be.
func signedAssertion(root *etree.Element, p Provider) (*etree.Element, error) {
	covered, err := verify(root, p.Certs)
	if err != nil {
		return nil, err
	}
	from := root
	if covered != nil {
		from = covered
	}
	if encrypted := only(from, assertionNS, "EncryptedAssertion"); encrypted != nil {
		plain, err := decrypt(encrypted, p.Decrypt)
		if err != nil {
			return nil, err
		}
		return signedOr(plain, covered != nil, p.Certs)
	}
	// The assertion's own signature is verified where it stands: canonicalizing the
	// response has moved its namespace declarations.
	inPlace := only(root, assertionNS, "Assertion")
	if signed, err := verify(inPlace, p.Certs); signed != nil || err != nil {
		return signed, err
	}
	if covered == nil {
		return nil, errSignature
	}
	return only(covered, assertionNS, "Assertion"), nil
}

// signedOr returns what a's own signature covers; a itself if it has none and what it
// came from was covered.
func signedOr(a *etree.Element, covered bool, certs []*x509.Certificate) (*etree.Element, error) {
	signed, err := verify(a, certs)
	if signed == nil && err == nil {
		if !covered {
			return nil, errSignature
		}
		return a, nil
	}
	return signed, err
}

func read(e *etree.Element) *assertion {
	a := &assertion{
		issuer: strings.TrimSpace(text(only(e, assertionNS, "Issuer"))),
		issued: instant(e, "IssueInstant"),
		attrs:  map[string][]string{},
	}
	a.readSubject(only(e, assertionNS, "Subject"))
	if c := only(e, assertionNS, "Conditions"); c != nil {
		a.from, a.until = instant(c, "NotBefore"), instant(c, "NotOnOrAfter")
		for _, r := range children(c, assertionNS, "AudienceRestriction") {
			for _, v := range children(r, assertionNS, "Audience") {
				a.audiences = append(a.audiences, strings.TrimSpace(text(v)))
			}
		}
	}
	for _, s := range children(e, assertionNS, "AuthnStatement") {
		a.sessionNotOnOrAfter = instant(s, "SessionNotOnOrAfter")
	}
	for _, s := range children(e, assertionNS, "AttributeStatement") {
		for _, attr := range children(s, assertionNS, "Attribute") {
			name := attr.SelectAttrValue("Name", "")
			for _, v := range children(attr, assertionNS, "AttributeValue") {
				a.attrs[name] = append(a.attrs[name], strings.TrimSpace(text(v)))
			}
		}
	}
	return a
}

func (a *assertion) readSubject(subject *etree.Element) {
	if id := only(subject, assertionNS, "NameID"); id != nil {
		a.subject, a.format = strings.TrimSpace(text(id)), id.SelectAttrValue("Format", "")
	}
	confirmation := only(subject, assertionNS, "SubjectConfirmation")
	if confirmation == nil || confirmation.SelectAttrValue("Method", "") != "urn:oasis:names:tc:SAML:2.0:cm:bearer" {
		return
	}
	if data := only(confirmation, assertionNS, "SubjectConfirmationData"); data != nil {
		a.confirm = instant(data, "NotOnOrAfter")
		if !a.confirm.IsZero() {
			a.recipient = data.SelectAttrValue("Recipient", "")
		}
	}
}

func instant(e *etree.Element, attr string) time.Time {
	t, _ := time.Parse(time.RFC3339, e.SelectAttrValue(attr, ""))
	return t
}

// one returns the value of an attribute that must be single, "" if it is not there.
func (a *assertion) one(name string) string {
	if v := a.attrs[name]; len(v) == 1 {
		return v[0]
	}
	return ""
}

// names reports whether a value of the Role attribute is this pair, in either order.
func (a *assertion) names(role, provider string) bool {
	return slices.ContainsFunc(a.attrs[attrRole], func(v string) bool {
		for _, pair := range [][2]string{{role, provider}, {provider, role}} {
			// Cut off one from each end rather than split: roles may hold commas.
			rest, ok := strings.CutPrefix(v, pair[0])
			if rest, ok2 := strings.CutSuffix(rest, pair[1]); ok && ok2 && strings.TrimSpace(rest) == "," {
				return true
			}
		}
		return false
	})
}

// tags returns the session tags and the keys of the transitive ones.
func (a *assertion) tags() (tags map[string]string, transitive []string) {
	tags = map[string]string{}
	for name := range a.attrs {
		if key, ok := strings.CutPrefix(name, attrTag); ok {
			tags[key] = a.one(name)
		}
	}
	return tags, a.attrs[attrTransitive]
}
