package main

import (
	"context"

	"github.com/spf13/cobra"

	"gatehop/saml"
)

func rolesCommand(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "roles [PROFILE]", Short: "list the roles that the identity provider offers",
		Long: `Signs in at the identity provider of PROFILE and lists the roles that the
assertion offers, without taking any. What the accounts are called comes from
gatehop_alias, else AWS's sign-in page is asked for it (gatehop_account_names).`,
		Example: `  gatehop roles gateway
  gatehop roles gateway --json`,
		Args: args(0, 1, "one PROFILE"), ValidArgsFunction: a.completeProfile,
		RunE: func(c *cobra.Command, given []string) error { return a.roles(c.Context(), given, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// roleReport is one offered role.
type roleReport struct {
	Account  string `json:"account"`
	Alias    string `json:"alias,omitempty"`
	Name     string `json:"name"`
	ARN      string `json:"arn"`
	Provider string `json:"provider"`
}

func (a *app) roles(ctx context.Context, given []string, asJSON bool) error {
	ch, err := a.chain(ctx, given)
	if err != nil {
		return err
	}
	f, err := a.flow(ch)
	if err != nil {
		return err
	}
	if a.isUnattended() {
		if err := a.canSignInAlone(ctx, ch); err != nil {
			return err
		}
	}
	signed, err := f.Roles(ctx, ch)
	if err != nil {
		return err
	}
	if signed.Assertion.Encrypted {
		a.say("the assertion is encrypted: its roles cannot be read")
	}
	settings, err := a.settings(ch)
	if err != nil {
		return err
	}
	a.askSignInPage(ctx, settings, signed.Assertion)
	offered := reportRoles(signed.Assertion, f.Aliases())
	if asJSON {
		return a.printJSON(offered)
	}
	return a.printRoles(offered)
}

// printRoles prints the roles of an assertion as a table.
func (a *app) printRoles(offered []roleReport) error {
	t := table{titles: []string{"ACCOUNT", "ALIAS", "ROLE", "ARN"}}
	for _, r := range offered {
		t.rows = append(t.rows, row{cells: []cell{plainCell(r.Account), plainCell(orDash(r.Alias)), plainCell(r.Name), shorter(r.ARN, "")}})
	}
	return a.print(t)
}

// reportRoles lists the roles of an assertion with the accounts' names.
func reportRoles(assertion *saml.Assertion, names map[string]string) []roleReport {
	list := []roleReport{}
	for _, r := range assertion.Roles {
		list = append(list, roleReport{Account: r.Account(), Alias: names[r.Account()], Name: r.Name(), ARN: r.ARN, Provider: r.Provider})
	}
	return list
}
