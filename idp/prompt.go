package idp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gatehop/creds/secret"
)

// NeedsInputError reports that a question has no answer and nobody is there to ask.
type NeedsInputError struct{ Question Question }

func (e *NeedsInputError) Error() string {
	switch e.Question.Field {
	case Approval:
		return "an approval on a phone may be needed, and nobody is there to give it"
	case "otp":
		return "a code is needed and nobody is there to ask"
	}
	return fmt.Sprintf("%s is needed and nobody is there to ask", e.Question.Field)
}

// FirstOf asks each source in turn. If none answers, the error is *NeedsInputError
// for a first question and ErrNoAnswer for a repeated one (Question.Retry): the
// provider refused the only answer that there is. What is told goes to every source.
//
// Any other error of a source ends the asking: a password command that broke is not a
// reason to answer from somewhere else. No source is asked once the context is done;
// the error is then the context's. An answer of no value (secret.Text's zero value)
// counts as none, and so does one that is not among Question.Options; one that differs
// from an option in case alone is returned as the option is written. FirstOf may be
// used by many goroutines at once if the sources may.
func FirstOf(ps ...Prompter) Prompter { return firstOf(ps) }

type firstOf []Prompter

func (ps firstOf) Ask(ctx context.Context, q Question) (secret.Text, error) {
	for _, p := range ps {
		if err := ctx.Err(); err != nil {
			return secret.Text{}, err
		}
		answer, err := p.Ask(ctx, q)
		if needs := (*NeedsInputError)(nil); errors.Is(err, ErrNoAnswer) || errors.As(err, &needs) {
			continue // the second is how a FirstOf among the sources says it
		}
		if err != nil {
			return secret.Text{}, err
		}
		if answer, ok := option(q, answer); ok {
			return answer, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return secret.Text{}, err
	}
	if q.Retry != "" {
		return secret.Text{}, ErrNoAnswer
	}
	return secret.Text{}, &NeedsInputError{Question: q}
}

// option says whether answer answers q, and gives it the spelling of q's options.
func option(q Question, answer secret.Text) (secret.Text, bool) {
	if answer.IsZero() || len(q.Options) == 0 {
		return answer, !answer.IsZero()
	}
	given := strings.TrimSpace(answer.Reveal())
	for _, same := range []func(a, b string) bool{
		func(a, b string) bool { return a == b }, strings.EqualFold,
	} {
		for _, o := range q.Options {
			if same(strings.TrimSpace(o), given) {
				return secret.New(o), true
			}
		}
	}
	return secret.Text{}, false
}

func (ps firstOf) Tell(ctx context.Context, message string) {
	for _, p := range ps {
		if ctx.Err() != nil {
			return
		}
		p.Tell(ctx, message)
	}
}

// Fixed answers from a table of fields, each field once per sign-in as it stands: a
// repeated question (Retry) it cannot answer differently. It serves the profile's
// user name and the environment's GATEHOP_ variables.
type Fixed map[string]secret.Text

// Ask returns the field's value or ErrNoAnswer.
func (f Fixed) Ask(_ context.Context, q Question) (secret.Text, error) {
	if v, ok := f[q.Field]; ok && q.Retry == "" {
		return v, nil
	}
	return secret.Text{}, ErrNoAnswer
}

// Tell does nothing: a table has no screen.
func (Fixed) Tell(context.Context, string) {}
