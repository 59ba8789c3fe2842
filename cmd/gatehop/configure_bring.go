package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/migrate"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/cmd/gatehop/internal/team"
	"gatehop/idp"
)

// importError reports a file of another tool that cannot be taken over.
type importError struct {
	File string
	Err  error
}

func (e *importError) Error() string { return "import " + e.File + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *importError) Unwrap() error { return e.Err }

// errNothingToBring is a file without anything that a profile can be made of.
var errNothingToBring = errors.New("no profile can be made of what it holds")

// brings reports that the profiles come from a file, and not from a person's answers.
func (o configureOptions) brings() bool { return o.from != "" || o.team != "" }

// bring makes drafts of what another tool or the company hands over. Nobody signs in:
// whoever comes first is asked for the role.
func (c *configuring) bring(ctx context.Context) error {
	var err error
	if c.o.team != "" {
		err = c.bringTeam(ctx)
	} else {
		err = c.bringImport(ctx)
	}
	for i := range c.brought {
		c.brought[i].Helper = c.helper
	}
	return err
}

// note is one line about what was found, for people and for JSON.
func (c *configuring) note(text string) {
	c.report.Notes = append(c.report.Notes, text)
	c.say("%s", text)
}

// noteSettings says of every setting what became of it. Those that set nothing share a
// line on the screen.
func (c *configuring) noteSettings(notes []migrate.Note) {
	var unset []string
	for _, n := range notes {
		if n.IsUnset() && !c.verbose {
			unset = append(unset, n.Key)
			c.report.Notes = append(c.report.Notes, "  "+n.String())
			continue
		}
		c.note("  " + n.String())
	}
	line := "  not needed, being empty or off:"
	for i, key := range unset {
		if i < len(unset)-1 {
			key += ","
		}
		if len(line)+1+len(key) > usualWidth {
			c.say("%s", line)
			line = "   "
		}
		line += " " + key
	}
	if len(unset) > 0 {
		c.say("%s", line)
	}
}

// bringImport reads the file of another tool.
func (c *configuring) bringImport(ctx context.Context) error {
	file, accounts, err := c.accountsOf()
	if err != nil {
		return &importError{File: file, Err: err}
	}
	for _, a := range accounts {
		c.note(fmt.Sprintf("account %s:", a.Name))
		c.noteSettings(a.Notes)
		if a.Draft == nil {
			c.note(fmt.Sprintf("  left out: it %s", a.Why))
			continue
		}
		d := *a.Draft
		old, _, _ := c.config.Draft(d.Name)
		d.ADFSDomain = old.ADFSDomain // no other tool has one
		if err := c.completeUser(ctx, &d); err != nil {
			return err
		}
		if d, err = c.overOwn(ctx, d); err != nil {
			return err
		}
		c.note("  becomes profile " + d.Name)
		c.brought = append(c.brought, d)
	}
	if len(c.brought) == 0 {
		return &importError{File: file, Err: errNothingToBring}
	}
	return nil
}

// overOwn is what to write for a profile that may be there.
func (c *configuring) overOwn(ctx context.Context, d profile.Draft) (profile.Draft, error) {
	old, own, _ := c.config.Draft(d.Name)
	if !own {
		return d, c.refuseOther(d.Name)
	}
	if err := isGateway(old); err != nil {
		return d, err
	}
	change := team.Change{Name: d.Name, State: team.Adds, Keep: old.Over(d), Take: d.Over(old)}
	for _, key := range profile.Keys() {
		if mine, theirs := old.Get(key), d.Get(key); mine != "" && theirs != "" && mine != theirs {
			change.State, change.Changed = team.Changes, append(change.Changed, team.Difference{Key: key, From: mine, To: theirs})
		}
	}
	return c.agreed(ctx, change, c.o.from)
}

// accountsOf reads what the tool that --import names has.
func (c *configuring) accountsOf() (file string, accounts []migrate.Account, err error) {
	if c.o.from == "aws-adfs" {
		config, _ := c.config.Scanned()
		return c.files.Config, migrate.AWSADFS(config), nil
	}
	file = environ.Vars(c.env).Get("SAML2AWS_CONFIGFILE")
	if file == "" {
		if c.home() == "" {
			return "~/.saml2aws", nil, &environ.HomeError{For: "the configuration of saml2aws", Variable: "SAML2AWS_CONFIGFILE"}
		}
		file = filepath.Join(c.home(), ".saml2aws")
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil, errors.New("there is no such file")
	}
	if err != nil {
		return file, nil, fileProblem(err)
	}
	accounts, err = migrate.Saml2aws(data)
	return file, accounts, err
}

// completeUser asks for the domain of a user name that AD FS would not take without one.
func (c *configuring) completeUser(ctx context.Context, d *profile.Draft) error {
	if c.o.username != "" {
		d.Username = c.o.username
	}
	if d.Kind != "adfs" || d.Username == "" || d.ADFSDomain != "" || strings.ContainsAny(d.Username, `@\`) {
		return nil
	}
	if c.o.domain != "" {
		d.ADFSDomain = c.o.domain
		return nil
	}
	q := idp.Question{Field: "adfs_domain", Label: fmt.Sprintf(`Domain of %s at %s (as in DOMAIN\name)`, idp.CleanWords(d.Username), hostOf(d.URL))}
	domain, err := c.ask(ctx, "--adfs-domain", q, func(answer string) string {
		var probe profile.Draft
		return probe.Set("gatehop_adfs_domain", answer, profile.Place{Dir: ".", URLs: anyurl.Read})
	})
	d.ADFSDomain = domain
	return err
}

// bringTeam merges the company's fragment into what is there.
func (c *configuring) bringTeam(ctx context.Context) error {
	path, err := filepath.Abs(c.o.team)
	if err != nil {
		return err
	}
	if strings.Contains(c.o.team, "://") {
		path = c.o.team // refused for what it is
	}
	fragment, err := team.Read(path)
	if err != nil {
		return err
	}
	for _, n := range fragment.Notes {
		c.note("left out: " + n.String())
	}
	config, _ := c.config.Scanned()
	blocked := 0
	for _, change := range fragment.Merge(config) {
		if change.State == team.Blocked {
			c.note(fmt.Sprintf("profile %q %s: left as it is", change.Name, change.Why))
			blocked++
			continue
		}
		if change.State == team.Same {
			continue
		}
		d, err := c.agreed(ctx, change, "the company")
		if err != nil {
			return err
		}
		if d.Kind != "" && d.Username == "" {
			d.Username = c.o.username
		}
		c.brought = append(c.brought, d)
	}
	if len(c.brought) == 0 && blocked > 0 {
		return &importError{File: path, Err: errNothingToBring}
	}
	return nil
}

// agreed is what to write for one profile: a person's own values stay unless they say
// otherwise. They decide where a password goes. whose are the others.
func (c *configuring) agreed(ctx context.Context, change team.Change, whose string) (profile.Draft, error) {
	if change.State != team.Changes {
		return change.Keep, nil
	}
	for _, d := range change.Changed {
		from := d.From
		if from == "" {
			from = "nothing"
		}
		c.note(fmt.Sprintf("profile %s: %s is %s, and %s has %s", change.Name, d.Key, idp.CleanWords(from), whose, idp.CleanWords(d.To)))
	}
	if c.isUnattended() {
		c.note(fmt.Sprintf("profile %s: what is there stays; a person in a terminal can take %s's", change.Name, whose))
		return change.Keep, nil
	}
	yes, err := c.confirm(ctx, idp.Question{Field: "take", Public: true, Options: []string{"no", "yes"},
		Label: fmt.Sprintf("Take %s's values for profile %s?", whose, change.Name)})
	if err != nil || !yes {
		return change.Keep, err
	}
	return change.Take, nil
}

// sayBrought says how to go on after a file was taken over.
func (c *configuring) sayBrought(context.Context) error {
	for _, d := range c.brought {
		if d.Kind != "" {
			c.say("Sign in: gatehop login %s", d.Name)
			return nil
		}
	}
	return nil
}
