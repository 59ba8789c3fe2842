package guard

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gatehop/creds"
	"gatehop/creds/secret"
)

// The limits: so many different secrets may be refused in so long; then only a person
// may go on. So many refused secrets are recognised; older ones are forgotten.
const (
	maxRefusals = 3
	window      = 30 * time.Minute
	maxMarks    = 16
)

// Guard keeps what identity providers refused, per provider and person (Key). Its
// methods may be called by many goroutines and processes; who changes an entry holds
// its lock.
type Guard struct {
	Marks creds.Store // sealed: by what refused secrets are recognised
	Times creds.Store // not sealed: when something was refused, where no mark can be kept
	Keep  bool        // marks may be kept; else only times are, and one refusal stops every secret for half an hour
	// Lock takes the lock of a key for all processes, waiting as long as ctx lets it;
	// nil: there is none.
	Lock func(ctx context.Context, key string) (unlock func(), err error)
	Now  func() time.Time
	Warn func(error) // hears that a refusal cannot be remembered; may be nil

	hash func(t secret.Text, salt []byte) []byte // of marks; nil: Mark's
}

// Key names a person at a provider: origin is the provider's, user the name as it is
// sent. CORP\alice, corp\ALICE and alice@corp are one.
func Key(origin, user string) string {
	user = strings.ToLower(strings.TrimSpace(user))
	user = user[strings.LastIndexByte(user, '\\')+1:]
	user, _, _ = strings.Cut(user, "@")
	text, err := json.Marshal([]string{"gatehop refusals 1", origin, user})
	if err != nil { // strings alone
		return origin
	}
	return string(text)
}

// record is what is kept about one person at one provider.
type record struct {
	Version int       `json:"version"`
	Refused []refused `json:"refused,omitempty"` // the oldest first
	Blocked time.Time `json:"blocked,omitzero"`  // too many were; until a person has signed in
	Human   time.Time `json:"human,omitzero"`    // when the provider answered a password with what only a person can do
	ringing
}

// ringing is what is known of a provider that reaches the person on a phone.
type ringing struct {
	Rings  bool `json:"rings,omitempty"`  // it does, after a password
	Denied bool `json:"denied,omitempty"` // the last request was denied, or not answered
}

// refused is one secret that was refused.
type refused struct {
	Mark
	At   time.Time `json:"at"`
	Open bool      `json:"open"`           // nobody has signed in since: it counts
	Mute bool      `json:"mute,omitempty"` // see RefusedError
}

// times are the refusals of which no mark is kept.
type times struct {
	Version int         `json:"version"`
	At      []time.Time `json:"at"`
	Human   time.Time   `json:"human,omitzero"` // as in record
	ringing
}

const version = 1

// entry is all that is known under one key.
type entry struct {
	record
	times []time.Time
	plain times // as it lies there; its times are clamped in times alone
	hash  func(t secret.Text, salt []byte) []byte
}

// load reads an entry. What cannot be read is as if it were not there: that must not
// keep anybody out.
func (g *Guard) load(ctx context.Context, key string) entry {
	e := entry{hash: g.hash}
	if e.hash == nil {
		e.hash = hash
	}
	if data, err := g.Marks.Get(ctx, key); err == nil && json.Unmarshal(data, &e.record) != nil || e.Version > version {
		e.record = record{}
	}
	var t times
	if data, err := g.Times.Get(ctx, key); err == nil && json.Unmarshal(data, &t) == nil && t.Version == version {
		e.times, e.plain = t.At, t
		if e.Human.IsZero() {
			e.Human, e.ringing = t.Human, t.ringing
		}
	}
	return e
}

// Remembers reports whether refusals are known under key that keep anything from being
// sent.
func (g *Guard) Remembers(ctx context.Context, key string) bool {
	e, now := g.load(ctx, key), g.Now()
	e.clamp(now)
	return len(e.Refused) > 0 || e.blocked(now) != nil
}

// Lockout says why no secret may be sent for key without a person, nil if one may. It
// changes nothing.
func (g *Guard) Lockout(ctx context.Context, key string) *LockoutError {
	e, now := g.load(ctx, key), g.Now()
	e.clamp(now)
	return e.blocked(now)
}

func (e entry) isEmpty() bool {
	return len(e.Refused) == 0 && e.Blocked.IsZero() && e.Human.IsZero() && len(e.times) == 0
}

// clamp brings times that lie ahead of the clock back to it: a clock that was wrong
// shortens no block, and no block lasts longer than its time by the clock of now.
func (e *entry) clamp(now time.Time) (changed bool) {
	for i := range e.Refused {
		if e.Refused[i].At.After(now) {
			e.Refused[i].At, changed = now, true
		}
	}
	for i := range e.times {
		if e.times[i].After(now) {
			e.times[i], changed = now, true
		}
	}
	return changed
}

// within reports whether at is less than the window before now.
func within(at, now time.Time) bool { return now.Sub(at) < window }

// find returns the place of t among the refused. Marks of one entry share their salt, so that this
// takes one comparison's time however many there are.
func (e *entry) find(t secret.Text) (i int, ok bool) {
	var like Mark
	for i, r := range e.Refused {
		if like.Hash == nil || string(like.Salt) != string(r.Salt) {
			like = Mark{Salt: r.Salt, Hash: e.hash(t, r.Salt)}
		}
		if like.equal(r.Mark) {
			return i, true
		}
	}
	return 0, false
}

// add notes that t was refused now, with or without a word, and blocks if too many were.
func (e *entry) add(t secret.Text, now time.Time, mute bool) {
	salt := newSalt()
	if len(e.Refused) > 0 {
		salt = e.Refused[0].Salt
	}
	mark := Mark{Salt: salt, Hash: e.hash(t, salt)}
	if i := slices.IndexFunc(e.Refused, func(r refused) bool { return mark.equal(r.Mark) }); i >= 0 {
		e.Refused = slices.Delete(e.Refused, i, i+1)
	}
	e.Refused = append(e.Refused, refused{Mark: mark, At: now, Open: true, Mute: mute})
	if n := len(e.Refused) - maxMarks; n > 0 {
		e.Refused = slices.Delete(e.Refused, 0, n)
	}
	lately := 0
	for _, r := range e.Refused {
		if r.Open && within(r.At, now) {
			lately++
		}
	}
	if lately >= maxRefusals {
		e.Blocked = now
	}
}

// blocked says why no secret may be sent unasked, or nil.
func (e *entry) blocked(now time.Time) *LockoutError {
	if !e.Blocked.IsZero() {
		return &LockoutError{At: e.Blocked, Now: now}
	}
	for _, at := range slices.Backward(e.times) {
		if within(at, now) {
			return &LockoutError{At: at, Now: now, Until: at.Add(window)}
		}
	}
	return nil
}

// refuse records that secrets were refused; the caller holds the lock. Where a mark
// cannot be kept, the time is; where that cannot be either, Warn hears it.
func (g *Guard) refuse(ctx context.Context, key string, secrets []secret.Text, mute bool) {
	now := g.Now()
	e := g.load(ctx, key)
	e.clamp(now)
	var err error
	if g.Keep {
		for _, t := range secrets {
			e.add(t, now, mute)
		}
		if err = g.put(ctx, g.Marks, key, e.record.current()); err == nil {
			return
		}
	}
	e.times = append(e.times, now)
	e.times = e.times[max(0, len(e.times)-maxRefusals):]
	if g.putTimes(ctx, key, e) == nil || g.Warn == nil {
		return
	}
	if err == nil {
		err = fmt.Errorf("its time cannot be written")
	}
	g.Warn(fmt.Errorf("the refused password cannot be remembered, and the next run sends it again: %w", err))
}

// needsHuman records that the provider wants a person after the password; the caller holds
// the lock. It is no secret: where no record can be kept, the time alone is.
func (g *Guard) needsHuman(ctx context.Context, key string, now ringing) {
	e := g.load(ctx, key)
	e.Human, e.Rings, e.Denied = g.Now(), e.Rings || now.Rings, now.Denied || e.Denied && !now.Rings
	e.plain.Human, e.plain.ringing = e.Human, e.ringing
	if g.Keep && g.put(ctx, g.Marks, key, e.record.current()) == nil {
		return
	}
	if err := g.putTimes(ctx, key, e); err != nil && g.Warn != nil {
		g.Warn(fmt.Errorf("that the provider wants a person cannot be remembered: %w", err))
	}
}

// putTimes writes what stands where no mark can be kept.
func (g *Guard) putTimes(ctx context.Context, key string, e entry) error {
	return g.put(ctx, g.Times, key, times{Version: version, At: e.times, Human: e.plain.Human, ringing: e.plain.ringing})
}

func (r record) current() record {
	r.Version = version
	return r
}

func (g *Guard) put(ctx context.Context, to creds.Store, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, recordLimit)
	defer cancel()
	return to.Put(limited, key, data)
}

func (g *Guard) remove(ctx context.Context, from creds.Store, key string) error {
	limited, cancel := context.WithTimeout(ctx, recordLimit)
	defer cancel()
	return from.Delete(limited, key)
}

// accept records that secrets were accepted; the caller holds the lock. Whoever signed
// in opens the window anew; a person lifts a block. Other secrets stay refused. With
// alone, nobody was needed.
func (g *Guard) accept(ctx context.Context, key string, secrets []secret.Text, person, alone bool) {
	e := g.load(ctx, key)
	for _, t := range secrets {
		if i, ok := e.find(t); ok {
			e.Refused = slices.Delete(e.Refused, i, i+1)
		}
	}
	for i := range e.Refused {
		e.Refused[i].Open = false
	}
	if person {
		e.Blocked = time.Time{}
	}
	if alone || !e.Rings {
		e.Human, e.ringing = time.Time{}, ringing{}
	}
	plain, kept := len(e.times) > 0 || !e.plain.Human.IsZero(), !e.Human.IsZero()
	e.times, e.plain = nil, times{Human: e.Human, ringing: e.ringing}
	var err error
	switch {
	case len(e.Refused) > 0 || !e.Blocked.IsZero() || kept && g.Keep:
		err = g.put(ctx, g.Marks, key, e.record.current())
	default:
		err = g.remove(ctx, g.Marks, key)
	}
	switch {
	case kept && (!g.Keep || err != nil):
		err = g.putTimes(ctx, key, e)
	case plain:
		if gone := g.remove(ctx, g.Times, key); err == nil {
			err = gone
		}
	}
	if err != nil && g.Warn != nil {
		g.Warn(fmt.Errorf("forget that a password was refused: %w", err))
	}
}

// settle brings what lies ahead of the clock back to it on disk too; the caller holds
// the lock.
func (g *Guard) settle(ctx context.Context, key string, e *entry, now time.Time) {
	if !e.clamp(now) || len(e.times) == 0 {
		return
	}
	_ = g.putTimes(ctx, key, *e) // else they count as now, as before
}
