package creds

import (
	"strings"

	"gatehop/creds/secret"
)

// FieldError reports a field of Credentials that no sink may be given. It names the
// field and the rule, never the value.
type FieldError struct {
	Field   string // Go name of the field: "SessionToken"
	Problem string // "is empty", "is too long", ...
}

func (e *FieldError) Error() string { return "check credentials: " + e.Field + " " + e.Problem }

// Lengths: STS API reference, data type Credentials (key id 16 to 128 characters); the
// other two have no documented limit, so these are far above what AWS issues and far
// below what an environment or a pipe to an SDK takes (the Java SDK: 64,000 bytes).
const (
	minKeyID, maxKeyID = 16, 128
	maxSecret          = 1024
	maxToken           = 16 << 10
)

// Check says whether every field has the form that AWS gives it, which is also what
// makes it harmless in JSON, in a shell and in a header. The error is a *FieldError.
// It does not say whether c has expired.
func (c Credentials) Check() error {
	for _, problem := range []struct{ field, text string }{
		{"AccessKeyID", keyIDProblem(c.AccessKeyID)},
		{"SecretAccessKey", opaqueProblem(c.SecretAccessKey, maxSecret)},
		{"SessionToken", opaqueProblem(c.SessionToken, maxToken)},
		{"Expires", c.expiresProblem()},
		{"Identity", identityProblem(c.Identity)},
	} {
		if problem.text != "" {
			return &FieldError{Field: problem.field, Problem: problem.text}
		}
	}
	return nil
}

func keyIDProblem(id string) string {
	switch {
	case id == "":
		return "is empty"
	case len(id) < minKeyID:
		return "is too short"
	case len(id) > maxKeyID:
		return "is too long"
	case !only(id, isUpperOrDigit):
		return "has a character other than A-Z and 0-9"
	}
	return ""
}

func opaqueProblem(t secret.Text, limit int) string {
	value := t.Reveal()
	switch {
	case value == "":
		return "is empty"
	case len(value) > limit:
		return "is too long"
	case !only(value, isOpaque):
		return "has a space, a quote, a backslash, or a character that is not printable ASCII"
	}
	return ""
}

func (c Credentials) expiresProblem() string {
	switch year := c.Expires.UTC().Year(); {
	case c.Expires.IsZero():
		return "is not set"
	case year < 1970 || year > 9999: // RFC 3339 has four digits
		return "is out of range"
	}
	return ""
}

// identityProblem checks arn:PARTITION:sts::ACCOUNT:assumed-role/NAME/SESSION, where
// NAME has no path. Alphabets: IAM and STS quotas, "IAM name requirements".
func identityProblem(arn string) string {
	const shape = "is not an assumed-role ARN"
	fields := strings.Split(arn, ":")
	if arn == "" {
		return "is empty"
	}
	if len(fields) != 6 || fields[0] != "arn" || fields[2] != "sts" || fields[3] != "" {
		return shape
	}
	partition, account, resource := fields[1], fields[4], strings.Split(fields[5], "/")
	if partition != "aws" && !strings.HasPrefix(partition, "aws-") || len(partition) > 32 || !only(partition, isPartition) {
		return shape
	}
	if len(account) != 12 || !only(account, isDigit) {
		return shape
	}
	if len(resource) != 3 || resource[0] != "assumed-role" {
		return shape
	}
	name, session := resource[1], resource[2]
	if len(name) < 1 || len(session) < 2 || max(len(name), len(session)) > 64 || !only(name+session, isName) {
		return shape
	}
	return ""
}

func only(s string, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(b byte) bool        { return '0' <= b && b <= '9' }
func isUpperOrDigit(b byte) bool { return 'A' <= b && b <= 'Z' || isDigit(b) }
func isPartition(b byte) bool    { return 'a' <= b && b <= 'z' || isDigit(b) || b == '-' }
func isName(b byte) bool {
	return isUpperOrDigit(b) || 'a' <= b && b <= 'z' || strings.IndexByte("_+=,.@-", b) >= 0
}
func isOpaque(b byte) bool { return '!' <= b && b <= '~' && strings.IndexByte("\"'`\\", b) < 0 }
