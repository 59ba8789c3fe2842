package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatehop/cmd/gatehop/internal/choices"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/saml"
	"gatehop/sts"
)

// exchange trades a sign-in for the gateway's session.
type exchange struct {
	f      *Flow
	p      profile.Profile // the gateway
	client *sts.Client

	role   *picked // of an earlier try: nobody is asked for it twice
	signed Signed  // of the last try
	whole  bool    // the assertion was fresh when the last try began
}

// errRanOut is an assertion that grew too old while a person chose.
var errRanOut = errors.New("the assertion ran out before it could be sent")

func (x *exchange) with(ctx context.Context, signed Signed) (Session, error) {
	f, a := x.f, signed.Assertion
	x.signed, x.whole = signed, a.Fresh(f.Now())
	role, err := x.pick(ctx, a)
	if err != nil {
		return Session{}, err
	}
	if err := f.pin(ctx, choices.PinAccount, role.Account()); err != nil {
		return Session{}, err
	}
	again := x.role != nil
	if x.role = &role; x.whole && !again && !a.Fresh(f.Now()) {
		return Session{}, &HopError{Profile: x.p.Name, Gateway: f.Gateway, Err: errRanOut}
	}
	c, err := x.client.AssumeWithSAML(ctx, a, role.Role, f.duration(x.p, a, role.Role))
	if err != nil {
		return Session{}, &HopError{Profile: x.p.Name, Gateway: f.Gateway, Err: f.explainTimes(err, a)}
	}
	f.remember(x.p, signed, role)
	return f.session(c, Session{User: signed.User, Role: role.ARN, Asked: role.asked}), nil
}

// pick is the role that was picked before, if it is offered again, else Flow.pick.
func (x *exchange) pick(ctx context.Context, a *saml.Assertion) (picked, error) {
	if x.role != nil {
		for _, r := range a.Roles {
			if r == x.role.Role {
				return *x.role, nil
			}
		}
	}
	return x.f.pick(ctx, x.p, a)
}

// ranOut reports whether a new assertion helps after err: the last one grew too old on the
// way, or AWS finds one too old that was not made for this. One that is refused though it
// is new comes from a clock that is wrong, and so would the next.
func (x *exchange) ranOut(err error) bool {
	var refused *sts.Error
	switch {
	case errors.Is(err, errRanOut):
		return true
	case !errors.As(err, &refused) || refused.Code != "ExpiredTokenException":
		return false
	}
	return !x.signed.new || x.whole && !x.signed.Assertion.Fresh(x.f.Now())
}

// remember keeps what the configuration leaves open and a person settled, once AWS has
// accepted it.
func (f *Flow) remember(p profile.Profile, signed Signed, role picked) {
	var user, arn string
	if signed.Typed && p.SignIn.Username == "" {
		user = signed.User
	}
	if role.chosen && p.RoleARN == "" {
		arn = role.ARN
	}
	f.Choices.Remember(f.Gateway, user, arn)
}

// duration is how long a gateway session to ask for; 0 asks for the longest. What AWS
// refused once is not asked for again, unless a person asks.
func (f *Flow) duration(p profile.Profile, a *saml.Assertion, role saml.Role) time.Duration {
	if f.Want.Duration != 0 {
		return f.Want.Duration
	}
	d := a.SessionDuration
	switch {
	case p.SignIn.Max:
		d = 0
	case p.SignIn.SessionDuration != 0:
		d = p.SignIn.SessionDuration
	}
	if longest := f.Choices.Longest(f.Gateway, role.ARN); longest != 0 && !f.Force && (d == 0 || d > longest) {
		return longest
	}
	return d
}

// learned keeps what AWS says of a role's longest session.
func (f *Flow) learned(roleARN string, longest time.Duration) {
	f.Choices.SetLongest(f.Gateway, roleARN, longest)
	if f.Learned != nil {
		f.Learned(roleARN, longest)
	}
}

// explainTimes adds what the assertion's own times say to a refusal by AWS.
func (f *Flow) explainTimes(err error, a *saml.Assertion) error {
	if why := a.Explain(f.Now()); why != nil {
		return fmt.Errorf("%w (%v)", err, why)
	}
	return err
}
