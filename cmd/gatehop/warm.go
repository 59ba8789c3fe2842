package main

import (
	"bytes"
	"context"
	"strings"

	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/profile"
)

// warm answers from the cache, before the command tree exists, what tools and shell
// prompts ask hundreds of times a day:
//
//	credential-process PROFILE
//	env PROFILE
//	status PROFILE --short, status --short PROFILE
//
// It reports whether it is done. If it is not, nothing has been printed and the whole
// command takes over: for any other words, for whatever the cache does not answer, and
// for whatever is worth a word on standard error, which is found again and said there.
func warm(ctx context.Context, p process) (status int, done bool) {
	answer, name := warmCommand(p.args)
	if answer == nil {
		return 0, false
	}
	var out, said bytes.Buffer
	a := &app{process: p, unattended: true}
	a.stdout, a.stderr = &out, &said
	if ok, err := answer(a, ctx, name); !ok || err != nil || said.Len() > 0 {
		return 0, false
	}
	a.stderr = p.stderr
	_, err := p.stdout.Write(out.Bytes())
	return a.report(err), true
}

// warmAnswer prints the answer about the named profile to a. It returns false for what
// has no answer here.
type warmAnswer func(a *app, ctx context.Context, name string) (bool, error)

// warmCommand is the answer that a command line asks for and the profile it names, or
// nil. An argument that could be a flag is the command tree's business.
func warmCommand(args []string) (answer warmAnswer, name string) {
	switch {
	case len(args) == 2 && args[0] == "credential-process":
		answer, name = (*app).warmProcess, args[1]
	case len(args) == 2 && args[0] == "env":
		answer, name = (*app).warmEnv, args[1]
	case len(args) == 3 && args[0] == "status" && args[2] == "--short":
		answer, name = (*app).warmShort, args[1]
	case len(args) == 3 && args[0] == "status" && args[1] == "--short":
		answer, name = (*app).warmShort, args[2]
	}
	if strings.HasPrefix(name, "-") {
		return nil, ""
	}
	return answer, name
}

func (a *app) warmProcess(ctx context.Context, name string) (bool, error) {
	_, s, ok := a.cached(ctx, name)
	if !ok {
		return false, nil
	}
	return true, a.printProcess(s)
}

func (a *app) warmEnv(ctx context.Context, name string) (bool, error) {
	ch, s, ok := a.cached(ctx, name)
	if !ok {
		return false, nil
	}
	return true, a.printLines(environ.Vars(a.env).Shell(), ch, s)
}

// warmShort answers whatever is kept: nothing is an answer too.
func (a *app) warmShort(ctx context.Context, name string) (bool, error) {
	return true, a.shortStatus(ctx, []string{name})
}

// cached is the session of the named profile if it lies in the cache and may be handed
// out as it is.
func (a *app) cached(ctx context.Context, name string) (profile.Chain, flow.Session, bool) {
	ch, err := a.chain(ctx, []string{name})
	if err != nil {
		return nil, flow.Session{}, false
	}
	f, err := a.flow(ch)
	if err != nil {
		return nil, flow.Session{}, false
	}
	s, ok := f.Cached(ctx, ch)
	return ch, s, ok && f.Fresh(s)
}
