package challenge

import "github.com/Azure/go-ntlmssp"

// ntlm is an exchange of NTLM, version 2, by user name and password: DOMAIN\user,
// user@domain with an empty domain, or a bare name.
type ntlm struct{ who Who }

func (n ntlm) next(token []byte) ([]byte, error) {
	if token == nil {
		return ntlmssp.NewNegotiateMessage("", "")
	}
	return ntlmssp.NewAuthenticateMessage(token, n.who.Name, n.who.Password.Reveal(), nil)
}

func (ntlm) close() {}
