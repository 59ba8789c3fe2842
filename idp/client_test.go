package idp

import (
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
)

const (
	home    Origin = "https://adfs.corp.example:443"
	listed  Origin = "https://sso.corp.example:443"
	homeURL        = "https://adfs.corp.example"
)

// What must not reach another origin, each in its own place of the request.
const (
	bodyCanary   = "canary-in-body"
	queryCanary  = "canary-in-query"
	headerCanary = "canary-in-authorization"
	cookieCanary = "canary-in-cookie"
)

// elsewhere are the addresses to which the walk below is sent away.
var elsewhere = []string{
	"https://a.adfs.corp.example", "https://corp.example", "https://adfs.corp.example:8443",
	"https://adfs.corp.example.", "https://adfs.corp.example.evil.example", "https://evil.example",
	"https://adfs.corp.example@evil.example", "http://adfs.corp.example", "http://127.0.0.1:9",
	"https://sso.corp.example", // trusted, and still not where this was typed
}

func ourClient(w *world) *http.Client { return NewClient(w.options(home, listed)) }

// refusal is a request and what NewClient with Trust in home says to it.
type refusal struct {
	name, method, url, contentType, authorization string

	typed bool
	want  error // nil: it goes through; *OriginError: any such
}

func refusals() []refusal {
	const form = "application/x-www-form-urlencoded"
	origin, unsafe := &OriginError{}, &PageError{Verdict: UnreadableForm}
	return []refusal{
		{"page elsewhere", "GET", "https://other.example/", "", "", false, nil},
		{"typed at home", "POST", homeURL + "/", form, "", true, nil},
		{"authorization at home", "GET", homeURL + "/", "", "Basic x", false, nil},
		{"typed elsewhere", "POST", "https://secret.example/", form, "", true, origin},
		{"typed on another port", "POST", homeURL + ":8443/", form, "", true, origin},
		{"authorization elsewhere", "GET", "https://secret.example/", "", "Basic x", false, origin},
		{"user part elsewhere", "GET", "https://u:p@secret.example/", "", "", false, origin},
		{"typed by get", "GET", homeURL + "/?x", "", "", true, unsafe},
		{"typed by put", "PUT", homeURL + "/", form, "", true, unsafe},
		{"typed as text", "POST", homeURL + "/", "text/plain; charset=utf-8", "", true, unsafe},
		{"http", "GET", "http://adfs.corp.example/", "", "", false, origin},
		{"http to this machine", "GET", "http://127.0.0.1:9/", "", "", false, origin},
		{"file", "GET", "file:///etc/hosts", "", "", false, origin},
		{"redirect to http", "GET", homeURL + "/down?" + queryCanary, "", "", false, origin},
		{"redirect to a urn", "GET", homeURL + "/urn", "", "", false, origin},
		{"redirect without end", "GET", homeURL + "/loop", "", "", false, &PageError{Verdict: SignInLoop}},
	}
}

func (c refusal) send(t *testing.T, client *http.Client) error {
	t.Helper()
	var body io.Reader
	if c.method != "GET" {
		body = strings.NewReader("Password=" + bodyCanary)
	}
	req, err := http.NewRequestWithContext(t.Context(), c.method, c.url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", c.contentType)
	if c.authorization != "" {
		req.Header.Set("Authorization", c.authorization)
	}
	if c.typed {
		req = req.WithContext(WithTyped(req.Context()))
	}
	resp, err := client.Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return NetError(err)
}

func TestClientRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{"/loop": "/loop?", "/urn": "urn:http-auth:PKeyAuth?", "/down": "http://adfs.corp.example/?"}[r.URL.Path]
		if to != "" {
			w.Header().Set("Location", to+queryCanary)
			w.WriteHeader(http.StatusFound)
		}
	})
	client := NewClient(w.options(home))
	for _, c := range refusals() {
		err := c.send(t, client)
		_, any := c.want.(*OriginError)
		switch target := (*OriginError)(nil); {
		case any && !errors.As(err, &target):
			t.Errorf("%s: %v, want *OriginError", c.name, err)
		case !any && !errors.Is(err, c.want):
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error holds a query: %v", c.name, err)
		}
	}
	want := map[string]int{"adfs.corp.example:443": 1, "other.example:443": 1}
	if !maps.Equal(w.dials(), want) {
		t.Errorf("dialled %v, want %v: a refused request is to be refused before", w.dials(), want)
	}
	// The control: a plain client dials where ours does not.
	plain := &http.Client{Transport: newTransport(w.options(), &tls.Config{RootCAs: w.ca.pool})}
	for _, c := range refusals() {
		_ = c.send(t, plain)
	}
	if got := w.dials(); got["secret.example:443"] == 0 || got["adfs.corp.example:8443"] == 0 {
		t.Errorf("a plain client dials %v", got)
	}
}

func TestClientHeaders(t *testing.T) {
	t.Parallel()
	var got http.Header
	sim := transportFunc(func(req *http.Request) (*http.Response, error) {
		got = req.Header
		return answer(req, 200, nil, ""), nil
	})
	for _, c := range []struct {
		agent string
		given http.Header
		want  map[string]string
	}{
		{"", nil, map[string]string{"User-Agent": "gatehop", "Accept-Language": "en", "Accept": acceptTypes, "Referer": "", "Accept-Encoding": ""}},
		{"tool/1.0", http.Header{"Accept": {"text/html"}, "Referer": {homeURL + "/a;s=1?q#f"}}, map[string]string{"User-Agent": "tool/1.0", "Accept": "text/html", "Referer": homeURL + "/a"}},
		{"", http.Header{"Referer": {"https://other.example/"}}, map[string]string{"Referer": ""}},
		{"", http.Header{"Referer": {"http://adfs.corp.example/"}}, map[string]string{"Referer": ""}},
		{"", http.Header{"Referer": {"::"}}, map[string]string{"Referer": ""}},
	} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", homeURL+"/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range c.given {
			req.Header[k] = v
		}
		resp, err := NewClient(ClientOptions{Transport: sim, UserAgent: c.agent}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		for name, want := range c.want {
			if got.Get(name) != want {
				t.Errorf("%s = %q, want %q", name, got.Get(name), want)
			}
		}
		if len(req.Header) != len(c.given) {
			t.Errorf("the caller's headers were changed: %v", req.Header)
		}
	}
}
