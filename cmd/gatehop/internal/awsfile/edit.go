package awsfile

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gatehop/creds/secret"
)

// OwnerKey marks a section that gatehop writes. Its value is the profile whose
// credentials stand there. No SDK reads it.
const OwnerKey = "x_gatehop_profile"

// ownPrefix begins the keys that only gatehop reads.
const ownPrefix = "gatehop_"

// Setting is one key and its value.
type Setting struct {
	Name  string // lower case: a-z, 0-9 and _
	Value secret.Text
}

// Edit is a change of one section, as data.
type Edit struct {
	Kind    Kind // Config or Credentials
	Section string
	Set     []Setting // in the order in which new ones are written
	Remove  []string
	// Owner is the value of OwnerKey. It is empty in an edit of the config file that
	// leaves no mark: there a section is gatehop's if it holds a gatehop_ key, and one
	// that gets its credentials from nowhere is anybody's.
	Owner string

	// Overwrite also takes a section that holds keys of somebody else: those among Set
	// and Remove are taken over, every other source of credentials is removed. It goes
	// with an Owner.
	Overwrite bool
}

// settings are the keys to write: without the mark's if the edit leaves none.
func (e *Edit) settings() []Setting {
	if e.Owner == "" && e.Kind == Config {
		return slices.Clone(e.Set)
	}
	return append(slices.Clone(e.Set), Setting{OwnerKey, secret.New(e.Owner)})
}

// marks reports whether the edit leaves a mark.
func (e *Edit) marks() bool { return e.Owner != "" || e.Kind != Config }

// Apply returns the bytes of the file after the edit, or a *RefusalError. The bytes of
// the file itself if there is nothing to change.
//
// Only lines of the edit's own keys, in its section, change. Of a line whose value
// changes only the value does; lines that continued the old value go, comments among
// them stay. New keys stand behind the section's last one, indented like it; a new
// section stands at the end of the file behind a blank line. Whether the file ends
// with a line end stays as it was.
//
// A file that botocore refuses as a whole (byte order mark, section or key twice, junk,
// bytes that are not UTF-8) is refused, wherever the fault stands: aws could not read
// what was written, and nothing here would have told.
func (f *File) Apply(e Edit) ([]byte, error) { return f.ApplyAll([]Edit{e}) }

// ApplyAll is Apply of one edit after the other. If the file ends with a line end, the edits
// are of one kind, and each has a section of its own, those of new sections come last, and
// it takes time linear in the file and the edits.
func (f *File) ApplyAll(edits []Edit) ([]byte, error) {
	for i := range edits {
		if err := edits[i].check(); err != nil {
			return nil, err
		}
	}
	if len(edits) == 0 || len(edits) > 1 && (!areApart(edits) || lacksEnd(f.Data)) {
		return f.applyEach(edits)
	}
	if err := f.fault(edits); err != nil {
		return nil, err
	}
	d, added, err := f.change(edits)
	if err != nil {
		return nil, err
	}
	for _, e := range added {
		d.add(e)
	}
	data := d.result()
	return data, f.verify(data, edits, added)
}

// change makes the edits of sections that are there. added are those of new ones, which
// come behind everything.
func (f *File) change(edits []Edit) (d *draft, added []*Edit, err error) {
	index := f.Index(edits[0].Kind)
	d = newDraft(f.Data, eolOf(f.Data))
	for i := range edits {
		e := &edits[i]
		s, found := index.Section(e.Section)
		if found && s.Differs != "" {
			return nil, nil, e.refuse(s.Line, "", s.Differs)
		}
		if line := index.elsewhere(e.Section); !found && line > 0 {
			return nil, nil, e.refuse(line, "", "is what only some SDKs read in this line")
		}
		if !found {
			added = append(added, e)
			continue
		}
		if d.eol = f.sectionEOL(s); len(edits) == 1 {
			d = newDraft(f.Data, d.eol)
		}
		if err := d.change(e, s); err != nil {
			return nil, nil, err
		}
	}
	if len(added) > 0 && len(d.patches) > 0 {
		return newDraft(d.result(), eolOf(f.Data)), added, nil
	}
	d.eol = eolOf(f.Data)
	return d, added, nil
}

// areApart reports whether the edits are of one kind and no two of one section.
func areApart(edits []Edit) bool {
	seen := map[string]bool{}
	for _, e := range edits {
		if e.Kind != edits[0].Kind || seen[e.Section] {
			return false
		}
		seen[e.Section] = true
	}
	return true
}

func (f *File) applyEach(edits []Edit) ([]byte, error) {
	for _, e := range edits {
		data, err := f.Apply(e)
		if err != nil {
			return nil, err
		}
		f = Scan(data)
	}
	return f.Data, nil
}

// marked reports whether the section carries the mark, and whether it was made with it:
// in a section that gatehop made the mark stands first, in one that it found last.
func marked(s Section) (ours, made bool) {
	for i, k := range s.Keys {
		if k.Name == OwnerKey {
			return true, i == 0
		}
	}
	return false, false
}

// isSource reports whether a key gives credentials, or goes with those that another
// key of its section gives.
func isSource(kind Kind, name string) bool {
	switch name {
	case "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token", "aws_account_id",
		"aws_expiration", "x_principal_arn", "credential_process", "credential_source", "role_arn", "source_profile",
		"web_identity_token_file", "login_session":
		return true
	}
	return strings.HasPrefix(name, "sso_") || kind == Credentials && strings.HasPrefix(name, ownPrefix)
}

func (e *Edit) sets(name string) bool {
	return slices.ContainsFunc(e.Set, func(s Setting) bool { return s.Name == name })
}

// foreign returns the first key of the section that is not gatehop's and in the way.
// Without a mark a key that gives no credentials is in nobody's way: a region is as
// good as gatehop's.
func (e *Edit) foreign(s Section) (Key, bool) {
	ours, _ := marked(s)
	if !e.marks() {
		ours = slices.ContainsFunc(s.Keys, func(k Key) bool { return strings.HasPrefix(k.Name, ownPrefix) })
	}
	for _, k := range s.Keys {
		named := e.sets(k.Name) || slices.Contains(e.Remove, k.Name)
		source := isSource(e.Kind, k.Name)
		if !ours && named && (source || e.marks()) || !named && source {
			return k, true
		}
	}
	return Key{}, false
}

// check refuses what must not be written anywhere.
func (e *Edit) check() error {
	switch {
	case e.Kind != Config && e.Kind != Credentials:
		return e.refuse(0, "", "is of no kind that can be written")
	case !isWritable(e.Section):
		return e.refuse(0, "", "has a name that not every SDK reads (letters, digits and ._@/- are fine)")
	case e.Section == defaultsName && e.Kind == Credentials:
		return e.refuse(0, "", "is no profile: botocore adds the keys of [DEFAULT] to every other section")
	case e.Overwrite && !e.marks():
		return e.refuse(0, "", "is taken over only with a mark")
	case len(e.Set) == 0: // the mark would be the first key of a section that gatehop did not make
		return e.refuse(0, "", "is given no key")
	}
	seen := map[string]bool{}
	for _, s := range e.settings() {
		if s.Name == "" || strings.Trim(s.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return e.refuse(0, s.Name, "is not written in small letters, digits and _")
		}
		if problem := valueProblem(s.Value.Reveal()); problem != "" {
			return e.refuse(0, s.Name, problem)
		}
		if seen[s.Name] || slices.Contains(e.Remove, s.Name) {
			return e.refuse(0, s.Name, "is named twice")
		}
		seen[s.Name] = true
	}
	return nil
}

// isWritable reports whether name consists of what every SDK reads and a person can type.
func isWritable(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@/-") == ""
}

// valueProblem says why a value must not be written, as the end of a sentence that
// begins with the key.
func valueProblem(value string) string {
	switch {
	case value == "":
		return "has no value"
	case !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "has a value with a line end or another character that cannot be printed"
	case strings.TrimSpace(value) != value:
		return "has a value with white space at an end"
	case StripComment(value) != value:
		return "has a value of which some SDKs take a part for a comment"
	case strings.ContainsAny(value[:1], `"'`) && strings.HasSuffix(value, value[:1]):
		return "has a value in quotes, which only the Go SDK removes"
	}
	return ""
}

// fault refuses a file that botocore refuses as a whole, and what would reach into the
// sections from outside.
func (f *File) fault(edits []Edit) error {
	first := &edits[0]
	for _, o := range f.Oddities {
		if o.Problem != HiddenHeader {
			return first.refuseFile(o.Line, "holds "+string(o.Problem)+", so that not every SDK reads it")
		}
	}
	type place struct{ section, key string }
	seen := map[place]bool{}
	for _, s := range f.Sections {
		keys, _ := f.keys(s)
		for _, k := range keys {
			if seen[place{s.Name, k.Name}] {
				return first.refuseFile(k.Line, "holds a key twice in one section, for which botocore refuses it")
			}
			seen[place{s.Name, k.Name}] = true
			if _, ok := k.Nested(); !ok && strings.HasPrefix(k.Value, "\n") {
				return first.refuseFile(k.Line, "holds a nested block with a line without =, for which botocore refuses it")
			}
			if s.Name != defaultsName {
				continue
			}
			for i := range edits {
				if e := &edits[i]; isSource(e.Kind, k.Name) && !e.sets(k.Name) {
					return e.refuse(k.Line, k.Name, "stands in [DEFAULT], which botocore alone adds to every section")
				}
			}
		}
	}
	return nil
}

// elsewhere returns the line in which any SDK finds a section of that name, 0 if none does.
func (f *File) elsewhere(kind Kind, profile string) int {
	if found := f.Readings(kind, profile); len(found) > 0 {
		return found[0].Line
	}
	return 0
}

// Readings returns every section that one of the SDKs or another takes for the
// profile's, with its Keys as botocore reads them; without Keys those whose header
// botocore takes for a part of a value.
func (f *File) Readings(kind Kind, profile string) []Section {
	var found []Section
	for i := range f.Sections {
		if f.readers(i, kind, profile) != 0 {
			s := f.Sections[i]
			s.Keys, s.Differs = f.keys(s)
			found = append(found, s)
		}
	}
	for i := range f.hidden {
		for _, reader := range sdks[1:] {
			if name, ok := reader.names(kind, f.headerText(&f.hidden[i]), ""); ok && name == profile {
				found = append(found, f.hidden[i])
				break
			}
		}
	}
	return found
}

// verify reads the result once more: the same sections but for the new ones, and those of
// the edits with just these values, for every SDK.
func (f *File) verify(data []byte, edits []Edit, added []*Edit) error {
	if bytes.Equal(data, f.Data) {
		return nil
	}
	after := Scan(data)
	want, isNew := f.names(), map[string]bool{}
	for _, e := range added {
		want = append(want, strings.Trim(header(e.Kind, e.Section), "[]"))
		isNew[e.Section] = true
	}
	same := slices.Equal(after.names(), want) && len(after.Oddities) == len(f.Oddities)
	index := after.Index(edits[0].Kind)
	for i := range edits {
		e := &edits[i]
		s, ok := index.Section(e.Section)
		line := s.Line
		if isNew[e.Section] {
			line = 0 // no line of the file as it is
		}
		if !ok || s.Differs != "" || !same {
			return e.refuse(line, "", unlikeAfter)
		}
		for _, set := range e.settings() {
			i := slices.IndexFunc(s.Keys, func(k Key) bool { return k.Name == set.Name })
			if i < 0 || valueOf(s.Keys[i]) != set.Value.Reveal() || s.Keys[i].Differs != "" && !commented(s.Keys[i]) {
				return e.refuse(line, set.Name, unlikeAfter)
			}
		}
	}
	return nil
}

// commented reports whether k is a key that only gatehop reads, with a comment behind its
// value: gatehop does not take that for a part of it.
func commented(k Key) bool {
	return strings.HasPrefix(k.Name, ownPrefix) && k.Differs == commentBehind
}

// valueOf is the value of k to whom it is for.
func valueOf(k Key) string {
	if commented(k) {
		return StripComment(k.Value)
	}
	return k.Value
}

const unlikeAfter = "stands so that the SDKs would not read the same after the change"

func (f *File) names() []string {
	var names []string
	for _, s := range f.Sections {
		names = append(names, s.Name)
	}
	return names
}

// header is the header of a profile's section.
func header(kind Kind, profile string) string {
	if kind == Config && profile != "default" {
		return "[" + ProfilePrefix + profile + "]"
	}
	return "[" + profile + "]"
}
