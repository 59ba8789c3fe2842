//go:build unix

package main

import "syscall"

// become replaces this process, so that signals, job control and the exit status are
// the child's own.
func (a *app) become(c command) error {
	return startProblem(c.args[0], syscall.Exec(c.path, c.args, c.env))
}
