package adfs_test

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
	"gatehop/idp/idptest/adaptertest"
)

// in20 are the options of AD FS 2.0, or by its ids of 2.1.
func in20(o idptest.Options) idptest.Options {
	o.Flavour = "2.0"
	return o
}

// speaking is a provider that answers in one language whatever it is asked for.
type speaking struct {
	*idptest.ADFS
	language string
}

func (s speaking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Set("Accept-Language", s.language)
	s.ADFS.ServeHTTP(w, r)
}

// speak makes the rig's AD FS answer in that language.
func (r *rig) speak(language string) {
	transport := idptest.Transport(map[string]http.Handler{host: speaking{r.p, language}, idptest.AnyHost: r.p.Elsewhere()})
	r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: r.session.Trust, Transport: transport, Now: clock})
}

// each20 runs a test for both versions, in each language of theirs.
func each20(t *testing.T, test func(t *testing.T, o idptest.Options, language string)) {
	t.Parallel()
	for name, o := range map[string]idptest.Options{"2.0": {}, "2.1": {Asp4: true}} {
		for _, language := range []string{"en", "de", "nl"} {
			t.Run(name+" "+language, func(t *testing.T) {
				t.Parallel()
				test(t, in20(o), language)
			})
		}
	}
}

// TestAdapter20 has T05 and T21: the cases that every adapter passes.
func TestAdapter20(t *testing.T) {
	each20(t, func(t *testing.T, o idptest.Options, language string) {
		adaptertest.Test(t, adaptertest.Suite{
			Open: func(base string) (idp.Adapter, error) { return adfs.New(adfs.Config{URL: base}) },
			Provider: func(f idptest.Fault) (adaptertest.Provider, error) {
				o := o // the cases run at once
				o.Fault, o.Now, o.Rand, o.Signer = f, clock, rand.NewChaCha8([32]byte{7}), signer()
				p, err := idptest.NewADFS(o)
				return speaking{p, language}, err
			},
			User: alice, Words: idptest.TextIn(language).IncorrectUserName,
		})
	})
}

// TestLogin20 has T05, T17, T19 and T24: GET, POST, GET, whatever the pages look like.
func TestLogin20(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		o        idptest.Options
		c        adfs.Config
		user     string
		requests int
	}{
		{name: "T05 as it comes", requests: 3},
		{name: "T17 absolute action", o: idptest.Options{Action: idptest.ActionAbsolute}, requests: 3},
		{name: "T17 action with :443", o: idptest.Options{Action: idptest.ActionAbsolute443}, requests: 3},
		{name: "T17 relative action", o: idptest.Options{Action: idptest.ActionRelative}, requests: 3},
		{name: "T17 unescaped ampersands", o: idptest.Options{Action: idptest.ActionUnescapedAmp}, requests: 3},
		{name: "T17 empty action", o: idptest.Options{Action: idptest.ActionEmpty}, requests: 3},
		{name: "T17 no action", o: idptest.Options{Action: idptest.ActionMissing}, requests: 3},
		{name: "T19 decoy form", o: idptest.Options{DecoyEmptySAMLResponse: true}, requests: 3},
		{name: "T19 wrapped base64", o: idptest.Options{WrappedBase64: true}, requests: 3},
		{name: "T23 gzip", o: idptest.Options{Gzip: true}, requests: 3},
		{name: "big token", o: idptest.Options{BigToken: true}, requests: 3},
		{name: "a script that leads to integrated sign-in", o: idptest.Options{Themed: true}, requests: 3},
		{name: "T10 two claims providers", o: idptest.Options{ClaimsProviders: []string{"https://partner.example/adfs/services/trust", idptest.LocalAuthority}}, requests: 6},
		{name: "user principal name", user: "alice@corp", requests: 3},
		{name: "bare name with a domain", user: "alice", c: adfs.Config{Domain: "CORP"}, requests: 3},
		{name: "upper-case path pasted", c: adfs.Config{URL: "https://" + host + "/ADFS/LS/IdpInitiatedSignOn.aspx?loginToRp=urn:amazon:webservices"}, requests: 3},
	} {
		for _, asp4 := range []bool{false, true} {
			t.Run(map[bool]string{false: "2.0 ", true: "2.1 "}[asp4]+c.name, func(t *testing.T) {
				t.Parallel()
				user := alice
				if c.user != "" {
					user = c.user
				}
				o := c.o
				o.Asp4 = asp4
				r := newRig(t, in20(o), person(user, idptest.AlicePassword))
				if a, err := r.login(t, c.c); err != nil || len(a.Roles) != 3 {
					t.Fatalf("Login = %v, want 3 roles", err)
				}
				r.check(t, 1, c.requests)
				if got := len(r.p.RequestsElsewhere()); got != 0 {
					t.Errorf("%d requests to other hosts, want 0", got)
				}
			})
		}
	}
}

// TestLogin20Rejected has T05's other half: the words are AD FS's, in its language, and the
// password goes out once per answer.
func TestLogin20Rejected(t *testing.T) {
	each20(t, func(t *testing.T, o idptest.Options, language string) {
		for _, c := range []struct {
			passwords        []string
			state            idptest.UserState
			ok               bool
			logins, requests int
		}{
			{[]string{"wrong one", idptest.NoAnswer}, idptest.UserOK, false, 1, 2},
			{[]string{"wrong one", idptest.AlicePassword}, idptest.UserOK, true, 2, 4},
			{[]string{"wrong 1", "wrong 2", "wrong 3", idptest.AlicePassword}, idptest.UserOK, false, 3, 4},
			{[]string{"wrong 1", "wrong 1", "wrong 1"}, idptest.UserOK, false, 1, 2},
			{[]string{idptest.AlicePassword, idptest.NoAnswer}, idptest.UserLocked, false, 1, 2},
			{[]string{idptest.AlicePassword, idptest.NoAnswer}, idptest.UserExpired, false, 1, 2},
		} {
			u := idptest.Alice()
			u.State = c.state
			o.Users = []idptest.User{u}
			r := newRig(t, o, map[string][]string{"username": {alice}, "password": c.passwords})
			r.speak(language)
			words := idptest.TextIn(language).IncorrectUserName
			switch _, err := r.login(t, adfs.Config{}); {
			case c.ok && err != nil:
				t.Errorf("%q: Login = %v, want an assertion", c.passwords, err)
			case !c.ok:
				if got := wantVerdict(t, err, idp.Rejected); got.Words != words {
					t.Errorf("%q: Words = %q, want %q", c.passwords, got.Words, words)
				}
			}
			for _, q := range r.answers.Questions() {
				if q.Retry != "" && (q.Retry != words || q.Field != "password") {
					t.Errorf("asked again with %+v, want AD FS's words about the password", q)
				}
			}
			r.check(t, c.logins, c.requests)
		}
	})
}

// TestLogin20Verdicts is what else can become of a sign-in (T06, T09, T10, T15, T16, T20),
// in every language.
func TestLogin20Verdicts(t *testing.T) {
	each20(t, func(t *testing.T, o idptest.Options, language string) {
		cases := []struct {
			name             string
			change           func(*idptest.Options)
			c                adfs.Config
			want             idp.Verdict
			activity         bool
			words            string
			options          []string
			logins, requests int
		}{
			{name: "unknown relying party", c: adfs.Config{RelyingParty: "urn:example:other"}, want: idp.UnknownParty, words: "urn:example:other", options: []string{"Amazon Web Services"}, requests: 1},
			{name: "a trust that is switched off", change: func(o *idptest.Options) {
				o.RelyingParties = map[string]idptest.RelyingParty{"urn:amazon:webservices": {ACS: "https://signin.aws.amazon.com/saml", Audience: "urn:amazon:webservices", Disabled: true}}
			}, want: idp.UnknownParty, words: "urn:amazon:webservices", requests: 1},
			{name: "unknown relying party, an error", c: adfs.Config{RelyingParty: "urn:example:other"}, change: func(o *idptest.Options) { o.UnknownRPError = true }, want: idp.UnknownParty, words: "urn:example:other", options: []string{"Amazon Web Services"}, activity: true, requests: 2},
			{name: "the same, status 500", c: adfs.Config{RelyingParty: "urn:example:other"}, change: func(o *idptest.Options) { o.UnknownRPError, o.ErrorStatus = true, 500 }, want: idp.UnknownParty, words: "urn:example:other", options: []string{"Amazon Web Services"}, activity: true, requests: 2},
			{name: "not permitted", change: func(o *idptest.Options) { o.Users[0].State = idptest.UserNotPermitted }, want: idp.NotPermitted, activity: true, logins: 1, requests: 3},
			{name: "no roles", change: func(o *idptest.Options) { o.Users[0].State = idptest.UserNoRoles }, want: idp.NoRoles, logins: 1, requests: 3},
			{name: "page state refused", change: func(o *idptest.Options) { o.BreakViewState = true }, want: idp.StateLost, words: "Validation of viewstate MAC failed.", logins: 1, requests: 2},
			{name: "cookies dropped", change: func(o *idptest.Options) { o.DropCookies = true }, want: idp.Unexplained, logins: 1, requests: 3},
			{name: "no words", change: func(o *idptest.Options) { o.Fault = idptest.FaultNoWords }, want: idp.Unexplained, logins: 1, requests: 2},
			{name: "integrated first", change: func(o *idptest.Options) { o.LocalAuthFirst = idptest.LocalIntegrated }, want: idp.Integrated, requests: 2},
			{name: "basic first", change: func(o *idptest.Options) { o.LocalAuthFirst = idptest.LocalBasic }, want: idp.BasicAuth, requests: 2},
			{name: "cookies too large", change: func(o *idptest.Options) { o.HeaderLimit = 1000 }, want: idp.CookiesTooLarge, logins: 1, requests: 3},
			{name: "foreign organisations", change: func(o *idptest.Options) {
				o.ClaimsProviders = []string{"https://a.example/trust", "https://b.example/trust"}
			},
				want: idp.HomeRealm, options: []string{"https://a.example/trust", "https://b.example/trust"}, requests: 2},
		}
		for _, c := range cases {
			o := o
			o.Users = []idptest.User{idptest.Alice()}
			if c.change != nil {
				c.change(&o)
			}
			r := newRig(t, o, person(alice, idptest.AlicePassword))
			r.speak(language)
			_, err := r.login(t, c.c)
			got := wantVerdict(t, err, c.want)
			if (len(got.Activity) == 36) != c.activity || !strings.HasPrefix(got.Words, c.words) || !slices.Equal(got.Options, c.options) {
				t.Errorf("%s: %+v, want words %q, options %q, an activity: %v", c.name, got, c.words, c.options, c.activity)
			}
			if sentence, _, _ := strings.Cut(idptest.TextIn(language).Trouble, "."); c.activity && c.words == "" && !strings.HasPrefix(got.Words, sentence) {
				t.Errorf("%s: Words = %q, want the first sentence of the page", c.name, got.Words)
			}
			if got := r.answers.Asked("password"); got != c.logins {
				t.Errorf("%s: asked for the password %d times, want %d", c.name, got, c.logins)
			}
			r.check(t, c.logins, c.requests)
		}
	})
}

// TestLogin20Loop: the count of a loop is dropped, also where the server does not show the
// number of the error.
func TestLogin20Loop(t *testing.T) {
	t.Parallel()
	for _, shown := range []bool{true, false} {
		r := newRig(t, in20(idptest.Options{DisplayExceptions: shown}), person(alice, idptest.AlicePassword))
		for i := range 6 {
			if _, err := r.login(t, adfs.Config{}); err != nil {
				t.Errorf("shown %t: Login %d = %v", shown, i+1, err)
			}
		}
		r.check(t, 1, 9)
	}
}

// TestLogin20As3: what is no matter of pages is as in later versions.
func TestLogin20As3(t *testing.T) {
	t.Parallel()
	v := version{name: "2.0", flavour: "2.0", more: -1}
	for name, test := range map[string]func(*testing.T, version){
		"faults": testLoginVerdicts, "TLS": testLoginTLS, "kept cookies": testLoginSignedIn, "large cookies": testLoginCookiesTooLarge,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, v)
		})
	}
}

// TestLogin20BareUser: a name without a domain is refused before anything is posted.
func TestLogin20BareUser(t *testing.T) {
	t.Parallel()
	r := newRig(t, in20(idptest.Options{}), person("alice", idptest.AlicePassword))
	_, err := r.login(t, adfs.Config{})
	wantVerdict(t, err, idp.BareUser)
	r.check(t, 0, 1)
}

// TestIntranet has T06: who is sent to integrated sign-in is told so.
func TestIntranet(t *testing.T) {
	t.Parallel()
	for _, v := range versions() {
		for name, c := range map[string]struct {
			o    idptest.Options
			want idp.Verdict
		}{
			"forms":               {idptest.Options{}, ""},
			"a user agent of its": {idptest.Options{WIAUserAgents: []string{idp.DefaultUserAgent[:4]}}, idp.Integrated},
			"no forms":            {idptest.Options{FormsOnIntranetOff: true}, idp.Integrated},
			"no falling back":     {idptest.Options{WIAFallbackOff: true}, idp.Integrated},
		} {
			c.o.Intranet = true
			r := newRig(t, v.of(c.o), person(alice, idptest.AlicePassword))
			switch _, err := r.login(t, adfs.Config{}); {
			case c.want == "" && err != nil:
				t.Errorf("%s, %s: Login = %v", v.name, name, err)
			case c.want != "":
				wantVerdict(t, err, c.want)
				r.check(t, 0, 2)
			}
		}
	}
}

// The pages of AD FS 2.0 as companies edit them.
const (
	hidden20 = `<input type=hidden name=__VIEWSTATE value="/wEPDwUK+Kz/8==">` +
		`<input type=hidden name=__VIEWSTATEGENERATOR value=0EE29E36><input type=hidden name=__EVENTVALIDATION value="/wEWBA+/=="><input type=hidden name=__db value=14>`
	fields20 = `<input name="ctl00$ContentPlaceHolder1$UsernameTextBox"><input type=password name="ctl00$ContentPlaceHolder1$PasswordTextBox">`
	submit20 = `<input type=submit name="ctl00$ContentPlaceHolder1$SubmitButton" value="Log in!">`
	posted20 = `__VIEWSTATE=%2FwEPDwUK%2BKz%2F8%3D%3D&__VIEWSTATEGENERATOR=0EE29E36&__EVENTVALIDATION=%2FwEWBA%2B%2F%3D%3D&__db=14` +
		`&ctl00%24ContentPlaceHolder1%24UsernameTextBox=CORP%5Calice&ctl00%24ContentPlaceHolder1%24PasswordTextBox=correct+horse`
	pressed20 = posted20 + `&ctl00%24ContentPlaceHolder1%24SubmitButton=Log+in%21`
	refused20 = `<span id=x_ErrorTextLabel>Nein.</span>`
	guid20    = "8d1f3c5a-0b7e-4a42-9c6d-0f1e2d3c4b5a"
)
