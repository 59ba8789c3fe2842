package saml

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gatehop/creds/secret"
	"gatehop/saml/iam"
)

const (
	// maxSize bounds the text as it is received, in bytes; the bound of every body.
	maxSize = 5 << 20
	// maxSkipped bounds Assertion.Skipped.
	maxSkipped = 100

	statusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"
	bearer        = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
)

// Decode reads the value of a SAMLResponse form field: base64, in which white space
// may stand anywhere, of a SAML 2.0 Response in any encoding of its namespaces. The
// errors are *StatusError, ErrSeveralAssertions and *SyntaxError. An assertion without
// roles is no error; neither is an encrypted one, of which only the envelope is read.
func Decode(encoded string) (*Assertion, error) {
	document, err := unwrap(encoded)
	if err != nil {
		return nil, err
	}
	w, several, err := parse(document)
	switch {
	case err != nil:
		return nil, err
	case several:
		return nil, ErrSeveralAssertions
	case w.Status == nil || text(w.Status.Code.Value) == "":
		return nil, &SyntaxError{Problem: NoStatus}
	case text(w.Status.Code.Value) != statusSuccess:
		return nil, &StatusError{
			Code:    iam.Clean(w.Status.Code.Value),
			SubCode: iam.Clean(w.Status.Code.Sub.Value),
			Message: iam.Clean(w.Status.Message),
		}
	case w.Encrypted == nil && w.Assertion == nil:
		return nil, &SyntaxError{Problem: NoAssertion}
	}
	a := w.assertion()
	a.encoded = secret.New(encoded)
	return a, nil
}

// unwrap undoes the base64.
func unwrap(encoded string) ([]byte, error) {
	if len(encoded) > maxSize {
		return nil, &SyntaxError{Problem: TooLarge}
	}
	packed := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, encoded)
	if packed == "" {
		return nil, &SyntaxError{Problem: Empty}
	}
	document, err := base64.StdEncoding.DecodeString(packed)
	if err != nil {
		return nil, &SyntaxError{Problem: NotBase64}
	}
	return document, nil
}

// assertion makes of what was read from the wire what the rest of the program uses.
func (w *wireResponse) assertion() *Assertion {
	a := &Assertion{
		Issuer:      text(w.Issuer),
		Destination: text(w.Destination),
		Issued:      instant(w.IssueInstant),
		Encrypted:   w.Assertion == nil,
	}
	if a.Encrypted {
		return a
	}
	v := w.Assertion
	a.Issuer = text(v.Issuer)
	a.Subject = text(v.Subject.NameID)
	a.NotBefore, a.NotOnOrAfter = instant(v.Conditions.NotBefore), instant(v.Conditions.NotOnOrAfter)
	a.SessionName = text(first(v.Attributes.sessionName))
	a.SessionDuration = seconds(first(v.Attributes.sessionDuration))
	a.Roles, a.Skipped = roles(v.Attributes.role)
	if t := instant(v.IssueInstant); !t.IsZero() {
		a.Issued = t
	}
	if a.Destination == "" {
		a.Destination = v.Subject.recipient()
	}
	return a
}

// roles reads the values of the Role attribute: the pairs, each once, and for every
// other value the reason, up to a limit (a hostile document can hold very many).
func roles(values []string) (found []Role, skipped []error) {
	seen := map[Role]bool{}
	more := 0
	for _, v := range values {
		r, err := ParseRole(v)
		switch {
		case err != nil && len(skipped) < maxSkipped:
			skipped = append(skipped, err)
		case err != nil:
			more++
		case !seen[r]:
			seen[r] = true
			found = append(found, r)
		}
	}
	if more > 0 {
		skipped = append(skipped, errMore(more))
	}
	return found, skipped
}

// text removes the white space that pretty-printing puts around a value.
func text(s string) string { return strings.TrimSpace(s) }

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// seconds reads a whole number of seconds; 0 for anything else.
func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(text(s), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// instant reads an xs:dateTime, in UTC if it names no zone; zero if it is none.
func instant(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text(s)); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
