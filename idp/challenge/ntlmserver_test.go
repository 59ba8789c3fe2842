package challenge

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/creds/secret"
	"gatehop/idp"
)

// type2 is a challenge as short as one may be (MS-NLMP 2.2.1.2): no target, and Unicode.
func type2() []byte {
	m := append([]byte("NTLMSSP\x00\x02\x00\x00\x00"), make([]byte, 36)...)
	m[20] = 1
	return m
}

// windows is a server that answers NTLM, and notes what it is sent over which connection.
type windows struct {
	*httptest.Server

	mu     sync.Mutex
	seen   []string // "1@CONN", "3@CONN", "-@CONN" for nothing
	conns  int
	asked  map[int]bool // connections that were sent a challenge
	lost   []string     // messages of type 3 on the wrong connection
	behave func(w http.ResponseWriter, kind string, n int) bool
}

type connNumber struct{}

func newWindows(t *testing.T, behave func(w http.ResponseWriter, kind string, n int) bool) *windows {
	t.Helper()
	s := &windows{asked: map[int]bool{}, behave: behave}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns++
		return context.WithValue(ctx, connNumber{}, s.conns)
	}
	s.EnableHTTP2 = true // for whoever asks for it
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *windows) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, _ := r.Context().Value(connNumber{}).(int)
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	msg, _ := base64.StdEncoding.DecodeString(text)
	kind := "-"
	if len(msg) > 8 {
		kind = fmt.Sprint(msg[8])
	}
	s.mu.Lock()
	s.seen = append(s.seen, fmt.Sprintf("%s@%d", kind, conn))
	n := len(s.seen)
	if kind == "3" && !s.asked[conn] {
		s.lost = append(s.lost, s.seen[n-1])
	}
	s.asked[conn] = kind == "1"
	s.mu.Unlock()
	if r.ProtoMajor != 1 {
		http.Error(w, "HTTP_1_1_REQUIRED", http.StatusBadRequest)
		return
	}
	if s.behave != nil && s.behave(w, kind, n) {
		return
	}
	switch kind {
	case "1":
		w.Header().Set("WWW-Authenticate", scheme+" "+base64.StdEncoding.EncodeToString(type2()))
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, strings.Repeat("x", 100<<10))
	case "3":
		http.Redirect(w, r, "/done", http.StatusFound)
	default:
		if r.URL.Path == "/done" {
			_, _ = io.WriteString(w, "done")
			return
		}
		w.Header().Set("WWW-Authenticate", "NTLM")
		w.WriteHeader(http.StatusUnauthorized)
	}
}

func (s *windows) log() (seen string, lost []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.seen, " "), s.lost
}

func (s *windows) client(t *testing.T) *http.Client {
	t.Helper()
	trust, err := idp.NewTrust(s.URL, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return idp.NewClient(idp.ClientOptions{Trust: trust, Roots: roots, OneConnection: true, Timeout: 10 * time.Second})
}

// attempt answers one 401 of s, as a sign-in does after it has seen one.
func (s *windows) attempt(t *testing.T, client *http.Client, unbound bool) (string, error) {
	t.Helper()
	u, err := url.Parse(s.URL + "/wia?a=b")
	if err != nil {
		t.Fatal(err)
	}
	first, err := client.Get(u.String())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, first.Body)
	_ = first.Body.Close()
	a, err := Config{Kind: NTLM}.Answer(t.Context(), http.MethodGet, u, Offers(first.StatusCode, first.Header), Who{`CORP\alice`, secret.New("correct horse")})
	if err != nil {
		t.Fatal(err)
	}
	a.bound = a.bound && !unbound
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := a.Do(client, req, func(*http.Request) error { return nil })
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	return fmt.Sprint(resp.StatusCode, " ", len(body)), err
}

// closing answers type 1 as it should and ends the connection: said in the header, or not.
func closing(times int, said bool) func(http.ResponseWriter, string, int) bool {
	var mu sync.Mutex
	return func(w http.ResponseWriter, kind string, _ int) bool {
		mu.Lock()
		defer mu.Unlock()
		if kind != "1" || times == 0 {
			return false
		}
		times--
		if said {
			w.Header().Set("Connection", "close")
			return false
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM %s\r\nContent-Length: 0\r\n\r\n", base64.StdEncoding.EncodeToString(type2()))
			_ = conn.Close()
		}
		return true
	}
}
