package challenge

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"gatehop/creds/secret"
	"gatehop/idp"
)

// TestClosedAtType3: a connection that dies once the last message is on it has brought that
// to the server: it is not written a second time.
func TestClosedAtType3(t *testing.T) {
	t.Parallel()
	s := newWindows(t, func(w http.ResponseWriter, kind string, _ int) bool {
		if kind != "3" {
			return false
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
		return true
	})
	body, err := s.attempt(t, s.client(t), false)
	seen, _ := s.log()
	if n := strings.Count(seen, "3@"); n != 1 || !errors.Is(err, &idp.PageError{Verdict: idp.ConnectionLost}) {
		t.Errorf("type 3 sent %d times: %q, %v", n, body, err)
	}
}

// TestClosedAtBasic: the same of an answer in one step, which net/http would repeat by itself.
func TestClosedAtBasic(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Basic, Digest} {
		for _, one := range []bool{false, true} {
			if sent, err := closedAt(t, kind, one); sent != 1 || !errors.Is(err, &idp.PageError{Verdict: idp.ConnectionLost}) {
				t.Errorf("%s, one connection %v: sent %d times, %v", kind, one, sent, err)
			}
		}
	}
}

// closedAt answers a server that closes the connection over the answer.
func closedAt(t *testing.T, kind Kind, one bool) (sent int64, err error) {
	t.Helper()
	var n atomic.Int64
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Add("WWW-Authenticate", `Basic realm="x"`)
			w.Header().Add("WWW-Authenticate", `Digest realm="x", nonce="n"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		n.Add(1)
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	}))
	t.Cleanup(s.Close)
	_, err = answerTo(t, s, kind, one)
	return n.Load(), err
}

// answerTo asks s and answers its 401.
func answerTo(t *testing.T, s *httptest.Server, kind Kind, one bool) (*http.Response, error) {
	t.Helper()
	trust, err := idp.NewTrust(s.URL, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	client := idp.NewClient(idp.ClientOptions{Trust: trust, Roots: roots, OneConnection: one})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	first, err := client.Do(req.Clone(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	drain(first) // so that its connection is there to be used again
	a, err := Config{Kind: kind}.Answer(t.Context(), http.MethodGet, req.URL, Offers(first.StatusCode, first.Header), Who{"alice", secret.New("wrong")})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := a.Do(client, req, func(*http.Request) error { return nil })
	if err == nil {
		drain(resp)
	}
	return resp, err
}

// TestDigestStale: an answer is renewed for a nonce that was too old, once: a server that
// calls every one too old does not get answers without end.
func TestDigestStale(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			n.Add(1)
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="x", nonce="n%d", stale=true`, n.Load()))
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(s.Close)
	resp, err := answerTo(t, s, Digest, false)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || n.Load() != 2 {
		t.Errorf("%d answers, %v, want the first and one that is renewed", n.Load(), err)
	}
}
