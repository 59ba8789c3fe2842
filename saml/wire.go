package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

const (
	protocolNS = "urn:oasis:names:tc:SAML:2.0:protocol"

	roleAttribute            = "https://aws.amazon.com/SAML/Attributes/Role"
	sessionNameAttribute     = "https://aws.amazon.com/SAML/Attributes/RoleSessionName"
	sessionDurationAttribute = "https://aws.amazon.com/SAML/Attributes/SessionDuration"

	maxDepth = 200
	// maxElements is the bound of every page. The 100,000 characters that AWS takes
	// hold some 500 roles.
	maxElements = 50_000
	// maxAttributes bounds the XML attributes of a document by its equal signs: a tag
	// of millions of them would take forty times its size in memory.
	maxAttributes = 100_000
	// maxTagAttributes keeps the search for repeated ones short.
	maxTagAttributes = 256
)

// The wire types name what is read of a response. encoding/xml matches them by
// namespace and local name, whatever the prefix, and joins the character data of an
// element over comments and CDATA sections. (Reading only the first piece lets
// "alice<!---->@corp.example" pass for "alice".)
type (
	wireResponse struct {
		XMLName      xml.Name
		Destination  string         `xml:"Destination,attr"`
		IssueInstant string         `xml:"IssueInstant,attr"`
		Issuer       string         `xml:"urn:oasis:names:tc:SAML:2.0:assertion Issuer"`
		Status       *wireStatus    `xml:"urn:oasis:names:tc:SAML:2.0:protocol Status"`
		Assertion    *wireAssertion `xml:"urn:oasis:names:tc:SAML:2.0:assertion Assertion"`
		Encrypted    *struct{}      `xml:"urn:oasis:names:tc:SAML:2.0:assertion EncryptedAssertion"`
	}
	wireStatus struct {
		Code    wireCode `xml:"urn:oasis:names:tc:SAML:2.0:protocol StatusCode"`
		Message string   `xml:"urn:oasis:names:tc:SAML:2.0:protocol StatusMessage"`
	}
	wireCode struct {
		Value string `xml:"Value,attr"`
		Sub   struct {
			Value string `xml:"Value,attr"`
		} `xml:"urn:oasis:names:tc:SAML:2.0:protocol StatusCode"`
	}
	wireAssertion struct {
		IssueInstant string         `xml:"IssueInstant,attr"`
		Issuer       string         `xml:"urn:oasis:names:tc:SAML:2.0:assertion Issuer"`
		Subject      wireSubject    `xml:"urn:oasis:names:tc:SAML:2.0:assertion Subject"`
		Conditions   wireConditions `xml:"urn:oasis:names:tc:SAML:2.0:assertion Conditions"`
		Attributes   wireAttributes `xml:"urn:oasis:names:tc:SAML:2.0:assertion AttributeStatement>Attribute"`
	}
	wireSubject struct {
		NameID        string `xml:"urn:oasis:names:tc:SAML:2.0:assertion NameID"`
		Confirmations []struct {
			Method string `xml:"Method,attr"`
			Data   struct {
				Recipient string `xml:"Recipient,attr"`
			} `xml:"urn:oasis:names:tc:SAML:2.0:assertion SubjectConfirmationData"`
		} `xml:"urn:oasis:names:tc:SAML:2.0:assertion SubjectConfirmation"`
	}
	wireConditions struct {
		NotBefore    string `xml:"NotBefore,attr"`
		NotOnOrAfter string `xml:"NotOnOrAfter,attr"`
	}
	// wireAttributes keeps the values of the attributes that are of use and passes
	// over the others without building anything of them.
	wireAttributes struct{ role, sessionName, sessionDuration []string }
)

// UnmarshalXML is called for each Attribute element.
func (w *wireAttributes) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	var into *[]string
	for _, a := range start.Attr {
		if a.Name.Local != "Name" {
			continue
		}
		switch a.Value {
		case roleAttribute:
			into = &w.role
		case sessionNameAttribute:
			into = &w.sessionName
		case sessionDurationAttribute:
			into = &w.sessionDuration
		}
	}
	if into == nil {
		return d.Skip()
	}
	var values struct {
		Text []string `xml:"urn:oasis:names:tc:SAML:2.0:assertion AttributeValue"`
	}
	if err := d.DecodeElement(&values, &start); err != nil {
		return err
	}
	*into = append(*into, values.Text...)
	return nil
}

// recipient returns where the bearer of the assertion is to take it.
func (w *wireSubject) recipient() string {
	for _, c := range w.Confirmations {
		if r := text(c.Data.Recipient); r != "" && text(c.Method) == bearer {
			return r
		}
	}
	return ""
}

// parse reads a document in one pass. several reports more than one assertion,
// wherever they are; the response is then of no use.
func parse(document []byte) (w *wireResponse, several bool, err error) {
	if bytes.Count(document, []byte("=")) > maxAttributes {
		return nil, false, &SyntaxError{Problem: TooLarge}
	}
	g := newGuard(document)
	d := xml.NewTokenDecoder(g)
	w = &wireResponse{}
	if err := d.Decode(w); err != nil {
		return nil, false, g.reason()
	}
	// What follows the root is read as well: nothing may.
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			return nil, false, g.reason()
		}
	}
	if w.XMLName != (xml.Name{Space: protocolNS, Local: "Response"}) {
		return nil, false, &SyntaxError{Problem: NotResponse}
	}
	return w, g.assertions > 1, nil
}

// guard hands on the raw tokens of a document, counts assertions among all of them,
// and stops at what no response holds.
type guard struct {
	d          *xml.Decoder
	depth      int
	roots      int
	elements   int
	assertions int // elements named Assertion or EncryptedAssertion, in any namespace
	problem    Problem
}

// errStop ends the reading; guard.problem says why.
var errStop = errors.New("stop")

func newGuard(document []byte) *guard {
	g := &guard{d: xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(document, []byte("\ufeff"))))}
	g.d.CharsetReader = func(charset string, r io.Reader) (io.Reader, error) {
		if strings.EqualFold(charset, "us-ascii") {
			return r, nil // every byte of it means the same in UTF-8
		}
		return nil, errStop
	}
	return g
}

// reason is why reading stopped.
func (g *guard) reason() error {
	problem := g.problem
	if problem == "" {
		problem = NotXML
	}
	line, _ := g.d.InputPos()
	return &SyntaxError{Problem: problem, Line: line}
}

// Token implements xml.TokenReader over raw tokens: the decoder above it resolves the
// namespaces and pairs the tags.
func (g *guard) Token() (xml.Token, error) {
	t, err := g.d.RawToken()
	if err != nil {
		return nil, err
	}
	if g.problem = g.look(t); g.problem != "" {
		return nil, errStop
	}
	if start, ok := t.(xml.StartElement); ok {
		// encoding/xml would take evil:Destination for Destination.
		start.Attr = slices.DeleteFunc(start.Attr, func(a xml.Attr) bool {
			return a.Name.Space != "" && a.Name.Space != "xmlns"
		})
		return start, nil
	}
	return t, nil
}

func (g *guard) look(t xml.Token) Problem {
	switch t := t.(type) {
	case xml.Directive:
		return HasDTD
	case xml.CharData:
		if g.depth == 0 && len(bytes.TrimSpace(t)) > 0 {
			return NotXML
		}
	case xml.EndElement:
		g.depth--
	case xml.StartElement:
		return g.open(t)
	}
	return ""
}

func (g *guard) open(t xml.StartElement) Problem {
	if g.depth == 0 {
		g.roots++
	}
	g.depth++
	g.elements++
	if t.Name.Local == "Assertion" || t.Name.Local == "EncryptedAssertion" {
		g.assertions++
	}
	switch {
	case g.depth > maxDepth:
		return TooDeep
	case g.elements > maxElements || len(t.Attr) > maxTagAttributes:
		return TooLarge
	case g.roots > 1 || repeats(t.Attr):
		return NotXML
	}
	return ""
}

// repeats reports whether a tag has an attribute twice, which is not XML and which
// parsers read differently.
func repeats(attrs []xml.Attr) bool {
	for i, a := range attrs {
		for _, b := range attrs[:i] {
			if a.Name == b.Name {
				return true
			}
		}
	}
	return false
}
