package awsfile

import (
	"bytes"
	"slices"
	"strings"

	"gatehop/creds/secret"
)

// draft is a file on its way to the next one: patches of ranges that do not overlap,
// in order.
type draft struct {
	data    []byte // with a line end at the end, unless it is empty
	lacked  bool   // the file has none
	eol     string // of what is written
	added   bool   // a section stands behind data
	patches []patch
}

type patch struct {
	at   Range
	text string
}

// newDraft begins edits of data; eol is what it lacks at its end.
func newDraft(data []byte, eol string) *draft {
	d := &draft{data: data, eol: eol}
	if d.lacked = lacksEnd(data); d.lacked {
		d.data = append(slices.Clip(data), eol...)
	}
	return d
}

// lacksEnd reports a last line without a line end.
func lacksEnd(data []byte) bool { return len(data) > 0 && data[len(data)-1] != '\n' }

// eolOf is the first line end of data, that of Unix if it has none.
func eolOf(data []byte) string {
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// sectionEOL is the section's line end, else the file's.
func (f *File) sectionEOL(s Section) string {
	if bytes.HasSuffix(f.Data[s.Header.Start:s.Header.End], []byte("\n")) {
		return eolOf(f.Data[s.Header.Start:])
	}
	return eolOf(f.Data)
}

// result puts the file together. One that did not end with a line end does not now:
// that is how taking the section away again finds out.
func (d *draft) result() []byte {
	slices.SortStableFunc(d.patches, func(a, b patch) int { return a.at.Start - b.at.Start })
	out := make([]byte, 0, len(d.data)+1024)
	at := 0
	for _, p := range d.patches {
		out = append(append(out, d.data[at:p.at.Start]...), p.text...)
		at = p.at.End
	}
	out = append(out, d.data[at:]...)
	if d.lacked {
		out = bytes.TrimSuffix(bytes.TrimSuffix(out, []byte("\n")), []byte("\r"))
	}
	return out
}

func (d *draft) put(at Range, text string) { d.patches = append(d.patches, patch{at, text}) }

// add makes a new section at the end of the file. The mark stands first in it: it is
// gatehop's with its header. A section without a mark is written as a person would:
// the equals signs below each other, one blank line before it.
func (d *draft) add(e *Edit) {
	var b strings.Builder
	if d.added || len(d.data) > 0 && (e.marks() || !d.endsBlank()) {
		b.WriteString(d.eol)
	}
	d.added = true
	b.WriteString(header(e.Kind, e.Section) + d.eol)
	set, column := e.Set, 0
	if e.marks() {
		set = append([]Setting{{OwnerKey, secret.New(e.Owner)}}, e.Set...)
	} else {
		for _, s := range set {
			column = max(column, len(s.Name)+1)
		}
	}
	for _, s := range set {
		b.WriteString(padded(s.Name, column) + "= " + s.Value.Reveal() + d.eol)
	}
	d.put(Range{len(d.data), len(d.data)}, b.String())
}

// padded is a key's name up to the column of its equals sign.
func padded(name string, column int) string {
	return name + strings.Repeat(" ", max(1, column-len(name)))
}

// endsBlank reports whether the last line is blank.
func (d *draft) endsBlank() bool {
	before := bytes.TrimSuffix(bytes.TrimSuffix(d.data, []byte("\n")), []byte("\r"))
	return len(before) == 0 || before[len(before)-1] == '\n'
}

// column is where the equals signs of a section stand below each other, counted from
// the names; 0 if they do not.
func (d *draft) column(s Section) int {
	column := 0
	for i, k := range s.Keys {
		line := strings.TrimLeft(string(d.data[k.Lines.Start:k.Lines.End]), " \t")
		at := strings.IndexByte(line, '=')
		if i > 0 && at != column || at > 0 && line[at-1] != ' ' {
			return 0
		}
		column = at
	}
	return column
}

// change edits a section that is there.
func (d *draft) change(e *Edit, s Section) error {
	if k, ok := e.foreign(s); ok && !e.Overwrite {
		refusal := e.refuse(k.Line, k.Name, "was not written by gatehop")
		refusal.Foreign = true
		return refusal
	}
	want := map[string]string{}
	order := []string{}
	for _, set := range e.settings() {
		want[set.Name] = set.Value.Reveal()
		order = append(order, set.Name)
	}
	for _, k := range s.Keys {
		value, set := want[k.Name]
		switch {
		case set && k.Differs != "" && k.Differs != goesOn && k.Differs != noValue && !commented(k):
			return e.refuse(k.Line, k.Name, k.Differs)
		case set:
			d.setValue(k, value)
		case slices.Contains(e.Remove, k.Name) || isSource(e.Kind, k.Name):
			d.dropLines(k.Lines)
		}
		delete(want, k.Name)
	}
	column := 0
	if !e.marks() {
		column = d.column(s)
	}
	d.insert(s, order, want, column)
	return nil
}

// insert writes the keys of values, in order, behind the section's last key, their
// equals signs in column where there is room. They are indented like it: what is indented less would swallow an indented header below.
func (d *draft) insert(s Section, order []string, values map[string]string, column int) {
	at, indent := s.Header.End, ""
	if len(s.Keys) > 0 {
		last := s.Keys[len(s.Keys)-1].Lines
		line := string(d.data[last.Start:last.End])
		at, indent = last.End, line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	}
	if at > 0 && d.data[at-1] != '\n' { // the last line, whose end the draft added
		at = len(d.data)
	}
	var b strings.Builder
	for _, name := range order {
		if value, ok := values[name]; ok {
			b.WriteString(indent + padded(name, column) + "= " + value + d.eol)
		}
	}
	if b.Len() > 0 {
		d.put(Range{at, at}, b.String())
	}
}

// setValue replaces a value and takes away the lines that continued it.
func (d *draft) setValue(k Key, value string) {
	if valueOf(k) == value {
		return
	}
	if commented(k) { // the comment stays
		k.Text.End = k.Text.Start + len(StripComment(k.Value))
	}
	if k.Text.Len() == 0 {
		if c := d.data[k.Text.Start-1]; c == '=' || c == ':' {
			value = " " + value
		}
	}
	d.put(k.Text, value)
	l := newLines(d.data, k.Lines.Start, k.Line)
	if _, ok := l.next(); ok {
		d.dropLines(Range{l.pos, k.Lines.End})
	}
}

// dropLines takes lines away, but for comments and blank lines among them.
func (d *draft) dropLines(r Range) {
	l := newLines(d.data, r.Start, 1)
	for l.pos < r.End {
		n, ok := l.next()
		if !ok {
			return
		}
		if c := n.text; c.Len() > 0 && !strings.ContainsRune("#;", rune(d.data[c.Start])) {
			d.put(n.all, "")
		}
	}
}
