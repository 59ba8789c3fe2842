// Package choices is what a profile's configuration leaves open and a person settled.
package choices

import (
	"encoding/json"
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"time"

	"gatehop/creds/store"
)

// Choice is what a profile's configuration leaves open and a person settled, and
// what was pinned at the first sign-in. None of it is secret.
type Choice struct {
	User    string `json:"user,omitempty"`
	Role    string `json:"role,omitempty"`    // ARN
	Issuer  string `json:"issuer,omitempty"`  // pinned
	Account string `json:"account,omitempty"` // pinned

	// What AWS allowed when more was asked for: the longest session, in seconds, of the
	// role that LimitedRole is the ARN of. 0 if AWS has refused nothing.
	LimitedRole string `json:"limited_role,omitempty"`
	Longest     int64  `json:"longest_seconds,omitempty"`

	// Recent are the ARNs of the roles that were chosen last, the newest first. A list
	// of roles begins with them.
	Recent []string `json:"recent,omitempty"`
}

// recentLimit is how many roles a gateway remembers: more than a person goes back to.
const recentLimit = 20

// IsZero reports that nothing is known.
func (c Choice) IsZero() bool { return c.equal(Choice{}) }

func (c Choice) equal(d Choice) bool {
	recent := slices.Equal(c.Recent, d.Recent)
	c.Recent, d.Recent = nil, nil
	return recent && reflect.DeepEqual(c, d)
}

// choose puts role first among the recent ones.
func (c *Choice) choose(role string) {
	c.Role = role
	recent := []string{role}
	for _, r := range c.Recent {
		if r != role && len(recent) < recentLimit {
			recent = append(recent, r)
		}
	}
	c.Recent = recent
}

// Pin is what is pinned at the first sign-in.
type Pin string

// The two pins.
const (
	PinIssuer  Pin = "issuer"
	PinAccount Pin = "gateway account"
)

// Pinned returns what was pinned, "" if nothing was.
func (c Choice) Pinned(what Pin) string {
	if what == PinIssuer {
		return c.Issuer
	}
	return c.Account
}

// File is the choices file: profile name to Choice. The zero value remembers
// nothing.
type File struct {
	Read   func() ([]byte, error)                          // nil bytes if there is none yet
	Update func(change func([]byte) ([]byte, error)) error // read, change and write under a lock
	Remove func() (bool, error)                            // the whole file; false if there was none
	Warn   func(error)
}

// Error reports a choices file that cannot be read. It is not passed over: the
// pins in it would be passed over too.
type Error struct{ Err error }

func (e *Error) Error() string { return "read the file of choices: " + e.Err.Error() }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Get returns what is known of a profile. The error is a *Error.
func (c *File) Get(profile string) (Choice, error) {
	if c == nil || c.Read == nil {
		return Choice{}, nil
	}
	data, err := c.Read()
	if err != nil {
		return Choice{}, &Error{Err: err}
	}
	all, err := decodeChoices(data)
	return all[profile], err
}

// Name is the name of the file in the state directory.
const Name = "choices.json"

// In is the file of a state directory that is only read.
func In(dir store.Dir) *File {
	if dir.Path() == "" {
		return &File{}
	}
	return &File{Read: func() ([]byte, error) {
		data, err := store.ReadFile(dir, Name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return data, err
	}}
}

// ForgetAll removes the file, readable or not, and reports whether there was one.
func (c *File) ForgetAll() (found bool, err error) {
	if c == nil || c.Remove == nil {
		return false, nil
	}
	return c.Remove()
}

// Forget removes a profile and reports whether anything was known of it.
func (c *File) Forget(profile string) (found bool, err error) {
	if c == nil || c.Update == nil {
		return false, nil
	}
	if known, err := c.Get(profile); err != nil || known.IsZero() {
		return false, err
	}
	return true, c.Update(func(data []byte) ([]byte, error) {
		all, err := decodeChoices(data)
		if err != nil {
			return nil, err
		}
		delete(all, profile)
		return json.MarshalIndent(all, "", "  ")
	})
}

// SetPin pins value.
func (c *File) SetPin(profile string, what Pin, value string) {
	c.change(profile, func(choice *Choice) {
		if what == PinIssuer {
			choice.Issuer = value
			return
		}
		choice.Account = value
	})
}

// Longest is the longest session that AWS is known to allow the role, 0 if nothing is.
// A file that cannot be read costs a refused call, not a sign-in.
func (c *File) Longest(profile, role string) time.Duration {
	known, err := c.Get(profile)
	if err != nil || known.LimitedRole != role {
		return 0
	}
	return time.Duration(known.Longest) * time.Second
}

// SetLongest keeps the longest session that AWS allows the role.
func (c *File) SetLongest(profile, role string, longest time.Duration) {
	c.change(profile, func(choice *Choice) {
		choice.LimitedRole, choice.Longest = role, int64(longest/time.Second)
	})
}

// Remember keeps a user name and a role; "" leaves what is known.
func (c *File) Remember(profile, user, role string) {
	c.change(profile, func(choice *Choice) {
		if user != "" {
			choice.User = user
		}
		if role != "" {
			choice.choose(role)
		}
	})
}

// change rewrites one profile's entry if it differs. A file that cannot be written
// costs a warning: the credentials are worth more than the memory of a choice.
func (c *File) change(profile string, edit func(*Choice)) {
	if c == nil || c.Update == nil {
		return
	}
	now, err := c.Get(profile)
	want := now
	if edit(&want); err == nil && want.equal(now) {
		return
	}
	if err == nil {
		err = c.Update(func(data []byte) ([]byte, error) {
			all, err := decodeChoices(data)
			if err != nil {
				return nil, err
			}
			choice := all[profile]
			edit(&choice)
			all[profile] = choice
			return json.MarshalIndent(all, "", "  ")
		})
	}
	if err != nil && c.Warn != nil {
		c.Warn(err)
	}
}

// decodeChoices reads a file that may be missing.
func decodeChoices(data []byte) (map[string]Choice, error) {
	all := map[string]Choice{}
	if len(data) == 0 {
		return all, nil
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, &Error{Err: err}
	}
	if all == nil { // the file says null
		all = map[string]Choice{}
	}
	return all, nil
}
