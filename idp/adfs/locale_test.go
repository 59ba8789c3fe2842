package adfs_test

import (
	"errors"
	"strings"
	"testing"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
)

// TestLocale has T21: a server that shows its own language whatever is asked for. Whole
// sign-ins end as they do in English, and its words are shown as they are.
func TestLocale(t *testing.T) {
	t.Parallel()
	all := append(versions(), version{name: "2.0", flavour: "2.0", more: -1})
	for _, lang := range []string{"de", "nl"} {
		for _, v := range all {
			t.Run(lang+" "+v.name, func(t *testing.T) {
				t.Parallel()
				testLocale(t, lang, v)
			})
		}
	}
}

// outcome is what is compared between languages.
type outcome struct {
	verdict       idp.Verdict
	logins, asked int
	number        bool
}

func testLocale(t *testing.T, lang string, v version) {
	text, english := idptest.TextIn(lang), idptest.TextIn("en")
	user := func(change func(*idptest.User)) []idptest.User {
		u := idptest.Alice()
		change(&u)
		return []idptest.User{u}
	}
	is := func(state idptest.UserState) []idptest.User { return user(func(u *idptest.User) { u.State = state }) }
	wrongText, expiredText := text.WrongPassword, text.Expired
	if v.flavour == "2.0" {
		wrongText, expiredText = "", "" // words of its own
	}
	for _, c := range []struct {
		name     string
		o        idptest.Options
		c        adfs.Config
		password string
		words    string
		only     string // the flavour that has it; "" for all, "-2.0" for all but one
		differs  bool   // the one text that is known, in English
	}{
		{name: "signed in"},
		{name: "keep me signed in offered", o: idptest.Options{Kmsi: true}, only: "-2.0"},
		{name: "a wrong password", password: "wrong one", words: wrongText},
		{name: "locked", o: idptest.Options{Users: is(idptest.UserLocked)}, words: wrongText},
		{name: "expired", o: idptest.Options{Users: is(idptest.UserExpired)}, words: expiredText, only: "-2.0", differs: true},
		{name: "to be changed", o: idptest.Options{Users: is(idptest.UserMustChange), UpdatePasswordEndpoint: true}, words: text.MustUpdate, only: "-2.0"},
		{name: "not permitted", o: idptest.Options{Users: is(idptest.UserNotPermitted)}, only: "-2.0", words: text.NotPermitted},
		{name: "no roles", o: idptest.Options{Users: is(idptest.UserNoRoles)}},
		{name: "a wrong code", o: idptest.Options{Users: user(func(u *idptest.User) { u.MFA = true })}, only: "-2.0", words: text.WrongAnswer},
		{name: "the entry switched off", o: idptest.Options{IdPInitiatedDisabled: true}, only: "-2.0", words: text.ErrorMessage},
		{name: "another party", c: adfs.Config{RelyingParty: "urn:x"}, words: "urn:x"},
		{name: "the method to be chosen", o: idptest.Options{MethodChoice: true}, only: "-2.0"},
		{name: "the organisation to be chosen", o: idptest.Options{ClaimsProviders: []string{"urn:a", "urn:b"}}},
		{name: "the organisation is known", o: idptest.Options{ClaimsProviders: []string{"urn:a", idptest.LocalAuthority}}},
		{name: "cookies lost", o: idptest.Options{DropCookies: true}},
	} {
		if c.only == "-"+v.flavour {
			continue
		}
		if c.password == "" {
			c.password = idptest.AlicePassword
		}
		run := func(locale string) (outcome, string) {
			o := v.of(c.o)
			o.Locale = locale
			script := person(alice, c.password)
			script["otp"] = []string{"000000", idptest.NoAnswer}
			r := newRig(t, o, script)
			_, err := r.login(t, c.c)
			for _, bug := range r.p.ClientBugs() {
				t.Errorf("%s: client bug: %s", c.name, bug)
			}
			got := outcome{logins: r.p.Stats().Logins, asked: len(r.answers.Questions())}
			if err == nil {
				return got, ""
			}
			page := wantVerdict(t, err, verdictOf(err))
			got.verdict, got.number = page.Verdict, page.Activity != ""
			return got, page.Words
		}
		want, _ := run("")
		got, words := run(lang)
		if c.differs { // the control: text that is matched makes a difference here
			if want.verdict != idp.PasswordExpired || got.verdict != idp.Rejected {
				t.Errorf("%s: %q in English and %q here, want expired and a refusal in the server's words", c.name, want.verdict, got.verdict)
			}
		} else if got != want {
			t.Errorf("%s: %+v, in English %+v", c.name, got, want)
		}
		if c.words != "" && words != c.words {
			t.Errorf("%s: Words = %q, want %q as served", c.name, words, c.words)
		}
		if strings.Contains(words, english.WrongPassword) {
			t.Errorf("%s: Words = %q, which is English", c.name, words)
		}
	}
}

func verdictOf(err error) idp.Verdict {
	for _, row := range idp.Catalogue() {
		if errors.Is(err, &idp.PageError{Verdict: row.Verdict}) {
			return row.Verdict
		}
	}
	return "none"
}
