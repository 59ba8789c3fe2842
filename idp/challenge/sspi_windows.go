package challenge

import (
	"errors"
	"strings"
	"syscall"

	"github.com/alexbrainman/sspi"
)

const hasSSPI = true

// sspiExchange is one of the logged-on user's, whose password nobody needs to know.
//
// The packages of sspi for NTLM and Negotiate are not used: they ask the system about its
// security packages whenever a program starts, and one of them panics over the answer.
type sspiExchange struct {
	cred   *sspi.Credentials
	ctx    *sspi.Context
	target *uint16 // the service principal
	size   uint32  // of a token at most
}

// loggedOn begins an exchange of the system's under a scheme for the service HTTP/host. No
// delegation is asked for.
func loggedOn(scheme, host string) (exchange, error) {
	name := sspi.NEGOSSP_NAME
	if strings.EqualFold(scheme, sspi.NTLMSP_NAME) {
		name = sspi.NTLMSP_NAME
	}
	info, err := sspi.QueryPackageInfo(name)
	if err != nil {
		return nil, sspiError(err)
	}
	target, err := syscall.UTF16PtrFromString("HTTP/" + strings.ToLower(host))
	if err != nil {
		return nil, sspiError(err)
	}
	cred, err := sspi.AcquireCredentials("", name, sspi.SECPKG_CRED_OUTBOUND, nil)
	if err != nil {
		return nil, sspiError(err)
	}
	return &sspiExchange{cred, sspi.NewClientContext(cred, sspi.ISC_REQ_CONNECTION), target, info.MaxToken}, nil
}

func (x *sspiExchange) next(token []byte) ([]byte, error) {
	out := make([]byte, x.size)
	var in, made [1]sspi.SecBuffer
	in[0].Set(sspi.SECBUFFER_TOKEN, token)
	made[0].Set(sspi.SECBUFFER_TOKEN, out)
	outs := sspi.NewSecBufferDesc(made[:])
	ret := x.ctx.Update(x.target, outs, sspi.NewSecBufferDesc(in[:]))
	if ret == sspi.SEC_I_COMPLETE_NEEDED || ret == sspi.SEC_I_COMPLETE_AND_CONTINUE {
		ret = sspi.CompleteAuthToken(x.ctx.Handle, outs)
	}
	switch {
	case ret != sspi.SEC_E_OK && ret != sspi.SEC_I_CONTINUE_NEEDED:
		return nil, sspiError(ret)
	case made[0].BufferSize == 0:
		return nil, errors.New("Windows has nothing to answer")
	}
	return out[:made[0].BufferSize], nil
}

func (x *sspiExchange) close() {
	if x.ctx.Handle != nil {
		_ = x.ctx.Release()
	}
	_ = x.cred.Release()
}

// sspiError keeps what Windows says, which holds no secret.
func sspiError(err error) error {
	return &TicketError{Kind: Windows, Detail: err.Error()}
}
