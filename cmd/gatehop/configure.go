package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/near"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/idp"
)

type configureOptions struct {
	url, kind, caBundle, username, domain, party, auth string
	role, region, helper                               string
	accounts, destinations                             []string
	roleName, externalID                               string
	moveStatic, yes, dryRun, json                      bool
	from, team                                         string // another tool; a file of the company's
}

func configureCommand(a *app) *cobra.Command {
	var o configureOptions
	c := &cobra.Command{
		Use: "configure [GATEWAY]", Short: "write profiles: from a sign-in address to a working aws",
		Long: `Looks at the sign-in page of your company, signs in once, takes a role of the
gateway account and writes the profile GATEWAY (default: gateway) and one for
each account behind it into ~/.aws/config. It asks for what no flag says, shows
what will change in the file, and in the end asks AWS who you are.

All it needs in a terminal is ` + "`gatehop configure`" + `, or with an address:

  gatehop configure --url adfs.corp.example

and without one, with the password on standard input:

  gatehop configure --url https://adfs.corp.example --username 'CORP\alice' \
    --role 111111111111/Gateway --accounts prod=222222222222,333333333333 \
    --role-name Admins --yes --password-stdin <secret

Run again, it changes its own keys alone: everything else in the file stays as
it is, byte for byte. With --dry-run standard output has what would change,
with --json the facts; otherwise it stays empty. --import saml2aws reads
~/.saml2aws, --import aws-adfs what that tool keeps in ~/.aws/config, --team
the file that a company hands out.`,
		Example: `  gatehop configure gateway --dry-run    # what it would change now
  gatehop configure --accounts audit=222222222222 --role-name Admins --yes
  gatehop configure --destination qa=arn:aws:iam::444444444444:role/Admins --yes`,
		Args: args(0, 1, "one GATEWAY"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, given []string) error { return a.configure(c.Context(), given, o) },
	}
	f := c.Flags()
	f.StringVar(&o.url, "url", "", "the sign-in address: a `URL` or a bare host")
	f.StringVar(&o.kind, "idp", "", "the kind of provider, adfs or form, instead of what the page shows")
	f.StringVar(&o.caBundle, "ca-bundle", "", "a `FILE` with the root certificates of your company (PEM)")
	f.StringVar(&o.username, "username", "", "who signs in")
	f.StringVar(&o.auth, "auth", "", "how one signs in where there is no form: `ntlm`, kerberos, basic or digest")
	f.StringVar(&o.domain, "adfs-domain", "", "the domain of a user name that has none")
	f.StringVar(&o.party, "relying-party", "", "the identifier of AWS at the provider, if it is not the usual one")
	f.StringVar(&o.role, "role", "", "the gateway's role: ARN, ACCOUNT/NAME, NAME or a pattern")
	f.StringVar(&o.region, "region", "", "the region of the profiles")
	f.StringVar(&o.helper, "helper", "", "the `PATH` of gatehop for credential_process, instead of the running one's")
	f.StringSliceVar(&o.accounts, "accounts", nil, "accounts behind the gateway: `ACCOUNT or NAME=ACCOUNT`, several with commas")
	f.StringVar(&o.roleName, "role-name", "", "the role in each of --accounts")
	f.StringArrayVar(&o.destinations, "destination", nil, "one role behind the gateway: `NAME=ROLE_ARN`; may be repeated")
	f.StringVar(&o.externalID, "external-id", "", "the external id that the destinations ask for")
	f.StringVar(&o.from, "import", "", "take over what another tool has: `saml2aws` or aws-adfs")
	f.StringVar(&o.team, "team", "", "merge the profiles of a `FILE` that your company hands out")
	f.BoolVar(&o.moveStatic, "move-static", false, "move keys of the credentials file out of the way that tools would use instead")
	f.BoolVar(&o.yes, "yes", false, "write without asking")
	f.BoolVar(&o.dryRun, "dry-run", false, "only show what would change in the file")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return c
}

// configuring is one run of configure.
type configuring struct {
	*app
	o      configureOptions
	files  profile.Files
	config *profile.Config // as it is before

	gateway profile.Draft
	helper  string          // for credential_process
	hops    []profile.Draft // the accounts behind the gateway
	brought []profile.Draft // in place of both: of --import and --team

	redirected map[*settings]bool // settings that know what is new in them
	report     configured
}

// configured is what --json prints.
type configured struct {
	Provider *provider       `json:"provider,omitempty"`
	User     string          `json:"user,omitempty"`
	Roles    []roleReport    `json:"roles,omitempty"`
	Profiles []profileReport `json:"profiles"`
	File     string          `json:"file"`
	Changed  bool            `json:"changed"`
	Diff     string          `json:"diff,omitempty"` // of --dry-run
	Moved    []movedSection  `json:"moved,omitempty"`
	Identity *identityReport `json:"identity,omitempty"`
	Notes    []string        `json:"notes,omitempty"` // of --import and --team: what became of each setting
}

// profileReport is one profile that is written.
type profileReport struct {
	Name    string `json:"name"`
	Account string `json:"account"`
	RoleARN string `json:"role_arn"`
	Source  string `json:"source_profile,omitempty"`
	State   string `json:"state"` // new, changed, unchanged
}

func (a *app) configure(ctx context.Context, given []string, o configureOptions) error {
	a.isLogin = true                   // a person wants to see for themselves
	a.afresh, a.keepsNone = true, true // the profile is not settled yet
	c := &configuring{app: a, o: o}
	steps := []func(context.Context) error{
		func(context.Context) error { return c.begin(given) },
		c.find, c.who, c.gate, c.destinations, c.save, c.verify,
	}
	if o.brings() {
		steps = []func(context.Context) error{steps[0], c.bring, c.save, c.sayBrought}
	}
	if o.dryRun {
		steps = steps[:len(steps)-1]
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return configureProblem(err)
		}
	}
	if o.json {
		return a.printJSON(c.report)
	}
	return nil
}

// begin reads what is there and finds what is wrong with the command line, before
// anything is asked or sent.
func (c *configuring) begin(given []string) (err error) {
	c.gateway.Name = "gateway"
	switch {
	case c.o.brings() && len(given) > 0:
		return &usageError{text: fmt.Sprintf("%q: --import and --team name the profiles themselves", given[0]), command: "gatehop configure"}
	case len(given) > 0 && c.profileFlag != "" && given[0] != c.profileFlag:
		return &usageError{text: fmt.Sprintf("two profiles are named: %q and --profile %q", given[0], c.profileFlag), command: "gatehop configure"}
	case len(given) > 0:
		c.gateway.Name = given[0]
	case c.profileFlag != "":
		c.gateway.Name = c.profileFlag
	}
	if err := c.o.check(); err != nil {
		return err
	}
	if c.isUnattended() && !c.o.yes && !c.o.dryRun {
		return &missingError{What: "a yes to what is written", Flag: "--yes (or --dry-run)"}
	}
	if c.files, err = c.awsFiles(); err != nil {
		return err
	}
	if c.config, err = c.profiles(); err != nil {
		return err
	}
	if c.helper, err = c.helperPath(); err != nil {
		return err
	}
	if c.o.brings() {
		return nil
	}
	if err := c.existing(); err != nil {
		return err
	}
	if err := c.environment(); err != nil {
		return err
	}
	return c.checkDestinations()
}

func (o configureOptions) check() error {
	usage := func(format string, args ...any) *usageError {
		return &usageError{text: fmt.Sprintf(format, args...), command: "gatehop configure"}
	}
	switch {
	case o.from != "" && o.team != "":
		return usage("--import and --team exclude each other")
	case o.brings() && (o.url != "" || o.role != "" || len(o.accounts)+len(o.destinations) > 0):
		return usage("--import and --team bring addresses, roles and accounts themselves")
	case o.from != "" && !slices.Contains(importable(), o.from):
		e := usage("--import %q is not a tool that is known (%s)", o.from, strings.Join(importable(), ", "))
		return nearUsage(e, "--import", near.Nearest(o.from, importable()))
	case o.yes && o.dryRun:
		return usage("--yes and --dry-run exclude each other")
	case len(o.accounts) > 0 && o.roleName == "":
		return usage("--accounts needs the role in them: --role-name NAME")
	case o.roleName != "" && len(o.accounts) == 0:
		return usage("--role-name goes with --accounts")
	case o.externalID != "" && len(o.accounts)+len(o.destinations) == 0:
		return usage("--external-id goes with --accounts or --destination")
	case o.kind != "" && !slices.ContainsFunc(sights(), func(s seen) bool { return s.kind == o.kind }):
		e := usage("--idp %q is not a kind that is known (%s)", o.kind, knownAdapters())
		return nearUsage(e, "--idp", near.Nearest(o.kind, adapterKinds()))
	}
	return nil
}

// importable are the tools that --import knows.
func importable() []string { return []string{"saml2aws", "aws-adfs"} }

// nearUsage adds what a flag's value was most likely meant to be, if anything is near.
func nearUsage(e *usageError, flag, meant string) error {
	if meant != "" {
		e.near = flag + " " + meant
	}
	return e
}

// existing makes the gateway's profile as it stands the answers that are offered.
func (c *configuring) existing() error {
	old, own, ok := c.config.Draft(c.gateway.Name)
	if ok {
		c.gateway = old
	}
	c.gateway.Helper = c.helper
	if !own {
		return c.refuseOther(c.gateway.Name)
	}
	if err := isGateway(old); err != nil {
		return err
	}
	c.say("profile %s is there: what it has is offered", c.gateway.Name)
	return nil
}

// isGateway refuses a profile of gatehop's that does not sign in itself.
func isGateway(old profile.Draft) error {
	switch {
	case old.Source != "":
		return &takenError{Profile: old.Name, Why: "is a hop behind " + old.Source + ", and no gateway"}
	case old.Kind == "":
		return &takenError{Profile: old.Name, Why: "has keys of gatehop's but no gatehop_idp"}
	}
	return nil
}

// refuseOther refuses profiles that get their credentials elsewhere.
func (c *configuring) refuseOther(names ...string) error {
	var probes []profile.Draft
	for _, name := range names {
		probes = append(probes, profile.Draft{Name: name, Kind: "adfs", Helper: c.helper})
	}
	config, _ := c.config.Scanned()
	_, err := config.ApplyAll(draftEdits(probes))
	var refusal *awsfile.RefusalError
	if errors.As(err, &refusal) {
		return &configWriteError{File: c.files.Config, Err: err}
	}
	return err
}

// environment takes the variables that would override the profile for answers, and out
// of this run: a flag says more than they do.
func (c *configuring) environment() error {
	env := environ.Vars(c.env)
	for _, v := range []struct {
		name, flag string
		text       *string
	}{
		{"GATEHOP_URL", c.o.url, &c.gateway.URL}, {"GATEHOP_USERNAME", c.o.username, &c.gateway.Username},
		{"GATEHOP_CA_BUNDLE", c.o.caBundle, &c.gateway.CABundle},
	} {
		if text := env.Get(v.name); text != "" && v.flag == "" {
			*v.text = text
		}
		if v.flag != "" {
			*v.text = v.flag
		}
		c.env = slices.DeleteFunc(slices.Clone(c.env), func(entry string) bool {
			name, _, _ := strings.Cut(entry, "=")
			return strings.EqualFold(name, v.name) // Windows tells no capitals apart
		})
	}
	for key, text := range map[string]string{
		"gatehop_adfs_domain": c.o.domain, "gatehop_auth": c.o.auth, "gatehop_relying_party": c.o.party, "region": c.o.region,
	} {
		if text == "" {
			continue
		}
		if problem := c.gateway.Set(key, text, profile.Place{Dir: ".", URLs: anyurl.Read}); problem != "" {
			return &usageError{text: fmt.Sprintf("%s: %q %s", key, text, problem), command: "gatehop configure"}
		}
	}
	return nil
}

// maxTries is how often a person is asked for one thing that must be of a certain form.
const maxTries = 5

// ask asks a person until check finds nothing wrong. flag is what would have answered. An
// answer that is offered is taken where nobody can be asked.
func (c *configuring) ask(ctx context.Context, flag string, q idp.Question, check func(answer string) (problem string)) (string, error) {
	q.Public = true
	if c.isUnattended() {
		if q.Default == "" {
			return "", &missingError{What: missingWhat(q), Flag: flag}
		}
		if problem := check(q.Default); problem != "" {
			return "", &usageError{text: fmt.Sprintf("%s %q %s", flag, q.Default, problem), command: "gatehop configure"}
		}
		return q.Default, nil
	}
	for range maxTries {
		answer, err := c.prompter().Ask(ctx, q)
		var needs *idp.NeedsInputError
		if errors.Is(err, idp.ErrNoAnswer) || errors.As(err, &needs) {
			return "", &missingError{What: missingWhat(q), Flag: flag}
		}
		if err != nil {
			return "", err
		}
		text := strings.TrimSpace(answer.Reveal())
		problem := check(text)
		if problem == "" {
			return text, nil
		}
		if q.Retry = problem + "."; !strings.HasPrefix(problem, `"`) { // which names a part of the answer
			q.Retry = fmt.Sprintf("%q %s.", text, problem)
		}
	}
	return "", &missingError{What: missingWhat(q), Flag: flag}
}

// missingWhat is what a question asks for, without what explains it.
func missingWhat(q idp.Question) string {
	what, _, _ := strings.Cut(q.Label, " (")
	return strings.ToLower(what[:1]) + what[1:]
}
