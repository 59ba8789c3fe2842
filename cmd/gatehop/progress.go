package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"gatehop/cmd/gatehop/internal/cells"
	"gatehop/cmd/gatehop/internal/tty"
)

const (
	patience   = time.Second            // how long something may take before a word
	plainAfter = 2 * time.Second        // the same where a line once written stays
	sameWait   = 250 * time.Millisecond // between two requests that are one wait to a person
	countWait  = 100 * time.Millisecond // between two lines that count
)

// progress is one line on the terminal that says what is waited for and since when. It is
// written anew each second, gone when the waiting is, and not there while a question is
// or another line is written.
type progress struct {
	w      io.Writer   // the terminal
	width  func() int  // its cells
	plain  bool        // one line for each wait, which stays
	silent func() bool // nobody is to read it now

	mu      sync.Mutex
	waiting []*wait
	last    wait // the one that ended last
	ended   time.Time
	held    int         // questions on the terminal
	shown   int         // cells of the line that is there
	wrote   time.Time   // that line
	timer   *time.Timer // of the next line; nil if nothing is waited for
}

// wait is one thing that is waited for.
type wait struct {
	what  string
	since time.Time
	said  bool   // with a line that stays
	count *parts // of a piece of work in many parts; nil of one
}

// parts is how far a piece of work in many parts is. The progress guards it.
type parts struct{ done, failed, all int }

func (w *wait) text() string {
	if w.count == nil {
		return "waiting for " + w.what
	}
	text := fmt.Sprintf("%s: %d of %d", w.what, w.count.done, w.count.all)
	if n := w.count.failed; n > 0 {
		text += fmt.Sprintf(", %d failed", n)
	}
	return text
}

// tally says that a piece of work in many parts is under way, from the first part that is
// done, until end is called.
func (p *progress) tally(what string, all int) (done func(failed bool), end func()) {
	if p == nil || all < 2 {
		return func(bool) {}, func() {}
	}
	count, began := &parts{all: all}, time.Now()
	var w *wait
	done = func(failed bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if count.done++; failed {
			count.failed++
		}
		if w == nil {
			w = &wait{what: what, since: began, count: count}
			p.waiting = append([]*wait{w}, p.waiting...)
			p.show()
		}
	}
	return done, func() {
		if w != nil {
			p.end(w)
		}
	}
}

// newProgress is the line of this run, nil where there is none: on a pipe, and with --quiet.
func (a *app) newProgress(w io.Writer) *progress {
	l := a.lookOf(w)
	if l.width == 0 {
		return nil
	}
	f := fileOf(w)
	return &progress{w: w, plain: l.plain, width: func() int { return a.lookOf(w).width }, silent: func() bool {
		return a.quiet || a.unattended || a.noInput || !tty.Foreground(f)
	}}
}

// isLive reports a line that is written anew.
func (p *progress) isLive() bool { return p != nil && !p.plain }

// begin says that something is waited for, until end is called.
func (p *progress) begin(what string) (end func()) {
	if p == nil {
		return func() {}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	w := &wait{what: what, since: now}
	if p.last.what == what && now.Sub(p.ended) < sameWait && p.held == 0 {
		*w = p.last
	}
	p.waiting = append(p.waiting, w)
	p.show()
	return func() { p.end(w) }
}

func (p *progress) end(w *wait) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.waiting {
		if other == w {
			p.waiting = append(p.waiting[:i:i], p.waiting[i+1:]...)
			p.last, p.ended = *w, time.Now()
		}
	}
	p.show()
}

// hold takes the line away while somebody else writes on the terminal. What was waited for
// meanwhile was a person.
func (p *progress) hold() (release func()) {
	if p == nil {
		return func() {}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held++
	p.show()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.held--
		p.last = wait{}
		for _, w := range p.waiting {
			w.since = time.Now()
		}
		p.show()
	}
}

// show writes the line that is due, or takes it away, and sets the timer for the next. The
// caller holds the lock.
func (p *progress) show() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	if len(p.waiting) == 0 || p.held > 0 {
		p.erase()
		return
	}
	w := p.waiting[0]
	took, first := time.Since(w.since), patience
	if p.plain {
		first = plainAfter
	}
	next := first - took
	if took >= first {
		p.write(w, took)
		next = time.Second - took%time.Second
	}
	p.timer = time.AfterFunc(next, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.show()
	})
}

// write puts the line where the old one was, in one piece.
func (p *progress) write(w *wait, took time.Duration) {
	text := w.text()
	switch {
	case p.silent():
		p.erase()
	case p.plain && !w.said:
		_, _ = io.WriteString(p.w, text+"\n")
		w.said = true
	case !p.plain && w.count != nil && p.shown > 0 && time.Since(p.wrote) < countWait: // nobody reads faster
	case !p.plain:
		p.wrote = time.Now()
		text = cells.Cut(text+": "+seconds(took), p.width()-1) // in the last cell some terminals wrap
		n := cells.Width(text)
		_, _ = io.WriteString(p.w, "\r"+cells.Pad(text, p.shown)+strings.Repeat("\b", max(0, p.shown-n)))
		p.shown = n
	}
}

// erase needs no terminal that knows escape sequences. In the background the line is gone,
// and others write there. Behind the line may stand the ^C that the terminal shows.
func (p *progress) erase() {
	if p.shown > 0 && !p.silent() {
		_, _ = io.WriteString(p.w, "\r"+strings.Repeat(" ", min(p.shown+len("^C"), max(p.shown, p.width()-1)))+"\r")
	}
	p.shown = 0
}

// seconds is a time as it grows: "3 s", "1 min 5 s".
func seconds(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return span(d) + " " + seconds(d%time.Minute)
}

// besideProgress writes lines that stay on the terminal that has the progress line.
type besideProgress struct {
	p *progress
	w io.Writer
}

func (b *besideProgress) Write(data []byte) (int, error) {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	b.p.erase()
	n, err := b.w.Write(data)
	if strings.HasSuffix(string(data), "\n") {
		b.p.show()
	}
	return n, err
}

// watchProgress makes the progress line of this run and lets what is written on standard
// error stand beside it.
func (a *app) watchProgress() {
	if a.progress = a.newProgress(a.stderr); a.progress != nil {
		a.wait.progress = a.progress
		a.stderr = &besideProgress{p: a.progress, w: a.stderr}
	}
}

// patient says with the progress line whose answer is waited for.
type patient struct {
	next     http.RoundTripper
	progress *progress
}

func (t patient) RoundTrip(r *http.Request) (*http.Response, error) {
	what := r.URL.Hostname()
	end := t.progress.begin(what)
	resp, err := t.next.RoundTrip(r)
	end()
	if err == nil && t.progress != nil {
		resp.Body = &patientBody{ReadCloser: resp.Body, progress: t.progress, what: what}
	}
	return resp, err
}

// CloseIdleConnections serves http.Client.CloseIdleConnections.
func (t patient) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// patientBody waits only while somebody reads: a body that nobody closes is no wait.
type patientBody struct {
	io.ReadCloser
	progress *progress
	what     string
}

func (b *patientBody) Read(data []byte) (int, error) {
	defer b.progress.begin(b.what)()
	return b.ReadCloser.Read(data)
}
