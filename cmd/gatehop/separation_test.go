package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gatehop/idp/idptest"
)

// forwarder is an HTTP proxy that remembers whom it was asked for.
type forwarder struct {
	mu    sync.Mutex
	asked []string
}

func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.asked = append(f.asked, r.Host)
	f.mu.Unlock()
	if r.Method != http.MethodConnect {
		http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
		return
	}
	there, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, "no way", http.StatusBadGateway)
		return
	}
	here, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		_ = there.Close()
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { _, _ = io.Copy(there, here); _ = there.Close() }()
	go func() { _, _ = io.Copy(here, there); _ = here.Close() }()
}

// TestProviderSettingsStayThere wants gatehop_ca_bundle and gatehop_proxy used for the
// identity provider and never for AWS.
func TestProviderSettingsStayThere(t *testing.T) {
	t.Parallel()
	proxy := &forwarder{}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	idp, aws, run := realWorldWith(t, realOptions{awsTLS: true, config: "gatehop_proxy = " + server.URL})
	out, err := run("login", "dev")
	if err == nil || !strings.Contains(string(out), "certificate") {
		t.Errorf("the provider's CA was good enough for AWS: %v\n%s", err, out)
	}
	// The control: with a CA of its own the same call is answered.
	if out, err := run("AWS_CA_BUNDLE", "login", "dev"); err != nil {
		t.Fatalf("with AWS_CA_BUNDLE: %v\n%s", err, out)
	}
	proxy.mu.Lock()
	defer proxy.mu.Unlock()
	if len(proxy.asked) == 0 {
		t.Error("the provider was not reached through its proxy")
	}
	for _, host := range proxy.asked {
		if host != strings.TrimPrefix(idp.URL, "https://") {
			t.Errorf("the provider's proxy was asked for %s (AWS is %s)", host, aws.URL)
		}
	}
}

// TestPanic wants a bug reported without the value that it panicked with.
func TestPanic(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"login", "open"}, {"login"}} {
		var out, errs bytes.Buffer
		w := newWorld(t, worldOptions{config: strings.ReplaceAll(worldConfig, "gatehop_username", "gatehop_alias")})
		status := run(context.Background(), process{
			args: args, env: []string{"HOME=" + w.home, "GATEHOP_HOME=" + filepath.Join(w.home, "state")},
			stdin: strings.NewReader(""), stdout: &out, stderr: &errs, now: w.clock, transport: w.net,
			terminal: func() (terminal, error) { panic("planted " + worldPassword) },
		})
		if status != statusFailed || out.Len() > 0 || !strings.Contains(errs.String(), "internal error") {
			t.Errorf("%v: status %d, stdout %q, stderr %q", args, status, out.String(), errs.String())
		}
		if leaks(errs.String(), worldPassword) != nil || strings.Contains(errs.String(), "planted") {
			t.Errorf("%v: the value was printed: %s", args, errs.String())
		}
	}
}

// TestDiskThatTakesNothing wants credentials delivered where nothing can be kept.
func TestDiskThatTakesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.write("file", "") // a file where the folder's parent should be
	w.vars = []string{password(worldPassword), "GATEHOP_HOME=" + filepath.Join(w.home, "file", "state")}
	out := w.run("credential-process", "dev").want(t, 0, `"Version":1`)
	if n := strings.Count(out.stderr, "warning"); n != 1 {
		t.Errorf("%d warnings, want one: %s", n, out.stderr)
	}
	if _, err := os.Stat(filepath.Join(w.home, "state")); err == nil {
		t.Error("state was written elsewhere")
	}
}

// TestForeignAssertion wants an assertion for another service, or from a host that was
// not named, refused before it is used.
func TestForeignAssertion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{adfs: func(o *idptest.Options) {
		o.RelyingParties = map[string]idptest.RelyingParty{"urn:amazon:webservices": {ACS: "https://portal.example/saml", Audience: "x", Display: "Portal"}}
	}})
	w.vars = []string{password(worldPassword)}
	w.run("login", "dev").want(t, statusUsage, "portal.example")
	if c := w.sts.Counts(); c.AssumeRoleWithSAML != 0 {
		t.Errorf("the assertion was sent to AWS: %+v", c)
	}
}
