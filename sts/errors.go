package sts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/aws/smithy-go"

	"gatehop/creds/secret"
)

// Error reports that AWS refused a call.
type Error struct {
	Hop     string // "AssumeRoleWithSAML", "AssumeRole" or "GetCallerIdentity"
	Role    string // ARN of the role asked for; "" for GetCallerIdentity
	Caller  string // ARN of the identity that signed the call; "" if it was anonymous
	Code    string // AWS's, such as "AccessDenied"; "UnknownError" for a 5xx without an error document
	Message string // AWS's words: one line of at most 200 characters, secrets of the call taken out
	Status  int    // of the HTTP answer
	// Retryable says that the same call may succeed later without any change: 5xx and
	// throttling, after the attempts that were made.
	Retryable bool
	Throttled bool     // AWS gets more calls than it takes at the moment
	Causes    []string // what the code and message can mean, as facts, likeliest first; nil if not known
}

func (e *Error) Error() string {
	text := e.Hop
	if e.Role != "" {
		text = "assume " + e.Role
	}
	text += ": " + e.Code
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// NetError reports that no answer came from an endpoint. Err never holds a URL.
type NetError struct {
	Host string
	Err  error
}

func (e *NetError) Error() string { return "call STS at " + e.Host + ": " + e.Err.Error() }

func (e *NetError) Unwrap() error { return e.Err }

// ReplyError reports an answer that is none of AWS's: a page of something between, or
// values that cannot be right. It quotes nothing of it.
type ReplyError struct {
	Hop    string // as of Error
	Host   string
	Status int    // of the HTTP answer
	Field  string // "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "Arn"; "" for the whole
	Why    string
}

func (e *ReplyError) Error() string {
	what := "answer"
	if e.Field != "" {
		what = e.Field
	}
	return fmt.Sprintf("read %s of %s to %s (status %d): %s", what, e.Host, e.Hop, e.Status, e.Why)
}

// IdentityError reports credentials of another role than the one asked for. They have
// been thrown away.
type IdentityError struct{ Asked, Got string } // role ARN; what AWS says the session is, one line, cut

func (e *IdentityError) Error() string {
	return fmt.Sprintf("assume %s: the answer is for %q", e.Asked, e.Got)
}

// MismatchError reports two things that cannot go together. Nothing was sent.
type MismatchError struct {
	Role  string // ARN of the role asked for, or of the identity that would call
	Other string // SAML provider or caller ARN, the assertion's destination, or a region
	What  string // in what they differ: "partition" or "account"
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("assume %s: %s is of another %s", e.Role, e.Other, e.What)
}

// fail turns what the SDK returned into one of the errors of this package.
func (w *wire) fail(ctx context.Context, err error) error {
	var api smithy.APIError
	answered := w.err == nil && w.status != 0
	documented := answered && errors.As(err, &api) && api.ErrorCode() != "UnknownError" && api.ErrorCode() != ""
	switch {
	case documented && w.status >= 400:
		return w.refused(api.ErrorCode(), api.ErrorMessage())
	case ctx.Err() != nil:
		return fmt.Errorf("call STS (%s): %w", w.op, ctx.Err())
	case w.err != nil:
		return &NetError{Host: w.host, Err: w.err}
	case !answered:
		return fmt.Errorf("call STS (%s): %v", w.op, bare(err))
	case w.status >= 500:
		return w.refused("UnknownError", http.StatusText(w.status))
	case w.status >= 300 && w.status < 400:
		return w.odd("", "it is a redirect, which is not followed")
	}
	return w.odd("", "it is not an STS document")
}

func (w *wire) refused(code, message string) *Error {
	e := &Error{Hop: w.op, Role: w.role, Code: tidy(code), Message: tidy(w.redact(message)), Status: w.status}
	if w.caller != nil {
		e.Caller = w.caller.Identity
	}
	e.Retryable = w.status >= 500 || isTransient(code)
	e.Throttled = isThrottling(code)
	e.Causes = causesOf(w.op, e.Code, message)
	return e
}

func (w *wire) odd(field, why string) *ReplyError {
	return &ReplyError{Hop: w.op, Host: w.host, Status: w.status, Field: field, Why: why}
}

// redact takes out runs of characters that occur in a secret of the call: AWS quotes
// parameters that it does not like, the assertion among them.
func (w *wire) redact(message string) string {
	return regexp.MustCompile(`[A-Za-z0-9+/=]{16,}`).ReplaceAllStringFunc(message, func(run string) string {
		for _, s := range w.secrets {
			if strings.Contains(s.Reveal(), run) || len(s.Reveal()) >= 16 && strings.Contains(run, s.Reveal()) {
				return secret.Redacted
			}
		}
		return run
	})
}

// shorter returns the duration to ask for next when AWS said that d is more than the
// role allows; 0 if it said something else or there is nothing left to try. hint says
// that the value is the limit of AWS's message, which is believed once.
func shorter(e *Error, d time.Duration, believe bool) (next time.Duration, hint bool) {
	text := strings.ToLower(e.Message)
	about := strings.Contains(text, "durationseconds") || strings.Contains(text, "maxsessionduration")
	if e.Code != "ValidationError" || !about {
		return 0, false
	}
	for _, number := range regexp.MustCompile(`\b[0-9]{4,5}\b`).FindAllString(text, -1) {
		n, _ := strconv.Atoi(number)
		if limit := time.Duration(n) * time.Second; believe && limit >= time.Hour && limit < d {
			next = max(next, limit)
		}
	}
	if next > 0 {
		return next, true
	}
	for _, step := range []time.Duration{8, 4, 2, 1} {
		if step*time.Hour < d {
			return step * time.Hour, false
		}
	}
	return 0, false
}

// bare takes the *url.Error off, which prints the whole URL.
func bare(err error) error {
	for {
		var u *url.Error
		if !errors.As(err, &u) {
			return err
		}
		err = u.Err
	}
}

// tidy makes a stranger's text fit to be shown: one line of at most 200 characters
// without control, format and bidirectional characters.
func tidy(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ") {
		if !unicode.IsPrint(r) {
			continue
		}
		if n++; n == 200 {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
