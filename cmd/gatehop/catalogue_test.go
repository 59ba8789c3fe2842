package main

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/idp"
	"gatehop/idp/idptest"
	"gatehop/idp/idptest/kerberostest"
)

// catalogued is one row of the catalogue as a person meets it: a server, and what a whole
// sign-in there must leave.
type catalogued struct {
	id      string
	verdict idp.Verdict // "" for a row that is no verdict over a page
	adfs    func(*idptest.Options)
	pages   []string // in place of the simulated AD FS: what it answers one after the other
	config  string   // lines of the profile
	vars    []string
	others  map[string]http.Handler
	status  int    // of a row that is no verdict; else it is the class's
	words   string // the server's own, or a name from the page
	hint    string // a part of it
	number  bool   // the activity ID is shown
	cert    bool   // there is a client certificate, me.pem
	ticket  bool   // there is a credential cache with a ticket for the server, cc
	scatter bool   // no connection is kept
}

const (
	catalogueLogin = `<form method=post id=loginForm action="/adfs/ls/"><div id=error><label id=errorText></label></div>
		<input name=UserName type=email value=""><input name=Password type=password><input type=hidden name=AuthMethod value=FormsAuthentication></form>
		<div id=authOptions><form id=options method=post action="/adfs/ls/"><input type=hidden name=AuthMethod></form></div>`
	catalogueError = `<div id=errorArea><div id=errorMessage>Es ist ein Fehler aufgetreten. EXTRA</div><ul id=errorDetails style="display:none">
		<li id=activityID>Aktivitäts-ID: 00000000-0000-4000-8000-00000000002a</li><li>Fehlerdetails: NUMBER</li></ul></div>`
	catalogueID = "00000000-0000-4000-8000-00000000002a"
)

func user(change func(*idptest.User)) func(*idptest.Options) {
	return func(o *idptest.Options) { change(&o.Users[0]) }
}

func fault(f idptest.Fault) func(*idptest.Options) {
	return func(o *idptest.Options) { o.Fault = f }
}

func factor(kind idptest.Factor) func(*idptest.Options) {
	return func(o *idptest.Options) { o.Users[0].MFA, o.MFA = true, kind }
}

func factors(ids ...string) func(*idptest.Options) {
	return func(o *idptest.Options) { o.Users[0].MFA, o.Factors = true, ids }
}

func errorOf(number, extra string) string {
	return strings.NewReplacer("NUMBER", number, "EXTRA", extra).Replace(catalogueError)
}

// adfsCases are the rows of AD FS's own pages.
func adfsCases() []catalogued {
	wrong := []string{password("wrong one")}
	return []catalogued{
		{id: "E01", verdict: idp.Rejected, vars: wrong, words: "Incorrect user ID or password.", hint: "check the password in a browser"},
		{id: "E02", verdict: idp.Rejected, adfs: func(o *idptest.Options) { o.Flavour = "2.0" }, vars: wrong, hint: "check the password in a browser"},
		{id: "E03", verdict: idp.Unexplained, adfs: fault(idptest.FaultNoWords), hint: "cookies were lost"},
		{id: "E04", verdict: idp.PasswordExpired, adfs: user(func(u *idptest.User) { u.State = idptest.UserExpired }), words: "Your password has expired", hint: "change the password"},
		{id: "E05", verdict: idp.UnknownParty, config: "gatehop_relying_party = urn:x", words: "urn:x", hint: "Get-AdfsRelyingPartyTrust"},
		{id: "E05", verdict: idp.UnknownParty, adfs: func(o *idptest.Options) { o.UnknownRPError = true }, config: "gatehop_relying_party = urn:x", words: "urn:x", hint: "is enabled", number: true},
		{id: "E06", verdict: idp.PasswordExpired, adfs: func(o *idptest.Options) { o.Users[0].State, o.UpdatePasswordEndpoint = idptest.UserMustChange, true }, hint: "/adfs/portal/updatepassword/"},
		{id: "E07", verdict: idp.EntryDisabled, adfs: func(o *idptest.Options) { o.IdPInitiatedDisabled = true }, hint: "Set-AdfsProperties -EnableIdPInitiatedSignonPage $true", number: true},
		{id: "E07", verdict: idp.EntryDisabled, adfs: func(o *idptest.Options) { o.IdPInitiatedDisabled, o.ErrorsBare = true, true }, hint: "-EnableIdPInitiatedSignonPage $true", number: true},
		{id: "E08", verdict: idp.ProviderError, pages: []string{catalogueLogin, errorOf("MSIS9999", "")}, words: "Es ist ein Fehler aufgetreten.", hint: "activity ID", number: true},
		{id: "E09", verdict: idp.ProviderError, pages: []string{catalogueLogin, "<div>There was a problem accessing the site. Try to browse to it again.</div><div>Reference number: " + catalogueID + "</div>"}, words: "There was a problem", hint: "activity ID", number: true},
		{id: "E10", verdict: idp.NotPermitted, adfs: user(func(u *idptest.User) { u.State = idptest.UserNotPermitted }), words: "not authorized", hint: "ask the administrator for the group", number: true},
		{id: "E11", verdict: idp.Integrated, adfs: fault(idptest.FaultIntegrated), hint: "WIASupportedUserAgents"},
		{id: "E12", verdict: idp.Rejected, adfs: asksIntegrated, config: "gatehop_auth = ntlm", vars: wrong, words: "401", hint: "Extended Protection"},
		{id: "E13", verdict: idp.BasicAuth, adfs: fault(idptest.FaultBasic), hint: "gatehop_url"},
		{id: "E14", verdict: idp.HomeRealm, adfs: func(o *idptest.Options) { o.ClaimsProviders = []string{"urn:nord", "urn:süd"} }, words: "urn:süd", hint: "gatehop_home_realm"},
		{id: "E15", verdict: idp.SignInLoop, pages: []string{catalogueLogin, errorOf("MSIS7042", "")}, words: "Es ist ein Fehler aufgetreten.", hint: "wait a minute", number: true},
		{id: "E16", verdict: idp.StateLost, adfs: func(o *idptest.Options) { o.DropCookies, o.RequireRequestCookie = true, true }, hint: "try again", number: true},
		{id: "E17", verdict: idp.CookiesTooLarge, adfs: func(o *idptest.Options) { o.HeaderLimit = 1000 }, hint: "try again"},
		{id: "E18", verdict: idp.MethodChoice, adfs: factors("AzureMfaAuthentication", "SampleAdapter"), words: "AzureMfaAuthentication", hint: "gatehop_mfa"},
		{id: "E21", verdict: idp.MFADenied, adfs: factor(idptest.FactorVIP), vars: []string{"GATEHOP_OTP=000000"}, words: "The answer is not right.", hint: "type the code in time"},
		{id: "E22", verdict: idp.MFATimeout, adfs: func(o *idptest.Options) {
			factor(idptest.FactorSilverfort)(o)
			o.MFAResult, o.MFAExpires = idptest.FactorNever, time.Millisecond
		}, words: "MFA request expired", hint: "phone at hand"},
		{id: "E23", verdict: idp.Enrolment, pages: []string{catalogueLogin, errorOf("", "https://aka.ms/mfasetup")}, words: "aka.ms/mfasetup", hint: "in a browser", number: true},
		{id: "E23", verdict: idp.Enrolment, pages: []string{catalogueLogin, `<div id=mfaGreetingDescription>Set it up: <a href="https://aka.ms/mfasetup">there</a></div><form id=loginForm method=post><input type=hidden name=Context value=x><input type=hidden name=AuthMethod value=AzureMfaAuthentication></form>`}, words: "Set it up: there", hint: "in a browser"},
		{id: "E24", verdict: idp.NeedsBrowser, adfs: factor(idptest.FactorRSAPin), words: "new PIN", hint: "browser"},
		{id: "E25", verdict: idp.NeedsBrowser, pages: []string{catalogueLogin, `<form id=duo_form method=post><input type=hidden name=Context value=x><input type=hidden name=AuthMethod value=DuoAdfsAdapter></form>`}, words: "Duo", hint: "browser"},
		{id: "E26", verdict: idp.NeedsBrowser, pages: []string{catalogueLogin, `<form id=adfs_form method=post action=https://api.duosecurity.com/x><input type=hidden name=adfs_auth_method value=x></form><script>document.forms[0].submit()</script>`}, words: "Duo", hint: "browser"},
		{id: "E27", verdict: idp.Certificate, adfs: func(o *idptest.Options) { o.MethodChoice, o.CertificateLink = true, true }, config: "gatehop_mfa = certificate",
			others: map[string]http.Handler{worldHost + ":49443": replies(nil, "<p>Certificate")}, hint: "client certificate"},
		{id: "E28", verdict: idp.NeedsBrowser, pages: []string{catalogueLogin, `<form method=post data-passkey-options="{}"><input type=hidden name=Context value=x><input type=hidden name=AuthMethod value=Passkeys></form>`}, words: "passkey", hint: "browser"},
	}
}

// otherCases are the rows that any provider may end a sign-in with.
func otherCases() []catalogued {
	const keycloak = `<form id=kc-form-login method=post><input name=username><input name=password type=password><input type=submit></form>`
	second := func(page string) []string { return []string{catalogueLogin, page} }
	aws := map[string]http.Handler{"signin.aws.amazon.com": replies(nil, `<form id=saml_form method=post><input type=radio name=roleIndex></form>`)}
	return []catalogued{
		{id: "E29", verdict: idp.Captcha, adfs: fault(idptest.FaultCaptcha), hint: "browser"},
		{id: "E30", verdict: idp.Firewall, adfs: fault(idptest.FaultFirewall), hint: "administrator"},
		{id: "E31", verdict: idp.ScriptOnly, adfs: fault(idptest.FaultScriptOnly), hint: "scripts"},
		{id: "E32", verdict: idp.Rejected, pages: []string{keycloak, `<span id=input-error class=kc-feedback-text>Ungültig.</span>` + keycloak}, words: "Ungültig.", hint: "check the password"},
		{id: "E33", verdict: idp.StateLost, pages: second(`<title>Expired</title><a id=loginRestartLink href=/x>here</a>`), hint: "try again"},
		{id: "E34", verdict: idp.PasswordExpired, pages: second(`<form id=kc-passwd-update-form method=post><input type=password name=password-new></form>`), hint: "change the password"},
		{id: "E35", verdict: idp.Enrolment, pages: second(`<form id=kc-totp-settings-form method=post><input name=totp></form>`), hint: "in a browser"},
		{id: "E36", verdict: idp.Consent, pages: second(`<form method=post><input type=submit name=_eventId_TermsRejected value=No></form>`), hint: "answer the page"},
		{id: "E37", verdict: idp.Consent, pages: second(`<form method=post><input type=checkbox name=_shib_idp_consentIds value=mail></form>`), hint: "answer the page"},
		{id: "E38", verdict: idp.StateLost, pages: second(`<title>Stale Request</title><h1>Stale Request</h1>`), hint: "try again"},
		{id: "E39", verdict: idp.Rejected, pages: second("401\n" + strings.Replace(catalogueLogin, "errorText>", "errorText>Invalid credentials.", 1)), words: "Invalid credentials.", hint: "check the password"},
		{id: "E41", verdict: idp.ForeignAssertion, adfs: fault(idptest.FaultForeignACS), words: "https://sp.example/acs", hint: "gatehop_relying_party"},
		{id: "E42", verdict: idp.BadAssertion, adfs: fault(idptest.FaultRefusedResponse), words: "the request was refused", hint: "administrator"},
		{id: "E44", verdict: idp.NoRoles, adfs: user(func(u *idptest.User) { u.State = idptest.UserNoRoles }), hint: "no AWS role is assigned"},
		{id: "E45", verdict: idp.WSFederation, adfs: fault(idptest.FaultWSFederation), hint: "SAML"},
		{id: "E46", verdict: idp.AWSPage, others: aws, pages: []string{"302 https://signin.aws.amazon.com/saml\n"}, hint: "gatehop_url"},
		{id: "E47", verdict: idp.Unknown, pages: []string{"<title>Welcome</title><p>Nothing here"}, words: "Welcome", hint: "open it in a browser"},
		{id: "E48", verdict: idp.Unknown, pages: second(`<title>One more</title><form method=post><label for=c>Colour</label><input id=c name=colour><select name=s><option>1<option>2</select></form>`), words: "One more", hint: "open it in a browser"},
		{id: "E49", verdict: idp.NotHTML, adfs: fault(idptest.FaultJSON), words: "application/json", hint: "gatehop_url"},
		{id: "E49", verdict: idp.TooLarge, adfs: fault(idptest.FaultHuge), hint: "gatehop_url"},
		{id: "E50", verdict: idp.NotFound, adfs: fault(idptest.FaultNotFound), words: "404", hint: "gatehop_url"},
		{id: "E51", verdict: idp.Unavailable, adfs: func(o *idptest.Options) { o.Status503 = -1 }, words: "503", hint: "later"},
		{id: "E52", verdict: idp.ProxyRefused, adfs: fault(idptest.FaultProxy), words: "407", hint: "gatehop_proxy"},
		{id: "E56", verdict: idp.SignInLoop, adfs: fault(idptest.FaultRedirectLoop), hint: "wait a minute"},
		{id: "E57", verdict: idp.OtherUser, pages: []string{strings.Replace(catalogueLogin, `value=""`, `value="CORP\bob" readonly`, 1)}, words: `bob`, hint: "gatehop_username"},
		{id: "", verdict: idp.SecondFactor, pages: second(`<form method=post><input type=hidden name=Context value=x><input type=hidden name=AuthMethod value=Acme><input name=A><input name=B></form>`), words: "Acme", hint: "gatehop_mfa"},
		{id: "", verdict: idp.NoCertificate, config: "gatehop_auth = certificate\ngatehop_client_cert = me.pem", cert: true, hint: "Set-AdfsGlobalAuthenticationPolicy"},
		{id: "", verdict: idp.TicketRefused, adfs: asksIntegrated, ticket: true, config: "gatehop_auth = kerberos\ngatehop_ccache = FILE:cc", hint: "HTTP/adfs.corp.example"},
		{id: "", verdict: idp.FormInstead, config: "gatehop_auth = ntlm", hint: "remove gatehop_auth"},
		{id: "", verdict: idp.ConnectionLost, adfs: asksIntegrated, scatter: true, config: "gatehop_auth = ntlm", hint: "gatehop_proxy = none"},
		{id: "", verdict: idp.BareUser, vars: []string{"GATEHOP_USERNAME=alice"}, hint: "gatehop_adfs_domain"},
		{id: "", verdict: idp.UnreadableForm, adfs: fault(idptest.FaultGetForm), hint: "in the clear"},
	}
}

// noRows are what the catalogue of pages has no row for, with the statuses of design.md 4.
func noRows() []catalogued {
	late := func(o *idptest.Options) {
		now := o.Now
		o.Now = func() time.Time { return now().Add(-20 * time.Minute) }
	}
	latin := "charset=iso-8859-1\n"
	return []catalogued{
		{id: "E43", adfs: fault(idptest.FaultEncrypted), status: statusUsage, hint: "gatehop_principal_arn"},
		{id: "E55", adfs: fault(idptest.FaultRedirect307), status: statusNetwork, words: idptest.ForeignHost, hint: "gatehop_trusted_hosts"},
		{id: "E55", adfs: fault(idptest.FaultRedirectPlain), status: statusNetwork, words: "not https", hint: "in the clear"},
		{id: "E59", adfs: late, status: statusAWS, words: "ago"},
		{id: "E60", status: statusRefused, pages: []string{latin + catalogueLogin, latin + strings.Replace(catalogueLogin, "errorText>", "errorText>Falsch.", 1)}, words: "Falsch.", hint: "windows-1252"},
	}
}

// replies answers with one page after the other, the last one for ever. A page may begin
// with a status, with an address to go to, or with its encoding. posted, if there is one,
// counts passwords.
func replies(posted *int, pages ...string) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if err == nil && posted != nil && strings.Contains(strings.ToLower(string(body)), "password=") {
			*posted++
		}
		page := pages[0]
		if len(pages) > 1 {
			pages = pages[1:]
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		first, rest, _ := strings.Cut(page, "\n")
		switch to, redirects := strings.CutPrefix(first, "302 "); {
		case redirects:
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		case first == "401":
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasPrefix(first, "charset="):
			w.Header().Set("Content-Type", "text/html; "+first)
		default:
			rest = page
		}
		_, _ = io.WriteString(w, rest)
	})
}

// run signs in as the case says. passwords is how many the server was sent.
func (c catalogued) run(t *testing.T) (o output, passwords int) {
	t.Helper()
	world := worldOptions{adfs: c.adfs, extra: map[string]http.Handler{}}
	if c.config != "" {
		world.config = strings.Replace(worldConfig, "gatehop_store = file", "gatehop_store = file\n"+c.config, 1)
	}
	for host, h := range c.others {
		world.extra[host] = h
	}
	if c.pages != nil {
		world.extra[worldHost] = replies(&passwords, c.pages...)
	}
	w := newWorld(t, world)
	if c.cert {
		w.write(".aws/me.pem", personPEM(t, w.now))
	}
	if c.ticket {
		w.write(".aws/cc", aliceTickets(t))
	}
	if c.scatter {
		w.net.Scatter()
	}
	o = w.runWith(append([]string{password(worldPassword)}, c.vars...), "login", "gateway")
	for _, bug := range w.adfs.ClientBugs() {
		t.Errorf("client bug: %s", bug)
	}
	return o, passwords + w.logins()
}

// personPEM is the certificate of a person, with its key.
func personPEM(t *testing.T, now time.Time) string {
	t.Helper()
	ca, err := idptest.NewCA(newRandom(5), now)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.IssueClient(`CORP\alice`)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
}

// aliceTickets is a credential cache of alice's, with a ticket for the AD FS.
func aliceTickets(t *testing.T) string {
	t.Helper()
	const service = "HTTP/" + worldHost
	realm, err := kerberostest.NewRealm("CORP", service)
	if err != nil {
		t.Fatal(err)
	}
	cache, err := realm.Cache("alice", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), service)
	if err != nil {
		t.Fatal(err)
	}
	return string(cache)
}

// problem says what a run left that is not as the row has it, "" for nothing.
func (c catalogued) problem(o output, passwords int) string {
	status, summary := c.status, ""
	if c.verdict != "" {
		status, summary = statusOfRow(idp.Row{Class: c.verdict.Class()}), c.verdict.Summary()
	}
	message, hint, _ := strings.Cut(o.stderr, "hint: ")
	switch {
	case o.status != status:
		return fmt.Sprintf("status %d, want %d", o.status, status)
	case o.stdout != "":
		return "something on standard output"
	case !strings.Contains(message, summary):
		return fmt.Sprintf("no %q", summary)
	case !strings.Contains(message, c.words):
		return fmt.Sprintf("no %q of the server's", c.words)
	case !strings.Contains(hint, c.hint) || (c.hint == "") != (hint == ""):
		return fmt.Sprintf("no %q in the hint", c.hint)
	case c.number != strings.Contains(message, "activity ID "):
		return "the activity ID"
	case strings.Contains(o.stderr, worldPassword):
		return "the password"
	case passwords > 1:
		return fmt.Sprintf("%d passwords sent", passwords)
	}
	return ""
}

// untested are the rows that have no case.
func untested(rows []idp.Row, cases []catalogued) []string {
	var missing []string
	for _, row := range rows {
		if !slices.ContainsFunc(cases, func(c catalogued) bool { return c.id == row.ID && c.verdict == row.Verdict }) {
			missing = append(missing, row.ID+" "+string(row.Verdict))
		}
	}
	return missing
}

// TestCatalogue signs in, as a person does, at a server for each row of the catalogue,
// and wants the row's verdict and exit status, the hint, the server's own words, the
// number for its administrator, and not more than one password sent.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	cases := slices.Concat(adfsCases(), otherCases(), noRows())
	for _, missing := range untested(idp.Catalogue(), cases) {
		t.Errorf("no case for row %s", missing)
	}
	for _, c := range cases {
		known := slices.ContainsFunc(idp.Catalogue(), func(r idp.Row) bool { return r.ID == c.id && r.Verdict == c.verdict })
		if known != (c.verdict != "") {
			t.Errorf("%s %s is no row of the catalogue", c.id, c.verdict)
		}
		t.Run(c.id+" "+string(c.verdict), func(t *testing.T) {
			t.Parallel()
			o, passwords := c.run(t)
			if problem := c.problem(o, passwords); problem != "" {
				t.Errorf("%s\nstatus %d\n%s%s", problem, o.status, o.stdout, o.stderr)
			}
		})
	}
}

// TestCatalogueControls: a row without a case is missed, and another row's outcome is no
// row's own.
func TestCatalogueControls(t *testing.T) {
	t.Parallel()
	cases := slices.Concat(adfsCases(), otherCases(), noRows())
	if got := untested(append(idp.Catalogue(), idp.Row{ID: "E99", Verdict: idp.Unknown}), cases); !slices.Equal(got, []string{"E99 unknown"}) {
		t.Errorf("untested = %q, want E99 alone", got)
	}
	if got := untested(idp.Catalogue(), cases[1:]); len(got) != 1 {
		t.Errorf("untested = %q, want the first case's row", got)
	}
	first := cases[0]
	o, passwords := first.run(t)
	for _, c := range cases[1:] {
		if c.verdict != idp.Rejected && c.problem(o, passwords) == "" {
			t.Errorf("a refused password passes for %s %s", c.id, c.verdict)
		}
	}
	for name, change := range map[string]func(*catalogued, *output, *int){
		"another status":      func(_ *catalogued, o *output, _ *int) { o.status = statusPage },
		"other words":         func(c *catalogued, _ *output, _ *int) { c.words = "Falsch" },
		"another hint":        func(c *catalogued, _ *output, _ *int) { c.hint = "wait a minute" },
		"no hint":             func(_ *catalogued, o *output, _ *int) { o.stderr, _, _ = strings.Cut(o.stderr, "hint:") },
		"no number":           func(c *catalogued, _ *output, _ *int) { c.number = true },
		"on standard output":  func(_ *catalogued, o *output, _ *int) { o.stdout = "x" },
		"the password shown":  func(_ *catalogued, o *output, _ *int) { o.stderr += worldPassword },
		"the password twice":  func(_ *catalogued, _ *output, n *int) { *n = 2 },
		"without its summary": func(c *catalogued, _ *output, _ *int) { c.verdict = idp.PasswordExpired },
	} {
		c, o, n := first, o, passwords
		change(&c, &o, &n)
		if c.problem(o, n) == "" {
			t.Errorf("%s is not noticed", name)
		}
	}
}

// TestCatalogueTLS has E54: a server whose certificate nobody signed, and one that is for
// another name.
func TestCatalogueTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	ca, err := idptest.NewCA(rand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s, err := idptest.Serve(w.adfs, ca, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	w.net = nil
	w.write(".aws/config", strings.Replace(worldConfig, "https://"+worldHost, s.URL(), 1))
	w.runWith([]string{password(worldPassword)}, "login", "gateway").want(t, statusNetwork, "not signed by a known authority", "gatehop_ca_bundle")
	if got := w.adfs.Stats().Requests; got != 0 {
		t.Errorf("%d requests, want none", got)
	}
}
