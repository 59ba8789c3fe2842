package idp

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
)

// network chooses the connections of a request by where it goes: the client
// certificate is for trusted origins, because it tells whoever asks for it who the
// person is, and old TLS is for the configured host. Everybody else gets neither.
type network struct {
	judge  judge
	legacy string // the host that may speak old TLS, in lower case; "": none

	configured, trusted, others *http.Transport
}

func newNetwork(o ClientOptions, j judge) http.RoundTripper {
	n := &network{judge: j, others: newTransport(o, &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12})}
	n.trusted = n.others
	if o.ClientCert != nil {
		n.trusted = newTransport(o, withCertificate(o))
	}
	n.configured = n.trusted
	if o.LegacyTLS && len(o.Trust.Origins) > 0 {
		if u, err := url.Parse(string(o.Trust.Origins[0])); err == nil {
			n.legacy = u.Hostname()
		}
		conf := &tls.Config{RootCAs: o.Roots}
		if o.ClientCert != nil {
			conf = withCertificate(o)
		}
		conf.MinVersion, conf.CipherSuites = tls.VersionTLS10, everySuite()
		n.configured = newTransport(o, conf)
	}
	return n
}

func withCertificate(o ClientOptions) *tls.Config {
	return &tls.Config{
		RootCAs:      o.Roots,
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{*o.ClientCert},
		// IIS asks for the certificate after it has read the request (TLS 1.2).
		Renegotiation: tls.RenegotiateFreelyAsClient,
	}
}

// everySuite is what crypto/tls can speak at all: it offers neither RSA key exchange
// nor 3DES unless they are named. RC4 is left out, because nobody who can speak
// TLS 1.0 speaks nothing else (RFC 7465 forbids it; RFC 2246 requires 3DES). Suites that
// are named count also under GODEBUG=tlsrsakex=0,tls3des=0,tls10server=0 (tried, Go 1.26).
func everySuite() []uint16 {
	var all []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if !strings.Contains(s.Name, "_RC4_") {
			all = append(all, s.ID)
		}
	}
	return all
}

func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	return n.of(req.URL).RoundTrip(req)
}

func (n *network) of(u *url.URL) *http.Transport {
	switch trusted := n.judge.has(u); {
	case trusted && n.legacy != "" && strings.EqualFold(u.Hostname(), n.legacy):
		return n.configured
	case trusted:
		return n.trusted
	}
	return n.others
}

// CloseIdleConnections serves http.Client.CloseIdleConnections.
func (n *network) CloseIdleConnections() {
	for _, t := range []*http.Transport{n.configured, n.trusted, n.others} {
		t.CloseIdleConnections()
	}
}
