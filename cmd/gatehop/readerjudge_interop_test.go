//go:build interop

package main_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatehop/cmd/gatehop/internal/awsfile"
)

// view is what gatehop makes of one file.
type view struct {
	names    []string // of profiles, as Index.Names has them
	sections map[string]viewSection
	defaults map[string]string // what botocore alone adds to every section
}

type viewSection struct {
	alone   string // the section as a file of its own
	differs string // not "": gatehop refuses the profile
	keys    map[string]viewKey
}

type viewKey struct {
	value, differs string // differs not "": gatehop refuses the key
	written        string // the name as it stands in the file
	nested         []awsfile.Pair
}

func viewOf(data []byte, kind awsfile.Kind) view {
	file := awsfile.Scan(data)
	index := file.Index(kind)
	v := view{names: index.Names(), sections: map[string]viewSection{}, defaults: map[string]string{}}
	for _, d := range file.Defaults() {
		for _, k := range d.Keys {
			flatten(v.defaults, viewKeyOf(data, k), k.Name)
		}
	}
	for _, name := range v.names {
		found, ok := index.Section(name)
		if !ok {
			continue // the judge misses it
		}
		s := viewSection{alone: string(data[found.Header.Start:found.Body.End]), differs: found.Differs, keys: map[string]viewKey{}}
		for _, k := range found.Keys {
			s.keys[k.Name] = viewKeyOf(data, k)
		}
		v.sections[name] = s
	}
	return v
}

func viewKeyOf(data []byte, k awsfile.Key) viewKey {
	written, _, _ := strings.Cut(string(data[k.Lines.Start:k.Lines.End]), "=")
	nested, _ := k.Nested()
	return viewKey{value: k.Value, differs: k.Differs, written: strings.TrimSpace(written), nested: nested}
}

// flatten writes a key as the SDKs' readings have it.
func flatten(to map[string]string, k viewKey, name string) {
	if !strings.HasPrefix(k.value, "\n") {
		to[name] = k.value
		return
	}
	for _, pair := range k.nested {
		to[name+"."+pair.Name] = pair.Value
	}
}

// sdkFile is what the SDKs read in one file.
type sdkFile struct {
	profiles  map[string]profileKeys // by SDK; without those that refuse the file
	refused   string                 // why botocore refuses it, "" if it does not
	goRefused string                 // the same of the Go SDK
	alone     map[string]sdkFile     // by profile: its section as a file of its own, if the whole is refused
}

// judge compares what gatehop reads in a file with what the SDKs read. Each problem is
// one sentence; none means that they agree on all that gatehop does not refuse.
func judge(v view, sdks sdkFile) (problems []string) {
	fail := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, boto := range []string{botocore, botocoreII} {
		if profiles, ok := sdks.profiles[boto]; ok {
			judgeBoto(v, boto, profiles, fail)
		}
	}
	for name, s := range v.sections {
		if s.differs != "" {
			continue
		}
		of := sdks
		if alone, ok := sdks.alone[name]; ok {
			of = alone
			judgeBoto(view{names: []string{name}, sections: map[string]viewSection{name: s}}, botocore, alone.profiles[botocore], fail)
		}
		if refused := of.refused + of.goRefused; refused != "" {
			fail("profile %q is read, for the section of which alone an SDK refuses a file: %s", name, refused)
		}
		for _, sdk := range []string{goSDK, jsSDK} {
			if profiles, ok := sdks.profiles[sdk]; ok {
				judgeSection(name, s, sdk, profiles[name], fail)
			}
		}
	}
	slices.Sort(problems)
	return problems
}

// judgeBoto: gatehop finds exactly the profiles that botocore finds, and reads every key
// of theirs as botocore does, those that it refuses included.
func judgeBoto(v view, boto string, profiles profileKeys, fail func(string, ...any)) {
	if want := slices.Sorted(maps.Keys(profiles)); !slices.Equal(slices.Sorted(slices.Values(v.names)), want) {
		fail("the profiles are %q, to %s %q", v.names, boto, want)
	}
	for name, s := range v.sections {
		got := maps.Clone(v.defaults)
		if got == nil {
			got = map[string]string{}
		}
		for key, k := range s.keys {
			delete(got, key)
			flatten(got, k, key)
		}
		if want, ok := profiles[name]; ok && !maps.Equal(got, want) {
			fail("profile %q has the keys %q, to %s %q", name, got, boto, want)
		}
	}
}

// judgeSection: where gatehop refuses neither profile nor key, an SDK reads that value,
// and it finds no key that gatehop does not know of.
func judgeSection(name string, s viewSection, sdk string, theirs map[string]string, fail func(string, ...any)) {
	for key, k := range s.keys {
		if value, ok := theirs[key]; k.differs == "" && (!ok || value != k.value) {
			fail("profile %q: %s is %q, to %s %q (found: %v)", name, key, k.value, sdk, value, ok)
		}
	}
	for key := range theirs {
		if !s.accounts(strings.ToLower(key)) {
			fail("profile %q: %s finds the key %q, gatehop does not", name, sdk, key)
		}
	}
}

// accounts reports whether gatehop knows of a key that an SDK finds: as a key, as one in a
// nested block, as another spelling of a key that it refuses, or as a comment behind a
// form feed, which is a key that nobody looks for to the Go SDK.
func (s viewSection) accounts(key string) bool {
	if text := strings.TrimLeft(key, "\x0b\x0c\x1c\x1d\x1e\x1f\u0085\u00a0\u2028\ufeff"); strings.HasPrefix(text, "#") || strings.HasPrefix(text, ";") {
		return true
	}
	block, _, dotted := strings.Cut(key, ".")
	_, known := s.keys[key]
	_, nested := s.keys[block]
	for name, k := range s.keys {
		// What is refused may be another key, or block, to somebody else.
		known = known || k.differs != "" && (strings.Contains(key, strings.ToLower(name)) || dotted && len(k.nested) > 0)
	}
	return known || nested
}

// refused are the reasons for which gatehop refuses profiles and keys.
func (v view) refused() (reasons []string) {
	for _, s := range v.sections {
		if s.differs != "" {
			reasons = append(reasons, s.differs)
		}
		for _, k := range s.keys {
			if k.differs != "" {
				reasons = append(reasons, k.differs)
			}
		}
	}
	return reasons
}

// falseRefusals are the reasons that gatehop gives where all SDKs read the same. Only a
// file that none refuses can tell.
func falseRefusals(v view, sdks sdkFile) (reasons []string) {
	if sdks.refused+sdks.goRefused != "" {
		return nil
	}
	boto, golang, js := sdks.profiles[botocore], sdks.profiles[goSDK], sdks.profiles[jsSDK]
	for name, s := range v.sections {
		switch {
		case len(s.keys) == 0: // nothing to differ over
		case s.differs == "":
			reasons = append(reasons, s.falseKeys(golang[name], js[name])...)
		case maps.Equal(boto[name], golang[name]) && maps.Equal(boto[name], js[name]):
			reasons = append(reasons, s.differs)
		}
	}
	return reasons
}

func (s viewSection) falseKeys(golang, js map[string]string) (reasons []string) {
	for key, k := range s.keys {
		if k.differs == "" {
			continue
		}
		got := map[string]string{}
		flatten(got, k, key)
		same := len(got) > 0
		for key, value := range got {
			inGo, goOK := golang[key]
			inJS, jsOK := js[key]
			same = same && goOK && jsOK && inGo == value && inJS == value
		}
		if same {
			reasons = append(reasons, k.differs)
		}
	}
	return reasons
}
