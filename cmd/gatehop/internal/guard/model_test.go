package guard

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/creds"
	"gatehop/creds/secret"
	"gatehop/creds/store"
	"gatehop/idp"
)

// event is one thing that happens to one person at one provider.
type event struct {
	kind   string // script, person, crash, network, clock, password
	name   string
	secret string
	jump   time.Duration
}

func (e event) String() string {
	return fmt.Sprintf("%s %s %s %v", e.kind, e.name, e.secret, e.jump)
}

// events are a random story: scripts and people with secrets right and wrong, in every
// spelling of one name, processes that die, networks that fail, clocks that jump and
// passwords that are changed.
func events(r *rand.Rand) []event {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	var all []event
	for range 30 {
		all = append(all, event{
			kind:   pick("script", "script", "script", "script", "script", "person", "person", "crash", "network", "clock", "clock", "clock", "password"),
			name:   pick(`CORP\alice`, `corp\ALICE`, "alice@corp", "alice"),
			secret: pick("a", "b", "c", "d", "e", "f"),
			jump:   time.Duration(r.IntN(50)-15) * time.Minute,
		})
	}
	return all
}

// model says what must happen, in its own words: which secrets were refused, and when.
type model struct {
	now     time.Time
	right   string
	refused map[string]time.Time // for good, unless that secret is accepted
	counted map[string]time.Time // since somebody signed in
	blocked bool
}

// sends says whether a script's secret goes out.
func (m *model) sends(secret string) bool {
	_, refused := m.refused[secret]
	return !m.blocked && !refused
}

// judge is the provider's verdict over a secret that went out.
func (m *model) judge(secret string, person bool) (ok bool) {
	if secret == m.right {
		delete(m.refused, secret)
		m.counted = map[string]time.Time{}
		m.blocked = m.blocked && !person
		return true
	}
	for s, at := range m.counted {
		if at.After(m.now) {
			m.counted[s] = m.now
		}
	}
	m.refused[secret], m.counted[secret] = m.now, m.now
	lately := 0
	for _, at := range m.counted {
		if m.now.Sub(at) < 30*time.Minute {
			lately++
		}
	}
	m.blocked = m.blocked || lately >= 3
	return false
}

// mutant changes the guard under test.
type mutant struct {
	guard   func(g *Guard)
	attempt func(a *Attempt, e event)
	done    func(g *Guard, a *Attempt, e event, err error) error // what Done is told; errSilent: nothing
}

var errSilent = fmt.Errorf("nothing")

type fixedTerminal struct{ answer string }

func (p fixedTerminal) Ask(context.Context, idp.Question) (secret.Text, error) {
	if p.answer == "" {
		return secret.Text{}, idp.ErrNoAnswer
	}
	return secret.New(p.answer), nil
}
func (fixedTerminal) Tell(context.Context, string) {}

// story runs one story through the guard and says where it leaves the model.
func story(all []event, change mutant) string {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	m := &model{now: now, right: "a", refused: map[string]time.Time{}, counted: map[string]time.Time{}}
	held := 0
	g := &Guard{Marks: store.NewMemory(), Times: store.NewMemory(), Keep: true, Now: func() time.Time { return m.now },
		Lock: func(context.Context, string) (func(), error) { held++; return func() { held-- }, nil },
		hash: func(t secret.Text, salt []byte) []byte {
			h := fnv.New64a()
			_, _ = h.Write(append(slices.Clone(salt), t.Reveal()...))
			return h.Sum(nil)
		}}
	if change.guard != nil {
		change.guard(g)
	}
	for i, e := range all {
		switch e.kind {
		case "clock":
			m.now = m.now.Add(e.jump)
			continue
		case "password":
			m.right = e.secret
			continue
		}
		a := &Attempt{Guard: g, Origin: "https://adfs.corp.example", User: e.name, Fixed: idp.Fixed{}, Person: fixedTerminal{}}
		if e.kind == "person" {
			a.Person = fixedTerminal{e.secret}
		} else {
			a.Sources = []Source{{Field: "password", Name: "x", Get: func(context.Context) (secret.Text, error) { return secret.New(e.secret), nil }}}
		}
		if change.attempt != nil {
			change.attempt(a, e)
		}
		_, err := a.Ask(context.Background(), idp.Question{Field: "password"})
		want := e.kind == "person" || m.sends(e.secret)
		if (err == nil) != want {
			return fmt.Sprintf("event %d (%v): sent %v, want %v (%v)", i, e, err == nil, want, err)
		}
		if e.kind == "crash" { // the system frees the lock of a process that dies
			held = 0
			continue
		}
		outcome := err
		if err == nil && e.kind == "network" {
			outcome = &idp.NetworkError{}
		} else if err == nil && !m.judge(e.secret, e.kind == "person") {
			outcome = &idp.PageError{Verdict: idp.Rejected}
		}
		if change.done != nil {
			outcome = change.done(g, a, e, outcome)
		}
		if outcome != errSilent {
			a.Done(context.Background(), outcome)
		}
		if held != 0 && outcome != errSilent {
			return fmt.Sprintf("event %d (%v): the lock is held %d times", i, e, held)
		}
		held = 0
	}
	return ""
}

const stories = 3000

func TestModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(stories) {
		all := events(rand.New(rand.NewPCG(seed, 1)))
		if wrong := story(all, mutant{}); wrong != "" {
			t.Fatalf("story %d: %s\n%v", seed, wrong, all)
		}
	}
}

// without is a store that changes what is kept.
type without struct {
	creds.Store
	change func(r *record)
}

func (s without) Put(ctx context.Context, key string, value []byte) error {
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		return err
	}
	s.change(&r)
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.Store.Put(ctx, key, data)
}

// TestModelControl runs the same stories over guards with one rule taken out each.
func TestModelControl(t *testing.T) {
	t.Parallel()
	keeps := func(change func(r *record)) mutant {
		return mutant{guard: func(g *Guard) { g.Marks = without{g.Marks, change} }}
	}
	rejected := &idp.PageError{Verdict: idp.Rejected}
	for name, change := range map[string]mutant{
		"nothing is kept":             {guard: func(g *Guard) { g.Marks = store.None{} }},
		"no block":                    keeps(func(r *record) { r.Blocked = time.Time{} }),
		"only the last is known":      keeps(func(r *record) { r.Refused = r.Refused[max(0, len(r.Refused)-1):] }),
		"what was accepted counts on": keeps(func(r *record) { each(r, func(f *refused) { f.Open = true }) }),
		"every refusal is old":        keeps(func(r *record) { each(r, func(f *refused) { f.At = f.At.Add(-window) }) }),
		"old refusals count":          keeps(func(r *record) { each(r, func(f *refused) { f.At = f.At.Add(24 * time.Hour) }) }),
		"each spelling by itself":     {attempt: func(a *Attempt, e event) { a.Origin += e.name }},
		"scripts are people":          {attempt: func(a *Attempt, e event) { a.Sources, a.Person = nil, fixedTerminal{e.secret} }},
		"people are scripts":          {attempt: asScript},
		"refusals are not told":       {done: tells(rejected, errSilent)},
		"networks refuse":             {done: tells(&idp.NetworkError{}, rejected)},
		"refusals are network errors": {done: tells(rejected, &idp.NetworkError{})},
		"success is not told":         {done: tells(nil, &idp.NetworkError{})},
		"success forgets everything": {done: func(g *Guard, _ *Attempt, e event, err error) error {
			if err == nil {
				_ = g.Marks.Delete(context.Background(), Key("https://adfs.corp.example", e.name))
			}
			return err
		}},
		"people's refusals do not count": {done: func(_ *Guard, _ *Attempt, e event, err error) error {
			if e.kind == "person" && err != nil {
				return &idp.NetworkError{}
			}
			return err
		}},
		"the lock is kept": {attempt: func(a *Attempt, e event) { a.Guard.Lock(context.Background(), "") }},
	} {
		found := ""
		for seed := uint64(0); seed < stories && found == ""; seed++ {
			found = story(events(rand.New(rand.NewPCG(seed, 1))), change)
		}
		if found == "" {
			t.Errorf("%s: no story finds it", name)
		}
	}
}

func each(r *record, change func(*refused)) {
	for i := range r.Refused {
		change(&r.Refused[i])
	}
}

// asScript gives out a person's answer as a source's.
func asScript(a *Attempt, e event) {
	a.Person = fixedTerminal{}
	a.Sources = []Source{{Field: "password", Get: func(context.Context) (secret.Text, error) { return secret.New(e.secret), nil }}}
}

// tells turns one outcome into another.
func tells(from, to error) func(*Guard, *Attempt, event, error) error {
	return func(_ *Guard, _ *Attempt, _ event, err error) error {
		if fmt.Sprintf("%T", err) == fmt.Sprintf("%T", from) {
			return to
		}
		return err
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	one := Key("https://a", `CORP\alice`)
	for _, same := range []string{`corp\ALICE`, "alice@corp", "Alice@other.example", " alice ", "ALICE"} {
		if got := Key("https://a", same); got != one {
			t.Errorf("Key of %q = %s, want %s", same, got, one)
		}
	}
	for _, other := range []string{Key("https://b", "alice"), Key("https://a", "alicia"), Key("https://a", ""), Key("https://a,alice", "")} {
		if other == one || !strings.HasPrefix(other, "[") {
			t.Errorf("Key = %s, want another", other)
		}
	}
}
