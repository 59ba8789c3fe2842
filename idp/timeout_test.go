package idp

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// slowServer is a network of one server within the bubble: it takes wait before its
// headers and again before each of pages' bytes. A request to a path of N digits is
// redirected N times.
func slowServer(wait time.Duration, length int) *http.Transport {
	serve := func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		time.Sleep(wait)
		if hops := len(req.URL.Path) - 1; hops > 0 {
			_, _ = io.WriteString(conn, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\nLocation: "+req.URL.Path[:hops]+"\r\n\r\n")
			return
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"); err != nil {
			return
		}
		for range length {
			time.Sleep(wait)
			if _, err := io.WriteString(conn, "x"); err != nil {
				return
			}
		}
	}
	return &http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go serve(theirs)
		return ours, nil
	}}
}

// took is how long a whole page took to come, or not, and the error.
func took(client *http.Client, req *http.Request) (time.Duration, error) {
	start := time.Now()
	resp, err := client.Do(req)
	if err == nil {
		_, err = ReadPage(resp)
	}
	return time.Since(start), NetError(err)
}

func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		path    string
		wait    time.Duration // of the server, each time
		length  int
		timeout time.Duration
		own     time.Duration // WithRequestTimeout
		want    time.Duration
		fails   bool
	}{
		{name: "quick", path: "/", wait: time.Second, length: 3, want: 4 * time.Second},
		{name: "slow headers", path: "/", wait: time.Hour, want: 30 * time.Second, fails: true},
		{name: "slow body", path: "/", wait: 9 * time.Second, length: 1000, want: 30 * time.Second, fails: true},
		{name: "configured", path: "/", wait: time.Hour, timeout: 5 * time.Second, want: 5 * time.Second, fails: true},
		{name: "blocking second factor", path: "/", wait: 90 * time.Second, own: 120 * time.Second, want: 90 * time.Second},
		{name: "blocking for ever", path: "/", wait: time.Hour, own: 120 * time.Second, want: 120 * time.Second, fails: true},
		{name: "each redirect anew", path: "/333", wait: 20 * time.Second, want: 80 * time.Second},
		// The control: with no limit to speak of, the same server takes an hour.
		{name: "no limit", path: "/", wait: time.Hour, timeout: 1000 * time.Hour, want: time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := NewClient(ClientOptions{Transport: slowServer(c.wait, c.length), Timeout: c.timeout})
				ctx := t.Context()
				if c.own != 0 {
					ctx = WithRequestTimeout(ctx, c.own)
				}
				req, err := http.NewRequestWithContext(ctx, "GET", homeURL+c.path, nil)
				if err != nil {
					t.Fatal(err)
				}
				d, err := took(client, req)
				if d != c.want {
					t.Errorf("took %v, want %v (%v)", d, c.want, err)
				}
				network := (*NetworkError)(nil)
				if c.fails && (!errors.As(err, &network) || !network.Timeout() || !errors.Is(err, context.DeadlineExceeded)) {
					t.Errorf("got %v, want a time-out", err)
				}
				if !c.fails && err != nil {
					t.Error(err)
				}
				time.Sleep(2 * time.Hour) // lets the server notice and end
			})
		})
	}
}

// What a transport says when it was canceled varies; what is reported does not.
func TestRequestCanceledOddly(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := NewClient(ClientOptions{Transport: transportFunc(func(*http.Request) (*http.Response, error) {
		cancel()
		return nil, io.ErrUnexpectedEOF
	})})
	req, err := http.NewRequestWithContext(ctx, "GET", homeURL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := took(client, req); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// The caller's context ends a request at once, in the headers and in the body.
func TestRequestCanceled(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{time.Hour, 3 * time.Second} {
		for _, cancel := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
				if cancel {
					ctx, stop = context.WithCancel(t.Context())
					time.AfterFunc(10*time.Second, stop)
				}
				defer stop()
				req, err := http.NewRequestWithContext(ctx, "GET", homeURL, nil)
				if err != nil {
					t.Fatal(err)
				}
				d, err := took(NewClient(ClientOptions{Transport: slowServer(wait, 1000)}), req)
				if d != 10*time.Second {
					t.Errorf("took %v, want 10s", d)
				}
				network := (*NetworkError)(nil)
				if cancel && err != context.Canceled || !cancel && (!errors.As(err, &network) || !network.Timeout()) {
					t.Errorf("canceled %v: got %v", cancel, err)
				}
				time.Sleep(2 * time.Hour)
			})
		}
	}
}
