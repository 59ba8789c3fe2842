package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"gatehop/creds/secret"
	"gatehop/idp"
)

// What a sign-in needs later is made while it waits for something else: the roots that
// certificates are checked against, which take ten milliseconds and more to read, and the
// connection to AWS, which takes two round trips. Nothing of it is a request, and what
// fails here is silent: it fails again, and says so, where it is needed.

// aheadKept is how long a connection made ahead waits for its call. AWS, and what stands
// between, closes idle ones, and a person may take their time.
const aheadKept = 10 * time.Second

const (
	awsDialLimit = 10 * time.Second
	awsTLSLimit  = 10 * time.Second
)

// awsTransport is the transport of all calls to AWS: with the system's roots and the
// bundle's, nothing of the identity provider's. It is made in the background.
type awsTransport struct {
	made func() (*http.Transport, *x509.CertPool)
	url  *url.URL // of the calls that a connection may be made for

	mu    sync.Mutex
	begun bool       // a connection was asked for: none is made ahead any more
	early *connAhead // not yet taken
}

// connAhead is a connection that is being made, or was. The mutex of its transport
// guards all but the channel.
type connAhead struct {
	ready  chan struct{} // closed when conn is there, or will never be
	conn   net.Conn
	cancel context.CancelFunc
	late   *time.Timer
}

func newAWSTransport(bundle []byte, proxy func(*http.Request) (*url.URL, error), to *url.URL) *awsTransport {
	t := &awsTransport{url: to}
	t.made = sync.OnceValues(func() (*http.Transport, *x509.CertPool) {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		pool.AppendCertsFromPEM(bundle)
		rt := &http.Transport{
			Proxy: proxy, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2: true, TLSHandshakeTimeout: awsTLSLimit, MaxIdleConnsPerHost: mostParallel,
			DialContext: (&net.Dialer{Timeout: awsDialLimit}).DialContext,
		}
		if t.isDirect(proxy) {
			rt.DialTLSContext = t.dialTLS
		}
		return rt, pool
	})
	go t.made()
	return t
}

// isDirect reports whether the calls go by TLS and past every proxy.
func (t *awsTransport) isDirect(proxy func(*http.Request) (*url.URL, error)) bool {
	if t.url == nil || t.url.Scheme != "https" {
		return false
	}
	by, err := proxy(&http.Request{URL: t.url})
	return by == nil && err == nil
}

func (t *awsTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	rt, _ := t.made()
	return rt.RoundTrip(r)
}

// CloseIdleConnections serves http.Client.CloseIdleConnections.
func (t *awsTransport) CloseIdleConnections() {
	t.drop()
	rt, _ := t.made()
	rt.CloseIdleConnections()
}

func (t *awsTransport) address() string {
	port := t.url.Port()
	if port == "" {
		port = "443"
	}
	return net.JoinHostPort(t.url.Hostname(), port)
}

// connect makes the connection for the first call, unless there is one already or the
// calls do not go by TLS and past every proxy.
func (t *awsTransport) connect() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.begun {
		return
	}
	t.begun = true
	ctx, cancel := context.WithTimeout(context.Background(), awsDialLimit+awsTLSLimit)
	c := &connAhead{ready: make(chan struct{}), cancel: cancel}
	t.early = c
	go func() {
		defer cancel()
		defer close(c.ready)
		rt, _ := t.made()
		if rt.DialTLSContext == nil {
			return
		}
		if conn, err := t.newTLS(ctx, "tcp", t.address()); err == nil {
			t.keep(ctx, c, conn)
		}
	}()
}

// keep makes conn what c has to give, unless c was dropped meanwhile, which ends ctx.
func (t *awsTransport) keep(ctx context.Context, c *connAhead, conn net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ctx.Err() != nil {
		_ = conn.Close()
		return
	}
	c.conn, c.late = conn, time.AfterFunc(aheadKept, t.drop)
}

// drop closes a connection that nobody has taken.
func (t *awsTransport) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.early
	if c == nil {
		return
	}
	t.early = nil
	c.cancel()
	if c.conn != nil {
		c.late.Stop()
		_ = c.conn.Close()
	}
}

// dialTLS is the transport's way to a connection: the one that was made ahead, once, else
// a new one.
func (t *awsTransport) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	t.mu.Lock()
	t.begun = true
	c := t.early
	t.mu.Unlock()
	if c == nil || address != t.address() {
		return t.newTLS(ctx, network, address)
	}
	select {
	case <-c.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if conn := t.take(c); conn != nil {
		return conn, nil
	}
	return t.newTLS(ctx, network, address)
}

// take returns c's connection unless it failed, was taken or was dropped.
func (t *awsTransport) take(c *connAhead) net.Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.early != c {
		return nil
	}
	t.early = nil
	if c.conn != nil {
		c.late.Stop() // if it is too late for that, drop finds nothing
	}
	return c.conn
}

func (t *awsTransport) newTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: awsDialLimit}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, awsTLSLimit)
	defer cancel()
	_, pool := t.made()
	c := tls.Client(conn, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12, ServerName: host, NextProtos: []string{"h2", "http/1.1"}})
	if err := c.HandshakeContext(limited); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// whilePosting connects to AWS as soon as the person's password is about to be posted:
// before that nobody knows whether there will be anything to call AWS with.
type whilePosting struct {
	idp.Prompter
	connect func()
}

func (p whilePosting) Ask(ctx context.Context, q idp.Question) (secret.Text, error) {
	answer, err := p.Prompter.Ask(ctx, q)
	if err == nil && q.Field == "password" && !answer.IsZero() {
		p.connect()
	}
	return answer, err
}

// connectAhead makes the connection for the calls that this run has a client for, and
// dropAhead closes it if nobody took it. Without a client nothing is going to be called:
// `roles` signs in for the list alone.
func (a *app) connectAhead() {
	if t := a.awsAhead(); t != nil {
		t.connect()
	}
}

func (a *app) dropAhead() {
	if t := a.awsAhead(); t != nil {
		t.drop()
	}
}

func (a *app) awsAhead() *awsTransport {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ahead
}

// bundleError reports a file of root certificates that cannot be used.
type bundleError struct{ Path, Problem string }

func (e *bundleError) Error() string { return fmt.Sprintf("CA bundle %q %s", e.Path, e.Problem) }

// readBundle reads a CA bundle and makes sure that there is a certificate in it; "" is
// none.
func readBundle(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &bundleError{Path: path, Problem: "cannot be read: " + fileProblem(err).Error()}
	}
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, &bundleError{Path: path, Problem: "holds no certificate in PEM form"}
		}
		if block.Type == "CERTIFICATE" && len(block.Headers) == 0 {
			if _, err := x509.ParseCertificate(block.Bytes); err == nil {
				return data, nil
			}
		}
	}
}
