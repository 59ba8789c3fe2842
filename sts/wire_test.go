package sts

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/creds"
	"gatehop/sts/ststest"
)

// TestRetries runs in fake time: the SDK's pauses are seconds long.
func TestRetries(t *testing.T) {
	busy := &ststest.Fault{Status: 503, Code: "ServiceUnavailable", Message: "busy"}
	for name, tc := range map[string]struct {
		fault    *ststest.Fault
		failures int // before it works
		want     int // requests
		code     string
	}{
		"works":                 {want: 1},
		"throttled twice":       {fault: ststest.Throttled(), failures: 2, want: 3},
		"throttled for ever":    {fault: ststest.Throttled(), failures: 99, want: 3, code: "Throttling"},
		"503 twice":             {fault: busy, failures: 2, want: 3},
		"503 for ever":          {fault: busy, failures: 99, want: 3, code: "ServiceUnavailable"},
		"page of a proxy":       {fault: &ststest.Fault{Status: 502, Body: "<html>bad gateway"}, failures: 99, want: 3, code: "UnknownError"},
		"provider unreachable":  {fault: &ststest.Fault{Status: 400, Code: "IDPCommunicationError", Message: "x"}, failures: 2, want: 3},
		"access denied":         {fault: &ststest.Fault{Status: 403, Code: "AccessDenied", Message: "x"}, failures: 99, want: 1, code: "AccessDenied"},
		"too old":               {fault: &ststest.Fault{Status: 400, Code: "ExpiredTokenException", Message: "x"}, failures: 99, want: 1, code: "ExpiredTokenException"},
		"region is not enabled": {fault: &ststest.Fault{Status: 403, Code: "RegionDisabledException", Message: "x"}, failures: 99, want: 1, code: "RegionDisabledException"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := directWorld(t, time.Hour, func(o *ststest.Options) {
					o.Fail = func(_ string, n int) *ststest.Fault {
						if n <= tc.failures {
							return tc.fault
						}
						return nil
					}
				})
				_, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, time.Hour)
				if n := w.sts.Counts().AssumeRoleWithSAML; n != tc.want {
					t.Errorf("%d requests, want %d", n, tc.want)
				}
				var refused *Error
				if errors.As(err, &refused) != (tc.code != "") || refused != nil && refused.Code != tc.code {
					t.Errorf("err = %v, want code %q", err, tc.code)
				}
				if refused != nil && refused.Retryable != (tc.want == 3) {
					t.Errorf("Retryable = %v", refused.Retryable)
				}
			})
		})
	}
}

func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := directWorld(t, time.Hour, func(o *ststest.Options) {
			o.Fail = func(string, int) *ststest.Fault { return ststest.Throttled() }
		})
		a := w.assertion(t, nil)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.client.AssumeWithSAML(gone, a, gatewayRole, time.Hour); !errors.Is(err, context.Canceled) || len(w.sent) > 0 {
			t.Errorf("cancelled before: %v after %d requests", err, len(w.sent))
		}
		// The first pause of the SDK is at most a second and the second at most two.
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := w.client.AssumeWithSAML(short, a, gatewayRole, time.Hour); !errors.Is(err, context.DeadlineExceeded) || len(w.sent) != 1 {
			t.Errorf("cancelled in a pause: %v after %d requests", err, len(w.sent))
		}
		var refused *Error
		if _, err := w.client.AssumeWithSAML(t.Context(), a, gatewayRole, time.Hour); !errors.As(err, &refused) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("control: %v", err)
		}
	})
}

// TestTimeout is a server that never answers.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		silent := transport(func(r *http.Request) (*http.Response, error) {
			n++
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		w := directWorld(t, time.Hour)
		a := w.assertion(t, nil)
		for given, want := range map[time.Duration]time.Duration{0: requestTimeout, 5 * time.Second: 5 * time.Second} {
			w.client.HTTP = &http.Client{Transport: silent, Timeout: given}
			n = 0
			began := time.Now()
			_, err := w.client.AssumeWithSAML(t.Context(), a, gatewayRole, time.Hour)
			var down *NetError
			if !errors.As(err, &down) || n != maxAttempts {
				t.Errorf("err = %v after %d requests", err, n)
			}
			if d := time.Since(began); d < maxAttempts*want || d > maxAttempts*want+10*time.Second {
				t.Errorf("with a timeout of %s it took %s", given, d)
			}
		}
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestRedirect: 307 and 308 would carry the assertion to the new place.
func TestRedirect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var reached atomic.Int32
		other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			reached.Add(1)
		}))
		defer other.Close()
		first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, status)
		}))
		defer first.Close()
		w := directWorld(t, time.Hour)
		w.client.Endpoint = first.URL
		// A jar and a CheckRedirect of the caller's change nothing.
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		w.client.HTTP = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
		_, err = w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, time.Hour)
		var odd *ReplyError
		if !errors.As(err, &odd) || odd.Status != status || !strings.Contains(odd.Why, "redirect") {
			t.Errorf("%d: err = %v", status, err)
		}
		if n := reached.Load(); n != 0 {
			t.Errorf("%d: the other server got %d requests", status, n)
		}
		// The control: a client that follows does reach it.
		resp, err := http.Post(first.URL, "application/x-www-form-urlencoded", strings.NewReader("SAMLAssertion=x"))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if n := reached.Load(); n != 1 {
			t.Errorf("%d: control: the other server got %d requests", status, n)
		}
	}
}

func TestNetError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := directWorld(t, time.Hour)
		a := w.assertion(t, nil)
		refuse := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
		// A transport that is itself a client, such as a proxy, may wrap a URL once more.
		deep := &url.Error{Op: "Post", URL: "https://user:secret@proxy.example/?token=canary", Err: refuse}
		w.client.HTTP = &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) { return nil, deep })}
		_, err := w.client.AssumeWithSAML(t.Context(), a, gatewayRole, time.Hour)
		var down *NetError
		if !errors.As(err, &down) || down.Host != "127.0.0.1:9" || !errors.Is(err, refuse) {
			t.Fatalf("err = %#v", err)
		}
		if got, want := err.Error(), "call STS at 127.0.0.1:9: dial tcp: connection refused"; got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
		var whole *url.Error
		if errors.As(err, &whole) {
			t.Errorf("the error still holds a URL: %v", whole)
		}
		// The control: net/http's own error does.
		if _, err := w.client.HTTP.Get("https://sts.example/?Action=canary"); !strings.Contains(err.Error(), "canary") {
			t.Errorf("control: %v", err)
		}
	})
}

func TestNetErrorBrokenBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := directWorld(t, time.Hour)
		broken := errors.New("connection reset by peer")
		w.client.HTTP = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			body := io.MultiReader(strings.NewReader("<AssumeRoleWithSAMLResponse>"), failing{broken})
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
		})}
		_, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, time.Hour)
		var down *NetError
		if !errors.As(err, &down) || !errors.Is(err, broken) {
			t.Errorf("err = %v", err)
		}
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestUntrusted is a certificate that does not verify. It is not tried again.
func TestUntrusted(t *testing.T) {
	t.Parallel()
	w := directWorld(t, time.Hour)
	var dials atomic.Int32
	server := httptest.NewUnstartedServer(w.sts)
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	defer server.Close()
	counted := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}
	w.client.Endpoint, w.client.HTTP = server.URL, &http.Client{Transport: counted}
	a := w.assertion(t, nil)
	_, err := w.client.AssumeWithSAML(t.Context(), a, gatewayRole, time.Hour)
	var down *NetError
	if !errors.As(err, &down) || !strings.Contains(err.Error(), "certificate") || dials.Load() != 1 {
		t.Errorf("err = %v after %d connections", err, dials.Load())
	}
	w.client.HTTP = server.Client()
	if _, err := w.client.AssumeWithSAML(t.Context(), a, gatewayRole, time.Hour); err != nil {
		t.Errorf("control: %v", err)
	}
}

// TestHugeAnswer counts what is read of an answer that does not end.
func TestHugeAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 400} {
		w := directWorld(t, time.Hour)
		flood := &endless{line: []byte("<a>")}
		w.client.HTTP = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: flood, Request: r}, nil
		})}
		_, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, time.Hour)
		var odd *ReplyError
		if !errors.As(err, &odd) || flood.read > maxReply {
			t.Errorf("status %d: %v after %d bytes", status, err, flood.read)
		}
	}
}

type endless struct {
	line []byte
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, bytes.Repeat(e.line, len(p)/len(e.line)+1))
	e.read += n
	return n, nil
}

func (e *endless) Close() error { return nil }

// TestSkew moves the server's clock, or what its Date says.
func TestSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tc := range []struct{ off, want time.Duration }{
			{0, 0}, {2 * time.Second, 0}, {-2 * time.Second, 0}, {3 * time.Second, 3 * time.Second}, {-3 * time.Second, -3 * time.Second},
			{time.Hour, time.Hour}, {-time.Hour, -time.Hour}, {400 * 24 * time.Hour, 400 * 24 * time.Hour},
		} {
			w := directWorld(t, 12*time.Hour, func(o *ststest.Options) { o.Now = func() time.Time { return time.Now().Add(tc.off) } })
			c, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, 0)
			if err != nil {
				t.Fatal(err)
			}
			if c.Skew != tc.want {
				t.Errorf("off by %s: Skew = %s, want %s", tc.off, c.Skew, tc.want)
			}
			if left := c.Remaining(time.Now()); left > 12*time.Hour || left < 12*time.Hour-5*time.Second {
				t.Errorf("off by %s: %s left", tc.off, left)
			}
		}
		w := directWorld(t, 12*time.Hour, func(o *ststest.Options) { o.Now = func() time.Time { return time.Now().Add(time.Hour) } })
		w.tamper = func(r *http.Response, s string) string { r.Header.Del("Date"); return s }
		if c := w.login(t); c.Skew != 0 || c.Remaining(time.Now()) > MaxSession {
			t.Errorf("without a Date: %+v", c)
		}
	})
}

// TestLongSession is a server that promises more than AWS ever gives.
func TestLongSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, off := range []time.Duration{0, time.Hour, -time.Hour} {
			w := directWorld(t, 12*time.Hour, func(o *ststest.Options) { o.Now = func() time.Time { return time.Now().Add(off) } })
			gw := w.login(t)
			w.tamper = func(_ *http.Response, s string) string {
				begin, rest, _ := strings.Cut(s, "<Expiration>")
				_, end, _ := strings.Cut(rest, "</Expiration>")
				return begin + "<Expiration>2100-01-01T00:00:00Z</Expiration>" + end
			}
			first, err1 := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, time.Hour)
			next, err2 := w.client.Assume(fixed(gw), Hop{RoleARN: admins})(t.Context())
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			if a, b := first.Remaining(time.Now()), next.Remaining(time.Now()); a != MaxSession || b != MaxChained {
				t.Errorf("off by %s: %s and %s left", off, a, b)
			}
		}
	})
}

// TestSkewSigns: with a clock that is far off, hops are signed right the first time,
// because the skew came with the credentials; without that it takes one more.
func TestSkewSigns(t *testing.T) {
	for _, off := range []time.Duration{20 * time.Minute, -20 * time.Minute, 48 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := directWorld(t, time.Hour, func(o *ststest.Options) { o.Now = func() time.Time { return time.Now().Add(off) } })
			gw := w.login(t)
			hop := Hop{RoleARN: admins}
			if _, err := w.client.Assume(fixed(gw), hop)(t.Context()); err != nil || w.sts.Counts().AssumeRole != 1 {
				t.Errorf("off by %s: %v after %d requests", off, err, w.sts.Counts().AssumeRole)
			}
			forgot := without(gw, func(c *creds.Credentials) { c.Skew = 0 })
			c, err := w.client.Assume(fixed(forgot), hop)(t.Context())
			if err != nil || w.sts.Counts().AssumeRole != 3 || (c.Skew-off).Abs() > time.Second {
				t.Errorf("control, off by %s: %v, %+v after %d requests", off, err, c, w.sts.Counts().AssumeRole)
			}
		})
	}
}
