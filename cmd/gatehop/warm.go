package main

import (
	"context"

	"gatehop/cmd/gatehop/internal/early"
)

// warm answers what the cache answers, and reports whether it is done. The process that
// gatehop is has done so before main.
func warm(ctx context.Context, p process) (status int, done bool) {
	if p.looked {
		return 0, false
	}
	return early.Run{Args: p.args, Env: p.env, Now: p.now, Stdout: p.stdout, Stderr: p.stderr}.Answer(ctx)
}
