package main

import (
	"context"

	"gatehop/cmd/gatehop/internal/guard"
	"gatehop/cmd/gatehop/internal/profile"
)

// lockOf says whether the guard keeps everything back from the provider of a gateway but
// what its person types; nil if it does not, or nobody knows who that person is.
func (a *app) lockOf(ctx context.Context, ch profile.Chain) (*lockStatus, error) {
	dir, _, err := a.state("file", false)
	if err != nil || dir.Path() == "" {
		return nil, err
	}
	s, err := a.settings(ch)
	if err != nil || s.User == "" {
		return nil, err
	}
	locked := a.guard(ch[0].Name, s, dir).Lockout(ctx, guard.Key(string(s.origin()), s.User))
	if locked == nil {
		return nil, nil
	}
	l := &lockStatus{User: s.User, Host: hostOf(s.SignIn.URL), Since: locked.At.UTC(), text: locked.Error()}
	if !locked.Until.IsZero() {
		l.Until = new(locked.Until.UTC())
	}
	return l, nil
}
