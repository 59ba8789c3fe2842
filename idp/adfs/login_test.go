package adfs_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
	"gatehop/saml"
	"gatehop/saml/samltest"
)

const (
	host  = "adfs.corp.example"
	alice = `CORP\alice`
	wrong = "Incorrect user ID or password. Type the correct user ID and password, and try again."
)

var clock = func() time.Time { return time.Date(2025, 11, 23, 9, 0, 0, 0, time.UTC) }

// signer is made once: its key takes a while.
var signer = sync.OnceValue(func() *samltest.IDP {
	p, err := samltest.New("http://adfs.corp.example/adfs/services/trust", nil, clock())
	if err != nil {
		panic(err)
	}
	return p
})

// rig is one simulated AD FS and a person in front of it.
type rig struct {
	p       *idptest.ADFS
	answers *idptest.Answers
	session *idp.Session

	transport *idptest.InProcess
}

// person answers each question once and then no more.
func person(name, password string) map[string][]string {
	return map[string][]string{"username": {name}, "password": {password, idptest.NoAnswer}}
}

func newRig(t testing.TB, o idptest.Options, script map[string][]string) *rig {
	t.Helper()
	if o.Now == nil {
		o.Now = clock
	}
	o.Rand, o.Signer = rand.NewChaCha8([32]byte{7}), signer()
	p, err := idptest.NewADFS(o)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := idp.NewTrust(host, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{"home_realm": {idptest.NoAnswer}, "mfa": {idptest.NoAnswer}} // nobody chooses unless the script does
	maps.Copy(all, script)
	r := &rig{p: p, answers: idptest.NewAnswers(all)}
	transport := idptest.Transport(map[string]http.Handler{host: p, idptest.AnyHost: p.Elsewhere()})
	client := idp.NewClient(idp.ClientOptions{Trust: trust, Transport: transport, Now: o.Now, Timeout: 5 * time.Second})
	r.session, r.transport = &idp.Session{HTTP: client, Trust: trust, Prompt: r.answers}, transport
	return r
}

// integrated makes the client one that AD FS sends to integrated sign-in.
func (r *rig) integrated() *rig {
	r.session.HTTP = idp.NewClient(idp.ClientOptions{
		Trust: r.session.Trust, Transport: r.transport, Now: clock, Timeout: 5 * time.Second, UserAgent: idp.IntegratedUserAgent, OneConnection: true,
	})
	return r
}

func (r *rig) login(t testing.TB, c adfs.Config) (*saml.Assertion, error) {
	t.Helper()
	if c.URL == "" {
		c.URL = host
	}
	if c.Auth == "ntlm" && c.Username == "" { // else it is whoever is logged on to Windows
		c.Username = alice
	}
	a, err := adfs.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	return a.Login(ctx, r.session)
}

// check is what must hold of every sign-in, whatever became of it: no client bug, and
// so many passwords and requests.
func (r *rig) check(t testing.TB, logins, requests int) {
	t.Helper()
	for _, bug := range r.p.ClientBugs() {
		t.Errorf("client bug: %s", bug)
	}
	if got := r.p.Stats(); got.Logins != logins || got.Requests != requests {
		t.Errorf("Stats = %+v, want %d logins in %d requests", got, logins, requests)
	}
}

// wantVerdict checks err and that it tells nothing secret.
func wantVerdict(t testing.TB, err error, want idp.Verdict) *idp.PageError {
	t.Helper()
	var page *idp.PageError
	if !errors.As(err, &page) || page.Verdict != want {
		t.Fatalf("Login = %v, want verdict %q", err, want)
	}
	for _, text := range append(page.Options, page.Error(), page.Title, page.Words, page.Fingerprint, page.URL) {
		if strings.Contains(text, idptest.AlicePassword) || strings.Contains(text, "client-request-id") {
			t.Errorf("the error holds a secret or a query: %s", text)
		}
	}
	return page
}

// TestLogin has T01, T17, T18, T19 and T24: whatever the pages look like, the sign-in
// is GET, POST, GET, with one more where AD FS adds its request ID.
func TestLogin(t *testing.T) { each(t, testLogin) }

func testLogin(t *testing.T, v version) {
	party := func(acs string) map[string]idptest.RelyingParty {
		return map[string]idptest.RelyingParty{"urn:amazon:webservices": {ACS: acs, Audience: "urn:amazon:webservices", Display: "AWS"}}
	}
	cases := []struct {
		name     string
		o        idptest.Options
		c        adfs.Config
		user     string
		requests int
	}{
		{name: "T01 as it comes", requests: 4},
		{name: "T01 without client-request-id", o: idptest.Options{ClientRequestIDOff: true}, requests: 3},
		{name: "request cookie required", o: idptest.Options{RequireRequestCookie: true}, requests: 4},
		{name: "T17 absolute action", o: idptest.Options{Action: idptest.ActionAbsolute}, requests: 4},
		{name: "T17 action with :443", o: idptest.Options{Action: idptest.ActionAbsolute443}, requests: 4},
		{name: "T17 relative action", o: idptest.Options{Action: idptest.ActionRelative}, requests: 4},
		{name: "T17 unescaped ampersands", o: idptest.Options{Action: idptest.ActionUnescapedAmp}, requests: 4},
		{name: "T17 empty action", o: idptest.Options{Action: idptest.ActionEmpty}, requests: 4},
		{name: "T17 no action", o: idptest.Options{Action: idptest.ActionMissing}, requests: 4},
		{name: "T18 without :443", o: idptest.Options{ACSPort443Off: true}, requests: 4},
		{name: "T18 regional", o: idptest.Options{RelyingParties: party("https://eu-west-1.signin.aws.amazon.com/saml")}, requests: 4},
		{name: "T19 decoy form", o: idptest.Options{DecoyEmptySAMLResponse: true}, requests: 4},
		{name: "T19 wrapped base64", o: idptest.Options{WrappedBase64: true}, requests: 4},
		{name: "T23 gzip", o: idptest.Options{Gzip: true}, requests: 4},
		{name: "T24 keep me signed in offered", o: idptest.Options{Kmsi: true}, requests: 4},
		{name: "certificate offered", o: idptest.Options{CertificateLink: true}, requests: 4},
		{name: "method chosen", o: idptest.Options{MethodChoice: true, CertificateLink: true}, requests: 5},
		{name: "a theme of its own", o: idptest.Options{Themed: true}, requests: 4},
		{name: "big token", o: idptest.Options{BigToken: true}, requests: 4},
		{name: "T10 two claims providers", o: idptest.Options{ClaimsProviders: []string{"https://partner.example/adfs/services/trust", idptest.LocalAuthority}}, requests: 6},
		{name: "user principal name", user: "alice@corp", requests: 4},
		{name: "bare name with a domain", user: "alice", c: adfs.Config{Domain: "CORP"}, requests: 4},
		{name: "upper-case path pasted", c: adfs.Config{URL: "https://" + host + "/ADFS/LS/IdpInitiatedSignOn.aspx?loginToRp=urn:amazon:webservices"}, requests: 4},
		{name: "relay state pasted", c: adfs.Config{URL: "https://" + host + "/adfs/ls/?RelayState=RPID%3Durn%253Aamazon%253Awebservices%26RelayState%3Dhttps%253A%252F%252Fconsole.example"}, requests: 4},
	}
	for _, c := range cases {
		if v.more > 0 && c.o.ClientRequestIDOff {
			continue // the simulator cannot tell the steps apart
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			user := alice
			if c.user != "" {
				user = c.user
			}
			r := newRig(t, v.of(c.o), person(user, idptest.AlicePassword))
			a, err := r.login(t, c.c)
			if err != nil {
				t.Fatalf("Login = %v", err)
			}
			if len(a.Roles) != 3 {
				t.Errorf("Login = %d roles, want 3", len(a.Roles))
			}
			r.check(t, 1, c.requests+v.more)
			if got := len(r.p.RequestsElsewhere()); got != 0 {
				t.Errorf("%d requests to other hosts, want 0", got)
			}
		})
	}
}

// TestLoginRejected has T02 and what follows from it: the words are AD FS's, the
// password goes out once per answer.
func TestLoginRejected(t *testing.T) { each(t, testLoginRejected) }

func testLoginRejected(t *testing.T, v version) {
	state := func(s idptest.UserState) []idptest.User {
		u := idptest.Alice()
		u.State = s
		return []idptest.User{u}
	}
	cases := []struct {
		name      string
		users     []idptest.User
		passwords []string
		ok        bool
		logins    int
		requests  int
	}{
		{name: "T02 wrong password", passwords: []string{"wrong one", idptest.NoAnswer}, logins: 1, requests: 3},
		{name: "right at the second try", passwords: []string{"wrong one", idptest.AlicePassword}, ok: true, logins: 2, requests: 5},
		{name: "right at the third try", passwords: []string{"wrong 1", "wrong 2", idptest.AlicePassword}, ok: true, logins: 3, requests: 6},
		{name: "three tries", passwords: []string{"wrong 1", "wrong 2", "wrong 3", idptest.AlicePassword}, logins: 3, requests: 5},
		{name: "the refused answer again", passwords: []string{"wrong 1", "wrong 1", "wrong 1"}, logins: 1, requests: 3},
		{name: "locked", users: state(idptest.UserLocked), passwords: []string{idptest.AlicePassword, idptest.NoAnswer}, logins: 1, requests: 3},
		{name: "disabled", users: state(idptest.UserDisabled), passwords: []string{idptest.AlicePassword, idptest.NoAnswer}, logins: 1, requests: 3},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, v.of(idptest.Options{Users: c.users}), map[string][]string{"username": {alice}, "password": c.passwords})
			_, err := r.login(t, adfs.Config{})
			if c.ok && err != nil {
				t.Errorf("Login = %v, want an assertion", err)
			}
			if !c.ok {
				if got := wantVerdict(t, err, idp.Rejected); got.Words != wrong {
					t.Errorf("Words = %q, want %q", got.Words, wrong)
				}
			}
			for _, q := range r.answers.Questions() {
				if q.Retry != "" && (q.Retry != wrong || q.Field != "password") {
					t.Errorf("asked again with %+v, want AD FS's words about the password", q)
				}
			}
			r.check(t, c.logins, c.requests+v.more)
		})
	}
}

// TestLoginPasswordExpired has T08: both ways in which AD FS says it, and that nothing
// is posted to the page that changes passwords.
func TestLoginPasswordExpired(t *testing.T) { each(t, testLoginPasswordExpired) }

func testLoginPasswordExpired(t *testing.T, v version) {
	for _, state := range []idptest.UserState{idptest.UserExpired, idptest.UserMustChange} {
		for _, endpoint := range []bool{false, true} {
			u := idptest.Alice()
			u.State = state
			r := newRig(t, v.of(idptest.Options{Users: []idptest.User{u}, UpdatePasswordEndpoint: endpoint}), person(alice, idptest.AlicePassword))
			_, err := r.login(t, adfs.Config{})
			got := wantVerdict(t, err, idp.PasswordExpired)
			if got.Words == "" || endpoint != strings.HasSuffix(got.URL, "/adfs/portal/updatepassword/") {
				t.Errorf("%s, endpoint %t: %q at %s, want words at the right page", state, endpoint, got.Words, got.URL)
			}
			requests := 3
			if endpoint {
				requests = 4
			}
			r.check(t, 1, requests+v.more)
		}
	}
}

// TestLoginEntry has T09 (E05, E07): an unknown relying party, the entry switched off.
func TestLoginEntry(t *testing.T) { each(t, testLoginEntry) }

func testLoginEntry(t *testing.T, v version) {
	r := newRig(t, v.of(idptest.Options{}), nil)
	_, err := r.login(t, adfs.Config{RelyingParty: "urn:example:other"})
	got := wantVerdict(t, err, idp.UnknownParty)
	if got.Words != "urn:example:other" || !slices.Equal(got.Options, []string{"Amazon Web Services"}) {
		t.Errorf("Words %q, Options %q, want what was asked for and what is offered", got.Words, got.Options)
	}
	r.check(t, 0, 1)

	r = newRig(t, v.of(idptest.Options{}), nil)
	_, err = r.login(t, adfs.Config{Partition: "aws-us-gov"})
	if got := wantVerdict(t, err, idp.UnknownParty); got.Words != "urn:amazon:webservices:govcloud" {
		t.Errorf("Words = %q, want GovCloud's identifier", got.Words)
	}

	for _, status := range []int{0, 400, 500, 503} {
		r = newRig(t, v.of(idptest.Options{IdPInitiatedDisabled: true, ErrorStatus: status}), nil)
		_, err = r.login(t, adfs.Config{})
		if got := wantVerdict(t, err, idp.EntryDisabled); len(got.Activity) != 36 || got.Words == "" {
			t.Errorf("Activity %q, Words %q, want both", got.Activity, got.Words)
		}
		r.check(t, 0, 1)
	}

	r = newRig(t, v.of(idptest.Options{UnknownRPError: true}), nil)
	_, err = r.login(t, adfs.Config{RelyingParty: "urn:example:other"})
	if got := wantVerdict(t, err, idp.UnknownParty); got.Words != "urn:example:other" || len(got.Activity) != 36 {
		t.Errorf("Words %q, Activity %q, want what was asked for and the number", got.Words, got.Activity)
	}
}

// TestLoginNotPermitted has T20: signed in, and nothing for AWS.
func TestLoginNotPermitted(t *testing.T) { each(t, testLoginNotPermitted) }

func testLoginNotPermitted(t *testing.T, v version) {
	cases := map[idptest.UserState]idp.Verdict{
		idptest.UserNotPermitted: idp.NotPermitted,
		idptest.UserNoRoles:      idp.NoRoles,
	}
	for state, want := range cases {
		u := idptest.Alice()
		u.State = state
		r := newRig(t, v.of(idptest.Options{Users: []idptest.User{u}}), person(alice, idptest.AlicePassword))
		_, err := r.login(t, adfs.Config{})
		got := wantVerdict(t, err, want)
		if (want == idp.NotPermitted) != (got.Activity != "") {
			t.Errorf("%s: Activity = %q", state, got.Activity)
		}
		r.check(t, 1, 4+v.more)
	}
}

// TestLoginBareUser: a name without a domain is refused before anything is posted.
func TestLoginBareUser(t *testing.T) { each(t, testLoginBareUser) }

func testLoginBareUser(t *testing.T, v version) {
	r := newRig(t, v.of(idptest.Options{}), person("alice", idptest.AlicePassword))
	_, err := r.login(t, adfs.Config{})
	wantVerdict(t, err, idp.BareUser)
	if got := r.answers.Asked("password"); got != 0 {
		t.Errorf("asked for the password %d times, want 0", got)
	}
	r.check(t, 0, 2)
}

// TestLoginSignedIn has T14: kept cookies need no answer.
func TestLoginSignedIn(t *testing.T) { each(t, testLoginSignedIn) }

func testLoginSignedIn(t *testing.T, v version) {
	r := newRig(t, v.of(idptest.Options{}), person(alice, idptest.AlicePassword))
	if _, err := r.login(t, adfs.Config{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.login(t, adfs.Config{}); err != nil {
		t.Fatalf("Login = %v, want an assertion", err)
	}
	if got := len(r.answers.Questions()); got != 2 {
		t.Errorf("%d questions, want 2", got)
	}
	r.check(t, 1, 5+v.more)
}
