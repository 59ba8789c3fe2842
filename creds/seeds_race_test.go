//go:build race

package creds

// soundSeeds is few under the race detector, whose runtime now and then crashes over many
// bubbles of testing/synctest (golang/go#78156).
const soundSeeds = 300
