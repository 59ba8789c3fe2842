package form

import (
	"bytes"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
)

const (
	utf8Name = "utf-8"
	// maxPrescan is how far a page is searched for a meta element that names its
	// encoding: further than the 1,024 bytes that the HTML standard asks for, because
	// browsers also heed a late one.
	maxPrescan = 64 << 10
)

// charset is a character encoding under its name in the Encoding standard, lower case.
type charset struct {
	name string
	enc  encoding.Encoding
}

// charsetOf finds the encoding for a label: "latin1" is windows-1252.
func charsetOf(label string) (charset, bool) {
	name := encodingName(strings.ToLower(strings.TrimSpace(strings.Trim(label, asciiSpace))))
	for _, cs := range charsets() {
		if cs.name == name {
			return cs, true
		}
	}
	return charset{}, false
}

func utf8Charset() charset { return charset{utf8Name, unicode.UTF8} }

var byteOrderMarks = []struct{ mark, label string }{
	{"\xef\xbb\xbf", utf8Name}, {"\xfe\xff", "utf-16be"}, {"\xff\xfe", "utf-16le"},
}

// pageCharset is the encoding of a page: by its byte order mark, which comes first in
// the HTML standard, its Content-Type, its meta elements, else UTF-8.
func pageCharset(body []byte, contentType string) charset {
	for _, m := range byteOrderMarks {
		if bytes.HasPrefix(body, []byte(m.mark)) {
			cs, _ := charsetOf(m.label)
			return cs
		}
	}
	if _, params, err := mime.ParseMediaType(contentType); err == nil {
		if cs, ok := charsetOf(params["charset"]); ok {
			return cs
		}
	}
	if cs, ok := metaCharset(body[:min(len(body), maxPrescan)]); ok {
		return cs
	}
	return utf8Charset()
}

// metaCharset reads <meta charset=...> and <meta http-equiv=content-type content=...>.
func metaCharset(head []byte) (charset, bool) {
	z := html.NewTokenizer(bytes.NewReader(head))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return charset{}, false
		case html.StartTagToken, html.SelfClosingTagToken:
		default:
			continue
		}
		t := z.Token()
		if t.Data == "noscript" {
			z.NextIsNotRawText()
		}
		if t.Data != "meta" {
			continue
		}
		label := tokenAttr(t, "charset")
		if label == "" && lowerASCII(tokenAttr(t, "http-equiv")) == "content-type" {
			label = contentCharset(tokenAttr(t, "content"))
		}
		cs, ok := charsetOf(label)
		switch {
		case !ok:
		case strings.HasPrefix(cs.name, "utf-16"): // it could not have been read as ASCII
			return utf8Charset(), true
		case cs.name == "x-user-defined":
			return charsetOf("windows-1252")
		default:
			return cs, true
		}
	}
}

func tokenAttr(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// contentCharset finds "charset=X" in a meta element's content.
func contentCharset(content string) string {
	lower := lowerASCII(content)
	for from := 0; ; {
		i := strings.Index(lower[from:], "charset")
		if i < 0 {
			return ""
		}
		from += i + len("charset")
		value, ok := strings.CutPrefix(strings.TrimLeft(content[from:], asciiSpace), "=")
		if !ok {
			continue
		}
		value = strings.TrimLeft(value, asciiSpace)
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			quoted, _, closed := strings.Cut(value[1:], value[:1])
			if !closed {
				return ""
			}
			return quoted
		}
		if end := strings.IndexAny(value, ";"+asciiSpace); end >= 0 {
			value = value[:end]
		}
		return value
	}
}

// decode turns a page into UTF-8 without a byte order mark.
func (c charset) decode(body []byte) []byte {
	for _, m := range byteOrderMarks {
		if m.label == c.name {
			body = bytes.TrimPrefix(body, []byte(m.mark))
		}
	}
	if c.name == utf8Name && utf8.Valid(body) {
		return body
	}
	text, err := c.enc.NewDecoder().Bytes(body)
	if err != nil {
		return bytes.ToValidUTF8(body, []byte("\uFFFD"))
	}
	return text
}

// forOutput is the encoding that forms of a page in c are sent in.
func (c charset) forOutput() charset {
	if c.enc == nil || strings.HasPrefix(c.name, "utf-16") {
		return utf8Charset()
	}
	return c
}

// encode writes s as a browser does: what the encoding does not have becomes "&#N;".
func (c charset) encode(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if c.name == utf8Name {
		return s
	}
	out, err := encoding.HTMLEscapeUnsupported(c.enc.NewEncoder()).String(s)
	if err != nil {
		return s
	}
	return out
}

// has reports whether the encoding has a character.
func (c charset) has(r rune) bool {
	if c.name == utf8Name {
		return true
	}
	_, err := c.enc.NewEncoder().String(string(r))
	return err == nil
}

// label is the encoding's name as the Encoding standard spells it, for _charset_.
func (c charset) label() string {
	switch c.name {
	case "gbk", "big5", "shift_jis":
		return map[string]string{"gbk": "GBK", "big5": "Big5", "shift_jis": "Shift_JIS"}[c.name]
	}
	for _, prefix := range []string{"utf-", "ibm", "iso-", "koi8-", "euc-"} {
		if strings.HasPrefix(c.name, prefix) {
			return strings.ToUpper(c.name)
		}
	}
	return c.name
}

// acceptCharset is the first known encoding of an accept-charset attribute.
func acceptCharset(attr string, page charset) charset {
	for _, label := range strings.Fields(strings.ReplaceAll(attr, ",", " ")) {
		if cs, ok := charsetOf(label); ok {
			return cs.forOutput()
		}
	}
	return page.forOutput()
}
