package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/idp"
	"gatehop/saml"
	"gatehop/sts"
)

// who asks for the user name.
func (c *configuring) who(ctx context.Context) error {
	problem := func(name string) string {
		if c.gateway.Kind == "adfs" && c.gateway.ADFSDomain == "" && !strings.ContainsAny(name, `@\`) {
			return `has no domain: write DOMAIN\name or name@domain`
		}
		var d profile.Draft
		return d.Set("gatehop_username", name, profile.Place{Dir: ".", URLs: anyurl.Read})
	}
	if name := c.o.username; name != "" {
		c.report.User = name
		if text := problem(name); text != "" {
			return &usageError{text: fmt.Sprintf("--username %q %s", name, text), command: "gatehop configure"}
		}
		return nil
	}
	name, err := c.ask(ctx, "--username", idp.Question{Field: "username", Label: "User name at " + hostOf(c.gateway.URL), Default: c.gateway.Username}, problem)
	c.gateway.Username, c.report.User = name, name
	return err
}

// gate finds the gateway's role and takes it. What AWS has to say against it is heard
// before anything is written, and the session is kept: aws needs no second sign-in.
func (c *configuring) gate(ctx context.Context) error {
	if _, err := saml.ParseRoleARN(c.o.role); err == nil {
		c.gateway.RoleARN = c.o.role
	}
	known := c.gateway.RoleARN != "" && (c.o.role == "" || c.o.role == c.gateway.RoleARN)
	if !known {
		c.gateway.RoleARN = "" // the provider is asked for all of them
		role, err := c.pickRole(ctx)
		if err != nil {
			return err
		}
		c.gateway.RoleARN = role.ARN
	}
	if err := c.askRegion(ctx); err != nil {
		return err
	}
	if c.o.dryRun {
		_, err := c.chainOf(c.gateway)
		return err
	}
	return c.takeRole(ctx)
}

// chainOf is the chain to the last of some profiles, as it will be once they are written.
func (c *configuring) chainOf(drafts ...profile.Draft) (profile.Chain, error) {
	config, _ := c.config.Scanned()
	data, err := applyAll(draftEdits(drafts))(config)
	if err != nil {
		return nil, &configWriteError{File: c.files.Config, Err: err}
	}
	after, err := profile.ReadWritten(c.files, anyurl.Read, data)
	if err != nil {
		return nil, err
	}
	return after.Chain(drafts[len(drafts)-1].Name)
}

// pickRole signs in and chooses among the roles that are offered.
func (c *configuring) pickRole(ctx context.Context) (saml.Role, error) {
	ch, err := c.withoutRole()
	if err != nil {
		return saml.Role{}, err
	}
	f, err := c.open(ch, !c.o.dryRun)
	if err != nil {
		return saml.Role{}, err
	}
	if err := c.hasPassword(ctx, ch); err != nil {
		return saml.Role{}, err
	}
	signIn := func(ctx context.Context) (flow.Signed, error) { return f.Roles(ctx, ch) }
	if c.o.dryRun {
		signIn = f.Login // nothing is pinned
	}
	signed, err := signIn(ctx)
	if err != nil {
		return saml.Role{}, err
	}
	c.keepRealm()
	if signed.Assertion.Encrypted {
		return saml.Role{}, &flow.EncryptedError{Profile: c.gateway.Name}
	}
	if len(signed.Assertion.Roles) > 1 {
		f.Offering(ctx, signed.Assertion)
	}
	c.report.Roles = reportRoles(signed.Assertion, f.Aliases())
	c.say("signed in as %s; %s offered", idp.CleanWords(signed.User), isAre(len(signed.Assertion.Roles), "role"))
	return c.oneOf(ctx, f, signed.Assertion.Roles)
}

// keepRealm writes down which organisation was chosen, so that the next sign-in needs
// nobody for that. A name that no key can hold is asked for again.
func (c *configuring) keepRealm() {
	c.mu.Lock()
	chosen := c.realm
	c.mu.Unlock()
	if chosen == "" || c.gateway.HomeRealm != "" {
		return
	}
	if problem := c.gateway.Set("gatehop_home_realm", chosen, profile.Place{Dir: ".", URLs: anyurl.Read}); problem != "" {
		c.say("the organisation %q is not written: it %s", idp.CleanWords(chosen), problem)
	}
}

func isAre(n int, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return fmt.Sprintf("%d %ss are", n, what)
}

// withoutRole is the gateway's chain as far as it is known before its role is: also of a
// profile that names one already.
func (c *configuring) withoutRole() (profile.Chain, error) {
	open := c.gateway
	open.RoleARN = ""
	ch, err := c.chainOf(open)
	if err != nil {
		return nil, err
	}
	ch[0].RoleARN = ""
	return ch, c.noteRedirects(ch)
}

// noteRedirects makes an address or certificates that the profile did not have before
// count as what the environment overrides: the commands of the profile answer with a
// secret for the old ones, and do not run for the new ones without a person's yes.
func (c *configuring) noteRedirects(ch profile.Chain) error {
	s, err := c.settings(ch)
	if err != nil {
		return err
	}
	old, own, _ := c.config.Draft(c.gateway.Name)
	if !own || c.redirected[s] {
		return nil
	}
	if c.redirected == nil {
		c.redirected = map[*settings]bool{}
	}
	c.redirected[s] = true
	s.Change("url", old.URL, c.gateway.URL)
	s.Change("ca_bundle", old.CABundle, c.gateway.CABundle)
	return nil
}

// hasPassword says what is missing for a sign-in where nobody can be asked.
func (c *configuring) hasPassword(ctx context.Context, ch profile.Chain) error {
	s, err := c.settings(ch)
	if err != nil || !c.isUnattended() || c.hasOwnPassword(ctx, s) {
		return err
	}
	return &missingError{What: "the password of " + s.User, Flag: "--password-stdin (or GATEHOP_PASSWORD)"}
}

// oneOf is the role that --role names, the only one, or the answer of a person.
func (c *configuring) oneOf(ctx context.Context, f *flow.Flow, roles []saml.Role) (saml.Role, error) {
	if want := c.o.role; want != "" {
		return f.Named(roles, want)
	}
	if len(roles) == 1 {
		c.say("the gateway's role: %s, the only one", roles[0].ARN)
		return roles[0], nil
	}
	if c.isUnattended() {
		return saml.Role{}, &flow.RoleError{Profile: c.gateway.Name, Offered: roles}
	}
	var arns []string
	for _, r := range roles {
		arns = append(arns, r.ARN)
	}
	answer, err := c.app.choose(ctx, choice{Field: "role", Title: "Which role of the gateway?", Items: c.roleItems(c.gateway.Name, f.Aliases(), arns)})
	var needs *idp.NeedsInputError
	if errors.As(err, &needs) {
		return saml.Role{}, &flow.RoleError{Profile: c.gateway.Name, Offered: roles}
	}
	for _, r := range roles {
		if err == nil && r.ARN == answer {
			return r, nil
		}
	}
	return saml.Role{}, err
}

// askRegion asks for the region, with what the profile, the environment or the partition
// says as the offer.
func (c *configuring) askRegion(ctx context.Context) error {
	partition := partitionName(c.gateway.RoleARN)
	offer := c.gateway.Region
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		region := environ.Vars(c.env).Get(name)
		if p, ok := sts.RegionPartition(region); offer == "" && ok && p == partition {
			offer = region
		}
	}
	if offer == "" {
		offer = sts.DefaultRegion(partition)
	}
	problem := func(region string) string {
		if p, ok := sts.RegionPartition(region); ok && p != partition {
			return "is of partition " + p + ", and the gateway's role of " + partition
		}
		var d profile.Draft
		return d.Set("region", region, profile.Place{Dir: ".", URLs: anyurl.Read})
	}
	if c.o.region != "" || c.gateway.Region != "" { // said already
		if text := problem(offer); text != "" {
			return &usageError{text: fmt.Sprintf("region %q %s", offer, text), command: "gatehop configure"}
		}
		c.gateway.Region = offer
		return nil
	}
	region, err := c.ask(ctx, "--region", idp.Question{Field: "region", Label: "Region", Default: offer}, problem)
	c.gateway.Region = region
	return err
}

func partitionName(roleARN string) string {
	arn, err := saml.ParseRoleARN(roleARN)
	if err != nil {
		return ""
	}
	return arn.Partition
}

// takeRole makes the gateway's session, under the key that it will have for everybody.
func (c *configuring) takeRole(ctx context.Context) error {
	ch, err := c.chainOf(c.gateway)
	if err == nil {
		err = c.noteRedirects(ch)
	}
	if err != nil {
		return err
	}
	f, err := c.flow(ch)
	if err != nil {
		return err
	}
	if !f.Live(ctx, ch) && len(c.report.Roles) == 0 {
		if err := c.hasPassword(ctx, ch); err != nil {
			return err
		}
	}
	if _, err := f.Source(ch)(ctx); err != nil {
		return err
	}
	arn, err := saml.ParseRoleARN(c.gateway.RoleARN)
	if err != nil {
		return err
	}
	c.say("role %s of account %s is yours", arn.Name, arn.Account)
	return nil
}
