package team

import (
	"strings"
	"unicode"
)

// fate says what becomes of a key in a team file.
type fate int

const (
	refused fate = iota // the whole file is
	left                // the key is left out, and that is said
	carried
)

// profiles says in which profiles a key has an effect.
type profiles int

const (
	both profiles = iota
	gateways
	hops
)

func (p profiles) String() string {
	return [...]string{"every profile", "one that signs in", "one with a source profile"}[p]
}

// row is one key of a team file. Its zero value is refused.
type row struct {
	name string
	fate fate
	only profiles

	as    string // carried: the key of the draft
	check func(text string) string
	why   string // left, refused: the end of a sentence that begins with the key
}

const (
	whyPerson  = "is the person's own"
	whyProgram = "runs a program, and none comes from a team file"
	whySecret  = "is a secret, and a team file holds none"
	whyHosts   = "would add to where secrets are sent"
	whyTLS     = "would weaken whom the person trusts"
	whyKeys    = "gives credentials otherwise than by signing in"
	whySTS     = "would decide where AWS is asked"
	whyEach    = "would name or tag everybody's sessions alike"
	whyUnset   = "is not written by gatehop configure"
)

// rows is every key that a team file may carry and every one that deserves a reason of
// its own. What is not in it is refused if it is gatehop's or could be a secret, and left
// out otherwise.
func rows() []row {
	return []row{
		{name: "gatehop_idp", fate: carried, only: gateways, as: "gatehop_idp", check: builtIn},
		{name: "gatehop_url", fate: carried, only: gateways, as: "gatehop_url"},
		{name: "gatehop_adfs_domain", fate: carried, only: gateways, as: "gatehop_adfs_domain"},
		{name: "gatehop_home_realm", fate: carried, only: gateways, as: "gatehop_home_realm"},
		{name: "gatehop_relying_party", fate: carried, only: gateways, as: "gatehop_relying_party"},
		{name: "gatehop_proxy", fate: carried, only: gateways, as: "gatehop_proxy", check: noPassword},
		{name: "gatehop_user_agent", fate: carried, only: gateways, as: "gatehop_user_agent"},
		{name: "gatehop_timeout", fate: carried, only: gateways, as: "gatehop_timeout"},
		{name: "gatehop_session_duration", fate: carried, only: gateways, as: "gatehop_session_duration"},
		{name: "gatehop_principal_arn", fate: carried, only: gateways, as: "gatehop_principal_arn"},
		{name: "gatehop_role_arn", fate: carried, as: "gatehop_role_arn"},
		{name: "role_arn", fate: carried, only: hops, as: "gatehop_role_arn"},
		{name: "gatehop_source_profile", fate: carried, only: hops, as: "gatehop_source_profile"},
		{name: "source_profile", fate: carried, only: hops, as: "gatehop_source_profile"},
		{name: "gatehop_external_id", fate: carried, only: hops, as: "gatehop_external_id"},
		{name: "external_id", fate: carried, only: hops, as: "gatehop_external_id"},
		{name: "gatehop_region", fate: carried, as: "region"},
		{name: "region", fate: carried, as: "region"},
		{name: "gatehop_alias", fate: carried, as: "gatehop_alias"},
		{name: "gatehop_color", fate: carried, as: "gatehop_color"},
		{name: "gatehop_note", fate: carried, as: "gatehop_note"},

		// A company's own root decides whom the person's password goes to: it is named by
		// the person, who can look at it, and not by a file that came in a mail.
		{name: "gatehop_ca_bundle", fate: left, why: "is not taken: whom one trusts is not for a team file to say"},
		{name: "gatehop_store", fate: left, why: "is not taken: where secrets are kept is the person's own"},
		{name: "gatehop_account_names", fate: left, why: "is not taken: who is asked for names is the person's own"},
		{name: "credential_process", fate: left, why: "is not taken: gatehop configure writes its own"},
		{name: "x_gatehop_profile", fate: left, why: "is not taken: it is a mark of gatehop's"},
		{name: "duration_seconds", fate: left, why: whyUnset},
		{name: "gatehop_duration_seconds", fate: left, why: whyUnset},
		{name: "gatehop_auth", fate: left, why: "is not taken: how one signs in is the person's own"},

		{name: "gatehop_username", why: whyPerson},
		{name: "gatehop_from", why: "copies keys of another profile; a team file writes them out"},
		{name: "gatehop_password_command", why: whyProgram},
		{name: "gatehop_otp_command", why: whyProgram},
		{name: "gatehop_notify_command", why: whyProgram},
		{name: "gatehop_plugin_name", why: whyProgram},
		{name: "gatehop_trusted_hosts", why: whyHosts},
		{name: "gatehop_acs", why: whyHosts},
		{name: "gatehop_tls", why: whyTLS},
		{name: "ca_bundle", why: whyTLS},
		{name: "gatehop_client_cert", why: whyPerson},
		{name: "gatehop_client_key", why: whySecret},
		{name: "gatehop_adfs_certificate_port", why: whyPerson},
		{name: "gatehop_keytab", why: whySecret},
		{name: "gatehop_krb5_conf", why: whySecret},
		{name: "gatehop_ccache", why: whySecret},
		{name: "gatehop_keep_session", why: whyPerson},
		{name: "gatehop_mfa", why: whyPerson},
		{name: "mfa_serial", why: whyPerson},
		{name: "gatehop_mfa_serial", why: whyPerson},
		{name: "role_session_name", why: whyEach},
		{name: "gatehop_role_session_name", why: whyEach},
		{name: "gatehop_source_identity", why: whyEach},
		{name: "gatehop_tags", why: whyEach},
		{name: "gatehop_transitive_tags", why: whyEach},
		{name: "endpoint_url", why: whySTS},
		{name: "services", why: whySTS},
		{name: "ignore_configured_endpoint_urls", why: whySTS},
		{name: "aws_access_key_id", why: whyKeys},
		{name: "aws_secret_access_key", why: whySecret},
		{name: "aws_session_token", why: whySecret},
		{name: "aws_security_token", why: whySecret},
		{name: "credential_source", why: whyKeys},
		{name: "login_session", why: whyKeys},
		{name: "web_identity_token_file", why: whyKeys},
	}
}

// table is the rows by the name of the key.
type table map[string]row

func keys() table {
	t := table{}
	for _, r := range rows() {
		t[r.name] = r
	}
	return t
}

// find returns the row of a key, and one made for it if there is none.
func (t table) find(name string) row {
	if r, ok := t[name]; ok {
		return r
	}
	switch {
	case strings.HasPrefix(name, "gatehop_"):
		return row{name: name, why: "is not a key that gatehop knows"}
	case isSecret(name):
		return row{name: name, why: whySecret}
	case strings.HasPrefix(name, "sso_"), strings.HasPrefix(name, "aws_"):
		return row{name: name, why: whyKeys}
	case strings.HasPrefix(name, "endpoint_url"):
		return row{name: name, why: whySTS}
	}
	return row{name: name, fate: left, why: "is not gatehop's, and is left out"}
}

// builtIn knows the kinds that run nothing but gatehop.
func builtIn(kind string) string {
	if kind != "adfs" && kind != "form" {
		return "is neither adfs nor form"
	}
	return ""
}

// noPassword wants a proxy's address without the name and password of anybody.
func noPassword(proxy string) string {
	if strings.Contains(proxy, "@") {
		return "holds a user name or password"
	}
	return ""
}

// isSecret goes by the name of a key.
func isSecret(name string) bool {
	name = strings.NewReplacer("_", "", "-", "", ".", "").Replace(strings.ToLower(name))
	for _, word := range []string{"secret", "passw", "passphrase", "passcode", "token", "apikey", "privatekey", "otp"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// clean is a foreign name for a terminal.
func clean(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, name)
}
