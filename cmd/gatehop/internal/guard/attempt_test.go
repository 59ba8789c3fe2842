package guard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/creds"
	"gatehop/creds/secret"
	"gatehop/creds/store"
	"gatehop/idp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func testGuard(now *time.Time) *Guard {
	return &Guard{Marks: store.NewMemory(), Times: store.NewMemory(), Keep: true, Now: func() time.Time { return *now },
		hash: func(t secret.Text, salt []byte) []byte { return append(salt[:4:4], t.Reveal()...) }}
}

func source(field, answer string) Source {
	return Source{Field: field, Name: "the " + field, Get: func(context.Context) (secret.Text, error) {
		if answer == "" {
			return secret.Text{}, idp.ErrNoAnswer
		}
		return secret.New(answer), nil
	}}
}

func attempt(g *Guard, sources ...Source) *Attempt {
	return &Attempt{Guard: g, Origin: "https://a", User: "alice", Fixed: idp.Fixed{}, Person: fixedTerminal{}, Sources: sources}
}

var rejection = &idp.PageError{Verdict: idp.Rejected}

// sent runs one sign-in that ends in outcome and says whether the password was given out.
func sent(t *testing.T, g *Guard, password string, outcome error) bool {
	t.Helper()
	a := attempt(g, source("password", password))
	_, err := a.Ask(t.Context(), idp.Question{Field: "password"})
	if err == nil {
		a.Done(t.Context(), outcome)
	} else {
		a.Done(t.Context(), err)
	}
	return err == nil
}

// TestVerdicts has what judges a secret and what does not.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, v := range []idp.Verdict{idp.Rejected, idp.Unexplained, idp.PasswordExpired} {
		g := testGuard(&noon)
		if sent(t, g, "x", &idp.PageError{Verdict: v}); sent(t, g, "x", nil) {
			t.Errorf("a password with verdict %s is sent again", v)
		}
	}
	for _, err := range []error{
		&idp.PageError{Verdict: idp.Unknown}, &idp.PageError{Verdict: idp.NotPermitted},
		&idp.PageError{Verdict: idp.Unavailable}, &idp.PageError{Verdict: idp.StateLost}, &idp.NetworkError{}, context.Canceled, errors.New("x"), nil,
	} {
		g := testGuard(&noon)
		if sent(t, g, "x", err); !sent(t, g, "x", nil) {
			t.Errorf("a password is not sent again after %v", err)
		}
	}
}

// TestCodes wants a refused code to say nothing about the password before it.
func TestCodes(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		g := testGuard(&noon)
		a := attempt(g, source("password", "right"), source("otp", "111111"))
		for _, field := range []string{"password", "otp"} {
			if _, err := a.Ask(t.Context(), idp.Question{Field: field}); err != nil {
				t.Fatal(err)
			}
		}
		if again {
			if _, err := a.Ask(t.Context(), idp.Question{Field: "otp", Retry: "no"}); !errors.Is(err, idp.ErrNoAnswer) {
				t.Errorf("a code that is asked for again: %v", err)
			}
		}
		a.Done(t.Context(), &idp.PageError{Verdict: idp.MFADenied})
		a = attempt(g, source("password", "right"), source("otp", "111111"))
		if _, err := a.Ask(t.Context(), idp.Question{Field: "password"}); err != nil {
			t.Errorf("the password after a refused code: %v", err)
		}
		var refused *RefusedError
		if _, err := a.Ask(t.Context(), idp.Question{Field: "otp"}); !errors.As(err, &refused) || refused.What != "code" {
			t.Errorf("the refused code: %v", err)
		}
	}
}

// TestOneAtATime runs two processes with one wrong password at once. Without the lock,
// the control, it is sent twice.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	for _, locked := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			now := noon
			g := testGuard(&now)
			turn := make(chan struct{}, 1)
			if locked {
				g.Lock = func(ctx context.Context, _ string) (func(), error) {
					select {
					case turn <- struct{}{}:
						return sync.OnceFunc(func() { <-turn }), nil
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				}
			}
			var mu sync.Mutex
			n := 0
			var wg sync.WaitGroup
			for i := range 2 {
				wg.Go(func() {
					time.Sleep(time.Duration(i) * time.Second / 2)
					a := attempt(g, source("password", "wrong"))
					_, err := a.Ask(t.Context(), idp.Question{Field: "password"})
					if err == nil {
						mu.Lock()
						n++
						mu.Unlock()
						time.Sleep(time.Second) // the provider thinks
						err = rejection
					}
					a.Done(t.Context(), err)
				})
			}
			wg.Wait()
			if want := map[bool]int{true: 1, false: 2}[locked]; n != want {
				t.Errorf("locked %v: sent %d times, want %d", locked, n, want)
			}
			if locked && len(turn) != 0 {
				t.Error("the lock is still held")
			}
		})
	}
}

// TestNothingKept wants one refusal to stop every secret for half an hour where no mark
// may be kept, and no longer, whatever the clock does.
func TestNothingKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		steps []time.Duration // before each further try
		want  []bool
	}{
		{"half an hour", []time.Duration{time.Minute, 28 * time.Minute, time.Minute}, []bool{false, false, true}},
		{"the clock goes back", []time.Duration{-24 * time.Hour, 29 * time.Minute, time.Minute}, []bool{false, false, true}},
		{"the clock goes on", []time.Duration{24 * time.Hour}, []bool{true}},
	} {
		now := noon
		g := testGuard(&now)
		g.Keep = false
		if !sent(t, g, "x", rejection) {
			t.Fatalf("%s: the first is not sent", c.name)
		}
		for i, step := range c.steps {
			now = now.Add(step)
			if got := sent(t, g, fmt.Sprint("another ", i), nil); got != c.want[i] {
				t.Errorf("%s: try %d: sent %v, want %v", c.name, i, got, c.want[i])
			}
		}
		if data, err := g.Marks.Get(t.Context(), Key("https://a", "alice")); err == nil {
			t.Errorf("%s: %d bytes of marks are kept", c.name, len(data))
		}
	}
}

// TestNothingKeptNextSource wants the next source tried in the same sign-in, where two
// secrets can be told apart, and the same secret not.
func TestNothingKeptNextSource(t *testing.T) {
	t.Parallel()
	for second, want := range map[string]bool{"another": true, "x": false} {
		g := testGuard(&noon)
		g.Keep = false
		a := attempt(g, source("password", "x"), source("password", second))
		if _, err := a.Ask(t.Context(), idp.Question{Field: "password"}); err != nil {
			t.Fatal(err)
		}
		_, err := a.Ask(t.Context(), idp.Question{Field: "password", Retry: "no"})
		if (err == nil) != want || err != nil && !errors.Is(err, idp.ErrNoAnswer) {
			t.Errorf("second source %q: %v, want it given out: %v", second, err, want)
		}
		a.Done(t.Context(), err)
	}
}

// unwritable is a store on a disk that takes nothing.
type unwritable struct{ creds.Store }

func (unwritable) Put(context.Context, string, []byte) error { return errors.New("disk full") }

// TestUnwritable wants times kept where marks cannot be, and a word where nothing can.
func TestUnwritable(t *testing.T) {
	t.Parallel()
	var warned []error
	g := testGuard(&noon)
	g.Warn = func(err error) { warned = append(warned, err) }
	g.Marks = unwritable{g.Marks}
	sent(t, g, "x", rejection)
	if sent(t, g, "y", nil) || warned != nil {
		t.Errorf("with the times alone: sent, or warned %v", warned)
	}
	g.Times = unwritable{store.NewMemory()}
	sent(t, g, "x", rejection)
	if len(warned) != 1 || !strings.Contains(warned[0].Error(), "cannot be remembered") {
		t.Errorf("with nothing: warned %v", warned)
	}
	if !sent(t, g, "x", nil) {
		t.Error("a disk that takes nothing keeps a person out")
	}
}

// TestUnreadable wants a record that is damaged, or of a later version, to keep nobody
// out, and to be replaced.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{", `{"version":2,"blocked":"2026-03-01T12:00:00Z"}`, `[]`, ""} {
		g := testGuard(&noon)
		for _, s := range []creds.Store{g.Marks, g.Times} {
			if err := s.Put(t.Context(), Key("https://a", "alice"), []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if !sent(t, g, "x", rejection) || sent(t, g, "x", nil) {
			t.Errorf("record %q: not sent, or sent twice", text)
		}
	}
	g := testGuard(&noon) // the control: this version is read
	if err := g.Marks.Put(t.Context(), Key("https://a", "alice"), []byte(`{"version":1,"blocked":"2026-03-01T12:00:00Z"}`)); err != nil {
		t.Fatal(err)
	}
	if sent(t, g, "x", nil) {
		t.Error("a record that blocks is not read")
	}
}

// TestBounded wants the marks of one person bounded, the oldest forgotten first.
func TestBounded(t *testing.T) {
	t.Parallel()
	var e entry
	e.hash = testGuard(&noon).hash
	for i := range 40 {
		e.add(secret.New(fmt.Sprint(i)), noon.Add(time.Duration(i)*time.Hour), false)
	}
	_, first := e.find(secret.New("0"))
	_, last := e.find(secret.New("39"))
	if len(e.Refused) != maxMarks || first || !last || !e.Blocked.IsZero() {
		t.Errorf("%d marks, first %v, last %v, blocked %v", len(e.Refused), first, last, e.Blocked)
	}
}

// TestPersonIsTold wants a person told why sources are passed over, and asked.
func TestPersonIsTold(t *testing.T) {
	t.Parallel()
	g := testGuard(&noon)
	sent(t, g, "x", rejection)
	for _, there := range []bool{true, false} {
		p := &listener{answer: "x"}
		a := attempt(g, source("password", "x"))
		a.Person, a.Attended = p, there
		answer, err := a.Ask(t.Context(), idp.Question{Field: "password"})
		if err != nil || answer.Reveal() != "x" {
			t.Errorf("a person is held up: %v", err)
		}
		if told := strings.Join(p.told, "\n"); strings.Contains(told, "the password from the password was refused just now") != there || strings.Contains(told, "this one was refused") != there {
			t.Errorf("there %v: told %q", there, told)
		}
		a.Done(t.Context(), context.Canceled)
	}
}

type listener struct {
	answer string
	told   []string
}

func (l *listener) Ask(context.Context, idp.Question) (secret.Text, error) {
	return secret.New(l.answer), nil
}

func (l *listener) Tell(_ context.Context, message string) { l.told = append(l.told, message) }

// TestSlowMark wants a refusal remembered however long its mark takes to make, also of a
// command whose time is over.
func TestSlowMark(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := testGuard(&noon)
		quick, marks := g.hash, 0
		g.hash = func(t secret.Text, salt []byte) []byte {
			time.Sleep(recordLimit + time.Second)
			marks++
			return quick(t, salt)
		}
		g.Warn = func(err error) { t.Error(err) }
		ctx, cancel := context.WithCancel(t.Context())
		a := attempt(g, source("password", "x"))
		if _, err := a.Ask(ctx, idp.Question{Field: "password"}); err != nil {
			t.Fatal(err)
		}
		cancel()
		a.Done(ctx, rejection)
		if marks != 1 {
			t.Errorf("%d marks were made for one refusal, want 1", marks)
		}
		if sent(t, g, "x", nil) {
			t.Error("the refused password is sent again")
		}
	})
}

// full is a store that takes nothing.
type full struct{ creds.Store }

func (full) Put(context.Context, string, []byte) error { return errors.New("no space") }
