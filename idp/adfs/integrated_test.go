package adfs_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/challenge"
	"gatehop/idp/idptest"
	"gatehop/idp/idptest/kerberostest"
	"gatehop/saml/samltest"
)

// schemes are those of the Authorization headers that AD FS was sent.
func (r *rig) schemes() (all []string) {
	for _, q := range r.p.Requests() {
		if h := q.Header.Get("Authorization"); h != "" {
			scheme, _, _ := strings.Cut(h, " ")
			all = append(all, scheme)
		}
	}
	return all
}

// TestIntegrated signs in by NTLM at every version: five requests, a person of Windows in
// the assertion, and nothing but NTLM in an Authorization header.
func TestIntegrated(t *testing.T) {
	t.Parallel()
	for name, o := range windows() {
		for user, domain := range map[string]string{alice: "", `corp\ALICE`: "", "alice@corp": "", "alice": "CORP"} {
			t.Run(name+" as "+user, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, o, person(user, idptest.AlicePassword)).integrated()
				a, err := r.login(t, adfs.Config{Auth: "ntlm", Domain: domain})
				if err != nil {
					t.Fatalf("Login = %v", err)
				}
				requests := 5
				if len(o.ClaimsProviders) > 0 {
					requests += 2
				}
				if len(o.ClaimsProviders) > 0 && o.Flavour == "2.0" { // whose choice is a page of its own
					requests++
				}
				r.check(t, 1, requests)
				if got := r.schemes(); !slices.Equal(got, []string{"NTLM", "NTLM"}) {
					t.Errorf("sent %q", got)
				}
				document, err := base64.StdEncoding.DecodeString(a.Encoded().Reveal())
				if err != nil || !strings.Contains(string(document), samltest.WindowsContext) || r.answers.Asked("password") != 1 {
					t.Errorf("%v; asked %+v; the assertion is not of a person of Windows' or:\n%s", err, r.answers.Questions(), document)
				}
			})
		}
	}
}

// TestIntegratedAgain: who mistypes is asked again, and signs in.
func TestIntegratedAgain(t *testing.T) {
	t.Parallel()
	for name, o := range windows() {
		script := map[string][]string{"username": {alice}, "password": {"wrong one", idptest.AlicePassword}}
		r := newRig(t, o, script).integrated()
		if _, err := r.login(t, adfs.Config{Auth: "ntlm"}); err != nil {
			t.Errorf("%s: Login = %v", name, err)
		}
		questions := r.answers.Questions()
		if retry := questions[len(questions)-1].Retry; retry == "" || r.answers.Asked("password") != 2 || r.answers.Asked("username") != 1 {
			t.Errorf("%s: asked %+v", name, questions)
		}
		if bugs := r.p.ClientBugs(); len(bugs) > 0 || r.p.Stats().Logins != 2 {
			t.Errorf("%s: %q, %d passwords", name, bugs, r.p.Stats().Logins)
		}
	}
	bare := newRig(t, windows()["3.0"], person("alice", idptest.AlicePassword)).integrated()
	_, err := bare.login(t, adfs.Config{Auth: "ntlm"})
	wantVerdict(t, err, idp.BareUser)
	if got := bare.schemes(); got != nil {
		t.Errorf("a bare name: sent %q", got)
	}
}

// TestIntegratedSecondFactor: what comes after integrated sign-in is what comes after the
// form.
func TestIntegratedSecondFactor(t *testing.T) {
	t.Parallel()
	o := windows()["2019"]
	o.Users, o.Factors = asked(), []string{"SecurIDAuthentication"}
	r := newRig(t, o, withCode(idptest.MFACode)).integrated()
	_, err := r.login(t, adfs.Config{Auth: "ntlm"})
	if bugs := r.p.ClientBugs(); err != nil || r.answers.Asked("otp") != 1 || len(bugs) > 0 {
		t.Errorf("Login = %v after %d questions for a code, client bugs %q", err, r.answers.Asked("otp"), bugs)
	}
}

// TestNoForm: where HTTP authentication is configured no form is filled in, and nobody is
// asked for anything.
func TestNoForm(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]idptest.Options{
		"outside": {Flavour: "3.0"}, "2.0": {Flavour: "2.0"}, "2016 outside": {Flavour: "2016"}, "paginated": native, "in steps": steps,
		"a client that is not on the list": {Intranet: true, WIAUserAgents: []string{"MSIE 6.0"}}, "methods": {Flavour: "2019", MethodChoice: true},
	} {
		for _, auth := range []string{"ntlm", "kerberos", "basic", "digest"} {
			r := newRig(t, o, person(alice, idptest.AlicePassword)).integrated()
			_, err := r.login(t, adfs.Config{Auth: auth})
			page := wantVerdict(t, err, idp.FormInstead)
			if page.Words == "" || r.answers.Questions() != nil || r.schemes() != nil || r.p.Stats().Logins != 0 {
				t.Errorf("%s, %s: %+v, asked %+v, sent %q", name, auth, page, r.answers.Questions(), r.schemes())
			}
		}
	}
}

// TestBasic20: Basic goes where it is configured and asked for, to no integrated sign-in.
func TestBasic20(t *testing.T) {
	t.Parallel()
	o := idptest.Options{Flavour: "2.0", LocalAuthFirst: idptest.LocalBasic}
	r := newRig(t, o, person(alice, idptest.AlicePassword))
	if _, err := r.login(t, adfs.Config{Auth: "basic"}); err != nil {
		t.Errorf("Login = %v", err)
	}
	r.check(t, 1, 4)
	if got := r.schemes(); !slices.Equal(got, []string{"Basic"}) {
		t.Errorf("sent %q", got)
	}
	r = newRig(t, o, mistaken())
	_, err := r.login(t, adfs.Config{Auth: "basic"})
	if page := wantVerdict(t, err, idp.Rejected); page.Scheme != "Basic" {
		t.Errorf("%+v", page)
	}
	r.check(t, 1, 3)
	for _, auth := range []string{"", "ntlm", "kerberos", "digest"} {
		r := newRig(t, o, person(alice, idptest.AlicePassword))
		_, err := r.login(t, adfs.Config{Auth: auth})
		wantVerdict(t, err, idp.BasicAuth)
		if r.schemes() != nil || r.answers.Questions() != nil {
			t.Errorf("%s: sent %q, asked %+v", auth, r.schemes(), r.answers.Questions())
		}
	}
	for name, o := range windows() {
		for _, auth := range []string{"basic", "digest"} {
			r := newRig(t, o, person(alice, idptest.AlicePassword)).integrated()
			_, err := r.login(t, adfs.Config{Auth: auth})
			wantVerdict(t, err, idp.Integrated)
			if r.schemes() != nil || r.answers.Questions() != nil {
				t.Errorf("%s, %s: sent %q", name, auth, r.schemes())
			}
		}
	}
}

// TestBasicControl is T07's control: a client that answers integrated sign-in by Basic is
// noticed, and so is one that gives its last message another connection.
func TestBasicControl(t *testing.T) {
	t.Parallel()
	for name, o := range windows() {
		r := newRig(t, o, nil).integrated()
		at := "https://" + host + "/adfs/ls/wia"
		if o.Flavour == "2.0" {
			at = "https://" + host + "/adfs/ls/auth/integrated/"
		}
		req, err := http.NewRequest(http.MethodGet, at, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(alice, idptest.AlicePassword)
		resp, err := r.transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if bugs := r.p.ClientBugs(); resp.StatusCode != http.StatusUnauthorized || len(bugs) != 1 || !strings.HasPrefix(bugs[0], "10: ") {
			t.Errorf("%s: status %d, %q", name, resp.StatusCode, bugs)
		}
	}
}

// TestIntegratedTicket signs in by Kerberos at every version: no question, one header.
func TestIntegratedTicket(t *testing.T) {
	t.Parallel()
	const service = "HTTP/" + host
	realm, err := kerberostest.NewRealm("CORP", service)
	if err != nil {
		t.Fatal(err)
	}
	data, err := realm.Cache("alice", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), service)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cache := filepath.Join(dir, "cc")
	if err := os.WriteFile(cache, data, 0o600); err != nil {
		t.Fatal(err)
	}
	c := adfs.Config{Auth: "kerberos", CCache: cache, KerberosConf: filepath.Join(dir, "none")}
	for name, o := range windows() {
		o.Tickets = realm.Tickets(service)
		for _, user := range []string{"", alice, "alice"} {
			r := newRig(t, o, nil).integrated()
			c := c
			c.Username = user
			if _, err := r.login(t, c); err != nil {
				t.Errorf("%s as %q: Login = %v", name, user, err)
			}
			if got := r.schemes(); !slices.Equal(got, []string{"Negotiate"}) || r.answers.Questions() != nil {
				t.Errorf("%s as %q: sent %q, asked %+v", name, user, got, r.answers.Questions())
			}
			if bugs := r.p.ClientBugs(); len(bugs) > 0 {
				t.Errorf("%s as %q: %q", name, user, bugs)
			}
		}
		o.Tickets = nil
		r := newRig(t, o, person(alice, idptest.AlicePassword)).integrated()
		_, err := r.login(t, c)
		wantVerdict(t, err, idp.TicketRefused)
		if got := r.schemes(); len(got) != 1 || r.answers.Questions() != nil {
			t.Errorf("%s: refused, sent %q, asked %+v", name, got, r.answers.Questions())
		}
	}
	c.Username = `CORP\bob`
	r := newRig(t, windows()["3.0"], nil).integrated()
	_, err = r.login(t, c)
	var ticket *challenge.TicketError
	if !errors.As(err, &ticket) || ticket.Kind != challenge.OtherPerson || r.schemes() != nil {
		t.Errorf("somebody else's ticket: %v, sent %q", err, r.schemes())
	}
}

// TestIntegratedLook: a look at an AD FS sends nothing, however it is configured.
func TestIntegratedLook(t *testing.T) {
	t.Parallel()
	for name, o := range windows() {
		for _, auth := range []string{"", "ntlm", "kerberos"} {
			r := newRig(t, o, nil).integrated()
			p, err := adfs.Look(t.Context(), r.session, adfs.Config{URL: host, Auth: auth, CCache: "/nowhere/cc"})
			if p == nil || r.schemes() != nil || (err == nil) != (auth != "") || adfs.Signs(p) == nil && o.PathCase == "" {
				t.Errorf("%s, %q: %v, %v, sent %q", name, auth, p, err, r.schemes())
			}
		}
	}
}
