package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/idp/idptest"
)

// TestAheadAfterRefusal: of a sign-in that failed no connection to AWS is left. It is there
// when the provider answers to the password. The control is the right password.
func TestAheadAfterRefusal(t *testing.T) {
	t.Parallel()
	for _, right := range []bool{false, true} {
		server, transport := aheadWorld(t, true)
		var conn net.Conn
		w := newWorld(t, worldOptions{})
		connected := func() bool { made, open := server.connections(); return made == 1 && open == 1 }
		w.net = idptest.Transport(map[string]http.Handler{worldHost: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				until(t, "a connection", connected)
				<-transport.early.ready
				conn = transport.early.conn
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
		if !isClosed(conn) {
			t.Error("the connection is left open")
		}
		until(t, "the end of the connection", func() bool { _, open := server.connections(); return open == 0 })
	}
}

// isClosed asks the connection itself: one that was only forgotten is closed too, by the
// garbage collector.
func isClosed(conn net.Conn) bool { return errors.Is(conn.SetDeadline(time.Time{}), net.ErrClosed) }

// TestAheadDropped: a connection that is dropped is closed, whether it was made before or
// comes after that. The control is one that is not dropped.
func TestAheadDropped(t *testing.T) {
	t.Parallel()
	_, transport := aheadWorld(t, true)
	transport.connect()
	<-transport.early.ready
	conn := transport.early.conn
	if isClosed(conn) {
		t.Fatal("closed without a drop")
	}
	transport.drop()
	if !isClosed(conn) {
		t.Error("a dropped connection is open")
	}
	for _, dropped := range []bool{false, true} {
		mine, theirs := net.Pipe()
		defer theirs.Close()
		ctx, cancel := context.WithCancel(context.Background())
		transport := &awsTransport{early: &connAhead{cancel: cancel}}
		c := transport.early
		if dropped {
			transport.drop()
		}
		transport.keep(ctx, c, mine)
		closed := mine.SetDeadline(time.Time{}) != nil
		if kept := transport.take(c) != nil; closed != dropped || kept == dropped {
			t.Errorf("dropped %v: closed %v and kept %v", dropped, closed, kept)
		}
		cancel()
	}
}

// TestAheadIsForOneServer: a call to another server does not go over the connection that
// was made ahead, though both are trusted. The control is the call to the right one.
func TestAheadIsForOneServer(t *testing.T) {
	t.Parallel()
	server, transport := aheadWorld(t, true)
	other, _ := aheadWorld(t, true) // with the same certificate
	transport.connect()
	<-transport.early.ready
	get(t, transport, other.URL)
	if made, _ := other.connections(); made != 1 {
		t.Errorf("%d connections to the other server, want 1", made)
	}
	get(t, transport, server.URL)
	if made, _ := server.connections(); made != 1 {
		t.Errorf("%d connections to the server, want the one made ahead", made)
	}
}

// TestAheadGrowsOld: what nobody takes in time is closed. The control is the time before.
func TestAheadGrowsOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mine, theirs := net.Pipe()
		defer theirs.Close()
		transport := &awsTransport{early: &connAhead{cancel: func() {}}}
		transport.keep(t.Context(), transport.early, mine)
		time.Sleep(aheadKept - time.Second)
		if mine.SetDeadline(time.Time{}) != nil {
			t.Error("closed too early")
		}
		time.Sleep(2 * time.Second)
		if mine.SetDeadline(time.Time{}) == nil {
			t.Error("never closed")
		}
	})
}
