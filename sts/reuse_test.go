package sts

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
)

// TestOneConnection: a hop goes over the connection of the sign-in, also where AWS
// answers before net/http has come back from sending the last byte of the assertion.
// That is a matter of microseconds otherwise; late makes it certain.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		signIn func(*testing.T, *world)
		want   int32 // connections
	}{
		{"client", func(t *testing.T, w *world) { w.login(t) }, 1},
		// The control. If it fails after an update, the SDK's own request bodies may have
		// become fit for net/http, and inMemory superfluous.
		{"SDK alone", sdkLogin, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := directWorld(t, time.Hour)
			gw := w.login(t)
			var conns atomic.Int32
			server := httptest.NewUnstartedServer(w.sts)
			server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					conns.Add(1)
				}
			}
			server.Start()
			defer server.Close()
			l := newLate()
			defer l.next.CloseIdleConnections()
			w.client.Endpoint, w.client.HTTP = server.URL, &http.Client{Transport: l}
			tc.signIn(t, w)
			if !l.held.Load() {
				t.Fatal("the last byte of the assertion was not held back: the test shows nothing")
			}
			if _, err := w.client.Assume(fixed(gw), Hop{RoleARN: admins})(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := conns.Load(); n != tc.want {
				t.Errorf("%d connections, want %d", n, tc.want)
			}
			if (l.wrote == nil) != (tc.want == 1) {
				t.Errorf("for net/http, sending the assertion ended with %v", l.wrote)
			}
		})
	}
}

// sdkLogin signs in as the client does, but without our wire.
func sdkLogin(t *testing.T, w *world) {
	t.Helper()
	api := awssts.New(awssts.Options{
		Region: w.client.Region, BaseEndpoint: &w.client.Endpoint, HTTPClient: w.client.HTTP,
		Credentials: aws.AnonymousCredentials{},
	})
	if _, err := api.AssumeRoleWithSAML(t.Context(), &awssts.AssumeRoleWithSAMLInput{
		RoleArn: &gatewayRole.ARN, PrincipalArn: &gatewayRole.Provider,
		SAMLAssertion: aws.String(w.assertion(t, nil).Encoded().Reveal()),
	}); err != nil {
		t.Fatal(err)
	}
}

// late is a transport whose first request has been sent whole, as the server sees it,
// but for the sender not before somebody reads the body of the answer; and that body
// waits in turn until the sender is through.
type late struct {
	next     *http.Transport
	requests atomic.Int32
	reading  chan struct{} // closed by the first read of an answer's body
	read     func()        // closes it
	held     atomic.Bool   // the last write of a request was recognized
	wrote    error         // of sending the first request, as net/http sees it
}

func newLate() *late {
	l := &late{reading: make(chan struct{})}
	l.read = sync.OnceFunc(func() { close(l.reading) })
	l.next = &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return lateConn{c, l}, err
	}}
	return l
}

func (l *late) RoundTrip(r *http.Request) (*http.Response, error) {
	first, sent := l.requests.Add(1) == 1, make(chan error, 1)
	resp, err := l.next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		WroteRequest: func(i httptrace.WroteRequestInfo) { sent <- i.Err },
	})))
	if err != nil {
		return nil, err
	}
	resp.Body = &lateBody{ReadCloser: resp.Body, begin: sync.OnceFunc(func() {
		l.read()
		if err := <-sent; first {
			l.wrote = err
		}
	})}
	return resp, nil
}

type lateBody struct {
	io.ReadCloser
	begin func()
}

func (b *lateBody) Read(p []byte) (int, error) {
	b.begin()
	return b.ReadCloser.Read(p)
}

type lateConn struct {
	net.Conn
	late *late
}

// Write holds back the end of a request, whose last parameter is the version of the API.
func (c lateConn) Write(p []byte) (int, error) {
	last := bytes.HasSuffix(p, []byte("&Version=2011-06-15"))
	if last {
		c.late.held.Store(true)
	}
	n, err := c.Conn.Write(p)
	if err == nil && last {
		<-c.late.reading
	}
	return n, err
}
