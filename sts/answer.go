package sts

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"gatehop/creds"
	"gatehop/creds/secret"
	"gatehop/saml"
)

// credentials turns AWS's answer into Credentials, or says why it is no answer to what
// was asked. Sinks write these values into shells and files: whatever is not of its
// alphabet stops here.
func (w *wire) credentials(c *types.Credentials, user *types.AssumedRoleUser, most time.Duration) (creds.Credentials, error) {
	if c == nil || user == nil {
		return creds.Credentials{}, w.odd("", "it holds no credentials")
	}
	key, secretKey, token := aws.ToString(c.AccessKeyId), aws.ToString(c.SecretAccessKey), aws.ToString(c.SessionToken)
	switch {
	case !isAccessKey(key):
		return creds.Credentials{}, w.odd("AccessKeyId", "it is not 16 to 128 capital letters and digits")
	case !isOpaque(secretKey):
		return creds.Credentials{}, w.odd("SecretAccessKey", "it is empty or holds characters that no secret key has")
	case !isOpaque(token):
		return creds.Credentials{}, w.odd("SessionToken", "it is empty or holds characters that no session token has")
	}
	expires := aws.ToTime(c.Expiration).UTC()
	if y := expires.Year(); y < 2000 || y > 2999 {
		return creds.Credentials{}, w.odd("Expiration", "it is not a time of this age")
	}
	if !w.date.IsZero() && !expires.After(w.date) {
		return creds.Credentials{}, w.odd("Expiration", "it is already past by the server's own clock")
	}
	got := aws.ToString(user.Arn)
	if !sameRole(w.role, got) {
		return creds.Credentials{}, &IdentityError{Asked: w.role, Got: tidy(got)}
	}
	return creds.Credentials{
		AccessKeyID:     key,
		SecretAccessKey: secret.New(secretKey),
		SessionToken:    secret.New(token),
		Expires:         earlier(expires, w.at.Add(w.skew).Add(most).UTC()),
		Skew:            w.skew,
		Identity:        got,
	}, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// IsSession reports whether the ARN of an identity is that of a session of the role, both
// by their whole ARNs. The identity's has no path, so that is not compared.
func IsSession(role, identity string) bool { return sameRole(role, identity) }

// sameRole reports whether the ARN of a session, arn:P:sts::ACCOUNT:assumed-role/NAME/SESSION,
// is of the role asked for. It has no path, so that is not compared.
func sameRole(role, session string) bool {
	want, err := saml.ParseRoleARN(role)
	if err != nil {
		return false
	}
	name, ok := strings.CutPrefix(session, "arn:"+want.Partition+":sts::"+want.Account+":assumed-role/"+want.Name+"/")
	return ok && isSessionName(name)
}

// arnPartition returns the partition of any ARN, "" for anything else.
func arnPartition(arn string) string {
	f := strings.SplitN(arn, ":", 3)
	if len(f) < 3 || f[0] != "arn" {
		return ""
	}
	return f[1]
}

// plainARN reports whether s is an ARN of visible ASCII without quotes.
func plainARN(s string) bool {
	return len(s) <= 2048 && strings.Count(s, ":") >= 5 && arnPartition(s) != "" && isOpaque(s)
}

func isAccessKey(s string) bool {
	return len(s) >= 16 && len(s) <= 128 &&
		only(s, func(c byte) bool { return c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' })
}

// isOpaque allows visible ASCII but what a shell or a file format could take for its own
// inside quotes. AWS's secret keys and tokens are of the base64 alphabet today.
func isOpaque(s string) bool {
	return s != "" && only(s, func(c byte) bool { return c > ' ' && c <= '~' && strings.IndexByte("'\"`\\$", c) < 0 })
}

// isSessionName is [\w+=,.@-]{2,64} (STS API reference, RoleSessionName).
func isSessionName(s string) bool {
	return len(s) >= 2 && len(s) <= 64 && only(s, func(c byte) bool {
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("_+=,.@-", c) >= 0
	})
}
