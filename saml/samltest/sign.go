package samltest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// sign puts an enveloped signature over e after its first child element, the Issuer:
// the place that the SAML schemas give it.
func (b *builder) sign(e *etree.Element) error {
	ctx, err := dsig.NewSigningContext(b.idp.Key, [][]byte{b.idp.Cert.Raw})
	if err != nil {
		return fmt.Errorf("sign %s: %w", e.Tag, err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if b.SHA1 {
		if err := ctx.SetSignatureMethod(dsig.RSASHA1SignatureMethod); err != nil {
			return fmt.Errorf("sign %s: %w", e.Tag, err)
		}
	}
	// Canonicalizing changes what it is given.
	signature, err := ctx.ConstructSignature(e.Copy(), true)
	if err != nil {
		return fmt.Errorf("sign %s: %w", e.Tag, err)
	}
	e.InsertChildAt(e.ChildElements()[0].Index()+1, signature)
	return nil
}

const (
	xencNS    = "http://www.w3.org/2001/04/xmlenc#"
	xencData  = xencNS + "Element"
	aes256CBC = xencNS + "aes256-cbc"
	rsaOAEP   = xencNS + "rsa-oaep-mgf1p"
	dsNS      = "http://www.w3.org/2000/09/xmldsig#"
)

// encrypt returns an EncryptedAssertion that holds a (XML Encryption 1.0, sections 5.2
// and 5.4.2).
func (b *builder) encrypt(a *etree.Element) (*etree.Element, error) {
	doc := etree.NewDocument()
	doc.SetRoot(a)
	doc.WriteSettings.CanonicalText = true
	doc.WriteSettings.CanonicalAttrVal = true
	plain, err := doc.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("encrypt assertion: %w", err)
	}
	to := b.EncryptTo
	if to == nil {
		to = b.idp.Cert
	}
	public, ok := to.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("encrypt assertion: the certificate holds no RSA key")
	}
	key := make([]byte, 32)
	if _, err := io.ReadFull(b.Rand, key); err != nil {
		return nil, fmt.Errorf("encrypt assertion: %w", err)
	}
	body, err := encryptCBC(b.Rand, key, plain)
	if err != nil {
		return nil, fmt.Errorf("encrypt assertion: %w", err)
	}
	wrapped, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, public, key, nil)
	if err != nil {
		return nil, fmt.Errorf("encrypt assertion: %w", err)
	}
	_, prefix := b.prefixes()
	e := rooted(prefix, "EncryptedAssertion", assertionNS)
	data := rooted("xenc", "EncryptedData", xencNS)
	data.CreateAttr("Type", xencData)
	child(data, "xenc", "EncryptionMethod").CreateAttr("Algorithm", aes256CBC)
	info := rooted("", "KeyInfo", dsNS)
	data.AddChild(info)
	encryptedKey := rooted("e", "EncryptedKey", xencNS)
	info.AddChild(encryptedKey)
	method := child(encryptedKey, "e", "EncryptionMethod")
	method.CreateAttr("Algorithm", rsaOAEP)
	child(method, "", "DigestMethod").CreateAttr("Algorithm", dsNS+"sha1")
	cipherData(encryptedKey, "e", wrapped)
	cipherData(data, "xenc", body)
	e.AddChild(data)
	return e, nil
}

func cipherData(parent *etree.Element, prefix string, value []byte) {
	child(child(parent, prefix, "CipherData"), prefix, "CipherValue").
		SetText(base64.StdEncoding.EncodeToString(value))
}

// encryptCBC returns the initialization vector and the padded, encrypted text. The last
// byte of the padding is its length; the others are free.
func encryptCBC(random io.Reader, key, plain []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	n := aes.BlockSize - len(plain)%aes.BlockSize
	padded := append(bytes.Clone(plain), make([]byte, n)...)
	padded[len(padded)-1] = byte(n)
	iv := make([]byte, aes.BlockSize)
	if _, err := io.ReadFull(random, iv); err != nil {
		return nil, err
	}
	out := make([]byte, len(padded))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, padded)
	return append(iv, out...), nil
}
