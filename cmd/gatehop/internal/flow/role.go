package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gatehop/cmd/gatehop/internal/choices"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/idp"
	"gatehop/saml"
)

// RoleError reports that the role that is wanted cannot be had from the assertion.
type RoleError struct {
	Profile    string
	Want       string // "" if nothing names a role
	Configured bool   // the profile names it, not a flag or a memory
	Matches    []saml.Role
	Offered    []saml.Role
	Shared     []string // accounts that all go by the name in Want; nil if one does
	Near       string   // what of Offered is nearest to Want, spelt as Want is; "" if nothing is
}

func (e *RoleError) Error() string {
	switch {
	case e.Want == "":
		return fmt.Sprintf("profile %s: the identity provider offers %d roles and none is chosen", e.Profile, len(e.Offered))
	case len(e.Shared) > 0:
		return fmt.Sprintf("profile %s: %q names no one account: %s go by that name", e.Profile, e.Want, strings.Join(e.Shared, " and "))
	case len(e.Matches) > 1:
		return fmt.Sprintf("profile %s: %q matches %d of the roles that the identity provider offers", e.Profile, e.Want, len(e.Matches))
	}
	return fmt.Sprintf("profile %s: the identity provider does not offer the role %q", e.Profile, e.Want)
}

// EncryptedError reports an encrypted assertion whose role and provider the profile
// does not both name.
type EncryptedError struct{ Profile string }

func (e *EncryptedError) Error() string {
	return fmt.Sprintf("profile %s: the assertion is encrypted, so its roles cannot be read", e.Profile)
}

// picked is the role of a gateway session.
type picked struct {
	saml.Role
	chosen bool   // a person chose it now
	asked  string // what picks it again: Want.Role, or the ARN if that left a choice
}

// pick chooses the role of the gateway session: the configured one, the one asked
// for, the only one, the remembered one, else the answer of a person. A person also
// decides between several that fit what was asked for.
func (f *Flow) pick(ctx context.Context, p profile.Profile, a *saml.Assertion) (picked, error) {
	if a.Encrypted {
		if p.RoleARN == "" || p.SignIn.PrincipalARN == "" {
			return picked{}, &EncryptedError{Profile: p.Name}
		}
		return picked{Role: saml.Role{ARN: p.RoleARN, Provider: p.SignIn.PrincipalARN}, asked: f.Want.Role}, nil
	}
	want, configured := f.Want.Role, false
	if p.RoleARN != "" {
		want, configured = p.RoleARN, true
	}
	if want == "" {
		role, chosen, err := f.open(ctx, p, a)
		return picked{Role: role, chosen: chosen}, err
	}
	offered := a.Roles
	if p.SignIn.PrincipalARN != "" { // one role may be offered through several providers
		offered = slices.DeleteFunc(slices.Clone(offered), func(r saml.Role) bool { return r.Provider != p.SignIn.PrincipalARN })
	}
	role, problem := f.named(offered, want)
	if problem == nil {
		return picked{Role: role, chosen: !configured, asked: f.Want.Role}, nil
	}
	problem.Profile, problem.Configured, problem.Offered = p.Name, configured, a.Roles
	if len(problem.Matches) > 1 && !configured && differ(problem.Matches) {
		role, err := f.ask(ctx, p, problem.Matches)
		if nobody := (*RoleError)(nil); !errors.As(err, &nobody) {
			return picked{Role: role, chosen: true, asked: role.ARN}, err
		}
	}
	return picked{}, problem
}

// Named is the one role among those offered that want names: its ARN, ACCOUNT/NAME,
// ALIAS/NAME, NAME or a pattern. The error is a *RoleError for the flow's gateway.
func (f *Flow) Named(offered []saml.Role, want string) (saml.Role, error) {
	role, problem := f.named(offered, want)
	if problem == nil {
		return role, nil
	}
	problem.Profile, problem.Offered = f.Gateway, offered
	return saml.Role{}, problem
}

func (f *Flow) named(offered []saml.Role, want string) (saml.Role, *RoleError) {
	matches, shared := f.match(offered, want)
	if len(matches) == 1 && shared == nil {
		return matches[0], nil
	}
	e := &RoleError{Want: want, Matches: matches, Shared: shared}
	if len(matches) == 0 {
		e.Near = nearestRole(want, offered, f.Aliases())
	}
	return saml.Role{}, e
}

// differ reports whether there is more than one role: through several providers, one may
// be several matches.
func differ(matches []saml.Role) bool {
	return slices.ContainsFunc(matches, func(r saml.Role) bool { return r.ARN != matches[0].ARN })
}

// match finds what want names. A name that was learned is chosen by whoever owns the
// account: it counts only where nothing else fits, so that it never changes what the
// assertion and the configuration decide, and only if no other account has it, offered
// or not. shared are the accounts of one that several have.
func (f *Flow) match(offered []saml.Role, want string) (matches []saml.Role, shared []string) {
	if matches = saml.Match(offered, want, f.Given()); len(matches) > 0 {
		return matches, nil
	}
	names := f.Aliases()
	if matches = saml.Match(offered, want, names); len(matches) != 1 {
		return matches, nil
	}
	for account, name := range names {
		if name == names[matches[0].Account()] {
			shared = append(shared, account)
		}
	}
	if len(shared) == 1 {
		return matches, nil
	}
	slices.Sort(shared)
	return matches, shared
}

// open chooses where nothing names a role.
func (f *Flow) open(ctx context.Context, p profile.Profile, a *saml.Assertion) (role saml.Role, chosen bool, err error) {
	roles := a.Roles
	if len(roles) == 1 {
		return roles[0], false, nil
	}
	for _, r := range roles {
		if r.ARN == f.Want.Settled {
			return r, false, nil
		}
	}
	if f.Offering != nil && len(roles) > 1 {
		f.Offering(ctx, a)
	}
	role, err = f.ask(ctx, p, roles)
	return role, err == nil, err
}

func (f *Flow) ask(ctx context.Context, p profile.Profile, roles []saml.Role) (saml.Role, error) {
	q := idp.Question{Field: "role", Label: "Role", Public: true}
	for _, r := range roles {
		q.Options = append(q.Options, r.ARN)
	}
	answer, err := f.Prompt.Ask(ctx, q)
	var needs *idp.NeedsInputError
	if errors.As(err, &needs) {
		return saml.Role{}, &RoleError{Profile: p.Name, Offered: roles}
	}
	if err != nil {
		return saml.Role{}, err
	}
	for _, r := range roles {
		if r.ARN == answer.Reveal() {
			return r, nil
		}
	}
	return saml.Role{}, &RoleError{Profile: p.Name, Want: answer.Reveal(), Offered: roles}
}

// PinError reports that the identity provider or the gateway account is not the one
// that the profile signed in to before, and that nobody confirmed the change.
type PinError struct {
	Profile  string
	What     string // "issuer", "gateway account"
	Was, Now string
	Declined bool // a person said no; else nobody was there
}

func (e *PinError) Error() string {
	return fmt.Sprintf("profile %s: the %s was %q and is now %q", e.Profile, e.What, e.Was, e.Now)
}

// pin records value at the first sign-in of the profile and compares it at every
// later one (security.md 1.2): an open redirect or an exchanged configuration must
// not sign the person in to somebody else's account.
func (f *Flow) pin(ctx context.Context, what choices.Pin, value string) error {
	known, err := f.Choices.Get(f.Gateway)
	if err != nil {
		return err
	}
	was := known.Pinned(what)
	if was == value {
		return nil
	}
	if was != "" {
		e := &PinError{Profile: f.Gateway, What: string(what), Was: was, Now: value}
		yes, err := f.Confirm(ctx, idp.Question{Field: "confirm", Public: true, Options: []string{"no", "yes"},
			Label: strings.ToUpper(e.Error()[:1]) + e.Error()[1:] + ". Go on with the new one?"})
		var needs *idp.NeedsInputError
		if errors.As(err, &needs) {
			return e
		}
		if err != nil {
			return err
		}
		if e.Declined = !yes; e.Declined {
			return e
		}
	}
	f.Choices.SetPin(f.Gateway, what, value)
	return nil
}
