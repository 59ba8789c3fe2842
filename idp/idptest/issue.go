package idptest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatehop/saml/samltest"
)

// AD FS stops a browser that asks for its sixth assertion within 20 seconds (the limit
// of five is Microsoft's documented default; which one is refused is this simulator's
// choice).
const (
	loopLimit  = 5
	loopWindow = 20 * time.Second
)

// issue answers with the assertion for rp.
func (a *ADFS) issue(x *exchange, sess *session, rp RelyingParty) answer {
	if sess.user.State == UserNotPermitted {
		return a.errorPage(x, "MSIS5007", x.text.NotPermitted)
	}
	count, since := a.loopCount(x)
	if count > loopLimit {
		return a.errorPage(x, "MSIS7042", "")
	}
	to := a.final(x, sess, rp, a.o.WrappedBase64)
	sess.issued = true
	token := a.authCookie(x)
	to = a.authCookies(a.cookie(to, "MSISAuth", "", ""), token, sess)
	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	to = a.cookie(to, "MSISAuthenticated", encode(a.now().UTC().Format("1/2/2006 3:04:05 PM")), "")
	to = a.cookie(to, "MSISLoopDetectionCookie", encode(since.UTC().Format("2006-01-02:15:04:05Z")+`\`+strconv.Itoa(count)), "")
	if !a.o.webForms() {
		to = a.cookie(to, "SamlSession", x.cookie("SamlSession")+encode(a.guid()), "")
	}
	return a.cookie(to, "MSISSignOut", encode("signout:https://"+x.host+"/adfs/ls/"), "")
}

// loopCount reads how many assertions were issued lately, this one included.
func (a *ADFS) loopCount(x *exchange) (int, time.Time) {
	text, _ := base64.StdEncoding.DecodeString(x.cookie("MSISLoopDetectionCookie"))
	stamp, number, _ := strings.Cut(string(text), `\`)
	since, err := time.Parse("2006-01-02:15:04:05Z", stamp)
	n, err2 := strconv.Atoi(number)
	if err != nil || err2 != nil || n < 0 || n > 1000 || a.now().Sub(since) >= loopWindow {
		return 1, a.now()
	}
	return n + 1, since
}

// final makes the page that posts the assertion.
func (a *ADFS) final(x *exchange, sess *session, rp RelyingParty, wrapped bool) answer {
	value, err := a.assertion(x.host, sess, rp, wrapped)
	if err != nil {
		return answer{status: http.StatusInternalServerError, page: "broken", body: []byte(err.Error())}
	}
	p := Page{Text: x.text, ACS: rp.ACS, SAMLResponse: value, Decoy: a.o.DecoyEmptySAMLResponse}
	if u, err := url.Parse(rp.ACS); err == nil && !a.o.ACSPort443Off {
		u.Host = withPort443(u.Host)
		p.ACS = u.String()
	}
	p.RelayState = parseFields(x.Query.Get("RelayState")).Get("RelayState")
	return a.finalPage("adfs/autopost.html", p)
}

// finalPage renders a final page as the fault wants it.
func (s *simulator) finalPage(name string, p Page) answer {
	if s.fault.final != nil {
		if other := s.fault.final(&p); other != "" {
			name = other
		}
	}
	return s.page(http.StatusOK, name, p)
}

// assertion issues the SAML response for whoever signed in.
func (s *simulator) assertion(host string, sess *session, rp RelyingParty, wrapped bool) (string, error) {
	if s.signer == nil {
		name, _, _ := strings.Cut(host, ":")
		signer, err := samltest.New("http://"+name+s.entity, s.rand, s.now())
		if err != nil {
			return "", err
		}
		s.signer = signer
	}
	user := sess.user
	_, local := splitName(user.Name)
	r := samltest.Response{
		Subject: user.Name, SessionName: user.SessionName, SessionDuration: user.SessionDuration, Roles: user.Roles,
		Destination: rp.ACS, Recipient: rp.ACS, Audience: rp.Audience, Issued: s.now(), WrapBase64: wrapped, Rand: s.rand,
	}
	if sess.windows {
		r.AuthnContext = samltest.WindowsContext
	}
	if r.SessionName == "" {
		r.SessionName = local
	}
	if user.State == UserNoRoles {
		r.Roles = nil
	}
	if s.fault.issue != nil {
		s.fault.issue(&r)
	}
	value, err := s.signer.Issue(r)
	if err != nil {
		return "", fmt.Errorf("simulate a provider: %w", err)
	}
	return value, nil
}
