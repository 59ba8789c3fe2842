package idp

import (
	"cmp"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehop/creds/secret"
)

// What a Jar keeps at most. The first two are those of RFC 6265bis section 5.7, the
// number per origin is Chrome's.
const (
	maxCookieSize    = 4096 // bytes of name and value
	maxCookieAttr    = 1024 // bytes of an attribute
	maxCookies       = 180  // of one origin
	maxCookieBytes   = 64 << 10
	maxCookieOrigins = 64 // cookies of further origins are not kept
	maxCookieLife    = 400 * 24 * time.Hour
)

// Cookie is one cookie with the attributes of its Set-Cookie line, for storage.
type Cookie struct {
	Origin   Origin // that set it, and the only one to get it back
	Name     string
	Value    secret.Text // without the quotes
	Quoted   bool        // the value came in double quotes and goes back in them
	Domain   string      // as sent, for information: every cookie is host-only here
	Path     string      // from "/"; the default path if none was sent
	Secure   bool
	HttpOnly bool
	SameSite http.SameSite // kept, not enforced: every request here is a person's navigation
	Expires  time.Time     // zero: a session cookie
	Created  time.Time
}

// Jar is an http.CookieJar that can tell what it holds, which Go's cannot. It differs
// from Go's in three ways, all of them stricter: a cookie goes back to the origin that
// set it and nowhere else (Go ignores the port, and the scheme unless Secure); a
// Domain attribute is checked but never widens that; and there are limits, of which
// Go's has none. Paths are those of RFC 6265 section 5.1.4, and so case-sensitive.
// Origins that NewJar was told are one provider are as a browser has them: see Shared.
// A Jar may be used by many goroutines at once.
type Jar struct {
	now    func() time.Time
	shared []Shared

	mu     sync.Mutex
	seq    uint64
	origin map[Origin][]entry // in order of seq
}

type entry struct {
	Cookie
	seq uint64
}

// Shared is an origin whose cookies are those of another, as far as they would be in a
// browser: of the same host, which for cookies has no ports (RFC 6265 section 8.5), all;
// of a host below it those with a Domain attribute that names the other's host.
type Shared struct{ At, Home Origin }

// NewJar returns an empty Jar. now is the clock that cookies expire by; with nil they
// end only when they are deleted, by Max-Age or by a date of 1970.
func NewJar(now func() time.Time, shared ...Shared) *Jar {
	return &Jar{now: clock(now), shared: shared, origin: map[Origin][]entry{}}
}

// home is where the cookies of o with that Domain attribute are kept.
func (j *Jar) home(o Origin, domain string) Origin {
	i := slices.IndexFunc(j.shared, func(s Shared) bool { return s.At == o && s.covers(domain) })
	if i < 0 {
		return o
	}
	return j.shared[i].Home
}

// covers reports whether a cookie with that Domain attribute goes to both.
func (s Shared) covers(domain string) bool {
	at, home := s.At.host(), s.Home.host()
	return at == home || strings.EqualFold(strings.TrimPrefix(domain, "."), home) && strings.HasSuffix(at, "."+home)
}

// Cookies returns the cookies for a request to u, longest path first and among equals
// the oldest (RFC 6265 section 5.4).
func (j *Jar) Cookies(u *url.URL) []*http.Cookie {
	o := OriginOf(u)
	if o == "" {
		return nil
	}
	path := requestPath(u)
	j.mu.Lock()
	defer j.mu.Unlock()
	var hits []entry
	for _, at := range j.places(o) {
		for _, e := range j.live(at) {
			if pathMatches(e.Path, path) && (at == o || j.home(o, e.Domain) == at) {
				hits = append(hits, e)
			}
		}
	}
	slices.SortStableFunc(hits, func(a, b entry) int {
		return cmp.Or(cmp.Compare(len(b.Path), len(a.Path)), cmp.Compare(a.seq, b.seq))
	})
	var out []*http.Cookie
	for _, e := range hits {
		out = append(out, &http.Cookie{Name: e.Name, Value: e.Value.Reveal(), Quoted: e.Quoted})
	}
	return out
}

// places are the origins under which cookies for o may be kept.
func (j *Jar) places(o Origin) []Origin {
	all := []Origin{o}
	for _, s := range j.shared {
		if s.At == o {
			all = append(all, s.Home)
		}
	}
	return all
}

// SetCookies keeps, replaces and deletes what a response from u says.
func (j *Jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	o := OriginOf(u)
	if o == "" {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.now()
	for _, c := range cookies {
		if cookie, ok := received(o, u, c, now); ok {
			cookie.Origin = j.home(o, cookie.Domain)
			j.put(cookie)
		}
	}
}

// Entries returns the live cookies of o, oldest first.
func (j *Jar) Entries(o Origin) []Cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []Cookie
	for _, e := range j.live(o) {
		out = append(out, e.Cookie)
	}
	return out
}

// Restore puts back what Entries returned, in that order. What has expired since, or
// could not have come from a Jar, is left out.
func (j *Jar) Restore(cookies []Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range cookies {
		u, err := url.Parse(string(c.Origin))
		if err == nil && OriginOf(u) == c.Origin && c.Origin != "" && keepable(u, c) {
			j.put(c)
		}
	}
}

// Drop forgets the cookies of o with one of names, all of them if there are no names.
func (j *Jar) Drop(o Origin, names ...string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.keep(o, func(e entry) bool { return len(names) > 0 && !slices.Contains(names, e.Name) })
}

// received reads one cookie of a response from u, whose origin is o.
func received(o Origin, u *url.URL, c *http.Cookie, now time.Time) (Cookie, bool) {
	out := Cookie{
		Origin: o, Name: c.Name, Value: secret.New(c.Value), Quoted: c.Quoted,
		Domain: c.Domain, Path: c.Path, Secure: c.Secure, HttpOnly: c.HttpOnly,
		SameSite: c.SameSite, Created: now,
	}
	switch { // Max-Age wins over Expires (RFC 6265 section 5.3)
	case c.MaxAge < 0:
		out.Expires = now
	case c.MaxAge > 0:
		out.Expires = now.Add(time.Duration(min(c.MaxAge, int(maxCookieLife/time.Second))) * time.Second)
	case !c.Expires.IsZero():
		out.Expires = c.Expires
		if longest := now.Add(maxCookieLife); out.Expires.After(longest) {
			out.Expires = longest
		}
	}
	if len(c.Path) == 0 || c.Path[0] != '/' || len(c.Path) > maxCookieAttr {
		out.Path = defaultPath(u)
	}
	return out, domainFits(u.Hostname(), c.Domain) && keepable(u, out)
}

// keepable reports whether c is of a form that could be sent back to u's origin.
func keepable(u *url.URL, c Cookie) bool {
	if c.Secure && u.Scheme != "https" && !IsLoopback(u.Hostname()) {
		return false
	}
	sent := http.Cookie{Name: c.Name, Value: c.Value.Reveal(), Quoted: c.Quoted}
	return sent.Valid() == nil && strings.HasPrefix(c.Path, "/") &&
		len(c.Name)+len(c.Value.Reveal()) <= maxCookieSize && len(c.Domain) <= maxCookieAttr
}

// domainFits reports whether a host may set a cookie with this Domain attribute: no
// attribute, the host itself, or a parent of it. That a parent might be a public
// suffix does no harm, because the cookie does not go there.
func domainFits(host, domain string) bool {
	if domain == "" {
		return true
	}
	host, domain = strings.ToLower(host), strings.ToLower(strings.TrimPrefix(domain, "."))
	if domain == host {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err != nil && domain != "" && domain[0] != '.' && strings.HasSuffix(host, "."+domain)
}

// put replaces the cookie of the same name and path, which keeps its place in the
// order (RFC 6265 section 5.3 step 11), or adds one; or deletes, if c has expired.
func (j *Jar) put(c Cookie) {
	old := slices.IndexFunc(j.origin[c.Origin], func(e entry) bool { return e.Name == c.Name && e.Path == c.Path })
	expired := !c.Expires.IsZero() && !c.Expires.After(j.now())
	switch list := j.origin[c.Origin]; {
	case expired:
		j.keep(c.Origin, func(e entry) bool { return e.Name != c.Name || e.Path != c.Path })
	case old >= 0:
		c.Created = list[old].Created
		list[old].Cookie = c
		j.trim(c.Origin, list[old].seq)
	case len(list) > 0 || len(j.origin) < maxCookieOrigins:
		j.seq++
		j.origin[c.Origin] = append(list, entry{c, j.seq})
		j.trim(c.Origin, j.seq)
	}
}

// trim drops the oldest cookies of o until the rest is within the limits, sparing the
// newest: a browser would forget the same way.
func (j *Jar) trim(o Origin, newest uint64) {
	list := j.live(o)
	size := 0
	for _, e := range list {
		size += len(e.Name) + len(e.Value.Reveal())
	}
	count := len(list)
	j.keep(o, func(e entry) bool {
		if e.seq == newest || count <= maxCookies && size <= maxCookieBytes {
			return true
		}
		count--
		size -= len(e.Name) + len(e.Value.Reveal())
		return false
	})
}

// live drops what has expired and returns the rest.
func (j *Jar) live(o Origin) []entry {
	now := j.now()
	j.keep(o, func(e entry) bool { return e.Expires.IsZero() || e.Expires.After(now) })
	return j.origin[o]
}

func (j *Jar) keep(o Origin, wanted func(entry) bool) {
	list := slices.DeleteFunc(j.origin[o], func(e entry) bool { return !wanted(e) })
	if j.origin[o] = list; len(list) == 0 {
		delete(j.origin, o)
	}
}

func requestPath(u *url.URL) string {
	if path := u.EscapedPath(); strings.HasPrefix(path, "/") {
		return path
	}
	return "/"
}

// defaultPath is that of RFC 6265 section 5.1.4: up to, and without, the last slash.
func defaultPath(u *url.URL) string {
	path := requestPath(u)
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}

// pathMatches is that of RFC 6265 section 5.1.4.
func pathMatches(cookie, request string) bool {
	return strings.HasPrefix(request, cookie) &&
		(len(request) == len(cookie) || strings.HasSuffix(cookie, "/") || request[len(cookie)] == '/')
}
