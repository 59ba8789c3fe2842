package ststest

import (
	"crypto/x509"
	"encoding/base64"
	"errors"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

const (
	protocolNS  = "urn:oasis:names:tc:SAML:2.0:protocol"
	assertionNS = "urn:oasis:names:tc:SAML:2.0:assertion"
	success     = "urn:oasis:names:tc:SAML:2.0:status:Success"

	maxDepth = 200
)

var errSignature = errors.New("signature invalid")

// parse reads the document and refuses every shape in which the element that is
// verified could differ from the element that is read.
func parse(encoded string) (*etree.Element, error) {
	xml, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("it is not base64")
	}
	doc := etree.NewDocument()
	doc.ReadSettings.PreserveDuplicateAttrs = true
	if err := doc.ReadFromBytes(xml); err != nil || doc.Root() == nil {
		return nil, errors.New("it is not XML")
	}
	roots := 0
	for _, t := range doc.Child {
		switch t.(type) {
		case *etree.Directive:
			return nil, errors.New("it has a document type")
		case *etree.Element:
			roots++
		}
	}
	root := doc.Root()
	if roots != 1 || !is(root, protocolNS, "Response") {
		return nil, errors.New("it is not a SAML 2.0 response")
	}
	s := &shape{ids: map[string]bool{}, root: root}
	if err := s.walk(root, 0); err != nil {
		return nil, err
	}
	if s.assertions != 1 {
		return nil, errors.New("it does not hold exactly one assertion")
	}
	return root, nil
}

// shape is what is counted on a walk over the whole document.
type shape struct {
	root       *etree.Element
	ids        map[string]bool
	assertions int // plain and encrypted
}

func (s *shape) walk(e *etree.Element, depth int) error {
	if depth > maxDepth {
		return errors.New("it is nested too deep")
	}
	attrs := map[string]bool{}
	for _, a := range e.Attr {
		if attrs[a.FullKey()] {
			return errors.New("it has an attribute twice")
		}
		attrs[a.FullKey()] = true
	}
	if id := e.SelectAttrValue("ID", ""); id != "" {
		if s.ids[id] {
			return errors.New("it has an ID twice")
		}
		s.ids[id] = true
	}
	assertion := is(e, assertionNS, "Assertion") || is(e, assertionNS, "EncryptedAssertion")
	switch {
	case assertion && e.Parent() != s.root:
		return errors.New("it has an assertion out of place")
	case assertion:
		s.assertions++
	case is(e, dsig.Namespace, dsig.SignatureTag) && e.Parent() != s.root && !is(e.Parent(), assertionNS, "Assertion"):
		return errors.New("it has a signature out of place")
	}
	for _, t := range e.Child {
		switch t := t.(type) {
		case *etree.Directive:
			return errors.New("it has a declaration inside")
		case *etree.Element:
			if err := s.walk(t, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// verify returns what the signature of e, its own child, covers, read back from what
// was digested; nil if e has no signature. Whatever is not returned was not signed.
func verify(e *etree.Element, certs []*x509.Certificate) (*etree.Element, error) {
	switch signatures := children(e, dsig.Namespace, dsig.SignatureTag); {
	case len(signatures) == 0:
		return nil, nil
	case len(signatures) > 1 || !refersTo(signatures[0], e.SelectAttrValue("ID", "")):
		return nil, errSignature
	}
	alone, err := detach(e)
	if err != nil {
		return nil, errSignature
	}
	signature := children(alone, dsig.Namespace, dsig.SignatureTag)[0]
	for _, info := range children(signature, dsig.Namespace, dsig.KeyInfoTag) {
		signature.RemoveChild(info) // whom to trust is the provider's business, not the document's
	}
	for _, cert := range certs {
		ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}})
		ctx.Clock = dsig.NewFakeClockAt(cert.NotBefore) // IAM takes no notice of expiry
		if signed, err := ctx.Validate(alone); err == nil {
			return signed, nil
		}
	}
	return nil, errSignature
}

// refersTo checks that a signature has one reference, to the element of that ID, and
// transforms that leave all of it to be digested.
func refersTo(signature *etree.Element, id string) bool {
	info := children(signature, dsig.Namespace, dsig.SignedInfoTag)
	if len(info) != 1 || id == "" {
		return false
	}
	references := children(info[0], dsig.Namespace, dsig.ReferenceTag)
	if len(references) != 1 || references[0].SelectAttrValue(dsig.URIAttr, "") != "#"+id {
		return false
	}
	enveloped := false
	for _, list := range children(references[0], dsig.Namespace, dsig.TransformsTag) {
		for _, t := range list.ChildElements() {
			switch dsig.AlgorithmID(t.SelectAttrValue(dsig.AlgorithmAttr, "")) {
			case dsig.EnvelopedSignatureAltorithmId:
				enveloped = true
			case dsig.CanonicalXML10ExclusiveAlgorithmId, dsig.CanonicalXML10ExclusiveWithCommentsAlgorithmId:
			default:
				return false
			}
		}
	}
	return enveloped
}

// detach copies e out of its document together with the namespaces declared above it.
func detach(e *etree.Element) (*etree.Element, error) {
	ctx, err := etreeutils.NSBuildParentContext(e)
	if err != nil {
		return nil, err
	}
	if ctx, err = ctx.SubContext(e); err != nil {
		return nil, err
	}
	return etreeutils.NSDetatch(ctx, e)
}

func is(e *etree.Element, ns, tag string) bool {
	return e != nil && e.Tag == tag && e.NamespaceURI() == ns
}

// children returns the child elements of that name.
func children(e *etree.Element, ns, tag string) []*etree.Element {
	var list []*etree.Element
	if e == nil {
		return nil
	}
	for _, c := range e.ChildElements() {
		if is(c, ns, tag) {
			list = append(list, c)
		}
	}
	return list
}

// only returns the one child of that name, nil if there is none or more than one.
func only(e *etree.Element, ns, tag string) *etree.Element {
	if list := children(e, ns, tag); len(list) == 1 {
		return list[0]
	}
	return nil
}

// text returns all character data of e itself: a comment in the middle ends nothing.
func text(e *etree.Element) string {
	if e == nil {
		return ""
	}
	all := ""
	for _, t := range e.Child {
		if data, ok := t.(*etree.CharData); ok {
			all += data.Data
		}
	}
	return all
}
