package creds

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

func exitGoroutine() { runtime.Goexit() }

type doing = func(context.Context) (int, error)

// mutants are flights with one thing wrong each, made of the real one by what surrounds it.
func mutants() map[string]func(*world) caller {
	return map[string]func(*world) caller{
		"no second look":    noSecondLook,
		"no single flight":  noSingleFlight,
		"no lock":           noLock,
		"unlock forgotten":  unlockForgotten,
		"unlock before Put": unlockBeforePut,
		"nothing kept":      nothingKept,
		"failure shared with later callers": func(w *world) caller {
			return rememberFailure(sound(w))
		},
		"work ends with the caller that began it": around(func(ctx context.Context, do doing) doing {
			return func(context.Context) (int, error) { return do(ctx) }
		}),
		"work is never cancelled": around(func(_ context.Context, do doing) doing {
			return func(ctx context.Context) (int, error) { return do(context.WithoutCancel(ctx)) }
		}),
		"a panic leaves those waiting": around(func(_ context.Context, do doing) doing {
			return func(ctx context.Context) (value int, err error) {
				defer func() {
					if recover() != nil {
						<-ctx.Done()
						err = ctx.Err()
					}
				}()
				return do(ctx)
			}
		}),
		"callers do not leave": func(w *world) caller {
			real := sound(w)
			return func(ctx context.Context, forced bool, do doing) (int, error) {
				return real(context.WithoutCancel(ctx), forced, do)
			}
		},
		"force looks into the store": func(w *world) caller {
			real := sound(w)
			return func(ctx context.Context, _ bool, do doing) (int, error) { return real(ctx, false, do) }
		},
		"everybody forces": func(w *world) caller {
			real := sound(w)
			return func(ctx context.Context, _ bool, do doing) (int, error) { return real(ctx, true, do) }
		},
		"everything is fresh": func(w *world) caller {
			f := w.flight()
			f.Fresh = func(int) bool { return true }
			return callerOf(f)
		},
		"a store that fails fails the call": func(w *world) caller {
			f := w.flight()
			real := callerOf(f)
			return func(ctx context.Context, forced bool, do doing) (int, error) {
				return real(ctx, forced, func(ctx context.Context) (int, error) {
					value, err := do(ctx)
					if err != nil {
						return 0, err
					}
					data, _ := f.Encode(value)
					return value, f.Store.Put(ctx, "key", data)
				})
			}
		},
		"two warnings": func(w *world) caller {
			f := w.flight()
			warn := f.Warn
			f.Warn = func(err error) { warn(err); warn(err) }
			return callerOf(f)
		},
	}
}

func around(change func(ctx context.Context, do doing) doing) func(*world) caller {
	return func(w *world) caller {
		real := sound(w)
		return func(ctx context.Context, forced bool, do doing) (int, error) {
			return real(ctx, forced, change(ctx, do))
		}
	}
}

// blindStore has nothing while the process holds the lock.
type blindStore struct {
	Store
	locked *atomic.Bool
}

func (b blindStore) Get(ctx context.Context, key string) ([]byte, error) {
	if b.locked.Load() {
		return nil, ErrNotFound
	}
	return b.Store.Get(ctx, key)
}

func noSecondLook(w *world) caller {
	var locked atomic.Bool
	f := w.flight()
	f.Store = blindStore{w, &locked}
	f.Lock = func(ctx context.Context, key string) (func(), error) {
		unlock := func() {}
		if w.locked {
			var err error
			if unlock, err = w.lock(ctx, key); err != nil {
				return nil, err
			}
		}
		locked.Store(true)
		return func() { locked.Store(false); unlock() }, nil
	}
	return callerOf(f)
}

func noSingleFlight(w *world) caller {
	return func(ctx context.Context, forced bool, do doing) (int, error) {
		return callerOf(w.flight())(ctx, forced, do)
	}
}

func noLock(w *world) caller {
	f := w.flight()
	f.Lock = nil
	return callerOf(f)
}

func unlockForgotten(w *world) caller {
	f := w.flight()
	f.Lock = func(ctx context.Context, key string) (func(), error) {
		_, err := w.lock(ctx, key)
		return func() {}, err
	}
	return callerOf(f)
}

// lateStore keeps a value a second after it said so.
type lateStore struct{ Store }

func (l lateStore) Put(ctx context.Context, key string, value []byte) error {
	time.AfterFunc(time.Second, func() { _ = l.Store.Put(context.WithoutCancel(ctx), key, value) })
	return nil
}

func unlockBeforePut(w *world) caller {
	f := w.flight()
	f.Store = lateStore{w}
	return callerOf(f)
}

func nothingKept(w *world) caller {
	f := w.flight()
	f.Store = nil
	return callerOf(f)
}

func rememberFailure(real caller) caller {
	var mu sync.Mutex
	var last error
	var at time.Time
	return func(ctx context.Context, forced bool, do doing) (int, error) {
		mu.Lock()
		err, since := last, time.Since(at)
		mu.Unlock()
		if err != nil && since < 5*time.Second {
			return 0, err
		}
		value, err := real(ctx, forced, do)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			mu.Lock()
			last, at = err, time.Now()
			mu.Unlock()
		}
		return value, err
	}
}
