package endpoint

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// serveRaw answers the bytes of one request. It returns nil for bytes that are none.
func serveRaw(h *Handler, raw string) *httptest.ResponseRecorder {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		return nil
	}
	r.RemoteAddr = "127.0.0.1:1"
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711})))
	got := httptest.NewRecorder()
	h.ServeHTTP(got, r)
	return got
}

var (
	soundLine  = regexp.MustCompile(`^GET /credentials HTTP/\d\.\d$`)
	soundHost  = regexp.MustCompile(`(?im)^host:[ \t]*` + regexp.QuoteMeta(testHost) + `[ \t]*$`)
	soundToken = regexp.MustCompile(`(?im)^authorization:[ \t]*\r?\n?[ \t]*(?-i:` + regexp.QuoteMeta(testToken) + `)[ \t]*$`)
	foreign    = regexp.MustCompile(`(?im)^(origin|sec-fetch-[^:]*|via|forwarded|x-forwarded-for):`)
)

// leaks says why an answer must not have been given, going by the bytes of the request.
func leaks(raw string, got *httptest.ResponseRecorder) string {
	head, _, _ := strings.Cut(strings.ReplaceAll(raw, "\r\n", "\n"), "\n\n")
	first, fields, _ := strings.Cut(head, "\n")
	switch answered := strings.Contains(got.Body.String(), testKey); {
	case !answered && got.Code == http.StatusOK:
		return "nothing is answered as if it were something"
	case !answered:
		return ""
	case !soundLine.MatchString(first):
		return "the first line"
	case !soundHost.MatchString(fields):
		return "the host"
	case !soundToken.MatchString(fields):
		return "the token"
	case foreign.MatchString(fields):
		return "a header"
	}
	return ""
}

func rawSeeds() []string {
	const sound = "GET /credentials HTTP/1.1\r\nHost: " + testHost + "\r\nAuthorization: " + testToken + "\r\n\r\n"
	return []string{
		sound,
		strings.Replace(sound, "GET", "POST", 1),
		strings.Replace(sound, "/credentials", "http://"+testHost+"/credentials", 1),
		strings.Replace(sound, "/credentials", "/credentials?a=b", 1),
		strings.Replace(sound, "HTTP/1.1", "HTTP/1.0", 1),
		strings.Replace(sound, "Host:", "host :", 1),
		strings.Replace(sound, "Host: "+testHost, "Host: evil.example\r\nHost: "+testHost, 1),
		strings.Replace(sound, "Authorization:", "AUTHORIZATION:\t", 1),
		strings.Replace(sound, "Authorization: ", "Authorization:\r\n ", 1),
		strings.Replace(sound, "\r\n\r\n", "\r\nOrigin: null\r\n\r\n", 1),
		strings.Replace(sound, "\r\n\r\n", "\r\nsec-fetch-mode: cors\r\n\r\n", 1),
		strings.Replace(sound, "\r\n\r\n", "\r\nContent-Length: 3\r\n\r\nabc", 1),
		strings.Replace(sound, "\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 1),
		strings.Replace(sound, testToken, testToken+"x", 1),
		strings.ReplaceAll(sound, "\r", ""),
		"",
	}
}

// FuzzRequest sends bytes: the credentials come only in answer to bytes that hold all
// that is wanted and nothing that is refused.
func FuzzRequest(f *testing.F) {
	for _, raw := range rawSeeds() {
		f.Add(raw)
	}
	h := newHandler()
	f.Fuzz(func(t *testing.T, raw string) {
		if got := serveRaw(h, raw); got != nil {
			if why := leaks(raw, got); why != "" {
				t.Errorf("%q is answered with %d: %s", raw, got.Code, why)
			}
		}
	})
}

// TestFuzzRequestControl: the judge of the fuzzing sees an endpoint without rules, and
// one seed at least is answered by the real one.
func TestFuzzRequestControl(t *testing.T) {
	t.Parallel()
	open, h, seen, answered := newHandler(), newHandler(), 0, 0
	open.rules = []rule{}
	for _, raw := range rawSeeds() {
		if got := serveRaw(open, raw); got != nil && leaks(raw, got) != "" {
			seen++
		}
		if got := serveRaw(h, raw); got != nil && got.Code == http.StatusOK {
			answered++
		}
	}
	if seen < 6 || answered < 3 {
		t.Errorf("%d answers that must not be are seen, %d seeds are answered", seen, answered)
	}
}
