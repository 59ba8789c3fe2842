package idp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"gatehop/saml"
)

// Origin is scheme, ASCII host and port of a URL as one string, the port always
// written: "https://adfs.corp.example:443". Two URLs are of one origin if and only
// if these strings are equal: no suffix rule, no registrable domain, no trailing dot.
type Origin string

// OriginOf returns the origin of u, or "" if u has none that could be trusted: no
// host, a host outside ASCII, a port that is not a plain number from 1 to 65535, or a
// scheme other than https and http.
func OriginOf(u *url.URL) Origin {
	if u == nil {
		return ""
	}
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	switch {
	case host == "" || !isASCII(host):
		return ""
	case scheme == "https" && port == "":
		port = "443"
	case scheme == "http" && port == "":
		port = "80"
	case scheme != "https" && scheme != "http":
		return ""
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil || port[0] == '0' {
		return ""
	}
	return Origin(scheme + "://" + net.JoinHostPort(host, port))
}

func isASCII(host string) bool {
	return !strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' })
}

// isPlain reports whether o is an http origin.
func (o Origin) isPlain() bool { return strings.HasPrefix(string(o), "http://") }

// host is the host of o without the port.
func (o Origin) host() string {
	u, err := url.Parse(string(o))
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// ParseOrigin reads an origin as a person writes it: a URL, or HOST[:PORT] for https.
// Plain http is an origin only of a loopback host. A text with a user part
// (https://adfs.corp.example@other.example) is refused: it names another host than it
// seems to. Errors quote the text without user part, query and fragment.
func ParseOrigin(text string) (Origin, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", fmt.Errorf("%q is not a URL", withoutSecrets(text))
	}
	o := OriginOf(u)
	switch {
	case u.User != nil:
		return "", fmt.Errorf("%q holds a user name before its host", SafeURL(u))
	case u.Hostname() != "" && !isASCII(u.Hostname()):
		return "", fmt.Errorf("%q has a host name outside ASCII", SafeURL(u))
	case o == "":
		return "", fmt.Errorf("%q has no https host", SafeURL(u))
	case o.isPlain() && !IsLoopback(u.Hostname()):
		return "", fmt.Errorf("%q is not https", SafeURL(u))
	}
	return o, nil
}

// withoutSecrets cuts a text that is no URL down to what can hold neither a user
// part nor a query.
func withoutSecrets(text string) string {
	if i := strings.IndexAny(text, "?#"); i >= 0 {
		text = text[:i]
	}
	if i := strings.LastIndex(text, "@"); i >= 0 {
		text = text[i+1:]
	}
	return CleanWords(text)
}

// IsLoopback reports whether host can only be this machine: localhost or a literal
// loopback address.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// Trust says who may be sent what the person types and whom an assertion may be
// taken from. The zero value trusts nobody.
type Trust struct {
	Origins []Origin // the configured one first, then the listed ones
	ACS     []string // assertion consumer URLs to accept besides those of AWS
	// CertificateAt are the further origins at which the configured provider asks for a
	// client certificate. They share its cookies as they do in a browser, see the
	// certificate, and an assertion is taken from them; nothing that was typed goes there.
	CertificateAt []Origin
}

// NewTrust builds a Trust from the configured sign-in URL and the further hosts and
// assertion consumer URLs that the person listed. Plain http may be listed only where
// the configured URL itself is plain http on this machine.
func NewTrust(configured string, hosts, acs []string) (Trust, error) {
	t := Trust{ACS: acs}
	for _, text := range append([]string{configured}, hosts...) {
		o, err := ParseOrigin(text)
		if err != nil {
			return Trust{}, err
		}
		if o.isPlain() && len(t.Origins) > 0 && !t.Origins[0].isPlain() {
			return Trust{}, fmt.Errorf("%q is not https, and the sign-in address is", string(o))
		}
		t.Origins = append(t.Origins, o)
	}
	return t, nil
}

// SharedCookies are the origins that share the configured one's cookies, for NewJar.
func (t Trust) SharedCookies() []Shared {
	var all []Shared
	for _, o := range t.CertificateAt {
		if len(t.Origins) == 0 {
			break
		}
		all = append(all, Shared{At: o, Home: t.Origins[0]})
	}
	return all
}

// Has reports whether u's origin is trusted.
func (t Trust) Has(u *url.URL) bool { return judge{t, OriginOf}.has(u) }

// CheckSubmit says whether what a person typed may go from the page at page to
// target. It returns nil or an *OriginError.
func (t Trust) CheckSubmit(page, target *url.URL) error {
	return judge{t, OriginOf}.submit(page, target)
}

// CheckChallenge says whether a 401 of the page at page may be answered by HTTP
// authentication: only the configured origin's may be. It returns nil or an *OriginError
// that is Doing DoingAnswer.
func (t Trust) CheckChallenge(page *url.URL) error { return judge{t, OriginOf}.challenge(page) }

// CheckCertificate says whether a page may send the person to target to show their
// certificate. It returns nil or an *OriginError.
func (t Trust) CheckCertificate(page, target *url.URL) error {
	j := judge{t, OriginOf}
	for _, u := range []*url.URL{page, target} {
		if !j.certifies(u) {
			return &OriginError{Doing: "show your certificate", Page: SafeURL(page), Target: SafeURL(target), Untrusted: OriginOf(u)}
		}
	}
	return nil
}

// CheckAssertion says whether an assertion that the page at page posts to action may
// be taken: the page must be of a trusted origin; action must be, and the assertion's
// own destination if it has one, an AWS sign-in address (or one of ACS), both of one
// partition. It returns nil, an *OriginError for the page, or a *PageError with
// verdict ForeignAssertion.
func (t Trust) CheckAssertion(page, action *url.URL, a *saml.Assertion) error {
	return judge{t, OriginOf}.assertion(page, action, a)
}

// judge is Trust together with the rule that makes an origin of a URL. The rule is
// OriginOf; tests put wrong ones in its place to see that they are noticed.
type judge struct {
	trust  Trust
	origin func(*url.URL) Origin
}

func (j judge) has(u *url.URL) bool {
	o := j.origin(u)
	for _, trusted := range j.trust.Origins {
		if o != "" && o == trusted {
			return true
		}
	}
	return false
}

// certifies reports whether the client certificate may be shown to u.
func (j judge) certifies(u *url.URL) bool {
	return j.has(u) || slices.Contains(j.trust.CertificateAt, j.origin(u))
}

func (j judge) submit(page, target *url.URL) error {
	for _, u := range []*url.URL{page, target} {
		if !j.has(u) {
			return &OriginError{Doing: "send what you typed", Page: SafeURL(page), Target: SafeURL(target), Untrusted: j.origin(u)}
		}
	}
	return nil
}

func (j judge) challenge(page *url.URL) error {
	if len(j.trust.Origins) > 0 && j.origin(page) != "" && j.origin(page) == j.trust.Origins[0] && j.mayOpen(page) {
		return nil
	}
	return &OriginError{Doing: DoingAnswer, Target: SafeURL(page), Untrusted: j.origin(page)}
}

func (j judge) assertion(page, action *url.URL, a *saml.Assertion) error {
	if !j.certifies(page) {
		return &OriginError{Doing: "take an assertion", Page: SafeURL(page), Target: SafeURL(action), Untrusted: j.origin(page)}
	}
	if action == nil {
		action = &url.URL{}
	}
	partition, ok := j.trust.acceptsACS(action.String())
	if ok && a.Destination != "" {
		var other string
		other, ok = j.trust.acceptsACS(a.Destination)
		ok = ok && (partition == "" || other == "" || partition == other)
		if u, err := url.Parse(a.Destination); err == nil {
			action = u
		}
	}
	if !ok {
		return &PageError{Verdict: ForeignAssertion, URL: SafeURL(page), Words: SafeURL(action)}
	}
	return nil
}

// acceptsACS returns the partition of an AWS sign-in address, "" for one of ACS.
func (t Trust) acceptsACS(to string) (partition string, ok bool) {
	if partition, ok = saml.SignInPartition(to); ok {
		return partition, true
	}
	for _, acs := range t.ACS {
		if sameURL(to, acs) {
			return "", true
		}
	}
	return "", false
}

// sameURL compares origins, paths and queries: a default port may be written or not.
func sameURL(a, b string) bool {
	u, err := url.Parse(a)
	if err != nil {
		return false
	}
	v, err := url.Parse(b)
	return err == nil && OriginOf(u) != "" && OriginOf(u) == OriginOf(v) &&
		u.EscapedPath() == v.EscapedPath() && u.RawQuery == v.RawQuery
}

// DoingAnswer is the Doing of an OriginError over a 401 that is not answered.
const DoingAnswer = "answer a challenge"

// OriginError reports that gatehop refused to give something to, or take it from, a
// host that the person did not name.
type OriginError struct {
	Doing        string // "send what you typed", "take an assertion", "show your certificate", "follow a redirect", "open a page"
	Page, Target string // URLs without user, query and fragment; Page may be ""
	Untrusted    Origin // the one that is not trusted; "" if it has no origin at all
}

func (e *OriginError) Error() string {
	what := "is not a trusted origin"
	if e.Untrusted.isPlain() {
		what = "is not https"
	}
	if e.Doing == DoingAnswer {
		what = "is not the configured origin"
	}
	subject := string(e.Untrusted)
	if subject == "" {
		subject, what = "an address", "is not https"
	}
	from := ""
	if e.Page != "" {
		from = "page " + e.Page + ", "
	}
	return fmt.Sprintf("refused to %s: %starget %s: %s %s", e.Doing, from, e.Target, subject, what)
}

// SafeURL is u without what may hold a secret: user, query, fragment, and the
// parameters of path segments (";jsessionid=..."). It is fit for errors and logs.
func SafeURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: safePath(u)}).String()
}

// safePath is u's path, decoded, without segment parameters.
func safePath(u *url.URL) string {
	if !strings.Contains(u.Path, ";") {
		return u.Path
	}
	segments := strings.Split(u.Path, "/")
	for i, s := range segments {
		segments[i], _, _ = strings.Cut(s, ";")
	}
	return strings.Join(segments, "/")
}

// ErrNoAnswer is what a Prompter returns for a question that it cannot answer.
var ErrNoAnswer = errors.New("no answer")
