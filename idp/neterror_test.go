package idp

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rawServer does what is told with each connection and nothing more.
func rawServer(t *testing.T, do func(net.Conn)) (host string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			do(conn)
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

// tlsServer answers over TLS with conf; do, if any, in place of an empty page.
func tlsServer(t *testing.T, conf *tls.Config, do http.HandlerFunc) (host string) {
	t.Helper()
	if do == nil {
		do = func(http.ResponseWriter, *http.Request) {}
	}
	s := httptest.NewUnstartedServer(do)
	s.TLS = conf
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// closedPort is an address where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func certificates(c tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c}}
}

// oldHello is a ServerHello of TLS 1.0 (RFC 2246 section 7.4.1.3), as a server sends
// that knows no newer one and no alert for it.
func oldHello() []byte {
	hello := append([]byte{3, 1}, make([]byte, 32)...) // version, random
	hello = append(hello, 0, 0, 0x2f, 0)               // no session, RSA with AES-128-CBC, no compression
	shake := append([]byte{2, 0, 0, byte(len(hello))}, hello...)
	return append([]byte{22, 3, 1, 0, byte(len(shake))}, shake...)
}

type netCase struct {
	name    string
	options ClientOptions
	host    string
	kind    NetKind
	text    string // in the error
	page    Verdict
}

// failures makes one server for each way in which no page comes.
func failures(t *testing.T) []netCase {
	ca, unknown := newAuthority(t, "corp root"), newAuthority(t, "some \u202eother\x1b[31m root")
	soon := time.Now().Add(time.Hour)
	good := ca.issue(t, "127.0.0.1", soon)
	ours := ClientOptions{Roots: ca.pool}
	via := func(host string) ClientOptions {
		o := ours
		o.Proxy = func(*http.Request) (*url.URL, error) {
			return &url.URL{Scheme: "http", User: url.UserPassword("me", "canary-of-proxy"), Host: host}, nil
		}
		return o
	}
	broken := ours
	broken.Proxy = func(*http.Request) (*url.URL, error) {
		return nil, errors.New("no proxy at http://me:canary-of-proxy@h")
	}
	refusing := func(status string) string {
		return rawServer(t, func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.WriteString(c, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n")
			}
		})
	}
	speak := func(text string) string { // one answer over TLS, word for word
		return rawServer(t, func(c net.Conn) {
			s := tls.Server(c, certificates(good))
			if _, err := http.ReadRequest(bufio.NewReader(s)); err == nil {
				_, _ = io.WriteString(s, text)
			}
			_ = s.Close()
		})
	}
	old := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, nil)
	return []netCase{
		{"unknown authority", ours, tlsServer(t, certificates(unknown.issue(t, "127.0.0.1", soon)), nil), NetAuthority, "CN=some other[31m root", ""},
		{"wrong name", ours, tlsServer(t, certificates(ca.issue(t, "adfs.corp.example", soon)), nil), NetName, `adfs.corp.example), issued by "CN=corp root"`, ""},
		{"expired", ours, tlsServer(t, certificates(ca.issue(t, "127.0.0.1", time.Now().Add(-time.Hour))), nil), NetExpired, `issued by "CN=corp root"`, ""},
		{"only tls 1.0", ours, old, NetOldTLS, "", ""},
		{"only tls 1.0, answered", ours, rawServer(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = c.Write(oldHello())
			_, _ = io.Copy(io.Discard, c)
		}), NetOldTLS, "", ""},
		{"tls refused", ours, tlsServer(t, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, errors.New("no") }}, nil), NetTLS, "internal error", ""},
		{"not tls", ours, rawServer(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 canary\r\n\r\n") }), NetNotTLS, "", ""},
		{"refused", ours, closedPort(t), NetRefused, "", ""},
		{"hangs up in the handshake", ours, rawServer(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }), NetTLS, "the server closes the connection", ""},
		{"resets the handshake", ours, rawServer(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 16))
			_ = c.(*net.TCPConn).SetLinger(0)
		}), NetTLS, "the server closes the connection", ""},
		{"closed", ours, speak(""), NetClosed, "", ""},
		{"closed in the body", ours, speak("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncanary"), NetClosed, "", ""},
		{"malformed answer", ours, speak("canary canary canary\r\n\r\n"), NetOther, "", ""},
		{"malformed header", ours, speak("HTTP/1.1 200 OK\r\nSet-Cookie canary\r\n\r\n"), NetOther, "", ""},
		{"malformed chunk", ours, speak("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ncanary\r\n"), NetOther, "", ""},
		{"malformed redirect", ours, speak("HTTP/1.1 302 Found\r\nLocation: https://[canary\r\nContent-Length: 0\r\n\r\n"), NetOther, "", ""},
		{"headers too long", ours, speak("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("canary", maxHeaderBytes/5) + "\r\n\r\n"), NetOther, "", ""},
		{"proxy refused", via(closedPort(t)), "adfs.corp.example", NetProxy, "127.0.0.1:", ""},
		{"proxy setting", broken, "adfs.corp.example", NetProxy, "", ""},
		{"proxy wants a password", via(refusing("407 canary")), "adfs.corp.example", "", "407", ProxyRefused},
		{"proxy denies", via(refusing("403 canary")), "adfs.corp.example", "", "403", ProxyRefused},
		{"407 as an answer", ours, speak("HTTP/1.1 407 canary\r\nContent-Length: 0\r\n\r\n"), "", "407", ProxyRefused},
	}
}

// leaky says what of a request or an answer a text repeats.
func leaky(text string) bool { return strings.Contains(text, "canary") }

func TestNetError(t *testing.T) {
	t.Parallel()
	for _, c := range failures(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client := NewClient(c.options)
			resp, raw := client.Get("https://" + c.host + "/adfs/ls/?SAMLRequest=canary#canary")
			err := NetError(raw)
			if raw == nil {
				_, err = ReadPage(resp)
			}
			network, page := (*NetworkError)(nil), (*PageError)(nil)
			switch {
			case c.page != "":
				if !errors.As(err, &page) || page.Verdict != c.page {
					t.Fatalf("got %v, want verdict %s", err, c.page)
				}
			case !errors.As(err, &network) || network.Kind != c.kind:
				t.Fatalf("got %v, want %q", err, c.kind)
			case network.Host != c.host || !strings.HasPrefix(err.Error(), "get "+c.host+": "):
				t.Errorf("%q does not begin with the operation and the host %s", err, c.host)
			}
			if !strings.Contains(err.Error(), c.text) {
				t.Errorf("%q does not hold %q", err, c.text)
			}
			if leaky(err.Error()) || leaky(fmt.Sprintf("%+v %#v", err, err)) || leaky(fmt.Sprint(errors.Unwrap(err))) {
				t.Errorf("%q repeats a query or an answer", err)
			}
			if raw != nil && !leaky(raw.Error()) { // the control: it was there to be repeated
				t.Errorf("the error of http.Client, %q, holds no canary", raw)
			}
		})
	}
}

// Of other clients than NewClient's, NetError tells the same.
func TestNetErrorOfPlainClient(t *testing.T) {
	t.Parallel()
	for _, c := range failures(t) {
		if c.kind == "" || c.options.Proxy != nil || c.name == "closed in the body" || c.name == "malformed chunk" || c.name == "headers too long" || strings.HasSuffix(c.name, " the handshake") {
			continue // seen in the body, or by what NewClient sets
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.options.Roots}}}
		resp, err := client.Get("https://" + c.host + "/adfs/ls/?SAMLRequest=canary")
		if err == nil {
			_ = resp.Body.Close()
		}
		network := (*NetworkError)(nil)
		if err = NetError(err); !errors.As(err, &network) || network.Kind != c.kind || leaky(err.Error()) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.kind)
		}
	}
}

// What cannot be made to happen on loopback is classified from the errors themselves.
func TestNetErrorKinds(t *testing.T) {
	t.Parallel()
	wrap := func(err error) error {
		return &url.Error{Op: "Post", URL: "https://adfs.corp.example/adfs/ls/?canary", Err: err}
	}
	dial := func(err error) error { return wrap(&net.OpError{Op: "dial", Net: "tcp", Err: err}) }
	for _, c := range []struct {
		err  error
		kind NetKind
	}{
		{dial(&net.DNSError{Err: "no such host", Name: "adfs.corp.example", IsNotFound: true}), NetDNS},
		{dial(&net.DNSError{Err: "i/o timeout", Name: "adfs.corp.example", IsTimeout: true}), NetDNS},
		{dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), NetRefused},
		{dial(os.NewSyscallError("connectex", syscall.Errno(10061))), NetRefused},
		{dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), NetUnreachable},
		{dial(os.NewSyscallError("connectex", syscall.Errno(10065))), NetUnreachable},
		{dial(os.NewSyscallError("connect", syscall.ETIMEDOUT)), NetTimeout},
		{dial(os.ErrDeadlineExceeded), NetTimeout},
		{wrap(os.NewSyscallError("read", syscall.ECONNRESET)), NetClosed},
		{wrap(os.NewSyscallError("wsarecv", syscall.Errno(10054))), NetClosed},
		{wrap(io.EOF), NetClosed},
		{wrap(errors.New("http: server closed idle connection")), NetClosed},
		{wrap(context.DeadlineExceeded), NetTimeout},
		{wrap(&net.OpError{Op: "proxyconnect", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Name: "proxy.example"}}}), NetProxy},
		{wrap(&net.OpError{Op: "socks connect", Err: errors.New("canary")}), NetProxy},
		{wrap(x509.SystemRootsError{}), NetOther},
		{wrap(&tls.CertificateVerificationError{Err: errors.New("canary")}), NetCertificate},
		{wrap(x509.CertificateInvalidError{Reason: x509.NameConstraintsWithoutSANs}), NetCertificate},
		{wrap(http.ErrSchemeMismatch), NetNotTLS},
		{wrap(errors.New("tls: canary")), NetTLS},
		{wrap(errors.New("canary")), NetOther},
		{errors.New("canary"), NetOther},
	} {
		got := &NetworkError{}
		err := NetError(c.err)
		if !errors.As(err, &got) || got.Kind != c.kind || leaky(fmt.Sprintf("%v %+v", err, *got)) {
			t.Errorf("NetError(%v) = %v, want %q", c.err, err, c.kind)
		}
		if got.Timeout() != (c.kind == NetTimeout) {
			t.Errorf("NetError(%v).Timeout() = %v", c.err, got.Timeout())
		}
	}
	if NetError(nil) != nil {
		t.Error("NetError(nil) is not nil")
	}
	if err := NetError(wrap(context.Canceled)); err != context.Canceled {
		t.Errorf("canceled: %v", err)
	}
	for _, want := range []error{&OriginError{}, &PageError{}, &NetworkError{}} {
		if err := NetError(wrap(fmt.Errorf("x: %w", want))); err != want {
			t.Errorf("%T within: %v", want, err)
		}
	}
}
