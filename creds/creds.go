// Package creds carries AWS credentials from the call that made them to whoever needs them, once.
package creds

import (
	"context"
	"errors"
	"time"

	"gatehop/creds/secret"
)

// MaxLife is the longest life that any of these credentials can have: AWS's limit of
// 12 hours for a role session. A clock that was set back promises no more.
const MaxLife = 12 * time.Hour

// Credentials are temporary credentials of one role session.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey secret.Text
	SessionToken    secret.Text
	Expires         time.Time     // AWS's, UTC
	Skew            time.Duration // server minus local clock when issued; 0 if unknown
	Identity        string        // assumed-role ARN: arn:PARTITION:sts::ACCOUNT:assumed-role/NAME/SESSION
}

// Remaining is the life left at the local time now, reckoned in the server's time;
// negative once expired, never more than MaxLife.
func (c Credentials) Remaining(now time.Time) time.Duration {
	return min(c.Expires.Sub(now.Add(c.Skew)), MaxLife)
}

// FreshFor reports whether c, whose session was made for lifetime, need not be renewed
// at the local time now: 20 minutes or a third of the session are left, whichever is
// less. A lifetime of 0 is an unknown one, for which 20 minutes must be left.
//
// That is reckoned in the server's time, and in local time too: the tools that get c go
// by the local clock, and botocore starts its helper for every call in the last 15
// minutes. A local clock so far ahead that a new session would soon be as bad counts
// for nothing.
func FreshFor(c Credentials, lifetime time.Duration, now time.Time) bool {
	margin := 20 * time.Minute
	if lifetime > 0 {
		margin = min(margin, lifetime/3)
	}
	left := c.Remaining(now)
	if lifetime+c.Skew >= 2*margin { // what a tool would see of a new session
		left = min(left, c.Expires.Sub(now))
	}
	return left >= margin && left > 0
}

// Usable reports whether c may still be handed out at the local time now if it cannot
// be renewed: over one minute is left.
func Usable(c Credentials, now time.Time) bool {
	return c.Remaining(now) > time.Minute
}

// Source yields credentials that are good now. It may be called at once from many
// goroutines; an error is final for that call.
type Source func(ctx context.Context) (Credentials, error)

// ErrNotFound is what a Store's Get returns for a key that it does not hold,
// or holds in a form that cannot be opened.
var ErrNotFound = errors.New("not found")

// The limits of every Store. A Put of more is refused.
const (
	MaxKey   = 64 << 10 // bytes
	MaxValue = 1 << 20  // bytes
)

// Store keeps small secrets between runs and processes. Keys are any non-empty
// strings of up to MaxKey bytes; values up to MaxValue. A Put replaces whole values: a
// reader sees the old one or the new one. A value passed in or out is the caller's own.
// All methods may be called at once from many goroutines and processes; a call whose
// context has ended returns its error and changes nothing. Unreadable values count as
// absent. Every store that keeps anything passes credstest.TestStore.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, error) // ErrNotFound
	Put(ctx context.Context, key string, value []byte) error
	Delete(ctx context.Context, key string) error // of an absent key: nil
}
