package guard

import (
	"fmt"
	"time"
)

// RefusedError reports that the only secrets at hand were refused before, so that none
// was sent.
type RefusedError struct {
	What    string // "password"
	Source  string // where it came from: "GATEHOP_PASSWORD"
	At, Now time.Time
	Mute    bool // the provider did not say so: it showed its page again without a word
}

func (e *RefusedError) Error() string {
	if e.Mute {
		return fmt.Sprintf("the %s from %s led back to the sign-in page %s, without a word, and is not sent again", e.What, e.Source, when(e.At, e.Now))
	}
	return fmt.Sprintf("the %s from %s was refused %s and is not sent again", e.What, e.Source, when(e.At, e.Now))
}

// LockoutError reports that too much was refused for anything to be sent without a
// person.
type LockoutError struct {
	At, Now time.Time // of the last refusal
	Until   time.Time // zero: until a person has signed in
}

func (e *LockoutError) Error() string {
	if !e.Until.IsZero() {
		return fmt.Sprintf("a password was refused %s; whether there is another one now cannot be told without a record of it, so none is sent before %s",
			when(e.At, e.Now), e.Until.In(e.Now.Location()).Format("15:04"))
	}
	return fmt.Sprintf("%d different passwords were refused within %d minutes, the last %s; only a person may try again",
		maxRefusals, int(window.Minutes()), when(e.At, e.Now))
}

// HumanError reports that the provider answers a password, a ticket or a certificate with
// something that only a person can do, so that none was sent without one.
type HumanError struct{ At, Now time.Time }

func (e *HumanError) Error() string {
	return "the provider wanted something that only a person can do " + when(e.At, e.Now) + "; without one nothing is sent there again"
}

// when is a time of today as people say it.
func when(at, now time.Time) string {
	at = at.In(now.Location())
	ago := now.Sub(at)
	switch {
	case ago < 0:
		return "just now"
	case ago < time.Minute:
		return "just now"
	case ago < time.Hour:
		return fmt.Sprintf("at %s (%d min ago)", at.Format("15:04"), int(ago.Minutes()))
	case ago < 12*time.Hour:
		return "at " + at.Format("15:04")
	}
	return "on " + at.Format("2 January, 15:04")
}
