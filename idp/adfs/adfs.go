// Package adfs signs a person in at AD FS 2.0, 2.1, 3.0, 2016 and 2019.
package adfs

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"gatehop/idp"
	"gatehop/idp/challenge"
	"gatehop/idp/form"
	"gatehop/saml"
)

// Config is what the adapter needs to know.
type Config struct {
	URL             string `json:"url"`                   // the server, or any address of it: EntryURL
	RelyingParty    string `json:"relying_party"`         // identifier of the trust for AWS; "" for the one in URL, else the partition's
	Partition       string `json:"partition"`             // of the gateway account; "" for aws
	Domain          string `json:"adfs_domain"`           // completes a user name without one: DOMAIN\name
	Username        string `json:"username"`              // the user name if it is known already, to be refused before anything is sent
	HomeRealm       string `json:"home_realm"`            // the organisation to sign in at, by its id or its name on the page; "" for AD FS's own directory
	Auth            string `json:"auth"`                  // "certificate": TLS shows who the person is; a challenge.Kind: HTTP does; else forms
	CertificatePort string `json:"adfs_certificate_port"` // at which TLS asks for the certificate; "" for 49443
	MFA             string `json:"mfa"`                   // the method to take where several are offered, by its id or its name on the page
	Keytab          string `json:"keytab"`                // see challenge.Config, as are the next two
	CCache          string `json:"ccache"`
	KerberosConf    string `json:"krb5_conf"`
}

// New makes the adapter. Errors are about the settings; a user name that lacks its
// domain is a *idp.PageError with verdict BareUser.
func New(c Config) (idp.Adapter, error) {
	if c.Partition == "" {
		c.Partition = "aws"
	}
	if c.RelyingParty == "" && !slices.Contains(saml.Partitions(), c.Partition) {
		return nil, fmt.Errorf("find the relying party: unknown partition %q", c.Partition)
	}
	u, err := entry(c.URL, c.RelyingParty, saml.RelyingParty(c.Partition))
	if err != nil {
		return nil, err
	}
	a := adapter{entry: u, domain: c.Domain, realm: c.HomeRealm, mfa: c.MFA, certificate: c.Auth == "certificate"}
	a.certificates = certificateAt(u, c.CertificatePort)
	if kind, ok := challenge.ParseKind(c.Auth); ok {
		a.auth = challenge.Config{Kind: kind, Username: c.Username, Keytab: c.Keytab, Cache: c.CCache, Conf: c.KerberosConf}
	}
	if v := a.visit(); c.Username != "" && !a.certificate && !v.mayLeave() {
		_, err = v.userName(c.Username)
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

type adapter struct {
	entry              *url.URL
	domain, realm, mfa string
	certificate        bool
	auth               challenge.Config // for a 401; the zero value answers none
	certificates       []idp.Origin     // where TLS asks for it
}

// visit is what one sign-in has found out.
type visit struct {
	adapter
	elsewhere bool            // somebody else than AD FS asks for the user name
	methods   map[string]bool // that were chosen
	factor    string          // the AuthMethod of the last second factor; "": none was asked for
	begun     bool            // the page of a second factor that posts itself was posted
	looped    bool            // the count of a loop was dropped
	refused   *idp.PageError  // what AD FS made of the entry, if it did not say why
}

func (a adapter) visit() *visit {
	v := &visit{adapter: a, methods: map[string]bool{}}
	query := parseQuery(a.entry.RawQuery)
	for _, name := range []string{"whr", "redirecttoidentityprovider"} { // the address goes before the page
		if realm := query[name]; realm != "" {
			v.elsewhere = !isOwnDirectory(realm, a.entry.Hostname())
		}
	}
	return v
}

// mayLeave reports whether the sign-in goes, or may go, to another organisation: a setting
// alone takes nobody there, the page where it is chosen does.
func (v *visit) mayLeave() bool {
	return v.elsewhere || v.realm != "" && !isOwnDirectory(v.realm, v.entry.Hostname())
}

// walk is a sign-in that has not begun.
func (a adapter) walk(s *idp.Session) *form.Walk {
	v := a.visit()
	return &form.Walk{Session: s, Entry: a.entry, Steps: steps(v), UserName: v.userName, Address: v.address}
}

// Login implements idp.Adapter.
func (a adapter) Login(ctx context.Context, s *idp.Session) (*saml.Assertion, error) {
	return a.walk(s).Run(ctx)
}

// userName completes a bare name with the domain. AD FS takes DOMAIN\name and
// name@domain alone, and says so only in a script that never runs here; another
// organisation has rules of its own.
func (v *visit) userName(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case v.elsewhere, strings.ContainsAny(name, `@\`), v.auth.Kind == challenge.Kerberos: // which has a default realm
		return name, nil
	case v.domain == "":
		return "", &idp.PageError{Verdict: idp.BareUser, URL: idp.SafeURL(v.entry)}
	}
	return strings.TrimSuffix(v.domain, `\`) + `\` + name, nil
}

// relyingParty is the identifier that the entry asks for.
func relyingParty(entry *url.URL) string {
	query := parseQuery(entry.RawQuery)
	if party, _, ok := relayed(query["relaystate"]); ok {
		return party
	}
	return query["logintorp"]
}
