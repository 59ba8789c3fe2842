// Package kerberostest makes and checks tickets of Kerberos, and answers as a KDC does.
package kerberostest

import (
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/service"
	"github.com/jcmturner/gokrb5/v8/spnego"
	"github.com/jcmturner/gokrb5/v8/types"

	"gatehop/idp/idptest"
)

// Realm makes tickets and checks them by the keys of their services. Whoever signs in gets
// a credential cache from it, or has a KDC give tickets. Its times are those of the machine,
// because the library goes by no other.
type Realm struct {
	name string
	keys *keytab.Keytab
}

// NewRealm makes a realm with services as their principals are written: HTTP/HOST.
func NewRealm(name string, services ...string) (*Realm, error) {
	r := &Realm{name: name, keys: keytab.New()}
	for _, s := range append(services, "krbtgt/"+name) {
		if err := r.keys.AddEntry(s, name, "key of "+s, time.Unix(1, 0), 1, etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
			return nil, fmt.Errorf("make a realm of Kerberos: %w", err)
		}
	}
	return r, nil
}

// Cache is a credential cache (a file of version 4) of user, with the ticket for other
// tickets and one for each service, valid from one time to another.
func (r *Realm) Cache(user string, from, until time.Time, services ...string) ([]byte, error) {
	client := types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, user)
	file := []byte{5, 4, 0, 0}
	file = r.appendPrincipal(file, client)
	for _, s := range append([]string{"krbtgt/" + r.name}, services...) {
		server := types.NewPrincipalName(nametype.KRB_NT_SRV_INST, s)
		ticket, key, err := messages.NewTicket(client, r.name, server, r.name, types.NewKrbFlags(), r.keys, etypeID.AES256_CTS_HMAC_SHA1_96, 1, from, from, until, until)
		if err != nil {
			return nil, fmt.Errorf("make a ticket for %s: %w", s, err)
		}
		raw, err := ticket.Marshal()
		if err != nil {
			return nil, fmt.Errorf("make a ticket for %s: %w", s, err)
		}
		file = r.appendPrincipal(r.appendPrincipal(file, client), server)
		file = binary.BigEndian.AppendUint16(file, uint16(key.KeyType))
		file = appendData(file, key.KeyValue)
		for _, at := range []time.Time{from, from, until, until} {
			file = binary.BigEndian.AppendUint32(file, uint32(at.Unix()))
		}
		file = append(file, make([]byte, 1+4+4+4)...) // is_skey, flags, no addresses, no authorization data
		file = appendData(appendData(file, raw), nil)
	}
	return file, nil
}

func (r *Realm) appendPrincipal(file []byte, p types.PrincipalName) []byte {
	file = binary.BigEndian.AppendUint32(file, uint32(p.NameType))
	file = binary.BigEndian.AppendUint32(file, uint32(len(p.NameString)))
	file = appendData(file, []byte(r.name))
	for _, part := range p.NameString {
		file = appendData(file, []byte(part))
	}
	return file
}

func appendData(file, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32(file, uint32(len(data))), data...)
}

// Refusal is the token of a service that refuses a ticket with a KRB-ERROR of that code
// (RFC 4121, section 4.1).
func (r *Realm) Refusal(of string, code int32) ([]byte, error) {
	refusal := messages.NewKRBError(types.NewPrincipalName(nametype.KRB_NT_SRV_INST, of), r.name, code, "")
	body, err := refusal.Marshal()
	if err != nil {
		return nil, fmt.Errorf("make a KRB-ERROR: %w", err)
	}
	token, err := asn1.Marshal(asn1.ObjectIdentifier(gssapi.OIDKRB5.OID()))
	if err != nil {
		return nil, fmt.Errorf("make a KRB-ERROR: %w", err)
	}
	return asn1tools.AddASNAppTag(append(append(token, 3, 0), body...), 0), nil
}

var errTicket = errors.New("no token of SPNEGO with a ticket for this service")

// Tickets checks the tickets of one service. The name that it finds is user@realm.
func (r *Realm) Tickets(of string) idptest.TicketCheck {
	return func(token []byte) (name string, reply []byte, ok bool) {
		name, err := r.check(token, of)
		return name, nil, err == nil
	}
}

func (r *Realm) check(token []byte, of string) (name string, err error) {
	defer func() {
		if recover() != nil { // the library over a token that is broken
			err = errTicket
		}
	}()
	var outer spnego.SPNEGOToken
	if outer.Unmarshal(token) != nil || !outer.Init {
		return "", errTicket
	}
	var inner spnego.KRB5Token
	if inner.Unmarshal(outer.NegTokenInit.MechTokenBytes) != nil || !inner.IsAPReq() || inner.APReq.Ticket.SName.PrincipalNameString() != of {
		return "", errTicket
	}
	ok, who, err := service.VerifyAPREQ(&inner.APReq, service.NewSettings(r.keys, service.DecodePAC(false)))
	if err != nil || !ok {
		return "", errTicket
	}
	const delegates = 1 // of the flags in the authenticator's checksum (RFC 4121, section 4.1.1)
	if sum := inner.APReq.Authenticator.Cksum.Checksum; len(sum) < 24 || binary.LittleEndian.Uint32(sum[20:])&delegates != 0 {
		return "", errTicket
	}
	return who.CName().PrincipalNameString() + "@" + who.Domain(), nil
}
