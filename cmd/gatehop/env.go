package main

import (
	"context"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/sink"
)

func envCommand(a *app) *cobra.Command {
	var shell string
	c := &cobra.Command{
		Use: "env [PROFILE]", Short: "print lines that put credentials into a shell",
		Long: `Prints lines for a shell to evaluate: first they unset every variable that would
shadow the credentials, then they set them.`,
		Example: `  eval "$(gatehop env prod)"
  gatehop env prod --shell zsh > "$HOME/prod.sh"      # it holds the credentials`,
		Args: args(0, 1, "one PROFILE"), ValidArgsFunction: a.completeProfile,
		RunE: func(c *cobra.Command, given []string) error { return a.printEnv(c.Context(), given, shell) },
	}
	c.Flags().StringVar(&shell, "shell", "", "bash or zsh (default: what $SHELL names, else bash)")
	return c
}

func (a *app) printEnv(ctx context.Context, given []string, shell string) error {
	if shell == "" {
		shell = environ.Vars(a.env).Shell()
	}
	if err := sink.CheckShell(shell); err != nil { // before anything is asked or sent
		return err
	}
	ch, s, err := a.sessionOf(ctx, given, 0)
	if err != nil {
		return err
	}
	return a.printLines(shell, ch, s)
}

// printLines writes all of the lines at once, so that no shell evaluates half of them.
func (a *app) printLines(shell string, ch profile.Chain, s flow.Session) error {
	region, err := a.regionOf(ch)
	if err != nil {
		return err
	}
	text, err := sink.Shell(shell, ch[len(ch)-1].Name, s.Credentials, region)
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(text)
	return err
}
