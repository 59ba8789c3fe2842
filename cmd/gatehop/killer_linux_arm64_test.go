package main

// Calls that this architecture does without: numbers that no call has.
const (
	sysOpen  = 1 << 32
	sysCreat = 1<<32 + 1
)

func olderCalls() map[string][]uint64 { return nil }
