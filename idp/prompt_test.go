package idp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gatehop/creds/secret"
)

// source answers with what it is told and counts.
type source struct {
	ask   func(ctx context.Context, q Question) (secret.Text, error)
	asked atomic.Int64
	told  atomic.Int64
}

func (s *source) Ask(ctx context.Context, q Question) (secret.Text, error) {
	s.asked.Add(1)
	return s.ask(ctx, q)
}
func (s *source) Tell(context.Context, string) { s.told.Add(1) }

func says(text string) func(context.Context, Question) (secret.Text, error) {
	return func(context.Context, Question) (secret.Text, error) { return secret.New(text), nil }
}

func fails(err error) func(context.Context, Question) (secret.Text, error) {
	return func(context.Context, Question) (secret.Text, error) { return secret.Text{}, err }
}

var errBroken = errors.New("password command ended with 1")

type promptCase struct {
	name    string
	q       Question
	sources []func(context.Context, Question) (secret.Text, error)
	want    string
	err     error // sentinel, or a *NeedsInputError for any
	asked   string
}

func promptCases() []promptCase {
	type asks = []func(context.Context, Question) (secret.Text, error)
	first, again := Question{Field: "password"}, Question{Field: "password", Retry: "Incorrect user ID or password."}
	choice := Question{Field: "mfa", Options: []string{"Phone call", " Code "}}
	fixed := Fixed{"password": secret.New("fixed"), "mfa": secret.New("Fax")}.Ask
	none, needs := fails(ErrNoAnswer), fails(fmt.Errorf("x: %w", &NeedsInputError{}))
	return []promptCase{
		{"first source", first, asks{says("a"), says("b")}, "a", nil, "1 0"},
		{"second source", first, asks{none, says("b")}, "b", nil, "1 1"},
		{"wrapped", first, asks{fails(fmt.Errorf("x: %w", ErrNoAnswer)), says("b")}, "b", nil, "1 1"},
		{"nobody", first, asks{none, none}, "", &NeedsInputError{}, "1 1"},
		{"no source", first, nil, "", &NeedsInputError{}, ""},
		{"nobody again", again, asks{none, none}, "", ErrNoAnswer, "1 1"},
		{"no source again", again, nil, "", ErrNoAnswer, ""},
		{"fixed", first, asks{fixed, says("b")}, "fixed", nil, "1 0"},
		{"fixed has no second answer", again, asks{fixed, none}, "", ErrNoAnswer, "1 1"},
		{"a person has", again, asks{fixed, says("b")}, "b", nil, "1 1"},
		{"fixed has no such field", Question{Field: "otp"}, asks{fixed}, "", &NeedsInputError{}, "1"},
		{"broken source", first, asks{fails(errBroken), says("b")}, "", errBroken, "1 0"},
		{"canceled by a source", first, asks{fails(context.Canceled), says("b")}, "", context.Canceled, "1 0"},
		{"a FirstOf among them", first, asks{FirstOf(Fixed{}).Ask, needs, says("b")}, "b", nil, "1 1 1"},
		{"a FirstOf among them, again", again, asks{FirstOf().Ask, says("b")}, "b", nil, "1 1"},
		{"no value is no answer", first, asks{fails(nil), says("b")}, "b", nil, "1 1"},
		{"an empty answer is one", first, asks{says(""), says("b")}, "", nil, "1 0"},
		{"option", choice, asks{says("Phone call")}, "Phone call", nil, "1"},
		{"option in other case", choice, asks{says(" phone CALL ")}, "Phone call", nil, "1"},
		{"option as written", choice, asks{says("code")}, " Code ", nil, "1"},
		{"not an option", choice, asks{fixed, says("Code")}, " Code ", nil, "1 1"},
		{"no value is no option", Question{Options: []string{""}}, asks{fails(nil)}, "", &NeedsInputError{}, "1"},
		{"no option from anyone", choice, asks{fixed, says("")}, "", &NeedsInputError{}, "1 1"},
	}
}

// mistakes plays every case to a way of making one Prompter of several.
func mistakes(t *testing.T, combine func(...Prompter) Prompter) (out []string) {
	for _, c := range promptCases() {
		var (
			sources []*source
			all     []Prompter
			asked   []string
		)
		for _, ask := range c.sources {
			s := &source{ask: ask}
			sources, all = append(sources, s), append(all, s)
		}
		got, err := combine(all...).Ask(t.Context(), c.q)
		for _, s := range sources {
			asked = append(asked, fmt.Sprint(s.asked.Load()))
		}
		needs, isNeeds := (*NeedsInputError)(nil), errors.As(c.err, new(*NeedsInputError))
		switch {
		case got.Reveal() != c.want, strings.Join(asked, " ") != c.asked:
			out = append(out, fmt.Sprintf("%s: got %q, asked %v, want %q, %s", c.name, got.Reveal(), asked, c.want, c.asked))
		case isNeeds && (!errors.As(err, &needs) || needs.Question.Field != c.q.Field || errors.Is(err, ErrNoAnswer)):
			out = append(out, fmt.Sprintf("%s: %v, want *NeedsInputError", c.name, err))
		case !isNeeds && (!errors.Is(err, c.err) || c.err == nil && (err != nil || got.IsZero())):
			out = append(out, fmt.Sprintf("%s: %v, want %v", c.name, err, c.err))
		}
	}
	return out
}

func TestFirstOf(t *testing.T) {
	t.Parallel()
	for _, m := range mistakes(t, FirstOf) {
		t.Error(m)
	}
}

// wrongFirstOf are ways to get it wrong, by what they do with a source's answer.
type wrongFirstOf struct {
	ps   []Prompter
	next func(q Question, answer secret.Text, err error) (goOn bool, end error)
	end  func(Question) error
}

func (w wrongFirstOf) Tell(context.Context, string) {}
func (w wrongFirstOf) Ask(ctx context.Context, q Question) (secret.Text, error) {
	for _, p := range w.ps {
		answer, err := p.Ask(ctx, q)
		if goOn, end := w.next(q, answer, err); !goOn {
			return answer, end
		}
	}
	return secret.Text{}, w.end(q)
}

// The controls: each wrong way is noticed by the same cases.
func TestFirstOfCasesNotice(t *testing.T) {
	t.Parallel()
	right := func(q Question) error {
		if q.Retry != "" {
			return ErrNoAnswer
		}
		return &NeedsInputError{q}
	}
	noAnswer := func(_ Question, _ secret.Text, err error) (bool, error) { return errors.Is(err, ErrNoAnswer), err }
	for name, w := range map[string]wrongFirstOf{
		"no options, no nesting":    {next: noAnswer, end: right},
		"always needs input":        {next: noAnswer, end: func(q Question) error { return &NeedsInputError{q} }},
		"never needs input":         {next: noAnswer, end: func(Question) error { return ErrNoAnswer }},
		"goes on after any error":   {next: func(_ Question, _ secret.Text, err error) (bool, error) { return err != nil, nil }, end: right},
		"stops at the first":        {next: func(_ Question, _ secret.Text, err error) (bool, error) { return false, err }, end: right},
		"empty counts as no answer": {next: func(_ Question, a secret.Text, err error) (bool, error) { return a.Reveal() == "", err }, end: right},
	} {
		found := mistakes(t, func(ps ...Prompter) Prompter { w := w; w.ps = ps; return w })
		if len(found) == 0 {
			t.Errorf("%s: goes unnoticed", name)
		}
	}
}

// Once the context is done nobody is asked or told, and the error is the context's.
func TestFirstOfCanceled(t *testing.T) {
	t.Parallel()
	for _, retry := range []string{"", "no"} {
		ctx, cancel := context.WithCancel(t.Context())
		cancels := &source{ask: func(context.Context, Question) (secret.Text, error) {
			cancel()
			return secret.Text{}, ErrNoAnswer
		}}
		next := &source{ask: says("b")}
		q := Question{Field: "password", Retry: retry}
		if _, err := FirstOf(cancels, next).Ask(ctx, q); err != context.Canceled || next.asked.Load() != 0 {
			t.Errorf("canceled on the way: %v, next asked %d times", err, next.asked.Load())
		}
		if _, err := FirstOf(cancels).Ask(ctx, q); err != context.Canceled || cancels.asked.Load() != 1 {
			t.Errorf("canceled before: %v, asked %d times", err, cancels.asked.Load())
		}
		if _, err := FirstOf().Ask(ctx, q); err != context.Canceled {
			t.Errorf("canceled, no source: %v", err)
		}
		FirstOf(next).Tell(ctx, "x")
		if next.told.Load() != 0 {
			t.Error("told after the end")
		}
		// The control: with a context that goes on, the same sources are asked.
		if _, err := FirstOf(cancels, next).Ask(t.Context(), q); err != nil || next.asked.Load() != 1 {
			t.Errorf("not canceled: %v, next asked %d times", err, next.asked.Load())
		}
	}
	// A source that waits is ended by the context.
	ctx, cancel := context.WithCancel(t.Context())
	waits := &source{ask: func(ctx context.Context, _ Question) (secret.Text, error) {
		cancel()
		<-ctx.Done()
		return secret.Text{}, ctx.Err()
	}}
	if _, err := FirstOf(waits).Ask(ctx, Question{}); err != context.Canceled {
		t.Errorf("canceled while asked: %v", err)
	}
}

// Tell reaches every source, also while an Ask is under way.
func TestFirstOfConcurrent(t *testing.T) {
	t.Parallel()
	const tellers, each = 8, 50
	release := make(chan struct{})
	waits := &source{ask: func(context.Context, Question) (secret.Text, error) { <-release; return secret.New("b"), nil }}
	none := &source{ask: fails(ErrNoAnswer)}
	all := FirstOf(none, FirstOf(waits))
	answered := make(chan error, 1)
	go func() {
		_, err := all.Ask(t.Context(), Question{Field: "otp"})
		answered <- err
	}()
	var group sync.WaitGroup
	for range tellers {
		group.Go(func() {
			for range each {
				all.Tell(t.Context(), "approve the request")
			}
		})
	}
	group.Wait() // all were told although the question is still open
	close(release)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if none.told.Load() != tellers*each || waits.told.Load() != tellers*each {
		t.Errorf("told %d and %d times, want %d", none.told.Load(), waits.told.Load(), tellers*each)
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	type settings struct{ URL string }
	var got settings
	kind := KindOf(func(s settings) (Adapter, error) { got = s; return nil, nil })
	if _, err := kind(func(into any) error { into.(*settings).URL = homeURL; return nil }); err != nil || got.URL != homeURL {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := kind(func(any) error { return errBroken }); !errors.Is(err, errBroken) {
		t.Errorf("settings that cannot be read: %v", err)
	}
}
