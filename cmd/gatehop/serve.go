package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/secret"
	"gatehop/creds/sink"
)

func serveCommand(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "serve [PROFILE]", Short: "answer the AWS tools of other shells, and renew",
		Long: `Answers the AWS tools of other shells with the credentials of PROFILE, as in a
container, until Ctrl-C: on an address of this machine alone, to requests of
yours that show a token. It prints lines for bash or zsh to evaluate there, or
JSON. For one command, use ` + "`gatehop exec --serve`" + `.

The credentials are renewed ahead for as long as the session of the gateway
lives, or can be renewed without a person. 15 and 5 minutes before that ends it
warns, with gatehop_notify_command too; what ` + "`gatehop login`" + ` renews meanwhile
is taken.`,
		Example: `  gatehop serve dev
  gatehop serve staging --json`,
		Args: args(0, 1, "one PROFILE"), ValidArgsFunction: a.completeProfile,
		RunE: func(c *cobra.Command, given []string) error { return a.serveAlone(c.Context(), given, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, with the token")
	return c
}

// defaultError reports a profile that tools would take before the endpoint.
type defaultError struct {
	Key, File string
	Line      int
}

func (e *defaultError) Error() string {
	return fmt.Sprintf("tools would take profile default before the endpoint: %s:%d has %s", e.File, e.Line, e.Key)
}

// checkDefault returns a *defaultError if there is such a profile.
func checkDefault(config *profile.Config) error {
	if key, file, line := config.DefaultSource(); key != "" {
		return &defaultError{Key: key, File: file, Line: line}
	}
	return nil
}

// executeServed runs the command with the way to an endpoint in its environment.
func (a *app) executeServed(ctx context.Context, given []string, child command, atLeast time.Duration) error {
	config, err := a.profiles()
	if err != nil {
		return err
	}
	if err := checkDefault(config); err != nil {
		return err
	}
	s, err := a.serve(ctx, given, atLeast)
	if err != nil {
		return err
	}
	defer s.close()
	vars, err := sink.ContainerEnviron(s.endpoint.URL, s.endpoint.Token, s.region)
	if err != nil {
		return err
	}
	vars = append(vars, sink.Var{Name: "GATEHOP_PROFILE", Value: secret.New(s.name())})
	child.env = sink.Apply(a.env, vars, append(sink.UnsetForContainer(), ownSecrets...))
	child.tied = s.endpoint.Done()
	a.passOverLine(ctx)
	a.progress.hold() // the terminal is the command's
	if a.exec != nil {
		return a.exec(child)
	}
	return a.runChild(child)
}

// served is what `serve --json` prints.
type served struct {
	Profile  string    `json:"profile"`
	URL      string    `json:"url"`
	Token    string    `json:"token"`
	Region   string    `json:"region,omitempty"`
	Identity string    `json:"identity"`
	Expires  time.Time `json:"expires"` // of the session in hand
	Unset    []string  `json:"unset"`   // variables that tools would take before it
}

// serveAlone serves until Ctrl-C.
func (a *app) serveAlone(ctx context.Context, given []string, asJSON bool) error {
	s, err := a.serve(ctx, given, 0)
	if err != nil {
		return err
	}
	defer s.close()
	a.passOverLine(ctx)
	if err := a.printServed(s, asJSON); err != nil {
		return err
	}
	a.warn(checkDefault(a.config))
	a.say("profile %s is served until Ctrl-C", s.name())
	select {
	case <-ctx.Done(): // how it is meant to end
		return nil
	case <-s.endpoint.Done():
		return s.endpoint.Close()
	}
}

func (a *app) printServed(s *serving, asJSON bool) error {
	if asJSON {
		return a.printJSON(served{
			Profile: s.name(), URL: s.endpoint.URL, Token: s.endpoint.Token.Reveal(), Region: s.region, Identity: s.first.Identity,
			Expires: s.first.Expires.UTC(), Unset: sink.UnsetForContainer(),
		})
	}
	lines, err := sink.ContainerShell("bash", s.name(), s.endpoint.URL, s.endpoint.Token, s.region)
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(lines)
	return err
}
