package migrate

import (
	"strings"

	"gatehop/cmd/gatehop/internal/profile"
)

// provider is one of saml2aws's and what gatehop has for it.
type provider struct {
	name string
	kind string // "" if it has nothing
	auth string // gatehop_auth; "" for the form
	path string // what saml2aws adds to the URL
	ask  string // the setting whose value ends path
	but  string // what is different
	why  string // of no kind: the end of a sentence that begins with the account
	runs bool   // it would run a program
}

const (
	whyScript = "signs in at pages that a browser's JavaScript makes"
	byNTLM    = "with gatehop_auth = ntlm, as saml2aws signs in there"
)

// providers are those of saml2aws.go (NewSAMLClient) and the paths in pkg/provider.
func providers() []provider {
	return []provider{
		{name: "ADFS", kind: "adfs"},
		{name: "ADFS2", kind: "adfs", auth: profile.AuthNTLM, but: byNTLM},
		{name: "KeyCloak", kind: "form"},
		{name: "Ping", kind: "form", path: "/idp/startSSO.ping?PartnerSpId=", ask: "aws_urn"},
		{name: "PingNTLM", kind: "form", auth: profile.AuthNTLM, but: byNTLM, path: "/idp/startSSO.ping?PartnerSpId=", ask: "aws_urn"},
		{name: "Shibboleth", kind: "form", path: "/idp/profile/SAML2/Unsolicited/SSO?providerId=", ask: "aws_urn"},
		{name: "F5APM", kind: "form", path: "/saml/idp/res?id=", ask: "resource_id"},
		{name: "NetIQ", kind: "form", path: "/nidp/saml2/idpsend?PID=STSPv8a5kc"},
		{name: "Akamai", why: whyScript},
		{name: "Auth0", why: whyScript},
		{name: "Authentik", why: whyScript},
		{name: "AzureAD", why: whyScript},
		{name: "GoogleApps", why: whyScript},
		{name: "JumpCloud", why: whyScript},
		{name: "Okta", why: whyScript},
		{name: "OneLogin", why: whyScript},
		{name: "PingOne", why: whyScript},
		{name: "Browser", why: "signs in with a browser, which is not built yet"},
		{name: "ShibbolethECP", why: "signs in without a page (ECP), which gatehop does not"},
		{name: "Shell", why: "runs a program of its own, and none comes from a file of another tool", runs: true},
	}
}

// findProvider looks a provider up. saml2aws itself tells capitals apart, people do not.
func findProvider(name string) provider {
	for _, p := range providers() {
		if strings.EqualFold(p.name, name) {
			return p
		}
	}
	return provider{why: "names no provider that saml2aws has"}
}

// row is one setting of saml2aws's (IDPAccount of pkg/cfg/cfg.go).
type row struct {
	key  string
	flag bool     // it is on or off
	same []string // values that ask for what gatehop does anyway

	fate Fate // what becomes of any other value, unless read says it
	why  string
	read func(*reading, string, provider) Note
}

func (r row) whySame(text string) string {
	switch {
	case text == "":
		return whyEmpty
	case r.flag:
		return whyOff
	}
	return r.why
}

const (
	whyEmpty   = "it is empty"
	whyOff     = "it is off"
	whyBrowser = "only the provider Browser reads it"
	whyOkta    = "only the provider Okta reads it"
	whyLogin   = "only the provider OneLogin reads it"
	whyPolicy  = "gatehop passes no session policy: a session has all rights of its role"
	whyRetry   = "gatehop has its own rules of what is tried again, and a password is none of it"
	whyWrites  = "gatehop writes no keys: tools ask it for them"
)

func rows() []row {
	return []row{
		{key: "provider", read: readProvider},
		{key: "url", read: readURL},
		{key: "username", read: readUsername},
		{key: "aws_urn", read: readURN},
		{key: "role_arn", read: setting("gatehop_role_arn")},
		{key: "region", read: setting("region")},
		{key: "aws_session_duration", read: readDuration},
		{key: "aws_profile", fate: Taken}, // noteName says it
		{key: "mfa", read: readMFA},
		{key: "resource_id", read: readResource},
		{key: "target_url", read: readTarget},

		{key: "skip_verify", flag: true, fate: Refused, why: "the server's certificate is always checked"},
		{key: "saml_cache", flag: true, fate: Refused, why: "no assertion is kept on disk"},
		{key: "saml_cache_file", fate: Refused, why: "no assertion is kept on disk"},
		{key: "policy_file", fate: NotPossible, why: whyPolicy},
		{key: "policy_arn_list", fate: NotPossible, why: whyPolicy},
		{key: "kc_broker", fate: NotPossible, why: "the choice of another organisation's sign-in is not built yet"},

		{key: "name", fate: NotNeeded, why: "saml2aws itself goes by the section's name"},
		{key: "timeout", same: []string{"0"}, fate: NotNeeded, why: whyBrowser},
		{key: "credentials_file", fate: NotNeeded, why: whyWrites},
		{key: "http_attempts_count", fate: NotNeeded, why: whyRetry},
		{key: "http_retry_delay", fate: NotNeeded, why: whyRetry},
		{key: "prompter", fate: NotNeeded, why: "gatehop asks on the terminal"},
		{key: "app_id", fate: NotNeeded, why: "only the providers AzureAD and OneLogin read it"},
		{key: "subdomain", fate: NotNeeded, why: whyLogin},
		{key: "mfa_ip_address", fate: NotNeeded, why: whyLogin},
		{key: "disable_remember_device", flag: true, fate: NotNeeded, why: whyOkta},
		{key: "disable_sessions", flag: true, fate: NotNeeded, why: whyOkta},
		{key: "browser_type", fate: NotNeeded, why: whyBrowser},
		{key: "browser_executable_path", fate: NotNeeded, why: whyBrowser},
		{key: "browser_autofill", flag: true, fate: NotNeeded, why: whyBrowser},
		{key: "browser_driver_dir", fate: NotNeeded, why: whyBrowser},
		{key: "download_browser_driver", flag: true, fate: NotNeeded, why: whyBrowser},
		{key: "headless", flag: true, fate: NotNeeded, why: whyBrowser},
		{key: "kc_auth_error_message", fate: NotNeeded, why: "gatehop shows what the page says"},
		{key: "kc_auth_error_element", fate: NotNeeded, why: "gatehop shows what the page says"},
	}
}

func rowsByKey() map[string]row {
	byKey := map[string]row{}
	for _, r := range rows() {
		byKey[r.key] = r
	}
	return byKey
}
