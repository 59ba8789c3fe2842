package idptest_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"gatehop/idp/idptest"
)

// closing is a body that knows whether it was closed.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

// TestTransportWire does on the way what net/http's Transport does.
func TestTransportWire(t *testing.T) {
	t.Parallel()
	a := newADFS(t, idptest.Options{Gzip: true})
	rt := idptest.Transport(map[string]http.Handler{host: a})
	send := func(req *http.Request) (*http.Response, string) {
		req.URL.Scheme, req.URL.Host = "https", host
		resp, err := rt.RoundTrip(req.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	request := func(method, accept string) *http.Request {
		req, err := http.NewRequestWithContext(t.Context(), method, "https://"+host+"/adfs/other", nil)
		if err != nil {
			t.Fatal(err)
		}
		if accept != "" {
			req.Header.Set("Accept-Encoding", accept)
		}
		return req
	}
	const words = "HTTP Error 404"
	if resp, body := send(request(http.MethodGet, "")); !resp.Uncompressed || resp.ContentLength != -1 || !strings.Contains(body, words) {
		t.Error("what the transport asked for it did not unpack")
	}
	resp, body := send(request(http.MethodGet, "gzip"))
	if z, err := gzip.NewReader(strings.NewReader(body)); err != nil || resp.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("gzip asked for by the client was unpacked: %v", err)
	} else if plain, err := io.ReadAll(z); err != nil || !strings.Contains(string(plain), words) {
		t.Error("the packed page is another")
	}
	if resp, body := send(request(http.MethodGet, "identity")); resp.Uncompressed || !strings.Contains(body, words) {
		t.Error("packed for a client that does not accept it")
	}
	if resp, body := send(request(http.MethodHead, "")); body != "" || resp.StatusCode != http.StatusNotFound {
		t.Error("HEAD has a body")
	}
}

// TestTransportRequest fills in what a client may leave out.
func TestTransportRequest(t *testing.T) {
	t.Parallel()
	a := newADFS(t, idptest.Options{})
	rt := idptest.Transport(map[string]http.Handler{host: a})
	u := url.URL{Scheme: "https", Host: host, Path: "/adfs/other"}
	body := &closing{Reader: strings.NewReader("")}
	if _, err := rt.RoundTrip(&http.Request{URL: &u, Body: body}); err != nil { // no method, no header
		t.Fatal(err)
	}
	if !body.closed {
		t.Error("the request's body was not closed")
	}
	last := a.Requests()[0]
	if last.Method != http.MethodGet || last.Header.Get("User-Agent") != "Go-http-client/1.1" || last.Host != host {
		t.Errorf("an empty request arrived as %s of %s by %s", last.Method, last.Host, last.Header.Get("User-Agent"))
	}
	u.Scheme = "ftp"
	if _, err := rt.RoundTrip(&http.Request{URL: &u}); err == nil {
		t.Error("ftp was served")
	}
}
