package form

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gatehop/idp"
)

// Look goes the way of Run up to the first page that asks something, and answers
// nothing: no secret can be sent. The page is the last one that was reached, nil if none
// was; the error says why nothing is asked there, a verdict of Run's kind.
//
// A provider that signs in without a question is no error.
func (w *Walk) Look(ctx context.Context) (*Page, error) {
	var last *Page
	silent := *w.Session
	silent.Prompt = nil
	look := &Walk{Session: &silent, Entry: w.Entry, Address: w.Address}
	for _, s := range w.Steps {
		look.Steps = append(look.Steps, Step{s.Name, s.Match, func(ctx context.Context, w *Walk, p *Page) (Next, error) {
			last = p
			return s.Act(ctx, w, p)
		}})
	}
	_, err := look.Run(ctx)
	var asks *idp.NeedsInputError
	if errors.As(err, &asks) {
		return last, nil
	}
	return last, err
}

// Look looks at the page that a sign-in by forms begins with.
func Look(ctx context.Context, s *idp.Session, c Config) (*Page, error) {
	opened, err := New(c)
	if err != nil {
		return nil, err
	}
	return opened.(adapter).walk(s).Look(ctx)
}

// Signs says what shows that the page asks for user name or password in a form that can
// be answered; nil if nothing does.
func Signs(p *Page) []string {
	l, ok := p.Login()
	if !ok {
		return nil
	}
	name := "a form"
	switch {
	case l.Form.ID != "":
		name = "form#" + idp.CleanWords(l.Form.ID)
	case l.Form.Name != "":
		name = "form " + idp.CleanWords(l.Form.Name)
	}
	signs := []string{name}
	for _, c := range slices.DeleteFunc([]*Control{l.User, l.Fixed, l.Password, l.Code}, func(c *Control) bool { return c == nil }) {
		signs = append(signs, fmt.Sprintf("field %s", idp.CleanWords(c.Name)))
	}
	return signs
}
