package idptest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/idp/idptest"
)

// network is a real transport that trusts ca alone, at the time that tests begin at.
func network(ca *idptest.CA) *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12, Time: func() time.Time { return start },
	}}
}

func serve(t testing.TB, h http.Handler, ca *idptest.CA) *idptest.Server {
	t.Helper()
	srv, err := idptest.Serve(h, ca, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

func newCA(t testing.TB) *idptest.CA {
	t.Helper()
	ca, err := idptest.NewCA(seed(), start)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// TestServe signs in over real TLS, with the same result as in process.
func TestServe(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	a := newADFS(t, idptest.Options{Gzip: true, Action: idptest.ActionAbsolute443}) // the port it has, not 443
	srv := serve(t, a, ca)
	b := browserOver(t, network(ca))
	wantAssertion(t, b.signIn(srv.URL()+idptest.ADFSEntry, alice, idptest.AlicePassword))
	wantClean(t, a.ClientBugs())
	if got := a.Stats(); got.Requests != 4 || got.Logins != 1 {
		t.Errorf("Stats = %+v, want 4 requests, 1 login", got)
	}
	for _, r := range a.Requests() {
		if !r.TLS || r.Conn != 1 {
			t.Errorf("request %d: TLS %v, connection %d; want TLS over the first", r.Number, r.TLS, r.Conn)
		}
	}
	b.http.CloseIdleConnections()
	b.get(srv.URL() + idptest.ADFSEntry)
	reqs := a.Requests()
	if got := reqs[len(reqs)-1].Conn; got != 2 {
		t.Errorf("connection = %d, want the second", got)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if resp, err := b.http.Get(srv.URL()); err == nil {
		_ = resp.Body.Close()
		t.Error("a closed server answered")
	}
}

func TestServeRefuses(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	for _, addr := range []string{"0.0.0.0:0", "192.0.2.1:0", "localhost:0", "127.0.0.1", "[::]:0", ":0", ""} {
		if srv, err := idptest.Serve(http.NotFoundHandler(), ca, addr); err == nil {
			_ = srv.Close()
			t.Errorf("Serve at %q = nil, want an error", addr)
		}
	}
	srv := serve(t, http.NotFoundHandler(), ca)
	if _, err := idptest.Serve(http.NotFoundHandler(), ca, strings.TrimPrefix(srv.URL(), "https://")); err == nil {
		t.Error("Serve at an address in use = nil, want an error")
	}
}

// TestServePlain: without a CA it is http, which is a client bug by itself.
func TestServePlain(t *testing.T) {
	t.Parallel()
	a := newADFS(t, idptest.Options{})
	srv := serve(t, a, nil)
	if !strings.HasPrefix(srv.URL(), "http://127.0.0.1:") {
		t.Errorf("URL = %s", srv.URL())
	}
	browserOver(t, http.DefaultTransport).get(srv.URL() + "/adfs/ls/")
	wantBug(t, a.ClientBugs(), idptest.BugPlainHTTP)
}

// TestCA: a certificate is good for its hosts only, and for those who have the CA.
func TestCA(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	srv := serve(t, http.NotFoundHandler(), ca)
	get := func(rt *http.Transport, address string) error {
		resp, err := (&http.Client{Transport: rt}).Get(address)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	if err := get(network(ca), srv.URL()); err != nil {
		t.Error(err)
	}
	if err := get(network(ca), strings.Replace(srv.URL(), "127.0.0.1", "localhost", 1)); err != nil {
		t.Error(err)
	}
	if err := get(network(newCA(t)), srv.URL()); err == nil {
		t.Error("another CA was good enough")
	}
	other := network(ca)
	other.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, strings.TrimPrefix(srv.URL(), "https://"))
	}
	if err := get(other, "https://other.example"); err == nil {
		t.Error("the certificate was good for another name")
	}
	old := network(ca)
	old.TLSClientConfig.Time = func() time.Time { return start.AddDate(0, 0, 3) }
	if err := get(old, srv.URL()); err == nil {
		t.Error("the certificate was good after three days")
	}
	if !bytes.HasPrefix(ca.PEM(), []byte("-----BEGIN CERTIFICATE-----")) {
		t.Error("PEM is none")
	}
}

// TestFaultsCut: a connection that breaks off does so in process as over a socket.
func TestFaultsCut(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	for _, o := range []idptest.Options{{FailFirstN: 1}, {Fault: idptest.FaultCut}} {
		for _, real := range []bool{true, false} {
			a := newADFS(t, o)
			address, rt := base, http.RoundTripper(idptest.Transport(map[string]http.Handler{host: a}))
			if real {
				address, rt = serve(t, a, ca).URL(), network(ca)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+idptest.ADFSEntry,
				strings.NewReader("UserName=CORP%5Calice&Password=correct+horse&AuthMethod=FormsAuthentication"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			resp, err := rt.RoundTrip(req)
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				_ = resp.Body.Close()
			}
			if err == nil {
				t.Errorf("%+v, real %v: a whole answer", o, real)
			}
		}
	}
}

// TestFaultHang: an answer that never comes ends with the client's patience.
func TestFaultHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newADFS(t, idptest.Options{Fault: idptest.FaultHang})
		client := &http.Client{Transport: idptest.Transport(map[string]http.Handler{host: a}), Timeout: 30 * time.Second}
		began := time.Now()
		resp, err := client.Get(entry)
		if err == nil {
			_ = resp.Body.Close()
			t.Fatal("an answer came")
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("it took %v, want 30 s", took)
		}
	})
}

// TestLatency is per response.
func TestLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newADFS(t, idptest.Options{Latency: time.Second})
		b := newBrowser(t, a, a.Elsewhere())
		began := time.Now()
		wantAssertion(t, b.signIn(entry, alice, idptest.AlicePassword))
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("4 requests took %v, want 4 s", took)
		}
	})
}

// TestUnavailable: down for the first requests, then up.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	a := newADFS(t, idptest.Options{Status503: 2})
	b := newBrowser(t, a, a.Elsewhere())
	for range 2 {
		if got := b.get(entry).status; got != http.StatusServiceUnavailable {
			t.Errorf("status = %d, want 503", got)
		}
	}
	wantAssertion(t, b.signIn(entry, alice, idptest.AlicePassword))
}

func TestTransport(t *testing.T) {
	t.Parallel()
	var got []string
	note := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = append(got, name)
			_, _ = io.WriteString(w, "<p>"+r.Host)
		})
	}
	rt := idptest.Transport(map[string]http.Handler{"A.example": note("a"), "a.example:8443": note("a8443"), "[::1]:9": note("v6")})
	cases := []struct{ url, want string }{
		{"https://a.example/", "a"},
		{"https://A.EXAMPLE:443/", "a"},
		{"http://a.example/", "a"},
		{"https://a.example:8443/x?y", "a8443"},
		{"https://[::1]:9/", "v6"},
		{"https://a.example:80/", ""},
		{"https://b.example/", ""},
		{"https://a.example./", ""},
	}
	for _, c := range cases {
		got = nil
		resp, err := (&http.Client{Transport: rt}).Get(c.url)
		if c.want == "" {
			var none *net.DNSError
			if !errors.As(err, &none) || !none.IsNotFound {
				t.Errorf("%s: %v, want an unknown name", c.url, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		_ = resp.Body.Close()
		if len(got) != 1 || got[0] != c.want || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s reached %q as %s, want %s", c.url, got, resp.Header.Get("Content-Type"), c.want)
		}
	}
	if refused := rt.Refused(); len(refused) != 3 || refused[1].Host != "b.example" {
		t.Errorf("Refused = %d requests, want 3", len(refused))
	}
}

// TestTransportRefused keeps what would have been sent.
func TestTransportRefused(t *testing.T) {
	t.Parallel()
	rt := idptest.Transport(nil)
	resp, err := (&http.Client{Transport: rt}).Post("https://b.example/x", "application/x-www-form-urlencoded", strings.NewReader("a=1&a=2&b"))
	if err == nil {
		_ = resp.Body.Close()
		t.Fatal("an unknown host answered")
	}
	got := rt.Refused()
	if len(got) != 1 || got[0].Method != http.MethodPost || encode(got[0].Form) != "a=1&a=2&b=" || !got[0].TLS {
		t.Errorf("Refused = %+v", got)
	}
}

func TestTransportContext(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	rt := idptest.Transport(map[string]http.Handler{idptest.AnyHost: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-leave // a handler that does not look at the context
	})})
	defer close(leave)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://x.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // during the request, and before it
		resp, err := rt.RoundTrip(req)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("RoundTrip = %v, want context.Canceled", err)
		}
		if err == nil {
			_ = resp.Body.Close()
		}
	}
}

func TestTransportPanic(t *testing.T) {
	t.Parallel()
	rt := idptest.Transport(map[string]http.Handler{idptest.AnyHost: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic("oops")
	})})
	resp, err := (&http.Client{Transport: rt}).Get("https://x.example")
	if err == nil {
		_ = resp.Body.Close()
		t.Error("a handler that panicked answered")
	}
}
