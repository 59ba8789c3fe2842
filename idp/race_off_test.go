//go:build !race

package idp_test

const raceDetector = false
