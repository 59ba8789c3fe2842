package creds

import (
	"context"
	"errors"
	"slices"
	"time"
)

// shares says whether the caller may be given what this work makes.
func (f fate) shares(w *work) bool {
	return f.process == w.by.process && (w.by.forced || !f.forced)
}

// unlocking is how long a failure may take to arrive.
func (w *world) unlocking() time.Duration {
	if w.locked {
		return w.latency
	}
	return 0
}

func (w *world) judge() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.locked && len(w.locks) != 1 {
		w.violated("the lock is not free at the end")
	}
	for _, f := range w.fates {
		w.judgeFate(f)
	}
	for _, this := range w.works {
		w.judgeWork(this)
	}
	made := 0
	for _, this := range w.works {
		if this.made {
			made++
		}
	}
	if w.putFails && !w.getFails && w.warnings != made {
		w.violated("%d warnings of %d values that could not be kept", w.warnings, made)
	}
	if !w.putFails && !w.getFails && w.warnings != 0 {
		w.violated("%d warnings of a sound store", w.warnings)
	}
	return w.violations
}

func (w *world) judgeFate(f fate) {
	var panicked *PanicError
	if f.patience > 0 && f.end > f.arrives+f.patience {
		w.violated("caller %+v stayed until %v", f.plan, f.end)
	}
	switch {
	case f.err == nil:
		this := w.works[f.value]
		if !this.made || this.end > f.end || f.end-this.end >= modelFresh {
			w.violated("caller %+v got a value of work %+v", f, this)
		}
		if f.forced && (this.end < f.arrives || !this.by.forced) {
			w.violated("caller by force %+v got a value of work %+v", f, this)
		}
	case errors.Is(f.err, context.DeadlineExceeded):
		if f.patience == 0 || f.end != f.arrives+f.patience {
			w.violated("caller %+v left at %v", f.plan, f.end)
		}
	case errors.As(f.err, &panicked):
		if !w.failedAt(f, func(this *work) bool { return this.by.outcome == "panic" || this.by.outcome == "exit" }) {
			w.violated("caller %+v got a panic of nobody's at %v", f.plan, f.end)
		}
	default:
		if !w.failedAt(f, func(this *work) bool { return this.err.Error() == f.err.Error() }) {
			w.violated("caller %+v got %v at %v", f.plan, f.err, f.end)
		}
	}
}

// failedAt looks for a failed work that the caller was waiting for when it ended.
func (w *world) failedAt(f fate, is func(*work) bool) bool {
	return slices.ContainsFunc(w.works, func(this *work) bool {
		return f.shares(this) && this.by.outcome != "" && is(this) && f.arrives <= this.end &&
			this.end <= f.end && f.end <= this.end+w.unlocking()
	})
}

// judgeWork leaves out callers that may still be looking into the store, having arrived
// or having waited for an earlier work.
func (w *world) judgeWork(this *work) {
	for _, f := range w.fates {
		if !f.shares(this) {
			continue
		}
		joined := max(f.arrives, this.start) + w.latency
		if this.cancelled != 0 && joined < this.cancelled && this.cancelled < f.end {
			w.violated("work %+v was cancelled while %+v waited", this, f)
		}
		if this.cancelled == 0 && this.by.outcome != "" && joined < this.end && this.end+w.unlocking() < f.end {
			w.violated("work %+v failed and %+v waited on", this, f)
		}
	}
	awaited := slices.ContainsFunc(w.fates, func(f fate) bool { return f.shares(this) && f.end >= this.end })
	if !this.by.deaf && !awaited {
		w.violated("work %+v went on when nobody waited", this)
	}
}
