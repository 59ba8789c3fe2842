package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/awsdisk"
	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds"
	"gatehop/saml"
)

type loginOptions struct {
	role     string
	duration time.Duration
	force    bool
	json     bool

	write             string // "": write nothing
	dryRun, overwrite bool
	storePassword     bool
}

// writeDefault is --write without a name.
const writeDefault = "PROFILE-session"

func loginCommand(a *app) *cobra.Command {
	var o loginOptions
	c := &cobra.Command{
		Use: "login [PROFILE]", Short: "sign in and show every hop's identity and expiry",
		Long: `Signs in at the identity provider of PROFILE, takes the gateway's role and
walks the chain to PROFILE. What is still good is used as it is, the provider's
own session too, which asks for no password. --force renews it all and signs in
anew.

Standard output has one line per hop, or JSON with --json.

--write also puts the credentials into a section of the AWS credentials file,
for tools that can read nothing else; run it again when they have expired. No
other byte of the file changes. --dry-run only shows what would, and signs in
nowhere.

A gateway whose profile names no role takes the one of --role, or asks:

  gatehop login open --role 111111111111/ReadOnly`,
		Example: `  gatehop login gateway
  gatehop login prod --write             # as profile prod-session
  gatehop login prod --write=legacy --dry-run
  gatehop login gateway --duration 8h`,
		Args: args(0, 1, "one PROFILE"), ValidArgsFunction: a.completeProfile,
		RunE: func(c *cobra.Command, given []string) error {
			if c.Flags().Changed("write") && o.write == "" {
				return &usageError{text: "--write= names no section", command: "gatehop login"}
			}
			return a.login(c.Context(), given, o)
		},
	}
	c.Flags().StringVar(&o.role, "role", "", "the role to take at the gateway: ARN, ACCOUNT/NAME, ALIAS/NAME, NAME or a pattern; '*' chooses anew")
	c.Flags().DurationVar(&o.duration, "duration", 0, "how long the gateway session shall last, 15m to 12h; signs in again, like --force")
	c.Flags().BoolVar(&o.force, "force", false, "sign in again and renew every hop")
	c.Flags().BoolVar(&o.storePassword, "store-password", false, "keep the password that is typed, without asking whether to")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	c.Flags().StringVar(&o.write, "write", "", "also write the section `NAME` of the AWS credentials file")
	c.Flags().Lookup("write").NoOptDefVal = writeDefault
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "with --write: show what would change in the file, and do nothing else")
	c.Flags().BoolVar(&o.overwrite, "overwrite", false, "with --write: replace credentials in that section that gatehop did not write")
	return c
}

func (o loginOptions) check() error {
	if o.duration != 0 && (o.duration < 15*time.Minute || o.duration > 12*time.Hour) {
		return &usageError{text: fmt.Sprintf("--duration %v is not between 15m and 12h", o.duration), command: "gatehop login"}
	}
	if o.write == "" && (o.dryRun || o.overwrite) {
		return &usageError{text: "--dry-run and --overwrite go with --write", command: "gatehop login"}
	}
	return nil
}

func (a *app) login(ctx context.Context, given []string, o loginOptions) error {
	a.isLogin, a.afresh = true, o.force
	if err := o.check(); err != nil {
		return err
	}
	a.unattended = a.unattended || o.dryRun
	ch, err := a.chain(ctx, given)
	if err != nil {
		return err
	}
	if o.role != "" && ch[0].RoleARN != "" {
		return &usageError{text: fmt.Sprintf("--role %q: profile %s names its role itself (%s)", o.role, ch[0].Name, ch[0].RoleARN), command: "gatehop login"}
	}
	write, err := a.planWrite(ctx, ch, o)
	if o.dryRun || err != nil {
		return err
	}
	f, err := a.flow(ch)
	if err != nil {
		return err
	}
	f.Want.Role, f.Want.Duration, f.Force = o.role, o.duration, o.force || o.duration != 0
	if a.noInput {
		if err := a.withoutPerson(ctx, f, ch); err != nil {
			return err
		}
	}
	s, err := a.settings(ch)
	if err != nil {
		return err
	}
	if s.Endpoint != "" && !o.json {
		fmt.Fprintf(a.stderr, "STS endpoint: %s\n", s.Endpoint) // said with --quiet too: it gets the sign-in
	}
	hops, last, err := a.walk(ctx, f, ch)
	if err != nil {
		return err
	}
	a.warnShort(ch, hops)
	report := map[string]any{"profile": ch[len(ch)-1].Name, "user": hops[0].User, "hops": hops}
	if s.Endpoint != "" {
		report["sts_endpoint"] = s.Endpoint
	}
	if !o.json {
		err = a.printHops(hops)
	}
	if write != nil && err == nil {
		write.Session = last.Credentials
		var done awsdisk.Written
		done, err = a.writeSections(ctx, []writing{*write}, o.overwrite)
		report["written"] = written{File: done.Path, Section: write.Section}
	}
	if err != nil {
		delete(report, "written")
	}
	if o.json { // said after a failed writing too: the session is there all the same
		err = errors.Join(a.printJSON(report), err)
	}
	if err != nil {
		return err
	}
	return a.keepOffer(ctx, o.storePassword)
}

// written says in JSON where credentials were written.
type written struct {
	File    string `json:"file"`
	Section string `json:"section"`
	Diff    string `json:"diff,omitempty"` // of --dry-run
}

// planWrite finds what --write would be refused for, and shows it with --dry-run. nil
// is no --write.
func (a *app) planWrite(ctx context.Context, ch profile.Chain, o loginOptions) (*writing, error) {
	if o.write == "" {
		return nil, nil
	}
	region, err := a.regionOf(ch)
	if err != nil {
		return nil, err
	}
	w := &writing{Profile: ch[len(ch)-1].Name, Section: o.write, Region: region}
	if o.write == writeDefault {
		w.Section = defaultSection(w.Profile)
	}
	file, diff, err := a.planSections(ctx, []writing{*w}, o.overwrite)
	switch {
	case err != nil || !o.dryRun:
		return w, err
	case o.json:
		return w, a.printJSON(written{File: file, Section: w.Section, Diff: diff})
	case diff == "":
		a.say("nothing would change in %s", file)
	}
	_, err = io.WriteString(a.stdout, diff)
	return w, err
}

// hopReport is one hop as login and the demo show it.
type hopReport struct {
	Profile  string    `json:"profile"`
	Account  string    `json:"account"`
	Alias    string    `json:"alias,omitempty"`
	Role     string    `json:"role"`
	Identity string    `json:"identity"`
	Expires  time.Time `json:"expires"`
	User     string    `json:"user,omitempty"`

	left     time.Duration // in the server's time
	lifetime time.Duration // as granted
	colour   string        // of the profile
}

// walk runs the chain and reports each hop.
func (a *app) walk(ctx context.Context, f *flow.Flow, ch profile.Chain) ([]hopReport, flow.Session, error) {
	var hops []hopReport
	var held []creds.Credentials
	last, err := f.Walk(ctx, ch, func(p profile.Profile, s flow.Session) {
		role := p.RoleARN
		if role == "" {
			role = s.Role
		}
		h := hopReport{Profile: p.Name, Role: role, Alias: p.Alias, Identity: s.Identity, Expires: s.Expires.UTC(), User: s.User,
			left: s.Remaining(a.now()), lifetime: s.Lifetime, colour: p.Color}
		if arn, err := saml.ParseRoleARN(role); err == nil {
			h.Account, h.Role = arn.Account, arn.Name
		}
		hops, held = append(hops, h), append(held, s.Credentials)
	})
	if err == nil {
		a.sayClock(last.Skew)
		a.nameHops(ctx, ch, hops, held)
	}
	return hops, last, err
}

// clockTolerance is how far the local clock may be from AWS's before it is worth a word.
// Tools compare expiries with the local clock.
const clockTolerance = 2 * time.Minute

// sayClock names a clock that is off. skew is the server's time minus the local one.
func (a *app) sayClock(skew time.Duration) {
	where := "behind"
	if skew < 0 {
		where = "ahead of"
	}
	if skew.Abs() > clockTolerance {
		a.say("this machine's clock is %s %s AWS's", span(skew.Abs()), where)
	}
}

// shortSession is below what AWS tools use without trouble: boto renews a session of a
// helper at every call in its last 15 minutes.
const shortSession = 30 * time.Minute

// warnShort says once in a run, for the profile that was asked for, that its sessions are
// short. No other command says it: a login is what a person reads.
func (a *app) warnShort(ch profile.Chain, hops []hopReport) {
	last := hops[len(hops)-1]
	if last.lifetime >= shortSession {
		return
	}
	key := "gatehop_duration_seconds"
	if len(ch) == 1 {
		key = "gatehop_session_duration"
	}
	a.say("gatehop: warning: sessions of profile %s last %s; below 30 min AWS tools call gatehop again and again (%s)",
		last.Profile, span(last.lifetime.Round(time.Minute)), key)
}

func (a *app) printHops(hops []hopReport) error {
	t := table{titles: []string{"PROFILE", "ACCOUNT", "ROLE", "EXPIRES", "IDENTITY"}}
	for _, h := range hops {
		account := plainCell(h.Account)
		if h.Alias != "" {
			account = shorter(h.Account+" ("+h.Alias+")", h.Alias)
		}
		t.rows = append(t.rows, row{colour: h.colour, cells: []cell{plainCell(h.Profile), account, plainCell(h.Role), plainCell(in(h.left)),
			shorter(h.Identity, sessionIn(h.Identity))}})
	}
	return a.print(t)
}
