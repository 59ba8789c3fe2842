package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/sink"
)

func credentialProcessCommand(a *app) *cobra.Command {
	var mayAsk bool
	c := &cobra.Command{
		Use: "credential-process PROFILE", Short: "print credentials as AWS tools want them from a helper",
		Long: `Prints the credentials of PROFILE as the JSON that the AWS tools expect from a
credential_process. Nothing else is ever printed on standard output.

It asks nobody. From the cache if it can; else with a new hop while the gateway
session lives; else with a sign-in if GATEHOP_PASSWORD holds the password; else it
exits at once with status 3 and says what to run.`,
		Example: `  gatehop credential-process prod
  credential_process = "/usr/local/bin/gatehop" credential-process prod    (in ~/.aws/config)`,
		Args: args(0, 1, "one PROFILE"), ValidArgsFunction: a.completeProfiles,
		RunE: func(c *cobra.Command, given []string) error {
			a.unattended = !mayAsk
			return a.credentialProcess(c.Context(), given)
		},
	}
	c.Flags().BoolVar(&mayAsk, "prompt", false, "ask at the terminal if a person is needed")
	return c
}

func (a *app) credentialProcess(ctx context.Context, given []string) error {
	ch, err := a.chain(ctx, given)
	if err != nil {
		return err
	}
	f, err := a.flow(ch)
	if err != nil {
		return err
	}
	if a.isUnattended() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, unattendedLimit)
		defer cancel()
	}
	s, err := a.sourceOf(ctx, f, ch)
	if err != nil {
		return err
	}
	return a.printProcess(s)
}

// sourceOf yields a session. Where nobody may be asked it signs in only with what it
// has, and uses what is left of a session up to the last minute.
func (a *app) sourceOf(ctx context.Context, f *flow.Flow, ch profile.Chain) (flow.Session, error) {
	if !a.isUnattended() {
		return f.Source(ch)(ctx)
	}
	a.withoutPerson(f, ch)
	s, err := f.Source(ch)(ctx)
	if err == nil || errors.Is(err, context.Canceled) {
		return s, err
	}
	if left, ok := f.Cached(context.WithoutCancel(ctx), ch); ok {
		return left, nil
	}
	return s, err
}

// withoutPerson makes a sign-in that asks nobody fail before anything is sent where it
// cannot succeed.
func (a *app) withoutPerson(f *flow.Flow, ch profile.Chain) {
	login := f.Login
	f.Login = func(ctx context.Context) (flow.Signed, error) {
		if err := a.canSignInAlone(ch); err != nil {
			return flow.Signed{}, err
		}
		return login(ctx)
	}
}

// isUnattended reports whether nobody may be asked in this run.
func (a *app) isUnattended() bool {
	return a.unattended || a.noInput || a.answers == nil && a.person() == nil
}

// canSignInAlone says what is missing for a sign-in that asks nobody, before anything
// is sent.
func (a *app) canSignInAlone(ch profile.Chain) error {
	s, err := a.settings(ch)
	if err != nil {
		return err
	}
	if s.Password.IsZero() {
		return &needsLoginError{Profile: ch[0].Name, Why: "there is no session and nobody to ask for the password"}
	}
	return nil
}

// printProcess writes the whole answer at once, so that no reader sees half of it.
func (a *app) printProcess(s flow.Session) error {
	data, err := sink.Process(s.Credentials)
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(data)
	return err
}
