//go:build !race

package main

const (
	raceDetector = false
	pace         = 1 // how many times as long as usual a process takes
)
