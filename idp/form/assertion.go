package form

import (
	"context"
	"errors"
	"slices"

	"gatehop/idp"
	"gatehop/saml"
)

// samlField is the name of the field that carries a response (SAML 2.0 bindings,
// section 3.5.4).
const samlField = "SAMLResponse"

// response is a form that carries a SAML response, what it decodes to or why not.
type response struct {
	form      *Form
	assertion *saml.Assertion
	err       error
}

// response finds the form that carries the assertion: posted, with a value that is not
// empty. Forms with an empty value are decoys; one that cannot be read counts only if
// no other can.
func (p *Page) response() (response, bool) {
	var found response
	for _, f := range p.Forms {
		if f.Method != "post" {
			continue
		}
		for _, c := range f.Controls {
			if c.Name != samlField || c.Disabled || c.Tag != "input" && c.Tag != "textarea" {
				continue
			}
			a, err := saml.Decode(c.Value)
			if err == nil {
				return response{form: f, assertion: a}, true
			}
			if found.form == nil || errors.Is(found.err, &saml.SyntaxError{Problem: saml.Empty}) {
				found = response{form: f, err: err}
			}
		}
	}
	return found, found.form != nil && !errors.Is(found.err, &saml.SyntaxError{Problem: saml.Empty})
}

// unusable reports a page with a response that cannot be taken: none in it, or in a
// form that is not posted. AWS's own page after a sign-in has such a form too.
func (p *Page) unusable() (words string, ok bool) {
	if _, login := p.Login(); login || isAWSPage(p) {
		return "", false
	}
	for _, f := range p.Forms {
		for _, c := range f.Controls {
			switch {
			case c.Name != samlField:
			case f.Method != "post":
				return "read SAML response: its form is not posted", true
			default:
				return (&saml.SyntaxError{Problem: saml.Empty}).Error(), true
			}
		}
	}
	return "", false
}

// takeAssertion is the end of the way: an assertion from a page that may give one,
// addressed to AWS, with something in it for AWS.
func takeAssertion(_ context.Context, w *Walk, p *Page) (Next, error) {
	found, _ := p.response()
	if found.err != nil {
		return Next{}, w.Fail(p, idp.BadAssertion, found.err.Error())
	}
	to, err := found.form.Target(nil)
	if err != nil {
		return Next{}, w.refused(p, err)
	}
	a := found.assertion
	if err := w.Session.Trust.CheckAssertion(p.URL, to.URL, a); err != nil {
		var page *idp.PageError
		switch {
		case !errors.As(err, &page):
			return Next{}, err
		case w.isBroker(p, to) && p.AutoSubmit() == found.form:
			return w.submitHidden(p, found.form)
		}
		return Next{}, w.Fail(p, page.Verdict, page.Words)
	}
	if len(a.Roles) == 0 && !a.Encrypted {
		return Next{}, w.Fail(p, idp.NoRoles, "")
	}
	return Next{Assertion: a}, nil
}

// takeToken passes on an answer in WS-Federation's format that is for another host that
// the person trusts. AWS takes none.
func takeToken(_ context.Context, w *Walk, p *Page) (Next, error) {
	if f := p.AutoSubmit(); f != nil && w.Session.Trust.Has(p.URL) && f.has("wresult") {
		to, err := f.Target(nil)
		if _, aws := saml.SignInPartition(address(to)); err == nil && !aws && to.Method == "POST" && w.isBroker(p, to) {
			return w.submitHidden(p, f)
		}
	}
	return Next{}, w.Fail(p, idp.WSFederation, p.Words())
}

func address(to Target) string {
	if to.URL == nil {
		return ""
	}
	return to.URL.String()
}

// has reports whether the form has a control of that name.
func (f *Form) has(name string) bool {
	return slices.ContainsFunc(f.Controls, func(c *Control) bool { return c.Name == name })
}

// isBroker reports whether a response goes to another host that the person trusts,
// which will answer with one of its own: a provider behind a provider.
func (w *Walk) isBroker(p *Page, to Target) bool {
	return w.Session.Trust.Has(to.URL) && idp.OriginOf(to.URL) != idp.OriginOf(p.URL)
}
