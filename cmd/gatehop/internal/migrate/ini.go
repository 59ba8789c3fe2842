package migrate

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
)

// Limits of what is read: far more than anybody has.
const (
	maxFile  = 256 << 10
	maxValue = 64 << 10 // after references are replaced, which can double a value each time
)

// iniFile is a file as gopkg.in/ini.v1 1.67 reads it with the options of saml2aws
// (pkg/cfg/cfg.go: Loose, SpaceBeforeInlineComment). Names are exact, the last of two
// equal keys counts, and sections of one name are one.
type iniFile struct {
	sections []*iniSection
	byName   map[string]*iniSection
}

type iniSection struct {
	name string
	line int // of its first header; 0 of the keys before any
	keys []*iniKey
	by   map[string]*iniKey
}

type iniKey struct {
	name  string
	value string // as written, references in it not replaced
	line  int
	in    *iniSection
}

// iniDefault is the section of what stands before any header.
const iniDefault = "DEFAULT"

// parseINI reads data. Its error is a *SyntaxError: of such a file saml2aws reads nothing.
func parseINI(data []byte) (*iniFile, error) {
	if len(data) > maxFile {
		return nil, &SyntaxError{Problem: "is longer than 256 KiB"}
	}
	r := &iniReader{data: withoutBOM(data), file: &iniFile{byName: map[string]*iniSection{}}}
	r.section = r.file.section(iniDefault, 0)
	for more := true; more; {
		var line string
		line, more = r.next()
		if err := r.line(line); err != nil {
			return nil, err
		}
	}
	return r.file, nil
}

// withoutBOM takes the marks away that ini.v1 passes over, those of UTF-16 too.
func withoutBOM(data []byte) []byte {
	for _, mark := range []string{"\xfe\xff", "\xff\xfe", "\xef\xbb\xbf"} {
		if rest, ok := bytes.CutPrefix(data, []byte(mark)); ok {
			return rest
		}
	}
	return data
}

func (f *iniFile) section(name string, line int) *iniSection {
	s := f.byName[name]
	if s == nil {
		s = &iniSection{name: name, line: line, by: map[string]*iniKey{}}
		f.sections = append(f.sections, s)
		f.byName[name] = s
	}
	return s
}

type iniReader struct {
	data    []byte
	no      int // of the line that next returned
	ended   bool
	file    *iniFile
	section *iniSection
	unnamed int // keys called "-" so far in this section
}

// next returns the next line with its end, and whether there are more.
func (r *iniReader) next() (line string, more bool) {
	r.no++
	i := bytes.IndexByte(r.data, '\n')
	if i < 0 {
		line, r.data, r.ended = string(r.data), nil, true
		return line, false
	}
	line, r.data = string(r.data[:i+1]), r.data[i+1:]
	return line, true
}

func (r *iniReader) fail(problem string) error { return &SyntaxError{Line: r.no, Problem: problem} }

func (r *iniReader) line(line string) error {
	line = strings.TrimLeftFunc(line, unicode.IsSpace)
	switch {
	case line == "" || line[0] == '#' || line[0] == ';':
		return nil
	case line[0] == '[':
		end := strings.LastIndexByte(line, ']')
		switch {
		case end < 0:
			return r.fail("holds a section header without ]")
		case end == 1:
			return r.fail("holds a section without a name")
		}
		r.section, r.unnamed = r.file.section(line[1:end], r.no), 0
		return nil
	}
	at := r.no
	name, rest, ok := iniKeyName(line)
	if !ok {
		return r.fail("holds a line that is neither section, key nor comment")
	}
	if name == "-" {
		r.unnamed++
		name = "#" + strconv.Itoa(r.unnamed)
	}
	value, err := r.value(rest)
	if err != nil {
		return err
	}
	if name == "" {
		return r.fail("holds a key without a name")
	}
	k := r.section.by[name]
	if k == nil {
		k = &iniKey{name: name, in: r.section}
		r.section.keys = append(r.section.keys, k)
		r.section.by[name] = k
	}
	k.value, k.line = value, at
	return nil
}

// iniKeyName cuts a line at its delimiter. A name may stand in quotes.
func iniKeyName(line string) (name, rest string, ok bool) {
	quote := ""
	switch {
	case len(line) > 6 && strings.HasPrefix(line, `"""`):
		quote = `"""`
	case line[0] == '"' || line[0] == '`':
		quote = line[:1]
	}
	if quote == "" {
		end := strings.IndexAny(line, "=:")
		if end <= 0 {
			return "", "", false
		}
		return strings.TrimSpace(line[:end]), line[end+1:], true
	}
	name, after, closed := strings.Cut(line[len(quote):], quote)
	delim := strings.IndexAny(after, "=:")
	if !closed || delim < 0 {
		return "", "", false
	}
	return strings.TrimSpace(name), after[delim+1:], true
}

// value reads what stands behind the delimiter, and further lines if it goes on there.
func (r *iniReader) value(rest string) (string, error) {
	line := strings.TrimLeftFunc(rest, unicode.IsSpace)
	if line == "" {
		return "", nil
	}
	quote := ""
	switch {
	case len(line) > 3 && strings.HasPrefix(line, `"""`):
		quote = `"""`
	case line[0] == '`':
		quote = "`"
	}
	if quote != "" {
		inner := line[len(quote):]
		if end := strings.LastIndex(inner, quote); end >= 0 {
			return inner[:end], nil
		}
		return r.quoted(inner, quote)
	}
	line = strings.TrimSpace(line)
	if before, ok := strings.CutSuffix(line, `\`); ok {
		return r.continued(before), nil
	}
	i := strings.Index(line, " #")
	if i < 0 {
		i = strings.Index(line, " ;")
	}
	if i >= 0 {
		line = strings.TrimSpace(line[:i])
	}
	if n := len(line); n >= 2 && (line[0] == '"' || line[0] == '\'') && strings.IndexByte(line[1:], line[0]) == n-2 {
		line = line[1 : n-1]
	}
	return line, nil
}

// quoted reads on up to the line that closes the quote.
func (r *iniReader) quoted(value, quote string) (string, error) {
	var b strings.Builder
	b.WriteString(value)
	for {
		if r.ended {
			return "", r.fail("holds a value whose quote is not closed")
		}
		line, _ := r.next()
		if end := strings.LastIndex(line, quote); end >= 0 {
			b.WriteString(line[:end])
			return b.String(), nil
		}
		b.WriteString(line)
	}
}

// continued reads on while lines end with a backslash.
func (r *iniReader) continued(value string) string {
	var b strings.Builder
	b.WriteString(value)
	for !r.ended {
		line, _ := r.next()
		if line = strings.TrimSpace(line); line == "" {
			break
		}
		before, more := strings.CutSuffix(line, `\`)
		b.WriteString(before)
		if !more {
			break
		}
	}
	return b.String()
}

// find returns the key called name of the section, or of its parents: [a.b] has what
// [a] has. nil if there is none.
func (f *iniFile) find(s *iniSection, name string) *iniKey {
	if k := s.by[name]; k != nil {
		return k
	}
	if parent := f.parent(s.name); parent != nil {
		return f.find(parent, name)
	}
	return nil
}

func (f *iniFile) parent(name string) *iniSection {
	for {
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			return nil
		}
		if name = name[:i]; name == "" {
			return f.byName[iniDefault]
		}
		if s := f.byName[name]; s != nil {
			return s
		}
	}
}

// mostReferences is how many references ini.v1 replaces in one value (depthValues).
const mostReferences = 99

// text is the key's value with references %(name)s replaced. ok is false if it grows
// beyond all reason.
func (f *iniFile) text(k *iniKey) (value string, ok bool) {
	value = k.value
	for range mostReferences {
		whole, name, found := reference(value)
		if !found {
			break
		}
		to := f.find(k.in, name)
		if to == nil || to == k {
			if to = f.find(f.byName[iniDefault], name); to == nil {
				break
			}
		}
		if len(value)+strings.Count(value, whole)*(len(to.value)-len(whole)) > maxValue {
			return "", false
		}
		value = strings.ReplaceAll(value, whole, to.value)
	}
	return value, true
}

// reference finds the first %(name)s: a name is anything but a closing bracket.
func reference(value string) (whole, name string, ok bool) {
	for at := 0; ; {
		i := strings.Index(value[at:], "%(")
		if i < 0 {
			return "", "", false
		}
		at += i
		if end := strings.IndexByte(value[at:], ')'); end > 2 && strings.HasPrefix(value[at+end+1:], "s") {
			return value[at : at+end+2], value[at+2 : at+end], true
		}
		at += 2
	}
}
