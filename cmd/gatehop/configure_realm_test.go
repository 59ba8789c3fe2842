package main

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"

	"gatehop/idp/idptest"
)

// TestConfigureRealm: the organisation that was chosen is written, and the next sign-in
// needs nobody to choose it. Without the key, the control, it does.
func TestConfigureRealm(t *testing.T) {
	t.Parallel()
	const partnerHost, partnerID, user, secret = "login.partner.example", "urn:partner", "alice@partner", "partner's own word"
	users := []idptest.User{{Name: user, Password: secret}}
	var partner *idptest.Form
	w := newcomer(t, worldOptions{
		adfs: func(o *idptest.Options) {
			o.ClaimsProviders = []string{partnerID, "urn:third"}
			o.Partners = []idptest.Partner{{ID: partnerID, Display: "Partner & Co", Entry: "https://" + partnerHost + "/simplesaml/saml2/idp/SSOService.php?spentityid=urn:corp:adfs"}}
			o.Users = append(o.Users, idptest.User{Name: user, Roles: o.Users[0].Roles, SessionName: "alice"})
		},
		extra: map[string]http.Handler{partnerHost: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { partner.ServeHTTP(rw, r) })},
	})
	var err error
	if partner, err = idptest.NewForm(idptest.FormOptions{
		Users: users, Party: idptest.RelyingParty{ACS: "https://" + worldHost + idptest.ADFSConsumer, Audience: "urn:corp:adfs"},
		Signer: w.signer, Now: w.clock, Rand: rand.Reader,
	}); err != nil {
		t.Fatal(err)
	}
	w.write(".aws/config", "[profile gateway]\ngatehop_idp = adfs\ngatehop_url = https://"+worldHost+"\ngatehop_trusted_hosts = "+partnerHost+"\n")
	w.answer = wizard()
	w.answer["username"], w.answer["password"], w.answer["home_realm"] = user, secret, "Partner & Co"
	w.run("configure").want(t, 0)
	if got := w.configFile(); !strings.Contains(got, "\ngatehop_home_realm = Partner & Co\n") {
		t.Errorf("the file has no gatehop_home_realm:\n%s", got)
	}
	w.answer, w.asked = map[string]string{"password": secret}, nil
	w.run("login", "gateway", "--force").want(t, 0)
	if w.askedFor("home_realm") != 0 {
		t.Error("asked for the organisation again")
	}
	w.write(".aws/config", strings.Replace(w.configFile(), "gatehop_home_realm", "gatehop_note", 1))
	w.run("login", "gateway", "--force").want(t, statusAmbiguous, "asks which organisation you belong to")
}
