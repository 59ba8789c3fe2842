package ststest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

const xencNS = "http://www.w3.org/2001/04/xmlenc#"

var errDecrypt = errors.New("it cannot be decrypted")

// decrypt returns the assertion inside an EncryptedAssertion (XML Encryption 1.0 and
// 1.1: RSA-OAEP with SHA-1, then AES-CBC or AES-GCM).
func decrypt(encrypted *etree.Element, key *rsa.PrivateKey) (*etree.Element, error) {
	data := only(encrypted, xencNS, "EncryptedData")
	wrapped := only(only(data, dsig.Namespace, dsig.KeyInfoTag), xencNS, "EncryptedKey")
	if wrapped == nil {
		wrapped = only(encrypted, xencNS, "EncryptedKey")
	}
	if key == nil || method(wrapped) != xencNS+"rsa-oaep-mgf1p" {
		return nil, errDecrypt
	}
	secret, err := rsa.DecryptOAEP(sha1.New(), nil, key, cipherValue(wrapped), nil)
	if err != nil {
		return nil, errDecrypt
	}
	plain, err := open(method(data), secret, cipherValue(data))
	if err != nil {
		return nil, errDecrypt
	}
	doc := etree.NewDocument()
	doc.ReadSettings.PreserveDuplicateAttrs = true
	if err := doc.ReadFromBytes(plain); err != nil || !is(doc.Root(), assertionNS, "Assertion") {
		return nil, errDecrypt
	}
	s := &shape{ids: map[string]bool{}}
	for _, e := range doc.Root().ChildElements() {
		if err := s.walk(e, 0); err != nil {
			return nil, err
		}
	}
	return doc.Root(), nil
}

// method is the algorithm that an EncryptedData or EncryptedKey names.
func method(e *etree.Element) string {
	m := only(e, xencNS, "EncryptionMethod")
	if m == nil {
		return ""
	}
	return m.SelectAttrValue("Algorithm", "")
}

func cipherValue(e *etree.Element) []byte {
	value := text(only(only(e, xencNS, "CipherData"), xencNS, "CipherValue"))
	raw, _ := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
	return raw
}

// open deciphers a text that begins with its initialization vector.
func open(algorithm string, key, sealed []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.HasSuffix(algorithm, "-gcm"):
		gcm, err := cipher.NewGCM(block)
		if err != nil || len(sealed) < gcm.NonceSize() {
			return nil, errDecrypt
		}
		return gcm.Open(nil, sealed[:gcm.NonceSize()], sealed[gcm.NonceSize():], nil)
	case strings.HasSuffix(algorithm, "-cbc") && len(sealed) >= 2*aes.BlockSize && len(sealed)%aes.BlockSize == 0:
		out := make([]byte, len(sealed)-aes.BlockSize)
		cipher.NewCBCDecrypter(block, sealed[:aes.BlockSize]).CryptBlocks(out, sealed[aes.BlockSize:])
		pad := int(out[len(out)-1])
		if pad < 1 || pad > aes.BlockSize {
			return nil, errDecrypt
		}
		return out[:len(out)-pad], nil
	}
	return nil, errDecrypt
}
