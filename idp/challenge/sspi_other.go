//go:build !windows

package challenge

const hasSSPI = false

func loggedOn(string, string) (exchange, error) {
	return nil, &TicketError{Kind: OtherError, Name: "the system", Detail: "there is no session of Windows to sign in with"}
}
