package endpoint

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"gatehop/creds"
)

func start(t *testing.T) *Endpoint {
	t.Helper()
	e, err := Start(rand.Reader, always)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// host is 127.0.0.1:PORT.
func (e *Endpoint) host() string {
	return strings.TrimSuffix(strings.TrimPrefix(e.URL, "http://"), Path)
}

func (e *Endpoint) get() (status int, body string, err error) {
	r, err := http.NewRequest(http.MethodGet, e.URL, nil)
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Authorization", e.Token.Reveal())
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	e, other := start(t), start(t)
	if status, body, err := e.get(); err != nil || status != http.StatusOK || !strings.Contains(body, testKey) {
		t.Errorf("get = %d %s, %v", status, body, err)
	}
	if e.Token.Equal(other.Token) || len(e.Token.Reveal()) < 40 {
		t.Error("the token is no secret of this endpoint alone")
	}
	other.URL = e.URL // with its own token
	if status, body, err := other.get(); err != nil || status != http.StatusForbidden || strings.Contains(body, "k4n4ry") {
		t.Errorf("with another's token: %d %s, %v", status, body, err)
	}
}

// TestEndpointRaw sends what no client of Go's can.
func TestEndpointRaw(t *testing.T) {
	t.Parallel()
	e := start(t)
	sound := "GET /credentials HTTP/1.1\r\nHost: " + e.host() + "\r\nAuthorization: " + e.Token.Reveal() + "\r\nConnection: close\r\n\r\n"
	send := func(raw string) (status int, body string) {
		conn, err := net.Dial("tcp4", e.host())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(conn, raw); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return 0, ""
		}
		defer resp.Body.Close()
		data, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(data)
	}
	if status, body := send(sound); status != http.StatusOK || !strings.Contains(body, testKey) {
		t.Fatalf("the control: %d %s", status, body)
	}
	for name, c := range map[string]struct {
		from, to string
		status   int
	}{
		"options of the server":    {"GET /credentials", "OPTIONS *", http.StatusNotFound},
		"an absolute address":      {"/credentials", e.URL, http.StatusNotFound},
		"another host's address":   {"/credentials", "http://evil.example/credentials", http.StatusForbidden},
		"two hosts":                {"Host: ", "Host: evil.example\r\nHost: ", http.StatusBadRequest},
		"no host":                  {"Host: " + e.host() + "\r\n", "", http.StatusBadRequest},
		"two tokens":               {"Authorization: ", "Authorization: x\r\nAuthorization: ", http.StatusForbidden},
		"a body":                   {"\r\n\r\n", "\r\nContent-Length: 1\r\n\r\nx", http.StatusBadRequest},
		"two lengths":              {"\r\n\r\n", "\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", http.StatusBadRequest},
		"an upgrade":               {"Connection: close", "Connection: Upgrade\r\nUpgrade: h2c\r\nOrigin: null", http.StatusForbidden},
		"a head that is too large": {"\r\n\r\n", "\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
		"an origin in small":       {"\r\n\r\n", "\r\norigin: null\r\n\r\n", http.StatusForbidden},
	} {
		if status, body := send(strings.Replace(sound, c.from, c.to, 1)); status != c.status || strings.Contains(body, "k4n4ry") {
			t.Errorf("%s: %d %s, want %d", name, status, body, c.status)
		}
	}
}

// TestEndpointClose: nobody answers on the port after it, not even on a connection that
// was there before.
func TestEndpointClose(t *testing.T) {
	t.Parallel()
	e := start(t)
	conn, err := net.Dial("tcp4", e.host())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, _, err := e.get(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, "GET /credentials HTTP/1.1\r\nHost: "+e.host()+"\r\nAuthorization: "+e.Token.Reveal()+"\r\n\r\n")
	if data, err := io.ReadAll(conn); len(data) > 0 || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an open connection gets %q, %v", data, err)
	}
	if status, body, err := e.get(); err == nil {
		t.Errorf("get after Close = %d %s", status, body)
	}
}

func TestStartWithoutRandom(t *testing.T) {
	t.Parallel()
	for _, random := range []io.Reader{iotest.ErrReader(errors.New("broken")), strings.NewReader("short")} {
		if e, err := Start(random, func(context.Context) (creds.Credentials, error) { return testCredentials(), nil }); err == nil {
			t.Errorf("Start = %v: a token of no randomness", e)
		}
	}
}
