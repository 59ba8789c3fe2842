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
			b.Approves, b.Login = true, true
			if _, err := b.Ask(t.Context(), idp.Question{Field: "password"}); err != nil {
				t.Errorf("%s, %s: with a person: %v", c.name, place, err)
			}
		}
	}
}

// rung is a guard that has seen an approved request on a phone.
func rung(t *testing.T, change func(*Guard), outcome error) *Guard {
	t.Helper()
	g := testGuard(&noon)
	change(g)
	a := attempt(g, source("password", "right"))
	a.Attended, a.Approves = true, true
	ask(t, a, idp.Question{Field: "password"})
	ask(t, a, idp.Question{Field: idp.Approval, Public: true, Options: []string{idp.ByPhone}})
	a.Done(t.Context(), outcome)
	return g
}

func ask(t *testing.T, a *Attempt, q idp.Question) {
	t.Helper()
	if _, err := a.Ask(t.Context(), q); err != nil {
		t.Fatal(err)
	}
}

// TestRingsOn: what says nothing about the next password does not make a provider that rings
// one that does not; what was enough without a phone does.
func TestRingsOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   func(a *Attempt)
		ends bool
	}{
		{"kept cookies", func(*Attempt) {}, false},
		{"a typed code", func(a *Attempt) {
			a.Person = idp.Fixed{"otp": secret.New("123456")}
			ask(t, a, idp.Question{Field: "password"})
			ask(t, a, idp.Question{Field: "otp"})
		}, false},
		{"a program's code", func(a *Attempt) {
			a.Sources = append(a.Sources, source("otp", "123456"))
			ask(t, a, idp.Question{Field: "password"})
			ask(t, a, idp.Question{Field: "otp"})
		}, true},
		{"a password alone", func(a *Attempt) { ask(t, a, idp.Question{Field: "password"}) }, true},
		{"a ticket alone", func(a *Attempt) { ask(t, a, idp.Question{Field: idp.Proof, Public: true, Options: []string{idp.Yes}}) }, true},
	} {
		for place, change := range map[string]func(*Guard){
			"marks": func(*Guard) {}, "times": func(g *Guard) { g.Keep = false }, "full": func(g *Guard) { g.Marks = full{store.NewMemory()} },
		} {
			g := rung(t, change, nil)
			a := attempt(g, source("password", "right"))
			a.Attended, a.Approves = true, true
			c.do(a)
			a.Done(t.Context(), nil)
			_, err := attempt(g, source("password", "right"), source("otp", "654321")).Ask(t.Context(), idp.Question{Field: "password"})
			if (err == nil) != c.ends {
				t.Errorf("%s, %s: the next password: %v, want it sent %v", c.name, place, err, c.ends)
			}
		}
	}
}

// TestRingsAtOnce: a run that is killed while the phone rings has written down that it does.
func TestRingsAtOnce(t *testing.T) {
	t.Parallel()
	g := testGuard(&noon)
	a := attempt(g, source("password", "right"))
	a.Approves = true
	ask(t, a, idp.Question{Field: "password"})
	ask(t, a, idp.Question{Field: idp.Approval, Public: true, Options: []string{idp.ByPhone}})
	if _, err := attempt(g, source("password", "right")).Ask(t.Context(), idp.Question{Field: "password"}); err == nil {
		t.Error("the next password is sent")
	}
}

// TestDenied: after a request that was denied or not answered nobody's phone rings before
// they have said so: by login, by typing the password, or to a question.
func TestDenied(t *testing.T) {
	t.Parallel()
	same := func(*Guard) {}
	for _, c := range []struct {
		name    string
		outcome error
		answer  string // to the question; "": it must not be asked
		login   bool
		typed   bool
		proof   bool
		want    bool // sent
	}{
		{name: "approved", want: true},
		{name: "left", outcome: context.Canceled, want: true},
		{name: "denied, yes", outcome: &idp.PageError{Verdict: idp.MFADenied}, answer: "yes", want: true},
		{name: "denied, no", outcome: &idp.PageError{Verdict: idp.MFADenied}, answer: "no"},
		{name: "unanswered, no", outcome: &idp.PageError{Verdict: idp.MFATimeout}, answer: "no"},
		{name: "denied, a ticket, no", outcome: &idp.PageError{Verdict: idp.MFADenied}, answer: "no", proof: true},
		{name: "denied, login", outcome: &idp.PageError{Verdict: idp.MFADenied}, login: true, want: true},
		{name: "denied, typed", outcome: &idp.PageError{Verdict: idp.MFADenied}, typed: true, want: true},
	} {
		g := rung(t, same, c.outcome)
		asked := 0
		person := confirming{answer: c.answer, asked: &asked}
		a := attempt(g, source("password", "right"))
		a.Attended, a.Approves, a.Login, a.Person = true, true, c.login, person
		if c.typed {
			a.Sources = nil
		}
		q := idp.Question{Field: "password"}
		if c.proof {
			q = idp.Question{Field: idp.Proof, Public: true, Options: []string{idp.Yes}}
		}
		_, err := a.Ask(t.Context(), q)
		if (err == nil) != c.want || (asked > 0) != (c.answer != "") {
			t.Errorf("%s: %v after %d questions, want it sent %v", c.name, err, asked, c.want)
		}
		if c.answer == "yes" { // once in a sign-in, and no more after an approval
			ask(t, a, idp.Question{Field: idp.Proof, Public: true, Options: []string{idp.Yes}})
			ask(t, a, idp.Question{Field: idp.Approval, Public: true, Options: []string{idp.ByPhone}})
			a.Done(t.Context(), nil)
			b := attempt(g, source("password", "right"))
			b.Attended, b.Approves, b.Person = true, true, person
			ask(t, b, q)
			if asked != 1 {
				t.Errorf("%s: asked %d times", c.name, asked)
			}
		}
	}
}

// confirming is a person with a password who counts how often they are asked to confirm.
type confirming struct {
	answer string
	asked  *int
}

func (c confirming) Ask(_ context.Context, q idp.Question) (secret.Text, error) {
	if q.Field == "confirm" {
		*c.asked++
		return secret.New(c.answer), nil
	}
	return secret.New("typed"), nil
}

func (confirming) Tell(context.Context, string) {}
