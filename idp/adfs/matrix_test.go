package adfs_test

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
)

// ending is how a sign-in of the matrix must end.
type ending struct {
	verdict idp.Verdict // "": an assertion
	network bool        // *idp.NetworkError in place of a verdict
	origin  bool        // *idp.OriginError in place of a verdict
	words   string      // part of the provider's own words
	logins  int         // passwords posted
}

// sight is one row of the matrix: a server, a person, and what becomes of it.
type sight struct {
	id, name string
	o        idptest.Options
	c        adfs.Config
	script   map[string][]string // nil: Alice with the right password
	through  through             // nil: straight to the server
	agent    string              // User-Agent; "": what Auth goes with
	scatter  bool                // no two requests over one connection
	again    int                 // how often the sign-in is made once more, with the same cookies
	want     ending              // of the last one
}

// through is what stands between the client and the server.
type through func(http.RoundTripper) http.RoundTripper

// matrix is the least that an adapter of AD FS has to get right, by the number of the
// test it stands for.
func matrix() []sight {
	rows := slices.Concat(forms(), integrated(), refusals(), ways(), documents(), networks())
	for _, f := range factorSights() {
		rows = append(rows, f.sight)
	}
	return rows
}

// needed are the numbers that the matrix must have: T25 is the generic adapter's.
var needed = strings.Fields("T01 T02 T03 T04 T05 T06 T07 T08 T09 T10 T11 T12 T13 T14 T15 T16 T17 T18 T19 T20 T21 T22 T23 T24")

var (
	signed  = ending{logins: 1}
	partner = []string{"https://partner.example/adfs/services/trust", idptest.LocalAuthority}
)

// mistaken is a person who types a wrong password once.
func mistaken() map[string][]string { return person(alice, "wrong one") }

func inState(s idptest.UserState) []idptest.User {
	u := idptest.Alice()
	u.State = s
	return []idptest.User{u}
}

// asked is an account with a second factor.
func asked() []idptest.User {
	u := idptest.Alice()
	u.MFA = true
	return []idptest.User{u}
}

func forms() []sight {
	return []sight{
		{id: "T01", name: "3.0", o: idptest.Options{Flavour: "3.0"}, want: signed},
		{id: "T02", name: "3.0, wrong password", o: idptest.Options{Flavour: "3.0"}, script: mistaken(), want: ending{verdict: idp.Rejected, words: wrong, logins: 1}},
		{id: "T03", name: "2016", o: idptest.Options{Flavour: "2016"}, want: signed},
		{id: "T03", name: "2019", o: idptest.Options{Flavour: "2019"}, want: signed},
		{id: "T04", name: "2019 paginated", o: native, want: signed},
		{id: "T04", name: "2019 in steps", o: steps, want: signed},
		{id: "T05", name: "2.0", o: idptest.Options{Flavour: "2.0"}, want: signed},
		{id: "T05", name: "2.1", o: idptest.Options{Flavour: "2.0", Asp4: true}, want: signed},
		{id: "T05", name: "2.0, wrong password", o: idptest.Options{Flavour: "2.0"}, script: mistaken(), want: ending{verdict: idp.Rejected, words: "The user name or password", logins: 1}},
		{id: "T24", name: "markup of all kinds", o: idptest.Options{Flavour: "2016", Themed: true, Kmsi: true, CertificateLink: true}, want: signed},
	}
}

// windows is an AD FS of each version that asks for integrated sign-in.
func windows() map[string]idptest.Options {
	return map[string]idptest.Options{
		"2.0":                 {Flavour: "2.0", LocalAuthFirst: idptest.LocalIntegrated},
		"3.0":                 {Flavour: "3.0", Intranet: true},
		"2016":                {Flavour: "2016", Intranet: true},
		"2019":                {Flavour: "2019", Intranet: true, BigToken: true},
		"2019, for all":       {Flavour: "2019", Intranet: true, FormsOnIntranetOff: true},
		"3.0 in capitals":     {Intranet: true, PathCase: idptest.PathUpper},
		"2016 with partners":  {Flavour: "2016", Intranet: true, ClaimsProviders: partner},
		"2.0 with partners":   {Flavour: "2.0", LocalAuthFirst: idptest.LocalIntegrated, ClaimsProviders: partner},
		"3.0 without any ids": {Intranet: true, ClientRequestIDOff: true},
	}
}

func integrated() []sight {
	ntlm := adfs.Config{Auth: "ntlm"}
	var rows []sight
	for name, o := range windows() {
		extended := o
		extended.EPA = true
		rows = append(rows,
			sight{id: "T06", name: name, o: o, c: ntlm, want: signed},
			sight{id: "T06", name: name + ", by forms", o: o, agent: idp.IntegratedUserAgent, want: ending{verdict: idp.Integrated, words: "Negotiate, NTLM"}},
			sight{id: "T06", name: name + ", again by its cookies", o: o, c: ntlm, again: 1, want: signed},
			sight{id: "T07", name: name + ", wrong password", o: o, c: ntlm, script: mistaken(), want: ending{verdict: idp.Rejected, logins: 1}},
			sight{id: "T07", name: name + ", unknown user", o: o, c: ntlm, script: person(`CORP\bob`, idptest.AlicePassword), want: ending{verdict: idp.Rejected, logins: 1}},
			sight{id: "T07", name: name + ", Extended Protection", o: extended, c: ntlm, want: ending{verdict: idp.Rejected, logins: 1}},
			sight{id: "T07", name: name + ", no connection is kept", o: o, c: ntlm, scatter: true, want: ending{verdict: idp.ConnectionLost}},
		)
	}
	for _, name := range []string{"2.0", "3.0", "2019"} {
		o := windows()[name]
		o.DropCookies = true
		rows = append(rows, sight{id: "T07", name: name + ", cookies lost", o: o, c: ntlm, want: ending{verdict: idp.Unexplained, logins: 1}})
	}
	return rows
}

func refusals() []sight {
	disabled := map[string]idptest.RelyingParty{"urn:amazon:webservices": {ACS: "https://signin.aws.amazon.com/saml", Audience: "urn:amazon:webservices", Display: "AWS", Disabled: true}}
	return []sight{
		{id: "T08", name: "expired, in words", o: idptest.Options{Users: inState(idptest.UserExpired)}, want: ending{verdict: idp.PasswordExpired, logins: 1}},
		{id: "T08", name: "must change, at the page for it", o: idptest.Options{Users: inState(idptest.UserMustChange), UpdatePasswordEndpoint: true}, want: ending{verdict: idp.PasswordExpired, logins: 1}},
		{id: "T09", name: "unknown relying party", c: adfs.Config{RelyingParty: "urn:example:other"}, want: ending{verdict: idp.UnknownParty}},
		{id: "T09", name: "unknown relying party at 2.0", o: idptest.Options{Flavour: "2.0"}, c: adfs.Config{RelyingParty: "urn:example:other"}, want: ending{verdict: idp.UnknownParty}},
		{id: "T09", name: "disabled trust", o: idptest.Options{RelyingParties: disabled}, want: ending{verdict: idp.UnknownParty}},
		{id: "T09", name: "disabled trust at 2.0", o: idptest.Options{Flavour: "2.0", RelyingParties: disabled}, want: ending{verdict: idp.UnknownParty}},
		{id: "T09", name: "entry switched off", o: idptest.Options{Flavour: "2016", IdPInitiatedDisabled: true}, want: ending{verdict: idp.EntryDisabled}},
		{id: "T09", name: "an entry without loginToRp: it is named", c: adfs.Config{URL: host + "/adfs/ls/IdpInitiatedSignOn.aspx"}, want: signed},
		{id: "T09", name: "an entry without loginToRp at 2.0: it is named", o: idptest.Options{Flavour: "2.0"}, c: adfs.Config{URL: host + "/adfs/ls/IdpInitiatedSignOn.aspx"}, want: signed},
		{id: "T09", name: "loginToRp lost on the way", through: losing("loginToRp"), want: ending{verdict: idp.UnknownParty, words: "urn:amazon:webservices"}},
		{id: "T09", name: "loginToRp lost on the way to 2.0", o: idptest.Options{Flavour: "2.0"}, through: losing("loginToRp"), want: ending{verdict: idp.UnknownParty, words: "urn:amazon:webservices"}},
		{id: "T20", name: "not permitted", o: idptest.Options{Users: inState(idptest.UserNotPermitted)}, want: ending{verdict: idp.NotPermitted, logins: 1}},
		{id: "T20", name: "no roles", o: idptest.Options{Users: inState(idptest.UserNoRoles)}, want: ending{verdict: idp.NoRoles, logins: 1}},
		{id: "T21", name: "German", o: idptest.Options{Locale: "de"}, script: mistaken(), want: ending{verdict: idp.Rejected, words: idptest.TextIn("de").WrongPassword, logins: 1}},
		{id: "T21", name: "Dutch", o: idptest.Options{Locale: "nl", Flavour: "2019"}, script: mistaken(), want: ending{verdict: idp.Rejected, words: idptest.TextIn("nl").WrongPassword, logins: 1}},
		{id: "T21", name: "German, all well", o: idptest.Options{Locale: "de", Flavour: "2.0"}, want: signed},
	}
}

func ways() []sight {
	return []sight{
		{id: "T10", name: "AD FS's own directory", o: idptest.Options{ClaimsProviders: partner}, want: signed},
		{id: "T10", name: "AD FS's own directory at 2.0", o: idptest.Options{Flavour: "2.0", ClaimsProviders: partner}, want: signed},
		{id: "T10", name: "another that is named: its page, which has no form", o: idptest.Options{ClaimsProviders: partner}, c: adfs.Config{HomeRealm: partner[0]}, want: ending{verdict: idp.Unknown}},
		{id: "T10", name: "none that is known", o: idptest.Options{ClaimsProviders: []string{"https://a.example/trust", "https://b.example/trust"}},
			script: map[string][]string{"home_realm": {idptest.NoAnswer}}, want: ending{verdict: idp.HomeRealm}},
		{id: "T13", name: "the form among methods", o: idptest.Options{MethodChoice: true, CertificateLink: true}, want: signed},
		{id: "T13", name: "a method that is named", o: idptest.Options{Users: asked(), Factors: []string{"SecurIDAuthentication", "VIPAuthenticationProviderUPN"}}, c: adfs.Config{MFA: "SecurIDAuthentication"},
			script: withCode(idptest.MFACode), want: signed},
		{id: "T14", name: "cookies of an earlier sign-in", again: 1, want: signed},
		{id: "T14", name: "cookies of an earlier sign-in at 2.0", o: idptest.Options{Flavour: "2.0"}, again: 1, want: signed},
		{id: "T15", name: "the sixth in 20 seconds", again: 5, want: signed},
		{id: "T15", name: "cookies that are always too large", o: idptest.Options{HeaderLimit: 1000}, want: ending{verdict: idp.CookiesTooLarge, logins: 1}},
		{id: "T16", name: "cookies lost", o: idptest.Options{DropCookies: true}, want: ending{verdict: idp.Unexplained, logins: 1}},
		{id: "T16", name: "the request's cookie lost", o: idptest.Options{DropCookies: true, RequireRequestCookie: true}, want: ending{verdict: idp.StateLost, logins: 1}},
		{id: "T16", name: "view state broken", o: idptest.Options{Flavour: "2.0", BreakViewState: true}, want: ending{verdict: idp.StateLost, logins: 1}},
	}
}

func documents() []sight {
	party := func(id, acs string) map[string]idptest.RelyingParty {
		return map[string]idptest.RelyingParty{id: {ACS: acs, Audience: id, Display: "AWS"}}
	}
	var rows []sight
	for _, a := range []idptest.ActionStyle{idptest.ActionAbsolute, idptest.ActionAbsolute443, idptest.ActionRelative, idptest.ActionUnescapedAmp, idptest.ActionEmpty, idptest.ActionMissing} {
		rows = append(rows, sight{id: "T17", name: "action " + string(a), o: idptest.Options{Action: a}, want: signed})
	}
	return append(rows,
		sight{id: "T18", name: "without :443", o: idptest.Options{ACSPort443Off: true}, want: signed},
		sight{id: "T18", name: "with :443", want: signed},
		sight{id: "T18", name: "GovCloud", c: adfs.Config{Partition: "aws-us-gov"}, o: idptest.Options{RelyingParties: party("urn:amazon:webservices:govcloud", "https://signin.amazonaws-us-gov.com/saml")}, want: signed},
		sight{id: "T18", name: "China", c: adfs.Config{Partition: "aws-cn"}, o: idptest.Options{RelyingParties: party("urn:amazon:webservices:cn-north-1", "https://signin.amazonaws.cn/saml")}, want: signed},
		sight{id: "T18", name: "regional", o: idptest.Options{RelyingParties: party("urn:amazon:webservices", "https://eu-west-1.signin.aws.amazon.com/saml")}, want: signed},
		sight{id: "T18", name: "another service", o: idptest.Options{Fault: idptest.FaultForeignACS}, want: ending{verdict: idp.ForeignAssertion, logins: 1}},
		sight{id: "T19", name: "a decoy", o: idptest.Options{DecoyEmptySAMLResponse: true}, want: signed},
		sight{id: "T19", name: "wrapped", o: idptest.Options{WrappedBase64: true}, want: signed},
		sight{id: "T19", name: "encrypted", o: idptest.Options{Fault: idptest.FaultEncrypted}, want: signed},
	)
}

func networks() []sight {
	return []sight{
		{id: "T22", name: "redirect to http", o: idptest.Options{Fault: idptest.FaultRedirectPlain}, want: ending{origin: true, logins: 1}},
		{id: "T22", name: "307 to another host", o: idptest.Options{Fault: idptest.FaultRedirect307}, want: ending{origin: true, logins: 1}},
		{id: "T23", name: "gzip", o: idptest.Options{Gzip: true}, want: signed},
		{id: "T23", name: "slow", o: idptest.Options{Latency: 20 * time.Millisecond}, want: signed},
		{id: "T23", name: "never answered", o: idptest.Options{Fault: idptest.FaultHang}, through: impatient, want: ending{network: true}},
		{id: "T23", name: "503", o: idptest.Options{Status503: -1}, want: ending{verdict: idp.Unavailable}},
		{id: "T23", name: "404", o: idptest.Options{Fault: idptest.FaultNotFound}, want: ending{verdict: idp.NotFound}},
		{id: "T23", name: "JSON", o: idptest.Options{Fault: idptest.FaultJSON}, want: ending{verdict: idp.NotHTML}},
		{id: "T23", name: "10 MiB", o: idptest.Options{Fault: idptest.FaultHuge}, want: ending{verdict: idp.TooLarge}},
	}
}

// TestMatrix signs in at every server of the matrix. No sign-in may break one of the
// rules that the simulator watches. The unknown authority of T22 is a subtest of
// TestLoginTLS, which has sockets; an organisation that is followed, the rest of T10, in
// TestHomeRealmChoice.
func TestMatrix(t *testing.T) {
	t.Parallel()
	has := map[string]bool{}
	for _, s := range matrix() {
		has[s.id] = true
		t.Run(s.id+" "+s.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // second factors take their time
				if err := s.problem(t); err != nil {
					t.Error(err)
				}
			})
		})
	}
	if got := slices.Sorted(maps.Keys(has)); !slices.Equal(got, needed) {
		t.Errorf("the matrix has %q, want %q", got, needed)
	}
}

// problem signs in and returns what differs from what is wanted.
func (s sight) problem(t *testing.T) error {
	t.Helper()
	script := s.script
	if script == nil {
		script = person(alice, idptest.AlicePassword)
	}
	r := newRig(t, s.o, script)
	if s.agent != "" || s.c.Auth != "" {
		r.integrated()
	}
	if s.scatter {
		r.transport.Scatter()
	}
	if s.through != nil {
		r.session.HTTP.Transport = s.through(r.session.HTTP.Transport)
	}
	var err error
	for range s.again + 1 {
		_, err = r.login(t, s.c)
	}
	return errors.Join(s.want.differs(err), r.broken(s.want.logins))
}

// broken is which rules the simulator saw broken.
func (r *rig) broken(logins int) error {
	var all []error
	for _, bug := range r.p.ClientBugs() {
		all = append(all, errors.New("client bug: "+bug))
	}
	if got := r.p.Stats().Logins; got != logins {
		all = append(all, errors.New("passwords were posted not as often as wanted"))
	}
	return errors.Join(all...)
}

// differs compares how a sign-in ended.
func (o ending) differs(err error) error {
	var page *idp.PageError
	var network *idp.NetworkError
	var origin *idp.OriginError
	got := ending{network: errors.As(err, &network), origin: errors.As(err, &origin), logins: o.logins}
	if errors.As(err, &page) {
		got.verdict = page.Verdict
		if strings.Contains(page.Words, o.words) {
			got.words = o.words
		}
	}
	if got != o || (err == nil) != (o == ending{logins: o.logins}) {
		return errors.Join(errors.New("the sign-in did not end as it should"), err)
	}
	return nil
}

// impatient answers for a server that never does.
func impatient(next http.RoundTripper) http.RoundTripper {
	return tripper(func(r *http.Request) (*http.Response, error) {
		return next.RoundTrip(r.WithContext(idp.WithRequestTimeout(r.Context(), 50*time.Millisecond)))
	})
}

// losing takes a parameter out of every address, as a gateway that rewrites them may.
func losing(parameter string) through {
	return func(next http.RoundTripper) http.RoundTripper {
		return tripper(func(r *http.Request) (*http.Response, error) {
			lost := r.Clone(r.Context())
			query := lost.URL.Query()
			query.Del(parameter)
			lost.URL.RawQuery = query.Encode()
			return next.RoundTrip(lost)
		})
	}
}

// TestMatrixControl: rows whose ending is another one, and one that a simulator of
// another kind would give, are noticed.
func TestMatrixControl(t *testing.T) {
	t.Parallel()
	for _, s := range []sight{
		{name: "refused, wanted signed in", script: mistaken(), want: signed},
		{name: "signed in, wanted refused", want: ending{verdict: idp.Rejected, logins: 1}},
		{name: "another verdict", script: mistaken(), want: ending{verdict: idp.StateLost, logins: 1}},
		{name: "other words", script: mistaken(), want: ending{verdict: idp.Rejected, words: "Falsch", logins: 1}},
		{name: "more passwords than wanted", want: ending{}},
		{name: "a stale context", o: idptest.Options{MFA: idptest.FactorAzurePush}, through: stale(), want: ending{verdict: idp.StateLost, logins: 1}},
		{name: "a code posted again", o: idptest.Options{MFA: idptest.FactorVIP}, script: withCode("000000", idptest.NoAnswer), through: twice,
			want: ending{verdict: idp.MFADenied, words: wrongAnswer, logins: 1}},
		{name: "an origin for a verdict", o: idptest.Options{Fault: idptest.FaultRedirect307}, want: ending{verdict: idp.Rejected, logins: 1}},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if s.problem(t) == nil {
					t.Error("not noticed")
				}
			})
		})
	}
	r := newRig(t, idptest.Options{}, nil)
	req, err := http.NewRequest(http.MethodPost, "https://"+host+idptest.ADFSEntry, strings.NewReader("UserName=x&UserName=y&Password=z"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := idptest.Transport(map[string]http.Handler{host: r.p}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if r.broken(1) == nil {
		t.Error("a client bug is not noticed")
	}
}
