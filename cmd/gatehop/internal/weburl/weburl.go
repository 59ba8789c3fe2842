// Package weburl is what the configuration wants to know of a URL.
package weburl

import "strings"

// URL is a URL taken apart as net/url does it.
type URL struct {
	Scheme, Host, Hostname, Path string // Host is Hostname and port
	Bare                         string // scheme, host and path alone, as text
	HasUser, HasQuery            bool
	HasFragment, IsOpaque        bool
	IsLoopback                   bool // Hostname is a literal loopback address
}

// Reader takes a text apart; ok is false for one that is no URL.
type Reader func(text string) (u URL, ok bool)

// Plain is a Reader that knows the URLs that people mostly write, scheme://host with an
// optional port, path and query, and says of all others that they are none. It says
// nothing else than the Reader of package anyurl, and costs no start anything.
func Plain(text string) (u URL, ok bool) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || scheme != "https" && scheme != "http" && scheme != "socks5" {
		return URL{}, false
	}
	rest, query, asked := strings.Cut(rest, "?")
	host := rest
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, u.Path = rest[:i], rest[i:]
	}
	name, port, hasPort := strings.Cut(host, ":")
	switch {
	case name == "" || !only(name, isName) || hasPort && (port == "" || !only(port, isDigit)):
		return URL{}, false
	case strings.HasPrefix(name, "127.") && name != "127.0.0.1":
		return URL{}, false // an address, or nearly one
	case !only(u.Path, isPath) || asked && (query == "" || !only(query, isQuery)):
		return URL{}, false
	}
	u.Scheme, u.Host, u.Hostname, u.Bare = scheme, host, name, scheme+"://"+rest
	u.HasQuery, u.IsLoopback = asked, name == "127.0.0.1"
	return u, true
}

func only(text string, allowed func(byte) bool) bool {
	for i := range len(text) {
		if !allowed(text[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isName(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '.'
}

func isPath(c byte) bool { return isName(c) || c == '/' || c == '_' || c == '~' }

func isQuery(c byte) bool {
	return isPath(c) || c == '=' || c == '&' || c == ':' || c == '+' || c == '%'
}
