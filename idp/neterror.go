package idp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// NetKind is why a request never became a page; its text is fit for a person.
type NetKind string

// The kinds.
const (
	NetDNS         NetKind = "host name cannot be looked up"
	NetRefused     NetKind = "connection refused"
	NetUnreachable NetKind = "network unreachable"
	NetTimeout     NetKind = "no answer in time"
	NetClosed      NetKind = "connection closed before the answer was complete"
	NetProxy       NetKind = "proxy cannot be used"
	NetNotTLS      NetKind = "server does not speak TLS"
	NetAuthority   NetKind = "certificate not signed by a known authority"
	NetName        NetKind = "certificate is for another name"
	NetExpired     NetKind = "certificate has expired or is not valid yet"
	NetCertificate NetKind = "certificate cannot be verified"
	NetOldTLS      NetKind = "server offers only TLS versions before 1.2"
	NetSuite       NetKind = "server offers no cipher suite that is accepted"
	NetTLS         NetKind = "TLS handshake failed"
	NetOther       NetKind = "no usable answer" // malformed, among others
)

// NetworkError reports that no page came. Its text and fields hold no path, no query
// and nothing that the server sent but names in its certificate.
type NetworkError struct {
	Host   string // HOST[:PORT] as requested
	Op     string // "get", "post"
	Kind   NetKind
	Issuer string // of the certificate, for the kinds that are about one
	Detail string // the certificate's names or dates, the proxy's address
	Err    error  // the cause where its type is known; nil otherwise, because its text might quote the server
}

func (e *NetworkError) Error() string {
	text := e.Op + " " + e.Host + ": " + string(e.Kind)
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	if e.Issuer != "" {
		text += `, issued by "` + e.Issuer + `"`
	}
	return text
}

// Unwrap returns the cause, for errors.Is and errors.As.
func (e *NetworkError) Unwrap() error { return e.Err }

// Timeout reports whether waiting longer might have helped.
func (e *NetworkError) Timeout() bool { return e.Kind == NetTimeout }

// NetError turns what an http.Client returned into what may be shown: the
// *OriginError, *PageError or *NetworkError within, context.Canceled as it is, and
// everything else as a *NetworkError. It drops the *url.Error, whose text holds the
// whole query. NetError(nil) is nil.
func NetError(err error) error {
	if err == nil {
		return nil
	}
	host, op := "", "get"
	if u := (*url.Error)(nil); errors.As(err, &u) {
		op = strings.ToLower(u.Op)
		if at, perr := url.Parse(u.URL); perr == nil {
			host = at.Host
		}
	}
	return classify(host, op, err)
}

// hopError is NetError for one request. ctx is the request's own with its time limit.
func hopError(ctx context.Context, req *http.Request, err error) error {
	op := strings.ToLower(req.Method)
	if op == "" {
		op = "get"
	}
	if cause := ctx.Err(); cause != nil {
		err = cause // what a transport says about it varies
	}
	return classify(req.URL.Host, op, err)
}

func classify(host, op string, err error) error {
	var (
		origin  *OriginError
		page    *PageError
		network *NetworkError
	)
	switch {
	case errors.As(err, &origin):
		return origin
	case errors.As(err, &page):
		return page
	case errors.As(err, &network):
		return network
	case errors.Is(err, context.Canceled):
		return context.Canceled
	}
	e := &NetworkError{Host: host, Op: op, Kind: NetOther}
	for _, find := range []func(*NetworkError, error) bool{ofProxy, ofCertificate, ofTLS, ofNetwork} {
		if find(e, err) {
			break
		}
	}
	if wantsCertificate(remoteAlert(err)) {
		return &PageError{Verdict: Certificate, URL: (&url.URL{Scheme: "https", Host: host}).String()}
	}
	return e
}

// ofProxy comes first: what is wrong on the way to the proxy is not the provider's.
func ofProxy(e *NetworkError, err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "proxyconnect" && !strings.HasPrefix(op.Op, "socks") {
		return false
	}
	e.Kind = NetProxy
	var (
		inner *net.OpError
		dns   *net.DNSError
	)
	switch {
	case errors.As(op.Err, &dns):
		e.Detail, e.Err = dns.Name, dns
	case errors.As(op.Err, &inner) && inner.Addr != nil:
		e.Detail = inner.Addr.String()
	case op.Addr != nil:
		e.Detail = op.Addr.String()
	}
	return true
}

func ofCertificate(e *NetworkError, err error) bool {
	var (
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		leaf      *x509.Certificate
	)
	isVerify := errors.As(err, &verify)
	if isVerify && len(verify.UnverifiedCertificates) > 0 {
		leaf = verify.UnverifiedCertificates[0]
	}
	switch {
	case errors.As(err, &name):
		e.Kind, e.Err, leaf = NetName, name, orElse(leaf, name.Certificate)
		e.Detail = "it names " + strings.Join(certNames(leaf), ", ")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e.Kind, e.Err = NetExpired, invalid
		leaf = orElse(invalid.Cert, leaf) // an intermediate may be the one that expired
		if leaf != nil {
			e.Detail = "valid " + leaf.NotBefore.UTC().Format(time.DateOnly) + " to " + leaf.NotAfter.UTC().Format(time.DateOnly)
		}
	case errors.As(err, &authority):
		e.Kind, e.Err, leaf = NetAuthority, authority, orElse(leaf, authority.Cert)
	case isVerify || errors.As(err, &invalid):
		e.Kind, leaf = NetCertificate, orElse(leaf, invalid.Cert)
	default:
		return false
	}
	if leaf != nil {
		e.Issuer = CleanWords(leaf.Issuer.String())
	}
	return true
}

func orElse(a, b *x509.Certificate) *x509.Certificate {
	if a != nil {
		return a
	}
	return b
}

// certNames are the first few names that a certificate is for.
func certNames(c *x509.Certificate) []string {
	var names []string
	if c == nil {
		return names
	}
	for _, n := range c.DNSNames {
		names = append(names, CleanWords(n))
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	switch {
	case len(names) == 0:
		return []string{"no host"}
	case len(names) > 3:
		return append(names[:3:3], "...")
	}
	return names
}

// remoteAlert is the alert of RFC 8446 section 6.2 with which the server broke off,
// in the words of crypto/tls, which exports no type for it; "" if there was none.
func remoteAlert(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return ""
	}
	return strings.TrimPrefix(op.Err.Error(), "tls: ")
}

// wantsCertificate reports an alert that means the server does not like our
// certificate, or the lack of one.
func wantsCertificate(alert string) bool {
	switch alert {
	case "certificate required", "bad certificate", "unsupported certificate", "revoked certificate",
		"expired certificate", "unknown certificate", "unknown certificate authority":
		return true
	}
	return false
}

func ofTLS(e *NetworkError, err error) bool {
	var (
		header  tls.RecordHeaderError
		timeout net.Error
	)
	alert := remoteAlert(err)
	switch {
	case errors.As(err, &header), errors.Is(err, http.ErrSchemeMismatch):
		e.Kind = NetNotTLS
	case alert == "protocol version not supported",
		strings.Contains(err.Error(), "tls: server selected unsupported protocol version"):
		e.Kind = NetOldTLS
	case alert == "handshake failure", alert == "insufficient security level",
		strings.Contains(err.Error(), "tls: server chose an unconfigured cipher suite"):
		e.Kind = NetSuite
	case alert != "":
		e.Kind, e.Detail = NetTLS, "the server says: "+alert // words of crypto/tls
	case errors.As(err, &timeout) && timeout.Timeout():
		return false
	case strings.Contains(err.Error(), "tls: "):
		e.Kind = NetTLS
	default:
		return false
	}
	return true
}

// errnos holds the numbers of this system and, because Go's constants of the same
// names are others there, those of Winsock.
func errnos(n syscall.Errno) NetKind {
	switch n {
	case syscall.ECONNREFUSED, 10061:
		return NetRefused
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, 10051, 10065, 10050:
		return NetUnreachable
	case syscall.ETIMEDOUT, 10060:
		return NetTimeout
	case syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, 10054, 10053:
		return NetClosed
	}
	return NetOther
}

func ofNetwork(e *NetworkError, err error) bool {
	var (
		dns     *net.DNSError
		errno   syscall.Errno
		timeout net.Error
	)
	switch {
	case errors.As(err, &dns):
		e.Kind, e.Err = NetDNS, dns
	case errors.As(err, &errno):
		e.Kind, e.Err = errnos(errno), errno
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		e.Kind, e.Err = NetTimeout, context.DeadlineExceeded
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Kind = NetTimeout
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		e.Kind, e.Err = NetClosed, io.ErrUnexpectedEOF
	case strings.Contains(err.Error(), "server closed idle connection"):
		e.Kind = NetClosed
	default:
		return false
	}
	return true
}
