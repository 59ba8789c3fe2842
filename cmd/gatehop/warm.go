package main

import (
	"context"
	"io"
	"strings"
)

// warm answers `credential-process PROFILE` from the cache before the command tree
// exists: tools run it hundreds of times a day. It reports whether it is done; if it
// is not, nothing has been printed and the whole command takes over.
func warm(ctx context.Context, p process) (status int, done bool) {
	if len(p.args) != 2 || p.args[0] != "credential-process" || strings.HasPrefix(p.args[1], "-") {
		return 0, false
	}
	a := &app{process: p, unattended: true}
	a.stderr = io.Discard // what is worth a word is found again, and said, by the whole command
	ch, err := a.chain(ctx, p.args[1:])
	if err != nil {
		return 0, false
	}
	f, err := a.flow(ch)
	if err != nil {
		return 0, false
	}
	s, ok := f.Cached(ctx, ch)
	if !ok || !f.Fresh(s) {
		return 0, false
	}
	a.stderr = p.stderr
	return a.report(a.printProcess(s)), true
}
