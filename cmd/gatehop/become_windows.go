package main

// become runs the child and leaves with its status: Windows cannot replace a process.
func (a *app) become(c command) error { return a.runChild(c) }
