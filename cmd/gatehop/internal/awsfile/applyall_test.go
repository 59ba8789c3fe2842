package awsfile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// someFile is a config file of some profiles, with line ends, blanks, comments and lines
// that continue a value wherever they may stand.
func someFile(r *rand.Rand) []byte {
	var b strings.Builder
	eol := []string{"\n", "\r\n"}[r.IntN(2)]
	line := func(text string) {
		if r.IntN(20) == 0 {
			b.WriteString(text + "\n")
			return
		}
		b.WriteString(text + eol)
	}
	some := func(lines ...string) {
		for r.IntN(3) == 0 {
			line(lines[r.IntN(len(lines))])
		}
	}
	some("", "# mine", "; mine")
	for _, i := range r.Perm(5)[:r.IntN(6)] {
		line(fmt.Sprintf("[profile p%d]", i))
		for _, key := range []string{"gatehop_idp = form", "gatehop_note   = mine ; really", "output = json", "region=eu-west-1"} {
			if r.IntN(3) == 0 {
				some("", "# mine")
				line(key)
				if key[0] == 'r' && r.IntN(2) == 0 {
					some("", "  more", "# within")
				}
			}
		}
		some("", "# mine", "  ")
	}
	text := b.String()
	if r.IntN(4) == 0 {
		text = strings.TrimRight(text, "\r\n")
	}
	return []byte(text)
}

func someEdits(r *rand.Rand) []Edit {
	var edits []Edit
	for range r.IntN(6) {
		e := Edit{Kind: Config, Section: fmt.Sprintf("p%d", r.IntN(7)), Set: settings("gatehop_note", []string{"mine", "theirs"}[r.IntN(2)])}
		for _, s := range settings("region", "us-east-1", "gatehop_idp", "form", "gatehop_color", "ff0000") {
			if r.IntN(2) == 0 {
				e.Set = append(e.Set, s)
			}
		}
		edits = append(edits, e)
	}
	return edits
}

// checkAll compares ApplyAll with one Apply after the other, those of new sections last, and
// reports whether there was something to compare.
func checkAll(t *testing.T, data []byte, edits []Edit) (made bool) {
	t.Helper()
	order, f := slices.Clone(edits), Scan(data)
	slices.SortStableFunc(order, func(a, b Edit) int {
		_, first := f.Section(Config, a.Section)
		_, second := f.Section(Config, b.Section)
		switch {
		case first == second || !areApart(edits) || lacksEnd(data):
			return 0
		case first:
			return -1
		}
		return 1
	})
	want, wantErr := Scan(data).applyEach(order)
	got, err := Scan(data).ApplyAll(edits)
	if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
		t.Fatalf("%d edits of\n%q\ngive\n%q (%v), one by one\n%q (%v)", len(edits), data, got, err, want, wantErr)
	}
	return err == nil && len(edits) > 1 && areApart(edits) && !lacksEnd(data)
}

// TestApplyAll: all edits at once are those edits one by one, to the byte.
func TestApplyAll(t *testing.T) {
	t.Parallel()
	r, made := rand.New(rand.NewPCG(4, 2)), 0
	for range 30_000 {
		if checkAll(t, someFile(r), someEdits(r)) {
			made++
		}
	}
	if made < 3_000 {
		t.Errorf("%d of 30000 rounds compared anything", made)
	}
}

func FuzzApplyAll(f *testing.F) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		f.Add(someFile(r), seed)
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		checkAll(t, data, someEdits(rand.New(rand.NewPCG(seed, 1))))
	})
}

// BenchmarkApplyAll writes a thousand profiles into a file that has a thousand.
func BenchmarkApplyAll(b *testing.B) {
	edits := func(from string) (all []Edit) {
		for i := range 1000 {
			all = append(all, Edit{Kind: Config, Section: fmt.Sprintf("acct-%s%03d", from, i), Set: settings("gatehop_role_arn", fmt.Sprintf("arn:aws:iam::%012d:role/Admins", i),
				"gatehop_source_profile", "gateway", "credential_process", "/usr/bin/gatehop credential-process x", "region", "eu-west-1")})
		}
		return all
	}
	data, err := Scan(nil).ApplyAll(edits("a"))
	if err != nil {
		b.Fatal(err)
	}
	f := Scan(data)
	for b.Loop() {
		if _, err := f.ApplyAll(edits("b")); err != nil {
			b.Fatal(err)
		}
	}
}

// TestApplyAllEnds: what is written takes the line ends of its section, a new section those
// of the file, and one blank line stands before it however the file ends by then.
func TestApplyAllEnds(t *testing.T) {
	t.Parallel()
	edits := []Edit{
		{Kind: Config, Section: "new", Set: settings("region", "eu-west-1")},
		{Kind: Config, Section: "a", Set: settings("region", "us-east-1", "gatehop_idp", "form")},
	}
	for _, c := range []struct{ have, want string }{
		{"# x\n[profile a]\r\nregion = eu-west-1\r\n", "# x\n[profile a]\r\nregion = us-east-1\r\ngatehop_idp = form\r\n\n[profile new]\nregion = eu-west-1\n"},
		{"[profile a]\nregion = eu-west-1\n\n", "[profile a]\nregion = us-east-1\ngatehop_idp = form\n\n[profile new]\nregion = eu-west-1\n"},
		{"[profile a]\nregion = eu-west-1\n\n  more\n", "[profile a]\nregion = us-east-1\n\ngatehop_idp = form\n\n[profile new]\nregion = eu-west-1\n"},
		{"[profile a]\ngatehop_idp = form\nregion = eu-west-1\n\n  more\n", "[profile a]\ngatehop_idp = form\nregion = us-east-1\n\n[profile new]\nregion = eu-west-1\n"},
	} {
		if got, err := Scan([]byte(c.have)).ApplyAll(edits); err != nil || string(got) != c.want {
			t.Errorf("%q becomes %q (%v), want %q", c.have, got, err, c.want)
		}
		checkAll(t, []byte(c.have), edits)
	}
}
