package challenge

import (
	"encoding/base64"
	"strings"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/spnego"
)

const apErrSkew = errorcode.KRB_AP_ERR_SKEW

// serverCode is the code of the KRB-ERROR in a token of the server's, 0 if there is none.
func serverCode(o Offer) int32 {
	if !strings.EqualFold(o.Scheme, "Negotiate") {
		return 0
	}
	token, err := base64.StdEncoding.DecodeString(o.Token)
	if err != nil {
		return 0
	}
	var outer spnego.SPNEGOToken
	if outer.Unmarshal(token) == nil && outer.Resp {
		token = outer.NegTokenResp.ResponseToken
	}
	var inner spnego.KRB5Token
	if inner.Unmarshal(token) != nil || !inner.IsKRBError() {
		return 0
	}
	return inner.KRBError.ErrorCode
}
