package main

import (
	"os/exec"
	"syscall"
)

// tie lets the kernel kill the child when this process has ended: prctl(2),
// PR_SET_PDEATHSIG.
func tie(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return nil
}
