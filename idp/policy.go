package idp

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehop/creds/secret"
)

// maxRedirects is how many redirects one request may cause (idp-pages of every
// product stay under six).
const maxRedirects = 10

type (
	typedKey   struct{}
	timeoutKey struct{}
)

// WithTyped marks requests made with the returned context as carrying, in their body,
// what the person typed: password, code, answer. Such a request must be a POST of a
// form, goes to trusted origins only, and is never sent a second time to another
// origin by a redirect. The mark is not needed for an Authorization header: that is
// guarded wherever it occurs.
func WithTyped(ctx context.Context) context.Context {
	return context.WithValue(ctx, typedKey{}, true)
}

// WithRequestTimeout gives requests made with the returned context a time-out of
// their own in place of ClientOptions.Timeout, for a POST that blocks until a phone
// is answered.
func WithRequestTimeout(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, timeoutKey{}, d)
}

type secretsKey struct{}

// WithSecrets names what was typed in this sign-in, so that the log of requests made
// with the returned context does not show it where a server repeats it in an address.
func WithSecrets(ctx context.Context, secrets []secret.Text) context.Context {
	return context.WithValue(ctx, secretsKey{}, secrets)
}

func secretsOf(ctx context.Context) []secret.Text {
	secrets, _ := ctx.Value(secretsKey{}).([]secret.Text)
	return secrets
}

func isTyped(ctx context.Context) bool {
	typed, _ := ctx.Value(typedKey{}).(bool)
	return typed
}

// redirect is the first wall: http.Client asks it before it follows a redirect.
func (j judge) redirect(next *http.Request, via []*http.Request) error {
	last := via[len(via)-1]
	if len(via) > maxRedirects {
		return &PageError{Verdict: SignInLoop, URL: SafeURL(last.URL)}
	}
	next.URL.User = nil // nobody typed it, and Go would make an Authorization header of it
	for _, r := range via {
		if j.origin(r.URL) != j.origin(next.URL) {
			dropCredentials(next.Header)
		}
	}
	return j.hop(last.URL, next)
}

// dropCredentials removes the headers that were meant for the first origin only.
// Go keeps them for sub-domains and other ports.
func dropCredentials(h http.Header) {
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie", "Cookie2", "Origin", "Www-Authenticate"} {
		h.Del(name)
	}
}

// hop refuses a redirect from https to anything else, and one that would send the
// body again (307, 308) to another origin, trusted or not.
func (j judge) hop(from *url.URL, next *http.Request) error {
	refused := &OriginError{Doing: "follow a redirect", Page: SafeURL(from), Target: SafeURL(next.URL), Untrusted: j.origin(next.URL)}
	if strings.EqualFold(from.Scheme, "https") && !strings.EqualFold(next.URL.Scheme, "https") {
		return refused
	}
	if hasBody(next) && isTyped(next.Context()) && j.origin(next.URL) != "" && j.origin(next.URL) == j.origin(from) {
		// An answer is sent once: a second time counts as a second try at the lock-out.
		return &PageError{Verdict: Unknown, URL: SafeURL(from), Words: "a redirect that would send the answer again"}
	}
	if hasBody(next) && (j.origin(next.URL) == "" || j.origin(next.URL) != j.origin(from)) {
		refused.Doing = "send a form again to another origin"
		if isTyped(next.Context()) {
			refused.Doing = "send what you typed again to another origin"
		}
		return refused
	}
	return nil
}

// wall is the second wall: the transport asks it before anything is dialled, also for
// requests that no redirect caused and for clients with another CheckRedirect.
func (j judge) wall(req *http.Request) error {
	refused := &OriginError{Doing: "open a page", Target: SafeURL(req.URL), Untrusted: j.origin(req.URL)}
	if !j.mayOpen(req.URL) {
		return refused
	}
	if prev := previous(req); prev != nil {
		if err := j.hop(prev, req); err != nil {
			return err
		}
		refused.Page = SafeURL(prev)
	}
	typed := carriesTyped(req)
	if (typed || req.Header.Get("Authorization") != "") && !j.has(req.URL) {
		refused.Doing = "send what you typed"
		return refused
	}
	if typed && (req.Method != http.MethodPost || isTextPlain(req.Header)) {
		return &PageError{Verdict: UnreadableForm, URL: SafeURL(req.URL)}
	}
	return nil
}

// mayOpen allows https, and http to this machine if the configured origin is such.
func (j judge) mayOpen(u *url.URL) bool {
	o := j.origin(u)
	if o == "" {
		return false
	}
	return strings.EqualFold(u.Scheme, "https") ||
		IsLoopback(u.Hostname()) && len(j.trust.Origins) > 0 && j.trust.Origins[0].isPlain()
}

// previous is the address whose redirect caused req; nil if none did.
func previous(req *http.Request) *url.URL {
	if req.Response == nil || req.Response.Request == nil {
		return nil
	}
	return req.Response.Request.URL
}

// carriesTyped tells the marked request itself from the GET that a 302 made of it:
// both have the context, only the first has the body.
func carriesTyped(req *http.Request) bool {
	return isTyped(req.Context()) && (req.Response == nil || hasBody(req))
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

func isTextPlain(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "text/plain"
}
