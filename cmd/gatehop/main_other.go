//go:build !linux

package main

// hideMemory does nothing here: only Linux lets a process choose.
func hideMemory() {}
