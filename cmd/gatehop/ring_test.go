package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/creds/store"
	"gatehop/creds/store/keyring"
)

// testRing is a keyring that can be out of order.
type testRing struct {
	mu      sync.Mutex
	entries map[string]string
	trouble keyring.Trouble
	asked   int
}

func (r *testRing) Ready(context.Context) error {
	r.mu.Lock()
	r.asked++
	trouble := r.trouble
	r.mu.Unlock()
	switch trouble {
	case "":
		return nil
	case keyring.Slow:
		time.Sleep(time.Minute)
	case keyring.Failing:
		return errors.New("org.example.Oops")
	}
	return &keyring.Error{Trouble: trouble}
}

// is makes something, or nothing, be wrong from now on.
func (r *testRing) is(trouble keyring.Trouble) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trouble = trouble
}

// times is how often the keyring was asked.
func (r *testRing) times() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func (r *testRing) Get(service, account string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text, ok := r.entries[service+account]
	if !ok {
		return "", fs.ErrNotExist
	}
	return text, nil
}

func (r *testRing) Set(service, account, value string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entries == nil {
		r.entries = map[string]string{}
	}
	r.entries[service+account] = value
	return nil
}

func (r *testRing) Delete(service, account string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.entries, service+account)
	return nil
}

// ringWorld is a world with a keyring, and the settings that nobody changed.
func ringWorld(t *testing.T, o worldOptions) *world {
	t.Helper()
	o.config = strings.ReplaceAll(worldConfig, "gatehop_store = file\n", "")
	w := newWorld(t, o)
	w.ring = &testRing{}
	return w
}

// TestRing: with a keyring the provider's session outlives the run, under a key that lies
// in no file; logout --all makes that another one.
func TestRing(t *testing.T) {
	t.Parallel()
	w := ringWorld(t, worldOptions{})
	w.takes(t, "the first time", 1)
	w.takes(t, "again", 0)
	there := strings.Join(files(t, w.home), "\n")
	if !strings.Contains(there, "cookies/") || strings.Contains(there, "secret.key") {
		t.Errorf("files:\n%s", there)
	}
	key := w.ring.entries
	w.ring.entries = map[string]string{}
	out := w.runWith([]string{password(worldPassword)}, "roles", "gateway").want(t, 0)
	if w.logins() != 2 || strings.Count(out.stderr, "warning:") != 1 {
		t.Errorf("without the key: %d passwords were sent, want 2, and one warning: %s", w.logins(), out.stderr)
	}
	w.takes(t, "under a new key", 0)
	for account, value := range key {
		if w.ring.entries[account] == value {
			t.Error("the new key is the old one")
		}
	}
	w.run("logout", "gateway").want(t, 0, `forgot the session of CORP\alice at adfs.corp.example`)
	w.takes(t, "after logout", 1)
	w.run("logout", "--all").want(t, 0, "forgot the sessions at identity providers")
	if len(w.ring.entries) != 0 {
		t.Error("the key stays in the keyring after logout --all")
	}
	w.takes(t, "after logout --all", 1)
	asked := w.ring.times()
	w.run("status").want(t, 0)
	if w.ring.times() != asked {
		t.Error("status asked the keyring")
	}
	w.run("login", "gateway").want(t, 0) // nobody is there, and nobody needs to be
	w.run("credential-process", "gateway").want(t, 0)
	before := w.ring.times()
	w.run("credential-process", "gateway").want(t, 0)
	if before == asked || w.ring.times() != before {
		t.Errorf("the keyring was asked %d times by a sign-in, want some, and %d by what is in the cache, want 0", before-asked, w.ring.times()-before)
	}
}

// TestRingTroubles: a keyring that cannot be used costs a warning a day, and nothing else:
// credentials come, and nothing is kept in a weaker place.
func TestRingTroubles(t *testing.T) {
	t.Parallel()
	for _, trouble := range []keyring.Trouble{keyring.Missing, keyring.Locked, keyring.Slow, keyring.Failing} {
		t.Run(string(trouble), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := ringWorld(t, worldOptions{bubble: true})
				w.ring.is(trouble)
				sign := func(warnings, passwords int) {
					t.Helper()
					before := w.logins()
					out := w.runWith([]string{password(worldPassword)}, "roles", "gateway").want(t, 0)
					if got := strings.Count(out.stderr, "warning: the keyring "+string(trouble)); got != warnings || strings.Count(out.stderr, "warning:") != warnings {
						t.Errorf("%d warnings, want %d: %s", got, warnings, out.stderr)
					}
					if got := w.logins() - before; got != passwords {
						t.Errorf("%d passwords were sent, want %d", got, passwords)
					}
				}
				sign(1, 1)
				asked := w.ring.times()
				sign(0, 1)
				if again := w.ring.times() > asked; again != (trouble == keyring.Missing || trouble == keyring.Locked) {
					t.Errorf("asked again at once: %v", again)
				}
				time.Sleep(25 * time.Hour)
				sign(1, 1)
				if there := strings.Join(files(t, w.home), "\n"); strings.Contains(there, "cookies/") || strings.Contains(there, "secret.key") {
					t.Errorf("something is kept:\n%s", there)
				}
				w.ring.is("")
				time.Sleep(time.Hour)
				sign(0, 1)
				sign(0, 0)
				// Locked again: what is kept can be thrown away all the same.
				w.ring.is(trouble)
				w.run("logout", "gateway").want(t, 0)
				w.ring.is("")
				time.Sleep(time.Hour)
				sign(0, 1)
				time.Sleep(time.Hour) // what was given up on ends
			})
		})
	}
}

// TestRingComesAndGoes: each trouble is said once a day, whatever was between.
func TestRingComesAndGoes(t *testing.T) {
	t.Parallel()
	w := ringWorld(t, worldOptions{})
	for _, step := range []struct {
		trouble  keyring.Trouble
		after    time.Duration
		warnings int
	}{
		{keyring.Locked, 0, 1},
		{"", time.Hour, 0},
		{keyring.Locked, time.Hour, 0},
		{keyring.Failing, time.Hour, 1},
		{keyring.Locked, time.Hour, 0},
		{keyring.Failing, time.Hour, 0},
		{"", time.Hour, 0},
		{keyring.Locked, 24 * time.Hour, 1},
		{keyring.Locked, -time.Hour, 1}, // the clock was ahead
	} {
		w.ring.is(step.trouble)
		w.now = w.now.Add(step.after)
		out := w.runWith([]string{password(worldPassword)}, "roles", "gateway").want(t, 0)
		w.run("logout", "gateway").want(t, 0)
		if got := strings.Count(out.stderr, "warning: the keyring"); got != step.warnings {
			t.Errorf("%q: %d warnings, want %d: %s", step.trouble, got, step.warnings, out.stderr)
		}
	}
	var noted [2]string
	w.ring.is("")
	for i := range noted {
		w.now = w.now.Add(time.Minute)
		w.runWith([]string{password(worldPassword)}, "roles", "gateway").want(t, 0)
		data, err := os.ReadFile(filepath.Join(w.home, "state", "keyring.json"))
		if err != nil {
			t.Fatal(err)
		}
		noted[i] = string(data)
	}
	if noted[0] != noted[1] {
		t.Errorf("a keyring that is well is noted each time: %q", noted)
	}
}

// TestRingPerson: a person who signs in is no reason to leave a slow keyring alone.
func TestRingPerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := ringWorld(t, worldOptions{bubble: true})
		w.ring.is(keyring.Slow)
		w.takes(t, "slow", 1)
		w.ring.is("")
		w.runWith([]string{password(worldPassword)}, "login", "gateway").want(t, 0)
		w.takes(t, "kept by the person's login", 0)
		time.Sleep(time.Hour)
	})
}

// TestRingFile: what is remembered of the keyring is not believed beyond what it can say.
func TestRingFile(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "hello", "another trouble": `{"trouble":"sings","at":"2026-03-01T09:00:00Z"}`,
		"from ahead of the clock": `{"trouble":"does not answer","at":"2036-03-01T09:00:00Z","said":{"does not answer":"2036-03-01T09:00:00Z"}}`,
		"another type":            `{"trouble":1}`,
	} {
		w := ringWorld(t, worldOptions{})
		if err := os.MkdirAll(filepath.Join(w.home, "state"), 0o700); err != nil {
			t.Fatal(err)
		}
		w.write("state/keyring.json", text)
		w.takes(t, name, 1)
		w.takes(t, name+", again", 0)
	}
}

// TestHeldKeyLock: somebody who holds the lock of the key keeps nobody's credentials.
func TestHeldKeyLock(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*world{"keyring.lock": ringWorld(t, worldOptions{}), "secret.key.lock": newWorld(t, worldOptions{})} {
		dir, err := store.OpenDir(filepath.Join(w.home, "state"), true)
		if err != nil {
			t.Fatal(err)
		}
		unlock, err := store.LockFile(t.Context(), filepath.Join(dir.Path(), name))
		if err != nil {
			t.Fatal(err)
		}
		w.runWith([]string{password(worldPassword)}, "credential-process", "gateway").want(t, 0, `"Version"`)
		unlock()
	}
}
