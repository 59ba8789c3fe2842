package idp

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// authority is a throw-away certificate authority.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{key, cert, pool}
}

// issue makes a certificate for host that ends at end.
func (a *authority) issue(t testing.TB, host string, end time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"},
		NotBefore: end.Add(-24 * time.Hour), NotAfter: end, DNSNames: []string{host},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// world is every host of an imagined internet behind one proxy on loopback, which
// ends TLS itself and so sees what each origin is sent, byte for byte.
type world struct {
	t     testing.TB
	ca    *authority
	addr  string
	serve http.Handler // all origins; the request's URL has scheme and host filled in

	mu      sync.Mutex
	ledger  map[Origin]*bytes.Buffer // decrypted bytes by origin
	dialled map[string]int           // CONNECT targets
	conns   []net.Conn
	closed  bool
}

func newWorld(t testing.TB, serve http.HandlerFunc) *world {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, ca: newAuthority(t, "world test authority"), addr: l.Addr().String(), serve: serve,
		ledger: map[Origin]*bytes.Buffer{}, dialled: map[string]int{},
	}
	var open sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		w.mu.Lock()
		w.closed = true
		for _, conn := range w.conns {
			_ = conn.Close()
		}
		w.mu.Unlock()
		open.Wait()
	})
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			w.mu.Lock()
			w.conns = append(w.conns, conn)
			if w.closed {
				_ = conn.Close()
			}
			w.mu.Unlock()
			open.Go(func() {
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				w.converse(conn, "http", "")
			})
		}
	})
	return w
}

// converse answers the requests of one connection; host is "" before a CONNECT.
func (w *world) converse(conn net.Conn, scheme, host string) {
	var raw bytes.Buffer
	br := bufio.NewReader(io.TeeReader(conn, &raw))
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if req.Method == http.MethodConnect {
			w.mu.Lock()
			w.dialled[req.Host]++
			w.mu.Unlock()
			w.tunnel(conn, req.Host)
			return
		}
		form, _ := io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(form))
		if host != "" {
			req.URL.Scheme, req.URL.Host = scheme, host
		}
		w.note(OriginOf(req.URL), raw.Bytes())
		raw.Reset()
		rec := httptest.NewRecorder()
		w.serve.ServeHTTP(rec, req)
		resp := rec.Result()
		resp.ContentLength = int64(rec.Body.Len())
		if resp.Write(conn) != nil {
			return
		}
	}
}

func (w *world) tunnel(conn net.Conn, target string) {
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	host, _, _ := net.SplitHostPort(target)
	secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{w.ca.issue(w.t, host, time.Now().Add(time.Hour))}})
	w.converse(secure, "https", target)
}

func (w *world) note(o Origin, sent []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ledger[o] == nil {
		w.ledger[o] = new(bytes.Buffer)
	}
	w.ledger[o].Write(sent)
}

// sent returns what each origin was sent so far.
func (w *world) sent() map[Origin]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[Origin]string{}
	for o, b := range w.ledger {
		out[o] = b.String()
	}
	return out
}

// dials counts the CONNECTs so far, by target.
func (w *world) dials() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.dialled)
}

func (w *world) proxy(*http.Request) (*url.URL, error) {
	return &url.URL{Scheme: "http", Host: w.addr}, nil
}

// options are those of a client that lives in w and trusts origins.
func (w *world) options(origins ...Origin) ClientOptions {
	return ClientOptions{Trust: Trust{Origins: origins}, Roots: w.ca.pool, Proxy: w.proxy}
}

func mustURL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// postForm makes the request that an adapter makes of a form.
func postForm(t testing.TB, to string, form url.Values) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

// transportFunc is an http.RoundTripper of one function.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// answer makes a response to req.
func answer(req *http.Request, status int, header http.Header, text string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Header: header, Request: req, ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: -1, Body: io.NopCloser(strings.NewReader(text)),
	}
}
