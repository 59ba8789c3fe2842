package sink

import (
	"errors"
	"strings"
	"testing"

	"gatehop/creds"
)

func TestSection(t *testing.T) {
	t.Parallel()
	c := testCredentials()
	for region, want := range map[string]string{
		"eu-west-1": "aws_access_key_id aws_secret_access_key aws_session_token region x_security_token_expires",
		"":          "aws_access_key_id aws_secret_access_key aws_session_token x_security_token_expires",
	} {
		keys, err := Section(c, region)
		if err != nil || strings.Join(names(keys), " ") != want {
			t.Errorf("Section in %q = %q, %v, want %s", region, names(keys), err, want)
		}
		if expires := keys[len(keys)-1].Value.Reveal(); expires != expiration(c) || !strings.HasSuffix(expires, "Z") {
			t.Errorf("expiry = %q, want RFC 3339 with Z", expires)
		}
		if !keys[2].Value.Equal(c.SessionToken) {
			t.Error("the token is another one")
		}
	}
}

func TestSectionRefuses(t *testing.T) {
	t.Parallel()
	c := testCredentials()
	var value *ValueError
	if _, err := Section(c, "eu-west-1\nrole_arn = x"); !errors.As(err, &value) {
		t.Errorf("Section with a region of two lines = %v, want a *ValueError", err)
	}
	c.AccessKeyID = "ASIA\naws_session_token = x"
	var field *creds.FieldError
	if _, err := Section(c, ""); !errors.As(err, &field) {
		t.Errorf("Section with a key id of two lines = %v, want a *creds.FieldError", err)
	}
}
