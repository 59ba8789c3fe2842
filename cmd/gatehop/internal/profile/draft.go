package profile

import "runtime"

// Draft is a profile as it is to be written into the AWS config file. A field that is
// empty is a key that is not to be there. It holds no secret.
type Draft struct {
	Name string

	// Of a gateway: Kind is never empty there.
	Kind, URL, Username, Auth            string
	RelyingParty, ADFSDomain             string
	HomeRealm, MFA                       string
	CABundle, Proxy, UserAgent, Timeout  string
	SessionDuration, PrincipalARN, Store string

	// Of a hop: Source is never empty there.
	Source, ExternalID string

	// Of both.
	RoleARN, Region    string
	Alias, Color, Note string

	Helper string // the absolute path of gatehop, for credential_process; "" for none
}

// Value is one key of a file and what stands behind it.
type Value struct{ Name, Value string }

// field is one key and where a draft keeps it.
type field struct {
	name string
	text *string
}

// fields are the keys of a draft in the order in which a person would write them, but
// for credential_process, which stands before the last.
func (d *Draft) fields() []field {
	return []field{
		{prefix + "idp", &d.Kind}, {prefix + "url", &d.URL}, {prefix + "username", &d.Username},
		{prefix + "auth", &d.Auth},
		{prefix + "adfs_domain", &d.ADFSDomain}, {prefix + "relying_party", &d.RelyingParty},
		{prefix + "home_realm", &d.HomeRealm}, {prefix + "mfa", &d.MFA},
		{prefix + "ca_bundle", &d.CABundle}, {prefix + "proxy", &d.Proxy},
		{prefix + "user_agent", &d.UserAgent}, {prefix + "timeout", &d.Timeout},
		{prefix + "role_arn", &d.RoleARN}, {prefix + "principal_arn", &d.PrincipalARN},
		{prefix + "session_duration", &d.SessionDuration}, {prefix + "store", &d.Store},
		{prefix + "source_profile", &d.Source}, {prefix + "external_id", &d.ExternalID},
		{prefix + "alias", &d.Alias}, {prefix + "color", &d.Color}, {prefix + "note", &d.Note},
		{"region", &d.Region},
	}
}

// Values are the keys of the draft in the order in which a person would write them.
func (d *Draft) Values() []Value {
	var vs []Value
	fields := d.fields()
	for i, f := range fields {
		if helper := d.helper(); helper != "" && i == len(fields)-1 {
			vs = append(vs, Value{"credential_process", helper})
		}
		if *f.text != "" {
			vs = append(vs, Value{f.name, *f.text})
		}
	}
	return vs
}

// helper is the command line for tools.
func (d *Draft) helper() string {
	if d.Helper == "" {
		return ""
	}
	line, _ := commandLine(d.Helper, d.Name, runtime.GOOS == "windows")
	return line
}
