package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/cmd/gatehop/internal/kept"
	"gatehop/idp"
)

// cookieWorld has a provider that does something else with a request that has a cookie
// of a session.
func cookieWorld(t *testing.T, o worldOptions, act http.HandlerFunc, on *atomic.Bool) *world {
	var w *world
	o.extra = map[string]http.Handler{worldHost: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("MSISAuth"); err == nil && r.Method == http.MethodGet && on.Load() {
			act(rw, r)
			return
		}
		w.adfs.ServeHTTP(rw, r)
	})}
	w = newWorld(t, o)
	w.runWith([]string{password(worldPassword)}, "roles", "gateway").want(t, 0)
	return w
}

// TestKeptRefused: whatever a provider says to the cookies, they are dropped and the
// sign-in is made once without; but not because the provider is down.
func TestKeptRefused(t *testing.T) {
	t.Parallel()
	page := func(status int, text string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "text/html")
			rw.WriteHeader(status)
			fmt.Fprintf(rw, "<html><title>Error</title><body>%s</body></html>", text)
		}
	}
	for name, c := range map[string]struct {
		act    http.HandlerFunc
		status int
		kept   bool
	}{
		"an error page": {act: page(500, "An error occurred.")}, "another error page": {act: page(400, "?")},
		"T15: a loop": {act: func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, r.URL.String(), http.StatusFound) }},
		"elsewhere": {act: func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "http://evil.example/", http.StatusFound)
		}},
		"down": {act: page(503, "Service Unavailable"), status: statusNetwork, kept: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var on atomic.Bool
			w := cookieWorld(t, worldOptions{}, c.act, &on)
			on.Store(true)
			if !c.kept {
				// The provider's own redirect after the password has the cookie too.
				book, who := w.book(t)
				w.run("roles", "gateway").want(t, statusHuman, "the provider's session has ended")
				if book.Has(t.Context(), who) {
					t.Error("the cookies are still kept")
				}
				on.Store(false)
				w.takes(t, "after it", 1)
				return
			}
			w.run("roles", "gateway").want(t, c.status)
			on.Store(false)
			w.takes(t, "up again", 0)
		})
	}
}

// TestKeptOnceWithout has a provider that refuses what is kept and nothing else: the
// same command signs in without.
func TestKeptOnceWithout(t *testing.T) {
	t.Parallel()
	var old atomic.Value
	var w *world
	refused := 0
	handler := func(rw http.ResponseWriter, r *http.Request) {
		if value, _ := old.Load().(string); value != "" && strings.Contains(r.Header.Get("Cookie"), value) {
			refused++
			http.Error(rw, "no", http.StatusInternalServerError)
			return
		}
		w.adfs.ServeHTTP(rw, r)
	}
	w = newWorld(t, worldOptions{extra: map[string]http.Handler{worldHost: http.HandlerFunc(handler)}})
	w.takes(t, "first", 1)
	w.edit(t, func(r *kept.Record) {
		i := slices.IndexFunc(r.Cookies, func(c idp.Cookie) bool { return c.Name == "MSISAuth" })
		old.Store(r.Cookies[i].Value.Reveal()[:40])
	})
	w.takes(t, "refused", 1)
	w.takes(t, "with those of the second", 0)
	if refused != 1 {
		t.Errorf("the cookies were refused %d times, want once", refused)
	}
}

// TestKeptLate: where nobody waits, kept cookies get five seconds and the password the rest.
func TestKeptLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var on atomic.Bool
		late := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		w := cookieWorld(t, worldOptions{bubble: true}, late, &on)
		on.Store(true)
		began := time.Now()
		w.run("credential-process", "gateway").want(t, statusNetwork)
		if took := time.Since(began); took != keptLimit {
			t.Errorf("without a password it took %v, want %v", took, keptLimit)
		}
		on.Store(false)
		w.takes(t, "up again", 0)
	})
}

// TestKeptSpent: once the provider has asked for a password, nothing is sent there
// unasked until somebody has signed in.
func TestKeptSpent(t *testing.T) {
	t.Parallel()
	w := keptWorld(t, worldOptions{})
	w.now = w.now.Add(9 * time.Hour) // longer than the provider's own session
	before := w.adfs.Stats().Requests
	w.run("credential-process", "gateway").want(t, statusHuman, "the provider's session has ended", "gatehop login gateway")
	asked := w.adfs.Stats().Requests
	w.now = w.now.Add(2 * time.Minute) // the failure is not answered from its record any more
	w.run("credential-process", "gateway").want(t, statusHuman, "nobody to ask for the password")
	if asked == before || w.adfs.Stats().Requests != asked {
		t.Errorf("requests: %d before, %d after the first, %d after the second", before, asked, w.adfs.Stats().Requests)
	}
	w.takes(t, "a password", 1)
	w.takes(t, "after it", 0)
}
