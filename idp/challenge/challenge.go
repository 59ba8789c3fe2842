// Package challenge answers a server's 401 by NTLM, Kerberos, Basic or Digest.
package challenge

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"gatehop/creds/secret"
	"gatehop/idp"
)

// Kind is a way to answer, under the name that gatehop_auth has for it. The zero value
// answers nothing.
type Kind string

// The kinds.
const (
	NTLM     Kind = "ntlm"     // MS-NLMP over HTTP (MS-NTHT), version 2 alone
	Kerberos Kind = "kerberos" // a service ticket in SPNEGO (RFC 4559)
	Basic    Kind = "basic"    // RFC 7617: the password itself
	Digest   Kind = "digest"   // RFC 7616
)

// ParseKind reads a value of gatehop_auth; ok is false for one that answers no 401.
func ParseKind(auth string) (k Kind, ok bool) {
	k = Kind(auth)
	return k, slices.Contains([]Kind{NTLM, Kerberos, Basic, Digest}, k)
}

// schemes are those of WWW-Authenticate that are answered, in lower case, the preferred
// one first. NTLM goes as well under Negotiate, as Windows takes it.
func (k Kind) schemes() []string {
	switch k {
	case NTLM:
		return []string{"ntlm", "negotiate"}
	case Kerberos:
		return []string{"negotiate"}
	case Basic:
		return []string{"basic"}
	case Digest:
		return []string{"digest"}
	}
	return nil
}

// Title is the kind as people write it.
func (k Kind) Title() string {
	return map[Kind]string{NTLM: "NTLM", Kerberos: "Kerberos", Basic: "Basic", Digest: "Digest"}[k]
}

// choose is the offer that is answered; ok is false if there is none.
func (k Kind) choose(offers []Offer) (o Offer, ok bool) {
	for _, scheme := range k.schemes() {
		for _, o := range offers {
			if strings.EqualFold(o.Scheme, scheme) && (k != Digest || canDigest(o)) {
				return o, true
			}
		}
	}
	return Offer{}, false
}

// Config is how a person signs in. Files are named by absolute paths.
type Config struct {
	Kind     Kind
	Username string // as configured; "": asked for where it is needed

	// For Kerberos, the first that is set: a keytab, the name of a credential cache (as in
	// KRB5CCNAME), else user name and password. Where the first one does not do, the
	// others are not tried.
	Keytab, Cache string
	// Conf is a krb5.conf; "" or a file that is not there: KDCs are looked up by DNS.
	Conf string
}

// IsLoggedOn reports whether the system's own session signs in: on Windows, where
// nothing says who else does.
func (c Config) IsLoggedOn() bool {
	return hasSSPI && (c.Kind == NTLM || c.Kind == Kerberos) && c.Username == "" && c.Keytab == "" && c.Cache == ""
}

// NeedsPassword reports whether somebody must give a password, and the user name with it.
func (c Config) NeedsPassword() bool {
	return c.Kind != "" && !c.IsLoggedOn() && (c.Kind != Kerberos || c.Keytab == "" && c.Cache == "")
}

// Answers reports whether one of the offers can be answered.
func (c Config) Answers(offers []Offer) bool {
	_, ok := c.Kind.choose(offers)
	return ok
}

// Who signs in; the zero value where NeedsPassword is false.
type Who struct {
	Name     string
	Password secret.Text
}

// Answer is what a request is sent again with. It is used once.
type Answer struct {
	scheme string // as sent
	bound  bool   // to one connection
	ntlm   bool   // what begin makes
	header string // of an answer in one step
	// begin starts an exchange of tokens anew, for an answer in several.
	begin func() (exchange, error)
	again func(offers []Offer) (string, bool) // the header for an offer that only renews the last one
}

// exchange makes the tokens of one side.
type exchange interface {
	// next answers the other side's token, nil for the first.
	next(token []byte) ([]byte, error)
	close()
}

// Answer makes the answer to one of the offers of the server at page, for a request of
// method. For Kerberos it gets the ticket, from a KDC as a rule. Errors: *TicketError;
// *idp.PageError of verdict Rejected or PasswordExpired for a password that a KDC does not
// take; ctx's.
func (c Config) Answer(ctx context.Context, method string, page *url.URL, offers []Offer, who Who) (*Answer, error) {
	o, ok := c.Kind.choose(offers)
	if !ok {
		return nil, &idp.PageError{Verdict: idp.Unknown, URL: idp.SafeURL(page)}
	}
	if c.IsLoggedOn() {
		return &Answer{scheme: o.Scheme, bound: true, begin: func() (exchange, error) { return loggedOn(o.Scheme, page.Hostname()) }}, nil
	}
	switch c.Kind {
	case NTLM:
		return &Answer{scheme: o.Scheme, bound: true, ntlm: true, begin: func() (exchange, error) { return ntlm{who}, nil }}, nil
	case Kerberos:
		token, err := c.ticket(ctx, page, who)
		if err != nil {
			return nil, err
		}
		return &Answer{scheme: o.Scheme, header: "Negotiate " + base64.StdEncoding.EncodeToString(token)}, nil
	case Basic:
		if strings.Contains(who.Name, ":") { // RFC 7617 section 2
			return nil, &idp.PageError{Verdict: idp.UnreadableForm, URL: idp.SafeURL(page), Words: "a user name with a colon"}
		}
		return &Answer{scheme: o.Scheme, header: "Basic " + base64.StdEncoding.EncodeToString([]byte(who.Name+":"+who.Password.Reveal()))}, nil
	}
	answer := func(o Offer) string { return digest(o, method, page.RequestURI(), who) }
	return &Answer{scheme: o.Scheme, header: answer(o), again: func(offers []Offer) (string, bool) {
		o, ok := Digest.choose(offers)
		if !ok || !strings.EqualFold(o.Params["stale"], "true") {
			return "", false
		}
		return answer(o), true
	}}, nil
}

// Offers reads the challenges of a response, nil if it is no 401.
func Offers(status int, h http.Header) []Offer {
	if status != http.StatusUnauthorized {
		return nil
	}
	return parse(h.Values("WWW-Authenticate"))
}
