// Package gate lets a number of calls to one server go on at once, and fewer while the
// server says that they are too many.
package gate

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// After the first refusal nobody calls for about firstPause, after each further one in a
// row for twice as long, up to longestPause.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// Patience is how long calls are repeated while none at all gets through.
const Patience = time.Minute

// Gate adds to what it lets through with every call that is answered, one call in all for
// each round of them, and takes half away when one is refused as too many (AIMD, as TCP
// does). Its methods may be called at once from many goroutines.
type Gate struct {
	most int

	mu     sync.Mutex
	limit  float64 // calls at once, 1 to most
	inside int
	queue  []chan struct{} // closed for whoever may enter; the oldest first
	pause  time.Duration   // the last one; 0 after an answer
	shut   time.Time       // nobody enters before
	opens  *time.Timer     // at shut, if anybody waits for it
	cut    time.Time       // when the limit was lowered last
	passed time.Time       // when a call was answered last, or the first entered
}

// New returns a gate for at most so many calls at once, one at least. It begins with them
// all: most servers never refuse one.
func New(most int) *Gate {
	most = max(most, 1)
	return &Gate{most: most, limit: float64(most)}
}

// Enter waits for a place. Whoever got one calls leave when the call is over, once, and
// says whether it was refused as one too many; again then says whether it is worth to come
// back. The error is ctx's.
func (g *Gate) Enter(ctx context.Context) (leave func(refused bool) (again bool), err error) {
	turn := make(chan struct{})
	g.mu.Lock()
	g.queue = append(g.queue, turn)
	g.admit(time.Now())
	g.mu.Unlock()
	select {
	case <-turn:
	case <-ctx.Done():
		g.giveUp(turn)
		return nil, ctx.Err()
	}
	entered := time.Now()
	return func(refused bool) bool { return g.leave(entered, refused) }, nil
}

// giveUp takes turn out of the queue, or leaves the place that it has just got.
func (g *Gate) giveUp(turn chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.queue, turn); i >= 0 {
		g.queue = slices.Delete(g.queue, i, i+1)
		return
	}
	g.inside--
	g.admit(time.Now())
}

func (g *Gate) leave(entered time.Time, refused bool) (again bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.inside--
	if refused {
		g.lower(entered, now)
	} else {
		g.passed, g.pause = now, 0
		g.limit = min(g.limit+1/g.limit, float64(g.most))
	}
	again = refused && now.Sub(g.passed) < Patience
	if refused && !again { // whoever still waits is to know it soon, too
		g.shut = now
	}
	g.admit(now)
	return again
}

// lower makes room, once for all calls that were under way together: those that entered
// before the last time say nothing new.
func (g *Gate) lower(entered, now time.Time) {
	if entered.Before(g.cut) {
		return
	}
	g.limit, g.cut = max(g.limit/2, 1), now
	g.pause = min(max(2*g.pause, firstPause), longestPause)
	// Not all at the same moment: others may share the server's limit.
	g.shut = now.Add(g.pause/2 + rand.N(g.pause/2+1))
}

// admit lets in whoever may enter. The caller holds the mutex.
func (g *Gate) admit(now time.Time) {
	if len(g.queue) == 0 {
		return
	}
	if g.passed.IsZero() {
		g.passed = now
	}
	if wait := g.shut.Sub(now); wait > 0 {
		if g.opens == nil {
			g.opens = time.AfterFunc(wait, g.open)
		}
		return
	}
	for len(g.queue) > 0 && g.inside < int(g.limit) {
		close(g.queue[0])
		g.queue = g.queue[1:]
		g.inside++
	}
}

func (g *Gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opens = nil
	g.admit(time.Now())
}
