package awsfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// headerTest is a file and what its headers name. The readings are those of botocore
// 1.43.11, aws-sdk-go-v2/config 1.33.15 and @smithy/core 3.41.0 over the same bytes.
type headerTest struct {
	name, data string
	kind       Kind
	profile    string
	line       int    // 0: botocore finds none
	differs    string // part of the reason; "": all three agree
}

func headerTests() []headerTest {
	return []headerTest{
		{"plain", "[profile p]\nk=v", Config, "p", 1, ""},
		{"CRLF", "[profile p]\r\nk=v\r\n", Config, "p", 1, ""},
		{"trailing blanks", "[profile p]  \t\nk=v", Config, "p", 1, ""},
		{"indented", "  [profile p]\nk=v", Config, "p", 1, ""},
		{"comment behind", "[profile p]  # c\nk=v", Config, "p", 1, ""},
		{"comment with ;", "[profile p]\t; c\nk=v", Config, "p", 1, ""},
		{"comment without space", "[profile p]# c\nk=v", Config, "p", 1, "the JavaScript SDK does not read"},
		{"comment with a bracket", "[profile p] # [x]\nk=v", Config, "p", 0, ""},
		{"something behind", "[profile p] x\nk=v", Config, "p", 1, "the Go SDK does not read"},
		{"double quotes", "[profile \"p\"]\nk=v", Config, "p", 1, "the Go SDK does not read"},
		{"single quotes", "[profile 'p']\nk=v", Config, "p", 1, "the Go SDK does not read"},
		{"a space in quotes", "[profile \"a b\"]\nk=v", Config, "a b", 1, "does not read"},
		{"a space without quotes", "[profile a b]\nk=v", Config, "a b", 0, ""},
		{"an escaped space", "[profile a\\ b]\nk=v", Config, "a b", 1, "does not read"},
		{"an open quote", "[profile \"p]\nk=v", Config, "p", 0, ""},
		{"an empty name", "[profile \"\"]\nk=v", Config, "", 1, "does not read"},
		{"several spaces", "[profile   p]\nk=v", Config, "p", 1, "the JavaScript SDK does not read"},
		{"a tab", "[profile\tp]\nk=v", Config, "p", 1, ""},
		{"space inside", "[ profile p ]\nk=v", Config, "p", 0, ""},
		{"space before the bracket", "[profile p ]\nk=v", Config, "p", 1, "the JavaScript SDK does not read"},
		{"another word", "[profiles p]\nk=v", Config, "p", 1, "the Go SDK does not read"},
		{"no word", "[p]\nk=v", Config, "p", 0, ""},
		{"a dot instead of a space", "[profile.p]\nk=v", Config, "p", 0, ""},
		{"the word in the credentials file", "[profile p]\nk=v", Credentials, "p", 0, ""},
		{"no word in the credentials file", "[p]\nk=v", Credentials, "p", 1, ""},
		{"space inside in the credentials file", "[ p ]\nk=v", Credentials, "p", 0, ""},
		{"two words in the credentials file", "[a b]\nk=v", Credentials, "a b", 1, "the JavaScript SDK does not read"},
		{"letter case", "[profile P]\nk=v", Config, "p", 0, ""},
		{"harmless signs", "[profile a.b/c:d@e+f%g-h_1]\nk=v", Config, "a.b/c:d@e+f%g-h_1", 1, ""},
		{"an equals sign", "[profile a=b]\nk=v", Config, "a=b", 1, "the JavaScript SDK does not read"},
		{"outside ASCII", "[profile ü]\nk=v", Config, "ü", 1, "the JavaScript SDK does not read"},
		{"a number sign", "[profile a#b]\nk=v", Config, "a#b", 1, "the Go SDK does not read"},
		{"a closing bracket", "[profile a]b]\nk=v", Config, "a]b", 1, "the JavaScript SDK does not read"},
		{"default", "[default]\nk=v", Config, "default", 1, ""},
		{"default in the credentials file", "[default]\nk=v", Credentials, "default", 1, ""},
		{"Default", "[Default]\nk=v", Config, "default", 0, ""},
		{"space around default", "[ default ]\nk=v", Config, "default", 0, ""},
		{"prefixed default", "[profile default]\nk=v", Config, "default", 1, ""},
		{"prefixed default last", "[default]\nk=v\n[profile default]\nk=w", Config, "default", 3, ""},
		{"prefixed default first", "[profile default]\nk=v\n[default]\nk=w", Config, "default", 3, "in several sections (lines 1, 3)"},
		{"prefixed default last but empty", "[default]\nk=v\n[profile default]\n", Config, "default", 3, "in several sections"},
		{"DEFAULT is no profile", "[DEFAULT]\nk=v", Credentials, "DEFAULT", 0, ""},
		{"but a profile may be called so", "[profile DEFAULT]\nk=v", Config, "DEFAULT", 1, ""},
		{"twice", "[profile p]\nk=v\n[profile p]\nk=w", Config, "p", 3, "in several sections (lines 1, 3)"},
		{"another twice", "[profile p]\nk=v\n[profile q]\n[profile q]", Config, "p", 1, ""},
		{"two spellings", "[profile p]\nk=v\n[profile \"p\"]\nk=w", Config, "p", 3, "in several sections"},
		{"a spelling that Go alone reads", "[profile p]\nk=v\n[ profile p ]\nk=w", Config, "p", 1, "in several sections"},
		{"a spelling that JavaScript alone reads", "[profile p]\nk=v\n[profile.p]\nk=w", Config, "p", 1, "in several sections"},
		{"below a byte order mark", "\ufeff[profile p]\nk=v", Config, "p", 1, "byte order mark"},
		{"further below a byte order mark", "\ufeff# c\n[profile p]\nk=v", Config, "p", 2, ""},
		{"below a bare CR", "# c\r[profile p]\nk=v", Config, "p", 2, "carriage return"},
		{"with a bare CR", "[profile p]\nk=v\rx=y\n", Config, "p", 1, "carriage return"},
		{"a bare CR elsewhere", "[profile q]\nk=v\rx=y\n[profile p]\nk=v", Config, "p", 4, ""},
		{"not UTF-8", "[profile p]\nk=\xff", Config, "p", 1, "not UTF-8"},
		{"not UTF-8 elsewhere", "[profile q]\nk=\xff\n[profile p]\nk=v", Config, "p", 3, ""},
		{"before a header that is none to Go", "[profile p]\nk=v\n[profile q] x\nk=w", Config, "p", 1, "ends at a header (line 3)"},
		{"hidden from botocore", "[profile p]\nk=v\n[profile q]\nk=v\n  [profile p]\n", Config, "p", 1, "goes on below an indented header (line 5)"},
		{"services", "[services s]\nsts=\n a=b", Services, "s", 1, ""},
		{"services in quotes", "[services \"s\"]\nsts=\n a=b", Services, "s", 1, "the Go SDK does not read"},
		{"a name that is a member of JavaScript's objects", "[profile constructor]\nk=v", Config, "constructor", 1, "the JavaScript SDK does not read"},
		{"the same in the credentials file", "[toString]\nk=v", Credentials, "toString", 1, "the JavaScript SDK does not read"},
		{"a name that is another kind's to JavaScript", "[profile services.s]\nk=v\n[services s]\nsts=\n a=b", Config, "services.s", 1, "in several sections"},
		{"services of another kind", "[profile s]\nk=v", Services, "s", 0, ""},
	}
}

func TestSection(t *testing.T) {
	t.Parallel()
	for _, tt := range headerTests() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := Scan([]byte(tt.data))
			s, ok := f.Section(tt.kind, tt.profile)
			if ok != (tt.line > 0) || s.Line != tt.line {
				t.Fatalf("Section = line %d, %v, want line %d", s.Line, ok, tt.line)
			}
			if (s.Differs == "") != (tt.differs == "") || !strings.Contains(s.Differs, tt.differs) {
				t.Errorf("Differs = %q, want %q", s.Differs, tt.differs)
			}
			if named := slices.Contains(f.Index(tt.kind).Names(), tt.profile); named != ok {
				t.Errorf("Names has it: %v, want %v", named, ok)
			}
		})
	}
}

// keyTest is the body of a section as botocore 1.43.11 reads it.
type keyTest struct {
	name, data string
	want       string // NAME=VALUE, quoted, joined by spaces
	section    string // part of Section.Differs
	key        string // part of the first key's Differs
}

func keyTests() []keyTest {
	return []keyTest{
		{"plain", "k = v\nl=w", `"k=v" "l=w"`, "", ""},
		{"no last line end", "k = v", `"k=v"`, "", ""},
		{"indented alike", "  k = v\n  l = w", `"k=v" "l=w"`, "", ""},
		{"comments", "# a\n k = v\n; b\n  # c\n l = w", `"k=v" "l=w"`, "", ""},
		{"trailing blanks", "k = v  \t", `"k=v"`, "", ""},
		{"colon", "k: v", `"k=v"`, "", "colon"},
		{"colon in the value", "k = a:b", `"k=a:b"`, "", ""},
		{"upper case", "Role_ARN = v", `"role_arn=v"`, "", "lower case"},
		{"a dotted capital I is no i", "R\u0130 = v", "\"ri\u0307=v\"", "lower case alike", "lower case"},
		{"quotes", `k = "v"`, `"k=\"v\""`, "", "quotes"},
		{"single quotes", `k = 'v'`, `"k='v'"`, "", "quotes"},
		{"a quote inside", `k = a"b"`, `"k=a\"b\""`, "", ""},
		{"comment behind", "k = v # c", `"k=v # c"`, "", "comment"},
		{"comment behind a tab", "k = v\t; c", `"k=v\t; c"`, "", "comment"},
		{"no space before it", "k = v#c;d", `"k=v#c;d"`, "", ""},
		{"no value", "k =", `"k="`, "", "no value"},
		{"interpolation", "k = %(l)s\nl = w", `"k=%(l)s" "l=w"`, "", ""},
		{"three quotes", `k = """v""" w`, `"k=\"\"\"v\"\"\" w"`, "", ""},
		{"back quotes", "k = `v` w", "\"k=`v` w\"", "", ""},
		{"an open back quote", "k = `v\nl = w", "\"k=`v\" \"l=w\"", "", ""},
		{"a quoted key", `"k" = v`, `"\"k\"=v"`, "", ""},
		{"a dash for a key", "- = v", `"-=v"`, "", ""},
		{"a backslash at the end", "k = v\\\nl = w", `"k=v\\" "l=w"`, "", ""},
		{"further lines", "k = v\n  w\n  x\nl = y", `"k=v\nw\nx" "l=y"`, "", "further lines"},
		{"a blank line between", "k = v\n\n  w\nl = y", `"k=v\n\nw" "l=y"`, "", "further lines"},
		{"a comment between", "k = v\n  # c\n  w\n", `"k=v\nw"`, "", "further lines"},
		{"blank lines after", "k = v\n\n\n", `"k=v"`, "", ""},
		{"an indented key", "k = v\n  l = w", `"k=v\nl = w"`, "indented key (line 3)", ""},
		{"an indented header", "k = v\n  [x]", `"k=v\n[x]"`, "indented section header (line 3)", ""},
		{"nested", "s3 =\n  a = b\n  c = d\nk = v", `"s3=\na = b\nc = d" "k=v"`, "", "no value"},
		{"nested and blank", "s3 =\n\n  a = b\n", `"s3=\n\na = b"`, "", ""},
		{"nested without =", "s3 =\n  a\n", `"s3=\na"`, "without = (line 3)", ""},
		{"nested with a form feed", "s3 =\n  a\f= b\n", "\"s3=\\na\\f= b\"", "without = (line 3)", ""},
		{"indented below nothing", " k =\n l = w", `"k=" "l=w"`, "below one without a value (line 3)", ""},
		{"indented below a comment", " k = # c\n l = w", `"k=# c" "l=w"`, "below one without a value", ""},
		{"not indented below nothing", "k =\nl = w", `"k=" "l=w"`, "", ""},
		{"nested below a colon", "k:\n  a = b", `"k=\na = b"`, "not every SDK sees", ""},
		{"twice", "k = v\nK = w", `"k=v" "k=w"`, "key k twice (line 3)", ""},
		{"junk", "k = v\njunk\nl = w", `"k=v" "l=w"`, "neither section, key nor comment (line 3)", ""},
		{"a no-break space", "k =\u00a0v", `"k=v"`, "", "white space"},
		{"a comment behind a wide space", "k = v\u2003# c", `"k=v\u2003# c"`, "", "comment"},
		{"a comment behind a form feed", "k = v\f; c", "\"k=v\\f; c\"", "", "comment"},
		{"one quote", "k = \" # c", "\"k=\\\" # c\"", "one quote alone (line 2)", "comment"},
		{"one quote in a block", "s3 =\n  k = '\n", "\"s3=\\nk = '\"", "one quote alone (line 3)", ""},
		{"a comment in the name", "k ;x = v", `"k ;x=v"`, "", "comment in its name"},
		{"a byte order mark before a key", "\ufeffk = v", "\"\\ufeffk=v\"", "byte order mark (line 2)", ""},
		{"a byte order mark before a value", "k = \ufeffv", "\"k=\\ufeffv\"", "", "white space"},
		{"a file separator", "\x1ck = v", `"k=v"`, "", "white space"},
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, tt := range keyTests() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, ok := Scan([]byte("[p]\n"+tt.data)).Section(Credentials, "p")
			if !ok {
				t.Fatal("section not found")
			}
			var got []string
			for _, k := range s.Keys {
				got = append(got, fmt.Sprintf("%q", k.Name+"="+k.Value))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("keys = %s, want %s", strings.Join(got, " "), tt.want)
			}
			if (s.Differs == "") != (tt.section == "") || !strings.Contains(s.Differs, tt.section) {
				t.Errorf("Section.Differs = %q, want %q", s.Differs, tt.section)
			}
			if tt.key != "" && !strings.Contains(s.Keys[0].Differs, tt.key) || tt.key == "" && tt.section == "" && strings.Contains(tt.want, "=v\"") && s.Keys[0].Differs != "" {
				t.Errorf("Key.Differs = %q, want %q", s.Keys[0].Differs, tt.key)
			}
		})
	}
}

func TestKeyRanges(t *testing.T) {
	t.Parallel()
	data := "[p]\n  k = v # c\r\n# d\r\n\r\ns3 =\n  a = b\n  # e\n\n  c = d\n\n# f\nl=w"
	s, _ := Scan([]byte(data)).Section(Credentials, "p")
	var got []string
	for _, k := range s.Keys {
		got = append(got, fmt.Sprintf("%d %q %q", k.Line, data[k.Lines.Start:k.Lines.End], data[k.Text.Start:k.Text.End]))
	}
	want := []string{`2 "  k = v # c\r\n" "v # c"`, `5 "s3 =\n  a = b\n  # e\n\n  c = d\n" ""`, `12 "l=w" "w"`}
	if !slices.Equal(got, want) {
		t.Errorf("keys = %q, want %q", got, want)
	}
}

func TestNested(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value string
		want  []Pair
		ok    bool
	}{
		{"\na = b\nc=d = e", []Pair{{"a", "b"}, {"c", "d = e"}}, true},
		{"\n\na = b\u2028c = d", []Pair{{"a", "b"}, {"c", "d"}}, true},
		{"\na", nil, false},
		{"a = b", nil, false},
		{"", nil, false},
	}
	for _, tt := range tests {
		if got, ok := (Key{Value: tt.value}).Nested(); ok != tt.ok || !slices.Equal(got, tt.want) {
			t.Errorf("Nested of %q = %v, %v, want %v, %v", tt.value, got, ok, tt.want, tt.ok)
		}
	}
}

func TestMeant(t *testing.T) {
	t.Parallel()
	tests := []struct {
		data string
		kind Kind
		line int
	}{
		{"[x]\n[p]\n", Config, 2},
		{"[ profile p ]\n", Config, 1},
		{"[profile p] # [x]\n", Config, 1},
		{"[profile p]\n", Credentials, 1},
		{"[ p ]\n", Credentials, 1},
		{"[profile q]\n[q]\n", Config, 0},
	}
	for _, tt := range tests {
		if s, ok := Scan([]byte(tt.data)).Meant(tt.kind, "p"); ok != (tt.line > 0) || s.Line != tt.line {
			t.Errorf("Meant in %q = line %d, %v, want %d", tt.data, s.Line, ok, tt.line)
		}
	}
}

// TestShellSplit has the results of Python 3.11's shlex.split.
func TestShellSplit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want []string
		ok   bool
	}{
		{`profile p`, []string{"profile", "p"}, true},
		{` a  b	c `, []string{"a", "b", "c"}, true},
		{`a "b c" 'd "e'`, []string{"a", "b c", `d "e`}, true},
		{`a"b"'c'd`, []string{"abcd"}, true},
		{`"a\"b\\c\d"`, []string{`a"b\c\d`}, true},
		{`'a\'`, []string{`a\`}, true},
		{`a\ b\"c`, []string{`a b"c`}, true},
		{`a "" ''`, []string{"a", "", ""}, true},
		{`a # b`, []string{"a", "#", "b"}, true},
		{``, nil, true},
		{`a "b`, nil, false},
		{`a 'b`, nil, false},
		{`a b\`, nil, false},
		{`a "b\`, nil, false},
	}
	for _, tt := range tests {
		if got, ok := shellSplit(tt.text); ok != tt.ok || !slices.Equal(got, tt.want) {
			t.Errorf("shellSplit(%q) = %q, %v, want %q, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}

func TestStripComment(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"v": "v", "v # c": "v", "v\t;c": "v", "v#c": "v#c", "v;c ; d": "v;c", "# c": "", ";": "", "": "", "a b": "a b",
	} {
		if got := StripComment(value); got != want {
			t.Errorf("StripComment(%q) = %q, want %q", value, got, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	f := Scan([]byte("[DEFAULT]\na = 1\n[p]\nb = 2\n[DEFAULT]\nc = 3\n"))
	var got []string
	for _, s := range f.Defaults() {
		for _, k := range s.Keys {
			got = append(got, k.Name)
		}
	}
	if !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("keys of [DEFAULT] = %q, want a and c", got)
	}
}
