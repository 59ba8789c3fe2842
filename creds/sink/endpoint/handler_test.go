package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/creds"
	"gatehop/creds/secret"
)

const (
	testHost  = "127.0.0.1:4711"
	testToken = "k4n4ry-token-0123456789"
	testKey   = "k4n4rySecretAccessKey"
)

func testCredentials() creds.Credentials {
	return creds.Credentials{
		AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: secret.New(testKey), SessionToken: secret.New("k4n4rySessionToken"),
		Expires: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), Identity: "arn:aws:sts::111111111111:assumed-role/Gateway/alice",
	}
}

func always(context.Context) (creds.Credentials, error) { return testCredentials(), nil }

// stranger is the port from which connections of another user come.
const stranger = 2

func newHandler() *Handler {
	return &Handler{Host: testHost, Token: secret.New(testToken), Source: always,
		Owned: func(remote, _ netip.AddrPort) bool { return remote.Port() != stranger }}
}

// request is one that is answered, changed by change.
func request(change func(r *http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodGet, Path, nil)
	r.Host, r.RemoteAddr = testHost, "127.0.0.1:1"
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711})))
	r.Header.Set("Authorization", testToken)
	r.Header.Set("User-Agent", "aws-cli/2")
	r.Header.Set("Accept", "application/json")
	if change != nil {
		change(r)
	}
	return r
}

// attack is a request that one rule alone refuses.
type attack struct {
	rule   string
	name   string
	change func(r *http.Request)
}

func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = []string{value} }
}

func named(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }

func to(target string) func(*http.Request) { return func(r *http.Request) { r.RequestURI = target } }

func by(method string) func(*http.Request) { return func(r *http.Request) { r.Method = method } }

func attacks() []attack {
	list := []attack{
		{"another user", "another user", func(r *http.Request) { r.RemoteAddr = fmt.Sprintf("127.0.0.1:%d", stranger) }},
		{"another user", "from nowhere", func(r *http.Request) { r.RemoteAddr = "@" }},
		{"another user", "to nowhere", func(r *http.Request) { *r = *r.WithContext(context.Background()) }},
		{"a body", "of a length", func(r *http.Request) { r.ContentLength = 1 }},
		{"a body", "in chunks", func(r *http.Request) { r.ContentLength, r.TransferEncoding = -1, []string{"chunked"} }},
		{"no token", "none", func(r *http.Request) { r.Header.Del("Authorization") }},
		{"no token", "in another header", func(r *http.Request) { r.Header.Del("Authorization"); r.Header.Set("X-Authorization", testToken) }},
		{"a wrong token", "two", func(r *http.Request) { r.Header.Add("Authorization", testToken) }},
	}
	for _, host := range []string{"", "127.0.0.1", "127.0.0.1:4712", "localhost:4711", "evil.example:4711", "127.0.0.1:4711.evil.example", "127.0.0.1.:4711", "[::1]:4711", "0:4711", "127.1:4711", "x127.0.0.1:4711"} {
		list = append(list, attack{"another host", host, named(host)})
	}
	for _, header := range []string{"Origin: null", "Origin: http://" + testHost, "Origin: ", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Sec-Fetch-Storage-Access: active"} {
		name, value, _ := strings.Cut(header, ": ")
		list = append(list, attack{"a browser", header, with(name, value)})
	}
	for _, header := range []string{"Forwarded: for=1.2.3.4", "X-Forwarded-For: 127.0.0.1", "Via: 1.1 proxy", "Via: "} {
		name, value, _ := strings.Cut(header, ": ")
		list = append(list, attack{"a proxy", header, with(name, value)})
	}
	for _, target := range []string{"/", "", "/credentials/", "/credentials?", "/credentials?x=1", "/credentials#", "//credentials", "/Credentials", "/%63redentials", "/x/../credentials", "http://" + testHost + Path, "*"} {
		list = append(list, attack{"another path", target, to(target)})
	}
	for _, method := range []string{"", "HEAD", "POST", "PUT", "OPTIONS", "get", "GET ", "DELETE", "CONNECT"} {
		list = append(list, attack{"another method", method, by(method)})
	}
	for _, token := range []string{"", "x", testToken[:len(testToken)-1], testToken + "x", strings.ToUpper(testToken), "Bearer " + testToken, testToken + " ", "\"" + testToken + "\""} {
		list = append(list, attack{"a wrong token", token, with("Authorization", token)})
	}
	return list
}

// judge sends what must be answered and every attack, and says what is wrong, by the
// rule that an attack is about.
func judge(h *Handler) (wrong map[string][]string) {
	wrong = map[string][]string{}
	complain := func(rule, format string, args ...any) {
		wrong[rule] = append(wrong[rule], fmt.Sprintf(format, args...))
	}
	sound := httptest.NewRecorder()
	h.ServeHTTP(sound, request(nil))
	if sound.Code != http.StatusOK || !strings.Contains(sound.Body.String(), testKey) || sound.Header().Get("Content-Type") != "application/json" || sound.Header().Get("Cache-Control") != "no-store" {
		complain("", "a sound request gets %d %v", sound.Code, sound.Header())
	}
	for _, a := range attacks() {
		got := httptest.NewRecorder()
		h.ServeHTTP(got, request(a.change))
		want := rules()[slices.IndexFunc(rules(), func(r rule) bool { return r.name == a.rule })]
		var said map[string]string
		err := json.Unmarshal(got.Body.Bytes(), &said)
		switch {
		case strings.Contains(got.Body.String(), "k4n4ry"):
			complain(a.rule, "%q gets %s", a.name, got.Body)
		case got.Code != want.status || err != nil || said["code"] != want.code || said["Code"] != want.code || said["message"] == "" || said["message"] != said["Message"]:
			complain(a.rule, "%q gets %d %s, want %d %s", a.name, got.Code, got.Body, want.status, want.code)
		}
		for name := range got.Header() {
			if strings.HasPrefix(name, "Access-Control-") {
				complain(a.rule, "%q gets %s", a.name, name)
			}
		}
	}
	return wrong
}

func TestHandler(t *testing.T) {
	t.Parallel()
	for rule, problems := range judge(newHandler()) {
		t.Errorf("%s: %s", rule, strings.Join(problems, "\n"))
	}
	if n := len(judge(&Handler{Source: always})); n == 0 {
		t.Error("the zero value answers")
	}
}

// TestHandlerRules takes one rule away after the other, and wants it missed by its own
// attacks, by all of them.
func TestHandlerRules(t *testing.T) {
	t.Parallel()
	for i, gone := range rules() {
		h := newHandler()
		h.rules = slices.Delete(rules(), i, i+1)
		wrong := judge(h)
		count := 0
		for _, a := range attacks() {
			if a.rule == gone.name {
				count++
			}
		}
		if count == 0 || len(wrong[gone.name]) != count || len(wrong) != 1 {
			t.Errorf("without the rule about %s: %d of its %d attacks are noticed, and others: %v", gone.name, len(wrong[gone.name]), count, wrong)
		}
		for _, problem := range wrong[gone.name] {
			// Without a token there is still the next rule; of all others nothing else keeps out what they do.
			if gone.name != "no token" && !strings.Contains(problem, testKey) {
				t.Errorf("without the rule about %s: %s", gone.name, problem)
			}
		}
	}
}

// TestHandlerMutants weakens rules as one might by mistake.
func TestHandlerMutants(t *testing.T) {
	t.Parallel()
	shown := func(r *http.Request) string { return r.Header.Get("Authorization") }
	for _, m := range []struct {
		rule, name string
		refuses    func(h *Handler, r *http.Request) bool
	}{
		{"another user", "unknown is ours", func(h *Handler, r *http.Request) bool {
			remote, err := netip.ParseAddrPort(r.RemoteAddr)
			return err == nil && !h.Owned(remote, netip.AddrPort{})
		}},
		{"another host", "any port", func(h *Handler, r *http.Request) bool { return !strings.HasPrefix(r.Host, "127.0.0.1:") }},
		{"another host", "by its start", func(h *Handler, r *http.Request) bool { return !strings.HasPrefix(r.Host, h.Host) }},
		{"another host", "by its end", func(h *Handler, r *http.Request) bool { return !strings.HasSuffix(r.Host, h.Host) }},
		{"another host", "localhost too", func(h *Handler, r *http.Request) bool { return r.Host != h.Host && r.Host != "localhost:4711" }},
		{"a browser", "an empty Origin", func(_ *Handler, r *http.Request) bool {
			for name := range r.Header {
				if strings.HasPrefix(name, "Sec-Fetch-") {
					return true
				}
			}
			return r.Header.Get("Origin") != ""
		}},
		{"a browser", "Origin alone", func(_ *Handler, r *http.Request) bool { return r.Header["Origin"] != nil }},
		{"a browser", "its own origin", func(h *Handler, r *http.Request) bool {
			return (*Handler).isBrowser(nil, r) && r.Header.Get("Origin") != "http://"+h.Host
		}},
		{"a proxy", "an empty Via", func(_ *Handler, r *http.Request) bool {
			return r.Header["Forwarded"] != nil || r.Header["X-Forwarded-For"] != nil || r.Header.Get("Via") != ""
		}},
		{"another path", "its start", func(_ *Handler, r *http.Request) bool { return !strings.HasPrefix(r.RequestURI, Path) }},
		{"another path", "as it is understood", func(_ *Handler, r *http.Request) bool { return r.URL.Path != Path }},
		{"another path", "in any case", func(_ *Handler, r *http.Request) bool { return !strings.EqualFold(r.RequestURI, Path) }},
		{"another method", "HEAD", func(_ *Handler, r *http.Request) bool { return r.Method != "GET" && r.Method != "HEAD" }},
		{"another method", "in any case", func(_ *Handler, r *http.Request) bool { return !strings.EqualFold(r.Method, "GET") }},
		{"a body", "a known length", func(_ *Handler, r *http.Request) bool { return r.ContentLength > 0 }},
		{"a wrong token", "its start", func(h *Handler, r *http.Request) bool { return !strings.HasPrefix(shown(r), h.Token.Reveal()) }},
		{"a wrong token", "the start of it", func(h *Handler, r *http.Request) bool { return !strings.HasPrefix(h.Token.Reveal(), shown(r)) }},
		{"a wrong token", "its end", func(h *Handler, r *http.Request) bool { return !strings.HasSuffix(shown(r), h.Token.Reveal()) }},
		{"a wrong token", "in any case", func(h *Handler, r *http.Request) bool { return !strings.EqualFold(shown(r), h.Token.Reveal()) }},
		{"a wrong token", "the first", func(h *Handler, r *http.Request) bool { return !secret.New(shown(r)).Equal(h.Token) }},
		{"a wrong token", "its length", func(h *Handler, r *http.Request) bool { return len(shown(r)) != len(h.Token.Reveal()) }},
	} {
		h := newHandler()
		h.rules = rules()
		i := slices.IndexFunc(h.rules, func(r rule) bool { return r.name == m.rule })
		h.rules[i].refuses = m.refuses
		if wrong := judge(h); len(wrong[m.rule]) == 0 {
			t.Errorf("%s, %s: not noticed", m.rule, m.name)
		}
	}
}

// TestHandlerOwnerUnknown: where the system tells nothing, the token decides.
func TestHandlerOwnerUnknown(t *testing.T) {
	t.Parallel()
	h := newHandler()
	h.Owned = nil
	got := httptest.NewRecorder()
	h.ServeHTTP(got, request(attacks()[0].change))
	if got.Code != http.StatusOK {
		t.Errorf("status %d", got.Code)
	}
}

func TestHandlerUnavailable(t *testing.T) {
	t.Parallel()
	bad := testCredentials()
	bad.SessionToken = secret.New("k4n4ry\n")
	for _, c := range []struct {
		name   string
		c      creds.Credentials
		err    error
		status int
		words  string
	}{
		{"a person is needed", creds.Credentials{}, &UnavailableError{Message: "run `gatehop login corp`"}, http.StatusForbidden, "gatehop login corp"},
		{"soon", creds.Credentials{}, fmt.Errorf("asked: %w", &UnavailableError{Message: "no network", Later: true}), http.StatusServiceUnavailable, "no network"},
		{"an error of its own", creds.Credentials{}, errors.New("k4n4ry"), http.StatusInternalServerError, "no credentials"},
		{"credentials that are not fit", bad, nil, http.StatusInternalServerError, "not fit"},
		{"credentials and an error", testCredentials(), errors.New("k4n4ry"), http.StatusInternalServerError, "no credentials"},
	} {
		h := newHandler()
		h.Source = func(context.Context) (creds.Credentials, error) { return c.c, c.err }
		got := httptest.NewRecorder()
		h.ServeHTTP(got, request(nil))
		var said map[string]string
		if err := json.Unmarshal(got.Body.Bytes(), &said); err != nil || got.Code != c.status || !strings.Contains(said["message"], c.words) || strings.Contains(got.Body.String(), "k4n4ry") {
			t.Errorf("%s: %d %s, %v; want %d with %q", c.name, got.Code, got.Body, err, c.status, c.words)
		}
	}
}

// TestHandlerPatience: a source that does not answer gets a second, which is less than
// any SDK waits.
func TestHandlerPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHandler()
		h.Source = func(ctx context.Context) (creds.Credentials, error) {
			<-ctx.Done()
			return creds.Credentials{}, ctx.Err()
		}
		began, got := time.Now(), httptest.NewRecorder()
		h.ServeHTTP(got, request(nil))
		if took := time.Since(began); took != answerLimit || got.Code != http.StatusInternalServerError {
			t.Errorf("%d after %v", got.Code, took)
		}
	})
}
