package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestRest: the last minutes of a session that cannot be renewed are used up, with a word;
// not after Ctrl-C, nor where the gateway is another account than before.
func TestRest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, word string
		status     int
		happens    func(w *world, end func()) // while the provider is away
	}{
		{"the provider is away", "ends in 5 min", 0, func(*world, func()) {}},
		{"Ctrl-C", "", statusInterrupted, func(_ *world, end func()) { end() }},
		{"another account", "the gateway account", statusHuman, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{config: withoutCookies()})
			w.vars = []string{password(worldPassword)}
			w.run("login", "gateway").want(t, 0)
			w.now = w.now.Add(12*time.Hour - 5*time.Minute)
			ctx, end := context.WithCancel(t.Context())
			defer end()
			var out, errs bytes.Buffer
			p := w.around(&out, &errs, nil, []string{"credential-process", "gateway"})
			if c.happens != nil {
				p.transport = away(func() { c.happens(w, end) })
			} else {
				w.write("state/choices.json", `{"gateway":{"account":"999999999999"}}`)
			}
			status := run(ctx, p)
			if status != c.status || (out.Len() > 0) != (status == 0) || !strings.Contains(errs.String(), c.word) {
				t.Errorf("status %d, want %d and %q; %d bytes on standard output; standard error:\n%s", status, c.status, c.word, out.Len(), errs.String())
			}
		})
	}
}

// away is a network without a provider, which does something when one is looked for.
type away func()

func (a away) RoundTrip(r *http.Request) (*http.Response, error) {
	a()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
}

// TestLongEnough: a session that cannot be renewed serves whoever needs no more than it has.
func TestLongEnough(t *testing.T) {
	t.Parallel()
	config := strings.ReplaceAll(worldConfig, "gatehop_store = file\n", "gatehop_store = file\ngatehop_keep_session = no\ngatehop_session_duration = 1h\n")
	w := newWorld(t, worldOptions{config: config})
	w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, 0)
	w.now = w.now.Add(45 * time.Minute)
	w.run("refresh", "dev", "--at-least", "50m").want(t, 0) // from the gateway's last minutes
	w.now = w.now.Add(45 * time.Minute)                     // those are over, and the hop has 15
	w.run("refresh", "dev", "--at-least", "10m").want(t, 0, "cached")
	w.run("exec", "dev", "--at-least", "10m", "--", "true").want(t, 0)
	w.run("each", "dev", "--", "true").want(t, 0)
	w.run("refresh", "dev", "--at-least", "20m").want(t, statusHuman)
	w.now = w.now.Add(15 * time.Minute)
	w.run("each", "dev", "--", "true").want(t, statusHuman)
}
