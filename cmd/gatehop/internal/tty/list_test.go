package tty

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// roles is a list of n roles in n/10 accounts.
func roles(n int) Choice {
	c := Choice{Title: "Which role?"}
	for i := range n {
		arn := fmt.Sprintf("arn:aws:iam::%012d:role/Role-%04d", i/10, i)
		c.Items = append(c.Items, Item{Answer: arn, Search: arn, Columns: []string{
			fmt.Sprintf("account-%d", i/10), fmt.Sprintf("%012d", i/10), fmt.Sprintf("Role-%04d", i), "a note of " + fmt.Sprint(i),
		}})
	}
	return c
}

func few() Choice {
	return Choice{Title: "Which role?", Items: []Item{
		{Answer: "a", Search: "arn:aws:iam::111111111111:role/Gateway", Columns: []string{"gate", "111111111111", "Gateway", ""}},
		{Answer: "b", Search: "arn:aws:iam::222222222222:role/Admins", Columns: []string{"日本 prod", "222222222222", "Admins", "ask Bob"}, Color: "ff8800"},
		{Answer: "c", Search: "arn:aws:iam::333333333333:role/team/Admins", Columns: []string{"Zürich", "333333333333", "Admins", ""}},
	}}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ typed, want string }{
		{"", "abc"}, {" ", "abc"}, {"admins", "bc"}, {"ADMINS", "bc"}, {"admins bob", "b"}, {"bob admins", "b"}, {"bob 2222", "b"},
		{"  bob   admins  ", "b"}, {"ob dm", "b"}, {"bob gateway", ""}, {"zürich", "c"}, {"ZÜRICH", "c"}, {"日本", "b"}, {"111", "a"},
		{"role/team", "c"}, {"ask bob", "b"}, {"gate\x00", "a"}, {"nothing", ""},
		{"gatewayarn", ""}, // not across two columns
	} {
		l := newList(few())
		for _, key := range c.typed {
			l.add(string(key))
		}
		got := ""
		for _, i := range l.found {
			got += l.lines[i].answer
		}
		if got != c.want {
			t.Errorf("%q leaves %q, want %q", c.typed, got, c.want)
		}
		for len(l.typed) > 0 {
			l.erase()
		}
		if len(l.found) != 3 {
			t.Errorf("%q and taken back: %d lines, want all", c.typed, len(l.found))
		}
	}
}

func TestErase(t *testing.T) {
	t.Parallel()
	l := newList(few())
	l.filter("ask e\u0301")
	if l.erase(); l.typed != "ask " {
		t.Errorf("erase leaves %q, want a whole character gone", l.typed)
	}
	for _, c := range []struct{ typed, want string }{{"ask bob", "ask "}, {"ask bob ", "ask "}, {"ask", ""}, {"", ""}} {
		l.filter(c.typed)
		if l.eraseWord(); l.typed != c.want {
			t.Errorf("eraseWord of %q leaves %q, want %q", c.typed, l.typed, c.want)
		}
	}
	l.filter(strings.Repeat("a", typedLimit))
	if l.add("b"); strings.HasSuffix(l.typed, "b") {
		t.Error("a filter has no limit")
	}
}

func TestMove(t *testing.T) {
	t.Parallel()
	l := newList(roles(100))
	l.frame(80, 13) // shows ten
	at := func(want string) {
		t.Helper()
		if got, ok := l.answer(); !ok || !strings.HasSuffix(got, want) {
			t.Errorf("at %q, %v; want %q", got, ok, want)
		}
	}
	at("0000")
	l.move(-1)
	at("0000")
	l.move(3)
	l.move(l.page)
	at("0013")
	if f := l.frame(80, 13); !strings.Contains(text(f.rows[11]), "> account-1 ") || !strings.Contains(text(f.rows[2]), "Role-0004") {
		t.Errorf("the line is not the last on the screen:\n%s", picture(f))
	}
	l.move(len(l.found))
	at("0099")
	if f := l.frame(80, 13); !strings.Contains(text(f.rows[2]), "Role-0090") {
		t.Errorf("the end is not a full page:\n%s", picture(f))
	}
	if f := l.frame(80, 30); !strings.Contains(text(f.rows[2]), "Role-0073") {
		t.Errorf("a larger screen is not filled:\n%s", picture(f))
	}
	l.add("0042")
	at("0042")
	l.add("x")
	if _, ok := l.answer(); ok {
		t.Error("there is an answer where nothing matches")
	}
	l.move(1)
	l.erase()
	at("0042")
}

// TestFrame has whole screens. A match stands in brackets, the line that the person is
// at in reverse.
func TestFrame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		typed         string
		down          int
		width, height int
		want          string
	}{
		{"all", "", 1, 60, 7, `
Which role?                                           3 of 3
Filter:  type words of a line, in any order
    gate       111111111111  Gateway
> ■ 日本 prod  222222222222  Admins   ask Bob
    Zürich     333333333333  Admins
~
Enter choose   Esc leave   arrows, PgUp/PgDn, Home/End move…`},
		{"filtered", "min ür", 0, 60, 5, `
Which role?                                           1 of 3
Filter: min ür
>   Z[ür]ich     333333333333  Ad[min]s
~
Enter choose   Esc leave   arrows, PgUp/PgDn, Home/End move…`},
		{"narrow", "", 1, 30, 5, `
Which role?             3 of 3
Filter:  type words of a lin…
    gate   1111…  Gate…
> ■ 日本…  2222…  Admi…  ask …
Enter choose   Esc leave   ar…`},
		{"nothing", "x", 0, 40, 4, `
Which role?                       0 of 3
Filter: x
  Nothing matches. Backspace takes the …
Enter choose   Esc leave   arrows, PgUp…`},
		{"low", "", 2, 30, 2, `
Filter:  type words of a lin…
>   Züri…  3333…  Admi…`},
		{"one line", "", 1, 12, 1, `
> ■ …  …  …`},
		{"long filter", "one two three four", 0, 20, 3, `
Filter:  three four
  Nothing matches. …`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newList(few())
			l.filter(c.typed)
			l.move(c.down)
			got := picture(l.frame(c.width, c.height))
			want := strings.ReplaceAll(strings.TrimPrefix(c.want, "\n"), "~", "")
			if trimmed(got) != trimmed(want) {
				t.Errorf("frame:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		widths []int
		room   int
		want   []int
	}{
		{[]int{4, 12, 7}, 27, []int{4, 12, 7}},
		{[]int{4, 12, 40}, 40, []int{4, 12, 20}},
		{[]int{30, 12, 40}, 60, []int{22, 12, 22}},
		{[]int{4, 12}, 0, []int{1, 1}},
		{nil, 5, nil},
	} {
		if got := fit(c.widths, c.room); !slices.Equal(got, c.want) {
			t.Errorf("fit(%v, %d) = %v, want %v", c.widths, c.room, got, c.want)
		}
	}
}

// picture is a frame as text, with what matches in brackets.
func picture(f frame) string {
	var b strings.Builder
	for i, row := range f.rows {
		if i > 0 {
			b.WriteString("\n")
		}
		in := false
		for _, piece := range row {
			if piece.match != in {
				b.WriteString(map[bool]string{true: "[", false: "]"}[piece.match])
			}
			in = piece.match
			b.WriteString(text([]span{piece}))
		}
		if in {
			b.WriteString("]")
		}
	}
	return b.String()
}

func text(row []span) string {
	var b strings.Builder
	for _, piece := range row {
		for _, c := range piece.all {
			b.WriteString(c.text)
		}
	}
	return b.String()
}

// trimmed is a picture without what is blank at the ends of its lines.
func trimmed(picture string) string {
	lines := strings.Split(picture, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// faults says what is wrong with a frame for a screen of this size.
func faults(f frame, width, height int) (wrong []string) {
	fault := func(y int, format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf("line %d: ", y)+fmt.Sprintf(format, args...))
	}
	if len(f.rows) > max(0, height) {
		fault(height, "below the screen")
	}
	if f.cursorX >= max(0, width) || f.cursorY >= max(0, height) || f.cursorX >= 0 && f.cursorY >= len(f.rows) {
		fault(f.cursorY, "the cursor is beyond it")
	}
	for y, row := range f.rows {
		line := text(row)
		if !utf8.ValidString(line) {
			fault(y, "half a character: %q", line)
		}
		if w := displaywidth.String(line); w > width {
			fault(y, "%d wide: %q", w, line)
		}
		for _, r := range line {
			if !unicode.IsGraphic(r) {
				fault(y, "holds %q", r)
			}
		}
		whole := clusters(line)
		i := 0
		for _, piece := range row {
			for _, c := range piece.all {
				if i >= len(whole) || whole[i] != c {
					fault(y, "%q does not stand alone in %q", c.text, line)
					return wrong
				}
				i++
			}
		}
	}
	return wrong
}

// FuzzFrame wants every list on every screen within it, and nothing on it but whole
// visible characters.
func FuzzFrame(f *testing.F) {
	f.Add("Which role?", "日本 prod\x1f222222222222\x1fAdmins", "adm", "ff0000", 40, 8, 1)
	f.Add("\x1b[2J", "\u202eevil\u202c\x1f\u0301\x1fe\u0301\u0301\x1f👩‍👩‍👧‍👦 family\x1f🇩🇪🇫", "", "", 60, 8, 0)
	f.Add("\x1b[2J", "\u202eevil\x1f\u0301", "\u0301 e", "", 3, 3, 0)
	f.Add("क्षि", "\xff\xfe\x1f\u200b\x1f\u0600a\x1f한글", "한", "00ff00", 12, 4, 5)
	f.Add("", "", "", "", 0, 0, 0)
	f.Add("t", "a\x1fİstanbul ſ K", "i\u0307 s k", "", 80, 24, -3)
	f.Fuzz(func(t *testing.T, title, columns, typed, color string, width, height, down int) {
		if width > 300 || height > 100 || len(columns) > 2000 || len(typed) > 2*typedLimit {
			return
		}
		c := few()
		c.Title = title
		c.Items = append(c.Items, Item{Answer: "d", Columns: strings.Split(columns, "\x1f"), Search: columns, Color: color})
		l := newList(c)
		for _, key := range typed {
			l.add(string(key))
		}
		l.move(down)
		if wrong := faults(l.frame(width, height), width, height); len(wrong) > 0 {
			t.Errorf("%d x %d, typed %q:\n%s", width, height, l.typed, strings.Join(wrong, "\n"))
		}
		if answer, ok := l.answer(); ok != (len(l.found) > 0) || ok && !holds(l.lines[l.found[l.at]].folded, strings.Fields(fold(l.typed))) {
			t.Errorf("typed %q: answer %q, %v", l.typed, answer, ok)
		}
	})
}

// TestFaultsSeen is FuzzFrame's control: frames that do what they must not.
func TestFaultsSeen(t *testing.T) {
	t.Parallel()
	one := func(pieces ...cluster) frame {
		return frame{rows: [][]span{{{all: pieces}}}, cursorX: -1, cursorY: -1}
	}
	for _, c := range []struct {
		f    frame
		want string
	}{
		{one(clusters("four")...), "4 wide"},
		{one(cluster{"\x1b", 1}), "holds"},
		{one(cluster{"\u202e", 1}), "holds"},
		{one(cluster{"e", 1}, cluster{"\u0301", 1}), "does not stand alone"},
		{one(cluster{"日", 1}), "does not stand alone"},
		{one(cluster{"\xe6", 1}), "half a character"},
		{frame{rows: make([][]span, 3), cursorX: -1}, "below"},
		{frame{rows: make([][]span, 1), cursorX: 3}, "cursor"},
	} {
		if wrong := faults(c.f, 3, 2); !strings.Contains(strings.Join(wrong, "\n"), c.want) {
			t.Errorf("%q: %q, want %q", text(slices.Concat(c.f.rows...)), wrong, c.want)
		}
	}
	if wrong := faults(one(clusters("a日")...), 3, 2); len(wrong) > 0 {
		t.Errorf("a good frame has %q", wrong)
	}
}

// BenchmarkKey is a key in a list of 2,000 roles, from the filter to the laid-out frame.
func BenchmarkKey(b *testing.B) {
	l := newList(roles(2000))
	for b.Loop() {
		l.filter("")
		for _, key := range []string{"r", "o", "l", "e", " ", "7"} {
			l.add(key)
			l.frame(120, 50)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/6, "us/key")
}

// BenchmarkOpen is what a list of 2,000 roles costs before its first frame.
func BenchmarkOpen(b *testing.B) {
	c := roles(2000)
	for b.Loop() {
		newList(c).frame(120, 50)
	}
}
