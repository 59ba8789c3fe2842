package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/secret"
	"gatehop/creds/sink"
)

// The statuses of a child that cannot be started, as shells have them.
const (
	statusCannotRun = 126
	statusNotFound  = 127
)

// command is a program to run in gatehop's place.
type command struct {
	path string   // absolute
	args []string // with the name
	env  []string
	// tied, if not nil, makes the command end when gatehop does, by whatever means, and
	// when it is closed.
	tied <-chan struct{}
}

// childExit carries a child's exit status to the process's own.
type childExit struct{ status int }

func (e *childExit) Error() string { return fmt.Sprintf("the command left with status %d", e.status) }

// startError reports a command that cannot be started.
type startError struct {
	name   string
	err    error
	status int
}

func (e *startError) Error() string { return fmt.Sprintf("run %q: %v", e.name, e.err) }

type execOptions struct {
	serve   bool
	atLeast time.Duration
}

func execCommand(a *app) *cobra.Command {
	var o execOptions
	c := &cobra.Command{
		Use: "exec [PROFILE] [flags] -- COMMAND [ARG...]", Short: "run a command with credentials in its environment",
		Long: `Runs COMMAND with the credentials of PROFILE in its environment and clears what
would shadow them there. Signals reach the command and its exit status is
gatehop's; 126 and 127 say that it could not be started.

--at-least makes sure, before COMMAND starts, that the credentials last for that
long: they are renewed, or it is refused.

--serve is for commands that take longer than a session lives: COMMAND gets an
address on this machine and a token instead of keys, and its AWS tools ask there
for credentials. These are renewed ahead for as long as the gateway's session
lives, or can be renewed without a person. 15 and 5 minutes before that ends it
warns, with gatehop_notify_command too; what ` + "`gatehop login`" + ` renews meanwhile
is taken. COMMAND ends when gatehop does. With --at-least it is the session of
the gateway that must last.`,
		Example: `  gatehop exec prod -- aws s3 ls
  gatehop exec staging --at-least 45m -- terraform plan
  gatehop exec dev --serve --at-least 8h -- terraform plan`,
		ValidArgsFunction: a.completeExec,
		RunE: func(c *cobra.Command, given []string) error {
			dash := c.ArgsLenAtDash()
			if dash < 0 || dash > 1 || dash == len(given) {
				return &usageError{text: "exec takes one PROFILE, two dashes and a command", command: "gatehop exec"}
			}
			return a.execute(c.Context(), given[:dash], given[dash:], o)
		},
	}
	c.Flags().BoolVar(&o.serve, "serve", false, "hand out credentials by a container endpoint on this machine, and renew them")
	c.Flags().DurationVar(&o.atLeast, "at-least", 0, "the life that the credentials must have left, for example 45m")
	return c
}

func (a *app) execute(ctx context.Context, given, argv []string, o execOptions) error {
	path, err := lookPath(argv[0], a.env)
	if err != nil {
		return startProblem(argv[0], err)
	}
	if o.serve {
		return a.executeServed(ctx, given, command{path: path, args: argv}, o.atLeast)
	}
	ch, s, err := a.sessionOf(ctx, given, o.atLeast)
	if err != nil {
		return err
	}
	env, err := a.childEnviron(ch, s)
	if err != nil {
		return err
	}
	a.passOverLine(ctx)
	a.progress.hold() // the terminal is the command's
	child := command{path: path, args: argv, env: env}
	if a.exec != nil {
		return a.exec(child)
	}
	return a.become(child)
}

// childEnviron is the environment of a command that has the session, and nothing that
// would shadow it.
func (a *app) childEnviron(ch profile.Chain, s flow.Session) ([]string, error) {
	region, err := a.regionOf(ch)
	if err != nil {
		return nil, err
	}
	vars, err := sink.Environ(s.Credentials, region)
	if err != nil {
		return nil, err
	}
	vars = append(vars, sink.Var{Name: "GATEHOP_PROFILE", Value: secret.New(ch[len(ch)-1].Name)})
	return sink.Apply(a.env, vars, append(sink.Unset(), ownSecrets...)), nil
}

// ownSecrets are variables of gatehop's own that no child gets.
var ownSecrets = []string{"GATEHOP_PASSWORD", "GATEHOP_OTP"}

// sessionOf finds the profile that is meant and yields its session, with a life of at least
// that, if it is not 0.
func (a *app) sessionOf(ctx context.Context, given []string, atLeast time.Duration) (profile.Chain, flow.Session, error) {
	ch, err := a.chain(ctx, given)
	if err != nil {
		return nil, flow.Session{}, err
	}
	f, err := a.flow(ch)
	if err != nil {
		return nil, flow.Session{}, err
	}
	if atLeast == 0 {
		s, err := a.sourceOf(ctx, f, ch)
		return ch, s, err
	}
	if err := checkAtLeast("gatehop exec", ch, atLeast, f.Longest(ch)); err != nil {
		return nil, flow.Session{}, err
	}
	f.AtLeast = atLeast
	s, _, err := a.ensureBy(ctx, f, ch)
	return ch, s, err
}

// regionOf is the profile's own region, else the chain's.
func (a *app) regionOf(ch profile.Chain) (string, error) {
	s, err := a.settings(ch)
	if err != nil {
		return "", err
	}
	return s.RegionOf(ch), nil
}

func startProblem(name string, err error) error {
	e := &startError{name: name, err: err, status: statusCannotRun}
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		e.err, e.status = errors.New("not found"), statusNotFound
	}
	return e
}
