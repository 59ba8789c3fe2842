package flow

import (
	"encoding/json"
	"errors"
	"maps"
)

// Choice is what a profile's configuration leaves open and a person settled, and
// what was pinned at the first sign-in. None of it is secret.
type Choice struct {
	User    string `json:"user,omitempty"`
	Role    string `json:"role,omitempty"`    // ARN
	Issuer  string `json:"issuer,omitempty"`  // pinned
	Account string `json:"account,omitempty"` // pinned
}

// Choices is the choices file: profile name to Choice. The zero value remembers
// nothing. It is read when it is first needed.
type Choices struct {
	Read   func() ([]byte, error)                          // nil bytes if there is none yet
	Update func(change func([]byte) ([]byte, error)) error // read, change and write under a lock
	Warn   func(error)
}

// Get returns what is known of a profile; of an unreadable file nothing.
func (c *Choices) Get(profile string) Choice {
	if c == nil || c.Read == nil {
		return Choice{}
	}
	data, err := c.Read()
	if err != nil || len(data) == 0 {
		return Choice{}
	}
	var all map[string]Choice
	if json.Unmarshal(data, &all) != nil {
		return Choice{}
	}
	return all[profile]
}

// Forget removes a profile, or every profile for "", and reports whether anything was there.
func (c *Choices) Forget(profile string) (bool, error) {
	var found bool
	err := c.Update(func(data []byte) ([]byte, error) {
		all := c.decode(data)
		if profile == "" {
			found = len(all) > 0
			return nil, nil
		}
		_, found = all[profile]
		delete(all, profile)
		return json.MarshalIndent(all, "", "  ")
	})
	return found, err
}

func (c *Choices) pinned(profile string, what pinned) string {
	choice := c.Get(profile)
	if what == pinIssuer {
		return choice.Issuer
	}
	return choice.Account
}

func (c *Choices) setPin(profile string, what pinned, value string) {
	c.change(profile, func(choice *Choice) {
		if what == pinIssuer {
			choice.Issuer = value
			return
		}
		choice.Account = value
	})
}

func (c *Choices) remember(profile, user, role string) {
	c.change(profile, func(choice *Choice) { choice.User, choice.Role = user, role })
}

// change rewrites one profile's entry if it differs. A file that cannot be written
// costs a warning: the credentials are worth more than the memory of a choice.
func (c *Choices) change(profile string, edit func(*Choice)) {
	if c == nil || c.Update == nil {
		return
	}
	now := c.Get(profile)
	want := now
	if edit(&want); want == now {
		return
	}
	err := c.Update(func(data []byte) ([]byte, error) {
		all := c.decode(data)
		choice := all[profile]
		edit(&choice)
		all[profile] = choice
		return json.MarshalIndent(all, "", "  ")
	})
	if err != nil && c.Warn != nil {
		c.Warn(err)
	}
}

// decode reads a file that may be missing. Of a damaged one it says so and starts anew:
// what was pinned in it is gone.
func (c *Choices) decode(data []byte) map[string]Choice {
	all := map[string]Choice{}
	var read map[string]Choice
	if len(data) == 0 {
		return all
	}
	if err := json.Unmarshal(data, &read); err != nil {
		if c.Warn != nil {
			c.Warn(errDamaged)
		}
		return all
	}
	maps.Copy(all, read)
	return all
}

var errDamaged = errors.New("the file of choices was damaged: choices and pins begin anew")
