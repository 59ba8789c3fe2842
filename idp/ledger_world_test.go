package idp_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/idp/idptest"
)

// internet is what all imagined hosts have in common: who vouches for them, and the
// certificate of each.
type internet struct {
	roots  *x509.CertPool
	person tls.Certificate // the client certificate
	hosts  map[string]*tls.Config
}

func newInternet(t testing.TB) *internet {
	t.Helper()
	ca, err := idptest.NewCA(rand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	issue := func(name string) tls.Certificate {
		cert, err := ca.Issue(name)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	n := &internet{roots: ca.Pool(), person: issue("alice"), hosts: map[string]*tls.Config{}}
	for _, s := range settings() {
		for _, to := range s.targets {
			host := hostOf(to.origin)
			if n.hosts[host] == nil {
				n.hosts[host] = &tls.Config{
					Certificates:           []tls.Certificate{issue(strings.TrimSuffix(host, "."))},
					ClientAuth:             tls.RequestClientCert, // every host wants to know who the person is
					SessionTicketsDisabled: true,
					CurvePreferences:       []tls.CurveID{tls.X25519},
					NextProtos:             []string{"http/1.1"}, // HTTP/2 would hide text in Huffman codes
				}
			}
		}
	}
	return n
}

// hostOf is the host of an origin as it is written in this test: "https://host:443".
func hostOf(origin string) string {
	_, address, _ := strings.Cut(origin, "://")
	host, _, _ := net.SplitHostPort(address)
	return host
}

// received is one request as it arrived.
type received struct {
	*http.Request
	head, body string
}

// account is everything that one origin was sent.
type account struct {
	head, body  bytes.Buffer // request lines and headers; what follows them
	requests    []received
	certificate bool // the client showed one
}

// reply is what a host answers.
type reply struct {
	status int
	header http.Header
	body   string
}

// world is one sign-in's view of the internet. Its dial is the only way to it, and it
// keeps account of what arrives behind it, by the address that was dialled and by
// whether TLS was spoken there: neither is the client's word.
type world struct {
	net   *internet
	serve func(origin string, q received) reply

	mu       sync.Mutex
	accounts map[string]*account
	conns    []net.Conn
	open     sync.WaitGroup
}

func newWorld(n *internet, serve func(origin string, q received) reply) *world {
	return &world{net: n, serve: serve, accounts: map[string]*account{}}
}

func (w *world) dial(_ context.Context, _, addr string) (net.Conn, error) {
	addr = strings.ToLower(addr) // as names are looked up
	ours, theirs := net.Pipe()
	_ = theirs.SetDeadline(time.Now().Add(time.Minute))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, theirs)
	w.open.Go(func() {
		defer func() { _ = theirs.Close() }()
		w.accept(theirs, addr)
	})
	return ours, nil
}

// accept finds out whether TLS is spoken, and reads what is inside.
func (w *world) accept(conn net.Conn, addr string) {
	early := bufio.NewReader(conn)
	first, err := early.Peek(1)
	if err != nil {
		w.to("unused://" + addr)
		return
	}
	conn = readAhead{conn, early}
	const handshake = 22 // the type of the first TLS record
	if first[0] != handshake {
		w.converse(conn, "http://"+addr)
		return
	}
	host, _, _ := net.SplitHostPort(addr)
	origin := "https://" + addr
	if w.net.hosts[host] == nil {
		w.to("unknown://" + addr)
		return
	}
	secure := tls.Server(conn, w.net.hosts[host])
	if secure.Handshake() != nil {
		return
	}
	if len(secure.ConnectionState().PeerCertificates) > 0 {
		a := w.to(origin)
		w.mu.Lock()
		a.certificate = true
		w.mu.Unlock()
	}
	w.converse(secure, origin)
}

type readAhead struct {
	net.Conn
	r *bufio.Reader
}

func (c readAhead) Read(p []byte) (int, error) { return c.r.Read(p) }

func (w *world) to(origin string) *account {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.accounts[origin] == nil {
		w.accounts[origin] = new(account)
	}
	return w.accounts[origin]
}

// converse answers the requests of one connection and keeps every byte of them, of
// those that never end too.
func (w *world) converse(conn net.Conn, origin string) {
	var raw bytes.Buffer
	a := w.to(origin)
	br := bufio.NewReader(io.TeeReader(conn, &raw))
	for {
		raw.Reset()
		req, err := http.ReadRequest(br)
		var body []byte
		if err == nil {
			body, err = io.ReadAll(req.Body)
		}
		head, rest, _ := strings.Cut(raw.String(), "\r\n\r\n")
		q := received{req, head, rest}
		w.mu.Lock()
		a.head.WriteString(head + "\n")
		a.body.WriteString(rest + "\n")
		if err == nil {
			a.requests = append(a.requests, q)
		}
		w.mu.Unlock()
		if err != nil {
			return
		}
		q.body = string(body)
		if writeReply(conn, req, w.serve(origin, q)) != nil {
			return
		}
	}
}

func writeReply(conn io.Writer, req *http.Request, r reply) error {
	resp := &http.Response{
		StatusCode: r.status, ProtoMajor: 1, ProtoMinor: 1, Header: r.header, Request: req,
		ContentLength: int64(len(r.body)), Body: io.NopCloser(strings.NewReader(r.body)),
	}
	var whole bytes.Buffer
	if err := resp.Write(&whole); err != nil {
		return err
	}
	_, err := conn.Write(whole.Bytes())
	return err
}

// close ends all connections; the accounts are complete when it returns.
func (w *world) close() map[string]*account {
	w.mu.Lock()
	for _, conn := range w.conns {
		_ = conn.Close()
	}
	w.mu.Unlock()
	w.open.Wait()
	return w.accounts
}

// String lists who was sent how much, for failures.
func (a *account) String() string {
	var b strings.Builder
	for _, q := range a.requests {
		fmt.Fprintf(&b, "%s %s; ", q.Method, q.RequestURI)
	}
	return b.String()
}
