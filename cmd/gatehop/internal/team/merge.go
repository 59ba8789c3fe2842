package team

import (
	"fmt"
	"slices"
	"strings"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/profile"
)

// State says what a fragment means for one profile of a person's.
type State int

// The states.
const (
	New     State = iota // there is none of that name
	Same                 // it has all that the fragment says
	Adds                 // it lacks keys, and has no other value for any
	Changes              // it has other values: a person must agree before Take is written
	Blocked              // it must not be written
)

func (s State) String() string {
	return [...]string{"new", "same", "adds", "changes", "blocked"}[s]
}

// Change is what a fragment means for one profile.
type Change struct {
	Name  string
	State State

	// Both drafts are whole: what they hold is what gatehop's keys are to be afterwards.
	// Helper is left to whoever writes. Of New they are the same; of Same and Blocked
	// there is nothing to write, and they are empty.
	Keep profile.Draft // everything that the person set stays
	Take profile.Draft // the fragment's values win; what it does not speak of stays

	Added   []profile.Value // in both drafts and not in the file
	Changed []Difference    // in Take alone
	Why     string          // of Blocked: the end of a sentence that begins with the profile
}

// Difference is one key for which the person and the fragment have two values. From is
// "" if the person, who signs in there already, has none, and the key is one that decides
// where a password goes.
type Difference struct{ Key, From, To string }

// decides are the keys that a person who signs in already confirms even where there is no
// other value.
func decides(key string) bool {
	return slices.Contains([]string{"gatehop_idp", "gatehop_url", "gatehop_proxy"}, key)
}

// Merge compares the fragment with a person's config file. Sources stand before the hops
// behind them. It changes nothing.
func (f *Fragment) Merge(config *awsfile.File) []Change {
	m := &merger{index: config.Index(awsfile.Config), config: config, done: map[string]Change{}}
	for _, d := range f.Drafts {
		m.done[d.Name] = m.change(d)
	}
	order := inOrder(f.Drafts)
	sources := m.sources(order)
	around := onCircles(order, sources)
	var all []Change
	for _, d := range order {
		c := m.done[d.Name]
		switch {
		case c.State == Blocked || c.State == Same:
		case slices.Contains(around, d.Name):
			c = blocked(d.Name, "would lead back to itself by its source profile")
		case d.Source != "" && !m.signsIn(d.Source):
			c = blocked(d.Name, fmt.Sprintf("stands behind %q, which is not there or is no profile of gatehop's", d.Source))
		}
		m.done[d.Name] = c
		all = append(all, c)
	}
	return all
}

func blocked(name, why string) Change { return Change{Name: name, State: Blocked, Why: why} }

// inOrder puts sources before their hops, and leaves the order as it is otherwise.
func inOrder(drafts []profile.Draft) []profile.Draft {
	byName := map[string]profile.Draft{}
	for _, d := range drafts {
		byName[d.Name] = d
	}
	placed := map[string]bool{}
	var order []profile.Draft
	for _, d := range drafts {
		var way []profile.Draft
		for ok := true; ok && !placed[d.Name]; d, ok = byName[d.Source] {
			placed[d.Name] = true
			way = append(way, d)
		}
		slices.Reverse(way)
		order = append(order, way...)
	}
	return order
}

type merger struct {
	config *awsfile.File
	index  *awsfile.Index
	done   map[string]Change
}

// sources are where each profile's way would go on after Take: by the drafts, and by what
// the file has for others.
func (m *merger) sources(order []profile.Draft) map[string]string {
	sources := map[string]string{}
	for _, d := range order {
		sources[d.Name] = d.Source
	}
	for _, d := range order {
		for at := d.Source; at != ""; {
			if _, known := sources[at]; known {
				break
			}
			sources[at] = ""
			if s, ok := m.index.Section(at); ok {
				have := values(s)
				sources[at] = first(have, "gatehop_source_profile", "source_profile")
			}
			at = sources[at]
		}
	}
	return sources
}

// signsIn reports whether a profile is one of gatehop's: by the fragment, or by the file.
func (m *merger) signsIn(name string) bool {
	if c, ok := m.done[name]; ok && c.State != Blocked {
		return true
	}
	s, ok := m.index.Section(name)
	if !ok {
		return false
	}
	return first(values(s), "gatehop_idp", "gatehop_from", "gatehop_source_profile", "source_profile") != ""
}

// values are a section's, without inline comments.
func values(s awsfile.Section) map[string]string {
	have := map[string]string{}
	for _, k := range s.Keys {
		have[k.Name] = awsfile.StripComment(k.Value)
	}
	return have
}

func first(have map[string]string, keys ...string) string {
	for _, k := range keys {
		if have[k] != "" {
			return have[k]
		}
	}
	return ""
}

// change compares one draft with the section of its name.
func (m *merger) change(d profile.Draft) Change {
	s, ok := m.index.Section(d.Name)
	switch {
	case !ok && len(m.config.Readings(awsfile.Config, d.Name)) > 0:
		return blocked(d.Name, "stands in the config file so that only some SDKs read it")
	case !ok:
		return Change{Name: d.Name, State: New, Keep: d, Take: d, Added: d.Values()}
	case s.Differs != "":
		return blocked(d.Name, s.Differs)
	}
	have := values(s)
	if plain := first(have, "role_arn", "source_profile"); plain != "" {
		return plainHop(d, have)
	}
	if why := otherwise(d, have); why != "" {
		return blocked(d.Name, why)
	}
	return compare(d, have)
}

// plainHop is about a hop that aws itself makes: gatehop's keys and credential_process
// must not stand beside its own.
func plainHop(d profile.Draft, have map[string]string) Change {
	if d.RoleARN == have["role_arn"] && d.Source == have["source_profile"] && d.ExternalID == have["external_id"] {
		return Change{Name: d.Name, State: Same}
	}
	return blocked(d.Name, "is a hop that aws itself makes (role_arn), to another role or from another profile, and stays as it is")
}

// otherwise says why a section is not one that gatehop may add to.
func otherwise(d profile.Draft, have map[string]string) string {
	for _, key := range []string{"aws_access_key_id", "aws_secret_access_key", "credential_source", "login_session", "sso_session", "sso_start_url", "web_identity_token_file"} {
		if _, ok := have[key]; ok {
			return "gets its credentials otherwise (" + key + ")"
		}
	}
	switch gateway := first(have, "gatehop_idp", "gatehop_from") != ""; {
	case have["credential_process"] != "" && !isOurs(have["credential_process"], d.Name, have):
		return "gets its credentials otherwise (credential_process)"
	case d.Kind != "" && have["gatehop_idp"] != "" && d.Kind != have["gatehop_idp"]:
		return "signs in at another kind of provider (gatehop_idp)"
	case have["gatehop_from"] != "":
		return "takes its sign-in from another profile (gatehop_from)"
	case gateway && d.Source != "":
		return "signs in, and the team file has it for a hop"
	case have["gatehop_source_profile"] != "" && d.Source == "":
		return "is a hop, and the team file has it for one that signs in"
	}
	return ""
}

// isOurs knows the command line that configure writes for the profile called name beside
// keys of gatehop's.
func isOurs(command, name string, have map[string]string) bool {
	return strings.HasSuffix(command, " credential-process "+name) && first(have, "gatehop_idp", "gatehop_source_profile") != ""
}

// compare goes through the keys of a profile that both have.
func compare(d profile.Draft, have map[string]string) Change {
	signsIn := have["gatehop_idp"] != "" && have["gatehop_url"] != ""
	c := Change{Name: d.Name, State: Same, Keep: profile.Draft{Name: d.Name}, Take: profile.Draft{Name: d.Name}}
	for _, key := range profile.Keys() {
		theirs, mine := d.Get(key), have[key]
		switch {
		case key == "gatehop_external_id":
			mine = first(have, key, "external_id")
		case key == "region" && have["gatehop_region"] != "": // that counts, and is no key of a draft
			theirs = ""
		}
		keep, take := mine, theirs
		switch {
		case theirs == "" || theirs == mine:
			take = mine
		case mine != "":
			c.Changed = append(c.Changed, Difference{key, mine, theirs})
		case signsIn && decides(key):
			c.Changed = append(c.Changed, Difference{key, "", theirs})
		default:
			keep = theirs
			c.Added = append(c.Added, profile.Value{Name: key, Value: theirs})
		}
		for _, to := range []struct {
			draft *profile.Draft
			text  string
		}{{&c.Keep, keep}, {&c.Take, take}} {
			if to.text == "" {
				continue
			}
			if problem := to.draft.Set(key, to.text, profile.Place{Dir: "/", URLs: anyurl.Read}); problem != "" {
				return blocked(d.Name, fmt.Sprintf("has a key that must be mended first: %s %s", key, problem))
			}
			if key == "gatehop_ca_bundle" { // the person's, perhaps beginning at the config file: as it is
				to.draft.CABundle = to.text
			}
		}
	}
	switch {
	case len(c.Changed) > 0:
		c.State = Changes
	case len(c.Added) > 0:
		c.State = Adds
	default:
		c.Keep, c.Take = profile.Draft{}, profile.Draft{}
	}
	return c
}
