package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/sts"
)

type refreshOptions struct {
	all                    bool
	parallel               int
	atLeast                time.Duration
	write, overwrite, json bool
}

func refreshCommand(a *app) *cobra.Command {
	var o refreshOptions
	c := &cobra.Command{
		Use: "refresh [PROFILE...]", Short: "make sure that credentials last, before work starts",
		Long: `Makes sure that the credentials of every PROFILE are good, and with --at-least
for that long: from the cache where they are, else with a new hop, else with a
sign-in. PROFILE may be a pattern with * and ?; --all is every profile. However
many they are, one person signs in at one provider once. What needs nobody asks
nobody; without a terminal, where a person is needed, it exits with status 3.

Hops are made --parallel at once, fewer while AWS says that they are too many;
what it throttled is made later and not lost.

--write also puts them into sections PROFILE-session of the AWS credentials
file, all in one step, for tools that can read nothing else.

Standard output has one line per profile, or JSON with --json. If some fail,
the others are made all the same, and the status is that of the first that
failed.`,
		Example: `  gatehop refresh --all
  gatehop refresh staging 'd*' --at-least 45m
  gatehop refresh dev --json && terraform apply
  gatehop refresh staging dev --write    # as staging-session and dev-session`,
		ValidArgsFunction: a.completeProfiles,
		RunE:              func(c *cobra.Command, given []string) error { return a.refresh(c.Context(), given, o) },
	}
	c.Flags().BoolVar(&o.all, "all", false, "every profile that gatehop knows")
	addParallel(c, &o.parallel, "hops")
	c.Flags().DurationVar(&o.atLeast, "at-least", 0, "the life that the credentials must have left, for example 45m")
	c.Flags().BoolVar(&o.write, "write", false, "also write the sections PROFILE-session of the AWS credentials file")
	c.Flags().BoolVar(&o.overwrite, "overwrite", false, "with --write: replace credentials in those sections that gatehop did not write")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

// refreshed is what became of one profile.
type refreshed struct {
	Profile  string     `json:"profile"`
	Result   string     `json:"result"` // "cached", "new" or "failed"
	Account  string     `json:"account,omitempty"`
	Role     string     `json:"role,omitempty"`
	Identity string     `json:"identity,omitempty"`
	Expires  *time.Time `json:"expires,omitempty"`
	Seconds  *int64     `json:"seconds_left,omitempty"`
	Error    string     `json:"error,omitempty"`
	Written  string     `json:"written,omitempty"` // section of the AWS credentials file

	err     error
	left    time.Duration
	session flow.Session
	colour  string // of the profile
}

func (o refreshOptions) check(given []string) error {
	switch {
	case o.overwrite && !o.write:
		return &usageError{text: "--overwrite goes with --write", command: "gatehop refresh"}
	case o.all && len(given) > 0:
		return &usageError{text: fmt.Sprintf("--all is every profile, and %q is named too", given[0]), command: "gatehop refresh"}
	case o.atLeast < 0:
		return &usageError{text: "--at-least is not a time to come", command: "gatehop refresh"}
	}
	return checkParallel(o.parallel, "gatehop refresh")
}

func (a *app) refresh(ctx context.Context, given []string, o refreshOptions) error {
	if a.profileFlag != "" && (o.all || len(given) > 0) {
		given = append(slices.Clone(given), a.profileFlag)
	}
	if err := o.check(given); err != nil {
		return err
	}
	targets, err := a.refreshable(ctx, given, o)
	if err != nil {
		return err
	}
	a.nameCrowd(targets)
	writes, err := a.planRefresh(ctx, targets, o)
	if err != nil {
		return err
	}
	list := a.refreshAll(ctx, targets, o.parallel)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	unwritten := a.writeRefreshed(ctx, list, writes, o.overwrite)
	if err := a.printRefreshed(list, o.json); err != nil {
		return err
	}
	if err := a.reportFailures(list); err != nil {
		if unwritten != nil {
			a.report(unwritten)
		}
		return err
	}
	return unwritten
}

// refreshable finds the profiles that are meant: all, those that are named, or the usual one.
func (a *app) refreshable(ctx context.Context, given []string, o refreshOptions) ([]target, error) {
	switch {
	case o.all:
		return a.targets([]string{everyProfile})
	case len(given) > 0:
		return a.targets(given)
	}
	ch, err := a.chain(ctx, nil)
	if err != nil {
		return nil, err
	}
	return []target{{name: ch[len(ch)-1].Name, chain: ch}}, nil
}

// planRefresh finds what is refused before anything is asked or sent. There is a writing
// for every target, or none at all.
func (a *app) planRefresh(ctx context.Context, targets []target, o refreshOptions) ([]writing, error) {
	a.openAll(targets, func(t target, f *flow.Flow) error {
		f.AtLeast = o.atLeast
		return checkAtLeast("gatehop refresh", t.chain, o.atLeast, f.Longest(t.chain))
	})
	if err := a.oneProvider(targets); err != nil {
		return nil, err
	}
	if err := firstOfAll(targets); err != nil || !o.write {
		return nil, err
	}
	var writes, good []writing
	for _, t := range targets {
		w := writing{Profile: t.name, Section: defaultSection(t.name)}
		if t.err == nil {
			w.Region, _ = a.regionOf(t.chain) // openAll has seen it
			good = append(good, w)
		}
		writes = append(writes, w)
	}
	_, _, err := a.planSections(ctx, good, o.overwrite)
	return writes, err
}

// writeRefreshed writes the sections of the profiles that did not fail, in one step.
func (a *app) writeRefreshed(ctx context.Context, list []refreshed, writes []writing, overwrite bool) error {
	var good []writing
	for i := range writes {
		if list[i].err == nil {
			writes[i].Session = list[i].session.Credentials
			good = append(good, writes[i])
		}
	}
	if len(good) == 0 {
		return nil
	}
	if _, err := a.writeSections(ctx, good, overwrite); err != nil {
		return err
	}
	for i := range writes {
		if list[i].err == nil {
			list[i].Written = writes[i].Section
		}
	}
	return nil
}

// oneProvider refuses a password of the environment where it would go to several
// identity providers and nothing says to which, or would be sent for several persons.
func (a *app) oneProvider(targets []target) error {
	env := environ.Vars(a.env)
	secrets := slices.DeleteFunc(slices.Clone(ownSecrets), func(name string) bool { return env.Get(name) == "" })
	if len(secrets) == 0 {
		return nil
	}
	var first *settings
	var who somebody
	for _, t := range targets {
		if t.err != nil {
			continue
		}
		s, err := a.settings(t.chain) // openAll has filled in the user that was typed before
		if err != nil {
			return err
		}
		if s.Password.IsZero() && s.OTP.IsZero() { // meant for another host
			continue
		}
		now := s.who()
		if first != nil && !now.is(who) {
			advice := "refresh them one after the other, each with its own"
			if a.command == "each" {
				advice = "run it for one after the other, each with its own"
			}
			if hostOf(s.SignIn.URL) != hostOf(first.SignIn.URL) {
				advice = "GATEHOP_IDP_HOST must name the one it is for"
			}
			return &usageError{text: fmt.Sprintf("%s is set and the profiles sign in %v and %v: %s",
				strings.Join(secrets, " and "), who, now, advice), command: "gatehop " + a.command}
		}
		if first == nil || who.user == "" {
			first, who = s, now
		}
	}
	return nil
}

// checkAtLeast refuses what no session of the chain can have: longest is the longest one.
func checkAtLeast(command string, ch profile.Chain, atLeast, longest time.Duration) error {
	p, why := ch[len(ch)-1], "what its profile or its role allows"
	switch {
	case len(ch) == 1 && longest == sts.MaxSession:
		why = "a session of a gateway"
	case len(ch) > 1 && longest == sts.MaxChained:
		why = "a session behind a gateway"
	}
	// A new session must not be too short by the time that it takes to make it.
	longest -= time.Minute
	switch {
	case atLeast < 0:
		return &usageError{text: "--at-least is not a time to come", command: command}
	case atLeast > longest:
		return &usageError{text: fmt.Sprintf("--at-least %s: profile %s can have %s at most (%s, less a minute to make it)", span(atLeast), p.Name, span(longest), why), command: command}
	}
	return nil
}

// refreshAll makes sure of every target. There are more of them under way than calls, so
// that AWS does not wait for what is kept.
func (a *app) refreshAll(ctx context.Context, targets []target, parallel int) []refreshed {
	a.openGate(parallel)
	list := make([]refreshed, len(targets))
	done, end := a.progress.tally("refreshing", len(targets))
	defer end()
	for i, t := range targets {
		if t.err != nil {
			list[i] = failedRefresh(t.name, t.err)
			done(true)
		}
	}
	a.inCrowds(ctx, targets, 2*parallel, func(i int, signIn error) error {
		list[i] = a.refreshOne(ctx, targets[i].chain, signIn)
		done(list[i].err != nil)
		return list[i].err
	})
	return list
}

// failedRefresh is what became of a profile that err happened to.
func failedRefresh(name string, err error) refreshed {
	if err == nil {
		return refreshed{Profile: name}
	}
	return refreshed{Profile: name, Result: "failed", err: err, Error: explain(err).message}
}

func (a *app) refreshOne(ctx context.Context, ch profile.Chain, signIn error) refreshed {
	p := ch[len(ch)-1]
	f, err := a.flow(ch)
	if err != nil {
		return failedRefresh(p.Name, err)
	}
	s, made, err := flow.Session{}, false, signIn
	if signIn == nil {
		s, made, err = a.ensureBy(ctx, f, ch)
	} else if rest, ok := a.longEnough(ctx, f, ch, signIn); ok {
		s, err = rest, nil
	}
	if err != nil {
		return failedRefresh(p.Name, err)
	}
	r := refreshed{Profile: p.Name, Result: "cached", colour: p.Color}
	if made {
		r.Result = "new"
	}
	role := p.RoleARN
	if role == "" {
		role = s.Role
	}
	r.Account, r.Role, r.Identity = accountOf(role), nameOf(role), s.Identity
	r.session, r.left = s, s.Remaining(a.now())
	r.Expires, r.Seconds = new(s.Expires.UTC()), new(int64(r.left/time.Second))
	return r
}

func (a *app) printRefreshed(list []refreshed, asJSON bool) error {
	if asJSON {
		return a.printJSON(list)
	}
	t := table{titles: []string{"PROFILE", "RESULT", "EXPIRES", "IDENTITY"}}
	for _, r := range list {
		cells := []cell{plainCell(r.Profile), plainCell(r.Result), plainCell(in(r.left)), identityCell(r.Identity)}
		if r.err != nil {
			cells[1].paint, cells[2], cells[3] = paintBad, plainCell("-"), shorter(r.Error, briefly(r.err))
		}
		t.rows = append(t.rows, row{colour: r.colour, cells: cells})
	}
	return a.print(t)
}

// briefly is an error for a narrow column: AWS's code where there is one.
func briefly(err error) string {
	var refused *sts.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return explain(err).message
}

// reportFailures says each failure once, however many profiles it befell, and what is to
// be known or done about it once for all of its kind. It returns the status of the first.
func (a *app) reportFailures(list []refreshed) error {
	first, said := statusOK, map[string]bool{}
	for _, r := range list {
		if r.err == nil {
			continue
		}
		e := explain(r.err)
		if first == statusOK {
			first = e.status
		}
		a.tellOnce(said, r.Error, e, r.err)
	}
	if first == statusOK {
		return nil
	}
	return &statusError{status: first}
}

// tellOnce tells e, the explanation of err, unless that was said, and without what is to be
// known or done about it where that was.
func (a *app) tellOnce(said map[string]bool, message string, e explanation, err error) {
	if said[message] || e.status == statusInterrupted && !errors.As(err, new(*sharedError)) {
		return
	}
	kind := strings.Join(e.detail, "\n")
	if kind == "" {
		kind = e.hint
	}
	if said[kind] {
		e.detail, e.hint = nil, ""
	}
	said[message], said[kind] = true, true
	a.tell(e)
}

// statusError ends a run whose failures have been said.
type statusError struct{ status int }

func (e *statusError) Error() string {
	return fmt.Sprintf("some profiles failed (status %d)", e.status)
}
