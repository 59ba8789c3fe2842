//go:build unix

package tty

import (
	"errors"
	"io"
	"sync"

	"github.com/gdamore/tcell/v3"
	"github.com/gdamore/tcell/v3/tty"
	"golang.org/x/sys/unix"
)

// device is the terminal as a screen uses it: nothing of it is touched from the
// background, and no read stands between a stop and what is typed after it.
type device struct {
	t *Terminal

	mu      sync.Mutex
	turn    int // counts the times that the device was started
	stopped bool
}

func (t *Terminal) device() (tcell.Tty, error) { return &device{t: t}, nil }

// Start makes the terminal hand out keys as they come.
func (d *device) Start() error {
	d.mu.Lock()
	d.turn, d.stopped = d.turn+1, false
	d.mu.Unlock()
	return d.t.modes.keys(int(d.t.in.Fd()))
}

// Drain ends the reading. A read that is still under way after that takes nothing, even
// if the device has been started again before it looked.
func (d *device) Drain() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	return nil
}

// Stop puts the terminal back.
func (d *device) Stop() error {
	d.t.restore()
	return nil
}

// Close does nothing: the files are the Terminal's.
func (d *device) Close() error { return nil }

// NotifyResize does nothing: the drawing looks for itself.
func (d *device) NotifyResize(chan<- bool) {}

// WindowSize is the terminal's.
func (d *device) WindowSize() (tty.WindowSize, error) {
	width, height := d.t.size()
	return tty.WindowSize{Width: width, Height: height}, nil
}

// Write writes, or does nothing in the background.
func (d *device) Write(p []byte) (int, error) {
	if !foreground(d.t.out) {
		return len(p), nil
	}
	return d.t.out.Write(p)
}

// Read waits for keys, and reads them in the foreground only.
func (d *device) Read(p []byte) (int, error) {
	d.mu.Lock()
	turn := d.turn
	d.mu.Unlock()
	for {
		if n, err := d.look(turn, p); n > 0 || err != nil {
			return n, err
		}
	}
}

// look is one turn of Read. A screen abandons the read that is under way when it is left
// (tcell's inputLoop): the terminal is not closed before that has looked up.
func (d *device) look(turn int, p []byte) (int, error) {
	d.t.files.RLock()
	defer d.t.files.RUnlock()
	if d.t.closed {
		return 0, io.EOF
	}
	fd := int(d.t.in.Fd())
	var ready unix.FdSet
	ready.Set(fd)
	wait := unix.NsecToTimeval(int64(lookEvery))
	n, err := unix.Select(fd+1, &ready, nil, nil, &wait)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return 0, err
	}
	return d.piece(fd, turn, n > 0, p)
}

func (d *device) piece(fd, turn int, ready bool, p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch mine, lost := d.t.mine(); {
	case d.stopped, turn != d.turn, lost:
		return 0, io.EOF
	case !mine:
		rest() // what was typed stays for whoever it was typed for
		return 0, nil
	case !ready:
		return 0, nil
	}
	n, err := unix.Read(fd, p)
	switch {
	case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
		return 0, nil
	case err != nil:
		return 0, err
	case n <= 0:
		return 0, io.EOF
	}
	return n, nil
}

// mine reports whether the process may use the terminal now, and whether that is gone.
func (t *Terminal) mine() (mine, lost bool) {
	group, err := foregroundGroup(t.in)
	return err == nil && group == unix.Getpgrp(), err != nil
}

// size is how many columns and lines the terminal has, as far as it says.
func (t *Terminal) size() (width, height int) {
	size, err := unix.IoctlGetWinsize(int(t.out.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return int(size.Col), int(size.Row)
}

// overwritten reports whether somebody else may have used the terminal since a list was
// drawn: the process was stopped by a signal that cannot be caught. It sets the
// terminal's modes again.
func (t *Terminal) overwritten() bool {
	t.modes.mu.Lock()
	shown := t.modes.shown
	t.modes.mu.Unlock()
	return !shown && t.modes.keys(int(t.in.Fd())) == nil
}
