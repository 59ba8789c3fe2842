package form

import (
	"context"
	"errors"
	"slices"
	"time"

	"gatehop/idp"
)

const (
	maxWait   = 120 * time.Second // for a person to answer on another device
	pollEvery = time.Second
)

// errUnanswered is the cause of a context in which nobody answered in time.
var errUnanswered = errors.New("nobody answered on the other device")

// Pending is a page that waits for the person to answer on another device.
type Pending struct {
	// Form finds the form to post, nil on a page that is something else.
	Form func(p *Page) *Form
	// Say is what the person is to do, in the words of the page, and what that comes to: they
	// are told again when this is something else.
	Say func(p *Page) (text, sense string)
	// Blocks: the server answers when the person has, and what it answers with is the end of
	// it: to post that is another request. Else it says at once that it waits, and is asked
	// again a second later.
	Blocks bool
}

// MayApprove makes sure that somebody is there for what may come of the next request:
// idp.ByPhone, idp.ByCode. Where it returns an error, a *idp.NeedsInputError if nobody is
// there, no phone may ring.
func (w *Walk) MayApprove(ctx context.Context, ways ...string) error {
	q := idp.Question{Field: idp.Approval, Public: true, Options: ways}
	answer, err := w.ask(ctx, q)
	if err == nil && !slices.Contains(ways, answer.Reveal()) {
		return &idp.NeedsInputError{Question: q}
	}
	return err
}

// pollKey marks the context of a poll, whose redirects count for nothing either.
type pollKey struct{}

// MayProve makes sure that what proves the person without their doing may be shown now: what
// follows it may ring their phone as what follows a password does. To look, all may.
func (w *Walk) MayProve(ctx context.Context) error {
	if w.Session.Prompt == nil {
		return nil
	}
	_, err := w.ask(ctx, idp.Question{Field: idp.Proof, Public: true, Options: []string{idp.Yes}})
	return err
}

// Await posts the form of a page that waits, each time as the newest page has it, until
// something else comes of it: that page is the way on. After two minutes the verdict is
// MFATimeout. Neither the person's time nor the requests count for the sign-in.
func (w *Walk) Await(ctx context.Context, p *Page, on Pending) (Next, error) {
	if err := w.MayApprove(ctx, idp.ByPhone); err != nil {
		return Next{}, err
	}
	if w.waits++; w.waits > maxAnswers { // one leads to the other
		return Next{}, w.Fail(p, idp.SignInLoop, "")
	}
	defer w.budget.pause()()
	limited, cancel := context.WithTimeoutCause(ctx, maxWait, errUnanswered)
	defer cancel()
	if w.Session.Waiting != nil {
		defer w.Session.Waiting("your approval")()
	}
	next, err := w.await(idp.WithRequestTimeout(limited, 2*maxWait), p, on) // it ends before
	if err != nil && errors.Is(context.Cause(limited), errUnanswered) {
		return Next{}, w.Fail(p, idp.MFATimeout, "")
	}
	return next, err
}

func (w *Walk) await(ctx context.Context, p *Page, on Pending) (Next, error) {
	f, told := on.Form(p), ""
	for first := true; f != nil; first = false {
		if !first && on.Blocks {
			return Next{}, w.Fail(p, idp.MFATimeout, "")
		}
		if err := w.MayAnswer(p, f, nil); err != nil {
			return Next{}, err
		}
		if text, sense := on.Say(p); sense != told {
			w.tell(ctx, p, text)
			told = sense
		}
		if !on.Blocks {
			if err := wait(ctx, pollEvery); err != nil {
				return Next{}, err
			}
		}
		send, err := f.Submit(nil, Fill{})
		if err != nil {
			return Next{}, w.refused(p, err)
		}
		if p, err = w.fetch(ctx, Next{Send: send, From: p.URL, poll: true}); err != nil {
			return Next{}, err
		}
		f = on.Form(p)
	}
	return Next{Page: p}, nil
}

// tell shows the person what a page says.
func (w *Walk) tell(ctx context.Context, p *Page, text string) {
	if w.Session.Prompt != nil {
		w.Session.Prompt.Tell(ctx, w.Clean(p.URL.Hostname())+": "+w.Clean(text))
	}
}
