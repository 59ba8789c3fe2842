//go:build !race

package adfs_test

const raceDetector = false
