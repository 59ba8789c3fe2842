package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// consumer is a tool that keeps what credential-process gave it, and asks again when
// less than window is left by its own clock. The windows are those of real ones.
type consumer struct {
	name    string
	profile string
	window  time.Duration
	floor   time.Duration // the least life that an answer may have

	expires time.Time
	starts  int
}

func dayConsumers() []*consumer {
	return []*consumer{
		{name: "every call", profile: "dev", window: 13 * time.Hour, floor: 20 * time.Minute},
		{name: "boto", profile: "dev", window: 15 * time.Minute, floor: 20 * time.Minute},
		{name: "JavaScript", profile: "dev", window: 5 * time.Minute, floor: 20 * time.Minute},
		{name: "Go", profile: "dev", floor: 20 * time.Minute},
		{name: "Go, gateway", profile: "gateway", floor: time.Minute},
	}
}

// TestDay is a working day: one sign-in in the morning, tools that ask every few
// seconds, nobody there. No answer has less life than was promised, reckoned by AWS's
// clock, and hops are made hourly and not more.
func TestDay(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute} {
		t.Run(fmt.Sprintf("AWS's clock %v ahead", skew), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { day(t, skew) })
		})
	}
}

func day(t *testing.T, skew time.Duration) {
	w := newWorld(t, worldOptions{bubble: true, skew: skew})
	began := time.Now()
	w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, 0)
	consumers := dayConsumers()
	// A gateway session of 12 hours makes hops up to its last minute.
	for time.Since(began) < 11*time.Hour+58*time.Minute {
		for _, c := range consumers {
			c.use(t, w, skew)
		}
		time.Sleep(20 * time.Second)
	}
	counts := w.sts.Counts()
	if w.logins() != 1 || counts.AssumeRoleWithSAML != 1 || counts.Refused != 0 {
		t.Errorf("%d sign-ins, %+v; want one of each and nothing refused", w.logins(), counts)
	}
	// An hour less its margin of twenty minutes, by the clock that is ahead.
	every := 40*time.Minute + min(skew, 0)
	if want := int(12 * time.Hour / every); counts.AssumeRole < want-1 || counts.AssumeRole > want+1 {
		t.Errorf("%d hops in a day, want about %d", counts.AssumeRole, want)
	}
	for _, c := range consumers[1:] {
		if c.starts > 40 {
			t.Errorf("%s started the helper %d times in a day", c.name, c.starts)
		}
	}
	// The control: the counters see the end of the session.
	time.Sleep(3 * time.Hour)
	w.run("credential-process", "dev").want(t, statusHuman)
}

// use is one call of the tool.
func (c *consumer) use(t *testing.T, w *world, skew time.Duration) {
	if time.Until(c.expires) > c.window {
		return
	}
	c.starts++
	out := w.run("credential-process", c.profile)
	var answer struct{ Expiration time.Time }
	if err := json.Unmarshal([]byte(out.stdout), &answer); out.status != 0 || err != nil {
		t.Fatalf("%s at %v: status %d, %v\n%s", c.name, time.Now(), out.status, err, out.stderr)
	}
	left := answer.Expiration.Sub(time.Now().Add(skew))
	if left < c.floor {
		t.Fatalf("%s at %v: an answer with %v left, want %v", c.name, time.Now(), left, c.floor)
	}
	// A word only where a session ends that nobody is there to renew.
	if warned := out.stderr != ""; warned != (left < 20*time.Minute) || warned && !strings.Contains(out.stderr, "of profile gateway ends in ") {
		t.Fatalf("%s at %v, with %v left: stderr %q", c.name, time.Now(), left, out.stderr)
	}
	c.expires = answer.Expiration
}
