package form

import (
	"context"
	"slices"

	"gatehop/idp"
)

// Steps are the rows for pages of any provider, in three parts that an adapter may put
// rows of its own between: what a response is whatever the provider (Ends), what no
// provider is answered without its person (Walls), and the way on (Ways). Some row of
// Ways matches every page.
func Steps() []Step { return slices.Concat(Ends(), Walls(), Ways()) }

// Refuse is a row that ends the sign-in with a verdict. words may be nil: then the
// page's own words about what is wrong are in the verdict.
func Refuse(name string, v idp.Verdict, match func(p *Page, s *State) bool, words func(p *Page) string) Step {
	if words == nil {
		words = (*Page).Words
	}
	return Step{name, match, func(_ context.Context, w *Walk, p *Page) (Next, error) {
		return Next{}, w.Fail(p, v, words(p))
	}}
}

// on makes a Match of a property of the page alone.
func on(match func(p *Page) bool) func(*Page, *State) bool {
	return func(p *Page, _ *State) bool { return match(p) }
}

// Ends are the rows for an assertion, for answers in another protocol, and for
// requests that never reached the provider.
func Ends() []Step {
	return []Step{
		{"assertion", on(func(p *Page) bool { _, ok := p.response(); return ok }), takeAssertion},
		{"ws-federation", on(func(p *Page) bool {
			return p.Has(`input[name="wresult"]:not([value=""]), textarea[name="wresult"]`)
		}), takeToken},
		Refuse("no response", idp.BadAssertion, on(func(p *Page) bool { _, ok := p.unusable(); return ok }), func(p *Page) string {
			words, _ := p.unusable()
			return words
		}),
		{"cookies", on(isTooLong), dropCookies},
	}
}

// dropCookies forgets the cookies that have grown too large, and begins again, once and
// not after a password, which would have to be sent again.
func dropCookies(_ context.Context, w *Walk, p *Page) (Next, error) {
	if !w.DropCookies(p) || w.State.Passwords > 0 || w.State.Acted["cookies"] > 1 || w.waits > 0 {
		return Next{}, w.Fail(p, idp.CookiesTooLarge, "")
	}
	return w.Restart(), nil
}

// DropCookies forgets the cookies of the page's origin that have one of names, all of them
// if there are no names, and reports whether this session's jar can.
func (w *Walk) DropCookies(p *Page, names ...string) bool {
	jar, ok := w.Session.HTTP.Jar.(interface {
		Drop(o idp.Origin, names ...string)
	})
	if ok {
		jar.Drop(idp.OriginOf(p.URL), names...)
	}
	return ok
}

// Walls are the rows for pages that look like a way on and are none.
func Walls() []Step {
	return slices.Concat(
		[]Step{
			Refuse("firewall", idp.Firewall, on(func(p *Page) bool { return !p.goesOn() && isFirewall(p) }), constant("")),
			{"session lost", on(isLost), restart},
		},
		detectorSteps(lookAlikes, func(*Page) bool { return true }),
	)
}

// Ways are the rows for sign-in forms and for pages that go on by themselves, and last
// those for what is neither.
func Ways() []Step {
	return slices.Concat(
		[]Step{
			{"sign-in", on(func(p *Page) bool { _, ok := p.Login(); return ok }), signIn},
			{"code", func(p *Page, s *State) bool { _, ok := p.codeForm(); return ok && (s.Passwords > 0 || s.Known) }, signCode},
			{"auto-submit", on(func(p *Page) bool { return p.AutoSubmit() != nil }), autoSubmit},
		},
		detectorSteps(strangers, func(*Page) bool { return true }),
		[]Step{
			{"refresh", on(func(p *Page) bool { return p.refreshes() }), refresh},
			{"script location", on(func(p *Page) bool { return p.ScriptLocation() != nil }), func(_ context.Context, w *Walk, p *Page) (Next, error) {
				return w.Hop(p, p.ScriptLocation())
			}},
			{"only choice", on(func(p *Page) bool { f, _ := p.onlyChoice(); return f != nil }), takeOnlyChoice},
			{"again with the cookie", func(p *Page, s *State) bool {
				return s.Typed && s.Cookie && s.Restarts == 0 && p.Status < 400 && len(p.Forms) == 0
			}, restart},
		},
		dead(),
	)
}

// dead are the rows for pages with no way on.
func dead() []Step {
	status := func(codes ...int) func(*Page, *State) bool {
		return on(func(p *Page) bool { return slices.Contains(codes, p.Status) })
	}
	return append(Unanswered(),
		Refuse("not found", idp.NotFound, status(404, 410), constant("")),
		Refuse("unavailable", idp.Unavailable, status(502, 503, 504), constant("")),
		Refuse("not html", idp.NotHTML, on(func(p *Page) bool { return !p.IsHTML }), func(p *Page) string { return p.Media }),
		Step{"product", on(func(p *Page) bool {
			_, ok := p.scriptProduct()
			return ok && !slices.ContainsFunc(p.Forms, (*Form).asks)
		}), scriptOnly},
		Step{"scripts", on((*Page).needsScripts), scriptOnly},
		Refuse("unknown", idp.Unknown, on(func(*Page) bool { return true }), func(p *Page) string {
			if words := p.Words(); words != "" {
				return words
			}
			return p.labels()
		}),
	)
}

// goesOn reports whether the page has a way on of its own.
func (p *Page) goesOn() bool {
	_, login := p.Login()
	return login || p.AutoSubmit() != nil
}

func signIn(ctx context.Context, w *Walk, p *Page) (Next, error) {
	l, _ := p.Login()
	return w.SignIn(ctx, p, l, p.Words())
}

func signCode(ctx context.Context, w *Walk, p *Page) (Next, error) {
	l, _ := p.codeForm()
	return w.SignCode(ctx, p, l, p.Words())
}

// codeForm finds a form that asks for a one-time code and nothing else.
func (p *Page) codeForm() (Login, bool) {
	for _, f := range p.Forms {
		i := slices.IndexFunc(f.Controls, func(c *Control) bool {
			return c.Role() == Code && !c.Hidden && !c.Disabled && !c.ReadOnly
		})
		if i >= 0 && !f.isSearch() && !f.asksMore(f.Controls[i]) {
			return Login{Form: f, Code: f.Controls[i]}, true
		}
	}
	return Login{}, false
}

func autoSubmit(_ context.Context, w *Walk, p *Page) (Next, error) {
	return w.submitHidden(p, p.AutoSubmit())
}

// submitHidden submits a form as a script would, without a button.
func (w *Walk) submitHidden(p *Page, f *Form) (Next, error) { return w.Press(p, f, nil, Fill{}) }

// Press submits a form that carries nothing typed, and counts as a page that goes on
// by itself.
func (w *Walk) Press(p *Page, f *Form, button *Control, fill Fill) (Next, error) {
	send, err := f.Submit(button, fill)
	if err != nil {
		return Next{}, w.refused(p, err)
	}
	next, err := w.Hop(p, p.URL)
	next.Send = send
	return next, err
}

// refreshes reports whether the page is only on the way to another.
func (p *Page) refreshes() bool { return p.Refresh != nil && p.Refresh.Delay <= maxDelay }

func refresh(ctx context.Context, w *Walk, p *Page) (Next, error) {
	if err := wait(ctx, p.Refresh.Delay); err != nil {
		return Next{}, err
	}
	return w.Hop(p, p.Refresh.URL)
}

// onlyChoice finds the form of a page that asks nothing and leaves a single button to
// press: a choice among one. Buttons that agree to something have been met before.
func (p *Page) onlyChoice() (*Form, *Control) {
	var (
		form   *Form
		button *Control
		count  int
	)
	for _, f := range p.Forms {
		if f.isSearch() {
			continue
		}
		if f.asks() {
			return nil, nil
		}
		for _, c := range f.Controls {
			if c.IsButton() && !c.Disabled && !c.leads() {
				form, button = f, c
				count++
			}
		}
	}
	if count != 1 {
		return nil, nil
	}
	return form, button
}

// takeOnlyChoice presses it, what rings once and only if somebody is there.
func takeOnlyChoice(ctx context.Context, w *Walk, p *Page) (Next, error) {
	f, button := p.onlyChoice()
	if button.rings() {
		if w.rang {
			return Next{}, w.Fail(p, idp.Unknown, p.Words())
		}
		if err := w.MayApprove(ctx, idp.ByPhone); err != nil {
			return Next{}, err
		}
		w.rang = true
	}
	return w.Press(p, f, button, Fill{})
}

// restart begins again from the entry, once, and not after a request on a phone, which would
// be sent again.
func restart(_ context.Context, w *Walk, p *Page) (Next, error) {
	if w.State.Restarts > 0 || w.waits > 0 {
		return Next{}, w.Fail(p, idp.StateLost, p.Words())
	}
	w.State.Restarts++
	return w.Restart(), nil
}

func scriptOnly(_ context.Context, w *Walk, p *Page) (Next, error) {
	name, _ := p.scriptProduct()
	return Next{}, w.Fail(p, idp.ScriptOnly, name)
}
