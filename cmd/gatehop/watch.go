package main

import (
	"bytes"
	"context"
	"io"
	"time"
)

// watchEvery is how often --watch looks: a life is shown in minutes.
const watchEvery = 2 * time.Second

// watchPage is what a command would print, as wide and as coloured as it would be on on.
type watchPage struct {
	bytes.Buffer
	on io.Writer
}

// watch prints what show prints, and again whenever that has changed, until ctx ends: on a
// terminal in place of what was there, elsewhere one after the other.
func (a *app) watch(ctx context.Context, show func() error) error {
	out, errs := a.stdout, a.stderr
	defer func() { a.stdout, a.stderr = out, errs }()
	look := a.lookOf(out)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for last := ""; ; {
		p := &watchPage{on: out}
		a.stdout, a.stderr = p, p // what is said belongs to the page
		if err := show(); err != nil {
			return err
		}
		if text := p.String(); text != last {
			last = text
			if look.width > 0 && !look.plain {
				text = "\x1b[H\x1b[2J\x1b[3J" + text
			}
			if _, err := io.WriteString(out, text); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil // Ctrl-C is how it is meant to end
		case <-tick.C:
		}
	}
}
