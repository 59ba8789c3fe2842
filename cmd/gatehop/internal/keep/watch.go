package keep

import (
	"context"
	"time"
)

// Watch warns of the end of a session that only a person can renew. Set the fields before
// Run.
type Watch struct {
	// Left is the life that the session has left; false if there is none.
	Left func(ctx context.Context) (time.Duration, bool)
	// Renew tries to do it without a person, and reports whether that worked.
	Renew func(ctx context.Context) bool
	// Warn hears of it once for each of Marks that has come.
	Warn  func(left time.Duration)
	Marks []time.Duration // the longest first
	Now   func() time.Time

	end   time.Time // of the session that was seen last
	heard int       // how many of Marks have been dealt with for it
}

// Run watches until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	for {
		w.step(ctx)
		timer := time.NewTimer(tick)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (w *Watch) step(ctx context.Context) {
	if w.Now().Add(w.Marks[0]).Before(w.end) {
		return // whatever happens to it, it is not about to end
	}
	left, passed := w.look(ctx)
	if passed == w.heard || left <= 0 {
		return
	}
	if w.Renew(ctx) {
		if _, passed = w.look(ctx); passed == 0 {
			return
		}
	}
	if ctx.Err() != nil {
		return
	}
	w.heard = passed
	w.Warn(left)
}

// look sees how many of the marks have come for the session that there is now. With
// another one than before they count anew.
func (w *Watch) look(ctx context.Context) (left time.Duration, passed int) {
	left, ok := w.Left(ctx)
	if !ok {
		return 0, 0
	}
	end := w.Now().Add(left)
	if moved := end.Sub(w.end); moved > tick {
		w.heard = 0
	}
	w.end = end
	for _, mark := range w.Marks {
		if left <= mark {
			passed++
		}
	}
	return left, passed
}
