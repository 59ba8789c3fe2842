package names

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"golang.org/x/net/html"
)

// ErrUnknownPage reports a page that is none of those that name accounts: an
// interstitial of scripts alone, a console, an error.
var ErrUnknownPage = errors.New("the page names no accounts")

const (
	// maxTag bounds one token: the data of 2,000 roles are one attribute of 300 KB.
	maxTag   = 2 << 20
	maxLabel = 200 // bytes of a heading: alias, number and what is written around them
)

// ParsePage reads the page on which AWS lets a person choose a role. It returns the
// alias of each account that the page has, "" for one without alias. The error is
// ErrUnknownPage.
//
// Two shapes name accounts: headings within form#saml_form, and a <meta name="data">
// that holds JSON in base64 (made after the pages that gimme-aws-creds and saml2aws
// keep; see testdata). Class names with a build hash say nothing.
func ParsePage(page []byte) (map[string]string, error) {
	p := pageReader{found: map[string]string{}}
	z := html.NewTokenizer(bytes.NewReader(page))
	z.SetMaxBuf(maxTag)
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken: // the end, or a token that is too long: what was read counts
			if !p.known {
				return nil, ErrUnknownPage
			}
			return p.found, nil
		case html.StartTagToken, html.SelfClosingTagToken:
			p.start(z)
		case html.EndTagToken:
			name, _ := z.TagName()
			p.end(string(name))
		case html.TextToken:
			if text := z.Text(); p.depth > 0 {
				p.label.Write(text[:min(len(text), maxLabel-p.label.Len())])
			}
		}
	}
}

// pageReader is how far a page has been read.
type pageReader struct {
	found  map[string]string
	known  bool            // the page is of one of the shapes
	inForm bool            // within form#saml_form
	depth  int             // of <div> within a heading; 0 outside
	label  strings.Builder // of the heading so far
}

func (p *pageReader) start(z *html.Tokenizer) {
	name, more := z.TagName()
	switch string(name) {
	case "form":
		id, _ := attributes(z, more, "id", "")
		p.inForm = id == "saml_form"
		p.known = p.known || p.inForm
	case "div":
		if p.depth > 0 {
			p.depth++
			return
		}
		if !p.inForm {
			return
		}
		if class, _ := attributes(z, more, "class", ""); hasClass(class, "saml-account-name") {
			p.depth = 1
			p.label.Reset()
		}
	case "meta":
		if name, content := attributes(z, more, "name", "content"); name == "data" {
			p.data(content)
		}
	}
}

func (p *pageReader) end(name string) {
	switch {
	case name == "form":
		p.inForm, p.depth = false, 0
	case name == "div" && p.depth > 0:
		if p.depth--; p.depth > 0 {
			return
		}
		// "Account: ALIAS (123456789012)"; neither an alias nor a number holds a colon.
		text := p.label.String()
		p.add(text[strings.LastIndexByte(text, ':')+1:])
	}
}

// data reads the JSON of the newer page.
func (p *pageReader) data(content string) {
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(content))
	if err != nil {
		return
	}
	var data struct {
		Accounts map[string]json.RawMessage `json:"roles_accounts"`
	}
	if json.Unmarshal(text, &data) != nil || data.Accounts == nil {
		return
	}
	p.known = true
	for label := range data.Accounts {
		p.add(label)
	}
}

// add reads "ALIAS (123456789012)" or "123456789012". Of an account that is named
// twice and differently no name is known.
func (p *pageReader) add(label string) {
	label = strings.Join(strings.Fields(label), " ")
	account, alias := label, ""
	if rest, ok := strings.CutSuffix(label, ")"); ok {
		alias, account, _ = strings.Cut(rest, " (")
	}
	if !isAccount(account) {
		return
	}
	if !IsAlias(alias) {
		alias = ""
	}
	if before, seen := p.found[account]; seen && before != alias {
		alias = ""
	}
	p.found[account] = alias
}

// attributes returns the values of two attributes of a tag, "" for one that is not
// there; of one that stands twice the first counts, as in a browser.
func attributes(z *html.Tokenizer, more bool, first, second string) (a, b string) {
	var seenA, seenB bool
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch string(key) {
		case first:
			if !seenA {
				a, seenA = string(value), true
			}
		case second:
			if !seenB {
				b, seenB = string(value), true
			}
		}
	}
	return a, b
}

func hasClass(list, class string) bool {
	for name := range strings.FieldsSeq(list) {
		if name == class {
			return true
		}
	}
	return false
}
