package form

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"gatehop/idp"
	"gatehop/idp/challenge"
)

// stepChallenge is the name of the row for a 401 that is answered.
const stepChallenge = "challenge"

// Challenged is the row for a 401 that c answers; none if it answers nothing.
func Challenged(c challenge.Config) []Step {
	if c.Kind == "" {
		return nil
	}
	return []Step{{
		Name:  stepChallenge,
		Match: func(p *Page, _ *State) bool { return c.Answers(p.offers()) },
		Act:   func(ctx context.Context, w *Walk, p *Page) (Next, error) { return w.answer(ctx, p, c) },
	}}
}

// NoForms is the row that ends a sign-in by c at a page whose form asks for user name or
// password instead, which asks knows: they are not typed there. None if c answers nothing.
func NoForms(c challenge.Config, asks func(p *Page, s *State) bool) []Step {
	if c.Kind == "" {
		return nil
	}
	return []Step{Refuse("form instead", idp.FormInstead, asks, constant(c.Kind.Title()))}
}

// Unanswered are the rows that end a sign-in at a 401 of HTTP authentication.
func Unanswered() []Step {
	return []Step{
		Refuse("integrated", idp.Integrated, on(func(p *Page) bool { return p.Offers("negotiate", "ntlm") }), (*Page).schemes),
		Refuse("basic", idp.BasicAuth, on(func(p *Page) bool { return p.Offers("basic", "digest") }), (*Page).schemes),
	}
}

// offers are the challenges of a 401.
func (p *Page) offers() []challenge.Offer { return challenge.Offers(p.Status, p.Header) }

// Offers reports whether the page is a 401 that offers one of schemes, lower case.
func (p *Page) Offers(schemes ...string) bool {
	for _, o := range p.offers() {
		for _, scheme := range schemes {
			if strings.EqualFold(o.Scheme, scheme) {
				return true
			}
		}
	}
	return false
}

// schemes are those that a 401 offers, as it writes them.
func (p *Page) schemes() string {
	var all []string
	for _, o := range p.offers() {
		all = append(all, o.Scheme)
	}
	return strings.Join(all, ", ")
}

// answered is what became of a 401 that was answered.
type answered struct {
	who    challenge.Who   // as sent last
	at     map[string]bool // addresses, without queries, that were answered
	reused int             // how often it was sent to a 401 further on
	direct bool            // the present page is what an answer itself was answered with
	posted *Submission     // what the present page is the answer to, if that was a form with nothing typed; else nil
}

// maxReused is how often a password that seems to have been taken is sent to a 401 further
// on: a site may be protected in some places. More may be a refusal that does not say so.
const maxReused = 2

// reply is an answer on its way, and whose it is.
type reply struct {
	*challenge.Answer
	who challenge.Who
}

// answer answers a 401 at the configured origin. If it is the answer to an answer, the
// server has refused that: the person is asked for another password, and where there is
// none the verdict is Rejected. A 401 further on gets the same answer as the one before it,
// which was taken; one at an address that was answered before is Unexplained.
func (w *Walk) answer(ctx context.Context, p *Page, c challenge.Config) (Next, error) {
	if err := w.Session.Trust.CheckChallenge(p.URL); err != nil {
		return Next{}, err
	}
	if w.Session.Prompt == nil { // somebody only looks
		return Next{}, &idp.NeedsInputError{Question: idp.Question{Field: string(Password)}}
	}
	place, send := idp.SafeURL(p.URL), Submission{Method: http.MethodGet, URL: p.URL.String()}
	if w.answered.posted != nil {
		send = *w.answered.posted
	}
	refused := w.answered.direct
	if !refused && w.answered.at[place] { // the cookies were lost, or it goes in circles
		return Next{}, w.Fail(p, idp.Unexplained, "")
	}
	if refused && (!c.NeedsPassword() || c.Kind == challenge.Kerberos) {
		return Next{}, w.ticketRefused(p, c)
	}
	if refused {
		w.heard(cmp.Or(p.Words(), p.Title, fmt.Sprintf("HTTP status %d", p.Status)))
	}
	if again := c.NeedsPassword() && !refused && !w.answered.who.Password.IsZero(); again {
		if w.answered.reused++; w.answered.reused > maxReused { // a refusal that leads on looks like this
			refused = true
			w.heard("it asks for user name and password again and again")
		}
	}
	for {
		who, err := w.who(ctx, p, c, refused)
		if err != nil {
			return Next{}, byScheme(err, c)
		}
		a, err := c.Answer(ctx, send.Method, p.URL, p.offers(), who)
		var page *idp.PageError
		if errors.As(err, &page) && page.Verdict == idp.Rejected && c.NeedsPassword() { // by a KDC
			w.heard(page.Words)
			w.State.Passwords++
			refused = true
			continue
		}
		if err != nil {
			return Next{}, err
		}
		w.sent(who, place)
		return Next{Send: send, From: p.URL, reply: &reply{a, who}}, nil
	}
}

// sent counts an answer.
func (w *Walk) sent(who challenge.Who, place string) {
	if w.answered.at == nil {
		w.answered.at = map[string]bool{}
	}
	if w.answered.who.Name != who.Name || !w.answered.who.Password.Equal(who.Password) {
		w.State.Names++
		w.State.Passwords++
		w.answered.reused = 0
	}
	w.answered.at[place], w.answered.who = true, who
}

// who asks for user name and password where c needs them. What was taken before is not
// asked for again.
func (w *Walk) who(ctx context.Context, p *Page, c challenge.Config, refused bool) (challenge.Who, error) {
	if !c.NeedsPassword() {
		return challenge.Who{}, w.MayProve(ctx)
	}
	if !refused && !w.answered.who.Password.IsZero() {
		return w.answered.who, nil
	}
	if w.person.name.IsZero() {
		if err := w.askNewName(ctx, p, "User name", ""); err != nil {
			return challenge.Who{}, err
		}
	}
	password, err := w.askPassword(ctx, p, "Password")
	return challenge.Who{Name: w.person.name.Reveal(), Password: password}, err
}

// ticketRefused is the verdict over an answer that no password was in.
func (w *Walk) ticketRefused(p *Page, c challenge.Config) error {
	if err := challenge.KerberosRefusal(p.URL.Host, p.offers()); err != nil {
		return err
	}
	e := w.Fail(p, idp.TicketRefused, p.Words())
	e.Scheme = c.Kind.Title()
	return e
}

// byScheme says of a refusal that it was HTTP authentication's: the encoding of the page
// that it came with is not that of the password.
func byScheme(err error, c challenge.Config) error {
	var page *idp.PageError
	if !errors.As(err, &page) || page.Verdict != idp.Rejected {
		return err
	}
	e := *page
	e.Scheme, e.Charset = c.Kind.Title(), ""
	return &e
}
