package form

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"gatehop/idp"
)

// Refresh is where a page goes on to by itself.
type Refresh struct {
	URL   *url.URL
	Delay time.Duration
}

// findRefresh reads the Refresh header, else the first meta refresh that says
// anything, in noscript too.
func (p *Page) findRefresh() *Refresh {
	contents := p.Header.Values("Refresh")
	for _, n := range p.Find("meta[http-equiv]").Nodes {
		if lowerASCII(strings.Trim(attrOf(n, "http-equiv"), asciiSpace)) == "refresh" {
			contents = append(contents, attrOf(n, "content"))
		}
	}
	for _, content := range contents {
		delay, ref, ok := parseRefresh(content)
		if !ok {
			continue
		}
		u, err := p.Resolve(ref)
		if ref == "" {
			u, err = p.URL, nil
		}
		if err == nil {
			return &Refresh{URL: u, Delay: delay}
		}
	}
	return nil
}

var (
	refreshForm = lazily(`^[\t\n\f\r ]*(?:(\d+)(?:\.[\d.]*)?|\.[\d.]*)(?:[\t\n\f\r ]*[;,][\t\n\f\r ]*|[\t\n\f\r ]+|$)(?s:(.*))$`)
	refreshURL  = lazily(`^(?i:url)[\t\n\f\r ]*=[\t\n\f\r ]*(?s:(.*))$`)
)

// parseRefresh reads `5; url='/next'` as the HTML standard's shared declarative refresh
// steps do. Without an address ref is "".
func parseRefresh(content string) (delay time.Duration, ref string, ok bool) {
	m := refreshForm().FindStringSubmatch(content)
	if m == nil {
		return 0, "", false
	}
	seconds := 0
	if m[1] != "" {
		n, err := strconv.Atoi(m[1])
		if err != nil || n > 1<<20 {
			n = 1 << 20
		}
		seconds = n
	}
	ref = m[2]
	if u := refreshURL().FindStringSubmatch(ref); u != nil {
		ref = u[1]
		if ref != "" && (ref[0] == '\'' || ref[0] == '"') {
			ref, _, _ = strings.Cut(ref[1:], ref[:1])
		}
	}
	return time.Duration(seconds) * time.Second, strings.Trim(ref, asciiSpace), true
}

// maxDelay is the longest delay of a refresh that is waited for; a longer one is the
// time limit of a page that somebody is to fill in.
const maxDelay = 10 * time.Second

var (
	submitCall = lazily(`\.\s*submit\s*\(`)
	formIndex  = lazily(`document\s*\.\s*forms\s*\[\s*(\d+)\s*\]\s*\.\s*submit`)
	formNamed  = lazily(`(?:document\s*\.\s*forms\s*\[\s*['"]|getElementById\s*\(\s*['"]|document\s*\.\s*(?:forms\s*\.\s*)?)([\w.:-]+?)(?:['"]\s*[\])]\s*)?\.\s*submit`)
)

// AutoSubmit finds the form that the page submits by itself: hidden fields only, and a
// script that submits, or a single nameless button for browsers without scripts. On a
// page that asks for anything there is none.
func (p *Page) AutoSubmit() *Form {
	var ready []*Form
	scripted := p.submits()
	for _, f := range p.Forms {
		switch {
		case f.isSearch():
		case f.asks():
			return nil
		case f.isAutomatic(scripted):
			ready = append(ready, f)
		}
	}
	if named := p.submitted(); named != nil && slices.Contains(ready, named) {
		return named
	}
	if len(ready) == 0 {
		return nil
	}
	return ready[0]
}

// asks reports whether the form shows anything to fill in or choose.
func (f *Form) asks() bool {
	return slices.ContainsFunc(f.Controls, func(c *Control) bool { return !c.Hidden && !c.isAnyButton() && !c.Disabled })
}

// isAutomatic looks at the buttons: those in noscript are for others, one without a
// name may stand for the script, all else is a choice that somebody has to make.
func (f *Form) isAutomatic(scripted bool) bool {
	fields, forOthers := 0, false
	for _, c := range f.Controls {
		switch {
		case !c.isAnyButton():
			if c.Name != "" {
				fields++
			}
		case hasAttr(c.node, markOff):
			forOthers = true
		case c.Name != "" || c.leads() || c.consents():
			return false
		default:
			forOthers = true
		}
	}
	return fields > 0 && (scripted || forOthers)
}

// submits reports whether a script of the page submits a form.
func (p *Page) submits() bool { return slices.ContainsFunc(p.code(), submitCall().MatchString) }

// maxScript is how much of a script is kept: those that send on are short.
const maxScript = 64 << 10

// code is what runs when the page is shown: inline scripts and the body's onload.
func (p *Page) code() []string {
	code := slices.Clone(p.Scripts)
	for _, n := range p.Find("body[onload]").Nodes {
		code = append(code, attrOf(n, "onload"))
	}
	return code
}

// submitted is the form that a script names when it submits, if it names one.
func (p *Page) submitted() *Form {
	for _, code := range p.code() {
		if m := formIndex().FindStringSubmatch(code); m != nil {
			if i, err := strconv.Atoi(m[1]); err == nil && i < len(p.Forms) {
				return p.Forms[i]
			}
		}
		for _, m := range formNamed().FindAllStringSubmatch(code, 10) {
			for _, f := range p.Forms {
				if f.ID == m[1] || f.Name == m[1] {
					return f
				}
			}
		}
	}
	return nil
}

// maxScriptPage is the size in bytes of a page that does nothing but send on.
const maxScriptPage = 8 << 10

var locationForm = lazily(`(?:^|[^\w$.]|(?:window|document|self|top|parent)\s*\.\s*)location\s*(?:(?:\.\s*href\s*)?=\s*|\.\s*(?:replace|assign)\s*\(\s*)("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')\s*(?:[;)}\n]|$)`)

// ScriptLocation is the address that the script of a tiny page without forms goes to,
// if it is written out and of the page's own origin; else nil.
func (p *Page) ScriptLocation() *url.URL {
	if len(p.text) > maxScriptPage || len(p.Forms) > 0 {
		return nil
	}
	for _, code := range p.code() {
		m := locationForm().FindStringSubmatch(code)
		if m == nil {
			continue
		}
		ref, ok := scriptString(m[1][1 : len(m[1])-1])
		if !ok {
			continue
		}
		u, err := p.Resolve(ref)
		if err == nil && idp.OriginOf(u) != "" && idp.OriginOf(u) == idp.OriginOf(p.URL) {
			return u
		}
	}
	return nil
}

// scriptEscapes are the one-letter escapes of script strings that an address may hold.
const scriptEscapes = `\/'"&-`

// scriptString undoes the escapes of a script's string; ok is false for one that an
// address does not need.
func scriptString(s string) (text string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		digits := 0
		switch {
		case i >= len(s):
			return "", false
		case s[i] == 'x':
			digits = 2
		case s[i] == 'u':
			digits = 4
		case strings.IndexByte(scriptEscapes, s[i]) >= 0:
			b.WriteByte(s[i])
			continue
		}
		if digits == 0 || i+digits >= len(s) {
			return "", false
		}
		n, err := strconv.ParseUint(s[i+1:i+1+digits], 16, 16)
		if err != nil || utf16.IsSurrogate(rune(n)) {
			return "", false
		}
		b.WriteRune(rune(n))
		i += digits
	}
	return b.String(), true
}
