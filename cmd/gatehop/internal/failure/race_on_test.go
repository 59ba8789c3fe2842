//go:build race

package failure

// raceDetector: the test is built with the race detector, which makes it many times
// slower.
const raceDetector = true
