package form_test

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"gatehop/idp"
	"gatehop/idp/idptest"
	"gatehop/saml/samltest"
)

const start = "https://idp.example/start?sp=aws"

// site is a server made of pages, which remembers what it was asked.
type site struct {
	mu     sync.Mutex
	asked  []string    // METHOD PATH?QUERY, and the body of a POST
	header http.Header // of the last request
	serve  func(s *site, w http.ResponseWriter, r *http.Request, asked string)
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	asked := strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + string(body))
	s.mu.Lock()
	s.asked, s.header = append(s.asked, asked), r.Header
	s.mu.Unlock()
	w.Header().Set("Content-Type", utf8HTML)
	s.serve(s, w, r, asked)
}

func (s *site) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// walk signs in at a site that stands at idp.example; every other host is another site.
func walk(t testing.TB, s, other *site, script map[string][]string) (*idptest.Answers, error) {
	t.Helper()
	answers := idptest.NewAnswers(script)
	routes := map[string]http.Handler{host: s}
	if other != nil {
		routes[idptest.AnyHost] = other
	}
	_, err := login(t, newSession(t, idptest.Transport(routes), start, answers), start)
	return answers, err
}

// pages is a site that knows a page for each request, and for all others answers 500.
func pages(known map[string]string) *site {
	return &site{serve: func(_ *site, w http.ResponseWriter, _ *http.Request, asked string) {
		page, ok := known[asked]
		if !ok {
			w.WriteHeader(http.StatusInternalServerError)
			page = "<title>unexpected</title>" + html.EscapeString(asked)
		}
		head, rest, found := strings.Cut(page, "\n\n")
		if found {
			for line := range strings.Lines(head) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
				if name == "Content-Type" {
					w.Header().Del(name)
				}
				w.Header().Add(name, value)
			}
			page = rest
		}
		if s := w.Header().Get("Status"); s != "" {
			var code int
			if _, err := fmt.Sscan(s, &code); err != nil {
				panic(err)
			}
			w.Header().Del("Status")
			w.WriteHeader(code)
		}
		_, _ = io.WriteString(w, page)
	}}
}

// assertion is made once for all tests.
var assertion = sync.OnceValue(func() string {
	value, err := signer().Issue(samltest.Response{Roles: idptest.SampleRoles()})
	if err != nil {
		panic(err)
	}
	return value
})

func final(field string) string {
	return `<form method=post action="https://signin.aws.amazon.com/saml">` + strings.Replace(field, "%s", assertion(), 1) + `</form>`
}

const samlInput = `<input type=hidden name=SAMLResponse value="%s">`

// TestWalkVerdicts has pages on which nothing may be done but to say so.
func TestWalkVerdicts(t *testing.T) {
	t.Parallel()
	const login = `<input name=username><input type=password name=password>`
	cases := []struct {
		name, page string
		want       idp.Verdict
		words      string
	}{
		{"Keycloak password update", `<form id=kc-passwd-update-form method=post><input name=username readonly style="display:none"><input type=password name=password style="display:none"><input type=password name=password-new><input type=password name=password-confirm></form>`, idp.PasswordExpired, ""},
		{"two passwords", `<form method=post><input type=password name=a><input type=password name=b></form>`, idp.PasswordExpired, ""},
		{"enrolment of a code", `<form id=kc-totp-settings-form method=post><input name=totp><input type=hidden name=totpSecret value=x></form>`, idp.Enrolment, ""},
		{"profile", `<form id=kc-update-profile-form method=post action=/login-actions/required-action><input name=username><input name=email></form>`, idp.Enrolment, ""},
		{"registration", `<form action=/register method=post><input name=user><input type=password name=p1><input type=password name=p2></form>`, idp.Enrolment, ""},
		{"captcha", `<form method=post>` + login + `<div class=h-captcha></div></form>`, idp.Captcha, ""},
		{"captcha by name", `<form method=post>` + login + `<input name=captcha_code></form>`, idp.Captcha, ""},
		{"terms", `<title>Terms</title><form method=post><p>text</p><input type=submit name=accept value=Accept><input type=submit name=cancel value=Decline></form>`, idp.Consent, ""},
		{"Shibboleth consent", `<form method=post><input type=checkbox name=_shib_idp_consentIds value=uid checked><button name=_eventId_proceed>Accept</button></form>`, idp.Consent, ""},
		{"single button that agrees", `<form method=post><input type=hidden name=a value=1><button name=go>I agree</button></form>`, idp.Consent, ""},
		{"passkey", `<form id=webauth method=post><input type=hidden name=clientDataJSON></form>`, idp.NeedsBrowser, "passkey or security key"},
		{"Duo frame", `<iframe id=duo_iframe data-host=api.example></iframe>`, idp.NeedsBrowser, "Duo"},
		{"Okta", `<title>Sign in</title><div id=okta-sign-in></div><script src=/x.js></script>`, idp.ScriptOnly, "Okta"},
		{"Entra", `<script>$Config={"sFT":"x"};</script><body></body>`, idp.ScriptOnly, "Microsoft Entra ID"},
		{"some application", `<div id=root></div><script type=module src=/a.js></script>`, idp.ScriptOnly, ""},
		{"SimpleSAMLphp error", `<h1>Unhandled exception</h1><pre id=trackid>abc</pre><form method=post action=/report><input name=email><textarea name=text></textarea></form>`, idp.ProviderError, "Unhandled exception"},
		{"WS-Federation", `<form method=post action=https://sp.example/><input type=hidden name=wresult value=x></form>`, idp.WSFederation, ""},
		{"AWS's role page", `<form id=saml_form name=saml_form method=post><input type=radio name=roleIndex></form>`, idp.AWSPage, ""},
		{"AWS's page after a sign-in", `<form id=saml_form method=post><input type=hidden name=SAMLResponse value=""></form>`, idp.AWSPage, ""},
		{"no assertion", `<form method=post action=https://signin.aws.amazon.com/saml><input type=hidden name=SAMLResponse value=""></form>`, idp.BadAssertion, "read SAML response: it is empty"},
		{"white space", `<form method=post action=https://signin.aws.amazon.com/saml><input type=hidden name=SAMLResponse value="  "></form>`, idp.BadAssertion, "read SAML response: it is empty"},
		{"not base64", `<form method=post action=https://signin.aws.amazon.com/saml><input type=hidden name=SAMLResponse value="<>"></form>`, idp.BadAssertion, "read SAML response: it is not base64"},
		{"assertion for another service", `<form method=post action=https://sp.example/acs><input type=hidden name=SAMLResponse value="ASSERTION"></form>`, idp.ForeignAssertion, "https://sp.example/acs"},
		{"assertion for this host", `<form method=post action=/acs><input type=hidden name=SAMLResponse value="ASSERTION"></form><script>document.forms[0].submit()</script>`, idp.ForeignAssertion, "https://idp.example/acs"},
		{"assertion by GET", `<form action=https://signin.aws.amazon.com/saml><input type=hidden name=SAMLResponse value="ASSERTION"></form><script>document.forms[0].submit()</script>`, idp.BadAssertion, "read SAML response: its form is not posted"},
		{"waiting page", `<meta http-equiv=refresh content="30;url=/x"><p class=error>Too busy</p>`, idp.Unknown, "Too busy"},
		{"no form", `<title>Hello</title><p>nothing here`, idp.Unknown, ""},
		{"unknown question", `<form method=post><label>Favourite colour <input name=colour></label></form>`, idp.Unknown, "Favourite colour"},
		{"code before the password", `<form method=post><label>Code <input name=otp></label></form>`, idp.Unknown, "Code"},
		{"javascript action", `<form method=post action="javascript:go()">` + login + `</form>`, idp.ScriptOnly, ""},
		{"stale request", `<title>Stale Request</title>`, idp.StateLost, ""},
		{"missing cookie", `<h2>Missing cookie</h2><a id=retry href=/start>Retry</a>`, idp.StateLost, ""},
		{"firewall", "Status: 403\n\n<title>Just a moment...</title>", idp.Firewall, ""},
		{"firewall by its script", "Status: 503\n\n<script src=/_Incapsula_Resource?x></script>", idp.Firewall, ""},
		{"not found", "Status: 404\n\n<p>no", idp.NotFound, ""},
		{"bad gateway", "Status: 502\n\n<p>no", idp.Unavailable, ""},
		{"unavailable", "Status: 503\nContent-Type: text/plain\n\nno", idp.Unavailable, ""},
		{"cookies too large", "Status: 400\n\n<title>Bad Request</title><h2>Bad Request - Request Too Long</h2>", idp.CookiesTooLarge, ""},
		{"header fields too large", "Status: 431\n\n", idp.CookiesTooLarge, ""},
		{"integrated", "Status: 401\nWWW-Authenticate: Negotiate\nWWW-Authenticate: NTLM\n\n<p>", idp.Integrated, "Negotiate, NTLM"},
		{"both in one line", "Status: 401\nWWW-Authenticate: Basic realm=\"a, NTLM\", Digest qop=\"auth\"\n\n<p>", idp.BasicAuth, "Basic, Digest"},
		{"digest", "Status: 401\nWWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\n\n<p>", idp.BasicAuth, "Digest"},
		{"JSON", "Content-Type: application/json\n\n{}", idp.NotHTML, "application/json"},
		{"too many elements", strings.Repeat("<br>", 60_000), idp.TooLarge, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := pages(map[string]string{"GET /start?sp=aws": strings.Replace(c.page, "ASSERTION", assertion(), 1)})
			_, err := walk(t, s, nil, map[string][]string{"username": {"alice"}, "password": {"correct horse"}})
			if got := wantVerdict(t, err, c.want); got.Words != c.words {
				t.Errorf("Words = %q, want %q", got.Words, c.words)
			}
			for _, q := range s.requests() {
				if q != "GET /start?sp=aws" {
					t.Errorf("requested %s, want the entry alone", q)
				}
			}
		})
	}
}

// TestWalkOrigins: nobody is asked for anything on a page that is not trusted, or for a
// form that goes somewhere else, and nothing typed leaves.
func TestWalkOrigins(t *testing.T) {
	t.Parallel()
	const fields = `<input name=user><input type=password name=pass>`
	cases := map[string]map[string]string{
		"page elsewhere":      {"GET /start?sp=aws": "Status: 302\nLocation: https://other.example/login\n\n"},
		"action elsewhere":    {"GET /start?sp=aws": `<form method=post action=https://other.example/in>` + fields},
		"action at a subhost": {"GET /start?sp=aws": `<form method=post action=https://sub.idp.example/in>` + fields},
		"action on a port":    {"GET /start?sp=aws": `<form method=post action=https://idp.example:8443/in>` + fields},
		"action by http":      {"GET /start?sp=aws": `<form method=post action=http://idp.example/in>` + fields},
		"trailing dot":        {"GET /start?sp=aws": `<form method=post action=https://idp.example./in>` + fields},
		"user in the address": {"GET /start?sp=aws": `<form method=post action=https://idp.example@other.example/in>` + fields},
		"base":                {"GET /start?sp=aws": `<base href=https://other.example/><form method=post action=in>` + fields},
		"formaction":          {"GET /start?sp=aws": `<form method=post action=/in>` + fields + `<button formaction=https://other.example/in>Go</button>`},
		"refresh elsewhere":   {"GET /start?sp=aws": `<meta http-equiv=refresh content="0;url=https://other.example/login">`},
		"user name alone":     {"GET /start?sp=aws": `<form method=post action=https://other.example/in><input name=username>`},
	}
	for name, known := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := &site{serve: func(_ *site, w http.ResponseWriter, _ *http.Request, _ string) {
				_, _ = io.WriteString(w, `<form method=post action=/in>`+fields)
			}}
			answers, err := walk(t, pages(known), other, map[string][]string{"username": {"alice"}, "password": {"correct horse"}})
			var origin *idp.OriginError
			if !errors.As(err, &origin) {
				t.Errorf("Login = %v, want *idp.OriginError", err)
			}
			if got := answers.Questions(); len(got) != 0 {
				t.Errorf("asked %+v, want nothing", got)
			}
			for _, q := range other.requests() {
				if strings.HasPrefix(q, "POST") || strings.Contains(q, "alice") {
					t.Errorf("the other host got %s", q)
				}
			}
		})
	}
}

// TestWalkLimits: every way of going round in circles ends.
func TestWalkLimits(t *testing.T) {
	t.Parallel()
	const fields = `<input name=user><input type=password name=pass>`
	n := func(s *site) int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.asked) }
	cases := []struct {
		name  string
		serve func(s *site, w http.ResponseWriter, r *http.Request, asked string)
		most  int // requests
	}{
		{"the same page for ever", func(_ *site, w http.ResponseWriter, _ *http.Request, _ string) {
			_, _ = io.WriteString(w, `<meta http-equiv=refresh content="0;url=/start?sp=aws">`)
		}, 2},
		{"the same address with changing pages", func(s *site, w http.ResponseWriter, _ *http.Request, _ string) {
			fmt.Fprintf(w, `<meta http-equiv=refresh content="0;url=/start?sp=aws"><p>%d`, n(s))
		}, 5},
		{"pages that go on for ever", func(s *site, w http.ResponseWriter, _ *http.Request, _ string) {
			fmt.Fprintf(w, `<meta http-equiv=refresh content="0;url=/%d">`, n(s))
		}, 11},
		{"forms that go on for ever", func(s *site, w http.ResponseWriter, _ *http.Request, _ string) {
			fmt.Fprintf(w, `<body onload="document.forms[0].submit()"><form method=post action=/%d><input type=hidden name=a value=%d></form>`, n(s), n(s))
		}, 11},
		{"redirects for ever", func(s *site, w http.ResponseWriter, r *http.Request, _ string) {
			http.Redirect(w, r, fmt.Sprintf("/%d", n(s)), http.StatusFound)
		}, 11},
		{"redirects and pages", func(s *site, w http.ResponseWriter, r *http.Request, _ string) {
			if n(s)%3 != 0 {
				http.Redirect(w, r, fmt.Sprintf("/%d", n(s)), http.StatusFound)
				return
			}
			fmt.Fprintf(w, `<meta http-equiv=refresh content="0;url=/%d">`, n(s))
		}, 20},
		{"the session is lost for ever", func(_ *site, w http.ResponseWriter, _ *http.Request, _ string) {
			_, _ = io.WriteString(w, `<title>Missing cookie</title>`)
		}, 2},
		{"a cookie and no page for ever", func(_ *site, w http.ResponseWriter, r *http.Request, _ string) {
			if r.Method == "GET" {
				_, _ = io.WriteString(w, `<form method=post action=/in>`+fields)
				return
			}
			w.Header().Set("Set-Cookie", "a=b")
		}, 4},
		{"user names for ever", func(s *site, w http.ResponseWriter, _ *http.Request, _ string) {
			fmt.Fprintf(w, `<form method=post action=/in><input name=username><input type=hidden name=n value=%d></form>`, n(s))
		}, 4},
		{"user name and password by turns for ever", func(s *site, w http.ResponseWriter, _ *http.Request, _ string) {
			field := `<input name=username>`
			if n(s)%2 == 0 {
				field = `<input type=password name=p>`
			}
			fmt.Fprintf(w, `<form method=post action=/in>%s<input type=hidden name=n value=%d></form>`, field, n(s))
		}, 8},
		{"codes for ever", func(s *site, w http.ResponseWriter, _ *http.Request, _ string) {
			if n(s) == 1 {
				_, _ = io.WriteString(w, `<form method=post action=/in>`+fields)
				return
			}
			fmt.Fprintf(w, `<form method=post action=/code><input name=otp><input type=hidden name=n value=%d></form>`, n(s))
		}, 5},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &site{serve: c.serve}
			script := map[string][]string{}
			for i := range 30 {
				for _, field := range []string{"username", "password", "otp"} {
					script[field] = append(script[field], fmt.Sprintf("%s %d", field, i))
				}
			}
			answers, err := walk(t, s, nil, script)
			var page *idp.PageError
			if !errors.As(err, &page) {
				t.Errorf("Login = %v, want a verdict", err)
			}
			if got := len(s.requests()); got != c.most {
				t.Errorf("%d requests, want %d:\n%s", got, c.most, strings.Join(s.requests(), "\n"))
			}
			for _, field := range []string{"username", "password", "otp"} {
				if got := answers.Asked(field); got > 3 {
					t.Errorf("asked for %s %d times, want at most 3", field, got)
				}
			}
		})
	}
}
