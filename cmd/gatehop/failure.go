package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"sync"

	"gatehop/cmd/gatehop/internal/failure"
	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/guard"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds"
	"gatehop/creds/store"
)

// sharedError is the failure of another gatehop that this one waited for, or would only
// repeat.
type sharedError struct{ failure.Failure }

func (e *sharedError) Error() string { return e.Message }

func explainShared(err error, e *explanation) bool {
	var shared *sharedError
	if !errors.As(err, &shared) {
		return false
	}
	*e = explanation{message: shared.Message, detail: shared.Detail, hint: shared.Hint, status: shared.Status}
	return true
}

// failures is what one run at one gateway tells others of its failures, and hears of theirs.
type failures struct {
	a    *app
	run  failure.Run
	mu   sync.Mutex
	told []error

	marks func() []guard.Mark // made once: it takes a while
}

func (a *app) failures(s *settings, f *flow.Flow) *failures {
	fs := &failures{a: a}
	fs.marks = sync.OnceValue(func() []guard.Mark {
		return []guard.Mark{guard.NewMark(a.knownPassword(s)), guard.NewMark(s.OTP)}
	})
	fs.run = failure.Run{
		Now: a.now, Unattended: a.isUnattended, Alone: func() bool { return a.isLogin || f.Force },
		Settings: func() string {
			all := []string{s.Digest(), s.SignIn.Key(), s.User, s.Region, s.CABundle, f.Want.Role, s.CertificateSum(), a.ticketSum(s)}
			all = append(all, s.SignIn.PasswordCommand...)
			sum := sha256.Sum256([]byte(strings.Join(all, "\x00")))
			return hex.EncodeToString(sum[:16])
		},
		Marks: fs.marks,
		Same: func(marks []guard.Mark) bool {
			return len(marks) == 2 && marks[1].Matches(s.OTP) && a.samePassword(s, marks[0])
		},
	}
	return fs
}

// samePassword reports whether m is the mark of this run's own password. What failed
// before anybody needed a password runs no command to find out.
func (a *app) samePassword(s *settings, m guard.Mark) bool {
	own := a.knownPassword(s)
	if len(m.Hash) != 0 && own.IsZero() {
		ctx, cancel := context.WithTimeout(context.Background(), a.unattendedWait())
		defer cancel()
		var err error
		if own, err = a.ownPassword(ctx, s); err != nil { // the sign-in says so
			return false
		}
	}
	return m.Matches(own)
}

// tell is creds.Flight.Record. The locks of a chain lie in each other, so that one
// failure comes by several times; it is whole and new the first time.
func (fs *failures) tell(err error) []byte {
	var shared *sharedError
	if errors.As(err, &shared) {
		return fs.run.Tell(shared.Failure, true)
	}
	e := explain(err)
	known := failure.Failure{
		Message: e.message, Detail: e.detail, Hint: e.hint, Status: e.status, Final: !mayUseRest(err), At: fs.a.now(),
	}
	switch {
	case errors.Is(err, context.Canceled) && fs.a.wait.leftQuestion():
		known.Kind, known.Detail, known.Hint = failure.Cancelled, nil, ""
		known.Message = "the sign-in that this waited for was cancelled by its person"
	case errors.Is(err, context.Canceled): // nobody waited for it any more, or it was ended: whoever comes next does it
		return nil
	case e.status == statusHuman:
		known.Kind = failure.Human
	case e.status == statusUsage: // settings that no digest knows may be what is mended next
		known.Kind = failure.Waiters
	}
	return fs.run.Tell(known, fs.passed(err))
}

// passed reports whether err was told before, and remembers it.
func (fs *failures) passed(err error) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, earlier := range fs.told {
		if errors.Is(err, earlier) {
			return true
		}
	}
	fs.told = append(fs.told, err)
	return false
}

// hear is creds.Flight.Replay.
func (fs *failures) hear(record []byte, waited bool) error {
	if known, ok := fs.run.Hear(record, waited); ok {
		return &sharedError{known}
	}
	return nil
}

// share makes a Flight tell and hear by way of kept. Where no session is kept, no
// failure is either.
func share[T any](f *creds.Flight[T], kept creds.Store, fs *failures) {
	if kept != nil {
		f.Failures, f.Record, f.Replay = kept, fs.tell, fs.hear
	}
}

// failureStore is beside the store of sessions, or nil if that keeps nothing.
func (a *app) failureStore(dir store.Dir, sessions creds.Store) creds.Store {
	if _, ok := sessions.(*store.Sealed); !ok {
		return nil
	}
	return store.NewSealed(dir, "failure", rand.Reader, a.warn)
}

// forgetFailures drops what is known of the failures of chains, and says whether anything
// was.
func (a *app) forgetFailures(ctx context.Context, dir store.Dir, sessions creds.Store, chains ...profile.Chain) (had bool, err error) {
	kept := a.failureStore(dir, sessions)
	if kept == nil {
		return false, nil
	}
	for _, ch := range chains {
		keys := []string{ch[0].SignIn.Key()}
		for i := range ch {
			keys = append(keys, ch.CacheKey(i))
		}
		for _, key := range keys {
			if _, err := kept.Get(ctx, key); err == nil {
				had = true
			}
			if err := kept.Delete(ctx, key); err != nil {
				return had, err
			}
		}
	}
	return had, nil
}

// mayUseRest reports whether a session may be used up after renewing it failed so: not
// where the configuration is wrong, or the provider is another one than before.
func mayUseRest(err error) bool {
	var shared *sharedError
	if errors.As(err, &shared) {
		return !shared.Final
	}
	return explain(err).status != statusUsage && !errors.As(err, new(*flow.PinError))
}
