// Package keep has one session ready in memory, and renews it before it ends.
package keep

import (
	"context"
	"errors"
	"sync"
	"time"

	"gatehop/cmd/gatehop/internal/session"
	"gatehop/creds"
)

const (
	tick       = 10 * time.Second       // between two looks at the clock, which a sleeping machine stops
	grace      = 700 * time.Millisecond // what a request with nothing to get waits for a renewal
	least      = 5 * time.Second        // the life of what is handed out
	firstPause = 5 * time.Second        // after a failure; doubled by each one more
	maxPause   = 5 * time.Minute
)

// ErrPending is why there is nothing while a renewal takes longer than a request may.
var ErrPending = errors.New("the session has ended and is being renewed")

// Keeper answers from memory while Run renews what it answers with. Set the fields before
// the first call.
type Keeper struct {
	// Renew yields a session that need not be renewed soon, and asks nobody. It is called
	// by one goroutine alone.
	Renew func(ctx context.Context) (session.Session, error)
	// Alone reports whether Renew needs no sign-in, because somebody has signed in. It is
	// asked while a failure of Renew would keep it from being called.
	Alone func(ctx context.Context) bool
	// Tell hears of the first failure of a row of them, with the life that the session in
	// hand has left, and once more when that has run out.
	Tell func(err error, left time.Duration)
	Now  func() time.Time

	once    sync.Once
	nudge   chan struct{}
	mu      sync.Mutex
	held    session.Session
	problem error         // of the last renewal; nil if that worked
	changed chan struct{} // closed when Run has done what there was to do

	// Run's own.
	failures int
	lastTry  time.Time
	alone    bool // what Alone said when Renew failed
	told     bool // that nothing is left
}

// Hold is what the Keeper begins with.
func (k *Keeper) Hold(s session.Session) {
	k.prepare()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = s
}

// Run renews until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	k.prepare()
	for ctx.Err() == nil {
		k.step(ctx)
		timer := time.NewTimer(tick)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-k.nudge:
		}
		timer.Stop()
	}
}

// Current is the session in hand while it lives. Where none does it waits a moment for a
// renewal, and returns that one's error, or ErrPending.
func (k *Keeper) Current(ctx context.Context) (creds.Credentials, error) {
	k.prepare()
	s, changed, _ := k.state()
	now := k.Now()
	if s.Fresh(now) {
		return s.Credentials, nil
	}
	select {
	case k.nudge <- struct{}{}:
	default: // it has been
	}
	if s.Remaining(now) > least {
		return s.Credentials, nil
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	pending := false
	select {
	case <-changed:
	case <-timer.C:
		pending = true
	case <-ctx.Done():
		return creds.Credentials{}, ctx.Err()
	}
	s, _, problem := k.state()
	switch {
	case s.Remaining(k.Now()) > least:
		return s.Credentials, nil
	case pending || problem == nil:
		return creds.Credentials{}, ErrPending
	}
	return creds.Credentials{}, problem
}

func (k *Keeper) prepare() {
	k.once.Do(func() { k.nudge, k.changed = make(chan struct{}, 1), make(chan struct{}) })
}

func (k *Keeper) state() (held session.Session, changed <-chan struct{}, problem error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held, k.changed, k.problem
}

// step renews if that is due, and lets those go that wait.
func (k *Keeper) step(ctx context.Context) {
	s, _, _ := k.state()
	var err error
	tried := false
	if !s.Fresh(k.Now()) && k.isDue(ctx) {
		tried = true
		k.lastTry = k.Now()
		var renewed session.Session
		if renewed, err = k.Renew(ctx); err == nil {
			s = renewed
		}
	}
	if ctx.Err() != nil {
		return
	}
	k.mu.Lock()
	k.held = s
	if tried {
		k.problem = err
	}
	close(k.changed)
	k.changed = make(chan struct{})
	k.mu.Unlock()
	if tried {
		k.count(ctx, s, err)
	}
	k.complain(s)
}

// count remembers how the renewals go. One that yields nothing better than what has to be
// renewed at once is not repeated at once.
func (k *Keeper) count(ctx context.Context, s session.Session, err error) {
	if err == nil && s.Fresh(k.Now()) {
		k.failures, k.told = 0, false
		return
	}
	k.failures++
	k.alone = k.Alone(ctx)
	if left := s.Remaining(k.Now()); err != nil && k.failures == 1 && left > least {
		k.Tell(err, left)
	}
}

// complain says once that nothing is left.
func (k *Keeper) complain(s session.Session) {
	_, _, problem := k.state()
	if problem == nil || k.told || s.Remaining(k.Now()) > least {
		return
	}
	k.told = true
	k.Tell(problem, 0)
}

// isDue reports whether Renew may be called again: not soon after it failed, unless what
// it failed for has been done by somebody.
func (k *Keeper) isDue(ctx context.Context) bool {
	if k.failures == 0 {
		return true
	}
	pause := min(firstPause<<min(k.failures-1, 10), maxPause)
	// The clock may have been set back.
	if since := k.Now().Sub(k.lastTry); since >= pause || since < 0 {
		return true
	}
	return !k.alone && k.Alone(ctx)
}
