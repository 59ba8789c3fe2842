package idptest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"gatehop/creds/secret"
	"gatehop/idp"
)

// NoAnswer in a script stands for a source that cannot answer: idp.ErrNoAnswer.
const NoAnswer = "\x00no answer"

// UnscriptedError reports a question that the script has no answer for, or no more.
type UnscriptedError struct {
	Question idp.Question
	Asked    int // how often this field has been asked, this time included
}

func (e *UnscriptedError) Error() string {
	return fmt.Sprintf("question %d for %q is not in the script", e.Asked, e.Question.Field)
}

// Answers is an idp.Prompter that answers from a script and remembers what it was
// asked and told. It may be used from many goroutines at once.
type Answers struct {
	mu     sync.Mutex
	script map[string][]string
	asked  []idp.Question
	told   []string
}

// NewAnswers makes a prompter that gives, for each field, the answers of the script in
// order, NoAnswer included; any other question ends in an *UnscriptedError. Somebody is
// there for requests on a phone (idp.Approval), and what proves them may be shown
// (idp.Proof), unless the script says otherwise; those are no questions to remember.
func NewAnswers(script map[string][]string) *Answers {
	a := &Answers{script: map[string][]string{}}
	for field, answers := range script {
		a.script[field] = slices.Clone(answers)
	}
	return a
}

// Ask gives the next answer of the question's field.
func (a *Answers) Ask(ctx context.Context, q idp.Question) (secret.Text, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, scripted := a.script[q.Field]; !scripted {
		switch {
		case q.Field == idp.Approval && slices.Contains(q.Options, idp.ByPhone):
			return secret.New(idp.ByPhone), nil
		case q.Field == idp.Proof:
			return secret.New(idp.Yes), nil
		}
	}
	q.Options = slices.Clone(q.Options)
	a.asked = append(a.asked, q)
	if err := ctx.Err(); err != nil {
		return secret.Text{}, err
	}
	left := a.script[q.Field]
	if len(left) == 0 {
		asked := 0
		for _, earlier := range a.asked {
			if earlier.Field == q.Field {
				asked++
			}
		}
		return secret.Text{}, &UnscriptedError{Question: q, Asked: asked}
	}
	a.script[q.Field] = left[1:]
	if left[0] == NoAnswer {
		return secret.Text{}, idp.ErrNoAnswer
	}
	return secret.New(left[0]), nil
}

// Tell remembers message.
func (a *Answers) Tell(_ context.Context, message string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, message)
}

// Questions returns every question so far, in order.
func (a *Answers) Questions() []idp.Question {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.asked)
}

// Asked returns how often field was asked.
func (a *Answers) Asked(field string) int {
	n := 0
	for _, q := range a.Questions() {
		if q.Field == field {
			n++
		}
	}
	return n
}

// Told returns every message so far, in order.
func (a *Answers) Told() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.told)
}

// Unused returns the fields, sorted, that still have answers nobody asked for.
func (a *Answers) Unused() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var fields []string
	for _, field := range slices.Sorted(maps.Keys(a.script)) {
		if len(a.script[field]) > 0 {
			fields = append(fields, field)
		}
	}
	return fields
}
