package adfs

import (
	"context"
	"slices"
	"strings"

	"gatehop/idp"
	"gatehop/idp/form"
)

// product is one that asks for a second factor.
type product struct {
	prefix string   // of its AuthMethod: one server calls AzureMfaServerAuthentication2020 what another does not
	name   string   // as people call it
	ways   []string // what may come once it is chosen: idp.ByPhone, idp.ByCode; nil: nothing that rings
	blocks bool     // its server answers when the person has
	script bool     // where there is nothing to type, only a browser's script goes on
}

// products are the second factors that are known (idp-pages.md 3.5), the longer of two
// prefixes first. What their pages ask is read off the pages, and not off this table.
var products = []product{
	{prefix: "AzureMfaServerAuthentication", name: "Azure MFA Server", ways: phone, blocks: true},
	{prefix: "WindowsAzureMultiFactorAuthentication", name: "Azure MFA Server", ways: phone, blocks: true},
	{prefix: "AzureMfaAuthentication", name: "Azure MFA", ways: phoneOrCode},
	{prefix: "AzurePrimaryAuthentication", name: "Azure MFA", ways: phoneOrCode},
	{prefix: selfPosting, name: "RSA SecurID", ways: phoneOrCode, script: true},
	{prefix: "SecurIDAuthentication", name: "RSA SecurID", ways: phoneOrCode, script: true},
	{prefix: "VIPAuthenticationProvider", name: "Symantec VIP", ways: phoneOrCode, script: true},
	{prefix: "SymantecVipAdapter", name: "Symantec VIP", ways: phoneOrCode, script: true},
	{prefix: "Defender", name: "Quest Defender"},
	{prefix: "SafeNet", name: "SafeNet", ways: phoneOrCode},
	{prefix: silverfort, name: "Silverfort", ways: phone, blocks: true},
	{prefix: "privacyIDEA", name: "privacyIDEA", ways: phoneOrCode, script: true},
	{prefix: "Duo", name: "Duo", script: true},
	{prefix: "Passkey", name: "passkey", script: true},
}

const (
	silverfort = "SilverfortAdfs"
	// selfPosting is RSA's second version, whose page is empty until its script posts it.
	selfPosting = "SecurIDv2Authentication"
)

var (
	phone       = []string{idp.ByPhone}
	phoneOrCode = []string{idp.ByCode, idp.ByPhone}
)

// productOf finds the product of an AuthMethod. Of one that is not known anything may come.
func productOf(method string) product {
	i := slices.IndexFunc(products, func(p product) bool { return strings.HasPrefix(method, p.prefix) })
	if i < 0 {
		return product{name: method, ways: phoneOrCode}
	}
	return products[i]
}

// called is the product of a page as a verdict has it. Duo's is known by its forms too.
func called(p *form.Page, f *factor) string {
	name := productOf(f.method).name
	if p.Has(duoForms) {
		name = "Duo"
	}
	if name == f.method || f.method == "" {
		return name
	}
	return name + " (" + f.method + ")"
}

// factor is the form of a second factor: one with a Context and no password. Its id is that
// of the sign-in form as often as not.
type factor struct {
	form   *form.Form
	method string          // its AuthMethod
	asks   []*form.Control // what is to be typed
	more   bool            // something else is to be filled in, or one of several buttons pressed
}

func factorOf(p *form.Page) *factor {
	if f := p.FormByID("adfs_form"); f != nil { // Duo's, on the way to its own page
		return &factor{form: f, method: p.Find(`[name="adfs_auth_method"]`).AttrOr("value", "DuoAdfsAdapter")}
	}
	for _, f := range p.Forms {
		found, context, buttons := factor{form: f}, false, 0
		for _, c := range f.Controls {
			switch {
			case c.Name == "Password":
				return nil
			case c.Name == "Context" || c.Name == "context":
				context = true
			case c.Name == "AuthMethod" || c.Name == "authMethod":
				found.method = c.Value
			case isTypedInto(c):
				found.asks = append(found.asks, c)
			case c.IsButton() && !c.Disabled:
				buttons++
			case isFilledIn(c):
				found.more = true
			}
		}
		found.more = found.more || buttons > 1
		if context {
			return &found
		}
	}
	return nil
}

// isTypedInto: a line of text that the page shows.
func isTypedInto(c *form.Control) bool {
	return slices.Contains([]string{"text", "password", "tel", "number"}, c.Type) && !c.Hidden && !c.Disabled && !c.ReadOnly
}

// isFilledIn: what a person would set besides lines of text. A box that is not ticked needs
// nothing.
func isFilledIn(c *form.Control) bool {
	return slices.Contains([]string{"select-one", "select-multiple", "radio", "textarea", "search", "email", "url", "file"}, c.Type) && !c.Hidden && !c.Disabled && !c.ReadOnly
}

func isFactor(p *form.Page, _ *form.State) bool { return factorOf(p) != nil }

// answerFactor answers the page of a second factor by what it asks: a code, an approval, or
// what only a browser can give.
func (v *visit) answerFactor(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	f := factorOf(p)
	of := productOf(f.method)
	v.factor = f.method
	if to := (choice{wish: v.mfa, aliases: methodNames, items: v.otherMethods(p)}).wanted(); len(to) == 1 && !v.wishes(f.method) && p.FormByID("options") != nil {
		return v.takeMethod(ctx, w, p, to[0].id)
	}
	switch {
	case needsBrowser(p) || of.script && len(f.asks) == 0 && of.prefix != selfPosting:
		return form.Next{}, v.refuseFactor(w, p, idp.NeedsBrowser, called(p, f))
	case isNewPIN(f):
		return form.Next{}, v.refuseFactor(w, p, idp.NeedsBrowser, called(p, f)+", which asks for a new PIN")
	case len(f.asks) == 0 && of.prefix == selfPosting:
		return v.begin(ctx, w, p, f)
	case len(serverOptions(p)) > 0:
		return v.chooseServerOption(ctx, w, p, f)
	case len(f.asks) == 0 && !f.more:
		return v.awaitFactor(ctx, w, p, of)
	case code(f) == nil:
		return form.Next{}, v.refuseFactor(w, p, idp.SecondFactor, called(p, f))
	}
	return v.sendCode(ctx, w, p, f)
}

// refuseFactor names what else the page offers.
func (v *visit) refuseFactor(w *form.Walk, p *form.Page, verdict idp.Verdict, words string) error {
	e := w.Fail(p, verdict, words)
	e.Options = namesOf(w, v.otherMethods(p))
	return e
}

// otherMethods are the methods that the page of a second factor offers in its place.
func (v *visit) otherMethods(p *form.Page) []item {
	return slices.DeleteFunc(methodsOf(p), func(it item) bool { return it.id == "" || it.id == v.factor || v.methods[it.id] })
}

// needsBrowser knows what no form can answer, whoever calls it what.
func needsBrowser(p *form.Page) bool {
	return p.Has(duoForms + `, [name="assertionResponse"], [data-passkey-options]`)
}

const duoForms = `#duo_form, form#adfs_form, [name="sig_request"], [name="duo_sig_request"]`

// isNewPIN: a new PIN is typed twice, and no code ever is.
func isNewPIN(f *factor) bool {
	n := 0
	for _, c := range f.asks {
		if c.Type == "password" {
			n++
		}
	}
	return n > 1
}

// begin posts what RSA's script would where nothing is known about the browser.
func (v *visit) begin(ctx context.Context, w *form.Walk, p *form.Page, f *factor) (form.Next, error) {
	if v.begun {
		return form.Next{}, v.refuseFactor(w, p, idp.NeedsBrowser, called(p, f))
	}
	if err := w.MayApprove(ctx, phoneOrCode...); err != nil {
		return form.Next{}, err
	}
	if err := w.MayAnswer(p, f.form, nil); err != nil {
		return form.Next{}, err
	}
	v.begun = true
	set := []form.Field{{Name: "InitStatus", Value: "true"}}
	for _, name := range []string{"latitude", "longitude", "geoLocationCollTimestamp", "rsa_risk_fp"} {
		set = append(set, form.Field{Name: name})
	}
	return w.Press(p, f.form, nil, form.Fill{Set: set})
}

// code is the field for the code, nil if that cannot be told. In RSA's next-token mode the
// first code stands beside it.
func code(f *factor) *form.Control {
	if len(f.asks) == 0 {
		return nil
	}
	if len(f.asks) == 1 {
		return f.asks[0]
	}
	i := slices.IndexFunc(f.asks, func(c *form.Control) bool { return c.Name == nextCode })
	if i < 0 || slices.ContainsFunc(f.asks, func(c *form.Control) bool { return c.Name != nextCode && c.Value == "" }) {
		return nil
	}
	return f.asks[i]
}

const nextCode = "NextCode"

// sendCode asks for the code in the page's own words and posts it.
func (v *visit) sendCode(ctx context.Context, w *form.Walk, p *form.Page, f *factor) (form.Next, error) {
	c := code(f)
	if c.Name == nextCode && c.Label == "" {
		c.Label = "The next code of the token, once it has changed"
	}
	for _, place := range []string{"#instructions", "#mfaGreetingDescription"} {
		if c.Label == "" {
			c.Label = p.VisibleText(place)
		}
	}
	if c.Label == "" {
		c.Label = "Code of " + productOf(f.method).name
	}
	words := errorText(p)
	if words == "" { // privacyIDEA has a place of its own
		words = p.VisibleText("#pageIntroductionText")
	}
	return w.SignCode(ctx, p, form.Login{Form: f.form, Code: c}, words)
}

// awaitFactor waits until the person has answered on another device. What the page says is
// wrong is the end of it: posting it once more would send another request.
func (v *visit) awaitFactor(ctx context.Context, w *form.Walk, p *form.Page, of product) (form.Next, error) {
	if words := errorText(p); words != "" {
		return form.Next{}, w.Fail(p, idp.MFADenied, words)
	}
	return w.Await(ctx, p, form.Pending{Blocks: of.blocks, Say: approve, Form: func(p *form.Page) *form.Form {
		f := factorOf(p)
		if f == nil || f.method != v.factor || len(f.asks) > 0 || f.more || errorText(p) != "" || v.refusedIn(p).text != "" || needsBrowser(p) || len(serverOptions(p)) > 0 {
			return nil
		}
		return f.form
	}})
}

// approve is what the person is to do. The number is not cut off a long text. sense is what
// it comes to, without the seconds that a page may count.
func approve(p *form.Page) (text, sense string) {
	text = p.VisibleText("#instructions")
	if text == "" {
		text = p.VisibleText("#Progress")
	}
	if text == "" {
		text = "approve the sign-in on your phone"
	}
	sense = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, text)
	if number := p.VisibleText("#validEntropyNumber"); number != "" {
		text, sense = "type "+number+" in the app on your phone: "+text, number+" "+sense
	}
	return text, sense
}

// serverOptions are the ways that Azure MFA Server offers, by what its script posts:
// verificationOption0 to verificationOption3.
func serverOptions(p *form.Page) []item {
	var items []item
	for _, n := range p.Find(`[id^="verificationOption"]`).EachIter() {
		id := n.AttrOr("id", "")
		if number := strings.TrimPrefix(id, "verificationOption"); number != "" && strings.Trim(number, "0123456789") == "" {
			items = append(items, item{id, n.Text()})
		}
	}
	return items
}

// chooseServerOption chooses one of them.
func (v *visit) chooseServerOption(ctx context.Context, w *form.Walk, p *form.Page, f *factor) (form.Next, error) {
	c := choice{field: "mfa", verdict: idp.MethodChoice, words: errorText(p), wish: v.mfa, aliases: methodNames, items: serverOptions(p)}
	chosen, err := c.take(ctx, w, p)
	if err == nil {
		err = w.MayApprove(ctx, phoneOrCode...) // a call is made when the next page is posted
	}
	if err == nil {
		err = w.MayAnswer(p, f.form, nil)
	}
	if err != nil {
		return form.Next{}, err
	}
	if v.methods[chosen.id] || chosen.id == "" {
		return form.Next{}, c.open(w, p, c.items)
	}
	v.methods[chosen.id] = true
	return w.Press(p, f.form, nil, form.Fill{Set: []form.Field{{Name: "__EVENTTARGET", Value: chosen.id}}})
}

// isRefused knows the answers of products that have no form: text in the page (idp-pages.md
// 3.5), which is English everywhere.
func (v *visit) isRefused(p *form.Page, s *form.State) bool {
	return s.Direct && v.refusedIn(p).text != ""
}

type refusal struct {
	text    string
	verdict idp.Verdict
}

func (v *visit) refusedIn(p *form.Page) refusal {
	if !strings.HasPrefix(v.factor, silverfort) {
		return refusal{}
	}
	text := p.Text("body")
	for _, r := range []refusal{{"Not authorized", idp.MFADenied}, {"MFA request expired", idp.MFATimeout}} {
		if strings.Contains(text, r.text) {
			return r
		}
	}
	return refusal{}
}

func (v *visit) reportRefusal(_ context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	r := v.refusedIn(p)
	return form.Next{}, w.Fail(p, r.verdict, r.text)
}
