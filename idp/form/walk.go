package form

import (
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/saml"
)

// The limits of one sign-in.
const (
	maxRequests = 20 // redirects included
	maxVisits   = 5  // of one address, what a person answered anew not counted
	maxHops     = 10 // pages that go on by themselves
	maxAnswers  = 3  // of the person to one question
	maxTime     = 300 * time.Second
)

// Step is one row of a step table: what a kind of page looks like and what to do on it.
type Step struct {
	Name  string // for the log: "login", "expired"
	Match func(p *Page, s *State) bool
	// Act returns the way on: a request or the assertion, or the verdict as an error.
	Act func(ctx context.Context, w *Walk, p *Page) (Next, error)
}

// State is what has happened so far in a sign-in.
type State struct {
	Pages     int  // seen so far, the present one included
	Hops      int  // pages that went on by themselves
	Names     int  // user names sent
	Passwords int  // passwords sent
	Codes     int  // one-time codes sent
	Typed     bool // the present page is the answer to something typed
	Cookie    bool // the present page or a redirect before it set a cookie
	Direct    bool // no redirect led to the present page: it answers the last request itself
	Restarts  int  // how often the sign-in was begun again from the entry
	Known     bool // the sign-in began with cookies of an earlier one
	Heard     bool // the provider has said something since the last password or code
	// Acted counts by their names the steps that were acted on, the present one
	// included once it has been chosen.
	Acted map[string]int
}

// Next is the way on from a page.
type Next struct {
	Send      Submission
	From      *url.URL // the page that sends it; nil for the entry
	Typed     bool     // Send carries what the person typed
	Page      *Page    // has been fetched already: there is nothing to send
	Assertion *saml.Assertion

	poll  bool   // Send asks again whether something has happened: it counts for nothing
	reply *reply // to a 401; nil for none
}

// Walk is one sign-in: pages are fetched, matched against the steps in order, and
// acted upon until there is an assertion or an error. A Walk is used once, by one
// goroutine.
type Walk struct {
	Session *idp.Session
	Entry   *url.URL
	Steps   []Step // tried in order on every page
	// UserName completes what the person gave as user name, or refuses it before
	// anything is sent; nil leaves it as it is.
	UserName func(name string) (string, error)
	// Address corrects how an address is written before it is asked for, redirects
	// included, and leaves its origin; nil leaves it as it is.
	Address func(u *url.URL)
	State   State // set by Run

	client   *http.Client
	log      *slog.Logger
	budget   *budget
	requests int
	visits   map[string]int
	seen     map[[sha256.Size]byte]bool // page and answer
	secrets  []secret.Text
	person   person
	waits    int  // for the person on another device
	rang     bool // a button was pressed that reaches them there
	answered answered
}

// Run walks from the entry to the assertion.
func (w *Walk) Run(ctx context.Context) (*saml.Assertion, error) {
	ctx, w.budget = newBudget(ctx, maxTime)
	defer w.budget.stop()
	w.log = w.Session.Log
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	w.visits, w.seen = map[string]int{}, map[[sha256.Size]byte]bool{}
	jar := w.Session.HTTP.Jar
	w.State = State{Acted: map[string]int{}, Known: jar != nil && len(jar.Cookies(w.Entry)) > 0}
	w.client = w.counting(w.Session.HTTP)
	next := w.Restart()
	for next.Assertion == nil {
		p, err := next.Page, error(nil)
		if p == nil {
			p, err = w.fetch(ctx, next)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			next, err = w.act(ctx, p)
		}
		if err != nil {
			return nil, w.cleaned(w.timed(ctx, err))
		}
	}
	return next.Assertion, nil
}

// act runs the first step that matches and makes sure that it leads somewhere new.
func (w *Walk) act(ctx context.Context, p *Page) (Next, error) {
	i := slices.IndexFunc(w.Steps, func(s Step) bool { return s.Match(p, &w.State) })
	if i < 0 {
		return Next{}, w.Fail(p, idp.Unknown, "")
	}
	w.log.LogAttrs(ctx, slog.LevelDebug, "page", slog.String("step", w.Steps[i].Name),
		slog.String("host", p.URL.Host), slog.Int("status", p.Status))
	w.State.Acted[w.Steps[i].Name]++
	next, err := w.Steps[i].Act(ctx, w, p)
	if err != nil || next.Assertion != nil || next.Page != nil {
		return next, err
	}
	if err := w.mayPassOn(p, next); err != nil {
		return Next{}, err
	}
	h := sha256.New()
	h.Write(p.sum[:])
	parts := []string{p.URL.String(), next.Send.Method, next.Send.URL, next.Send.Body.Reveal()}
	if next.reply != nil {
		parts = append(parts, next.reply.who.Name, next.reply.who.Password.Reveal())
	}
	for _, part := range parts {
		h.Write([]byte(part + "\x00"))
	}
	if key := [sha256.Size]byte(h.Sum(nil)); !w.seen[key] {
		w.seen[key] = true
		return next, nil
	}
	return Next{}, w.Fail(p, idp.SignInLoop, "") // the same page after the same answer
}

// mayPassOn refuses to hand what was typed to a host that is not trusted when a page
// repeats it in a form of its own or in an address to go on to. Answers of a few
// characters are in too many texts to be looked for.
func (w *Walk) mayPassOn(p *Page, n Next) error {
	to, err := url.Parse(n.Send.URL)
	if err != nil || w.Session.Trust.Has(to) {
		return nil
	}
	if w.repeats(n.Send.URL + "\n" + n.Send.Body.Reveal()) {
		return w.Session.Trust.CheckSubmit(p.URL, to)
	}
	return nil
}

// wholeOnly is the length below which an answer is looked for as a whole value only:
// fewer characters are in too many texts.
const wholeOnly = 6

// repeats reports whether text, a body or an address, holds what was typed.
func (w *Walk) repeats(text string) bool {
	read := readings(text)
	var values []string
	for _, r := range read {
		values = append(values, strings.FieldsFunc(r, func(c rune) bool { return strings.ContainsRune("/?#&=;\n", c) })...)
	}
	for _, s := range w.secrets {
		for _, typed := range readings(s.Reveal()) {
			holds := func(text string) bool { return strings.Contains(text, typed) }
			if typed != "" && slices.Contains(values, typed) || len(typed) >= wholeOnly && slices.ContainsFunc(read, holds) {
				return true
			}
		}
	}
	return false
}

// readings are a text as it stands and without the escapes of forms; what is no escape
// stays.
func readings(text string) []string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '+' {
			c = ' '
		}
		if c == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) {
			n, _ := strconv.ParseUint(text[i+1:i+3], 16, 8)
			c = byte(n)
			i += 2
		}
		b.WriteByte(c)
	}
	return []string{text, b.String()}
}

// Get goes on to another page.
func (w *Walk) Get(p *Page, u *url.URL) Next {
	return Next{Send: Submission{Method: http.MethodGet, URL: u.String()}, From: p.URL}
}

// Restart goes to the entry.
func (w *Walk) Restart() Next {
	return Next{Send: Submission{Method: http.MethodGet, URL: w.Entry.String()}}
}

// Hop is Get for a page that goes on by itself; the error is SignInLoop when too many
// have.
func (w *Walk) Hop(p *Page, u *url.URL) (Next, error) {
	w.State.Hops++
	if w.State.Hops > maxHops {
		return Next{}, w.Fail(p, idp.SignInLoop, "")
	}
	return w.Get(p, u), nil
}

// counting is the client with the limits of a sign-in on its redirects.
func (w *Walk) counting(c *http.Client) *http.Client {
	limited := *c
	limited.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		w.correct(req.URL)
		if req.Context().Value(pollKey{}) == nil {
			if err := w.count(req, false); err != nil {
				return err
			}
		}
		if !w.Session.Trust.Has(req.URL) && w.repeats(req.URL.String()) {
			return w.Session.Trust.CheckSubmit(via[len(via)-1].URL, req.URL)
		}
		if c.CheckRedirect != nil {
			return c.CheckRedirect(req, via)
		}
		return nil
	}
	return &limited
}

func (w *Walk) correct(u *url.URL) {
	if w.Address != nil {
		w.Address(u)
	}
}

// count refuses the request that is one too many.
func (w *Walk) count(req *http.Request, typed bool) error {
	w.requests++
	address := req.Method + " " + req.URL.String()
	if !typed {
		w.visits[address]++
	}
	if w.requests > maxRequests || w.visits[address] > maxVisits {
		return w.fail(req.URL, idp.SignInLoop)
	}
	return nil
}

func (w *Walk) fetch(ctx context.Context, n Next) (*Page, error) {
	if n.Typed || n.poll { // a request on a phone is sent once, as an answer is
		ctx = idp.WithTyped(ctx)
	}
	if n.poll {
		ctx = context.WithValue(ctx, pollKey{}, true)
	}
	ctx = idp.WithSecrets(ctx, slices.Clone(w.secrets))
	var body io.Reader
	if n.Send.Method != http.MethodGet {
		body = strings.NewReader(n.Send.Body.Reveal())
	}
	req, err := http.NewRequestWithContext(ctx, n.Send.Method, n.Send.URL, body)
	if err != nil {
		return nil, w.fail(w.Entry, idp.UnreadableForm)
	}
	w.correct(req.URL)
	if body != nil {
		req.Header.Set("Content-Type", n.Send.ContentType)
		req.Header.Set("Origin", originHeader(n.From))
	}
	if n.From != nil && idp.OriginOf(n.From) == idp.OriginOf(req.URL) {
		req.Header.Set("Referer", idp.SafeURL(n.From))
	}
	resp, err := w.send(req, n)
	if err != nil {
		return nil, err
	}
	text, err := idp.ReadPage(resp)
	if err != nil {
		return nil, err
	}
	p, err := Parse(Response{URL: resp.Request.URL, Status: resp.StatusCode, Header: resp.Header, Body: text})
	if err != nil {
		return nil, err
	}
	w.State.Pages++
	w.State.Typed, w.State.Cookie, w.State.Direct = n.Typed || n.reply != nil, setsCookie(resp), resp.Request.Response == nil
	return p, nil
}

// send makes one request, or those of the answer to a 401.
func (w *Walk) send(req *http.Request, n Next) (*http.Response, error) {
	w.answered.direct, w.answered.posted = false, nil
	resp, err := w.roundTrip(req, n)
	if err == nil && resp.Request.Response == nil { // no redirect
		w.answered.direct = n.reply != nil
		if n.Send.Method != http.MethodGet && !n.Typed && !n.poll {
			w.answered.posted = &n.Send
		}
	}
	return resp, err
}

func (w *Walk) roundTrip(req *http.Request, n Next) (*http.Response, error) {
	if n.reply != nil {
		return n.reply.Do(w.client, req, func(req *http.Request) error { return w.count(req, true) })
	}
	if !n.poll {
		if err := w.count(req, n.Typed); err != nil {
			return nil, err
		}
	}
	resp, err := w.client.Do(req)
	return resp, idp.NetError(err)
}

// originHeader is the Origin header of a form posted by a page.
func originHeader(from *url.URL) string {
	if from == nil {
		return "null"
	}
	return from.Scheme + "://" + from.Host
}

// setsCookie reports whether the answer, or a redirect before it, set a cookie.
func setsCookie(resp *http.Response) bool {
	for ; resp != nil; resp = resp.Request.Response {
		if len(resp.Header["Set-Cookie"]) > 0 {
			return true
		}
		if resp.Request == nil {
			break
		}
	}
	return false
}
