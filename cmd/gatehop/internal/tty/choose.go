package tty

import (
	"context"
	"sync"
	"time"

	"github.com/gdamore/tcell/v3"
	"github.com/gdamore/tcell/v3/color"

	"gatehop/idp"
)

// Look says how a person wants the list of a Choice.
type Look struct {
	Plain   bool   // a numbered list instead of a screen, as for a screen reader
	NoColor bool   // no colours; marks that differ in nothing else are left out
	Term    string // the terminal's name
}

// leftError is ErrLeft's type.
type leftError struct{}

func (leftError) Error() string { return "the question was left" }

// Unwrap makes leaving by Esc what leaving by Ctrl-C is.
func (leftError) Unwrap() error { return context.Canceled }

// ErrLeft says that the person left the question. It is context.Canceled.
var ErrLeft error = leftError{}

// The smallest terminal that a list is drawn on.
const (
	leastWidth  = 24
	leastHeight = 5
)

// Choose shows the list of c until the person takes an item of it, and returns its
// Answer. What was typed after that is lost. The error is ErrLeft if the person leaves,
// ErrNoAnswer if nobody is there (any more). The terminal is restored on every way out
// and while the process is stopped. The signals that end a process must end ctx.
func (t *Terminal) Choose(ctx context.Context, c Choice, look Look) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !foreground(t.in) || len(c.Items) == 0 {
		return "", idp.ErrNoAnswer
	}
	l := newList(c)
	if look.NoColor {
		l.bleach()
	}
	if width, height := t.size(); look.Plain || width < leastWidth || height < leastHeight {
		return t.chooseNumber(ctx, l)
	}
	d, err := t.draw(l, look)
	if err != nil {
		return t.chooseNumber(ctx, l)
	}
	defer d.end()
	return d.run(ctx)
}

// drawing is a list on the screen.
type drawing struct {
	t *Terminal

	mu     sync.Mutex // guards the rest, and every use of the screen
	list   *list
	screen tcell.Screen
	width  int // of the screen as it was drawn last
	height int
	off    bool // not on the screen while the process is stopped
	ended  bool
}

// draw puts the list on the screen.
func (t *Terminal) draw(l *list, look Look) (*drawing, error) {
	device, err := t.device()
	if err != nil {
		return nil, err
	}
	// No negotiation: an answer of the terminal that comes late would be typed into
	// whatever reads from it next.
	options := []tcell.TerminfoScreenOption{tcell.OptNegotiation(false), tcell.OptTerm(look.Term)}
	if look.NoColor {
		options = append(options, tcell.OptColors(0))
	}
	screen, err := tcell.NewTerminfoScreenFromTty(device, options...)
	if err != nil {
		return nil, err
	}
	screen.RegisterRuneFallback('…', "~")
	screen.RegisterRuneFallback('■', "#")
	d := &drawing{t: t, list: l, screen: screen}
	d.mu.Lock()
	defer d.mu.Unlock()
	t.drawn.Store(d)
	if err := screen.Init(); err != nil {
		t.drawn.Store(nil)
		t.restore()
		return nil, err
	}
	d.show()
	return d, nil
}

// run takes keys until one of them ends the choice.
func (d *drawing) run(ctx context.Context) (string, error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	events := d.screen.EventQ()
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		select {
		case <-ctx.Done():
		case event := <-events:
			if answer, done, err := d.take(event); done || err != nil {
				return answer, err
			}
		case <-tick.C:
			if err := d.look(); err != nil {
				return "", err
			}
		}
	}
}

// take does what a key says.
func (d *drawing) take(event tcell.Event) (answer string, done bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return "", false, ErrLeft
	}
	switch event := event.(type) {
	case *tcell.EventError:
		return "", false, idp.ErrNoAnswer
	case *tcell.EventKey:
		switch event.Key() {
		case tcell.KeyEsc, tcell.KeyCtrlC:
			return "", false, ErrLeft
		case tcell.KeyEnter, tcell.KeyLF:
			if answer, ok := d.list.answer(); ok {
				return answer, true, nil
			}
		case tcell.KeyCtrlL:
			d.screen.Sync()
		default:
			d.list.key(event)
		}
		d.show()
	}
	return "", false, nil
}

// key moves within the list, or changes its filter.
func (l *list) key(event *tcell.EventKey) {
	switch event.Key() {
	case tcell.KeyUp, tcell.KeyCtrlP:
		l.move(-1)
	case tcell.KeyDown, tcell.KeyCtrlN:
		l.move(1)
	case tcell.KeyPgUp:
		l.move(-max(1, l.page))
	case tcell.KeyPgDn:
		l.move(max(1, l.page))
	case tcell.KeyHome:
		l.move(-len(l.found))
	case tcell.KeyEnd:
		l.move(len(l.found))
	case tcell.KeyBackspace, tcell.KeyBackspace2:
		l.erase()
	case tcell.KeyCtrlU:
		l.filter("")
	case tcell.KeyCtrlW:
		l.eraseWord()
	case tcell.KeyRune:
		if event.Modifiers()&^tcell.ModShift == 0 {
			l.add(event.Str())
		}
	}
}

// look keeps the list on the screen: after a stop, and when the screen has changed its
// size. In the background it does nothing.
func (d *drawing) look() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return ErrLeft
	}
	mine, lost := d.t.mine()
	if lost {
		return idp.ErrNoAnswer
	}
	if !mine {
		return nil
	}
	switch width, height := d.t.size(); {
	case d.off:
		if err := d.screen.Resume(); err != nil {
			return idp.ErrNoAnswer
		}
		d.off = false
		d.show()
	case d.t.overwritten():
		d.screen.Sync()
	case width != d.width || height != d.height:
		d.show()
	}
	return nil
}

// show draws the list as it is now.
func (d *drawing) show() {
	d.width, d.height = d.t.size()
	d.screen.Clear()
	f := d.list.frame(d.width, d.height)
	for y, row := range f.rows {
		x := 0
		for _, piece := range row {
			look := piece.look()
			for _, c := range piece.all {
				d.screen.Put(x, y, c.text, look)
				x += c.width
			}
		}
	}
	d.screen.ShowCursor(f.cursorX, f.cursorY)
	d.screen.Show()
}

func (s style) look() tcell.Style {
	look := tcell.StyleDefault.Bold(s.strong || s.match).Dim(s.faint).Reverse(s.current)
	if s.match {
		look = look.Underline(true)
	}
	if s.color != "" {
		look = look.Foreground(color.GetColor("#" + s.color))
	}
	return look
}

// takeOff gives the screen back until look puts the list on it again. What was typed
// and not taken yet is lost, as the stop key has it.
func (d *drawing) takeOff() {
	if d.off || d.ended {
		return
	}
	d.off = true
	d.whileDropping(func() { _ = d.screen.Suspend() })
}

// end gives the screen back for good.
func (d *drawing) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return
	}
	d.ended = true
	d.t.drawn.Store(nil)
	d.whileDropping(d.screen.Fini)
	d.t.restore()
}

// whileDropping does something that waits for whoever hands the keys on, who may wait
// for room to put one.
func (d *drawing) whileDropping(do func()) {
	events, done := d.screen.EventQ(), make(chan struct{})
	go func() {
		for {
			select {
			case _, open := <-events:
				if !open {
					return
				}
			case <-done:
				return
			}
		}
	}()
	do()
	close(done)
}
