package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestRefusedByRedirect: a wrong password that is refused by a redirect to where it is asked
// for again is a refused one to the guard too, whatever a tool does every two minutes.
func TestRefusedByRedirect(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); ok {
			http.Redirect(w, r, fmt.Sprintf("/node%d", sent.Add(1)), http.StatusFound)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	config := strings.Replace(worldConfig, "gatehop_idp = adfs\ngatehop_url = https://adfs.corp.example\n",
		"gatehop_idp = form\ngatehop_auth = basic\ngatehop_url = https://sso.corp.example/start\n", 1)
	w := newWorld(t, worldOptions{config: config, extra: map[string]http.Handler{"sso.corp.example": h}})
	for range 5 {
		w.runWith([]string{password("wrong one")}, "credential-process", "gateway").want(t, statusRefused)
		w.now = w.now.Add(2 * time.Minute)
	}
	if n := sent.Load(); n != 3 {
		t.Errorf("the same wrong password was sent %d times in ten minutes, want 3 within one sign-in", n)
	}
}
