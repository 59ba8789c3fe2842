// Package failure decides which failures of one run others are told, and which of others' count for a run.
package failure

import (
	"encoding/json"
	"time"

	"gatehop/cmd/gatehop/internal/guard"
)

// Kept is how long unattended runs that come later are answered with a failure.
const Kept = time.Minute

// Failure is what went wrong as a person reads it. It is told to others word for word.
type Failure struct {
	Message string   `json:"message"`
	Detail  []string `json:"detail,omitempty"`
	Hint    string   `json:"hint,omitempty"`
	Status  int      `json:"status"`
	Kind    Kind     `json:"kind,omitempty"`
	Final   bool     `json:"final,omitempty"` // what is left of a session is not to be used, either
	// At is when it happened, by the clock of the run that it happened to.
	At time.Time `json:"at"`
}

// Kind says to whom a failure matters. The zero value is everybody who waited, and for
// a minute whoever comes later and has nobody to ask.
type Kind string

// Kinds.
const (
	Waiters   Kind = "waiters"   // everybody who waited, and nobody who comes later
	Human     Kind = "human"     // unattended runs that waited: only a person could have gone on
	Cancelled Kind = "cancelled" // everybody who waited: the person who was asked left
)

// Run is one run of gatehop at one provider. Its funcs are called only where there is a
// failure to tell or to hear of.
type Run struct {
	Now        func() time.Time
	Unattended func() bool
	// Alone reports a run whose person wants to see for themselves: it hears of no
	// failure, and of its own others hear only that the person left.
	Alone    func() bool
	Settings func() string                 // digest of everything but secrets that a sign-in depends on
	Marks    func() []guard.Mark           // of the secrets that the run has
	Same     func(marks []guard.Mark) bool // whether the run has those secrets
}

// record is a Failure as it lies in a sealed store. Passed is set where it was told
// again, for another lock: whoever comes later asks at the lock that it happened under,
// because what lies above that may have got well since.
type record struct {
	Failure
	Passed   bool         `json:"passed,omitempty"`
	Settings string       `json:"settings"`
	Marks    []guard.Mark `json:"marks,omitempty"`
}

// Tell makes a record of a failure, or nil if others are not to hear of it. passed says
// that it was told before, by this run or another.
func (r *Run) Tell(f Failure, passed bool) []byte {
	if r.Alone() && f.Kind != Cancelled {
		return nil
	}
	data, err := json.Marshal(record{Failure: f, Passed: passed, Settings: r.Settings(), Marks: r.Marks()})
	if err != nil { // a time without four digits to its year
		return nil
	}
	return data
}

// Hear says what the record of a failure means to this run: false if nothing. waited:
// it happened while this run was waiting for whoever it happened to.
func (r *Run) Hear(data []byte, waited bool) (Failure, bool) {
	var known record
	if json.Unmarshal(data, &known) != nil || r.Alone() || !r.concerns(known, waited) {
		return Failure{}, false
	}
	// The comparison of secrets is slow on purpose: it comes last.
	return known.Failure, known.Settings == r.Settings() && r.Same(known.Marks)
}

func (r *Run) concerns(known record, waited bool) bool {
	if known.Kind == Human && !r.Unattended() {
		return false
	}
	if waited {
		return true
	}
	age := r.Now().Sub(known.At)
	return known.Kind == "" && !known.Passed && 0 <= age && age < Kept && r.Unattended()
}
