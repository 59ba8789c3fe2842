package idp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// DefaultUserAgent is outside the list of user agents for which AD FS starts
// integrated sign-in instead of showing its form (Microsoft Learn,
// WIASupportedUserAgents: the test is for substrings).
const DefaultUserAgent = "gatehop"

// IntegratedUserAgent is in that list, as it is by default from AD FS 3.0 on.
const IntegratedUserAgent = "Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko"

const (
	defaultTimeout = 30 * time.Second
	connectTimeout = 10 * time.Second
	maxHeaderBytes = 512 << 10
	acceptTypes    = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
)

// ClientOptions is what NewClient decides with. The zero value trusts nobody and can
// still read https pages.
type ClientOptions struct {
	Trust      Trust
	Jar        http.CookieJar   // nil: a fresh Jar
	Roots      *x509.CertPool   // nil: the system's
	ClientCert *tls.Certificate // shown to trusted origins and to Trust.CertificateAt; nil: none
	// LegacyTLS lets the first of Trust.Origins' host, as far as it is trusted or asks for
	// the certificate, speak
	// TLS 1.0 and up with suites that are refused elsewhere. Certificates are verified
	// as ever.
	LegacyTLS bool
	// OneConnection speaks HTTP/1.1 alone and keeps one connection to a host: integrated
	// sign-in is bound to it.
	OneConnection bool
	// Proxy chooses the proxy of a request; nil: none, whatever the environment says.
	Proxy     func(*http.Request) (*url.URL, error)
	UserAgent string            // "": DefaultUserAgent
	Timeout   time.Duration     // of one request, its body included; 0: 30 s
	Transport http.RoundTripper // in place of the network, for simulators; nil: the network
	Log       *slog.Logger      // nil logs nothing
	Now       func() time.Time  // nil: no clock; cookies end only when they are deleted
}

// NewClient returns a client that keeps the rules for walking sign-in pages:
//
//   - https only; http to this machine only if the configured origin is such
//   - at most 10 redirects, none away from https, none that sends a body again to
//     another origin
//   - what was typed (WithTyped) and Authorization headers go to trusted origins only
//   - a Referer without query, to its own origin only
//   - bodies up to 5 MiB after decompression, responses within Timeout
//
// Its errors are *url.Error as of any http.Client, which print whole queries: pass
// them through NetError. Bodies are best read with ReadPage.
func NewClient(o ClientOptions) *http.Client { return newClient(o, judge{o.Trust, OriginOf}) }

func newClient(o ClientOptions, j judge) *http.Client {
	now := clock(o.Now)
	t := &transport{
		base:      o.Transport,
		judge:     j,
		timeout:   o.Timeout,
		userAgent: o.UserAgent,
		log:       o.Log,
		now:       now,
	}
	if t.base == nil {
		t.base = newNetwork(o, j)
	}
	if t.timeout == 0 {
		t.timeout = defaultTimeout
	}
	if t.userAgent == "" {
		t.userAgent = DefaultUserAgent
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	if o.Jar == nil {
		o.Jar = NewJar(now, o.Trust.SharedCookies()...)
	}
	return &http.Client{Transport: t, Jar: o.Jar, CheckRedirect: j.redirect}
}

// clock returns now, or for nil a clock that stands a second past the epoch: cookies
// that are set to have ended long ago end, all others stay.
func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return func() time.Time { return time.Unix(1, 0) }
	}
	return now
}

// newTransport makes the connections.
func newTransport(o ClientOptions, conf *tls.Config) *http.Transport {
	t := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig:        conf,
		TLSHandshakeTimeout:    connectTimeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           20,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
		OnProxyConnectResponse: func(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			return &PageError{Verdict: ProxyRefused, URL: SafeURL(&url.URL{Scheme: proxy.Scheme, Host: proxy.Host}), Status: resp.StatusCode, Words: proxyOffers(resp)}
		},
	}
	if o.OneConnection {
		t.MaxConnsPerHost = 1
		onlyHTTP1(t)
	}
	if o.Proxy != nil {
		t.Proxy = func(req *http.Request) (*url.URL, error) {
			if req.URL.Scheme == "http" && IsLoopback(req.URL.Hostname()) {
				return nil, nil // what is in clear stays on this machine
			}
			u, err := o.Proxy(req)
			if err != nil { // its text may hold the proxy's password
				return nil, &NetworkError{Host: req.URL.Host, Op: "get", Kind: NetProxy, Detail: "unusable proxy setting"}
			}
			return u, nil
		}
	}
	return t
}

// onlyHTTP1 keeps t from speaking HTTP/2.
func onlyHTTP1(t *http.Transport) {
	t.ForceAttemptHTTP2, t.Protocols = false, new(http.Protocols)
	t.Protocols.SetHTTP1(true)
}

// proxyOffers are the schemes by which a proxy wants to be signed in to.
func proxyOffers(resp *http.Response) string {
	var schemes []string
	for _, field := range resp.Header.Values("Proxy-Authenticate") {
		if words := strings.FieldsFunc(field, func(r rune) bool { return r == ' ' || r == ',' }); len(words) > 0 && !slices.Contains(schemes, words[0]) {
			schemes = append(schemes, words[0])
		}
	}
	return CleanWords(strings.Join(schemes, ", "))
}

// transport is what every request passes on its way out and every response on its
// way in, redirects one by one.
type transport struct {
	base      http.RoundTripper
	judge     judge
	timeout   time.Duration
	userAgent string
	log       *slog.Logger
	now       func() time.Time
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.judge.wall(req); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	limit := t.timeout
	if d, ok := req.Context().Value(timeoutKey{}).(time.Duration); ok {
		limit = d
	}
	var shaken handshake
	ctx, cancel := context.WithTimeout(shaken.watch(req.Context()), limit)
	start := t.now()
	resp, err := t.base.RoundTrip(t.dress(req.Clone(ctx)))
	if err != nil {
		err = shaken.judge(hopError(ctx, req, err))
	} else if resp.StatusCode == http.StatusProxyAuthRequired {
		_ = resp.Body.Close()
		err = &PageError{Verdict: ProxyRefused, URL: SafeURL(req.URL), Status: resp.StatusCode, Words: proxyOffers(resp)}
	}
	t.logHop(req, resp, err, t.now().Sub(start))
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Request = req
	resp.Body = &body{ctx: ctx, cancel: cancel, req: req, rc: resp.Body, left: MaxPage}
	return resp, nil
}

// dress puts on the headers that every request has and trims Referer: an entry
// address may hold a token.
func (t *transport) dress(req *http.Request) *http.Request {
	for name, value := range map[string]string{
		"Accept": acceptTypes, "Accept-Language": "en", "User-Agent": t.userAgent,
	} {
		if req.Header.Get(name) == "" {
			req.Header.Set(name, value)
		}
	}
	if text := req.Header.Get("Referer"); text != "" {
		req.Header.Del("Referer")
		page, err := url.Parse(text)
		if err == nil && t.judge.origin(page) != "" && t.judge.origin(page) == t.judge.origin(req.URL) {
			req.Header.Set("Referer", SafeURL(page))
		}
	}
	return req
}

// CloseIdleConnections serves http.Client.CloseIdleConnections.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
