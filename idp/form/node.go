package form

import (
	"iter"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/net/html"
)

// elements yields the elements below root in document order. It does not recurse.
func elements(root *html.Node) iter.Seq[*html.Node] {
	return func(yield func(*html.Node) bool) {
		for n := next(root, root); n != nil; n = next(n, root) {
			if n.Type == html.ElementNode && !yield(n) {
				return
			}
		}
	}
}

// next is the node after n in document order, nil at the end of root.
func next(n, root *html.Node) *html.Node {
	if n.FirstChild != nil {
		return n.FirstChild
	}
	for n != root && n != nil {
		if n.NextSibling != nil {
			return n.NextSibling
		}
		n = n.Parent
	}
	return nil
}

// first is the first HTML element of that name below root, or nil.
func first(root *html.Node, name string) *html.Node {
	for n := range elements(root) {
		if isElement(n, name) {
			return n
		}
	}
	return nil
}

// isElement reports whether n is an HTML element (not one of SVG or MathML) of a name.
func isElement(n *html.Node, names ...string) bool {
	if n.Type != html.ElementNode || n.Namespace != "" {
		return false
	}
	for _, name := range names {
		if n.Data == name {
			return true
		}
	}
	return false
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name && a.Namespace == "" {
			return a.Val, true
		}
	}
	return "", false
}

func attrOf(n *html.Node, name string) string {
	v, _ := attr(n, name)
	return v
}

func hasAttr(n *html.Node, name string) bool {
	_, ok := attr(n, name)
	return ok
}

// ancestor is the nearest element above n of one of the names, or nil.
func ancestor(n *html.Node, names ...string) *html.Node {
	for p := n.Parent; p != nil; p = p.Parent {
		if isElement(p, names...) {
			return p
		}
	}
	return nil
}

func hidesItself(n *html.Node) bool {
	if n.Type != html.ElementNode {
		return false
	}
	style := strings.ToLower(strings.Join(strings.Fields(attrOf(n, "style")), ""))
	return hasAttr(n, "hidden") || hasAttr(n, markOff) || isElement(n, "noscript") || strings.Contains(style, "display:none")
}

// nodeText is the text below n as it stands; "" for nil.
func nodeText(n *html.Node) string {
	var b strings.Builder
	for m := n; m != nil; m = next(m, n) {
		if m.Type == html.TextNode {
			b.WriteString(m.Data)
		}
	}
	return b.String()
}

// asciiSpace is white space as HTML means it.
const asciiSpace = "\t\n\f\r "

// lowerASCII changes nothing but the letters A to Z, and so keeps the length, which
// strings.ToLower does not.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// fold strips white space at the ends and makes one space of each run within.
func fold(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(asciiSpace, r) }), " ")
}

// lazily compiles a pattern when it is first used: most runs of the program read no page.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
