package awsfile

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"gatehop/creds/secret"
)

// refusal is an edit that must not be made.
type refusal struct {
	name, data string
	edit       Edit
	line       int
	reason     string // part of it
	foreign    bool   // Overwrite makes it
}

func refusals() []refusal {
	e := sessionEdit("w", "1")
	with := func(change func(*Edit)) Edit {
		c := sessionEdit("w", "1")
		change(&c)
		return c
	}
	value := func(v string) Edit { return with(func(e *Edit) { e.Set[3].Value = secret.New(v) }) }
	name := func(n string) Edit { return with(func(e *Edit) { e.Section = n }) }
	const mark = OwnerKey + " = prod\n"
	return []refusal{
		{"no name", "", name(""), 0, "has a name", false},
		{"a name with a space", "", name("a b"), 0, "has a name", false},
		{"a name with a colon", "", name("a:b"), 0, "has a name", false},
		{"a name with a bracket", "", name("a]b"), 0, "has a name", false},
		{"a name with a line end", "", name("a\nb"), 0, "has a name", false},
		{"a name outside ASCII", "", name("ü"), 0, "has a name", false},
		{"a name with #", "", name("a#b"), 0, "has a name", false},
		{"a name that JavaScript's objects have", "", name("constructor"), 0, "would not read the same", false},
		{"DEFAULT", "", name("DEFAULT"), 0, "is no profile", false},
		{"another kind", "", with(func(e *Edit) { e.Kind = Services }), 0, "no kind", false},
		{"nothing to set", "", with(func(e *Edit) { e.Set = nil }), 0, "no key", false},
		{"no owner", "", with(func(e *Edit) { e.Owner = "" }), 0, "no value", false},
		{"an odd owner", "", with(func(e *Edit) { e.Owner = "a\nb" }), 0, "cannot be printed", false},
		{"a key in capitals", "", with(func(e *Edit) { e.Set[0].Name = "AWS_ACCESS_KEY_ID" }), 0, "small letters", false},
		{"a key with a delimiter", "", with(func(e *Edit) { e.Set[0].Name = "a=b" }), 0, "small letters", false},
		{"a key twice in the edit", "", with(func(e *Edit) { e.Set[0].Name = "region" }), 0, "named twice", false},
		{"a key set and removed", "", with(func(e *Edit) { e.Remove = []string{"region"} }), 0, "named twice", false},
		{"no value", "", value(""), 0, "no value", false},
		{"LF", "", value("a\nb"), 0, "cannot be printed", false},
		{"CR", "", value("a\rb"), 0, "cannot be printed", false},
		{"NUL", "", value("a\x00b"), 0, "cannot be printed", false},
		{"a tab", "", value("a\tb"), 0, "cannot be printed", false},
		{"a control character", "", value("a\x1bb"), 0, "cannot be printed", false},
		{"a line separator", "", value("a\u2028b"), 0, "cannot be printed", false},
		{"a no-break space", "", value("a\u00a0b"), 0, "cannot be printed", false},
		{"not UTF-8", "", value("a\xffb"), 0, "cannot be printed", false},
		{"leading space", "", value(" a"), 0, "white space at an end", false},
		{"trailing space", "", value("a "), 0, "white space at an end", false},
		{"a comment", "", value("a # b"), 0, "comment", false},
		{"a comment with ;", "", value("a ;b"), 0, "comment", false},
		{"all comment", "", value("#a"), 0, "comment", false},
		{"quotes", "", value(`"a"`), 0, "quotes", false},
		{"section twice", "[w]\nk = v\n[x]\n[w]\nk = v\n", e, 4, "stands twice", false},
		{"another section twice", "[x]\n[x]\n", e, 2, "stands twice", false},
		{"a section that only Go reads", "[ w ]\nk = v\n", e, 1, "only some SDKs", false},
		{"a section that not every SDK reads", "[w] x\nk = v\n", e, 1, "does not read", false},
		{"a second one that only Go reads", "[w]\nk = v\n[ w ]\n", e, 1, "several sections", false},
		{"one that botocore takes for a value", "[x]\nk = v\n  [w]\n", e, 3, "only some SDKs", false},
		{"our key twice", "[w]\n" + mark + "region = a\nregion = b\n", e, 4, "key twice", false},
		{"another key twice", "[x]\nk = a\nk = b\n", e, 3, "key twice", false},
		{"byte order mark", "\ufeff[x]\nk = v\n", e, 1, "byte order mark", false},
		{"nothing but a byte order mark", "\ufeff", e, 1, "byte order mark", false},
		{"junk", "[x]\njunk\n", e, 2, "neither section", false},
		{"key before any section", "k = v\n[x]\n", e, 1, "before any section", false},
		{"not UTF-8 in the file", "[x]\nk = \xff\n", e, 2, "UTF-8", false},
		{"bare CR", "[x]\rk = v\r", e, 1, "carriage return", false},
		{"bare CR at the end", "[x]\nk = v\r", e, 2, "carriage return", false},
		{"nested without =", "[x]\ns3 =\n  a\n", e, 2, "nested block", false},
		{"DEFAULT gives a role", "[DEFAULT]\nrole_arn = x\n", e, 2, "[DEFAULT]", false},
		{"key with a comment", "[w]\n" + mark + "region = a # b\n", e, 3, "comment behind", false},
		{"key with a colon", "[w]\n" + mark + "region: a\n", e, 3, "colon", false},
		{"key in capitals", "[w]\n" + mark + "Region = a\n", e, 3, "lower case", false},
		{"an empty key in capitals", "[w]\n" + mark + "Region =\n", e, 3, "lower case", false},
		{"an empty mark in capitals", "[w]\nX_gatehop_profile =\n", e, 2, "lower case", false},
		{"key in quotes", "[w]\n" + mark + "region = \"a\"\n", e, 3, "quotes", false},
		{"an indented header below", "[w]\n  [x]\nk = v\n", e, 1, "would not read the same", false},
		{"indented keys below an empty one", "[w]\n " + mark + " output =\n", e, 1, "", false},
		{"static keys", "[w]\naws_access_key_id = AKIA\naws_secret_access_key = x\n", e, 2, "not written by gatehop", true},
		{"only a secret", "[w]\naws_secret_access_key = x\n", e, 2, "not written by gatehop", true},
		{"a stale token", "[w]\naws_session_token = x\n", e, 2, "not written by gatehop", true},
		{"a process", "[w]\ncredential_process = x\n", e, 2, "not written by gatehop", true},
		{"a role", "[w]\nrole_arn = x\n", e, 2, "not written by gatehop", true},
		{"a source profile", "[w]\nsource_profile = x\n", e, 2, "not written by gatehop", true},
		{"single sign-on", "[w]\nsso_session = x\n", e, 2, "not written by gatehop", true},
		{"a login session", "[w]\nlogin_session = x\n", e, 2, "not written by gatehop", true},
		{"a web identity", "[w]\nweb_identity_token_file = x\n", e, 2, "not written by gatehop", true},
		{"a region of somebody's", "[w]\nregion = x\n", e, 2, "not written by gatehop", true},
		{"a process beside the mark", "[w]\n" + mark + "credential_process = x\n", e, 3, "not written by gatehop", true},
		{"an old token beside the mark", "[w]\n" + mark + "aws_security_token = x\n", e, 3, "not written by gatehop", true},
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range refusals() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := apply([]byte(tt.data), tt.edit)
			var refusal *RefusalError
			if !errors.As(err, &refusal) {
				t.Fatalf("Apply = %q, %v, want a *RefusalError", out, err)
			}
			if refusal.Line != tt.line || !strings.Contains(err.Error(), tt.reason) || refusal.Foreign != tt.foreign {
				t.Errorf("Apply = %v (line %d, foreign %v), want %q in line %d, foreign %v",
					err, refusal.Line, refusal.Foreign, tt.reason, tt.line, tt.foreign)
			}
			for _, s := range tt.edit.Set {
				if v := s.Value.Reveal(); len(v) > 3 && strings.Contains(err.Error(), v) {
					t.Errorf("the refusal %q shows the value of %s", err, s.Name)
				}
			}
			tt.edit.Overwrite = true
			if out, err := apply([]byte(tt.data), tt.edit); (err == nil) != tt.foreign {
				t.Errorf("Apply with Overwrite = %q, %v, want it made: %v", out, err, tt.foreign)
			}
		})
	}
}

// TestOverwrite takes sections over and wants their other keys kept, and nothing left
// that belonged to the old credentials.
func TestOverwrite(t *testing.T) {
	t.Parallel()
	data := "# top\r\n[w]\r\noutput=json\r\naws_access_key_id=AKIA\r\n# between\r\naws_secret_access_key  =  x\r\n" +
		"aws_security_token = old\r\n  more\r\nsso_session = s\r\nrole_arn: x\r\nduration_seconds = 900\r\n\r\n# end"
	e := sessionEdit("w", "1")
	e.Overwrite = true
	want := "# top\r\n[w]\r\noutput=json\r\naws_access_key_id=ASIA1\r\n# between\r\naws_secret_access_key  =  s/e+c1\r\n" +
		"duration_seconds = 900\r\naws_session_token = to=ken#1==\r\nregion = eu-west-1\r\n" +
		"x_security_token_expires = 2026-03-01T10:00:00Z\r\nx_gatehop_profile = prod\r\n\r\n# end"
	out, err := apply([]byte(data), e)
	if err != nil || string(out) != want {
		t.Errorf("Apply = %q, %v, want %q", out, err, want)
	}
	gone, err := withdraw(out, e)
	if want := "# top\r\n[w]\r\noutput=json\r\n# between\r\nduration_seconds = 900\r\n\r\n# end"; err != nil || string(gone) != want {
		t.Errorf("Withdraw = %q, %v, want %q", gone, err, want)
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	const session = "x_gatehop_profile = prod\naws_access_key_id = ASIA1\naws_secret_access_key = s/e+c1\n" +
		"aws_session_token = to=ken#1==\nregion = eu-west-1\nx_security_token_expires = 2026-03-01T10:00:00Z\n"
	config := sessionEdit("w", "1")
	config.Kind = Config
	main := config
	main.Section = "default"
	for _, tt := range []struct {
		name, data string
		edit       Edit
		want       string
	}{
		{"no file", "", sessionEdit("w", "1"), "[w]\n" + session},
		{"behind another", "[a]\nk = v\n", sessionEdit("w", "1"), "[a]\nk = v\n\n[w]\n" + session},
		{"without a last line end", "[a]\nk = v", sessionEdit("w", "1"), strings.TrimSuffix("[a]\nk = v\n\n[w]\n"+session, "\n")},
		{"in the config file", "[a]\n", config, "[a]\n\n[profile w]\n" + session},
		{"the default profile of it", "", main, "[default]\n" + session},
		{"line ends of the file's first", "# c\r\n[a]\nk = v\n", sessionEdit("w", "1"), "# c\r\n[a]\nk = v\n\r\n[w]\r\n" + strings.ReplaceAll(session, "\n", "\r\n")},
		{"a header of the other file", "[profile w]\n", sessionEdit("w", "1"), "[profile w]\n\n[w]\n" + session},
	} {
		out, err := apply([]byte(tt.data), tt.edit)
		if err != nil || string(out) != tt.want {
			t.Errorf("%s: Apply = %q, %v, want %q", tt.name, out, err, tt.want)
		}
	}
}

// TestWithdrawOthers wants what is not gatehop's left alone, and neighbours that were
// written later whole.
func TestWithdrawOthers(t *testing.T) {
	t.Parallel()
	two, err := apply([]byte("[a]\nk = v"), sessionEdit("w", "1"))
	if err != nil {
		t.Fatal(err)
	}
	if two, err = apply(two, sessionEdit("z", "2")); err != nil {
		t.Fatal(err)
	}
	for _, first := range []string{"w", "z"} {
		data := two
		for _, name := range []string{first, "w", "z"} {
			if data, err = withdraw(data, sessionEdit(name, "")); err != nil {
				t.Fatal(err)
			}
		}
		if string(data) != "[a]\nk = v" {
			t.Errorf("after both, %s first: %q, want the original", first, data)
		}
	}
	for _, data := range []string{"", "[w]\naws_access_key_id = AKIA\n", "[x]\n"} {
		if out, err := withdraw([]byte(data), sessionEdit("w", "")); err != nil || string(out) != data {
			t.Errorf("Withdraw from %q = %q, %v, want it unchanged", data, out, err)
		}
	}
	kept := "[w]\noutput = json\n"
	if out, err := withdraw([]byte("[w]\n"+OwnerKey+" = p\nregion = x\noutput = json\n"), sessionEdit("w", "")); err != nil || string(out) != kept {
		t.Errorf("Withdraw from a section with a key of somebody's = %q, %v, want %q", out, err, kept)
	}
}

// foreignLines is an oracle of its own: the lines of a file that are neither the header
// of the section called w, if gatehop made it, nor lines of the named keys in it.
func foreignLines(data []byte, keys []string) []string {
	const space = `[\s\v\x{85}\p{Z}]` // what unicode.IsSpace has: \s alone is ASCII, and has no vertical tab
	ours := regexp.MustCompile(`^(` + space + `*)(?i:` + strings.Join(keys, "|") + `)` + space + `*=`)
	anyHeader, anyKey := regexp.MustCompile(`^`+space+`*\[.+\]`), regexp.MustCompile(`^(`+space+`*)[^\s\v\x{85}\p{Z}#;=:]`)
	in, dropped := false, false
	indent := 0
	var kept []string
	for line := range strings.Lines(string(data)) {
		text := strings.TrimRight(line, "\r\n")
		blank := strings.TrimSpace(text) == "" || strings.ContainsRune("#;", rune(strings.TrimSpace(text)[0]))
		depth := len(text) - len(strings.TrimLeftFunc(text, unicode.IsSpace))
		switch m := ours.FindStringSubmatch(text); {
		case blank:
		case dropped && depth > indent:
			continue
		case anyHeader.MatchString(text):
			in, dropped = strings.HasPrefix(strings.TrimSpace(text), "[w]"), false
			if in {
				continue
			}
		case in && m != nil:
			dropped, indent = true, len(m[1])
			continue
		case anyKey.MatchString(text):
			dropped = false
		}
		if text != "" { // the blank line before a new section
			kept = append(kept, text)
		}
	}
	return kept
}

// FuzzApply edits any file: what is not refused keeps every foreign line, is read back
// by botocore's reading, and does not change again.
func FuzzApply(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
		f.Add([]byte(s + "\n[w]\n" + OwnerKey + " = x\nregion = old\n"))
	}
	for _, tt := range refusals() {
		f.Add([]byte(tt.data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e := sessionEdit("w", "1")
		out, err := apply(data, e)
		var refused *RefusalError
		if errors.As(err, &refused) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		keys := append(slices.Clone(sessionKeys), OwnerKey)
		if a, b := foreignLines(data, keys), foreignLines(out, keys); !slices.Equal(a, b) {
			t.Fatalf("foreign lines of %q\n = %q\nafter %q\n = %q", data, a, out, b)
		}
		s, ok := Scan(out).Section(Credentials, "w")
		if !ok || s.Differs != "" {
			t.Fatalf("Section of %q = %v, %q", out, ok, s.Differs)
		}
		if again, err := apply(out, e); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("Apply twice to %q = %q, %v, want %q", data, again, err, out)
		}
		old, _ := Scan(data).Section(Credentials, "w")
		if ours, _ := marked(old); !ours {
			if back, err := withdraw(out, e); err != nil || !bytes.Equal(back, data) {
				t.Fatalf("Withdraw after Apply to %q = %q, %v", data, back, err)
			}
		}
		if d := Diff("credentials", data, out); strings.Contains(d, "s/e+c1") || strings.Contains(d, "to=ken") {
			t.Fatalf("the diff shows a secret:\n%s", d)
		}
	})
}

// TestForeignLinesControl: the oracle sees one changed byte of anything foreign.
func TestForeignLinesControl(t *testing.T) {
	t.Parallel()
	data := "# a\n[x]\nregion = x\n[w]\n# b\nregion = old\n  more\noutput = json\n[y]\nk = v\n"
	keys := append(slices.Clone(sessionKeys), OwnerKey)
	want := foreignLines([]byte(data), keys)
	if got := fmt.Sprint(want); got != "[# a [x] region = x # b output = json [y] k = v]" {
		t.Errorf("foreign lines = %s", got)
	}
	for i := range data {
		changed := []byte(data)
		changed[i] ^= 1
		ours := i >= strings.Index(data, "[w]") && i < strings.Index(data, "# b") || i >= strings.Index(data, "region = old") && i < strings.Index(data, "output")
		if !ours && slices.Equal(foreignLines(changed, keys), want) && data[i] != '\n' {
			t.Errorf("a change of byte %d (%q) is not seen", i, data[i])
		}
	}
}
