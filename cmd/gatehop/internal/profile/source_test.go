package profile

import (
	"path/filepath"
	"testing"
)

// TestDefaultSource has what tools take before a container credentials endpoint.
func TestDefaultSource(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, config, credentials string
		key, file                 string
		line                      int
	}{
		{"nothing", gatewayP, "", "", "", 0},
		{"a region", "[default]\nregion = eu-west-1\noutput = json\n", "[default]\nx_principal_arn = x\n", "", "", 0},
		{"another's keys", "[profile p]\ncredential_process = x\n", "[p]\naws_access_key_id = x\n", "", "", 0},
		{"a gateway that only gatehop reads", "[default]\ngatehop_idp = adfs\n", "", "", "", 0},
		{"a helper", "[default]\nregion = x\ncredential_process = x\n", "", "credential_process", "config", 3},
		{"with the word profile", "[profile default]\ncredential_process = x\n", "", "credential_process", "config", 2},
		{"a role", "[default]\nrole_arn = x\nsource_profile = y\n", "", "role_arn", "config", 2},
		{"single sign-on", "[default]\nsso_session = x\n", "", "sso_session", "config", 2},
		{"a web identity", "[default]\nweb_identity_token_file = x\n", "", "web_identity_token_file", "config", 2},
		{"a login session", "[default]\nlogin_session = x\n", "", "login_session", "config", 2},
		{"keys", "[default]\nregion = x\n", "[other]\n[default]\naws_access_key_id = x\n", "aws_access_key_id", "credentials", 3},
		{"keys in the config file", "[default]\naws_access_key_id = x\n", "", "aws_access_key_id", "config", 2},
		{"what botocore adds to every section", "[DEFAULT]\ncredential_process = x\n[default]\nregion = x\n", "", "credential_process", "config", 2},
		{"the same without the section", "[DEFAULT]\ncredential_process = x\n", "", "", "", 0},
	} {
		config, _ := configure(t, c.config, c.credentials)
		key, file, line := config.DefaultSource()
		if file != "" {
			file = filepath.Base(file)
		}
		if key != c.key || file != c.file || line != c.line {
			t.Errorf("%s: DefaultSource = %q, %q, %d; want %q, %q, %d", c.name, key, file, line, c.key, c.file, c.line)
		}
	}
}
