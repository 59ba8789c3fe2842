package idp

import (
	"context"
	"net"
	"net/http"
	"net/url"
)

// Dial is how the tests of package idp_test put an imagined internet under the client.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// NewClientAt is NewClient with the network's own transport over dial, and rule in the
// place of OriginOf.
func NewClientAt(o ClientOptions, dial Dial, rule func(*url.URL) Origin) *http.Client {
	o.Transport = NetworkAt(o, dial, rule)
	return newClient(o, judge{o.Trust, rule})
}

// NetworkAt is that transport alone, without the walls that NewClient puts before it.
func NetworkAt(o ClientOptions, dial Dial, rule func(*url.URL) Origin) http.RoundTripper {
	base := newNetwork(o, judge{o.Trust, rule})
	for _, t := range base.(*network).by {
		t.DialContext = dial
	}
	return base
}

// WrongOrigin is one of the rules that people write instead of comparing origins.
func WrongOrigin(name string) func(*url.URL) Origin { return wrongOrigins[name] }
