package gate

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// server answers so many calls a second, by a bucket of a tenth as many, and refuses more.
type server struct {
	perSecond float64
	takes     time.Duration

	mu            sync.Mutex
	left          float64
	at            time.Time
	inside, most  int
	refused, done int
}

func (s *server) call() (refused bool) {
	s.mu.Lock()
	s.inside++
	s.most = max(s.most, s.inside)
	s.mu.Unlock()
	time.Sleep(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inside--
	if s.perSecond > 0 {
		now := time.Now()
		s.left = min(s.left+now.Sub(s.at).Seconds()*s.perSecond, max(s.perSecond/10, 1))
		s.at = now
		if s.left < 1 {
			s.refused++
			return true
		}
		s.left--
	}
	s.done++
	return false
}

// callers makes n calls from crowd goroutines and returns how many were given up.
func (s *server) callers(t *testing.T, g *Gate, n, crowd int) (lost int) {
	t.Helper()
	work := make(chan int, n)
	for i := range n {
		work <- i
	}
	close(work)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range crowd {
		wg.Go(func() {
			for range work {
				for again := true; again; {
					leave, err := g.Enter(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					refused := s.call()
					if again = leave(refused); refused && !again {
						mu.Lock()
						lost++
						mu.Unlock()
					}
				}
			}
		})
	}
	wg.Wait()
	return lost
}

// TestGate wants everything let through that the server takes, never more at once than
// was asked for, and nothing lost to a server that refuses.
func TestGate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		perSecond float64
		refusals  int // at most
	}{
		"a server that refuses nothing":    {0, 0},
		"one that takes half of it":        {100, 200},
		"one that takes a call a second":   {1, 4000},
		"one that takes a call in a tenth": {10, 1200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{perSecond: c.perSecond, takes: 50 * time.Millisecond, at: time.Now()}
				if lost := s.callers(t, New(10), 500, 40); lost != 0 || s.done != 500 {
					t.Errorf("%d of 500 calls were answered, %d were given up", s.done, lost)
				}
				if s.most != 10 {
					t.Errorf("%d calls at once, want 10 where all is well", s.most)
				}
				if s.refused > c.refusals || c.refusals > 0 && s.refused == 0 {
					t.Errorf("%d calls were refused, want at most %d", s.refused, c.refusals)
				}
			})
		})
	}
}

// TestGateControl is the same server without a gate that gives way: it refuses many times
// as much.
func TestGateControl(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{perSecond: 100, takes: 50 * time.Millisecond, at: time.Now()}
		var wg sync.WaitGroup
		work := make(chan int, 500)
		for i := range 500 {
			work <- i
		}
		close(work)
		for range 10 {
			wg.Go(func() {
				for range work {
					for s.call() {
					}
				}
			})
		}
		wg.Wait()
		if s.refused < 300 {
			t.Errorf("the control: only %d calls were refused", s.refused)
		}
	})
}

// TestGateGivesUp wants an end where no call gets through at all, and none before that.
func TestGateGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{perSecond: math.SmallestNonzeroFloat64, takes: 50 * time.Millisecond, at: time.Now()}
		begin := time.Now()
		if lost := s.callers(t, New(10), 20, 20); lost != 20 {
			t.Errorf("%d of 20 calls were given up", lost)
		}
		if took := time.Since(begin); took < Patience || took > 2*Patience {
			t.Errorf("given up after %v", took)
		}
	})
}

// TestGateLeft wants a place neither lost nor given twice where callers leave.
func TestGateLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := New(1)
		leave, err := g.Enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := g.Enter(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("Enter = %v, want it cancelled", err)
				}
			})
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		leave(false)
		if leave, err = g.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		if g.inside != 1 || len(g.queue) != 0 {
			t.Errorf("%d inside and %d waiting, want 1 and none", g.inside, len(g.queue))
		}
		if leave(false) {
			t.Error("an answered call is to be made again")
		}
	})
}

// TestGateLimit follows the limit: half of it for all calls that were refused together,
// and back by one for each round that is answered.
func TestGateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := New(8)
		round := func(refused bool) {
			t.Helper()
			var leave []func(bool) bool
			for range int(g.limit) {
				out, err := g.Enter(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				leave = append(leave, out)
			}
			time.Sleep(time.Millisecond)
			for _, out := range leave {
				out(refused)
			}
		}
		for i, step := range []struct {
			refused bool
			limit   int
			pause   time.Duration
		}{
			{false, 8, 0}, {true, 4, firstPause}, {true, 2, 2 * firstPause}, {true, 1, 4 * firstPause}, {true, 1, 8 * firstPause},
			{false, 2, 0}, {false, 2, 0}, {false, 3, 0}, {true, 1, firstPause},
		} {
			round(step.refused)
			if int(g.limit) != step.limit || g.pause != step.pause {
				t.Errorf("step %d: %.2f calls at once and a pause of %v, want %d and %v", i, g.limit, g.pause, step.limit, step.pause)
			}
		}
		for range 60 {
			round(false)
		}
		if g.limit != 8 {
			t.Errorf("%.2f calls at once after many answers, want 8", g.limit)
		}
	})
}
