package form

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// The limits of a page. A tree costs about 40 times its text, so that they are checked
// before one is built.
const (
	maxElements      = 50_000
	maxControls      = 5_000 // and forms: each is remembered with all there is to know of it
	maxAttributes    = 100_000
	maxTagAttributes = 256          // repeated ones included, as in maxAttributes
	maxToken         = 1 << 20      // bytes of one tag; AWS takes 100,000 of an assertion
	maxRun           = 4 << 20      // bytes of one comment, script or run of text
	maxWritten       = 2 * maxToken // bytes of one token with its characters escaped
	maxText          = 64 << 10
)

// errTooMany ends the reading of a page over the limits.
var errTooMany = errors.New("page over the limits of its elements")

// Marks that the token pass leaves in the tree. Pages cannot forge them: attributes
// of these names are dropped first.
const (
	markPrefix = "gatehop-"
	markForm   = markPrefix + "form"     // on a form: its number in the page
	markOwner  = markPrefix + "owner"    // on a control: the number of the form element pointer
	markOff    = markPrefix + "noscript" // on everything in noscript, which the tree builder may move out of it
)

// skeleton is a page's text as the tree builder gets to see it, token by token:
//
//   - The text of scripts is kept aside, that of other raw elements, comments and
//     templates are dropped: what stands in them is no markup, and in the text that
//     comes out every "<" begins a tag that has been counted.
//   - Formatting elements become span. The tree builder repeats open formatting
//     elements in every later block, so that 50,000 tags could become millions.
//   - Forms and controls are marked with the HTML standard's form element pointer: in
//     <table><form><tr><td><input> the input is of the form and not inside it.
type skeleton struct {
	z        *html.Tokenizer
	out      bytes.Buffer
	err      error
	size     int // bytes read, bounds what escaping may add
	wrote    int
	elements int // start tags so far
	pointer  int // form element pointer: number of the open form, 0 for none
	forms    int
	inSelect bool
	template int    // open templates
	noscript int    // open noscripts
	raw      string // the raw element whose text comes next
	scripts  []string
}

func newSkeleton(text []byte) *skeleton {
	s := &skeleton{z: html.NewTokenizer(bytes.NewReader(text)), size: len(text)}
	s.z.SetMaxBuf(maxRun)
	return s
}

// checkLimits counts what the tree builder would have to build. Attributes are counted
// before the tokenizer sees them, which remembers all those of a tag.
func checkLimits(text []byte) error {
	z := html.NewTokenizer(bytes.NewReader(text))
	z.SetMaxBuf(maxRun)
	elements, controls, attributes, raw := 0, 0, 0, false
	for elements <= maxElements && controls <= maxControls && attributes <= maxAttributes {
		if !raw {
			n := countAttributes(text)
			if n > maxTagAttributes {
				return errTooMany
			}
			attributes += n
		}
		raw = false
		token, size := z.Next(), len(z.Raw())
		text = text[size:]
		switch token {
		case html.ErrorToken:
			if errors.Is(z.Err(), html.ErrBufferExceeded) {
				return errTooMany
			}
			return nil
		case html.StartTagToken, html.SelfClosingTagToken:
			if size > maxToken {
				return errTooMany
			}
			elements++
			name, _ := z.TagName()
			if string(name) == "noscript" {
				z.NextIsNotRawText()
			}
			raw = rawElements[string(name)]
			if owned[string(name)] || string(name) == "form" {
				controls++
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "p" || string(name) == "br" {
				elements++ // without a start tag these end tags make an element
			}
		}
	}
	return errTooMany
}

// countAttributes counts the attributes of the start tag that text begins with as the
// tokenizer tells them apart, repeated ones included, up to one over maxTagAttributes.
// It is 0 for text that begins with anything else.
func countAttributes(text []byte) int {
	if len(text) < 2 || text[0] != '<' || text[1]|0x20 < 'a' || text[1]|0x20 > 'z' {
		return 0
	}
	n := 0
	text = after(text[1:], tagSpace+"/>")
	for n <= maxTagAttributes {
		text = bytes.TrimLeft(text, tagSpace+"/")
		if len(text) == 0 || text[0] == '>' {
			break
		}
		n++
		text = bytes.TrimLeft(after(text[1:], tagSpace+"/>="), tagSpace) // a name may begin with "="
		if len(text) == 0 || text[0] != '=' {
			continue
		}
		text = bytes.TrimLeft(text[1:], tagSpace)
		if len(text) > 0 && (text[0] == '"' || text[0] == '\'') {
			_, text, _ = bytes.Cut(text[1:], text[:1])
		} else {
			text = after(text, tagSpace+">")
		}
	}
	return n
}

// tagSpace is white space as the tokenizer means it in a tag.
const tagSpace = " \n\r\t\f"

// after is text from the first of the characters ends on, empty if there is none.
func after(text []byte, ends string) []byte {
	if i := bytes.IndexAny(text, ends); i >= 0 {
		return text[i:]
	}
	return nil
}

// Read returns the next bytes of the text for the tree builder. Errors are io.EOF and
// errTooMany.
func (s *skeleton) Read(p []byte) (int, error) {
	for s.out.Len() == 0 {
		if s.err != nil {
			return 0, s.err
		}
		s.step()
		s.wrote += s.out.Len()
		if s.out.Len() > maxWritten || s.wrote > 2*s.size+64*s.elements+(64<<10) {
			s.out.Reset()
			s.err = errTooMany
		}
	}
	return s.out.Read(p)
}

func (s *skeleton) step() {
	switch s.z.Next() {
	case html.ErrorToken:
		s.err = s.z.Err()
		if errors.Is(s.err, html.ErrBufferExceeded) {
			s.err = errTooMany
		}
	case html.TextToken:
		s.text()
	case html.StartTagToken, html.SelfClosingTagToken:
		s.start(s.z.Token())
	case html.EndTagToken:
		s.end(s.z.Token().Data)
	case html.DoctypeToken:
		s.out.WriteString(s.z.Token().String())
	}
}

func (s *skeleton) text() {
	raw := s.raw
	s.raw = ""
	switch {
	case s.template > 0:
	case raw == "script":
		text := s.z.Text()
		s.scripts = append(s.scripts, string(text[:min(len(text), maxScript)]))
	case raw == "textarea":
		escape(&s.out, s.z.Token().Data)
	case raw == "title" || raw == "":
		text := s.z.Token().Data
		escape(&s.out, text[:min(len(text), maxText)]) // nobody reads more
	}
}

// rawElements are those whose content is text to the tokenizer. noscript is not among
// them: with scripting off its content is markup.
var rawElements = map[string]bool{
	"iframe": true, "noembed": true, "noframes": true, "plaintext": true, "script": true,
	"style": true, "textarea": true, "title": true, "xmp": true,
}

// formatting elements are those that the tree builder opens again by itself, but for
// "a", of which it does so only once.
var formatting = map[string]bool{
	"b": true, "big": true, "code": true, "em": true, "font": true, "i": true, "nobr": true,
	"s": true, "small": true, "strike": true, "strong": true, "tt": true, "u": true,
}

// owned are the elements that have a form owner and that a form is made of.
var owned = map[string]bool{
	"button": true, "fieldset": true, "input": true, "object": true, "output": true,
	"select": true, "textarea": true,
}

func (s *skeleton) start(t html.Token) {
	name := t.Data
	s.elements++
	mark := ""
	if s.noscript > 0 {
		mark = " " + markOff
	}
	if name == "noscript" {
		s.z.NextIsNotRawText()
	}
	s.raw = ""
	if rawElements[name] {
		s.raw = name
	}
	if name == "template" {
		s.template++
	}
	if s.template > 0 || !isName(name, false) {
		return
	}
	switch {
	case name == "form":
		if s.pointer != 0 || s.inSelect {
			return // the tree builder would ignore it too
		}
		s.forms++
		s.pointer = s.forms
		mark += attribute(markForm, s.forms)
	case owned[name] && s.pointer != 0:
		mark += attribute(markOwner, s.pointer)
	}
	switch name {
	case "noscript":
		s.noscript++
	case "select":
		s.inSelect = !s.inSelect
	case "input", "textarea", "keygen":
		s.inSelect = false
	}
	s.tag(t, mark)
}

func attribute(name string, n int) string { return " " + name + `="` + strconv.Itoa(n) + `"` }

// tag writes a start tag. Raw elements other than textarea and title are closed at once.
func (s *skeleton) tag(t html.Token, mark string) {
	name := t.Data
	if formatting[name] {
		name = "span"
	}
	s.out.WriteString("<" + name + mark)
	for _, a := range t.Attr {
		if !isName(a.Key, true) || strings.HasPrefix(a.Key, markPrefix) {
			continue
		}
		s.out.WriteString(" " + a.Key + `="`)
		escape(&s.out, a.Val)
		s.out.WriteByte('"')
	}
	if t.Type == html.SelfClosingTagToken {
		s.out.WriteString("/")
	}
	s.out.WriteString(">")
	if rawElements[name] && name != "textarea" && name != "title" {
		s.out.WriteString("</" + name + ">")
	}
}

func (s *skeleton) end(name string) {
	s.raw = ""
	switch {
	case name == "template":
		s.template = max(0, s.template-1)
		return
	case s.template > 0 || !isName(name, false):
		return
	case rawElements[name] && name != "textarea" && name != "title":
		return
	case name == "form":
		s.pointer = 0
	case name == "noscript":
		s.noscript = max(0, s.noscript-1)
	case name == "select":
		s.inSelect = false
	case formatting[name]:
		name = "span"
	}
	s.out.WriteString("</" + name + ">")
}

// isName reports whether s is a tag name, or with more an attribute name, that cannot
// be read as anything else once it is written again.
func isName(s string, more bool) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c == '_' && more
		if !letter && (i == 0 || c != '-' && c != ':' && c != '_' && c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}

// escape writes text so that it is text again, in an element and between double quotes.
// It ends early when there is more in b than Read lets pass.
func escape(b *bytes.Buffer, text string) {
	for b.Len() <= maxWritten {
		i := strings.IndexAny(text, "&<\"\r")
		if i < 0 {
			b.WriteString(text)
			return
		}
		b.WriteString(text[:i])
		switch text[i] {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '"':
			b.WriteString("&#34;")
		default:
			b.WriteString("&#13;")
		}
		text = text[i+1:]
	}
}
