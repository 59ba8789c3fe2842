package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/askpass"
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
session lives; else with a sign-in, by the provider's own session that was kept,
or if --password-stdin, GATEHOP_PASSWORD, gatehop_password_command or the
stored password has one that was not refused before; else it exits at once with
status 3 and says what to run.

In ~/.aws/config, with the whole path, since tools run it from any folder:

  credential_process = "/usr/local/bin/gatehop" credential-process prod`,
		Example: `  gatehop credential-process prod
  gatehop credential-process prod --prompt   # asks at the terminal if it must`,
		Args: args(0, 1, "one PROFILE"), ValidArgsFunction: a.completeProfile,
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
	s, err := a.sourceOf(ctx, f, ch)
	if err != nil {
		return err
	}
	return a.printProcess(s)
}

// sourceOf yields a session. Where nobody may be asked it uses what is left of a session
// up to the last minute.
func (a *app) sourceOf(ctx context.Context, f *flow.Flow, ch profile.Chain) (flow.Session, error) {
	s, err := a.renewed(ctx, f, ch)
	if err == nil || !a.isUnattended() {
		return s, err
	}
	if left, ok := a.rest(ctx, f, ch, err); ok {
		a.warn(&endingError{Profile: ch[len(ch)-1].Name, Left: left.Remaining(a.now()), Err: err})
		return left, nil
	}
	return s, err
}

// rest is the session that is kept, where it may be used up after err kept it from being
// renewed.
func (a *app) rest(ctx context.Context, f *flow.Flow, ch profile.Chain, err error) (flow.Session, bool) {
	if !mayUseRest(err) {
		return flow.Session{}, false
	}
	return f.Cached(ctx, ch)
}

// endingError warns that a session is past its margin and could not be renewed.
type endingError struct {
	Profile string
	Left    time.Duration
	Err     error
}

func (e *endingError) Error() string {
	why := e.Err.Error()
	if errors.As(e.Err, new(*needsLoginError)) { // which says that there is no session
		why = "renewing it needs a person"
	}
	return fmt.Sprintf("the session of profile %s ends %s: %s", e.Profile, in(e.Left), why)
}

// renewed yields a session that is fresh. Where nobody may be asked it does not even
// wait if it has nothing to sign in with, and it takes a limited time.
func (a *app) renewed(ctx context.Context, f *flow.Flow, ch profile.Chain) (flow.Session, error) {
	if !a.isUnattended() {
		return f.Source(ch)(ctx)
	}
	if err := a.withoutPerson(ctx, f, ch); err != nil {
		return flow.Session{}, err
	}
	return a.renewedWithin(ctx, a.renewalWait(ctx, f, ch), f, ch)
}

func (a *app) renewedWithin(ctx context.Context, limit time.Duration, f *flow.Flow, ch profile.Chain) (flow.Session, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s, err := f.Source(ch)(limited)
	if limited.Err() != nil && ctx.Err() == nil && err != nil && !errors.As(err, new(*askpass.Error)) {
		if err = a.lateCommand(ch); err == nil {
			err = a.tookTooLong(ch[0].Name)
		}
	}
	return s, err
}

// lateCommand is the error of the command that a sign-in was cut off at, or nil. Who
// waits for a sign-in leaves when the time is up, before the command can say so itself.
func (a *app) lateCommand(ch profile.Chain) error {
	s, err := a.settings(ch)
	if err != nil {
		return nil
	}
	for _, words := range [][]string{s.SignIn.PasswordCommand, s.SignIn.OTPCommand} {
		if late, ok := a.secrets.late.Load(strings.Join(words, "\x00")); ok {
			return &signInError{Profile: ch[0].Name, Host: hostOf(s.SignIn.URL), Err: late.(*askpass.Error)}
		}
	}
	return nil
}

// withoutPerson makes a sign-in that asks nobody fail before anything is sent, or waited
// for, where it cannot succeed.
func (a *app) withoutPerson(ctx context.Context, f *flow.Flow, ch profile.Chain) error {
	missing := a.canSignInAlone(ctx, ch)
	if missing == nil || f.Live(ctx, ch) {
		return nil
	}
	return missing
}

// isUnattended reports whether nobody may be asked in this run.
func (a *app) isUnattended() bool {
	return a.unattended || a.noInput || a.answers == nil && a.person() == nil
}

// hasPerson reports whether somebody is there who sees what this run says and has their
// phone: at the terminal, or whoever ran login without one (design.md 4).
func (a *app) hasPerson() bool { return !a.isUnattended() || a.isLogin && !a.noInput }

// canSignInAlone says what is missing for a sign-in that asks nobody, before anything
// is sent.
func (a *app) canSignInAlone(ctx context.Context, ch profile.Chain) error {
	s, err := a.settings(ch)
	if err != nil {
		return err
	}
	switch {
	case a.mayBeKnown(ctx, s):
		return nil
	case !a.hasOwnPassword(ctx, s):
		return &needsLoginError{Profile: ch[0].Name, Why: "there is no session and nobody to ask for the password" + s.whyNotRun()}
	case s.User == "" && s.SignIn.Auth != profile.AuthCertificate && !a.needsNoPassword(s):
		return &needsLoginError{Profile: ch[0].Name, Why: "there is no session and nobody to ask for the user name"}
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
