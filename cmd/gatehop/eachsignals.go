package main

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// undelivered is how long a signal that the system has not delivered yet is waited for.
const undelivered = time.Second

// start starts a command that signals reach from then on. What is sent in the moment
// between the last look and the fork is the only Ctrl-C that a command misses.
func (r *eachRun) start(cmd *exec.Cmd) error {
	r.starting.Lock()
	defer r.starting.Unlock()
	r.catchUp()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.signals > 0 {
		return context.Canceled
	}
	if err := cmd.Start(); err != nil {
		return startProblem(r.argv[0], err)
	}
	r.running[cmd.Process] = true
	return nil
}

// relay passes requests to end on to the commands, until done is called.
func (r *eachRun) relay() (done func()) {
	signals, over := make(chan os.Signal, 4), make(chan struct{})
	r.asked = make(chan chan<- struct{})
	hear := func(s os.Signal) { r.end(s, r.a.isTerminals(s)) }
	signal.Notify(signals, endSignals()...)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case s := <-signals:
				hear(s)
			case answer := <-r.asked:
				for len(signals) > 0 {
					hear(<-signals)
				}
				close(answer)
			case <-over:
				return
			}
		}
	})
	return func() {
		signal.Stop(signals)
		close(over)
		wg.Wait()
	}
}

// end begins no further commands and passes s on to those that run. What the terminal
// sends, it has sent to them too: some take a second Ctrl-C for more than the first. Who
// asks twice means it.
func (r *eachRun) end(s os.Signal, heard bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	if r.signals++; r.signals > 1 {
		s, heard = syscall.SIGTERM, false
	}
	if heard {
		return
	}
	for p := range r.running {
		if err := p.Signal(s); err != nil && r.signals > 1 { // Windows has no other way
			_ = p.Kill()
		}
	}
}

// isTerminals reports whether a signal was the terminal's, which sends it to everything
// in its foreground.
func (a *app) isTerminals(s os.Signal) bool {
	if s != os.Interrupt && s != syscall.SIGQUIT {
		return false
	}
	t, err := a.terminal()
	if err != nil {
		return false
	}
	t.Close()
	return true
}

// catchUp returns when the signals that came before it were heard; elsewhere than on Linux,
// those that reached this process. A command may end by the Ctrl-C that this process is
// still to hear of: without this, the next one began after it, and ran on.
func (r *eachRun) catchUp() {
	awaitDelivery()
	heard := make(chan struct{})
	r.asked <- heard
	<-heard
}

// awaitDelivery returns when the signals that came before it are in the channels.
func awaitDelivery() {
	for begun := time.Now(); isSignalPending() && time.Since(begun) < undelivered; {
		time.Sleep(time.Millisecond)
	}
	// signal.Stop returns only when what came earlier is there.
	barrier := make(chan os.Signal, 1)
	signal.Notify(barrier, os.Interrupt)
	signal.Stop(barrier)
}
