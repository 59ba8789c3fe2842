package awsfile

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// keys reads a section's body. differs is the first thing in it over which the SDKs
// differ as a whole; what concerns one key alone is that key's Differs.
func (f *File) keys(s Section) (keys []Key, differs string) {
	r := keyReader{data: f.Data, seen: map[string]bool{}}
	r.header(s)
	r.lines = newLines(f.Data[:s.Body.End], s.Body.Start, s.Line+1)
	for {
		n, ok := r.lines.next()
		if !ok {
			break
		}
		r.line(n)
	}
	r.endKey()
	return r.keys, r.differs
}

// keyReader is configparser's state between two lines of one section.
type keyReader struct {
	data    []byte
	lines   *lines
	keys    []Key
	seen    map[string]bool
	differs string

	open   bool     // lines deeper than indent continue the last key's value
	indent int      // of the line before, comments and blank lines left out
	more   []string // the last key's value, line by line, once it has more than one
	unseen bool     // not every SDK sees the last key
	block  bool     // the Go and JavaScript SDKs take indented lines for a nested block
}

func (r *keyReader) differ(format string, args ...any) {
	if r.differs == "" {
		r.differs = fmt.Sprintf(format, args...)
	}
}

func (r *keyReader) text(at Range) string { return string(r.data[at.Start:at.End]) }

// header looks at the bytes of the whole section and at what stands before it.
func (r *keyReader) header(s Section) {
	all := r.data[s.Header.Start:s.Body.End]
	if !utf8.Valid(all) {
		r.differ("holds bytes that are not UTF-8, for which botocore refuses the whole file")
	}
	if s.Header.Start > 0 && r.data[s.Header.Start-1] == '\r' || hasBareCR(all) {
		r.differ("has a line that ends with a carriage return alone, which only botocore takes for a line end")
	}
}

func hasBareCR(data []byte) bool {
	for {
		i := bytes.IndexByte(data, '\r')
		if i < 0 {
			return false
		}
		if data = data[i+1:]; len(data) == 0 || data[0] != '\n' {
			return true
		}
	}
}

func (r *keyReader) line(n line) {
	text := r.data[n.text.Start:n.text.End]
	switch {
	case len(text) == 0:
		if r.open {
			r.extend("")
		}
		return
	case text[0] == '#' || text[0] == ';':
		return
	case r.open && n.indent > r.indent:
		r.continued(n)
		return
	}
	r.indent = n.indent
	delim := delimiter(text)
	if delim <= 0 {
		r.differ("has a line that is neither section, key nor comment (line %d), for which botocore refuses the whole file", r.lines.no)
		return
	}
	r.endKey()
	r.key(n, delim)
}

// key begins the key of line n, whose delimiter is at delim.
func (r *keyReader) key(n line, delim int) {
	at := Range{n.text.Start + delim + 1, n.text.End}
	at.Start = n.text.End - len(strings.TrimLeftFunc(r.text(at), isSpace))
	written := strings.TrimRightFunc(r.text(Range{n.text.Start, n.text.Start + delim}), isSpace)
	k := Key{Name: lower(written), Value: r.text(at), Line: r.lines.no, Lines: n.all, Text: at}
	text := r.text(n.text)
	r.unseen = n.odd || text[delim] == ':' || StripComment(written) != written || strings.ContainsFunc(text[len(written):], isOddSpace)
	k.Differs = keyDiffers(text, written, k.Value, delim, n.odd)
	if r.seen[k.Name] {
		r.differ("has the key %s twice (line %d), for which botocore refuses the whole file", k.Name, k.Line)
	}
	r.seen[k.Name] = true
	switch {
	case strings.ToLower(written) != k.Name:
		r.differ("has a key (line %d) that not every SDK puts in lower case alike", k.Line)
	case isLoneQuote(k.Value):
		r.differ("has a value that is one quote alone (line %d), over which the Go SDK breaks", k.Line)
	case strings.TrimFunc(written, isJSSpace) != written:
		r.differ("has a key beside a byte order mark (line %d), which the JavaScript SDK takes for white space", k.Line)
	}
	if empty := emptyElsewhere(k.Value); r.block && n.indent > 0 {
		r.differ("has indented keys below one without a value (line %d), which botocore alone does not take for a nested block", k.Line)
	} else if empty || n.indent == 0 {
		r.block = empty
	}
	r.keys = append(r.keys, k)
	r.open = true
}

// continued adds line n to the value of the last key.
func (r *keyReader) continued(n line) {
	text, k := r.text(n.text), &r.keys[len(r.keys)-1]
	r.extend(text)
	k.Lines.End = n.all.End
	nested := k.Text.Start == k.Text.End
	switch delim := delimiter([]byte(text)); {
	case isLoneQuote(strings.TrimFunc(text[delim+1:], isSpace)):
		r.differ("has a value that is one quote alone (line %d), over which the Go SDK breaks", r.lines.no)
	case text[0] == '[':
		r.differ("has an indented section header (line %d), which botocore takes for a part of the value above it", r.lines.no)
	case n.odd:
		r.differ("has white space in line %d that not every SDK knows", r.lines.no)
	case r.unseen:
		r.differ("has a value that goes on in line %d, of a key that not every SDK sees", r.lines.no)
	case nested && !isBlock(text):
		r.differ("has a nested block with a line without = (line %d), for which botocore refuses the whole file", r.lines.no)
	case !nested && strings.ContainsAny(text, "=:"):
		r.differ("has an indented key (line %d), which botocore takes for a part of the value above it", r.lines.no)
	}
}

func (r *keyReader) extend(text string) {
	if r.more == nil {
		r.more = []string{r.keys[len(r.keys)-1].Value}
	}
	r.more = append(r.more, text)
}

// endKey puts the last key's value together.
func (r *keyReader) endKey() {
	if r.more == nil {
		return
	}
	k := &r.keys[len(r.keys)-1]
	k.Value = strings.TrimRightFunc(strings.Join(r.more, "\n"), isSpace)
	if k.Differs == "" && strings.Contains(k.Value, "\n") {
		k.Differs = goesOn
	}
	r.more = nil
}

// What a new value mends.
const (
	goesOn  = "goes on in further lines, of which the JavaScript SDK reads the first alone"
	noValue = "has no value, which not every SDK takes for none"

	commentBehind = "has a comment behind its value, which botocore takes for a part of the value"
)

// isLoneQuote reports whether the Go SDK, which takes quotes off, takes value for one.
func isLoneQuote(value string) bool {
	value = StripComment(value)
	return value == `"` || value == `'`
}

// emptyElsewhere reports whether the Go or the JavaScript SDK takes value, as botocore
// reads it, for none: because it is all comment, or (Go) a pair of quotes.
func emptyElsewhere(value string) bool {
	value = StripComment(value)
	return value == "" || value == `""` || value == `''`
}

// keyDiffers says how the SDKs differ over a key in text, whose name is written so.
func keyDiffers(text, written, value string, delim int, odd bool) string {
	around := strings.TrimSuffix(text[len(written):], value)
	switch {
	case odd || strings.ContainsFunc(around, isOddSpace) || strings.TrimFunc(value, isJSSpace) != value:
		return "is surrounded by white space that not every SDK knows"
	case text[delim] == ':':
		return "is followed by a colon, which the JavaScript SDK does not take for an equals sign"
	case written != lower(written):
		return "is not in lower case, and the JavaScript SDK does not read it so"
	case value == "":
		return noValue
	case StripComment(written) != written:
		return "has a comment in its name, and botocore alone reads it"
	case StripComment(value) != value || jsCut(value) != value:
		return commentBehind
	case strings.ContainsAny(value[:1], `"'`) && strings.HasSuffix(value, value[:1]):
		return "is in quotes, which only the Go SDK removes"
	}
	return ""
}

// StripComment removes an inline comment: white space, then # or ;, up to the end of
// the line. The Go and JavaScript SDKs do so; botocore keeps it as a part of the value.
func StripComment(value string) string {
	for i := range len(value) {
		if c := value[i]; (c == '#' || c == ';') && (i == 0 || isPlainSpace(rune(value[i-1]))) {
			return strings.TrimRightFunc(value[:i], isSpace)
		}
	}
	return value
}

// lower is str.lower of Python, of which strings.ToLower differs in one letter that
// would otherwise become an ASCII one.
func lower(s string) string {
	return strings.ToLower(strings.ReplaceAll(s, "\u0130", "i\u0307"))
}

// Pair is one line of a nested block.
type Pair struct{ Name, Value string }

// Nested returns the nested block that is the key's value, as botocore reads it. ok is
// false if the value is none, or if it has a line without =.
func (k Key) Nested() (pairs []Pair, ok bool) {
	if !strings.HasPrefix(k.Value, "\n") {
		return nil, false
	}
	for _, text := range strings.FieldsFunc(k.Value, isLineBreak) {
		if text = strings.TrimFunc(text, isSpace); text == "" {
			continue
		}
		name, value, cut := strings.Cut(text, "=")
		if !cut {
			return nil, false
		}
		pairs = append(pairs, Pair{strings.TrimRightFunc(name, isSpace), strings.TrimLeftFunc(value, isSpace)})
	}
	return pairs, true
}

// isBlock reports whether botocore takes text for lines of a nested block: it splits them
// once more, at more than line ends.
func isBlock(text string) bool {
	for part := range strings.FieldsFuncSeq(text, isLineBreak) {
		if strings.TrimFunc(part, isSpace) != "" && !strings.Contains(part, "=") {
			return false
		}
	}
	return true
}

// isLineBreak is where str.splitlines of Python splits.
func isLineBreak(r rune) bool {
	return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
}
