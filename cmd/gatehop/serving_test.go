package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/creds/sink/endpoint"
	"gatehop/idp/idptest"
)

// spoken collects what is written on a stream by whoever.
type spoken struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *spoken) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(data)
}

func (l *spoken) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// keep is a gatehop that serves dev, without the endpoint, in a bubble.
func (w *world) keep(vars ...string) (k *keeping, said *spoken) {
	w.t.Helper()
	return w.keepOver(w.net, vars...)
}

func (w *world) keepOver(network http.RoundTripper, vars ...string) (k *keeping, said *spoken) {
	w.t.Helper()
	return w.keepIn(w.t.Context(), "dev", network, vars...)
}

func (w *world) keepIn(ctx context.Context, profile string, network http.RoundTripper, vars ...string) (k *keeping, said *spoken) {
	w.t.Helper()
	said = &spoken{}
	p := w.around(said, said, vars, nil)
	p.transport = network
	a := &app{process: p, command: "serve"}
	a.secrets.fd = noFD
	k, err := a.keep(ctx, []string{profile}, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return k, said
}

// outage is a network on which the identity provider is away at times, or another one
// stands in for it.
type outage struct {
	http.RoundTripper
	away    *atomic.Bool
	instead http.RoundTripper
}

func (o outage) RoundTrip(r *http.Request) (*http.Response, error) {
	switch elsewhere := r.URL.Hostname() == worldHost && o.away.Load(); {
	case elsewhere && o.instead != nil:
		return o.instead.RoundTrip(r)
	case elsewhere:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	return o.RoundTripper.RoundTrip(r)
}

// withoutCookies lets each sign-in ask for the password.
func withoutCookies() string {
	return strings.Replace(worldConfig, "gatehop_store = file", "gatehop_store = file\ngatehop_keep_session = no", 1)
}

// TestServingDay: one sign-in in the morning, and a tool that asks every twenty seconds.
// It gets what lives until the gateway's session ends; its end is said twice before, and
// a person who signs in then is all that it takes.
func TestServingDay(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute} {
		t.Run(fmt.Sprintf("AWS's clock %v ahead", skew), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { servingDay(t, skew) })
		})
	}
}

func servingDay(t *testing.T, skew time.Duration) {
	w := newWorld(t, worldOptions{bubble: true, skew: skew, config: withoutCookies()})
	w.runWith([]string{password(worldPassword)}, "login", "gateway").want(t, 0)
	began := time.Now()
	k, said := w.keep()
	defer k.stop()
	var gone time.Duration
	for gone == 0 && time.Since(began) < 14*time.Hour {
		c, err := k.current(t.Context())
		since := time.Since(began)
		switch left := c.Remaining(time.Now().Add(skew - c.Skew)); {
		case err != nil:
			gone = since
			var no *endpoint.UnavailableError
			if !errors.As(err, &no) || no.Later || !strings.Contains(no.Message, "gatehop login gateway") {
				t.Errorf("after %v: %v", since, err)
			}
		case since < 11*time.Hour && left < 19*time.Minute:
			t.Fatalf("after %v: %v left", since, left)
		}
		time.Sleep(20 * time.Second)
	}
	if gone < 12*time.Hour || gone > 13*time.Hour {
		t.Errorf("credentials for %v, want over twelve hours", gone)
	}
	text := said.String()
	for _, want := range []string{"the session of profile gateway ends in 15 min; `gatehop login gateway`", "the session of profile gateway ends in 5 min; ", "no credentials of profile dev any more"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("not once %q in\n%s", want, text)
		}
	}
	if strings.Count(text, "\n") != 3 {
		t.Errorf("it says more than that:\n%s", text)
	}
	if counts := w.sts.Counts(); w.logins() != 1 || counts.AssumeRoleWithSAML != 1 || counts.Refused != 0 || counts.AssumeRole > int(12*time.Hour/(40*time.Minute+min(skew, 0)))+1 {
		t.Errorf("%d sign-ins, %+v", w.logins(), counts)
	}
	time.Sleep(3 * time.Hour)
	if n := strings.Count(said.String(), "\n"); n != strings.Count(text, "\n") {
		t.Errorf("more was said:\n%s", said.String())
	}
	w.runWith([]string{password(worldPassword)}, "login", "gateway").want(t, 0)
	if c, err := k.current(t.Context()); err != nil || c.Remaining(time.Now().Add(skew-c.Skew)) < 50*time.Minute {
		t.Errorf("after the sign-in: %v", err)
	}
}

// TestServingGateway serves the gateway itself, whose session nothing but a sign-in renews.
func TestServingGateway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{bubble: true, config: withoutCookies()})
		w.runWith([]string{password(worldPassword)}, "login", "gateway").want(t, 0)
		began := time.Now()
		k, said := w.keepIn(t.Context(), "gateway", w.net)
		defer k.stop()
		for ; time.Since(began) < 14*time.Hour; time.Sleep(time.Minute) {
			if _, err := k.current(t.Context()); (err == nil) != (time.Since(began) < 12*time.Hour) {
				t.Fatalf("after %v: %v", time.Since(began), err)
			}
		}
		text := said.String()
		if strings.Count(text, "the session of profile gateway ends in ") != 2 || strings.Count(text, "any more") != 1 || strings.Count(text, "\n") != 3 || w.logins() != 1 {
			t.Errorf("%d sign-ins, said:\n%s", w.logins(), text)
		}
		w.runWith([]string{password(worldPassword)}, "login", "gateway").want(t, 0)
		if _, err := k.current(t.Context()); err != nil {
			t.Errorf("after the sign-in: %v", err)
		}
	})
}

// TestServingAlone: where a sign-in needs nobody, nobody is warned, for as long as it works.
func TestServingAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{bubble: true, config: withoutCookies()})
		k, said := w.keep(password(worldPassword))
		defer k.stop()
		for began := time.Now(); time.Since(began) < 40*time.Hour; time.Sleep(time.Minute) {
			if c, err := k.current(t.Context()); err != nil || c.Remaining(time.Now()) < 19*time.Minute {
				t.Fatalf("after %v: %v left, %v", time.Since(began), c.Remaining(time.Now()), err)
			}
		}
		if said.String() != "" || w.logins() < 3 || w.logins() > 4 {
			t.Errorf("%d sign-ins, and it says %q", w.logins(), said.String())
		}
	})
}

// TestServingAsksNobody: a person who was asked in the beginning is not asked again, and
// Ctrl-C, which is for the command, ends no renewal.
func TestServingAsksNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{bubble: true, config: withoutCookies()})
		w.answer = map[string]string{"password": worldPassword}
		ctx, cancel := context.WithCancel(t.Context())
		k, _ := w.keepIn(ctx, "dev", w.net)
		defer k.stop()
		asked := len(w.asked)
		cancel()
		for began := time.Now(); time.Since(began) < 14*time.Hour; time.Sleep(time.Minute) {
			if _, err := k.current(t.Context()); err != nil && time.Since(began) < 12*time.Hour {
				t.Fatalf("after %v: %v", time.Since(began), err)
			}
		}
		if asked != 1 || len(w.asked) != 1 || w.logins() != 1 {
			t.Errorf("asked %d times, then %d, %d sign-ins", asked, len(w.asked), w.logins())
		}
	})
}

// TestServingUnkept: where no session is kept on disk, one sign-in lasts as long all the same.
func TestServingUnkept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{bubble: true, config: strings.ReplaceAll(withoutCookies(), "gatehop_store = file", "gatehop_store = none")})
		w.answer = map[string]string{"password": worldPassword}
		k, said := w.keep()
		defer k.stop()
		for began := time.Now(); time.Since(began) < 11*time.Hour; time.Sleep(time.Minute) {
			if c, err := k.current(t.Context()); err != nil || c.Remaining(time.Now()) < 19*time.Minute {
				t.Fatalf("after %v: %v left, %v", time.Since(began), c.Remaining(time.Now()), err)
			}
		}
		if w.logins() != 1 || said.String() != "" {
			t.Errorf("%d sign-ins, and it says %q", w.logins(), said.String())
		}
		if names := strings.Join(files(t, filepath.Join(w.home, "state")), " "); strings.Contains(names, "sessions/") {
			t.Errorf("kept: %s", names)
		}
	})
}

// TestServingFactor: a provider that answers a password with a second factor gets one
// password and no more, however often somebody asks.
func TestServingFactor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{bubble: true, config: withoutCookies()})
		strict, err := idptest.NewADFS(idptest.Options{Signer: w.signer, Now: time.Now, Rand: rand.NewChaCha8([32]byte{9}),
			Users: []idptest.User{{Name: `CORP\alice`, Password: worldPassword, Roles: offeredRoles(1), SessionName: "alice", MFA: true}}})
		if err != nil {
			t.Fatal(err)
		}
		var away atomic.Bool
		network := outage{w.net, &away, idptest.Transport(map[string]http.Handler{worldHost: strict})}
		k, said := w.keepOver(network, password(worldPassword))
		defer k.stop()
		away.Store(true)
		for began := time.Now(); time.Since(began) < 24*time.Hour; time.Sleep(30 * time.Second) {
			_, _ = k.current(t.Context())
		}
		if n := strict.Stats().Logins; n != 1 {
			t.Errorf("%d passwords were sent in a day after that of the morning, want one", n)
		}
		if text := said.String(); !strings.Contains(text, "ends in 15 min") || !strings.Contains(text, "ends in 5 min") {
			t.Errorf("said:\n%s", text)
		}
		// The control: the counter sees a helper that remembers nothing.
		for i := range 5 {
			home := "GATEHOP_HOME=" + filepath.Join(w.home, fmt.Sprint("state", i))
			p := w.around(io.Discard, io.Discard, []string{password(worldPassword), home}, []string{"credential-process", "dev"})
			p.transport = network
			run(t.Context(), p)
			time.Sleep(2 * time.Minute)
		}
		if n := strict.Stats().Logins; n < 5 {
			t.Errorf("%d passwords: the control sees nothing", n)
		}
	})
}

// TestServingOutage: while the provider is away there is a word, and the work goes on
// when it is back.
func TestServingOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{bubble: true, config: withoutCookies()})
		var away atomic.Bool
		k, said := w.keepOver(outage{w.net, &away, nil}, password(worldPassword))
		defer k.stop()
		time.Sleep(11 * time.Hour)
		away.Store(true)
		for range 4 * 60 {
			time.Sleep(30 * time.Second)
			_, _ = k.current(t.Context())
		}
		var no *endpoint.UnavailableError
		if _, err := k.current(t.Context()); !errors.As(err, &no) || !no.Later {
			t.Errorf("in the outage: %v", err)
		}
		away.Store(false)
		time.Sleep(6 * time.Minute)
		if _, err := k.current(t.Context()); err != nil {
			t.Errorf("after the outage: %v", err)
		}
		if text := said.String(); strings.Count(text, "any more") != 1 {
			t.Errorf("said:\n%s", text)
		}
	})
}

// TestServingNotifies runs the profile's command with the warning as its last argument,
// and goes on where that fails.
func TestServingNotifies(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the command is a script of another shell")
	}
	for _, c := range []struct {
		name      string
		vars      []string
		works     bool
		shown     int
		complains bool
	}{
		{"shown", nil, true, 2, false},
		{"it fails", nil, false, 0, true},
		{"the environment says where secrets go", []string{"GATEHOP_PROXY=none"}, true, 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			log, program := filepath.Join(dir, "log"), filepath.Join(dir, "show")
			text := "#!/bin/sh\nprintf '%s|' \"$@\" >>" + log + "\n"
			if !c.works {
				text = "#!/bin/sh\necho no display >&2\nexit 3\n"
			}
			if err := os.WriteFile(program, []byte(text), 0o700); err != nil {
				t.Fatal(err)
			}
			config := strings.Replace(withoutCookies(), "gatehop_store", "gatehop_notify_command = "+program+" --title 'the corp'\ngatehop_store", 1)
			w := newWorld(t, worldOptions{bubble: true, config: config})
			w.vars = c.vars
			w.runWith([]string{password(worldPassword)}, "login", "gateway").want(t, 0)
			k, said := w.keep()
			defer k.stop()
			time.Sleep(11*time.Hour + 56*time.Minute)
			data, _ := os.ReadFile(log)
			if got := string(data); strings.Count(got, "--title|the corp|the session of profile gateway ends in ") != c.shown {
				t.Errorf("%s: the program got %q", c.name, got)
			}
			complains := strings.Contains(said.String(), `gatehop_notify_command: show ends with exit status 3: "no display"`)
			if complains != c.complains || strings.Count(said.String(), "the session of profile gateway ends in ") != 2 {
				t.Errorf("%s: said:\n%s", c.name, said.String())
			}
			if _, err := k.current(t.Context()); err != nil {
				t.Errorf("%s: after it: %v", c.name, err)
			}
		})
	}
}
