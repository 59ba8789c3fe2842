package challenge

import (
	"context"
	"fmt"
	"strings"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// krbtgt is the first part of the name of a ticket-granting service; the second is the
// realm whose tickets it grants (RFC 4120, section 7.3).
const krbtgt = "krbtgt"

func ticketGranting(realm string) types.PrincipalName {
	return types.PrincipalName{NameType: nametype.KRB_NT_SRV_INST, NameString: []string{krbtgt, realm}}
}

// toRealm gets the ticket for another realm's tickets, with the client's own realm's.
func (l *login) toRealm(ctx context.Context, tgt grant, realm string) (grant, error) {
	if realm == l.realm {
		return tgt, nil
	}
	return l.ticketFor(ctx, tgt, l.realm, ticketGranting(realm))
}

// ticketFor gets a ticket for a service from the KDC of a realm (RFC 4120, section 3.3), and
// from those that it refers to (RFC 6806, section 8). That is told by the part of an answer
// which the KDC has sealed. Nothing is a service's ticket that has another name: no alias is
// followed.
func (l *login) ticketFor(ctx context.Context, tgt grant, realm string, service types.PrincipalName) (grant, error) {
	for range maxReferrals + 1 {
		got, name, err := l.exchange(ctx, tgt, realm, service)
		if err != nil {
			return grant{}, err
		}
		if strings.EqualFold(name.PrincipalNameString(), service.PrincipalNameString()) {
			return got, nil
		}
		if len(name.NameString) != 2 || name.NameString[0] != krbtgt {
			return grant{}, errAnswer
		}
		tgt, realm = got, name.NameString[1]
	}
	return grant{}, &TicketError{Kind: OtherError, Name: kdcOf(realm), Detail: "one realm refers to another without end"}
}

// exchange asks once, and says whom the ticket is for.
func (l *login) exchange(ctx context.Context, tgt grant, realm string, service types.PrincipalName) (got grant, name types.PrincipalName, err error) {
	req, err := messages.NewTGSReq(l.name, realm, l.conf, tgt.ticket, tgt.key, service, false)
	if err == nil {
		err = l.authenticate(&req, tgt)
	}
	if err != nil {
		return got, name, fmt.Errorf("make a request: %w", err)
	}
	data, err := req.Marshal()
	if err != nil {
		return got, name, fmt.Errorf("make a request: %w", err)
	}
	answer, err := l.kdcs.ask(ctx, realm, data, false)
	if err != nil {
		return got, name, err
	}
	var rep messages.TGSRep
	if rep.Unmarshal(answer) != nil || rep.DecryptEncPart(tgt.key) != nil {
		return got, name, errAnswer
	}
	if _, err := rep.Verify(l.conf, req); err != nil {
		return got, name, err
	}
	if name = rep.DecryptedEncPart.SName; !name.Equal(rep.Ticket.SName) {
		return got, name, errAnswer
	}
	return grant{rep.Ticket, rep.DecryptedEncPart.Key}, name, nil
}

// authenticate makes the PA-TGS-REQ of a request anew (RFC 4120, section 5.2.7.1): gokrb5
// says there that the client is of the realm that made the ticket, which is wrong from the
// second referral on.
func (l *login) authenticate(req *messages.TGSReq, tgt grant) error {
	body, err := req.ReqBody.Marshal()
	if err != nil {
		return err
	}
	etype, err := crypto.GetEtype(tgt.key.KeyType)
	if err != nil {
		return err
	}
	sum, err := etype.GetChecksumHash(tgt.key.KeyValue, body, keyusage.TGS_REQ_PA_TGS_REQ_AP_REQ_AUTHENTICATOR_CHKSUM)
	if err != nil {
		return err
	}
	who, err := types.NewAuthenticator(l.realm, l.name)
	if err != nil {
		return err
	}
	who.Cksum = types.Checksum{CksumType: etype.GetHashID(), Checksum: sum}
	ap, err := messages.NewAPReq(tgt.ticket, tgt.key, who)
	if err != nil {
		return err
	}
	data, err := ap.Marshal()
	if err != nil {
		return err
	}
	req.PAData = types.PADataSequence{{PADataType: patype.PA_TGS_REQ, PADataValue: data}}
	return nil
}
