package adfs

import (
	"context"
	"slices"
	"strings"

	"gatehop/idp"
	"gatehop/idp/form"
)

// steps are AD FS's pages in the order in which they are told apart, between the
// generic rows: an assertion comes before everything, and a page that is none of AD
// FS's may still be a form that can be answered.
func steps(v *visit) []form.Step {
	return slices.Concat(
		[]form.Step{
			{Name: "refused entry", Match: func(*form.Page, *form.State) bool { return v.refused != nil }, Act: v.reportRefused},
		},
		form.Challenged(v.auth),
		form.Unanswered(),
		form.Ends(),
		form.Walls(),
		pages(v),
		pages20(v),
		withoutForms(v),
		form.Ways(),
	)
}

func none(*form.Page) string { return "" }

// authMethod is the value of AuthMethod that stands for user name and password.
const authMethod = "FormsAuthentication"

func pages(v *visit) []form.Step {
	return slices.Concat(errorPages(v), byCertificate(v), []form.Step{
		form.Refuse("expired", idp.PasswordExpired, isExpired, errorText),
		form.Refuse("unexplained", idp.Unexplained, isUnexplained, none),
		{Name: "login", Match: v.byForms(isLogin), Act: signIn},
		{Name: "user name", Match: v.mayName, Act: sendName},
		{Name: homeRealm, Match: has("form#hrd"), Act: v.chooseRealm},
		{Name: "relying parties", Match: has(partyList), Act: reportParties},
		{Name: "method choice", Match: isChoice, Act: v.chooseMethod},
		form.Refuse("certificate", idp.Certificate, isCertificate, none),
	})
}

func errorPages(v *visit) []form.Step {
	return []form.Step{
		form.Refuse("update password", idp.PasswordExpired, isUpdatePassword, func(p *form.Page) string {
			return p.VisibleText("#expiredNotification")
		}),
		{Name: "certificate error", Match: v.isCertificateError, Act: reportCertificate},
		{Name: "error", Match: isError, Act: v.reportError},
		form.Refuse("enrolment", idp.Enrolment, has(enrolmentLinks), func(p *form.Page) string { return p.VisibleText("#mfaGreetingDescription") }),
		{Name: "refused second factor", Match: v.isRefused, Act: v.reportRefusal},
		{Name: "second factor", Match: isFactor, Act: v.answerFactor},
		form.Refuse("duo", idp.NeedsBrowser, has("#duo_form"), func(*form.Page) string { return "Duo" }),
	}
}

func has(selector string) func(*form.Page, *form.State) bool {
	return func(p *form.Page, _ *form.State) bool { return p.Has(selector) }
}

// isUpdatePassword knows the page for choosing a new password by its address and its
// parts. It is never filled in.
func isUpdatePassword(p *form.Page, _ *form.State) bool {
	return strings.HasPrefix(strings.ToLower(p.URL.Path), "/adfs/portal/updatepassword") ||
		p.Has("#updatePasswordForm, #updatePasswordArea") || p.VisibleText("#expiredNotification") != ""
}

// login finds the form for the password. The forms of a page are never merged: #options
// holds an empty AuthMethod, and from 2019 a UserName that is empty too. Beside the
// password of a paginated page UserName is hidden and empty, and is filled in all the
// same.
func login(p *form.Page) (form.Login, bool) {
	l := fields(p, "loginForm")
	return l, l.Password != nil
}

// nameForm finds the form for the user name: the first of a paginated sign-in. Where the
// form for the password stands on the same page, that one takes both.
func nameForm(p *form.Page) (form.Login, bool) {
	l := fields(p, "loginFormPaginated")
	return l, l.User != nil
}

// fields are those of the first form of that id.
func fields(p *form.Page, id string) form.Login {
	l := form.Login{Form: p.FormByID(id)}
	if l.Form == nil {
		return l
	}
	for _, c := range l.Form.Controls {
		switch {
		case c.Disabled:
		case c.Name == "UserName" && c.ReadOnly:
			l.Fixed = c
		case c.Name == "UserName":
			l.User = c
		case c.Name == "Password":
			l.Password = c
		}
	}
	return l
}

func isLogin(p *form.Page, _ *form.State) bool {
	_, ok := login(p)
	return ok
}

func isName(p *form.Page, _ *form.State) bool {
	_, ok := nameForm(p)
	return ok
}

// asks reports whether the page is one of those that ask for user name or password.
func asks(p *form.Page, s *form.State) bool { return isLogin(p, s) || isName(p, s) }

// errorTexts are the elements for what AD FS says about the last answer, one for each
// block of a paginated page.
var errorTexts = []string{"#errorText", "#errorTextPassword", "#errorTextOption"}

// errorText is what AD FS says about the last answer. The rest of the page holds the
// same sentences in scripts even if there is no error. A script shows the blocks of a
// paginated page one at a time: what is in one that is hidden counts as well.
func errorText(p *form.Page) string {
	for _, id := range errorTexts {
		if text := p.VisibleText(id); text != "" {
			return text
		}
	}
	for _, block := range []string{"#passwordPage ", "#usernamePage ", "#primaryOptionsPage "} {
		for _, id := range errorTexts {
			if text := p.Text(block + id); text != "" {
				return text
			}
		}
	}
	return ""
}

// expiredPrefix begins the English text for an expired password. Other languages
// cannot be told from a refusal, and are shown as they are.
const expiredPrefix = "Your password has expired"

func isExpired(p *form.Page, s *form.State) bool {
	return asks(p, s) && strings.HasPrefix(errorText(p), expiredPrefix)
}

// isUnexplained: AD FS explains every refusal of a password. Without a word it lost
// the cookies or did not take the method, and another password would not help.
func isUnexplained(p *form.Page, s *form.State) bool {
	return s.Passwords > 0 && !s.Heard && asks(p, s) && errorText(p) == ""
}

func signIn(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	l, _ := login(p)
	return w.SignIn(ctx, p, l, errorText(p), form.Field{Name: "AuthMethod", Value: authMethod})
}

func sendName(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	l, _ := nameForm(p)
	return w.SignIn(ctx, p, l, errorText(p))
}
