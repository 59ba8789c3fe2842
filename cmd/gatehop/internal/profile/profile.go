// Package profile reads the AWS configuration into chains of profiles.
//
// It is the only package that knows the names of keys; all of them stand in one table
// (keys.go). What it returns is plain data, checked for form: no file named in it has
// been opened and no host looked up. It reads no environment.
package profile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// Files are the two AWS files by absolute path. A file that does not exist is empty.
type Files struct{ Config, Credentials string }

// Chain is the way to a profile's credentials: the gateway first, the profile that was
// asked for last. It is never empty, and only its first profile has a SignIn.
type Chain []Profile

// Region is the STS region for all hops as far as the configuration says: that of the
// gateway, or "". What a tool behind the chain should use is the last profile's own.
func (ch Chain) Region() string { return ch[0].Region }

// Profile is one profile of a chain: the gateway or a hop.
type Profile struct {
	Name string
	File string // that holds its section; the config file if both do
	Line int    // of the section's header

	SignIn *SignIn // of the gateway only

	RoleARN        string // gateway: gatehop_role_arn, may be empty; hop: never empty
	ExternalID     string
	SessionName    string // hop; empty: the gateway session's
	SourceIdentity string
	Tags           map[string]string // nil if there are none
	TransitiveTags []string          // sorted; keys of Tags
	Duration       time.Duration     // hop: 15 min to 1 h, which longer ones are lowered to; 0 if not set
	Region         string
	Alias          string // of the role's account; like Color and Note it is only shown
	Color          string // six hex digits in lower case, or empty
	Note           string

	Endpoint    string // gateway: the STS endpoint that its keys name, https or a literal loopback address
	AWSCABundle string // ca_bundle, absolute path

	// What other tools find in the profile, for warnings about what shadows what.
	CredentialProcess string   // the command line as botocore reads it
	StaticKeys        string   // the file in which aws_access_key_id stands; "" if in none
	OtherSources      []string // names of keys for further sources of credentials, sorted: sso_session, login_session, ...
}

// Values of gatehop_account_names. Where the configuration does not say, it is NamesPage.
const (
	NamesPage = "page" // AWS's sign-in page
	NamesIAM  = "iam"  // the page, and IAM in the accounts that a login goes through
	NamesNone = "none"
)

// Values of gatehop_auth by which something else may stand in the place of user name and
// password. The others are "forms", "basic" and "digest".
const (
	AuthCertificate = "certificate"
	AuthKerberos    = "kerberos"
	AuthNTLM        = "ntlm"
)

// LegacyTLS is the value of gatehop_tls that lets the provider speak old TLS.
const LegacyTLS = "legacy"

// SignIn is how one signs in at the identity provider. The zero value of a field means
// that the configuration does not say.
type SignIn struct {
	Kind         string // gatehop_idp: "adfs", "form"
	URL          string // https, or http of a loopback host
	Username     string
	RelyingParty string
	Auth         string // "forms", "basic", "digest", AuthCertificate, AuthKerberos, AuthNTLM
	Keytab       string // absolute path
	CCache       string // a credential cache as in KRB5CCNAME: an absolute path, or TYPE:REST of another type than FILE
	Krb5Conf     string // absolute path; "": KRB5_CONFIG's, else the system's
	ClientCert   string // absolute path; with the key in ClientKey or, if that is "", in itself
	ClientKey    string // absolute path
	MFA          string // which of the methods that a provider offers, by its id or what the page calls it
	HomeRealm    string // which organisation, in the same way
	UserAgent    string
	CABundle     string // absolute path
	TLS          string // "" or LegacyTLS
	Proxy        string // URL or "none"
	Store        string // "keyring", "file" or "none"
	PrincipalARN string // the SAML provider, for encrypted assertions
	KeepSession  string // "yes" or "no": the provider's own session, by its cookies
	AccountNames string // who may be asked what accounts are called: NamesPage, NamesIAM, NamesNone

	TrustedHosts []string // origins: a URL, or HOST[:PORT] for https
	ACS          []string // assertion consumer URLs

	// The words of programs that answer in the person's place: the first is an absolute
	// path or a bare name. Nothing is expanded in them. nil if there is none.
	PasswordCommand, OTPCommand []string

	// NotifyCommand are the words of a program that shows the person a message, which is
	// one argument more. nil if there is none.
	NotifyCommand []string

	Timeout         time.Duration
	SessionDuration time.Duration // 15 min to 12 h
	Max             bool          // gatehop_session_duration = max

	// Settings are the sign-in settings as text, named as their keys without gatehop_
	// ("url", "adfs_domain"), and "partition": of gatehop_role_arn, else of the region,
	// else "aws". It is never nil. Where a field above says something else, the field
	// counts, so that a caller may change one in a copy.
	Settings map[string]string
}

// IsLegacy reports whether the provider may speak old TLS.
func (s *SignIn) IsLegacy() bool { return s.TLS == LegacyTLS }

// settings are the Settings with the fields written over them.
func (s *SignIn) settings() map[string]string {
	m := maps.Clone(s.Settings)
	if m == nil {
		m = map[string]string{}
	}
	session := duration(s.SessionDuration)
	if s.Max {
		session = sessionMax
	}
	for name, value := range map[string]string{
		"url": s.URL, "username": s.Username, "relying_party": s.RelyingParty, "auth": s.Auth,
		"keytab": s.Keytab, "ccache": s.CCache, "krb5_conf": s.Krb5Conf,
		"mfa": s.MFA, "home_realm": s.HomeRealm,
		"user_agent": s.UserAgent, "ca_bundle": s.CABundle, "tls": s.TLS,
		"client_cert": s.ClientCert, "client_key": s.ClientKey, "proxy": s.Proxy, "store": s.Store,
		"principal_arn": s.PrincipalARN, "account_names": s.AccountNames, "keep_session": s.KeepSession, "trusted_hosts": strings.Join(s.TrustedHosts, ", "),
		"acs": strings.Join(s.ACS, ", "), "timeout": duration(s.Timeout), "session_duration": session,
	} {
		if m[name] = value; value == "" {
			delete(m, name)
		}
	}
	return m
}

func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// Decode fills v, a pointer to a struct whose fields are strings and whose json tags
// name settings without their prefix: `json:"url"`, `json:"adfs_domain"`,
// `json:"partition"`. Settings that v does not name are left out.
func (s *SignIn) Decode(v any) error {
	text, err := json.Marshal(s.settings())
	if err != nil {
		return fmt.Errorf("read the sign-in settings: %v", err)
	}
	err = json.Unmarshal(text, v)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind): // its own words quote the value
		return fmt.Errorf("read the sign-in setting %s: the adapter does not take it as text", kind.Field)
	case err != nil:
		return fmt.Errorf("read the sign-in settings: %v", err)
	}
	return nil
}

// Error is one thing that is wrong with the configuration. A caller exits with status 2.
// It holds names of keys and profiles, and no value but one that is near to a known one.
type Error struct {
	File    string // absolute path
	Line    int    // 0 if it is about the whole file
	Profile string // "" if it is about the whole file
	Key     string // "" if it is about the whole profile
	Problem string // the end of a sentence that begins with the key, else the profile, else the file
	Near    string // the nearest known key, profile name or value; "" if none is near

	elsewhere bool // the chain ends at a profile that is none of gatehop's
}

func (e *Error) Error() string {
	where := e.File
	if e.Line > 0 {
		where += ":" + strconv.Itoa(e.Line)
	}
	switch {
	case e.Profile == "":
		return fmt.Sprintf("%s %s", where, e.Problem)
	case e.Key == "":
		return fmt.Sprintf("%s: profile %q %s", where, e.Profile, e.Problem)
	}
	return fmt.Sprintf("%s: profile %q: %s %s", where, e.Profile, e.Key, e.Problem)
}
