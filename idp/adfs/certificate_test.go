package adfs_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
	"gatehop/saml"
)

// certified is an AD FS on loopback, over TLS, that asks for certificates at a port of its
// own.
type certified struct {
	p       *idptest.ADFS
	ca      *idptest.CA
	home    string
	answers *idptest.Answers

	person   *tls.Certificate                             // of the client; nil: none
	trust    func(t idp.Trust) idp.Trust                  // changes whom the client trusts
	wrap     func(rt http.RoundTripper) http.RoundTripper // stands before the client's connections
	username string
}

func newCertified(t testing.TB, o idptest.Options, name string) *certified {
	t.Helper()
	o.CertificateLink = true
	o.MethodChoice = o.MethodChoice || o.Paginated == idptest.PaginatedSteps // a step of its own
	o.Now, o.Rand, o.Signer = time.Now, rand.NewChaCha8([32]byte{7}), signer()
	p, err := idptest.NewADFS(o)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := idptest.NewCA(rand.NewChaCha8([32]byte{8}), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	home, err := idptest.Serve(p, ca, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at, err := p.ServeCertificates(ca, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = home.Close(), at.Close() })
	c := &certified{p: p, ca: ca, home: home.URL(), answers: idptest.NewAnswers(nil)}
	if o.Paginated == idptest.PaginatedSteps { // which asks for it before it offers anything
		c.answers = idptest.NewAnswers(map[string][]string{"username": {alice}})
	}
	if name != "" {
		person, err := ca.IssueClient(name)
		if err != nil {
			t.Fatal(err)
		}
		c.person = &person
	}
	return c
}

func (c *certified) login(t testing.TB, auth string) (*saml.Assertion, error) {
	t.Helper()
	_, port, _ := strings.Cut(c.p.CertificateHost(), ":")
	adapter, err := adfs.New(adfs.Config{URL: c.home, Auth: auth, CertificatePort: port, Username: c.username})
	if err != nil {
		t.Fatal(err)
	}
	trust, err := idp.NewTrust(c.home, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	trust.CertificateAt = adapter.(interface{ CertificateAt() []idp.Origin }).CertificateAt()
	if c.trust != nil {
		trust = c.trust(trust)
	}
	client := idp.NewClient(idp.ClientOptions{Trust: trust, Roots: c.ca.Pool(), ClientCert: c.person, Timeout: 10 * time.Second, Log: slog.New(slog.DiscardHandler)})
	defer client.CloseIdleConnections()
	if c.wrap != nil {
		client.Transport = c.wrap(client.Transport)
	}
	return adapter.Login(t.Context(), &idp.Session{HTTP: client, Trust: trust, Prompt: c.answers})
}

// wantSilent wants nobody asked, no password sent and no client bug.
func (c *certified) wantSilent(t testing.TB) {
	t.Helper()
	asked := slices.DeleteFunc(c.answers.Questions(), func(q idp.Question) bool { return q.Field == "username" && len(c.answers.Unused()) == 0 })
	if len(asked) > 0 {
		t.Errorf("asked %+v, want nothing", asked)
	}
	stats := c.p.Stats()
	if stats.Logins != 0 || len(stats.ClientBugs) > 0 {
		t.Errorf("%d passwords, client bugs %q, want none", stats.Logins, stats.ClientBugs)
	}
}

// TestCertificate signs in by certificate, in every version and way.
func TestCertificate(t *testing.T) {
	each(t, func(t *testing.T, v version) {
		for _, o := range []idptest.Options{
			{}, {CertificateWay: idptest.CertificateByRedirect}, {CertificateStays: true}, {MethodChoice: true}, {BigToken: true},
			{ClaimsProviders: []string{idptest.LocalAuthority, "https://partner.example/adfs/services/trust"}}, {Locale: "de", Themed: true},
		} {
			for _, username := range []string{"", "alice"} {
				c := newCertified(t, v.of(o), alice)
				c.username = username
				a, err := c.login(t, "certificate")
				if err != nil || len(a.Roles) != 3 {
					t.Fatalf("%s %+v: %v, want 3 roles", v.name, o, err)
				}
				c.wantSilent(t)
				if n := len(c.p.Requests()); n > 7+v.more {
					t.Errorf("%s %+v: %d requests", v.name, o, n)
				}
			}
		}
	})
}

// TestCertificateRefused has what becomes of a sign-in by certificate that fails; nobody
// is asked for anything instead.
func TestCertificateRefused(t *testing.T) {
	each(t, func(t *testing.T, v version) {
		other, err := idptest.NewCA(rand.NewChaCha8([32]byte{9}), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for name, test := range map[string]struct {
			o      idptest.Options
			name   string
			change func(c *certified)
			want   idp.Verdict
			words  string
		}{
			"none":                {name: "", want: idp.Certificate, words: idptest.TextIn("en").NoCertificate},
			"a stranger's":        {name: `CORP\mallory`, want: idp.Certificate, words: idptest.TextIn("en").NoCertificate},
			"by redirect":         {name: `CORP\mallory`, o: idptest.Options{CertificateWay: idptest.CertificateByRedirect}, want: idp.Certificate, words: idptest.TextIn("en").NoCertificate},
			"shown to nobody":     {name: alice, change: func(c *certified) { c.trust = func(t idp.Trust) idp.Trust { t.CertificateAt = nil; return t } }},
			"another authority's": {name: alice, change: func(c *certified) { person, _ := other.IssueClient(alice); c.person = &person }, want: idp.Certificate},
		} {
			c := newCertified(t, v.of(test.o), test.name)
			if test.change != nil {
				test.change(c)
			}
			_, err := c.login(t, "certificate")
			var page *idp.PageError
			var origin *idp.OriginError
			switch {
			case test.want == "" && !errors.As(err, &origin):
				t.Errorf("%s, %s: %v, want an *OriginError", v.name, name, err)
			case test.want != "" && (!errors.As(err, &page) || page.Verdict != test.want || test.words != "" && page.Words != test.words):
				t.Errorf("%s, %s: %v, want verdict %s", v.name, name, err, test.want)
			}
			c.wantSilent(t)
		}
	})
}

// TestCertificateNotOffered: no certificate is shown where none is asked for, and no
// password is sent in its place. The control signs in by password at the same pages.
func TestCertificateNotOffered(t *testing.T) {
	each(t, func(t *testing.T, v version) {
		for _, o := range []idptest.Options{{}, {MethodChoice: true, Methods: []string{"SampleAdapter"}}} {
			r := newRig(t, v.of(o), person(alice, idptest.AlicePassword))
			_, err := r.login(t, adfs.Config{Auth: "certificate"})
			wantVerdict(t, err, idp.NoCertificate)
			if r.p.Stats().Logins != 0 || r.answers.Asked("password") > 0 {
				t.Errorf("%s: %d passwords, asked %+v", v.name, r.p.Stats().Logins, r.answers.Questions())
			}
			if _, err := newRig(t, v.of(o), person(alice, idptest.AlicePassword)).login(t, adfs.Config{}); err != nil {
				t.Errorf("%s: by forms: %v", v.name, err)
			}
		}
	})
}

// TestCertificateBelow signs in where AD FS asks for the certificate at a host below its
// own, whose cookies come back by their Domain attribute. Without that, the control, the
// sign-in does not find its way back.
func TestCertificateBelow(t *testing.T) {
	t.Parallel()
	const below = "certauth." + host
	for _, certified := range []bool{true, false} {
		r := newRig(t, idptest.Options{CertificateLink: true, CertificateHost: below}, nil)
		a, err := adfs.New(adfs.Config{URL: host, Auth: "certificate"})
		if err != nil {
			t.Fatal(err)
		}
		trust := r.session.Trust
		trust.CertificateAt = a.(interface{ CertificateAt() []idp.Origin }).CertificateAt()
		jar := idp.NewJar(nil)
		if certified {
			jar = idp.NewJar(nil, trust.SharedCookies()...)
		}
		transport := idptest.Transport(map[string]http.Handler{host: r.p, below: r.p, idptest.AnyHost: r.p.Elsewhere()})
		transport.Show(&x509.Certificate{Subject: pkix.Name{CommonName: alice}}, below)
		r.session.Trust = trust
		r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: trust, Transport: transport, Jar: jar, Timeout: 5 * time.Second})
		got, err := a.Login(t.Context(), r.session)
		if (err == nil) != certified || certified && len(got.Roles) != 3 {
			t.Errorf("cookies shared %v: %v", certified, err)
		}
		if bugs := r.p.ClientBugs(); len(bugs) > 0 {
			t.Errorf("client bugs %q", bugs)
		}
	}
}

// TestCertificateElsewhere: a page that sends the person to show it to somebody else.
func TestCertificateElsewhere(t *testing.T) {
	t.Parallel()
	c := newCertified(t, idptest.Options{CertificateHost: "elsewhere.example"}, alice)
	_, err := c.login(t, "certificate")
	var origin *idp.OriginError
	if !errors.As(err, &origin) || origin.Doing != "show your certificate" || origin.Untrusted != "https://elsewhere.example:443" {
		t.Errorf("%v, want an *OriginError for elsewhere.example", err)
	}
	c.wantSilent(t)
}

// TestCertificateWanted: who signs in by forms and is led to the certificate is told so.
func TestCertificateWanted(t *testing.T) {
	t.Parallel()
	for _, way := range []idptest.CertificateWay{idptest.CertificateByPage, idptest.CertificateByRedirect} {
		r := newRig(t, idptest.Options{MethodChoice: true, CertificateLink: true, CertificateWay: way, CertificateHost: "certauth." + host}, person(alice, idptest.AlicePassword))
		_, err := r.login(t, adfs.Config{MFA: "certificate"})
		wantVerdict(t, err, idp.Certificate)
		if n := r.p.Stats().Logins; n != 0 {
			t.Errorf("%d passwords", n)
		}
	}
}

// TestCertificateInVain: a server that shows its sign-in page again after the certificate
// was shown gets neither that nor a user name once more.
func TestCertificateInVain(t *testing.T) {
	each(t, func(t *testing.T, v version) {
		c := newCertified(t, v.of(idptest.Options{}), alice)
		c.wrap = jarByPort
		_, err := c.login(t, "certificate")
		wantVerdict(t, err, idp.Certificate)
		c.wantSilent(t)
		shown := 0
		for _, r := range c.p.Requests() {
			if r.Certificate != "" {
				shown++
			}
		}
		if shown != 1 {
			t.Errorf("the certificate was shown %d times, want once", shown)
		}
	})
}

// TestCertificateAt has the origins at which AD FS asks for it.
func TestCertificateAt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config adfs.Config
		want   []idp.Origin
	}{
		{adfs.Config{URL: host, Auth: "certificate"}, []idp.Origin{"https://adfs.corp.example:49443", "https://certauth.adfs.corp.example:443"}},
		{adfs.Config{URL: host, Auth: "certificate", CertificatePort: "8443"}, []idp.Origin{"https://adfs.corp.example:8443", "https://certauth.adfs.corp.example:443"}},
		{adfs.Config{URL: host, Auth: "certificate", CertificatePort: "443"}, []idp.Origin{"https://certauth.adfs.corp.example:443"}},
		{adfs.Config{URL: host, Auth: "forms"}, nil},
		{adfs.Config{URL: host}, nil},
	} {
		a, err := adfs.New(c.config)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.(interface{ CertificateAt() []idp.Origin }).CertificateAt(); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.config, got, c.want)
		}
	}
}

// TestCertificateNoticed breaks the client in the ways that TestCertificate is about.
func TestCertificateNoticed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(c *certified){
		"no certificate": func(c *certified) { c.person = nil },
		"a certificate of nobody's": func(c *certified) {
			c.person = &tls.Certificate{Certificate: c.person.Certificate[:0:0], Leaf: &x509.Certificate{}, PrivateKey: c.person.PrivateKey}
		},
		"cookies of one port alone": func(c *certified) { c.wrap = jarByPort },
		"a form without its fields": func(c *certified) {
			c.wrap = func(rt http.RoundTripper) http.RoundTripper {
				return tripper(func(req *http.Request) (*http.Response, error) {
					if u := (url.URL{Host: c.p.CertificateHost()}); req.URL.Host == u.Host {
						req.Body, req.ContentLength = http.NoBody, 0
					}
					return rt.RoundTrip(req)
				})
			}
		},
	} {
		c := newCertified(t, idptest.Options{}, alice)
		change(c)
		if a, err := c.login(t, "certificate"); err == nil {
			t.Errorf("%s: signed in all the same, %d roles", name, len(a.Roles))
		}
	}
}

// tripper is an http.RoundTripper of one function.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// jarByPort keeps the cookies of each port to themselves.
func jarByPort(rt http.RoundTripper) http.RoundTripper {
	jars := map[string]*idp.Jar{}
	return tripper(func(req *http.Request) (*http.Response, error) {
		at := jars[req.URL.Host]
		if at == nil {
			at = idp.NewJar(nil)
			jars[req.URL.Host] = at
		}
		req.Header.Del("Cookie")
		for _, cookie := range at.Cookies(req.URL) {
			req.AddCookie(cookie)
		}
		resp, err := rt.RoundTrip(req)
		if err == nil {
			at.SetCookies(req.URL, resp.Cookies())
		}
		return resp, err
	})
}
