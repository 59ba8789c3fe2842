package challenge

import (
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"gatehop/creds/secret"
	"gatehop/idp"
)

// TestClosedAtType3: a connection that dies once the last message is on it has brought that
// to the server: it is not written a second time.
func TestClosedAtType3(t *testing.T) {
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
	for _, kind := range []Kind{Basic, Digest} {
		for _, one := range []bool{false, true} {
			var mu sync.Mutex
			n := 0
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") == "" {
					w.Header().Add("WWW-Authenticate", `Basic realm="x"`)
					w.Header().Add("WWW-Authenticate", `Digest realm="x", nonce="n"`)
					w.WriteHeader(401)
					return
				}
				mu.Lock()
				n++
				mu.Unlock()
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_ = conn.Close()
			}))
			s.StartTLS()
			t.Cleanup(s.Close)
			trust, _ := idp.NewTrust(s.URL, nil, nil)
			roots := x509.NewCertPool()
			roots.AddCert(s.Certificate())
			client := idp.NewClient(idp.ClientOptions{Trust: trust, Roots: roots, OneConnection: one})
			u, _ := url.Parse(s.URL + "/")
			first, err := client.Get(u.String())
			if err != nil {
				t.Fatal(err)
			}
			drain(first)
			a, err := Config{Kind: kind}.Answer(t.Context(), http.MethodGet, u, Offers(first.StatusCode, first.Header), Who{"alice", secret.New("wrong")})
			if err != nil {
				t.Fatal(err)
			}
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
			_, err = a.Do(client, req, func(*http.Request) error { return nil })
			if n > 1 {
				t.Errorf("%s one=%v: sent %d times, %v", kind, one, n, err)
			}
		}
	}
}
