package main

import (
	"context"
	"errors"
	"slices"

	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/cmd/gatehop/internal/tty"
	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/saml"
)

// choice is one of many, asked of a person.
type choice struct {
	Field string     // stable, as in idp.Question: "role", "profile"
	Title string     // one line above the list: what is chosen and for what
	Items []tty.Item // in the order in which they are shown
}

// choose asks a person for one of the items and returns its Answer. Where nobody can be
// asked the error is *idp.NeedsInputError; leaving by Esc is tty.ErrLeft.
func (a *app) choose(ctx context.Context, c choice) (string, error) {
	q := idp.Question{Field: c.Field, Label: c.Title, Public: true}
	for _, item := range c.Items {
		q.Options = append(q.Options, item.Answer)
	}
	var ps []idp.Prompter
	if a.answers != nil {
		ps = append(ps, a.answers)
	}
	if t := a.person(); t != nil {
		ps = append(ps, noticed{chooser{t, tty.Choice{Title: c.Title, Items: c.Items}, a.look()}, &a.wait})
	}
	answer, err := idp.FirstOf(ps...).Ask(ctx, q)
	return answer.Reveal(), err
}

// look is how lists are to be shown. GATEHOP_PLAIN announces a screen reader, or
// whoever would rather have text.
func (a *app) look() tty.Look {
	env := environ.Vars(a.env)
	return tty.Look{
		Plain:   a.isPlain(),
		NoColor: env.Get("NO_COLOR") != "",
		Term:    env.Get("TERM"),
	}
}

// chooser answers one question with a list on the terminal.
type chooser struct {
	terminal
	c    tty.Choice
	look tty.Look
}

func (c chooser) Ask(ctx context.Context, _ idp.Question) (secret.Text, error) {
	answer, err := c.Choose(ctx, c.c, c.look)
	if err != nil {
		return secret.Text{}, err
	}
	return secret.New(answer), nil
}

// lister asks what has several answers with a list, as roles are asked for.
type lister struct {
	idp.Prompter
	a *app
}

func (l lister) Ask(ctx context.Context, q idp.Question) (secret.Text, error) {
	if len(q.Options) == 0 || q.Field == "confirm" {
		return l.Prompter.Ask(ctx, q)
	}
	c := choice{Field: q.Field, Title: q.Label}
	for _, option := range q.Options {
		c.Items = append(c.Items, tty.Item{Answer: option, Columns: []string{option}})
	}
	answer, err := l.a.choose(ctx, c)
	if err != nil {
		return secret.Text{}, err
	}
	return secret.New(answer), nil
}

// askProfile asks which profile is meant.
func (a *app) askProfile(ctx context.Context, config *profile.Config) (string, error) {
	aliases := a.accountAliases()
	var items []tty.Item
	for _, name := range config.Names() {
		p := profile.Profile{Name: name}
		if ch, err := config.Chain(name); err == nil {
			p = ch[len(ch)-1]
		}
		account := accountOf(p.RoleARN)
		items = append(items, tty.Item{
			Answer: p.Name, Color: p.Color, Search: p.RoleARN,
			Columns: []string{p.Name, aliases[account], account, nameOf(p.RoleARN), p.Note},
		})
	}
	answer, err := a.choose(ctx, choice{Field: "profile", Title: "Which profile?", Items: withoutEmpty(items)})
	var needs *idp.NeedsInputError
	if errors.As(err, &needs) {
		return "", &openProfileError{names: config.Names()}
	}
	return answer, err
}

// roleAsker asks which role of a gateway is meant, with the names, colours and notes
// that the configuration has for them.
type roleAsker struct {
	a             *app
	gateway, host string
	aliases       func() map[string]string // account ID to name
}

func (r roleAsker) Ask(ctx context.Context, q idp.Question) (secret.Text, error) {
	answer, err := r.a.choose(ctx, choice{
		Field: q.Field, Title: "Which role for profile " + r.gateway + " at " + r.host + "?",
		Items: r.a.roleItems(r.gateway, r.aliases(), q.Options),
	})
	if err != nil {
		return secret.Text{}, err
	}
	return secret.New(answer), nil
}

func (r roleAsker) Tell(ctx context.Context, message string) { r.a.prompter().Tell(ctx, message) }

// roleItems are the lines for roles of one gateway: those that were chosen last come
// first, the newest on top. A gateway that nothing is known of has none of those.
func (a *app) roleItems(gateway string, aliases map[string]string, arns []string) []tty.Item {
	profiles := a.profilesByRole()
	items := make([]tty.Item, 0, len(arns))
	place := map[string]int{} // of an item, in items
	for _, text := range arns {
		if _, twice := place[text]; twice { // one role through two providers
			continue
		}
		place[text] = len(items)
		arn, err := saml.ParseRoleARN(text)
		if err != nil {
			items = append(items, tty.Item{Answer: text, Columns: []string{"", "", text, ""}})
			continue
		}
		p := profiles[text]
		items = append(items, tty.Item{
			Answer: text, Search: text, Color: p.Color,
			Columns: []string{aliases[arn.Account], arn.Account, arn.Name, p.Note},
		})
	}
	recent := a.recentRoles(gateway)
	slices.SortStableFunc(items, func(x, y tty.Item) int { return rank(recent, x.Answer) - rank(recent, y.Answer) })
	return withoutEmpty(items)
}

// rank is the place of a role among the recent ones; all others come after them.
func rank(recent map[string]int, arn string) int {
	if at, ok := recent[arn]; ok {
		return at
	}
	return len(recent)
}

// recentRoles are the roles that were chosen last at a gateway, by ARN: 0 is the newest.
// What cannot be read costs an order, no more.
func (a *app) recentRoles(gateway string) map[string]int {
	recent := map[string]int{}
	dir, _, err := a.state("none", false)
	if err != nil {
		return recent
	}
	known, err := a.choices(dir).Get(gateway)
	if err != nil {
		return recent
	}
	for _, arn := range append([]string{known.Role}, known.Recent...) { // an old file knows the role alone
		if _, ok := recent[arn]; !ok && arn != "" {
			recent[arn] = len(recent)
		}
	}
	return recent
}

// profilesByRole finds what the configuration says of a role to people. Of several
// profiles with one role the first that has a note counts for the note, and so on.
func (a *app) profilesByRole() map[string]profile.Profile {
	all := map[string]profile.Profile{}
	config, err := a.profiles()
	if err != nil {
		return all
	}
	for _, ch := range config.Chains() {
		p := ch[len(ch)-1]
		if p.RoleARN == "" {
			continue
		}
		known := all[p.RoleARN]
		if known.Color == "" {
			known.Color = p.Color
		}
		if known.Note == "" {
			known.Note = p.Note
		}
		all[p.RoleARN] = known
	}
	return all
}

// withoutEmpty leaves out the columns that no item has anything in.
func withoutEmpty(items []tty.Item) []tty.Item {
	used := map[int]bool{}
	for _, item := range items {
		for i, text := range item.Columns {
			used[i] = used[i] || text != ""
		}
	}
	for k := range items {
		var columns []string
		for i, text := range items[k].Columns {
			if used[i] {
				columns = append(columns, text)
			}
		}
		items[k].Columns = columns
	}
	return items
}
