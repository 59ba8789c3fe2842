package main

import (
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/cells"
)

func exampleTable() table {
	t := table{titles: []string{"PROFILE", "ACCOUNT", "EXPIRES", "IDENTITY"}}
	for _, r := range []struct{ profile, account, expires, identity, short, colour string }{
		{"gateway", "111111111111", "in 11 h 59 min", "arn:aws:sts::111111111111:assumed-role/Gateway/alice", "Gateway/alice", "cc0000"},
		{"production-of-the-whole-company-in-europe", "222222222222 (本番環境)", "expired", "arn:aws:sts::222222222222:assumed-role/Administrators/alice", "Administrators/alice", ""},
	} {
		expires := plainCell(r.expires)
		if r.expires == "expired" {
			expires.paint = paintBad
		}
		t.rows = append(t.rows, row{cells: []cell{plainCell(r.profile), plainCell(r.account), expires, shorter(r.identity, r.short)}, colour: r.colour})
	}
	return t
}

// TestTableFits wants every line of a table within the terminal, whatever its width, and
// the columns one below the other also where letters take two cells.
func TestTableFits(t *testing.T) {
	t.Parallel()
	for width := 14; width < 200; width++ {
		for _, l := range []look{{width: width}, {width: width, plain: true}} {
			text := exampleTable().render(l)
			lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			if len(lines) != 3 {
				t.Fatalf("%d lines at width %d:\n%s", len(lines), width, text)
			}
			for _, line := range lines {
				if n := cells.Width(line); n > width {
					t.Errorf("a line of %d cells at width %d:\n%s", n, width, text)
				}
			}
			if strings.Contains(text, "\x1b") {
				t.Errorf("an escape sequence at width %d: %q", width, text)
			}
		}
	}
	// The control: the whole table does not fit 80 columns.
	if n := cells.Width(strings.Split(exampleTable().render(look{}), "\n")[2]); n <= 80 {
		t.Errorf("the example takes %d columns, so that the test shows nothing", n)
	}
}

// TestTableForms wants all of a table on a pipe, short forms on a terminal where that is
// enough, and what was cut marked.
func TestTableForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		width int
		want  string
	}{
		{0, `PROFILE                                    ACCOUNT                  EXPIRES         IDENTITY
gateway                                    111111111111             in 11 h 59 min  arn:aws:sts::111111111111:assumed-role/Gateway/alice
production-of-the-whole-company-in-europe  222222222222 (本番環境)  expired         arn:aws:sts::222222222222:assumed-role/Administrators/alice
`},
		{110, `PROFILE                                    ACCOUNT                  EXPIRES         IDENTITY
gateway                                    111111111111             in 11 h 59 min  Gateway/alice
production-of-the-whole-company-in-europe  222222222222 (本番環境)  expired         Administrators/alice
`},
		{80, `PROFILE               ACCOUNT               EXPIRES         IDENTITY
gateway               111111111111          in 11 h 59 min  Gateway/alice
production-of-the-..  222222222222 (本番..  expired         Administrators/alice
`},
	} {
		if got := exampleTable().render(look{width: c.width}); got != c.want {
			t.Errorf("at width %d:\n%swant\n%s", c.width, got, c.want)
		}
	}
	list := table{titles: []string{"ACCOUNT", "ROLE", "ARN"}, rows: []row{{cells: []cell{plainCell("1"), plainCell("x"), shorter("arn:of:x", "")}}}}
	if got := list.render(look{width: 16}); got != "ACCOUNT  ROLE\n1        x\n" {
		t.Errorf("a column without a short form is not left out: %q", got)
	}
}

// TestTableColour wants marks and paints where there is colour, none where there is not,
// and the same places for the columns.
func TestTableColour(t *testing.T) {
	t.Parallel()
	text := exampleTable().render(look{width: 200, colour: true})
	for _, want := range []string{"\x1b[48;5;160m  \x1b[0m gateway ", "   production", string(paintBad) + "expired" + paintDone + "         arn"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	if text := exampleTable().render(look{}); strings.Contains(text, "\x1b") || strings.HasPrefix(text, " ") {
		t.Errorf("colour on a pipe: %q", text)
	}
	for hex, want := range map[string]string{"000000": "16", "ffffff": "231", "5f87af": "67", "ff0000": "196"} {
		if got := (look{colour: true}).mark(hex); got != "\x1b[48;5;"+want+"m  \x1b[0m" {
			t.Errorf("mark of %s = %q, want colour %s", hex, got, want)
		}
	}
	for _, bad := range []string{"", "red", "0000001", "+00000"} {
		if got := (look{colour: true}).mark(bad); got != "  " {
			t.Errorf("mark of %q = %q", bad, got)
		}
	}
}
