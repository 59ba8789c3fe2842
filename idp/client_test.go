package idp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
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

// walk posts what was typed to the home origin with one redirect, or several, to
// another, and returns what reached an origin that it was not for: "origin: canary".
func walk(t *testing.T, make func(w *world) *http.Client, statuses []int, target string) []string {
	t.Helper()
	w := newWorld(t, func(w http.ResponseWriter, r *http.Request) {
		step := 0
		_, _ = fmt.Sscanf(r.URL.Path, "/step%d", &step)
		http.SetCookie(w, &http.Cookie{Name: "MSISAuth", Value: cookieCanary, Path: "/", HttpOnly: true})
		if step >= len(statuses) || OriginOf(r.URL) != home {
			_, _ = io.WriteString(w, "done")
			return
		}
		location := fmt.Sprintf("/step%d", step+1)
		if step == len(statuses)-1 {
			location = target + location
		}
		w.Header()["Location"] = []string{location}
		w.WriteHeader(statuses[step])
	})
	req := postForm(t, homeURL+"/step0?token="+queryCanary, url.Values{"Password": {bodyCanary}})
	req.Header.Set("Authorization", "Basic "+headerCanary)
	req.Header.Set("Referer", homeURL+"/adfs/ls/?token="+queryCanary)
	resp, err := make(w).Do(req.WithContext(WithTyped(req.Context())))
	if err == nil {
		_ = resp.Body.Close()
	}
	var leaks []string
	sent := w.sent()
	if !strings.Contains(sent[home], bodyCanary) {
		t.Fatalf("the home origin was not sent the form: %v", err)
	}
	for origin, text := range sent {
		for _, canary := range []string{bodyCanary, queryCanary, headerCanary, cookieCanary, "Referer", "YWRmcy5jb3JwLmV4YW1wbGU6"} {
			if origin != home && strings.Contains(text, canary) {
				leaks = append(leaks, string(origin)+": "+canary)
			}
		}
	}
	return leaks
}

var redirectChains = [][]int{{301}, {302}, {303}, {307}, {308}, {307, 308}, {302, 307}, {307, 302}}

func ourClient(w *world) *http.Client { return NewClient(w.options(home, listed)) }

// oneWall is a client with only one of the two walls against redirects.
func oneWall(first bool) func(*world) *http.Client {
	return func(w *world) *http.Client {
		c := ourClient(w)
		if first {
			c.Transport.(*transport).judge.trust = Trust{Origins: []Origin{home, listed}}
			c.Transport = withoutWall{c.Transport.(*transport)}
		} else {
			c.CheckRedirect = nil
		}
		return c
	}
}

// withoutWall is a transport that asks nobody; it still trims Referer.
type withoutWall struct{ t *transport }

func (n withoutWall) RoundTrip(req *http.Request) (*http.Response, error) {
	return n.t.base.RoundTrip(n.t.dress(req.Clone(req.Context())))
}

func TestRedirectsLeakNothing(t *testing.T) {
	t.Parallel()
	for _, chain := range redirectChains {
		for _, target := range elsewhere {
			if leaks := walk(t, ourClient, chain, target); len(leaks) > 0 {
				t.Errorf("redirects %v to %s: sent %q", chain, target, leaks)
			}
		}
	}
}

// Each wall alone keeps the body at home; the first also the Authorization header.
func TestRedirectWallsAlone(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		for _, chain := range [][]int{{307}, {308}, {307, 308}} {
			for _, target := range elsewhere {
				for _, leak := range walk(t, oneWall(first), chain, target) {
					t.Errorf("first wall alone %v: redirects %v to %s: sent %s", first, chain, target, leak)
				}
			}
		}
	}
}

// The control: Go's client with Go's jar leaks each canary, and the same walk says so.
func TestRedirectWalkNoticesPlainClient(t *testing.T) {
	t.Parallel()
	plain := func(w *world) *http.Client {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Client{Jar: jar, Transport: newTransport(w.options(), &tls.Config{RootCAs: w.ca.pool})}
	}
	for _, c := range []struct {
		status int
		target string
		want   string
	}{
		{307, "https://evil.example", "https://evil.example:443: " + bodyCanary},
		{308, "http://adfs.corp.example", "http://adfs.corp.example:80: " + bodyCanary},
		{302, "https://evil.example", "https://evil.example:443: " + queryCanary}, // in Referer
		{302, "https://evil.example", "https://evil.example:443: Referer"},
		{302, "https://a.adfs.corp.example", "https://a.adfs.corp.example:443: " + headerCanary},
		{302, "https://adfs.corp.example:8443", "https://adfs.corp.example:8443: " + cookieCanary},
		{302, "https://adfs.corp.example:@evil.example", "https://evil.example:443: YWRmcy5jb3JwLmV4YW1wbGU6"},
	} {
		leaks := walk(t, plain, []int{c.status}, c.target)
		if !slices.Contains(leaks, c.want) {
			t.Errorf("plain client, %d to %s: noticed %q, want %q among them", c.status, c.target, leaks, c.want)
		}
	}
}

// A redirect within the origin keeps what a browser keeps: body on 307, cookies,
// Authorization, and the page as Referer without its query.
func TestRedirectWithinOrigin(t *testing.T) {
	t.Parallel()
	var last *http.Request
	var form string
	w := newWorld(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/start" {
			http.SetCookie(w, &http.Cookie{Name: "c", Value: "v", Path: "/"})
			http.Redirect(w, r, "/end", http.StatusTemporaryRedirect)
			return
		}
		b, _ := io.ReadAll(r.Body)
		last, form = r, string(b)
	})
	req := postForm(t, homeURL+"/start?token=x", url.Values{"Password": {"p"}})
	req.Header.Set("Authorization", "Basic x")
	// What a person typed is sent once, whatever the server asks for.
	_, err := NewClient(w.options(home)).Do(req.WithContext(WithTyped(req.Context())))
	if page := (*PageError)(nil); !errors.As(err, &page) || page.Verdict != Unknown || last != nil {
		t.Errorf("a typed form was sent again: %v, %v", err, last)
	}
	req = postForm(t, homeURL+"/start?token=x", url.Values{"Password": {"p"}})
	req.Header.Set("Authorization", "Basic x")
	resp, err := NewClient(w.options(home)).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPage(resp); err != nil {
		t.Fatal(err)
	}
	got := []string{last.Method, form, last.Header.Get("Cookie"), last.Header.Get("Authorization"), last.Header.Get("Referer")}
	want := []string{"POST", "Password=p", "c=v", "Basic x", homeURL + "/start"}
	if !slices.Equal(got, want) {
		t.Errorf("after a 307 within the origin: %q, want %q", got, want)
	}
	if err := resp.Request.Context().Err(); err != nil {
		t.Errorf("Request's context ended with the page: %v", err)
	}
	if resp.Request.URL.String() != homeURL+"/end" {
		t.Errorf("Request.URL = %s, want the last one", resp.Request.URL)
	}
}

// An Authorization header and the like do not follow a redirect to another origin,
// not even a trusted one; the request itself does.
func TestRedirectDropsCredentials(t *testing.T) {
	t.Parallel()
	for _, target := range elsewhere {
		if strings.HasPrefix(target, "http:") {
			continue
		}
		options := ClientOptions{Trust: Trust{Origins: []Origin{home, OriginOf(mustURL(t, target))}}}
		var got http.Header
		options.Transport = transportFunc(func(req *http.Request) (*http.Response, error) {
			if OriginOf(req.URL) == home {
				return answer(req, 302, http.Header{"Location": {target}}, ""), nil
			}
			got = req.Header
			return answer(req, 200, nil, ""), nil
		})
		req, err := http.NewRequestWithContext(t.Context(), "GET", homeURL, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Authorization", "Cookie", "Origin"} {
			req.Header.Set(name, headerCanary)
		}
		resp, err := NewClient(options).Do(req)
		if err != nil {
			t.Errorf("redirect to %s: %v", target, err)
			continue
		}
		_ = resp.Body.Close()
		for _, name := range []string{"Authorization", "Cookie", "Origin"} {
			if got.Get(name) != "" {
				t.Errorf("redirect to %s: %s = %q", target, name, got.Get(name))
			}
		}
	}
}

// From https nothing leads to http, where http may otherwise be opened too.
func TestRedirectDowngrade(t *testing.T) {
	t.Parallel()
	const local = "http://127.0.0.1:8080"
	client := NewClient(ClientOptions{
		Trust: Trust{Origins: []Origin{local}},
		Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/to-http" {
				return answer(req, 302, http.Header{"Location": {local + "/"}}, ""), nil
			}
			return answer(req, 200, nil, ""), nil
		}),
	})
	for from, ok := range map[string]bool{"https://other.example/to-http": false, local + "/to-http": true} {
		resp, err := client.Get(from)
		if err == nil {
			_ = resp.Body.Close()
		}
		if refused := (*OriginError)(nil); (err == nil) != ok || !ok && !errors.As(err, &refused) {
			t.Errorf("%s: %v, want to arrive: %v", from, err, ok)
		}
	}
}

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

// The redirect limit is exactly ten.
func TestRedirectLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		redirects int
		ok        bool
	}{{10, true}, {11, false}} {
		n := 0
		client := NewClient(ClientOptions{Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
			if n++; n <= c.redirects {
				return answer(req, 302, http.Header{"Location": {fmt.Sprintf("/%d", n)}}, ""), nil
			}
			return answer(req, 200, nil, "ok"), nil
		})})
		resp, err := client.Get(homeURL)
		if err == nil {
			_ = resp.Body.Close()
		}
		if (err == nil) != c.ok || n != 11 {
			t.Errorf("%d redirects: %d requests, %v", c.redirects, n, NetError(err))
		}
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
