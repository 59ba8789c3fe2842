package flow

import (
	"encoding/json"
	"errors"
	"time"

	"gatehop/creds"
	"gatehop/saml"
)

// Remaining is the life left at the local time now, reckoned in the server's time and
// never more than the session was granted, whatever was done to the clock since.
func (s Session) Remaining(now time.Time) time.Duration {
	left := s.Credentials.Remaining(now)
	if s.Lifetime > 0 {
		left = min(left, s.Lifetime)
	}
	return left
}

// Fresh reports whether s need not be renewed at the local time now.
func (s Session) Fresh(now time.Time) bool { return creds.FreshFor(s.Credentials, s.Lifetime, now) }

// Usable reports whether s may still be used at the local time now if it cannot be
// renewed.
func (s Session) Usable(now time.Time) bool { return creds.Usable(s.Credentials, now) }

// record is a Session as it lies in a sealed store.
type record struct {
	Credentials json.RawMessage `json:"credentials"` // creds.Marshal
	Lifetime    int64           `json:"lifetime"`    // seconds
	User        string          `json:"user"`
	Role        string          `json:"role"`
	Asked       string          `json:"asked,omitempty"`
	Trust       string          `json:"trust"`
}

// EncodeSession reveals the session's secrets: its result belongs in a sealed store.
func EncodeSession(s Session) ([]byte, error) {
	c, err := creds.Marshal(s.Credentials)
	if err != nil {
		return nil, err
	}
	return json.Marshal(record{Credentials: c, Lifetime: int64(s.Lifetime / time.Second), User: s.User, Role: s.Role, Asked: s.Asked, Trust: s.Trust})
}

// DecodeSession reads what EncodeSession wrote.
func DecodeSession(data []byte) (Session, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return Session{}, errors.New("stored session is not readable")
	}
	c, err := creds.Unmarshal(r.Credentials)
	if err != nil {
		return Session{}, err
	}
	return Session{Credentials: c, Lifetime: time.Duration(r.Lifetime) * time.Second, User: r.User, Role: r.Role, Asked: r.Asked, Trust: r.Trust}, nil
}

// kept is a Signed as it lies in memory.
type kept struct {
	User      string
	Typed     bool
	Assertion string
}

// EncodeSigned reveals the assertion: its result may only lie in memory.
func EncodeSigned(s Signed) ([]byte, error) {
	return json.Marshal(kept{User: s.User, Typed: s.Typed, Assertion: s.Assertion.Encoded().Reveal()})
}

// DecodeSigned reads what EncodeSigned wrote.
func DecodeSigned(data []byte) (Signed, error) {
	var k kept
	if err := json.Unmarshal(data, &k); err != nil {
		return Signed{}, errors.New("kept sign-in is not readable")
	}
	a, err := saml.Decode(k.Assertion)
	return Signed{Assertion: a, User: k.User, Typed: k.Typed}, err
}
