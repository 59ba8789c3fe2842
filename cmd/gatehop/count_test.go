package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"gatehop/idp/idptest"
	"gatehop/sts/ststest"
)

// counted is a handler on a real listener, with everything that reaches it counted by
// the listener and a wrapper: not by the handler's own word, and not by gatehop's.
type counted struct {
	*httptest.Server
	sts *ststest.Server // if that is the handler

	mu       sync.Mutex
	requests []string       // "GET /path"
	calls    map[string]int // posted forms with a password, under "password", and AWS's by their Action
	conns    int
	open     int // of conns
	// hold, if set, is called when a request has come in, with a password or without, and
	// before it is looked at.
	hold func(password bool)
}

func serveCounted(t *testing.T, h http.Handler, ca *idptest.CA) *counted {
	t.Helper()
	c := &counted{calls: map[string]int{}}
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.requests = append(c.requests, r.Method+" "+r.URL.Path)
		c.mu.Unlock()
		c.countForm(r)
		h.ServeHTTP(w, r)
	}))
	c.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are the tests' business
	c.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch state {
		case http.StateNew:
			c.conns++
			c.open++
		case http.StateClosed, http.StateHijacked:
			c.open--
		}
	}
	t.Cleanup(c.Close)
	if ca == nil {
		c.Start()
		return c
	}
	cert, err := ca.Issue("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	c.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	c.StartTLS()
	return c
}

func (c *counted) seen() (requests []string, conns int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.requests...), c.conns
}

// countForm looks into a posted form and leaves it as it was, cut short or not.
func (c *counted) countForm(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	rest := io.Reader(strings.NewReader(""))
	if err != nil {
		rest = iotest.ErrReader(err)
	}
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), rest))
	form, _ := url.ParseQuery(string(body)) // what cannot be read is not there
	c.mu.Lock()
	hold := c.hold
	c.mu.Unlock()
	if hold != nil {
		hold(form.Get("Password") != "")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if form.Get("Password") != "" {
		c.calls["password"]++
	}
	if action := form.Get("Action"); action != "" {
		c.calls[action]++
	}
}

// TestColdSignInCost counts what a cold sign-in at AD FS 3.0 with one chained hop
// costs: five requests, six where the server adds its request id, over two connections.
func TestColdSignInCost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		idOff     bool
		idp, want int
	}{
		{"without request id", true, 3, 5},
		{"with request id", false, 4, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			idp, aws, run := realWorld(t, c.idOff)
			out, err := run("login", "dev")
			if err != nil {
				t.Fatalf("gatehop login dev: %v\n%s", err, out)
			}
			idpRequests, idpConns := idp.seen()
			awsRequests, awsConns := aws.seen()
			if len(idpRequests) != c.idp || len(idpRequests)+len(awsRequests) != c.want {
				t.Errorf("%d requests to the provider, %d to AWS, want %d in all:\n%q\n%q", len(idpRequests), len(awsRequests), c.want, idpRequests, awsRequests)
			}
			if idpConns != 1 || awsConns != 1 {
				t.Errorf("%d connections to the provider and %d to AWS, want 1 and 1", idpConns, awsConns)
			}
			// The control: the same counters see a second, forced sign-in.
			if out, err := run("login", "dev", "--force"); err != nil {
				t.Fatalf("gatehop login dev --force: %v\n%s", err, out)
			}
			if again, _ := idp.seen(); len(again) != 2*c.idp {
				t.Errorf("%d requests after a second sign-in, want %d", len(again), 2*c.idp)
			}
			// And a fresh session costs none.
			if out, err := run("credential-process", "dev"); err != nil || !bytes.HasPrefix(out, []byte(`{"Version":1,`)) {
				t.Fatalf("gatehop credential-process dev: %v\n%s", err, out)
			}
			if again, _ := idp.seen(); len(again) != 2*c.idp {
				t.Errorf("a warm call made %d requests", len(again)-2*c.idp)
			}
		})
	}
}

// realWorld is an AD FS and an STS on loopback and a way to run gatehop as a process
// of its own against them.
func realWorld(t *testing.T, idOff bool) (idp, aws *counted, run func(...string) ([]byte, error)) {
	t.Helper()
	return realWorldWith(t, realOptions{idOff: idOff})
}

type realOptions struct {
	idOff    bool          // the AD FS adds no request id
	awsTLS   bool          // the STS speaks TLS, with a certificate of the provider's CA
	config   string        // a further line of both gateways
	vars     []string      // further variables
	accounts int           // further destinations acct-000, acct-001, ...
	more     string        // further profiles
	home     string        // "": a folder of the test's
	slow     time.Duration // per response of the AD FS
}

// realWorldWith is realWorld with options. A first argument AWS_CA_BUNDLE to run names
// the CA for AWS too.
func realWorldWith(t *testing.T, o realOptions) (idp, aws *counted, run func(...string) ([]byte, error)) {
	t.Helper()
	w := newRealCompany(t, o)
	return w.idp, w.aws, func(args ...string) ([]byte, error) {
		var vars []string
		if args[0] == "AWS_CA_BUNDLE" {
			vars, args = append(vars, "AWS_CA_BUNDLE="+filepath.Join(w.home, "ca.pem")), args[1:]
		}
		cmd := w.command("state", "gatehop", args...)
		cmd.Env = append(vars, cmd.Env...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			out = append(out, errs.Bytes()...)
		}
		return out, err
	}
}

// realCompany is an AD FS and an STS on loopback, and a home directory.
type realCompany struct {
	home     string
	vars     []string
	idp, aws *counted
}

// command runs a program against the company, with the state directory of that name.
func (w *realCompany) command(state, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(slices.Clone(w.vars),
		"HOME="+w.home, "PATH="+os.Getenv("PATH"), "AWS_CONFIG_FILE="+filepath.Join(w.home, "config"),
		"GATEHOP_HOME="+filepath.Join(w.home, state), "AWS_ENDPOINT_URL_STS="+w.aws.URL, password(worldPassword),
		// No roots of the system's: a cold start would read hundreds of files.
		"SSL_CERT_FILE="+os.DevNull, "SSL_CERT_DIR="+filepath.Join(w.home, "none"))
	return cmd
}

// calls is how often a password was posted and each of AWS's actions was called.
func (w *realCompany) calls() map[string]int {
	all := map[string]int{}
	for _, c := range []*counted{w.idp, w.aws} {
		c.mu.Lock()
		maps.Copy(all, c.calls)
		c.mu.Unlock()
	}
	return all
}

// quiet returns when no client is connected any more: what a killed one sent has arrived.
func (w *realCompany) quiet() error {
	for range 5000 {
		open := 0
		for _, c := range []*counted{w.idp, w.aws} {
			c.mu.Lock()
			open += c.open
			c.mu.Unlock()
		}
		if open == 0 {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("a client stays connected")
}

func newRealCompany(t *testing.T, o realOptions) *realCompany {
	t.Helper()
	w := &realCompany{home: o.home, vars: o.vars}
	if w.home == "" {
		w.home = t.TempDir()
	}
	ca, err := idptest.NewCA(newRandom(3), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	signer := testSigner(t, time.Now())
	adfs, err := idptest.NewADFS(idptest.Options{
		Users:  []idptest.User{{Name: `CORP\alice`, Password: worldPassword, Roles: offeredRoles(3), SessionName: "alice"}},
		Signer: signer, Now: time.Now, Rand: newRandom(4), ClientRequestIDOff: o.idOff, Latency: o.slow,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if bugs := adfs.ClientBugs(); len(bugs) != 0 {
			t.Errorf("client bugs: %v", bugs)
		}
	})
	w.idp = serveCounted(t, adfs, ca)
	awsCA := ca
	if !o.awsTLS {
		awsCA = nil
	}
	issuer := ststest.New(ststest.Options{
		Now:       time.Now,
		Providers: []ststest.Provider{{ARN: providerARN, EntityID: signer.EntityID, Certs: []*x509.Certificate{signer.Cert}}},
		Roles:     sandboxRoles(sandboxOptions{roles: 3, accounts: o.accounts}),
	})
	w.aws = serveCounted(t, issuer, awsCA)
	w.aws.sts = issuer
	config := o.more + strings.ReplaceAll(worldConfig, "https://adfs.corp.example", w.idp.URL+"\ngatehop_ca_bundle = ca.pem\n"+o.config)
	for _, d := range destinations(sandboxOptions{accounts: o.accounts})[3:] {
		config += fmt.Sprintf("\n[profile %s]\ngatehop_role_arn = %s\ngatehop_source_profile = gateway\n", d[0], d[1])
	}
	for name, text := range map[string]string{"config": config, "ca.pem": string(ca.PEM())} {
		if err := os.WriteFile(filepath.Join(w.home, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return w
}
