package saml_test

import (
	"errors"
	"testing"
	"time"

	"gatehop/saml"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	whole := saml.Assertion{Issued: nine, NotBefore: nine.Add(-time.Minute), NotOnOrAfter: nine.Add(time.Hour)}
	short := saml.Assertion{Issued: nine, NotBefore: nine.Add(-time.Hour), NotOnOrAfter: nine.Add(2 * time.Minute)}
	late := saml.Assertion{Issued: nine, NotBefore: nine.Add(30 * time.Second)}
	for _, c := range []struct {
		name  string
		a     saml.Assertion
		after time.Duration
		limit saml.Limit
		at    time.Time
		says  string
	}{
		{name: "just issued", a: whole},
		{name: "one minute early", a: whole, after: -time.Minute},
		{name: "61 s early", a: whole, after: -61 * time.Second, limit: saml.IssuedInFuture, at: nine,
			says: "the assertion is issued in the future: issued 2026-11-20 09:00:00Z, now 2026-11-20 08:58:59Z: the clocks of the identity provider and this machine are 1m1s apart"},
		{name: "five minutes", a: whole, after: 5 * time.Minute},
		{name: "over five minutes", a: whole, after: 5*time.Minute + time.Second, limit: saml.TooOld, at: nine,
			says: "the assertion is older than the five minutes that AWS allows: issued 2026-11-20 09:00:00Z, now 2026-11-20 09:05:01Z, 5m1s ago"},
		{name: "just before the end", a: short, after: 2*time.Minute - 1},
		{name: "at the end", a: short, after: 2 * time.Minute, limit: saml.Expired, at: short.NotOnOrAfter,
			says: "the assertion has expired: valid until 2026-11-20 09:02:00Z, now 2026-11-20 09:02:00Z, 0s ago"},
		{name: "after both ends", a: short, after: time.Hour, limit: saml.Expired, at: short.NotOnOrAfter,
			says: "the assertion has expired: valid until 2026-11-20 09:02:00Z, now 2026-11-20 10:00:00Z, 58m0s ago"},
		{name: "before its start", a: late, after: 29 * time.Second, limit: saml.NotYetValid, at: late.NotBefore,
			says: "the assertion is not yet valid: valid from 2026-11-20 09:00:30Z, now 2026-11-20 09:00:29Z, 1s to go"},
		{name: "at its start", a: late, after: 30 * time.Second},
		{name: "without times", a: saml.Assertion{}, after: 1000 * time.Hour},
		{name: "without conditions", a: saml.Assertion{Issued: nine}, after: time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			now := nine.Add(c.after)
			err := c.a.Explain(now)
			if c.limit == "" {
				if err != nil {
					t.Errorf("Explain = %v, want nil", err)
				}
				return
			}
			var limit *saml.TimeError
			if !errors.As(err, &limit) || limit.Limit != c.limit || !limit.At.Equal(c.at) || !limit.Now.Equal(now) {
				t.Fatalf("Explain = %+v, want %s at %v", err, c.limit, c.at)
			}
			if err.Error() != c.says {
				t.Errorf("Explain = %s\nwant      %s", err, c.says)
			}
		})
	}
}

func TestFresh(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]bool{
		0:                                  true,
		4*time.Minute + 30*time.Second:     false,
		4*time.Minute + 29*time.Second:     true,
		5 * time.Minute:                    false,
		time.Hour:                          false,
		-5 * time.Minute:                   true,
		-5*time.Minute - time.Second:       false,
		-time.Hour:                         false,
		4*time.Minute + 30*time.Second - 1: true,
	} {
		a := saml.Assertion{Issued: nine}
		if got := a.Fresh(nine.Add(after)); got != want {
			t.Errorf("Fresh %v after issue = %v, want %v", after, got, want)
		}
	}
	if new(saml.Assertion).Fresh(time.Time{}) {
		t.Error("an assertion without a time of issue is fresh")
	}
}
