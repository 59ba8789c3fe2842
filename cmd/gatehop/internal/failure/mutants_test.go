package failure

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/guard"
	"gatehop/creds"
)

type doing = func(context.Context) (int, error)

// mutants are the real thing with one thing wrong each.
func mutants() map[string]func(*world, plan) caller {
	return map[string]func(*world, plan) caller{
		"no second look": flightOf(func(w *world, _ plan, f *creds.Flight[int]) { f.Store = blind{f.Store, w} }),
		"no lock":        flightOf(func(_ *world, _ plan, f *creds.Flight[int]) { f.Lock = nil }),
		"unlocked before the record": flightOf(func(w *world, _ plan, f *creds.Flight[int]) {
			f.Failures = late{f.Failures, w}
		}),
		"unlocked before the value": flightOf(func(w *world, _ plan, f *creds.Flight[int]) { f.Store = lateValue{f.Store, w} }),
		"nothing recorded": flightOf(func(_ *world, _ plan, f *creds.Flight[int]) {
			f.Record = func(error) []byte { return nil }
		}),
		"record never forgotten": flightOf(func(_ *world, _ plan, f *creds.Flight[int]) { f.Failures = stubborn{f.Failures} }),
		"everybody waited": flightOf(func(_ *world, _ plan, f *creds.Flight[int]) {
			real := f.Replay
			f.Replay = func(data []byte, _ bool) error { return real(data, true) }
		}),
		"nobody waited": flightOf(func(_ *world, _ plan, f *creds.Flight[int]) {
			real := f.Replay
			f.Replay = func(data []byte, _ bool) error { return real(data, false) }
		}),
		"a killed leader is not replaced": func(w *world, p plan) caller {
			w.keeps = true
			return sound(w, p)
		},
		"any secret": runOf(func(_ *world, r *Run) { r.Same = func([]guard.Mark) bool { return true } }),
		"no secret":  runOf(func(_ *world, r *Run) { r.Same = func([]guard.Mark) bool { return false } }),
		"kept for ever": runOf(func(w *world, r *Run) {
			begin := w.clock
			r.Now = func() time.Time { return begin }
		}),
		"answers people":           runOf(func(_ *world, r *Run) { r.Unattended = func() bool { return true } }),
		"answers nobody who comes": runOf(func(_ *world, r *Run) { r.Unattended = func() bool { return false } }),
		"a clock set back": flightOf(func(w *world, p plan, f *creds.Flight[int]) {
			f.Replay = func(data []byte, waited bool) error {
				var known record
				_ = json.Unmarshal(data, &known)
				r := w.run(p)
				if known.At.After(w.clock) {
					r.Now = func() time.Time { return known.At }
				}
				if f, ok := r.Hear(data, waited); ok {
					return &toldError{f}
				}
				return nil
			}
		}),
		"a human for everybody":      flightOf(withoutKind),
		"force hears of failures":    forceIs(func(f *creds.Flight[int]) { f.Fresh = func(int) bool { return false } }),
		"force looks into the store": forceIs(func(*creds.Flight[int]) {}),
	}
}

func flightOf(change func(*world, plan, *creds.Flight[int])) func(*world, plan) caller {
	return func(w *world, p plan) caller {
		f := w.flight(p, w.run(p))
		change(w, p, f)
		return callerOf(f)
	}
}

func runOf(change func(*world, *Run)) func(*world, plan) caller {
	return func(w *world, p plan) caller {
		r := w.run(p)
		change(w, r)
		return callerOf(w.flight(p, r))
	}
}

// forceIs calls by Wrap what should be Forced.
func forceIs(change func(*creds.Flight[int])) func(*world, plan) caller {
	return func(w *world, p plan) caller {
		real, changed := w.flight(p, w.run(p)), w.flight(p, w.run(p))
		change(changed)
		return func(ctx context.Context, a *actor, do doing) (int, error) {
			if a.forced {
				return changed.Wrap("key", do)(ctx)
			}
			return real.Wrap("key", do)(ctx)
		}
	}
}

func withoutKind(_ *world, _ plan, f *creds.Flight[int]) {
	real := f.Record
	f.Record = func(err error) []byte {
		data := real(err)
		if data == nil {
			return nil
		}
		return []byte(strings.NewReplacer(`,"kind":"human"`, "", `,"kind":"cancelled"`, "").Replace(string(data)))
	}
}

// blind has nothing for a process that holds the lock.
type blind struct {
	creds.Store
	w *world
}

func (s blind) Get(ctx context.Context, key string) ([]byte, error) {
	if s.w.holder == s.w.actorOf(ctx).process {
		return nil, creds.ErrNotFound
	}
	return s.Store.Get(ctx, key)
}

// late writes a record some time after it said so.
type late struct {
	creds.Store
	w *world
}

func (s late) Put(_ context.Context, _ string, data []byte) error {
	s.w.late = func() { s.w.tell(data) }
	return nil
}

type lateValue struct {
	creds.Store
	w *world
}

func (s lateValue) Put(_ context.Context, _ string, data []byte) error {
	s.w.late = func() { _, _ = fmt.Sscan(string(data), &s.w.value) }
	return nil
}

type stubborn struct{ creds.Store }

func (stubborn) Delete(context.Context, string) error { return nil }

// TestEveryInterleavingFindsMutants shows that the same judge finds fault with each mutant.
func TestEveryInterleavingFindsMutants(t *testing.T) {
	t.Parallel()
	for name, build := range mutants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shallow := scenarios() // most mutants need no event, and none of the others takes long without
			for n := range shallow {
				shallow[n].events = 0
			}
			for _, s := range append(shallow, scenarios()...) {
				if _, fault := explore(t, s, build); fault != "" {
					t.Logf("%s: %.300s", name, fault)
					return
				}
			}
			t.Error("the mutant passes every scenario")
		})
	}
}
