package idptest_test

import (
	"testing"

	"gatehop/idp/idptest"
)

const (
	wrongWords   = "Incorrect user ID or password. Type the correct user ID and password, and try again."
	expiredWords = "Your password has expired."
)

// refusal is a sign-in that ends without an assertion.
type refusal struct {
	name     string
	o        idptest.Options
	user     string // "": Alice
	password string // "": hers
	page     string
	words    string // of #errorText or #errorMessage; "" is none
}

func refusals() []refusal {
	user := func(state idptest.UserState) []idptest.User {
		u := idptest.Alice()
		u.State = state
		return []idptest.User{u}
	}
	return []refusal{
		{name: "wrong password", password: "wrong", page: "adfs/login.html", words: wrongWords},
		{name: "unknown user", user: `CORP\bob`, page: "adfs/login.html", words: wrongWords},
		{name: "other domain", user: `OTHER\alice`, page: "adfs/login.html", words: wrongWords},
		{name: "bare user", user: "alice", page: "adfs/login.html", words: wrongWords},
		{name: "locked", o: idptest.Options{Users: user(idptest.UserLocked)}, page: "adfs/login.html", words: wrongWords},
		{name: "disabled", o: idptest.Options{Users: user(idptest.UserDisabled)}, page: "adfs/login.html", words: wrongWords},
		{name: "expired", o: idptest.Options{Users: user(idptest.UserExpired)}, page: "adfs/login.html", words: expiredWords},
		{name: "must change", o: idptest.Options{Users: user(idptest.UserMustChange)}, page: "adfs/login.html", words: expiredWords},
		{name: "expired, wrong password", o: idptest.Options{Users: user(idptest.UserExpired)}, password: "wrong", page: "adfs/login.html", words: wrongWords},
		{name: "expired, changeable", o: idptest.Options{Users: user(idptest.UserExpired), UpdatePasswordEndpoint: true}, page: "adfs/updatepassword.html"},
		{name: "not permitted", o: idptest.Options{Users: user(idptest.UserNotPermitted)}, page: "adfs/error.html",
			words: "You are not authorized to access this site. Contact your administrator for more information."},
		{name: "without words", o: idptest.Options{Fault: idptest.FaultNoWords}, page: "adfs/login.html"},
		{name: "cookies dropped", o: idptest.Options{DropCookies: true}, page: "adfs/login.html"},
		{name: "cookies dropped and required", o: idptest.Options{DropCookies: true, RequireRequestCookie: true}, page: "adfs/error.html",
			words: "An error occurred. Contact your administrator for more information."},
	}
}

// TestADFSRefuses has, for each thing that AD FS refuses, what a browser is shown.
func TestADFSRefuses(t *testing.T) {
	t.Parallel()
	for _, v := range versions() {
		for _, c := range refusals() {
			t.Run(v.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				c.refused(t, v)
			})
		}
	}
}

func (c refusal) refused(t *testing.T, v version) {
	a := newADFS(t, v.as(c.o))
	name, password := c.user, c.password
	if name == "" {
		name = alice
	}
	if password == "" {
		password = idptest.AlicePassword
	}
	p := newBrowser(t, a, a.Elsewhere()).signIn(entry, name, password)
	reqs := a.Requests()
	want := c.page
	if want == "adfs/login.html" {
		want = v.page
	}
	if got := reqs[len(reqs)-1].Page; got != want {
		t.Errorf("page = %s, want %s", got, want)
	}
	if got := p.textOf(v.says) + p.textOf("errorMessage"); got != c.words {
		t.Errorf("words = %q, want %q", got, c.words)
	}
	if p.assertion() != "" {
		t.Error("an assertion was issued")
	}
	if n := p.id("userNameInput"); p.id("loginForm") != nil && c.words == wrongWords && n != nil && val(n, "value") != name {
		t.Error("the user name is not kept on the page")
	}
	if n := p.id("userNameInputOptionsHolder"); n != nil && c.words == wrongWords && val(n, "value") != name {
		t.Error("the user name is not kept in the form of the methods")
	}
	wantClean(t, a.ClientBugs())
}
