package migrate

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestINI compares the reader with gopkg.in/ini.v1 1.67.0: the golden files hold what
// that made of the same bytes, with the options of saml2aws.
func TestINI(t *testing.T) {
	t.Parallel()
	for path, data := range files(t, "ini") {
		want, err := os.ReadFile(strings.TrimSuffix(path, ".ini") + ".golden")
		if err != nil {
			t.Fatal(err)
		}
		if got := dump(data); got != string(want) {
			t.Errorf("%s: read as\n%s\nini.v1 reads\n%s", path, got, want)
		}
	}
}

// dump is what a reader makes of a file, in the form of the golden files.
func dump(data []byte) string {
	f, err := parseINI(data)
	if err != nil {
		return "error\n"
	}
	var b strings.Builder
	for _, s := range f.sections {
		fmt.Fprintf(&b, "[%q]\n", s.name)
		for _, k := range s.keys {
			text, _ := f.text(k)
			fmt.Fprintf(&b, "%q = %q\n", k.name, text)
		}
		for _, name := range []string{"url", "a", "username"} {
			if k := f.find(s, name); k != nil {
				text, _ := f.text(k)
				fmt.Fprintf(&b, "has %q = %q\n", name, text)
			}
		}
	}
	return b.String()
}
