package form

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/htmlindex"
)

// asIndexed is charsetOf by the index of x/text, which is made from the standard's own table.
func asIndexed(label string) (charset, bool) {
	enc, err := htmlindex.Get(strings.Trim(label, asciiSpace))
	if err != nil || enc == nil {
		return charset{}, false
	}
	name, err := htmlindex.Name(enc)
	if err != nil || name == "replacement" {
		return charset{}, false
	}
	return charset{name, enc}, true
}

// differs says how a lookup differs from the index over a label.
func differs(lookup func(string) (charset, bool), label string) string {
	got, ok := lookup(label)
	want, known := asIndexed(label)
	if ok == known && got.name == want.name && fmt.Sprintf("%p %v", got.enc, got.enc) == fmt.Sprintf("%p %v", want.enc, want.enc) {
		return ""
	}
	return fmt.Sprintf("%q is %q (%v), and %q (%v) in the index", label, got.name, ok, want.name, known)
}

// TestLabels compares every label, and what is none, with x/text's index. The control is a
// lookup that knows one label less, and one that takes one encoding for another.
func TestLabels(t *testing.T) {
	t.Parallel()
	all := strings.Fields(labels)
	if len(all) < 200 {
		t.Fatalf("only %d labels", len(all))
	}
	for _, label := range append(slices.Clone(all), "", " ", "utf", "utf-7", "replacement", "iso-2022-kr", "hz-gb-2312", "csiso2022kr", "utf-16", "nonsense", "ut\u017f-8") {
		for _, form := range []string{label, strings.ToUpper(label), " " + label + "\n", "\u00a0" + label, label + "-"} {
			if problem := differs(charsetOf, form); problem != "" {
				t.Error(problem)
			}
		}
	}
	for _, mutant := range []func(string) (charset, bool){
		func(label string) (charset, bool) {
			cs, ok := charsetOf(label)
			return cs, ok && label != "latin1"
		},
		func(label string) (charset, bool) {
			cs, ok := charsetOf(label)
			if cs.name == "windows-1252" {
				other, _ := charsetOf("windows-1250")
				cs.enc = other.enc
			}
			return cs, ok
		},
	} {
		if differs(mutant, "latin1") == "" {
			t.Error("a wrong lookup passes for the index: the comparison is blind")
		}
	}
}

// FuzzLabel looks for a label that the table and the index read differently.
func FuzzLabel(f *testing.F) {
	for _, seed := range []string{"latin1", "UTF-8", "shift_jis ", "x-user-defined", "\u212aoi8-r", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, label string) {
		if problem := differs(charsetOf, label); problem != "" {
			t.Error(problem)
		}
	})
}
