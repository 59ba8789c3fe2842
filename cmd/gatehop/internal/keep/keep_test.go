package keep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/cmd/gatehop/internal/session"
	"gatehop/creds"
	"gatehop/creds/secret"
)

var errDown = errors.New("the network is down")

// issuer makes sessions as an STS does, as long as it works. Times are those of the bubble.
type issuer struct {
	life   time.Duration
	takes  time.Duration
	jump   atomic.Int64 // nanoseconds by which the wall clock is ahead of the timers: the machine slept
	fails  atomic.Pointer[error]
	alone  atomic.Bool
	inside atomic.Int32
	mu     sync.Mutex
	tries  []time.Duration // since began
	told   []string
	began  time.Time
	n      int
}

func newIssuer(life time.Duration) *issuer { return &issuer{life: life, began: time.Now()} }

func (i *issuer) now() time.Time { return time.Now().Add(time.Duration(i.jump.Load())) }

// set changes how sessions are made from now on.
func (i *issuer) set(life, takes time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.life, i.takes = life, takes
}

func (i *issuer) session() session.Session {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.n++
	return session.Session{Lifetime: i.life, Credentials: creds.Credentials{
		AccessKeyID: fmt.Sprintf("ASIA%d", i.n), SecretAccessKey: secret.New("s"), SessionToken: secret.New("t"), Expires: i.now().Add(i.life)}}
}

func (i *issuer) renew(ctx context.Context) (session.Session, error) {
	if i.inside.Add(1) > 1 {
		panic("two renewals at a time")
	}
	defer i.inside.Add(-1)
	i.mu.Lock()
	i.tries = append(i.tries, time.Since(i.began))
	takes := i.takes
	i.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return session.Session{}, ctx.Err()
	}
	if err := i.fails.Load(); err != nil {
		return session.Session{}, *err
	}
	return i.session(), nil
}

func (i *issuer) fail(err error) {
	if err == nil {
		i.fails.Store(nil)
		return
	}
	i.fails.Store(&err)
}

func (i *issuer) tell(err error, left time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.told = append(i.told, fmt.Sprintf("%v with %v", err, left.Round(time.Second)))
}

func (i *issuer) tried() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.tries)
}

// keeper runs a Keeper over i that holds a first session.
func (i *issuer) keeper(t *testing.T) *Keeper {
	k := &Keeper{Renew: i.renew, Alone: func(context.Context) bool { return i.alone.Load() }, Tell: i.tell, Now: i.now}
	k.Hold(i.session())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { k.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return k
}

// TestKeeperAhead is a day of hourly sessions: nobody ever waits, and nobody gets less
// than a tick under the twenty minutes of the margin.
func TestKeeperAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(time.Hour)
		i.set(time.Hour, 2*time.Second)
		k := i.keeper(t)
		for range 24 * 60 * 3 {
			time.Sleep(20 * time.Second)
			began := time.Now()
			c, err := k.Current(t.Context())
			if left := c.Remaining(time.Now()); err != nil || left < 20*time.Minute-tick-2*time.Second || time.Since(began) != 0 {
				t.Fatalf("at %v: %v left, %v, after %v", time.Since(i.began), left, err, time.Since(began))
			}
		}
		if n := i.tried(); n < 34 || n > 36 {
			t.Errorf("%d renewals in a day, want one every forty minutes", n)
		}
		if len(i.told) != 0 {
			t.Errorf("told %q", i.told)
		}
	})
}

// TestKeeperOnce lets a crowd ask while a renewal is slow.
func TestKeeperOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(time.Hour)
		k := i.keeper(t)
		i.set(time.Hour, 30*time.Second)
		i.jump.Store(int64(2 * time.Hour)) // nothing is left
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				began := time.Now()
				if c, err := k.Current(t.Context()); !errors.Is(err, ErrPending) || c.AccessKeyID != "" || time.Since(began) > grace {
					t.Errorf("Current = %v, %v after %v", c.AccessKeyID, err, time.Since(began))
				}
			})
		}
		wg.Wait()
		time.Sleep(31 * time.Second)
		if c, err := k.Current(t.Context()); err != nil || c.AccessKeyID != "ASIA2" || i.tried() != 1 {
			t.Errorf("Current = %v, %v after %d renewals", c.AccessKeyID, err, i.tried())
		}
	})
}

// TestKeeperAfterSleep wakes a machine whose session has ended: the first request gets
// the new one, within its second.
func TestKeeperAfterSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(time.Hour)
		k := i.keeper(t)
		i.set(time.Hour, 400*time.Millisecond)
		time.Sleep(time.Minute + 3*time.Second)
		i.jump.Store(int64(9 * time.Hour))
		began := time.Now()
		c, err := k.Current(t.Context())
		if err != nil || c.AccessKeyID != "ASIA2" || time.Since(began) > grace {
			t.Errorf("Current = %v, %v after %v", c.AccessKeyID, err, time.Since(began))
		}
		// A session that is near its end is handed out at once, and renewed.
		i.jump.Add(int64(50 * time.Minute))
		if c, err = k.Current(t.Context()); err != nil || c.AccessKeyID != "ASIA2" {
			t.Errorf("Current = %v, %v", c.AccessKeyID, err)
		}
		time.Sleep(time.Second)
		if c, err = k.Current(t.Context()); err != nil || c.AccessKeyID != "ASIA3" {
			t.Errorf("Current = %v, %v", c.AccessKeyID, err)
		}
		// Nobody is answered with what has ended, nor with its last seconds.
		i.fail(errDown)
		i.jump.Add(int64(time.Hour - least))
		if c, err = k.Current(t.Context()); !errors.Is(err, errDown) || c.AccessKeyID != "" {
			t.Errorf("Current = %v, %v", c.AccessKeyID, err)
		}
	})
}

// TestKeeperBackOff: failures are repeated ever more seldom, told twice, and forgotten.
func TestKeeperBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(time.Hour)
		i.fail(errDown)
		k := i.keeper(t)
		asked := 0
		for time.Since(i.began) < 3*time.Hour { // somebody asks all the time
			time.Sleep(time.Second)
			c, err := k.Current(t.Context())
			switch since := time.Since(i.began); {
			case since < time.Hour-least && (err != nil || c.AccessKeyID != "ASIA1"):
				t.Fatalf("at %v: %v", since, err)
			case since > time.Hour-least && !errors.Is(err, errDown):
				t.Fatalf("at %v: %v %v", since, c.AccessKeyID, err)
			}
			asked++
		}
		synctest.Wait()
		i.mu.Lock()
		var pauses []time.Duration
		for n := 1; n < len(i.tries); n++ {
			pauses = append(pauses, (i.tries[n] - i.tries[n-1]).Round(time.Second))
		}
		want := []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second, maxPause, maxPause}
		if len(pauses) < 20 || !slices.IsSorted(pauses) || !near(pauses[:len(want)], want) || pauses[len(pauses)-1] > maxPause+2*time.Second || asked < 9000 {
			t.Errorf("pauses %v, want %v and then %v each", pauses, want, maxPause)
		}
		if len(i.told) != 2 || !strings.Contains(i.told[0], "down with 19m") && !strings.Contains(i.told[0], "down with 20m") || !strings.HasSuffix(i.told[1], "with 0s") {
			t.Errorf("told %q", i.told)
		}
		i.mu.Unlock()
		i.fail(nil)
		time.Sleep(maxPause + tick)
		if c, err := k.Current(t.Context()); err != nil || c.AccessKeyID != "ASIA2" {
			t.Errorf("Current = %v, %v", c.AccessKeyID, err)
		}
		n := i.tried()
		i.fail(errDown)
		time.Sleep(41 * time.Minute) // the next row of failures begins anew
		synctest.Wait()
		if got := i.tried() - n; got < 3 || len(i.told) != 3 {
			t.Errorf("%d tries, told %q", got, i.told)
		}
	})
}

// near compares pauses that may be longer by the second in which somebody asks.
func near(got, want []time.Duration) bool {
	return slices.EqualFunc(got, want, func(g, w time.Duration) bool { return g >= w && g <= w+2*time.Second })
}

// TestKeeperLogin: once somebody has signed in, no pause is waited for.
func TestKeeperLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(time.Hour)
		i.fail(errDown)
		k := i.keeper(t)
		time.Sleep(2*time.Hour + time.Second)
		n := i.tried()
		if _, err := k.Current(t.Context()); !errors.Is(err, errDown) || i.tried() != n {
			t.Errorf("Current = %v, %d tries more", err, i.tried()-n)
		}
		i.fail(nil)
		i.alone.Store(true)
		if c, err := k.Current(t.Context()); err != nil || c.AccessKeyID != "ASIA2" {
			t.Errorf("Current = %v, %v", c.AccessKeyID, err)
		}
		// What failed although nobody had to sign in is repeated as seldom as ever.
		i.fail(errDown)
		time.Sleep(time.Hour)
		n = i.tried()
		for range 60 {
			time.Sleep(time.Second)
			_, _ = k.Current(t.Context())
		}
		if i.tried() > n+1 {
			t.Errorf("%d tries in a minute", i.tried()-n)
		}
	})
}

// TestKeeperPoor: sessions that have to be renewed at once are not renewed all the time.
func TestKeeperPoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(time.Hour)
		k := i.keeper(t)
		time.Sleep(time.Second)
		i.set(0, 0) // as an AWS whose clock is wrong makes them
		time.Sleep(2 * time.Hour)
		if n := i.tried(); n > 40 {
			t.Errorf("%d renewals in two hours", n)
		}
		if _, err := k.Current(t.Context()); !errors.Is(err, ErrPending) {
			t.Errorf("Current = %v", err)
		}
	})
}

// TestKeeperClockBack: a clock that is set back keeps nothing from being renewed.
func TestKeeperClockBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(time.Hour)
		i.fail(errDown)
		k := i.keeper(t)
		time.Sleep(2 * time.Hour)
		i.fail(nil)
		i.jump.Store(-int64(30 * time.Minute))
		time.Sleep(2 * tick)
		if c, err := k.Current(t.Context()); err != nil || c.AccessKeyID != "ASIA2" {
			t.Errorf("Current = %v, %v", c.AccessKeyID, err)
		}
	})
}

// TestKeeperLeave: who does not wait any more leaves, and a Keeper that has ended tells
// nobody of it.
func TestKeeperLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(time.Hour)
		k := i.keeper(t)
		i.set(time.Hour, time.Hour)
		i.jump.Store(int64(2 * time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := k.Current(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Current = %v", err)
		}
		time.Sleep(time.Minute)
		t.Cleanup(func() {
			if len(i.told) != 0 {
				t.Errorf("told %q", i.told)
			}
		})
	})
}
