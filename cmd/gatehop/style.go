package main

import (
	"io"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/term"

	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/tty"
)

// usualWidth is how many cells a line has where a terminal does not say.
const usualWidth = 80

// look is how text may look on a stream. The zero value is a pipe or a file: nothing is
// cut there, and nothing coloured.
type look struct {
	width  int  // cells of a line; 0: any number
	colour bool // escape sequences are understood, and wanted
	plain  bool // a terminal that only appends lines, or a person who listens to it
}

// lookOf is the only place that decides over colour and width.
func (a *app) lookOf(w io.Writer) look {
	f := fileOf(w)
	if f == nil || !term.IsTerminal(int(f.Fd())) {
		return look{}
	}
	l := look{width: usualWidth, plain: a.isPlain()}
	if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
		l.width = columns
	}
	l.colour = !l.plain && environ.Vars(a.env).Get("NO_COLOR") == "" && tty.EnableColour(f)
	return l
}

// isPlain reports a terminal that can do nothing but append lines, or is to be used so.
func (a *app) isPlain() bool {
	env := environ.Vars(a.env)
	kind := env.Get("TERM")
	return env.Get("GATEHOP_PLAIN") != "" || kind == "dumb" || kind == "" && runtime.GOOS != "windows"
}

// fileOf is the file behind a stream of this process, nil if there is none.
func fileOf(w io.Writer) *os.File {
	switch w := w.(type) {
	case *os.File:
		return w
	case *besideProgress:
		return fileOf(w.w)
	case *watchPage:
		return fileOf(w.on)
	}
	return nil
}

// paint is how text stands out. The zero value does not.
type paint string

// The paints: escape sequences of ECMA-48, which lookOf lets through.
const (
	painted   paint = ""
	paintBad  paint = "\x1b[1;31m"
	paintDone       = "\x1b[0m"
)

// paint is text as it stands out on such a stream.
func (l look) paint(p paint, text string) string {
	if !l.colour || p == "" || text == "" {
		return text
	}
	return string(p) + text + paintDone
}

// markWidth is the cells of a mark and of the blank behind it.
const markWidth = 3

// mark is two cells in a colour of six hexadecimal digits, before a line about an account
// that has one. The colour is one of the 6x6x6 of 256 that most terminals have.
func (l look) mark(hex string) string {
	rgb, err := strconv.ParseUint(hex, 16, 32)
	if !l.colour || err != nil || len(hex) != 6 {
		return "  "
	}
	step := func(v uint64) uint64 { // of xterm: 0, 95, 135, 175, 215, 255
		if v < 48 {
			return 0
		}
		return min(5, (max(v, 75)-35)/40)
	}
	n := 16 + 36*step(rgb>>16) + 6*step(rgb>>8&0xff) + step(rgb&0xff)
	return "\x1b[48;5;" + strconv.FormatUint(n, 10) + "m  " + paintDone
}
