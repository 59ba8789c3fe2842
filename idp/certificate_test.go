package idp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehop/saml"
)

// TestCertificateAt wants of an origin that asks for the certificate of the configured
// one's person: the certificate, an assertion, and nothing that was typed.
func TestCertificateAt(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "certificate test authority")
	mine := ca.issue(t, "alice", time.Now().Add(time.Hour))
	start := func() *url.URL {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, len(r.TLS.PeerCertificates))
		}))
		s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{ca.issue(t, "127.0.0.1", time.Now().Add(time.Hour))}}
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		return mustURL(t, s.URL)
	}
	home, at := start(), start()
	assertion := &saml.Assertion{Destination: "https://signin.aws.amazon.com/saml"}
	for _, named := range []bool{true, false} { // false: the control
		trust := Trust{Origins: []Origin{OriginOf(home)}}
		shown, verdict := "0", error(&OriginError{})
		if named {
			trust.CertificateAt = []Origin{OriginOf(at)}
			shown, verdict = "1", nil
		}
		client := NewClient(ClientOptions{Roots: ca.pool, ClientCert: &mine, Trust: trust})
		defer client.CloseIdleConnections()
		resp, err := client.Get(at.String())
		if err != nil {
			t.Fatal(err)
		}
		page, err := ReadPage(resp)
		if err != nil || string(page) != shown {
			t.Errorf("named %v: shown %s certificates, %v, want %s", named, page, err, shown)
		}
		err = trust.CheckAssertion(at, mustURL(t, assertion.Destination), assertion)
		if (err == nil) != (verdict == nil) {
			t.Errorf("named %v: an assertion from there: %v, want %v", named, err, verdict)
		}
		var refused *OriginError
		if trust.Has(at) || !errors.As(trust.CheckSubmit(home, at), &refused) || !errors.As(trust.CheckSubmit(at, home), &refused) {
			t.Errorf("named %v: what was typed may go to %s, or from it", named, at)
		}
		req, err := http.NewRequestWithContext(WithTyped(t.Context()), http.MethodPost, at.String(), strings.NewReader("Password=x"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if _, err := client.Do(req); !errors.As(NetError(err), &refused) {
			t.Errorf("named %v: what was typed, posted to %s: %v, want an *OriginError", named, at, err)
		}
	}
}

// TestSharedCookies has what goes from one origin to the other, and back.
func TestSharedCookies(t *testing.T) {
	t.Parallel()
	const home, port, below = "https://adfs.corp.example", "https://adfs.corp.example:49443", "https://certauth.adfs.corp.example"
	trust := Trust{Origins: []Origin{"https://adfs.corp.example:443"},
		CertificateAt: []Origin{"https://adfs.corp.example:49443", "https://certauth.adfs.corp.example:443"}}
	for _, c := range []struct {
		from, set, to string
		goes          bool
	}{
		{home, "a=1; Path=/adfs; Secure", port, true},
		{port, "a=1; Path=/adfs; Secure", home, true},
		{port, "a=1; Path=/adfs; Secure", port, true},
		{home, "a=1; Path=/adfs; Secure", below, false},
		{below, "a=1; Path=/adfs; Secure", home, false},
		{below, "a=1; Path=/adfs; Secure", below, true},
		{below, "a=1; Path=/adfs; Secure; Domain=adfs.corp.example", home, true},
		{below, "a=1; Path=/adfs; Secure; Domain=.ADFS.corp.example", port, true},
		{home, "a=1; Path=/adfs; Secure; Domain=adfs.corp.example", below, true},
		{below, "a=1; Path=/adfs; Secure; Domain=corp.example", home, false},
		{home, "a=1; Path=/elsewhere", port, false},
		{home, "a=1; Path=/adfs", "https://adfs.corp.example:8443", false},
		{"https://adfs.corp.example:8443", "a=1; Path=/adfs", home, false},
		{home, "a=1; Path=/adfs; Domain=adfs.corp.example", "https://www.adfs.corp.example", false},
	} {
		for _, shared := range []bool{true, false} {
			j := NewJar(nil)
			if shared {
				j = NewJar(nil, trust.SharedCookies()...)
			}
			cookie, err := http.ParseSetCookie(c.set)
			if err != nil {
				t.Fatal(err)
			}
			j.SetCookies(mustURL(t, c.from+"/adfs/ls/"), []*http.Cookie{cookie})
			want := c.goes && (shared || c.from == c.to)
			if got := len(j.Cookies(mustURL(t, c.to+"/adfs/ls/"))) > 0; got != want {
				t.Errorf("shared %v: %s from %s goes to %s: %v, want %v", shared, c.set, c.from, c.to, got, want)
			}
			gone := *cookie
			gone.Value, gone.MaxAge = "", -1
			j.SetCookies(mustURL(t, c.to+"/adfs/ls/"), []*http.Cookie{&gone})
			if left := len(j.Cookies(mustURL(t, c.from+"/adfs/ls/"))) > 0; c.goes && shared && left {
				t.Errorf("%s from %s stays although %s took it back", c.set, c.from, c.to)
			}
		}
	}
}

// TestSharedCookiesKept: what the certificate's origin set is an entry of the configured
// one, and comes back as such.
func TestSharedCookiesKept(t *testing.T) {
	t.Parallel()
	trust := Trust{Origins: []Origin{"https://adfs.corp.example:443"}, CertificateAt: []Origin{"https://adfs.corp.example:49443"}}
	j := NewJar(nil, trust.SharedCookies()...)
	j.SetCookies(mustURL(t, "https://adfs.corp.example:49443/adfs/ls/"), []*http.Cookie{{Name: "MSISAuth", Value: "x", Path: "/adfs", Secure: true}})
	again := NewJar(nil)
	again.Restore(j.Entries(trust.Origins[0]))
	if got := len(again.Cookies(mustURL(t, "https://adfs.corp.example/adfs/ls/"))); got != 1 {
		t.Errorf("%d cookies come back, want 1", got)
	}
}
