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
	"gatehop/cmd/gatehop/internal/session"
)

func statusCommand(a *app) *cobra.Command {
	var short, watch, asJSON bool
	c := &cobra.Command{
		Use: "status [PROFILE]", Short: "show what is cached, for whom and until when",
		Long: `Shows every cached session: who it is, through which profiles, how long it has
left, and what would keep tools from using it. With PROFILE, that profile and
the way to it, cached or not, and what is remembered of its sign-in.

It asks nobody, sends nothing and runs nothing. --watch stays and shows what
changes, until Ctrl-C. --short prints one word for a
shell prompt: the life that PROFILE's session has left (47m, 11h), expired, or
none.`,
		Example: `  gatehop status
  gatehop status dev --json
  PS1='[$(gatehop status dev --short)] \w \$ '      # the prompt of bash`,
		Args: args(0, 1, "one PROFILE"), ValidArgsFunction: a.completeProfile,
		RunE: func(c *cobra.Command, given []string) error {
			switch {
			case short && asJSON:
				return &usageError{text: "--short and --json exclude each other", command: "gatehop status"}
			case short && watch:
				return &usageError{text: "--short and --watch exclude each other", command: "gatehop status"}
			}
			a.unattended = true
			if short {
				return a.shortStatus(c.Context(), given)
			}
			if watch {
				return a.watch(c.Context(), func() error {
					a.config, a.made, a.flows = nil, nil, nil // they may have changed, too
					return a.status(c.Context(), given, asJSON)
				})
			}
			return a.status(c.Context(), given, asJSON)
		},
	}
	c.Flags().BoolVar(&short, "short", false, "one word for a shell prompt")
	c.Flags().BoolVar(&watch, "watch", false, "show it again whenever it changes, until Ctrl-C")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// profileStatus is one profile as status reports it. Times and identity are empty if
// nothing is kept.
type profileStatus struct {
	Profile  string         `json:"profile"`
	Chain    []string       `json:"chain"` // from the gateway to the profile
	State    session.State  `json:"state"`
	Account  string         `json:"account,omitempty"`
	Alias    string         `json:"alias,omitempty"`
	Role     string         `json:"role,omitempty"`
	Identity string         `json:"identity,omitempty"`
	User     string         `json:"user,omitempty"`
	Expires  *time.Time     `json:"expires,omitempty"`
	Seconds  *int64         `json:"seconds_left,omitempty"` // in AWS's time; never below 0
	Endpoint string         `json:"sts_endpoint,omitempty"`
	Shadowed []string       `json:"shadowed_by,omitempty"`
	Choices  *choicesStatus `json:"choices,omitempty"` // of a gateway
	Locked   *lockStatus    `json:"locked,omitempty"`  // of a gateway

	left   time.Duration
	colour string // of the profile
}

// lockStatus says that nothing is sent for a person at a provider without that person.
type lockStatus struct {
	User  string     `json:"user"`
	Host  string     `json:"host"`
	Since time.Time  `json:"since"`           // of the last refusal
	Until *time.Time `json:"until,omitempty"` // none: until the person has signed in

	text string
}

// choicesStatus is what is remembered of a gateway besides its session.
type choicesStatus struct {
	User    string `json:"user,omitempty"`
	Role    string `json:"role,omitempty"`
	Issuer  string `json:"issuer,omitempty"`
	Account string `json:"account,omitempty"`
	Longest int64  `json:"longest_seconds,omitempty"` // that AWS allows the role

	Recent []string `json:"recent_roles,omitempty"` // ARNs, the newest first
}

func (a *app) status(ctx context.Context, given []string, asJSON bool) error {
	chains, err := a.statusChains(given)
	if err != nil {
		return err
	}
	list := []profileStatus{}
	for _, ch := range chains {
		s, err := a.statusOf(ctx, ch)
		if err != nil {
			return err
		}
		if len(ch) == 1 {
			if s.Locked, err = a.lockOf(ctx, ch); err != nil {
				return err
			}
		}
		if len(given) > 0 || a.profileFlag != "" || s.State != session.None || s.Locked != nil || s.Choices != nil && asJSON {
			list = append(list, s)
		}
	}
	shell := a.shellStatus(asJSON)
	if asJSON {
		return a.printJSON(map[string]any{"profiles": list, "environment": shell})
	}
	return a.printStatus(list, shell, len(given) > 0 || a.profileFlag != "")
}

// statusChains is the way to the profile that is named, else every profile's.
func (a *app) statusChains(given []string) ([]profile.Chain, error) {
	config, err := a.profiles()
	if err != nil {
		return nil, err
	}
	if len(given) == 0 && a.profileFlag == "" {
		return config.Chains(), nil
	}
	name, err := a.profileName(context.Background(), config, given)
	if err != nil {
		return nil, err
	}
	ch, err := config.Chain(name)
	if err != nil {
		return nil, err
	}
	var chains []profile.Chain
	for i := range ch {
		chains = append(chains, ch[:i+1])
	}
	return chains, nil
}

func (a *app) statusOf(ctx context.Context, ch profile.Chain) (profileStatus, error) {
	p := ch[len(ch)-1]
	s := profileStatus{Profile: p.Name, Alias: p.Alias, State: session.None, Shadowed: shadows(p), colour: p.Color}
	for _, on := range ch {
		s.Chain = append(s.Chain, on.Name)
	}
	f, err := a.open(ch, false)
	if err != nil {
		return s, err
	}
	if made := a.madeFor(ch); made != nil {
		s.Endpoint = made.Endpoint
	}
	if len(ch) == 1 {
		if s.Choices, err = choicesOf(f); err != nil {
			return s, err
		}
	}
	kept, fits, ok := f.Kept(ctx, ch)
	if !ok {
		return s, nil
	}
	s.describe(kept, p.RoleARN)
	s.left = kept.Remaining(a.now())
	s.Seconds = new(max(int64(s.left/time.Second), 0))
	s.State = kept.State(fits, a.now())
	return s, nil
}

// describe fills in what a kept session says of itself.
func (s *profileStatus) describe(kept flow.Session, roleARN string) {
	if roleARN == "" {
		roleARN = kept.Role
	}
	s.Account, s.Role = accountOf(roleARN), nameOf(roleARN)
	s.Identity, s.User = kept.Identity, kept.User
	s.Expires = new(kept.Expires.UTC())
}

func choicesOf(f *flow.Flow) (*choicesStatus, error) {
	known, err := f.Choices.Get(f.Gateway)
	if err != nil || known.IsZero() {
		return nil, err
	}
	return &choicesStatus{User: known.User, Role: known.Role, Issuer: known.Issuer, Account: known.Account, Longest: known.Longest,
		Recent: known.Recent}, nil
}

// shadows says what in the configuration keeps tools from asking gatehop for p.
func shadows(p profile.Profile) []string {
	var by []string
	if p.StaticKeys != "" {
		by = append(by, "static keys in "+p.StaticKeys)
	}
	for _, key := range p.OtherSources {
		by = append(by, key+" in the profile")
	}
	return by
}

// shellStatus is what the environment holds that tools take before any profile.
func (a *app) shellStatus(asJSON bool) []string {
	env := environ.Vars(a.env)
	held := []string{}
	if env.Get("AWS_ACCESS_KEY_ID") == "" {
		return held
	}
	name, until := env.Get("GATEHOP_PROFILE"), env.Get("AWS_CREDENTIAL_EXPIRATION")
	at, err := time.Parse(time.RFC3339, until)
	switch {
	case name == "" || err != nil:
		return append(held, "AWS_ACCESS_KEY_ID is set: most tools use it before any profile")
	case !at.After(a.now()):
		return append(held, fmt.Sprintf("the credentials of profile %s in this environment have expired", printable(name)))
	}
	end := in(at.Sub(a.now()))
	if asJSON {
		end = at.UTC().Format(time.RFC3339)
	}
	return append(held, fmt.Sprintf("this environment holds credentials of profile %s, which end %s", printable(name), end))
}

// printable quotes what came from the environment unless it is plain.
func printable(name string) string {
	if quoted := fmt.Sprintf("%q", name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

func (a *app) printStatus(list []profileStatus, shell []string, named bool) error {
	if len(list) == 0 {
		a.say("no session is kept; `gatehop login` makes one")
	} else {
		if err := a.print(statusTable(list)); err != nil {
			return err
		}
	}
	notes := slices.Clone(shell)
	for _, s := range list {
		notes = append(notes, s.notes(named)...)
	}
	if len(notes) == 0 {
		return nil
	}
	if len(list) > 0 {
		notes[0] = "\n" + notes[0]
	}
	_, err := fmt.Fprintln(a.stdout, strings.Join(notes, "\n"))
	return err
}

func statusTable(list []profileStatus) table {
	t := table{titles: []string{"PROFILE", "VIA", "EXPIRES", "USER", "IDENTITY"}}
	for _, s := range list {
		expires := plainCell(s.word())
		if s.State == session.Expired {
			expires.paint = paintBad
		}
		via := strings.Join(s.Chain[:len(s.Chain)-1], " > ")
		t.rows = append(t.rows, row{colour: s.colour, cells: []cell{plainCell(s.Profile), plainCell(orDash(via)), expires, plainCell(orDash(s.User)), identityCell(s.Identity)}})
	}
	return t
}

// notes are what is worth a line below the table; all of it if the profile was named.
func (s profileStatus) notes(named bool) []string {
	var notes []string
	for _, by := range s.Shadowed {
		notes = append(notes, fmt.Sprintf("%s: tools do not ask gatehop: %s", s.Profile, by))
	}
	if s.State == session.Unused {
		notes = append(notes, s.Profile+": its session is for another user, role or other settings and is not used")
	}
	if l := s.Locked; l != nil {
		notes = append(notes, fmt.Sprintf("%s: %s is locked out at %s: %s (`gatehop login %s`)", s.Profile, l.User, l.Host, l.text, s.Profile))
	}
	if len(s.Chain) == 1 && s.Endpoint != "" {
		notes = append(notes, fmt.Sprintf("%s: STS endpoint %s", s.Profile, s.Endpoint))
	}
	if c := s.Choices; c != nil {
		if c.User != "" {
			notes = append(notes, fmt.Sprintf("%s: chosen user %s", s.Profile, c.User))
		}
		if c.Role != "" {
			notes = append(notes, fmt.Sprintf("%s: chosen role %s", s.Profile, c.Role))
		}
		if named && c.Issuer != "" {
			notes = append(notes, fmt.Sprintf("%s: first signed in at %s, account %s", s.Profile, c.Issuer, orDash(c.Account)))
		}
		if named && c.Longest != 0 {
			notes = append(notes, fmt.Sprintf("%s: AWS allows sessions of %s", s.Profile, span(time.Duration(c.Longest)*time.Second)))
		}
	}
	return notes
}

// word is the state for the table's column.
func (s profileStatus) word() string {
	switch s.State {
	case session.Good, session.Ending:
		return in(s.left)
	case session.None:
		return "-"
	}
	return string(s.State)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// shortStatus prints one word and asks nothing, not even which profile is meant.
func (a *app) shortStatus(ctx context.Context, given []string) error {
	word := string(session.None)
	ch, err := a.chain(ctx, given)
	var open *openProfileError
	var none *noProfilesError
	switch {
	case errors.As(err, &open) || errors.As(err, &none):
	case err != nil:
		return err
	default:
		s, err := a.statusOf(ctx, ch)
		if err != nil {
			return err
		}
		word = s.State.Short(s.left)
	}
	_, err = fmt.Fprintln(a.stdout, word)
	return err
}
