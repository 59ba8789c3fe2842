// Package session is a role session as it is kept, and whether it may still be used.
package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehop/creds"
	"gatehop/saml/iam"
)

// Want says which user and which SAML role a session must be of to be used.
type Want struct {
	User     string        // "" if nothing says
	Role     string        // asked for, for saml.Match; "" if nothing says
	Settled  string        // ARN of the remembered role where neither a profile nor Role names one
	Duration time.Duration // of the gateway session; 0 is the default of the profile
}

// Session is one role session and what it was made with.
type Session struct {
	creds.Credentials
	Lifetime time.Duration // as granted
	User     string        // who signed in; "" if nobody was asked
	Role     string        // ARN of the gateway's SAML role
	Asked    string        // what picked the role, if a person said so: Want.Role when it was made, or the ARN
	Trust    string        // digest of the settings when it was made
}

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

// State is what may be done with a session that is kept, or not.
type State string

// The states.
const (
	Good    State = "good"    // may be handed out
	Ending  State = "ending"  // past its margin: renewed at the next use
	Expired State = "expired" // of no more use
	Unused  State = "unused"  // made for another user, role or other settings than now
	None    State = "none"
)

// State is that of a session that is kept; fits is Want.Fits.
func (s Session) State(fits bool, now time.Time) State {
	switch {
	case s.Remaining(now) <= 0:
		return Expired
	case !fits:
		return Unused
	case s.Fresh(now):
		return Good
	}
	return Ending
}

// Short is the state as one word for a shell prompt: the life that is left, expired, or
// none.
func (s State) Short(left time.Duration) string {
	switch s {
	case Good, Ending:
		if left >= 2*time.Hour {
			return fmt.Sprintf("%dh", int(left.Hours()))
		}
		return fmt.Sprintf("%dm", int(left.Minutes()))
	case Expired:
		return string(Expired)
	}
	return string(None)
}

// record is a Session as it lies in a sealed store.
type record struct {
	Credentials json.RawMessage `json:"credentials"` // creds.Marshal
	Lifetime    int64           `json:"lifetime"`    // seconds
	User        string          `json:"user"`
	Role        string          `json:"role"`
	Asked       string          `json:"asked,omitempty"`
	Trust       string          `json:"trust"`
}

// Encode reveals the session's secrets: its result belongs in a sealed store.
func Encode(s Session) ([]byte, error) {
	c, err := creds.Marshal(s.Credentials)
	if err != nil {
		return nil, err
	}
	return json.Marshal(record{Credentials: c, Lifetime: int64(s.Lifetime / time.Second), User: s.User, Role: s.Role, Asked: s.Asked, Trust: s.Trust})
}

// Decode reads what Encode wrote.
func Decode(data []byte) (Session, error) {
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

// Fits reports whether s is of the user, role and settings that are asked for now: trust
// is the digest of the settings, given the names that the configuration gives accounts.
func (w Want) Fits(s Session, trust string, given func() map[string]string) bool {
	if s.Trust != trust || w.User != "" && s.User != w.User {
		return false
	}
	if w.Role == "" {
		return w.Settled == "" || s.Role == w.Settled
	}
	return w.Role == s.Asked && !w.renamed(s.Role, given) || w.Role == s.Role || w.Role == accountAndName(s.Role)
}

// renamed reports whether the configuration gives the name that Want.Role begins with to
// another account than the role's: it did not when the role was picked by it.
func (w Want) renamed(role string, names func() map[string]string) bool {
	name, _, ok := strings.Cut(w.Role, "/")
	arn, err := iam.ParseRoleARN(role)
	if !ok || err != nil {
		return false
	}
	given := names()
	if given[arn.Account] == name {
		return false
	}
	for _, other := range given {
		if other == name {
			return true
		}
	}
	return false
}

// accountAndName is a role as ACCOUNT/NAME, which is of one role like its ARN.
func accountAndName(role string) string {
	arn, err := iam.ParseRoleARN(role)
	if err != nil {
		return ""
	}
	return arn.Account + "/" + arn.Name
}
