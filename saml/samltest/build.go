package samltest

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
)

const (
	protocolNS  = "urn:oasis:names:tc:SAML:2.0:protocol"
	assertionNS = "urn:oasis:names:tc:SAML:2.0:assertion"
	attributes  = "https://aws.amazon.com/SAML/Attributes/"
	bearer      = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
)

// builder makes the elements of one response. The embedded Response has its defaults
// filled in.
type builder struct {
	idp *IDP
	Response
}

// prefixes returns the prefix of the protocol and of the assertion namespace; "" is a
// default namespace.
func (b *builder) prefixes() (protocol, assertion string) {
	p := map[Prefixes][2]string{
		ADFS:       {"samlp", ""},
		SAML:       {"samlp", "saml"},
		SAML2:      {"saml2p", "saml2"},
		Unprefixed: {"", ""},
	}[b.Prefixes]
	return p[0], p[1]
}

func (b *builder) response() (*etree.Element, error) {
	protocol, _ := b.prefixes()
	id, err := b.id()
	if err != nil {
		return nil, err
	}
	root := rooted(protocol, "Response", protocolNS)
	root.CreateAttr("ID", id)
	root.CreateAttr("Version", "2.0")
	root.CreateAttr("IssueInstant", stamp(b.Issued))
	if !b.NoDestination {
		root.CreateAttr("Destination", b.Destination)
	}
	root.CreateAttr("Consent", "urn:oasis:names:tc:SAML:2.0:consent:unspecified")
	root.AddChild(b.issuer())
	b.status(root)
	if b.Pretty {
		pretty(root, 0)
	}
	for range b.Assertions {
		if err := b.addAssertion(root, b.Encrypted); err != nil {
			return nil, err
		}
	}
	if b.AlsoEncrypted {
		if err := b.addAssertion(root, true); err != nil {
			return nil, err
		}
	}
	if b.SignResponse && !b.Unsigned {
		if err := b.sign(root); err != nil {
			return nil, err
		}
	}
	if b.Comments {
		interrupt(root)
	}
	return root, nil
}

// addAssertion adds a complete, signed assertion. It is signed on its own, with the
// exclusive canonical form, so that it means the same wherever it stands.
func (b *builder) addAssertion(root *etree.Element, encrypted bool) error {
	a, err := b.assertion()
	if err != nil {
		return err
	}
	if b.Pretty {
		pretty(a, 1)
	}
	if !b.Unsigned {
		if err := b.sign(a); err != nil {
			return err
		}
	}
	if encrypted {
		if a, err = b.encrypt(a); err != nil {
			return err
		}
	}
	root.AddChild(a)
	if b.Pretty {
		root.CreateText("\n")
	}
	return nil
}

func (b *builder) status(root *etree.Element) {
	protocol, _ := b.prefixes()
	status := child(root, protocol, "Status")
	code := child(status, protocol, "StatusCode")
	code.CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Success")
	if b.StatusCode != "" {
		code.CreateAttr("Value", b.StatusCode)
	}
	if b.StatusSubCode != "" {
		child(code, protocol, "StatusCode").CreateAttr("Value", b.StatusSubCode)
	}
	if b.StatusMessage != "" {
		child(status, protocol, "StatusMessage").SetText(b.StatusMessage)
	}
}

// issuer returns an Issuer that declares its own namespace: it stands both in the
// Response and in the Assertion.
func (b *builder) issuer() *etree.Element {
	_, assertion := b.prefixes()
	e := rooted(assertion, "Issuer", assertionNS)
	e.SetText(b.idp.EntityID)
	return e
}

func (b *builder) assertion() (*etree.Element, error) {
	_, prefix := b.prefixes()
	id, err := b.id()
	if err != nil {
		return nil, err
	}
	a := rooted(prefix, "Assertion", assertionNS)
	a.CreateAttr("ID", id)
	a.CreateAttr("IssueInstant", stamp(b.Issued))
	a.CreateAttr("Version", "2.0")
	child(a, prefix, "Issuer").SetText(b.idp.EntityID)
	b.subject(a)
	if !b.NoConditions {
		c := child(a, prefix, "Conditions")
		c.CreateAttr("NotBefore", stamp(b.NotBefore))
		c.CreateAttr("NotOnOrAfter", stamp(b.NotOnOrAfter))
		child(child(c, prefix, "AudienceRestriction"), prefix, "Audience").SetText(b.Audience)
	}
	b.attributes(a)
	s := child(a, prefix, "AuthnStatement")
	s.CreateAttr("AuthnInstant", stamp(b.Issued))
	s.CreateAttr("SessionIndex", id)
	if !b.SessionNotOnOrAfter.IsZero() {
		s.CreateAttr("SessionNotOnOrAfter", stamp(b.SessionNotOnOrAfter))
	}
	child(child(s, prefix, "AuthnContext"), prefix, "AuthnContextClassRef").SetText(b.AuthnContext)
	return a, nil
}

func (b *builder) subject(a *etree.Element) {
	_, prefix := b.prefixes()
	s := child(a, prefix, "Subject")
	if !b.NoSubject {
		name := child(s, prefix, "NameID")
		name.CreateAttr("Format", b.NameIDFormat)
		name.SetText(b.Subject)
	}
	c := child(s, prefix, "SubjectConfirmation")
	c.CreateAttr("Method", bearer)
	d := child(c, prefix, "SubjectConfirmationData")
	d.CreateAttr("NotOnOrAfter", stamp(b.ConfirmBefore))
	d.CreateAttr("Recipient", b.Recipient)
}

func (b *builder) attributes(a *etree.Element) {
	_, prefix := b.prefixes()
	s := child(a, prefix, "AttributeStatement")
	add := func(name string, values ...string) {
		if len(values) == 0 {
			return
		}
		e := child(s, prefix, "Attribute")
		e.CreateAttr("Name", attributes+name)
		for _, v := range values {
			child(e, prefix, "AttributeValue").SetText(v)
		}
	}
	if !b.NoSessionName {
		add("RoleSessionName", b.SessionName)
	}
	add("Role", b.Roles...)
	if b.SessionDuration != "" {
		add("SessionDuration", b.SessionDuration)
	}
	for _, key := range slices.Sorted(maps.Keys(b.Tags)) {
		add("PrincipalTag:"+key, b.Tags[key])
	}
	add("TransitiveTagKeys", b.TransitiveTags...)
	if b.SourceIdentity != "" {
		add("SourceIdentity", b.SourceIdentity)
	}
	if len(s.Child) == 0 {
		a.RemoveChild(s) // the schema wants at least one attribute in a statement
	}
}

// id returns an ID as AD FS makes them: "_" and a random UUID. (An XML ID may not
// begin with a digit.)
func (b *builder) id() (string, error) {
	var u [16]byte
	if _, err := io.ReadFull(b.Rand, u[:]); err != nil {
		return "", fmt.Errorf("make ID: %w", err)
	}
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("_%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:]), nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// rooted makes an element that declares its own namespace.
func rooted(prefix, tag, namespace string) *etree.Element {
	e := etree.NewElement(tag)
	e.Space = prefix
	if prefix == "" {
		e.CreateAttr("xmlns", namespace)
	} else {
		e.CreateAttr("xmlns:"+prefix, namespace)
	}
	return e
}

func child(parent *etree.Element, prefix, tag string) *etree.Element {
	e := parent.CreateElement(tag)
	e.Space = prefix
	return e
}

// pretty indents e and puts white space around its text, as a pretty-printer does that
// knows no schema.
func pretty(e *etree.Element, depth int) {
	inner, outer := "\n"+strings.Repeat("  ", depth+1), "\n"+strings.Repeat("  ", depth)
	children := e.ChildElements()
	if len(children) == 0 {
		if value := e.Text(); value != "" {
			e.SetText(inner + value + outer)
		}
		return
	}
	for _, c := range children {
		pretty(c, depth+1)
		e.InsertChildAt(c.Index(), etree.NewText(inner))
	}
	e.CreateText(outer)
}

// interrupt puts a comment into the middle of the text of every element that has no
// children, but for the signatures, whose text is base64 and not signed.
func interrupt(e *etree.Element) {
	if e.Tag == "Signature" || e.Tag == "CipherValue" {
		return
	}
	children := e.ChildElements()
	for _, c := range children {
		interrupt(c)
	}
	value := []rune(e.Text())
	if len(children) > 0 || len(value) < 2 {
		return
	}
	for len(e.Child) > 0 {
		e.RemoveChildAt(0)
	}
	half := len(value) / 2
	e.CreateText(string(value[:half]))
	e.CreateComment("")
	e.CreateText(string(value[half:]))
}
