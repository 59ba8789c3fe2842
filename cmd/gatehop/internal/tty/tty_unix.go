//go:build unix

package tty

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gatehop/idp"
)

func open() (in, out *os.File, err error) {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0)
	return f, f, err
}

// foreground reports whether this process may read from the terminal without being stopped.
func foreground(f *os.File) bool {
	group, err := foregroundGroup(f)
	return err == nil && group == unix.Getpgrp()
}

// foregroundGroup is an error once the terminal is gone, or its session is over.
func foregroundGroup(f *os.File) (int, error) {
	return unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
}

// lookEvery is how often a question looks for its answer. It looks, rather than waits in a
// read, because such a read can neither be called off nor be kept from stopping the
// process in the background, and because nothing tells a process that it is in the
// foreground again.
const lookEvery = 20 * time.Millisecond

// rest passes the time until the next look.
func rest() { time.Sleep(lookEvery) }

// read asks and reads one line, echoed or not.
func (t *Terminal) read(ctx context.Context, prompt string, echo bool) (string, error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	a := attempt{prompt: prompt, echo: echo}
	for {
		complete, err := t.look(&a)
		if complete || err != nil {
			t.restore()
			if !echo || err != nil {
				_, _ = fmt.Fprintln(t.out)
			}
			return strings.TrimRight(a.typed, "\r\n"), err
		}
		select {
		case <-ctx.Done():
			t.restore()
			_, _ = fmt.Fprintln(t.out)
			return "", ctx.Err()
		case <-tick.C:
		}
	}
}

// attempt is one question and what has been typed for an answer.
type attempt struct {
	prompt string
	echo   bool
	typed  string // more than one piece only where Ctrl-D was typed within the line
}

// look shows the question where it is not to be seen, else takes what was typed. In
// the background it does nothing.
func (t *Terminal) look(a *attempt) (complete bool, err error) {
	t.modes.mu.Lock()
	defer t.modes.mu.Unlock()
	group, err := foregroundGroup(t.in)
	switch {
	case err != nil:
		return false, idp.ErrNoAnswer
	case group != unix.Getpgrp():
		return false, nil
	case !t.modes.shown:
		a.typed = ""
		if err := t.modes.set(int(t.in.Fd()), a.echo); err != nil {
			return false, idp.ErrNoAnswer
		}
		t.modes.shown = true
		_, _ = io.WriteString(t.out, a.prompt)
	}
	piece, err := t.piece()
	a.typed += piece
	return strings.HasSuffix(a.typed, "\n"), err
}

// piece takes one line from the terminal, or what was typed up to a Ctrl-D; nothing
// if there is none yet. The terminal itself never hands out more, so that what was
// typed ahead stays for the next question.
func (t *Terminal) piece() (string, error) {
	var ready unix.FdSet
	fd := int(t.in.Fd())
	ready.Set(fd)
	if n, err := unix.Select(fd+1, &ready, nil, nil, &unix.Timeval{}); n == 0 || errors.Is(err, unix.EINTR) {
		return "", nil
	} else if err != nil {
		return "", idp.ErrNoAnswer
	}
	var line [4096]byte
	n, err := unix.Read(fd, line[:])
	switch {
	case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
		return "", nil
	case err != nil, n <= 0:
		return "", idp.ErrNoAnswer
	}
	return string(line[:n]), nil
}
