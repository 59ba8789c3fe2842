package adfs

import (
	"context"
	"slices"

	"gatehop/idp"
	"gatehop/idp/form"
)

// methods selects what a page offers besides the form for the password. The id of each is
// the AuthMethod that it stands for.
const methods = "#authOptions .actionLink, #authOptions .optionButton, #primaryOptionsPage .actionLink, #primaryOptionsPage .optionButton"

// isChoice: nothing but links to methods.
func isChoice(p *form.Page, s *form.State) bool {
	if p.FormByID("options") == nil || !p.Has(methods) {
		return false
	}
	_, asks := p.Login()
	return !asks && !isLogin(p, s)
}

// methodNames are short names for methods, in lower case, with the beginnings of the ids
// that they stand for. Different products have ids of their own for one kind of method:
// what is not exact is not in here.
var methodNames = map[string]string{
	"password":    authMethod,
	"forms":       authMethod,
	"certificate": certificateMethod,
	"azure":       "Azure",
	"rsa":         "SecurID",
	"vip":         "VIP",
	"symantec":    "SymantecVip",
	"defender":    "Defender",
	"safenet":     "SafeNet",
	"silverfort":  "Silverfort",
	"privacyidea": "privacyIDEA",
	"duo":         "Duo",
	"passkey":     "Passkey",
}

// methodsOf are the methods that a page offers, each once.
func methodsOf(p *form.Page) []item {
	var items []item
	seen := map[string]bool{}
	for _, n := range p.Find(methods).EachIter() {
		id := n.AttrOr("id", "")
		if frame := id == "" && n.Find("[id]").Length() > 0; !frame && !seen[id] { // of a link
			seen[id] = id != ""
			items = append(items, item{id, n.Text()})
		}
	}
	return items
}

// chooseMethod answers a page that asks for the method: before the sign-in by password
// where nothing else is wished for, after it by the one that is.
func (v *visit) chooseMethod(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	c := choice{field: "mfa", verdict: idp.MethodChoice, words: errorText(p), wish: v.mfa, aliases: methodNames, items: methodsOf(p)}
	if v.factor != "" && w.State.Direct { // in answer to a second factor, it was refused
		e := c.open(w, p, c.items)
		e.Verdict = idp.MFADenied
		return form.Next{}, e
	}
	first := slices.ContainsFunc(c.items, func(it item) bool { return it.id == authMethod })
	switch {
	case first && len(c.wanted()) == 0: // the wish is about a page that comes later
		c.wish, c.usual = "", authMethod
	case len(c.items) == 1:
		c.usual = c.items[0].id
	}
	chosen, err := c.take(ctx, w, p)
	if err != nil {
		return form.Next{}, err
	}
	if v.methods[chosen.id] || chosen.id == "" { // the same question after its answer, or nothing to answer with
		return form.Next{}, c.open(w, p, c.items)
	}
	return v.takeMethod(ctx, w, p, chosen.id)
}

// wishes reports whether a method is the one that is wished for.
func (v *visit) wishes(method string) bool {
	return len(choice{wish: v.mfa, aliases: methodNames, items: []item{{id: method}}}.wanted()) > 0
}

// takeMethod chooses a method, unless it may ring somebody's phone and nobody is there.
func (v *visit) takeMethod(ctx context.Context, w *form.Walk, p *form.Page, id string) (form.Next, error) {
	if of := productOf(id); id != authMethod && id != certificateMethod && len(of.ways) > 0 {
		if err := w.MayApprove(ctx, of.ways...); err != nil {
			return form.Next{}, err
		}
	}
	if err := w.MayAnswer(p, p.FormByID("options"), nil); err != nil {
		return form.Next{}, err
	}
	v.methods[id] = true
	return w.Press(p, p.FormByID("options"), nil, form.Fill{Set: []form.Field{{Name: "AuthMethod", Value: id}}})
}
