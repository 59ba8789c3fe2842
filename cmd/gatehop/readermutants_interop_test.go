//go:build interop

package main_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/awsfile"
)

// readerMutant is the reader with one thing wrong: the file that it reads is spoiled
// before, or what it made of it afterwards.
type readerMutant struct {
	name   string
	before func(kind awsfile.Kind, data string) string
	after  func(data string, kind awsfile.Kind, v view) view
}

func (m readerMutant) view(s sample) view {
	data := s.data
	if m.before != nil {
		data = m.before(s.kind, data)
	}
	v := viewOf([]byte(data), s.kind)
	if m.after != nil {
		v = m.after(data, s.kind, v)
	}
	return v
}

// eachKey changes every key: its name, its value, whether it is refused; "" drops it.
func eachKey(change func(name string, k viewKey, of viewSection) (string, viewKey)) func(string, awsfile.Kind, view) view {
	return func(_ string, _ awsfile.Kind, v view) view {
		for name, s := range v.sections {
			keys := map[string]viewKey{}
			for key, k := range s.keys {
				if as, k := change(key, k, s); as != "" {
					keys[as] = k
				}
			}
			s.keys = keys
			v.sections[name] = s
		}
		return v
	}
}

var (
	bareCR     = regexp.MustCompile(`\r+([^\n]|$)`)
	threeQuote = regexp.MustCompile(`^"""(.*?)""".*$`)
)

func readerMutants() []readerMutant {
	mutants := []readerMutant{
		{name: "takes inline comments off", after: eachKey(func(name string, k viewKey, _ viewSection) (string, viewKey) {
			k.value = awsfile.StripComment(k.value)
			return name, k
		})},
		{name: "takes quotes off", after: eachKey(func(name string, k viewKey, _ viewSection) (string, viewKey) {
			if n := len(k.value); n > 1 && k.value[0] == '"' && k.value[n-1] == '"' {
				k.value = k.value[1 : n-1]
			}
			return name, k
		})},
		{name: "takes three quotes for one", after: eachKey(func(name string, k viewKey, _ viewSection) (string, viewKey) {
			k.value = threeQuote.ReplaceAllString(k.value, "$1")
			return name, k
		})},
		{name: "puts other keys into values", after: eachKey(func(name string, k viewKey, of viewSection) (string, viewKey) {
			if region, ok := of.keys["region"]; ok {
				k.value = strings.ReplaceAll(k.value, "%(region)s", region.value)
			}
			return name, k
		})},
		{name: "joins further lines with a space", after: eachKey(func(name string, k viewKey, _ viewSection) (string, viewKey) {
			if len(k.nested) == 0 {
				k.value = strings.ReplaceAll(k.value, "\n", " ")
			}
			return name, k
		})},
		{name: "leaves further lines out", after: eachKey(func(name string, k viewKey, _ viewSection) (string, viewKey) {
			k.value, _, _ = strings.Cut(k.value, "\n")
			return name, k
		})},
		{name: "takes a colon for no delimiter", after: eachKey(func(name string, k viewKey, _ viewSection) (string, viewKey) {
			if strings.Contains(k.differs, "colon") {
				return "", k
			}
			return name, k
		})},
		{name: "keeps the letter case of keys", after: eachKey(func(name string, k viewKey, _ viewSection) (string, viewKey) {
			if strings.EqualFold(name, k.written) {
				name = k.written
			}
			return name, k
		})},
		{name: "lifts nested keys into the profile", after: func(_ string, _ awsfile.Kind, v view) view {
			for _, s := range v.sections {
				for _, k := range slices.Collect(maps.Values(s.keys)) {
					for _, pair := range k.nested {
						s.keys[pair.Name] = viewKey{value: pair.Value}
					}
				}
			}
			return v
		}},
		{name: "takes the first of several sections", after: firstOfSeveral},
		{name: "does not know DEFAULT", after: func(_ string, _ awsfile.Kind, v view) view { v.defaults = nil; return v }},
		{name: "takes a carriage return for white space", before: func(_ awsfile.Kind, data string) string { return bareCR.ReplaceAllString(data, " $1") }},
		{name: "wants no word before a name", before: func(kind awsfile.Kind, data string) string {
			if kind == awsfile.Config {
				return strings.Replace(data, "[p]", "[profile p]", 1)
			}
			return strings.Replace(data, "[profile p]", "[p]", 1)
		}},
		{name: "takes blanks around a name off", before: func(_ awsfile.Kind, data string) string { return strings.ReplaceAll(data, "[ ", "[") }},
		{name: "takes indented headers for headers", before: func(_ awsfile.Kind, data string) string { return strings.ReplaceAll(data, "\n  [", "\n[") }},
		{name: "takes comments behind a header for a part", before: func(_ awsfile.Kind, data string) string { return strings.ReplaceAll(data, " # [x]", "") }},
	}
	for _, r := range refusals() {
		mutants = append(mutants, readerMutant{name: "forgets: " + r.pattern.String(), after: forgets(r)})
	}
	return mutants
}

// firstOfSeveral reads the first of sections with the same header.
func firstOfSeveral(data string, kind awsfile.Kind, v view) view {
	seen := map[string]bool{}
	for _, s := range awsfile.Scan([]byte(data)).Sections {
		if !seen[s.Name] {
			seen[s.Name] = true
			continue
		}
		for name, first := range viewOf([]byte(data[:s.Header.Start]), kind).sections {
			if strings.Contains(v.sections[name].differs, "several sections") {
				v.sections[name] = first
			}
		}
		break
	}
	return v
}

// forgets is a reader that does not refuse what r does.
func forgets(r refusal) func(string, awsfile.Kind, view) view {
	return func(_ string, _ awsfile.Kind, v view) view {
		for name, s := range v.sections {
			if r.is(s.differs) {
				s.differs = ""
			}
			for key, k := range s.keys {
				if r.is(k.differs) {
					k.differs = ""
					s.keys[key] = k
				}
			}
			v.sections[name] = s
		}
		return v
	}
}

// checkMutants: the same judge catches every mutant somewhere in the corpus.
func checkMutants(t *testing.T, c corpus) {
	t.Helper()
	for _, m := range readerMutants() {
		caught := false
		for i := 0; i < len(c.samples) && !caught; i++ {
			caught = len(judge(m.view(c.samples[i]), c.sdks[i])) > 0
		}
		if !caught {
			t.Errorf("nothing catches a reader that %s", m.name)
		}
	}
	// And one that refuses a sound profile is too careful.
	for i, v := range c.views {
		for name, s := range v.sections {
			s.differs = "holds bytes that are not UTF-8, for which botocore refuses the whole file"
			v.sections[name] = s
		}
		c.views[i] = v
	}
	if len(needlessRefusals(c).problems) == 0 {
		t.Error("nothing catches a reader that refuses everything")
	}
}
