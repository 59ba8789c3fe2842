package form_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

// slowly answers every question after a while.
type slowly struct {
	idp.Prompter
	takes time.Duration
}

func (p slowly) Ask(ctx context.Context, q idp.Question) (secret.Text, error) {
	time.Sleep(p.takes)
	return p.Prompter.Ask(ctx, q)
}

// TestWalkTime: a sign-in has 300 seconds, in which the time that the person takes does
// not count.
func TestWalkTime(t *testing.T) {
	cases := []struct {
		name         string
		person, page time.Duration
		ok           bool
	}{
		{"quick", 0, time.Second, true},
		{"a person who thinks", time.Hour, time.Second, true},
		{"a slow server", 0, 29 * time.Second, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			value := assertion()
			synctest.Test(t, func(t *testing.T) {
				s := &site{serve: func(s *site, w http.ResponseWriter, r *http.Request, asked string) {
					select {
					case <-time.After(c.page):
					case <-r.Context().Done():
						return
					}
					switch n := len(s.requests()); {
					case n < 9:
						fmt.Fprintf(w, `<meta http-equiv=refresh content="5;url=/%d">`, n)
					case strings.HasPrefix(asked, "POST"):
						_, _ = io.WriteString(w, strings.Replace(final(samlInput), "%s", value, 1))
					default:
						_, _ = io.WriteString(w, `<form method=post action=/in><input name=user><input type=password name=pass></form>`)
					}
				}}
				answers := slowly{idptest.NewAnswers(map[string][]string{"username": {"alice"}, "password": {"correct horse"}}), c.person}
				trust, err := idp.NewTrust(start, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				client := idp.NewClient(idp.ClientOptions{Trust: trust, Transport: idptest.Transport(map[string]http.Handler{host: s})})
				a, err := form.New(form.Config{URL: start})
				if err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				_, err = a.Login(t.Context(), &idp.Session{HTTP: client, Trust: trust, Prompt: answers})
				var net *idp.NetworkError
				switch took := time.Since(begin); {
				case c.ok && err != nil:
					t.Errorf("Login = %v", err)
				case !c.ok && (!errors.As(err, &net) || !net.Timeout() || took > 301*time.Second):
					t.Errorf("Login = %v after %v, want a time-out after 300 s", err, took)
				}
				synctest.Wait()
			})
		})
	}
}

// TestWalkCancel: the end of the context ends the sign-in, as itself.
func TestWalkCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := &site{serve: func(_ *site, w http.ResponseWriter, r *http.Request, _ string) {
		cancel()
		<-r.Context().Done()
	}}
	session := newSession(t, idptest.Transport(map[string]http.Handler{host: s}), start, nil)
	a, err := form.New(form.Config{URL: start})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Login(ctx, session); !errors.Is(err, context.Canceled) {
		t.Errorf("Login = %v, want context.Canceled", err)
	}
}
