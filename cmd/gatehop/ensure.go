package main

import (
	"context"
	"fmt"
	"time"

	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/profile"
)

// ensure yields a session that has what its flow asks for. made says that it is not the
// one that was kept before.
func (a *app) ensure(ctx context.Context, ch profile.Chain) (s flow.Session, made bool, err error) {
	f, err := a.flow(ch)
	if err != nil {
		return s, false, err
	}
	return a.ensureBy(ctx, f, ch)
}

// ensureBy is ensure for a chain, or the beginning of one, that f makes sessions of.
func (a *app) ensureBy(ctx context.Context, f *flow.Flow, ch profile.Chain) (s flow.Session, made bool, err error) {
	before, ok := f.Cached(ctx, ch)
	if ok && f.Fresh(before) {
		return before, false, nil
	}
	if s, err = a.renewed(ctx, f, ch); err != nil {
		if rest, ok := a.longEnough(ctx, f, ch, err); ok {
			return rest, false, nil
		}
		return s, false, err
	}
	if left := s.Remaining(a.now()); left < f.AtLeast {
		return s, false, &shortError{Profile: ch[len(ch)-1].Name, Left: left, AtLeast: f.AtLeast}
	}
	return s, s.AccessKeyID != before.AccessKeyID, nil
}

// longEnough is a session past its margin that has as long as was asked for all the same,
// after err kept it from being renewed.
func (a *app) longEnough(ctx context.Context, f *flow.Flow, ch profile.Chain, err error) (flow.Session, bool) {
	if f.AtLeast == 0 {
		return flow.Session{}, false
	}
	s, ok := a.rest(ctx, f, ch, err)
	return s, ok && s.Remaining(a.now()) >= f.AtLeast
}

// shortError reports that AWS gives no session of the life that was asked for.
type shortError struct {
	Profile       string
	Left, AtLeast time.Duration
}

func (e *shortError) Error() string {
	return fmt.Sprintf("profile %s: a new session has %s and not the %s that are asked for", e.Profile, span(e.Left), span(e.AtLeast))
}
