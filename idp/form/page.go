// Package form reads sign-in pages and posts the forms on them as a browser without scripts would.
package form

import (
	"bytes"
	"crypto/sha256"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"

	"gatehop/idp"
)

// Response is what a server answered, as Parse needs it.
type Response struct {
	URL    *url.URL // of the final request, after redirects
	Status int
	Header http.Header
	Body   []byte // decompressed, in the page's own encoding
}

// Page is one response, read as HTML. A response that is not HTML has no document:
// IsHTML is false, Forms is empty and every search finds nothing. A Page is not to be
// used by several goroutines at once.
type Page struct {
	URL     *url.URL // of the document; may hold tokens: print idp.SafeURL of it
	Base    *url.URL // what relative references resolve against: URL, or the first <base href>
	Status  int
	Header  http.Header
	IsHTML  bool
	Media   string   // media type, lower case, without parameters; "" if none was sent
	Charset string   // name of the page's encoding in the Encoding standard, lower case
	Title   string   // white space folded; written by the provider
	Forms   []*Form  // in document order
	Refresh *Refresh // nil if the page names no other to go on to
	Scripts []string // beginnings of the inline scripts, 64 KiB of each

	doc  *goquery.Document
	cs   charset
	text []byte            // the whole page in UTF-8, for marks that stand anywhere
	sum  [sha256.Size]byte // of the body as received

	hidden map[*html.Node]bool // what hides has found so far
	login  *Login              // what Login has found
}

// Parse reads a response. The error is a *idp.PageError with verdict TooLarge for a
// page over 50,000 elements, 5,000 controls, 512 levels, 100,000 attributes (256 in a
// tag) or with a tag over 1 MiB; nothing else is an error.
func Parse(r Response) (*Page, error) {
	p := &Page{
		URL: r.URL, Base: r.URL, Status: r.Status, Header: r.Header,
		sum: sha256.Sum256(r.Body), hidden: map[*html.Node]bool{},
	}
	if p.URL == nil {
		p.URL, p.Base = &url.URL{}, &url.URL{}
	}
	if p.Header == nil {
		p.Header = http.Header{}
	}
	contentType := p.Header.Get("Content-Type")
	p.Media, _, _ = mime.ParseMediaType(contentType)
	p.cs = pageCharset(r.Body, contentType)
	p.Charset = p.cs.name
	p.text = p.cs.decode(r.Body)
	p.IsHTML = isHTML(p.Media, r.Body)
	p.doc = goquery.NewDocumentFromNode(&html.Node{Type: html.DocumentNode})
	if p.IsHTML {
		if err := p.build(); err != nil {
			return nil, &idp.PageError{Verdict: idp.TooLarge, URL: idp.SafeURL(p.URL), Status: p.Status}
		}
	}
	p.Refresh = p.findRefresh()
	return p, nil
}

// isHTML believes a media type that says something. Servers that send none mostly
// send HTML.
func isHTML(media string, body []byte) bool {
	switch media {
	case "text/html", "application/xhtml+xml":
		return true
	case "":
		return strings.HasPrefix(http.DetectContentType(body), "text/html")
	}
	return false
}

func (p *Page) build() error {
	if err := checkLimits(p.text); err != nil {
		return err
	}
	s := newSkeleton(p.text)
	root, err := html.ParseWithOptions(s, html.ParseOptionEnableScripting(false))
	if err != nil {
		return err
	}
	p.doc = goquery.NewDocumentFromNode(root)
	p.Scripts = s.scripts
	p.Title = fold(nodeText(first(root, "title")))
	for base := range elements(root) {
		if href, ok := attr(base, "href"); ok && base.Data == "base" {
			if u, err := resolve(p.URL, href, p.cs); err == nil && u.Host != "" {
				p.Base = u
			}
			break // the first one with an href counts, right or wrong
		}
	}
	p.Forms = collectForms(p, root)
	return nil
}

// Find returns the elements that a CSS selector names, in document order. A selector
// that is not one finds nothing.
func (p *Page) Find(selector string) *goquery.Selection { return p.doc.Find(selector) }

// Has reports whether any element matches selector.
func (p *Page) Has(selector string) bool { return p.Find(selector).Length() > 0 }

// Text is the text of the first element with text that selector names, visible or
// not, white space folded.
func (p *Page) Text(selector string) string { return p.textOf(selector, false) }

// VisibleText is Text of elements that a browser with scripts would show: not within
// display:none, a hidden attribute or noscript.
func (p *Page) VisibleText(selector string) string { return p.textOf(selector, true) }

func (p *Page) textOf(selector string, visible bool) string {
	for _, n := range p.Find(selector).Nodes {
		if visible && p.hides(n) {
			continue
		}
		if text := fold(nodeText(n)); text != "" {
			return text
		}
	}
	return ""
}

// FormByID returns the first form with that id, or nil.
func (p *Page) FormByID(id string) *Form {
	for _, f := range p.Forms {
		if f.ID == id {
			return f
		}
	}
	return nil
}

// Resolve makes a reference on the page absolute as a browser would, without user
// and fragment.
func (p *Page) Resolve(ref string) (*url.URL, error) { return resolve(p.Base, ref, p.cs) }

// contains reports whether the page's source holds one of marks.
func (p *Page) contains(marks ...string) bool {
	for _, m := range marks {
		if bytes.Contains(p.text, []byte(m)) {
			return true
		}
	}
	return false
}

// hides reports whether n is in something that is not shown: display:none in a style
// attribute, a hidden attribute, noscript. Style sheets are not read.
func (p *Page) hides(n *html.Node) bool {
	hidden := false
	var above []*html.Node
	for ; n != nil; n = n.Parent {
		known, ok := p.hidden[n]
		if ok {
			hidden = known
			break
		}
		above = append(above, n)
	}
	for _, m := range slices.Backward(above) {
		hidden = hidden || hidesItself(m)
		p.hidden[m] = hidden
	}
	return hidden
}
