package idptest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

// connKey is the context key under which a request finds the number of its connection.
type connKey struct{}

// CA is a throw-away certificate authority for providers on loopback. Its methods may
// be called at once.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	rand io.Reader
	next atomic.Int64
}

// caLife is how long the authority and what it issues are valid, from an hour before
// the time they were made at.
const caLife = 48 * time.Hour

// NewCA makes an authority that is valid from an hour before now for two days.
func NewCA(rand io.Reader, now time.Time) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand)
	if err != nil {
		return nil, fmt.Errorf("make a certificate authority: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "gatehop sandbox CA"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(caLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make a certificate authority: %w", err)
	}
	ca := &CA{cert: cert, key: key, rand: rand}
	ca.next.Store(1)
	return ca, nil
}

// PEM returns the authority's certificate, for gatehop_ca_bundle.
func (c *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.cert.Raw})
}

// Pool returns the authority alone, for tls.Config.RootCAs.
func (c *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.cert)
	return pool
}

// Issue makes a server certificate for hosts: names or addresses, without ports.
func (c *CA) Issue(hosts ...string) (tls.Certificate, error) {
	template := c.template("gatehop sandbox", x509.ExtKeyUsageServerAuth)
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	return c.issue(template)
}

// IssueClient makes a certificate by which a person signs in: name is a User.Name.
func (c *CA) IssueClient(name string) (tls.Certificate, error) {
	return c.issue(c.template(name, x509.ExtKeyUsageClientAuth))
}

func (c *CA) template(name string, use x509.ExtKeyUsage) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(c.next.Add(1)),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    c.cert.NotBefore,
		NotAfter:     c.cert.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{use},
	}
}

func (c *CA) issue(template *x509.Certificate) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), c.rand)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("issue a certificate: %w", err)
	}
	der, err := x509.CreateCertificate(c.rand, template, c.cert, &key.PublicKey, c.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("issue a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("issue a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// Server is a provider that listens on loopback.
type Server struct {
	http   http.Server
	scheme string
	addr   string
	done   chan error
}

// Serve answers requests at addr with h until Close. addr is a literal loopback
// address and a port: "127.0.0.1:0", "[::1]:8443"; everything else is refused. The
// certificate is ca's, for that address and "localhost"; without a ca it is plain
// http. It speaks HTTP/1.1 only, as AD FS 3.0 does, and numbers the connections.
func Serve(h http.Handler, ca *CA, addr string) (*Server, error) { return serve(h, ca, addr, false) }

// serve is Serve; with people it asks clients for a certificate of ca's.
func serve(h http.Handler, ca *CA, addr string, people bool) (*Server, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil || !at.Addr().IsLoopback() {
		return nil, fmt.Errorf("serve at %q: not a literal loopback address and port", addr)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("serve at %s: %w", addr, err)
	}
	s := &Server{scheme: "http", addr: listener.Addr().String(), done: make(chan error, 1)}
	if ca != nil {
		cert, err := ca.Issue(at.Addr().String(), "localhost")
		if err != nil {
			_ = listener.Close()
			return nil, err
		}
		conf := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}
		if people {
			conf.ClientAuth, conf.ClientCAs = tls.VerifyClientCertIfGiven, ca.Pool()
		}
		listener = tls.NewListener(listener, conf)
		s.scheme = "https"
	}
	var conns atomic.Uint64
	s.http = http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // refused handshakes are the tests' business
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conns.Add(1))
		},
	}
	go func() { s.done <- s.http.Serve(listener) }()
	return s, nil
}

// URL is the server's address: "https://127.0.0.1:40123".
func (s *Server) URL() string { return s.scheme + "://" + s.addr }

// Close ends the server and every connection to it, and waits until it no longer
// accepts. Calling it again does nothing.
func (s *Server) Close() error {
	err := s.http.Close()
	if served, ok := <-s.done; ok {
		close(s.done)
		if !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
	}
	if err != nil {
		return fmt.Errorf("close the server at %s: %w", s.addr, err)
	}
	return nil
}
