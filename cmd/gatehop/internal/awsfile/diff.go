package awsfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

const diffContext = 3

// Diff shows what changes between two versions of the file called name, as a unified
// diff for people: without any value of a secret key, in context lines either, and with
// control characters written out. "" if nothing changes.
//
// It takes time linear in the files but for sorting. It is right for any two versions
// and short where they have the same lines in the same order but for a few places.
func Diff(name string, before, after []byte) string {
	return diff(name, before, after, mask)
}

// diff is Diff with a mask of one's own.
func diff(name string, before, after []byte, mask func([]byte) []byte) string {
	if bytes.Equal(before, after) {
		return ""
	}
	a, b := splitLines(before), splitLines(after)
	shownA, shownB := splitLines(mask(before)), splitLines(mask(after))
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s (after)\n", printable(name), printable(name))
	for _, h := range hunks(script(a, b)) {
		first, last := h[0], h[len(h)-1]
		fmt.Fprintf(&out, "@@ -%s +%s @@\n", span(first.a, last.aEnd()-first.a), span(first.b, last.bEnd()-first.b))
		for _, o := range h {
			for i := range o.n {
				if o.sign == '+' {
					writeLine(&out, o.sign, shownB[o.b+i])
				} else {
					writeLine(&out, o.sign, shownA[o.a+i])
				}
			}
		}
	}
	return out.String()
}

// op is a run of n lines that are in both versions (' '), the old one alone ('-') or
// the new one alone ('+'). It begins at line a of the old and b of the new, from 0.
type op struct {
	sign byte
	a, b int
	n    int
}

func (o op) aEnd() int {
	if o.sign == '+' {
		return o.a
	}
	return o.a + o.n
}

func (o op) bEnd() int {
	if o.sign == '-' {
		return o.b
	}
	return o.b + o.n
}

func span(start, n int) string {
	if n == 0 {
		return fmt.Sprintf("%d,0", start)
	}
	return fmt.Sprintf("%d,%d", start+1, n)
}

// writeLine writes one line of a diff so that a terminal does nothing but show it.
func writeLine(out *strings.Builder, sign byte, line string) {
	text, ended := strings.CutSuffix(line, "\n")
	out.WriteByte(sign)
	out.WriteString(printable(strings.TrimSuffix(text, "\r")))
	out.WriteByte('\n')
	if !ended {
		out.WriteString("\\ no line end at the end of the file\n")
	}
}

// printable writes out what is not printed as it stands.
func printable(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return r != '\t' && (!unicode.IsPrint(r) || r == unicode.ReplacementChar) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\t' || unicode.IsPrint(r) && r != unicode.ReplacementChar:
			b.WriteRune(r)
		default:
			quoted := fmt.Sprintf("%q", r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

func splitLines(data []byte) []string {
	return slices.Collect(strings.Lines(string(data)))
}

// script says how b comes of a. Lines that stand once in each version, in the same
// order, are the fixed points; between two of them only a common beginning and end is
// looked for.
func script(a, b []string) []op {
	s := &scripter{a: a, b: b}
	for _, p := range append(anchors(a, b), pair{len(a), len(b)}) {
		s.gap(p.a, p.b)
		if p.a < len(a) {
			s.emit(' ', 1)
		}
	}
	return s.ops
}

type scripter struct {
	a, b   []string
	ops    []op
	ia, ib int
}

func (s *scripter) emit(sign byte, n int) {
	if n == 0 {
		return
	}
	if last := len(s.ops) - 1; last >= 0 && s.ops[last].sign == sign {
		s.ops[last].n += n
	} else {
		s.ops = append(s.ops, op{sign, s.ia, s.ib, n})
	}
	if sign != '+' {
		s.ia += n
	}
	if sign != '-' {
		s.ib += n
	}
}

// gap goes on to line endA of a and endB of b.
func (s *scripter) gap(endA, endB int) {
	head := 0
	for s.ia+head < endA && s.ib+head < endB && s.a[s.ia+head] == s.b[s.ib+head] {
		head++
	}
	s.emit(' ', head)
	tail := 0
	for endA-tail > s.ia && endB-tail > s.ib && s.a[endA-tail-1] == s.b[endB-tail-1] {
		tail++
	}
	s.emit('-', endA-tail-s.ia)
	s.emit('+', endB-tail-s.ib)
	s.emit(' ', tail)
}

type pair struct{ a, b int }

// anchors returns the longest rising series of lines that are unique in both versions.
func anchors(a, b []string) []pair {
	type seen struct{ inA, inB, atA, atB int }
	lines := map[string]*seen{}
	at := func(line string) *seen {
		if lines[line] == nil {
			lines[line] = &seen{}
		}
		return lines[line]
	}
	for i, line := range a {
		l := at(line)
		l.inA, l.atA = l.inA+1, i
	}
	for i, line := range b {
		l := at(line)
		l.inB, l.atB = l.inB+1, i
	}
	var unique []pair
	for _, line := range a {
		if l := lines[line]; l.inA == 1 && l.inB == 1 {
			unique = append(unique, pair{l.atA, l.atB})
		}
	}
	return rising(unique)
}

// rising returns the longest subsequence whose b rises; a does already.
func rising(all []pair) []pair {
	var ends []int // index into all of the last pair of the best series of each length
	back := make([]int, len(all))
	for i, p := range all {
		n, _ := slices.BinarySearchFunc(ends, p.b, func(end, b int) int { return all[end].b - b })
		back[i] = -1
		if n > 0 {
			back[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	var series []pair
	if len(ends) > 0 {
		for i := ends[len(ends)-1]; i >= 0; i = back[i] {
			series = append(series, all[i])
		}
	}
	slices.Reverse(series)
	return series
}

// hunks cuts a script into its changes with the lines around them.
func hunks(ops []op) [][]op {
	var all [][]op
	var h []op
	changed := false
	for i, o := range ops {
		if o.sign != ' ' {
			h, changed = append(h, o), true
			continue
		}
		if changed && (o.n > 2*diffContext || i == len(ops)-1) {
			all = append(all, append(h, op{' ', o.a, o.b, min(o.n, diffContext)}))
			h, changed = nil, false
		}
		if changed {
			h = append(h, o)
		} else {
			skip := max(0, o.n-diffContext)
			h = []op{{' ', o.a + skip, o.b + skip, o.n - skip}}
		}
	}
	if changed {
		all = append(all, h)
	}
	return all
}
