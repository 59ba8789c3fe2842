package adfs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gatehop/idp"
	"gatehop/idp/form"
)

// item is one thing that a page offers to choose from.
type item struct {
	id   string // what is sent for it
	text string // what the page calls it, as the page has it; may be ""
}

// choice is a page that offers several things, of which one has to be taken.
type choice struct {
	field   string            // of the question to the person
	verdict idp.Verdict       // if nobody chooses
	words   string            // AD FS's own on the page
	wish    string            // the configured one, by id, text or alias; "" for none
	usual   string            // the id that is taken without a wish; "" for none
	aliases map[string]string // short names in lower case to the beginnings of ids
	items   []item
}

// take returns what is to be taken: the configured one, else the usual one, else what
// the person says: also where the configured one is not there, or may be several. Where
// nobody says anything the error has the verdict and lists all.
func (c choice) take(ctx context.Context, w *form.Walk, p *form.Page) (item, error) {
	if c.wish != "" {
		switch found := c.wanted(); len(found) {
		case 1:
			return found[0], nil
		case 0:
			return c.ask(ctx, w, p, c.items)
		default:
			return c.ask(ctx, w, p, found)
		}
	}
	for _, it := range c.items {
		if c.usual != "" && it.id == c.usual {
			return it, nil
		}
	}
	if len(c.items) == 0 {
		return item{}, c.open(w, p, nil)
	}
	return c.ask(ctx, w, p, c.items)
}

// wanted are the items that the wish may mean: an id as it stands, else all of that text
// or id in whatever case, else all whose id begins as the alias says.
func (c choice) wanted() []item {
	wish := oneLine(c.wish)
	begins := c.aliases[strings.ToLower(wish)]
	for _, is := range []func(item) bool{
		func(it item) bool { return it.id == wish },
		func(it item) bool { return strings.EqualFold(it.id, wish) || strings.EqualFold(oneLine(it.text), wish) },
		func(it item) bool { return begins != "" && strings.HasPrefix(it.id, begins) },
	} {
		var found []item
		for _, it := range c.items {
			if is(it) {
				found = append(found, it)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// ask lets the person choose. Two things of one name are told apart by their ids.
func (c choice) ask(ctx context.Context, w *form.Walk, p *form.Page, items []item) (item, error) {
	open := c.open(w, p, items)
	if len(items) > maxOffered {
		return item{}, open // no list for a person
	}
	names := namesOf(w, items)
	answer, err := w.Choose(ctx, idp.Question{Field: c.field, Options: names}, open)
	if err != nil {
		return item{}, err
	}
	if i := slices.Index(names, answer); i >= 0 {
		return items[i], nil
	}
	return item{}, open
}

// open is the verdict of a page on which nobody has chosen.
func (c choice) open(w *form.Walk, p *form.Page, items []item) *idp.PageError {
	e := w.Fail(p, c.verdict, c.words)
	e.Options = namesOf(w, items[:min(len(items), maxOffered)])
	if more := len(items) - maxOffered; more > 0 {
		e.Options = append(e.Options, fmt.Sprintf("... and %d more", more))
	}
	return e
}

// namesOf are the items by what the page calls them, else by their ids, each name once.
func namesOf(w *form.Walk, items []item) []string {
	count := map[string]int{}
	names := make([]string, len(items))
	for i, it := range items {
		if names[i] = w.Clean(it.text); names[i] == "" {
			names[i] = w.Clean(it.id)
		}
		count[strings.ToLower(names[i])]++
	}
	for i, it := range items {
		if id := w.Clean(it.id); count[strings.ToLower(names[i])] > 1 && id != names[i] {
			names[i] += " (" + id + ")"
		}
	}
	return names
}

// maxOffered bounds what an error names of the things that a page offers.
const maxOffered = 30

// homeRealm is the name of the step that chooses, which it does once.
const homeRealm = "home realm"

// activeDirectory is the identifier of AD FS's own directory among the organisations.
const activeDirectory = "AD AUTHORITY"

// isOwnDirectory reports whether an organisation's id is that of the directory of the AD FS
// at host: by its name, or by the identifier that the server has for others.
func isOwnDirectory(id, host string) bool {
	_, name, _ := strings.Cut(id, "://")
	return strings.EqualFold(id, activeDirectory) || strings.EqualFold(name, host+"/adfs/services/trust")
}

// organisation chooses among the organisations of a page, which the step of that name does
// once in a sign-in. own is the id of AD FS's own directory there, "" if it is not offered.
func (v *visit) organisation(ctx context.Context, w *form.Walk, p *form.Page, step, own string, realms []item) (item, error) {
	c := choice{field: "home_realm", verdict: idp.HomeRealm, words: errorText(p), wish: v.realm, usual: own, items: realms}
	if strings.EqualFold(oneLine(c.wish), activeDirectory) && own != "" { // whatever its id is here
		c.wish = ""
	}
	if w.State.Acted[step] > 1 { // the same question after its answer
		return item{}, c.open(w, p, realms)
	}
	it, err := c.take(ctx, w, p)
	if err == nil {
		v.elsewhere = it.id != own
	}
	return it, err
}

// chooseRealm answers the question for the organisation. The field for the choice gets
// its name from a script, and the one for an e-mail address must stay empty.
func (v *visit) chooseRealm(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	var realms []item
	for _, n := range p.Find("[onclick]").EachIter() {
		if m := realmForm().FindStringSubmatch(n.AttrOr("onclick", "")); m != nil {
			realms = append(realms, item{m[1] + m[2], n.Text()})
		}
	}
	f := p.FormByID("hrd")
	if f == nil {
		return form.Next{}, choice{verdict: idp.HomeRealm, words: errorText(p)}.open(w, p, realms)
	}
	own := ""
	if slices.ContainsFunc(realms, func(it item) bool { return it.id == activeDirectory }) {
		own = activeDirectory
	}
	chosen, err := v.organisation(ctx, w, p, homeRealm, own, realms)
	if err != nil {
		return form.Next{}, err
	}
	for _, c := range f.Controls {
		if c.ID == "hrdSelection" {
			c.Name, c.Value = "HomeRealmSelection", chosen.id
		}
	}
	return w.Press(p, f, nil, form.Fill{Set: []form.Field{{Name: "HomeRealmSelection", Value: chosen.id}}})
}
