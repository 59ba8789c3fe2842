package idptest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	formWrongTitle = "Incorrect username or password"
	formWrongText  = "Either no user with the given username could be found, or the password you gave was wrong."
)

func queryEscape(s string) string { return url.QueryEscape(s) }

// login shows the sign-in form and takes it.
func (f *Form) login(x *exchange) answer {
	id := x.Form.Get("AuthState")
	if x.Method != http.MethodPost || f.has(QuirkFullAction) {
		id = x.Query.Get("AuthState")
	}
	st, lost := f.state(x, id)
	if st == nil {
		return lost
	}
	if x.Method != http.MethodPost || st.page.Action == "" {
		return f.form(x, st, "", "")
	}
	f.checkAction(x)
	f.checkControls(x.Request, st.page)
	switch {
	case f.fault.posted != nil && x.Form.Count("password") > 0:
		f.notePassword(x, f.posted(x, st), x.Form.Get("password"))
		return f.fault.posted(f.simulator, x)
	case st.page.Asks("otp"):
		return f.code(x, st)
	case !st.page.Asks("password"):
		st.name = x.Form.Get("username")
		return redirect(http.StatusSeeOther, "https://"+x.host+loginPath+"?AuthState="+queryEscape(st.id))
	}
	return f.password(x, st)
}

// checkAction looks at the address that a form was sent to.
func (f *Form) checkAction(x *exchange) {
	switch {
	case f.has(QuirkFullAction):
	case f.has(QuirkBaseHref) != strings.HasPrefix(x.Path, basePath):
		f.bug(BugForeignField, x.Request, "sent to an address that is not that of the action")
	case x.RawQuery != "":
		f.bug(BugForeignField, x.Request, "sent with a query that the action does not have")
	}
}

// form shows the form of the step that st is at.
func (f *Form) form(x *exchange, st *formState, title, words string) answer {
	p := Page{Title: "Enter your username and password", Action: "?", AuthState: st.id, Quirks: f.o.Quirks, Error: title, ErrorText: words}
	switch {
	case st.user != nil:
		p.Ask = []string{"otp"}
	case !f.has(QuirkTwoStep):
		p.Ask = []string{"username", "password"}
	case st.name == "":
		p.Ask = []string{"username"}
	default:
		p.Ask = []string{"password"}
	}
	if f.has(QuirkFixedUser) {
		p.Fixed, p.UserName = true, f.users[0].Name
	}
	if f.has(QuirkLatin1) {
		p.Charset, p.Title = "iso-8859-1", "Anmeldung für alle"
	}
	if f.has(QuirkMultipart) {
		p.Enctype = "multipart/form-data"
	}
	if f.has(QuirkFullAction) {
		p.Action = "https://" + x.host + loginPath + "?AuthState=" + queryEscape(st.id)
		p.AuthState = ""
	}
	if f.has(QuirkBaseHref) {
		p.Base, p.Action = "https://"+x.host+basePath, "loginuserpass.php"
	}
	if f.has(QuirkFormAction) {
		p.FormAction, p.Action = p.Action, trapPath
	}
	if f.fault.login != nil && !slices.Contains(p.Ask, "otp") {
		f.fault.login(&p, x)
	}
	st.page = p
	return f.page(http.StatusOK, "ssp/login.html", p)
}

// posted is the user name of a form.
func (f *Form) posted(x *exchange, st *formState) string {
	switch {
	case f.has(QuirkFixedUser):
		return f.users[0].Name
	case st.page.Asks("username"):
		return x.Form.Get("username")
	}
	return st.name
}

// password takes a user name and password.
func (f *Form) password(x *exchange, st *formState) answer {
	if n := x.Form.Count("username"); n > 1 {
		f.bug(BugUserNameRepeated, x.Request, "username %d times", n)
	}
	name, password := f.posted(x, st), x.Form.Get("password")
	if password == "" {
		return f.form(x, st, formWrongTitle, formWrongText)
	}
	f.notePassword(x, name, password)
	if f.fault.always {
		f.noteRefusal(x, name, password)
		return f.form(x, st, "", "")
	}
	i := slices.IndexFunc(f.users, func(u User) bool { return strings.EqualFold(u.Name, name) })
	if i < 0 || f.users[i].Password != password || f.users[i].State == UserLocked || f.users[i].State == UserDisabled {
		f.noteRefusal(x, name, password)
		return f.form(x, st, formWrongTitle, formWrongText)
	}
	user := &f.users[i]
	switch {
	case user.State == UserExpired || user.State == UserMustChange:
		return f.page(http.StatusOK, "ssp/changepassword.html", Page{Title: "Choose a new password"})
	case f.fault.signed != nil:
		return f.fault.signed(f.simulator, x)
	case user.MFA:
		st.user = user
		return redirect(http.StatusSeeOther, "https://"+x.host+loginPath+"?AuthState="+queryEscape(st.id))
	}
	return f.signIn(x, st, user)
}

// code takes the second factor. One that was refused before is nobody's new answer.
func (f *Form) code(x *exchange, st *formState) answer {
	code := x.Form.Get("otp")
	f.noteCode(x, st.refused[code], code)
	if code != MFACode {
		if st.refused == nil {
			st.refused = map[string]bool{}
		}
		st.refused[code] = code != ""
		return f.form(x, st, "Incorrect code", "The code of your authenticator was wrong or too old.")
	}
	return f.signIn(x, st, st.user)
}

// signIn begins a session and goes back to where the service was asked for.
func (f *Form) signIn(x *exchange, st *formState, user *User) answer {
	delete(f.states, st.id)
	token := base64.RawURLEncoding.EncodeToString(f.random(30))
	f.sessions[token] = &session{user: user, since: f.now(), flow: st.flow}
	back := "https://" + x.host + ssoPath + "?spentityid=" + queryEscape(f.o.Party.Audience)
	if f.o.Party.Audience == awsIdentifier {
		back = "https://" + x.host + FormEntry
	}
	if st.relay != "" {
		back += "&RelayState=" + queryEscape(st.relay)
	}
	return f.cookie(redirect(http.StatusSeeOther, back), "SimpleSAMLAuthToken", token)
}

// issue answers with the assertion, or with why there is none.
func (f *Form) issue(x *exchange, sess *session) answer {
	sess.issued = true
	switch sess.user.State {
	case UserNotPermitted:
		return f.message(http.StatusForbidden, "Access denied", "You do not have access to this service.", "")
	case UserNoRoles:
		return f.message(http.StatusOK, "No roles", "You are signed in, but no role at Amazon Web Services is assigned to you.", "")
	}
	value, err := f.assertion(x.host, sess, f.o.Party, false)
	if err != nil {
		return answer{status: http.StatusInternalServerError, page: "broken", body: []byte(err.Error())}
	}
	p := Page{ACS: f.o.Party.ACS, SAMLResponse: value, Quirks: f.o.Quirks}
	if f.has(QuirkRelayState) {
		p.RelayState = `https://console.aws.amazon.com/?a="b"&c=d`
	}
	if state := relayOf(x); state != "" {
		p.RelayState = state
	}
	if f.o.WSFed {
		p.Result = requested + value + requestedEnd
		return f.finalPage("adfs/wsfed.html", p)
	}
	return f.finalPage("ssp/post.html", p)
}
