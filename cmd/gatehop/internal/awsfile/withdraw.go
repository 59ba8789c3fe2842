package awsfile

import (
	"bytes"
	"slices"
)

// Withdraw returns the file without what Apply of an Edit with those keys wrote: the
// keys and the mark. A section that gatehop made goes with its header and the blank
// line before it, unless somebody added keys. A section that is not there, or has no
// mark, is no error: the bytes are the file's own.
//
// It gives the bytes back that Apply was given, exactly, if Apply changed no value and
// removed no key, which without Overwrite is so for every section that was not marked
// already.
func (f *File) Withdraw(kind Kind, section string, keys []string) ([]byte, error) {
	e := &Edit{Kind: kind, Section: section}
	s, found := f.Section(kind, section)
	ours, made := marked(s)
	switch {
	case !found || !ours:
		return f.Data, nil
	case s.Differs != "":
		return nil, e.refuse(s.Line, "", s.Differs)
	}
	d := newDraft(f.Data, f.sectionEOL(s))
	kept := false
	for _, k := range s.Keys {
		if k.Name == OwnerKey || slices.Contains(keys, k.Name) {
			d.dropLines(k.Lines)
		} else {
			kept = true
		}
	}
	want := f.names()
	if made && !kept {
		d.put(Range{d.blankBefore(s.Header.Start), s.Header.End}, "")
		want = slices.DeleteFunc(want, func(name string) bool { return name == s.Name })
	}
	data := d.result()
	if after := Scan(data); !slices.Equal(after.names(), want) || len(after.Oddities) > len(f.Oddities) {
		return nil, e.refuse(s.Line, "", unlikeAfter)
	}
	return data, nil
}

// blankBefore returns where the blank line before at begins, at if there is none.
func (d *draft) blankBefore(at int) int {
	before := d.data[:at]
	for _, eol := range []string{"\r\n", "\n"} {
		rest, ok := bytes.CutSuffix(before, []byte(eol))
		if ok && (len(rest) == 0 || rest[len(rest)-1] == '\n') {
			return len(rest)
		}
	}
	return at
}
