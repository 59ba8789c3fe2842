package awsfile

import (
	"bytes"
	"unicode/utf8"
)

const byteOrderMark = "\ufeff"

// Scan finds the sections of a file in time linear in its length. No data is refused.
func Scan(data []byte) *File {
	s := scanner{f: &File{Data: data}, valid: utf8.Valid(data)}
	guess := len(data)/200 + 4 // a section is about that long
	s.f.Sections, s.seen = make([]Section, 0, guess), make(map[string]bool, guess)
	start := 0
	if bytes.HasPrefix(data, []byte(byteOrderMark)) {
		start = len(byteOrderMark)
		s.odd(ByteOrderMark, 1, Range{0, start})
	}
	s.lines = newLines(data, start, 1)
	for {
		n, ok := s.lines.next()
		if !ok {
			break
		}
		s.line(n)
	}
	s.endSection(len(data))
	return s.f
}

// scanner is configparser's state between two lines, as far as headers depend on it.
type scanner struct {
	f      *File
	lines  *lines
	seen   map[string]bool // section names
	valid  bool            // UTF-8
	cr     bool            // a bare CR has been seen
	key    bool            // a key stands above in this section: deeper lines continue its value
	indent int             // of that key
}

func (s *scanner) odd(p Problem, line int, at Range) {
	s.f.Oddities = append(s.f.Oddities, Oddity{Problem: p, Line: line, At: at})
}

func (s *scanner) line(n line) {
	data := s.f.Data
	if n.bareCR && !s.cr {
		s.cr = true
		s.odd(BareCR, s.lines.no, n.all)
	}
	if !s.valid && !utf8.Valid(data[n.all.Start:n.all.End]) {
		s.odd(NotUTF8, s.lines.no, n.all)
	}
	text := data[n.text.Start:n.text.End]
	if len(text) == 0 || text[0] == '#' || text[0] == ';' {
		return
	}
	in := len(s.f.Sections) > 0
	if in && s.key && n.indent > s.indent {
		if text[0] == '[' {
			s.odd(HiddenHeader, s.lines.no, n.all)
			s.f.hidden = append(s.f.hidden, Section{Line: s.lines.no, Header: n.all})
		}
		return
	}
	s.indent = n.indent
	if end := headerEnd(text); end > 0 {
		s.header(n, end)
		return
	}
	delim := delimiter(text)
	switch {
	case delim <= 0:
		s.odd(Junk, s.lines.no, n.all)
	case !in:
		s.odd(KeyOutsideSection, s.lines.no, n.all)
	default:
		s.key = true
	}
}

// header begins the section whose header is n, closed by the bracket at n's offset end.
func (s *scanner) header(n line, end int) {
	s.endSection(n.all.Start)
	text := s.f.Data[n.text.Start:n.text.End]
	section := Section{
		Name: string(text[1:end]), Line: s.lines.no, Header: n.all, Body: Range{Start: n.all.End},
		bracket: n.text.Start + end, form: formOf(text, end, n.odd),
	}
	if s.seen[section.Name] && section.Name != defaultsName {
		s.odd(RepeatedSection, section.Line, section.Header)
	}
	s.seen[section.Name] = true
	s.f.Sections = append(s.f.Sections, section)
	s.key = false
}

func (s *scanner) endSection(end int) {
	if n := len(s.f.Sections); n > 0 {
		s.f.Sections[n-1].Body.End = end
	}
}

// headerEnd returns the offset of the bracket that closes the header text, 0 if text is
// no header. It is the line's last bracket, whatever stands after it.
func headerEnd(text []byte) int {
	if text[0] != '[' {
		return 0
	}
	if end := bytes.LastIndexByte(text, ']'); end > 1 {
		return end
	}
	return 0
}

// delimiter returns the offset of the first = or : of text, -1 if there is none.
func delimiter(text []byte) int {
	for i, c := range text {
		if c == '=' || c == ':' {
			return i
		}
	}
	return -1
}
