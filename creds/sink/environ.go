package sink

import (
	"runtime"
	"strings"

	"gatehop/creds"
	"gatehop/creds/secret"
)

// Var is one environment variable. The value is behind a secret, whichever it is.
type Var struct {
	Name  string
	Value secret.Text
}

// Environ returns the variables that give a program the credentials. Both region
// variables are set, since botocore reads one and Go the other; an empty region sets
// neither. The errors are *creds.FieldError and *ValueError.
//
// A program needs them together with the removal of what Unset lists.
func Environ(c creds.Credentials, region string) ([]Var, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	vars := []Var{
		{"AWS_ACCESS_KEY_ID", secret.New(c.AccessKeyID)},
		{"AWS_SECRET_ACCESS_KEY", c.SecretAccessKey},
		{"AWS_SESSION_TOKEN", c.SessionToken},
		{"AWS_CREDENTIAL_EXPIRATION", secret.New(expiration(c))},
	}
	return withRegion(vars, region)
}

func withRegion(vars []Var, region string) ([]Var, error) {
	if region == "" {
		return vars, nil
	}
	if err := checkRegion(region); err != nil {
		return nil, err
	}
	return append(vars,
		Var{"AWS_REGION", secret.New(region)},
		Var{"AWS_DEFAULT_REGION", secret.New(region)}), nil
}

// Unset returns the variables that would shadow, or contradict, the credentials that
// Environ gives: tried with the SDKs for Go, Python and JavaScript. The variables that
// name files, endpoints and certificates are not among them.
func Unset() []string {
	return []string{
		"AWS_PROFILE",         // JavaScript prefers the profile; Python and Go fail if it does not exist
		"AWS_DEFAULT_PROFILE", // Python prefers it to AWS_PROFILE
		"AWS_SECURITY_TOKEN",  // Python prefers it to AWS_SESSION_TOKEN
		"AWS_ROLE_ARN",
		"AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_ROLE_SESSION_NAME",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
		"AWS_CREDENTIAL_FILE",
		"AWS_SDK_LOAD_CONFIG",
		"AWS_CREDENTIAL_EXPIRATION", // an old one makes Python refuse the new credentials
		"AWS_SESSION_EXPIRATION",    // its other name
		"AWS_ACCOUNT_ID",
	}
}

// Apply returns environ, a list of NAME=value, without every entry that unset or set
// names, however often it is there, and with those of set at the end. It changes none
// of its arguments. On Windows names that differ in case only are one.
func Apply(environ []string, set []Var, unset []string) []string {
	return apply(environ, set, unset, runtime.GOOS == "windows")
}

func apply(environ []string, set []Var, unset []string, foldCase bool) []string {
	canonical := func(name string) string {
		if foldCase {
			return strings.ToUpper(name)
		}
		return name
	}
	drop := map[string]bool{}
	for _, name := range unset {
		drop[canonical(name)] = true
	}
	for _, v := range set {
		drop[canonical(v.Name)] = true
	}
	result := make([]string, 0, len(environ)+len(set))
	for _, entry := range environ {
		if !drop[canonical(entryName(entry))] {
			result = append(result, entry)
		}
	}
	for _, v := range set {
		result = append(result, v.Name+"="+v.Value.Reveal())
	}
	return result
}

// entryName is what stands before the first "=", not counting one at the very start:
// Windows keeps the current folder of each drive under names like "=C:".
func entryName(entry string) string {
	if entry == "" {
		return ""
	}
	end := strings.IndexByte(entry[1:], '=')
	if end < 0 {
		return entry
	}
	return entry[:end+1]
}
