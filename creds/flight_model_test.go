package creds

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The model: several callers of one key, in one process or two, arrive, give up, and do
// work that takes time, fails, panics, or does not listen, all at times drawn from a
// seed. A world records what happened and judge says what may not have. The same judge
// must find fault with every mutant.

const (
	modelFresh = 10 * time.Second
	modelEnd   = time.Hour // when a caller that nothing else ends gives up
)

// plan is one caller.
type plan struct {
	process  int
	forced   bool
	arrives  time.Duration
	patience time.Duration // 0: until modelEnd
	works    time.Duration // how long its do takes
	outcome  string        // "", "fail", "panic", "exit"
	deaf     bool          // do does not listen to its context
}

type scenario struct {
	processes int
	locked    bool // processes share a lock
	latency   time.Duration
	getFails  bool
	putFails  bool
	callers   []plan
}

func newScenario(seed uint64) scenario {
	r := rand.New(rand.NewPCG(seed, 1))
	s := scenario{processes: 1 + r.IntN(2), locked: r.IntN(4) > 0, getFails: r.IntN(12) == 0, putFails: r.IntN(12) == 0}
	if !s.locked {
		s.processes = 1
	}
	if r.IntN(2) == 0 {
		s.latency = 300 * time.Millisecond // less than any work takes: judge relies on it
	}
	outcomes := []string{"", "", "", "", "fail", "fail", "panic", "exit"}
	grid := 500 * time.Millisecond // on which many things happen at once
	if r.IntN(2) == 0 {
		grid = 100 * time.Millisecond
	}
	for range 2 + r.IntN(6) {
		p := plan{
			process: r.IntN(s.processes),
			forced:  r.IntN(6) == 0,
			arrives: time.Duration(r.IntN(int(6*time.Second/grid))) * grid,
			works:   time.Duration(2+r.IntN(8)) * 500 * time.Millisecond,
			outcome: outcomes[r.IntN(len(outcomes))],
			deaf:    r.IntN(5) == 0,
		}
		if r.IntN(10) == 0 {
			p.arrives += modelFresh
		}
		if r.IntN(3) == 0 {
			p.patience = time.Duration(1+r.IntN(int(4*time.Second/grid))) * grid
		}
		s.callers = append(s.callers, p)
	}
	return s
}

// work is one run of a do, outcome one caller's fate. Times are since the beginning.
type work struct {
	id         int
	by         plan
	start, end time.Duration
	cancelled  time.Duration // 0: not before its end
	made       bool          // a value
	err        error         // of the outcome "fail"
}

type fate struct {
	plan
	value int
	err   error
	end   time.Duration
}

type world struct {
	scenario
	begin time.Time

	mu         sync.Mutex
	running    int
	works      []*work
	fates      []fate
	warnings   int
	violations []string
	entry      []byte
	locks      chan struct{} // holds one token when free
}

func (w *world) now() time.Duration { return time.Since(w.begin) }

func (w *world) violated(format string, args ...any) {
	w.violations = append(w.violations, fmt.Sprintf(format, args...))
}

// Get, Put and Delete make the world the store of all its processes.
func (w *world) Get(ctx context.Context, _ string) ([]byte, error) {
	if err := pause(ctx, w.latency); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.getFails {
		return nil, errors.New("store cannot be read")
	}
	if w.entry == nil {
		return nil, ErrNotFound
	}
	return slices.Clone(w.entry), nil
}

func (w *world) Put(ctx context.Context, _ string, value []byte) error {
	if err := pause(ctx, w.latency); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.putFails {
		return errors.New("store cannot be written")
	}
	w.entry = slices.Clone(value)
	return nil
}

func (w *world) Delete(context.Context, string) error { return nil }

func (w *world) lock(ctx context.Context, _ string) (func(), error) {
	select {
	case <-w.locks:
		return func() {
			time.Sleep(w.latency)
			w.locks <- struct{}{}
		}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// flight is what a process uses: its values are the ids of the works that made them.
func (w *world) flight() *Flight[int] {
	f := &Flight[int]{
		Store:  w,
		Fresh:  w.isFresh,
		Encode: func(id int) ([]byte, error) { return strconv.AppendInt(nil, int64(id), 10), nil },
		Decode: func(data []byte) (int, error) { return strconv.Atoi(string(data)) },
		Warn: func(error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.warnings++
		},
	}
	if w.locked {
		f.Lock = w.lock
	}
	return f
}

func (w *world) isFresh(id int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now()-w.works[id].end < modelFresh
}

// do is what the plan's caller wants done.
func (w *world) do(p plan) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		this := w.startWork(p)
		stop := context.AfterFunc(ctx, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if this.end == 0 {
				this.cancelled = w.now()
			}
		})
		defer stop()
		listening := ctx
		if p.deaf {
			listening = context.WithoutCancel(ctx)
		}
		err := pause(listening, p.works)
		w.endWork(this, err)
		switch {
		case err != nil:
			return 0, err
		case p.outcome == "fail":
			return 0, this.err
		case p.outcome == "panic":
			panic("canary of the panic")
		case p.outcome == "exit":
			exitGoroutine()
		}
		return this.id, nil
	}
}

func (w *world) startWork(p plan) *work {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running++; w.running > 1 {
		w.violated("two at work")
	}
	for _, old := range w.works {
		if old.made && !p.forced && !w.putFails && !w.getFails && w.now()-old.end < modelFresh {
			w.violated("work at %v although work %d ended at %v", w.now(), old.id, old.end)
		}
	}
	this := &work{id: len(w.works), by: p, start: w.now()}
	this.err = fmt.Errorf("failure of work %d", this.id)
	w.works = append(w.works, this)
	return this
}

func (w *world) endWork(this *work, cancelled error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
	this.end = w.now()
	this.made = cancelled == nil && this.by.outcome == ""
	if cancelled != nil && this.cancelled == 0 { // before AfterFunc came to it
		this.cancelled = this.end
	}
}

// caller is a process's way to call: the real one, or a mutant's.
type caller func(ctx context.Context, forced bool, do func(context.Context) (int, error)) (int, error)

func (w *world) run(t *testing.T, build func(w *world) caller) {
	processes := make([]caller, w.processes)
	for n := range processes {
		processes[n] = build(w)
	}
	var all sync.WaitGroup
	for _, p := range w.callers {
		all.Go(func() {
			time.Sleep(p.arrives)
			patience := modelEnd
			if p.patience > 0 {
				patience = p.patience
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			value, err := processes[p.process](ctx, p.forced, w.do(p))
			w.mu.Lock()
			defer w.mu.Unlock()
			w.fates = append(w.fates, fate{p, value, err, w.now()})
		})
	}
	all.Wait()
	time.Sleep(time.Minute) // work that does not listen goes on when all have left
}

func violations(t *testing.T, seed uint64, build func(w *world) caller) (found []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{scenario: newScenario(seed), begin: time.Now(), locks: make(chan struct{}, 1)}
		w.locks <- struct{}{}
		w.run(t, build)
		found = w.judge()
	})
	return found
}

func sound(w *world) caller { return callerOf(w.flight()) }

func callerOf(f *Flight[int]) caller {
	return func(ctx context.Context, forced bool, do func(context.Context) (int, error)) (int, error) {
		if forced {
			return f.Forced("key", do)(ctx)
		}
		return f.Wrap("key", do)(ctx)
	}
}

const seeds = 3000

func TestFlightModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(soundSeeds) {
		if found := violations(t, seed, sound); len(found) > 0 {
			t.Fatalf("seed %d, %+v: %q", seed, newScenario(seed), found)
		}
	}
}

// TestFlightModelFindsMutants shows that the judge finds fault with each mutant.
func TestFlightModelFindsMutants(t *testing.T) {
	t.Parallel()
	for name, build := range mutants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(seeds) {
				if found := violations(t, seed, build); len(found) > 0 {
					t.Logf("found at seed %d: %s", seed, found[0])
					return
				}
			}
			t.Errorf("the mutant passes %d scenarios", seeds)
		})
	}
}
