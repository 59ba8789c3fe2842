//go:build !linux && !freebsd && !windows

package main

import "os/exec"

// startTied starts the child, and a watch over it: this kernel makes no such promise.
func startTied(cmd *exec.Cmd) (release func(), err error) { return startWatched(cmd) }
