package challenge

import (
	"encoding/hex"

	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/types"
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
	for _, m := range methods {
		if m.PADataType != patype.PA_ETYPE_INFO2 {
			continue
		}
		list, err := m.GetETypeInfo2()
		if err != nil {
			return nil, errAnswer
		}
		for _, e := range list {
			infos = append(infos, keyInfo{e.EType, e.Salt, string(e.S2KParams)})
		}
		return infos, nil
	}
	for _, m := range methods {
		if m.PADataType != patype.PA_ETYPE_INFO {
			continue
		}
		list, err := m.GetETypeInfo()
		if err != nil {
			return nil, errAnswer
		}
		for _, e := range list {
			infos = append(infos, keyInfo{etype: e.EType, salt: string(e.Salt)})
		}
		return infos, nil
	}
	return nil, nil
}

// stringToKey is what gokrb5 takes as the parameters of a derivation, byDefault for none.
func (i keyInfo) stringToKey(byDefault string) string {
	if i.params == "" {
		return byDefault
	}
	return hex.EncodeToString([]byte(i.params))
}
