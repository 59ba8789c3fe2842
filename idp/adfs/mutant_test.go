package adfs_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

// mutants are walkers that break one rule each. What the tests of this package look at
// must notice every one of them.
var mutants = []struct {
	name  string
	o     idptest.Options
	right string // the password that is typed
	login func(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error)
	rule  string // beginning of the client bug that gives it away
	posts int    // passwords that it sends
}{
	{"as it should be", idptest.Options{}, idptest.AlicePassword, careful, "", 1},
	{"merges the fields of all forms", idptest.Options{}, idptest.AlicePassword, merging, "5:", 1},
	{"posts the password again by itself", idptest.Options{}, "wrong one", careless, "1:", 2},
	{"follows a foreign action", idptest.Options{Fault: idptest.FaultForeignAction}, idptest.AlicePassword, careless, "3:", 0},
	{"sends the password by GET", idptest.Options{Fault: idptest.FaultGetForm}, idptest.AlicePassword, careless, "2:", 0},
	{"fills in the change of the password", idptest.Options{Users: []idptest.User{expired()}, UpdatePasswordEndpoint: true}, idptest.AlicePassword, careless, "9:", 1},
	{"ticks the box", idptest.Options{}, idptest.AlicePassword, ticking, "7:", 1},
	{"goes by the entry's address", idptest.Options{}, idptest.AlicePassword, astray, "16:", 0},
	{"as it should be in 2019", idptest.Options{Flavour: "2019"}, idptest.AlicePassword, careful, "", 1},
	{"merges the AuthMethods of 2019", idptest.Options{Flavour: "2019"}, idptest.AlicePassword, merging, "5:", 1},
	{"merges the user names of 2019", idptest.Options{Flavour: "2019"}, idptest.AlicePassword, merging, "6:", 1},
	{"takes the method as the page has it", native, idptest.AlicePassword, careless, "5:", 1},
	{"leaves the hidden user name empty", native, idptest.AlicePassword, nameless, "21:", 1},
	{"the same in steps", steps, idptest.AlicePassword, nameless, "21:", 1},
	{"posts the form of the methods", idptest.Options{Flavour: "2019"}, idptest.AlicePassword, elsewhere, "16:", 0},
	{"the same on a paginated page", native, idptest.AlicePassword, elsewhere, "16:", 0},
	{"sends the password with the user name", steps, idptest.AlicePassword, hasty, "16:", 1},
	{"as it should be in 2.0", in20(idptest.Options{}), idptest.AlicePassword, careful, "", 1},
	{"as it should be in 2.1, by hand", in20(idptest.Options{Asp4: true}), idptest.AlicePassword, pressing("", ""), "", 1},
	{"leaves the button of 2.0 out", in20(idptest.Options{}), idptest.AlicePassword, careless, "16:", 1},
	{"leaves the + of 2.0 as it is", in20(idptest.Options{}), idptest.AlicePassword, pressing("%2B", "+"), "18:", 1},
	{"trims the state of 2.0", in20(idptest.Options{}), idptest.AlicePassword, pressing("%3D&", "&"), "18:", 1},
	{"sends a state of 2.0 of its own", in20(idptest.Options{}), idptest.AlicePassword, pressing("%2FwEPDw", "%2FwEPDx"), "18:", 1},
	{"leaves the number of 2.0 out", in20(idptest.Options{}), idptest.AlicePassword, pressing("&__db=15", ""), "18:", 1},
	{"adds the method of 3.0", in20(idptest.Options{}), idptest.AlicePassword, pressing("&__db=", "&AuthMethod=FormsAuthentication&__db="), "16:", 1},
	{"posts the password again by itself in 2.0", in20(idptest.Options{}), "wrong one", pressing("", ""), "1:", 2},
	{"follows a foreign action of 2.0", in20(idptest.Options{Fault: idptest.FaultForeignAction}), idptest.AlicePassword, pressing("", ""), "3:", 0},
	{"sends the password by GET in 2.0", in20(idptest.Options{Fault: idptest.FaultGetForm}), idptest.AlicePassword, pressing("", ""), "2:", 0},
}

var (
	native = idptest.Options{Flavour: "2019", Paginated: idptest.PaginatedNative}
	steps  = idptest.Options{Flavour: "2019", Paginated: idptest.PaginatedSteps}
)

func expired() idptest.User {
	u := idptest.Alice()
	u.State = idptest.UserExpired
	return u
}

// filled is the form that holds a password field, filled in.
func filled(p *form.Page, password string) (*form.Form, form.Fill) {
	for _, f := range p.Forms {
		fill := form.Fill{Values: map[*form.Control]secret.Text{}}
		for _, c := range f.Controls {
			switch {
			case c.Name == "UserName", strings.HasSuffix(c.Name, "$UsernameTextBox"):
				fill.Values[c] = secret.New(alice)
			case c.Type == "password":
				fill.Values[c] = secret.New(password)
			}
		}
		if len(fill.Values) > 1 {
			return f, fill
		}
	}
	return nil, form.Fill{}
}

func careful(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	l, _ := p.Login()
	return w.SignIn(ctx, p, l, p.Words())
}

// typed asks for the password once and remembers it for the next time.
func typed(ctx context.Context, w *form.Walk) string {
	answer, err := w.Session.Prompt.Ask(ctx, idp.Question{Field: "password"})
	if err != nil {
		return "wrong one"
	}
	return answer.Reveal()
}

// careless checks nothing: neither where the form goes nor whether it was refused.
func careless(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	f, fill := filled(p, typed(ctx, w))
	if f == nil || w.State.Acted["login"] > 2 {
		return form.Next{}, w.Fail(p, idp.Unknown, "")
	}
	send, err := f.Submit(nil, fill)
	return form.Next{Send: send, From: p.URL}, err
}

// pressing is careless but for the button, and changes what is sent.
func pressing(old, with string) func(context.Context, *form.Walk, *form.Page) (form.Next, error) {
	return func(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
		f, fill := filled(p, typed(ctx, w))
		if f == nil || w.State.Acted["login"] > 2 {
			return form.Next{}, w.Fail(p, idp.Unknown, "")
		}
		send, err := f.Submit(f.Button(), fill)
		if old != "" {
			send.Body = secret.New(strings.ReplaceAll(send.Body.Reveal(), old, with))
		}
		return form.Next{Send: send, From: p.URL}, err
	}
}

func merging(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	next, err := careless(ctx, w, p)
	if err != nil {
		return next, err
	}
	rest, err := p.FormByID("options").Submit(nil, form.Fill{})
	next.Send.Body = secret.New(next.Send.Body.Reveal() + "&" + rest.Body.Reveal())
	return next, err
}

func ticking(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	for _, f := range p.Forms {
		for _, c := range f.Controls {
			if c.Type == "checkbox" {
				c.Checked = true
			}
		}
	}
	return careless(ctx, w, p)
}

func astray(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	next, err := careless(ctx, w, p)
	next.Send.Body = secret.New(strings.Replace(next.Send.Body.Reveal(), "AuthMethod=", "submit=submit&AuthMethod=", 1))
	return next, err
}

// nameless fills in what is shown, which the user name beside a password need not be.
func nameless(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	set := []form.Field{{Name: "AuthMethod", Value: "FormsAuthentication"}}
	if f := p.FormByID("loginForm"); f != nil {
		fill := form.Fill{Values: map[*form.Control]secret.Text{}, Set: set}
		for _, c := range f.Controls {
			if c.Type == "password" {
				fill.Values[c] = secret.New(typed(ctx, w))
			}
		}
		send, err := f.Submit(nil, fill)
		return form.Next{Send: send, From: p.URL}, err
	}
	return named(w, p)
}

// named posts the form for the user name alone, with more fields if any are given.
func named(w *form.Walk, p *form.Page, more ...form.Field) (form.Next, error) {
	f := p.FormByID("loginFormPaginated")
	if f == nil || w.State.Acted["login"] > 2 {
		return form.Next{}, w.Fail(p, idp.Unknown, "")
	}
	send, err := f.Submit(nil, form.Fill{Set: append([]form.Field{{Name: "UserName", Value: alice}}, more...)})
	return form.Next{Send: send, From: p.URL}, err
}

func hasty(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	return named(w, p, form.Field{Name: "Password", Value: typed(ctx, w)}, form.Field{Name: "AuthMethod", Value: "FormsAuthentication"})
}

func elsewhere(_ context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	f := p.FormByID("options")
	if f == nil || w.State.Acted["login"] > 1 {
		return form.Next{}, w.Fail(p, idp.Unknown, "")
	}
	send, err := f.Submit(nil, form.Fill{Set: []form.Field{{Name: "UserName", Value: alice}, {Name: "AuthMethod", Value: "FormsAuthentication"}}})
	return form.Next{Send: send, From: p.URL}, err
}

// TestMutants: the simulator's list of client bugs, which every test here reads, is
// empty for a correct walker and names the rule that a mutant breaks.
func TestMutants(t *testing.T) {
	t.Parallel()
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, m.o, person(alice, m.right))
			text, err := adfs.EntryURL(host, "")
			if err != nil {
				t.Fatal(err)
			}
			entry, err := url.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			step := form.Step{
				Name: "login", Act: m.login,
				Match: func(p *form.Page, _ *form.State) bool {
					f, _ := filled(p, "")
					return f != nil || p.FormByID("loginFormPaginated") != nil
				},
			}
			// A mutant does not ask the client for its protection either.
			r.session.HTTP = &http.Client{
				Jar:       idp.NewJar(clock),
				Transport: idptest.Transport(map[string]http.Handler{host: r.p, idptest.AnyHost: r.p.Elsewhere()}),
			}
			w := &form.Walk{Session: r.session, Entry: entry, Steps: slices.Concat(form.Ends(), []form.Step{step}, form.Steps())}
			_, err = w.Run(t.Context())
			found := slices.ContainsFunc(r.p.ClientBugs(), func(b string) bool { return strings.HasPrefix(b, m.rule) })
			if m.rule == "" && (err != nil || len(r.p.ClientBugs()) > 0) || m.rule != "" && !found {
				t.Errorf("Run = %v, client bugs %q, want rule %q", err, r.p.ClientBugs(), m.rule)
			}
			if got := r.p.Stats().Logins; m.posts > 0 && got < m.posts {
				t.Errorf("%d passwords were sent, want at least %d", got, m.posts)
			}
		})
	}
}
