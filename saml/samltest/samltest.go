// Package samltest is an identity provider that issues signed SAML responses for AWS,
// ordinary and odd ones.
//
// It is for tests and for the sandbox: nothing real trusts its keys.
package samltest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"time"

	"github.com/beevik/etree"
)

// IDP is an identity provider with one signing key. Its methods may be called at once
// from many goroutines; the fields are not to be changed by then.
type IDP struct {
	EntityID string // the Issuer of everything: "http://adfs.corp.example/adfs/services/trust"
	Key      *rsa.PrivateKey
	Cert     *x509.Certificate // self-signed, of Key

	now time.Time // when it was made
}

// New makes an identity provider with a key of its own.
func New(entityID string, random io.Reader, now time.Time) (*IDP, error) {
	key, err := NewKey()
	if err != nil {
		return nil, err
	}
	return WithKey(key, entityID, random, now)
}

// NewKey makes a throw-away RSA key of 2048 bits, from the system's own source of random:
// crypto/rsa takes no other. That takes longer than most tests.
func NewKey() (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	return key, nil
}

// WithKey makes an identity provider that signs with key, and whose certificate is good
// from a day before now to ten years after. random is the source of the serial number
// (nil: crypto/rand).
func WithKey(key *rsa.PrivateKey, entityID string, random io.Reader, now time.Time) (*IDP, error) {
	random = orSystem(random)
	var serial [8]byte
	if _, err := io.ReadFull(random, serial[:]); err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetUint64(binary.BigEndian.Uint64(serial[:])>>1 + 1),
		Subject:      pkix.Name{CommonName: "throw-away signing key"},
		NotBefore:    now.AddDate(0, 0, -1),
		NotAfter:     now.AddDate(10, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	return &IDP{EntityID: entityID, Key: key, Cert: cert, now: now}, nil
}

func orSystem(random io.Reader) io.Reader {
	if random == nil {
		return rand.Reader
	}
	return random
}

// Metadata returns the EntityDescriptor that an administrator would upload to IAM: the
// entity ID, the signing certificate and sign-on addresses on the entity ID's host.
func (p *IDP) Metadata() []byte {
	host := "idp.example"
	if u, err := url.Parse(p.EntityID); err == nil && u.Host != "" {
		host = u.Host
	}
	doc := etree.NewDocument()
	root := doc.CreateElement("EntityDescriptor")
	root.CreateAttr("xmlns", "urn:oasis:names:tc:SAML:2.0:metadata")
	root.CreateAttr("entityID", p.EntityID)
	idp := root.CreateElement("IDPSSODescriptor")
	idp.CreateAttr("protocolSupportEnumeration", protocolNS)
	key := idp.CreateElement("KeyDescriptor")
	key.CreateAttr("use", "signing")
	info := key.CreateElement("KeyInfo")
	info.CreateAttr("xmlns", "http://www.w3.org/2000/09/xmldsig#")
	info.CreateElement("X509Data").CreateElement("X509Certificate").
		SetText(base64.StdEncoding.EncodeToString(p.Cert.Raw))
	idp.CreateElement("NameIDFormat").SetText(Persistent)
	for _, binding := range []string{"HTTP-Redirect", "HTTP-POST"} {
		sso := idp.CreateElement("SingleSignOnService")
		sso.CreateAttr("Binding", "urn:oasis:names:tc:SAML:2.0:bindings:"+binding)
		sso.CreateAttr("Location", "https://"+host+"/adfs/ls/")
	}
	text, _ := doc.WriteToBytes() // into memory: cannot fail
	return text
}

// RoleValue returns a value of the Role attribute in the commercial partition. Most
// AD FS rules put the provider first, AWS's documents the role.
func RoleValue(account, role, provider string, providerFirst bool) string {
	return RoleValueIn("aws", account, role, provider, providerFirst)
}

// RoleValueIn is RoleValue in any partition. role may have a path: "team/Admins".
func RoleValueIn(partition, account, role, provider string, providerFirst bool) string {
	prefix := "arn:" + partition + ":iam::" + account + ":"
	r, p := prefix+"role/"+role, prefix+"saml-provider/"+provider
	if providerFirst {
		return p + "," + r
	}
	return r + "," + p
}

// RoleValues returns n values, provider first, of roles Role0000, Role0001, ... in
// accounts 100000000000, 100000000001, ..., four roles to an account.
func RoleValues(n int, provider string) []string {
	values := make([]string, n)
	for i := range values {
		account := fmt.Sprintf("1%011d", i/4)
		values[i] = RoleValue(account, fmt.Sprintf("Role%04d", i), provider, true)
	}
	return values
}
