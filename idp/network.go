package idp

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
)

// network chooses the connections of a request by where it goes: the client
// certificate is for trusted origins and where the configured one asks for it, because
// it tells whoever asks for it who the person is, and old TLS is for the configured host.
// Everybody else gets neither.
type network struct {
	judge  judge
	legacy string // the host that may speak old TLS, in lower case; "": none
	shows  bool   // there is a certificate

	by map[connection]*http.Transport
}

// connection is what a server may expect of one.
type connection struct{ certificate, old bool }

func newNetwork(o ClientOptions, j judge) http.RoundTripper {
	n := &network{judge: j, shows: o.ClientCert != nil, by: map[connection]*http.Transport{}}
	if o.LegacyTLS && len(o.Trust.Origins) > 0 {
		if u, err := url.Parse(string(o.Trust.Origins[0])); err == nil {
			n.legacy = u.Hostname()
		}
	}
	for _, c := range []connection{{}, {certificate: true}, {old: true}, {certificate: true, old: true}} {
		if c.certificate && !n.shows || c.old && n.legacy == "" {
			continue
		}
		n.by[c] = newTransport(o, c.config(o))
		if c.certificate { // a server that asks in the middle of a connection cannot do so in HTTP/2 (RFC 8740)
			onlyHTTP1(n.by[c])
		}
	}
	return n
}

func (c connection) config(o ClientOptions) *tls.Config {
	conf := &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12}
	if c.certificate {
		conf.Certificates = []tls.Certificate{*o.ClientCert}
		// IIS asks for the certificate after it has read the request (TLS 1.2). What TLS 1.3
		// has for that, crypto/tls has not.
		conf.Renegotiation = tls.RenegotiateFreelyAsClient
	}
	if c.old {
		conf.MinVersion, conf.CipherSuites = tls.VersionTLS10, everySuite()
	}
	return conf
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
	certifies := n.judge.certifies(u)
	return n.by[connection{
		certificate: n.shows && certifies,
		old:         n.legacy != "" && certifies && strings.EqualFold(u.Hostname(), n.legacy),
	}]
}

// CloseIdleConnections serves http.Client.CloseIdleConnections.
func (n *network) CloseIdleConnections() {
	for _, t := range n.by {
		t.CloseIdleConnections()
	}
}
