package form_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"gatehop/idp/idptest"
)

// TestWalkProducts replays, in the words of this test, the sign-ins of products whose
// pages have a trap each. A site answers nothing but the exact request of a browser.
func TestWalkProducts(t *testing.T) {
	t.Parallel()
	alice := map[string][]string{"username": {"alice"}, "password": {"correct horse"}, "otp": {"123456"}}
	cases := []struct {
		name  string
		pages map[string]string
		want  int // requests
	}{
		{"Keycloak", map[string]string{
			"GET /start?sp=aws": "Status: 302\nLocation: /realms/r/login-actions/authenticate?session_code=a&tab_id=b\n\n",
			"GET /realms/r/login-actions/authenticate?session_code=a&tab_id=b": `<form id=kc-form-login action="https://idp.example/realms/r/login-actions/authenticate?session_code=c&execution=d" method=post>
				<input id=username name=username autofocus><input id=password name=password type=password><button type=button aria-label="Show password"></button>
				<input type=checkbox name=rememberMe><input type=hidden id=id-hidden-input name=credentialId><button type=submit name=login id=kc-login>Sign In</button></form>
				<form id=kc-select-try-another-way-form method=post action=/wrong><input type=hidden name=tryAnotherWay value=on></form>`,
			"POST /realms/r/login-actions/authenticate?session_code=c&execution=d username=alice&password=correct+horse&credentialId=&login=": `<BODY Onload="document.forms[0].submit()"><FORM METHOD="POST" name="saml-post-binding" ACTION="https://signin.aws.amazon.com/saml"><INPUT TYPE="HIDDEN" NAME="SAMLResponse" VALUE="` + assertion() + `"/><NOSCRIPT><INPUT TYPE="BUTTON" VALUE="Click"/></NOSCRIPT></FORM></BODY>`,
		}, 3},
		{"Keycloak, user name first, two credentials for the code", map[string]string{
			"GET /start?sp=aws":                    `<form id=kc-form-login action=/1 method=post><input name=username><input type=submit name=login value="Sign In"></form>`,
			"POST /1 username=alice&login=Sign+In": `<form id=kc-form-login action=/2 method=post><input type=password name=password><input type=submit name=login value="Sign In"></form>`,
			"POST /2 password=correct+horse&login=Sign+In": `<form id=kc-otp-login-form action=/3 method=post><input type=radio name=selectedCredentialId value=one checked><input type=radio name=selectedCredentialId value=two><label for=otp>One-time code</label><input id=otp name=otp autocomplete=off><input type=submit name=login value="Sign In"><input type=submit name=cancel value=Cancel></form>
				<form id=kc-select-try-another-way-form method=post action=/wrong><input type=hidden name=tryAnotherWay value=on></form>`,
			"POST /3 selectedCredentialId=one&otp=123456&login=Sign+In": final(samlInput),
		}, 4},
		{"Keycloak, Kerberos offered first", map[string]string{
			"GET /start?sp=aws": "Status: 401\nWWW-Authenticate: Negotiate\n\n<HTML><HEAD><TITLE>Kerberos Unsupported</TITLE></HEAD><BODY Onload=\"document.forms[0].submit()\"><FORM METHOD=\"POST\" ACTION=\"/go?x=1\"><NOSCRIPT><INPUT name=\"continue\" type=\"submit\" value=\"Click\"/></NOSCRIPT><INPUT TYPE=HIDDEN NAME=a VALUE=1></FORM></BODY></HTML>",
			"POST /go?x=1 a=1":  `<form method=post action=/in><input name=username><input type=password name=password></form>`,
			"POST /in username=alice&password=correct+horse": final(samlInput),
		}, 3},
		{"Shibboleth", map[string]string{
			"GET /start?sp=aws": `<title>Loading Session Information</title><form name=form1 method=post action="/idp/SSO?execution=e1s1"><input type=hidden name=csrf_token value=t1><input type=hidden name=shib_idp_ls_supported><input type=hidden name=_eventId_proceed><noscript><input type=submit value=Continue></noscript></form><script>document.form1.submit()</script>`,
			"POST /idp/SSO?execution=e1s1 csrf_token=t1&shib_idp_ls_supported=&_eventId_proceed=": "Status: 302\nLocation: /idp/SSO?execution=e1s2\n\n",
			"GET /idp/SSO?execution=e1s2": `<form action=/search><input name=q></form><form action="/idp/SSO?execution=e1s2" method=post><input type=hidden name=csrf_token value=t2><input name=j_username><input type=password name=j_password><input type=checkbox name=donotcache value=1><button type=submit name="_eventId_authn/SPNEGO">Windows</button><button type=submit name=_eventId_proceed>Login</button></form>`,
			"POST /idp/SSO?execution=e1s2 csrf_token=t2&j_username=alice&j_password=correct+horse&_eventId_proceed=": final(samlInput),
		}, 4},
		{"CAS", map[string]string{
			"GET /start?sp=aws":        "Status: 302\nLocation: /cas/login?service=x\n\n",
			"GET /cas/login?service=x": `<form id=fm1 method=post action="login"><input name=username><input type=password name=password><input type=hidden name=execution value=e><input type=hidden name=_eventId value=submit><input type=hidden name=geolocation><input type=submit name=submit value=LOGIN></form>`,
			"POST /cas/login username=alice&password=correct+horse&execution=e&_eventId=submit&geolocation=&submit=LOGIN": final(`<textarea name=SAMLResponse>%s</textarea>`),
		}, 3},
		{"PingFederate", map[string]string{
			"GET /start?sp=aws": `<base href="https://idp.example/"><form method=POST action="/idp/x/resume"><input name=pf.username><input type=password name=pf.pass><input type=hidden name=pf.ok><input type=hidden name=pf.cancel><input type=hidden name=pf.adapterId value=Form><a onclick="postOk()">Sign On</a></form>`,
			"POST /idp/x/resume pf.username=alice&pf.pass=correct+horse&pf.ok=&pf.cancel=&pf.adapterId=Form": final(samlInput),
		}, 2},
		{"crewjam samlidp", map[string]string{
			"GET /start?sp=aws": `<html><p></p><form method=post action=/login><input name=user><input type=password name=password><input type=hidden name=SAMLRequest><input type=hidden name=RelayState><input type=submit value="Log In"></form>`,
			"POST /login user=alice&password=correct+horse&SAMLRequest=&RelayState=": "Content-Type: application/json\nSet-Cookie: session=1\n\n{\"ID\":\"1\"}",
		}, 3},
		{"let through by a web firewall", map[string]string{
			"GET /start?sp=aws":                      `<title>Just a moment, please sign in</title><script src="/cdn-cgi/challenge-platform/x.js"></script><form method=post action=/in><input name=user><input type=password name=pass></form>`,
			"POST /in user=alice&pass=correct+horse": final(samlInput),
		}, 2},
		{"Java container", map[string]string{
			"GET /start?sp=aws": `<form method=POST action="j_security_check"><input name=j_username><input type=password name=j_password></form><form method=post><input type=hidden name=SAMLResponse value=""></form>`,
			"POST /j_security_check j_username=alice&j_password=correct+horse": "Status: 303\nLocation: /done\n\n",
			"GET /done": final(samlInput),
		}, 3},
		{"Keycloak, page expired", map[string]string{
			"GET /start?sp=aws":           `<form method=post action=/in><input name=username><input name=x type=hidden value=1></form>`,
			"POST /in username=alice&x=1": `<title>Page has expired</title><a id=loginRestartLink href=/again>here</a>`,
		}, 3},
		{"several hops", map[string]string{
			"GET /start?sp=aws":                     "Refresh: 0; url=/1\n\n<p>",
			"GET /1":                                `<noscript><meta http-equiv=refresh content="0;url='2'"></noscript><p>`,
			"GET /2":                                `<script>location.replace("\/3")</script>`,
			"GET /3":                                `<form action="/4?old=1"><input type=hidden name=a value=b></form><script>document.forms[0].submit()</script>`,
			"GET /4?a=b":                            `<table><form method=post action=/5><tr><td><input name=user><input type=password name=pass></td></tr></form></table>`,
			"POST /5 user=alice&pass=correct+horse": final(samlInput),
		}, 6},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := pages(c.pages)
			inner := s.serve
			visits := 0
			s.serve = func(s *site, w http.ResponseWriter, r *http.Request, asked string) {
				s.mu.Lock()
				if asked == "GET /start?sp=aws" {
					visits++
				}
				again := visits > 1
				s.mu.Unlock()
				if again && asked == "GET /start?sp=aws" { // begun again: signed in by now
					_, _ = io.WriteString(w, final(samlInput))
					return
				}
				inner(s, w, r, asked)
			}
			if _, err := walk(t, s, nil, alice); err != nil {
				t.Fatalf("Login = %v\nrequests:\n%s", err, strings.Join(s.requests(), "\n"))
			}
			if got := len(s.requests()); got != c.want {
				t.Errorf("%d requests, want %d:\n%s", got, c.want, strings.Join(s.requests(), "\n"))
			}
		})
	}
}

// TestWalkInvisibleCaptcha is the control for the captcha: one that is not shown is no
// reason to stop.
func TestWalkInvisibleCaptcha(t *testing.T) {
	t.Parallel()
	s := pages(map[string]string{
		"GET /start?sp=aws":                      `<script src="https://www.google.com/recaptcha/api.js"></script><form method=post action=/in><input name=user><input type=password name=pass><div class=g-recaptcha data-size=invisible></div></form>`,
		"POST /in user=alice&pass=correct+horse": final(samlInput),
	})
	if _, err := walk(t, s, nil, map[string][]string{"username": {"alice"}, "password": {"correct horse"}}); err != nil {
		t.Errorf("Login = %v", err)
	}
}

// TestWalkBroker: a response for another trusted host is passed on to it; for a host
// that is not trusted it is refused (TestWalkVerdicts).
func TestWalkBroker(t *testing.T) {
	t.Parallel()
	s := pages(map[string]string{"GET /start?sp=aws": `<form method=post action=https://broker.example/acs>` + strings.Replace(samlInput, "%s", assertion(), 1) + `</form><script>document.forms[0].submit()</script>`})
	broker := &site{serve: func(_ *site, w http.ResponseWriter, _ *http.Request, _ string) {
		_, _ = io.WriteString(w, final(samlInput))
	}}
	session := newSession(t, idptest.Transport(map[string]http.Handler{host: s, "broker.example": broker}), start, nil)
	session.Trust.Origins = append(session.Trust.Origins, "https://broker.example:443")
	if _, err := login(t, session, start); err != nil {
		t.Errorf("Login = %v", err)
	}
	if got := broker.header; got.Get("Referer") != "" || got.Get("Origin") != "https://idp.example" {
		t.Errorf("the broker got Referer %q, Origin %q, want the origin alone", got.Get("Referer"), got.Get("Origin"))
	}
	if got := broker.requests(); len(got) != 1 || !strings.HasPrefix(got[0], "POST /acs SAMLResponse=") {
		t.Errorf("the broker got %.60q, want the response", got)
	}
}
