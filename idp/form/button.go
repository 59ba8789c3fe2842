package form

import (
	"slices"
	"strings"
	"unicode"
)

// Words on buttons that do not go on. Those of the first list may be part of a longer
// word ("btnCancel"), those of the second stand alone ("back", not "feedback";
// "register", not "registered users").
var (
	leavingParts = []string{"cancel", "reject", "reset", "declin", "forgot", "logout", "disagree", "refuse", "signup", "sign up", "sign-up", "sign_up", "passkey", "webauthn",
		"other way", "otherway", "other method", "different method", "different way"}
	leavingWords = []string{"deny", "back", "help", "register", "registration", "create"}
)

// Button chooses the button that a person would press: the first that is enabled and
// does not lead away, else the first that is disabled (scripts enable those once the
// fields are filled in). nil if the form has none, as on AD FS pages.
func (f *Form) Button() *Control {
	var waiting *Control
	for _, c := range f.Controls {
		if !c.IsButton() || c.leads() || strings.HasPrefix(c.Name, "_eventId_authn/") {
			continue
		}
		if c.rings() { // is never pressed in passing
			continue
		}
		if !c.Disabled {
			return c
		}
		waiting = firstOf(waiting, c)
	}
	return waiting
}

// leads reports whether the button leads away from signing in.
func (c *Control) leads() bool {
	return saysAny(c.words(), leavingParts, leavingWords)
}

// Words on buttons that reach the person somewhere else: by a push, a call or a message, with
// another code as often as not.
var (
	ringingParts = []string{"push", "resend", "send again", "send a new", "send new", "new code", "call me", "text me", "send me", "send code", "send a code", "sendcode"}
	ringingWords = []string{"call", "phone", "sms"}
)

// rings reports whether pressing the button reaches the person somewhere else.
func (c *Control) rings() bool { return saysAny(c.words(), ringingParts, ringingWords) }

// Words on buttons that agree to something, which nobody but the person may do.
var (
	agreeingParts = []string{"accept", "agree", "consent", "approve", "authoriz", "authoris"}
	agreeingWords = []string{"allow", "yes"}
)

// consents reports whether pressing the button agrees to something.
func (c *Control) consents() bool {
	return saysAny(c.words(), agreeingParts, agreeingWords)
}

// words are everything that a button says about itself.
func (c *Control) words() []string {
	return []string{c.Name, c.Value, c.ID, c.Label, fold(nodeText(c.node))}
}

func saysAny(texts, parts, words []string) bool {
	for _, text := range texts {
		lower := strings.ToLower(text)
		if slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(lower, p) }) {
			return true
		}
		if slices.ContainsFunc(split(text), func(w string) bool { return slices.Contains(words, w) }) {
			return true
		}
	}
	return false
}

// split cuts a text into lower-case words at everything that is no letter and before
// capitals: "btnGoBack" is btn, go, back.
func split(text string) []string {
	var b strings.Builder
	lower := false
	for _, r := range text {
		if unicode.IsUpper(r) && lower || !unicode.IsLetter(r) {
			b.WriteByte(' ')
		}
		if unicode.IsLetter(r) {
			b.WriteRune(unicode.ToLower(r))
		}
		lower = unicode.IsLower(r)
	}
	return strings.Fields(b.String())
}
