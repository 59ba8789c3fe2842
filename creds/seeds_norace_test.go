//go:build !race

package creds

const soundSeeds = seeds
