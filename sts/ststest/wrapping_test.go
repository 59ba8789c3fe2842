package ststest

import (
	"crypto/x509"
	"maps"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"gatehop/saml/samltest"
)

// wrappings are the known kinds of signature wrapping (Somorovsky and others, "On
// Breaking SAML: Be Whoever You Want to Be", 2012) and some more.
func wrappings() map[string]func(root, good, evil *etree.Element) {
	list := map[string]func(root, good, evil *etree.Element){
		"evil beside good": func(root, good, evil *etree.Element) { root.InsertChildAt(0, evil) },
		"evil after good":  func(root, good, evil *etree.Element) { root.AddChild(evil) },
		"good in extensions": func(root, good, evil *etree.Element) {
			root.RemoveChild(good)
			root.AddChild(evil)
			root.CreateElement("samlp:Extensions").AddChild(good)
		},
		"good inside evil": func(root, good, evil *etree.Element) {
			root.RemoveChild(good)
			root.AddChild(evil)
			evil.AddChild(good)
		},
		"good inside the signature of evil": func(root, good, evil *etree.Element) {
			root.RemoveChild(good)
			root.AddChild(evil)
			s := children(good, dsig.Namespace, "Signature")[0]
			good.RemoveChild(s)
			evil.AddChild(s)
			s.CreateElement("ds:Object").AddChild(good)
		},
		"signature of good on evil": func(root, good, evil *etree.Element) {
			root.RemoveChild(good)
			root.AddChild(evil)
			evil.AddChild(children(good, dsig.Namespace, "Signature")[0])
		},
		"same ID": func(root, good, evil *etree.Element) {
			root.RemoveChild(good)
			root.AddChild(evil)
			evil.CreateAttr("ID", good.SelectAttrValue("ID", ""))
			evil.AddChild(children(good, dsig.Namespace, "Signature")[0])
		},
		"evil is encrypted": func(root, good, evil *etree.Element) {
			root.CreateElement("EncryptedAssertion").CreateAttr("xmlns", assertionNS)
		},
	}
	maps.Copy(list, otherWrappings())
	return list
}

func otherWrappings() map[string]func(root, good, evil *etree.Element) {
	return map[string]func(root, good, evil *etree.Element){
		"signature on the response refers to the assertion": func(root, good, evil *etree.Element) {
			root.RemoveChild(good)
			root.AddChild(evil)
			root.AddChild(children(good, dsig.Namespace, "Signature")[0])
			root.CreateElement("samlp:Extensions").AddChild(good)
		},
		"reference to everything": func(root, good, evil *etree.Element) {
			for _, r := range good.FindElements(".//Reference") {
				r.CreateAttr("URI", "")
			}
		},
		"assertion without an ID": func(root, good, evil *etree.Element) {
			good.RemoveAttr("ID")
			for _, r := range good.FindElements(".//Reference") {
				r.CreateAttr("URI", "#")
			}
		},
		"ID elsewhere too": func(root, good, evil *etree.Element) {
			root.CreateElement("samlp:Extensions").CreateAttr("ID", good.SelectAttrValue("ID", ""))
		},
		"signature elsewhere too": func(root, good, evil *etree.Element) {
			root.CreateElement("samlp:Extensions").AddChild(children(good, dsig.Namespace, "Signature")[0].Copy())
		},
		"two signatures": func(root, good, evil *etree.Element) {
			good.AddChild(children(good, dsig.Namespace, "Signature")[0].Copy())
		},
	}
}

// tamper issues a response and lets change move its good, signed assertion about, and
// an evil one that is like it but for the subject, and unsigned.
func tamper(t *testing.T, change func(root, good, evil *etree.Element)) string {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(decode(t, issue(t, response(start)))); err != nil {
		t.Fatal(err)
	}
	good := only(doc.Root(), assertionNS, "Assertion")
	evil := good.Copy()
	evil.RemoveChild(children(evil, dsig.Namespace, "Signature")[0])
	evil.CreateAttr("ID", "_evil")
	evil.FindElement(".//NameID").SetText("mallory")
	change(doc.Root(), good, evil)
	text, err := doc.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	return encode(text)
}

// TestWrapping puts an assertion of the attacker's where a careless reader would look.
func TestWrapping(t *testing.T) {
	t.Parallel()
	idp, _ := testIDPs(t)
	certs := []*x509.Certificate{idp.Cert}
	for name, wrap := range wrappings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(options(t, &clock{t: start}))
			// Reading and writing alone must not break it, or the test shows nothing.
			if got := send(t, s, post(samlForm(tamper(t, func(root, good, evil *etree.Element) {})).Encode())); got.Status != 200 {
				t.Fatalf("control = %d %s", got.Status, got.Message)
			}
			wrapped := tamper(t, wrap)
			got := send(t, s, post(samlForm(wrapped).Encode()))
			if got.Status != 400 || got.Code != "InvalidIdentityToken" {
				t.Errorf("answer = %d %s %q, want it refused", got.Status, got.Code, got.Message)
			}
			if a, err := readAssertion(wrapped, Provider{EntityID: entityID, Certs: certs}); err == nil {
				t.Errorf("subject = %q, want an error", a.subject)
			}
		})
	}
}

// TestRefersTo is about signatures that goxmldsig takes and whose reading would be
// ambiguous.
func TestRefersTo(t *testing.T) {
	t.Parallel()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(decode(t, issue(t, samltest.Response{}))); err != nil {
		t.Fatal(err)
	}
	a := only(doc.Root(), assertionNS, "Assertion")
	id := a.SelectAttrValue("ID", "")
	signature := func() *etree.Element { return children(a, dsig.Namespace, "Signature")[0].Copy() }
	if !refersTo(signature(), id) {
		t.Fatal("the signature as it is issued was refused")
	}
	for name, change := range map[string]func(info, ref *etree.Element){
		"two references": func(info, ref *etree.Element) { info.AddChild(ref.Copy()) },
		"another ID":     func(info, ref *etree.Element) { ref.CreateAttr("URI", "#_other") },
		"XPath transform": func(info, ref *etree.Element) {
			ref.FindElement(".//Transform").CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
		},
		"no enveloped transform": func(info, ref *etree.Element) {
			list := ref.FindElement(".//Transforms")
			list.RemoveChild(list.ChildElements()[0])
		},
	} {
		s := signature()
		info := s.FindElement(".//SignedInfo")
		change(info, info.FindElement(".//Reference"))
		if refersTo(s, id) {
			t.Errorf("%s: accepted", name)
		}
	}
}

// resign issues a response without signatures, changes it, and signs what pick names.
func resign(t *testing.T, by *samltest.IDP, c dsig.Canonicalizer, change func(root, a *etree.Element), pick func(root, a *etree.Element) *etree.Element) string {
	t.Helper()
	doc := etree.NewDocument()
	r := response(start)
	r.Unsigned = true
	if err := doc.ReadFromString(decode(t, issue(t, r))); err != nil {
		t.Fatal(err)
	}
	a := only(doc.Root(), assertionNS, "Assertion")
	change(doc.Root(), a)
	e := pick(doc.Root(), a)
	ctx, err := dsig.NewSigningContext(by.Key, [][]byte{by.Cert.Raw})
	if err != nil {
		t.Fatal(err)
	}
	ctx.Canonicalizer = c
	alone, err := detach(e)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := ctx.ConstructSignature(alone, true)
	if err != nil {
		t.Fatal(err)
	}
	e.InsertChildAt(1, signature)
	text, err := doc.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestSigned are documents that their provider itself signed: only what they say, and
// how the signature says it, can be wrong.
func TestSigned(t *testing.T) {
	t.Parallel()
	idp, impostor := testIDPs(t)
	exclusive, inclusive := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(""), dsig.MakeC14N11Canonicalizer()
	response := func(root, a *etree.Element) *etree.Element { return root }
	assertion := func(root, a *etree.Element) *etree.Element { return a }
	nothing := func(root, a *etree.Element) {}
	data := func(a *etree.Element) *etree.Element { return a.FindElement(".//SubjectConfirmationData") }
	s := New(options(t, &clock{t: start}))
	for name, tc := range map[string]struct {
		xml     string
		message string // "" is accepted
	}{
		"assertion":                  {resign(t, idp, exclusive, nothing, assertion), ""},
		"response":                   {resign(t, idp, exclusive, nothing, response), ""},
		"assertion, by an impostor":  {resign(t, impostor, exclusive, nothing, assertion), "Response signature invalid"},
		"response, by an impostor":   {resign(t, impostor, exclusive, nothing, response), "Response signature invalid"},
		"response, changed":          {strings.Replace(resign(t, idp, exclusive, nothing, response), "alice@corp", "mallory@corp", 1), "Response signature invalid"},
		"another canonical form":     {resign(t, idp, inclusive, nothing, assertion), "Response signature invalid"},
		"assertion out of place":     {resign(t, idp, exclusive, func(root, a *etree.Element) { root.CreateElement("samlp:Extensions").AddChild(a) }, response), "out of place"},
		"no IssueInstant":            {resign(t, idp, exclusive, func(root, a *etree.Element) { a.RemoveAttr("IssueInstant") }, assertion), "IssueInstant"},
		"no Recipient":               {resign(t, idp, exclusive, func(root, a *etree.Element) { data(a).RemoveAttr("Recipient") }, assertion), "bearer confirmation"},
		"no end of the confirmation": {resign(t, idp, exclusive, func(root, a *etree.Element) { data(a).RemoveAttr("NotOnOrAfter") }, assertion), "bearer confirmation"},
		"two confirmations": {resign(t, idp, exclusive, func(root, a *etree.Element) {
			c := a.FindElement(".//SubjectConfirmation")
			c.Parent().AddChild(c.Copy())
		}, assertion), "bearer confirmation"},
		"confirmation of another kind": {resign(t, idp, exclusive, func(root, a *etree.Element) {
			a.FindElement(".//SubjectConfirmation").CreateAttr("Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")
		}, assertion), "bearer confirmation"},
		"names that differ in capitals": {resign(t, idp, exclusive, func(root, a *etree.Element) {
			for _, attr := range a.FindElements(".//Attribute") {
				attr.CreateAttr("Name", strings.ToLower(attr.SelectAttrValue("Name", "")))
			}
		}, assertion), "RoleSessionName is required"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := send(t, s, post(samlForm(encode(tc.xml)).Encode()))
			if (got.Status == 200) != (tc.message == "") || !strings.Contains(got.Message, tc.message) {
				t.Errorf("answer = %d %s, want %q", got.Status, got.Message, tc.message)
			}
		})
	}
}

// TestIssuerInside is a provider that says one name outside and another inside what is
// encrypted.
func TestIssuerInside(t *testing.T) {
	t.Parallel()
	idp, _ := testIDPs(t)
	for inside, want := range map[string]string{entityID: "", "http://adfs.corp.example/other": "Issuer not present in specified provider"} {
		two := &samltest.IDP{EntityID: inside, Key: idp.Key, Cert: idp.Cert}
		r := response(start)
		r.Encrypted = true
		encoded, err := two.Issue(r)
		if err != nil {
			t.Fatal(err)
		}
		o := options(t, &clock{t: start})
		decrypting(&o)
		got := send(t, New(o), post(samlForm(encode(strings.Replace(decode(t, encoded), inside, entityID, 1))).Encode()))
		if !strings.Contains(got.Message, want) || (got.Status == 200) != (want == "") {
			t.Errorf("with %s inside: %d %s", inside, got.Status, got.Message)
		}
	}
}

// FuzzReadAssertion feeds documents to the verifier. Whatever it accepts must say what
// the signed document says.
func FuzzReadAssertion(f *testing.F) {
	idp, _ := testIDPs(f)
	p := Provider{EntityID: entityID, Certs: []*x509.Certificate{idp.Cert}}
	for _, r := range []samltest.Response{{}, {SignResponse: true}, {Pretty: true, Comments: true}, {Encrypted: true}, {Prefixes: samltest.SAML}} {
		r.Issued = start
		f.Add(decode(f, issue(f, r)))
	}
	f.Fuzz(func(t *testing.T, xml string) {
		a, err := readAssertion(encode(xml), p)
		if err != nil {
			return
		}
		if a.issuer != entityID || a.subject != "alice@corp.example" || a.one(attrName) != "alice@corp.example" {
			t.Errorf("accepted %+v, which was never signed", a)
		}
	})
}

// FuzzForm checks that forms of any bytes are read without loss and refused without harm.
func FuzzForm(f *testing.F) {
	f.Add("Action=AssumeRole&Version=2011-06-15&Tags.member.1.Key=a&Tags.member.1.Value=")
	f.Add("Action=AssumeRoleWithSAML&DurationSeconds=-1&%zz=1")
	f.Add("Action=GetCallerIdentity&Version=2011-06-15&Tags.member.01.Key=a")
	f.Fuzz(func(t *testing.T, body string) {
		s := New(options(t, &clock{t: start}))
		got := send(t, s, post(body))
		if got.Status < 400 {
			t.Errorf("a request without credentials was answered with %d", got.Status)
		}
		if n := s.Counts().Refused; n != 1 {
			t.Errorf("refused = %d, want 1", n)
		}
	})
}
