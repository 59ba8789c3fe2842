package failure

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// choices are what can happen next: a step of an actor, or an event.
func (w *world) choices() (all []string) {
	for _, a := range w.actors {
		if a.pending != "" && !w.gone[a.process] && (a.pending != "lock" || w.holder < 0) {
			all = append(all, fmt.Sprintf("step %d", a.n))
		}
	}
	if w.late != nil {
		all = append(all, "late")
	}
	if w.events == 0 || w.quiet() {
		return all
	}
	for _, a := range w.actors {
		if a.back || a.arrived == 0 {
			continue
		}
		if !a.left && !w.gone[a.process] {
			all = append(all, fmt.Sprintf("cancel %d", a.n))
		}
		if a.pending == "lock" && w.holder >= 0 && !w.gone[a.process] {
			all = append(all, fmt.Sprintf("give-up %d", a.n))
		}
		if crash := fmt.Sprintf("crash %d", a.process); !w.gone[a.process] && !slices.Contains(all, crash) {
			all = append(all, crash)
		}
	}
	all = append(all, "clock 30", "clock 61", "clock -61")
	return slices.DeleteFunc(all, func(choice string) bool {
		return w.only != "" && choice != w.only && choice != "late" && !strings.HasPrefix(choice, "step ")
	})
}

// quiet reports that all have come back, or never will.
func (w *world) quiet() bool {
	return !slices.ContainsFunc(w.actors, func(a *actor) bool { return !a.back && !w.gone[a.process] })
}

// happen makes a choice come true, and lets everybody go on to their next step.
func (w *world) happen(choice string) {
	w.step++
	kind, n := "", 0
	_, _ = fmt.Sscan(choice, &kind, &n)
	switch kind {
	case "step":
		w.grant(w.actors[n], nil)
	case "late":
		late := w.late
		w.late = nil
		late()
	case "give-up":
		w.events--
		w.grant(w.actors[n], errGaveUp)
	case "cancel":
		w.events--
		w.actors[n].left = true
		w.actors[n].learnt("cancelled")
		w.actors[n].cancel()
	case "crash":
		w.events--
		w.crash(n)
	case "clock":
		w.events--
		w.jumped = w.step
		w.clock = w.clock.Add(time.Duration(n) * time.Second)
	}
	synctest.Wait()
}

func (w *world) grant(a *actor, err error) {
	a.pending = ""
	a.grant <- err
}

// crash ends a process: its pending steps are never taken, and the system frees its lock.
func (w *world) crash(process int) {
	w.gone[process] = true
	if w.holder == process && !w.keeps {
		w.holder = -1
	}
	if w.running >= 0 && w.actors[w.running].process == process {
		w.running = -1
	}
}

// end lets all goroutines of the run leave.
func (w *world) end() {
	w.over = true
	for again := true; again; {
		again = false
		for _, a := range w.actors {
			a.cancel()
			if a.pending != "" {
				w.grant(a, errGone)
				again = true
			}
		}
		synctest.Wait()
	}
}

// state is all that the future depends on. Each actor is where what it has learnt has
// brought it; two ways to one state need be followed only once.
func (w *world) state() string {
	var b strings.Builder
	fmt.Fprint(&b, w.clock.Unix(), w.gone, w.value, w.recorded(), w.holder, w.running, w.events, w.late != nil)
	for _, a := range w.actors {
		fmt.Fprintf(&b, "|%s %v %v %q %v", a.pending, a.back, a.answered, a.seen, w.jumped <= a.locked)
		for _, this := range w.works { // the order that the judge goes by
			fmt.Fprint(&b, this.told > 0, this.told >= a.arrived, this.told >= a.based, a.arrived > 0, a.based > 0)
		}
	}
	return b.String()
}

// explore takes every way through the scenario and returns the first fault, with the way
// to it. A way that comes to a known state ends there.
func explore(t *testing.T, s scenario, build func(*world, plan) caller) (runs int, fault string) {
	t.Helper()
	known := map[string]bool{}
	open := [][]string{nil}
	for len(open) > 0 && fault == "" {
		way := open[len(open)-1]
		open = open[:len(open)-1]
		runs++
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(s)
			w.begin(t.Context(), build)
			defer w.end()
			for _, choice := range way {
				w.happen(choice)
			}
			for len(w.found) == 0 {
				if state := w.state(); known[state] {
					return
				} else {
					known[state] = true
				}
				next := w.choices()
				if len(next) == 0 {
					break
				}
				for _, other := range next[1:] {
					open = append(open, append(slices.Clone(way), other))
				}
				way = append(slices.Clone(way), next[0])
				w.happen(next[0])
			}
			w.judgeEnd()
			if len(w.found) > 0 {
				fault = fmt.Sprintf("%q after %q", w.found, way)
			}
		})
	}
	return runs, fault
}

// mayAnswer is the contract's rule for a caller that comes later (security.md 3.2).
func (w *world) mayAnswer(a *actor) bool {
	if w.record == nil {
		return false
	}
	f := w.recorded()
	by := w.actors[w.works[w.idOf(f.Message)].by]
	age := w.clock.Sub(f.At)
	return a.unattended && !a.forced && by.outcome == "fail" && by.secret == a.secret && age >= 0 && age < Kept
}

// concerns is the rule for one that was waiting.
func concerns(by, a *actor) bool {
	return !a.forced && by.secret == a.secret && (by.outcome != "human" || a.unattended)
}

// judgeWork looks at an actor that begins to work.
func (w *world) judgeWork(a *actor) {
	if w.running >= 0 {
		w.violated("actors %d and %d are both at work", w.running, a.n)
	}
	for id, this := range w.works {
		if this.failed && this.told < 0 && !w.gone[w.actors[this.by].process] {
			w.violated("nobody was told failure %d, and its lock is free", id)
		}
	}
	if a.forced {
		return
	}
	if w.value >= 0 && w.isFresh(w.value) && w.jumped <= a.locked { // else it may have been stale when it looked
		w.violated("actor %d works although there is a fresh value", a.n)
	}
	if a.answered {
		w.violated("actor %d works although the record answered it", a.n)
	}
	if w.record != nil {
		this := w.works[w.idOf(w.recorded().Message)]
		if by := w.actors[this.by]; by != a && this.told > a.based && concerns(by, a) {
			w.violated("actor %d repeats a failure that it waited for", a.n)
		}
	}
}

// judgeReturn looks at what an actor was given.
func (w *world) judgeReturn(a *actor, value int, err error) {
	var failed *workError
	var told *toldError
	switch {
	case err == nil:
		this := w.works[value]
		if !this.made || !w.sameProcess(this, a) && !w.fresh[[2]int{a.process, value}] {
			w.violated("actor %d got a value that is none, or stale", a.n)
		}
		if a.forced && this.start < a.arrived {
			w.violated("actor %d, by force, got a value from before it came", a.n)
		}
	case errors.As(err, &failed):
		if this := w.works[failed.id]; !w.sameProcess(this, a) {
			w.violated("actor %d got the failure of another process's work by itself", a.n)
		}
	case errors.As(err, &told):
		w.judgeTold(a, told.Failure)
	case errors.Is(err, context.Canceled):
		if !a.left {
			w.violated("actor %d was cancelled", a.n)
		}
	case errors.Is(err, errGaveUp):
	default:
		w.violated("actor %d got %v", a.n, err)
	}
}

func (w *world) sameProcess(this *work, a *actor) bool { return w.actors[this.by].process == a.process }

func (w *world) judgeTold(a *actor, f Failure) {
	id := w.idOf(f.Message)
	this, by := w.works[id], w.actors[w.works[id].by]
	waited := this.told >= a.arrived && concerns(by, a)
	age := w.clock.Sub(this.at)
	later := a.unattended && !a.forced && by.outcome == "fail" && by.secret == a.secret && age >= 0 && age < Kept
	if !waited && !later {
		w.violated("actor %d was told failure %d of actor %d, which is not its business (age %v)", a.n, id, by.n, age)
	}
	for _, other := range w.works[id+1:] {
		if other.made && other.ended && other.start > this.told && !waited && w.value >= 0 && w.works[w.value] == other {
			w.violated("actor %d was told a failure from before a success", a.n)
		}
	}
}

// judgeEnd looks at a run in which nothing can happen any more.
func (w *world) judgeEnd() {
	if len(w.found) == 0 && !w.quiet() {
		w.violated("somebody waits for ever")
	}
}

// scenario is who calls, and how much may happen to them.
type scenario struct {
	plans  []plan
	events int
	only   string // the one event that there is; "": all
}

// further is how many events may happen besides those that a usual run can afford.
var further = flag.Int("events", 0, "further events in every scenario of the model")

// scenarios are pairs of callers in every combination that matters, and some of three.
func scenarios() (all []scenario) {
	for _, outcome := range []string{"fail", "ok", "human", "cancelled"} {
		for mask := range 16 {
			first := plan{process: 0, secret: "a", outcome: outcome, unattended: mask&1 != 0}
			second := plan{process: 1, secret: "a", outcome: "ok", unattended: mask&2 != 0, forced: mask&8 != 0}
			if mask&4 != 0 {
				second.secret = "b"
			}
			if mask&4 != 0 && (outcome != "fail" || second.forced) {
				continue // nothing that the others do not show
			}
			all = append(all, scenario{plans: []plan{first, second}, events: 1})
		}
	}
	helper := plan{secret: "a", outcome: "fail", unattended: true}
	person := plan{secret: "a", outcome: "ok"}
	for _, three := range [][]plan{{helper, helper, helper}, {helper, person, helper}, {person, helper, person}} {
		apart, paired := slices.Clone(three), slices.Clone(three)
		for n := range three {
			apart[n].process, paired[n].process = n, (n+1)/2
		}
		paired[2].unattended, paired[2].secret = paired[1].unattended, paired[1].secret // one process is one run
		all = append(all, scenario{plans: apart}, scenario{plans: paired}, scenario{plans: apart, events: 1, only: "clock 30"})
	}
	for n := range all {
		all[n].events += *further
	}
	return all
}

// TestEveryInterleaving takes every way through every scenario.
func TestEveryInterleaving(t *testing.T) {
	t.Parallel()
	total := 0
	for i, s := range scenarios() {
		if raceDetector && i%16 != 0 { // one goroutine walks them all
			continue
		}
		runs, fault := explore(t, s, sound)
		if total += runs; fault != "" {
			t.Errorf("%+v: %s", s, fault)
		}
	}
	t.Logf("%d ways", total)
}
