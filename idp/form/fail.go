package form

import (
	"context"
	"errors"
	"net/url"
	"slices"

	"gatehop/creds/secret"
	"gatehop/idp"
)

// cleaned takes what was typed, and what no terminal should get, out of an error that
// other packages made of addresses.
func (w *Walk) cleaned(err error) error {
	var origin *idp.OriginError
	var page *idp.PageError
	switch {
	case errors.As(err, &origin):
		clean := *origin
		clean.Page, clean.Target = w.Clean(origin.Page), w.Clean(origin.Target)
		clean.Untrusted = idp.Origin(w.Clean(string(origin.Untrusted)))
		return &clean
	case errors.As(err, &page):
		clean := *page
		clean.URL, clean.Words, clean.Fingerprint = w.Clean(page.URL), w.Clean(page.Words), w.Clean(page.Fingerprint)
		return &clean
	}
	return err
}

// Clean makes a text of the provider's fit to be shown: CleanWords with what was typed
// in this sign-in.
// Answers of one to three characters stay: taken out, they would show by the gaps what
// they are.
func (w *Walk) Clean(text string) string {
	long := slices.DeleteFunc(slices.Clone(w.secrets), func(s secret.Text) bool { return len(s.Reveal()) < 4 })
	return idp.CleanWords(text, long...)
}

// Fail makes the verdict over a page. words are the provider's, or what the verdict's
// comment says.
func (w *Walk) Fail(p *Page, v idp.Verdict, words string) *idp.PageError {
	e := w.fail(p.URL, v)
	e.Title, e.Words, e.Status = w.Clean(p.Title), w.Clean(words), p.Status
	if v == idp.Unknown || v == idp.UnreadableForm {
		e.Fingerprint = w.Clean(p.Fingerprint())
	}
	return e
}

func (w *Walk) fail(u *url.URL, v idp.Verdict) *idp.PageError {
	return &idp.PageError{Verdict: v, URL: w.Clean(idp.SafeURL(u))}
}

// timed tells the end of the time for a sign-in from other ends.
func (w *Walk) timed(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errBudget) {
		return &idp.NetworkError{Host: w.Entry.Host, Op: "sign in", Kind: idp.NetTimeout, Err: context.DeadlineExceeded}
	}
	return err
}
