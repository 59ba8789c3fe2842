package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds"
	"gatehop/creds/store"
)

// failuresNote is what logout says of failures that were remembered.
const failuresNote = "the record of what failed"

func logoutCommand(a *app) *cobra.Command {
	var all, password, asJSON bool
	c := &cobra.Command{
		Use: "logout [PROFILE]", Short: "forget sessions and choices",
		Long: `Forgets the session of PROFILE, and with a gateway every session behind it, the
person's session at the identity provider (its cookies), the gateway's choices
and what was pinned at its first sign-in. Which passwords were refused
stays remembered. --all forgets everything, that too: a script that still has a
wrong one sends it again.

AWS keeps credentials that were already handed out valid until they expire.`,
		Example: `  gatehop logout gateway
  gatehop logout --all`,
		Args: args(0, 1, "one PROFILE"), ValidArgsFunction: a.completeProfile,
		RunE: func(c *cobra.Command, given []string) error {
			if all && (len(given) > 0 || a.profileFlag != "") {
				return &usageError{text: "--all and a profile exclude each other", command: "gatehop logout"}
			}
			if all && password {
				return &usageError{text: "--all forgets passwords, too", command: "gatehop logout"}
			}
			return a.logout(c.Context(), given, logoutOptions{all, password, asJSON})
		},
	}
	c.Flags().BoolVar(&all, "all", false, "forget everything")
	c.Flags().BoolVar(&password, "password", false, "forget the stored password, too")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// logoutOptions are the flags of logout.
type logoutOptions struct{ all, password, json bool }

func (a *app) logout(ctx context.Context, given []string, o logoutOptions) error {
	refusals := false
	if !o.all {
		ch, err := a.chain(ctx, given)
		if err != nil {
			return err
		}
		given = []string{ch[len(ch)-1].Name}
		refusals = a.keepsRefusals(ctx, ch) // before the choices go, which may know the user
	}
	removed, err := a.forget(ctx, given, o)
	if o.json && (err == nil || len(removed) > 0) {
		return errors.Join(a.printJSON(map[string]any{"removed": removed, "refusals_kept": refusals}), err)
	}
	switch {
	case err != nil: // what is gone is said all the same
	case len(removed) == 0 && refusals:
		a.say("no session was kept")
	case len(removed) == 0:
		a.say("nothing was kept")
	}
	for _, what := range removed {
		a.say("forgot %s", what)
	}
	if refusals {
		a.say("refused passwords stay remembered; `gatehop logout --all` forgets them")
	}
	return err
}

// forget removes sessions and choices and says which.
func (a *app) forget(ctx context.Context, given []string, o logoutOptions) ([]string, error) {
	removed := []string{}
	dir, kept, err := a.state("file", false)
	if err != nil {
		return nil, err
	}
	if o.all {
		return a.forgetAll(ctx, dir, kept)
	}
	ch, err := a.chain(ctx, given)
	if err != nil {
		return nil, err
	}
	chains := []profile.Chain{ch}
	if len(ch) == 1 {
		chains = a.behind(ch[0].Name)
	}
	for _, one := range chains {
		key := one.CacheKey(len(one) - 1)
		if _, err := kept.Get(ctx, key); err == nil {
			removed = append(removed, "the session of profile "+one[len(one)-1].Name)
		}
		if err := kept.Delete(ctx, key); err != nil {
			return removed, err
		}
	}
	failed, err := a.forgetFailures(ctx, dir, kept, chains...)
	if failed {
		removed = append(removed, failuresNote)
	}
	if err != nil {
		return removed, err
	}
	if len(ch) == 1 || o.password {
		whose, err := a.forgetPassword(ctx, dir, ch, o.password) // before the choices go, which may know the user
		if whose != "" {
			removed = append(removed, whose)
		}
		if err != nil {
			return removed, err
		}
	}
	if len(ch) > 1 {
		return removed, nil
	}
	whose, err := a.forgetKept(ctx, dir, ch) // before the choices go, which may know the user
	if whose != "" {
		removed = append(removed, whose)
	}
	if err != nil {
		return removed, err
	}
	had, err := a.choices(dir).Forget(ch[0].Name)
	if had {
		removed = append(removed, "the choices of profile "+ch[0].Name)
	}
	return removed, err
}

// forgetAll removes everything and says what there was.
func (a *app) forgetAll(ctx context.Context, dir store.Dir, kept creds.Store) ([]string, error) {
	removed := []string{}
	n, err := deleteAll(ctx, kept)
	if n > 0 {
		removed = append(removed, plural(n, "session"))
	}
	if err != nil {
		return removed, err
	}
	if told := a.failureStore(dir, kept); told != nil { // no person would call them sessions
		n, err := deleteAll(ctx, told)
		if n > 0 {
			removed = append(removed, failuresNote)
		}
		if err != nil {
			return removed, err
		}
	}
	if dir.Path() != "" {
		n, err := store.NewSealedUnder(dir, keptKind, store.SecretFile(dir), nil, nil).DeleteAll(ctx)
		if n > 0 {
			removed = append(removed, "the sessions at identity providers")
		}
		if err != nil {
			return removed, err
		}
	}
	if dir.Path() != "" {
		n, err := store.NewSealedUnder(dir, passwordKind, store.SecretFile(dir), nil, nil).DeleteAll(ctx)
		if n > 0 {
			removed = append(removed, "the stored passwords")
		}
		if err != nil {
			return removed, err
		}
	}
	a.warn(a.forgetSecretKey(ctx, dir))
	had, err := a.choices(dir).ForgetAll()
	if had {
		removed = append(removed, "the choices of every profile")
	}
	known, lost := forgetNames(dir)
	if known {
		removed = append(removed, "the names of accounts")
	}
	refused, gone := forgetRefusals(ctx, dir)
	if refused {
		removed = append(removed, "which passwords were refused, and what needs a person")
	}
	return removed, errors.Join(err, lost, gone)
}

// behind is the gateway's own chain and every chain that begins at it.
func (a *app) behind(gateway string) []profile.Chain {
	var chains []profile.Chain
	for _, ch := range a.config.Chains() {
		if ch[0].Name == gateway {
			chains = append(chains, ch)
		}
	}
	return chains
}
