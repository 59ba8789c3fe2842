package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatehop/cmd/gatehop/internal/guard"
	"gatehop/cmd/gatehop/internal/kept"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/secret"
	"gatehop/creds/store"
	"gatehop/idp"
	"gatehop/saml"
)

// keptLimit is how long kept cookies may take where nobody waits (design.md 4).
const keptLimit = 5 * time.Second

// keptKind names the sealed records of providers' sessions, and their folder.
const keptKind = "cookie"

// keptBook is where the sessions of providers are kept.
func (a *app) keptBook(dir store.Dir, in string) kept.Book {
	where := in + " " + dir.Path()
	a.mu.Lock()
	defer a.mu.Unlock()
	if b, ok := a.cookies[where]; ok {
		return b
	}
	if a.cookies == nil {
		a.cookies = map[string]kept.Book{}
	}
	a.cookies[where] = kept.Book{Store: a.secretStore(dir, in, keptKind), Now: a.now, Warn: a.warn}
	return a.cookies[where]
}

// whose is user's session at the provider of s; false if none may be kept or used.
func (a *app) whose(s *settings, user string) (kept.Who, bool) {
	if s.SignIn.KeepSession == "no" || len(s.Changed) > 0 || user == "" || a.keepsNone {
		return kept.Who{}, false
	}
	trust, err := idp.NewTrust(s.SignIn.URL, s.SignIn.TrustedHosts, s.SignIn.ACS)
	if err != nil {
		return kept.Who{}, false
	}
	return kept.Who{Origin: trust.Origins[0], Kind: s.SignIn.Kind, User: user, Trust: keptTrust(s), Hosts: trust.Origins}, true
}

// noTrust are the settings that do not say whom cookies go to, or how.
var noTrust = [...]string{
	"username",                   // is part of the record's place
	"partition", "relying_party", // one session serves every relying party
	"timeout", "session_duration", // times
	"store", "keep_session", // where secrets are kept
	"password_command", "otp_command", // where they come from
	"principal_arn", "account_names", "mfa", // what comes after
	"role_arn", "region", "alias", "color", "note",
}

// keptTrust is the digest of the settings that kept cookies were made under. A setting
// that nobody thought of counts.
func keptTrust(s *settings) string {
	var all map[string]string
	if s.SignIn.Decode(&all) != nil {
		return ""
	}
	for _, name := range noTrust {
		delete(all, name)
	}
	text, err := json.Marshal([]any{"kept 2", s.Digest(), s.SignIn.Kind, all, s.CertificateSum()})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// mayBeKnown reports whether the provider may still know the person, so that a sign-in
// which asks nobody can be tried without a password.
func (a *app) mayBeKnown(ctx context.Context, s *settings) bool {
	who, ok := a.whose(s, s.User)
	if !ok || a.afresh {
		return false
	}
	dir, _, err := a.state(s.SignIn.Store, false)
	if err != nil {
		return false
	}
	r, ok := a.keptBook(dir, s.SignIn.Store).Get(ctx, who)
	return ok && !r.Spent
}

// reuse is one sign-in that begins with what is kept of an earlier one.
type reuse struct {
	a        *app
	s        *settings
	profile  string
	book     kept.Book
	who      kept.Who
	record   kept.Record
	restored bool // the jar began with record's cookies
	other    bool // they turned out to be somebody else's
	jar      *watchedJar
	asked    questions
}

// reuse puts what is kept into the session's jar, and notes what is asked.
func (a *app) reuse(ctx context.Context, profile string, s *settings, dir store.Dir, session *idp.Session) *reuse {
	r := &reuse{a: a, s: s, profile: profile, book: a.keptBook(dir, s.SignIn.Store)}
	who, ok := a.whose(s, s.User)
	if ok && !a.afresh {
		r.who = who
		r.record, r.restored = r.book.Get(ctx, who)
		if r.record.Spent && a.isUnattended() { // it led to a question, and would again
			r.record, r.restored = kept.Record{}, false
		}
	}
	r.freshJar(session)
	r.jar.Restore(r.record.Cookies)
	r.asked.Prompter = session.Prompt
	session.Prompt = &r.asked
	return r
}

func (r *reuse) freshJar(session *idp.Session) {
	r.jar = &watchedJar{Jar: idp.NewJar(r.a.now, session.Trust.SharedCookies()...)}
	session.HTTP.Jar = r.jar
}

// login signs in, with kept cookies first if there are any. If the provider chokes on
// them before anything was asked, or takes them for somebody else's, it does so once
// more without.
func (r *reuse) login(ctx context.Context, adapter idp.Adapter, session *idp.Session) (*saml.Assertion, error) {
	if !r.restored {
		return adapter.Login(ctx, session)
	}
	assertion, err := r.try(ctx, adapter, session)
	if r.jar.dropped.Load() {
		r.forget(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err == nil && (r.asked.password.Load() || kept.Of(assertion) == r.record.Identity):
		return assertion, nil
	case err == nil:
		r.other = true
		r.forget(ctx)
		if r.asked.any.Load() {
			return nil, &idp.PageError{Verdict: idp.OtherUser, Words: idp.CleanWords(assertion.Subject)}
		}
	case guard.NeedsHuman(err) && !r.a.hasPerson() && !r.asked.password.Load():
		return nil, r.stop(ctx, err)
	case r.asked.any.Load():
		return nil, r.spend(ctx, err)
	case r.asked.rang.Load(): // another sign-in would ring again
		return nil, err
	case isOfCookies(err):
		r.forget(ctx)
	case !errors.Is(err, errKeptLate):
		return nil, err
	}
	if r.a.isUnattended() && !r.a.hasOwnPassword(ctx, r.s) {
		if errors.Is(err, errKeptLate) {
			return nil, err
		}
		return nil, r.needsLogin()
	}
	r.restored = false
	r.freshJar(session)
	return adapter.Login(ctx, session)
}

// errKeptLate is the end of keptLimit.
var errKeptLate = errors.New("no answer to the kept session in time")

// try signs in with kept cookies. Nobody waits long for what they bring; once the
// provider asks for something it is a sign-in like any other.
func (r *reuse) try(ctx context.Context, adapter idp.Adapter, session *idp.Session) (*saml.Assertion, error) {
	if !r.a.isUnattended() {
		return adapter.Login(ctx, session)
	}
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.asked.timer = time.AfterFunc(keptLimit, func() { cancel(errKeptLate) })
	assertion, err := adapter.Login(limited, session)
	r.asked.timer.Stop()
	r.asked.timer, r.asked.late = nil, false // whatever comes now is another sign-in
	if err != nil && errors.Is(context.Cause(limited), errKeptLate) {
		return nil, &idp.NetworkError{Host: hostOf(r.s.SignIn.URL), Op: "sign in", Kind: idp.NetTimeout, Err: errKeptLate}
	}
	return assertion, err
}

// spend notes that the provider asks for a password all the same, so that nothing is
// sent there again unasked before somebody has signed in.
func (r *reuse) spend(ctx context.Context, err error) error {
	if !errors.As(err, new(*idp.NeedsInputError)) || !r.a.isUnattended() || r.a.hasOwnPassword(ctx, r.s) {
		return err
	}
	return r.stop(ctx, nil)
}

// stop keeps the session from being tried again before a person has signed in.
func (r *reuse) stop(ctx context.Context, shown error) error {
	if r.record.Spent = true; !r.jar.dropped.Load() {
		r.change(ctx, func(ctx context.Context) error { return r.book.Put(ctx, r.who, r.record) })
	}
	if shown != nil {
		return &needsLoginError{Profile: r.profile, Why: "the provider's session wants something that only a person can do", Err: shown}
	}
	return r.needsLogin()
}

func (r *reuse) needsLogin() error {
	return &needsLoginError{Profile: r.profile, Why: "the provider's session has ended and there is nobody to ask for the password" + r.s.whyNotRun()}
}

// isOfCookies reports whether a sign-in may have failed because of the cookies that it
// began with. What the provider says about the person, the relying party or a choice is
// about those: one session serves several gateways, and outlives the mistakes of one.
func isOfCookies(err error) bool {
	var page *idp.PageError
	if !errors.As(err, &page) {
		return errors.As(err, new(*idp.OriginError))
	}
	switch page.Verdict {
	case idp.CookiesTooLarge, idp.StateLost, idp.SignInLoop, idp.ProviderError, idp.Unexplained, idp.OtherUser:
		return true
	case idp.Unknown, idp.NotHTML:
		return page.Status >= 400
	}
	return false
}

// save keeps the cookies of a sign-in that succeeded. Where a provider gives a person
// another name each time, that would show too late, and nothing is kept.
func (r *reuse) save(ctx context.Context, user string, assertion *saml.Assertion) {
	who, ok := r.a.whose(r.s, user)
	if !ok || r.other || r.restored && !who.Is(r.who) {
		return
	}
	record := kept.Record{Identity: kept.Of(assertion), Begun: r.record.Begun}
	if !r.restored || r.asked.password.Load() {
		record.Begun = r.a.now()
	}
	drop := notKept(who.Kind)
	for _, origin := range who.Hosts {
		for _, c := range r.jar.Entries(origin) {
			if !slices.Contains(drop, strings.TrimRight(c.Name, "0123456789")) { // big ones come in numbered parts
				record.Cookies = append(record.Cookies, c)
			}
		}
	}
	r.change(ctx, func(ctx context.Context) error { return r.book.Put(ctx, who, record) })
}

func (r *reuse) forget(ctx context.Context) {
	r.change(ctx, func(ctx context.Context) error { return r.book.Forget(ctx, r.who) })
}

// changeLimit is how long a record may take to be changed: credentials come after it.
const changeLimit = 3 * time.Second

func (r *reuse) change(ctx context.Context, do func(context.Context) error) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeLimit)
	defer cancel()
	r.warn(do(limited))
}

// warn says that a record could not be changed, where nothing else says so.
func (r *reuse) warn(err error) {
	if err != nil && !isFull(err) {
		r.a.warn(fmt.Errorf("the provider's session is not kept: %w", err))
	}
}

// knownPerson are the settings of a gateway with the person that is remembered for it; nil
// where nobody is, or nothing can be kept.
func (a *app) knownPerson(dir store.Dir, ch profile.Chain) (*settings, error) {
	s, err := a.settings(ch)
	if err != nil || dir.Path() == "" {
		return nil, err
	}
	known, err := a.choices(dir).Get(ch[0].Name)
	if err != nil {
		return nil, err
	}
	if s.Remember(ch, known); s.User == "" {
		return nil, nil
	}
	return s, nil
}

// forgetKept forgets the person's session at the provider of a gateway, and says whose
// it was; "" if there was none.
func (a *app) forgetKept(ctx context.Context, dir store.Dir, ch profile.Chain) (string, error) {
	s, err := a.knownPerson(dir, ch)
	if s == nil {
		return "", err
	}
	who := kept.Who{Origin: s.origin(), Kind: s.SignIn.Kind, User: s.User}
	sealed := store.NewSealedUnder(dir, keptKind, store.SecretFile(dir), nil, nil) // no key opens a thing to remove it
	if !sealed.Has(who.Key()) {
		return "", nil
	}
	return "the session of " + idp.CleanWords(s.User) + " at " + hostOf(s.SignIn.URL), sealed.Delete(ctx, who.Key())
}

// watchedJar knows whether cookies were thrown away because they had grown too large.
type watchedJar struct {
	*idp.Jar
	dropped atomic.Bool
}

// Drop notes it.
func (j *watchedJar) Drop(o idp.Origin, names ...string) {
	if len(names) == 0 {
		j.dropped.Store(true)
	}
	j.Jar.Drop(o, names...)
}

// questions notes which secrets were asked for, and ends the time for kept cookies at
// the first of them.
type questions struct {
	idp.Prompter
	timer         *time.Timer // nil: none runs
	once          sync.Once
	late          bool
	any, password atomic.Bool
	rang          atomic.Bool // somebody was, or was to be, reached on a phone
}

// Ask implements idp.Prompter.
func (q *questions) Ask(ctx context.Context, question idp.Question) (secret.Text, error) {
	q.once.Do(func() { q.late = q.timer != nil && !q.timer.Stop() })
	if q.late { // the answer would be for a sign-in that has been given up
		return secret.Text{}, errKeptLate
	}
	if question.Field == idp.Approval {
		q.rang.Store(true)
	}
	if !question.Public && len(question.Options) == 0 {
		q.any.Store(true)
		if question.Field == "password" {
			q.password.Store(true)
		}
	}
	return q.Prompter.Ask(ctx, question)
}
