//go:build unix

package tty

import (
	"fmt"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
)

// modes is how the terminal was before the question, and whether the question is to
// be seen.
type modes struct {
	mu     sync.Mutex
	before *unix.Termios // nil while the terminal is as it was
	shown  bool          // false before, and again after the process was stopped

	signals chan os.Signal // stop and continue, from Open to Close
}

// set makes the terminal hand out whole lines, without echo if it must not show them.
func (m *modes) set(fd int, echo bool) error {
	now, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	if m.before == nil {
		m.before = now
	}
	asking := *now
	asking.Lflag |= unix.ICANON | unix.ISIG
	asking.Iflag |= unix.ICRNL
	if !echo {
		asking.Lflag &^= unix.ECHO
	}
	return unix.IoctlSetTermios(fd, setTermios, &asking)
}

// keys makes the terminal hand out keys as they come, unseen. The keys that end and stop
// a process go on doing so.
func (m *modes) keys(fd int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	if m.before == nil {
		m.before = now
	}
	listing := *now
	listing.Iflag &^= unix.IXON | unix.ICRNL | unix.INLCR | unix.IGNCR | unix.ISTRIP
	listing.Lflag &^= unix.ICANON | unix.ECHO | unix.IEXTEN
	listing.Lflag |= unix.ISIG
	listing.Cc[unix.VMIN], listing.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, setTermios, &listing); err != nil {
		return err
	}
	m.shown = true
	return nil
}

// restore puts the terminal back as it was before the question.
func (t *Terminal) restore() {
	t.modes.mu.Lock()
	defer t.modes.mu.Unlock()
	t.putBack()
}

// putBack is restore with the lock held. In the background the terminal belongs to
// somebody else, and changing it would stop this process.
func (t *Terminal) putBack() {
	if t.modes.before != nil && foreground(t.in) {
		_ = unix.IoctlSetTermios(int(t.in.Fd()), setTermios, t.modes.before)
	}
	t.modes.before, t.modes.shown = nil, false
}

// obeyStopKey puts the terminal back whenever the process is to stop, from now until
// forgetStopKey. It stays in place between the questions: once a Go program has asked
// for this signal, the signal has no effect of its own any more.
func (t *Terminal) obeyStopKey() {
	t.modes.signals = make(chan os.Signal, 8)
	signal.Notify(t.modes.signals, unix.SIGTSTP, unix.SIGCONT)
	go func() {
		for s := range t.modes.signals {
			t.stopOrGoOn(s)
		}
	}()
}

func (t *Terminal) forgetStopKey() {
	if t.modes.signals != nil {
		signal.Stop(t.modes.signals)
		close(t.modes.signals)
	}
}

// stopOrGoOn holds the lock while the process is stopped, so that nothing is asked
// between the signal and the stop. The next look shows the question again.
func (t *Terminal) stopOrGoOn(s os.Signal) {
	d := t.drawn.Load()
	if d != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		if s == unix.SIGTSTP && !nobodyContinues() {
			d.takeOff()
		}
	}
	t.modes.mu.Lock()
	defer t.modes.mu.Unlock()
	switch {
	case s == unix.SIGCONT: // after a stop that cannot be caught
		t.modes.shown = false
	case nobodyContinues():
		if t.modes.shown && d == nil { // the key has discarded what was typed so far
			_, _ = fmt.Fprintln(t.out)
		}
		t.modes.shown = false
	default:
		t.putBack()
		// The terminal has sent the signal to the whole group: each stops itself.
		if unix.Kill(unix.Getpid(), unix.SIGSTOP) != nil {
			return
		}
		for s := range t.modes.signals {
			if s == unix.SIGCONT {
				return
			}
		}
	}
}

// nobodyContinues reports whether no shell is there to continue this process, as in
// "ssh -t host gatehop login". The system ignores the stop key there, too: POSIX
// calls it an orphaned process group.
func nobodyContinues() bool {
	session, err := unix.Getsid(0)
	return err != nil || session == unix.Getpgrp()
}
