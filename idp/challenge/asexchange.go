package challenge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/krberror"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"gatehop/creds/secret"
)

// maxReferrals is how often a KDC's word is taken that another realm knows more.
const maxReferrals = 5

// errKey is the end of an answer that the password or the keytab does not open.
var errKey = errors.New("the answer of a KDC is for another key")

// grant is a ticket, and the key of the session that it is for.
type grant struct {
	ticket messages.Ticket
	key    types.EncryptionKey
}

// login is who signs in, and by what.
type login struct {
	asked
	conf    *config.Config
	kdcs    *kdcs
	name    types.PrincipalName
	tickets tickets        // of a credential cache
	keys    *keytab.Keytab // nil for a password
	typed   secret.Text    // the password
}

// tgt gets the ticket to ask for others with (RFC 4120, section 3.1). The KDC says what
// proof it wants; it gets one, once.
func (l *login) tgt(ctx context.Context) (grant, error) {
	if len(l.conf.LibDefaults.DefaultTktEnctypeIDs) == 0 {
		return grant{}, &TicketError{Kind: Encryption, Name: "krb5.conf"}
	}
	req, answer, err := l.first(ctx)
	var refused messages.KRBError
	if !errors.As(err, &refused) || refused.ErrorCode != errorcode.KDC_ERR_PREAUTH_REQUIRED && refused.ErrorCode != errorcode.KDC_ERR_PREAUTH_FAILED {
		if err != nil {
			return grant{}, err
		}
		return l.open(req, answer, keyInfo{})
	}
	info, err := l.prove(&req, refused.EData)
	if err != nil {
		return grant{}, err
	}
	if answer, err = l.send(ctx, req, true); err != nil {
		return grant{}, err
	}
	return l.open(req, answer, info)
}

// first asks without a proof. A KDC may refer to the realm that knows the client (RFC 6806,
// section 7). Nobody has signed that, and a proof goes where it leads: it is followed where
// krb5.conf has `canonicalize`, as MIT's library does, and never after a proof was sent. Who
// can forge it could as well answer in the first realm's name.
func (l *login) first(ctx context.Context) (req messages.ASReq, answer []byte, err error) {
	for range maxReferrals + 1 {
		if req, err = messages.NewASReqForTGT(l.realm, l.conf, l.name); err != nil {
			return req, nil, fmt.Errorf("make a request: %w", err)
		}
		answer, err = l.send(ctx, req, false)
		var refused messages.KRBError
		if !errors.As(err, &refused) || refused.ErrorCode != errorcode.KDC_ERR_WRONG_REALM || !l.conf.LibDefaults.Canonicalize ||
			refused.CRealm == "" || refused.CRealm == l.realm {
			break
		}
		l.realm = refused.CRealm
	}
	return req, answer, err
}

func (l *login) send(ctx context.Context, req messages.ASReq, proof bool) ([]byte, error) {
	data, err := req.Marshal()
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	return l.kdcs.ask(ctx, l.realm, data, proof)
}

// prove adds the present time, encrypted by the key that the KDC asks for, to a request
// (PA-ENC-TIMESTAMP: RFC 4120, section 5.2.7.2).
func (l *login) prove(req *messages.ASReq, wanted []byte) (keyInfo, error) {
	info, key, version, err := l.choose(wanted)
	if err != nil {
		return info, err
	}
	now, err := types.GetPAEncTSEncAsnMarshalled()
	if err != nil {
		return info, fmt.Errorf("make a proof: %w", err)
	}
	sealed, err := crypto.GetEncryptedData(now, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP, version)
	if err != nil {
		return info, fmt.Errorf("make a proof: %w", err)
	}
	data, err := sealed.Marshal()
	if err != nil {
		return info, fmt.Errorf("make a proof: %w", err)
	}
	req.PAData = append(req.PAData, types.PAData{PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: data})
	return info, nil
}

// choose takes the first of the keys that the KDC asks for which is allowed and there.
func (l *login) choose(wanted []byte) (keyInfo, types.EncryptionKey, int, error) {
	none := func(err error) (keyInfo, types.EncryptionKey, int, error) {
		return keyInfo{}, types.EncryptionKey{}, 0, err
	}
	var methods types.PADataSequence
	if methods.Unmarshal(wanted) != nil {
		return none(errAnswer)
	}
	infos, err := keyInfos(methods)
	switch {
	case err != nil:
		return none(err)
	case len(infos) == 0: // what MIT's says where it has no key of the types that it was told
		return none(&TicketError{Kind: Encryption, Name: l.kdc()})
	case !methods.Contains(patype.PA_ENC_TIMESTAMP): // a wrong one would count as well
		return none(&TicketError{Kind: OtherError, Name: l.kdc(), Detail: "it wants another proof than that of a password or a keytab"})
	}
	err = nil
	for _, info := range infos {
		if !l.allows(info.etype) {
			continue
		}
		key, version, problem := l.key(info)
		if problem == nil {
			return info, key, version, nil
		}
		err = cmp.Or(err, problem)
	}
	return none(cmp.Or[error](err, l.unwanted(infos[0].etype)))
}

func (l *login) allows(etype int32) bool {
	return slices.Contains(l.conf.LibDefaults.DefaultTktEnctypeIDs, etype)
}

func (l *login) unwanted(etype int32) error {
	return &TicketError{Kind: Encryption, Name: l.kdc(), Detail: fmt.Sprintf("it wants type %d", etype)}
}

// key is the client's of that kind, and its version where a keytab says one.
func (l *login) key(info keyInfo) (key types.EncryptionKey, version int, err error) {
	if l.keys != nil {
		if key, version, err = l.keys.GetEncryptionKey(l.name, l.realm, 0, info.etype); err != nil {
			return key, 0, &TicketError{Kind: NoKey, Name: l.keytab, Detail: l.principal()}
		}
		return key, version, nil
	}
	etype, err := crypto.GetEtype(info.etype)
	if err != nil {
		return key, 0, l.unwanted(info.etype)
	}
	params, err := info.stringToKey(etype.GetDefaultStringToKeyParams())
	if err != nil {
		return key, 0, &TicketError{Kind: OtherError, Name: l.kdc(), Detail: err.Error()}
	}
	value, err := etype.StringToKey(l.typed.Reveal(), cmp.Or(info.salt, l.name.GetSalt(l.realm)), params)
	if err != nil {
		return key, 0, errAnswer
	}
	return types.EncryptionKey{KeyType: info.etype, KeyValue: value}, 0, nil
}

// open checks the answer to a request, and takes the ticket out of it. proved is the key
// that was proved, if any: an answer need not say again how it is made.
func (l *login) open(req messages.ASReq, answer []byte, proved keyInfo) (grant, error) {
	var rep messages.ASRep
	if rep.Unmarshal(answer) != nil {
		return grant{}, errAnswer
	}
	if !l.allows(rep.EncPart.EType) {
		return grant{}, l.unwanted(rep.EncPart.EType)
	}
	info, err := infoOf(rep, proved)
	if err != nil {
		return grant{}, err
	}
	key, _, err := l.key(info)
	if err != nil {
		return grant{}, err
	}
	holder, err := holderOf(l.name, l.realm, key, rep.EncPart.KVNO)
	if err != nil {
		return grant{}, err
	}
	if _, err := rep.Verify(l.conf, holder, req); err != nil {
		if e := (krberror.Krberror{}); errors.As(err, &e) && e.RootCause == krberror.DecryptingError {
			return grant{}, errKey
		}
		return grant{}, err
	}
	return grant{rep.Ticket, rep.DecryptedEncPart.Key}, nil
}

// infoOf is how the key of an answer is made: as it says, else as the KDC said before.
func infoOf(rep messages.ASRep, proved keyInfo) (keyInfo, error) {
	infos, err := keyInfos(rep.PAData)
	if err != nil {
		return keyInfo{}, err
	}
	for _, info := range infos {
		if info.etype == rep.EncPart.EType {
			return info, nil
		}
	}
	for _, m := range rep.PAData {
		if m.PADataType == patype.PA_PW_SALT {
			return keyInfo{etype: rep.EncPart.EType, salt: string(m.PADataValue)}, nil
		}
	}
	if proved.etype == rep.EncPart.EType {
		return proved, nil
	}
	return keyInfo{etype: rep.EncPart.EType}, nil
}

// holderOf is somebody with one key, which Verify opens an answer by. It would derive it
// anew from a password, by parameters that nobody has looked at.
func holderOf(name types.PrincipalName, realm string, key types.EncryptionKey, version int) (*credentials.Credentials, error) {
	one := keytab.New()
	// An entry can be made of a password alone; what is made of none is replaced.
	if err := one.AddEntry("", realm, "", time.Unix(1, 0), 0, etypeID.RC4_HMAC); err != nil {
		return nil, fmt.Errorf("hold a key: %w", err)
	}
	one.Entries[0].Principal.Components = name.NameString
	one.Entries[0].Key, one.Entries[0].KVNO = key, uint32(version)
	return credentials.NewFromPrincipalName(name, realm).WithKeytab(one), nil
}
