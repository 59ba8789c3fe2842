package sts

import (
	"net/netip"
	"net/url"
	"strings"

	"gatehop/saml"
)

// DefaultRegion returns the region whose STS to call in a partition when nobody names
// one, "" for a partition that is not known.
func DefaultRegion(partition string) string { return saml.DefaultRegion(partition) }

// RegionPartition returns the partition that a region belongs to. ok is false where
// no partition has such regions; AWS may open one any day.
func RegionPartition(region string) (partition string, ok bool) { return saml.RegionPartition(region) }

// ValidRegion reports whether region is 1 to 63 of a-z, 0-9 and "-", beginning and
// ending with a letter or digit: fit for a host name, a signature and a shell. It does
// not say that there is such a region.
func ValidRegion(region string) bool {
	return len(region) >= 1 && len(region) <= 63 && region[0] != '-' && region[len(region)-1] != '-' &&
		only(region, func(c byte) bool { return c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' })
}

// EndpointError says why a custom endpoint is not used.
type EndpointError struct {
	Host string // without user, path and query; "" if there is none
	Why  string
}

func (e *EndpointError) Error() string {
	if e.Host == "" {
		return "use custom STS endpoint: " + e.Why
	}
	return "use custom STS endpoint at " + e.Host + ": " + e.Why
}

// CheckEndpoint says whether raw may be called in place of AWS's own endpoint: it must
// be https, or http to localhost or a literal loopback address, with no user, query or
// fragment. Credentials of AWS go there. The error is an *EndpointError.
func CheckEndpoint(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" {
		return &EndpointError{Why: "it is not a URL"} // url.Parse quotes what it was given, passwords too
	}
	host := tidy(u.Host)
	switch {
	case u.User != nil:
		return &EndpointError{Host: host, Why: "it names a user"}
	case u.Hostname() == "" || !only(u.Host, func(c byte) bool { return c > ' ' && c <= '~' && c != '%' }):
		return &EndpointError{Host: host, Why: "it has no plain ASCII host"}
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"):
		return &EndpointError{Host: host, Why: "it has a query or a fragment"}
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return &EndpointError{Host: host, Why: "it is neither https nor http to a loopback address"}
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func only(s string, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}
