package sts

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/creds"
	"gatehop/saml"
	"gatehop/saml/samltest"
	"gatehop/sts/ststest"
)

const (
	entityID = "http://adfs.corp.example/adfs/services/trust"
	provider = "arn:aws:iam::111111111111:saml-provider/ADFS"
	gateway  = "arn:aws:iam::111111111111:role/team/a/Gateway"
	admins   = "arn:aws:iam::222222222222:role/Admins"
	external = "arn:aws:iam::222222222222:role/External"
	nested   = "arn:aws:iam::333333333333:role/Nested"
	closed   = "arn:aws:iam::222222222222:role/Closed"
)

var gatewayRole = saml.Role{ARN: gateway, Provider: provider}

// testIDP makes the key once.
var testIDP = sync.OnceValues(func() (*samltest.IDP, error) {
	return samltest.New(entityID, nil, time.Now())
})

// world is an identity provider, an STS, and a client of it.
type world struct {
	idp    *samltest.IDP
	sts    *ststest.Server
	client *Client
	tamper func(*http.Response, string) string // of the body of the answer, if set
	sent   [][]byte                            // bodies, as they left
	opts   ststest.Options
	mu     sync.Mutex
}

// newWorld serves over a real loopback connection. The maximum session of the gateway
// role is most.
func newWorld(t testing.TB, most time.Duration, change ...func(*ststest.Options)) *world {
	t.Helper()
	w := directWorld(t, most, change...)
	server := httptest.NewServer(w.sts)
	t.Cleanup(server.Close)
	w.client.Endpoint = server.URL
	w.client.HTTP = &http.Client{Transport: spy{w, http.DefaultTransport}}
	return w
}

// directWorld has no connection: requests are handed to the STS in the calling
// goroutine, so that it also works in fake time.
func directWorld(t testing.TB, most time.Duration, change ...func(*ststest.Options)) *world {
	t.Helper()
	idp, err := testIDP()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{idp: idp, opts: ststest.Options{
		Now:       time.Now,
		Providers: []ststest.Provider{{ARN: provider, EntityID: entityID, Certs: []*x509.Certificate{idp.Cert}}},
		Roles: []ststest.Role{
			{ARN: gateway, MaxSession: most, TrustProviders: []string{provider}, AllowTags: true, AllowSourceIdentity: true},
			{ARN: admins, MaxSession: 12 * time.Hour, TrustRoles: []string{gateway}, AllowTags: true, AllowSourceIdentity: true},
			{ARN: external, TrustRoles: []string{"arn:aws:iam::111111111111:root"}, ExternalID: "example-7"},
			{ARN: nested, TrustRoles: []string{admins}},
			{ARN: closed, TrustRoles: []string{nested}},
		},
	}}
	for _, c := range change {
		c(&w.opts)
	}
	w.sts = ststest.New(w.opts)
	w.client = &Client{
		Region: "eu-west-1", Endpoint: "http://127.0.0.1:9", Now: time.Now,
		HTTP: &http.Client{Transport: spy{w, handler{w.sts}}},
	}
	return w
}

// handler is a transport that hands requests to a server without a connection.
type handler struct{ http.Handler }

func (h handler) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := httptest.NewRequest(r.Method, r.URL.String(), r.Body).WithContext(r.Context())
	in.Header, in.ContentLength = r.Header.Clone(), r.ContentLength
	out := httptest.NewRecorder()
	h.ServeHTTP(out, in)
	return out.Result(), nil
}

// spy keeps what is sent and may change what comes back.
type spy struct {
	w    *world
	next http.RoundTripper
}

func (s spy) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.w.mu.Lock()
	s.w.sent = append(s.w.sent, body)
	s.w.mu.Unlock()
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := s.next.RoundTrip(r)
	if err != nil || s.w.tamper == nil {
		return resp, err
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	changed := s.w.tamper(resp, string(text))
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(changed)), int64(len(changed))
	return resp, nil
}

// assertion signs somebody in. change may be nil.
func (w *world) assertion(t testing.TB, change func(*samltest.Response)) *saml.Assertion {
	t.Helper()
	r := samltest.Response{SessionName: "alice", Roles: []string{provider + "," + gateway}, Issued: w.opts.Now()}
	if change != nil {
		change(&r)
	}
	encoded, err := w.idp.Issue(r)
	if err != nil {
		t.Fatal(err)
	}
	a, err := saml.Decode(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// login returns credentials of the gateway role.
func (w *world) login(t testing.TB) creds.Credentials {
	t.Helper()
	c, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fixed is a source of credentials that are there already.
func fixed(c creds.Credentials) creds.Source {
	return func(context.Context) (creds.Credentials, error) { return c, nil }
}

// asked lists a parameter of the requests for an operation, in order.
func (w *world) asked(op, param string) []string {
	var list []string
	for _, r := range w.sts.Requests() {
		if r.Op == op {
			list = append(list, r.Get(param))
		}
	}
	return list
}

func swap(old, new string) func(*http.Response, string) string {
	return func(_ *http.Response, s string) string {
		if !strings.Contains(s, old) {
			return fmt.Sprintf("tampering did nothing: no %q", old)
		}
		return strings.Replace(s, old, new, 1)
	}
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// always answers every request with the same.
func always(status int, body string) transport {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{}, Request: r,
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}, nil
	}
}
