package guard

import (
	"context"
	"errors"
	"testing"

	"gatehop/creds/secret"
	"gatehop/creds/store"
	"gatehop/idp"
)

// TestApproval: a person is there for what comes on a phone, a program for codes, and
// nobody is asked to say so.
func TestApproval(t *testing.T) {
	t.Parallel()
	phone, either := []string{idp.ByPhone}, []string{idp.ByCode, idp.ByPhone}
	for _, c := range []struct {
		name          string
		person, codes bool
		ways          []string
		want          string // "": no answer
	}{
		{"a person", true, false, phone, idp.ByPhone},
		{"a person, either", true, false, either, idp.ByPhone},
		{"a person with codes, either", true, true, either, idp.ByPhone},
		{"codes", false, true, phone, ""},
		{"codes, either", false, true, either, idp.ByCode},
		{"nobody", false, false, phone, ""},
		{"nobody, either", false, false, either, ""},
		{"a person, a code alone", true, false, []string{idp.ByCode}, ""},
	} {
		a := attempt(testGuard(&noon))
		a.Approves = c.person
		a.Person = asking(func() { t.Errorf("%s: the person was asked", c.name) })
		if c.codes {
			a.Sources = []Source{source("otp", "123456")}
		}
		answer, err := a.Ask(t.Context(), idp.Question{Field: idp.Approval, Public: true, Options: c.ways})
		if answer.Reveal() != c.want || (c.want == "") != errors.Is(err, idp.ErrNoAnswer) {
			t.Errorf("%s: %q, %v; want %q", c.name, answer.Reveal(), err, c.want)
		}
	}
}

// asking is a person who must not be asked.
type asking func()

func (f asking) Ask(context.Context, idp.Question) (secret.Text, error) {
	f()
	return secret.Text{}, idp.ErrNoAnswer
}

func (asking) Tell(context.Context, string) {}

// TestRings: a provider that rings a phone gets no password without a person again, however
// the sign-in ended, and whatever programs there are for codes. One that may ring, and did
// not, does.
func TestRings(t *testing.T) {
	t.Parallel()
	denied, needs := error(&idp.PageError{Verdict: idp.MFADenied}), error(&idp.NeedsInputError{Question: idp.Question{Field: idp.Approval}})
	for _, c := range []struct {
		name    string
		outcome error
		ways    []string // nil: the phone was never spoken of
		person  bool     // of the first sign-in
		again   bool     // whether the next one, with codes, sends its password
		without bool     // the same without codes
	}{
		{name: "approved", ways: []string{idp.ByPhone}, person: true},
		{name: "denied", outcome: denied, ways: []string{idp.ByPhone}, person: true},
		{name: "left with Ctrl-C", outcome: context.Canceled, ways: []string{idp.ByPhone}, person: true},
		{name: "nobody there", outcome: needs, ways: []string{idp.ByPhone}},
		{name: "nobody there, either", outcome: needs, ways: []string{idp.ByCode, idp.ByPhone}, again: true},
		{name: "chosen, and it was a code", ways: []string{idp.ByCode, idp.ByPhone}, person: true, again: true, without: true},
		{name: "no factor", again: true, without: true},
	} {
		for place, change := range map[string]func(*Guard){
			"marks": func(*Guard) {}, "times": func(g *Guard) { g.Keep = false }, "full": func(g *Guard) { g.Marks = full{store.NewMemory()} },
		} {
			g := testGuard(&noon)
			change(g)
			a := attempt(g, source("password", "right"))
			a.Approves = c.person
			if _, err := a.Ask(t.Context(), idp.Question{Field: "password"}); err != nil {
				t.Fatal(err)
			}
			if c.ways != nil {
				_, _ = a.Ask(t.Context(), idp.Question{Field: idp.Approval, Public: true, Options: c.ways})
			}
			a.Done(t.Context(), c.outcome)
			for _, codes := range []bool{true, false} {
				want := c.again
				b := attempt(g, source("password", "right"), source("otp", "123456"))
				if !codes {
					want, b.Sources = c.without, b.Sources[:1]
				}
				_, err := b.Ask(t.Context(), idp.Question{Field: "password"})
				if (err == nil) != want {
					t.Errorf("%s, %s, codes %v: sent %v (%v), want %v", c.name, place, codes, err == nil, err, want)
				}
				b.Done(t.Context(), context.Canceled) // it says nothing
			}
			// Whoever is there may.
			b := attempt(g, source("password", "right"))
			b.Approves = true
			if _, err := b.Ask(t.Context(), idp.Question{Field: "password"}); err != nil {
				t.Errorf("%s, %s: with a person: %v", c.name, place, err)
			}
		}
	}
}
