package form

import (
	"golang.org/x/net/html"
)

// Form is one form of a page with the controls that it owns, wherever they stand.
type Form struct {
	ID, Name string
	Action   string // the attribute as it stands; "" means the page itself
	Method   string // "get", "post" or "dialog"
	Enctype  string // as sent: one of the three media types of forms
	Hidden   bool   // not shown: inside display:none or a hidden attribute
	Controls []*Control

	page          *Page
	node          *html.Node
	acceptCharset string
}

// Control is a field or a button of a form. Value and Checked are what the page gives
// it, as the HTML standard reads them.
type Control struct {
	Tag      string   // "input", "select", "textarea", "button"
	Type     string   // lower case: "text" (also for unknown types), "hidden", "submit", ...; the tag for textarea; "select-one", "select-multiple"
	Name, ID string   // "" if it has none; a control without a name is not sent
	Value    string   // of a select-one: the value that is sent
	Checked  bool     // checkbox, radio
	Options  []Option // of a select
	Disabled bool     // by itself or by a fieldset
	ReadOnly bool
	Required bool
	Hidden   bool   // not shown; a hidden input is Hidden too
	Label    string // the provider's words for it: label, aria-label, placeholder; "" if none
	// Autocomplete holds the tokens of the attribute, lower case.
	Autocomplete []string

	node *html.Node
	role Role
}

// Option is one choice of a select.
type Option struct {
	Value, Text        string
	Selected, Disabled bool
}

// IsButton reports whether the control submits the form when it is pressed.
func (c *Control) IsButton() bool { return c.Type == "submit" || c.Type == "image" }

// attr reads an attribute of the control's element.
func (c *Control) attr(name string) string { return attrOf(c.node, name) }

const (
	encURL       = "application/x-www-form-urlencoded"
	encMultipart = "multipart/form-data"
	encPlain     = "text/plain"
)

// oneOf returns the keyword of a list that value names in any case, else fallback.
func oneOf(value, fallback string, keywords ...string) string {
	for _, k := range keywords {
		if lowerASCII(value) == k {
			return k
		}
	}
	return fallback
}

func methodOf(value string) string   { return oneOf(value, "get", "get", "post", "dialog") }
func encodingOf(value string) string { return oneOf(value, encURL, encURL, encMultipart, encPlain) }

// inputTypes are the types of an input that are not read as text.
var inputTypes = []string{
	"hidden", "search", "tel", "url", "email", "password", "date", "month", "week", "time",
	"datetime-local", "number", "range", "color", "checkbox", "radio", "file", "submit",
	"image", "reset", "button",
}
