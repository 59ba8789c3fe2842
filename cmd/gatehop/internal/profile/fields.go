package profile

import (
	"strings"

	"gatehop/cmd/gatehop/internal/awsfile"
)

// Set reads text as the value of a key of the draft, as Values names it, and keeps it.
// It is read as it would be from the config file at that place, and kept as a person
// wrote it: a later reading gives the same. problem ends a sentence that begins with the
// key; nothing is kept then. A value that cannot stand in an AWS file is one.
func (d *Draft) Set(name, text string, at Place) (problem string) {
	f := d.find(name)
	if f == nil {
		return "is not a key that can be written for a profile"
	}
	parse := shown(name)
	if k, ok := lookup(name); ok && parse == nil {
		if feature := k.awaited(text); feature != "" {
			return "is known, but " + feature + " is not built yet"
		}
		parse = k.parse
	}
	switch {
	case parse == nil:
		return "is not a key that gatehop knows"
	case strings.TrimSpace(text) != text:
		return "has white space at an end"
	case text != "" && awsfile.StripComment(text) != text:
		return "has a value of which a part would be a comment"
	}
	if problem = unprintable(text, false); problem != "" {
		return problem
	}
	kept, problem := parse(text, at)
	if problem != "" {
		return problem
	}
	if name == prefix+"ca_bundle" { // by its absolute path, since it moves to another file
		text = kept
	}
	*f.text = text
	return ""
}

// shown returns how the keys are read that are made for people to see: a draft may carry
// them whether or not anything shows them yet. nil of any other key.
func shown(name string) func(value string, at Place) (kept, problem string) {
	switch name {
	case prefix + "color":
		return color
	case prefix + "note":
		return text
	}
	return nil
}

// Get returns the value of a key of the draft, as Values names it; "" if there is none.
func (d *Draft) Get(name string) string {
	if f := d.find(name); f != nil {
		return *f.text
	}
	return ""
}

func (d *Draft) find(name string) *field {
	for _, f := range d.fields() {
		if f.name == name {
			return &f
		}
	}
	return nil
}

// Keys are the names of all keys that a draft can hold, in the order of Values.
func Keys() []string {
	var names []string
	for _, f := range new(Draft).fields() {
		names = append(names, f.name)
	}
	return names
}

// Known are the names of all keys that a reading knows, as they stand in a file: of those
// with two names both.
func Known() []string {
	var names []string
	for i := range keys {
		names = append(names, keys[i].full())
		if keys[i].plain {
			names = append(names, keys[i].name)
		}
	}
	return names
}
