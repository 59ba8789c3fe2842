package main

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gatehop/idp/idptest"
	"gatehop/sts/ststest"
)

// tunnel is a proxy that takes every host to one server and notes whom it was asked for.
type tunnel struct {
	*httptest.Server
	to string

	mu    sync.Mutex
	hosts []string
}

func newTunnel(t *testing.T, to string) *tunnel {
	t.Helper()
	p := &tunnel{to: to}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.hosts = append(p.hosts, r.Host)
	p.mu.Unlock()
	server, err := net.Dial("tcp", p.to)
	if err != nil || r.Method != http.MethodConnect {
		http.Error(w, "no tunnel", http.StatusBadGateway)
		return
	}
	client, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
	_ = client.Close()
}

// take returns the hosts that were asked for since the last time.
func (p *tunnel) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	hosts := p.hosts
	p.hosts = nil
	return hosts
}

// TestNamesOverTLS is a person at a terminal, with AWS behind a proxy that counts: the
// page is asked once, over TLS that AWS's roots vouch for, and a login whose role is
// configured asks nobody but the STS.
func TestNamesOverTLS(t *testing.T) {
	t.Parallel()
	w := newRealCompany(t, realOptions{})
	page := &ststest.SignIn{Server: w.aws.sts, Names: map[string]string{gatewayAccount: "corp-gateway"}}
	ca, err := idptest.NewCA(newRandom(9), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	aws := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Host == "signin.aws.amazon.com" {
			page.ServeHTTP(rw, r)
			return
		}
		w.aws.sts.ServeHTTP(rw, r)
	}))
	aws.TLS = &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := ca.Issue(hello.ServerName)
		return &cert, err
	}}
	aws.Config.ErrorLog = log.New(io.Discard, "", 0) // a refused handshake is the test's business
	aws.StartTLS()
	t.Cleanup(aws.Close)
	bundle := filepath.Join(w.home, "aws-ca.pem")
	if err := os.WriteFile(bundle, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := newTunnel(t, aws.Listener.Addr().String())
	run := func(bundle string, args ...string) *screen {
		cmd := w.command("state", "gatehop", args...)
		cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "AWS_ENDPOINT_URL_STS=") })
		cmd.Env = append(cmd.Env, "GATEHOP_USERNAME=CORP\\alice", "HTTPS_PROXY="+proxy.URL, "AWS_CA_BUNDLE="+bundle)
		return screenFor(t, cmd, t.TempDir())
	}
	want := func(status int, hosts ...string) {
		t.Helper()
		if got := proxy.take(); !slices.Equal(got, hosts) {
			t.Errorf("went to %v, want %v", got, hosts)
		}
		if status != 0 {
			t.Errorf("status %d", status)
		}
	}

	// Whom AWS's roots do not vouch for gets no assertion.
	s := run(filepath.Join(w.home, "ca.pem"), "roles", "open")
	s.see("ReadOnly")
	want(s.leave(), "signin.aws.amazon.com:443")
	if n := len(page.Requests()); n != 0 {
		t.Fatalf("the assertion went to a server without AWS's certificate (%d requests)", n)
	}
	asked := 0
	for named := false; !named; { // a busy machine may take longer than 2 s
		if asked++; asked > 5 {
			t.Fatal("the page was too slow five times")
		}
		_ = os.Remove(filepath.Join(w.home, "state", namesFile))
		s = run(bundle, "roles", "open")
		s.see("ReadOnly")
		want(s.leave(), "signin.aws.amazon.com:443")
		named = s.times("corp-gateway") > 0
	}
	s = run(bundle, "roles", "open")
	s.see("corp-gateway")
	want(s.leave())
	s = run(bundle, "login", "gateway")
	s.see("corp-gateway")
	want(s.leave(), "sts.eu-west-1.amazonaws.com:443")
	if n := page.Requests(); len(n) > asked || len(n) == 0 || n[0].Status != http.StatusOK {
		t.Errorf("requests at the page: %+v", n)
	}
	// Without a terminal nobody reads names.
	if err := os.Remove(filepath.Join(w.home, "state", namesFile)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("gatehop", "roles", "open")
	cmd.Env, cmd.SysProcAttr = s.cmd.Env, &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "ReadOnly") || strings.Contains(string(out), "corp-gateway") {
		t.Errorf("without a terminal: %v\n%s", err, out)
	}
	want(0)
}
