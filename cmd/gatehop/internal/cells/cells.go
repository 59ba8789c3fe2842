// Package cells measures text in the cells of a terminal.
package cells

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Gap stands where Cut and CutLeft left something out. It is ASCII: any terminal shows it.
const Gap = ".."

const (
	joiner    = '\u200d' // makes one picture of two
	emojiForm = '\ufe0f' // makes a picture of a letter
)

// scan calls f for each rune of s with the cells that it adds to those before it; the sum
// is never negative. f returns false to stop.
func scan(s string, f func(at int, r rune, cells int) bool) {
	last, joined := 0, false
	for i, r := range s {
		n := runeWidth(r)
		switch {
		case joined && n == 2 || r >= 0x1F3FB && r <= 0x1F3FF && last == 2: // a colour of skin
			n = 0
		case r == emojiForm && last == 1:
			n = 1
		}
		if joined = r == joiner; n > 0 || !isMark(r) {
			last = n
		}
		if !f(i, r, n) {
			return
		}
	}
}

func isMark(r rune) bool { return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) }

// runeWidth is the cells of a rune by itself: Unicode Standard Annex 11, with what stands
// on the letter before it in none.
func runeWidth(r rune) int {
	switch {
	case r < ' ' || r >= 0x7f && r < 0xa0: // controls
		return 0
	case r < 0x300:
		return 1
	case isMark(r), r >= 0x1160 && r <= 0x11ff: // Hangul vowels and finals join the initial
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Width is how many cells s takes on one line.
func Width(s string) int {
	sum := 0
	scan(s, func(_ int, _ rune, n int) bool { sum += n; return true })
	return sum
}

// Cut is s in at most n cells: the beginning of one that is longer, and Gap.
func Cut(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	if n <= len(Gap) {
		return Gap[:max(n, 0)]
	}
	sum, end := 0, 0
	scan(s, func(at int, _ rune, w int) bool {
		if sum+w > n-len(Gap) {
			end = at
			return false
		}
		sum += w
		return true
	})
	return s[:end] + Gap
}

// CutLeft is Cut that keeps the end.
func CutLeft(s string, n int) string {
	total := Width(s)
	if total <= n {
		return s
	}
	if n <= len(Gap) {
		return Gap[:max(n, 0)]
	}
	begin, passed := len(s), 0
	scan(s, func(at int, r rune, w int) bool {
		if total-passed <= n-len(Gap) && w > 0 && !isMark(r) {
			begin = at
			return false
		}
		passed += w
		return true
	})
	return Gap + s[begin:]
}

// Pad is s followed by blanks up to n cells.
func Pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-Width(s)))
}
