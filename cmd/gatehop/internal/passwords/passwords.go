// Package passwords keeps what a person let gatehop keep: their password at a provider.
package passwords

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"gatehop/creds"
	"gatehop/creds/secret"
	"gatehop/idp"
)

// Who is a person at a provider: the place of a record.
type Who struct {
	Origin idp.Origin
	Kind   string // of the provider: "adfs"
	User   string // in full; case does not matter
}

// Record is what is known of a person's password. The zero value is nothing.
type Record struct {
	Password secret.Text
	Trust    string    // the digest of the settings under which it was right; it serves no others
	Refused  time.Time // since when it is not given out any more
	Declined bool      // the person does not want it kept, and is not asked again
}

// Usable reports whether the password may be sent under settings of that digest.
func (r Record) Usable(trust string) bool {
	return !r.Password.IsZero() && r.Refused.IsZero() && r.Trust == trust && trust != ""
}

// Book keeps records in a store that is sealed.
type Book struct{ Store creds.Store }

const version = 1

// file is a record as it lies in the store.
type file struct {
	Version  int       `json:"version"`
	Password string    `json:"password,omitempty"`
	Trust    string    `json:"trust,omitempty"`
	Refused  time.Time `json:"refused,omitzero"`
	Declined bool      `json:"declined,omitempty"`
}

// Key names the person's place in a store.
func (w Who) Key() string {
	text, err := json.Marshal([]string{"gatehop password 1", string(w.Origin), w.Kind, strings.ToLower(strings.TrimSpace(w.User))})
	if err != nil { // strings alone
		return string(w.Origin)
	}
	return string(text)
}

// Get returns what is known. What cannot be read is nothing.
func (b Book) Get(ctx context.Context, who Who) Record {
	data, err := b.Store.Get(ctx, who.Key())
	var f file
	if err != nil || json.Unmarshal(data, &f) != nil || f.Version != version {
		return Record{}
	}
	r := Record{Trust: f.Trust, Refused: f.Refused, Declined: f.Declined}
	if f.Password != "" {
		r.Password = secret.New(f.Password)
	}
	return r
}

// Put replaces the record.
func (b Book) Put(ctx context.Context, who Who, r Record) error {
	data, err := json.Marshal(file{Version: version, Password: r.Password.Reveal(), Trust: r.Trust, Refused: r.Refused, Declined: r.Declined})
	if err != nil {
		return errors.New("the password cannot be written")
	}
	return b.Store.Put(ctx, who.Key(), data)
}

// Forget removes the record.
func (b Book) Forget(ctx context.Context, who Who) error { return b.Store.Delete(ctx, who.Key()) }
