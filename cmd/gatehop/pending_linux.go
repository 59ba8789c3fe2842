package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// isSignalPending reports whether one of endSignals was sent to this process that none of
// its threads has handled yet.
func isSignalPending() bool {
	awaited := maskOf(endSignals())
	threads, _ := filepath.Glob("/proc/self/task/*/status")
	for _, thread := range threads {
		if status, err := os.ReadFile(thread); err == nil && pendingIn(status, awaited) {
			return true
		}
	}
	return false
}

// pendingIn reads proc_pid_status(5): "ShdPnd:\t0000000000000002". A thread that blocks what
// nobody blocks is in a handler of Go's, or forks: everything is blocked there, and not for
// long.
func pendingIn(status []byte, awaited uint64) bool {
	set := func(name string) uint64 {
		_, rest, _ := bytes.Cut(status, []byte("\n"+name+":"))
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		n, _ := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 64)
		return n
	}
	return (set("SigPnd")|set("ShdPnd"))&awaited != 0 || set("SigBlk")&maskOf([]os.Signal{syscall.SIGSEGV}) != 0
}

// maskOf is a set of signals as the system writes it.
func maskOf(signals []os.Signal) (mask uint64) {
	for _, s := range signals {
		if n, ok := s.(syscall.Signal); ok {
			mask |= 1 << (n - 1)
		}
	}
	return mask
}
