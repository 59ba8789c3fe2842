package main

import (
	"strings"

	"gatehop/cmd/gatehop/internal/cells"
)

// table is what a command lists, one row a line. A pipe gets all of it. On a terminal it
// takes no more than a line: first the columns with a shorter form take that, from the
// right, then the longest are cut.
type table struct {
	titles []string
	rows   []row
}

type row struct {
	cells  []cell
	colour string // six hexadecimal digits for the mark before the row; "" is none
}

// cell is one value. An empty short form of all its rows leaves out a column.
type cell struct {
	text     string
	short    string // "" unless hasShort
	hasShort bool
	paint    paint
}

func plainCell(text string) cell { return cell{text: text} }

// shorter is a cell with a short form for where the whole does not fit.
func shorter(text, short string) cell { return cell{text: text, short: short, hasShort: true} }

// columnGap is the blanks between two columns.
const columnGap = 2

// render is the table for a stream.
func (t table) render(l look) string {
	titles, grid := t.titles, make([][]cell, len(t.rows))
	marked := false
	for i, r := range t.rows {
		grid[i] = r.cells
		marked = marked || r.colour != "" && l.colour
	}
	room := l.width
	if marked {
		room = max(room-markWidth, 1)
	}
	if l.width > 0 {
		titles, grid = fitColumns(titles, grid, room)
	}
	widths := columnWidths(titles, grid)
	var b strings.Builder
	line := func(colour string, cs []cell) {
		if marked {
			b.WriteString(l.mark(colour) + " ")
		}
		for i, c := range cs {
			text := l.paint(c.paint, c.text)
			if i+1 < len(cs) {
				text += strings.Repeat(" ", widths[i]-cells.Width(c.text)+columnGap)
			}
			b.WriteString(text)
		}
		b.WriteByte('\n')
	}
	head := make([]cell, len(titles))
	for i, title := range titles {
		head[i] = plainCell(title)
	}
	line("", head)
	for i, cs := range grid {
		line(t.rows[i].colour, cs)
	}
	return b.String()
}

// fitColumns makes the columns take at most room cells together.
func fitColumns(titles []string, grid [][]cell, room int) ([]string, [][]cell) {
	for i := len(titles) - 1; i >= 0 && lineWidth(columnWidths(titles, grid)) > room; i-- {
		titles, grid = shortenColumn(titles, grid, i)
	}
	widths := columnWidths(titles, grid)
	for lineWidth(widths) > room {
		widest := 0
		for i, n := range widths {
			if n > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= len(cells.Gap) {
			break // a terminal of a few cells
		}
		widths[widest]--
	}
	return cutColumns(titles, grid, widths)
}

// shortenColumn takes the short form of column i where it has one.
func shortenColumn(titles []string, grid [][]cell, i int) ([]string, [][]cell) {
	changed, gone := false, true
	next := make([][]cell, len(grid))
	for n, cs := range grid {
		next[n] = append([]cell(nil), cs...)
		if cs[i].hasShort {
			next[n][i].text, changed = cs[i].short, true
		}
		gone = gone && next[n][i].text == ""
	}
	if !changed {
		return titles, grid
	}
	if !gone {
		return titles, next
	}
	left := append(append([]string(nil), titles[:i]...), titles[i+1:]...)
	for n, cs := range next {
		next[n] = append(cs[:i:i], cs[i+1:]...)
	}
	return left, next
}

// cutColumns cuts every cell to the width of its column.
func cutColumns(titles []string, grid [][]cell, widths []int) ([]string, [][]cell) {
	head, next := make([]string, len(titles)), make([][]cell, len(grid))
	for i, title := range titles {
		head[i] = cells.Cut(title, widths[i])
	}
	for n, cs := range grid {
		next[n] = append([]cell(nil), cs...)
		for i := range cs {
			next[n][i].text = cells.Cut(cs[i].text, widths[i])
		}
	}
	return head, next
}

func columnWidths(titles []string, grid [][]cell) []int {
	widths := make([]int, len(titles))
	for i, title := range titles {
		widths[i] = cells.Width(title)
		for _, cs := range grid {
			widths[i] = max(widths[i], cells.Width(cs[i].text))
		}
	}
	return widths
}

func lineWidth(widths []int) int {
	sum := columnGap * (len(widths) - 1)
	for _, n := range widths {
		sum += n
	}
	return sum
}
