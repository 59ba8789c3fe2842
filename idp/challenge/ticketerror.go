package challenge

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"

	"gatehop/idp"
)

// TicketKind is why there is no Kerberos ticket to sign in with; its text is the end of a
// sentence that begins with TicketError.Name.
type TicketKind string

// The kinds. What Name is stands behind each.
const (
	NoCache        TicketKind = "is no credential cache that can be read"                              // the file
	CacheType      TicketKind = "is a credential cache of a type that cannot be read"                  // as in KRB5CCNAME
	NoTicket       TicketKind = "holds no ticket to ask for others with"                               // the cache
	ExpiredTicket  TicketKind = "holds a ticket that has expired"                                      // the cache; Until
	OtherPerson    TicketKind = "holds a ticket of somebody else than the configured user"             // the cache; Detail: whose
	NoKeytab       TicketKind = "is no keytab that can be read"                                        // the file
	NoKey          TicketKind = "holds no key of the user"                                             // the keytab; Detail: which user
	KeyRefused     TicketKind = "holds a key that is not the user's any more"                          // the keytab; Detail: which user
	NoConf         TicketKind = "is no krb5.conf that can be read"                                     // the file
	NoRealm        TicketKind = "names no realm, and there is no default one"                          // the user
	UnknownUser    TicketKind = "is not known to the KDC"                                              // the user
	UnknownService TicketKind = "is not a service that the KDC knows"                                  // the service principal
	WrongRealm     TicketKind = "is not of the realm that was asked"                                   // the user or the service principal
	Revoked        TicketKind = "is locked or disabled, the KDC says"                                  // the user
	ClockSkew      TicketKind = "has another time than this machine: the two clocks are too far apart" // the KDC of a realm, or the server
	NoKDC          TicketKind = "cannot be reached"                                                    // the KDC of a realm
	Unanswered     TicketKind = "has not answered to a proof, which may count as an attempt"           // the KDC of a realm
	Encryption     TicketKind = "has no encryption type in common with this program"                   // the KDC of a realm, or krb5.conf
	Windows        TicketKind = "Windows does not sign in there"                                       // Detail: its words
	OtherError     TicketKind = "gives no ticket"                                                      // Kerberos itself, or the KDC of a realm; Detail
)

// TicketError reports that there is no ticket to answer a challenge with, or none that the
// server's clock agrees with. It holds no secret.
type TicketError struct {
	Kind   TicketKind
	Name   string    // what Kind is about; "" for Kerberos itself
	Detail string    // in words, "" for none
	Until  time.Time // of ExpiredTicket
}

func (e *TicketError) Error() string {
	name := e.Name
	if name == "" {
		name = "Kerberos"
	}
	text := name + " " + string(e.Kind)
	if !e.Until.IsZero() {
		text += " (at " + e.Until.UTC().Format(time.RFC3339) + ")"
	}
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}

// who a KDC was asked for, and about what.
type asked struct {
	user, realm string
	service     string
	keytab      string // the file, "" for a password or a cache
	cache       string // the file, "" for none
	password    bool
	granted     bool // the KDC has taken that; what follows is about a service
}

func (a asked) principal() string { return a.user + "@" + a.realm }
func (a asked) kdc() string       { return kdcOf(a.realm) }

// judge makes what went wrong fit to be shown and acted upon.
func (a asked) judge(err error) error {
	var (
		ticket  *TicketError
		refusal messages.KRBError
	)
	switch {
	case errors.As(err, &ticket):
		return ticket
	case errors.As(err, &refusal):
		return a.judgeCode(refusal.ErrorCode)
	case errors.Is(err, errKey):
		return a.refused()
	case strings.Contains(err.Error(), "clock skew"): // gokrb5 keeps only its text
		return &TicketError{Kind: ClockSkew, Name: a.kdc()}
	}
	return &TicketError{Kind: OtherError, Name: a.kdc(), Detail: "its answer cannot be used"}
}

// judgeCode does it for the code of a KRB-ERROR (RFC 4120, section 7.5.9).
func (a asked) judgeCode(code int32) error {
	switch code {
	case errorcode.KRB_AP_ERR_SKEW:
		return &TicketError{Kind: ClockSkew, Name: a.kdc()}
	case errorcode.KDC_ERR_PREAUTH_FAILED, errorcode.KRB_AP_ERR_BAD_INTEGRITY:
		return a.refused()
	case errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN:
		return &TicketError{Kind: UnknownUser, Name: a.principal()}
	case errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN:
		return &TicketError{Kind: UnknownService, Name: a.service, Detail: a.kdc()}
	case errorcode.KDC_ERR_WRONG_REALM:
		return &TicketError{Kind: WrongRealm, Name: a.principal()}
	case errorcode.KDC_ERR_CLIENT_REVOKED, errorcode.KDC_ERR_NAME_EXP:
		return &TicketError{Kind: Revoked, Name: a.principal()}
	case errorcode.KDC_ERR_ETYPE_NOSUPP:
		return &TicketError{Kind: Encryption, Name: a.kdc()}
	case errorcode.KDC_ERR_KEY_EXPIRED:
		if a.password {
			return &idp.PageError{Verdict: idp.PasswordExpired, Words: "the password of " + a.principal() + " has expired", Scheme: "Kerberos"}
		}
	}
	return &TicketError{Kind: OtherError, Name: a.kdc(), Detail: idp.CleanWords(errorcode.Lookup(code))}
}

// refused is the end of what the KDC could not open.
func (a asked) refused() error {
	switch {
	case a.cache != "":
		return &TicketError{Kind: NoTicket, Name: a.cache, Detail: a.kdc() + " does not take the one in it"}
	case a.granted:
		return &TicketError{Kind: OtherError, Name: a.kdc(), Detail: "it does not take its own ticket"}
	}
	if a.keytab != "" {
		return &TicketError{Kind: KeyRefused, Name: a.keytab, Detail: a.principal()}
	}
	return &idp.PageError{Verdict: idp.Rejected, Words: fmt.Sprintf("%s does not take the password of %s", a.kdc(), a.principal()), Scheme: "Kerberos"}
}
