//go:build !linux

package main

// isSignalPending: only Linux tells.
func isSignalPending() bool { return false }
