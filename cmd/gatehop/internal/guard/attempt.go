package guard

import (
	"context"
	"errors"
	"slices"
	"time"

	"gatehop/creds/secret"
	"gatehop/idp"
)

// recordLimit is how long the lock may take to be had, and then each thing that is
// written down of a verdict, also after the command was interrupted.
const recordLimit = 5 * time.Second

// Source gives a secret without asking anybody.
type Source struct {
	Field string // of the question: "password", "otp"
	Name  string // as a person knows it: "GATEHOP_PASSWORD"
	// Get is called once per sign-in at most. idp.ErrNoAnswer passes on to the next
	// source; any other error ends the asking.
	Get func(ctx context.Context) (secret.Text, error)
}

// Attempt is one sign-in under guard: an idp.Prompter over sources that ask nobody,
// then a person. It is used by one goroutine, once, and ended by Done.
//
// A secret of a source that was refused before is not given out; one that is given out
// holds the lock of the key until the verdict over it is known, so that no other process
// sends it meanwhile. The person is never held up, at most told.
type Attempt struct {
	Guard   *Guard
	Origin  string
	User    string // who signs in, if that is known before the first question
	Fixed   idp.Prompter
	Sources []Source
	Person  idp.Prompter
	// Attended says that Person has a person, who is told why sources are passed over.
	Attended bool
	// Approves says that somebody is there who answers requests on a phone, whether or not
	// anything can be asked of them here.
	Approves bool
	// Login says that they have just asked for a sign-in, and for what comes of it.
	Login bool

	used    []bool        // by source
	given   []given       // without a verdict so far
	refused []secret.Text // in this attempt, of sources
	looked  bool          // whether an earlier refusal forbids everything
	lockout *LockoutError
	coded   bool  // a source has given something else than a password
	rings   bool  // the provider rings a phone
	proved  bool  // a ticket or a certificate was shown
	denied  bool  // the last request on it
	agreed  bool  // the person lets another request be sent after one that was denied
	passed  error // why the last source was passed over; nil if none was
	told    bool
	unlock  func()
}

// given is a secret on its way.
type given struct {
	field  string
	text   secret.Text
	person bool
}

// Ask answers as idp.FirstOf does: what is fixed, the sources in order, the person. If
// sources were passed over and nobody answers a first question, the error says why: a
// *RefusedError or a *LockoutError.
func (a *Attempt) Ask(ctx context.Context, q idp.Question) (secret.Text, error) {
	switch q.Field {
	case idp.Approval:
		return a.approve(ctx, q)
	case idp.Proof:
		return a.prove(ctx)
	}
	if q.Public || len(q.Options) > 0 {
		answer, err := idp.FirstOf(a.Fixed, a.Person).Ask(ctx, q)
		if err == nil && q.Field == "username" {
			a.named(answer.Reveal())
		}
		return answer, err
	}
	if q.Retry != "" { // a code that is asked for again says nothing about the password before it
		a.judge(ctx, false, func(g given) bool { return q.Field == "password" || g.field == q.Field })
	}
	for i, s := range a.Sources {
		if s.Field != q.Field || a.isUsed(i) {
			continue
		}
		answer, err := a.from(ctx, s)
		if errors.Is(err, idp.ErrNoAnswer) {
			continue
		}
		return answer, err
	}
	a.release()
	return a.person(ctx, q)
}

// approve answers, without asking anybody, what somebody is there for: the person for what
// comes on a phone, a program for codes. That a phone rings is written down at once: whoever
// kills gatehop then does not keep the next run from knowing.
func (a *Attempt) approve(ctx context.Context, q idp.Question) (secret.Text, error) {
	if !a.rings && !slices.Contains(q.Options, idp.ByCode) { // for sure
		a.rings = true
		a.needsHuman(ctx)
	}
	switch {
	case a.Approves && slices.Contains(q.Options, idp.ByPhone):
		return secret.New(idp.ByPhone), nil
	case a.hasCodes() && slices.Contains(q.Options, idp.ByCode):
		return secret.New(idp.ByCode), nil
	}
	return secret.Text{}, idp.ErrNoAnswer
}

// Tell passes on to the person.
func (a *Attempt) Tell(ctx context.Context, message string) { a.Person.Tell(ctx, message) }

// named notes who signs in.
func (a *Attempt) named(user string) {
	if Key(a.Origin, user) != a.key() {
		a.release()
		a.looked, a.lockout = false, nil
	}
	a.User = user
}

func (a *Attempt) isUsed(i int) bool {
	if a.used == nil {
		a.used = make([]bool, len(a.Sources))
	}
	was := a.used[i]
	a.used[i] = true
	return was
}

// from gives out a source's secret unless it, or everything, was refused before.
// Nothing is asked of a source while everything is.
func (a *Attempt) from(ctx context.Context, s Source) (secret.Text, error) {
	if err := a.lock(ctx); err != nil {
		return secret.Text{}, err
	}
	g, key, now := a.Guard, a.key(), a.Guard.Now()
	e := g.load(ctx, key)
	if !a.looked {
		g.settle(ctx, key, &e, now)
		a.lockout, a.looked = e.blocked(now), true
	}
	e.times = nil // those of this attempt: here secrets can be told apart
	if now := e.blocked(now); now != nil {
		a.lockout = now
	}
	if s.Field == "password" {
		if err := a.human(e); err != nil {
			a.passed = err
			return secret.Text{}, idp.ErrNoAnswer
		}
		if err := a.agree(ctx, e); err != nil {
			return secret.Text{}, err
		}
	}
	if a.lockout != nil || len(a.refused) >= maxRefusals {
		if a.lockout != nil {
			a.passed = a.lockout
		}
		return secret.Text{}, idp.ErrNoAnswer
	}
	answer, err := s.Get(ctx)
	if err != nil || answer.IsZero() {
		if err == nil {
			err = idp.ErrNoAnswer
		}
		return secret.Text{}, err
	}
	if i, ok := e.find(answer); ok {
		a.passed = &RefusedError{What: what(s.Field), Source: s.Name, At: e.Refused[i].At, Now: now, Mute: e.Refused[i].Mute}
		return secret.Text{}, idp.ErrNoAnswer
	}
	if slices.ContainsFunc(a.refused, answer.Equal) {
		return secret.Text{}, idp.ErrNoAnswer
	}
	a.given = append(a.given, given{field: s.Field, text: answer})
	a.coded = a.coded || s.Field != "password"
	return answer, nil
}

// human says why nothing may be sent that makes the provider ask for what comes after it, nil
// if it may. It is a *HumanError.
func (a *Attempt) human(e entry) error {
	if a.Attended || a.Approves || e.Human.IsZero() || !e.Rings && a.hasCodes() {
		return nil
	}
	return &HumanError{At: e.Human, Now: a.Guard.Now()}
}

// agree asks the person before another request is sent to their phone after one that was
// denied or not answered, unless this sign-in was their word. Who types a password in it
// gives that too.
func (a *Attempt) agree(ctx context.Context, e entry) error {
	if !e.Denied || a.Login || a.agreed {
		return nil
	}
	answer, err := a.Person.Ask(ctx, idp.Question{Field: "confirm", Public: true, Options: []string{"no", "yes"},
		Label: "The last request on your phone was denied or not answered. Send another one?"})
	var needs *idp.NeedsInputError
	switch {
	case err == nil && answer.Reveal() == "yes":
		a.agreed = true
		return nil
	case err != nil && !errors.Is(err, idp.ErrNoAnswer) && !errors.As(err, &needs):
		return err
	}
	return &HumanError{At: e.Human, Now: a.Guard.Now()}
}

// prove lets a ticket or a certificate be shown unless what follows it needs a person.
func (a *Attempt) prove(ctx context.Context) (secret.Text, error) {
	e := a.Guard.load(ctx, a.key())
	err := a.human(e)
	if err == nil {
		err = a.agree(ctx, e)
	}
	if err != nil {
		return secret.Text{}, err
	}
	a.proved = true
	return secret.New(idp.Yes), nil
}

// what a field holds, as people say it.
func what(field string) string {
	if field == "otp" {
		return "code"
	}
	return field
}

// person asks the person, who may send anything.
func (a *Attempt) person(ctx context.Context, q idp.Question) (secret.Text, error) {
	if a.passed != nil && a.Attended && !a.told {
		a.told = true
		a.Person.Tell(ctx, a.passed.Error())
	}
	answer, err := a.Person.Ask(ctx, q)
	var needs *idp.NeedsInputError
	if a.passed != nil && q.Retry == "" && (errors.Is(err, idp.ErrNoAnswer) || errors.As(err, &needs)) {
		return secret.Text{}, a.passed
	}
	if err != nil {
		return secret.Text{}, err
	}
	e := a.Guard.load(ctx, a.key())
	if i, ok := e.find(answer); ok && a.Attended {
		now := a.Guard.Now()
		a.Person.Tell(ctx, "this one was refused "+when(e.Refused[i].At, now)+", too")
	}
	a.given = append(a.given, given{field: q.Field, text: answer, person: true})
	return answer, nil
}

// Done records the verdict in the sign-in's outcome over what was given out last, and
// frees the lock. Only what judges a secret counts: success, or the provider's refusal
// of user, password or code; a network that failed, a page that was not understood and a
// command that was interrupted say nothing.
func (a *Attempt) Done(ctx context.Context, err error) {
	defer func() {
		if a.rings { // whatever came of it: a password makes it ring
			a.needsHuman(ctx)
		}
		a.given = nil
		a.release()
	}()
	var page *idp.PageError
	var needs *idp.NeedsInputError
	if a.rings && errors.As(err, &page) && (page.Verdict == idp.MFADenied || page.Verdict == idp.MFATimeout) {
		a.denied = true
	}
	switch {
	case err == nil:
		a.accept(ctx)
	case errors.As(err, &needs):
		if NeedsHuman(err) && !a.coded {
			a.needsHuman(ctx)
		}
	case !errors.As(err, &page):
	case NeedsHuman(page) && !a.coded: // a code that comes from a program needs no person
		a.needsHuman(ctx)
	case page.Verdict == idp.MFADenied:
		a.judge(ctx, false, func(g given) bool { return g.field != "password" })
	case page.Verdict == idp.Rejected, page.Verdict == idp.Unexplained, page.Verdict == idp.PasswordExpired:
		a.judge(ctx, page.Verdict == idp.Unexplained, func(given) bool { return true })
	}
}

// humanVerdicts are what only a person can go on from: some of it rings a phone.
var humanVerdicts = []idp.Verdict{
	idp.SecondFactor, idp.NeedsBrowser, idp.Enrolment, idp.MFADenied, idp.MFATimeout, idp.Captcha, idp.Consent,
}

// NeedsHuman reports whether err is a page that only a person can go on from, or a question
// for what comes after the password.
func NeedsHuman(err error) bool {
	var page *idp.PageError
	var needs *idp.NeedsInputError
	if errors.As(err, &needs) {
		return isCode(needs.Question.Field)
	}
	return errors.As(err, &page) && slices.Contains(humanVerdicts, page.Verdict)
}

// isCode reports whether a question is for more than who somebody is.
func isCode(field string) bool { return field == "otp" || field == idp.Approval }

// hasCodes reports whether a program answers what comes after the password.
func (a *Attempt) hasCodes() bool {
	return slices.ContainsFunc(a.Sources, func(s Source) bool { return isCode(s.Field) })
}

// judge records that those of the secrets on their way that which picks were refused, with
// or without a word.
func (a *Attempt) judge(ctx context.Context, mute bool, which func(given) bool) {
	var texts []secret.Text
	for _, g := range a.given {
		if !which(g) {
			continue
		}
		texts = append(texts, g.text)
		if !g.person {
			a.refused = append(a.refused, g.text)
		}
	}
	a.given = slices.DeleteFunc(a.given, which)
	if len(texts) > 0 {
		a.record(ctx, func(ctx context.Context) { a.Guard.refuse(ctx, a.key(), texts, mute) })
	}
}

func (a *Attempt) accept(ctx context.Context) {
	if len(a.given) == 0 && !a.Attended { // a session of the provider's says nothing about passwords
		return
	}
	var texts []secret.Text
	person, typedCode := false, false
	for _, g := range a.given {
		texts, person = append(texts, g.text), person || g.person
		typedCode = typedCode || g.person && isCode(g.field)
	}
	// What kept cookies, or a typed code, are enough for says nothing about the next password.
	alone := (len(a.given) > 0 || a.proved) && !typedCode && !a.rings
	a.given = nil
	if e := a.Guard.load(ctx, a.key()); !e.isEmpty() {
		a.record(ctx, func(ctx context.Context) { a.Guard.accept(ctx, a.key(), texts, person, alone) })
	}
	if typedCode { // nobody else could have
		a.needsHuman(ctx)
	}
}

func (a *Attempt) needsHuman(ctx context.Context) {
	a.record(ctx, func(ctx context.Context) { a.Guard.needsHuman(ctx, a.key(), ringing{a.rings, a.denied}) })
}

// record changes the entry under the lock, or without it if it cannot be had: a person
// does not hold it while typing.
func (a *Attempt) record(ctx context.Context, change func(context.Context)) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordLimit)
	defer cancel()
	held := a.unlock != nil
	_ = a.lock(limited)
	change(context.WithoutCancel(ctx)) // each thing that is written has its own limit
	if !held {
		a.release()
	}
}

func (a *Attempt) key() string { return Key(a.Origin, a.User) }

func (a *Attempt) lock(ctx context.Context) error {
	if a.unlock != nil || a.Guard.Lock == nil {
		return nil
	}
	unlock, err := a.Guard.Lock(ctx, a.key())
	if err == nil {
		a.unlock = unlock
	}
	return err
}

func (a *Attempt) release() {
	if a.unlock != nil && !slices.ContainsFunc(a.given, func(g given) bool { return !g.person }) {
		a.unlock()
		a.unlock = nil
	}
}
