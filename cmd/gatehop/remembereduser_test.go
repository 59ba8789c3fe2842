package main

import (
	"strings"
	"testing"
)

// TestRememberedUser: who signed in before by a password is no configured user, whose ticket
// it would have to be.
func TestRememberedUser(t *testing.T) {
	w := ticketWorld(t, "gatehop_auth = ntlm")
	w.answer = map[string]string{"username": `CORP\alice`, "password": worldPassword}
	w.run("login", "gateway").want(t, 0)
	w.write(".aws/config", strings.Replace(w.configFile(), "gatehop_auth = ntlm", "gatehop_auth = kerberos\ngatehop_ccache = bob", 1))
	w.answer = nil
	r := w.runWith(nil, "login", "gateway", "--force")
	if strings.Contains(r.stderr, "gatehop_username") || w.authorizations() == nil {
		t.Errorf("the profile has no gatehop_username: %+v", r)
	}
}
