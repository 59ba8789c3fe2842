package clientcert

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"

	"gatehop/creds/secret"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const canary = "kanarienvogel-7"

// person is a key with its certificate, and the authority's.
type person struct {
	key      crypto.Signer
	cert, ca *x509.Certificate
}

func newPerson(t testing.TB, key crypto.Signer, from, to time.Time) person {
	t.Helper()
	issue := func(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	root, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true}
	ca := issue(authority, authority, root.Public(), root)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "alice"}, NotBefore: from, NotAfter: to}
	return person{key, issue(template, ca, key.Public(), root), ca}
}

var alice = sync.OnceValue(func() crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

func valid(t testing.TB) person {
	return newPerson(t, alice(), now.Add(-time.Hour), now.Add(time.Hour))
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func (p person) pem() string     { return block("CERTIFICATE", p.cert.Raw) }
func (p person) rootPEM() string { return block("CERTIFICATE", p.ca.Raw) }

func (p person) keyPEM(t testing.TB) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		t.Fatal(err)
	}
	return block("PRIVATE KEY", der)
}

func (p person) sealedPEM(t testing.TB, passphrase string) string {
	t.Helper()
	der, err := pkcs8.MarshalPrivateKey(p.key, []byte(passphrase), nil)
	if err != nil {
		t.Fatal(err)
	}
	return block("ENCRYPTED PRIVATE KEY", der)
}

func (p person) pkcs12(t testing.TB, as *pkcs12.Encoder, passphrase string) string {
	t.Helper()
	data, err := as.Encode(p.key, p.cert, []*x509.Certificate{p.ca}, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// write writes the files that have content, and names them.
func write(t testing.TB, cert, key string) Files {
	t.Helper()
	dir := t.TempDir()
	f := Files{Cert: filepath.Join(dir, "person")}
	if key != "" {
		f.Key = filepath.Join(dir, "person.key")
	}
	for name, text := range map[string]string{f.Cert: cert, f.Key: key} {
		if name != "" {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return f
}

// answers gives passphrases in turn, and counts.
func answers(asked *int, all ...string) Passphrase {
	return func(_ string, again bool) (secret.Text, error) {
		if again != (*asked > 0) {
			return secret.Text{}, errors.New("again is wrong")
		}
		*asked++
		if *asked > len(all) {
			return secret.Text{}, errNobody
		}
		return secret.New(all[*asked-1]), nil
	}
}

var errNobody = errors.New("nobody answers")

// TestRead has the forms in which a certificate comes, and who is asked for what.
func TestRead(t *testing.T) {
	t.Parallel()
	p := valid(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, e := newPerson(t, rsaKey, now.Add(-time.Hour), now.Add(time.Hour)), newPerson(t, edKey, now.Add(-time.Hour), now.Add(time.Hour))
	ecDER, err := x509.MarshalECPrivateKey(p.key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, cert, key string
		whose           person
		chain, asked    int
		answers         []string
	}{
		{name: "two files", cert: p.pem(), key: p.keyPEM(t), whose: p, chain: 1},
		{name: "one file", cert: p.pem() + p.keyPEM(t), whose: p, chain: 1},
		{name: "the key first", cert: p.keyPEM(t) + p.pem() + p.rootPEM(), whose: p, chain: 2},
		{name: "the root first", cert: p.rootPEM() + p.pem(), key: p.keyPEM(t), whose: p, chain: 2},
		{name: "words around", cert: "Bag Attributes\n    friendlyName: alice\n" + p.pem() + "\nKey Attributes\n" + p.keyPEM(t), whose: p, chain: 1},
		{name: "a certificate in the key's file", cert: p.pem(), key: p.keyPEM(t) + p.rootPEM(), whose: p, chain: 1},
		{name: "RSA", cert: r.pem(), key: r.keyPEM(t), whose: r, chain: 1},
		{name: "RSA as PKCS#1", cert: r.pem(), key: block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), whose: r, chain: 1},
		{name: "EC as SEC 1", cert: p.pem(), key: block("EC PRIVATE KEY", ecDER), whose: p, chain: 1},
		{name: "Ed25519", cert: e.pem(), key: e.keyPEM(t), whose: e, chain: 1},
		{name: "a sealed key", cert: p.pem(), key: p.sealedPEM(t, canary), whose: p, chain: 1, answers: []string{canary}, asked: 1},
		{name: "a sealed key, the second time", cert: p.pem() + p.sealedPEM(t, canary), whose: p, chain: 1, answers: []string{"x", canary}, asked: 2},
		{name: "PKCS#12", cert: p.pkcs12(t, pkcs12.Modern, canary), whose: p, chain: 2, answers: []string{canary}, asked: 1},
		{name: "PKCS#12, the third time", cert: p.pkcs12(t, pkcs12.Modern, canary), whose: p, chain: 2, answers: []string{"x", "", canary}, asked: 3},
		{name: "PKCS#12 of old", cert: r.pkcs12(t, pkcs12.LegacyDES, canary), whose: r, chain: 2, answers: []string{canary}, asked: 1},
		{name: "PKCS#12 of very old", cert: r.pkcs12(t, pkcs12.LegacyRC2, canary), whose: r, chain: 2, answers: []string{canary}, asked: 1},
		{name: "PKCS#12 without a passphrase", cert: p.pkcs12(t, pkcs12.Modern, ""), whose: p, chain: 2},
		{name: "PKCS#12 that is not sealed", cert: p.pkcs12(t, pkcs12.Passwordless, ""), whose: p, chain: 2},
	} {
		asked := 0
		pair, err := Read(write(t, c.cert, c.key), now, answers(&asked, c.answers...))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !pair.Leaf.Equal(c.whose.cert) || len(pair.Certificate) != c.chain || asked != c.asked {
			t.Errorf("%s: %s first of %d, asked %d times; want alice's first of %d, asked %d", c.name, pair.Leaf.Subject, len(pair.Certificate), asked, c.chain, c.asked)
		}
		if !signs(pair) {
			t.Errorf("%s: the key is not the certificate's", c.name)
		}
	}
}

// signs reports whether the pair can be used at all.
func signs(pair *tls.Certificate) bool {
	public, ok := pair.Leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(pair.PrivateKey.(crypto.Signer).Public())
}

// TestReadRefuses names the file and what is wrong with it, and nothing of its content.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	p := valid(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	stranger := newPerson(t, key, now.Add(-time.Hour), now.Add(time.Hour))
	old := newPerson(t, alice(), now.Add(-48*time.Hour), now.Add(-time.Hour))
	early := newPerson(t, alice(), now.Add(time.Hour), now.Add(48*time.Hour))
	for _, c := range []struct {
		name, cert, key, want string
		answers               []string
		nobody                bool
	}{
		{name: "nothing", want: "holds neither PEM nor a certificate"},
		{name: "something", cert: "hello " + canary, want: "holds neither PEM nor a certificate"},
		{name: "no certificate", cert: p.keyPEM(t), want: "holds no certificate"},
		{name: "no key", cert: p.pem(), want: "name it in gatehop_client_key"},
		{name: "no key in its file", cert: p.pem(), key: p.rootPEM(), want: "holds no private key in PEM form"},
		{name: "another's key", cert: p.pem(), key: stranger.keyPEM(t), want: "private key of another certificate"},
		{name: "another's key in one file", cert: p.pem() + stranger.keyPEM(t), want: "private key of another certificate"},
		{name: "expired", cert: old.pem() + old.keyPEM(t), want: "expired on 2026-03-01T11:00:00Z"},
		{name: "not yet", cert: early.pem() + early.keyPEM(t), want: "valid from 2026-03-01T13:00:00Z on"},
		{name: "a broken certificate", cert: block("CERTIFICATE", []byte(canary)) + p.keyPEM(t), want: "certificate that cannot be read"},
		{name: "a broken key", cert: p.pem(), key: block("PRIVATE KEY", []byte(canary)), want: "of a kind that TLS does not use"},
		{name: "a key sealed of old", cert: p.pem(), key: "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n", want: "openssl pkcs8 -topk8"},
		{name: "three wrong passphrases", cert: p.pem(), key: p.sealedPEM(t, canary), answers: []string{"a", "b", "c", canary}, want: "cannot be opened with that passphrase"},
		{name: "nobody to ask", cert: p.pem(), key: p.sealedPEM(t, canary), nobody: true},
		{name: "PKCS#12, three wrong ones", cert: p.pkcs12(t, pkcs12.Modern, canary), answers: []string{"a", "b", "c", canary}, want: "cannot be opened with that passphrase"},
		{name: "PKCS#12, nobody to ask", cert: p.pkcs12(t, pkcs12.Modern, canary), answers: []string{"a"}, nobody: true},
		{name: "PKCS#12, cut", cert: p.pkcs12(t, pkcs12.Modern, "")[:200], want: "holds neither PEM nor a certificate"},
		{name: "PKCS#12 and a key", cert: p.pkcs12(t, pkcs12.Modern, ""), key: p.keyPEM(t), want: "is not in PEM form"},
		{name: "PEM and PKCS#12", cert: p.pem(), key: p.pkcs12(t, pkcs12.Modern, ""), want: "holds no private key in PEM form"},
		{name: "too large", cert: strings.Repeat("x", maxFile+1), want: "too large"},
	} {
		asked := 0
		f := write(t, c.cert, c.key)
		pair, err := Read(f, now, answers(&asked, c.answers...))
		var e *Error
		switch {
		case c.nobody && !errors.Is(err, errNobody):
			t.Errorf("%s: %v, want %v", c.name, err, errNobody)
		case !c.nobody && (!errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), f.Cert)):
			t.Errorf("%s: %v, %v, want %q", c.name, pair, err, c.want)
		case strings.Contains(err.Error(), canary):
			t.Errorf("%s: the error quotes the file: %v", c.name, err)
		}
	}
	_, err = Read(Files{Cert: filepath.Join(t.TempDir(), "none")}, now, nil)
	if !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), "none") != 1 {
		t.Errorf("no file: %v, want fs.ErrNotExist and the name once", err)
	}
	if _, err = Read(Files{Cert: t.TempDir()}, now, nil); err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("a directory: %v", err)
	}
}

// TestLoose finds the key that others may read.
func TestLoose(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing there")
	}
	for _, f := range []Files{write(t, "a", "b"), write(t, "a", "")} {
		key := f.Key
		if key == "" {
			key = f.Cert
		}
		for mode, want := range map[fs.FileMode]string{0o600: "", 0o400: "", 0o640: key, 0o604: key} {
			if err := os.Chmod(key, mode); err != nil {
				t.Fatal(err)
			}
			if got := f.Loose(); got != want {
				t.Errorf("%v: %q, want %q", mode, got, want)
			}
		}
	}
}

// FuzzRead: whatever stands in the files, the result is a pair that fits or an error. What
// is sealed is left out: how long its key takes to derive is a number in the file.
func FuzzRead(f *testing.F) {
	p := valid(f)
	for _, seed := range []string{p.pem() + p.keyPEM(f), p.rootPEM() + p.pem() + p.keyPEM(f), "-----BEGIN X-----"} {
		f.Add([]byte(seed), []byte(""))
		f.Add([]byte(p.pem()), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, cert, key []byte) {
		if !isPEM(cert) || bytes.Contains(cert, []byte("ENCRYPTED")) || bytes.Contains(key, []byte("ENCRYPTED")) {
			return
		}
		files := Files{Cert: "c"}
		if len(key) > 0 {
			files.Key = "k"
		}
		pair, err := files.parse(cert, key, now, func(string, bool) (secret.Text, error) { return secret.New("x"), nil })
		switch {
		case (err == nil) == (pair == nil):
			t.Errorf("Read = %v, %v", pair, err)
		case pair != nil && (!signs(pair) || now.After(pair.Leaf.NotAfter)):
			t.Error("a pair that does not fit, or has expired")
		}
	})
}
