// Package secret holds values that no verb, encoder or logger prints.
package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
)

// Redacted is what stands in for every secret wherever one is printed by mistake.
// It has one length for all secrets, so that it tells nothing about them.
const Redacted = "[secret]"

// Text is a password, code, cookie, key, token or document that must not be printed.
// The zero value is "none" (IsZero). Copies share the value; it is never changed.
//
// The value lies behind a pointer because fmt ignores String methods in unexported
// fields, and %#v and encoding/json ignore them everywhere: what those print of a
// Text that they cannot ask is an address. For the same reason == compares addresses;
// use Equal.
type Text struct{ p *string }

// New wraps s. New("") is an empty secret and not the zero value: an empty answer
// was given, which is not the same as none.
func New(s string) Text { return Text{p: &s} }

// Reveal returns the value, "" for none. Call it only where the value leaves for the
// place it is meant for: a posted form, a signed request, a sink, a sealed store.
func (t Text) Reveal() string {
	if t.p == nil {
		return ""
	}
	return *t.p
}

// IsZero reports whether there is no value at all.
func (t Text) IsZero() bool { return t.p == nil }

// Equal compares the values in constant time for values of one length.
func (t Text) Equal(u Text) bool {
	return t.IsZero() == u.IsZero() && subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(u.Reveal())) == 1
}

// String returns Redacted.
func (Text) String() string { return Redacted }

// GoString returns Redacted, for %#v.
func (Text) GoString() string { return Redacted }

// Format prints Redacted for every verb but %T and %p, which fmt answers by itself: with
// the type, and with a complaint that shows an address.
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText returns Redacted; JSON, XML and text encoders and the handlers of log/slog
// use it.
func (Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalBinary returns Redacted; encoding/gob uses it.
func (Text) MarshalBinary() ([]byte, error) { return []byte(Redacted), nil }
