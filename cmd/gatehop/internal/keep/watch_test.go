package keep

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// watched is a session under a Watch.
type watched struct {
	mu     sync.Mutex
	end    time.Time
	gone   bool
	shakes time.Duration // by which every second look is wrong
	looks  int
	renews time.Duration // the life of what Renew makes; 0: it cannot
	tries  int
	warned []string
}

func (w *watched) watch(t *testing.T) {
	began := time.Now()
	watch := &Watch{
		Left: func(context.Context) (time.Duration, bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.looks++
			return time.Until(w.end) + time.Duration(w.looks%2)*w.shakes, !w.gone
		},
		Renew: func(context.Context) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.tries++
			if w.renews == 0 {
				return false
			}
			w.end = time.Now().Add(w.renews)
			return true
		},
		Warn: func(left time.Duration) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.warned = append(w.warned, fmt.Sprintf("%v with %v", time.Since(began).Round(time.Minute), left.Round(time.Minute)))
		},
		Marks: []time.Duration{15 * time.Minute, 5 * time.Minute}, Now: time.Now,
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { watch.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
}

func TestWatch(t *testing.T) {
	for _, c := range []struct {
		name   string
		life   time.Duration
		change func(w *watched)
		after  time.Duration // when change happens
		want   []string
	}{
		{"a session that ends", 8 * time.Hour, nil, 0, []string{"7h45m0s with 15m0s", "7h55m0s with 5m0s"}},
		{"a clock that shakes", 8 * time.Hour, func(w *watched) { w.shakes = 9 * time.Second }, 0, []string{"7h45m0s with 15m0s", "7h55m0s with 5m0s"}},
		{"one that is about to", 9 * time.Minute, nil, 0, []string{"0s with 9m0s", "4m0s with 5m0s"}},
		{"one that has few minutes", 3 * time.Minute, nil, 0, []string{"0s with 3m0s"}},
		{"one that has ended", -time.Minute, nil, 0, nil},
		{"somebody signs in", 8 * time.Hour, func(w *watched) { w.end = w.end.Add(8 * time.Hour) }, 7*time.Hour + 50*time.Minute,
			[]string{"7h45m0s with 15m0s", "15h45m0s with 15m0s", "15h55m0s with 5m0s"}},
		{"somebody signs in before", 8 * time.Hour, func(w *watched) { w.end = w.end.Add(time.Hour) }, 7 * time.Hour,
			[]string{"8h45m0s with 15m0s", "8h55m0s with 5m0s"}},
		{"it is renewed without anybody", 8 * time.Hour, func(w *watched) { w.renews = 8 * time.Hour }, 0, nil},
		{"that works once", 8 * time.Hour, func(w *watched) { w.renews = 0 }, 9 * time.Hour, []string{"7h45m0s with 15m0s", "7h55m0s with 5m0s"}},
		{"what is made is as short", 8 * time.Hour, func(w *watched) { w.renews = 4 * time.Minute }, 0, []string{"7h45m0s with 15m0s"}},
		{"it is forgotten", 8 * time.Hour, func(w *watched) { w.gone = true }, 7 * time.Hour, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &watched{end: time.Now().Add(c.life)}
				if c.change != nil && c.after == 0 {
					c.change(w)
				}
				w.watch(t)
				if c.after != 0 {
					time.Sleep(c.after)
					w.mu.Lock()
					c.change(w)
					w.mu.Unlock()
				}
				time.Sleep(20*time.Hour - c.after)
				w.mu.Lock()
				defer w.mu.Unlock()
				if !slices.Equal(w.warned, c.want) {
					t.Errorf("warned %q, want %q", w.warned, c.want)
				}
				if w.tries > 20 {
					t.Errorf("%d tries to renew", w.tries)
				}
			})
		})
	}
}
