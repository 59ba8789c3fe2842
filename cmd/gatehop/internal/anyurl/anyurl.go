// Package anyurl reads every URL that net/url knows.
package anyurl

import (
	"net/netip"
	"net/url"

	"gatehop/cmd/gatehop/internal/weburl"
)

// Read is a weburl.Reader. It returns no words of url.Parse, which quote the URL.
func Read(text string) (weburl.URL, bool) {
	u, err := url.Parse(text)
	if err != nil {
		return weburl.URL{}, false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return weburl.URL{
		Scheme: u.Scheme, Host: u.Host, Hostname: u.Hostname(), Path: u.Path,
		Bare:    (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String(),
		HasUser: u.User != nil, HasQuery: u.RawQuery != "", HasFragment: u.Fragment != "", IsOpaque: u.Opaque != "",
		IsLoopback: err == nil && ip.IsLoopback(),
	}, true
}
