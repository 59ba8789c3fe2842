// Package idp signs a person in at an identity provider whose pages were made for a browser.
package idp

import (
	"context"
	"log/slog"
	"net/http"

	"gatehop/creds/secret"
	"gatehop/saml"
)

// Adapter knows one kind of identity provider. Every adapter passes the cases of idptest.
type Adapter interface {
	// Login signs in once. Everything it needs from outside arrives in s. Errors are
	// *PageError for what a page said, *OriginError for what was refused to be sent,
	// *NeedsInputError for what nobody answered, else *NetworkError (NetError).
	Login(ctx context.Context, s *Session) (*saml.Assertion, error)
}

// Session is what one sign-in has to work with.
type Session struct {
	HTTP   *http.Client // cookies, proxy, TLS, redirects, user agent, limits: already decided (NewClient)
	Trust  Trust        // who may be sent what the person types, and whom an assertion may be taken from
	Prompt Prompter
	Log    *slog.Logger // nil logs nothing
	// Waiting is called when a person is waited for who answers on another device, with
	// what is waited for ("your approval"), and what it returns when that is over; nil is not.
	Waiting func(what string) (done func())
}

// Prompter answers what a provider asks. Sources that cannot answer return ErrNoAnswer.
// Tell may be called while an Ask is under way, and both from several goroutines.
type Prompter interface {
	// Ask returns the answer to q, or ErrNoAnswer, or the context's error.
	Ask(ctx context.Context, q Question) (secret.Text, error)
	// Tell shows the person what the provider says: "approve the request on your phone: number 42".
	Tell(ctx context.Context, message string)
}

// Approval is the Field of a question that nobody has to type an answer to: whether a
// request may be sent to the person's phone, and be waited for. Its options are what may
// come; the answer is the one that somebody is there for. Where nobody is, there is no
// answer, and no phone rings.
const (
	Approval = "approval"
	ByPhone  = "phone" // a request on a phone, or a call
	ByCode   = "code"  // a code to be typed
)

// Proof is the Field of a question that nobody has to type an answer to either: whether what
// proves the person without their doing, a ticket or a certificate, may be shown now. Its
// one option is Yes.
const (
	Proof = "proof"
	Yes   = "yes"
)

// Question is one thing a provider, or gatehop itself, wants to know.
type Question struct {
	Field   string   // stable: "username", "password", "otp", "role", Approval, Proof, ...
	Label   string   // the provider's own words where it has them
	Public  bool     // may be echoed; the zero value is silent
	Options []string // if any, the answer is one of them
	Default string   // offered to a person, never secret; "" for none
	// Retry is the provider's words about the last answer. A source that cannot answer
	// differently returns ErrNoAnswer; if every source does, so does Ask, and the
	// adapter returns its refusal.
	Retry string
}
