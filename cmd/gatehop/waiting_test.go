package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/store"
	"gatehop/idp/idptest"
	"gatehop/sts/ststest"
)

// holdHop holds the lock of profile dev as another gatehop does, and says so.
func (w *world) holdHop(holder store.Holder) (release func()) {
	w.t.Helper()
	lock, err := store.Take(w.t.Context(), filepath.Join(w.home, "state", "locks"), w.chain("dev").CacheKey(1), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := lock.Say(holder); err != nil {
		w.t.Fatal(err)
	}
	return lock.Unlock
}

func (w *world) chain(name string) profile.Chain {
	w.t.Helper()
	config, err := profile.Read(profile.Files{Config: filepath.Join(w.home, ".aws", "config"), Credentials: filepath.Join(w.home, ".aws", "credentials")}, anyurl.Read)
	if err != nil {
		w.t.Fatal(err)
	}
	ch, err := config.Chain(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return ch
}

// TestFollowerLeaves waits for a holder that never finishes: how long, and what is said,
// depends on who waits and on what the holder does. Time is the bubble's.
func TestFollowerLeaves(t *testing.T) {
	t.Parallel()
	silent, asking := store.Holder{PID: 1 << 30, Command: "login prod"}, store.Holder{PID: 1 << 30, Command: "login prod", Asking: true}
	const name = "gatehop login prod (pid 1073741824)"
	for _, c := range []struct {
		name     string
		holder   store.Holder
		person   bool
		at, over time.Duration // when it leaves, at the earliest and the latest
		words    []string
		lines    int // about waiting
	}{
		{"unattended, silent", silent, false, unattendedLimit, unattendedLimit + time.Second, []string{name + " is signing in and has not finished", "gatehop login gateway"}, 0},
		{"unattended, asking", asking, false, 0, time.Second, []string{name, "waits for its person", "answer there, or on the phone"}, 0},
		{"unattended, unknown", store.Holder{}, false, unattendedLimit, unattendedLimit + time.Second, []string{"another gatehop is signing in and has not finished"}, 0},
		{"person, silent", silent, true, attendedWait, attendedWait + time.Second, []string{"waiting for " + name, "has not finished"}, 1},
		{"person, asking", asking, true, attendedWait, attendedWait + time.Second, []string{"waiting for " + name + ", which waits for its person"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, worldOptions{})
				w.vars = []string{password(worldPassword)}
				if c.person {
					w.answer = map[string]string{}
				}
				release := w.holdHop(c.holder)
				before := time.Now()
				out := w.run("env", "dev", "--shell", "bash").want(t, statusHuman, c.words...)
				if waited := time.Since(before); waited < c.at || waited > c.over {
					t.Errorf("left after %v, want %v to %v", waited, c.at, c.over)
				}
				if n := strings.Count(out.stderr, "waiting for"); n != c.lines {
					t.Errorf("%d lines about waiting, want %d: %s", n, c.lines, out.stderr)
				}
				if n := w.logins(); n != 0 {
					t.Errorf("%d passwords were sent", n)
				}
				release() // the control: without a holder the same call is answered
				w.run("env", "dev", "--shell", "bash").want(t, 0)
			})
		})
	}
}

// TestHolderIsShown looks at the lock files of a run that asks a person: all of its locks
// say so, and none does after the answer. A run that waits for it shows it in turn.
func TestHolderIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{config: stagingProfile + worldConfig})
		dev, staging := w.chain("dev"), w.chain("staging")
		asked, answered := make(chan struct{}), make(chan struct{})
		w.answer = map[string]string{"password": worldPassword}
		w.onAsk = func() { close(asked); <-answered }
		var all sync.WaitGroup
		all.Go(func() { w.run("env", "dev", "--shell", "bash").want(t, 0) })
		<-asked
		all.Go(func() { // a person, too, who has to wait at the gateway's lock
			w.run("env", "staging", "--shell", "bash").want(t, 0, "waiting for gatehop env dev", "waits for its person")
		})
		time.Sleep(5 * time.Second)
		for name, key := range map[string]string{
			"hop": dev.CacheKey(1), "gateway": dev.CacheKey(0), "sign-in": dev[0].SignIn.Key(), "hop that waits": staging.CacheKey(1),
		} {
			if h := w.holderOf(key); !h.Asking || h.Command != "env dev" || h.PID != os.Getpid() {
				t.Errorf("the lock of the %s says %+v, want env dev that asks", name, h)
			}
		}
		w.run("credential-process", "staging", "--no-input").want(t, statusHuman) // has no password: does not even wait
		w.runWith([]string{password(worldPassword)}, "credential-process", "staging").want(t, statusHuman, "gatehop env dev", "waits for its person")
		close(answered)
		all.Wait()
		if h := w.holderOf(dev.CacheKey(1)); h != (store.Holder{}) {
			t.Errorf("a free lock says %+v", h)
		}
		if n := w.logins(); n != 1 {
			t.Errorf("%d sign-ins, want 1", n)
		}
	})
}

// TestHolderOfSeveral wants the locks of a run over several profiles to say so, and none
// to show whom the work of another profile waits for.
func TestHolderOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{bubble: true, config: stagingProfile + worldConfig,
			sts: func(o *ststest.Options) { o.Latency = 3 * time.Second }})
		w.runWith([]string{password(worldPassword)}, "login", "gateway").want(t, 0)
		dev, staging := w.chain("dev"), w.chain("staging")
		lock, err := store.Take(t.Context(), filepath.Join(w.home, "state", "locks"), staging.CacheKey(1), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := lock.Say(store.Holder{PID: os.Getpid(), Command: "env staging", Asking: true}); err != nil {
			t.Fatal(err)
		}
		w.answer = map[string]string{} // a person is there, and waits
		var all sync.WaitGroup
		all.Go(func() {
			w.run("refresh", "gateway", "dev", "staging").want(t, 0, "waiting for gatehop env staging")
		})
		time.Sleep(time.Second)
		if h := w.holderOf(dev.CacheKey(1)); h.Asking || h.Command != "refresh gateway and 2 others" {
			t.Errorf("the lock of the hop that waits for nobody says %+v", h)
		}
		time.Sleep(4 * time.Second)
		lock.Unlock()
		all.Wait()
	})
}

// holderOf is what somebody who has to wait for the lock reads.
func (w *world) holderOf(key string) (seen store.Holder) {
	w.t.Helper()
	enough := errors.New("enough")
	lock, err := store.Take(w.t.Context(), filepath.Join(w.home, "state", "locks"), key, func(h store.Holder) error {
		seen = h
		return enough
	})
	if err == nil {
		lock.Unlock()
	} else if !errors.Is(err, enough) {
		w.t.Error(err)
	}
	return seen
}

// TestLockOrder wants every command to take its locks in one order: hop, gateway,
// sign-in. Two chains that meet at a gateway cannot wait for each other then.
func TestLockOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: stagingProfile + worldConfig})
	rank := map[string]int{}
	for _, name := range []string{"dev", "staging"} {
		ch := w.chain(name)
		rank[ch.CacheKey(1)], rank[ch.CacheKey(0)], rank[ch[0].SignIn.Key()] = 3, 2, 1
	}
	var problems []string
	var held []int
	taken := 0
	w.locked = func(key string, isTaken bool) {
		r := rank[key]
		switch {
		case r == 0:
			problems = append(problems, "an unknown lock "+key)
		case isTaken:
			taken++
			problems = append(problems, outOfOrder(held, r)...)
			held = append(held, r)
		default:
			held = slices.DeleteFunc(held, func(other int) bool { return other == r })
		}
	}
	w.vars = []string{password(worldPassword)}
	for _, args := range [][]string{
		{"credential-process", "dev"}, {"env", "staging", "--shell", "bash"}, {"exec", "dev", "--", "sh"}, {"roles", "gateway"},
		{"login", "dev"}, {"login", "staging", "--force"}, {"login", "gateway", "--duration", "1h"}, {"logout", "gateway"},
		{"exec", "staging", "--", "sh"}, {"logout", "--all"}, {"login", "dev", "--no-input"},
	} {
		w.run(args...).want(t, 0)
		if len(held) != 0 {
			t.Errorf("%v left locks behind: %v", args, held)
		}
	}
	if len(problems) > 0 || taken < 15 {
		t.Errorf("%d locks, %q", taken, problems)
	}
	// The control: the same check, of the gateway's lock inside the sign-in's.
	if len(outOfOrder([]int{1}, 2)) != 1 || len(outOfOrder([]int{3, 2}, 1)) != 0 {
		t.Error("the check of the order sees nothing")
	}
}

func outOfOrder(held []int, next int) (problems []string) {
	for _, r := range held {
		if r <= next {
			problems = append(problems, "a lock that is not inside those held")
		}
	}
	return problems
}

// TestTwoChainsMeet lets runs over two chains, forced and not, meet at one gateway.
func TestTwoChainsMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{config: stagingProfile + worldConfig, adfs: func(o *idptest.Options) { o.Latency = 100 * time.Millisecond }})
		w.vars = []string{password(worldPassword)}
		var all sync.WaitGroup
		for i := range 16 {
			args := []string{"login", []string{"dev", "staging"}[i%2]}
			if i%4 < 2 {
				args = append(args, "--force")
			}
			all.Go(func() { w.run(args...).want(t, 0) })
		}
		all.Wait()
	})
}
