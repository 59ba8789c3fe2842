package adfs_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
)

// server answers each request with the next page, the last one for ever, and remembers
// what was posted.
type server struct {
	mu     sync.Mutex
	pages  []string
	asked  []string // addresses
	posted []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.String())
	if r.Method == http.MethodPost {
		s.posted = append(s.posted, string(body))
	}
	page := s.pages[0]
	if len(s.pages) > 1 {
		s.pages = s.pages[1:]
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if strings.HasPrefix(page, "401 ") {
		w.Header().Set("WWW-Authenticate", strings.Fields(page)[1])
		w.WriteHeader(http.StatusUnauthorized)
	}
	if page == "moved" {
		w.Header().Set("Location", "/adfs/ls/next")
		w.WriteHeader(http.StatusFound)
	}
	if strings.HasPrefix(page, "signed in") {
		w.Header().Set("Set-Cookie", "MSISAuth=x; path=/adfs; Secure; HttpOnly")
	}
	_, _ = io.WriteString(w, page)
}

// at signs in at AD FS pages written out here.
func at(t testing.TB, script map[string][]string, pages ...string) (*server, *idptest.Answers, error) {
	t.Helper()
	return wishing(t, adfs.Config{}, script, pages...)
}

// wishing is at with settings.
func wishing(t testing.TB, c adfs.Config, script map[string][]string, pages ...string) (*server, *idptest.Answers, error) {
	t.Helper()
	s := &server{pages: pages}
	r := newRig(t, idptest.Options{}, script)
	r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: r.session.Trust, Transport: idptest.Transport(map[string]http.Handler{host: s}), Now: clock})
	_, err := r.login(t, c)
	return s, r.answers, err
}

const (
	loginPage = `<div id=noScript>JavaScript required</div><form method=post id=loginForm action="/adfs/ls/"><div id=error><label id=errorText for=""></label></div>
		<input id=userNameInput name=UserName type=email value=""><input id=passwordInput name=Password type=password><input id=optionForms type=hidden name=AuthMethod value=FormsAuthentication></form>
		<div id=authOptions><form id=options method=post action="https://adfs.corp.example:443/adfs/ls/"><input id=optionSelection type=hidden name=AuthMethod></form></div>`
	errorPage = `<div id=errorArea><div id=openingMessage>Sorry</div><div id=errorMessage>It broke.</div><ul id=errorDetails style="display:none"><li id=activityID>Aktivitäts-ID: 00000000-0000-4000-8000-00000000002a</li><li>Error details: NUMBER</li></ul></div>`
	options   = `<form id=options method=post action="https://adfs.corp.example:443/adfs/ls/"><input id=optionSelection type=hidden name=AuthMethod></form>`
)

// hiddenFactor is the page of a second factor with nothing to type.
func hiddenFactor(method string) string {
	return `<form method=post id=loginForm><input type=hidden name=AuthMethod value="` + method + `"><input type=hidden name=Context value=x></form>` + options
}

// TestPages has the verdicts over single pages, in the order of detection.
func TestPages(t *testing.T) {
	t.Parallel()
	msis := func(number string) string { return strings.Replace(errorPage, "NUMBER", number, 1) }
	hidden := hiddenFactor
	factor := func(method, more string) string {
		return strings.Replace(hidden(method), "</form>", "<input name=VerificationCode>"+more+"</form>", 1)
	}
	cases := []struct {
		name, page string
		want       idp.Verdict
		words      string
		options    []string
	}{
		{name: "integrated before everything", page: "401 Negotiate " + loginPage, want: idp.Integrated, words: "Negotiate"},
		{name: "basic", page: "401 Basic " + loginPage, want: idp.BasicAuth, words: "Basic"},
		{name: "switched off", page: msis("MSIS7012: no"), want: idp.EntryDisabled, words: "It broke."},
		{name: "error on the first page without a number", page: msis(""), want: idp.EntryDisabled, words: "It broke."},
		{name: "error with another number", page: msis("MSIS3020"), want: idp.ProviderError, words: "It broke."},
		{name: "state lost", page: msis("MSIS7001"), want: idp.StateLost, words: "It broke."},
		{name: "loop", page: msis("MSIS7042"), want: idp.SignInLoop, words: "It broke."},
		{name: "party not known", page: msis("MSIS7007: no"), want: idp.UnknownParty, words: "urn:amazon:webservices"},
		{name: "party not known after a sign-in", page: "signed in " + msis("MSIS7007: no"), want: idp.NotPermitted, words: "It broke."},
		{name: "error after a sign-in", page: "signed in " + msis(""), want: idp.NotPermitted, words: "It broke."},
		{name: "no second factor registered", page: `<div id=errorArea><div id=errorMessage>Go to <a href="https://aka.ms/mfasetup">this page</a></div></div>`, want: idp.Enrolment, words: "Go to this page"},
		{name: "password to be changed", page: `<span id=expiredNotification>You must update your password.</span>` + loginPage, want: idp.PasswordExpired, words: "You must update your password."},
		{name: "change form", page: `<form id=updatePasswordForm method=post><input name=UserName><input type=password name=OldPassword></form>`, want: idp.PasswordExpired},
		{name: "expired", page: strings.Replace(loginPage, `for="">`, `for="">Your password has expired. Click here.`, 1), want: idp.PasswordExpired, words: "Your password has expired. Click here."},
		{name: "two fields of an unknown factor", page: factor("AcmeProvider", "<input name=PIN>"), want: idp.SecondFactor, words: "AcmeProvider"},
		{name: "two fields of another year's server", page: factor("AzureMfaServerAuthentication2020", "<input name=PIN>"), want: idp.SecondFactor, words: "Azure MFA Server (AzureMfaServerAuthentication2020)"},
		{name: "what it offers besides", page: "<div id=authOptions><a class=actionLink id=AcmeProvider>Acme</a><a class=actionLink id=Other>A card</a>" + factor("AcmeProvider", "<input name=PIN>") + "</div>", want: idp.SecondFactor, words: "AcmeProvider", options: []string{"A card"}},
		{name: "a PIN to choose", page: factor("SecurIDAuthentication", "<input type=password name=A><input type=password name=B>"), want: idp.NeedsBrowser, words: "RSA SecurID (SecurIDAuthentication), which asks for a new PIN"},
		{name: "RSA without a field", page: hidden("SecurIDAuthentication"), want: idp.NeedsBrowser, words: "RSA SecurID (SecurIDAuthentication)"},
		{name: "a push that a script begins", page: hidden("SymantecVipAdapter"), want: idp.NeedsBrowser, words: "Symantec VIP (SymantecVipAdapter)"},
		{name: "Duo by its method", page: hidden("DuoAdfsAdapter"), want: idp.NeedsBrowser, words: "Duo (DuoAdfsAdapter)"},
		{name: "refused before anything was sent", page: hidden("AzureMfaAuthentication") + "<span id=errorText>We didn't hear from you</span>", want: idp.MFADenied, words: "We didn't hear from you"},
		{name: "Duo frame", page: `<form id=duo_form method=post><input type=hidden name=context value=x><input type=hidden name=authMethod value=Other></form>`, want: idp.NeedsBrowser, words: "Duo (Other)"},
		{name: "Duo Universal Prompt", page: `<form id=adfs_form method=post action=https://api.duosecurity.com/x><input type=hidden name=adfs_context value=x></form><script>document.forms[0].submit()</script>`, want: idp.NeedsBrowser, words: "Duo (DuoAdfsAdapter)"},
		{name: "passkey", page: `<form method=post data-passkey-options="{}"><input type=hidden name=Context value=x><input type=hidden name=AuthMethod value=Acme><input type=hidden name=assertionResponse></form>`, want: idp.NeedsBrowser, words: "Acme"},
		{name: "organisations", page: `<form id=hrd method=post><div class=idp onclick="HRD.selection('https://partner/trust')"><span>Partner</span></div><input id=hrdSelection type=hidden><input name=Email type=email></form>`, want: idp.HomeRealm, options: []string{"Partner"}},
		{name: "relying parties", page: `<form id=idpForm method=post><select name=RelyingParty><option value=1>One</option><option value=2>Two</option></select></form>`, want: idp.UnknownParty, words: "urn:amazon:webservices", options: []string{"One", "Two"}},
		{name: "methods", page: `<div id=authOptions>` + options + `<a class=actionLink id=AzureMfaAuthentication href=#>Use a code</a><a class=actionLink id=AcmeProvider href=#></a></div>`, want: idp.MethodChoice, options: []string{"Use a code", "AcmeProvider"}},
		{name: "captcha", page: strings.Replace(loginPage, "</form>", "<div class=g-recaptcha></div></form>", 1), want: idp.Captcha},
		{name: "name fixed", page: strings.Replace(loginPage, `value=""`, `value="CORP\bob" readonly`, 1), want: idp.OtherUser, words: `CORP\bob`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _, err := at(t, person(alice, idptest.AlicePassword), c.page)
			got := wantVerdict(t, err, c.want)
			if got.Words != c.words || !slices.Equal(got.Options, c.options) {
				t.Errorf("Words %q, Options %q, want %q, %q", got.Words, got.Options, c.words, c.options)
			}
			if strings.Contains(c.page, "activityID") && got.Activity != "00000000-0000-4000-8000-00000000002a" {
				t.Errorf("Activity = %q", got.Activity)
			}
			if len(s.posted) != 0 {
				t.Errorf("posted %q, want nothing", s.posted)
			}
		})
	}
}

// TestPagesForms: what is posted where there are choices.
func TestPagesForms(t *testing.T) {
	t.Parallel()
	const signed = "UserName=CORP%5Calice&Password=correct+horse&AuthMethod=FormsAuthentication"
	refused := strings.Replace(loginPage, `for="">`, `for="">Falsche Benutzer-ID.`, 1)
	cases := []struct {
		name   string
		pages  []string
		posted []string
	}{
		{"sign-in form", []string{loginPage, refused}, []string{signed}},
		{"AuthMethod empty in the form", []string{strings.Replace(loginPage, "value=FormsAuthentication", "value=''", 1), refused}, []string{signed}},
		{"AuthMethod twice", []string{strings.Replace(loginPage, "</form>", "<input type=hidden name=AuthMethod></form>", 1), refused}, []string{signed}},
		{"AuthMethod outside of the form", []string{strings.Replace(loginPage, "<input id=optionForms type=hidden name=AuthMethod value=FormsAuthentication>", "", 1), refused}, []string{signed}},
		{"user name hidden", []string{strings.Replace(loginPage, "type=email", "type=hidden", 1), refused}, []string{signed}},
		{"prefilled with another name", []string{strings.Replace(loginPage, `value=""`, `value="CORP\bob"`, 1), refused}, []string{signed}},
		{"link to the form", []string{`<div id=authOptions>` + options + `<a class=actionLink id=FormsAuthentication href=#>Password</a><a class=actionLink id=CertificateAuthentication href=#>Certificate</a></div>`, loginPage, refused},
			[]string{"AuthMethod=FormsAuthentication", signed}},
		{"organisation", []string{`<form id=hrd method=post action=/adfs/ls/><div class=idp onclick="HRD.selection('x')">X</div><div class=idp onclick="return HRD.selection(&quot;AD AUTHORITY&quot;)">Us</div><input id=hrdSelection type=hidden><input name=Email type=email><input type=submit name=HomeRealmByEmail value=Next></form>`, loginPage, refused},
			[]string{"HomeRealmSelection=AD+AUTHORITY&Email=", signed}},
		{"error text of a page with several", []string{loginPage, strings.Replace(loginPage, "</form>", "<span id=errorTextPassword>Falsch</span></form>", 1)}, []string{signed}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _, err := at(t, person(alice, idptest.AlicePassword), c.pages...)
			wantVerdict(t, err, idp.Rejected)
			if !slices.Equal(s.posted, c.posted) {
				t.Errorf("posted %q, want %q", s.posted, c.posted)
			}
		})
	}
	methods := `<div id=authOptions>` + options + `<a class=actionLink id=FormsAuthentication href=#>Password</a></div>`
	s, _, err := at(t, nil, methods, methods+"<p>again")
	wantVerdict(t, err, idp.MethodChoice)
	if len(s.posted) != 1 {
		t.Errorf("chose the form %d times, want once", len(s.posted))
	}
	organisations := `<form id=hrd method=post action=/adfs/ls/><div class=idp onclick="HRD.selection('AD AUTHORITY')">Us</div><input id=hrdSelection type=hidden></form>`
	s, _, err = at(t, nil, organisations, organisations+"<p>again")
	wantVerdict(t, err, idp.HomeRealm)
	if len(s.posted) != 1 {
		t.Errorf("chose an organisation %d times, want once", len(s.posted))
	}
}

// TestPagesLabels: an example is no label, and the page's texts are the labels in
// whatever language they are.
func TestPagesLabels(t *testing.T) {
	t.Parallel()
	page := strings.Replace(loginPage, "type=password", `type=password placeholder="Kennwort"`, 1)
	page = strings.Replace(page, "type=email", `type=email placeholder="jemand@example.com"`, 1)
	_, answers, err := at(t, person(alice, idptest.AlicePassword), page, page)
	wantVerdict(t, err, idp.Unexplained)
	got := answers.Questions()
	if len(got) != 2 || got[0].Label != "" || !got[0].Public || got[1].Label != "Kennwort" || got[1].Public {
		t.Errorf("asked %+v", got)
	}
}
