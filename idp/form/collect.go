package form

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// reader collects the forms of a document. What it looks up again and again for many
// controls it remembers, so that its time stays linear on pages made to be slow.
type reader struct {
	page     *Page
	byNode   map[*html.Node]*Form
	byID     map[string]*Form
	byNumber map[string]*Form
	labels   map[string]string // by the id they are for
	around   map[*html.Node]string
	legends  map[*html.Node]*html.Node // first legend by fieldset
}

// collectForms finds the forms below root and gives each control to its owner.
func collectForms(p *Page, root *html.Node) []*Form {
	r := &reader{
		page: p, byNode: map[*html.Node]*Form{}, byID: map[string]*Form{}, byNumber: map[string]*Form{},
		labels: map[string]string{}, around: map[*html.Node]string{}, legends: map[*html.Node]*html.Node{},
	}
	forms := r.forms(root)
	for n := range elements(root) {
		if !isElement(n, "input", "select", "textarea", "button") || ancestor(n, "datalist") != nil {
			continue
		}
		if f := r.owner(n); f != nil {
			f.Controls = append(f.Controls, r.control(n))
		}
	}
	for _, f := range forms {
		f.settleRadios()
	}
	return forms
}

func (r *reader) forms(root *html.Node) []*Form {
	var forms []*Form
	ids := map[string]bool{}
	for n := range elements(root) {
		id := attrOf(n, "id")
		if isElement(n, "form") {
			f := &Form{
				ID: id, Name: attrOf(n, "name"), Action: strings.Trim(attrOf(n, "action"), asciiSpace),
				Method: methodOf(attrOf(n, "method")), Enctype: encodingOf(attrOf(n, "enctype")),
				Hidden: r.page.hides(n), page: r.page, node: n, acceptCharset: attrOf(n, "accept-charset"),
			}
			forms = append(forms, f)
			r.byNode[n], r.byNumber[attrOf(n, markForm)] = f, f
			if id != "" && !ids[id] {
				r.byID[id] = f
			}
		}
		if id != "" {
			ids[id] = true // form="ID" names the first element of that id, form or not
		}
		if to := attrOf(n, "for"); to != "" && isElement(n, "label") && r.labels[to] == "" {
			r.labels[to] = r.text(n)
		}
	}
	return forms
}

// owner is the form owner of a control: the form that its form attribute names, the
// form that was open when it was read, the form around it.
func (r *reader) owner(n *html.Node) *Form {
	if id, ok := attr(n, "form"); ok {
		return r.byID[id]
	}
	if f := r.byNumber[attrOf(n, markOwner)]; f != nil {
		return f
	}
	return r.byNode[ancestor(n, "form")]
}

func (r *reader) control(n *html.Node) *Control {
	c := &Control{
		Tag: n.Data, Type: n.Data, Name: attrOf(n, "name"), ID: attrOf(n, "id"), Value: attrOf(n, "value"),
		Disabled: r.disabled(n), ReadOnly: hasAttr(n, "readonly"), Required: hasAttr(n, "required"),
		Hidden: r.page.hides(n), Autocomplete: strings.Fields(strings.ToLower(attrOf(n, "autocomplete"))), node: n,
	}
	switch c.Tag {
	case "input":
		c.Type = oneOf(attrOf(n, "type"), "text", inputTypes...)
		c.Checked = hasAttr(n, "checked")
		c.Hidden = c.Hidden || c.Type == "hidden"
		c.Value = sanitize(c, c.Value)
		if (c.Type == "checkbox" || c.Type == "radio") && !hasAttr(n, "value") {
			c.Value = "on"
		}
	case "button":
		c.Type = oneOf(attrOf(n, "type"), "submit", "submit", "reset", "button")
	case "textarea":
		c.Value = nodeText(n)
	case "select":
		c.Type = "select-one"
		if hasAttr(n, "multiple") {
			c.Type = "select-multiple"
		}
		c.Options = optionsOf(n, c.Type == "select-multiple")
		for _, o := range c.Options {
			if o.Selected && c.Type == "select-one" {
				c.Value = o.Value
			}
		}
	}
	c.Label, c.role = r.label(c), c.findRole()
	return c
}

// disabled reports whether a control is disabled by itself or by a fieldset, unless it
// stands in the first legend of that fieldset.
func (r *reader) disabled(n *html.Node) bool {
	if hasAttr(n, "disabled") {
		return true
	}
	below := n
	for p := n.Parent; p != nil; below, p = p, p.Parent {
		if isElement(p, "fieldset") && hasAttr(p, "disabled") && below != r.legend(p) {
			return true
		}
	}
	return false
}

func (r *reader) legend(fieldset *html.Node) *html.Node {
	found, ok := r.legends[fieldset]
	if ok {
		return found
	}
	for c := fieldset.FirstChild; c != nil && found == nil; c = c.NextSibling {
		if isElement(c, "legend") {
			found = c
		}
	}
	r.legends[fieldset] = found
	return found
}

// text is the folded text of a label, read once.
func (r *reader) text(label *html.Node) string {
	text, ok := r.around[label]
	if !ok {
		text = clip(nodeText(label))
		r.around[label] = text
	}
	return text
}

func (r *reader) label(c *Control) string {
	around := ""
	if l := ancestor(c.node, "label"); l != nil {
		around = r.text(l)
	}
	byID := ""
	if c.ID != "" {
		byID = r.labels[c.ID]
	}
	placeholder := c.attr("placeholder")
	if strings.Contains(placeholder, "@") {
		placeholder = "" // an example, not a name
	}
	for _, text := range []string{byID, around, c.attr("aria-label"), placeholder, c.attr("title")} {
		if text = strings.TrimRight(clip(text), ":* "); text != "" {
			return text
		}
	}
	return ""
}

// maxLabel is the most of a label that is kept, in bytes.
const maxLabel = 1 << 10

func clip(text string) string {
	return strings.ToValidUTF8(fold(text[:min(len(text), maxLabel)]), "")
}

// optionsOf reads the options of a select and settles which are selected: of a select
// for one, the last that is marked, else the first that can be chosen.
func optionsOf(sel *html.Node, multiple bool) []Option {
	var options []Option
	chosen, usable := -1, -1
	for n := range elements(sel) {
		if !isElement(n, "option") {
			continue
		}
		group := ancestor(n, "optgroup", "select")
		o := Option{
			Text: fold(nodeText(n)), Selected: hasAttr(n, "selected"),
			Disabled: hasAttr(n, "disabled") || isElement(group, "optgroup") && hasAttr(group, "disabled"),
		}
		o.Value = o.Text
		if v, ok := attr(n, "value"); ok {
			o.Value = v
		}
		if o.Selected {
			chosen = len(options)
		}
		if usable < 0 && !o.Disabled {
			usable = len(options)
		}
		options = append(options, o)
	}
	if multiple {
		return options
	}
	size, err := strconv.Atoi(strings.Trim(attrOf(sel, "size"), asciiSpace))
	if chosen < 0 && (err != nil || size <= 1) {
		chosen = usable // a drop-down always has a choice, a list need not
	}
	for i := range options {
		options[i].Selected = i == chosen
	}
	return options
}

// settleRadios leaves one button of each group pressed, the last that is marked.
func (f *Form) settleRadios() {
	pressed := map[string]*Control{}
	for _, c := range f.Controls {
		if c.Type != "radio" || !c.Checked || c.Name == "" {
			continue
		}
		if earlier := pressed[c.Name]; earlier != nil {
			earlier.Checked = false
		}
		pressed[c.Name] = c
	}
}
