package idp

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// oldPair is a self-signed certificate with an RSA key, which key exchange by RSA
// needs, and the pool that trusts it.
func oldPair(t *testing.T, host string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "old"}, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign, IsCA: true,
		BasicConstraintsValid: true, IPAddresses: []net.IP{net.ParseIP(host)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// oldServers are what is found in old companies, each with how it is refused.
func oldServers() map[string]struct {
	conf *tls.Config
	kind NetKind
} {
	type server = struct {
		conf *tls.Config
		kind NetKind
	}
	return map[string]server{
		"tls 1.0, rsa, aes cbc": {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}, NetOldTLS},
		"tls 1.0, rsa, 3des":    {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10, CipherSuites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}}, NetOldTLS},
		"tls 1.1, ecdhe, cbc":   {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA}}, NetOldTLS},
		"tls 1.2, rsa, cbc":     {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_256_CBC_SHA}}, NetSuite},
		"tls 1.2, rsa, sha256":  {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA256}}, NetSuite},
	}
}

// legacyCheck tells whether a client that may speak old TLS does so with the
// configured host and nobody else; "" if it does.
func legacyCheck(t *testing.T, change func(*http.Client)) string {
	t.Helper()
	cert, pool := oldPair(t, "127.0.0.1")
	other, _ := oldPair(t, "127.0.0.2")
	leaf, err := x509.ParseCertificate(other.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(leaf)
	for name, old := range oldServers() {
		old.conf.Certificates = []tls.Certificate{cert}
		elsewhere := otherHost(t, &tls.Config{
			Certificates: []tls.Certificate{other}, MinVersion: old.conf.MinVersion, MaxVersion: old.conf.MaxVersion, CipherSuites: old.conf.CipherSuites,
		})
		host := tlsServer(t, old.conf, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/away" {
				http.Redirect(w, r, "https://"+elsewhere+"/", http.StatusFound)
			}
		})
		for _, legacy := range []bool{false, true} {
			trust, err := NewTrust("https://"+host, []string{elsewhere}, nil)
			if err != nil {
				t.Fatal(err)
			}
			client := NewClient(ClientOptions{Trust: trust, Roots: pool, LegacyTLS: legacy, Now: time.Now})
			if change != nil {
				change(client)
			}
			if got := kindOf(client, "https://"+host+"/"); legacy && got != "" || !legacy && got != old.kind {
				return name + ": " + string(got)
			}
			if got := kindOf(client, "https://"+elsewhere+"/"); got != old.kind {
				return name + ", another host: " + string(got)
			}
			if got := kindOf(client, "https://"+host+"/away"); got != old.kind {
				return name + ", redirected: " + string(got)
			}
			client.CloseIdleConnections()
		}
	}
	return ""
}

// otherHost is a server at another loopback address.
func otherHost(t *testing.T, conf *tls.Config) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.2:0", conf)
	if err != nil {
		t.Skipf("no second loopback address: %v", err)
	}
	s := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

func kindOf(c *http.Client, url string) NetKind {
	resp, err := c.Get(url)
	if err == nil {
		_ = resp.Body.Close()
		return ""
	}
	var network *NetworkError
	if errors.As(NetError(err), &network) {
		return network.Kind
	}
	return NetKind(err.Error())
}

func TestLegacyTLS(t *testing.T) {
	t.Parallel()
	if problem := legacyCheck(t, nil); problem != "" {
		t.Error(problem)
	}
}

// TestLegacyTLSNoticed breaks the client in every way that TestLegacyTLS is about.
func TestLegacyTLSNoticed(t *testing.T) {
	t.Parallel()
	by := func(c *http.Client) map[connection]*http.Transport {
		return c.Transport.(*transport).base.(*network).by
	}
	old := connection{old: true}
	conf := func(c *http.Client) *tls.Config { // of the client that may
		if t := by(c)[old]; t != nil {
			return t.TLSClientConfig
		}
		return &tls.Config{}
	}
	for name, change := range map[string]func(*http.Client){
		"old TLS for every trusted host": func(c *http.Client) { by(c)[connection{}] = cmp.Or(by(c)[old], by(c)[connection{}]) },
		"old TLS for nobody":             func(c *http.Client) { by(c)[old] = by(c)[connection{}] },
		"old versions without suites":    func(c *http.Client) { conf(c).CipherSuites = nil },
		"suites without old versions": func(c *http.Client) {
			conf(c).MinVersion = tls.VersionTLS12
		},
	} {
		if legacyCheck(t, change) == "" {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// TestLegacyVerifies: a certificate of nobody's is refused all the same.
func TestLegacyVerifies(t *testing.T) {
	t.Parallel()
	cert, pool := oldPair(t, "127.0.0.1")
	host := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, nil)
	trust, err := NewTrust("https://"+host, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, roots := range []*x509.CertPool{pool, x509.NewCertPool()} {
		got := kindOf(NewClient(ClientOptions{Trust: trust, Roots: roots, LegacyTLS: true, Now: time.Now}), "https://"+host)
		if want := map[bool]NetKind{true: "", false: NetAuthority}[roots == pool]; got != want {
			t.Errorf("known authority %v: %q, want %q", roots == pool, got, want)
		}
	}
}

// TestNoRC4 keeps the one cipher out that is worse than none.
func TestNoRC4(t *testing.T) {
	t.Parallel()
	for _, id := range everySuite() {
		if strings.Contains(tls.CipherSuiteName(id), "RC4") {
			t.Errorf("offers %s", tls.CipherSuiteName(id))
		}
	}
}
