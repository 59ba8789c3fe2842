package idp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehop/saml"
)

// setting is one configuration and the addresses tried against it. Which of them are
// trusted is written down next to how each was made, not worked out by a parser.
type setting struct {
	configured string
	listed     []string
	variants   []variant
}

type variant struct {
	name    string
	base    string // scheme://authority
	trusted bool
	same    bool // of the configured origin itself
	opens   bool // may be visited at all
}

// settings makes every variant of an https host, of a listed second host, and of a
// plain http loopback address.
func settings() []setting {
	const host = "adfs.corp.example"
	variants := []variant{
		{"same", "https://" + host, true, true, true},
		{"upper case", "HTTPS://" + strings.ToUpper(host), true, true, true},
		{"explicit default port", "https://" + host + ":443", true, true, true},
		{"user part", "https://alice:x@" + host, true, true, true},
		{"listed", "https://sso.corp.example:8443", true, false, true},
		{"sub-domain", "https://a." + host, false, false, true},
		{"sibling", "https://other.corp.example", false, false, true},
		{"parent", "https://corp.example", false, false, true},
		{"listed, other port", "https://sso.corp.example", false, false, true},
		{"look-alike suffix", "https://" + host + ".evil.example", false, false, true},
		{"look-alike prefix", "https://evil-" + host, false, false, true},
		{"look-alike letter", "https://adfs.corp.examp1e", false, false, true},
		{"look-alike user part", "https://" + host + "@evil.example", false, false, true},
		{"look-alike user part with port", "https://" + host + ":443@evil.example", false, false, true},
		{"other port", "https://" + host + ":8443", false, false, true},
		{"port with leading zero", "https://" + host + ":0443", false, false, false},
		{"port out of range", "https://" + host + ":66979", false, false, false},
		{"http", "http://" + host, false, false, false},
		{"http on port 443", "http://" + host + ":443", false, false, false},
		{"other scheme", "ftp://" + host, false, false, false},
		{"loopback", "https://127.0.0.1", false, false, true},
		{"http loopback", "http://localhost:443", false, false, false},
		{"trailing dot", "https://" + host + ".", false, false, true},
		{"cyrillic letter", "https://\u0430dfs.corp.example", false, false, false},
		{"full-width letter", "https://\uff41dfs.corp.example", false, false, false},
		{"ideographic full stop", "https://adfs\u3002corp.example", false, false, false},
		{"punycode look-alike", "https://xn--dfs-5cd.corp.example", false, false, true},
	}
	const local = "http://127.0.0.1:8080"
	return []setting{
		{"https://" + host, []string{"https://sso.corp.example:8443"}, variants},
		{local, nil, []variant{
			{"same", local, true, true, true},
			{"other port", "http://127.0.0.1:8081", false, false, true},
			{"default port", "http://127.0.0.1", false, false, true},
			{"another loopback address", "http://127.0.0.2:8080", false, false, true},
			{"localhost", "http://localhost:8080", false, false, true},
			{"ipv6", "http://[::1]:8080", false, false, true},
			{"https", "https://127.0.0.1:8080", false, false, true},
			{"http elsewhere", "http://" + host + ":8080", false, false, false},
			{"short form of the address", "http://127.1:8080", false, false, false},
		}},
	}
}

// wrongOrigins are rules that people write instead of comparing origins.
var wrongOrigins = map[string]func(*url.URL) Origin{
	"registrable domain": func(u *url.URL) Origin {
		labels := strings.Split(u.Hostname(), ".")
		v := *u
		v.Host = net.JoinHostPort(strings.Join(labels[max(0, len(labels)-2):], "."), portOf(u))
		return OriginOf(&v)
	},
	"host only": func(u *url.URL) Origin {
		if OriginOf(u) == "" {
			return ""
		}
		return Origin("https://" + strings.ToLower(u.Hostname()))
	},
	"scheme-blind": func(u *url.URL) Origin {
		if o := OriginOf(u); o != "" {
			return Origin("https://" + strings.ToLower(u.Hostname()) + ":" + portOf(u))
		}
		return ""
	},
	"trailing dot dropped": func(u *url.URL) Origin {
		v := *u
		v.Host = net.JoinHostPort(strings.TrimSuffix(u.Hostname(), "."), portOf(u))
		return OriginOf(&v)
	},
	"authority as text": func(u *url.URL) Origin { // takes the user part for the host
		text := u.User.String() + "@" + u.Host
		host, _, _ := strings.Cut(strings.TrimPrefix(text, "@"), "@")
		v := url.URL{Scheme: u.Scheme, Host: host}
		return OriginOf(&v)
	},
	"prefix": func(u *url.URL) Origin {
		v := *u
		if strings.HasPrefix(u.Host, "adfs.corp.example") {
			v.Host = "adfs.corp.example"
		}
		return OriginOf(&v)
	},
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

const typedCanary = "correct-horse-canary"

// disagreements tries every place against every variant under the rule origin and
// returns what differs from the table: "place: variant".
func disagreements(t *testing.T, origin func(*url.URL) Origin) []string {
	var out []string
	for _, s := range settings() {
		trust, err := NewTrust(s.configured, s.listed, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range trust.Origins { // a wrong rule is wrong about these as well
			trust.Origins[i] = origin(mustURL(t, string(o)))
		}
		j := judge{trust, origin}
		home := mustURL(t, s.configured+"/adfs/ls/?client=1")
		for _, v := range s.variants {
			note := func(place string, got, want bool) {
				if got != want {
					out = append(out, fmt.Sprintf("%s: %s of %s: got %v", place, v.name, s.configured, got))
				}
			}
			u, err := url.Parse(v.base + "/adfs/ls/")
			if err != nil {
				t.Fatal(err)
			}
			note("page", j.submit(u, home) == nil, v.trusted)
			note("action", j.submit(home, u) == nil, v.trusted)
			aws := mustURL(t, "https://signin.aws.amazon.com:443/saml")
			note("assertion", j.assertion(u, aws, &saml.Assertion{Destination: "https://signin.aws.amazon.com/saml"}) == nil, v.trusted)
			seen := visit(t, j, true, u.String(), 0, "")
			note("posted", seen.typed, v.trusted)
			for _, status := range []int{301, 302, 303, 307, 308} {
				again := status >= 307
				seen = visit(t, j, true, home.String(), status, u.String())
				note(fmt.Sprintf("typed again %d", status), seen.typed, false)
				seen = visit(t, j, false, home.String(), status, u.String())
				note(fmt.Sprintf("redirect %d", status), seen.typed, again && v.same)
				note(fmt.Sprintf("followed %d", status), seen.arrived, (v.same || !again) && v.opens)
			}
		}
	}
	return out
}

type visited struct{ arrived, typed bool }

// visit posts a form to an address and, with a status, has it redirect to another. It
// tells what reached the last address. Without mark the form is none that a person
// filled in, which may be sent again within its origin.
func visit(t *testing.T, j judge, mark bool, to string, status int, location string) visited {
	t.Helper()
	var (
		seen  visited
		calls int
	)
	client := newClient(ClientOptions{Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
		calls++
		text := ""
		if req.Body != nil {
			b, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		if status != 0 && calls == 1 {
			return answer(req, status, http.Header{"Location": {location}}, ""), nil
		}
		seen = visited{true, strings.Contains(text, typedCanary)}
		return answer(req, 200, nil, "ok"), nil
	})}, j)
	req := postForm(t, to, url.Values{"Password": {typedCanary}})
	if mark {
		req = req.WithContext(WithTyped(req.Context()))
	}
	resp, err := client.Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	if origin, page := (*OriginError)(nil), (*PageError)(nil); err != nil && !errors.As(err, &origin) && !errors.As(err, &page) {
		t.Errorf("POST %s -> %d %s: %v, want *OriginError", to, status, location, err)
	}
	return seen
}

func TestTrustTable(t *testing.T) {
	t.Parallel()
	for _, d := range disagreements(t, OriginOf) {
		t.Error(d)
	}
}

// The controls: each wrong rule is noticed, at each place that could tell.
func TestTrustTableNoticesWrongRules(t *testing.T) {
	t.Parallel()
	anywhere := []string{"page", "action", "assertion", "posted", "redirect 307", "redirect 308"}
	wanted := map[string][]string{
		"registrable domain":   anywhere,
		"host only":            anywhere,
		"scheme-blind":         {"page", "action", "assertion"}, // on the way out, https is asked for besides
		"trailing dot dropped": anywhere,
		"authority as text":    anywhere[:4], // a redirect loses its user part before it is judged
		"prefix":               anywhere,
	}
	for name, rule := range wrongOrigins {
		found := disagreements(t, rule)
		for _, place := range wanted[name] {
			if !slices.ContainsFunc(found, func(d string) bool { return strings.HasPrefix(d, place+": ") }) {
				t.Errorf("rule %q goes unnoticed at %q; found %q", name, place, found)
			}
		}
	}
}

func TestParseOrigin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want Origin // "" is an error
	}{
		{"adfs.corp.example", "https://adfs.corp.example:443"},
		{" ADFS.corp.example:8443 ", "https://adfs.corp.example:8443"},
		{"https://adfs.corp.example/adfs/ls/?x=1#y", "https://adfs.corp.example:443"},
		{"HTTPS://Adfs.Corp.Example:443", "https://adfs.corp.example:443"},
		{"http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
		{"http://[::1]:8080/", "http://[::1]:8080"},
		{"http://localhost", "http://localhost:80"},
		{"xn--mller-kva.example", "https://xn--mller-kva.example:443"},
		{"http://adfs.corp.example", ""},
		{"ftp://adfs.corp.example", ""},
		{"https://", ""},
		{"", ""},
		{"https://m\u00fcller.example", ""},
		{"https://adfs.corp.example:0", ""},
		{"https://adfs.corp.example:99999", ""},
		{"https://adfs.corp.example:x", ""},
		{"https://alice:canary@adfs.corp.example/?canary", ""},
		{"https://alice:canary@adfs.corp.example:x/?canary", ""},
		{"https://adfs.corp.example%00/?canary", ""},
	} {
		got, err := ParseOrigin(c.text)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("ParseOrigin(%q) = %q, %v, want %q", c.text, got, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("ParseOrigin(%q): error repeats a password or query: %v", c.text, err)
		}
	}
}

func TestNewTrust(t *testing.T) {
	t.Parallel()
	if _, err := NewTrust("https://adfs.corp.example", []string{"http://127.0.0.1:1"}, nil); err == nil {
		t.Error("plain http listed next to an https address: no error")
	}
	if _, err := NewTrust("http://127.0.0.1:1", []string{"http://127.0.0.1:2", "https://x.example"}, nil); err != nil {
		t.Errorf("loopback addresses listed next to one: %v", err)
	}
	if _, err := NewTrust("https://adfs.corp.example", []string{"http://x.example"}, nil); err == nil {
		t.Error("plain http listed: no error")
	}
	if (Trust{}).Has(mustURL(t, "https://adfs.corp.example")) || (Trust{Origins: []Origin{""}}).Has(&url.URL{}) {
		t.Error("a Trust without origins trusts somebody")
	}
}

func TestCheckAssertion(t *testing.T) {
	t.Parallel()
	const aws, china = "https://signin.aws.amazon.com/saml", "https://signin.amazonaws.cn/saml"
	trust := Trust{Origins: []Origin{"https://adfs.corp.example:443"}, ACS: []string{"https://acs.example/saml?a=1"}}
	for _, c := range []struct {
		name, action, destination string
		want                      bool
	}{
		{"aws", aws, aws, true},
		{"aws with port", "https://signin.aws.amazon.com:443/saml", aws, true},
		{"no destination", aws, "", true},
		{"china", china, china, true},
		{"listed", "https://acs.example:443/saml?a=1", "https://acs.example/saml?a=1", true},
		{"listed with aws inside", "https://acs.example/saml?a=1", aws, true},
		{"two partitions", aws, china, false},
		{"no action", "", aws, false},
		{"no address at all", "", "", false},
		{"other service", "https://sp.example/saml", "https://sp.example/saml", false},
		{"action elsewhere", "https://sp.example/saml", aws, false},
		{"destination elsewhere", aws, "https://sp.example/saml", false},
		{"look-alike", "https://signin.aws.amazon.com.evil.example/saml", aws, false},
		{"listed, other path", "https://acs.example/other?a=1", aws, false},
		{"listed, other query", "https://acs.example/saml?a=2", aws, false},
		{"listed, http", "http://acs.example/saml?a=1", aws, false},
	} {
		page, action := mustURL(t, "https://adfs.corp.example/adfs/ls/?secret"), mustURL(t, c.action)
		err := trust.CheckAssertion(page, action, &saml.Assertion{Destination: c.destination})
		if (err == nil) != c.want {
			t.Errorf("%s: %v, want accepted %v", c.name, err, c.want)
		}
		if err != nil && !errors.Is(err, &PageError{Verdict: ForeignAssertion}) {
			t.Errorf("%s: %v, want verdict %s", c.name, err, ForeignAssertion)
		}
		if err != nil && (strings.Contains(err.Error(), "a=") || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: error holds a query: %v", c.name, err)
		}
	}
	if err := trust.CheckAssertion(mustURL(t, "https://adfs.corp.example/"), nil, &saml.Assertion{Destination: aws}); err == nil {
		t.Error("nil action: accepted")
	}
}

func TestSafeURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://u:p@h.example:8443/a;jsessionid=1/b;x?q#f": "https://h.example:8443/a/b",
		"https://h.example":           "https://h.example",
		"https://h.example/a%20b%3Bc": "https://h.example/a%20b",
		"urn:x:y?q":                   "urn:",
	} {
		if got := SafeURL(mustURL(t, in)); got != want {
			t.Errorf("SafeURL(%q) = %q, want %q", in, got, want)
		}
	}
	if SafeURL(nil) != "" {
		t.Error("SafeURL(nil) is not empty")
	}
}
