package idptest_test

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"gatehop/idp/idptest"
)

// all returns the elements below n that match, in document order.
func all(n *html.Node, match func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && match(d) {
			found = append(found, d)
		}
	}
	return found
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func val(n *html.Node, name string) string { v, _ := attr(n, name); return v }

func text(n *html.Node) string {
	var out strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			out.WriteString(d.Data)
		}
	}
	return out.String()
}

// id returns the element of that id, nil for none.
func (p *page) id(id string) *html.Node {
	found := all(p.doc, func(n *html.Node) bool { return val(n, "id") == id })
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// shows reports whether the element of that id has text.
func (p *page) textOf(id string) string {
	if n := p.id(id); n != nil {
		return strings.TrimSpace(text(n))
	}
	return ""
}

// form returns the first form that has a control of one of those names.
func (p *page) form(names ...string) *html.Node {
	for _, f := range all(p.doc, func(n *html.Node) bool { return n.Data == "form" }) {
		for _, c := range p.controls(f) {
			if slices.Contains(names, val(c, "name")) {
				if _, off := attr(c, "disabled"); !off {
					return f
				}
			}
		}
	}
	return nil
}

// controls are the controls that form owns, in document order.
func (p *page) controls(form *html.Node) []*html.Node {
	return all(p.doc, func(n *html.Node) bool {
		if !slices.Contains([]string{"input", "select", "textarea", "button"}, n.Data) || disabled(n) {
			return false
		}
		if owner, ok := attr(n, "form"); ok {
			return owner == val(form, "id")
		}
		return inside(n, form)
	})
}

func inside(n, ancestor *html.Node) bool {
	for a := range n.Ancestors() {
		if a == ancestor {
			return true
		}
	}
	return false
}

// disabled also looks at fieldsets, whose first legend stays enabled.
func disabled(n *html.Node) bool {
	if _, off := attr(n, "disabled"); off {
		return true
	}
	for a := range n.Ancestors() {
		if _, off := attr(a, "disabled"); a.Type == html.ElementNode && a.Data == "fieldset" && off {
			legends := all(a, func(l *html.Node) bool { return l.Data == "legend" && l.Parent == a })
			if len(legends) == 0 || !inside(n, legends[0]) {
				return true
			}
		}
	}
	return false
}

// successful are the fields that a form sends when the person typed and pressed its
// submit button.
func (p *page) successful(form *html.Node, typed map[string]string) (fields []idptest.Field, pressed *html.Node) {
	for _, c := range p.controls(form) {
		name, kind := val(c, "name"), strings.ToLower(val(c, "type"))
		if c.Data == "button" && kind == "" {
			kind = "submit"
		}
		isButton := slices.Contains([]string{"submit", "image", "button", "reset"}, kind)
		switch {
		case isButton && (pressed != nil || kind == "button" || kind == "reset" || val(c, "value") == "cancel"):
		case kind == "image":
			pressed = c
			fields = append(fields, idptest.Field{Name: name + ".x", Value: "3"}, idptest.Field{Name: name + ".y", Value: "4"})
		case isButton:
			pressed = c
			if name != "" {
				fields = append(fields, idptest.Field{Name: name, Value: val(c, "value")})
			}
		case name == "":
		default:
			if v, ok := value(c, kind); ok {
				if t, ok := typed[name]; ok && v == "" {
					v = t
				}
				fields = append(fields, idptest.Field{Name: name, Value: v})
			}
		}
	}
	return fields, pressed
}

// value is what a control that is no button sends.
func value(c *html.Node, kind string) (string, bool) {
	switch {
	case c.Data == "textarea":
		return strings.ReplaceAll(text(c), "\n", "\r\n"), true
	case c.Data == "select":
		return selected(c), true
	case kind == "checkbox" || kind == "radio":
		v, ok := attr(c, "value")
		if !ok {
			v = "on"
		}
		_, checked := attr(c, "checked")
		return v, checked
	case val(c, "name") == "_charset_":
		return "UTF-8", true
	}
	return val(c, "value"), true
}

func selected(c *html.Node) string {
	options := all(c, func(n *html.Node) bool { return n.Data == "option" })
	pick := func(attrName string, want bool) *html.Node {
		for _, o := range options {
			if _, has := attr(o, attrName); has == want {
				return o
			}
		}
		return nil
	}
	o := pick("selected", true)
	if o == nil {
		o = pick("disabled", false)
	}
	if v, ok := attr(o, "value"); ok {
		return v
	}
	return strings.TrimSpace(text(o))
}

func (p *page) resolve(reference string, has bool) *url.URL {
	from := p.url
	if bases := all(p.doc, func(n *html.Node) bool { return n.Data == "base" && val(n, "href") != "" }); len(bases) > 0 {
		if u, err := p.url.Parse(val(bases[0], "href")); err == nil {
			from = u
		}
	}
	if !has || reference == "" {
		u := *p.url
		return &u
	}
	u, err := from.Parse(reference)
	if err != nil {
		return &url.URL{}
	}
	return u
}

var (
	refreshURL  = regexp.MustCompile(`(?i)^\s*\d+\s*;\s*url\s*=\s*['"]?([^'"]*)`)
	locationURL = regexp.MustCompile(`window\.location\.href = '([^']*)'`)
)

// forward is where the page goes by itself, "" for nowhere.
func (p *page) forward() string {
	content := p.header.Get("Refresh")
	for _, m := range all(p.doc, func(n *html.Node) bool {
		return n.Data == "meta" && strings.EqualFold(val(n, "http-equiv"), "refresh")
	}) {
		content = val(m, "content")
	}
	if m := refreshURL.FindStringSubmatch(content); m != nil {
		return m[1]
	}
	if m := locationURL.FindStringSubmatch(p.source); m != nil {
		return m[1]
	}
	return ""
}

// assertion is the SAMLResponse of the page, "" for none.
func (p *page) assertion() string {
	for _, n := range all(p.doc, func(n *html.Node) bool { return val(n, "name") == "SAMLResponse" && val(n, "value") != "" }) {
		return val(n, "value")
	}
	return ""
}
