package iam

import (
	"strings"
	"unicode"
)

// Clean makes a stranger's text fit to be shown: white space becomes single spaces,
// control and formatting characters (bidirectional ones among them) go, and what is
// longer than 200 characters is cut.
func Clean(text string) string {
	const most = 200
	var b strings.Builder
	n, gap := 0, false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			gap = n > 0
			continue
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			continue
		}
		if gap && n < most {
			b.WriteByte(' ')
			n++
		}
		gap = false
		if n >= most {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
