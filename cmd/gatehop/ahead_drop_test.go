package main

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"

	"gatehop/idp/idptest"
)

// TestAheadAfterRefusal: of a sign-in that failed no connection to AWS is left. It is there
// when the provider answers to the password. The control is the right password.
func TestAheadAfterRefusal(t *testing.T) {
	t.Parallel()
	for _, right := range []bool{false, true} {
		server, transport := aheadWorld(t, true)
		w := newWorld(t, worldOptions{})
		connected := func() bool { made, open := server.connections(); return made == 1 && open == 1 }
		w.net = idptest.Transport(map[string]http.Handler{worldHost: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				until(t, "a connection", connected)
				<-transport.early.ready
			}
			w.adfs.ServeHTTP(rw, r)
		})})
		answer := "not it"
		if right {
			answer = worldPassword
		}
		a := &app{process: process{
			env: []string{"HOME=" + w.home, "GATEHOP_HOME=" + filepath.Join(w.home, "state"), password(answer)},
			now: w.clock, transport: w.net,
		}, unattended: true, ahead: transport}
		ctx := context.Background()
		ch, err := a.chain(ctx, []string{"gateway"})
		if err != nil {
			t.Fatal(err)
		}
		s, err := a.settings(ch)
		if err != nil {
			t.Fatal(err)
		}
		dir, _, err := a.state("none", false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.signIn(ctx, "gateway", s, dir); (err == nil) != right {
			t.Fatalf("the sign-in with the right password %v: %v", right, err)
		}
		if right {
			if !connected() {
				t.Error("the connection is gone though there is something to call")
			}
			continue
		}
		transport.mu.Lock()
		kept := transport.early != nil
		transport.mu.Unlock()
		if kept {
			t.Error("the connection is kept until it is too old")
		}
		until(t, "the end of the connection", func() bool { _, open := server.connections(); return open == 0 })
	}
}
