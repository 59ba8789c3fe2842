// Package adaptertest holds the cases that every adapter of idp passes.
package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/idp"
	"gatehop/idp/idptest"
	"gatehop/saml"
)

// Base is the address of the provider in all cases.
const Base = "https://signin.corp.example"

const (
	wrongPassword = "wrong horse"
	patience      = 30 * time.Second // within which any Login must end
)

// Provider is a simulated provider: *idptest.ADFS, *idptest.Form.
type Provider interface {
	http.Handler
	Elsewhere() http.Handler
	ClientBugs() []string
	Stats() idptest.Stats
	RequestsElsewhere() []idptest.Request
}

// Suite is what the cases need to know about an adapter.
type Suite struct {
	// Open makes the adapter for the provider at base, which is Base.
	Open func(base string) (idp.Adapter, error)
	// Provider makes a provider that knows User by idptest.AlicePassword with the roles
	// of idptest.SampleRoles, and has that fault. It is called once or twice per case: a
	// Signer made once saves seconds.
	Provider func(fault idptest.Fault) (Provider, error)
	User     string // as the person types it
	Words    string // the beginning of what the provider says about a wrong password
}

// Case is one thing that an adapter must do. Run returns what it did wrong.
type Case struct {
	Name string
	Run  func(ctx context.Context, s Suite) error
}

// Test runs all cases.
func Test(t *testing.T, s Suite) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if err := c.Run(t.Context(), s); err != nil {
				t.Error(err)
			}
		})
	}
}

// Cases returns all cases.
func Cases() []Case {
	cases := []Case{
		{"good sign-in", goodSignIn},
		{"refused once", refusedOnce},
		{"second answer", secondAnswer},
		{"no user name", noUserName},
		{"no password", noPassword},
		{"context cancelled before", cancelledBefore},
		{"context cancelled at the password", cancelledAtPassword},
		{"already signed in", alreadySignedIn},
		{"foreign page asks for nothing", foreignPage},
	}
	for _, f := range verdicts() {
		cases = append(cases, Case{"fault " + string(f.fault), f.run})
	}
	return cases
}

// world is one sign-in about to happen.
type world struct {
	suite    Suite
	provider Provider
	adapter  idp.Adapter
	http     *http.Client
	trust    idp.Trust
	answers  *idptest.Answers
}

// start prepares a sign-in with that script. wrap, if any, stands before the provider.
func (s Suite) start(fault idptest.Fault, script map[string][]string, wrap func(http.Handler) http.Handler) (*world, error) {
	p, err := s.Provider(fault)
	if err != nil {
		return nil, fmt.Errorf("make the provider: %w", err)
	}
	a, err := s.Open(Base)
	if err != nil {
		return nil, fmt.Errorf("open the adapter: %w", err)
	}
	trust, err := idp.NewTrust(Base, nil, nil)
	if err != nil {
		return nil, err
	}
	var h http.Handler = p
	if wrap != nil {
		h = wrap(p)
	}
	rt := idptest.Transport(map[string]http.Handler{strings.TrimPrefix(Base, "https://"): h, idptest.AnyHost: p.Elsewhere()})
	return &world{
		suite: s, provider: p, adapter: a, trust: trust, answers: idptest.NewAnswers(script),
		http: idp.NewClient(idp.ClientOptions{Trust: trust, Transport: rt}),
	}, nil
}

// login signs in, but for no longer than patience.
func (w *world) login(ctx context.Context) (*saml.Assertion, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return w.adapter.Login(ctx, &idp.Session{HTTP: w.http, Trust: w.trust, Prompt: idp.FirstOf(w.answers)})
}

// check looks for what no sign-in may do, however it ended.
func (w *world) check(err error, logins int) error {
	var wrong []error
	for _, bug := range w.provider.ClientBugs() {
		wrong = append(wrong, fmt.Errorf("client bug %s", bug))
	}
	if got := w.provider.Stats().Logins; got != logins {
		wrong = append(wrong, fmt.Errorf("%d passwords posted, want %d", got, logins))
	}
	if err != nil && (strings.Contains(err.Error(), wrongPassword) || strings.Contains(err.Error(), idptest.AlicePassword)) {
		wrong = append(wrong, errors.New("the error holds a password"))
	}
	var script *idptest.UnscriptedError
	if errors.As(err, &script) {
		wrong = append(wrong, err)
	}
	for _, q := range w.answers.Questions() {
		if q.Field == "password" && q.Public {
			wrong = append(wrong, errors.New("the password's question is public"))
		}
	}
	return errors.Join(wrong...)
}

// signedIn checks a sign-in that must succeed.
func (w *world) signedIn(a *saml.Assertion, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("Login = %v, want an assertion", err)
	case a == nil:
		return errors.New("Login = nil, want an assertion")
	case len(a.Roles) != len(idptest.SampleRoles()):
		return fmt.Errorf("the assertion has %d roles, want %d", len(a.Roles), len(idptest.SampleRoles()))
	}
	return nil
}

func (s Suite) script(passwords ...string) map[string][]string {
	return map[string][]string{"username": {s.User, idptest.NoAnswer}, "password": passwords}
}

func goodSignIn(ctx context.Context, s Suite) error {
	w, err := s.start("", map[string][]string{"username": {s.User}, "password": {idptest.AlicePassword}}, nil)
	if err != nil {
		return err
	}
	a, err := w.login(ctx)
	problem := errors.Join(w.signedIn(a, err), w.check(err, 1))
	if unused := w.answers.Unused(); len(unused) > 0 {
		problem = errors.Join(problem, fmt.Errorf("never asked: %q", unused))
	}
	for _, q := range w.answers.Questions() {
		if q.Retry != "" {
			problem = errors.Join(problem, fmt.Errorf("%s asked as if it had been refused", q.Field))
		}
	}
	return problem
}

// refusedOnce: one answer, one post, the provider's words, and the refusal as error
// when nobody can answer differently.
func refusedOnce(ctx context.Context, s Suite) error {
	w, err := s.start("", s.script(wrongPassword, idptest.NoAnswer), nil)
	if err != nil {
		return err
	}
	_, err = w.login(ctx)
	problem := w.check(err, 1)
	var page *idp.PageError
	if !errors.As(err, &page) || page.Verdict != idp.Rejected {
		return errors.Join(problem, fmt.Errorf("Login = %v, want a refusal", err))
	}
	if !strings.HasPrefix(page.Words, s.Words) {
		problem = errors.Join(problem, fmt.Errorf("words = %q, want %q...", page.Words, s.Words))
	}
	return errors.Join(problem, w.retried())
}

// retried checks that the person was asked again with the provider's words.
func (w *world) retried() error {
	if !slices.ContainsFunc(w.answers.Questions(), func(q idp.Question) bool { return strings.HasPrefix(q.Retry, w.suite.Words) }) {
		return errors.New("nobody was asked again with the provider's words")
	}
	return nil
}

func secondAnswer(ctx context.Context, s Suite) error {
	script := s.script(wrongPassword, idptest.AlicePassword)
	script["username"] = []string{s.User, s.User} // it may be asked again
	w, err := s.start("", script, nil)
	if err != nil {
		return err
	}
	a, err := w.login(ctx)
	return errors.Join(w.signedIn(a, err), w.check(err, 2), w.retried())
}

func noUserName(ctx context.Context, s Suite) error {
	return s.unanswered(ctx, "username", map[string][]string{"username": {idptest.NoAnswer}, "password": {idptest.AlicePassword}})
}

func noPassword(ctx context.Context, s Suite) error {
	return s.unanswered(ctx, "password", s.script(idptest.NoAnswer))
}

func (s Suite) unanswered(ctx context.Context, field string, script map[string][]string) error {
	w, err := s.start("", script, nil)
	if err != nil {
		return err
	}
	_, err = w.login(ctx)
	problem := w.check(err, 0)
	var needs *idp.NeedsInputError
	if !errors.As(err, &needs) || needs.Question.Field != field {
		return errors.Join(problem, fmt.Errorf("Login = %v, want that %s is needed", err, field))
	}
	return problem
}

func cancelledBefore(ctx context.Context, s Suite) error {
	w, err := s.start("", s.script(idptest.AlicePassword), nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	_, err = w.login(ctx)
	if !errors.Is(err, context.Canceled) {
		return errors.Join(w.check(err, 0), fmt.Errorf("Login = %v, want context.Canceled", err))
	}
	return w.check(err, 0)
}

// cancelledAtPassword cancels while the provider, which never will, has to answer.
func cancelledAtPassword(ctx context.Context, s Suite) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := s.start(idptest.FaultHangPosted, s.script(idptest.AlicePassword), func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			if bytes.Contains(body, []byte(url.QueryEscape(idptest.AlicePassword))) { // a user name may have come before
				gone, leave := context.WithCancel(r.Context())
				leave()
				h.ServeHTTP(rw, r.WithContext(gone)) // is recorded, and waits no longer
				cancel()
				<-r.Context().Done()
				return
			}
			h.ServeHTTP(rw, r)
		})
	})
	if err != nil {
		return err
	}
	_, err = w.login(ctx)
	if !errors.Is(err, context.Canceled) {
		return fmt.Errorf("Login = %v, want context.Canceled", err)
	}
	return w.check(err, 1)
}

// alreadySignedIn: the cookies of a first sign-in make the second one silent.
func alreadySignedIn(ctx context.Context, s Suite) error {
	w, err := s.start("", s.script(idptest.AlicePassword), nil)
	if err != nil {
		return err
	}
	if _, err := w.login(ctx); err != nil {
		return fmt.Errorf("Login = %v, want an assertion", err)
	}
	w.answers = idptest.NewAnswers(nil)
	a, err := w.login(ctx)
	problem := errors.Join(w.signedIn(a, err), w.check(err, 1))
	if n := len(w.answers.Questions()); n > 0 {
		problem = errors.Join(problem, fmt.Errorf("%d questions although the person is signed in", n))
	}
	return problem
}

// foreignPage: a form on a host that nobody named is not filled, whatever it looks like.
func foreignPage(ctx context.Context, s Suite) error {
	w, err := s.start(idptest.FaultForeignPage, s.script(idptest.AlicePassword), nil)
	if err != nil {
		return err
	}
	lure, err := s.Provider("")
	if err != nil {
		return fmt.Errorf("make the provider: %w", err)
	}
	rt := idptest.Transport(map[string]http.Handler{strings.TrimPrefix(Base, "https://"): w.provider, idptest.ForeignHost: sameForm(lure)})
	w.http = idp.NewClient(idp.ClientOptions{Trust: w.trust, Transport: rt})
	a, err := w.login(ctx)
	problem := w.check(err, 0)
	if a != nil || err == nil {
		problem = errors.Join(problem, errors.New("Login succeeded at a host that nobody named"))
	}
	if n := lure.Stats().Logins; n > 0 {
		problem = errors.Join(problem, fmt.Errorf("%d passwords for a host that nobody named", n))
	}
	return problem
}

// sameForm shows a provider's own sign-in at any path.
func sameForm(p Provider) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			for _, entry := range []string{idptest.ADFSEntry, idptest.FormEntry} {
				probe, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "https://"+r.Host+entry, nil)
				if err != nil {
					return
				}
				resp, err := idptest.Transport(map[string]http.Handler{idptest.AnyHost: p}).RoundTrip(probe)
				if err == nil && resp.StatusCode != http.StatusNotFound {
					http.Redirect(w, r, entry, http.StatusFound)
					return
				}
			}
		}
		p.ServeHTTP(w, r)
	})
}
