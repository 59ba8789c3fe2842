package form

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

var errNotHTTP = errors.New("not an http address")

// resolve makes a reference absolute as the URL standard says where it is laxer than
// RFC 3986: spaces and controls around it, tabs and line ends within, back slashes,
// characters that must be escaped, and a query in the page's encoding. User and
// fragment are dropped; the host is lower case and has no default port.
func resolve(base *url.URL, ref string, cs charset) (*url.URL, error) {
	u, err := url.Parse(repair(ref, cs))
	if err != nil {
		return nil, fmt.Errorf("read an address: %w", errNotHTTP) // its text would quote the reference
	}
	u = base.ResolveReference(u)
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("read an address: %w", errNotHTTP)
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	u.Host = canonicalHost(u)
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

func canonicalHost(u *url.URL) string {
	host, port := lowerASCII(u.Hostname()), u.Port()
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		port = ""
	}
	switch {
	case port != "":
		return net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		return "[" + host + "]"
	}
	return host
}

// repair makes of a reference one that url.Parse reads as browsers do.
func repair(ref string, cs charset) string {
	ref = strings.TrimFunc(ref, func(r rune) bool { return r <= ' ' })
	ref = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(ref)
	ref, _, _ = strings.Cut(ref, "#")
	path, query, hasQuery := strings.Cut(ref, "?")
	path = percent(lonePercent(strings.ReplaceAll(path, `\`, "/")), "\"<>`{}^|")
	if rest, ok := strings.CutPrefix(path, "/"); ok && strings.HasPrefix(rest, "/") {
		path = "//" + strings.TrimLeft(rest, "/") // "///host" names a host
	}
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ":") && !hasScheme(first) {
		path = "./" + path // a colon in the first segment
	}
	if !hasQuery {
		return path
	}
	return path + "?" + percentQuery(query, cs.forOutput())
}

// hasScheme reports whether what stands before the first colon can be a scheme.
func hasScheme(s string) bool {
	scheme, _, _ := strings.Cut(s, ":")
	return scheme != "" && !strings.ContainsFunc(scheme, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("+-.", r)
	}) && (scheme[0] < '0' || scheme[0] > '9')
}

// percentQuery escapes a query in an encoding. What the encoding does not have is
// written as "&#N;", and that escaped too.
func percentQuery(query string, cs charset) string {
	var b strings.Builder
	for _, r := range query {
		switch {
		case r < 0x80:
			b.WriteString(percent(string(r), "\"<>'"))
		case cs.has(r):
			b.WriteString(percent(cs.encode(string(r)), "\"<>'"))
		default:
			b.WriteString("%26%23" + strconv.Itoa(int(r)) + "%3B")
		}
	}
	return b.String()
}

// lonePercent escapes each "%" that begins no escape, which url.Parse refuses in a path.
func lonePercent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(s[i])
		if s[i] == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])) {
			b.WriteString("25")
		}
	}
	return b.String()
}

// percent escapes what may not stand in a URL: controls, spaces, bytes outside ASCII
// and the characters of also.
func percent(s, also string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c > ' ' && c < 0x7f && strings.IndexByte(also, c) < 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
