// Package adfs signs a person in at AD FS 2.0, 2.1, 3.0, 2016 and 2019 by its sign-in form.
package adfs

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"gatehop/idp"
	"gatehop/idp/form"
	"gatehop/saml"
)

// Config is what the adapter needs to know.
type Config struct {
	URL          string `json:"url"`           // the server, or any address of it: EntryURL
	RelyingParty string `json:"relying_party"` // identifier of the trust for AWS; "" for the one in URL, else the partition's
	Partition    string `json:"partition"`     // of the gateway account; "" for aws
	Domain       string `json:"adfs_domain"`   // completes a user name without one: DOMAIN\name
	Username     string `json:"username"`      // the user name if it is known already, to be refused before anything is sent
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
	a := adapter{u, c.Domain}
	if c.Username != "" {
		_, err = a.userName(c.Username)
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

type adapter struct {
	entry  *url.URL
	domain string
}

// Login implements idp.Adapter.
func (a adapter) Login(ctx context.Context, s *idp.Session) (*saml.Assertion, error) {
	w := &form.Walk{Session: s, Entry: a.entry, Steps: steps(), UserName: a.userName}
	return w.Run(ctx)
}

// userName completes a bare name with the domain. AD FS takes DOMAIN\name and
// name@domain alone, and says so only in a script that never runs here.
func (a adapter) userName(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case strings.ContainsAny(name, `@\`):
		return name, nil
	case a.domain == "":
		return "", &idp.PageError{Verdict: idp.BareUser, URL: idp.SafeURL(a.entry)}
	}
	return strings.TrimSuffix(a.domain, `\`) + `\` + name, nil
}

// relyingParty is the identifier that the entry asks for.
func relyingParty(entry *url.URL) string {
	query := parseQuery(entry.RawQuery)
	if party, _, ok := relayed(query["relaystate"]); ok {
		return party
	}
	return query["logintorp"]
}
