package awsfile

import (
	"fmt"
	"slices"
	"strings"
)

// Section returns the section that names profile (of Services: the block) to botocore,
// with its Keys and with what the SDKs differ over. ok is false if botocore finds none;
// Meant may then know why.
//
// Where a file has several, botocore takes the last. It takes time linear in the number
// of sections: to ask for many profiles use an Index.
func (f *File) Section(kind Kind, profile string) (s Section, ok bool) {
	var found []int
	for i := range f.Sections {
		if f.readers(i, kind, profile) != 0 {
			found = append(found, i)
		}
	}
	return f.choose(kind, profile, found)
}

// Index finds the sections of one kind by name. It is safe for use by many goroutines.
type Index struct {
	f     *File
	kind  Kind
	found map[string][]int
	names []string
}

// Index returns an index of the sections of one kind.
func (f *File) Index(kind Kind) *Index {
	x := &Index{f: f, kind: kind, found: make(map[string][]int, len(f.Sections))}
	for i := range f.Sections {
		known := x.add(i)
		if name, ok := f.name(i, kind, 0); ok && known {
			x.names = append(x.names, name)
		}
	}
	return x
}

// add enters section i under every name that it has to one of the SDKs, and reports
// whether its name to botocore is new.
func (x *Index) add(i int) (fresh bool) {
	for reader := range sdks {
		name, ok := x.f.name(i, x.kind, reader)
		if !ok {
			continue
		}
		at := x.found[name]
		if len(at) > 0 && at[len(at)-1] == i {
			continue
		}
		fresh = fresh || reader == 0 && !slices.ContainsFunc(at, func(j int) bool {
			return x.f.readers(j, x.kind, name)&1 != 0
		})
		x.found[name] = append(at, i)
	}
	return fresh
}

// Names returns the names that botocore finds, in document order of their first section.
func (x *Index) Names() []string { return slices.Clone(x.names) }

// Section is File.Section.
func (x *Index) Section(profile string) (s Section, ok bool) {
	return x.f.choose(x.kind, profile, x.found[profile])
}

// elsewhere is File.elsewhere.
func (x *Index) elsewhere(profile string) int {
	if at := x.found[profile]; len(at) > 0 {
		return x.f.Sections[at[0]].Line
	}
	if len(x.f.hidden) > 0 {
		return x.f.elsewhere(x.kind, profile)
	}
	return 0
}

// name returns the name of section i to one of the sdks.
func (f *File) name(i int, kind Kind, reader int) (string, bool) {
	s := &f.Sections[i]
	switch {
	case s.form == formProfile && kind == Config:
		return s.Name[len(ProfilePrefix):], true
	case s.form == formName && kind == Credentials:
		return s.Name, true
	case s.form == formName:
		return s.Name, kind == Config && s.Name == "default"
	case s.form == formProfile && kind == Services:
		return "", false
	}
	return sdks[reader].names(kind, f.headerText(s), s.Name)
}

// headerText is the header's line without its end.
func (f *File) headerText(s *Section) string {
	return strings.TrimRight(string(f.Data[s.Header.Start:s.Header.End]), "\r\n")
}

// readers returns the set of sdks to which section i names profile.
func (f *File) readers(i int, kind Kind, profile string) (set uint) {
	for reader := range sdks {
		name, ok := f.name(i, kind, reader)
		if ok && name == profile {
			set |= 1 << reader
		}
	}
	return set
}

// choose takes botocore's section from those that one of the SDKs or another takes for
// the profile's.
func (f *File) choose(kind Kind, profile string, found []int) (Section, bool) {
	by := [len(sdks)][]int{}
	for _, i := range found {
		set := f.readers(i, kind, profile)
		for reader := range sdks {
			if set&(1<<reader) != 0 {
				by[reader] = append(by[reader], i)
			}
		}
	}
	boto := by[0]
	if len(boto) == 0 {
		return Section{}, false
	}
	s := f.Sections[boto[len(boto)-1]]
	var body string
	s.Keys, body = f.keys(s)
	for _, why := range []string{f.headersDiffer(kind, by), f.leaks(boto[len(boto)-1], kind, profile), body} {
		if s.Differs == "" {
			s.Differs = why
		}
	}
	return s, true
}

// leaks says if another SDK finds keys of the profile outside its section i: below a
// header that is none to it, or under one that is none to botocore.
func (f *File) leaks(i int, kind Kind, profile string) string {
	if i+1 < len(f.Sections) {
		next := &f.Sections[i+1]
		_, toGo := goHeader(f.headerText(next))
		_, toJS := jsHeader(f.headerText(next))
		if !toGo || !toJS || hasBareCR(f.Data[next.Header.Start:next.Header.End]) {
			return fmt.Sprintf("ends at a header (line %d) that not every SDK takes for one", next.Line)
		}
	}
	for j := range f.hidden {
		for _, reader := range sdks[1:] {
			if name, ok := reader.names(kind, f.headerText(&f.hidden[j]), ""); ok && name == profile {
				return fmt.Sprintf("goes on below an indented header (line %d) for %s, while botocore takes that for a part of a value",
					f.hidden[j].Line, reader.label)
			}
		}
	}
	return ""
}

// headersDiffer says how the SDKs differ over which section is meant.
func (f *File) headersDiffer(kind Kind, by [len(sdks)][]int) string {
	boto := by[0]
	last := f.Sections[boto[len(boto)-1]]
	for reader, found := range by {
		if !slices.Equal(found, boto) && len(boto) == 1 && len(found) == 0 {
			return fmt.Sprintf("stands as [%s] in line %d, which %s does not read", last.Name, last.Line, sdks[reader].label)
		}
	}
	all := slices.Concat(by[:]...)
	slices.Sort(all)
	all = slices.Compact(all)
	switch {
	case f.isDefaultPair(kind, by):
	case len(all) > 1:
		return fmt.Sprintf("stands in several sections (lines %s), of which not every SDK reads the same", f.lineList(all))
	case last.Header.Start == len(byteOrderMark) && last.Header.Start > 0 && f.hasMark():
		return "stands behind a byte order mark, for which the Go SDK does not read it and botocore refuses the whole file"
	}
	return ""
}

func (f *File) hasMark() bool {
	return len(f.Oddities) > 0 && f.Oddities[0].Problem == ByteOrderMark
}

// isDefaultPair knows the one pair that every SDK reads alike: [default] and, after it,
// [profile default], which replaces it.
func (f *File) isDefaultPair(kind Kind, by [len(sdks)][]int) bool {
	if kind != Config || len(by[0]) != 2 || !slices.Equal(by[0], by[1]) || !slices.Equal(by[0], by[2]) {
		return false
	}
	first, second := f.Sections[by[0][0]], f.Sections[by[0][1]]
	keys, _ := f.keys(second) // the JavaScript SDK forgets a section without any
	return first.Name == "default" && second.Name == "profile default" &&
		slices.ContainsFunc(keys, func(k Key) bool { return k.Differs == "" })
}

func (f *File) lineList(sections []int) string {
	var numbers []string
	for _, i := range sections {
		numbers = append(numbers, fmt.Sprint(f.Sections[i].Line))
	}
	if n := len(numbers); n > 5 {
		numbers = append(numbers[:4:4], "...", numbers[n-1])
	}
	return strings.Join(numbers, ", ")
}

// Meant returns a section that a person may have meant for profile, although botocore
// does not read it so: of another SDK's spelling, or with the other file's header.
func (f *File) Meant(kind Kind, profile string) (Section, bool) {
	other := Credentials
	if kind == Credentials {
		other = Config
	}
	for i := range f.Sections {
		if f.readers(i, kind, profile) != 0 || f.readers(i, other, profile) != 0 ||
			strings.TrimSpace(f.Sections[i].Name) == profile {
			return f.Sections[i], true
		}
	}
	return Section{}, false
}
