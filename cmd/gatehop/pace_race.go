//go:build race

package main

// The race detector makes a process cost ten times what it costs without, and those
// that nobody waits for must not give up because of that.
const (
	raceDetector = true
	pace         = 4
)
