package form

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"gatehop/creds/secret"
	"gatehop/idp"
)

// Submission is the request that a form makes.
type Submission struct {
	Method      string // "GET" or "POST"
	URL         string // absolute, without fragment; of a GET it holds the fields
	ContentType string // "" for GET
	Body        secret.Text
}

// Fill is what goes into a form besides what the page put there.
type Fill struct {
	// Values replace the values of controls. A value for a control that would not be
	// sent (disabled, nameless, unchecked) does not make it be sent.
	Values map[*Control]secret.Text
	// Set names fields that are to be sent once and with this value whatever the form
	// holds: in the place of the first field of that name, else at the end.
	Set []Field
}

// Field is one name and value of a form.
type Field struct{ Name, Value string }

// Target is where a form goes when button is pressed; nil stands for no button.
type Target struct {
	Method  string // "GET" or "POST"
	URL     *url.URL
	Enctype string
}

// Target works out method, address and encoding. The error is a *idp.PageError:
// ScriptOnly for a javascript: address, UnreadableForm for one that is not http or a
// form that closes a dialog.
func (f *Form) Target(button *Control) (Target, error) {
	action, method, enctype := f.Action, f.Method, f.Enctype
	if button != nil {
		if v, ok := attr(button.node, "formaction"); ok {
			action = strings.Trim(v, asciiSpace)
		}
		if v, ok := attr(button.node, "formmethod"); ok {
			method = methodOf(v)
		}
		if v, ok := attr(button.node, "formenctype"); ok {
			enctype = encodingOf(v)
		}
	}
	u := *f.page.URL
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	if action != "" {
		to, err := resolve(f.page.Base, action, f.page.cs)
		if err != nil {
			return Target{}, f.refuse(action)
		}
		u = *to
	}
	if method == "dialog" {
		return Target{}, f.refuse("")
	}
	return Target{Method: strings.ToUpper(method), URL: &u, Enctype: enctype}, nil
}

func (f *Form) refuse(action string) error {
	e := &idp.PageError{Verdict: idp.UnreadableForm, URL: idp.SafeURL(f.page.URL), Fingerprint: f.fingerprint()}
	if strings.HasPrefix(strings.ToLower(action), "javascript:") {
		e.Verdict = idp.ScriptOnly
	}
	return e
}

// Submit makes the request of a form as if button had been pressed; nil stands for no
// button, as when a script submits the form. Errors are those of Target.
func (f *Form) Submit(button *Control, fill Fill) (Submission, error) {
	t, err := f.Target(button)
	if err != nil {
		return Submission{}, err
	}
	cs := acceptCharset(f.acceptCharset, f.page.cs)
	fields := fill.apply(f.fields(button, fill.Values, cs))
	if t.Method == "GET" {
		t.URL.RawQuery = encodeURL(fields, cs)
		t.URL.ForceQuery = true // a browser writes the "?" even if nothing follows
		return Submission{Method: t.Method, URL: t.URL.String()}, nil
	}
	s := Submission{Method: t.Method, URL: t.URL.String(), ContentType: t.Enctype}
	switch t.Enctype {
	case encMultipart:
		boundary := boundaryFor(fields)
		s.ContentType += "; boundary=" + boundary
		s.Body = secret.New(encodeMultipart(fields, cs, boundary))
	case encPlain:
		s.Body = secret.New(encodeText(fields, cs))
	default:
		s.Body = secret.New(encodeURL(fields, cs))
	}
	return s, nil
}

// field is one entry of a form's data set.
type field struct {
	Field
	file bool
}

// fields is the data set of the form: its successful controls in document order.
func (f *Form) fields(button *Control, values map[*Control]secret.Text, cs charset) []field {
	var out []field
	add := func(name, value string) { out = append(out, field{Field: Field{name, value}}) }
	for _, c := range f.Controls {
		if c.Disabled && c != button || c.isAnyButton() && c != button {
			continue
		}
		value := c.Value
		if v, ok := values[c]; ok {
			value = sanitize(c, v.Reveal())
		}
		switch {
		case c.Type == "image":
			prefix := ""
			if c.Name != "" {
				prefix = c.Name + "."
			}
			add(prefix+"x", "0")
			add(prefix+"y", "0")
			continue
		case c.Name == "":
			continue
		case c.Tag == "select":
			c.addSelected(values, add)
			continue
		case (c.Type == "checkbox" || c.Type == "radio") && !c.Checked:
			continue
		case c.Type == "hidden" && lowerASCII(c.Name) == "_charset_":
			value = cs.label()
		}
		out = append(out, field{Field{c.Name, value}, c.Type == "file"})
		if dir := c.attr("dirname"); dir != "" && c.hasDirection() {
			add(dir, c.direction())
		}
	}
	return out
}

func (c *Control) isAnyButton() bool {
	return c.IsButton() || c.Type == "button" || c.Type == "reset"
}

func (c *Control) addSelected(values map[*Control]secret.Text, add func(name, value string)) {
	if v, ok := values[c]; ok {
		add(c.Name, v.Reveal())
		return
	}
	for _, o := range c.Options {
		if o.Selected && !o.Disabled {
			add(c.Name, o.Value)
		}
	}
}

func (c *Control) hasDirection() bool {
	switch c.Type {
	case "hidden", "text", "search", "tel", "url", "email", "password", "submit", "textarea":
		return true
	}
	return false
}

// direction is what dirname sends: by the nearest dir attribute, auto read as ltr.
func (c *Control) direction() string {
	for n := c.node; n != nil; n = n.Parent {
		switch strings.ToLower(attrOf(n, "dir")) {
		case "rtl":
			return "rtl"
		case "ltr", "auto":
			return "ltr"
		}
	}
	return "ltr"
}

// apply puts the fields that are to be set in place.
func (fill Fill) apply(fields []field) []field {
	for _, set := range fill.Set {
		var out []field
		done := false
		for _, f := range fields {
			if f.Name != set.Name {
				out = append(out, f)
				continue
			}
			if !done {
				out = append(out, field{Field: set})
			}
			done = true
		}
		if !done {
			out = append(out, field{Field: set})
		}
		fields = out
	}
	return fields
}

// crlf writes every line end as CR LF.
func crlf(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.ReplaceAll(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s), "\n", "\r\n")
}

// encodeURL writes application/x-www-form-urlencoded as the URL standard says: "*"
// stays, "~" does not, which net/url does the other way round.
func encodeURL(fields []field, cs charset) string {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte('&')
		}
		formEscape(&b, cs.encode(crlf(f.Name)))
		b.WriteByte('=')
		formEscape(&b, cs.encode(crlf(f.Value)))
	}
	return b.String()
}

func formEscape(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("*-._", c) >= 0:
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
}

func encodeText(fields []field, cs charset) string {
	var b strings.Builder
	for _, f := range fields {
		b.WriteString(cs.encode(crlf(f.Name) + "=" + crlf(f.Value)))
		b.WriteString("\r\n")
	}
	return b.String()
}

func encodeMultipart(fields []field, cs charset, boundary string) string {
	quote := strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22")
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"", boundary, quote.Replace(cs.encode(crlf(f.Name))))
		if f.file {
			b.WriteString("; filename=\"\"\r\nContent-Type: application/octet-stream")
		}
		b.WriteString("\r\n\r\n" + cs.encode(crlf(f.Value)) + "\r\n")
	}
	return b.String() + "--" + boundary + "--\r\n"
}

// boundaryFor is a boundary that stands in no field. It does not depend on the fields
// otherwise: one made of them would tell something about them.
func boundaryFor(fields []field) string {
	for n := 0; ; n++ {
		boundary := "----gatehop-form-boundary-" + strconv.Itoa(n)
		free := true
		for _, f := range fields {
			free = free && !strings.Contains(f.Name, boundary) && !strings.Contains(f.Value, boundary)
		}
		if free {
			return boundary
		}
	}
}
