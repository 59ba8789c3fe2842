package idptest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gatehop/idp/idptest"
)

const formEntry = base + idptest.FormEntry

// TestForm signs in over each quirk, which changes nothing about the outcome for a
// client that keeps the standard.
func TestForm(t *testing.T) {
	t.Parallel()
	everything := []idptest.Quirk{
		idptest.QuirkTwoStep, idptest.QuirkNoScript, idptest.QuirkFormAction, idptest.QuirkUpperCase, idptest.QuirkFieldsetDisabled,
		idptest.QuirkSelect, idptest.QuirkCheckboxes, idptest.QuirkTextarea, idptest.QuirkCharsetField, idptest.QuirkOtherForms,
		idptest.QuirkComment, idptest.QuirkHiddenError, idptest.QuirkRelayState,
	}
	cases := map[string][]idptest.Quirk{
		"none": nil, "everything": everything, "two kinds of buttons": {idptest.QuirkSeveralSubmits, idptest.QuirkImageSubmit},
	}
	for _, q := range idptest.Quirks() {
		cases[string(q)] = []idptest.Quirk{q}
	}
	for name, quirks := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newForm(t, idptest.FormOptions{Quirks: quirks})
			p := newBrowser(t, f, f.Elsewhere()).signIn(formEntry, "alice", idptest.AlicePassword)
			wantAssertion(t, p)
			wantClean(t, f.ClientBugs())
			if got := f.Stats().Logins; got != 1 {
				t.Errorf("Logins = %d, want 1", got)
			}
		})
	}
}

// careless is a client that does not keep the standard, at a page where it matters.
type careless struct {
	name   string
	quirks []idptest.Quirk
	fields func([]idptest.Field) []idptest.Field
	bug    idptest.Bug
}

func carelessClients() []careless {
	without := func(name string) func([]idptest.Field) []idptest.Field {
		return func(f []idptest.Field) []idptest.Field {
			return slices.DeleteFunc(f, func(f idptest.Field) bool { return f.Name == name })
		}
	}
	change := func(name, value string) func([]idptest.Field) []idptest.Field {
		return func(f []idptest.Field) []idptest.Field {
			for i := range f {
				if f[i].Name == name {
					f[i].Value = value
				}
			}
			return f
		}
	}
	first := func(name, value string) func([]idptest.Field) []idptest.Field {
		return func(f []idptest.Field) []idptest.Field {
			return append([]idptest.Field{{Name: name, Value: value}}, f...)
		}
	}
	return []careless{
		{"empty hidden field left out", nil, without("processing_trans"), 16},
		{"user name added", []idptest.Quirk{idptest.QuirkFixedUser}, add(idptest.Field{Name: "username", Value: "alice"}), 16},
		{"button added", nil, add(idptest.Field{Name: "submit", Value: "Login"}), 16},
		{"order changed", nil, func(f []idptest.Field) []idptest.Field { slices.Reverse(f); return f }, 16},
		{"user name twice", nil, add(idptest.Field{Name: "username", Value: "alice"}), 6},
		{"password twice", nil, add(idptest.Field{Name: "password", Value: idptest.AlicePassword}), 1},
		{"legend left out", []idptest.Quirk{idptest.QuirkFieldsetDisabled}, without("legend"), 16},
		{"disabled controls sent", []idptest.Quirk{idptest.QuirkFieldsetDisabled}, first("username", "decoy"), 17},
		{"first option taken", []idptest.Quirk{idptest.QuirkSelect}, change("organization", ""), 16},
		{"disabled option taken", []idptest.Quirk{idptest.QuirkSelect}, change("realm", "Realm"), 16},
		{"unchecked sent", []idptest.Quirk{idptest.QuirkCheckboxes}, add(idptest.Field{Name: "remember_me", Value: "Yes"}), 16},
		{"checked left out", []idptest.Quirk{idptest.QuirkCheckboxes}, without("public"), 16},
		{"wrong radio", []idptest.Quirk{idptest.QuirkCheckboxes}, change("zone", "in"), 16},
		{"newlines of the source", []idptest.Quirk{idptest.QuirkTextarea}, change("notice", "\nfirst line\nsecond & last"), 16},
		{"no _charset_", []idptest.Quirk{idptest.QuirkCharsetField}, without("_charset_"), 16},
		{"cancel pressed", []idptest.Quirk{idptest.QuirkSeveralSubmits}, change("event", "cancel"), 16},
		{"all buttons pressed", []idptest.Quirk{idptest.QuirkSeveralSubmits}, add(idptest.Field{Name: "event", Value: "other"}), 16},
		{"no coordinates", []idptest.Quirk{idptest.QuirkImageSubmit}, without("go.x"), 16},
		{"odd coordinates", []idptest.Quirk{idptest.QuirkImageSubmit}, change("go.x", "left"), 16},
		{"outer button left out", []idptest.Quirk{idptest.QuirkFormAttribute}, without("outside"), 16},
		{"registration filled", []idptest.Quirk{idptest.QuirkOtherForms}, add(idptest.Field{Name: "password1", Value: "x"}), 16},
	}
}

// TestFormQuirks has, for each quirk that a careless client gets wrong, that client.
func TestFormQuirks(t *testing.T) {
	t.Parallel()
	for _, c := range carelessClients() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newForm(t, idptest.FormOptions{Quirks: c.quirks})
			b := newBrowser(t, f, f.Elsewhere())
			b.fields = c.fields
			b.signIn(formEntry, "alice", idptest.AlicePassword)
			wantBug(t, f.ClientBugs(), c.bug)
		})
	}
}

// TestFormActions has clients that send the right fields to a wrong address.
func TestFormActions(t *testing.T) {
	t.Parallel()
	const core = base + "/simplesaml/module.php/core/loginuserpass.php"
	for name, c := range map[string]struct {
		quirks  []idptest.Quirk
		address func(*page) string // where the client sends the form
	}{
		"query kept":         {nil, func(p *page) string { return p.url.String() }},
		"base ignored":       {[]idptest.Quirk{idptest.QuirkBaseHref}, func(*page) string { return core }},
		"formaction ignored": {[]idptest.Quirk{idptest.QuirkFormAction}, func(p *page) string { return base + val(p.id("f"), "action") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newForm(t, idptest.FormOptions{Quirks: c.quirks})
			b := newBrowser(t, f, f.Elsewhere())
			p := b.get(formEntry)
			fields, _ := p.successful(p.id("f"), map[string]string{"username": "alice", "password": idptest.AlicePassword})
			b.post(c.address(p), fields)
			wantBug(t, f.ClientBugs(), idptest.BugForeignField)
		})
	}
	for _, kept := range []string{"", "stale=1&"} { // of a form by GET, the action's query is replaced
		f := newForm(t, idptest.FormOptions{Quirks: []idptest.Quirk{idptest.QuirkGetForm}})
		b := newBrowser(t, f, f.Elsewhere())
		p := b.get(formEntry)
		fields, _ := p.successful(p.form("AuthState"), nil)
		u := p.resolve(val(p.form("AuthState"), "action"), true)
		u.RawQuery = kept + encode(fields)
		b.get(u.String())
		if kept == "" {
			wantClean(t, f.ClientBugs())
		} else {
			wantBug(t, f.ClientBugs(), idptest.BugForeignField)
		}
	}
}

// TestFormAutoSubmit: hidden fields are sent whole, the empty ones too.
func TestFormAutoSubmit(t *testing.T) {
	t.Parallel()
	for _, left := range []string{"", "storage_read"} {
		f := newForm(t, idptest.FormOptions{Quirks: []idptest.Quirk{idptest.QuirkAutoSubmit}})
		b := newBrowser(t, f, f.Elsewhere())
		p := b.get(formEntry)
		fields, _ := p.successful(p.form("AuthState"), nil)
		fields = slices.DeleteFunc(fields, func(f idptest.Field) bool { return f.Name == left })
		if b.post(base+val(p.form("AuthState"), "action"), fields).id("f") == nil {
			t.Error("the sign-in form did not follow")
		}
		if left == "" {
			wantClean(t, f.ClientBugs())
		} else {
			wantBug(t, f.ClientBugs(), idptest.BugForeignField)
		}
	}
}

// TestFormRefuses has what a browser is shown instead of an assertion.
func TestFormRefuses(t *testing.T) {
	t.Parallel()
	user := func(state idptest.UserState) []idptest.User {
		return []idptest.User{{Name: "alice", Password: idptest.AlicePassword, State: state, Roles: idptest.SampleRoles()}}
	}
	const wrong = "Incorrect username or password"
	cases := []struct {
		name     string
		o        idptest.FormOptions
		user     string
		password string
		empty    bool // no password at all, which is no attempt
		page     string
		words    string
	}{
		{name: "wrong password", user: "alice", password: "wrong", page: "ssp/login.html", words: wrong},
		{name: "wrong password in two steps", o: idptest.FormOptions{Quirks: []idptest.Quirk{idptest.QuirkTwoStep}},
			user: "alice", password: "wrong", page: "ssp/login.html", words: wrong},
		{name: "unknown user", user: "bob", page: "ssp/login.html", words: wrong},
		{name: "empty password", user: "alice", empty: true, page: "ssp/login.html", words: wrong},
		{name: "locked", o: idptest.FormOptions{Users: user(idptest.UserLocked)}, user: "alice", page: "ssp/login.html", words: wrong},
		{name: "disabled", o: idptest.FormOptions{Users: user(idptest.UserDisabled)}, user: "alice", page: "ssp/login.html", words: wrong},
		{name: "without words", o: idptest.FormOptions{Fault: idptest.FaultNoWords}, user: "alice", page: "ssp/login.html"},
		{name: "expired", o: idptest.FormOptions{Users: user(idptest.UserExpired)}, user: "alice", page: "ssp/changepassword.html", words: "has expired"},
		{name: "must change", o: idptest.FormOptions{Users: user(idptest.UserMustChange)}, user: "alice", page: "ssp/changepassword.html"},
		{name: "not permitted", o: idptest.FormOptions{Users: user(idptest.UserNotPermitted)}, user: "alice", page: "ssp/message.html", words: "You do not have access"},
		{name: "no roles", o: idptest.FormOptions{Users: user(idptest.UserNoRoles)}, user: "alice", page: "ssp/message.html", words: "no role at Amazon"},
		{name: "cookies dropped", o: idptest.FormOptions{DropCookies: true}, user: "alice", page: "ssp/message.html", words: "Missing cookie"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newForm(t, c.o)
			if c.password == "" && !c.empty {
				c.password = idptest.AlicePassword
			}
			p := newBrowser(t, f, f.Elsewhere()).signIn(formEntry, c.user, c.password)
			reqs := f.Requests()
			if got := reqs[len(reqs)-1].Page; got != c.page {
				t.Errorf("page = %s, want %s", got, c.page)
			}
			if !strings.Contains(p.source, c.words) || c.words == "" && strings.Contains(p.source, wrong) {
				t.Errorf("the page does not say %q", c.words)
			}
			if p.assertion() != "" {
				t.Error("an assertion was issued")
			}
			if want := map[bool]int{false: 1, true: 0}[c.empty || c.o.DropCookies]; f.Stats().Logins != want {
				t.Errorf("Logins = %d, want %d", f.Stats().Logins, want)
			}
			wantClean(t, f.ClientBugs())
		})
	}
	f := newForm(t, idptest.FormOptions{Users: user(idptest.UserOK)}) // the control
	wantAssertion(t, newBrowser(t, f, f.Elsewhere()).signIn(formEntry, "ALICE", idptest.AlicePassword))
}

// TestFormState: a form without its state, or in another browser, is refused.
func TestFormState(t *testing.T) {
	t.Parallel()
	fill := map[string]string{"username": "alice", "password": idptest.AlicePassword}
	open := func() (*browser, *page) {
		f := newForm(t, idptest.FormOptions{})
		b := newBrowser(t, f, f.Elsewhere())
		return b, b.get(formEntry)
	}
	b, p := open()
	fields, _ := p.successful(p.id("f"), fill)
	action := p.resolve("?", true).String()
	if got := b.post(action, fields[1:]); got.status != http.StatusInternalServerError || got.id("trackid") == nil {
		t.Error("a form without its state was taken")
	}
	b.http.Jar = nil
	if got := b.post(action, fields); got.id("retry") == nil {
		t.Error("a form of another browser was taken")
	}
	b, p = open()
	fields, _ = p.successful(p.id("f"), fill)
	wantAssertion(t, b.post(action, fields)) // the control
	if got := b.post(action, fields); got.id("trackid") == nil {
		t.Error("a state was good for two sign-ins")
	}
	if got := b.get(base + strings.ReplaceAll(idptest.FormEntry, "urn:amazon", "urn:other")); got.status != http.StatusInternalServerError {
		t.Error("an unknown service was accepted")
	}
	if got := b.get(base + "/other"); got.status != http.StatusNotFound {
		t.Errorf("another path = %d, want 404", got.status)
	}
}

func TestFormSession(t *testing.T) {
	t.Parallel()
	f := newForm(t, idptest.FormOptions{})
	b := newBrowser(t, f, f.Elsewhere())
	wantAssertion(t, b.signIn(formEntry, "alice", idptest.AlicePassword))
	for range 25 {
		wantAssertion(t, b.signIn(formEntry, "alice"))
	}
	wantClean(t, f.ClientBugs())
}

// TestFormCode asks for the code and takes the right one only.
func TestFormCode(t *testing.T) {
	t.Parallel()
	u := idptest.Alice()
	u.Name, u.MFA = "alice", true
	f := newForm(t, idptest.FormOptions{Users: []idptest.User{u}})
	b := newBrowser(t, f, f.Elsewhere())
	p := b.get(formEntry)
	p = b.submit(p, p.form("password"), map[string]string{"username": "alice", "password": idptest.AlicePassword})
	p = b.submit(p, p.form("otp"), map[string]string{"otp": "000000"})
	if !strings.Contains(p.source, "Incorrect code") {
		t.Error("a wrong code was not refused")
	}
	wantAssertion(t, b.submit(p, p.form("otp"), map[string]string{"otp": idptest.MFACode}))
	wantClean(t, f.ClientBugs())
	b.get(formEntry + "&otp=" + idptest.MFACode)
	wantBug(t, f.ClientBugs(), idptest.BugPasswordInURL)
}

// TestFormCodeRepeated: a refused code is nobody's new answer, an empty one is none at all.
func TestFormCodeRepeated(t *testing.T) {
	t.Parallel()
	u := idptest.Alice()
	u.Name, u.MFA = "alice", true
	for code, want := range map[string]bool{"000000": true, "": false} {
		f := newForm(t, idptest.FormOptions{Users: []idptest.User{u}})
		b := newBrowser(t, f, f.Elsewhere())
		p := b.get(formEntry)
		p = b.submit(p, p.form("password"), map[string]string{"username": "alice", "password": idptest.AlicePassword})
		p = b.submit(p, p.form("otp"), map[string]string{"otp": code})
		wantClean(t, f.ClientBugs())
		b.submit(p, p.form("otp"), map[string]string{"otp": code})
		bugs := f.ClientBugs()
		if len(bugs) > 0 != want || want && !strings.HasPrefix(bugs[0], "23: ") {
			t.Errorf("%q twice: %q", code, bugs)
		}
	}
	f := newForm(t, idptest.FormOptions{Users: []idptest.User{u}})
	b := newBrowser(t, f, f.Elsewhere())
	p := b.get(formEntry)
	p = b.submit(p, p.form("password"), map[string]string{"username": "alice", "password": idptest.AlicePassword})
	b.submit(p, p.form("otp"), map[string]string{"otp": "654321"})
	b.get("https://" + idptest.ForeignHost + "/?x=654321")
	wantBug(t, f.ClientBugs(), idptest.BugSecretElsewhere)
}

// TestFormLatin1: what is typed arrives in the page's own encoding, or is wrong.
func TestFormLatin1(t *testing.T) {
	t.Parallel()
	const password = "pässwörd"
	for _, quirks := range [][]idptest.Quirk{nil, {idptest.QuirkLatin1}} {
		f := newForm(t, idptest.FormOptions{Quirks: quirks, Users: []idptest.User{{Name: "zoé", Password: password, Roles: idptest.SampleRoles()}}})
		b := newBrowser(t, f, f.Elsewhere())
		if len(quirks) > 0 {
			p := b.get(formEntry)
			p.header.Set("Content-Type", "text/html") // a client that does not look
			if p = b.submit(p, p.form("password"), map[string]string{"username": "zoé", "password": password}); p.assertion() != "" {
				t.Error("UTF-8 was taken for ISO-8859-1")
			}
		}
		wantAssertion(t, b.signIn(formEntry, "zoé", password))
	}
}

func TestFormPasswordChange(t *testing.T) {
	t.Parallel()
	f := newForm(t, idptest.FormOptions{})
	b := newBrowser(t, f, f.Elsewhere())
	b.get(base + "/simplesaml/changepassword")
	wantClean(t, f.ClientBugs())
	b.post(base+"/simplesaml/changepassword", []idptest.Field{{Name: "old_password", Value: "x"}})
	wantBug(t, f.ClientBugs(), idptest.BugPasswordChange)
}

func TestFormRepeatedPassword(t *testing.T) {
	t.Parallel()
	f := newForm(t, idptest.FormOptions{})
	b := newBrowser(t, f, f.Elsewhere())
	b.signIn(formEntry, "alice", "wrong horse", idptest.AlicePassword)
	wantClean(t, f.ClientBugs())
	f = newForm(t, idptest.FormOptions{})
	newBrowser(t, f, f.Elsewhere()).signIn(formEntry, "alice", "wrong horse", "wrong horse")
	wantBug(t, f.ClientBugs(), idptest.BugPasswordRepeated)
}

func TestNewForm(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]idptest.FormOptions{
		"quirk": {Quirks: []idptest.Quirk{"odd"}, Rand: seed(), Now: (&clock{}).Now},
		"fault": {Fault: "odd", Rand: seed(), Now: (&clock{}).Now},
		"clock": {Rand: seed()},
		"rand":  {Now: (&clock{}).Now},
	} {
		if _, err := idptest.NewForm(o); err == nil {
			t.Errorf("%s: NewForm = nil, want an error", name)
		}
	}
	if _, err := idptest.NewForm(idptest.FormOptions{Rand: seed(), Now: (&clock{}).Now}); err != nil {
		t.Error(err)
	}
}

func TestFormConcurrent(t *testing.T) {
	t.Parallel()
	const people = 8
	var users []idptest.User
	for i := range people {
		users = append(users, idptest.User{Name: fmt.Sprint("user", i), Password: idptest.AlicePassword, Roles: idptest.SampleRoles()})
	}
	f := newForm(t, idptest.FormOptions{Users: users, Quirks: []idptest.Quirk{idptest.QuirkTwoStep}})
	rt := idptest.Transport(map[string]http.Handler{host: f})
	t.Run("people", func(t *testing.T) {
		for i := range people {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				wantAssertion(t, browserOver(t, rt).signIn(formEntry, fmt.Sprint("user", i), "wrong", idptest.AlicePassword))
			})
		}
	})
	wantClean(t, f.ClientBugs())
}
