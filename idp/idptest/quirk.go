package idptest

import (
	"strconv"
	"strings"
)

// Quirk is one legal thing that pages of form providers do and that a walker gets
// wrong unless it keeps the HTML standard. A sign-in succeeds with every one of them.
type Quirk string

// The quirks. They can be combined, but for those of one group.
const (
	QuirkTwoStep   Quirk = "two-step"   // the user name on one page, the password on the next
	QuirkFixedUser Quirk = "fixed-user" // the user name is a disabled control: the first user's

	// How the entry leads to the form; without any of these it is a redirect.
	QuirkMetaRefresh    Quirk = "meta-refresh"    // meta http-equiv=Refresh with a relative, quoted URL
	QuirkRefreshHeader  Quirk = "refresh-header"  // the same as a header
	QuirkNoScript       Quirk = "noscript"        // a refresh inside noscript
	QuirkScriptRedirect Quirk = "script-redirect" // window.location.href and nothing else
	QuirkAutoSubmit     Quirk = "auto-submit"     // a form of hidden fields that a script submits
	QuirkGetForm        Quirk = "get-form"        // a form by GET, whose action has a query to be replaced

	// Where the form is sent; without any of these its action is "?".
	QuirkFullAction Quirk = "full-action" // an absolute URL with the state in its query
	QuirkBaseHref   Quirk = "base-href"   // relative to a base
	QuirkFormAction Quirk = "formaction"  // the button overrides it

	// How it is sent; without any of these the button has no name.
	QuirkSeveralSubmits Quirk = "several-submits" // cancel first, then the right one, then another
	QuirkImageSubmit    Quirk = "image-submit"
	QuirkFormAttribute  Quirk = "form-attribute" // password and button stand outside of the form
	QuirkMultipart      Quirk = "multipart"
	QuirkLatin1         Quirk = "latin1" // the page, and so what is sent, is ISO-8859-1

	// What else is on the page.
	QuirkUpperCase        Quirk = "upper-case" // METHOD="POST", TYPE="HIDDEN"
	QuirkFieldsetDisabled Quirk = "fieldset-disabled"
	QuirkSelect           Quirk = "select"
	QuirkCheckboxes       Quirk = "checkboxes"
	QuirkTextarea         Quirk = "textarea"
	QuirkCharsetField     Quirk = "charset-field" // _charset_
	QuirkOtherForms       Quirk = "other-forms"   // search and language before, registration after
	QuirkComment          Quirk = "comment"       // a form in a comment
	QuirkHiddenError      Quirk = "hidden-error"  // an error block that is not displayed
	QuirkRelayState       Quirk = "relay-state"   // RelayState and array fields beside the assertion
)

// Quirks returns all quirks.
func Quirks() []Quirk {
	return []Quirk{
		QuirkTwoStep, QuirkFixedUser,
		QuirkMetaRefresh, QuirkRefreshHeader, QuirkNoScript, QuirkScriptRedirect, QuirkAutoSubmit, QuirkGetForm,
		QuirkFullAction, QuirkBaseHref, QuirkFormAction,
		QuirkSeveralSubmits, QuirkImageSubmit, QuirkFormAttribute, QuirkMultipart, QuirkLatin1,
		QuirkUpperCase, QuirkFieldsetDisabled, QuirkSelect, QuirkCheckboxes, QuirkTextarea, QuirkCharsetField,
		QuirkOtherForms, QuirkComment, QuirkHiddenError, QuirkRelayState,
	}
}

// control is one successful control of the sign-in form.
type control struct {
	name, value string
	any         bool   // the person types it
	number      bool   // any whole number
	if_         Quirk  // only with that quirk
	unless      Quirk  // not with that quirk
	asks        string // only in a step that asks this
}

// controls are all that the sign-in form can send, in document order.
func controls() []control {
	return []control{
		{name: "legend", value: "kept", if_: QuirkFieldsetDisabled}, // controls in the first legend stay enabled
		{name: "AuthState", any: true, unless: QuirkFullAction},
		{name: "_charset_", any: true, if_: QuirkCharsetField},
		{name: "username", any: true, asks: "username", unless: QuirkFixedUser},
		{name: "password", any: true, asks: "password", unless: QuirkFormAttribute},
		{name: "otp", any: true, asks: "otp"},
		{name: "organization", value: "staff & students", if_: QuirkSelect},
		{name: "realm", value: "corp", if_: QuirkSelect},
		{name: "remember_username", value: "Yes", if_: QuirkCheckboxes},
		{name: "public", value: "on", if_: QuirkCheckboxes},
		{name: "zone", value: "out", if_: QuirkCheckboxes},
		{name: "notice", value: "\r\nfirst line\r\nsecond & last", if_: QuirkTextarea},
		{name: "processing_trans"},
		{name: "event", value: "login", if_: QuirkSeveralSubmits, unless: QuirkFormAttribute},
		{name: "go.x", number: true, if_: QuirkImageSubmit, unless: QuirkFormAttribute},
		{name: "go.y", number: true, if_: QuirkImageSubmit, unless: QuirkFormAttribute},
		{name: "password", any: true, asks: "password", if_: QuirkFormAttribute},
		{name: "outside", value: "1", if_: QuirkFormAttribute},
	}
}

// expected are the controls of p, a sign-in page.
func expected(p Page) []control {
	var out []control
	for _, c := range controls() {
		if c.if_ != "" && !p.Has(c.if_) || c.unless != "" && p.Has(c.unless) || c.asks != "" && !p.Asks(c.asks) {
			continue
		}
		if strings.HasPrefix(c.name, "go.") && p.Has(QuirkSeveralSubmits) {
			continue // the page has one kind of button
		}
		out = append(out, c)
	}
	return out
}

// accepts reports whether value is what the control sends.
func (c control) accepts(value string) bool {
	if c.number {
		_, err := strconv.Atoi(value)
		return err == nil
	}
	return c.any || value == c.value
}

// checkControls compares a posted sign-in form with the page that it came from: each
// control once, in document order, with the value that it had.
func (s *simulator) checkControls(r *Request, p Page) {
	want := expected(p)
	for i, f := range r.Form {
		switch {
		case i >= len(want) || f.Name != want[i].name:
			s.bug(BugForeignField, r, "%s is not the next field of the form", s.named(f.Name))
			return
		case !want[i].accepts(f.Value):
			s.bug(BugForeignField, r, "%q is not sent as it stands on the page", f.Name)
			return
		}
	}
	if len(r.Form) < len(want) {
		s.bug(BugForeignField, r, "%q was left out", want[len(r.Form)].name)
	}
}
