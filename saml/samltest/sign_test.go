package samltest_test

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"gatehop/saml/samltest"
)

// verify checks the signature over each element of the name tag in the document, with
// the certificate at the time of issue.
func verify(text, tag string, cert *x509.Certificate) error {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		return err
	}
	elements := []*etree.Element{doc.Root()}
	if tag != doc.Root().Tag {
		elements = nil
		for _, e := range doc.Root().ChildElements() {
			if e.Tag == tag {
				elements = append(elements, e)
			}
		}
	}
	if len(elements) == 0 {
		return errors.New("no such element")
	}
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}})
	ctx.Clock = dsig.NewFakeClockAt(nine)
	for _, e := range elements {
		if _, err := ctx.Validate(e); err != nil {
			return err
		}
	}
	return nil
}

// signedCases are the shapes whose signatures must hold.
func signedCases() map[string]samltest.Response {
	cases := map[string]samltest.Response{
		"plain":       {},
		"roles":       {Roles: samltest.RoleValues(20, "P")},
		"carriage":    {Roles: []string{"\r\n\t " + samltest.RoleValue("111111111111", "A", "P", true) + " &<>\"' \r"}},
		"two":         {Assertions: 2},
		"no subject":  {NoSubject: true, NoConditions: true, NoSessionName: true},
		"many things": {Tags: map[string]string{"a": "<&>", "b": ""}, TransitiveTags: []string{"a"}, SourceIdentity: "x", SessionDuration: "900", SessionNotOnOrAfter: nine},
	}
	for prefixes, name := range map[samltest.Prefixes]string{samltest.SAML: "saml", samltest.SAML2: "saml2", samltest.Unprefixed: "unprefixed", samltest.ADFS: "adfs"} {
		for bits := range 8 {
			cases[fmt.Sprintf("%s %03b", name, bits)] = samltest.Response{
				Prefixes: prefixes, Pretty: bits&1 != 0, Comments: bits&2 != 0, SHA1: bits&4 != 0,
				Roles: samltest.RoleValues(2, "P"),
			}
		}
	}
	return cases
}

func TestIssueSigned(t *testing.T) {
	t.Parallel()
	for name, r := range signedCases() {
		for _, signResponse := range []bool{false, true} {
			r.SignResponse = signResponse
			text := document(t, r)
			if err := verify(text, "Assertion", idp(t).Cert); err != nil {
				t.Errorf("%s: assertion: %v\n%s", name, err, text)
			}
			if err := verify(text, "Response", idp(t).Cert); (err == nil) != signResponse {
				t.Errorf("%s: response signed %v: %v", name, signResponse, err)
			}
		}
	}
}

// One changed byte in what is signed breaks the signature, wherever it is.
func TestIssueSignedControl(t *testing.T) {
	t.Parallel()
	other, err := samltest.New(idp(t).EntityID, nil, nine)
	if err != nil {
		t.Fatal(err)
	}
	for _, prefixes := range []samltest.Prefixes{samltest.ADFS, samltest.SAML, samltest.SAML2, samltest.Unprefixed} {
		text := document(t, samltest.Response{Roles: samltest.RoleValues(2, "P"), Prefixes: prefixes, SignResponse: true})
		if err := verify(text, "Assertion", other.Cert); err == nil {
			t.Error("the certificate of another provider verifies the assertion")
		}
		for _, change := range [][2]string{
			{"role/Role0001", "role/Role0002"},
			{"alice@corp.example<", "alicf@corp.example<"},
			{"urn:amazon:webservices<", "urn:amazon:webservicet<"},
			{`Recipient="https://signin.aws`, `Recipient="https://signin.awt`},
			{`NotOnOrAfter="2026-11-20T10`, `NotOnOrAfter="2026-11-20T11`},
			{"RoleSessionName", "RoleSessionNamf"},
		} {
			if !strings.Contains(text, change[0]) {
				t.Fatalf("the document has no %q", change[0])
			}
			changed := strings.Replace(text, change[0], change[1], 1)
			for _, tag := range []string{"Assertion", "Response"} {
				if err := verify(changed, tag, idp(t).Cert); err == nil {
					t.Errorf("%s: changed to %q, the signature still holds", tag, change[1])
				}
			}
		}
		// The Destination is of the response alone.
		changed := strings.Replace(text, `Destination="https://signin`, `Destination="https://signim`, 1)
		if verify(changed, "Assertion", idp(t).Cert) != nil || verify(changed, "Response", idp(t).Cert) == nil {
			t.Error("a changed Destination breaks the wrong signature")
		}
	}
	unsigned := document(t, samltest.Response{Unsigned: true, SignResponse: true})
	if strings.Contains(unsigned, "Signature") || verify(unsigned, "Assertion", idp(t).Cert) == nil {
		t.Error("an unsigned response has a signature")
	}
}

// The signature has the place and the algorithms that AD FS gives it.
func TestIssueSignaturePlace(t *testing.T) {
	t.Parallel()
	for sha1, algorithms := range map[bool][]string{
		false: {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"},
		true:  {"http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1"},
	} {
		for _, pretty := range []bool{false, true} {
			doc := etree.NewDocument()
			if err := doc.ReadFromString(document(t, samltest.Response{SHA1: sha1, Pretty: pretty, SignResponse: true})); err != nil {
				t.Fatal(err)
			}
			for _, e := range []*etree.Element{doc.Root(), doc.Root().SelectElement("Assertion")} {
				var tags []string
				for _, c := range e.ChildElements() {
					tags = append(tags, c.Tag)
				}
				if tags[0] != "Issuer" || tags[1] != "Signature" {
					t.Fatalf("children of %s: %v", e.Tag, tags)
				}
				s := e.ChildElements()[1]
				got := []string{
					s.FindElement("SignedInfo/CanonicalizationMethod").SelectAttrValue("Algorithm", ""),
					s.FindElement("SignedInfo/SignatureMethod").SelectAttrValue("Algorithm", ""),
					s.FindElement("SignedInfo/Reference/DigestMethod").SelectAttrValue("Algorithm", ""),
					s.FindElement("SignedInfo/Reference").SelectAttrValue("URI", ""),
					s.FindElement("KeyInfo/X509Data/X509Certificate").Text(),
				}
				for _, tr := range s.FindElements("SignedInfo/Reference/Transforms/Transform") {
					got = append(got, tr.SelectAttrValue("Algorithm", ""))
				}
				want := []string{
					"http://www.w3.org/2001/10/xml-exc-c14n#", algorithms[0], algorithms[1],
					"#" + e.SelectAttrValue("ID", "none"), base64.StdEncoding.EncodeToString(idp(t).Cert.Raw),
					"http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/2001/10/xml-exc-c14n#",
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("signature of %s:\n%q\nwant\n%q", e.Tag, got, want)
				}
			}
		}
	}
}

// A signature is added to a document and changes nothing else of it; a comment in every
// value spares the signatures.
func TestIssueSignedAdds(t *testing.T) {
	t.Parallel()
	signature := regexp.MustCompile(`(?s)<ds:Signature .*?</ds:Signature>`)
	for name, r := range signedCases() {
		r.SignResponse, r.Rand = true, seeded()
		signed := document(t, r)
		r.Unsigned, r.Rand = true, seeded()
		if got, want := signature.ReplaceAllString(signed, ""), document(t, r); got != want {
			t.Errorf("%s: without its signatures\n%s\nwant\n%s", name, got, want)
		}
		for _, s := range signature.FindAllString(signed, -1) {
			if strings.Contains(s, "<!--") {
				t.Errorf("%s: a comment in %s", name, s)
			}
		}
	}
}
