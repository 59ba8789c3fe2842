package tty

import (
	"fmt"
	"slices"
	"strings"
)

// style is how a piece of a line is shown.
type style struct {
	strong, faint bool
	match         bool   // what was typed stands here
	current       bool   // the line that the person is at
	color         string // six hex digits, or ""
}

// span is a piece of a line in one style.
type span struct {
	all []cluster
	style
}

// frame is a whole screen: no line of it is wider than the screen, or holds half a
// character.
type frame struct {
	rows             [][]span
	cursorX, cursorY int // where the person types; -1 if that is not shown
}

const (
	marker   = "> " // before the line that the person is at, which is not marked by looks alone
	noMarker = "  "
	mark     = "■ " // in the colour of the line
	gap      = 2    // between two columns
	label    = "Filter: "
	invite   = "type words of a line, in any order"
	nothing  = "  Nothing matches. Backspace takes the last character back, Ctrl-U all."
	keys     = "Enter choose   Esc leave   arrows, PgUp/PgDn, Home/End move   Ctrl-U clear"
)

// frame lays the list out for a screen of width columns and height lines.
func (l *list) frame(width, height int) frame {
	f := frame{cursorX: -1, cursorY: -1}
	if width < 1 || height < 1 {
		return f
	}
	if height >= 4 {
		f.rows = append(f.rows, l.header(width))
	}
	if height >= 2 {
		f.cursorY = len(f.rows)
		var row []span
		row, f.cursorX = l.input(width)
		f.rows = append(f.rows, row)
	}
	l.page = height - len(f.rows)
	if height >= 4 {
		l.page--
	}
	f.rows = append(f.rows, l.shown(width)...)
	if height >= 4 {
		for len(f.rows) < height-1 {
			f.rows = append(f.rows, nil)
		}
		f.rows = append(f.rows, []span{{cut(clusters(keys), width), style{faint: true}}})
	}
	return f
}

// header is the title, and on the right how much of the list is left.
func (l *list) header(width int) []span {
	count := clusters(fmt.Sprintf("%d of %d", len(l.found), len(l.lines)))
	room := width - widthOf(count) - gap
	if room < 1 {
		return []span{{cut(count, width), style{faint: true}}}
	}
	title := cut(clusters(l.title), room)
	return []span{{title, style{strong: true}}, blanks(width - widthOf(title) - widthOf(count)), {count, style{faint: true}}}
}

// input is what was typed, its end if it is long, and the column after it.
func (l *list) input(width int) ([]span, int) {
	before := cut(clusters(label), width)
	room := width - widthOf(before) - 1 // for the cursor
	if room < 1 {
		return []span{{before, style{faint: true}}}, -1
	}
	typed := clusters(l.typed)
	for widthOf(typed) > room {
		typed = typed[1:]
	}
	at := widthOf(before) + widthOf(typed)
	row := []span{{before, style{faint: true}}, {typed, style{strong: true}}}
	if len(typed) == 0 && room > gap {
		row = append(row, blanks(1), span{cut(clusters(invite), room-1), style{faint: true}})
	}
	return row, at
}

// shown are the lines around the one that the person is at.
func (l *list) shown(width int) [][]span {
	if l.page < 1 {
		return nil
	}
	if len(l.found) == 0 {
		return [][]span{{{cut(clusters(nothing), width), style{}}}}
	}
	l.top = min(l.top, l.at, max(0, len(l.found)-l.page))
	l.top = max(l.top, l.at-l.page+1)
	before := len(marker)
	if l.colored {
		before += widthOf(clusters(mark))
	}
	widths := fit(l.widths, width-before)
	var rows [][]span
	for i := l.top; i < min(l.top+l.page, len(l.found)); i++ {
		rows = append(rows, l.row(l.lines[l.found[i]], i == l.at, widths, width))
	}
	return rows
}

// row is one line of the list, cut to the width if that has no room for it.
func (l *list) row(of line, current bool, widths []int, width int) []span {
	row := []span{{clusters(noMarker), style{}}}
	if current {
		row[0] = span{clusters(marker), style{strong: true}}
	}
	switch {
	case of.color != "":
		row = append(row, span{clusters(mark), style{color: of.color}})
	case l.colored:
		row = append(row, blanks(widthOf(clusters(mark))))
	}
	look := style{current: current}
	for i, text := range of.columns {
		column := cut(clusters(text), widths[i])
		matched := emphasis(column, l.words)
		for j, c := range column {
			piece := look
			piece.match = matched[j]
			row = append(row, span{[]cluster{c}, piece})
		}
		pad := widths[i] - widthOf(column)
		if i < len(of.columns)-1 {
			pad += gap
		}
		row = append(row, span{blanks(pad).all, look})
	}
	return clip(row, width)
}

// plain is one line of the list as it is written rather than drawn.
func (l *list) plain(of line) string {
	var b strings.Builder
	for i, text := range of.columns {
		b.WriteString(text)
		if i < len(of.columns)-1 {
			b.WriteString(strings.Repeat(" ", l.widths[i]-widthOf(clusters(text))+gap))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// clip cuts off what is beyond the width.
func clip(row []span, width int) []span {
	for i := range row {
		w := widthOf(row[i].all)
		if w > width {
			row[i].all = within(row[i].all, width)
			return row[:i+1]
		}
		width -= w
	}
	return row
}

// within is as much of a text as has room.
func within(all []cluster, width int) []cluster {
	for i, c := range all {
		if width -= c.width; width < 0 {
			return all[:i]
		}
	}
	return all
}

// cut is a text that has room, or its beginning and a sign that there is more.
func cut(all []cluster, width int) []cluster {
	if widthOf(all) <= width {
		return all
	}
	return append(slices.Clip(within(all, max(0, width-1))), clusters("…")[:min(1, max(0, width))]...)
}

func blanks(n int) span {
	if n < 1 {
		return span{}
	}
	return span{all: slices.Repeat([]cluster{{" ", 1}}, n)}
}

// fit makes the columns narrower until they have room, always the widest first, so that
// the short ones (an account, an alias) are seen whole.
func fit(widths []int, room int) []int {
	widths = slices.Clone(widths)
	room -= gap * (len(widths) - 1)
	total := 0
	for _, w := range widths {
		total += w
	}
	for ; total > room; total-- {
		widest := 0
		for i, w := range widths {
			if w >= widths[widest] { // of two, the right one
				widest = i
			}
		}
		if len(widths) == 0 || widths[widest] <= 1 {
			break
		}
		widths[widest]--
	}
	return widths
}
