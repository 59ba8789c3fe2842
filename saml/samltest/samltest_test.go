package samltest_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	"gatehop/saml"
	"gatehop/saml/samltest"
)

var nine = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

var provider = sync.OnceValues(func() (*samltest.IDP, error) {
	return samltest.New("http://adfs.corp.example/adfs/services/trust", nil, nine)
})

func idp(t testing.TB) *samltest.IDP {
	t.Helper()
	p, err := provider()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func document(t testing.TB, r samltest.Response) string {
	t.Helper()
	text, err := idp(t).XML(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The zero Response is what section "AD FS" of the SAML facts describes.
func TestIssueZero(t *testing.T) {
	t.Parallel()
	encoded, err := idp(t).Issue(samltest.Response{Unsigned: true, Rand: seeded()})
	if err != nil {
		t.Fatal(err)
	}
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	id := strings.Split(string(text), `"`)
	want := `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="` + id[3] + `" Version="2.0" IssueInstant="2026-11-20T09:00:00.000Z" Destination="https://signin.aws.amazon.com/saml" Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified">` +
		`<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">http://adfs.corp.example/adfs/services/trust</Issuer>` +
		`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>` +
		`<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="ID2" IssueInstant="2026-11-20T09:00:00.000Z" Version="2.0"><Issuer>http://adfs.corp.example/adfs/services/trust</Issuer>` +
		`<Subject><NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">alice@corp.example</NameID><SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData NotOnOrAfter="2026-11-20T09:05:00.000Z" Recipient="https://signin.aws.amazon.com/saml"/></SubjectConfirmation></Subject>` +
		`<Conditions NotBefore="2026-11-20T09:00:00.000Z" NotOnOrAfter="2026-11-20T10:00:00.000Z"><AudienceRestriction><Audience>urn:amazon:webservices</Audience></AudienceRestriction></Conditions>` +
		`<AttributeStatement><Attribute Name="https://aws.amazon.com/SAML/Attributes/RoleSessionName"><AttributeValue>alice@corp.example</AttributeValue></Attribute></AttributeStatement>` +
		`<AuthnStatement AuthnInstant="2026-11-20T09:00:00.000Z" SessionIndex="ID2"><AuthnContext><AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</AuthnContextClassRef></AuthnContext></AuthnStatement></Assertion></samlp:Response>`
	second := string(text)[strings.Index(string(text), `" ID="_`)+7:]
	second = second[strings.Index(second, ` ID="_`)+5:]
	second = second[:strings.Index(second, `"`)]
	if got := strings.ReplaceAll(string(text), second, "ID2"); got != want {
		t.Errorf("Issue =\n%s\nwant\n%s", got, want)
	}
	if id[3] == second || len(second) != 37 || second[0] != '_' || second[15] != '4' {
		t.Errorf("IDs %q and %q", id[3], second)
	}
}

// seeded returns a source that gives the same bytes in every call.
func seeded() io.Reader { return rand.NewChaCha8([32]byte{1}) }

func TestIssueDeterministic(t *testing.T) {
	t.Parallel()
	r := func(src io.Reader) string {
		return document(t, samltest.Response{Roles: samltest.RoleValues(2, "P"), SignResponse: true, Rand: src})
	}
	if first, second := r(seeded()), r(seeded()); first != second {
		t.Error("two responses of one source differ")
	}
	if first, second := r(nil), r(nil); first == second || first == r(seeded()) {
		t.Error("responses of the system's source are alike")
	}
	if _, err := idp(t).Issue(samltest.Response{Rand: strings.NewReader("short")}); err == nil {
		t.Error("a source that ends is no error")
	}
}

func TestIssueOptions(t *testing.T) {
	t.Parallel()
	type R = samltest.Response
	for _, c := range []struct {
		name     string
		r        R
		has, not []string
	}{
		{"subject", R{Subject: `CORP\a&b`, NameIDFormat: samltest.Transient}, []string{`nameid-format:transient">CORP\a&amp;b</NameID>`}, nil},
		{"no subject", R{NoSubject: true}, []string{"<SubjectConfirmation "}, []string{"NameID"}},
		{"no session name", R{NoSessionName: true, Roles: []string{"x"}}, []string{"Attributes/Role\""}, []string{"RoleSessionName"}},
		{"no attributes", R{NoSessionName: true}, nil, []string{"AttributeStatement"}},
		{"duration as it stands", R{SessionDuration: " 8 h "}, []string{`SessionDuration"><AttributeValue> 8 h </AttributeValue>`}, nil},
		{"tags in order", R{Tags: map[string]string{"b": "2", "a": "1"}}, []string{`PrincipalTag:a"><AttributeValue>1</AttributeValue></Attribute><Attribute Name="https://aws.amazon.com/SAML/Attributes/PrincipalTag:b"><AttributeValue>2`}, nil},
		{"transitive tags", R{TransitiveTags: []string{"a", "b"}}, []string{`TransitiveTagKeys"><AttributeValue>a</AttributeValue><AttributeValue>b`}, nil},
		{"source identity", R{SourceIdentity: "alice"}, []string{`Attributes/SourceIdentity"><AttributeValue>alice<`}, nil},
		{"destination", R{Destination: "https://signin.amazonaws.cn/saml"}, []string{`Destination="https://signin.amazonaws.cn/saml"`, `Recipient="https://signin.amazonaws.cn/saml"`}, []string{"signin.aws."}},
		{"recipient", R{Recipient: "https://r.example/"}, []string{`Destination="https://signin.aws`, `Recipient="https://r.example/"`}, nil},
		{"no destination", R{NoDestination: true}, []string{`Recipient="https://signin.aws`}, []string{"Destination"}},
		{"audience", R{Audience: "urn:x"}, []string{"<Audience>urn:x</Audience>"}, []string{"urn:amazon"}},
		{"times", R{Issued: nine.Add(time.Hour), ConfirmBefore: nine, SessionNotOnOrAfter: nine.Add(2 * time.Second)}, []string{`NotBefore="2026-11-20T10:00:00.000Z" NotOnOrAfter="2026-11-20T11:00:00.000Z"`, `NotOnOrAfter="2026-11-20T09:00:00.000Z" Recipient`, `SessionNotOnOrAfter="2026-11-20T09:00:02.000Z"`}, nil},
		{"other zone", R{Issued: nine.In(time.FixedZone("", 3600))}, []string{`IssueInstant="2026-11-20T09:00:00.000Z"`}, nil},
		{"conditions", R{NotBefore: nine.Add(1 * time.Second), NotOnOrAfter: nine.Add(2 * time.Second)}, []string{`NotBefore="2026-11-20T09:00:01.000Z" NotOnOrAfter="2026-11-20T09:00:02.000Z"`}, nil},
		{"no conditions", R{NoConditions: true}, nil, []string{"Conditions", "Audience"}},
		{"context", R{AuthnContext: samltest.WindowsContext}, []string{"<AuthnContextClassRef>urn:federation:authentication:windows<"}, nil},
		{"status", R{StatusCode: "urn:a", StatusSubCode: "urn:b", StatusMessage: "no <way>"}, []string{`<samlp:StatusCode Value="urn:a"><samlp:StatusCode Value="urn:b"/></samlp:StatusCode><samlp:StatusMessage>no &lt;way&gt;</samlp:StatusMessage>`}, []string{"Assertion", "Success"}},
		{"status with assertion", R{StatusCode: "urn:a", Assertions: 1}, []string{"<Assertion "}, []string{"Success"}},
		{"none", R{Assertions: samltest.None}, []string{"Success"}, []string{"<Assertion"}},
		{"saml", R{Prefixes: samltest.SAML}, []string{"<samlp:Response ", "<saml:Issuer ", "<saml:AttributeValue>"}, []string{"<Assertion", ` xmlns="urn`}},
		{"saml2", R{Prefixes: samltest.SAML2}, []string{"<saml2p:Response ", "<saml2:Issuer ", "<saml2:AttributeValue>"}, []string{"<Assertion", ` xmlns="urn`, "samlp:"}},
		{"unprefixed", R{Prefixes: samltest.Unprefixed}, []string{`<Response xmlns="urn:oasis:names:tc:SAML:2.0:protocol"`, "<Assertion xmlns="}, []string{"samlp"}},
		{"pretty", R{Pretty: true}, []string{">\n        alice@corp.example\n      </NameID>", "\n  <Issuer"}, []string{">alice"}},
		{"comments", R{Comments: true}, []string{"alice@cor<!---->p.example"}, []string{"alice@corp.example<"}},
		{"duplicates", R{Duplicates: true, Roles: []string{"x", "y"}}, []string{"<AttributeValue>x</AttributeValue><AttributeValue>y</AttributeValue><AttributeValue>x</AttributeValue><AttributeValue>y</AttributeValue>"}, nil},
		{"encrypted", R{Encrypted: true, Subject: "alice"}, []string{"<EncryptedAssertion "}, []string{"<Assertion", "alice"}},
		{"also encrypted", R{AlsoEncrypted: true}, []string{"<EncryptedAssertion ", "<Assertion "}, nil},
	} {
		text := document(t, c.r)
		for _, s := range c.has {
			if !strings.Contains(text, s) {
				t.Errorf("%s: no %q in\n%s", c.name, s, text)
			}
		}
		for _, s := range c.not {
			if strings.Contains(text, s) {
				t.Errorf("%s: %q in\n%s", c.name, s, text)
			}
		}
		if err := xml.Unmarshal([]byte(text), new(struct{})); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	two := document(t, samltest.Response{Assertions: 2})
	if strings.Count(two, "<Assertion ") != 2 || strings.Count(two, "<ds:Signature ") != 2 {
		t.Errorf("two assertions: %s", two)
	}
}

func TestIssueBase64(t *testing.T) {
	t.Parallel()
	one, err := idp(t).Issue(samltest.Response{Rand: seeded()})
	if err != nil || strings.ContainsAny(one, "\r\n ") {
		t.Fatalf("Issue = %q, %v, want one line", one, err)
	}
	wrapped, err := idp(t).Issue(samltest.Response{Rand: seeded(), WrapBase64: true})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(wrapped, "\r\n"), "\r\n")
	for i, line := range lines {
		if len(line) > 76 || len(line) < 76 && i < len(lines)-1 {
			t.Errorf("line %d has %d characters", i, len(line))
		}
	}
	if strings.Join(lines, "") != one {
		t.Error("the lines together are not the one line")
	}
}

// decrypt undoes the encryption of the one encrypted assertion of a document.
func decrypt(t *testing.T, text string, key *rsa.PrivateKey) ([]byte, error) {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		t.Fatal(err)
	}
	value := func(path string) []byte {
		found := doc.FindElements(path)
		if len(found) != 1 {
			t.Fatalf("%d elements %s", len(found), path)
		}
		v, err := base64.StdEncoding.DecodeString(found[0].Text())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	wrapped, body := value("//EncryptedKey/CipherData/CipherValue"), value("//EncryptedData/CipherData/CipherValue")
	session, err := rsa.DecryptOAEP(sha1.New(), nil, key, wrapped, nil)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(session)
	if err != nil {
		t.Fatal(err)
	}
	iv, body := body[:16], body[16:]
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(body, body)
	return body[:len(body)-int(body[len(body)-1])], nil
}

// What is encrypted is the signed assertion, for whom the option says.
func TestIssueEncrypted(t *testing.T) {
	t.Parallel()
	other, err := samltest.New("urn:other", nil, nine)
	if err != nil {
		t.Fatal(err)
	}
	for _, prefixes := range []samltest.Prefixes{samltest.ADFS, samltest.SAML2} {
		r := samltest.Response{Encrypted: true, Comments: true, Prefixes: prefixes, Roles: samltest.RoleValues(2, "P"), Rand: seeded()}
		for to, cert := range map[*samltest.IDP]*x509.Certificate{idp(t): nil, other: other.Cert} {
			r.EncryptTo = cert
			text := document(t, r)
			if encrypted := text[strings.Index(text, "<xenc:EncryptedData"):]; strings.Contains(encrypted, "<!--") {
				t.Errorf("a comment in what is encrypted: %s", encrypted)
			}
			inside, err := decrypt(t, text, to.Key)
			if err != nil {
				t.Fatal(err)
			}
			whole := "<r>" + string(inside) + "</r>"
			if err := verify(whole, "Assertion", idp(t).Cert); err != nil || !strings.Contains(whole, "role/Role0001") {
				t.Errorf("inside: %v\n%s", err, inside)
			}
			wrong := other.Key
			if to == other {
				wrong = idp(t).Key
			}
			if _, err := decrypt(t, text, wrong); err == nil {
				t.Error("another key opens it")
			}
		}
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	var m struct {
		XMLName  xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
		EntityID string   `xml:"entityID,attr"`
		IDP      struct {
			Protocol string `xml:"protocolSupportEnumeration,attr"`
			Key      struct {
				Use  string `xml:"use,attr"`
				Cert string `xml:"http://www.w3.org/2000/09/xmldsig# KeyInfo>X509Data>X509Certificate"`
			} `xml:"KeyDescriptor"`
			SSO []struct {
				Binding  string `xml:"Binding,attr"`
				Location string `xml:"Location,attr"`
			} `xml:"SingleSignOnService"`
		} `xml:"IDPSSODescriptor"`
	}
	if err := xml.Unmarshal(idp(t).Metadata(), &m); err != nil {
		t.Fatal(err)
	}
	der, err := base64.StdEncoding.DecodeString(m.IDP.Key.Cert)
	if err != nil || !bytes.Equal(der, idp(t).Cert.Raw) || m.IDP.Key.Use != "signing" {
		t.Errorf("certificate: %v", err)
	}
	if m.EntityID != idp(t).EntityID || m.IDP.Protocol != "urn:oasis:names:tc:SAML:2.0:protocol" || len(m.IDP.SSO) != 2 || m.IDP.SSO[0].Location != "https://adfs.corp.example/adfs/ls/" {
		t.Errorf("metadata: %+v", m)
	}
	// With nothing but the metadata the signature can be checked.
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(document(t, samltest.Response{}), "Assertion", cert); err != nil {
		t.Error(err)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	p, err := samltest.New("urn:x", seeded(), nine)
	if err != nil {
		t.Fatal(err)
	}
	q, err := samltest.New("urn:x", seeded(), nine)
	if err != nil {
		t.Fatal(err)
	}
	if p.Key.Equal(q.Key) || p.Key.N.BitLen() != 2048 || p.Cert.SerialNumber.Cmp(q.Cert.SerialNumber) != 0 {
		t.Errorf("keys alike %v, %d bits, serials %v %v", p.Key.Equal(q.Key), p.Key.N.BitLen(), p.Cert.SerialNumber, q.Cert.SerialNumber)
	}
	if err := p.Cert.CheckSignature(p.Cert.SignatureAlgorithm, p.Cert.RawTBSCertificate, p.Cert.Signature); err != nil {
		t.Errorf("not self-signed: %v", err)
	}
	if nine.Before(p.Cert.NotBefore) || nine.AddDate(9, 0, 0).After(p.Cert.NotAfter) {
		t.Errorf("good from %v to %v", p.Cert.NotBefore, p.Cert.NotAfter)
	}
	if _, err := samltest.New("urn:x", strings.NewReader(""), nine); err == nil {
		t.Error("a source that is empty is no error")
	}
}

// The values it makes are those that package saml reads.
func TestRoleValue(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		for _, partition := range saml.Partitions() {
			r, err := saml.ParseRole(samltest.RoleValueIn(partition, "111111111111", "team/Admins", "ADFS", first))
			if err != nil || r.Name() != "Admins" || r.Path() != "/team/" || r.Partition() != partition {
				t.Errorf("%s: %v, %v", partition, r, err)
			}
		}
	}
	if got, want := samltest.RoleValue("1", "R", "P", true), "arn:aws:iam::1:saml-provider/P,arn:aws:iam::1:role/R"; got != want {
		t.Errorf("RoleValue = %q, want %q", got, want)
	}
	if got, want := samltest.RoleValue("1", "R", "P", false), "arn:aws:iam::1:role/R,arn:aws:iam::1:saml-provider/P"; got != want {
		t.Errorf("RoleValue = %q, want %q", got, want)
	}
	values := samltest.RoleValues(2000, "P")
	seen := map[saml.Role]bool{}
	for _, v := range values {
		r, err := saml.ParseRole(v)
		if err != nil || seen[r] {
			t.Fatalf("%q: %v, seen %v", v, err, seen[r])
		}
		seen[r] = true
	}
	if !strings.Contains(values[3], "100000000000:role/Role0003") || !strings.Contains(values[4], "100000000001:role/Role0004") {
		t.Errorf("RoleValues = %q ...", values[:5])
	}
	if len(seen) != 2000 {
		t.Errorf("%d roles", len(seen))
	}
}

// One provider serves many goroutines.
func TestIssueConcurrently(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r := samltest.Response{Roles: samltest.RoleValues(3, "P"), Encrypted: true, Tags: map[string]string{"a": "b"}}
			if encoded, err := idp(t).Issue(r); err != nil {
				t.Error(err)
			} else if _, err := saml.Decode(encoded); err != nil {
				t.Error(err)
			}
			idp(t).Metadata()
		})
	}
	wg.Wait()
}

func BenchmarkIssue(b *testing.B) {
	for _, n := range []int{1, 100, 2000} {
		b.Run(fmt.Sprintf("roles=%d", n), func(b *testing.B) {
			r := samltest.Response{Roles: samltest.RoleValues(n, "P")}
			for b.Loop() {
				if _, err := idp(b).Issue(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
