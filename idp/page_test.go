package idp

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestReadPageLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size int
		ok   bool
	}{{0, true}, {MaxPage - 1, true}, {MaxPage, true}, {MaxPage + 1, false}} {
		text := strings.Repeat("x", c.size)
		client := NewClient(ClientOptions{Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
			return answer(req, 200, nil, text), nil
		})})
		for _, limited := range []bool{true, false} {
			resp, err := client.Get(homeURL + "/page?" + queryCanary)
			if err != nil {
				t.Fatal(err)
			}
			if !limited { // as another client than NewClient's would give it
				resp.Body = io.NopCloser(strings.NewReader(text))
			}
			if n, err := io.Copy(io.Discard, resp.Body); limited && (n > MaxPage || (err == nil) != c.ok) {
				t.Errorf("%d bytes: a body that ends after %d, %v", c.size, n, err)
			}
			if resp, err = client.Get(homeURL + "/page?" + queryCanary); err != nil {
				t.Fatal(err)
			}
			if !limited {
				resp.Body = io.NopCloser(strings.NewReader(text))
			}
			page, err := ReadPage(resp)
			if c.ok && (err != nil || len(page) != c.size) {
				t.Errorf("%d bytes: got %d, %v", c.size, len(page), err)
			}
			if !c.ok && (!errors.Is(err, &PageError{Verdict: TooLarge}) || page != nil || strings.Contains(err.Error(), "canary")) {
				t.Errorf("%d bytes: got %d, %v, want %s", c.size, len(page), err, TooLarge)
			}
		}
	}
}

// gzipBomb is n zero bytes compressed.
func gzipBomb(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range n / len(zeros) {
		if _, err := z.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Not parallel: it measures what is allocated.
func TestGzipBomb(t *testing.T) {
	bomb := gzipBomb(t, 32<<20)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb)
	}))
	defer server.Close()
	options := ClientOptions{Roots: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	resp, err := NewClient(options).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	page, err := ReadPage(resp)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, &PageError{Verdict: TooLarge}) || page != nil {
		t.Errorf("32 MiB out of %d bytes: %d bytes, %v, want %s", len(bomb), len(page), err, TooLarge)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 40<<20 {
		t.Errorf("%d MiB were allocated in all, want at most 40", used>>20)
	}
	// The control: a client without the limit does read it.
	resp, err = server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if n, _ := io.Copy(io.Discard, resp.Body); n <= MaxPage {
		t.Errorf("the bomb is of %d bytes only", n)
	}
}

func TestClientConnections(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		var (
			mu    sync.Mutex
			conns = map[string]bool{}
		)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			conns[r.RemoteAddr] = true
			mu.Unlock()
			_, _ = io.WriteString(w, r.Proto)
		}))
		server.EnableHTTP2 = http2
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		client := NewClient(ClientOptions{Roots: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
		for range 3 {
			resp, err := client.Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			page, err := ReadPage(resp)
			if err != nil || (string(page) == "HTTP/2.0") != http2 {
				t.Errorf("HTTP/2 offered %v: %s, %v", http2, page, err)
			}
		}
		mu.Lock()
		if len(conns) != 1 {
			t.Errorf("HTTP/2 %v: %d connections for 3 requests, want 1", http2, len(conns))
		}
		mu.Unlock()
		client.CloseIdleConnections()
		server.Close()
	}
}

// A client certificate is shown to trusted origins only.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "certificate test authority")
	mine := ca.issue(t, "alice", time.Now().Add(time.Hour))
	start := func(auth tls.ClientAuthType) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, len(r.TLS.PeerCertificates))
		}))
		s.TLS = &tls.Config{ClientAuth: auth, Certificates: []tls.Certificate{ca.issue(t, "127.0.0.1", time.Now().Add(time.Hour))}}
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	idp, other, strict := start(tls.RequestClientCert), start(tls.RequestClientCert), start(tls.RequireAnyClientCert)
	options := ClientOptions{Roots: ca.pool, ClientCert: &mine, Trust: Trust{Origins: []Origin{OriginOf(mustURL(t, idp.URL))}}}
	shown := func(c *http.Client, to string) string {
		resp, err := c.Get(to)
		if err != nil {
			t.Fatal(err)
		}
		page, err := ReadPage(resp)
		if err != nil {
			t.Fatal(err)
		}
		return string(page)
	}
	client := NewClient(options)
	defer client.CloseIdleConnections()
	if got := shown(client, idp.URL); got != "1" {
		t.Errorf("the trusted origin was shown %s certificates, want 1", got)
	}
	if got := shown(client, other.URL); got != "0" {
		t.Errorf("another origin was shown %s certificates, want 0", got)
	}
	// The control: with a rule that tells no origin from another, it is noticed.
	blind := func(*url.URL) Origin { return "https://any" }
	mutant := newClient(options, judge{Trust{Origins: []Origin{"https://any"}}, blind})
	defer mutant.CloseIdleConnections()
	if got := shown(mutant, other.URL); got != "1" {
		t.Errorf("a client that trusts all showed %s certificates, want 1", got)
	}
	_, err := client.Get(strict.URL + "/?" + queryCanary)
	if err = NetError(err); !errors.Is(err, &PageError{Verdict: Certificate}) {
		t.Errorf("a server that requires a certificate: %v, want verdict %s", err, Certificate)
	}
}
