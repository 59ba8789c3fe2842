package sts

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/sts/ststest"
)

// turns is an Enter that counts, and repeats what is throttled so many times.
type turns struct{ entered, throttled, again int }

func (n *turns) enter(context.Context) (func(bool) bool, error) {
	n.entered++
	return func(throttled bool) bool {
		if throttled {
			n.throttled++
		}
		return throttled && n.throttled <= n.again
	}, nil
}

// TestEnter wants every call made in its turn, what is throttled left to whoever gives
// the turns, and what else passes with time repeated as ever.
func TestEnter(t *testing.T) {
	t.Parallel()
	busy := &ststest.Fault{Status: 503, Code: "ServiceUnavailable", Message: "busy"}
	limit := &ststest.Fault{Status: 400, Code: "RequestLimitExceeded", Message: "Request limit exceeded."}
	for name, tc := range map[string]struct {
		fault                  *ststest.Fault
		failures, again        int
		sent, entered, refused int // wanted
		code                   string
	}{
		"works":                {sent: 1, entered: 1},
		"throttled five times": {fault: ststest.Throttled(), failures: 5, again: 9, sent: 6, entered: 6, refused: 5},
		"over the limit":       {fault: limit, failures: 5, again: 9, sent: 6, entered: 6, refused: 5},
		"throttled for ever":   {fault: ststest.Throttled(), failures: 99, again: 2, sent: 3, entered: 3, refused: 3, code: "Throttling"},
		"throttled, no more":   {fault: ststest.Throttled(), failures: 99, sent: 1, entered: 1, refused: 1, code: "Throttling"},
		"503 twice":            {fault: busy, failures: 2, again: 9, sent: 3, entered: 1},
		"access denied":        {fault: &ststest.Fault{Status: 403, Code: "AccessDenied", Message: "x"}, failures: 99, again: 9, sent: 1, entered: 1, code: "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := directWorld(t, time.Hour, func(o *ststest.Options) {
					o.Fail = func(_ string, n int) *ststest.Fault {
						if n <= tc.failures {
							return tc.fault
						}
						return nil
					}
				})
				n := &turns{again: tc.again}
				w.client.Enter = n.enter
				_, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, time.Hour)
				var refused *Error
				if errors.As(err, &refused) != (tc.code != "") || refused != nil && (refused.Code != tc.code || refused.Throttled != (tc.code == "Throttling")) {
					t.Errorf("err = %v, want code %q", err, tc.code)
				}
				if sent := w.sts.Counts().AssumeRoleWithSAML; sent != tc.sent || n.entered != tc.entered || n.throttled != tc.refused {
					t.Errorf("%d requests in %d turns, of which %d were throttled; want %d, %d, %d", sent, n.entered, n.throttled, tc.sent, tc.entered, tc.refused)
				}
			})
		})
	}
}

// TestEnterHop wants a hop in its turn too, and nothing sent without one.
func TestEnterHop(t *testing.T) {
	t.Parallel()
	w := directWorld(t, time.Hour)
	session, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	n := &turns{}
	w.client.Enter = n.enter
	if _, err := w.client.Assume(fixed(session), Hop{RoleARN: admins})(t.Context()); err != nil || n.entered != 1 {
		t.Errorf("Assume in %d turns: %v", n.entered, err)
	}
	closing := errors.New("closed")
	w.client.Enter = func(context.Context) (func(bool) bool, error) { return nil, closing }
	if _, err := w.client.Assume(fixed(session), Hop{RoleARN: admins})(t.Context()); !errors.Is(err, closing) {
		t.Errorf("Assume without a turn: %v", err)
	}
	if sent := w.sts.Counts().AssumeRole; sent != 1 {
		t.Errorf("%d hops were sent, want 1", sent)
	}
}
