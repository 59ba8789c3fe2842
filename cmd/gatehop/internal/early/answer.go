package early

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"gatehop/cmd/gatehop/internal/choices"
	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/cmd/gatehop/internal/session"
	"gatehop/cmd/gatehop/internal/setting"
	"gatehop/cmd/gatehop/internal/weburl"
	"gatehop/creds"
	"gatehop/creds/sink"
	"gatehop/creds/store"
)

// Run is one command line and what of its process an answer takes.
type Run struct {
	Args, Env      []string
	Now            func() time.Time
	Stdout, Stderr io.Writer
}

// statusFailed is the exit status of a write that failed half-way.
const statusFailed = 1

// Answer answers from the cache, before the command tree exists, what tools and shell
// prompts ask hundreds of times a day:
//
//	credential-process PROFILE
//	env PROFILE
//	status PROFILE --short, status --short PROFILE
//
// It reports whether it is done. If it is not, nothing has been printed and the whole
// command takes over: for any other words, for whatever the cache does not answer, for
// URLs that are not plain, and for whatever is worth a word on standard error, which is
// found again and said there.
func (r Run) Answer(ctx context.Context) (status int, done bool) {
	ask := r.asks()
	if ask == nil {
		return 0, false
	}
	text, ok := ask(ctx)
	if !ok {
		return 0, false
	}
	n, err := r.Stdout.Write(text)
	switch {
	case err == nil:
		return 0, true
	case n == 0:
		return 0, false
	}
	fmt.Fprintf(r.Stderr, "gatehop: %v\n", err)
	return statusFailed, true
}

// asks is the answer that the command line asks for, or nil. An argument that could be a
// flag is the command tree's business.
func (r Run) asks() func(context.Context) ([]byte, bool) {
	var answer func(Run, context.Context, string) ([]byte, bool)
	name, args := "", r.Args
	switch {
	case len(args) == 2 && args[0] == "credential-process":
		answer, name = Run.process, args[1]
	case len(args) == 2 && args[0] == "env":
		answer, name = Run.lines, args[1]
	case len(args) == 3 && args[0] == "status" && args[2] == "--short":
		answer, name = Run.word, args[1]
	case len(args) == 3 && args[0] == "status" && args[1] == "--short":
		answer, name = Run.word, args[2]
	}
	if answer == nil || strings.HasPrefix(name, "-") {
		return nil
	}
	return func(ctx context.Context) ([]byte, bool) { return answer(r, ctx, name) }
}

func (r Run) process(ctx context.Context, name string) ([]byte, bool) {
	k, ok := r.look(ctx, name)
	if !ok || !k.mayGo(r.Now()) {
		return nil, false
	}
	text, err := sink.Process(k.session.Credentials)
	return text, err == nil
}

func (r Run) lines(ctx context.Context, name string) ([]byte, bool) {
	k, ok := r.look(ctx, name)
	if !ok || !k.mayGo(r.Now()) {
		return nil, false
	}
	text, err := sink.Shell(environ.Vars(r.Env).Shell(), name, k.session.Credentials, k.settings.RegionOf(k.chain))
	return text, err == nil
}

// word answers whatever is kept: nothing is an answer too.
func (r Run) word(ctx context.Context, name string) ([]byte, bool) {
	k, ok := r.look(ctx, name)
	if !ok {
		return nil, false
	}
	state := session.None
	if k.found {
		state = k.session.State(k.fits, r.Now())
	}
	return fmt.Appendln(nil, state.Short(k.session.Remaining(r.Now()))), true
}

// kept is what the cache has for a profile.
type kept struct {
	chain    profile.Chain
	settings setting.Settings
	session  session.Session
	found    bool
	fits     bool // it is of the user, the role and the settings that are asked for now
}

// mayGo reports whether the session may be handed out as it is.
func (k kept) mayGo(now time.Time) bool {
	return k.found && k.fits && k.session.Usable(now) && k.session.Fresh(now) && k.session.Remaining(now) >= 0
}

// look finds what is kept for the named profile. ok is false where the whole command has
// something to say.
func (r Run) look(ctx context.Context, name string) (k kept, ok bool) {
	env := environ.Vars(r.Env)
	files, err := env.AWSFiles()
	if err != nil {
		return k, false
	}
	config, err := profile.Read(files, weburl.Plain)
	if err != nil {
		return k, false
	}
	if k.chain, err = config.Chain(name); err != nil {
		return k, false
	}
	if k.settings, err = setting.Of(env, k.chain, weburl.Plain); err != nil {
		return k, false
	}
	dir, err := openState(env)
	if err != nil {
		return k, false
	}
	gateway := k.chain[0].Name
	if open := k.settings.IsOpen(k.chain); open || len(k.chain) == 1 && r.Args[0] == "status" {
		known, err := choices.In(dir).Get(gateway)
		if err != nil {
			return k, false
		}
		if open {
			k.settings.Remember(k.chain, known)
		}
	}
	silent := true
	if dir.Path() != "" && k.settings.SignIn.Store != "none" {
		flight := creds.Flight[session.Session]{
			Store: store.NewSealed(dir, "session", nil, func(error) { silent = false }), Decode: session.Decode,
		}
		k.session, k.found = flight.Cached(ctx, k.chain.CacheKey(len(k.chain)-1))
	}
	want := session.Want{User: k.settings.User, Settled: k.settings.Role}
	k.fits = k.found && want.Fits(k.session, k.settings.Digest(), nil) // given names matter to a role that is asked for
	return k, silent
}

// openState is the state directory, or none if it is not there.
func openState(env environ.Vars) (store.Dir, error) {
	path, err := env.StateDir()
	if err != nil {
		return store.Dir{}, err
	}
	dir, err := store.OpenDir(path, false)
	if errors.Is(err, fs.ErrNotExist) {
		return store.Dir{}, nil
	}
	return dir, err
}
