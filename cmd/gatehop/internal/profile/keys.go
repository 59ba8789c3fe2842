package profile

import (
	"slices"
	"strings"

	"gatehop/cmd/gatehop/internal/weburl"
)

// prefix begins the name of every key that is gatehop's own.
const prefix = "gatehop_"

// scope says whose section a key belongs in.
type scope uint8

const (
	scopeSignIn scope = iota // a profile that signs in
	scopeHop                 // a profile with a source profile
	scopeBoth
	scopeAWS // a key of AWS's that is only looked at
)

// key is one row of the table.
type key struct {
	name  string // without gatehop_
	scope scope
	plain bool // gatehop_NAME is read first, NAME second

	// parse returns the value as it is kept, and what is wrong with it, as the end of a
	// sentence that begins with the key. It is nil
	// for keys of AWS's whose presence is all that matters.
	parse func(value string, at Place) (kept, problem string)

	near func(value string, urls weburl.Reader) string // what was meant by a value that parse refuses, "" if nothing is near; nil: nobody can tell

	later string   // the feature that is not built yet; "" if it is
	built []string // the values that are, although later is set

	own  bool // gatehop_from does not copy it
	runs bool // names a program: words in quotes, and only in a file that nobody else can write

	// Why a change of the value changes neither Chain.CacheKey (in a gateway, in a hop)
	// nor SignIn.Key; "" if it does. A scope that a key is not of needs no reason.
	notGateway, notHop, notSignIn string
}

const (
	whyShown   = "is only shown to people"
	whyRefused = "is refused: nothing can be made with it"
	whyOfHop   = "is for tools behind the hop; STS region, endpoint and roots are the gateway's"
	whyName    = "is a name; what stands under it counts"
	whyOthers  = "is what other tools do with the profile; gatehop only warns about it"
	whyAWS     = "is about AWS, not about the identity provider"
	whyPatient = "is how long a sign-in may take, not what comes of it"
	whyStore   = "is where secrets are kept, not what they are"
	whyLater   = "is refused until its feature is built"
	whySource  = "is where a secret comes from, not what comes of it"
	whyNotice  = "is how a person is told of something, not what comes of it"
	whyProof   = "is how a person shows who they are, not who that is"
	whyNames   = "is who may be asked what accounts are called, not what they are"
)

// keys is the whole configuration; nothing writes to it.
var keys = [...]key{
	// The identity provider.
	{name: "idp", scope: scopeSignIn, parse: kind},
	{name: "from", scope: scopeSignIn, parse: text, own: true, notGateway: whyName, notSignIn: whyName},
	{name: "url", scope: scopeSignIn, parse: signInURL, near: NearURL},
	{name: "username", scope: scopeSignIn, parse: text},
	{name: "relying_party", scope: scopeSignIn, parse: text},
	{name: "auth", scope: scopeSignIn, parse: oneOf("forms", AuthNTLM, AuthKerberos, AuthCertificate, "basic", "digest"),
		near: nearestOf("forms", AuthNTLM, AuthKerberos, AuthCertificate, "basic", "digest")},
	{name: "keytab", scope: scopeSignIn, parse: path},
	{name: "krb5_conf", scope: scopeSignIn, parse: path},
	{name: "ccache", scope: scopeSignIn, parse: ccache},
	{name: "client_cert", scope: scopeSignIn, parse: path},
	{name: "client_key", scope: scopeSignIn, parse: path},
	{name: "user_agent", scope: scopeSignIn, parse: visibleASCII},
	{name: "ca_bundle", scope: scopeSignIn, parse: path},
	{name: "proxy", scope: scopeSignIn, parse: proxy},
	{name: "tls", scope: scopeSignIn, parse: oneOf(LegacyTLS), near: nearestOf(LegacyTLS)},
	{name: "trusted_hosts", scope: scopeSignIn, parse: listOf(trustedHost)},
	{name: "acs", scope: scopeSignIn, parse: listOf(signInURL)},
	{name: "adfs_domain", scope: scopeSignIn, parse: domain},
	{name: "adfs_certificate_port", scope: scopeSignIn, parse: port},
	{name: "home_realm", scope: scopeSignIn, parse: text},
	{name: "mfa", scope: scopeSignIn, parse: text, notGateway: whyProof, notSignIn: whyProof},
	{name: "timeout", scope: scopeSignIn, parse: timeout, notGateway: whyPatient, notSignIn: whyPatient},
	{name: "store", scope: scopeSignIn, parse: oneOf("keyring", "file", "none"), near: nearestOf("keyring", "file", "none"), notGateway: whyStore, notSignIn: whyStore},

	{name: "keep_session", scope: scopeSignIn, parse: oneOf("yes", "no"), near: nearestOf("yes", "no"), notGateway: whyStore, notSignIn: whyStore},

	{name: "account_names", scope: scopeSignIn, parse: oneOf(NamesPage, NamesIAM, NamesNone), notGateway: whyNames, notSignIn: whyNames},

	{name: "password_command", scope: scopeSignIn, parse: command, runs: true, notGateway: whySource, notSignIn: whySource},
	{name: "otp_command", scope: scopeSignIn, parse: command, runs: true, notGateway: whySource, notSignIn: whySource},
	{name: "notify_command", scope: scopeSignIn, parse: command, runs: true, notGateway: whyNotice, notSignIn: whyNotice},

	// The gateway's role.
	{name: "principal_arn", scope: scopeSignIn, parse: providerARN, own: true, notSignIn: whyAWS},
	{name: "session_duration", scope: scopeSignIn, parse: sessionDuration, notSignIn: whyAWS},

	// Roles of both kinds, and hops.
	{name: "role_arn", scope: scopeBoth, plain: true, parse: roleARN, notSignIn: whyAWS},
	{name: "source_profile", scope: scopeHop, plain: true, parse: text, notHop: whyName},
	{name: "external_id", scope: scopeHop, plain: true, parse: externalID},
	{name: "duration_seconds", scope: scopeHop, plain: true, parse: hopSeconds},
	{name: "role_session_name", scope: scopeHop, plain: true, parse: sessionName},
	{name: "mfa_serial", scope: scopeHop, plain: true, parse: mfaSerial, notHop: whyRefused},
	{name: "source_identity", scope: scopeHop, parse: sessionName},
	{name: "tags", scope: scopeHop, parse: tagPairs},
	{name: "transitive_tags", scope: scopeHop, parse: tagText},
	{name: "region", scope: scopeBoth, plain: true, parse: region, notHop: whyOfHop, notSignIn: whyAWS},
	{name: "alias", scope: scopeBoth, parse: text, notGateway: whyShown, notHop: whyShown, notSignIn: whyShown},
	{name: "color", scope: scopeBoth, parse: color, notGateway: whyShown, notHop: whyShown, notSignIn: whyShown},
	{name: "note", scope: scopeBoth, parse: text, notGateway: whyShown, notHop: whyShown, notSignIn: whyShown},

	// Not built yet.
	later("plugin_name", text, "identity providers as plug-ins"),

	// AWS's own. The rest of AWS's keys are none of gatehop's business.
	{name: "endpoint_url", scope: scopeAWS, parse: endpoint, notHop: whyOfHop, notSignIn: whyAWS},
	{name: "services", scope: scopeAWS, parse: text, notGateway: whyName, notHop: whyOfHop, notSignIn: whyAWS},
	{name: "ignore_configured_endpoint_urls", scope: scopeAWS, parse: boolean, notHop: whyOfHop, notSignIn: whyAWS},
	{name: "ca_bundle", scope: scopeAWS, parse: path, notHop: whyOfHop, notSignIn: whyAWS},
	others("credential_process"),
	others("aws_access_key_id"),
	others("credential_source"),
	others("login_session"),
	others("sso_session"),
	others("sso_start_url"),
	others("web_identity_token_file"),
}

func later(name string, parse func(value string, at Place) (string, string), feature string) key {
	return key{name: name, scope: scopeSignIn, parse: parse, later: feature, notGateway: whyLater, notSignIn: whyLater}
}

func others(name string) key {
	return key{name: name, scope: scopeAWS, notGateway: whyOthers, notHop: whyOthers, notSignIn: whyOthers}
}

// full is the key's name in a file; of a pair the one that is gatehop's own.
func (k *key) full() string {
	if k.scope == scopeAWS {
		return k.name
	}
	return prefix + k.name
}

// lookup finds a key by the name that it has in a file. The plain name of a pair is
// the pair's.
func lookup(name string) (k *key, ok bool) {
	for i := range keys {
		if k := &keys[i]; k.full() == name || k.plain && k.name == name {
			return k, true
		}
	}
	return nil, false
}

// setting finds a sign-in key by its name without the prefix.
func setting(name string) (k *key, ok bool) {
	k, ok = lookup(prefix + name)
	return k, ok && k.scope == scopeSignIn
}

// provider returns the kind of provider whose own key k is, "" if it is everybody's.
func (k *key) provider() string {
	for _, kind := range []string{"adfs", "form"} {
		if strings.HasPrefix(k.name, kind+"_") {
			return kind
		}
	}
	return ""
}

// isBuilt reports whether some value of the key can be used.
func (k *key) isBuilt() bool { return k.later == "" || len(k.built) > 0 }

// awaited returns the feature that value needs and that is not built yet, or "".
func (k *key) awaited(value string) string {
	if slices.Contains(k.built, value) {
		return ""
	}
	return k.later
}
