package form_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehop/idp"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

// TestLoginVerdicts has the verdict for every fault of the simulator.
func TestLoginVerdicts(t *testing.T) {
	t.Parallel()
	verdicts := map[idptest.Fault]idp.Verdict{
		idptest.FaultGetForm: idp.UnreadableForm, idptest.FaultTextPlain: idp.UnreadableForm,
		idptest.FaultCaptcha: idp.Captcha, idptest.FaultNoWords: idp.Unexplained,
		idptest.FaultRedirectLoop: idp.SignInLoop, idptest.FaultJSON: idp.NotHTML,
		idptest.FaultHuge: idp.TooLarge, idptest.FaultDeep: idp.TooLarge,
		idptest.FaultScriptOnly: idp.ScriptOnly, idptest.FaultFirewall: idp.Firewall,
		idptest.FaultProxy: idp.ProxyRefused, idptest.FaultNotFound: idp.NotFound,
		idptest.FaultIntegrated: idp.Integrated, idptest.FaultBasic: idp.BasicAuth,
		idptest.FaultConsent: idp.Consent, idptest.FaultForeignACS: idp.ForeignAssertion,
		idptest.FaultEmptyResponse: idp.BadAssertion, idptest.FaultBadResponse: idp.BadAssertion,
		idptest.FaultRefusedResponse: idp.BadAssertion, idptest.FaultSeveralAssertions: idp.BadAssertion,
		idptest.FaultWSFederation: idp.WSFederation,
	}
	origins := []idptest.Fault{ // refused before anything leaves for the other origin
		idptest.FaultForeignAction, idptest.FaultPlainAction, idptest.FaultRedirect307,
		idptest.FaultRedirectPlain, idptest.FaultForeignResponse,
	}
	unasked := []idptest.Fault{
		idptest.FaultGetForm, idptest.FaultTextPlain, idptest.FaultCaptcha,
		idptest.FaultForeignAction, idptest.FaultPlainAction, idptest.FaultForeignPage,
	}
	network := []idptest.Fault{idptest.FaultCut, idptest.FaultHangPosted, idptest.FaultHang}
	for _, f := range idptest.Faults() {
		t.Run(string(f.Fault), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, idptest.FormOptions{Fault: f.Fault}, correct())
			a, err := r.login(t)
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
				} else if f.Fault == idptest.FaultRedirect307 && !strings.Contains(origin.Doing, "what you typed") {
					t.Errorf("refused to %s, want the request known as one that was typed", origin.Doing)
				}
			case slices.Contains(network, f.Fault):
				if !errors.As(err, &net) {
					t.Errorf("Login = %v, want *idp.NetworkError", err)
				}
			case f.Fault == idptest.FaultEncrypted:
				if err != nil || !a.Encrypted {
					t.Errorf("Login = %v, want an encrypted assertion", err)
				}
			case f.Fault == idptest.FaultForeignPage:
				wantVerdict(t, err, idp.Unknown)
			default:
				t.Errorf("Login = %v, and nothing is known about %q (%s)", err, f.Fault, f.About)
			}
			if got := r.p.Stats().Logins; got > 1 {
				t.Errorf("%d passwords were sent, want at most 1", got)
			}
			if got := r.answers.Questions(); slices.Contains(unasked, f.Fault) && len(got) > 0 {
				t.Errorf("asked %+v, want nothing asked for a form that gets no answer", got)
			}
			r.check(t)
		})
	}
}

// TestLoginAccounts: what is wrong with an account, not with its password.
func TestLoginAccounts(t *testing.T) {
	t.Parallel()
	cases := map[idptest.UserState]idp.Verdict{
		idptest.UserExpired: idp.PasswordExpired, idptest.UserMustChange: idp.PasswordExpired,
		idptest.UserLocked: idp.Rejected, idptest.UserDisabled: idp.Rejected,
		idptest.UserNotPermitted: idp.Unknown, idptest.UserNoRoles: idp.Unknown,
	}
	for state, want := range cases {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			alice := idptest.Alice()
			alice.Name, alice.State = "alice", state
			r := newRig(t, idptest.FormOptions{Users: []idptest.User{alice}}, correct())
			_, err := r.login(t)
			wantVerdict(t, err, want)
			if got := r.p.Stats().Logins; got != 1 {
				t.Errorf("%d passwords were sent, want 1", got)
			}
			r.check(t)
		})
	}
}

// TestLoginStateLost: without cookies the sign-in is begun again once, and no password
// is sent to a page that has lost it.
func TestLoginStateLost(t *testing.T) {
	t.Parallel()
	r := newRig(t, idptest.FormOptions{DropCookies: true}, correct())
	_, err := r.login(t)
	wantVerdict(t, err, idp.StateLost)
	if got := r.p.Stats(); got.Logins != 0 || got.Requests != 4 {
		t.Errorf("Stats = %+v, want no login in 4 requests", got)
	}
	r.check(t)
}

// TestLoginOtherUser: a page that is for somebody else gets no password.
func TestLoginOtherUser(t *testing.T) {
	t.Parallel()
	script := correct()
	script["username"] = []string{"bob"}
	r := newRig(t, idptest.FormOptions{Quirks: []idptest.Quirk{idptest.QuirkFixedUser}}, script)
	_, err := r.login(t)
	if got := wantVerdict(t, err, idp.OtherUser); got.Words != "alice" {
		t.Errorf("Words = %q, want alice", got.Words)
	}
	if got := r.p.Stats().Logins; got != 0 {
		t.Errorf("%d passwords were sent, want 0", got)
	}
	if got := r.answers.Asked("password"); got != 0 {
		t.Errorf("asked for the password %d times, want 0", got)
	}
}

// TestLoginWords: a refusal without a word is not explained by the words of the one
// before.
func TestLoginWords(t *testing.T) {
	t.Parallel()
	const page = `<form method=post action=/in><input name=user><input type=password name=pass></form>`
	s := pages(map[string]string{
		"GET /start?sp=aws":            page,
		"POST /in user=alice&pass=one": page + `<p role=alert>Wrong password</p>`,
		"POST /in user=alice&pass=two": page,
	})
	answers, err := walk(t, s, nil, map[string][]string{"username": {"alice"}, "password": {"one", "two", idptest.NoAnswer}})
	if got := wantVerdict(t, err, idp.Unexplained); got.Words != "" {
		t.Errorf("Words = %q, want none", got.Words)
	}
	var retries []string
	for _, q := range answers.Questions()[1:] {
		retries = append(retries, q.Retry)
	}
	if len(retries) != 3 || retries[0] != "" || retries[1] != "Wrong password" || retries[2] == "" || retries[2] == retries[1] {
		t.Errorf("asked with %q", retries)
	}
}

// TestLoginHeaders: what a browser says about where a form comes from, and no more.
func TestLoginHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(t, idptest.FormOptions{}, correct())
	if _, err := r.login(t); err != nil {
		t.Fatal(err)
	}
	for _, q := range r.p.Requests() {
		origin, referer := q.Header.Get("Origin"), q.Header.Get("Referer")
		if q.Method == "POST" && (origin != "https://"+host || referer != "https://"+host+"/simplesaml/module.php/core/loginuserpass.php") {
			t.Errorf("POST with Origin %q, Referer %q, want the page's without its query", origin, referer)
		}
		if q.Number == 1 && origin+referer != "" {
			t.Errorf("GET of the entry with Origin %q, Referer %q, want none", origin, referer)
		}
	}
}

// TestLoginSameUser: one person has several names, and case does not matter.
func TestLoginSameUser(t *testing.T) {
	t.Parallel()
	cases := []struct {
		page, typed string
		same        bool
	}{
		{`CORP\alice`, "alice", true},
		{"Alice@corp.example", `corp\ALICE`, true},
		{"alice", " alice@corp ", true},
		{"alice", "alice2", false},
		{`CORP\bob`, `CORP\alice`, false},
		{"corp@alice", "alice", false},
	}
	for _, c := range cases {
		s := pages(map[string]string{
			"GET /start?sp=aws": `<form method=post action=/in><input name=username readonly value="` + c.page + `"><input type=password name=pass></form>`,
		})
		_, err := walk(t, s, nil, map[string][]string{"username": {c.typed}, "password": {"correct horse"}})
		posted := len(s.requests()) > 1
		if other := errors.Is(err, &idp.PageError{Verdict: idp.OtherUser}); other == c.same || posted != c.same {
			t.Errorf("page for %s, typed %q: %v, posted %t, want the same person %t", c.page, c.typed, err, posted, c.same)
		}
	}
}

func TestLoginCodeRefused(t *testing.T) {
	t.Parallel()
	alice := idptest.Alice()
	alice.Name, alice.MFA = "alice", true
	script := correct()
	script["otp"] = []string{"000000", idptest.NoAnswer}
	r := newRig(t, idptest.FormOptions{Users: []idptest.User{alice}}, script)
	_, err := r.login(t)
	if got := wantVerdict(t, err, idp.MFADenied); !strings.Contains(got.Words, "Incorrect code") {
		t.Errorf("Words = %q, want the provider's", got.Words)
	}
	r.check(t)

	script["otp"] = []string{"000000", idptest.MFACode}
	r = newRig(t, idptest.FormOptions{Users: []idptest.User{alice}}, script)
	if _, err := r.login(t); err != nil {
		t.Errorf("Login with the second code = %v", err)
	}
	r.check(t)
}

func TestNew(t *testing.T) {
	t.Parallel()
	cases := []struct {
		url string
		ok  bool
	}{
		{"https://idp.example/sso?x=1", true},
		{"https://idp.example", true},
		{"http://127.0.0.1:8080/sso", true},
		{"http://localhost/sso", true},
		{"http://idp.example/sso", false},
		{"ftp://idp.example/sso", false},
		{"idp.example", false},
		{"", false},
		{"https://", false},
		{"https://user:hunter2@idp.example/", false},
		{"https://idp.example/%zz?token=hunter2", false},
	}
	for _, c := range cases {
		_, err := form.New(form.Config{URL: c.url})
		if (err == nil) != c.ok {
			t.Errorf("New(%q) = %v, want ok %t", c.url, err, c.ok)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("New(%q) = %v, which quotes a secret", c.url, err)
		}
	}
}

// TestLoginStepUp: a provider that knows the person by their cookies may want a code alone.
// Of one that knows nobody yet a field that looks like one is something else.
func TestLoginStepUp(t *testing.T) {
	t.Parallel()
	entry, err := url.Parse(start)
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range []bool{true, false} {
		s := pages(map[string]string{
			"GET /start?sp=aws":    `<form method=post action=/otp><input name=otp autocomplete=one-time-code></form>`,
			"POST /otp otp=123456": strings.Replace(final(samlInput), "%s", assertion(), 1),
		})
		answers := idptest.NewAnswers(map[string][]string{"otp": {"123456"}})
		session := newSession(t, idptest.Transport(map[string]http.Handler{host: s}), start, answers)
		if known {
			session.HTTP.Jar.SetCookies(entry, []*http.Cookie{{Name: "SSO", Value: "x", Path: "/"}})
		}
		_, err := login(t, session, start)
		if (err == nil) != known || answers.Asked("otp") > 0 != known {
			t.Errorf("known %v: %v after %d questions for a code", known, err, answers.Asked("otp"))
		}
	}
}
