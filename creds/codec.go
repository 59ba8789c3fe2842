package creds

import (
	"bytes"
	"encoding/json"
	"time"
	"unicode/utf8"

	"gatehop/creds/secret"
)

// codecVersion is the only version that Unmarshal reads. A field added, removed or
// understood differently is a new version.
const codecVersion = 1

// FormatError reports that credentials cannot be written or read in the one encoding.
// It quotes nothing of them.
type FormatError struct {
	Problem string // "is of another version", "is not in canonical form", ...
}

func (e *FormatError) Error() string { return "encoding of credentials " + e.Problem }

// encoded is the document. The secrets are pointers, because none is not empty.
type encoded struct {
	Version         int           `json:"version"`
	AccessKeyID     string        `json:"access_key_id"`
	SecretAccessKey *string       `json:"secret_access_key"`
	SessionToken    *string       `json:"session_token"`
	Expires         time.Time     `json:"expires"`
	Skew            time.Duration `json:"skew_ns"`
	Identity        string        `json:"identity"`
}

// Marshal returns c with its secrets in plain text. Call it only for a sealed store or
// a sink. It refuses, with a *FormatError, what it could not give back unchanged: text
// that is not UTF-8, and years that RFC 3339 has no digits for. Expires becomes UTC.
func Marshal(c Credentials) ([]byte, error) {
	for _, text := range []string{c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal(), c.Identity} {
		if !utf8.ValidString(text) {
			return nil, &FormatError{Problem: "cannot hold text that is not UTF-8"}
		}
	}
	data, err := json.Marshal(encoded{
		Version:         codecVersion,
		AccessKeyID:     c.AccessKeyID,
		SecretAccessKey: reveal(c.SecretAccessKey),
		SessionToken:    reveal(c.SessionToken),
		Expires:         c.Expires.UTC(),
		Skew:            c.Skew,
		Identity:        c.Identity,
	})
	if err != nil {
		return nil, &FormatError{Problem: "cannot hold this expiry"}
	}
	return data, nil
}

// Unmarshal reads what Marshal wrote and nothing else: not another version, not the
// same facts spelled in another way. The error is a *FormatError. It does not Check.
func Unmarshal(data []byte) (Credentials, error) {
	var version struct {
		Version int `json:"version"`
	}
	// The reasons that encoding/json gives quote numbers and times, so they go no further.
	if json.Unmarshal(data, &version) != nil {
		return Credentials{}, &FormatError{Problem: "is not a document"}
	}
	if version.Version != codecVersion {
		return Credentials{}, &FormatError{Problem: "is of another version"}
	}
	var e encoded
	if json.Unmarshal(data, &e) != nil {
		return Credentials{}, &FormatError{Problem: "has a field of the wrong type"}
	}
	c := Credentials{
		AccessKeyID:     e.AccessKeyID,
		SecretAccessKey: conceal(e.SecretAccessKey),
		SessionToken:    conceal(e.SessionToken),
		Expires:         e.Expires.UTC(),
		Skew:            e.Skew,
		Identity:        e.Identity,
	}
	// encoding/json forgives unknown, missing, repeated and differently spelled names,
	// white space and bad UTF-8. Writing it again forgives nothing.
	if again, err := Marshal(c); err != nil || !bytes.Equal(again, data) {
		return Credentials{}, &FormatError{Problem: "is not in canonical form"}
	}
	return c, nil
}

func reveal(t secret.Text) *string {
	if t.IsZero() {
		return nil
	}
	value := t.Reveal()
	return &value
}

func conceal(value *string) secret.Text {
	if value == nil {
		return secret.Text{}
	}
	return secret.New(*value)
}
