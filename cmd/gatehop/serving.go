package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/keep"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds"
	"gatehop/creds/sink/endpoint"
	"gatehop/creds/store"
)

// keeping has the credentials of one profile ready, and renews them until stop.
type keeping struct {
	chain   profile.Chain
	region  string
	first   flow.Session // that it began with
	current creds.Source // answers at once
	stop    func()
}

// serving hands out what a keeping has, until close.
type serving struct {
	*keeping
	endpoint *endpoint.Endpoint
}

func (s *serving) close() {
	_ = s.endpoint.Close()
	s.stop()
}

func (k *keeping) name() string { return k.chain[len(k.chain)-1].Name }

// serve gets the credentials of a profile, for which it may ask a person, and hands them
// out. From then on nobody is asked.
func (a *app) serve(ctx context.Context, given []string, atLeast time.Duration) (*serving, error) {
	k, err := a.keep(ctx, given, atLeast)
	if err != nil {
		return nil, err
	}
	e, err := endpoint.Start(rand.Reader, k.current)
	if err != nil {
		k.stop()
		return nil, err
	}
	return &serving{keeping: k, endpoint: e}, nil
}

// keep is serve without the endpoint. With atLeast the gateway's session must have that
// much life left.
func (a *app) keep(ctx context.Context, given []string, atLeast time.Duration) (*keeping, error) {
	ch, err := a.chain(ctx, given)
	if err != nil {
		return nil, err
	}
	region, err := a.regionOf(ch)
	if err != nil {
		return nil, err
	}
	f, err := a.flow(ch)
	if err != nil {
		return nil, err
	}
	if f.Sessions.Store == creds.Store(store.None{}) { // what lies on no disk lives as long as this run
		f.Sessions.Store = store.NewMemory()
	}
	if err := a.gatewayLasts(ctx, f, ch[:1], atLeast); err != nil {
		return nil, err
	}
	s, err := a.sourceOf(ctx, f, ch)
	if err != nil {
		return nil, err
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	a.unattended = true
	a.leaveTerminal()
	k := &keeping{chain: ch, region: region, first: s}
	k.current, k.stop = a.renewing(ctx, f, ch, s)
	return k, nil
}

// renewing keeps s new, and warns before the gateway's session ends, until stop.
func (a *app) renewing(ctx context.Context, f *flow.Flow, ch profile.Chain, s flow.Session) (current creds.Source, stop func()) {
	q := &quietly{app: a, flow: f, chain: ch}
	keeper := &keep.Keeper{
		Renew: q.renew, Now: a.now, Tell: q.tell,
		Alone: func(ctx context.Context) bool { return f.Alone(ctx, ch) },
	}
	keeper.Hold(s)
	watch := &keep.Watch{Left: q.left, Renew: q.renewGateway, Warn: q.warn, Now: a.now, Marks: []time.Duration{15 * time.Minute, 5 * time.Minute}}
	// Ctrl-C is for the command, which may go on after it.
	within, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	q.within, q.later = within, wg.Go
	wg.Go(func() { keeper.Run(within) })
	wg.Go(func() { watch.Run(within) })
	return func(ctx context.Context) (creds.Credentials, error) { return answered(keeper.Current(ctx)) }, func() {
		cancel()
		wg.Wait()
	}
}

// gatewayLasts makes sure of the session from which all others are made.
func (a *app) gatewayLasts(ctx context.Context, f *flow.Flow, gateway profile.Chain, atLeast time.Duration) error {
	if atLeast == 0 {
		return nil
	}
	if err := checkAtLeast("gatehop "+a.command, gateway, atLeast, f.Longest(gateway)); err != nil {
		return err
	}
	f.AtLeast = atLeast
	defer func() { f.AtLeast = 0 }()
	_, _, err := a.ensureBy(ctx, f, gateway)
	return err
}

// answered is what a program that asks is told in place of an error.
func answered(c creds.Credentials, err error) (creds.Credentials, error) {
	switch {
	case err == nil:
		return c, nil
	case errors.Is(err, keep.ErrPending):
		return c, &endpoint.UnavailableError{Message: err.Error(), Later: true}
	}
	e := explain(err)
	message := e.message
	if e.hint != "" {
		message += "; " + e.hint
	}
	return c, &endpoint.UnavailableError{Message: message, Later: !needsPerson(err)}
}

// needsPerson reports a failure that nothing but a person mends. Repeating what led to it
// could lock an account, or ring somebody's phone.
func needsPerson(err error) bool {
	switch explain(err).status {
	case statusUsage, statusHuman, statusAmbiguous, statusRefused, statusPage:
		return true
	}
	return false
}

// quietly renews the sessions of a chain without a person. A sign-in that only a person
// can mend is not tried twice.
type quietly struct {
	app   *app
	flow  *flow.Flow
	chain profile.Chain

	within context.Context // as long as it serves
	later  func(func())    // runs what nothing waits for before that ends

	mu    sync.Mutex // one renewal at a time
	final error      // of the last one, if only a person can mend it
}

func (q *quietly) renew(ctx context.Context) (flow.Session, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.final != nil && !q.flow.Alone(ctx, q.chain) {
		return flow.Session{}, q.final
	}
	return q.note(q.app.renewed(ctx, q.flow, q.chain))
}

// renewGateway makes a new session of the gateway, if that needs nobody.
func (q *quietly) renewGateway(ctx context.Context) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.final != nil || q.app.canSignInAlone(ctx, q.chain) != nil {
		return false
	}
	_, err := q.note(q.app.renewedWithin(ctx, q.app.unattendedWait(), q.flow, q.chain[:1]))
	return err == nil
}

func (q *quietly) note(s flow.Session, err error) (flow.Session, error) {
	if q.final = nil; err != nil && needsPerson(err) {
		q.final = err
	}
	return s, err
}

// left is the life of the gateway's session.
func (q *quietly) left(ctx context.Context) (time.Duration, bool) {
	s, fits, ok := q.flow.Kept(ctx, q.chain[:1])
	return s.Remaining(q.app.now()), ok && fits
}

func (q *quietly) warn(left time.Duration) {
	gateway := q.chain[0].Name
	q.app.notify(q.within, q.chain, fmt.Sprintf("the session of profile %s ends %s; `gatehop login %s` renews it", gateway, in(left), gateway), q.later)
}

// tell says what goes wrong with the renewals. Of the end of the gateway's session a
// person hears by warn.
func (q *quietly) tell(err error, left time.Duration) {
	name := q.chain[len(q.chain)-1].Name
	e := explain(err)
	switch {
	case left > 0 && needsPerson(err):
	case left > 0:
		q.app.notice(fmt.Sprintf("renewing the session of profile %s: %s; the one in hand ends %s", name, e.message, in(left)))
	default:
		text := fmt.Sprintf("there are no credentials of profile %s any more: %s", name, e.message)
		if e.hint != "" {
			text += "; " + e.hint
		}
		q.app.notify(q.within, q.chain, text, q.later)
	}
}
