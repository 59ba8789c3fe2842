package sink

import (
	"gatehop/creds"
	"gatehop/creds/secret"
)

// Section returns the keys of a section of the AWS credentials file, in the order in
// which they are written. The token is there always: without it the Go and JavaScript
// SDKs would take one that stands in the config file. x_security_token_expires is what
// other tools write too; no SDK reads it. An empty region is no key. The errors are
// *creds.FieldError and *ValueError.
func Section(c creds.Credentials, region string) ([]Var, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	keys := []Var{
		{"aws_access_key_id", secret.New(c.AccessKeyID)},
		{"aws_secret_access_key", c.SecretAccessKey},
		{"aws_session_token", c.SessionToken},
	}
	if region != "" {
		if err := checkRegion(region); err != nil {
			return nil, err
		}
		keys = append(keys, Var{"region", secret.New(region)})
	}
	return append(keys, Var{"x_security_token_expires", secret.New(expiration(c))}), nil
}
