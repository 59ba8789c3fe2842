package idptest_test

import (
	"crypto/tls"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/idp/idptest"
)

// certified is a browser over an AD FS at two addresses, with a certificate for name; ""
// is none.
func certified(t *testing.T, o idptest.Options, name string) (*browser, *idptest.ADFS, string) {
	t.Helper()
	o.CertificateLink = true
	a := newADFS(t, o)
	ca, err := idptest.NewCA(seed(), time.Now()) // the clocks of both ends of TLS are the system's
	if err != nil {
		t.Fatal(err)
	}
	home := serve(t, a, ca)
	at, err := a.ServeCertificates(ca, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = at.Close() })
	conf := &tls.Config{RootCAs: ca.Pool()}
	if name != "" {
		cert, err := ca.IssueClient(name)
		if err != nil {
			t.Fatal(err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	rt := &http.Transport{TLSClientConfig: conf}
	t.Cleanup(rt.CloseIdleConnections)
	b := browserOver(t, rt)
	b.http.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
		req.Header.Del("Referer") // which Go writes whole, to another port too
		return nil
	}
	return b, a, home.URL() + idptest.ADFSEntry
}

// pick follows the link to the certificate, and what the page that it leads to posts.
func (b *browser) pick(entry string, change func([]idptest.Field) []idptest.Field) *page {
	b.t.Helper()
	p := b.get(entry)
	if p.id("options") == nil {
		b.t.Fatalf("no way to the certificate at %s", entry)
	}
	p = b.post(val(p.id("options"), "action"), []idptest.Field{{Name: "AuthMethod", Value: "CertificateAuthentication"}})
	n := p.id("certificateForm")
	if n == nil {
		return p
	}
	return b.post(val(n, "action"), change([]idptest.Field{{Name: "AuthMethod", Value: "CertificateAuthentication"}, {Name: "RetrieveCertificate", Value: "1"}}))
}

// TestCertificate signs in by certificate in every way that there is.
func TestCertificate(t *testing.T) {
	t.Parallel()
	same := func(f []idptest.Field) []idptest.Field { return f }
	for _, way := range []idptest.CertificateWay{idptest.CertificateByPage, idptest.CertificateByRedirect} {
		for _, stays := range []bool{false, true} {
			b, a, entry := certified(t, idptest.Options{CertificateWay: way, CertificateStays: stays}, alice)
			p := b.pick(entry, same)
			wantAssertion(t, p)
			if at := "https://" + p.url.Host; strings.HasPrefix(entry, at) == stays {
				t.Errorf("%q, stays %v: the assertion came from %s, the entry is %s", way, stays, at, entry)
			}
			wantClean(t, a.ClientBugs())
			if got := a.Stats().Logins; got != 0 {
				t.Errorf("%d passwords", got)
			}
			if !slices.ContainsFunc(a.Requests(), func(r idptest.Request) bool { return r.Certificate == alice }) {
				t.Error("no request has a certificate")
			}
		}
	}
}

// TestCertificateRefused has everything that signs nobody in.
func TestCertificateRefused(t *testing.T) {
	t.Parallel()
	same := func(f []idptest.Field) []idptest.Field { return f }
	for name, c := range map[string]struct {
		name   string
		change func([]idptest.Field) []idptest.Field
		bug    idptest.Bug
	}{
		"nobody":              {name: "", change: same},
		"a stranger":          {name: `CORP\mallory`, change: same},
		"nothing to retrieve": {name: alice, change: func(f []idptest.Field) []idptest.Field { return f[:1] }},
		"something else":      {name: alice, change: func(f []idptest.Field) []idptest.Field { f[1].Value = "0"; return f }},
		"another method":      {name: alice, change: func(f []idptest.Field) []idptest.Field { f[0].Value = "FormsAuthentication"; return f }},
		"a field of nobody's": {name: "", change: func(f []idptest.Field) []idptest.Field { return append(f, idptest.Field{Name: "x"}) }, bug: idptest.BugForeignField},
		"a password in addition": {name: "", change: func(f []idptest.Field) []idptest.Field {
			return append(f, idptest.Field{Name: "Password", Value: idptest.AlicePassword})
		}, bug: idptest.BugSecretElsewhere},
	} {
		b, a, entry := certified(t, idptest.Options{}, c.name)
		p := b.pick(entry, c.change)
		if p.assertion() != "" || p.id("errorArea") == nil {
			t.Errorf("%s: want an error page", name)
		}
		if c.bug == 0 {
			wantClean(t, a.ClientBugs())
		} else {
			wantBug(t, a.ClientBugs(), c.bug)
		}
		// the home knows nobody either
		if q := b.get(entry); q.assertion() != "" {
			t.Errorf("%s: signed in all the same", name)
		}
	}
	b, a, entry := certified(t, idptest.Options{}, alice)
	b.get(entry)
	if p := b.get("https://" + a.CertificateHost() + idptest.ADFSEntry); p.assertion() != "" {
		t.Error("signed in without having been sent there")
	}
	if _, err := a.ServeCertificates(nil, "127.0.0.1:0"); err == nil {
		t.Error("certificates without an authority: no error")
	}
}
