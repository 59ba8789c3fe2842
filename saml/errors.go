package saml

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrSeveralAssertions reports a document with more than one Assertion or
// EncryptedAssertion, anywhere and in any mixture: which one AWS would read cannot
// be known from here.
var ErrSeveralAssertions = errors.New("read SAML response: it holds several assertions")

// StatusError reports a response in which the provider says that it did not sign the
// person in. Its texts are the provider's, cut to 200 characters, without control and
// direction characters.
type StatusError struct {
	Code    string // urn:oasis:names:tc:SAML:2.0:status:Responder
	SubCode string // the second-level code, "" if there is none
	Message string // "" if there is none
}

func (e *StatusError) Error() string {
	codes := lastPart(e.Code)
	if e.SubCode != "" {
		codes += ", " + lastPart(e.SubCode)
	}
	text := "read SAML response: its status is " + codes
	if e.Message != "" {
		text += fmt.Sprintf(": %q", e.Message)
	}
	return text
}

// lastPart shortens urn:oasis:names:tc:SAML:2.0:status:Responder to Responder.
func lastPart(code string) string { return code[strings.LastIndexByte(code, ':')+1:] }

// Problem is why a text is no SAML response that can be read. The set is closed.
type Problem string

// The problems.
const (
	Empty       Problem = "it is empty"
	NotBase64   Problem = "it is not base64"
	NotXML      Problem = "it is not well-formed XML"
	NotResponse Problem = "it is not a SAML 2.0 response"
	NoStatus    Problem = "it has no status"
	NoAssertion Problem = "it holds no assertion" // though its status is success
	HasDTD      Problem = "it has a document type or entity declaration"
	TooLarge    Problem = "it is too large" // over 5 MiB, or of more elements or attributes than any real one
	TooDeep     Problem = "it is nested more than 200 deep"
)

// SyntaxError reports a text that is no SAML response, or one without an assertion.
// It quotes nothing of it.
type SyntaxError struct {
	Problem Problem
	Line    int // line of the XML at which reading stopped; 0 if it is not about one
}

func (e *SyntaxError) Error() string {
	text := "read SAML response: " + string(e.Problem)
	if e.Line > 0 {
		text += fmt.Sprintf(" (line %d)", e.Line)
	}
	return text
}

// Is reports whether target is a *SyntaxError of the same problem.
func (e *SyntaxError) Is(target error) bool {
	t, ok := target.(*SyntaxError)
	return ok && t.Problem == e.Problem
}

// Limit is one of the times that bound the use of an assertion. The set is closed.
type Limit string

// The limits.
const (
	IssuedInFuture Limit = "issued in the future"
	NotYetValid    Limit = "not yet valid"
	Expired        Limit = "expired"
	TooOld         Limit = "older than five minutes"
)

// TimeError says which time limit of an assertion is broken.
type TimeError struct {
	Limit Limit
	At    time.Time // the instant the limit is about: issue, NotBefore, NotOnOrAfter, issue
	Now   time.Time
}

func (e *TimeError) Error() string {
	const layout = "2006-01-02 15:04:05Z"
	at, now := e.At.UTC().Format(layout), e.Now.UTC().Format(layout)
	by := e.Now.Sub(e.At).Abs().Round(time.Second)
	switch e.Limit {
	case IssuedInFuture:
		return fmt.Sprintf("the assertion is issued in the future: issued %s, now %s: the clocks of the identity provider and this machine are %s apart", at, now, by)
	case NotYetValid:
		return fmt.Sprintf("the assertion is not yet valid: valid from %s, now %s, %s to go", at, now, by)
	case Expired:
		return fmt.Sprintf("the assertion has expired: valid until %s, now %s, %s ago", at, now, by)
	default:
		return fmt.Sprintf("the assertion is older than the five minutes that AWS allows: issued %s, now %s, %s ago", at, now, by)
	}
}

// errMore stands for the values of the Role attribute that were skipped without a
// reason of their own.
func errMore(n int) error {
	return fmt.Errorf("read role values: %d more are not pairs of a role and a provider", n)
}
