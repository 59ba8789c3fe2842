package adfs_test

import (
	cryptorand "crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
)

// TestLoginVerdicts has the verdict for every fault of the simulator.
func TestLoginVerdicts(t *testing.T) { each(t, testLoginVerdicts) }

func testLoginVerdicts(t *testing.T, v version) {
	verdicts := map[idptest.Fault]idp.Verdict{
		idptest.FaultGetForm: idp.UnreadableForm, idptest.FaultTextPlain: idp.UnreadableForm,
		idptest.FaultNoWords: idp.Unexplained, idptest.FaultCaptcha: idp.Captcha,
		idptest.FaultRedirectLoop: idp.SignInLoop, idptest.FaultJSON: idp.NotHTML,
		idptest.FaultHuge: idp.TooLarge, idptest.FaultDeep: idp.TooLarge,
		idptest.FaultScriptOnly: idp.ScriptOnly, idptest.FaultFirewall: idp.Firewall,
		idptest.FaultProxy: idp.ProxyRefused, idptest.FaultNotFound: idp.NotFound,
		idptest.FaultIntegrated: idp.Integrated, idptest.FaultBasic: idp.BasicAuth,
		idptest.FaultConsent: idp.Consent, idptest.FaultForeignACS: idp.ForeignAssertion,
		idptest.FaultEmptyResponse: idp.BadAssertion, idptest.FaultBadResponse: idp.BadAssertion,
		idptest.FaultRefusedResponse: idp.BadAssertion, idptest.FaultSeveralAssertions: idp.BadAssertion,
		idptest.FaultWSFederation: idp.WSFederation, idptest.FaultForeignPage: idp.Unknown,
	}
	origins := []idptest.Fault{
		idptest.FaultForeignAction, idptest.FaultPlainAction, idptest.FaultRedirect307,
		idptest.FaultRedirectPlain, idptest.FaultForeignResponse,
	}
	network := []idptest.Fault{idptest.FaultCut, idptest.FaultHangPosted, idptest.FaultHang}
	for _, f := range idptest.Faults() {
		if v.name != "3.0" && strings.HasPrefix(string(f.Fault), string(idptest.FaultHang)) {
			continue // silence has no version, and takes its time
		}
		t.Run(string(f.Fault), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, v.of(idptest.Options{Fault: f.Fault}), person(alice, idptest.AlicePassword))
			a, err := r.login(t, adfs.Config{})
			var (
				origin *idp.OriginError
				net    *idp.NetworkError
			)
			switch verdict, ok := verdicts[f.Fault]; {
			case ok:
				wantVerdict(t, err, verdict)
			case slices.Contains(origins, f.Fault):
				if !errors.As(err, &origin) {
					t.Errorf("Login = %v, want *idp.OriginError", err)
				}
			case slices.Contains(network, f.Fault):
				if !errors.As(err, &net) {
					t.Errorf("Login = %v, want *idp.NetworkError", err)
				}
			case f.Fault == idptest.FaultEncrypted:
				if err != nil || !a.Encrypted {
					t.Errorf("Login = %v, want an encrypted assertion", err)
				}
			default:
				t.Errorf("Login = %v, and nothing is known about %q (%s)", err, f.Fault, f.About)
			}
			for _, bug := range r.p.ClientBugs() {
				t.Errorf("client bug: %s", bug)
			}
			if got := r.p.Stats().Logins; got > 1 {
				t.Errorf("%d passwords were sent, want at most 1", got)
			}
		})
	}
}

// TestLoginUnavailable has T23.
func TestLoginUnavailable(t *testing.T) {
	t.Parallel()
	r := newRig(t, idptest.Options{Status503: -1}, nil)
	_, err := r.login(t, adfs.Config{})
	if got := wantVerdict(t, err, idp.Unavailable); got.Status != 503 {
		t.Errorf("Status = %d, want 503", got.Status)
	}
	r = newRig(t, idptest.Options{FailFirstN: 1}, nil)
	_, err = r.login(t, adfs.Config{})
	var net *idp.NetworkError
	if !errors.As(err, &net) {
		t.Errorf("Login = %v, want *idp.NetworkError", err)
	}
}

// TestLoginLoop has T15: AD FS stops the sixth sign-in within 20 seconds. Where it was a
// kept session that was used so often, the count is dropped, once; nothing is asked or
// sent again. Cookies that have grown too large are refused.
func TestLoginLoop(t *testing.T) { each(t, testLoginLoop) }

func testLoginLoop(t *testing.T, v version) {
	for _, bare := range []bool{false, true} {
		r := newRig(t, v.of(idptest.Options{ErrorsBare: bare}), person(alice, idptest.AlicePassword))
		for i := range 6 {
			if _, err := r.login(t, adfs.Config{}); err != nil {
				t.Fatalf("bare %t: Login %d = %v", bare, i+1, err)
			}
		}
		r.check(t, 1, 4+v.more+5+1) // the sixth asks once more
		if got := len(r.answers.Questions()); got != 2 {
			t.Errorf("%d questions, want 2", got)
		}
	}

	r := newRig(t, v.of(idptest.Options{HeaderLimit: 1000}), person(alice, idptest.AlicePassword))
	_, err := r.login(t, adfs.Config{})
	wantVerdict(t, err, idp.CookiesTooLarge)
}

// TestLoginLoopForGood: a loop that does not end is begun once more, and not at all after
// a password, which would have to be sent again.
func TestLoginLoopForGood(t *testing.T) {
	t.Parallel()
	loop := strings.Replace(errorPage, "NUMBER", "MSIS7042", 1)
	s, _, err := at(t, nil, loop)
	if got := wantVerdict(t, err, idp.SignInLoop); got.Activity == "" || len(s.asked) != 2 {
		t.Errorf("Activity %q after %d requests, want one and 2", got.Activity, len(s.asked))
	}
	s, _, err = at(t, nil, "signed in "+strings.Replace(errorPage, "NUMBER", "", 1)) // nothing has been counted
	wantVerdict(t, err, idp.NotPermitted)
	if len(s.asked) != 1 {
		t.Errorf("asked %q, want once", s.asked)
	}
	s, _, err = at(t, person(alice, idptest.AlicePassword), loginPage, loop)
	wantVerdict(t, err, idp.SignInLoop)
	if len(s.asked) != 2 || len(s.posted) != 1 {
		t.Errorf("asked %q, posted %d, want the page and the password once", s.asked, len(s.posted))
	}
}

// TestLoginCookiesTooLarge: kept cookies that have grown too large are dropped and the
// sign-in is begun again, once.
func TestLoginCookiesTooLarge(t *testing.T) { each(t, testLoginCookiesTooLarge) }

func testLoginCookiesTooLarge(t *testing.T, v version) {
	r := newRig(t, v.of(idptest.Options{HeaderLimit: 10_000}), person(alice, idptest.AlicePassword))
	at := &url.URL{Scheme: "https", Host: host, Path: "/adfs/ls/"}
	for _, name := range []string{"SamlSession1", "SamlSession2", "SamlSession3"} {
		r.session.HTTP.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: strings.Repeat("x", 3900), Path: "/adfs", Secure: true}})
	}
	if _, err := r.login(t, adfs.Config{}); err != nil {
		t.Errorf("Login = %v, want an assertion", err)
	}
	r.check(t, 1, 5+v.more)
}

// TestLoginTLS signs in over sockets and TLS, as the sandbox does; without the
// authority nothing is sent at all.
func TestLoginTLS(t *testing.T) { each(t, testLoginTLS) }

func testLoginTLS(t *testing.T, v version) {
	ca, err := idptest.NewCA(cryptorand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, v.of(idptest.Options{}), person(alice, idptest.AlicePassword))
	s, err := idptest.Serve(r.p, ca, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if r.session.Trust, err = idp.NewTrust(s.URL(), nil, nil); err != nil {
		t.Fatal(err)
	}
	t.Run("T22 unknown authority", func(t *testing.T) {
		r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: r.session.Trust})
		_, err := r.login(t, adfs.Config{URL: s.URL()})
		var net *idp.NetworkError
		if !errors.As(err, &net) || net.Kind != idp.NetAuthority {
			t.Errorf("Login = %v, want an unknown authority", err)
		}
		r.check(t, 0, 0)
	})
	r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: r.session.Trust, Roots: ca.Pool()})
	defer r.session.HTTP.CloseIdleConnections()
	if _, err := r.login(t, adfs.Config{URL: s.URL()}); err != nil {
		t.Errorf("Login = %v", err)
	}
	r.check(t, 1, 4+v.more)
}

// TestLoginLostCookies has T16: without cookies AD FS shows the sign-in page again, or
// an error, and no second password is asked for.
func TestLoginLostCookies(t *testing.T) { each(t, testLoginLostCookies) }

func testLoginLostCookies(t *testing.T, v version) {
	r := newRig(t, v.of(idptest.Options{DropCookies: true}), person(alice, idptest.AlicePassword))
	_, err := r.login(t, adfs.Config{})
	wantVerdict(t, err, idp.Unexplained)
	if got := r.answers.Asked("password"); got != 1 {
		t.Errorf("asked for the password %d times, want 1", got)
	}
	r.check(t, 1, 4+v.more)

	r = newRig(t, v.of(idptest.Options{DropCookies: true, RequireRequestCookie: true}), person(alice, idptest.AlicePassword))
	_, err = r.login(t, adfs.Config{})
	wantVerdict(t, err, idp.StateLost)
	r.check(t, 1, 3+v.more)
}

// TestLoginHomeRealm: without AD FS's own directory among them, the organisations are
// the answer, and nothing is posted to the field for an e-mail address.
func TestLoginHomeRealm(t *testing.T) { each(t, testLoginHomeRealm) }

func testLoginHomeRealm(t *testing.T, v version) {
	r := newRig(t, v.of(idptest.Options{ClaimsProviders: []string{"https://a.example/trust", "https://b.example/trust"}}), nil)
	_, err := r.login(t, adfs.Config{})
	if got := wantVerdict(t, err, idp.HomeRealm); len(got.Options) != 2 {
		t.Errorf("Options = %q, want both organisations", got.Options)
	}
	r.check(t, 0, 1)
}

// TestLoginSecondFactor: the page is recognised by its Context, though its form has the
// id of the sign-in form, and its question is asked in its own words.
func TestLoginSecondFactor(t *testing.T) { each(t, testLoginSecondFactor) }

func testLoginSecondFactor(t *testing.T, v version) {
	u := idptest.Alice()
	u.MFA = true
	script := person(alice, idptest.AlicePassword)
	script["otp"] = []string{idptest.CustomCode}
	r := newRig(t, v.of(idptest.Options{Users: []idptest.User{u}}), script)
	if _, err := r.login(t, adfs.Config{}); err != nil {
		t.Fatal(err)
	}
	questions := r.answers.Questions()
	if got, want := questions[len(questions)-1].Label, idptest.TextIn("en").Challenge; got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
	r.check(t, 1, 6+v.more)
}
