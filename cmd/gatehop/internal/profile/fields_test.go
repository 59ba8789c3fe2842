package profile

import (
	"path/filepath"
	"slices"
	"testing"

	"gatehop/cmd/gatehop/internal/anyurl"
)

func TestDraftSet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, tt := range []struct{ key, text, kept, problem string }{
		{"gatehop_idp", "adfs", "adfs", ""},
		{"gatehop_idp", "ADFS", "", "is not the name of a kind of identity provider (small letters)"},
		{"gatehop_url", "https://adfs.corp.example", "https://adfs.corp.example", ""},
		{"gatehop_url", "http://adfs.corp.example", "", "is not an https URL (http is for loopback hosts)"},
		{"gatehop_url", "https://alice:pw@adfs.corp.example", "", "holds a user name or password"},
		{"gatehop_username", `CORP\alice`, `CORP\alice`, ""},
		{"gatehop_username", "alice\ngatehop_password_command = x", "", "has a value of more than one line"},
		{"gatehop_username", "alice\x1b[2J", "", "holds a character that cannot be seen"},
		{"gatehop_username", "alice\u202e", "", "holds a character that cannot be seen"},
		{"gatehop_username", "alice #2", "", "has a value of which a part would be a comment"},
		{"gatehop_username", "#alice", "", "has a value of which a part would be a comment"},
		{"gatehop_username", " alice", "", "has white space at an end"},
		{"gatehop_username", `"alice"`, "", "is in quotes, which would be a part of the value"},
		{"gatehop_username", "", "", "has no value (text behind # or ; is a comment)"},
		{"gatehop_username", "al\xffice", "", "is not UTF-8"},
		{"gatehop_session_duration", "8h", "8h", ""},
		{"gatehop_session_duration", "13h", "", "is neither max nor a duration from 15m to 12h, such as 8h"},
		{"gatehop_ca_bundle", "ca.pem", filepath.Join(dir, "ca.pem"), ""},
		{"gatehop_ca_bundle", "~/ca.pem", "", "begins with ~, which is not expanded"},
		{"gatehop_role_arn", "arn:aws:iam::222222222222:role/Admins", "arn:aws:iam::222222222222:role/Admins", ""},
		{"gatehop_role_arn", "Admins", "", "is not the ARN of a role (arn:PARTITION:iam::ACCOUNT:role/NAME)"},
		{"gatehop_external_id", "a b", "", "is not 2 to 1224 of letters, digits and _+=,.@:/-"},
		{"gatehop_color", "00ff00", "00ff00", ""},
		{"gatehop_color", "#00ff00", "", "has a value of which a part would be a comment"},
		{"gatehop_color", "green", "", "is not six hexadecimal digits (without #)"},
		{"gatehop_note", "ask Bob first", "ask Bob first", ""},
		{"region", "eu-west-1", "eu-west-1", ""},
		{"region", "eu west", "", "is not the name of a region: small letters, digits and - alone"},
		{"gatehop_password_command", "/bin/cat pw", "", "is not a key that can be written for a profile"},
		{"gatehop_trusted_hosts", "evil.example", "", "is not a key that can be written for a profile"},
		{"role_arn", "arn:aws:iam::222222222222:role/Admins", "", "is not a key that can be written for a profile"},
	} {
		var d Draft
		if problem := d.Set(tt.key, tt.text, Place{dir, anyurl.Read}); problem != tt.problem || d.Get(tt.key) != tt.kept {
			t.Errorf("Set(%s, %q) = %q and keeps %q, want %q and %q", tt.key, tt.text, problem, d.Get(tt.key), tt.problem, tt.kept)
		}
		if tt.problem != "" && d != (Draft{}) {
			t.Errorf("Set(%s, %q) refuses and keeps %+v", tt.key, tt.text, d)
		}
	}
}

// TestDraftFields: every key has a place of its own, is written, and is one that the
// reader knows (or that is only shown).
func TestDraftFields(t *testing.T) {
	t.Parallel()
	d := Draft{Name: "p"}
	for i, f := range d.fields() {
		*f.text = string(rune('a' + i))
		if _, ok := lookup(f.name); !ok && shown(f.name) == nil {
			t.Errorf("%s is written and not read", f.name)
		}
	}
	var names []string
	for i, v := range d.Values() {
		names = append(names, v.Name)
		if want := string(rune('a' + i)); v.Value != want {
			t.Errorf("%s = %q, want %q: two keys have one place", v.Name, v.Value, want)
		}
	}
	if !slices.Equal(names, Keys()) {
		t.Errorf("Values writes %q, Keys are %q", names, Keys())
	}
	d.Helper = "/usr/bin/gatehop"
	vs := d.Values()
	if v := vs[len(vs)-2]; v != (Value{"credential_process", `"/usr/bin/gatehop" credential-process p`}) || vs[len(vs)-1].Name != "region" {
		t.Errorf("Values ends with %v, want credential_process before region", vs[len(vs)-2:])
	}
}
