package main

import (
	"testing"
	"time"

	"gatehop/sts/ststest"
)

// TestCallerUsedToTheEnd wants a hop made from a gateway session that is past its
// margin and still alive: without a sign-in, with nobody there and with somebody there.
func TestCallerUsedToTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, 0)
	w.now = time.Date(2026, 3, 1, 20, 50, 0, 0, time.UTC) // ten minutes before the gateway session ends
	w.run("credential-process", "dev").want(t, 0, "2026-03-01T21:50:00Z")
	w.now = w.now.Add(45 * time.Minute) // the hop outlives its caller
	w.run("credential-process", "dev").want(t, 0, "2026-03-01T21:50:00Z")
	if n := w.logins(); n != 1 {
		t.Errorf("%d sign-ins, want 1", n)
	}
	w.now = time.Date(2026, 3, 1, 21, 49, 30, 0, time.UTC)
	w.run("credential-process", "dev").want(t, statusHuman)

	// The control: what is handed out itself keeps its margin.
	w = newWorld(t, worldOptions{})
	w.vars = []string{password(worldPassword)}
	w.run("login", "gateway").want(t, 0)
	w.now = time.Date(2026, 3, 1, 20, 50, 0, 0, time.UTC)
	w.run("credential-process", "gateway").want(t, 0, "2026-03-02T08:50:00Z")
	if n := w.logins(); n != 2 {
		t.Errorf("%d sign-ins for a gateway past its margin, want 2", n)
	}
}

// TestClockSetBack wants no more life promised than AWS granted, whatever the clock.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.vars = []string{password(worldPassword)}
	w.run("login", "dev").want(t, 0)
	w.now = w.now.Add(-3 * time.Hour)
	w.run("login", "dev").want(t, 0, "in 1 h ")
}

// TestLongestSession wants what AWS said of a role's longest session remembered: it
// costs a refused call once and not at every sign-in.
func TestLongestSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{sts: func(o *ststest.Options) {
		o.Roles = []ststest.Role{{ARN: gatewayARN, MaxSession: 4 * time.Hour, TrustProviders: []string{providerARN}}}
	}})
	w.vars = []string{password(worldPassword)}
	w.answer = map[string]string{} // a person is there
	w.run("login", "gateway").want(t, 0, "in 4 h", "role Gateway allows sessions of 4 h and no longer")
	refused := w.sts.Counts().Refused
	if refused == 0 {
		t.Fatal("AWS refused nothing: this test shows nothing")
	}
	w.now = w.now.Add(5 * time.Hour)
	w.run("login", "gateway").want(t, 0, "in 4 h")
	if n := w.sts.Counts().Refused; n != refused {
		t.Errorf("%d calls were refused at the second sign-in, want none", n-refused)
	}
	// A person who asks for it has it tried again, and shorter ones are asked for as they are.
	w.run("login", "gateway", "--force").want(t, 0, "in 4 h")
	if n := w.sts.Counts().Refused; n == refused {
		t.Error("--force did not try for more")
	}
	refused = w.sts.Counts().Refused
	w.run("login", "gateway", "--duration", "2h").want(t, 0, "in 2 h")
	w.run("login", "gateway", "--duration", "8h").want(t, 0, "in 4 h")
	if n := w.sts.Counts().Refused; n == refused {
		t.Error("--duration 8h was not asked for")
	}
}

// TestClockNamed wants a local clock that is off named to a person, and a small
// difference passed over.
func TestClockNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		skew time.Duration
		want string
	}{
		{0, ""},
		{time.Minute, ""},
		{10 * time.Minute, "this machine's clock is 10 min behind AWS's\n"},
		{-3 * time.Minute, "this machine's clock is 3 min ahead of AWS's\n"},
	} {
		w := newWorld(t, worldOptions{skew: c.skew})
		w.vars = []string{password(worldPassword)}
		if out := w.run("login", "dev").want(t, 0); out.stderr != c.want {
			t.Errorf("AWS %v ahead: stderr %q, want %q", c.skew, out.stderr, c.want)
		}
		w.run("login", "dev", "-q").want(t, 0)
	}
}
