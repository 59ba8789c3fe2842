package askpass

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
)

// Tell runs the program as Run does, with message, which is no secret, as one argument
// more. What it prints is shown only if it fails. The error is an *Error or ctx's.
func (c Command) Tell(ctx context.Context, message string) error {
	fail := func(problem, words string, config bool) error {
		return &Error{Key: c.Key, Program: base(c.Words[0]), Problem: problem, Words: words, Config: config}
	}
	path, problem := find(c.Words[0], c.Env)
	if problem != "" {
		return fail(problem, "", true)
	}
	limit := c.limit
	if limit == 0 {
		limit = timeLimit
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	words := bounded{limit: maxWords, drops: true}
	cmd := exec.CommandContext(limited, path, append(c.Words[1:len(c.Words):len(c.Words)], message)...)
	cmd.Dir, cmd.Env = neutralDir(c.Env), Allowed(c.Env)
	cmd.Stdout, cmd.Stderr = &words, &words
	cmd.WaitDelay = lastGasp
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return fail(fmt.Sprintf("has not ended in %v", limit), words.clean(nil), false)
	case errors.As(err, &exit):
		return fail("ends with "+exit.ProcessState.String(), words.clean(nil), false)
	case errors.Is(err, exec.ErrWaitDelay): // it has shown it; what it left running is not waited for
	case err != nil:
		return fail("cannot be run: "+reason(err), "", true)
	}
	return nil
}
