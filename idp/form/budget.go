package form

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errBudget is the cause of a context whose budget is used up.
var errBudget = errors.New("time limit of the sign-in")

// tick is how exactly a budget is kept.
const tick = time.Second

// budget ends a context after a time in which nobody was being asked anything.
type budget struct {
	mu     sync.Mutex
	left   time.Duration
	asking int
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func newBudget(ctx context.Context, d time.Duration) (context.Context, *budget) {
	ctx, cancel := context.WithCancelCause(ctx)
	b := &budget{left: d, cancel: cancel}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = time.AfterFunc(tick, b.spend)
	return ctx, b
}

func (b *budget) spend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asking == 0 {
		b.left -= tick
	}
	if b.left <= 0 {
		b.cancel(errBudget)
		return
	}
	b.timer.Reset(tick)
}

// pause stops the count until the function it returns is called.
func (b *budget) pause() (resume func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asking++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.asking--
	}
}

// stop ends the context and the count.
func (b *budget) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = 0
	b.timer.Stop()
	b.cancel(nil)
}
