package main

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"gatehop/idp/idptest"
)

const partnerHost = "login.partner.example"

// withPartner is a world whose AD FS knows a partner, at which the person has a password
// of its own.
func withPartner(t *testing.T, lines string) (*world, *idptest.Form) {
	t.Helper()
	var partner *idptest.Form
	late := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { partner.ServeHTTP(w, r) })
	w := newWorld(t, worldOptions{
		config: strings.Replace(worldConfig, "gatehop_store = file", "gatehop_store = file\n"+lines, 1),
		adfs: func(o *idptest.Options) {
			o.ClaimsProviders = []string{"urn:partner", "urn:third"}
			o.Partners = []idptest.Partner{{ID: "urn:partner", Display: "Partner", Entry: "https://" + partnerHost + "/simplesaml/saml2/idp/SSOService.php?spentityid=urn:corp:adfs"}}
		},
		extra: map[string]http.Handler{partnerHost: late},
	})
	var err error
	partner, err = idptest.NewForm(idptest.FormOptions{
		Users: []idptest.User{{Name: `CORP\alice`, Password: worldPassword}}, Signer: w.signer, Now: w.clock, Rand: rand.NewChaCha8([32]byte{3}),
		Party: idptest.RelyingParty{ACS: "https://" + worldHost + idptest.ADFSConsumer, Audience: "urn:corp:adfs"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w, partner
}

// TestHomeRealm: the organisation is the profile's or the person's to say, and one that
// signs in elsewhere gets the password if its host is trusted.
func TestHomeRealm(t *testing.T) {
	t.Parallel()
	const trusted = "gatehop_trusted_hosts = " + partnerHost
	for _, c := range []struct {
		name, lines string
		answer      map[string]string
		args        []string
		status      int
		words       []string
		partner     int // passwords that the partner gets
	}{
		{"by its name", "gatehop_home_realm = partner\n" + trusted, nil, nil, 0, nil, 1},
		{"by the person", trusted, map[string]string{"home_realm": "Partner"}, nil, 0, nil, 1},
		{"nobody there", trusted, nil, nil, statusAmbiguous, []string{"asks which organisation", "Partner", "urn:third", "gatehop_home_realm"}, 0},
		{"nobody to be asked", trusted, map[string]string{"home_realm": "Partner"}, []string{"--no-input"}, statusAmbiguous, []string{"gatehop_home_realm"}, 0},
		{"another name", "gatehop_home_realm = West\n" + trusted, map[string]string{"home_realm": "Partner"}, nil, 0, nil, 1},
		{"another name and nobody there", "gatehop_home_realm = West\n" + trusted, nil, nil, statusAmbiguous, []string{"Partner", "gatehop_home_realm"}, 0},
		{"a host that is not trusted", "gatehop_home_realm = partner", nil, nil, statusNetwork, []string{partnerHost, "gatehop_trusted_hosts"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, partner := withPartner(t, c.lines)
			w.vars, w.answer = []string{password(worldPassword)}, c.answer
			w.run(append([]string{"login", "gateway"}, c.args...)...).want(t, c.status, c.words...)
			if got := partner.Stats().Logins; got != c.partner || w.logins() != 0 {
				t.Errorf("the partner got %d passwords and AD FS %d, want %d and none", got, w.logins(), c.partner)
			}
			for _, q := range w.chosen {
				if want := "Which organisation at " + worldHost + "?"; q.Title != want || len(q.Items) != 2 {
					t.Errorf("asked %+v, want %q with both organisations", q, want)
				}
			}
			if got := len(w.chosen); got != len(c.answer) && c.status == 0 {
				t.Errorf("%d questions, want %d", got, len(c.answer))
			}
			for _, bug := range append(partner.ClientBugs(), w.adfs.ClientBugs()...) {
				t.Errorf("client bug: %s", bug)
			}
		})
	}
}

// TestMFA: of several methods the profile's is taken, and GATEHOP_MFA goes before it.
func TestMFA(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, lines string
		vars        []string
		answer      map[string]string
		status      int
		words       string
	}{
		{"by the profile", "gatehop_mfa = azure", nil, nil, 0, "We have sent a request to your phone."},
		{"by the environment", "gatehop_mfa = azure", []string{"GATEHOP_MFA=sampleadapter"}, nil, statusHuman, "a code is needed"},
		{"by the person", "", nil, map[string]string{"mfa": "SampleAdapter", "otp": idptest.CustomCode}, 0, ""},
		{"by nobody", "", nil, nil, statusAmbiguous, "gatehop_mfa or GATEHOP_MFA"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{adfs: factors("AzureMfaAuthentication", "SampleAdapter"),
				config: strings.Replace(worldConfig, "gatehop_store = file", "gatehop_store = file\n"+c.lines, 1)})
			w.vars, w.answer = append(c.vars, password(worldPassword)), c.answer
			o := w.run("login", "gateway").want(t, c.status, c.words)
			if c.status != statusAmbiguous && strings.Contains(o.stderr, "offered") {
				t.Errorf("a choice is left open:\n%s", o.stderr)
			}
			for _, bug := range w.adfs.ClientBugs() {
				t.Errorf("client bug: %s", bug)
			}
		})
	}
}
