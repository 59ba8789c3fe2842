package kerberostest

import (
	"cmp"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

const (
	skew     = 5 * time.Minute
	lifetime = time.Hour
)

// KDC is one of a realm's, which refuses what a real one does: wrong proofs, old ones,
// requests that another session key or another client has made, services it does not know.
// Its fields must not be changed while it answers.
type KDC struct {
	Realm  *Realm
	People map[string]string // passwords by name
	// Keys is what it has of each password, the preferred one first; nil: AES256 with all
	// defaults.
	Keys []Key
	// Elsewhere are the realms of people (their names) and of services (HTTP/HOST) that this
	// one refers to.
	Elsewhere map[string]string
	Aliases   map[string]string // services that it has tickets of under another name alone
	Trusting  bool              // asks for no proof
	Careless  bool              // does not heed which encryption types the client has
	// Alter changes an answer before it is sealed.
	Alter func(*messages.EncKDCRepPart)
}

// Key is an entry of ETYPE-INFO2 (RFC 4120, section 5.2.7.5).
type Key struct {
	Type   int32
	Salt   string // "" for none
	Params []byte
}

// Meet gives two realms the key for each other's ticket-granting tickets.
func Meet(a, b *Realm) error {
	for _, r := range []*Realm{a, b} {
		for _, way := range [][2]string{{a.name, b.name}, {b.name, a.name}} {
			if err := r.keys.AddEntry("krbtgt/"+way[1], way[0], "from "+way[0]+" to "+way[1], time.Unix(1, 0), 1, etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
				return fmt.Errorf("make realms meet: %w", err)
			}
		}
	}
	return nil
}

// Serve answers over TCP (RFC 4120, section 7.2.2) until l is closed. A nil answer hangs up.
func Serve(l net.Listener, answer func(request []byte) []byte) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			var size [4]byte
			if _, err := io.ReadFull(conn, size[:]); err != nil {
				return
			}
			request := make([]byte, min(binary.BigEndian.Uint32(size[:]), 1<<20))
			if _, err := io.ReadFull(conn, request); err != nil {
				return
			}
			if reply := answer(request); reply != nil {
				_, _ = conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(reply))), reply...))
			}
		}()
	}
}

// HasProof reports whether a request holds what a password or a keytab has made.
func HasProof(request []byte) bool {
	var as messages.ASReq
	return as.Unmarshal(request) == nil && as.PAData.Contains(patype.PA_ENC_TIMESTAMP)
}

// Answer is the answer to a request, a KRB-ERROR for what a KDC refuses; nil for what is none.
func (k *KDC) Answer(request []byte) []byte {
	var (
		as     messages.ASReq
		tgs    messages.TGSReq
		answer []byte
		err    error
	)
	switch {
	case as.Unmarshal(request) == nil:
		answer, err = k.as(as)
	case tgs.Unmarshal(request) == nil:
		answer, err = k.tgs(tgs)
	default:
		return nil
	}
	var refusal messages.KRBError
	if errors.As(err, &refusal) {
		answer, err = refusal.Marshal()
	}
	if err != nil {
		return nil
	}
	return answer
}

func (k *KDC) refuse(code int32) messages.KRBError {
	return messages.NewKRBError(types.NewPrincipalName(nametype.KRB_NT_SRV_INST, "krbtgt/"+k.Realm.name), k.Realm.name, code, "")
}

func (k *KDC) as(req messages.ASReq) ([]byte, error) {
	name := req.ReqBody.CName.PrincipalNameString()
	password, known := k.People[name]
	switch {
	case req.ReqBody.Realm != k.Realm.name:
		return nil, k.refuse(errorcode.KDC_ERR_WRONG_REALM)
	case k.Elsewhere[name] != "":
		e := k.refuse(errorcode.KDC_ERR_WRONG_REALM)
		e.CRealm = k.Elsewhere[name]
		return nil, e
	case !known:
		return nil, k.refuse(errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN)
	}
	keys := slices.DeleteFunc(k.keys(), func(key Key) bool { return !k.Careless && !slices.Contains(req.ReqBody.EType, key.Type) })
	if len(keys) == 0 {
		return nil, k.refuse(errorcode.KDC_ERR_ETYPE_NOSUPP)
	}
	proof := slices.IndexFunc(req.PAData, func(p types.PAData) bool { return p.PADataType == patype.PA_ENC_TIMESTAMP })
	if proof < 0 && !k.Trusting {
		methods, err := methodData(keys)
		if err != nil {
			return nil, err
		}
		e := k.refuse(errorcode.KDC_ERR_PREAUTH_REQUIRED)
		e.EData, err = asn1.Marshal([]types.PAData(methods))
		return nil, cmp.Or(err, error(e))
	}
	if proof >= 0 {
		return k.signIn(req, keys, password, req.PAData[proof].PADataValue)
	}
	return k.signIn(req, keys, password, nil)
}

// signIn answers with a ticket-granting ticket, to the key of the proof if there is one.
func (k *KDC) signIn(req messages.ASReq, keys []Key, password string, proof []byte) ([]byte, error) {
	var sealed types.EncryptedData
	if proof != nil {
		if sealed.Unmarshal(proof) != nil {
			return nil, k.refuse(errorcode.KDC_ERR_PREAUTH_FAILED)
		}
		keys = slices.DeleteFunc(keys, func(key Key) bool { return key.Type != sealed.EType })
	}
	if len(keys) == 0 {
		return nil, k.refuse(errorcode.KDC_ERR_PREAUTH_FAILED)
	}
	methods, err := methodData(keys[:1])
	if err != nil {
		return nil, err
	}
	key, _, err := crypto.GetKeyFromPassword(password, req.ReqBody.CName, k.Realm.name, keys[0].Type, methods)
	if err != nil {
		return nil, err
	}
	if proof != nil {
		if err := k.check(sealed, key); err != nil {
			return nil, err
		}
	}
	service := types.NewPrincipalName(nametype.KRB_NT_SRV_INST, "krbtgt/"+k.Realm.name)
	fields, err := k.grant(req.KDCReqFields, k.Realm.name, service, key, keyusage.AS_REP_ENCPART)
	if err != nil {
		return nil, err
	}
	fields.MsgType, fields.PAData = msgtype.KRB_AS_REP, methods
	return (&messages.ASRep{KDCRepFields: fields}).Marshal()
}

// check opens a proof.
func (k *KDC) check(sealed types.EncryptedData, key types.EncryptionKey) error {
	var at types.PAEncTSEnc
	plain, err := crypto.DecryptEncPart(sealed, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP)
	if err != nil || at.Unmarshal(plain) != nil {
		return k.refuse(errorcode.KDC_ERR_PREAUTH_FAILED)
	}
	if time.Since(at.PATimestamp).Abs() > skew {
		return k.refuse(errorcode.KRB_AP_ERR_SKEW)
	}
	return nil
}

func (k *KDC) keys() []Key {
	if k.Keys == nil {
		return []Key{{Type: etypeID.AES256_CTS_HMAC_SHA1_96}}
	}
	return slices.Clone(k.Keys)
}

// methodData is METHOD-DATA (RFC 4120, section 5.9.1).
func methodData(keys []Key) (types.PADataSequence, error) {
	type entry struct {
		Type   int32         `asn1:"explicit,tag:0"`
		Salt   asn1.RawValue `asn1:"optional"`
		Params []byte        `asn1:"explicit,optional,omitempty,tag:2"`
	}
	var entries []entry
	for _, key := range keys {
		e := entry{Type: key.Type, Params: key.Params}
		if key.Salt != "" {
			text, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagGeneralString, Bytes: []byte(key.Salt)})
			if err != nil {
				return nil, fmt.Errorf("make METHOD-DATA: %w", err)
			}
			e.Salt = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true, Bytes: text}
		}
		entries = append(entries, e)
	}
	info, err := asn1.Marshal(entries)
	if err != nil {
		return nil, fmt.Errorf("make METHOD-DATA: %w", err)
	}
	return types.PADataSequence{{PADataType: patype.PA_ETYPE_INFO2, PADataValue: info}, {PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: []byte{}}}, nil
}

func (k *KDC) tgs(req messages.TGSReq) ([]byte, error) {
	ap, err := k.authenticated(req)
	if err != nil {
		return nil, err
	}
	service := req.ReqBody.SName
	if other := k.Elsewhere[service.PrincipalNameString()]; other != "" {
		service = types.NewPrincipalName(nametype.KRB_NT_SRV_INST, "krbtgt/"+other)
	}
	if other := k.Aliases[service.PrincipalNameString()]; other != "" {
		service = types.NewPrincipalName(nametype.KRB_NT_SRV_INST, other)
	}
	who := ap.Ticket.DecryptedEncPart
	req.ReqBody.CName = who.CName
	fields, err := k.grant(req.KDCReqFields, who.CRealm, service, who.Key, keyusage.TGS_REP_ENCPART_SESSION_KEY)
	if err != nil {
		return nil, k.refuse(errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN)
	}
	fields.MsgType = msgtype.KRB_TGS_REP
	return (&messages.TGSRep{KDCRepFields: fields}).Marshal()
}

// authenticated checks who asks for a ticket (RFC 4120, section 3.3.3.1).
func (k *KDC) authenticated(req messages.TGSReq) (ap messages.APReq, err error) {
	refused := k.refuse(errorcode.KRB_AP_ERR_BAD_INTEGRITY)
	if len(req.PAData) != 1 || req.PAData[0].PADataType != patype.PA_TGS_REQ || ap.Unmarshal(req.PAData[0].PADataValue) != nil || req.ReqBody.Realm != k.Realm.name {
		return ap, refused
	}
	if name := ap.Ticket.SName; !slices.Equal(name.NameString, []string{"krbtgt", k.Realm.name}) {
		return ap, k.refuse(errorcode.KRB_AP_ERR_NOT_US)
	}
	if ok, err := ap.Verify(k.Realm.keys, skew, types.HostAddress{}, nil); err != nil || !ok {
		return ap, refused
	}
	who := ap.Ticket.DecryptedEncPart
	if ap.Authenticator.CRealm != who.CRealm {
		return ap, k.refuse(errorcode.KRB_AP_ERR_BADMATCH)
	}
	body, err := req.ReqBody.Marshal()
	if err != nil {
		return ap, err
	}
	etype, err := crypto.GetEtype(who.Key.KeyType)
	if err != nil {
		return ap, err
	}
	if !etype.VerifyChecksum(who.Key.KeyValue, body, ap.Authenticator.Cksum.Checksum, keyusage.TGS_REQ_PA_TGS_REQ_AP_REQ_AUTHENTICATOR_CHKSUM) {
		return ap, refused
	}
	return ap, nil
}

// grant makes a ticket of a client of realm for service, and the part of the answer that is
// sealed by key.
func (k *KDC) grant(req messages.KDCReqFields, realm string, service types.PrincipalName, key types.EncryptionKey, usage uint32) (f messages.KDCRepFields, err error) {
	now := time.Now().UTC().Truncate(time.Second)
	until := now.Add(lifetime)
	ticket, session, err := messages.NewTicket(req.ReqBody.CName, realm, service, k.Realm.name, types.NewKrbFlags(), k.Realm.keys, etypeID.AES256_CTS_HMAC_SHA1_96, 1, now, now, until, until)
	if err != nil {
		return f, fmt.Errorf("make a ticket: %w", err)
	}
	part := messages.EncKDCRepPart{
		Key: session, LastReqs: []messages.LastReq{{LRValue: now}}, Nonce: req.ReqBody.Nonce, Flags: types.NewKrbFlags(),
		AuthTime: now, StartTime: now, EndTime: until, SRealm: k.Realm.name, SName: service,
	}
	if k.Alter != nil {
		k.Alter(&part)
	}
	plain, err := part.Marshal()
	if err != nil {
		return f, fmt.Errorf("make an answer: %w", err)
	}
	sealed, err := crypto.GetEncryptedData(plain, key, usage, 1)
	if err != nil {
		return f, fmt.Errorf("make an answer: %w", err)
	}
	return messages.KDCRepFields{PVNO: 5, CRealm: realm, CName: req.ReqBody.CName, Ticket: ticket, EncPart: sealed}, nil
}
