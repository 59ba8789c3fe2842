package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/secret"
	"gatehop/creds/store"
	"gatehop/idp"
)

// How long to wait for another gatehop that is at work on the same thing.
const (
	attendedWait = 5 * time.Minute
	quietWait    = 2 * time.Second // until a person is told what is waited for, and between two lines
	leaveWait    = time.Second     // what those who wait for a question may cost its person
)

// waitError reports that another gatehop did not finish in time, or cannot without its
// own person. The zero Holder is an unknown one.
type waitError struct {
	Profile string
	Holder  store.Holder
	Stopped bool // by Ctrl-Z, or a signal
}

func (e *waitError) Error() string {
	return "profile " + e.Profile + ": " + holderName(e.Holder) + " " + e.state()
}

func (e *waitError) state() string {
	switch {
	case e.Stopped:
		return "is signing in and was stopped"
	case e.Holder.Asking:
		return "is signing in and waits for its person"
	}
	return "is signing in and has not finished"
}

func (e *waitError) hint() string {
	switch {
	case e.Stopped:
		return fmt.Sprintf("continue it with `fg` in its terminal, or end it: kill -9 %d", e.Holder.PID)
	case e.Holder.Asking:
		return "answer there, or on the phone; or leave it with Ctrl-C and run `gatehop login " + e.Profile + "`"
	}
	return "finish the sign-in in the other terminal, or run `gatehop login " + e.Profile + "`"
}

func holderName(h store.Holder) string {
	if h.PID == 0 {
		return "another gatehop"
	}
	return fmt.Sprintf("gatehop %s (pid %d)", h.Command, h.PID)
}

// waits is what this run shows others while they wait for it, and what it has seen of
// those it waits for itself.
type waits struct {
	settle []func(context.Context) // of every Flight

	mu       sync.Mutex
	progress *progress // is not there under a question
	held     []*heldLock
	asking   int  // questions at the person
	left     bool // the person left one
	waiting  []*waitError
	lately   *waitError // who was waited for last, and had not finished
	said     string
	saidAt   time.Time
}

// heldLock is a lock of this run and what its file says by itself.
type heldLock struct {
	*store.Lock
	key  string
	own  store.Holder
	from *chainLocks
}

// chainLocks takes the locks of the chains behind one gateway, of each in this order:
// hop, gateway, sign-in.
type chainLocks struct {
	a       *app
	dir     string
	profile string                  // the gateway, where a person signs in
	last    string                  // the profile that was asked for first
	fronts  map[string]store.Holder // who holds what this run waits for, by key; guarded by waits.mu
}

// locker is the kernel locks of a state directory, or none where there is none.
func (a *app) locker(dir store.Dir, ch profile.Chain) func(context.Context, string) (func(), error) {
	if dir.Path() == "" {
		return nil
	}
	l := &chainLocks{
		a: a, dir: filepath.Join(dir.Path(), "locks"), profile: ch[0].Name, last: ch[len(ch)-1].Name, fronts: map[string]store.Holder{},
	}
	return l.take
}

// command is this run as a person would say it to another.
func (l *chainLocks) command() string {
	subject := l.last
	if l.a.subject != "" {
		subject = l.a.subject
	}
	return l.a.command + " " + subject
}

func (l *chainLocks) take(ctx context.Context, key string) (func(), error) {
	var seen *waitError
	begin, done := time.Now(), func() {}
	lock, err := store.Take(ctx, l.dir, key, func(h store.Holder) error {
		now := &waitError{Profile: l.profile, Holder: h, Stopped: isStopped(h.PID)}
		if l.a.progress.isLive() && (seen == nil || seen.Holder.PID != h.PID) {
			done()
			done = l.a.progress.begin(holderName(h))
		}
		l.a.wait.standBehind(l, key, seen, now)
		seen = now
		return l.judge(now, time.Since(begin))
	})
	done()
	l.a.wait.standBehind(l, key, seen, nil)
	switch {
	case err == nil:
		l.a.wait.got()
		return l.hold(lock, key), nil
	case isFull(err):
		l.a.warn(err) // without a lock there is still an answer
		return func() {}, nil
	}
	return nil, err
}

// judge says how long is too long, and on the way there what is waited for.
func (l *chainLocks) judge(now *waitError, waited time.Duration) error {
	if l.a.isUnattended() {
		if now.Holder.Asking || waited >= l.a.unattendedWait() {
			return now
		}
		return nil
	}
	if waited >= attendedWait {
		return now
	}
	if waited >= quietWait {
		l.a.sayWaiting(now)
	}
	return nil
}

// sayWaiting says what is waited for when that is news, or where no line says it anyway.
func (a *app) sayWaiting(e *waitError) {
	if a.progress.isLive() && !e.Stopped && !e.Holder.Asking {
		return
	}
	text := "waiting for " + holderName(e.Holder)
	switch {
	case e.Stopped:
		text += fmt.Sprintf(", which was stopped: continue it with `fg` in its terminal, or kill -9 %d", e.Holder.PID)
	case e.Holder.Asking:
		text += ", which waits for its person"
	default:
		text += ", which is signing in"
	}
	a.wait.mu.Lock()
	news := text != a.wait.said && time.Since(a.wait.saidAt) >= quietWait
	if news {
		a.wait.said, a.wait.saidAt = text, time.Now()
	}
	a.wait.mu.Unlock()
	if news {
		a.say("%s", text)
	}
}

// hold writes into the lock's file who holds it. That this cannot be written costs
// others a name and nothing else.
func (l *chainLocks) hold(lock *store.Lock, key string) (unlock func()) {
	h := &heldLock{Lock: lock, key: key, from: l, own: store.Holder{PID: os.Getpid(), Command: l.command(), Since: l.a.now()}}
	w := &l.a.wait
	w.mu.Lock()
	w.held = append(w.held, h)
	w.show(h)
	w.mu.Unlock()
	if l.a.locked != nil {
		l.a.locked(key, true)
	}
	return func() {
		w.mu.Lock()
		w.held = slices.DeleteFunc(w.held, func(other *heldLock) bool { return other == h })
		w.mu.Unlock()
		if l.a.locked != nil {
			l.a.locked(key, false)
		}
		lock.Unlock()
	}
}

// show lets those who wait for h see whom they really wait for: this run, or whoever
// holds up in turn what h's work needs.
func (w *waits) show(h *heldLock) {
	note := h.own
	note.Asking = w.asking > 0
	for key, front := range h.from.fronts {
		if profile.Needs(h.key, key) && !note.Asking {
			note = front
		}
	}
	_ = h.Say(note)
}

// standBehind replaces what the taker of key waits for.
func (w *waits) standBehind(l *chainLocks, key string, before, now *waitError) {
	if before == nil && now == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = slices.DeleteFunc(w.waiting, func(e *waitError) bool { return e == before })
	w.lately = before
	was := l.fronts[key]
	delete(l.fronts, key)
	if now != nil {
		w.waiting = append(w.waiting, now)
		if now.Holder.PID != 0 {
			l.fronts[key] = now.Holder
		}
	}
	if l.fronts[key] == was {
		return
	}
	for _, h := range w.held {
		if h.from == l {
			w.show(h)
		}
	}
}

// got forgets whom this run waited for, because it has what it waited for.
func (w *waits) got() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lately = nil
}

// tookTooLong is the error of a run that nobody waits for any longer.
func (a *app) tookTooLong(profile string) error {
	a.wait.mu.Lock()
	defer a.wait.mu.Unlock()
	if n := len(a.wait.waiting); n > 0 {
		return a.wait.waiting[n-1]
	}
	if a.wait.lately != nil { // the waiting has ended with its run, a moment ago
		return a.wait.lately
	}
	return &needsLoginError{Profile: profile, Why: fmt.Sprintf("signing in takes longer than the %v that nobody waits", a.unattendedWait())}
}

// noticed is the person, seen by those who wait.
type noticed struct {
	idp.Prompter
	w *waits
}

func (n noticed) Ask(ctx context.Context, q idp.Question) (secret.Text, error) {
	n.w.ask(1)
	defer n.w.ask(-1)
	defer n.w.line().hold()()
	answer, err := n.Prompter.Ask(ctx, q)
	if errors.Is(err, context.Canceled) {
		n.w.mu.Lock()
		n.w.left = true
		n.w.mu.Unlock()
	}
	return answer, err
}

func (n noticed) Tell(ctx context.Context, message string) {
	defer n.w.line().hold()()
	n.Prompter.Tell(ctx, message)
}

// waiting says that the person is waited for, who answers somewhere else: like a question to
// those who wait for this run, and with a line that says for how long.
func (a *app) waiting(what string) (done func()) {
	a.wait.ask(1)
	if a.progress == nil {
		a.lineAtQuestions()
	}
	end := a.wait.line().begin(what)
	return func() {
		end()
		a.wait.ask(-1)
	}
}

// line is the progress line that gives way to questions, nil if there is none.
func (w *waits) line() *progress {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.progress
}

// lineAtQuestions has the line where the person is asked: tools that run credential-process
// keep its standard error to themselves.
func (a *app) lineAtQuestions() {
	screen, ok := a.person().(interface{ Screen() *os.File })
	if !ok {
		return
	}
	a.wait.mu.Lock()
	defer a.wait.mu.Unlock()
	if a.wait.progress == nil {
		a.wait.progress = a.newProgress(screen.Screen())
	}
}

func (w *waits) ask(change int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asking += change
	for _, h := range w.held {
		w.show(h)
	}
}

// leftQuestion reports whether the person left a question, or is just leaving it.
func (w *waits) leftQuestion() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.left || w.asking > 0
}

// leave lets those who wait for a question that was left know that it was.
func (w *waits) leave() {
	if !w.leftQuestion() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveWait)
	defer cancel()
	for _, settle := range w.settle {
		settle(ctx)
	}
}
