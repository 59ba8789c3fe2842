package main

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gatehop/sts"
)

// TestConnectsWhilePosting holds the provider's answer to the password until a connection
// to AWS has come in, which the sign-in must have made by itself, and counts: none while
// the pages before are held, one connection and two requests in all. The controls are the
// runs that have no use for a connection: there the wait ends without one.
func TestConnectsWhilePosting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		options      realOptions
		args         []string
		early        bool
		wrong        bool // the password
		fails        bool
		conns, calls int // to AWS, when all is over
	}{
		{name: "login", options: realOptions{awsTLS: true}, args: []string{"login", "dev"}, early: true, conns: 1, calls: 2},
		{name: "unattended", options: realOptions{awsTLS: true}, args: []string{"credential-process", "dev"}, early: true, conns: 1, calls: 2},
		{name: "a refused password", options: realOptions{awsTLS: true}, args: []string{"credential-process", "dev"}, early: true, wrong: true, fails: true, conns: 1},
		{name: "the list of roles", options: realOptions{awsTLS: true}, args: []string{"roles", "gateway"}},
		{name: "an endpoint in clear", args: []string{"login", "dev"}, conns: 1, calls: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newRealCompany(t, c.options)
			var before, early atomic.Int64
			var posted atomic.Bool // pages after the password are not before it
			w.idp.mu.Lock()
			w.idp.hold = func(password bool) {
				seen, limit := &before, 300*time.Millisecond
				if password || posted.Load() {
					seen = &early
				}
				if password {
					posted.Store(true)
				}
				if password && c.early {
					limit = 30 * time.Second
				}
				for end := time.Now().Add(limit); seen.Load() == 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
					_, conns := w.aws.seen()
					seen.Store(int64(conns))
				}
			}
			w.idp.mu.Unlock()
			cmd := w.command("state", "gatehop", c.args...)
			cmd.Env = append(cmd.Env, "AWS_CA_BUNDLE="+filepath.Join(w.home, "ca.pem"))
			if c.wrong {
				cmd.Env = append(cmd.Env, password("not it"))
			}
			out, err := cmd.CombinedOutput()
			if (err != nil) != c.fails {
				t.Fatalf("%v: %s", err, out)
			}
			if got := early.Load() == 1; got != c.early || before.Load() != 0 {
				t.Errorf("a connection to AWS while the password is judged: %v, want %v; %d before", got, c.early, before.Load())
			}
			if requests, conns := w.aws.seen(); conns != c.conns || len(requests) != c.calls {
				t.Errorf("%d connections and %d requests to AWS, want %d and %d", conns, len(requests), c.conns, c.calls)
			}
			if _, conns := w.idp.seen(); conns != 1 {
				t.Errorf("%d connections to the provider, want 1", conns)
			}
		})
	}
}

// TestConnectsNotYet: nobody is connected to before there is a password to post.
func TestConnectsNotYet(t *testing.T) {
	t.Parallel()
	w := newRealCompany(t, realOptions{awsTLS: true})
	cmd := w.command("state", "gatehop", "credential-process", "dev")
	cmd.Env = slices.DeleteFunc(append(cmd.Env, "AWS_CA_BUNDLE="+filepath.Join(w.home, "ca.pem")), func(v string) bool { return strings.HasPrefix(v, "GATEHOP_PASSWORD=") })
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != statusHuman {
		t.Fatalf("without a password: %v: %s", err, out)
	}
	cmd = w.command("state", "gatehop", "login", "dev")
	cmd.Env = append(cmd.Env, "AWS_CA_BUNDLE=/no/such/file")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "/no/such/file") {
		t.Fatalf("with a bundle that is not there: %v: %s", err, out)
	}
	_, idp := w.idp.seen()
	_, aws := w.aws.seen()
	if idp != 0 || aws != 0 {
		t.Errorf("%d connections to the provider and %d to AWS, want none", idp, aws)
	}
}

// TestConnectFailsSilently: what went wrong ahead is said once, by the call.
func TestConnectFailsSilently(t *testing.T) {
	t.Parallel()
	w := newRealCompany(t, realOptions{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	cmd := w.command("state", "gatehop", "login", "dev")
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_STS=https://"+address)
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != statusNetwork {
		t.Fatalf("an STS that is not there: %v: %s", err, out)
	}
	if n := strings.Count(string(out), "connection refused"); n != 1 || strings.Contains(string(out), "warning") {
		t.Errorf("the refusal is said %d times: %s", n, out)
	}
	if got := w.calls()["password"]; got != 1 {
		t.Errorf("%d passwords were posted, want 1", got)
	}
}

// aheadWorld is a TLS server that counts its connections, and a transport to it.
func aheadWorld(t *testing.T, http2 bool) (*counted, *awsTransport) {
	t.Helper()
	c := &counted{calls: map[string]int{}}
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	c.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch state {
		case http.StateNew:
			c.conns++
			c.open++
		case http.StateClosed:
			c.open--
		}
	}
	c.EnableHTTP2 = http2
	c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	c.StartTLS()
	t.Cleanup(c.Close)
	to, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})
	none := func(*http.Request) (*url.URL, error) { return nil, nil }
	transport := newAWSTransport(bundle, none, to)
	t.Cleanup(transport.CloseIdleConnections)
	return c, transport
}

func get(t *testing.T, rt http.RoundTripper, url string) string {
	t.Helper()
	resp, err := (&http.Client{Transport: rt, Timeout: time.Minute}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// until waits for what another goroutine brings about.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within a minute: " + what)
		}
	}
}

func (c *counted) connections() (made, open int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conns, c.open
}

// TestAheadIsTaken: however often it is asked for, one connection is made, and the calls
// go over it, in either protocol. The control is a dropped one: that makes two.
func TestAheadIsTaken(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		server, transport := aheadWorld(t, http2)
		transport.connect()
		transport.connect()
		until(t, "a connection", func() bool { made, _ := server.connections(); return made == 1 })
		want := "HTTP/1.1"
		if http2 {
			want = "HTTP/2.0"
		}
		for range 2 {
			if got := get(t, transport, server.URL); got != want {
				t.Errorf("the call went by %s, want %s", got, want)
			}
			transport.connect()
		}
		if made, open := server.connections(); made != 1 || open != 1 {
			t.Errorf("http2 %v: %d connections, %d open, want 1 and 1", http2, made, open)
		}
	}
	server, transport := aheadWorld(t, true)
	transport.connect()
	<-transport.early.ready
	if _, open := server.connections(); open != 1 {
		t.Errorf("%d connections are open, want 1", open)
	}
	transport.drop()
	until(t, "the end of the dropped connection", func() bool { _, open := server.connections(); return open == 0 })
	get(t, transport, server.URL)
	if made, _ := server.connections(); made != 2 {
		t.Errorf("%d connections after one was dropped, want 2: the count is blind", made)
	}
}

// TestAheadComesTooLate: after the first call nothing is made ahead.
func TestAheadComesTooLate(t *testing.T) {
	t.Parallel()
	server, transport := aheadWorld(t, true)
	get(t, transport, server.URL)
	transport.connect()
	if transport.early != nil {
		t.Error("a second connection is being made")
	}
	get(t, transport, server.URL)
	if made, _ := server.connections(); made != 1 {
		t.Errorf("%d connections, want 1", made)
	}
}

// TestAheadFails: a server that is not trusted, or is gone, is the call's own error.
func TestAheadFails(t *testing.T) {
	t.Parallel()
	server, _ := aheadWorld(t, true)
	server.Config.ErrorLog = nil
	to, _ := url.Parse(server.URL)
	none := func(*http.Request) (*url.URL, error) { return nil, nil }
	stranger := newAWSTransport(nil, none, to)
	stranger.connect()
	var untrusted *tls.CertificateVerificationError
	if _, err := (&http.Client{Transport: stranger}).Get(server.URL); !errors.As(err, &untrusted) {
		t.Errorf("without the server's CA: %v, want that it is not trusted", err)
	}
	server.Close()
	gone := newAWSTransport(nil, none, to)
	gone.connect()
	if _, err := (&http.Client{Transport: gone}).Get(server.URL); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a server that is gone: %v, want that the connection was refused", err)
	}
}

// TestAheadOnlyDirect: neither a proxy nor an endpoint in clear is connected to ahead.
// The control is the same call with neither.
func TestAheadOnlyDirect(t *testing.T) {
	t.Parallel()
	by := func(proxy string) func(*http.Request) (*url.URL, error) {
		return func(*http.Request) (*url.URL, error) {
			if proxy == "" {
				return nil, nil
			}
			return url.Parse(proxy)
		}
	}
	for _, c := range []struct {
		to, proxy string
		want      bool
	}{
		{"https://sts.eu-west-1.amazonaws.com", "", true},
		{"https://sts.eu-west-1.amazonaws.com", "http://proxy.corp.example:3128", false},
		{"https://sts.eu-west-1.amazonaws.com", "https://proxy.corp.example:3128", false},
		{"https://sts.eu-west-1.amazonaws.com", "http://%zz", false},
		{"http://127.0.0.1:4566", "", false},
		{"", "", false},
	} {
		var to *url.URL
		if c.to != "" {
			to, _ = url.Parse(c.to)
		}
		rt, _ := newAWSTransport(nil, by(c.proxy), to).made()
		if got := rt.DialTLSContext != nil; got != c.want {
			t.Errorf("to %q by %q: ahead %v, want %v", c.to, c.proxy, got, c.want)
		}
	}
}

// TestAheadAddress wants the address that the SDK's own calls go to.
func TestAheadAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ region, endpoint, want string }{
		{"eu-west-1", "", "sts.eu-west-1.amazonaws.com:443"},
		{"us-east-1", "", "sts.us-east-1.amazonaws.com:443"},
		{"cn-north-1", "", "sts.cn-north-1.amazonaws.com.cn:443"},
		{"us-gov-west-1", "", "sts.us-gov-west-1.amazonaws.com:443"},
		{"eu-west-1", "https://[::1]:8443/base", "[::1]:8443"},
		{"eu-west-1", "https://sts.corp.example", "sts.corp.example:443"},
	} {
		client := &sts.Client{Region: c.region, Endpoint: c.endpoint}
		to, err := client.URL(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if got := (&awsTransport{url: to}).address(); got != c.want {
			t.Errorf("region %s, endpoint %q: %s, want %s", c.region, c.endpoint, got, c.want)
		}
	}
}

func TestReadBundle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"empty": "", "words": "no certificate", "broken": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readBundle(path); err == nil || !strings.Contains(err.Error(), "holds no certificate") {
			t.Errorf("a bundle with %s: %v", name, err)
		}
		if _, err := roots(path); err == nil {
			t.Errorf("roots took a bundle with %s", name)
		}
	}
}
