package form

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Role is what a field is for.
type Role string

// The roles. NewPassword is a field for choosing a password, which is never filled in.
const (
	NoRole      Role = ""
	User        Role = "username"
	Password    Role = "password"
	Code        Role = "otp"
	NewPassword Role = "new-password"
)

// roleRules are tried in order: what a page says by autocomplete goes before the type
// of the field, that before names that products are known to use, those before parts
// of names. Only fields for one line of text have a role.
var roleRules = []struct {
	role  Role
	match func(c *Control) bool
}{
	{User, completes("username", "email")},
	{Password, completes("current-password")},
	{Code, completes("one-time-code")},
	{NewPassword, both(completes("new-password"), hasType("password"))},
	{NewPassword, namesNew},
	{Code, hasName("otp", "totp", "passcode", "securitycode", "verificationcode", "oathcode", "tokencode", "mfatoken", "mfacode", "onetimecode", "safenetpassword")},
	{Password, hasType("password")},
	{User, hasType("email")},
	{User, isKnownUser},
	{Password, hasName("password", "jpassword", "pfpass", "ecompassword")},
	{Code, nameHas("otp", "passcode", "token", "verif", "2fa", "mfa", "onetime", "authcode", "securitycode", "challenge")},
	{User, nameHas("user", "login", "email", "account", "uid")},
	{Code, nameHas("code")},
	{User, hasType("tel")},
}

// Role is what the field is for.
func (c *Control) Role() Role { return c.role }

func (c *Control) findRole() Role {
	switch c.Type {
	case "text", "password", "email", "tel", "number":
	default:
		return NoRole
	}
	for _, r := range roleRules {
		if r.match(c) {
			return r.role
		}
	}
	return NoRole
}

func completes(tokens ...string) func(*Control) bool {
	return func(c *Control) bool {
		return slices.ContainsFunc(c.Autocomplete, func(t string) bool { return slices.Contains(tokens, t) })
	}
}

func both(a, b func(*Control) bool) func(*Control) bool {
	return func(c *Control) bool { return a(c) && b(c) }
}

// namesNew knows fields for choosing a password by their names. "confirm" alone may as
// well be about a code.
func namesNew(c *Control) bool {
	return nameHas("newpass", "newpwd", "passwordnew")(c) || c.Type == "password" && nameHas("confirm")(c)
}

func hasType(t string) func(*Control) bool {
	return func(c *Control) bool { return c.Type == t }
}

// plain is a name without case and punctuation: "security_code" and "SecurityCode" are
// one, and so are "j_username" and "jUsername".
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

func hasName(names ...string) func(*Control) bool {
	return func(c *Control) bool { return slices.Contains(names, plain(c.Name)) }
}

func nameHas(parts ...string) func(*Control) bool {
	return func(c *Control) bool {
		name := plain(c.Name)
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(name, p) })
	}
}

// knownUsers are the exact names of user name fields.
var knownUsers = []string{"username", "user", "login", "jusername", "pfusername", "ecomuserid", "subject", "identifier", "email"}

// isCarriedUser knows the names under which a hidden field carries a user name;
// "login" and "user" are as often something else.
func isCarriedUser(c *Control) bool {
	return slices.Contains([]string{"username", "jusername", "pfusername", "ecomuserid"}, plain(c.Name))
}

func isKnownUser(c *Control) bool { return slices.Contains(knownUsers, plain(c.Name)) }

// Login is how a form takes a user name and a password. Fields that it does not have
// are nil.
type Login struct {
	Form     *Form
	User     *Control
	Password *Control
	Code     *Control // a one-time code that the form insists on
	Fixed    *Control // a user name that the page has settled already
	Button   *Control // to be pressed; nil for the one that Form.Button chooses
}

func (l Login) button() *Control {
	if l.Button != nil {
		return l.Button
	}
	return l.Form.Button()
}

// login finds the fields of a form. A field that is shown goes before one that is not:
// hidden ones are there to keep browsers and robots from filling in the others.
func (f *Form) login() Login {
	l := Login{Form: f}
	var fresh []*Control
	for _, c := range f.Controls {
		role := c.Role()
		settled := c.Disabled || c.ReadOnly || c.Name == ""
		switch {
		case c.Type == "hidden" && isCarriedUser(c):
			l.hidden(c)
		case role == User && (c.ReadOnly || hasAttr(c.node, "disabled")) && c.Value != "":
			l.Fixed = firstOf(l.Fixed, c) // unlike one in a disabled fieldset, which is a part not in use
		case settled:
		case role == User:
			l.User = f.shownOf(l.User, c)
		case role == Password:
			l.Password = f.shownOf(l.Password, c)
		case role == NewPassword && !namesNew(c):
			fresh = append(fresh, c)
		case role == Code && c.Required:
			l.Code = firstOf(l.Code, c)
		}
	}
	if l.Password == nil && len(fresh) == 1 {
		l.Password = fresh[0] // new-password is also written to keep browsers from filling in
	}
	if l.Password != nil && l.Fixed == nil && (l.User == nil || !f.shows(l.User)) {
		l.guessUser()
	}
	return l
}

// shows reports whether the control is shown once its form is.
func (f *Form) shows(c *Control) bool { return !c.Hidden || f.Hidden && c.Type != "hidden" }

// shownOf is the first of two controls that is shown, else the first.
func (f *Form) shownOf(a, b *Control) *Control {
	if a == nil || !f.shows(a) && f.shows(b) {
		return b
	}
	return a
}

// hidden takes a hidden field that has the name of a user name field: a page that asks
// on another page, or in another block of this one, carries the name along.
func (l *Login) hidden(c *Control) {
	switch {
	case c.Disabled:
	case c.Value != "":
		l.Fixed = firstOf(l.Fixed, c)
	default:
		l.User = l.Form.shownOf(l.User, c)
	}
}

// guessUser takes as user name the field before the password whose name is not known,
// by its id and label if there are several. The form is not to be answered if none of
// them fits: the password would be sent with an empty user name.
func (l *Login) guessUser() {
	var empty []*Control
	for _, c := range l.Form.Controls {
		if c == l.Password {
			break
		}
		if l.mayBeUser(c) {
			empty = append(empty, c)
		}
	}
	if len(empty) == 0 || l.User != nil && l.User.Type == "hidden" && !slices.ContainsFunc(empty, meansUser) {
		return
	}
	if i := slices.IndexFunc(empty, meansUser); i >= 0 {
		empty = empty[i : i+1]
	}
	if len(empty) != 1 || empty[0].Name == "" {
		l.User, l.Password = nil, nil
		return
	}
	l.User = empty[0]
	if l.Code == l.User {
		l.Code = nil
	}
}

// mayBeUser reports whether the control is an empty line of text that is shown and not
// known to be for something else.
func (l *Login) mayBeUser(c *Control) bool {
	if !slices.Contains([]string{"text", "email", "tel"}, c.Type) || c.Value != "" || c.Disabled || c.ReadOnly || !l.Form.shows(c) {
		return false
	}
	return c.Role() == NoRole || c.Role() == User || nameHas("user", "idtoken")(c) // OpenAM: IDToken1, IDToken2
}

// userWords are parts of what pages call a user name.
var userWords = []string{
	"user", "login", "email", "e-mail", "account", "identifier", "netid", "uid", "sign-in name", "sign in name",
	"benutzer", "kennung", "anmeldename", "utilisateur", "identifiant", "usuario", "usuário", "utente", "gebruiker",
}

// meansUser reports whether name, id or label of the control speak of a user name.
func meansUser(c *Control) bool {
	text := strings.ToLower(c.Name + " " + c.ID + " " + c.Label)
	return slices.ContainsFunc(userWords, func(w string) bool { return strings.Contains(text, w) })
}

func firstOf(a, b *Control) *Control {
	if a != nil {
		return a
	}
	return b
}

// passwords counts the password fields that are for more than one password: a form
// with two is for changing it. Hidden fields count only where no other is shown.
func (f *Form) passwords() int {
	shown, hidden := 0, 0
	for _, c := range f.Controls {
		switch {
		case c.Type != "password" && c.Role() != NewPassword, c.Name == "", c.Disabled, c.Role() == Code:
		case f.shows(c):
			shown++
		default:
			hidden++
		}
	}
	if shown > 0 {
		return shown
	}
	return hidden
}

// says reports whether id, name, class or the path of the action of the form hold a
// word that begins as one of words: "preset" does not say "reset".
func (f *Form) says(words ...string) bool {
	path := ""
	if u, err := url.Parse(f.Action); err == nil {
		path = u.Path
	}
	return saysWord(strings.Join([]string{f.ID, f.Name, attrOf(f.node, "class"), path}, " "), words...)
}

// saysWord reports whether a word of text begins as one of words; "sign-in" is two.
func saysWord(text string, words ...string) bool {
	where := "-" + strings.Join(split(text), "-")
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(where, "-"+w) })
}

// What forms say that sign in, that register somebody, and that forget a password.
var (
	loginWords    = []string{"login", "logon", "log-in", "log-on", "signin", "signon", "sign-in", "sign-on", "userlogin", "auth", "sso"}
	registerWords = []string{"regist", "signup", "sign-up", "enrol"}
	forgotWords   = []string{"forgot", "reset", "passwordreset", "pwdreset", "pwreset"}
)

// isSearch reports whether the form is there to search the site.
func (f *Form) isSearch() bool {
	if lowerASCII(attrOf(f.node, "role")) == "search" {
		return true
	}
	return slices.ContainsFunc(f.Controls, func(c *Control) bool {
		return c.Type == "search" || c.Type != "hidden" && slices.Contains([]string{"q", "query", "search"}, strings.ToLower(c.Name))
	})
}

// scoreRules say how much a form looks like one for signing in.
var scoreRules = []struct {
	points int
	match  func(f *Form, l Login) bool
}{
	{+10, func(_ *Form, l Login) bool { return l.Password != nil }},
	{+4, func(_ *Form, l Login) bool { return l.User != nil || l.Fixed != nil }},
	{+2, func(f *Form, _ Login) bool { return f.Method == "post" }},
	{+2, func(f *Form, _ Login) bool { return f.says(loginWords...) }},
	{-20, func(f *Form, _ Login) bool { return f.isSearch() }},
	{-15, func(f *Form, _ Login) bool { return f.passwords() >= 2 }},
	{-15, func(f *Form, _ Login) bool { return f.says(registerWords...) || f.says(forgotWords...) }},
	{-3, func(f *Form, _ Login) bool { return f.Hidden }},
	{-5, func(f *Form, l Login) bool { return f.Method == "get" && l.Password == nil }},
}

func (f *Form) score(l Login) int {
	score := 0
	for _, r := range scoreRules {
		if r.match(f, l) {
			score += r.points
		}
	}
	return score
}

// minScore is that of a form that is posted and asks for nothing but a user name.
const minScore = 6

// Login finds the form that signs in: the one that looks most like it, the first of
// several. A form without a password field is one only if it asks for little else.
func (p *Page) Login() (Login, bool) {
	if p.login == nil {
		best := p.findLogin()
		p.login = &best
	}
	return *p.login, p.login.Form != nil
}

func (p *Page) findLogin() Login {
	var best Login
	score := minScore - 1
	for _, f := range p.Forms {
		l := f.login()
		if l.Password == nil && (l.User == nil || l.User.Hidden || f.asksMore(l.User) || !p.invites(f, l.User)) {
			continue
		}
		if s := f.score(l); s > score {
			best, score = l, s
		}
	}
	return best
}

// invites reports whether a form without a password is for signing in by more than an
// e-mail field, which a newsletter has as well.
func (p *Page) invites(f *Form, user *Control) bool {
	return p.Status < 400 || f.says(loginWords...) || completes("username")(user) ||
		nameHas("user", "login", "account", "uid")(user) || isKnownUser(user) && plain(user.Name) != "email" ||
		saysWord(p.VisibleText("h1")+" "+p.VisibleText("h2"), loginWords...)
}

// asksMore reports whether a form wants more text than that of one field: a report, an
// order, a profile.
func (f *Form) asksMore(one *Control) bool {
	filled := 0
	for _, c := range f.Controls {
		if c == one || c.Disabled || c.ReadOnly || c.Hidden || !c.takesText() {
			continue
		}
		if c.Value == "" || c.Tag == "textarea" {
			return true
		}
		filled++
	}
	return filled > 1
}

// takesText reports whether text is typed into the control.
func (c *Control) takesText() bool {
	return !c.isAnyButton() && !slices.Contains([]string{"hidden", "checkbox", "radio", "select-one", "select-multiple", "file"}, c.Type)
}
