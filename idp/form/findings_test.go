package form_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"gatehop/idp"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

const twoFields = `<input name=username><input type=password name=password>`

// TestPageLoginTraps: fields and forms that look like something else.
func TestPageLoginTraps(t *testing.T) {
	t.Parallel()
	post := func(fields string) string { return "<form id=f method=post action=/in>" + fields + "</form>" }
	cases := []struct {
		name, in string
		want     string // user field, password field, fixed user field; "none" is no form
	}{
		{"new password by its name", post(`<input type=password name=new_password>`), "none"},
		{"new password by its name and autocomplete", post(`<input type=password name=newPassword autocomplete=new-password>`), "none"},
		{"password-new", post(`<input type=password name=password-new>`), "none"},
		{"confirmation", post(`<input type=password name=confirm>`), "none"},
		{"new password beside a user name", post(`<input name=username><input type=password name=new_password>`), "none"},
		{"new password in clear", post(`<input type=password name=password><input name=new_password>`), "none"},
		{"old and new password", post(`<input type=password name=old><input type=password name=new_password>`), "none"},
		{"new-password against filling in", post(`<input type=password name=p autocomplete=new-password>`), "/p/"},
		{"new-password on a line of text", post(`<input name=username autocomplete=new-password><input name=pass type=password autocomplete=new-password>`), "username/pass/"},
		{"bait without a name, first", post(`<input type=password style="display:none">` + twoFields), "username/password/"},
		{"bait without a name, last", post(twoFields + `<input type=password style="display:none">`), "username/password/"},
		{"bait without a name that is shown", post(`<input type=password>` + twoFields), "username/password/"},
		{"bait with names, first", post(`<input name=fake_user style="display:none"><input type=password name=fake style="display:none">` + twoFields), "username/password/"},
		{"bait with a name, last", post(twoFields + `<input type=password name=pin hidden>`), "username/password/"},
		{"two that are shown", post(twoFields + `<input type=password name=pin>`), "none"},
		{"two that scripts will show", post(`<input name=username><div hidden><input type=password name=a><input type=password name=b></div>`), "none"},
		{"password that scripts will show", post(`<input name=username><div hidden><input type=password name=a></div>`), "username/a/"},
		{"two in a form that scripts will show", `<div hidden>` + post(twoFields+`<input type=password name=again>`) + `</div>`, "none"},
		{"OpenAM", post(`<input name=IDToken1><input type=password name=IDToken2>`), "IDToken1/IDToken2/"},
		{"netid", post(`<input name=netid><input type=password name=pw>`), "netid/pw/"},
		{"unknown name", post(`<input type=tel name=f1><input type=password name=f2>`), "f1/f2/"},
		{"identifier", post(`<label for=i>User name</label><input id=i name=identifier><input type=password name=secret>`), "identifier/secret/"},
		{"subject alone", post(`<input name=subject>`), "subject//"},
		{"token beside user", post(`<input name=logintoken_user><input type=password name=password>`), "logintoken_user/password/"},
		{"several, one with a label", post(`<input name=a><label for=b>Benutzername</label><input id=b name=b><input type=password name=p>`), "b/p/"},
		{"several, one with an id", post(`<input name=a><input id=userField name=b><input type=password name=p>`), "b/p/"},
		{"several, none fits", post(`<input name=a><input name=b><input type=password name=p>`), "none"},
		{"user name that is not sent", post(`<input><input type=password name=p>`), "none"},
		{"code before the password is no user name", post(`<input name=otp><input type=password name=p>`), "/p/"},
		{"text after the password", post(`<input type=password name=p><input name=realm>`), "/p/"},
		{"text that is filled in", post(`<input name=realm value=corp><input type=password name=p>`), "/p/"},
		{"text that is hidden", post(`<input name=realm hidden><input type=password name=p>`), "/p/"},
		{"unknown name after a fixed one", post(`<input name=username value=a readonly><input name=realm><input type=password name=p>`), "/p/username"},
		{"bait with the name of a user name", post(`<input name=email style="display:none"><input name=f1><input type=password name=f2>`), "f1/f2/"},
		{"hidden user name to be filled in, and a realm", post(`<input type=hidden name=UserName><input name=realm><input type=password name=p>`), "UserName/p/"},
		{"registration in the query", strings.Replace(post(twoFields), "/in", "/login?register=/x&forgot=1", 1), "username/password/"},
		{"reset within a word", `<form class="form preset" method=post><input name=username></form>`, "username//"},
		{"reset as a word", `<form class="form reset" method=post><input name=username></form>`, "none"},
		{"reset in one word", `<form method=post action=/resetpassword><input name=username></form>`, "none"},
		{"search in a hidden field", post(`<input type=hidden name=query value=z>` + twoFields), "username/password/"},
		{"search in a field", post(`<input name=query value=z><input name=username>`), "none"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := "none"
			if l, ok := parse(t, 200, c.in).Login(); ok {
				got = name(l.User) + "/" + name(l.Password) + "/" + name(l.Fixed)
			}
			if got != c.want {
				t.Errorf("Login = %q, want %q", got, c.want)
			}
		})
	}
}

// TestPageLoginErrorPage: on a page with an error status an e-mail field alone is no
// sign-in.
func TestPageLoginErrorPage(t *testing.T) {
	t.Parallel()
	cases := []struct {
		in     string
		status int
		want   bool
	}{
		{`<form method=post action=/newsletter><input type=email name=email></form>`, 500, false},
		{`<form method=post action=/newsletter><input type=email name=email></form>`, 200, true},
		{`<h1>Sorry</h1><form method=post><input type=email name=email></form>`, 401, false},
		{`<h1>Sign in</h1><form method=post><input type=email name=email></form>`, 401, true},
		{`<form method=post action=/login><input type=email name=email></form>`, 401, true},
		{`<form method=post id=kc-form-login><input type=email name=email></form>`, 401, true},
		{`<form method=post><input type=email name=email autocomplete=username></form>`, 401, true},
		{`<form method=post><input name=username></form>`, 401, true},
		{`<form method=post><input name=email><input type=password name=p></form>`, 401, true},
	}
	for _, c := range cases {
		if _, got := parse(t, c.status, c.in).Login(); got != c.want {
			t.Errorf("%d %s: Login = %v, want %v", c.status, c.in, got, c.want)
		}
	}
}

func parse(t *testing.T, status int, body string) *form.Page {
	t.Helper()
	u := &url.URL{Scheme: "https", Host: host, Path: "/"}
	p, err := form.Parse(form.Response{URL: u, Status: status, Header: http.Header{"Content-Type": {utf8HTML}}, Body: []byte(body)})
	if err != nil {
		t.Fatalf("Parse = %v", err)
	}
	return p
}

// TestButtonOtherWays: buttons that lead to an account or a key instead.
func TestButtonOtherWays(t *testing.T) {
	t.Parallel()
	const login = `<button id=login>Sign in</button>`
	cases := []struct{ in, want string }{
		{`<button id=a name=register>New here?</button>`, "login"},
		{`<button id=a>Create account</button>`, "login"},
		{`<button id=a>Sign up</button>`, "login"},
		{`<button id=a name=signup>x</button>`, "login"},
		{`<button id=a>Use a passkey</button>`, "login"},
		{`<button id=authenticateWebAuthn>x</button>`, "login"},
		{`<button id=a>Registered users</button>`, "a"},
	}
	for _, c := range cases {
		got := parse(t, 200, "<form>"+c.in+login+"</form>").Forms[0].Button()
		if got == nil || got.ID != c.want {
			t.Errorf("%s: Button = %+v, want %q", c.in, got, c.want)
		}
	}
}

// TestWalkNewPassword: what is typed after a password never becomes a new one; the same
// field again is asked for again.
func TestWalkNewPassword(t *testing.T) {
	t.Parallel()
	const login = `<form method=post action=/in>` + twoFields + `</form>`
	cases := []struct {
		name, first, second string
		want                idp.Verdict
		posts               int
	}{
		{"by its name", login, `<input type=password name=new_password>`, idp.PasswordExpired, 1},
		{"by autocomplete", login, `<input type=password name=newPassword autocomplete=new-password>`, idp.PasswordExpired, 1},
		{"the same name by autocomplete", login, `<input type=password name=password autocomplete=new-password>`, idp.PasswordExpired, 1},
		{"beside the user name by autocomplete", login, `<input name=username><input type=password name=p autocomplete=new-password>`, idp.PasswordExpired, 1},
		{"another name without a user name", login, `<input type=password name=other>`, idp.PasswordExpired, 1},
		{"another name with a hidden user name", login, `<input type=hidden name=username value=alice><input type=password name=other>`, idp.PasswordExpired, 1},
		{"another name with a user name", login, `<input name=username><input type=password name=other>`, idp.Unexplained, 2},
		{"the same field", login, `<input type=password name=password>`, idp.Unexplained, 2},
		{"the same field against filling in", `<form method=post action=/in><input name=username><input type=password name=p autocomplete=new-password></form>`,
			`<input name=username><input type=password name=p autocomplete=new-password>`, idp.Unexplained, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &site{serve: func(_ *site, w http.ResponseWriter, r *http.Request, _ string) {
				if r.Method == http.MethodGet {
					_, _ = fmt.Fprint(w, c.first)
					return
				}
				_, _ = fmt.Fprint(w, `<h1>Choose a new password</h1><form method=post action=/change>`+c.second+`</form>`)
			}}
			_, err := walk(t, s, nil, map[string][]string{"username": {"alice"}, "password": {"first typing", "second typing", idptest.NoAnswer}})
			wantVerdict(t, err, c.want)
			if got := len(s.requests()) - 1; got != c.posts {
				t.Errorf("%d posts, want %d: %q", got, c.posts, s.requests())
			}
		})
	}
}

// TestWalkOtherName: the provider's own name for the person is nobody else once the
// person's has been sent, and may be somebody else before.
func TestWalkOtherName(t *testing.T) {
	t.Parallel()
	const hidden = `<form method=post action=/in><input type=hidden name=username value="e12345"><input type=password name=password></form>`
	const fixed = `<form method=post action=/in><input name=username readonly value="asmith@corp.example"><input type=password name=password></form>`
	for name, c := range map[string]struct {
		page  string
		first bool // without a page that asks for the user name
	}{
		"hidden": {hidden, false}, "read-only": {fixed, false}, "hidden at first": {hidden, true}, "read-only at first": {fixed, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &site{serve: func(_ *site, w http.ResponseWriter, r *http.Request, asked string) {
				switch {
				case r.Method == http.MethodGet && !c.first:
					_, _ = fmt.Fprint(w, `<form method=post action=/user><input name=username></form>`)
				case r.Method == http.MethodGet || strings.HasPrefix(asked, "POST /user"):
					_, _ = fmt.Fprint(w, c.page)
				default:
					_, _ = fmt.Fprint(w, final(samlInput))
				}
			}}
			_, err := walk(t, s, nil, map[string][]string{"username": {"alice"}, "password": {"correct horse"}})
			if c.first {
				wantVerdict(t, err, idp.OtherUser)
			} else if err != nil {
				t.Errorf("Login = %v", err)
			}
		})
	}
}

// TestWalkSameNameAgain: the refused user name given again is not sent again; another
// one is.
func TestWalkSameNameAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		second string
		want   idp.Verdict
		posts  int
	}{
		"same": {"alice", idp.Rejected, 1}, "another": {"alicia", idp.Rejected, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &site{serve: func(_ *site, w http.ResponseWriter, r *http.Request, _ string) {
				if r.Method == http.MethodPost {
					_, _ = fmt.Fprint(w, `<p class=error>No such account.</p>`)
				}
				_, _ = fmt.Fprint(w, `<form method=post action=/user><input name=username></form>`)
			}}
			_, err := walk(t, s, nil, map[string][]string{"username": {"alice", c.second, idptest.NoAnswer}})
			if got := wantVerdict(t, err, c.want); got.Words != "No such account." {
				t.Errorf("Words = %q, want the provider's", got.Words)
			}
			if got := len(s.requests()) - 1; got != c.posts {
				t.Errorf("%d posts, want %d: %q", got, c.posts, s.requests())
			}
		})
	}
}
