package awsfile

import (
	"strings"
	"unicode/utf8"
)

func firstRune(s string) (rune, int) { return utf8.DecodeRuneInString(s) }
func lastRune(s string) (rune, int)  { return utf8.DecodeLastRuneInString(s) }

// shellSplit splits a section name as Python's shlex.split does: POSIX quoting, no
// comments. ok is false where that raises an error (a quote or escape left open).
func shellSplit(text string) (words []string, ok bool) {
	var word strings.Builder
	in := false // a word has begun, perhaps an empty one in quotes
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ' ', '\t', '\r', '\n':
			if in {
				words = append(words, word.String())
				word.Reset()
			}
			in = false
		case '\\':
			in = true
			if i++; i == len(text) {
				return nil, false
			}
			word.WriteByte(text[i])
		case '\'', '"':
			in = true
			end := quoted(text[i:], &word)
			if end == 0 {
				return nil, false
			}
			i += end
		default:
			in = true
			word.WriteByte(c)
		}
	}
	if in {
		words = append(words, word.String())
	}
	return words, true
}

// quoted appends what stands between the quotes that text begins with and returns the
// offset of the closing one, 0 if there is none. Between double quotes a backslash
// escapes only itself and the quote.
func quoted(text string, word *strings.Builder) int {
	quote := text[0]
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == quote:
			return i
		case text[i] == '\\' && quote == '"' && i+1 < len(text) && (text[i+1] == quote || text[i+1] == '\\'):
			i++
			word.WriteByte(text[i])
		default:
			word.WriteByte(text[i])
		}
	}
	return 0
}
