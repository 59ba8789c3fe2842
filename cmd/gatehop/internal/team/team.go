// Package team reads the fragment of configuration that a company hands out and merges it into a person's.
//
// The fragment is an AWS config file with profiles of gatehop's: where one signs in, and
// the roles behind it. Who signs in, whom one trusts and what runs on the machine stay the
// person's: a fragment with a word about those is refused as a whole, by name.
package team

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/profile"
)

// Fragment is what a team file holds.
type Fragment struct {
	Drafts []profile.Draft // in the file's order, without Username and Helper
	Notes  []Problem       // what was left out and why
}

// Problem is one thing about a team file.
type Problem struct {
	Line    int    // 0 if it is about the whole file
	Profile string // "" if it is about no profile
	Key     string // "" if it is about the whole profile
	Problem string // the end of a sentence that begins with the key, else the profile, else the file
}

func (p Problem) String() string {
	var text string
	switch {
	case p.Key != "":
		text = fmt.Sprintf("profile %q: %s %s", p.Profile, p.Key, p.Problem)
	case p.Profile != "":
		text = fmt.Sprintf("profile %q %s", p.Profile, p.Problem)
	default:
		text = "the file " + p.Problem
	}
	if p.Line > 0 {
		return fmt.Sprintf("line %d: %s", p.Line, text)
	}
	return text
}

// Error is a team file of which nothing is taken. It holds names, never a value.
type Error struct {
	File     string
	Problems []Problem // never empty
	Unread   bool      // nothing of it was read
}

func (e *Error) Error() string {
	if e.Unread {
		return fmt.Sprintf("read the team file %s: %s", e.File, e.Problems[0].Problem)
	}
	text := fmt.Sprintf("read the team file %s: %s", e.File, e.Problems[0])
	if n := len(e.Problems) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text
}

// maxFile is the longest file that is read: 5,000 profiles take about as much.
const maxFile = 1 << 20

// Read reads the team file at path. An address is refused: what is merged lies in a file
// that somebody has looked at, or could. Errors are *Error.
func Read(path string) (*Fragment, error) {
	fail := func(problem string) error {
		return &Error{File: path, Problems: []Problem{{Problem: problem}}, Unread: true}
	}
	if strings.Contains(path, "://") {
		return nil, fail("it is an address, and only a file is read")
	}
	info, err := os.Stat(path) // before it is opened: a pipe would wait for somebody who writes
	switch {
	case err != nil:
		return nil, fail(reason(err))
	case !info.Mode().IsRegular():
		return nil, fail("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fail(reason(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fail(reason(err))
	}
	return Parse(path, data)
}

func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return err.Error()
}

// Parse is Read of a file with that content. Relative paths in it begin nowhere: no key
// that a team file may carry is one.
func Parse(path string, data []byte) (*Fragment, error) {
	if len(data) > maxFile {
		return nil, &Error{File: path, Problems: []Problem{{Problem: "is longer than 1 MiB"}}}
	}
	p := &parser{file: awsfile.Scan(data), fragment: &Fragment{}, keys: keys(), lines: map[string]int{}}
	p.headers()
	if len(p.problems) == 0 {
		index := p.file.Index(awsfile.Config)
		for _, name := range index.Names() {
			s, _ := index.Section(name)
			p.profile(name, s)
		}
		p.circles()
	}
	if len(p.problems) == 0 && len(p.fragment.Drafts) == 0 {
		p.problems = append(p.problems, Problem{Problem: "holds no profile"})
	}
	if len(p.problems) > 0 {
		return nil, &Error{File: path, Problems: p.problems}
	}
	return p.fragment, nil
}

type parser struct {
	file     *awsfile.File
	fragment *Fragment
	problems []Problem
	keys     table
	lines    map[string]int // of source_profile, by profile
}

func (p *parser) bad(line int, profile, key, problem string) {
	p.problems = append(p.problems, Problem{line, profile, key, problem})
}

// headers refuses what does not stand in a plain section of a profile.
func (p *parser) headers() {
	for _, o := range p.file.Oddities {
		p.bad(o.Line, "", "", "holds "+string(o.Problem))
	}
	for _, s := range p.file.Sections {
		name, ok := strings.CutPrefix(s.Name, awsfile.ProfilePrefix)
		switch {
		case s.Name == "default":
			p.bad(s.Line, s.Name, "", "is what every tool uses that names no profile, and is the person's own")
		case !ok:
			p.bad(s.Line, clean(s.Name), "", "is no profile: its header is not [profile NAME]")
		case name == "default":
			p.bad(s.Line, name, "", "is what every tool uses that names no profile, and is the person's own")
		case awsfile.NameProblem(name) != "":
			p.bad(s.Line, clean(name), "", awsfile.NameProblem(name))
		}
	}
}

// profile reads one profile into a draft.
func (p *parser) profile(name string, s awsfile.Section) {
	if s.Differs != "" {
		p.bad(s.Line, name, "", s.Differs)
		return
	}
	d := profile.Draft{Name: name}
	before := len(p.problems)
	for _, k := range s.Keys {
		p.key(&d, k)
	}
	switch hop := d.Source != ""; {
	case len(p.problems) > before:
		return
	case d.Kind != "" && hop:
		p.bad(s.Line, name, "", "signs in (gatehop_idp) and has a source profile")
	case d.Kind == "" && !hop:
		p.bad(s.Line, name, "", "neither signs in (gatehop_idp) nor has a source profile")
	case d.Kind != "" && d.URL == "":
		p.bad(s.Line, name, "", "signs in and has no gatehop_url")
	case hop && d.RoleARN == "":
		p.bad(s.Line, name, "", "has a source profile and no role_arn")
	}
	if d.Kind != "" && d.Kind != "adfs" && d.ADFSDomain != "" {
		p.bad(s.Line, name, "gatehop_adfs_domain", "has no effect with a gatehop_idp of another kind")
	}
	for _, k := range s.Keys {
		if row := p.keys.find(k.Name); row.fate == carried && row.only != both && (row.only == gateways) != (d.Kind != "") {
			p.bad(k.Line, name, k.Name, "has no effect in this profile: it is for "+row.only.String())
		}
	}
	p.fragment.Drafts = append(p.fragment.Drafts, d)
}

// key reads one key into the draft, or says why not.
func (p *parser) key(d *profile.Draft, k awsfile.Key) {
	row := p.keys.find(k.Name)
	text := awsfile.StripComment(k.Value)
	switch {
	case row.fate == refused:
		p.bad(k.Line, d.Name, clean(k.Name), row.why)
		return
	case row.fate == left:
		p.fragment.Notes = append(p.fragment.Notes, Problem{k.Line, d.Name, clean(k.Name), row.why})
		return
	case d.Get(row.as) != "":
		p.bad(k.Line, d.Name, k.Name, "stands twice: with gatehop_ and without")
		return
	}
	if problem := d.Set(row.as, text, profile.Place{URLs: anyurl.Read}); problem != "" {
		p.bad(k.Line, d.Name, k.Name, problem)
		return
	}
	if row.check != nil {
		if problem := row.check(text); problem != "" {
			p.bad(k.Line, d.Name, k.Name, problem)
		}
	}
	if row.as == "gatehop_source_profile" {
		p.lines[d.Name] = k.Line
	}
}

// circles refuses hops that lead back to themselves.
func (p *parser) circles() {
	sources := map[string]string{}
	for _, d := range p.fragment.Drafts {
		sources[d.Name] = d.Source
	}
	for _, name := range onCircles(p.fragment.Drafts, sources) {
		p.bad(p.lines[name], name, "gatehop_source_profile", "leads back to the profile")
	}
}

// onCircles returns the drafts whose way along sources comes back to them, in time linear
// in their number.
func onCircles(drafts []profile.Draft, sources map[string]string) []string {
	var found []string
	seen := map[string]string{} // by the start of the walk that came by first
	for _, d := range drafts {
		at := d.Name
		for at != "" && seen[at] == "" {
			seen[at], at = d.Name, sources[at]
		}
		if at == "" || seen[at] != d.Name {
			continue
		}
		for next := at; ; {
			found = append(found, next)
			if next = sources[next]; next == at {
				break
			}
		}
	}
	return found
}
