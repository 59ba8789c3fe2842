package challenge

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/types"
)

// What a KDC may want of the derivation of a key. Nobody has signed what it says, and
// whoever is on the way may say it.
const (
	maxSalt = 1 << 10 // bytes; the default one is the realm and the name
	// minIterations is the default of RFC 3962, section 4, and below that of RFC 8009: fewer
	// make the proof cheaper to guess the password by.
	minIterations = 4096
	// maxIterations takes about a second. RFC 3962, section 4, lets a client refuse what
	// costs it too much, but nothing below 50000.
	maxIterations = 1 << 20
)

// keyInfo is how a KDC has made the key of a password (RFC 4120, section 5.2.7.5).
type keyInfo struct {
	etype  int32
	salt   string // "" for the default one
	params string // "" for the default ones
}

// keyInfos reads what a KDC says about keys: ETYPE-INFO2, and only where that is missing
// ETYPE-INFO, the preferred one first.
func keyInfos(methods types.PADataSequence) (infos []keyInfo, err error) {
	find := func(kind int32) int {
		return slices.IndexFunc(methods, func(m types.PAData) bool { return m.PADataType == kind })
	}
	if i := find(patype.PA_ETYPE_INFO2); i >= 0 {
		list, err := methods[i].GetETypeInfo2()
		if err != nil {
			return nil, errAnswer
		}
		for _, e := range list {
			infos = append(infos, keyInfo{e.EType, e.Salt, string(e.S2KParams)})
		}
	} else if i := find(patype.PA_ETYPE_INFO); i >= 0 {
		list, err := methods[i].GetETypeInfo()
		if err != nil {
			return nil, errAnswer
		}
		for _, e := range list {
			infos = append(infos, keyInfo{etype: e.EType, salt: string(e.Salt)})
		}
	}
	return infos, nil
}

// stringToKey is what gokrb5 takes as the parameters of a derivation, byDefault for none.
// The error says what of it is refused.
func (i keyInfo) stringToKey(byDefault string) (params string, err error) {
	iterated := byDefault != "" // AES; the older types have no parameters
	switch {
	case len(i.salt) > maxSalt:
		return "", fmt.Errorf("it wants a salt of %d bytes", len(i.salt))
	case i.params == "":
		return byDefault, nil
	case !iterated, len(i.params) != 4:
		return "", fmt.Errorf("it wants a key with %d bytes of parameters", len(i.params))
	}
	if n := binary.BigEndian.Uint32([]byte(i.params)); n < minIterations || n > maxIterations { // 0 stands for 2^32
		return "", fmt.Errorf("it wants a key of %d iterations", n)
	}
	return hex.EncodeToString([]byte(i.params)), nil
}

// passwordTypes are the encryption types that a password or a keytab may be proved by:
// default_tkt_enctypes, else permitted_enctypes, and nothing that the second one leaves
// out. What a krb5.conf does not say is AES. gokrb5's own default has RC4 besides (RFC
// 8429), which hides a password badly: a KDC, or who stands before it, could choose that.
// Where it is named somebody wants it. gokrb5 has no DES.
func passwordTypes(d config.LibDefaults, lines []string) []int32 {
	allowed := []int32{
		etypeID.AES256_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA1_96,
		etypeID.AES256_CTS_HMAC_SHA384_192, etypeID.AES128_CTS_HMAC_SHA256_128,
	}
	permitted := isSet(lines, "permitted_enctypes")
	switch {
	case isSet(lines, "default_tkt_enctypes"):
		allowed = slices.Clone(d.DefaultTktEnctypeIDs)
	case permitted:
		return d.PermittedEnctypeIDs
	}
	if permitted {
		allowed = slices.DeleteFunc(allowed, func(t int32) bool { return !slices.Contains(d.PermittedEnctypeIDs, t) })
	}
	return allowed
}
