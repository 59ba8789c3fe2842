package idp

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// script is a random conversation of Set-Cookie lines and requests.
type script struct{ r *rand.Rand }

func pick[T any](s script, from ...T) T { return from[s.r.IntN(len(from))] }

func (s script) line() string {
	line := pick(s, "a", "b", "c") + "=" + pick(s, "", "1", "2", `"q"`)
	for range s.r.IntN(4) {
		line += "; " + pick(s, "Path=/", "Path=/adfs", "Path=/adfs/", "Path=/adfs/ls", "Path=x", "Path=", "Secure", "HttpOnly",
			"Max-Age=0", "Max-Age=60", "Max-Age=-5", "Max-Age=1e9", "Max-Age=007", "Expires=Thu, 01 Jan 1970 00:00:00 GMT",
			"Expires=Sun, 01-Mar-2026 12:05:00 GMT", "Expires=never", "SameSite=Lax", "Domain=adfs.corp.example",
			"Domain=evil.example", "Domain=x.adfs.corp.example", "Domain=.", "Domain=..corp.example", "Domain=corp.example.")
	}
	return line
}

func (s script) path() string {
	return pick(s, "", "/", "/adfs", "/adfs/", "/adfs/ls", "/adfs/ls/", "/adfs/ls/wia", "/ADFS/ls", "/adfsx", "/other")
}

// differences plays scripts to a jar and to Go's and returns the requests that are
// given different cookies. It ends with the first script that has one.
func differences(t *testing.T, open func(now func() time.Time) http.CookieJar) (out []string) {
	t.Helper()
	for seed := range uint64(300) {
		if len(out) > 0 {
			return out
		}
		synctest.Test(t, func(t *testing.T) { // Go's jar reads the real clock
			theirs, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			if wait := time.Until(newStill().now); wait > 0 {
				time.Sleep(wait)
			}
			ours, s, told := open(time.Now), script{rand.New(rand.NewPCG(seed, 1))}, ""
			for range 12 {
				from, line := homeURL+s.path(), s.line()
				told += " " + from + " <- " + line
				set(t, ours, from, line)
				set(t, theirs, from, line)
				time.Sleep(pick(s, time.Second, time.Minute))
				to := homeURL + s.path()
				if a, b := shown(t, ours, to), shown(t, theirs, to); a != b {
					out = append(out, fmt.Sprintf("%s after%s: %q, Go's jar %q", to, told, a, b))
				}
			}
		})
	}
	return out
}

// Within one origin a Jar does what Go's does. Outside of the comparison is what the
// two are meant to do differently, and what TestJar has: ports, http, parent domains,
// sizes and numbers, lives over 400 days, escaped paths.
func TestJarAgreesWithGo(t *testing.T) {
	t.Parallel()
	for _, d := range differences(t, func(now func() time.Time) http.CookieJar { return NewJar(now) }) {
		t.Error(d)
	}
}

// wrongJar breaks one rule of a Jar.
type wrongJar struct {
	*Jar
	line func(*http.Cookie)
	out  func([]*http.Cookie)
}

func (w wrongJar) SetCookies(u *url.URL, cs []*http.Cookie) {
	if w.line != nil {
		for _, c := range cs {
			w.line(c)
		}
	}
	w.Jar.SetCookies(u, cs)
}

func (w wrongJar) Cookies(u *url.URL) []*http.Cookie {
	cs := w.Jar.Cookies(u)
	if w.out != nil {
		w.out(cs)
	}
	return cs
}

// The controls: the comparison notices each broken rule.
func TestJarComparisonNotices(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]wrongJar{
		"no path":       {line: func(c *http.Cookie) { c.Path = "/" }},
		"default path":  {line: func(c *http.Cookie) { c.Path = cmp.Or(c.Path, "/") }},
		"no age":        {line: func(c *http.Cookie) { c.MaxAge = 0 }},
		"no date":       {line: func(c *http.Cookie) { c.Expires = time.Time{} }},
		"no domain":     {line: func(c *http.Cookie) { c.Domain = "" }},
		"no quotes":     {line: func(c *http.Cookie) { c.Quoted = false }},
		"date over age": {line: func(c *http.Cookie) { c.MaxAge *= min(1, len(c.RawExpires)) ^ 1 }},
		"by name": {out: func(cs []*http.Cookie) {
			slices.SortFunc(cs, func(a, b *http.Cookie) int { return cmp.Compare(a.Name, b.Name) })
		}},
		"newest first": {out: slices.Reverse[[]*http.Cookie]},
	} {
		found := differences(t, func(now func() time.Time) http.CookieJar {
			w := w
			w.Jar = NewJar(now)
			return w
		})
		if len(found) == 0 {
			t.Errorf("%s: goes unnoticed", name)
		}
	}
}
