//go:build !linux && !windows

package main

import "os/exec"

// tie can do nothing here: this system has no such promise to make.
func tie(*exec.Cmd) error { return nil }
