// Package clientcert reads the certificate by which a person signs in, and its key, from files.
package clientcert

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"

	"gatehop/creds/secret"
)

// maxFile is far above the size of a chain of certificates with its key.
const maxFile = 1 << 20

// maxTries is how often a passphrase is asked for.
const maxTries = 3

// Error reports a file that no certificate can be taken from. Its text holds nothing of
// what is in the file but dates.
type Error struct {
	File    string
	Problem string // the end of a sentence that begins with the file
	Err     error  // of the system; nil if it is none's
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return e.File + " " + e.Problem
}

// Unwrap returns the system's error, if it is one.
func (e *Error) Unwrap() error { return e.Err }

// Files are where the certificate is: PEM, with the key in Key or, if that is "", in Cert;
// or PKCS#12 in Cert alone. Which of them it is, its content says.
type Files struct{ Cert, Key string }

// Passphrase gives the passphrase of file, which is asked for only if there is one. It is
// called again, up to three times in all, where an answer did not fit; any error ends that.
type Passphrase func(file string, again bool) (secret.Text, error)

// keyFile is where the key is.
func (f Files) keyFile() string { return cmp.Or(f.Key, f.Cert) }

// Loose is the file that holds the key, if others than its owner may read it, or "".
func (f Files) Loose() string {
	file := f.keyFile()
	if info, err := os.Stat(file); err == nil && isLoose(info) {
		return file
	}
	return ""
}

// Read reads the certificate with its chain and its key. The first certificate of the
// result is the key's, wherever it stood. Errors: *Error, and those of ask.
func Read(f Files, now time.Time, ask Passphrase) (*tls.Certificate, error) {
	cert, err := readFile(f.Cert)
	if err != nil {
		return nil, err
	}
	var key []byte
	if f.Key != "" {
		if key, err = readFile(f.Key); err != nil {
			return nil, err
		}
	}
	return f.parse(cert, key, now, ask)
}

// parse takes the pair from what the files hold.
func (f Files) parse(cert, key []byte, now time.Time, ask Passphrase) (*tls.Certificate, error) {
	var found content
	var err error
	switch {
	case !isPEM(cert) && f.Key != "":
		return nil, &Error{File: f.Cert, Problem: "is not in PEM form, and only a file in that form can have its key in another one"}
	case !isPEM(cert):
		found, err = openPKCS12(f.Cert, cert, ask)
	default:
		found, err = readPEM(f, cert, key, ask)
	}
	if err != nil {
		return nil, err
	}
	return found.pair(f, now)
}

func readFile(name string) ([]byte, error) {
	failed := func(err error) error {
		if path := (*os.PathError)(nil); errors.As(err, &path) {
			err = path.Err
		}
		return &Error{File: name, Err: err}
	}
	info, err := os.Stat(name) // before it is opened: a pipe would wait for its writer
	switch {
	case err != nil:
		return nil, failed(err)
	case !info.Mode().IsRegular():
		return nil, &Error{File: name, Problem: "is not a regular file"}
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return nil, failed(err)
	case len(data) > maxFile:
		return nil, &Error{File: name, Problem: "is too large for a certificate"}
	}
	return data, nil
}

func isPEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN ")) }

// content is what was found in the files.
type content struct {
	chain []*x509.Certificate // in the order of the file
	key   crypto.Signer
}

// tries opens something that is sealed with a passphrase.
func tries(file string, ask Passphrase, open func(secret.Text) (content, error)) (content, error) {
	for try := range maxTries {
		text, err := ask(file, try > 0)
		if err != nil {
			return content{}, err
		}
		c, err := open(text)
		if !errors.Is(err, errPassphrase) {
			return c, err
		}
	}
	return content{}, &Error{File: file, Problem: "cannot be opened with that passphrase"}
}

// errPassphrase reports a passphrase that does not fit.
var errPassphrase = errors.New("wrong passphrase")

func openPKCS12(file string, data []byte, ask Passphrase) (content, error) {
	open := func(text secret.Text) (content, error) {
		key, leaf, chain, err := pkcs12.DecodeChain(data, text.Reveal())
		switch {
		case errors.Is(err, pkcs12.ErrIncorrectPassword):
			return content{}, errPassphrase
		case err != nil:
			return content{}, &Error{File: file, Problem: "holds neither PEM nor a certificate with its key in PKCS#12 form"}
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return content{}, unusable(file)
		}
		return content{append([]*x509.Certificate{leaf}, chain...), signer}, nil
	}
	c, err := open(secret.Text{})
	if errors.Is(err, errPassphrase) {
		return tries(file, ask, open)
	}
	return c, err
}

func unusable(file string) *Error {
	return &Error{File: file, Problem: "holds a private key of a kind that TLS does not use"}
}

// readPEM takes the certificates from the one file, and the key from the other, or from
// the same.
func readPEM(f Files, cert, key []byte, ask Passphrase) (content, error) {
	c, sealed, err := blocks(f.Cert, cert)
	if err != nil {
		return c, err
	}
	file := f.keyFile()
	if f.Key != "" {
		other, block, err := blocks(file, key)
		if err != nil {
			return c, err
		}
		c.key, sealed = other.key, block
	}
	switch {
	case len(c.chain) == 0:
		return c, &Error{File: f.Cert, Problem: "holds no certificate"}
	case c.key == nil && sealed == nil && f.Key == "":
		return c, &Error{File: file, Problem: "holds no private key; if that is in a file of its own, name it in gatehop_client_key"}
	case c.key == nil && sealed == nil:
		return c, &Error{File: file, Problem: "holds no private key in PEM form"}
	case c.key != nil:
		return c, nil
	}
	return tries(file, ask, func(text secret.Text) (content, error) {
		key, err := unseal(sealed.Bytes, text)
		if err != nil {
			return c, err
		}
		c.key = key
		return c, nil
	})
}

// unseal opens an ENCRYPTED PRIVATE KEY (RFC 5958 section 3). An empty passphrase is one.
func unseal(der []byte, text secret.Text) (crypto.Signer, error) {
	key, err := pkcs8.ParsePKCS8PrivateKey(der, []byte(text.Reveal()))
	if err != nil { // the library does not tell a wrong passphrase from a broken key
		return nil, errPassphrase
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errPassphrase
	}
	return signer, nil
}

// blocks reads the parts of a PEM file; what is neither certificate nor key is passed over.
func blocks(file string, data []byte) (c content, sealed *pem.Block, err error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return c, sealed, nil
		}
		switch {
		case block.Headers["DEK-Info"] != "":
			return c, nil, &Error{File: file, Problem: "holds a private key that is sealed in an old way; `openssl pkcs8 -topk8 -in OLD -out NEW` makes one that can be used"}
		case block.Type == "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return c, nil, &Error{File: file, Problem: "holds a certificate that cannot be read"}
			}
			c.chain = append(c.chain, cert)
		case block.Type == "ENCRYPTED PRIVATE KEY":
			sealed = block
		case block.Type == "PRIVATE KEY", block.Type == "RSA PRIVATE KEY", block.Type == "EC PRIVATE KEY":
			if c.key, err = parseKey(block.Bytes); err != nil {
				return c, nil, unusable(file)
			}
		}
	}
}

var errKey = errors.New("no key")

// parseKey reads what the three kinds of blocks hold, by its form.
func parseKey(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
		return nil, errKey
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	return x509.ParseECPrivateKey(der)
}

// pair puts the key's own certificate first and looks at its dates.
func (c content) pair(f Files, now time.Time) (*tls.Certificate, error) {
	own := -1
	for i, cert := range c.chain {
		if public, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); ok && own < 0 && public.Equal(c.key.Public()) {
			own = i
		}
	}
	if own < 0 {
		return nil, &Error{File: f.keyFile(), Problem: "holds a private key of another certificate"}
	}
	leaf := c.chain[own]
	switch {
	case now.Before(leaf.NotBefore):
		return nil, &Error{File: f.Cert, Problem: "holds a certificate that is valid from " + leaf.NotBefore.UTC().Format(time.RFC3339) + " on"}
	case now.After(leaf.NotAfter):
		return nil, &Error{File: f.Cert, Problem: "holds a certificate that expired on " + leaf.NotAfter.UTC().Format(time.RFC3339)}
	}
	pair := &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: c.key, Leaf: leaf}
	for i, cert := range c.chain {
		if i != own {
			pair.Certificate = append(pair.Certificate, cert.Raw)
		}
	}
	return pair, nil
}
