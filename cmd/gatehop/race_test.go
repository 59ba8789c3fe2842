//go:build race

package main

// raceDetector makes a process that waits cost ten times what it costs without.
const raceDetector = true
