package guard

import (
	"context"
	"errors"
	"testing"

	"gatehop/creds/secret"
	"gatehop/creds/store"
	"gatehop/idp"
)

// TestHuman: once the provider has answered a password with what only a person can do, no
// source's password is sent while nobody is there, until a password is enough again.
func TestHuman(t *testing.T) {
	t.Parallel()
	for _, v := range humanVerdicts {
		now := noon
		g := testGuard(&now)
		if !sent(t, g, "right", &idp.PageError{Verdict: v}) {
			t.Fatalf("%s: the first one is not sent", v)
		}
		asked := 0
		a := attempt(g, Source{Field: "password", Name: "the password", Get: func(context.Context) (secret.Text, error) {
			asked++
			return secret.New("another"), nil
		}})
		_, err := a.Ask(t.Context(), idp.Question{Field: "password"})
		var human *HumanError
		if !errors.As(err, &human) || !human.At.Equal(now) || asked != 0 {
			t.Errorf("%s: %v, and the source was asked %d times; want a *HumanError, and none", v, err, asked)
		}
		a.Done(t.Context(), err)
		// A person is asked, or their sources are, and a success opens the way.
		a = attempt(g, source("password", "right"))
		a.Attended = true
		if _, err := a.Ask(t.Context(), idp.Question{Field: "password"}); err != nil {
			t.Errorf("%s: with a person: %v", v, err)
		}
		a.Done(t.Context(), nil)
		if !sent(t, g, "right", nil) {
			t.Errorf("%s: not sent after a success", v)
		}
	}
	for name, change := range map[string]func(*Guard){"no marks": func(g *Guard) { g.Keep = false }, "full": func(g *Guard) { g.Marks = full{store.NewMemory()} }} {
		g := testGuard(&noon)
		change(g)
		sent(t, g, "right", &idp.PageError{Verdict: idp.SecondFactor})
		if sent(t, g, "right", nil) {
			t.Errorf("%s: the password is sent again", name)
		}
	}
	// The control: what judges the password, or nothing, says nothing about persons.
	for _, v := range []idp.Verdict{idp.Rejected, idp.NotPermitted, idp.Unavailable} {
		g := testGuard(&noon)
		sent(t, g, "x", &idp.PageError{Verdict: v})
		if !sent(t, g, "y", nil) {
			t.Errorf("after %s another password is not sent", v)
		}
	}
}

// TestCodeNeedsHuman: a provider that asks for a code wants a person, unless a program has
// codes.
func TestCodeNeedsHuman(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T, a *Attempt, field string) error {
		t.Helper()
		_, err := a.Ask(t.Context(), idp.Question{Field: field})
		return err
	}
	var human *HumanError
	for _, typed := range []bool{false, true} { // whether a person typed the code, before
		g := testGuard(&noon)
		a := attempt(g, source("password", "right"))
		if err := ask(t, a, "password"); err != nil {
			t.Fatal(err)
		}
		if typed {
			a.Attended, a.Person = true, idp.Fixed{"otp": secret.New("123456")}
			if err := ask(t, a, "otp"); err != nil {
				t.Fatal(err)
			}
			a.Done(t.Context(), nil)
		} else {
			a.Done(t.Context(), &idp.NeedsInputError{Question: idp.Question{Field: "otp"}})
		}
		a = attempt(g, source("password", "right"))
		if err := ask(t, a, "password"); !errors.As(err, &human) {
			t.Errorf("typed %v: without codes: %v, want a *HumanError", typed, err)
		}
		a.Done(t.Context(), human)
		a = attempt(g, source("password", "right"), source("otp", "123456"))
		if err := ask(t, a, "password"); err != nil {
			t.Errorf("typed %v: with codes: %v", typed, err)
		}
	}
	for _, field := range []string{"password", "username"} { // the control
		g := testGuard(&noon)
		a := attempt(g, source("password", "right"))
		if err := ask(t, a, "password"); err != nil {
			t.Fatal(err)
		}
		a.Done(t.Context(), &idp.NeedsInputError{Question: idp.Question{Field: field}})
		if err := ask(t, attempt(g, source("password", "right")), "password"); err != nil {
			t.Errorf("after a question for the %s: %v", field, err)
		}
	}
}
