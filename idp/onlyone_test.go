package idp

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// TestOneConnection: with it a client speaks HTTP/1.1 over one connection, and without it
// neither holds.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	for _, one := range []bool{true, false} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, r.RemoteAddr, " ", r.Proto)
		}))
		s.EnableHTTP2 = true
		s.StartTLS()
		t.Cleanup(s.Close)
		trust, err := NewTrust(s.URL, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		client := NewClient(ClientOptions{Trust: trust, Roots: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, OneConnection: one})
		var mu sync.Mutex
		seen := map[string]bool{}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				resp, err := client.Get(s.URL)
				if err != nil {
					t.Error(err)
					return
				}
				body, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				mu.Lock()
				defer mu.Unlock()
				seen[string(body)] = true
			})
		}
		all.Wait()
		for answer := range seen {
			if strings.HasSuffix(answer, " HTTP/1.1") != one {
				t.Errorf("one connection %v: %s", one, answer)
			}
		}
		if one && len(seen) != 1 {
			t.Errorf("%d connections", len(seen))
		}
	}
}

// TestCheckChallenge: a 401 is answered at the configured origin alone, over TLS but for
// this machine.
func TestCheckChallenge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		configured, page string
		want             bool
	}{
		{"https://adfs.corp.example", "https://adfs.corp.example/adfs/ls/wia?x", true},
		{"https://adfs.corp.example", "https://ADFS.corp.example:443/", true},
		{"https://adfs.corp.example", "http://adfs.corp.example/", false},
		{"https://adfs.corp.example", "https://adfs.corp.example:8443/", false},
		{"https://adfs.corp.example", "https://listed.example/", false},
		{"https://adfs.corp.example", "https://x.adfs.corp.example/", false},
		{"https://adfs.corp.example", "https://adfs.corp.example./", false},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080/", true},
		{"http://127.0.0.1:8080", "http://127.0.0.2:8080/", false},
	} {
		trust, err := NewTrust(c.configured, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(c.configured, "https") {
			trust, err = NewTrust(c.configured, []string{"listed.example"}, nil)
		}
		page, perr := url.Parse(c.page)
		if err != nil || perr != nil {
			t.Fatal(err, perr)
		}
		err = trust.CheckChallenge(page)
		var origin *OriginError
		if errors.As(err, &origin) == c.want {
			t.Errorf("%s at %s: %v", c.page, c.configured, err)
		}
		if !c.want && (origin.Doing != DoingAnswer || !strings.Contains(err.Error(), "refused to answer a challenge") || strings.Contains(err.Error(), "?")) {
			t.Errorf("%v", err)
		}
	}
	if (Trust{}).CheckChallenge(&url.URL{Scheme: "https", Host: "a"}) == nil {
		t.Error("who trusts nobody answers")
	}
}

// TestProxyOffers: what a proxy wants is said, whether it refuses the tunnel or the request.
func TestProxyOffers(t *testing.T) {
	t.Parallel()
	for want, offers := range map[string][]string{
		"Negotiate, NTLM": {"Negotiate", "NTLM", "NTLM"}, "Basic": {`Basic realm="x, y"`}, "": nil, "Negotiate": {"Negotiate oQcwBaADCgEC"},
	} {
		refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Proxy-Authenticate"] = offers
			w.WriteHeader(http.StatusProxyAuthRequired)
		})
		proxy := httptest.NewServer(refuse)
		proxy.Config.ErrorLog = log.New(io.Discard, "", 0)
		t.Cleanup(proxy.Close)
		at, err := url.Parse(proxy.URL)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []ClientOptions{
			{Proxy: http.ProxyURL(at)},
			{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
				w := httptest.NewRecorder()
				refuse(w, r)
				return w.Result(), nil
			})},
		} {
			_, err := NewClient(o).Get("https://adfs.corp.example/")
			var page *PageError
			if !errors.As(err, &page) || page.Verdict != ProxyRefused || page.Words != want {
				t.Errorf("%q: %v, Words %+v", offers, err, page)
			}
		}
	}
}
