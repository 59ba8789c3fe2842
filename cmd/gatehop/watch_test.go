package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWatch shows a page when it has changed, and no other time.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out spoken
		a := &app{process: process{stdout: &out}}
		begun := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- a.watch(ctx, func() error {
				_, err := a.stdout.Write([]byte("minute " + time.Since(begun).Truncate(time.Minute).String() + "\n"))
				return err
			})
		}()
		time.Sleep(3*time.Minute - time.Second)
		if want := "minute 0s\nminute 1m0s\nminute 2m0s\n"; out.String() != want {
			t.Errorf("shown %q, want %q", out.String(), want)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("watch = %v", err)
		}
		if a.stdout != &out {
			t.Error("standard output is another one afterwards")
		}
	})
}

// TestStatusWatch sees a session come, and one of a profile that was written meanwhile.
func TestStatusWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.run("status", "--watch", "--short").want(t, statusUsage)
	w.run("status", "--watch", "nosuch").want(t, statusUsage)
	var out spoken
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int)
	go func() {
		ended <- run(ctx, process{
			args: []string{"status", "--watch"}, env: []string{"HOME=" + w.home, "GATEHOP_HOME=" + filepath.Join(w.home, "state")},
			stdout: &out, stderr: &out, now: w.clock, terminal: nobodyThere, transport: w.net,
		})
	}()
	shows := func(words string) {
		t.Helper()
		for range 1000 {
			if strings.Contains(out.String(), words) {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatalf("%q is not shown: %s", words, out.String())
	}
	shows("no session is kept")
	w.vars = []string{"GATEHOP_HOME=" + filepath.Join(w.home, "state"), password(worldPassword)}
	w.run("login", "dev").want(t, 0)
	shows("assumed-role/Admins/alice")
	w.write(".aws/config", strings.ReplaceAll(worldConfig, "[profile dev]", "[profile renamed]"))
	shows("renamed")
	cancel()
	if status := <-ended; status != 0 {
		t.Errorf("status %d, want 0", status)
	}
}

// TestLogoutFailures: what failed lately is forgotten, and said to be.
func TestLogoutFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.runWith([]string{password("wrong")}, "credential-process", "dev").want(t, statusRefused)
	w.run("logout", "gateway").want(t, 0, "forgot the record of what failed")
	if out := w.run("logout", "gateway").want(t, 0); strings.Contains(out.stderr, "the record of what failed") {
		t.Errorf("forgotten twice: %s", out.stderr)
	}
	w.runWith([]string{password("wrong, too")}, "credential-process", "dev").want(t, statusRefused)
	w.run("logout", "--all").want(t, 0, "forgot the record of what failed")
}
