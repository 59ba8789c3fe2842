package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"gatehop/creds/secret"
	"gatehop/idp"
)

func demoCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: "a guided tour: no configuration, nothing left behind",
		Long: `Starts the sandbox, signs in to its simulated AD FS, shows the roles that are
offered, walks both hops and asks AWS's simulated STS who you are in the end.
In a terminal it asks, with the answers offered; without one it runs through.`,
		Example: "  gatehop demo\n  gatehop demo --no-input      # asks nothing, in a terminal too",
		Args:    args(0, 0, "no argument"),
		RunE:    func(c *cobra.Command, _ []string) error { return a.demo(c.Context()) },
	}
}

// demo is the tour: the same code as login, on a process whose world is the sandbox.
func (a *app) demo(ctx context.Context) (err error) {
	o := sandboxOptions{idp: "adfs3", roles: 3, noPassword: true}
	s, err := a.startSandbox(o)
	if err != nil {
		return err
	}
	defer func() {
		if problem := s.close(""); problem != nil && err == nil {
			err = problem
		}
	}()
	inside := &app{process: a.process, verbose: a.verbose, quiet: a.quiet, progress: a.progress}
	inside.env = s.environ(a.env, o)
	inside.answers = offered{person: a.person(), answers: map[string]string{"username": s.user, "password": sandboxPassword}}
	inside.termTried = true // the offered answers do the asking
	return inside.tour(ctx, s)
}

func (a *app) tour(ctx context.Context, s *sandbox) error {
	fmt.Fprintf(a.stdout, `This is gatehop with a simulated company: an AD FS 3.0 at
%s and an AWS STS, both on this machine. Nothing of yours
is read or changed.

1. Sign in, as %s.
`, s.idpURL, s.user)
	ch, err := a.chain(ctx, []string{"prod"})
	if err != nil {
		return err
	}
	f, err := a.flow(ch)
	if err != nil {
		return err
	}
	signed, err := f.Roles(ctx, ch)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "\n2. The assertion offers %s; the profile names the first.\n\n", plural(len(signed.Assertion.Roles), "role"))
	if err := a.printRoles(reportRoles(signed.Assertion, a.accountAliases())); err != nil {
		return err
	}
	fmt.Fprint(a.stdout, "\n3. AssumeRoleWithSAML into the gateway, AssumeRole into the destination.\n\n")
	hops, _, err := a.walk(ctx, f, ch)
	if err != nil {
		return err
	}
	if err := a.printHops(hops); err != nil {
		return err
	}
	last, err := f.Source(ch)(ctx)
	if err != nil {
		return err
	}
	settings, err := a.settings(ch)
	if err != nil {
		return err
	}
	client, err := a.stsClient(settings)
	if err != nil {
		return err
	}
	arn, err := client.CallerIdentity(ctx, last.Credentials)
	if err != nil {
		return err
	}
	fmt.Fprint(a.stdout, "\n4. What sts get-caller-identity says with the destination's credentials.\n\n")
	if err := a.printJSON(map[string]string{"Account": strings.Split(arn, ":")[4], "Arn": arn}); err != nil {
		return err
	}
	fmt.Fprint(a.stdout, demoNext)
	return nil
}

const demoNext = `
Next:
  gatehop configure          writes the profiles for your own company
  gatehop sandbox -- bash    the same simulators with your own tools: try
                             aws sts get-caller-identity --profile dev
  gatehop roles --help       and every other command explain themselves
`

// offered proposes the sandbox's answers to a person, or gives them if nobody is there.
type offered struct {
	person  terminal
	answers map[string]string
}

func (o offered) Ask(ctx context.Context, q idp.Question) (secret.Text, error) {
	answer, ok := o.answers[q.Field]
	switch {
	case !ok && o.person == nil, q.Retry != "" && o.person == nil:
		return secret.Text{}, idp.ErrNoAnswer
	case o.person == nil:
		return secret.New(answer), nil
	case !ok:
		return o.person.Ask(ctx, q)
	}
	q.Default = answer
	return o.person.Ask(ctx, q)
}

func (o offered) Tell(ctx context.Context, message string) {
	if o.person != nil {
		o.person.Tell(ctx, message)
	}
}
