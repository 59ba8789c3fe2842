package idp

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestRedirectsKeepTheConnection wants one connection for a chain of redirects whose
// pages are longer than what net/http reads of them. The control, one that is longer
// than the rest that is read here too, shows that the count can rise.
func TestRedirectsKeepTheConnection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		bytes int
		want  int32
	}{{"usual", 200, 1}, {"a long address repeated", 5000, 1}, {"the control", restLimit + 4<<20, 3}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var conns atomic.Int32
			next := map[string]string{"/a": "/b", "/b": "/c"}
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if to := next[r.URL.Path]; to != "" {
					w.Header().Set("Location", to)
					w.WriteHeader(http.StatusFound)
					_, _ = io.WriteString(w, strings.Repeat("x", c.bytes))
				}
			}))
			server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					conns.Add(1)
				}
			}
			server.Start()
			t.Cleanup(server.Close)
			trust, err := NewTrust(server.URL, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := NewClient(ClientOptions{Trust: trust}).Get(server.URL + "/a")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ReadPage(resp); err != nil {
				t.Fatal(err)
			}
			if got := conns.Load(); got != c.want {
				t.Errorf("%d connections, want %d", got, c.want)
			}
		})
	}
}
