// Package sink writes credentials in the forms that other programs read.
//
// Every form is built whole before any of it is returned, so that a program reads all of
// it or nothing, and begins with creds.Credentials.Check: a field that has not the
// alphabet AWS gives it reaches no sink.
package sink

import (
	"bytes"
	"encoding/json"
	"time"

	"gatehop/creds"
)

// process is the contract's object; AWS CLI user guide, "Sourcing credentials with an
// external process". boto and the JavaScript SDK match the names exactly, and every SDK
// wants Version to be a number.
type process struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

// Process returns what an SDK reads from a credential_process: one JSON object in one
// line, with its end. Write it with one call and nothing after it. The error is a
// *creds.FieldError.
func Process(c creds.Credentials) ([]byte, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(process{
		Version:         1,
		AccessKeyID:     c.AccessKeyID,
		SecretAccessKey: c.SecretAccessKey.Reveal(),
		SessionToken:    c.SessionToken.Reveal(),
		Expiration:      expiration(c),
	}); err != nil {
		return nil, &ValueError{Name: "credentials", Problem: "cannot be written as JSON"}
	}
	return line.Bytes(), nil
}

// expiration is RFC 3339 with Z and whole seconds, never later than the truth: some SDKs
// read no fractions, and botocore none without a zone.
func expiration(c creds.Credentials) string {
	return c.Expires.UTC().Truncate(time.Second).Format(time.RFC3339)
}

// ValueError reports something besides credentials that a sink may not be given: a
// region or a profile name outside its alphabet. It does not quote it.
type ValueError struct {
	Name    string // "region", "profile name"
	Problem string // "is empty", "has a character outside a-z, 0-9 and -", ...
}

func (e *ValueError) Error() string { return "write credentials: " + e.Name + " " + e.Problem }

const (
	maxRegion  = 32  // characters; AWS's longest so far has 17
	maxProfile = 128 // characters
)

func checkRegion(region string) error {
	switch {
	case region == "":
		return &ValueError{Name: "region", Problem: "is empty"}
	case len(region) > maxRegion:
		return &ValueError{Name: "region", Problem: "is too long"}
	case !only(region, isRegion):
		return &ValueError{Name: "region", Problem: "has a character outside a-z, 0-9 and -"}
	}
	return nil
}

// checkProfile allows the names that every SDK reads from either AWS file.
func checkProfile(profile string) error {
	switch {
	case profile == "":
		return &ValueError{Name: "profile name", Problem: "is empty"}
	case len(profile) > maxProfile:
		return &ValueError{Name: "profile name", Problem: "is too long"}
	case !only(profile, isProfile):
		return &ValueError{Name: "profile name", Problem: "has a character outside A-Z, a-z, 0-9 and ._-/:@+%"}
	}
	return nil
}

func only(s string, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}

func isRegion(b byte) bool { return 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '-' }
func isProfile(b byte) bool {
	return isRegion(b) || 'A' <= b && b <= 'Z' || bytes.IndexByte([]byte("._/:@+%"), b) >= 0
}
