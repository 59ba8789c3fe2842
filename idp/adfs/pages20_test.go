package adfs_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
)

func form20(body string) string {
	return `<form method=post action="?a=1">` + hidden20 + body + `</form>`
}

// TestPages20 walks edited pages: what is posted, byte for byte, and what becomes of it.
func TestPages20(t *testing.T) {
	t.Parallel()
	const list = `<select name="ctl00$ContentPlaceHolder1$PassiveIdentityProvidersDropDownList"><option value="urn:p">Partner<option value="OWN">Us</select>`
	realm := `&ctl00%24ContentPlaceHolder1%24PassiveIdentityProvidersDropDownList=`
	login, state := form20(fields20+submit20), posted20[:strings.Index(posted20, "&ctl00")]
	own := func(id, button string) string { return form20(strings.Replace(list, "OWN", id, 1) + button) }
	cases := []struct {
		name   string
		pages  []string
		want   idp.Verdict
		words  string
		posted []string
	}{
		{"as it is", []string{login, form20(fields20 + submit20 + refused20)}, idp.Rejected, "Nein.", []string{pressed20}},
		{"another button first", []string{form20(fields20 + `<input type=submit name=ctl00$Language value=English>` + submit20), form20(refused20 + fields20 + submit20)}, idp.Rejected, "Nein.", []string{pressed20}},
		{"the button an image", []string{form20(fields20 + strings.Replace(submit20, "type=submit", "type=image", 1)), form20(refused20 + fields20 + submit20)}, idp.Rejected, "Nein.",
			[]string{posted20 + "&ctl00%24ContentPlaceHolder1%24SubmitButton.x=0&ctl00%24ContentPlaceHolder1%24SubmitButton.y=0"}},
		{"no button", []string{form20(fields20), form20(refused20 + fields20)}, idp.Rejected, "Nein.", []string{posted20}},
		{"a script to integrated sign-in", []string{`<script>window.location.href = "/adfs/ls/auth/integrated/"</script>` + login, form20(refused20 + fields20 + submit20)}, idp.Rejected, "Nein.", []string{pressed20}},
		{"the error's element empty", []string{login, form20(fields20 + submit20 + `<span id=x_ErrorTextLabel></span>`)}, idp.Unexplained, "", []string{pressed20}},
		{"the error's element hidden", []string{login, form20(fields20 + submit20 + `<p style="display:none">` + refused20 + `</p>`)}, idp.Unexplained, "", []string{pressed20}},
		{"other words", []string{login, form20(fields20 + submit20 + `<p class=error>Your password has expired.`)}, idp.Unexplained, "", []string{pressed20}},
		{"an English text for an expired password", []string{login, form20(fields20 + submit20 + `<span id=x_ErrorTextLabel>Your password has expired.</span>`)}, idp.Rejected, "Your password has expired.", []string{pressed20}},
		{"the user name settled", []string{strings.Replace(login, `UsernameTextBox"`, `UsernameTextBox" readonly value="CORP\bob"`, 1)}, idp.OtherUser, `CORP\bob`, nil},
		{"a CAPTCHA", []string{form20(fields20 + "<div class=g-recaptcha></div>" + submit20)}, idp.Captcha, "", nil},
		{"AD FS's own directory by name", []string{own("AD AUTHORITY", "<input type=submit name=ctl00$Button1 value=Go>"), "<p>"}, idp.Unknown, "", []string{state + realm + "AD+AUTHORITY&ctl00%24Button1=Go"}},
		{"the same by its identifier", []string{own("http://ADFS.corp.example/adfs/services/trust", ""), "<p>"}, idp.Unknown, "", []string{state + realm + "http%3A%2F%2FADFS.corp.example%2Fadfs%2Fservices%2Ftrust"}},
		{"chosen once", []string{own("AD AUTHORITY", "")}, idp.HomeRealm, "", []string{state + realm + "AD+AUTHORITY"}},
		{"another server's identifier", []string{own("http://adfs.other.example/adfs/services/trust", "")}, idp.HomeRealm, "", nil},
		{"an error", []string{form20("<div>Bitte erneut versuchen, oder fragen Sie.</div><div>Nr. " + guid20 + "</div>")}, idp.ProviderError, "Bitte erneut versuchen, oder fragen Sie.", nil},
		{"an error of few words", []string{form20("<p>問題が発生しました</p>" + guid20)}, idp.ProviderError, "問題が発生しました" + guid20, nil},
		{"an error after a sign-in", []string{"signed in <p>Something went wrong here today.<p>" + guid20}, idp.NotPermitted, "Something went wrong here today.", nil},
		{"an error with a number", []string{"<p>MSIS7001: something went wrong here.<p>" + guid20}, idp.StateLost, "MSIS7001: something went wrong here.", nil},
		{"a reference number on the way", []string{"<meta http-equiv=refresh content='0; url=/adfs/ls/next'>" + guid20, login, form20(refused20 + fields20)}, idp.Rejected, "Nein.", []string{pressed20}},
		{"the same by a script", []string{"<script>window.location.href = '/adfs/ls/next'</script>" + guid20, login, form20(refused20 + fields20)}, idp.Rejected, "Nein.", []string{pressed20}},
		{"the same by a form", []string{form20(guid20) + "<script>document.forms[0].submit()</script>", login, form20(refused20 + fields20)}, idp.Rejected, "Nein.", []string{state, pressed20}},
		{"a reference number elsewhere", []string{"<meta http-equiv=refresh content='0; url=/portal'>", "<p>" + guid20}, idp.Unknown, "", nil},
		{"the fields disabled", []string{form20(strings.ReplaceAll(fields20, "<input ", "<input disabled "))}, idp.Unknown, "", nil},
		{"the list disabled", []string{strings.Replace(own("AD AUTHORITY", ""), "<select ", "<select disabled ", 1)}, idp.Unknown, "", nil},
		{"no reference number", []string{"<p>Something went wrong here today."}, idp.Unknown, "", nil},
		{"a reference number and something to answer", []string{"<form method=post>" + guid20 + "<input name=more></form>"}, idp.Unknown, "", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _, err := at(t, person(alice, idptest.AlicePassword), c.pages...)
			got := wantVerdict(t, err, c.want)
			if c.want != idp.Unknown && got.Words != c.words {
				t.Errorf("Words = %q, want %q", got.Words, c.words)
			}
			if !slices.Equal(s.posted, c.posted) {
				t.Errorf("posted %q, want %q", s.posted, c.posted)
			}
			if strings.Contains(c.name, "an error") && c.want != idp.Rejected && got.Activity != guid20 && !strings.Contains(c.name, "text") {
				t.Errorf("Activity = %q, want the reference number", got.Activity)
			}
		})
	}
}

// TestStateRefused: a 500 is one for the page's state only if it says so.
func TestStateRefused(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]idp.Verdict{
		"500 <h2>Fehler bei der Überprüfung</h2><pre>[ViewStateException: Viewstate ungültig.]</pre>": idp.StateLost,
		`500 <h2>Ungültig</h2><pre>pages enableEventValidation="true"</pre>`:                          idp.StateLost,
		"500 <h2>Laufzeitfehler</h2>": idp.Unknown,
		"200 <h2>ViewState</h2>":      idp.Unknown,
	} {
		s := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			status, page, _ := strings.Cut(body, " ")
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(map[string]int{"500": 500, "200": 200}[status])
			_, _ = w.Write([]byte(page))
		})
		r := newRig(t, in20(idptest.Options{}), nil)
		r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: r.session.Trust, Transport: idptest.Transport(map[string]http.Handler{host: s}), Now: clock})
		_, err := r.login(t, adfs.Config{})
		wantVerdict(t, err, want)
	}
}

// TestLook20: what a sign-in begins with, and what shows that it is AD FS 2.0's.
func TestLook20(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		o       idptest.Options
		c       adfs.Config
		verdict idp.Verdict
		signs   []string
	}{
		{name: "the sign-in form", signs: []string{"field $UsernameTextBox", "/adfs/"}},
		{name: "the sign-in form of 2.1", o: idptest.Options{Asp4: true}, signs: []string{"field $UsernameTextBox", "/adfs/"}},
		{name: "the sign-in form behind the organisations", o: idptest.Options{ClaimsProviders: []string{"b", idptest.LocalAuthority}}, signs: []string{"field $UsernameTextBox", "/adfs/"}},
		{name: "the organisations", o: idptest.Options{ClaimsProviders: []string{"b", "c"}}, signs: []string{"field $PassiveIdentityProvidersDropDownList", "/adfs/"}},
		{name: "the relying parties", c: adfs.Config{RelyingParty: "urn:x"}, verdict: idp.UnknownParty, signs: []string{"field $RelyingPartyDropDownList", "/adfs/"}},
		{name: "integrated", o: idptest.Options{LocalAuthFirst: idptest.LocalIntegrated}, verdict: idp.Integrated, signs: []string{"/adfs/ls/auth/integrated"}},
	} {
		r := newRig(t, in20(c.o), person(alice, idptest.AlicePassword))
		c.c.URL = host
		p, err := adfs.Look(t.Context(), r.session, c.c)
		if c.verdict == "" && err != nil || c.verdict != "" && !errors.Is(err, &idp.PageError{Verdict: c.verdict}) {
			t.Errorf("%s: Look = %v, want verdict %q", c.name, err, c.verdict)
		}
		if signs := adfs.Signs(p); !slices.Equal(signs, c.signs) {
			t.Errorf("%s: Signs = %q, want %q", c.name, signs, c.signs)
		}
		if n := len(r.answers.Questions()); n != 0 || r.p.Stats().Logins != 0 {
			t.Errorf("%s: %d questions and %d passwords, want none", c.name, n, r.p.Stats().Logins)
		}
	}
}
