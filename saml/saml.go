// Package saml reads SAML responses meant for AWS as AWS will read them.
//
// It verifies no signature: AWS does, against the certificate that the IAM SAML
// provider holds. What this package decodes is good for choosing a role and for
// explaining a refusal, never for trusting the person who presents it.
package saml

import (
	"time"

	"gatehop/creds/secret"
)

// Assertion is a SAML response as AWS will read it. It is immutable once decoded.
type Assertion struct {
	Issuer      string // entity ID of the identity provider; of the Response if the Assertion is encrypted
	Subject     string // NameID
	Destination string // the Response's Destination, else the Recipient of the subject confirmation
	// Issued is the Assertion's IssueInstant; the Response's if the Assertion is
	// encrypted or has none; zero if neither has one that can be read.
	Issued    time.Time
	NotBefore time.Time // zero if the provider sends none
	// NotOnOrAfter is the end of the Conditions; AWS's own limit of five minutes
	// after Issued is nearly always earlier.
	NotOnOrAfter time.Time
	SessionName  string // RoleSessionName attribute
	// SessionDuration is how long AWS may keep the session; sent in seconds, 0 if
	// the provider sends none or not a number.
	SessionDuration time.Duration
	Roles           []Role // document order, duplicates removed; empty if none or Encrypted
	// Skipped says for each value of the Role attribute that ParseRole refuses why,
	// in document order. After the first 100 a single last entry counts the rest.
	Skipped   []error
	Encrypted bool // nothing of the assertion can be read: roles must come from the profile

	encoded secret.Text
}

// Encoded returns the document for STS, byte for byte as received: base64 of the
// signed XML. It is a bearer secret for five minutes.
func (a *Assertion) Encoded() secret.Text { return a.encoded }

// Role is one pair of a Role attribute: a role and the SAML provider that vouches for it.
// ParseRole makes one; the methods of one made by hand return "" if ARN is no role ARN.
type Role struct {
	ARN      string // arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME
	Provider string // arn:PARTITION:iam::ACCOUNT:saml-provider/NAME
}

// Partition returns the partition of the role: "aws", "aws-cn", ...
func (r Role) Partition() string { return r.parts().Partition }

// Account returns the twelve digits of the role's account.
func (r Role) Account() string { return r.parts().Account }

// Name returns the role's name without its path.
func (r Role) Name() string { return r.parts().Name }

// Path returns the role's path with both slashes: "/" or "/team/a/".
func (r Role) Path() string { return r.parts().Path }

func (r Role) parts() ARN {
	a, err := ParseRoleARN(r.ARN)
	if err != nil {
		return ARN{}
	}
	return a
}
