package adfs_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
)

// TestMethodChoice has T13: which of the methods is taken, before the password and after
// it, and that each is posted once.
func TestMethodChoice(t *testing.T) { each(t, testMethodChoice) }

func testMethodChoice(t *testing.T, v version) {
	const azure, sample, primary, certificate = "AzureMfaAuthentication", "SampleAdapter", "AzurePrimaryAuthentication", "CertificateAuthentication"
	mfa := idptest.Alice()
	mfa.MFA = true
	first := idptest.Options{MethodChoice: true, CertificateLink: true, Methods: []string{primary}}
	second := idptest.Options{Users: []idptest.User{mfa}, Factors: []string{azure, sample}}
	both := idptest.Options{MethodChoice: true, Methods: []string{primary}, Users: []idptest.User{mfa}, Factors: []string{azure, sample}}
	none := []string{idptest.NoAnswer}
	primaryRefused := idptest.TextIn("en").ErrorMessage // the simulator has the page of that method, and takes no answer
	cases := []struct {
		name    string
		o       idptest.Options
		wish    string
		answers []string
		chosen  []string // AuthMethods posted without a password, in order
		want    idp.Verdict
		words   string
		options []string
	}{
		{name: "the password unless said otherwise", o: first, chosen: []string{"FormsAuthentication"}},
		{name: "the password by its short name", o: first, wish: "password", chosen: []string{"FormsAuthentication"}},
		{name: "Azure as first factor", o: first, wish: "azureprimaryauthentication", chosen: []string{primary}, want: idp.StateLost, words: primaryRefused},
		{name: "Azure by its short name", o: first, wish: "azure", chosen: []string{primary}, want: idp.StateLost, words: primaryRefused},
		{name: "a second factor by its id", o: second, wish: sample, chosen: []string{sample}},
		{name: "a second factor by its short name", o: second, wish: "Azure", chosen: []string{azure}},
		{name: "a second factor that a person chooses", o: second, answers: []string{sample}, chosen: []string{sample}},
		{name: "nobody chooses", o: second, answers: none, want: idp.MethodChoice, options: []string{azure, sample}},
		{name: "what is not offered", o: second, wish: "push", answers: none, want: idp.MethodChoice, options: []string{azure, sample}},
		{name: "what is not offered is asked for", o: second, wish: "push", answers: []string{sample}, chosen: []string{sample}},
		{name: "part of an id is none", o: second, wish: "Sample", answers: none, want: idp.MethodChoice, options: []string{azure, sample}},
		{name: "the second one of two choices", o: both, wish: sample, chosen: []string{"FormsAuthentication", sample}},
		{name: "several that fit", o: idptest.Options{Users: []idptest.User{mfa}, Factors: []string{azure, "AzureMfaServerAuthentication"}}, wish: "azure",
			answers: none, want: idp.MethodChoice, options: []string{azure, "AzureMfaServerAuthentication"}},
		{name: "a second factor that is the only one", o: idptest.Options{Users: []idptest.User{mfa}, Factors: []string{azure}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			script := person(alice, idptest.AlicePassword)
			script["otp"] = []string{idptest.CustomCode}
			if c.answers != nil {
				script["mfa"] = c.answers
			}
			r := newRig(t, v.of(c.o), script)
			_, err := r.login(t, adfs.Config{MFA: c.wish})
			if c.want == "" && err != nil {
				t.Fatalf("Login = %v", err)
			}
			if c.want != "" {
				got := wantVerdict(t, err, c.want)
				if got.Words != c.words || !slices.Equal(got.Options, c.options) {
					t.Errorf("Words %q, Options %q, want %q, %q", got.Words, got.Options, c.words, c.options)
				}
			}
			var chosen []string
			for _, q := range r.p.Requests() {
				if q.Method == http.MethodPost && q.Form.Count("Password")+q.Form.Count("Context") == 0 && q.Form.Count("AuthMethod") > 0 {
					chosen = append(chosen, q.Form.Get("AuthMethod"))
				}
			}
			if !slices.Equal(chosen, c.chosen) {
				t.Errorf("chose %q, want %q", chosen, c.chosen)
			}
			for _, bug := range r.p.ClientBugs() {
				t.Errorf("client bug: %s", bug)
			}
			if got := r.answers.Asked("mfa"); got != len(c.answers) {
				t.Errorf("%d questions for the method, want %d", got, len(c.answers))
			}
		})
	}
}

// TestMethodNames: a method is known by what the page calls it too, and the person is
// shown those words.
func TestMethodNames(t *testing.T) {
	t.Parallel()
	page := `<div id=authOptions>` + options + `<a class=actionLink id=AzureMfaAuthentication>Rückruf  am
		Telefon</a><a class=actionLink id=x>Karte</a><a class=actionLink id=x>Karte</a></div>`
	for _, c := range []struct {
		wish   string
		answer string
		posted string
	}{
		{"rückruf am telefon", "", "AuthMethod=AzureMfaAuthentication"},
		{"KARTE", "", "AuthMethod=x"},
		{"", "Rückruf am Telefon", "AuthMethod=AzureMfaAuthentication"},
		{"Telefon", "", ""},
	} {
		s := &server{pages: []string{page, "<p>Nothing"}}
		script := map[string][]string{}
		if c.answer != "" {
			script["mfa"] = []string{c.answer}
		}
		r := newRig(t, idptest.Options{}, script)
		r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: r.session.Trust, Transport: idptest.Transport(map[string]http.Handler{host: s}), Now: clock})
		_, err := r.login(t, adfs.Config{MFA: c.wish})
		want := idp.Unknown
		if c.posted == "" {
			want = idp.MethodChoice
		}
		wantVerdict(t, err, want)
		if got := strings.Join(s.posted, "\n"); got != c.posted {
			t.Errorf("%q, %q: posted %q, want %q", c.wish, c.answer, got, c.posted)
		}
	}
}

// TestMethodAlone: one method is no choice.
func TestMethodAlone(t *testing.T) {
	t.Parallel()
	s, answers, err := at(t, nil, `<div id=authOptions>`+options+`<a class=actionLink id=AcmeProvider>Acme</a></div>`, "<p>Nothing")
	wantVerdict(t, err, idp.Unknown)
	if got := strings.Join(s.posted, "\n"); got != "AuthMethod=AcmeProvider" || answers.Asked("mfa") != 0 {
		t.Errorf("posted %q after %d questions, want the method and none", got, answers.Asked("mfa"))
	}
}
