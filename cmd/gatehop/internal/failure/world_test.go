package failure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing/synctest"
	"time"

	"gatehop/cmd/gatehop/internal/guard"
	"gatehop/creds"
)

// The model: a few callers of one key, in processes of their own or in one, drive the
// real creds.Flight and the real Run. Whatever they do to something shared is a step,
// and a scheduler says who takes the next one, or that something happens to them.

// plan is one caller.
type plan struct {
	process    int
	forced     bool
	unattended bool
	secret     string
	outcome    string // of its work: "ok", "fail", "human", "cancelled"
}

// valueLife is less than the smallest jump of the clock, and Kept is not.
const valueLife = 20 * time.Second

var errGone = errors.New("this process is gone")
var errGaveUp = errors.New("waited too long")

// work is one run of a caller's do; told is when its failure was recorded. Times are steps.
type work struct {
	by          int
	start, told int
	ended, made bool
	failed      bool
	at          time.Time // by the clock, when it ended
}

type workError struct{ id int }

func (e *workError) Error() string { return fmt.Sprintf("failure %d", e.id) }

type toldError struct{ Failure }

func (e *toldError) Error() string { return e.Message }

// actor is a caller on its way.
type actor struct {
	plan
	n        int
	cancel   context.CancelFunc
	pending  string     // the step it waits for; "": none
	grant    chan error // lets it take the step
	seen     []string   // what it has learnt, which decides what it does next
	arrived  int        // step
	locked   int        // step
	based    int        // step of its first look for a failure
	answered bool       // by a record, at that look: it must not work
	back     bool       // its call has returned
	left     bool       // its context was cancelled
}

// world is one run of the model.
type world struct {
	actors  []*actor
	clock   time.Time
	step    int
	jumped  int // step of the clock's last jump
	over    bool
	gone    map[int]bool // processes that crashed
	value   int          // id of the work whose value is kept; -1
	record  []byte       // of the last failure; nil
	holder  int          // process that has the lock; -1
	running int          // actor at work; -1
	events  int          // left
	only    string       // of the scenario
	works   []*work
	fresh   map[[2]int]bool // processes that found a value fresh
	late    func()          // what a mutant does later
	keeps   bool            // mutant: a crash does not free the lock
	found   []string
}

func newWorld(s scenario) *world {
	w := &world{clock: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), gone: map[int]bool{}, fresh: map[[2]int]bool{}, value: -1, holder: -1, running: -1, events: s.events, only: s.only}
	for n, p := range s.plans {
		w.actors = append(w.actors, &actor{plan: p, n: n, grant: make(chan error)})
	}
	return w
}

func (w *world) violated(format string, args ...any) {
	w.found = append(w.found, fmt.Sprintf(format, args...))
}

type actorKey struct{}

func (w *world) actorOf(ctx context.Context) *actor { return w.actors[ctx.Value(actorKey{}).(int)] }

// take waits until the scheduler lets the actor take a step. Everything up to its next
// step then happens at once, because nobody else moves.
func (w *world) take(ctx context.Context, what string) (*actor, error) {
	a := w.actorOf(ctx)
	if w.over || w.gone[a.process] {
		return a, errGone
	}
	a.pending = what
	err := <-a.grant
	return a, err
}

func (a *actor) learnt(format string, args ...any) {
	a.seen = append(a.seen, fmt.Sprintf(format, args...))
}

// values and records are the two stores.
type values struct{ w *world }

func (s values) Get(ctx context.Context, _ string) ([]byte, error) {
	a, err := s.w.take(ctx, "get")
	if err != nil {
		return nil, err
	}
	a.learnt("value %d", s.w.value)
	if s.w.value >= 0 && s.w.isFresh(s.w.value) {
		s.w.fresh[[2]int{a.process, s.w.value}] = true
	}
	if s.w.value < 0 {
		return nil, creds.ErrNotFound
	}
	return []byte(fmt.Sprint(s.w.value)), nil
}

func (s values) Put(ctx context.Context, _ string, data []byte) error {
	a, err := s.w.take(ctx, "put")
	if err != nil {
		return err
	}
	a.learnt("put")
	_, err = fmt.Sscan(string(data), &s.w.value)
	return err
}

func (s values) Delete(context.Context, string) error { return nil }

type records struct{ w *world }

func (s records) Get(ctx context.Context, _ string) ([]byte, error) {
	a, err := s.w.take(ctx, "look")
	if err != nil {
		return nil, err
	}
	w := s.w
	a.learnt("record %s at %v", w.recorded().Message, w.clock)
	if a.based == 0 && !a.forced {
		a.based = w.step
		a.answered = w.mayAnswer(a)
	}
	if w.record == nil {
		return nil, creds.ErrNotFound
	}
	return w.record, nil
}

func (s records) Put(ctx context.Context, _ string, data []byte) error {
	a, err := s.w.take(ctx, "record")
	if err != nil {
		return err
	}
	a.learnt("recorded")
	s.w.tell(data)
	return nil
}

func (w *world) tell(data []byte) {
	w.record = data
	w.works[w.idOf(w.recorded().Message)].told = w.step
}

func (s records) Delete(ctx context.Context, _ string) error {
	a, err := s.w.take(ctx, "forget")
	if err != nil {
		return err
	}
	a.learnt("forgot")
	s.w.record = nil
	return nil
}

// recorded is the failure in the store, as a Failure; its message is "failure N".
func (w *world) recorded() (f Failure) {
	if w.record != nil {
		_ = json.Unmarshal(w.record[strings.IndexByte(string(w.record), '{'):], &f)
	}
	return f
}

func (w *world) idOf(message string) (id int) {
	id = -1
	_, _ = fmt.Sscanf(message, "failure %d", &id)
	return id
}

func (w *world) lock(ctx context.Context, _ string) (func(), error) {
	a, err := w.take(ctx, "lock")
	if err != nil {
		a.learnt("no lock")
		return nil, err
	}
	a.learnt("locked")
	a.locked = w.step
	w.holder = a.process
	free := false
	return func() {
		if free {
			return
		}
		free = true
		if _, err := w.take(ctx, "unlock"); err == nil {
			a.learnt("unlocked")
			w.holder = -1
		}
	}, nil
}

// do is the work of a caller: two steps, so that others can come between.
func (w *world) do(a *actor) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		if _, err := w.take(ctx, "begin"); err != nil {
			return 0, err
		}
		w.judgeWork(a)
		id := len(w.works)
		this := &work{by: a.n, start: w.step, told: -1}
		w.works = append(w.works, this)
		w.running = a.n
		a.learnt("work %d", id)
		_, err := w.take(ctx, "end")
		if err != nil {
			return 0, err
		}
		w.running = -1
		this.ended, this.at = true, w.clock
		a.learnt("worked at %v", w.clock)
		if ctx.Err() != nil && a.outcome != "cancelled" {
			return 0, ctx.Err()
		}
		if a.outcome == "ok" {
			this.made = true
			return id, nil
		}
		this.failed = true
		return 0, &workError{id}
	}
}

func (w *world) isFresh(id int) bool { return w.clock.Sub(w.works[id].at) < valueLife }

// run is the real Run of an actor's process, with a secret that is cheap to compare.
func (w *world) run(a plan) *Run {
	return &Run{
		Now: func() time.Time { return w.clock }, Unattended: func() bool { return a.unattended },
		Alone: func() bool { return false }, Settings: func() string { return "settings" },
		Marks: func() []guard.Mark { return []guard.Mark{{Hash: []byte(a.secret)}} },
		Same:  func(marks []guard.Mark) bool { return len(marks) == 1 && string(marks[0].Hash) == a.secret },
	}
}

// flight is the real Flight of a process, all of whose callers have one plan's secret.
func (w *world) flight(a plan, run *Run) *creds.Flight[int] {
	return &creds.Flight[int]{
		Store: values{w}, Failures: records{w}, Lock: w.lock, Fresh: w.isFresh,
		Encode: func(id int) ([]byte, error) { return []byte(fmt.Sprint(id)), nil },
		Decode: func(data []byte) (id int, err error) { _, err = fmt.Sscan(string(data), &id); return id, err },
		Record: func(err error) []byte {
			var failed *workError
			if !errors.As(err, &failed) {
				return nil
			}
			by := w.actors[w.works[failed.id].by]
			kinds := map[string]Kind{"human": Human, "cancelled": Cancelled}
			return run.Tell(Failure{Message: failed.Error(), Kind: kinds[by.outcome], At: w.clock}, false)
		},
		Replay: func(data []byte, waited bool) error {
			if known, ok := run.Hear(data, waited); ok {
				return &toldError{known}
			}
			return nil
		},
	}
}

// caller is a process's way to call: the real one, or a mutant's.
type caller func(ctx context.Context, a *actor, do func(context.Context) (int, error)) (int, error)

func sound(w *world, p plan) caller { return callerOf(w.flight(p, w.run(p))) }

func callerOf(f *creds.Flight[int]) caller {
	return func(ctx context.Context, a *actor, do func(context.Context) (int, error)) (int, error) {
		if a.forced {
			return f.Forced("key", do)(ctx)
		}
		return f.Wrap("key", do)(ctx)
	}
}

// begin starts all callers; each waits for its first step.
func (w *world) begin(ctx context.Context, build func(*world, plan) caller) {
	processes := map[int]caller{}
	for _, a := range w.actors {
		if processes[a.process] == nil {
			processes[a.process] = build(w, a.plan)
		}
		own, cancel := context.WithCancel(context.WithValue(ctx, actorKey{}, a.n))
		a.cancel = cancel
		go func() {
			if _, err := w.take(own, "arrive"); err != nil {
				return
			}
			a.arrived = w.step
			value, err := processes[a.process](own, a, w.do(a))
			if w.over || w.gone[a.process] {
				return
			}
			a.back = true
			a.learnt("back")
			w.judgeReturn(a, value, err)
		}()
	}
	synctest.Wait()
}
