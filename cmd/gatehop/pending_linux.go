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
	threads, _ := filepath.Glob("/proc/self/task/*/status")
	for _, thread := range threads {
		if status, err := os.ReadFile(thread); err == nil && pendingIn(status) {
			return true
		}
	}
	return false
}

// pendingIn reads proc_pid_status(5): "ShdPnd:\t0000000000000002". A thread that blocks what
// nobody blocks is in a handler of Go's, which blocks everything.
func pendingIn(status []byte) bool {
	set := func(name string) uint64 {
		_, rest, _ := bytes.Cut(status, []byte("\n"+name+":"))
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		n, _ := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 64)
		return n
	}
	bit := func(s syscall.Signal) uint64 { return 1 << (s - 1) }
	var end uint64
	for _, s := range endSignals() {
		if n, ok := s.(syscall.Signal); ok {
			end |= bit(n)
		}
	}
	return (set("SigPnd")|set("ShdPnd"))&end != 0 || set("SigBlk")&bit(syscall.SIGSEGV) != 0
}
