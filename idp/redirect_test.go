package idp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
)

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
