package adfs

import (
	"context"
	"strings"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/form"
)

// pages20 are the pages of AD FS 2.0 and 2.1: ASP.NET Web Forms. Companies edit them, and
// the ids changed with ASP.NET 4, but the names of controls keep their ends. Each page has
// one form around all of it, whose hidden fields hold its state and go back as they are.
func pages20(v *visit) []form.Step {
	return []form.Step{
		form.Refuse("page state refused", idp.StateLost, isStateRefused, func(p *form.Page) string { return p.VisibleText("h2") }),
		form.Refuse("unexplained 2.0", idp.Unexplained, isUnexplained20, none),
		{Name: "login 2.0", Match: v.byForms(isLogin20), Act: signIn20},
		{Name: homeRealm20, Match: isRealms20, Act: v.chooseRealm20},
		{Name: "error 2.0", Match: isError20, Act: v.reportError20},
	}
}

// isStateRefused knows ASP.NET's error page by the names of what it is about, which no
// language translates: the state of the page was of another server, or too old.
func isStateRefused(p *form.Page, _ *form.State) bool {
	if p.Status < 500 {
		return false
	}
	text := strings.ToLower(p.Title + " " + p.Text("body"))
	return strings.Contains(text, "viewstate") || strings.Contains(text, "eventvalidation")
}

// login20 finds the form for user name and password. Its button must be sent, or ASP.NET
// shows the page again, and need not be the first one of a page that a company edited.
func login20(p *form.Page) (form.Login, bool) {
	for _, f := range p.Forms {
		l := form.Login{Form: f}
		for _, c := range f.Controls {
			switch {
			case c.Disabled:
			case strings.HasSuffix(c.Name, "$UsernameTextBox") && c.ReadOnly:
				l.Fixed = c
			case strings.HasSuffix(c.Name, "$UsernameTextBox"):
				l.User = c
			case strings.HasSuffix(c.Name, "$PasswordTextBox"):
				l.Password = c
			case strings.HasSuffix(c.Name, "$SubmitButton") && c.IsButton():
				l.Button = c
			}
		}
		if l.Password != nil {
			return l, true
		}
	}
	return form.Login{}, false
}

func isLogin20(p *form.Page, _ *form.State) bool {
	_, ok := login20(p)
	return ok
}

// errorText20 is what AD FS says about the last answer: the same whatever is wrong with the
// account. The element is there only then.
func errorText20(p *form.Page) string { return p.VisibleText(`[id$="ErrorTextLabel"]`) }

// isUnexplained20 is isUnexplained for these pages, of which each asks for everything.
func isUnexplained20(p *form.Page, s *form.State) bool {
	return s.Passwords > 0 && isLogin20(p, s) && errorText20(p) == ""
}

func signIn20(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	l, _ := login20(p)
	return w.SignIn(ctx, p, l, errorText20(p))
}

// homeRealm20 is the name of the step that chooses, which it does once.
const homeRealm20 = "home realm 2.0"

// realms20 is the page that asks which organisation a person belongs to.
type realms20 struct {
	list   *form.Control // its Options are the organisations: Value the id, Text the name
	form   *form.Form
	button *form.Control
}

func findRealms20(p *form.Page) (realms20, bool) {
	for _, f := range p.Forms {
		for _, c := range f.Controls {
			if strings.HasSuffix(c.Name, "$PassiveIdentityProvidersDropDownList") && c.Tag == "select" && !c.Disabled {
				return realms20{c, f, f.Button()}, true
			}
		}
	}
	return realms20{}, false
}

// own finds AD FS's own directory among the organisations: by its name, or by the
// identifier that the server has for others.
func (r realms20) own(p *form.Page) (id string, ok bool) {
	for _, o := range r.list.Options {
		if isOwnDirectory(o.Value, p.URL.Hostname()) {
			return o.Value, true
		}
	}
	return "", false
}

// choose answers the page with the organisation of that id.
func (r realms20) choose(w *form.Walk, p *form.Page, id string) (form.Next, error) {
	return w.Press(p, r.form, r.button, form.Fill{Values: map[*form.Control]secret.Text{r.list: secret.New(id)}})
}

func isRealms20(p *form.Page, _ *form.State) bool {
	_, ok := findRealms20(p)
	return ok
}

func (v *visit) chooseRealm20(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	r, _ := findRealms20(p)
	own, _ := r.own(p)
	var realms []item
	for _, o := range r.list.Options {
		realms = append(realms, item{o.Value, o.Text})
	}
	chosen, err := v.organisation(ctx, w, p, homeRealm20, own, realms)
	if err != nil {
		return form.Next{}, err
	}
	return r.choose(w, p, chosen.id)
}

// referenceForm is the number to ask the administrator about: a GUID.
var referenceForm = lazily(`\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b`)

// isError20 knows the error page, which has no element of its own: it asks nothing, goes
// nowhere, and shows a reference number, in whatever words.
func isError20(p *form.Page, _ *form.State) bool {
	if !strings.Contains(strings.ToLower(p.URL.Path), "/adfs/ls") || p.Refresh != nil || p.ScriptLocation() != nil || p.AutoSubmit() != nil {
		return false
	}
	for _, f := range p.Forms {
		for _, c := range f.Controls {
			if c.Type != "hidden" {
				return false
			}
		}
	}
	return referenceForm().MatchString(p.VisibleText("body"))
}

// reportError20 tells the errors apart by number, where the server is set up to show it,
// and by when they come.
func (v *visit) reportError20(_ context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	text := p.VisibleText("body")
	verdict, known := numbers[numberForm().FindString(text)]
	switch {
	case known:
	case signedIn(w, p):
		verdict = idp.NotPermitted
	default:
		verdict = idp.ProviderError
	}
	if v.forgetLoop(w, p, verdict, known) {
		return w.Restart(), nil
	}
	e := w.Fail(p, verdict, firstSentence(p))
	e.Activity = w.Clean(referenceForm().FindString(text))
	if verdict == idp.ProviderError && w.State.Pages == 1 && relyingParty(w.Entry) != "" {
		return v.askBare(w, p, e), nil // 2.0 has no switch for its entry: it may be about the party
	}
	return form.Next{}, e
}

// firstSentence is the first text of the page that is longer than a title.
func firstSentence(p *form.Page) string {
	for _, n := range p.Find("body *").EachIter() {
		if text := n.Text(); len(strings.Fields(text)) > 4 && n.Children().Not("br, b, i, span, a").Length() == 0 {
			return text
		}
	}
	return p.VisibleText("body")
}
