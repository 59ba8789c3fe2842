package awsfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const plainFile = "# top\n" +
	"[default]\nregion = eu-west-1\n\n" +
	"[profile p]   # comment\n  role_arn = x\n  source_profile = default\n" +
	"[services s]\nsts =\n  endpoint_url = http://127.0.0.1:1\n"

func TestScan(t *testing.T) {
	t.Parallel()
	f := Scan([]byte(plainFile))
	var got []string
	for _, s := range f.Sections {
		got = append(got, fmt.Sprintf("%s|%d|%q|%q", s.Name, s.Line, plainFile[s.Header.Start:s.Header.End], plainFile[s.Body.Start:s.Body.End]))
	}
	want := []string{
		`default|2|"[default]\n"|"region = eu-west-1\n\n"`,
		`profile p|5|"[profile p]   # comment\n"|"  role_arn = x\n  source_profile = default\n"`,
		`services s|8|"[services s]\n"|"sts =\n  endpoint_url = http://127.0.0.1:1\n"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("sections = %q, want %q", got, want)
	}
	if len(f.Oddities) != 0 {
		t.Errorf("oddities = %v, want none", f.Oddities)
	}
}

func TestScanOddities(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, data string
		want       []string // PROBLEM:LINE
	}{
		{"nothing odd", "[a]\nk = v\n  more\n; c\n[b]\n", nil},
		{"empty", "", nil},
		{"byte order mark", "\ufeff[a]\n", []string{"ByteOrderMark:1"}},
		{"a mark elsewhere is a key's", "[a]\n\ufeffk = v\n", nil},
		{"repeated section", "[a]\n[b]\n[a]\n[a]\n", []string{"RepeatedSection:3", "RepeatedSection:4"}},
		{"defaults may be repeated", "[DEFAULT]\n[DEFAULT]\n", nil},
		{"junk in a section", "[a]\njunk\n", []string{"Junk:2"}},
		{"junk before any", "junk\n[a]\n", []string{"Junk:1"}},
		{"a delimiter without a key", "[a]\n= v\n", []string{"Junk:2"}},
		{"brackets around nothing", "[a]\n[]\n", []string{"Junk:2"}},
		{"an indented line is no junk", "[a]\nk = v\n junk\n", nil},
		{"but it is before any key", "[a]\n junk\n", []string{"Junk:2"}},
		{"key before any section", "k = v\n[a]\n", []string{"KeyOutsideSection:1"}},
		{"bare CR, once", "[a]\rk = v\rx = y\n", []string{"BareCR:1"}},
		{"CRLF is none", "[a]\r\nk = v\r\n", nil},
		{"CR at the very end", "[a]\r\nk = v\r", []string{"BareCR:2"}},
		{"not UTF-8, per line", "[a]\nk = \xff\nx = y\nz = \xfe\n", []string{"NotUTF8:2", "NotUTF8:4"}},
		{"hidden header", "[a]\nk = v\n  [b]\n", []string{"HiddenHeader:3"}},
		{"an indented header is not hidden above keys", "[a]\n  [b]\n", nil},
		{"several, in order", "\ufeffk = v\n[a]\njunk\n[a]\n",
			[]string{"ByteOrderMark:1", "KeyOutsideSection:1", "Junk:3", "RepeatedSection:4"}},
	}
	names := map[Problem]string{
		ByteOrderMark: "ByteOrderMark", RepeatedSection: "RepeatedSection", Junk: "Junk", KeyOutsideSection: "KeyOutsideSection",
		BareCR: "BareCR", NotUTF8: "NotUTF8", HiddenHeader: "HiddenHeader",
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, o := range Scan([]byte(tt.data)).Oddities {
				got = append(got, fmt.Sprintf("%s:%d", names[o.Problem], o.Line))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("oddities = %q, want %q", got, tt.want)
			}
		})
	}
}

// seeds are files that stand for every rule of the grammar.
func seeds() []string {
	s := []string{
		"", "\n", "[", "]", "[]", "[a", "[[a]]", plainFile, strings.ReplaceAll(plainFile, "\n", "\r\n"),
		strings.ReplaceAll(plainFile, "\n", "\r"), "\ufeff" + plainFile, plainFile + plainFile, "k=v\n" + plainFile,
		"[DEFAULT]\nregion = x\n" + plainFile, "[a]\nk = v\n  [b]\n x = y\n", "[a]\n\u00a0k\u00a0=\u00a0v\u00a0\n",
		"[a]\nk =\n\n  a = b\n\n\n  c = d\n", "[profile \"a b\"]\n[profile 'p'] # x\n[profile p\\ q]\n[profile \"]\n",
		"[a]\n\x1ck\x0b= v\n\u2028x = y\n", "[a]\nk = \xff\n", "[a]\nk = \"\"\"v\"\"\"\n`b` = `c`\n- = d\n%(k)s = %(k)s\n",
	}
	for _, tt := range headerTests() {
		s = append(s, tt.data)
	}
	for _, tt := range keyTests() {
		s = append(s, "[p]\n"+tt.data)
	}
	return s
}

// checkRanges is the invariant that an editor builds on: sections follow each other
// without gap or overlap, and keys lie inside them in order.
func checkRanges(f *File) error {
	for i, s := range f.Sections {
		end := len(f.Data)
		if i+1 < len(f.Sections) {
			end = f.Sections[i+1].Header.Start
		}
		switch header := string(f.Data[s.Header.Start:s.Header.End]); {
		case s.Header.Len() == 0 || s.Header.End != s.Body.Start || s.Body.End != end:
			return fmt.Errorf("section %d has header %v and body %v, next begins at %d", i, s.Header, s.Body, end)
		case !strings.Contains(header, "["+s.Name+"]"):
			return fmt.Errorf("section %d is called %q in %q", i, s.Name, header)
		}
		keys, _ := f.keys(s)
		at := s.Body.Start
		for _, k := range keys {
			if k.Lines.Start < at || k.Lines.End > s.Body.End || k.Text.Start < k.Lines.Start || k.Text.End > k.Lines.End {
				return fmt.Errorf("key %s has lines %v and text %v in body %v", k.Name, k.Lines, k.Text, s.Body)
			}
			at = k.Lines.End
			if first, _, _ := strings.Cut(k.Value, "\n"); first != strings.TrimRightFunc(string(f.Data[k.Text.Start:k.Text.End]), isSpace) {
				return fmt.Errorf("key %s has value %q and text %q", k.Name, k.Value, f.Data[k.Text.Start:k.Text.End])
			}
		}
	}
	return nil
}

func TestRangesControl(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(f *File){
		"gap":        func(f *File) { f.Sections[0].Body.End-- },
		"overlap":    func(f *File) { f.Sections[1].Body.End++ },
		"wrong name": func(f *File) { f.Sections[1].Name = "profile" + f.Sections[1].Name },
	} {
		f := Scan([]byte(plainFile))
		if err := checkRanges(f); err != nil {
			t.Fatal(err)
		}
		if spoil(f); checkRanges(f) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := Scan(data)
		if err := checkRanges(file); err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(data) && !slices.ContainsFunc(file.Oddities, func(o Oddity) bool { return o.Problem == NotUTF8 }) {
			t.Fatal("bytes that are not UTF-8 are not noted")
		}
		for _, kind := range []Kind{Config, Credentials, Services} {
			x := file.Index(kind)
			for _, name := range x.Names() {
				a, found := file.Section(kind, name)
				b, indexed := x.Section(name)
				if !found || !indexed || a.Line != b.Line || a.Differs != b.Differs {
					t.Fatalf("section %q: found %v in line %d, indexed %v in line %d", name, found, a.Line, indexed, b.Line)
				}
			}
		}
	})
}

// many is a config file of n profiles of about 200 bytes each.
func many(n int) []byte {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[profile acct-%04d]\n# an account\nrole_arn = arn:aws:iam::%012d:role/path/to/Administrators\nsource_profile = gateway\nregion = eu-west-1\noutput = json\ncli_pager =\ns3 =\n  addressing_style = virtual\n\n", i, i)
	}
	return []byte(b.String())
}

// BenchmarkShapes prints the throughput over shapes that are quadratic where something
// is looked for again and again. A linear scan has about the same for both lengths.
func BenchmarkShapes(b *testing.B) {
	shapes := map[string]string{
		"CR": "k=v\r", "LF": "k=v\n", "headers": "[a]\n", "same header": "[a]\nk=v\n", "blank": "\n", "more": " x\n", "brackets": "[", "spaces": " ",
	}
	for name, unit := range shapes {
		for _, n := range []int{2_000, 64_000} {
			data := []byte("[a]\nz=\n" + strings.Repeat(unit, n))
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					Scan(data).Section(Credentials, "a")
				}
			})
		}
	}
}

func BenchmarkScan1000Profiles(b *testing.B) {
	data := many(1000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		Scan(data)
	}
}

func BenchmarkSectionOf1000(b *testing.B) {
	f := Scan(many(1000))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := f.Section(Config, "acct-0999"); !ok {
			b.Fatal("not found")
		}
	}
}
