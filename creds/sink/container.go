package sink

import (
	"bytes"
	"encoding/json"

	"gatehop/creds"
	"gatehop/creds/secret"
)

// container is what the SDKs read from an endpoint for containers; Amazon ECS developer
// guide, "Task IAM role". boto and the JavaScript SDK match the names exactly and want
// all four. The token's name is not that of a credential_process.
type container struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	Expiration      string
}

// Container returns what an SDK reads from a container credentials endpoint: one JSON
// object in one line, with its end. The error is a *creds.FieldError.
func Container(c creds.Credentials) ([]byte, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(container{
		AccessKeyID:     c.AccessKeyID,
		SecretAccessKey: c.SecretAccessKey.Reveal(),
		Token:           c.SessionToken.Reveal(),
		Expiration:      expiration(c),
	}); err != nil {
		return nil, &ValueError{Name: "credentials", Problem: "cannot be written as JSON"}
	}
	return line.Bytes(), nil
}

// ContainerEnviron returns the variables that lead a program to the container credentials
// endpoint at url, whose requests must show token. Both region variables are set, unless
// region is empty. The error is a *ValueError.
//
// A program needs them together with the removal of what UnsetForContainer lists.
func ContainerEnviron(url string, token secret.Text, region string) ([]Var, error) {
	vars := []Var{
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI", secret.New(url)},
		{"AWS_CONTAINER_AUTHORIZATION_TOKEN", token},
	}
	return withRegion(vars, region)
}

// UnsetForContainer returns the variables that tools take before a container credentials
// endpoint, or that contradict it: those of Unset and every one that holds keys. Tools
// take a profile called default before it, too.
func UnsetForContainer() []string {
	return append(Unset(),
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_ACCESS_KEY", "AWS_SECRET_KEY", // Go and Java read these too
	)
}
