package challenge

import (
	"context"
	"crypto/x509"
	"encoding/base64"
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

// TestConnection: NTLM's last message goes over the connection that its challenge came
// from, or not at all; an exchange that lost it is begun again, once.
func TestConnection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		behave func(http.ResponseWriter, string, int) bool
		seen   string // connection 2 is closed before anything is written to it; "": not the same each time
		body   string // "": ConnectionLost
	}{
		{"kept", nil, "-@1 1@1 3@1 -@1", "200 4"},
		{"closed once", closing(1, true), "-@1 1@1 1@3 3@3 -@3", "200 4"},
		{"closed once without a word", closing(1, false), "", "200 4"},
		{"always closed", closing(100, true), "-@1 1@1 1@3", ""},
		{"always closed without a word", closing(100, false), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newWindows(t, c.behave)
			body, err := s.attempt(t, s.client(t), false)
			seen, lost := s.log()
			if c.seen == "" && errors.Is(err, &idp.PageError{Verdict: idp.ConnectionLost}) {
				return // the message was on its way when the connection ended, and is not written again
			}
			if body != c.body || c.seen != "" && seen != c.seen {
				t.Errorf("answered %q, %v; the server saw %s, want %q after %s", body, err, seen, c.body, c.seen)
			}
			if c.body == "" && !errors.Is(err, &idp.PageError{Verdict: idp.ConnectionLost}) {
				t.Errorf("error %v, want verdict ConnectionLost", err)
			}
			if lost != nil || strings.Count(seen, "1@") > 2 {
				t.Errorf("on the wrong connection: %q of %s", lost, seen)
			}
		})
	}
}

// TestConnectionControl: a client that does not look at its connections is caught, and so
// is one whose transport does not say which it uses.
func TestConnectionControl(t *testing.T) {
	t.Parallel()
	s := newWindows(t, closing(100, true))
	body, err := s.attempt(t, s.client(t), true)
	if _, lost := s.log(); len(lost) != 1 {
		t.Errorf("%q, %v: the server noticed %q", body, err, lost)
	}
	mute := newWindows(t, nil)
	client := mute.client(t)
	inner := client.Transport
	client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		return inner.RoundTrip(r.Clone(context.Background()))
	})
	if _, err := mute.attempt(t, client, false); !errors.Is(err, &idp.PageError{Verdict: idp.ConnectionLost}) {
		t.Errorf("over a transport that says nothing: %v", err)
	}
	if seen, _ := mute.log(); strings.Contains(seen, "3@") {
		t.Errorf("a type 3 was sent over a transport that says nothing: %s", seen)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestTwoConnections has a client with two connections, used in turn.
func TestTwoConnections(t *testing.T) {
	t.Parallel()
	s := newWindows(t, nil)
	one, two := s.client(t), s.client(t)
	turn := 0
	client := *one
	client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		turn++
		return []*http.Client{one, two}[turn%2].Transport.RoundTrip(r)
	})
	if body, err := s.attempt(t, &client, false); !errors.Is(err, &idp.PageError{Verdict: idp.ConnectionLost}) {
		t.Errorf("%q, %v", body, err)
	}
	if seen, lost := s.log(); lost != nil || strings.Contains(seen, "3@") {
		t.Errorf("the server saw %s, %q on the wrong connection", seen, lost)
	}
}

// TestExchangeEnds: a server that does not keep to the exchange.
func TestExchangeEnds(t *testing.T) {
	t.Parallel()
	offer := func(w http.ResponseWriter, value string) bool {
		w.Header().Set("WWW-Authenticate", value)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	for name, c := range map[string]struct {
		behave func(http.ResponseWriter, string, int) bool
		want   idp.Verdict // "": 401 is what comes of it
	}{
		"nothing after the first message": {func(w http.ResponseWriter, kind string, _ int) bool { return kind == "1" && offer(w, "NTLM") }, idp.ProviderError},
		"another scheme":                  {func(w http.ResponseWriter, kind string, _ int) bool { return kind == "1" && offer(w, "Negotiate AAAA") }, idp.ProviderError},
		"no base64":                       {func(w http.ResponseWriter, kind string, _ int) bool { return kind == "1" && offer(w, "NTLM ...") }, idp.ProviderError},
		"no challenge":                    {func(w http.ResponseWriter, kind string, _ int) bool { return kind == "1" && offer(w, "NTLM AAAA") }, idp.ProviderError},
		"refused":                         {func(w http.ResponseWriter, kind string, _ int) bool { return kind == "3" && offer(w, "NTLM") }, ""},
		"challenges for ever": {func(w http.ResponseWriter, kind string, _ int) bool {
			return offer(w, "NTLM "+base64.StdEncoding.EncodeToString(type2()))
		}, ""},
		"refused with a token": {func(w http.ResponseWriter, kind string, _ int) bool {
			return kind == "3" && offer(w, "NTLM oQcwBaADCgEC")
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newWindows(t, c.behave)
			body, err := s.attempt(t, s.client(t), false)
			if c.want != "" && !errors.Is(err, &idp.PageError{Verdict: c.want}) || c.want == "" && !strings.HasPrefix(body, "401 ") {
				t.Errorf("%q, %v, want %q", body, err, c.want)
			}
			if seen, _ := s.log(); strings.Count(seen, "@") > 6 || strings.Count(seen, "3@") > 1 {
				t.Errorf("%s", seen)
			}
		})
	}
}

// TestNegotiateWithoutNTLM: a server of Negotiate that has no answer to a first message of
// NTLM takes none; of another mechanism that cannot be said.
func TestNegotiateWithoutNTLM(t *testing.T) {
	t.Parallel()
	s := newWindows(t, func(w http.ResponseWriter, _ string, _ int) bool {
		w.Header().Set("WWW-Authenticate", "Negotiate")
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	for spoken, want := range map[bool]idp.PageError{true: {Verdict: idp.Integrated, Scheme: "NTLM"}, false: {Verdict: idp.ProviderError}} {
		a := &Answer{scheme: "Negotiate", bound: true, ntlm: spoken, begin: func() (exchange, error) { return ntlm{}, nil }}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Do(s.client(t), req, func(*http.Request) error { return nil })
		var page *idp.PageError
		if !errors.As(err, &page) || page.Verdict != want.Verdict || page.Scheme != want.Scheme {
			t.Errorf("NTLM %t: %+v, want %s of %q", spoken, err, want.Verdict, want.Scheme)
		}
	}
	a, err := Config{Kind: NTLM}.Answer(t.Context(), http.MethodGet, &url.URL{}, []Offer{{Scheme: "Negotiate"}}, Who{})
	if err != nil || !a.ntlm {
		t.Errorf("Answer = %+v, %v", a, err)
	}
}

// TestAnswerStays: what answers a 401 goes nowhere else: not along a redirect, to this host
// or another.
func TestAnswerStays(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{NTLM, Basic, Digest} {
		var mu sync.Mutex
		var got []string
		other := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, "elsewhere: "+r.Header.Get("Authorization"))
		}))
		t.Cleanup(other.Close)
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			switch msg, _ := base64.StdEncoding.DecodeString(text); {
			case r.URL.Path == "/next":
				got = append(got, "next: "+scheme)
				http.Redirect(w, r, other.URL, http.StatusFound)
			case scheme == "NTLM" && msg[8] == 1:
				w.Header().Set("WWW-Authenticate", "NTLM "+base64.StdEncoding.EncodeToString(type2()))
				w.WriteHeader(http.StatusUnauthorized)
			default:
				http.Redirect(w, r, "/next", http.StatusFound)
			}
		}))
		t.Cleanup(s.Close)
		trust, err := idp.NewTrust(s.URL, []string{other.URL}, nil)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate())
		roots.AddCert(other.Certificate())
		client := idp.NewClient(idp.ClientOptions{Trust: trust, Roots: roots, OneConnection: true})
		u, err := url.Parse(s.URL + "/")
		if err != nil {
			t.Fatal(err)
		}
		offers := parse([]string{"NTLM", `Basic realm="x"`, `Digest nonce="n"`})
		a, err := Config{Kind: kind}.Answer(t.Context(), http.MethodGet, u, offers, Who{"alice", secret.New("p")})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := a.Do(client, req, func(*http.Request) error { return nil })
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		_ = resp.Body.Close()
		mu.Lock()
		if all := strings.Join(got, ", "); all != "next: , elsewhere: " {
			t.Errorf("%s: %s", kind, all)
		}
		mu.Unlock()
	}
}

// TestCount: every request is asked about, and one that is refused is not made.
func TestCount(t *testing.T) {
	t.Parallel()
	for limit := range 3 {
		s := newWindows(t, nil)
		client := s.client(t)
		u, err := url.Parse(s.URL + "/")
		if err != nil {
			t.Fatal(err)
		}
		a, err := Config{Kind: NTLM}.Answer(t.Context(), http.MethodGet, u, []Offer{{Scheme: "NTLM"}}, Who{"a", secret.New("b")})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		enough := errors.New("enough")
		asked := 0
		_, err = a.Do(client, req, func(*http.Request) error {
			if asked == limit {
				return enough
			}
			asked++
			return nil
		})
		seen, _ := s.log()
		if errors.Is(err, enough) != (limit < 2) || limit < 2 && strings.Count(seen, "@") != limit {
			t.Errorf("limit %d: %v after %q", limit, err, seen)
		}
	}
}
