package profile

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/anyurl"
)

// TestSplitWords has lines on both kinds of system; nil words are a refusal.
func TestSplitWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value         string
		unix, windows []string
	}{
		{"pass show corp", []string{"pass", "show", "corp"}, []string{"pass", "show", "corp"}},
		{"  a\t b  ", []string{"a", "b"}, []string{"a", "b"}},
		{`'a b' "c d"e`, []string{"a b", "c de"}, []string{"a b", "c de"}},
		{`a "" ''`, []string{"a", "", ""}, []string{"a", "", ""}},
		{`a\ b c`, []string{"a b", "c"}, []string{`a\`, "b", "c"}},
		{`C:\bin\pw.exe x`, []string{"C:binpw.exe", "x"}, []string{`C:\bin\pw.exe`, "x"}},
		{`"C:\my tools\pw.exe" x`, []string{`C:\my tools\pw.exe`, "x"}, []string{`C:\my tools\pw.exe`, "x"}},
		{`"C:\tools\" x`, nil, []string{`C:\tools\`, "x"}},
		{`a "\"b\\"`, []string{"a", `"b\`}, nil},
		{`a '\'`, []string{"a", `\`}, []string{"a", `\`}},
		{`a '$b' "c'd"`, []string{"a", "$b", "c'd"}, []string{"a", "$b", "c'd"}},
		{`a \$b "\$c\` + "`" + `"`, []string{"a", "$b", "$c`"}, nil},
		{"a b~ c#d =e !f", []string{"a", "b~", "c#d", "=e", "!f"}, []string{"a", "b~", "c#d", "=e", "!f"}},
		{"a 100% b^c", []string{"a", "100%", "b^c"}, nil},
		{`a "100%"`, []string{"a", "100%"}, nil},
		{"", nil, nil}, {"  ", nil, nil}, {"a 'b", nil, nil}, {`a "b`, nil, nil}, {"a ~", nil, nil}, {"a #b", nil, nil},
		{`a \`, nil, []string{"a", `\`}},
		{`a "$b"`, nil, nil}, {"a \"`b`\"", nil, nil},
	} {
		for windows, want := range map[bool][]string{false: c.unix, true: c.windows} {
			got, problem := splitWords(c.value, windows)
			if !slices.Equal(got, want) || (want == nil) != (problem != "") {
				t.Errorf("splitWords(%q, windows %v) = %q, %q, want %q", c.value, windows, got, problem, want)
			}
		}
	}
	for _, special := range shellAnywhere {
		if words, problem := splitWords("a b"+string(special), false); problem == "" {
			t.Errorf("a word with %q is taken: %q", special, words)
		}
		if special == '\n' {
			continue // refused before, with every other value of two lines
		}
		if words, problem := splitWords("a 'b"+string(special)+"'", false); problem != "" || words[1] != "b"+string(special) {
			t.Errorf("a quoted word with %q = %q, %q", special, words, problem)
		}
	}
}

func TestProgramProblem(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"pass": "", "pw.sh": "", "": "empty", "./pw": "relative", "bin/pw": "relative", "A=b": "variable", "pass show x": "quotes",
	} {
		if got := programProblem(word, false); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("programProblem(%q) = %q, want %q", word, got, want)
		}
	}
	for _, word := range []string{`bin\pw`, `C:pw`} {
		if programProblem(word, true) == "" {
			t.Errorf("programProblem(%q) on Windows = none", word)
		}
	}
	if got := programProblem(filepath.Join(t.TempDir(), "a b"), runtime.GOOS == "windows"); got != "" {
		t.Errorf("programProblem of an absolute path = %q", got)
	}
}

// FuzzSplitWords quotes the words that came out, the way that nothing is special in,
// and wants the same words again; and nothing that a shell would act on in a line that
// was taken without quotes.
func FuzzSplitWords(f *testing.F) {
	for _, seed := range []string{"pass show corp", `"/a b/c" 'd' e\ f`, `a "\""`, "a $b", `C:\x "y\"`, "a ''"} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, value string, windows bool) {
		words, problem := splitWords(value, windows)
		if problem != "" {
			if words != nil {
				t.Fatalf("splitWords(%q) = %q with %q", value, words, problem)
			}
			return
		}
		if !strings.ContainsAny(value, `'"\`) && strings.ContainsAny(value, shellAnywhere) {
			t.Fatalf("splitWords(%q) = %q, which a shell would run otherwise", value, words)
		}
		var quoted []string
		for _, w := range words {
			if strings.Contains(w, "'") {
				return
			}
			quoted = append(quoted, "'"+w+"'")
		}
		again, problem := splitWords(strings.Join(quoted, " "), windows)
		if problem != "" || !slices.Equal(again, words) {
			t.Fatalf("splitWords(%q) = %q; quoted again %q, %q", value, words, again, problem)
		}
	})
}

// TestCommandsInUnsafeFiles refuses programs named in a file that others can write, and
// nothing else in it.
func TestCommandsInUnsafeFiles(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	const plain = "[profile p]\ngatehop_idp = adfs\n"
	for _, c := range []struct {
		name, config string
		mode         os.FileMode
		refused      bool
	}{
		{"closed", plain + "gatehop_password_command = pw\n", 0o600, false},
		{"readable", plain + "gatehop_password_command = pw\n", 0o644, false},
		{"writable by the group", plain + "gatehop_password_command = pw\n", 0o660, true},
		{"writable by all", plain + "gatehop_otp_command = pw\n", 0o602, true},
		{"writable by all, for a notice", plain + "gatehop_notify_command = pw\n", 0o602, true},
		{"copied from another profile", "[profile p]\ngatehop_from = q\n[profile q]\ngatehop_idp = adfs\ngatehop_otp_command = pw\n", 0o620, true},
		{"no program", plain, 0o666, false},
	} {
		dir := t.TempDir()
		real, path := filepath.Join(dir, "real"), filepath.Join(dir, "config")
		if err := os.WriteFile(real, []byte(c.config), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(real, c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(real, path); err != nil { // what counts is the file that the link leads to
			t.Fatal(err)
		}
		read, err := Read(Files{Config: path, Credentials: filepath.Join(dir, "credentials")}, anyurl.Read)
		if err != nil {
			t.Fatal(err)
		}
		_, err = read.Chain("p")
		if refused := err != nil && strings.Contains(err.Error(), "can be written by others"); refused != c.refused || err != nil && !refused {
			t.Errorf("%s: Chain = %v, want refused: %v", c.name, err, c.refused)
		}
	}
}
