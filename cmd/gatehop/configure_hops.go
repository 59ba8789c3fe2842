package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/destination"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/idp"
	"gatehop/saml"
)

// destinations collects the accounts behind the gateway: those of the flags, else what a
// person types.
func (c *configuring) destinations(ctx context.Context) error {
	partition := partitionName(c.gateway.RoleARN)
	all, err := c.ofFlags(partition)
	if err != nil {
		return err
	}
	if len(all) == 0 && !c.isUnattended() {
		if all, err = c.askDestinations(ctx); err != nil {
			return err
		}
	}
	if err := c.distinct(all); err != nil {
		return err
	}
	for _, d := range all {
		if err := d.Check(partition); err != nil {
			return err
		}
		hop, err := c.hop(d)
		if err != nil {
			return err
		}
		c.hops = append(c.hops, hop)
	}
	return c.refuseOther(namesOf(all)...)
}

func namesOf(all []destination.Destination) []string {
	var names []string
	for _, d := range all {
		names = append(names, d.Name)
	}
	return names
}

// distinct refuses two profiles of one name.
func (c *configuring) distinct(all []destination.Destination) error {
	taken := map[string]bool{}
	for _, d := range all {
		if taken[d.Name] {
			return &usageError{text: fmt.Sprintf("two profiles are to be called %q", d.Name), command: "gatehop configure"}
		}
		taken[d.Name] = true
	}
	return nil
}

// checkDestinations finds what is wrong with those of the flags before anything is sent.
func (c *configuring) checkDestinations() error {
	all, err := c.ofFlags("aws") // another partition changes no name
	if err != nil {
		return err
	}
	if err := c.distinct(all); err != nil {
		return err
	}
	for _, d := range all {
		if _, err := c.hop(d); err != nil {
			return err
		}
	}
	return c.refuseOther(namesOf(all)...)
}

// ofFlags reads --accounts and --destination.
func (c *configuring) ofFlags(partition string) ([]destination.Destination, error) {
	var all []destination.Destination
	for _, text := range c.o.accounts {
		d, err := destination.Parse(strings.TrimSpace(text))
		if err == nil && d.RoleARN != "" {
			err = &destination.Error{Text: text, Problem: "is a role, which --destination takes"}
		}
		if err == nil {
			d, err = d.In(partition, c.o.roleName)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	for _, text := range c.o.destinations {
		d, err := destination.Parse(strings.TrimSpace(text))
		if err == nil && d.RoleARN == "" {
			err = &destination.Error{Text: text, Problem: "names no role: NAME=ROLE_ARN"}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	for i := range all {
		if all[i].Name == "" {
			all[i].Name = all[i].Proposal()
		}
	}
	return all, nil
}

// none is what stands for no further destination in a question.
const none = "none"

// fewNames is up to how many destinations of one answer a person is asked what to call
// each of them.
const fewNames = 5

// askDestinations asks until there are no more.
func (c *configuring) askDestinations(ctx context.Context) ([]destination.Destination, error) {
	var all []destination.Destination
	c.say("Accounts behind the gateway: as 222222222222 or NAME=222222222222, several with\ncommas, or as the ARN of a role.")
	q := idp.Question{Field: "destinations", Label: "Accounts", Default: none}
	role := ""
	for {
		text, err := c.ask(ctx, "--accounts", q, func(answer string) string { return c.listProblem(answer, all) })
		var missing *missingError
		if text == none || errors.As(err, &missing) && len(all) > 0 {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		more, err := destination.ParseList(text)
		if err != nil {
			return nil, err
		}
		if all, role, err = c.complete(ctx, all, more, role); err != nil {
			return nil, err
		}
		q = idp.Question{Field: "more", Label: "Further accounts", Default: none}
	}
}

// listProblem says why an answer cannot be added to the destinations that are known.
func (c *configuring) listProblem(text string, known []destination.Destination) string {
	if text == none {
		return ""
	}
	all, err := destination.ParseList(text)
	for _, d := range all {
		if err == nil && d.RoleARN != "" {
			err = d.Check(partitionName(c.gateway.RoleARN))
		}
	}
	switch {
	case err != nil:
		return strings.TrimPrefix(err.Error(), "destination ")
	case len(all) == 0:
		return "holds no account"
	}
	for i, d := range all {
		if d.Name == "" {
			continue
		}
		if problem := c.nameProblem(d.Name, known, all[:i]); problem != "" {
			return fmt.Sprintf("%q %s", d.Name, problem)
		}
	}
	return ""
}

// complete asks for the role in those of more that name none, and for the names of a few,
// and adds them to known.
func (c *configuring) complete(ctx context.Context, known, more []destination.Destination, role string) ([]destination.Destination, string, error) {
	all, partition := slices.Clone(more), partitionName(c.gateway.RoleARN)
	for i, d := range all {
		if d.RoleARN == "" && role == "" {
			problem := func(answer string) string {
				var bad *destination.Error
				if _, err := d.In(partition, answer); errors.As(err, &bad) {
					return bad.Problem
				}
				return ""
			}
			var err error
			if role, err = c.ask(ctx, "--role-name", idp.Question{Field: "role_name", Label: "Role in " + there(all)}, problem); err != nil {
				return nil, "", err
			}
		}
		var err error
		if all[i], err = d.In(partition, role); err != nil {
			return nil, "", err
		}
	}
	for i, d := range all {
		if d.Name != "" {
			continue
		}
		all[i].Name = d.Proposal()
		if len(all) > fewNames {
			continue
		}
		var err error
		q := idp.Question{Field: "name", Label: "Name of the profile for " + d.Account, Default: d.Proposal()}
		problem := func(answer string) string { return c.nameProblem(answer, known, all[:i], all[i+1:]) }
		if all[i].Name, err = c.ask(ctx, "--accounts NAME=ACCOUNT", q, problem); err != nil {
			return nil, "", err
		}
	}
	return append(known, all...), role, nil
}

func there(all []destination.Destination) string {
	if len(all) == 1 {
		return all[0].Account
	}
	return "these accounts"
}

// nameProblem says why a profile beside others cannot be called so.
func (c *configuring) nameProblem(name string, others ...[]destination.Destination) string {
	if rest, ok := strings.CutPrefix(awsfile.NameProblem(name), "has a name "); ok {
		return "is a name " + rest
	}
	if problem := awsfile.NameProblem(name); problem != "" {
		return problem
	}
	for _, list := range others {
		for _, d := range list {
			if d.Name == name {
				return "is the name of another account already"
			}
		}
	}
	var taken *takenError
	var refused *configWriteError
	err := c.free(name)
	if err == nil {
		err = c.refuseOther(name)
	}
	switch {
	case errors.As(err, &taken):
		return taken.Why
	case errors.As(err, &refused):
		return "cannot be used: " + refused.Err.Error()
	}
	return ""
}

// free says whose a profile's name is, if it is not free for a hop behind the gateway.
func (c *configuring) free(name string) error {
	old, own, ok := c.config.Draft(name)
	switch {
	case name == c.gateway.Name:
		return &takenError{Profile: name, Why: "is the gateway's own name"}
	case !ok || !own:
		return nil
	case old.Kind != "":
		return &takenError{Profile: name, Why: "is a gateway, and no hop"}
	case old.Source != "" && old.Source != c.gateway.Name:
		return &takenError{Profile: name, Why: "is a hop behind " + old.Source}
	}
	return nil
}

// hop is the draft of a destination, over what its profile has already.
func (c *configuring) hop(d destination.Destination) (profile.Draft, error) {
	if err := c.free(d.Name); err != nil {
		return profile.Draft{}, err
	}
	hop := profile.Draft{Name: d.Name, Source: c.gateway.Name, RoleARN: d.RoleARN, Helper: c.helper, Region: c.o.region}
	if c.o.externalID != "" {
		if problem := hop.Set("gatehop_external_id", c.o.externalID, profile.Place{Dir: ".", URLs: anyurl.Read}); problem != "" {
			return hop, &usageError{text: "--external-id " + problem, command: "gatehop configure"}
		}
	}
	old, _, _ := c.config.Draft(d.Name)
	hop = hop.Over(old)
	if hop.Region == "" {
		hop.Region = c.gateway.Region
	}
	return hop, nil
}

// reportOf is a draft as it is reported.
func (c *configuring) reportOf(d profile.Draft, before, after *awsfile.File) profileReport {
	r := profileReport{Name: d.Name, RoleARN: d.RoleARN, Source: d.Source, State: "new"}
	if arn, err := saml.ParseRoleARN(d.RoleARN); err == nil {
		r.Account = arn.Account
	}
	old, ok := before.Section(awsfile.Config, d.Name)
	now, _ := after.Section(awsfile.Config, d.Name)
	if ok {
		r.State = "changed"
		if string(before.Data[old.Header.Start:old.Body.End]) == string(after.Data[now.Header.Start:now.Body.End]) {
			r.State = "unchanged"
		}
	}
	return r
}
