package main

import (
	"context"
	"errors"

	"golang.org/x/term"

	"gatehop/cmd/gatehop/internal/askpass"
	"gatehop/cmd/gatehop/internal/profile"
)

const notifyCommandKey = "gatehop_notify_command"

// notice is one line for whoever is at the terminal, while something else has it: on
// standard error, and on the terminal if that is elsewhere.
func (a *app) notice(text string) {
	a.warn(errors.New(text))
	if f := fileOf(a.stderr); f != nil && term.IsTerminal(int(f.Fd())) {
		return
	}
	if t, err := a.terminal(); err == nil {
		t.Tell(context.Background(), "gatehop: "+text)
		t.Close()
	}
}

// notify is notice, and a run of the gateway's command for it. Like every command of the
// profile that one is not run while the environment says where secrets go. That it fails
// is one line more. later runs the command, so that nothing waits for it; it ends with ctx.
func (a *app) notify(ctx context.Context, ch profile.Chain, text string, later func(func())) {
	a.notice(text)
	s, err := a.settings(ch)
	if err != nil || s.SignIn.NotifyCommand == nil || len(s.Changed) > 0 {
		return
	}
	c := askpass.Command{Key: notifyCommandKey, Words: s.SignIn.NotifyCommand, Env: a.env}
	later(func() {
		if err := c.Tell(ctx, text); ctx.Err() == nil {
			a.warn(err)
		}
	})
}
