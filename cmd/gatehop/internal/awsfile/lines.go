package awsfile

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// lines walks over data line by line in time linear in its length. As in Python's
// text mode CR, LF and CRLF each end a line.
type lines struct {
	data []byte
	pos  int // of the next line
	feed int // of the first LF at or after pos; len(data) if there is none
	back int // of the first CR at or after pos; len(data) if there is none
	no   int // of the line that next returned, from 1
}

func newLines(data []byte, pos, no int) *lines {
	return &lines{data: data, pos: pos, feed: pos - 1, back: pos - 1, no: no - 1}
}

// line is one line of a file.
type line struct {
	all    Range // with its line end
	text   Range // without white space at either end
	indent int   // characters of white space before text
	odd    bool  // of that white space, some is neither space nor tab
	bareCR bool  // ended by a CR alone
}

// next returns the next line, false at the end of data.
func (l *lines) next() (line, bool) {
	if l.pos >= len(l.data) {
		return line{}, false
	}
	if l.feed < l.pos {
		l.feed = l.find('\n')
	}
	if l.back < l.pos {
		l.back = l.find('\r')
	}
	n := line{all: Range{l.pos, min(l.feed+1, len(l.data))}}
	end := l.feed
	if l.back < l.feed {
		end = l.back
		n.bareCR = end+1 != l.feed || l.feed == len(l.data)
		if n.bareCR {
			n.all.End = end + 1
		}
	}
	n.trim(l.data, end)
	l.pos = n.all.End
	l.no++
	return n, true
}

// find returns the offset of the first c at or after pos, len(data) if there is none.
func (l *lines) find(c byte) int {
	if i := bytes.IndexByte(l.data[l.pos:], c); i >= 0 {
		return l.pos + i
	}
	return len(l.data)
}

// trim sets text, indent and odd of a line whose characters end at end.
func (n *line) trim(data []byte, end int) {
	a, b := n.all.Start, end
	for a < b {
		size, plain := space(data[a:b])
		if size == 0 {
			break
		}
		a += size
		n.indent++
		n.odd = n.odd || !plain
	}
	for a < b {
		size, plain := lastSpace(data[a:b])
		if size == 0 {
			break
		}
		b -= size
		n.odd = n.odd || !plain
	}
	n.text = Range{a, b}
}

// space returns the size of the white space character that data begins with, 0 if it
// begins with none, and whether it is a space or a tab, which alone every SDK knows.
func space(data []byte) (size int, plain bool) {
	switch c := data[0]; {
	case c == ' ' || c == '\t':
		return 1, true
	case c < utf8.RuneSelf:
		return bit(isSpace(rune(c))), false
	}
	r, size := utf8.DecodeRune(data)
	return size * bit(isSpace(r)), false
}

func lastSpace(data []byte) (size int, plain bool) {
	switch c := data[len(data)-1]; {
	case c == ' ' || c == '\t':
		return 1, true
	case c < utf8.RuneSelf:
		return bit(isSpace(rune(c))), false
	}
	r, size := utf8.DecodeLastRune(data)
	return size * bit(isSpace(r)), false
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// isSpace is str.isspace of Python, which has four separators more than unicode.IsSpace.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

// isPlainSpace is the white space that every SDK knows within a line.
func isPlainSpace(r rune) bool { return r == ' ' || r == '\t' }

func isOddSpace(r rune) bool { return isSpace(r) && !isPlainSpace(r) }
