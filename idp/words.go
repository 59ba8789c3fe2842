package idp

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gatehop/creds/secret"
)

const (
	maxWords  = 200      // runes of what CleanWords returns
	maxSource = 16 << 10 // bytes of text that it looks at
)

// CleanWords makes a text that somebody else wrote fit to be shown: one line without
// control, bidirectional and invisible characters, white space folded, at most 200
// characters. Where it holds one of secrets - as it is, URL-encoded, HTML-escaped or
// in base64, also when invisible characters were put in between - it holds
// secret.Redacted instead, or nothing.
func CleanWords(s string, secrets ...secret.Text) string {
	truncated := len(s) > maxSource
	if truncated {
		s = s[:maxSource]
	}
	s = oneLine(s)
	longest := 0
	var sought []string
	for _, t := range secrets {
		for _, v := range []string{t.Reveal(), oneLine(t.Reveal())} {
			if v != "" {
				sought = append(sought, v)
				longest = max(longest, len(v))
			}
		}
	}
	s = redact(s, sought)
	if cut := len(s) - longest*maxGrowth; truncated && len(sought) > 0 {
		s = strings.ToValidUTF8(s[:max(cut, 0)], "") // it may end in the beginning of a secret
	}
	return cutRunes(s, maxWords)
}

// maxGrowth is by how much an encoding lengthens a byte: "&#00000;" is rare enough.
const maxGrowth = 8

// oneLine removes what is invisible or moves the cursor, and folds white space.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError, !unicode.IsGraphic(r),
			unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r), unicode.Is(unicode.Variation_Selector, r):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

func cutRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return strings.TrimSpace(s[:i])
		}
		n--
	}
	return s
}

// redact replaces every form of every sought value. A replacement may itself make a
// value appear (the secret "t" is in Redacted), and so may a removal; where nothing
// helps, nothing is left.
func redact(s string, sought []string) string {
	found := spans(s, sought)
	if len(found) == 0 {
		return s
	}
	for _, placeholder := range []string{secret.Redacted, "*"} {
		if out := oneLine(replaceSpans(s, found, placeholder)); len(spans(out, sought)) == 0 {
			return out
		}
	}
	for range 10 {
		s = oneLine(replaceSpans(s, found, ""))
		if found = spans(s, sought); len(found) == 0 {
			return s
		}
	}
	return ""
}

// span is a stretch of bytes, end exclusive.
type span struct{ start, end int }

// replaceSpans puts text in place of each run of overlapping or adjoining spans.
func replaceSpans(s string, found []span, text string) string {
	depth := make([]int, len(s)+1)
	for _, f := range found {
		depth[f.start]++
		depth[f.end]--
	}
	var out strings.Builder
	for i, d, before := 0, 0, 0; i < len(s); i, before = i+1, d {
		switch d += depth[i]; {
		case d == 0:
			out.WriteByte(s[i])
		case before == 0:
			out.WriteString(text)
		}
	}
	return out.String()
}

// spans finds the sought values in s as a reader would who undoes HTML escapes, URL
// encoding, or both in either order, and base64 in any of them.
func spans(s string, sought []string) []span {
	if len(sought) == 0 {
		return nil
	}
	needles := append([]string(nil), sought...)
	for _, v := range sought {
		// The usual escapes also as they stand: after another escape's beginning ("%0" before
		// "0%20") undoing them would pass them by.
		needles = append(needles, url.QueryEscape(v), url.PathEscape(v), html.EscapeString(v))
		needles = append(needles, base64Forms(v)...)
	}
	slices.Sort(needles)
	needles = slices.Compact(needles)
	plain := viewOf(s)
	markup := plain.unescapeHTML()
	views := []view{plain, markup}
	for _, plus := range []bool{false, true} {
		percent := plain.unescapeURL(plus)
		views = append(views, percent, percent.unescapeHTML(), markup.unescapeURL(plus))
	}
	var found []span
	for _, v := range views {
		for _, needle := range needles {
			found = v.find(found, needle)
		}
	}
	return found
}

// base64Forms are the ways in which v shows in base64: as a whole, and in the middle
// of a longer text at each of the three offsets, without the characters that depend
// on the neighbours.
func base64Forms(v string) []string {
	var forms []string
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		forms = append(forms, enc.EncodeToString([]byte(v)))
		for offset := range 3 {
			all := enc.EncodeToString(append(make([]byte, offset), v...))
			first, last := (offset*8+5)/6, (offset+len(v))*8/6
			if last-first >= 4 { // shorter ones are in every text
				forms = append(forms, all[first:last])
			}
		}
	}
	return forms
}

// view is a decoded text; byte i of it comes from bytes at[i] of the source.
type view struct {
	text string
	at   []span
}

func viewOf(s string) view {
	v := view{text: s, at: make([]span, len(s))}
	for i := range v.at {
		v.at[i] = span{i, i + 1}
	}
	return v
}

// find appends the sources of the places where needle is in v, one after the other:
// all of them, overlapping ones too, would take time in the product of both lengths.
func (v view) find(found []span, needle string) []span {
	for from := 0; ; {
		i := strings.Index(v.text[from:], needle)
		if i < 0 {
			return found
		}
		from += i + len(needle)
		found = append(found, span{v.at[from-len(needle)].start, v.at[from-1].end})
	}
}

// decode builds the view in which, at each place where one decodes n bytes of the
// text, what they stand for is in their place. n = 0 keeps the byte.
func (v view) decode(one func(rest string) (means string, n int)) view {
	var (
		text strings.Builder
		at   []span
	)
	for i := 0; i < len(v.text); {
		means, n := one(v.text[i:])
		if n == 0 {
			means, n = v.text[i:i+1], 1
		}
		from := span{v.at[i].start, v.at[i+n-1].end}
		text.WriteString(means)
		for range len(means) {
			at = append(at, from)
		}
		i += n
	}
	return view{text.String(), at}
}

// unescapeURL undoes percent escapes and, if plus, the + that a form writes for a space.
func (v view) unescapeURL(plus bool) view {
	if !strings.ContainsAny(v.text, "%+") {
		return v
	}
	return v.decode(func(rest string) (string, int) {
		switch {
		case rest[0] == '+' && plus:
			return " ", 1
		case rest[0] != '%' || len(rest) < 3:
			return "", 0
		}
		b, err := hex.DecodeString(rest[1:3])
		if err != nil {
			return "", 0
		}
		return string(b), 3
	})
}

func (v view) unescapeHTML() view {
	if !strings.Contains(v.text, "&") {
		return v
	}
	return v.decode(func(rest string) (string, int) {
		if rest[0] != '&' {
			return "", 0
		}
		end := strings.IndexByte(rest[:min(len(rest), 32)], ';')
		if end < 0 {
			return "", 0
		}
		means := html.UnescapeString(rest[:end+1])
		if means == rest[:end+1] {
			return "", 0
		}
		return means, end + 1
	})
}
