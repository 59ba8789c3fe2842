package main

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehop/idp/idptest"
	"gatehop/saml/samltest"
)

// page serves one page everywhere.
func page(status int, header http.Header, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		for name, values := range header {
			rw.Header()[name] = values
		}
		rw.WriteHeader(status)
		_, _ = rw.Write([]byte(body))
	}
}

// TestConfigureLooks: what is known not to work is named, with the next step; what works
// is recognised from its page.
func TestConfigureLooks(t *testing.T) {
	t.Parallel()
	const fields = `<input name="u" type="text" autocomplete="username"><input name="p" type="password">`
	cases := []struct {
		name    string
		handler http.Handler
		status  int
		words   []string
	}{
		{"Okta", page(200, nil, `<html><script>var oktaData={}</script><script src="/okta-signin-widget.js"></script></html>`), statusPage, []string{`"Okta"`, "plain sign-in form"}},
		{"Entra", page(200, nil, `<html><title>Sign in</title><script>$Config={}</script></html>`), statusPage, []string{"Microsoft Entra ID"}},
		{"integrated only", page(401, http.Header{"Www-Authenticate": {"Negotiate"}}, ""), statusUsage, []string{"integrated sign-in", "administrator"}},
		{"basic", page(401, http.Header{"Www-Authenticate": {`Basic realm="x"`}}, ""), statusUsage, []string{"Basic"}},
		{"nothing there", page(404, nil, "no"), statusUsage, []string{"no sign-in page", "--idp"}},
		{"a page without a form", page(200, nil, "<p>Welcome"), statusPage, []string{"not recognised", "as a browser shows it"}},
		{"a form that sends elsewhere", page(200, nil, `<form method=post action="https://evil.example/">`+fields+`</form>`), statusNetwork, []string{"evil.example"}},
		{"a form by GET", page(200, nil, `<form action="/x">`+fields+`</form>`), statusPage, []string{"safely"}},
		{"a plain form", page(200, nil, `<form id="f" method=post action="/x">`+fields+`</form>`), 0, []string{"a sign-in form: found form#f, field u and field p"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newcomer(t, worldOptions{extra: map[string]http.Handler{"sso.corp.example": c.handler}})
			args := []string{"configure", "--url", "https://sso.corp.example/start", "--username", "alice", "--role", gatewayARN, "--dry-run"}
			w.run(args...).want(t, c.status, c.words...)
			w.run(append(args, "--url", "sso.corp.example")...).want(t, c.status, c.words...)
		})
	}
}

// TestConfigureForm: a provider of plain forms, from its address to an identity.
func TestConfigureForm(t *testing.T) {
	t.Parallel()
	w := newcomer(t, worldOptions{})
	provider, err := idptest.NewForm(idptest.FormOptions{Signer: w.signer, Now: w.clock, Rand: rand.NewChaCha8([32]byte{3}), Users: []idptest.User{{Name: "alice", Password: worldPassword,
		SessionName: "alice", Roles: []string{samltest.RoleValue(gatewayAccount, "Gateway", sandboxProvider, false)}}}})
	if err != nil {
		t.Fatal(err)
	}
	w.net = idptest.Transport(map[string]http.Handler{"login.corp.example": provider, stsHost: w.sts})
	w.runWith([]string{password(worldPassword)}, "configure", "--url", "https://login.corp.example"+idptest.FormEntry, "--username", "alice", "--yes").
		want(t, 0, "a sign-in form: found", "assumed-role/Gateway/alice")
	if got := provider.Stats(); got.Logins != 1 || len(got.ClientBugs) > 0 {
		t.Errorf("%+v, want one sign-in and no client bug", got)
	}
}

// TestConfigureElsewhere: an address that leads to the AD FS of another origin is not
// followed with a password, unless a person says that it is theirs.
func TestConfigureElsewhere(t *testing.T) {
	t.Parallel()
	leads := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "https://"+worldHost+"/adfs/ls/IdpInitiatedSignOn.aspx?loginToRp=urn:amazon:webservices", http.StatusFound)
	})
	w := newcomer(t, worldOptions{extra: map[string]http.Handler{"go.corp.example": leads}})
	args := byFlags("--yes", "--url", "https://go.corp.example/aws")
	w.runWith([]string{password(worldPassword)}, args...).want(t, statusUsage, "leads to the AD FS at https://"+worldHost, "--url https://"+worldHost)
	w.answer = wizard()
	w.answer["url"], w.answer["elsewhere"] = "https://go.corp.example/aws", "no"
	w.run("configure").want(t, statusUsage)
	if w.logins() != 0 || w.askedFor("password") != 0 {
		t.Error("a password was asked for or sent")
	}
	w.answer["elsewhere"] = "yes"
	w.run("configure").want(t, 0)
	if got := w.configFile(); got != w.byHand() {
		t.Errorf("the file is\n%s", got)
	}
}

// commanded is a world whose profile has a command for the password, and a provider that
// the profile knows nothing of.
func commanded(t *testing.T) (*world, *idptest.ADFS) {
	t.Helper()
	other, err := idptest.NewADFS(idptest.Options{Rand: rand.NewChaCha8([32]byte{9}), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	w := newcomer(t, worldOptions{password: "plain-pass", extra: map[string]http.Handler{"other.example": other}})
	w.write(".aws/config", "[profile gateway]\ngatehop_idp = adfs\ngatehop_url = https://"+worldHost+"\ngatehop_username = CORP\\alice\n"+
		"gatehop_password_command = /bin/echo plain-pass\ngatehop_role_arn = "+gatewayARN+"\nregion = eu-west-1\n")
	return w, other
}

// TestConfigureRedirect: the command that answers with the password for one address does
// not run for another one that the environment, or a flag, puts in its place.
func TestConfigureRedirect(t *testing.T) {
	t.Parallel()
	w, other := commanded(t)
	w.runWith([]string{"GATEHOP_URL=https://other.example"}, "configure", "--yes").want(t, statusHuman, "password")
	w.run("configure", "--url", "https://other.example", "--yes").want(t, statusHuman, "password")
	w.run("configure", "--url", "https://other.example", "--role", "Gateway", "--yes").want(t, statusHuman, "password")
	if n := other.Stats().Logins; n != 0 {
		t.Errorf("%d passwords were sent to another address", n)
	}
	w.run("configure", "--yes").want(t, 0, "assumed-role/Gateway/alice") // the control
	if w.logins() != 1 {
		t.Errorf("%d sign-ins, want 1", w.logins())
	}
}

// TestConfigureLooksInACircle: where the address leads to a page of AD FS's that the AD FS
// itself does not have at its entry, the look ends.
func TestConfigureLooksInACircle(t *testing.T) {
	t.Parallel()
	const form = `<form id="loginForm" method="post"><input name="UserName" type="text"><input name="Password" type="password"></form>`
	requests := 0
	circle := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch requests++; {
		case requests > 50:
			page(500, nil, "enough")(rw, r)
		case r.URL.Path == "/adfs/ls/":
			page(200, nil, form)(rw, r)
		case r.URL.Path == "/":
			http.Redirect(rw, r, "/adfs/ls/?wa=wsignin1.0", http.StatusFound)
		default:
			page(404, nil, "no")(rw, r)
		}
	})
	w := newcomer(t, worldOptions{extra: map[string]http.Handler{"circle.example": circle}})
	args := []string{"configure", "--url", "circle.example", "--username", `CORP\alice`, "--role", gatewayARN, "--dry-run"}
	w.run(args...).want(t, statusUsage, "found form#loginForm", "no sign-in page")
	if requests > 10 {
		t.Errorf("%d requests for one look", requests)
	}
	// A person who says what it is, is believed: nothing is looked for but that.
	requests = 0
	w.run(append(args, "--idp", "form")...).want(t, 0, "found form#loginForm", "gatehop_idp        = form")
	if requests > 10 {
		t.Errorf("%d requests for one look at a form", requests)
	}
}

// TestConfigureRedirectSays: whoever is asked whether a command's answer may go elsewhere
// is shown every place that has changed, whichever of them a variable says.
func TestConfigureRedirectSays(t *testing.T) {
	t.Parallel()
	w, other := commanded(t)
	w.answer = map[string]string{"username": `CORP\alice`, "confirm": "no"}
	for _, vars := range [][]string{nil, {"GATEHOP_PROXY=http://127.0.0.1:3128"}} {
		w.asked = nil
		w.runWith(vars, "configure", "--url", "https://other.example", "--yes").want(t, statusHuman)
		if n := w.askedFor("confirm"); n != 1 {
			t.Fatalf("asked %d times: %v", n, w.asked)
		}
		for _, q := range w.asked {
			if q.Field == "confirm" && (strings.Count(q.Label, "https://other.example") != 1 || !strings.Contains(q.Label, "https://"+worldHost)) {
				t.Errorf("with %v the question is %q", vars, q.Label)
			}
			if q.Field == "confirm" && strings.Contains(q.Label, "3128") != (vars != nil) {
				t.Errorf("with %v the question is %q", vars, q.Label)
			}
		}
	}
	if n := other.Stats().Logins; n != 0 {
		t.Errorf("%d passwords were sent to another address", n)
	}
}

// TestConfigureLooksAsItSignsIn: what the environment says of the way to the provider goes
// for the look too. The address is taken out of it: a flag says more.
func TestConfigureLooksAsItSignsIn(t *testing.T) {
	t.Parallel()
	var agents []string
	form := page(200, nil, `<form id="f" method=post action="/x"><input name="u" type="text"><input name="p" type="password"></form>`)
	seen := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		agents = append(agents, r.UserAgent())
		form(rw, r)
	})
	w := newcomer(t, worldOptions{extra: map[string]http.Handler{"sso.corp.example": seen}})
	args := []string{"configure", "--url", "https://sso.corp.example/start", "--username", "alice", "--role", gatewayARN, "--dry-run"}
	w.runWith([]string{"GATEHOP_USER_AGENT=Probe/7", "GATEHOP_URL=https://nobody.example"}, args...).want(t, 0)
	if len(agents) != 1 || agents[0] != "Probe/7" {
		t.Errorf("the page was asked for by %q", agents)
	}
	w.run(args...).want(t, 0) // the control
	if len(agents) != 2 || agents[1] == agents[0] {
		t.Errorf("the page was asked for by %q", agents)
	}
	w.runWith([]string{"GATEHOP_TIMEOUT=never"}, args...).want(t, statusUsage, "GATEHOP_TIMEOUT")
	if len(agents) != 2 {
		t.Error("a variable that cannot be read was found after the look")
	}
}
