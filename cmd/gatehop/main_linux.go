package main

import "golang.org/x/sys/unix"

// hideMemory keeps other processes of the same user from reading this one's memory
// and keeps it out of core dumps. The kernel lifts it again for a program that this
// one starts or becomes.
func hideMemory() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
