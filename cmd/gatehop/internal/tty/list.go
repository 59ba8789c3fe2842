package tty

import (
	"slices"
	"strings"

	"github.com/clipperhouse/displaywidth"

	"gatehop/idp"
)

// Item is one of many that a person can choose.
type Item struct {
	Answer  string   // what Choose returns; unique among the items
	Columns []string // shown side by side, and searched
	Search  string   // searched too, but not shown
	Color   string   // of the mark before the line, six hex digits; "" is none
}

// Choice asks a person for one of its items.
type Choice struct {
	Title string // one line: what is chosen, and for what
	Items []Item // in the order in which they are shown
}

// list is a choice under way: what was typed to filter it, what is left then, and which
// of that the person is at. It knows nothing of any terminal.
type list struct {
	title   string
	lines   []line
	widths  []int // of the columns, each as wide as its widest text
	colored bool  // some line has a mark

	typed string
	words []string // of typed, folded
	found []int    // the lines that hold every word
	at    int      // in found
	top   int      // in found: the first that is shown
	page  int      // how many were shown last
}

// line is an item as it is shown and searched.
type line struct {
	answer, color string
	columns       []string // clean
	folded        string
}

// typedLimit is how many bytes a filter may have: more than a line of a wide terminal.
const typedLimit = 256

func newList(c Choice) *list {
	l := &list{title: clean(c.Title), lines: make([]line, 0, len(c.Items))}
	for _, item := range c.Items {
		shown := line{answer: item.Answer, color: item.Color}
		for i, text := range item.Columns {
			text = clean(text)
			shown.columns = append(shown.columns, text)
			if i == len(l.widths) {
				l.widths = append(l.widths, 0)
			}
			l.widths[i] = max(l.widths[i], displaywidth.String(text))
		}
		shown.folded = fold(strings.Join(append(shown.columns[:len(shown.columns):len(shown.columns)], item.Search), "\n"))
		l.colored = l.colored || item.Color != ""
		l.lines = append(l.lines, shown)
	}
	l.filter("")
	return l
}

// bleach takes the marks away: without colours all of them are alike.
func (l *list) bleach() {
	l.colored = false
	for i := range l.lines {
		l.lines[i].color = ""
	}
}

// clean is a text from outside as it may be shown: without control and bidi characters,
// and without marks that have no letter to stand on.
func clean(text string) string {
	text = idp.CleanWords(text)
	if isASCII(text) {
		return text
	}
	var b strings.Builder
	for _, c := range clusters(text) {
		b.WriteString(c.text)
	}
	return b.String()
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// fold makes texts alike that differ in case alone.
func fold(text string) string { return strings.ToLower(text) }

// filter leaves the lines that hold every word of typed, and goes to the first.
func (l *list) filter(typed string) {
	within := l.found
	if l.found == nil || !strings.HasPrefix(typed, l.typed) { // less was typed than before, or something else
		within = make([]int, len(l.lines))
		for i := range within {
			within[i] = i
		}
	}
	l.typed, l.words = typed, strings.Fields(fold(typed))
	l.found = make([]int, 0, len(within))
	for _, i := range within {
		if holds(l.lines[i].folded, l.words) {
			l.found = append(l.found, i)
		}
	}
	l.at, l.top = 0, 0
}

func holds(folded string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(folded, word) {
			return false
		}
	}
	return true
}

// add adds what a key typed to the filter.
func (l *list) add(text string) {
	text = clean("|" + text + "|") // so that a space is no outer one
	text = strings.TrimSuffix(strings.TrimPrefix(text, "|"), "|")
	if len(l.typed)+len(text) <= typedLimit {
		l.filter(l.typed + text)
	}
}

// erase takes back the last character of the filter.
func (l *list) erase() {
	if all := clusters(l.typed); len(all) > 0 {
		l.filter(l.typed[:len(l.typed)-len(all[len(all)-1].text)])
	}
}

// eraseWord takes back the last word of the filter.
func (l *list) eraseWord() {
	text := strings.TrimRight(l.typed, " ")
	l.filter(text[:strings.LastIndex(text, " ")+1])
}

// move goes n lines down, or up; it stops at either end.
func (l *list) move(n int) {
	l.at = max(0, min(l.at+n, len(l.found)-1))
}

// answer is the item that the person is at; false if nothing is left.
func (l *list) answer() (string, bool) {
	if len(l.found) == 0 {
		return "", false
	}
	return l.lines[l.found[l.at]].answer, true
}

// cluster is what a terminal shows as one character, and how many columns it takes.
type cluster struct {
	text  string
	width int
}

// clusters takes a text apart, leaving out what would take no column.
func clusters(text string) []cluster {
	all := make([]cluster, 0, len(text))
	for g := displaywidth.StringGraphemes(text); g.Next(); {
		if width := g.Width(); width > 0 {
			all = append(all, cluster{g.Value(), width})
		}
	}
	return all
}

func widthOf(all []cluster) int {
	n := 0
	for _, c := range all {
		n += c.width
	}
	return n
}

// emphasis says of each cluster whether one of the words covers it.
func emphasis(all []cluster, words []string) []bool {
	covered := make([]bool, len(all))
	var folded strings.Builder
	var of []int // the cluster of each byte
	for i, c := range all {
		text := fold(c.text)
		folded.WriteString(text)
		of = append(of, slices.Repeat([]int{i}, len(text))...)
	}
	for _, word := range words {
		for from := 0; ; {
			i := strings.Index(folded.String()[from:], word)
			if i < 0 {
				break
			}
			for _, at := range of[from+i : from+i+len(word)] {
				covered[at] = true
			}
			from += i + len(word)
		}
	}
	return covered
}
