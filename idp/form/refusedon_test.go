package form_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/form"
)

// TestRefusedByRedirect: a server that answers a wrong password by leading to another address
// of its own, which wants it again, has refused it before long.
func TestRefusedByRedirect(t *testing.T) {
	for _, way := range []string{"redirect", "refresh"} {
		var mu sync.Mutex
		sent := 0
		n := 0
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if strings.HasPrefix(r.Header.Get("Authorization"), "Basic ") {
				sent++
				n++
				to := fmt.Sprintf("/node%d", n)
				if way == "redirect" {
					http.Redirect(w, r, to, http.StatusFound)
				} else {
					fmt.Fprintf(w, `<html><meta http-equiv=refresh content="0;url=%s"><body>wrong</body></html>`, to)
				}
				return
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(401)
		}))
		t.Cleanup(s.Close)
		trust, _ := idp.NewTrust(s.URL, nil, nil)
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate())
		a, err := form.New(form.Config{URL: s.URL + "/start", Auth: "basic"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Login(context.Background(), &idp.Session{HTTP: idp.NewClient(idp.ClientOptions{Trust: trust, Roots: roots}), Trust: trust,
			Prompt: idp.Fixed{"username": secret.New("alice"), "password": secret.New("wrong one")}})
		if sent != 3 || !errors.Is(err, &idp.PageError{Verdict: idp.Rejected}) {
			t.Errorf("%s: the same wrong password was sent %d times: %v", way, sent, err)
		}
	}
}
