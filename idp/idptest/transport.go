package idptest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// AnyHost is the route for every host that has none of its own.
const AnyHost = "*"

// InProcess is an http.RoundTripper that calls handlers directly, without sockets. It
// serves https and http URLs; only the former reach a handler with a TLS state.
type InProcess struct {
	routes map[string]http.Handler
	shown  map[string]*x509.Certificate // by host, as in a URL

	scatter bool

	mu        sync.Mutex
	conns     map[string]uint64
	scattered uint64
	named     map[uint64]*inProcessConn
	refused   []Request
}

// Transport makes an InProcess. A route is named by its host, with or without a port;
// one without serves both default ports. AnyHost serves the rest; without it, requests
// to other hosts fail like an unknown name, and Refused has them.
func Transport(routes map[string]http.Handler) *InProcess {
	t := &InProcess{routes: map[string]http.Handler{}, conns: map[string]uint64{}}
	for host, h := range routes {
		t.routes[strings.ToLower(host)] = h
	}
	return t
}

// Show makes https requests to host, as it stands in their URLs, arrive with that
// certificate of the client's. It is called before the first request.
func (t *InProcess) Show(cert *x509.Certificate, host string) {
	if t.shown == nil {
		t.shown = map[string]*x509.Certificate{}
	}
	t.shown[strings.ToLower(host)] = cert
}

// Refused returns the requests to hosts without a route, bodies included: what would
// have left for them if they existed.
func (t *InProcess) Refused() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := slices.Clone(t.refused)
	for i := range out {
		out[i] = out[i].clone()
	}
	return out
}

// RoundTrip serves req. Like net/http's Transport it asks for gzip and unpacks it
// where the caller did not ask, and returns early if the request's context ends.
func (t *InProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }()
	}
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	inner, unzip, err := t.received(req)
	if err != nil {
		return nil, err
	}
	h, conn := t.route(req.URL)
	if h == nil {
		rec, _ := readRequest(inner)
		t.mu.Lock()
		rec.Number = len(t.refused) + 1
		t.refused = append(t.refused, rec)
		t.mu.Unlock()
		return nil, &net.DNSError{Err: "no such host", Name: req.URL.Hostname(), IsNotFound: true}
	}
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{Conn: t.connection(conn), Reused: true})
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	w := &recorder{header: http.Header{}}
	failed := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil { // as net/http's server does
				failed <- fmt.Errorf("handler of %s panicked: %v", req.URL.Host, v)
				return
			}
			failed <- nil
		}()
		h.ServeHTTP(w, inner.WithContext(context.WithValue(ctx, connKey{}, conn)))
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case err := <-failed:
		if ctx.Err() != nil { // both at once: the client has gone
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, err
		}
	}
	return w.response(req, unzip)
}

// received is req as a server reads it off the wire.
func (t *InProcess) received(req *http.Request) (_ *http.Request, unzip bool, _ error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, false, err
		}
	}
	in := &http.Request{
		Method: req.Method, Host: req.Host, RequestURI: req.URL.RequestURI(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: req.Header.Clone(), Body: io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)), RemoteAddr: "127.0.0.1:1",
	}
	if in.Method == "" {
		in.Method = http.MethodGet
	}
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	if in.Header == nil {
		in.Header = http.Header{}
	}
	if _, set := in.Header["User-Agent"]; !set {
		in.Header.Set("User-Agent", "Go-http-client/1.1")
	}
	if in.Header.Get("Accept-Encoding") == "" && in.Header.Get("Range") == "" && in.Method != http.MethodHead {
		in.Header.Set("Accept-Encoding", "gzip")
		unzip = true
	}
	var err error
	if in.URL, err = url.ParseRequestURI(in.RequestURI); err != nil {
		return nil, false, err
	}
	switch req.URL.Scheme {
	case "https":
		in.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: req.URL.Hostname()}
		if cert := t.shown[strings.ToLower(req.URL.Host)]; cert != nil {
			in.TLS.PeerCertificates = []*x509.Certificate{cert}
		}
	case "http":
	default:
		return nil, false, fmt.Errorf("unsupported protocol scheme %q", req.URL.Scheme)
	}
	return in, unzip, nil
}

// route finds the handler of u and the number of the one connection kept to its host.
func (t *InProcess) route(u *url.URL) (http.Handler, uint64) {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	standard := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	if port == "" {
		port = standard
	}
	keys := []string{net.JoinHostPort(host, port), AnyHost}
	if port == standard {
		keys = []string{net.JoinHostPort(host, port), host, AnyHost}
	}
	for _, key := range keys {
		if h := t.routes[key]; h != nil {
			return h, t.conn(u.Scheme + "://" + net.JoinHostPort(host, port))
		}
	}
	return nil, 0
}

// Scatter makes every request come over a connection of its own, as through a proxy that
// keeps none. It is called before the first request.
func (t *InProcess) Scatter() { t.scatter = true }

// inProcessConn stands for a connection in what httptrace is told.
type inProcessConn struct {
	net.Conn
	number uint64
}

// Close closes nothing.
func (*inProcessConn) Close() error { return nil }

// connection is the one of that number, always the same.
func (t *InProcess) connection(number uint64) net.Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.named == nil {
		t.named = map[uint64]*inProcessConn{}
	}
	if t.named[number] == nil {
		t.named[number] = &inProcessConn{number: number}
	}
	return t.named[number]
}

func (t *InProcess) conn(to string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.scatter {
		t.scattered++
		return t.scattered
	}
	if t.conns[to] == 0 {
		t.conns[to] = uint64(len(t.conns) + 1)
	}
	return t.conns[to]
}

// recorder is the http.ResponseWriter of an InProcess. One goroutine uses it.
type recorder struct {
	header http.Header
	status int
	sent   http.Header
	body   bytes.Buffer
	cut    bool
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush sends the header.
func (w *recorder) Flush() { w.WriteHeader(http.StatusOK) }

// Hijack gives the handler a connection on which nobody listens: what is left of the
// response never comes.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.cut = true
	ours, theirs := net.Pipe()
	_ = theirs.Close()
	return ours, bufio.NewReadWriter(bufio.NewReader(ours), bufio.NewWriter(ours)), nil
}

// response is what the client reads.
func (w *recorder) response(req *http.Request, unzip bool) (*http.Response, error) {
	if w.cut && w.body.Len() == 0 {
		return nil, io.EOF
	}
	w.WriteHeader(http.StatusOK)
	if w.sent.Get("Content-Type") == "" && w.body.Len() > 0 {
		w.sent.Set("Content-Type", http.DetectContentType(w.body.Bytes()))
	}
	resp := &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, ContentLength: int64(w.body.Len()), Request: req,
	}
	var body io.Reader = &w.body
	if w.cut {
		body = io.MultiReader(body, brokenReader{})
	}
	if unzip && w.sent.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = z
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		resp.ContentLength, resp.Uncompressed = -1, true
	}
	resp.Body = io.NopCloser(body)
	return resp, nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
