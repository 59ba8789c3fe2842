package form_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/idp"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
	"gatehop/saml"
	"gatehop/saml/samltest"
)

const (
	host  = "idp.example"
	entry = "https://" + host + idptest.FormEntry
)

var clock = func() time.Time { return time.Date(2025, 11, 23, 9, 0, 0, 0, time.UTC) }

// signer is made once: its key takes a while.
var signer = sync.OnceValue(func() *samltest.IDP {
	p, err := samltest.New("https://idp.example/metadata", nil, clock())
	if err != nil {
		panic(err)
	}
	return p
})

// rig is one simulated provider and a person in front of it.
type rig struct {
	p         *idptest.Form
	transport *idptest.InProcess
	answers   *idptest.Answers
	session   *idp.Session
}

// correct is what alice answers, each question once and then no more.
func correct() map[string][]string {
	return map[string][]string{
		"username": {"alice"},
		"password": {idptest.AlicePassword, idptest.NoAnswer},
		"otp":      {idptest.MFACode, idptest.NoAnswer},
	}
}

func newRig(t testing.TB, o idptest.FormOptions, script map[string][]string) *rig {
	t.Helper()
	o.Now, o.Rand, o.Signer = clock, rand.NewChaCha8([32]byte{7}), signer()
	p, err := idptest.NewForm(o)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{p: p, answers: idptest.NewAnswers(script)}
	r.transport = idptest.Transport(map[string]http.Handler{host: p, idptest.AnyHost: p.Elsewhere()})
	r.session = newSession(t, r.transport, entry, r.answers)
	return r
}

func newSession(t testing.TB, transport http.RoundTripper, configured string, prompt idp.Prompter) *idp.Session {
	t.Helper()
	trust, err := idp.NewTrust(configured, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := idp.NewClient(idp.ClientOptions{Trust: trust, Transport: transport, Now: clock, Timeout: 5 * time.Second})
	return &idp.Session{HTTP: client, Trust: trust, Prompt: prompt}
}

func (r *rig) login(t testing.TB) (*saml.Assertion, error) {
	t.Helper()
	return login(t, r.session, entry)
}

func login(t testing.TB, s *idp.Session, url string) (*saml.Assertion, error) {
	t.Helper()
	a, err := form.New(form.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return a.Login(ctx, s)
}

// check is what must hold of every sign-in, whatever became of it.
func (r *rig) check(t testing.TB) {
	t.Helper()
	for _, bug := range r.p.ClientBugs() {
		t.Errorf("client bug: %s", bug)
	}
}

// wantVerdict checks err and that it tells nothing secret.
func wantVerdict(t testing.TB, err error, want idp.Verdict) *idp.PageError {
	t.Helper()
	var page *idp.PageError
	if !errors.As(err, &page) || page.Verdict != want {
		t.Fatalf("Login = %v, want verdict %q", err, want)
	}
	if strings.Contains(page.URL, "?") {
		t.Errorf("URL = %s, want no query", page.URL)
	}
	for _, text := range append(page.Options, page.Error(), page.Title, page.Words, page.Fingerprint) {
		if strings.Contains(text, idptest.AlicePassword) || strings.Contains(text, "spentityid") {
			t.Errorf("the error holds a secret or a query: %s", text)
		}
	}
	return page
}

func TestLogin(t *testing.T) {
	t.Parallel()
	requests := map[idptest.Quirk]int{
		idptest.QuirkTwoStep: 6, idptest.QuirkAutoSubmit: 5, idptest.QuirkGetForm: 6,
	}
	for _, quirk := range append(idptest.Quirks(), "") {
		t.Run("quirk "+string(quirk), func(t *testing.T) {
			t.Parallel()
			var o idptest.FormOptions
			if quirk != "" {
				o.Quirks = []idptest.Quirk{quirk}
			}
			r := newRig(t, o, correct())
			a, err := r.login(t)
			if err != nil {
				t.Fatalf("Login = %v\nrequests %v", err, r.p.Requests())
			}
			if len(a.Roles) != 3 || a.Destination != "https://signin.aws.amazon.com/saml" {
				t.Errorf("Login = %d roles for %s, want 3 for AWS", len(a.Roles), a.Destination)
			}
			want := max(requests[quirk], 4)
			if got := r.p.Stats(); got.Logins != 1 || got.Requests != want {
				t.Errorf("Stats = %+v, want 1 login in %d requests", got, want)
			}
			if got := len(r.p.RequestsElsewhere()); got != 0 {
				t.Errorf("%d requests to other hosts, want 0", got)
			}
			r.check(t)
		})
	}
}

// TestLoginQuirksTogether takes one quirk of each group, by lot.
func TestLoginQuirksTogether(t *testing.T) {
	t.Parallel()
	groups := [][]idptest.Quirk{
		{"", idptest.QuirkTwoStep, idptest.QuirkFixedUser},
		{"", idptest.QuirkMetaRefresh, idptest.QuirkRefreshHeader, idptest.QuirkNoScript, idptest.QuirkScriptRedirect, idptest.QuirkAutoSubmit, idptest.QuirkGetForm},
		{"", idptest.QuirkFullAction, idptest.QuirkBaseHref},
		{"", idptest.QuirkSeveralSubmits, idptest.QuirkImageSubmit, idptest.QuirkFormAttribute},
		{"", idptest.QuirkMultipart}, {"", idptest.QuirkLatin1}, {"", idptest.QuirkUpperCase},
		{"", idptest.QuirkFieldsetDisabled}, {"", idptest.QuirkSelect}, {"", idptest.QuirkCheckboxes},
		{"", idptest.QuirkTextarea}, {"", idptest.QuirkCharsetField}, {"", idptest.QuirkOtherForms},
		{"", idptest.QuirkComment}, {"", idptest.QuirkHiddenError}, {"", idptest.QuirkRelayState},
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		var quirks []idptest.Quirk
		for _, g := range groups {
			if q := g[random.IntN(len(g))]; q != "" {
				quirks = append(quirks, q)
			}
		}
		alice := idptest.Alice()
		alice.Name, alice.MFA = "alice", random.IntN(3) == 0
		script := correct()
		if slices.Contains(quirks, idptest.QuirkLatin1) {
			alice.Password = "fünf Äpfel"
			script["password"] = []string{alice.Password}
		}
		r := newRig(t, idptest.FormOptions{Quirks: quirks, Users: []idptest.User{alice}}, script)
		if _, err := r.login(t); err != nil {
			t.Errorf("Login with %v = %v", quirks, err)
		}
		if bugs := r.p.ClientBugs(); len(bugs) > 0 {
			t.Errorf("client bugs with %v: %v", quirks, bugs)
		}
	}
}

func TestLoginRejected(t *testing.T) {
	t.Parallel()
	const words = "Incorrect username or password Either no user with the given username could be found, or the password you gave was wrong."
	cases := []struct {
		name     string
		quirks   []idptest.Quirk
		password []string
		verdict  idp.Verdict // "" is success
		logins   int
		retries  int
	}{
		{name: "nobody answers differently", password: []string{"wrong one", idptest.NoAnswer}, verdict: idp.Rejected, logins: 1, retries: 1},
		{name: "right at the second try", password: []string{"wrong one", idptest.AlicePassword}, logins: 2, retries: 1},
		{name: "three tries", password: []string{"wrong 1", "wrong 2", "wrong 3", idptest.AlicePassword}, verdict: idp.Rejected, logins: 3, retries: 2},
		{name: "the refused answer again", password: []string{"wrong 1", "wrong 1", "wrong 1"}, verdict: idp.Rejected, logins: 1, retries: 2},
		{name: "two steps", quirks: []idptest.Quirk{idptest.QuirkTwoStep}, password: []string{"wrong one", idptest.AlicePassword}, logins: 2, retries: 1},
		{name: "an error block that is not shown", quirks: []idptest.Quirk{idptest.QuirkHiddenError}, password: []string{"wrong one", idptest.NoAnswer}, verdict: idp.Rejected, logins: 1, retries: 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, idptest.FormOptions{Quirks: c.quirks}, map[string][]string{"username": {"alice"}, "password": c.password})
			_, err := r.login(t)
			if c.verdict == "" && err != nil {
				t.Errorf("Login = %v, want an assertion", err)
			}
			if c.verdict != "" {
				if got := wantVerdict(t, err, c.verdict); got.Words != words {
					t.Errorf("Words = %q, want %q", got.Words, words)
				}
			}
			if got := r.p.Stats().Logins; got != c.logins {
				t.Errorf("%d passwords were sent, want %d", got, c.logins)
			}
			retries := 0
			for _, q := range r.answers.Questions() {
				if q.Retry != "" {
					retries++
					if q.Retry != words || q.Field != "password" || q.Public {
						t.Errorf("asked again with %+v, want the provider's words about the password", q)
					}
				}
			}
			if retries != c.retries {
				t.Errorf("asked again %d times, want %d", retries, c.retries)
			}
			r.check(t)
		})
	}
}

// TestLoginRejectedCharset: a refusal names the encoding of a page that is not in UTF-8,
// whatever was typed: it would tell something of the password otherwise.
func TestLoginRejectedCharset(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"plain", "Grün"} {
		for charset, quirks := range map[string][]idptest.Quirk{"": nil, "windows-1252": {idptest.QuirkLatin1}} {
			r := newRig(t, idptest.FormOptions{Quirks: quirks}, map[string][]string{"username": {"alice"}, "password": {password, idptest.NoAnswer}})
			_, err := r.login(t)
			if got := wantVerdict(t, err, idp.Rejected); got.Charset != charset {
				t.Errorf("Charset = %q, want %q", got.Charset, charset)
			}
		}
	}
}

// TestLoginQuestions: the names of the questions, the provider's own words, and who may
// see what is typed.
func TestLoginQuestions(t *testing.T) {
	t.Parallel()
	alice := idptest.Alice()
	alice.Name, alice.MFA = "alice", true
	r := newRig(t, idptest.FormOptions{Users: []idptest.User{alice}}, correct())
	if _, err := r.login(t); err != nil {
		t.Fatal(err)
	}
	want := []idp.Question{
		{Field: "username", Label: "Username", Public: true},
		{Field: "password", Label: "Password"},
		{Field: "otp", Label: "Code of your authenticator"},
	}
	got := r.answers.Questions()
	if len(got) != len(want) {
		t.Fatalf("asked %+v, want %+v", got, want)
	}
	for i := range want {
		if got[i].Field != want[i].Field || got[i].Label != want[i].Label || got[i].Public != want[i].Public || got[i].Retry != "" {
			t.Errorf("question %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	r.check(t)
}

// TestLoginSignedIn: kept cookies answer the first request, and nobody is asked.
func TestLoginSignedIn(t *testing.T) {
	t.Parallel()
	r := newRig(t, idptest.FormOptions{}, correct())
	if _, err := r.login(t); err != nil {
		t.Fatal(err)
	}
	before := len(r.answers.Questions())
	if _, err := r.login(t); err != nil {
		t.Fatalf("Login = %v, want an assertion", err)
	}
	if got := len(r.answers.Questions()) - before; got != 0 {
		t.Errorf("%d questions at the second sign-in, want 0", got)
	}
	if got := r.p.Stats(); got.Logins != 1 || got.Requests != 5 {
		t.Errorf("Stats = %+v, want 1 login in 5 requests", got)
	}
	r.check(t)
}

func TestLoginNobodyThere(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		prompt idp.Prompter
		field  string
	}{
		"no prompter":      {nil, "username"},
		"no sources":       {idp.FirstOf(), "username"},
		"no password":      {idptest.NewAnswers(map[string][]string{"username": {"alice"}, "password": {idptest.NoAnswer}}), "password"},
		"an empty one":     {idptest.NewAnswers(map[string][]string{"username": {"alice"}, "password": {""}}), "password"},
		"no name":          {idptest.NewAnswers(map[string][]string{"username": {idptest.NoAnswer}}), "username"},
		"nothing but this": {idp.Fixed{}, "username"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, idptest.FormOptions{}, nil)
			r.session.Prompt = c.prompt
			_, err := r.login(t)
			var needs *idp.NeedsInputError
			if !errors.As(err, &needs) || needs.Question.Field != c.field {
				t.Errorf("Login = %v, want NeedsInputError for %s", err, c.field)
			}
			if got := r.p.Stats().Logins; got != 0 {
				t.Errorf("%d passwords were sent, want 0", got)
			}
		})
	}
}
