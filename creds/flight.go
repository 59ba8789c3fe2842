package creds

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// keepLimit is how long a store may take to keep what has been delivered.
const keepLimit = 5 * time.Second

// Flight is the one mechanism behind every "only once". A call goes: fresh in the
// store? then that; else join the call for this key that is under way in this process,
// or lead one: take the lock of the key, look again, do, keep, unlock. The result or the
// failure goes to those that were waiting for it, those of other processes too.
//
// A failure reaches other processes by its record in Failures, written before the lock
// is free. Each caller looks for one when it arrives and again when it holds the lock;
// one that is another than before was made while the caller waited. No clock decides.
//
// Set the fields before the first call and leave them alone. A Flight must not be
// copied after that; all methods may be called at once from many goroutines.
type Flight[T any] struct {
	Store Store // nil: nothing is kept
	// Lock takes the lock that all processes share for key, waiting as long as ctx
	// lets it. Its error is the call's. nil: one flight within this process only.
	Lock func(ctx context.Context, key string) (unlock func(), err error)
	// Fresh says whether a kept value is good enough not to be made anew. nil: none is.
	Fresh  func(T) bool
	Encode func(T) ([]byte, error) // needed with a Store
	Decode func([]byte) (T, error) // needed with a Store
	// Failures keeps the failures that other processes may be told, under the keys of
	// the calls. nil: none are.
	Failures Store
	// Record makes a record of the failure of a call, nil for one that is nobody else's
	// business. Needed with Failures.
	Record func(error) []byte
	// Replay says what a record, made by any process, means to a caller of this one: its
	// error, or nil for nothing. waited: the failure happened while the caller waited.
	// One who asks by Forced is not asked about. Needed with Failures.
	Replay func(record []byte, waited bool) error
	// Warn hears, once per call at most, that the store failed: that costs a renewal
	// later but never this delivery. nil: nobody does.
	Warn func(error)

	mu    sync.Mutex
	calls map[string]*call[T] // under way, by key
}

// PanicError reports that the work behind a call panicked, or left its goroutine. What
// it panicked with is not kept: that could be anything.
type PanicError struct {
	Stack []byte // as runtime.Stack formats it, which prints no strings; empty if there was no panic
}

func (e *PanicError) Error() string { return "internal error: the call ended without a result" }

// call is one piece of work and those waiting for it. All but the channel is guarded
// by the mutex of its Flight.
type call[T any] struct {
	forced  bool
	before  []byte // the record of a failure that there was when its first caller came
	waiters int
	closed  bool // nobody may join: it has its result, or the last waiter left
	ended   bool // value and err are set
	value   T
	err     error
	replays []byte // the record that err was made of; nil: of none
	passing bool   // its turn is over and it has no result yet
	cancel  context.CancelFunc
	done    chan struct{} // closed when it is off the table: kept and unlocked
}

// Wrap makes do a source that does the work only if the store has nothing fresh under
// key, and once for all who ask meanwhile. do gets the values of the first caller's
// context, and is cancelled when nobody waits any more; a caller whose own context
// ends leaves at once with its error.
func (f *Flight[T]) Wrap(key string, do func(context.Context) (T, error)) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) { return f.fly(ctx, key, do, false) }
}

// Forced is Wrap without the reading: do is called even if the store has something
// fresh. Those who ask by Forced meanwhile share its result, and so do those who ask
// by Wrap; one that asks by Forced never takes the result of a Wrap.
func (f *Flight[T]) Forced(key string, do func(context.Context) (T, error)) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) { return f.fly(ctx, key, do, true) }
}

// Cached returns what the store has under key, fresh or not. A store that fails has
// nothing, and Warn does not hear of it.
func (f *Flight[T]) Cached(ctx context.Context, key string) (T, bool) {
	value, err := f.read(ctx, key)
	return value, err == nil
}

func (f *Flight[T]) fly(ctx context.Context, key string, do func(context.Context) (T, error), forced bool) (T, error) {
	var zero T
	var before []byte
	for first := true; ; first = false {
		if !forced {
			// What goes wrong here goes wrong again for the leader, who reports it.
			if value, err := f.read(ctx, key); err == nil && f.isFresh(value) {
				return value, nil
			}
		}
		if err := ctx.Err(); err != nil {
			return zero, err
		}
		if first && !forced {
			before, _ = f.recorded(ctx, key)
			if err := f.replay(before, false); err != nil {
				return zero, err
			}
		}
		c, joined := f.join(ctx, key, do, forced, before)
		if joined {
			if value, err, ok := f.wait(ctx, c, before); ok {
				return value, err
			}
			continue
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			return zero, ctx.Err()
		}
	}
}

// join finds or starts a call for key. joined is false if the call under way is not to
// be shared; once it is done, the key is free.
func (f *Flight[T]) join(ctx context.Context, key string, do func(context.Context) (T, error), forced bool, before []byte) (c *call[T], joined bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c = f.calls[key]; c != nil {
		if c.closed || forced && !c.forced {
			return c, false
		}
		c.waiters++
		return c, true
	}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c = &call[T]{forced: forced, before: before, waiters: 1, cancel: cancel, done: make(chan struct{})}
	if f.calls == nil {
		f.calls = map[string]*call[T]{}
	}
	f.calls[key] = c
	go f.lead(work, key, c, do)
	return c, true
}

// wait returns false if the call ended with a failure that was there before this caller
// was, though not before the one that began the call.
func (f *Flight[T]) wait(ctx context.Context, c *call[T], before []byte) (T, error, bool) {
	select {
	case <-c.done:
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var zero T
	if c.ended && c.replays != nil && bytes.Equal(c.replays, before) {
		return zero, nil, false
	}
	if c.ended {
		// Even to a caller whose time is up while the store is slow: what was paid for is delivered.
		return c.value, c.err, true
	}
	if c.waiters--; c.waiters == 0 {
		c.closed = true
		c.cancel()
	}
	return zero, ctx.Err(), true
}

// lead runs in a goroutine of its own, because the caller that started it may leave
// before the others do.
func (f *Flight[T]) lead(ctx context.Context, key string, c *call[T], do func(context.Context) (T, error)) {
	defer f.finish(key, c)
	defer f.rescue(c)
	for {
		news := f.turn(ctx, key, c, do)
		if news == nil {
			return
		}
		c.passing = false
		// Without the lock: a record may take long to judge, and others wait to see it.
		if err := f.replay(news, true); err != nil {
			c.replays = news // nobody reads it before the call has ended
			f.settle(c, *new(T), err)
			return
		}
		c.before = news
	}
}

// turn takes the lock once and leads, unless somebody else succeeded meanwhile. If
// somebody else failed it returns the record of that and has done nothing.
func (f *Flight[T]) turn(ctx context.Context, key string, c *call[T], do func(context.Context) (T, error)) (news []byte) {
	unlock, err := f.lock(ctx, key)
	if err != nil {
		f.settle(c, *new(T), err)
		return nil
	}
	defer unlock()
	defer f.rescue(c) // before the unlocking: nobody may join what has failed
	known, trouble := f.recorded(ctx, key)
	if !c.forced {
		value, err := f.read(ctx, key)
		if err == nil && f.isFresh(value) {
			f.settle(c, value, nil)
			return nil
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			trouble = errors.Join(trouble, fmt.Errorf("read what was kept: %w", err))
		}
		if known != nil && !bytes.Equal(known, c.before) {
			c.passing = true
			return known
		}
	}
	if err := ctx.Err(); err != nil { // nobody waits any more
		f.settle(c, *new(T), err)
		return nil
	}
	value, err := do(ctx)
	f.settle(c, value, err)
	if err == nil {
		err = f.keep(ctx, key, value, known != nil)
	} else {
		err = f.record(ctx, key, err)
	}
	if trouble = errors.Join(trouble, err); trouble != nil && f.Warn != nil {
		f.Warn(trouble)
	}
	return nil
}

// settle makes the result known. From here on nobody can join or cancel the call.
func (f *Flight[T]) settle(c *call[T], value T, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.value, c.err, c.ended, c.closed = value, err, true, true
}

// rescue, deferred, gives a result to those waiting if the work panicked or left its
// goroutine. A panic after the result is known is nobody's result, and is not caught.
func (f *Flight[T]) rescue(c *call[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.ended || c.passing {
		return
	}
	failure := &PanicError{}
	if recover() != nil {
		failure.Stack = make([]byte, 64<<10)
		failure.Stack = failure.Stack[:runtime.Stack(failure.Stack, false)]
	}
	c.err, c.ended, c.closed = failure, true, true
}

// finish takes the call off the table and lets those waiting go.
func (f *Flight[T]) finish(key string, c *call[T]) {
	f.mu.Lock()
	delete(f.calls, key)
	f.mu.Unlock()
	close(c.done)
	c.cancel()
}

func (f *Flight[T]) lock(ctx context.Context, key string) (unlock func(), err error) {
	if f.Lock == nil {
		return func() {}, nil
	}
	return f.Lock(ctx, key)
}

func (f *Flight[T]) isFresh(value T) bool { return f.Fresh != nil && f.Fresh(value) }

// read returns ErrNotFound if nothing is kept.
func (f *Flight[T]) read(ctx context.Context, key string) (T, error) {
	var zero T
	if f.Store == nil {
		return zero, ErrNotFound
	}
	data, err := f.Store.Get(ctx, key)
	if err != nil {
		return zero, err
	}
	return f.Decode(data)
}

// keep first forgets a failure that there was before: a process that dies between the
// two leaves neither, and not a failure that is no longer true.
func (f *Flight[T]) keep(ctx context.Context, key string, value T, failed bool) error {
	// Those waiting may leave now, and must not take the keeping with them.
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepLimit)
	defer cancel()
	var problem error
	if failed {
		if err := f.Failures.Delete(limited, key); err != nil {
			problem = fmt.Errorf("forget the failure before it: %w", err)
		}
	}
	if f.Store == nil {
		return problem
	}
	data, err := f.Encode(value)
	if err == nil {
		err = f.Store.Put(limited, key, data)
	}
	if err != nil {
		problem = errors.Join(problem, fmt.Errorf("keep the result: %w", err))
	}
	return problem
}
