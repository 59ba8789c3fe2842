package idptest

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// CertificateWay is how AD FS leads to where TLS asks for a certificate.
type CertificateWay string

// The ways. The zero value is the page whose script posts a form there (idp-pages 2.12).
const (
	CertificateByPage     CertificateWay = ""
	CertificateByRedirect CertificateWay = "redirect"
)

// defaultCertificatePort is that of Set-AdfsProperties -TlsClientPort.
const defaultCertificatePort = "49443"

// ServeCertificates is Serve for the address at which a asks for certificates, of
// people whom ca knows; whose they are is the name in User.Name (CA.IssueClient). It is
// part of a's pages from then on.
func (a *ADFS) ServeCertificates(ca *CA, addr string) (*Server, error) {
	if ca == nil {
		return nil, fmt.Errorf("serve certificates at %s: no authority", addr)
	}
	s, err := serve(a, ca, addr, true)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.certificateHost = s.addr
	return s, nil
}

// CertificateHost is the host and port of ServeCertificates, "" before that.
func (a *ADFS) CertificateHost() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.certificateHost
}

// certificatesAt is the host and port at which TLS asks for a certificate.
func (a *ADFS) certificatesAt(home string) string {
	switch {
	case a.o.CertificateHost != "":
		return a.o.CertificateHost
	case a.certificateHost != "":
		return a.certificateHost
	}
	u := url.URL{Host: home}
	return net.JoinHostPort(u.Hostname(), defaultCertificatePort)
}

// toCertificate leads to that host, in the way that is set up.
func (a *ADFS) toCertificate(x *exchange) answer {
	at := "https://" + a.certificatesAt(x.host) + a.pathAndQuery(x)
	if x.flow != nil {
		x.flow.home = x.host
	}
	if a.o.CertificateWay == CertificateByRedirect {
		return redirect(http.StatusFound, at)
	}
	p := a.chrome(x, x.text.SignIn)
	p.Action = at
	return a.page(http.StatusOK, "adfs/certificate.html", p)
}

// atCertificate reports whether the request came to where TLS asks for a certificate.
func (a *ADFS) atCertificate(x *exchange) bool {
	return a.o.CertificateLink && strings.EqualFold(x.Request.Host, a.certificatesAt(x.host))
}

// certificate takes what TLS has found out in the place of an answer.
func (a *ADFS) certificate(x *exchange, page func(*exchange) answer) answer {
	sess := a.signedIn(a.authCookie(x))
	a.findFlow(x, sess)
	if x.Form.Count("Password")+x.Form.Count("UserName") > 0 {
		a.bug(BugSecretElsewhere, x.Request, "user name or password where a certificate is asked for")
	}
	switch {
	case sess != nil && x.Method != http.MethodPost:
		return page(x)
	case x.flow == a.pool || x.flow.home == "":
		return a.errorPage(x, "MSIS7001", "")
	case x.Method != http.MethodPost && a.o.CertificateWay != CertificateByRedirect:
		return a.errorPage(x, "MSIS7065", "")
	case x.Method == http.MethodPost:
		a.checkMethod(x)
		a.checkFields(x.Request, "AuthMethod", "RetrieveCertificate")
		if x.Form.Get("AuthMethod") != certificateMethod || x.Form.Get("RetrieveCertificate") != "1" {
			return a.errorPage(x, "MSIS7065", "")
		}
	}
	user := a.user(x.Certificate)
	if x.Certificate == "" || user == nil || user.State == UserDisabled {
		return a.errorPage(x, "", x.text.NoCertificate)
	}
	at := x.host
	if !a.o.CertificateStays {
		x.host = x.flow.home
	}
	return a.signIn(x, user, domainFor(at, x.flow.home))
}

// domainFor is the Domain attribute with which a host below home sets cookies for home;
// "" where they are one host.
func domainFor(at, home string) string {
	a, h := url.URL{Host: at}, url.URL{Host: home}
	if a.Hostname() == h.Hostname() {
		return ""
	}
	return h.Hostname()
}
