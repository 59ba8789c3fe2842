package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/sts"
)

// refreshParallel is how many hops behind one gateway are made at once.
const refreshParallel = 10

type refreshOptions struct {
	atLeast                time.Duration
	write, overwrite, json bool
}

func refreshCommand(a *app) *cobra.Command {
	var o refreshOptions
	c := &cobra.Command{
		Use: "refresh [PROFILE...]", Short: "make sure that credentials last, before work starts",
		Long: `Makes sure that the credentials of every PROFILE are good, and with --at-least
for that long: from the cache where they are, else with a new hop, else with a
sign-in. What needs nobody asks nobody; without a terminal, where a person is
needed, it exits with status 3.

--write also puts them into sections PROFILE-session of the AWS credentials
file, all in one step, for tools that can read nothing else.

Standard output has one line per profile, or JSON with --json. If some fail,
the others are made all the same, and the status is that of the first that
failed.`,
		Example: `  gatehop refresh staging dev --at-least 45m
  gatehop refresh dev --json && terraform apply
  gatehop refresh staging dev --write    # as staging-session and dev-session`,
		ValidArgsFunction: a.completeProfiles,
		RunE:              func(c *cobra.Command, given []string) error { return a.refresh(c.Context(), given, o) },
	}
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
}

func (a *app) refresh(ctx context.Context, given []string, o refreshOptions) error {
	chains, err := a.chainsOf(ctx, given)
	if err != nil {
		return err
	}
	if n := len(chains) - 1; n > 0 {
		a.subject = fmt.Sprintf("%s and %s", chains[0][len(chains[0])-1].Name, plural(n, "other"))
	}
	writes, err := a.planRefresh(ctx, chains, o)
	if err != nil {
		return err
	}
	list := a.refreshAll(ctx, chains)
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

// planRefresh finds what is refused before anything is asked or sent.
func (a *app) planRefresh(ctx context.Context, chains []profile.Chain, o refreshOptions) ([]writing, error) {
	if o.overwrite && !o.write {
		return nil, &usageError{text: "--overwrite goes with --write", command: "gatehop refresh"}
	}
	if err := a.oneProvider(chains); err != nil {
		return nil, err
	}
	var writes []writing
	for _, ch := range chains {
		f, err := a.flow(ch)
		if err != nil {
			return nil, err
		}
		if err := checkAtLeast("gatehop refresh", ch, o.atLeast, f.Longest(ch)); err != nil {
			return nil, err
		}
		f.AtLeast = o.atLeast
		region, err := a.regionOf(ch)
		if err != nil {
			return nil, err
		}
		name := ch[len(ch)-1].Name
		writes = append(writes, writing{Profile: name, Section: defaultSection(name), Region: region})
	}
	if !o.write {
		return nil, nil
	}
	_, _, err := a.planSections(ctx, writes, o.overwrite)
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

// chainsOf finds the chains of the named profiles, each once, or of the one that is meant.
func (a *app) chainsOf(ctx context.Context, given []string) ([]profile.Chain, error) {
	if len(given) > 0 && a.profileFlag != "" {
		given = append(slices.Clone(given), a.profileFlag)
	}
	if len(given) < 2 {
		ch, err := a.chain(ctx, given)
		return []profile.Chain{ch}, err
	}
	config, err := a.profiles()
	if err != nil {
		return nil, err
	}
	var chains []profile.Chain
	for i, name := range given {
		if slices.Index(given, name) < i {
			continue
		}
		ch, err := config.Chain(name)
		if err != nil {
			return nil, err
		}
		chains = append(chains, ch)
	}
	return chains, nil
}

// oneProvider refuses a password of the environment where it would go to several
// identity providers and nothing says to which, or would be sent for several persons.
func (a *app) oneProvider(chains []profile.Chain) error {
	env := environ.Vars(a.env)
	secrets := slices.DeleteFunc(slices.Clone(ownSecrets), func(name string) bool { return env.Get(name) == "" })
	if len(secrets) == 0 {
		return nil
	}
	var first *settings
	var who somebody
	for _, ch := range chains {
		if _, err := a.flow(ch); err != nil { // it knows the user that was typed before
			return err
		}
		s, err := a.settings(ch)
		if err != nil {
			return err
		}
		if s.Password.IsZero() && s.OTP.IsZero() { // meant for another host
			continue
		}
		now := s.who()
		if first != nil && !now.is(who) {
			advice := "refresh them one after the other, each with its own"
			if hostOf(s.SignIn.URL) != hostOf(first.SignIn.URL) {
				advice = "GATEHOP_IDP_HOST must name the one it is for"
			}
			return &usageError{text: fmt.Sprintf("%s is set and the profiles sign in %v and %v: %s",
				strings.Join(secrets, " and "), who, now, advice), command: "gatehop refresh"}
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

// refreshAll makes sure of every chain. Gateways come one after the other, because a
// person may have to be asked; behind each, the first profile finds out whether there is
// a session and the rest are made at once.
func (a *app) refreshAll(ctx context.Context, chains []profile.Chain) []refreshed {
	list := make([]refreshed, len(chains))
	behind := map[string][]int{}
	var order []string
	for i, ch := range chains {
		if behind[ch[0].Name] == nil {
			order = append(order, ch[0].Name)
		}
		behind[ch[0].Name] = append(behind[ch[0].Name], i)
	}
	for _, gateway := range order {
		indexes := behind[gateway]
		list[indexes[0]] = a.refreshOne(ctx, chains[indexes[0]])
		var wg sync.WaitGroup
		slots := make(chan struct{}, refreshParallel)
		for _, i := range indexes[1:] {
			slots <- struct{}{}
			wg.Go(func() {
				list[i] = a.refreshNext(ctx, chains[i], list[indexes[0]].err)
				<-slots
			})
		}
		wg.Wait()
	}
	return list
}

// refreshNext is refreshOne after another profile of the same gateway ended with first. A
// sign-in that failed is not begun again for each of them.
func (a *app) refreshNext(ctx context.Context, ch profile.Chain, first error) refreshed {
	f, err := a.flow(ch)
	var hop *flow.HopError
	if first == nil || err != nil || errors.As(first, &hop) && hop.Profile != ch[0].Name || f.Alone(ctx, ch) {
		return a.refreshOne(ctx, ch)
	}
	return refreshed{Profile: ch[len(ch)-1].Name, Result: "failed", err: first, Error: explain(first).message}
}

func (a *app) refreshOne(ctx context.Context, ch profile.Chain) refreshed {
	r := refreshed{Profile: ch[len(ch)-1].Name}
	s, made, err := a.ensure(ctx, ch)
	if err != nil {
		r.Result, r.err, r.Error = "failed", err, explain(err).message
		return r
	}
	if r.Result = "cached"; made {
		r.Result = "new"
	}
	role := ch[len(ch)-1].RoleARN
	if role == "" {
		role = s.Role
	}
	r.Account, r.Role, r.Identity = accountOf(role), nameOf(role), s.Identity
	r.session, r.left = s, s.Remaining(a.now())
	r.Expires, r.Seconds = new(s.Expires.UTC()), new(int64(r.left/time.Second))
	return r
}

// ensure yields a session that has what its flow asks for. made says that it is not the
// one that was kept before.
func (a *app) ensure(ctx context.Context, ch profile.Chain) (s flow.Session, made bool, err error) {
	f, err := a.flow(ch)
	if err != nil {
		return s, false, err
	}
	return a.ensureBy(ctx, f, ch)
}

// ensureBy is ensure for a chain, or the beginning of one, that f makes sessions of.
func (a *app) ensureBy(ctx context.Context, f *flow.Flow, ch profile.Chain) (s flow.Session, made bool, err error) {
	before, ok := f.Cached(ctx, ch)
	if ok && !f.Force && f.Fresh(before) {
		return before, false, nil
	}
	if s, err = a.renewed(ctx, f, ch); err != nil {
		return s, false, err
	}
	if left := s.Remaining(a.now()); left < f.AtLeast {
		return s, false, &shortError{Profile: ch[len(ch)-1].Name, Left: left, AtLeast: f.AtLeast}
	}
	return s, s.AccessKeyID != before.AccessKeyID, nil
}

// shortError reports that AWS gives no session of the life that was asked for.
type shortError struct {
	Profile       string
	Left, AtLeast time.Duration
}

func (e *shortError) Error() string {
	return fmt.Sprintf("profile %s: a new session has %s and not the %s that are asked for", e.Profile, span(e.Left), span(e.AtLeast))
}

func (a *app) printRefreshed(list []refreshed, asJSON bool) error {
	if asJSON {
		return a.printJSON(list)
	}
	t := table{titles: []string{"PROFILE", "RESULT", "EXPIRES", "IDENTITY"}}
	for _, r := range list {
		expires, result := "-", plainCell(r.Result)
		if r.err == nil {
			expires = in(r.left)
		} else {
			result.paint = paintBad
		}
		t.rows = append(t.rows, row{cells: []cell{plainCell(r.Profile), result, plainCell(expires), identityCell(r.Identity)}})
	}
	return a.print(t)
}

// reportFailures says each failure once, however many profiles it befell, and returns
// the status of the first.
func (a *app) reportFailures(list []refreshed) error {
	first, said := statusOK, map[string]bool{}
	for _, r := range list {
		if r.err == nil || said[r.Error] {
			continue
		}
		said[r.Error] = true
		if status := a.report(r.err); first == statusOK {
			first = status
		}
	}
	if first == statusOK {
		return nil
	}
	return &statusError{status: first}
}

// statusError ends a run whose failures have been said.
type statusError struct{ status int }

func (e *statusError) Error() string {
	return fmt.Sprintf("some profiles failed (status %d)", e.status)
}
