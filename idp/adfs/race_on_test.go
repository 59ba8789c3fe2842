//go:build race

package adfs_test

// raceDetector: the test is built with the race detector, which makes it many times
// slower.
const raceDetector = true
