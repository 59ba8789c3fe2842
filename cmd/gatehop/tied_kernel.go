//go:build linux || freebsd

package main

import (
	"os/exec"
	"syscall"
)

// startTied starts the child so that the kernel kills it when the thread that this runs on
// has ended: prctl(2), PR_SET_PDEATHSIG.
func startTied(cmd *exec.Cmd) (release func(), err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return func() {}, cmd.Start()
}
