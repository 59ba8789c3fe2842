package profile

import "gatehop/cmd/gatehop/internal/awsfile"

// DefaultSource returns the first key, with its file and line, by which one of the SDKs or
// another gives every tool that names no profile the credentials of the profile called
// default. "" if there is none.
func (c *Config) DefaultSource() (key, file string, line int) {
	const name = "default"
	for i, kind := range []awsfile.Kind{awsfile.Config, awsfile.Credentials} {
		from := &c.files[i]
		found := from.file.Readings(kind, name)
		if len(found) == 0 {
			continue
		}
		for _, s := range append(found, from.file.Defaults()...) {
			for _, k := range s.Keys {
				if givesCredentials(k.Name) {
					return k.Name, from.path, k.Line
				}
			}
		}
	}
	return "", "", 0
}

// givesCredentials reports whether a key of a section makes SDKs look for credentials
// there.
func givesCredentials(name string) bool {
	switch name {
	case "aws_access_key_id", "aws_secret_access_key", "credential_process", "credential_source", "role_arn", "source_profile",
		"web_identity_token_file", "login_session", "sso_session", "sso_account_id", "sso_start_url":
		return true
	}
	return false
}

// ConfigSource returns the key of the config file, and its line, from which the profile
// gets its credentials there: to gatehop, or to any SDK in any spelling. Keys of the
// same name in the credentials file would shadow it for ever. "" if there is none.
func (c *Config) ConfigSource(name string) (key, file string, line int) {
	from := &c.files[0]
	if k, ok := from.file.Source(awsfile.Config, name); ok {
		return k.Name, from.path, k.Line
	}
	return "", from.path, 0
}
