package idptest

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Bug is the number of a rule that clients must keep; an entry of ClientBugs begins
// with it.
type Bug int

// The rules.
const (
	BugPasswordRepeated Bug = 1  // one password sent, or proved, twice without a new answer of the person
	BugPasswordInURL    Bug = 2  // a password in a path or query
	BugSecretElsewhere  Bug = 3  // password, session cookie or assertion to another host
	BugPlainHTTP        Bug = 4  // a request without TLS
	BugAuthMethod       Bug = 5  // AuthMethod missing, empty or repeated in a login
	BugUserNameRepeated Bug = 6  // the user name sent twice in one form
	BugUncheckedSent    Bug = 7  // a box that nobody ticked
	BugStaleContext     Bug = 8  // a second factor answered with an old state
	BugPasswordChange   Bug = 9  // something posted to the change of passwords
	BugBasic            Bug = 10 // a password in an Authorization header nobody asked for
	BugOtherConnection  Bug = 11 // NTLM's last message without a challenge on its connection
	BugManyRequests     Bug = 12 // over 20 requests for one sign-in
	BugContentType      Bug = 13 // a POST that is not of the form's type
	BugDecoration       Bug = 14 // styles, scripts, images fetched
	BugReferer          Bug = 15 // Referer with another host or a secret
	BugForeignField     Bug = 16 // a field that the page did not have, or not in that form, or one left out
	BugDecoy            Bug = 17 // the value of a comment, of a disabled control or of another form
	BugViewState        Bug = 18 // AD FS 2.0: the state of a page altered, badly escaped, or left out
	BugAssertionPosted  Bug = 19 // SAMLResponse posted to the assertion consumer
	BugForeignCookie    Bug = 20 // cookies of one host shown to another
	BugUserNameMissing  Bug = 21 // a password without the user name that its form asks for
	BugBrowserOnly      Bug = 22 // something sent where only a browser can answer: a new PIN, a passkey, Duo
	BugCodeRepeated     Bug = 23 // one code sent twice without a new answer of the person
	BugFastPoll         Bug = 24 // a second factor polled sooner than Options.PollEvery allows
)

const (
	maxRequestsPerSignIn = 20
	partOfSecret         = 8 // length from which a secret is also found inside of a text
)

// bug records that r broke a rule; what is said holds names only, never values.
func (s *simulator) bug(b Bug, r *Request, format string, args ...any) {
	at := "path withheld"
	if !s.holdsSecret(r.Path) {
		at = path.Clean("/" + r.Path)
	}
	s.bugs = append(s.bugs, fmt.Sprintf("%d: %s (request %d: %s %s)", b, fmt.Sprintf(format, args...), r.Number, r.Method, at))
}

// named quotes a name that a client chose, which it may have mixed up with a value.
func (s *simulator) named(name string) string {
	if s.holdsSecret(name) || len(name) > 60 {
		return "a name withheld"
	}
	return fmt.Sprintf("%q", name)
}

// checkRequest looks for what is wrong with a request at any provider.
func (s *simulator) checkRequest(x *exchange) {
	r := x.Request
	if !r.TLS {
		s.bug(BugPlainHTTP, r, "sent without TLS")
	}
	if s.host != "" && !sameHost(r.Host, s.host) {
		s.bug(BugSecretElsewhere, r, "the provider addressed by another name")
	}
	if s.urlHoldsSecret(r) {
		s.bug(BugPasswordInURL, r, "a password in the URL")
	}
	if r.Method == http.MethodPost && r.Header.Get("Content-Type") != formType && !s.isMultipart(r) {
		s.bug(BugContentType, r, "posted as another type than the form's")
	}
	switch strings.ToLower(path.Ext(r.Path)) {
	case ".css", ".js", ".png", ".gif", ".jpg", ".ico", ".svg":
		s.bug(BugDecoration, r, "fetched what only decorates a page")
	}
	if scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Basic") && (s.basicAt == "" || !strings.EqualFold(r.Path, s.basicAt)) {
		s.bug(BugBasic, r, "a password in an Authorization header")
	}
	s.checkReferer(x)
	s.checkCookies(r)
	for _, f := range append(slices.Clone(r.Form), r.Query...) {
		if strings.Contains(f.Value, "decoy") {
			s.bug(BugDecoy, r, "the decoy value of %s was sent", s.named(f.Name))
		}
	}
}

// sameHost compares hosts with their ports, the default ones left out or not.
func sameHost(a, b string) bool {
	trim := func(h string) string { return strings.TrimSuffix(strings.ToLower(h), ":443") }
	return trim(a) == trim(b)
}

// hostname is a host without its port.
func hostname(host string) string {
	return (&url.URL{Host: host}).Hostname()
}

func (s *simulator) isMultipart(r *Request) bool {
	return slices.Contains(s.quirks, QuirkMultipart) && strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data;")
}

func (s *simulator) urlHoldsSecret(r *Request) bool {
	for _, f := range r.Query {
		if strings.EqualFold(f.Name, "password") || strings.EqualFold(f.Name, "otp") || s.holdsSecret(f.Name) || s.holdsSecret(f.Value) {
			return true
		}
	}
	return s.holdsSecret(r.Path)
}

// holdsSecret reports whether text has a known password in it, or one that was typed.
// Those under eight characters are looked for as whole texts only.
func (s *simulator) holdsSecret(text string) bool {
	is := func(secret string) bool {
		return secret != "" && (text == secret || len(secret) >= partOfSecret && strings.Contains(text, secret))
	}
	for _, u := range s.users {
		if is(u.Password) {
			return true
		}
	}
	return slices.ContainsFunc(s.typed, is)
}

// checkReferer allows this provider's own addresses without anything secret in them.
func (s *simulator) checkReferer(x *exchange) {
	text := x.Header.Get("Referer")
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || !sameHost(u.Host, x.host) {
		s.bug(BugReferer, x.Request, "Referer names another host")
		return
	}
	secret := u.User != nil || s.holdsSecret(u.Path)
	for _, f := range parseFields(u.RawQuery) {
		secret = secret || s.holdsSecret(f.Value) || slices.Contains([]string{"SAMLRequest", "SAMLResponse", "token"}, f.Name)
	}
	if secret {
		s.bug(BugReferer, x.Request, "Referer holds a token")
	}
}

// ownCookies are the names that simulated providers set, numbered chunks included.
var ownCookies = []string{
	"MSISAuth", "MSISSamlRequest", "MSISAuthenticated", "MSISLoopDetectionCookie", "MSISSignOut",
	"MSISIPSelectionPersistent", "SamlSession", "SimpleSAMLSessionID", "SimpleSAMLAuthToken",
}

func (s *simulator) checkCookies(r *Request) {
	for _, c := range r.cookies() {
		if !isOwnCookie(c.Name) {
			s.bug(BugForeignCookie, r, "a cookie that this host never set: %s", s.named(c.Name))
		}
	}
}

func isOwnCookie(name string) bool {
	return slices.Contains(ownCookies, strings.TrimRight(name, "0123456789"))
}

// countRequest charges the request to its sign-in.
func (s *simulator) countRequest(x *exchange) {
	x.flow.requests++
	limit := maxRequestsPerSignIn * max(1, x.flow.starts)
	if x.flow.requests == limit+1 {
		s.bug(BugManyRequests, x.Request, "more than %d requests for one sign-in", maxRequestsPerSignIn)
	}
}

// checkFields compares what a form sent with what the page had. Nothing says in what
// order a server wants them, but the standard does.
func (s *simulator) checkFields(r *Request, allowed ...string) {
	for _, f := range r.Form {
		if !slices.Contains(allowed, f.Name) {
			s.bug(BugForeignField, r, "a field that is not in the form: %s", s.named(f.Name))
		}
	}
}

// Elsewhere is every other host: it answers a bare page and records, as client bugs,
// what of this provider arrives there: passwords, cookies, assertions. An assertion at
// one of the assertion consumers is a bug of its own kind.
func (s *simulator) Elsewhere() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec, _ := readRequest(r)
		a := s.elsewhere(&rec)
		a.write(w, r, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, false)
	})
}

func (s *simulator) elsewhere(rec *Request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec.Number = len(s.foreign) + 1
	if !rec.TLS {
		s.bug(BugPlainHTTP, rec, "sent without TLS")
	}
	for _, c := range rec.cookies() {
		if isOwnCookie(c.Name) || s.sessions[c.Value] != nil {
			s.bug(BugForeignCookie, rec, "a cookie of the provider at another host: %s", s.named(c.Name))
		}
		if s.sessions[c.Value] != nil {
			s.bug(BugSecretElsewhere, rec, "the session cookie at another host")
		}
	}
	for _, f := range append(slices.Clone(rec.Query), rec.Form...) {
		switch {
		case f.Name == "SAMLResponse" && s.isACS(rec):
			s.bug(BugAssertionPosted, rec, "the assertion was posted to its consumer")
		case f.Name == "SAMLResponse":
			s.bug(BugSecretElsewhere, rec, "an assertion at another host")
		case s.holdsSecret(f.Value):
			s.bug(BugSecretElsewhere, rec, "a password at another host, in %s", s.named(f.Name))
		}
	}
	for name, values := range rec.Header {
		if name != "Cookie" && slices.ContainsFunc(values, s.holdsSecret) {
			s.bug(BugSecretElsewhere, rec, "a password at another host, in the header %s", name)
		}
	}
	if strings.HasSuffix(strings.ToLower(hostname(rec.Host)), ".duosecurity.com") {
		s.bug(BugBrowserOnly, rec, "Duo was asked, which answers browsers alone")
	}
	if ref, err := url.Parse(rec.Header.Get("Referer")); err == nil && ref.Host != "" && !sameHost(ref.Host, rec.Host) {
		s.bug(BugReferer, rec, "Referer names another host")
	}
	a := s.page(http.StatusOK, "form/plain.html", Page{Title: "Elsewhere"})
	if rec.Path == assertionPath && s.fault.name == FaultForeignResponse {
		value, err := s.assertion(ForeignHost, &session{user: &User{Name: "mallory", Roles: SampleRoles()}}, awsParty(), false)
		if err == nil {
			a = s.page(http.StatusOK, "ssp/post.html", Page{ACS: awsParty().ACS, SAMLResponse: value})
		}
	}
	rec.Status, rec.Page = a.status, a.page
	s.foreign = append(s.foreign, *rec)
	return a
}

func (s *simulator) isACS(r *Request) bool {
	for _, p := range s.parties {
		if u, err := url.Parse(p.ACS); err == nil && sameHost(u.Host, r.Host) && u.Path == r.Path {
			return true
		}
	}
	return false
}
