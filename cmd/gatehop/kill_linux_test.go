//go:build linux && (amd64 || arm64)

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehop/creds/store"
)

// systemRoles is what else the test binary can be on this system.
func systemRoles() map[string]func() {
	return map[string]func(){"killer": killer, "filtered": filtered, "gatehop-in-place": rewriteInPlace, "gatehop-pid-file": underPIDFile,
		"gatehop-list": listProgram, "gatehop-watched": watched, "gatehop-caught-up": caughtUp}
}

func killScenarios() []killScenario {
	dev := []string{"gatehop", "credential-process", "dev"}
	return []killScenario{
		{name: "cold credential-process", leader: dev, followers: dev, warm: dev, costs: costs(1, 1, 1), more: costs(1, 1, 1)},
		{name: "hop of a live gateway session", prepare: [][]string{dev, {"gatehop", "logout", "dev"}},
			leader: dev, followers: dev, warm: dev, costs: costs(0, 0, 1), more: costs(0, 0, 1)},
		{name: "login --force", prepare: [][]string{dev}, leader: []string{"gatehop", "login", "dev", "--force"},
			followers: dev, warm: dev, costs: costs(1, 1, 1)},
		{name: "logout", prepare: [][]string{dev}, leader: []string{"gatehop", "logout", "gateway"},
			followers: dev, warm: dev, costs: costs(1, 1, 1)},
		{name: "login --write", prepare: [][]string{dev}, leader: []string{"gatehop", "login", "dev", "--write=w1"},
			followers: dev, warm: dev, costs: costs(0, 0, 0), writes: "w1"},
	}
}

// TestKilledLeader kills a gatehop that signs in, while four others wait for it, at the
// entry of each of its system calls that write, rename, lock or unlock, one after the
// other. The others must not notice, but that one of them signs in again, and no file is
// ever less than whole. KILLS=all does the same to other commands, and at the exit of each
// call too.
func TestKilledLeader(t *testing.T) {
	t.Parallel()
	killsAreSlow(t)
	scenarios, modes := killScenarios()[:1], []string{"entry"}
	if os.Getenv("KILLS") == "all" {
		scenarios, modes = killScenarios(), []string{"entry", "exit"}
	}
	for _, s := range scenarios {
		for _, mode := range modes {
			t.Run(s.name+" at "+mode, func(t *testing.T) {
				// One after the other: the machine is busy enough with each.
				unharmed := newKilling(t, s, 1).once(t, 0, mode)
				if unharmed.killed || len(unharmed.problems) > 0 {
					t.Fatalf("with nobody killed: %v", errors.Join(unharmed.problems...))
				}
				if !maps.Equal(unharmed.spent, s.costs) && len(s.prepare) == 0 {
					t.Errorf("with nobody killed: %v, want %v", unharmed.spent, s.costs)
				}
				if err := checkEnumeration(unharmed.calls); err != nil {
					t.Fatal(err)
				}
				t.Logf("%d calls: %s", len(unharmed.calls), tally(unharmed.calls))
				k := newKilling(t, s, 2)
				runs := k.all(t, mode)
				for _, r := range runs {
					if err := errors.Join(r.problems...); err != nil {
						t.Errorf("killed at the %s of call %d (%v): %v", mode, r.at, r.last(), err)
					}
				}
				summarize(t, runs)
			})
		}
	}
}

// summarize reports what all the runs together were.
func summarize(t *testing.T, runs []*killRun) {
	t.Helper()
	var killed, waited, again, temps int
	var at []killerCall
	for _, r := range runs {
		if !r.killed {
			continue
		}
		killed++
		at = append(at, r.last())
		if r.waited {
			waited++
		}
		if r.spent["password"] > 1 {
			again++
		}
		if len(r.temps) > 0 {
			temps++
		}
	}
	t.Logf("%d killed, in %d with others waiting; %d second sign-ins; %d temporary files left; at %s", killed, waited, again, temps, tally(at))
	if killed == 0 {
		t.Error("nobody was killed")
	}
}

func (r *killRun) last() killerCall {
	if len(r.calls) == 0 {
		return killerCall{}
	}
	return r.calls[min(max(r.at, 1), len(r.calls))-1]
}

// tally counts calls by what they are.
func tally(calls []killerCall) string {
	counts := map[string]int{}
	for _, c := range calls {
		counts[c.name+" "+c.class]++
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%d %s", counts[name], name))
	}
	return strings.Join(words, ", ")
}

// checkEnumeration refuses a list of calls that cannot be that of a leader.
func checkEnumeration(calls []killerCall) error {
	if !slices.ContainsFunc(calls, func(c killerCall) bool { return c.name == "flock" }) ||
		!slices.ContainsFunc(calls, func(c killerCall) bool { return c.name == "renameat" || c.name == "unlinkat" }) {
		return fmt.Errorf("the tracer saw no lock or no change of a file: %s", tally(calls))
	}
	return nil
}

// killing runs a scenario many times, at several companies at once.
type killing struct {
	scenario  killScenario
	companies []*realCompany
	runs      atomic.Int64
}

func newKilling(t *testing.T, s killScenario, companies int) *killing {
	t.Helper()
	k := &killing{scenario: s}
	for range companies {
		k.companies = append(k.companies, newRealCompany(t, realOptions{}))
	}
	return k
}

func (k *killing) newRun(company *realCompany, at int, mode string) *killRun {
	return &killRun{killScenario: &k.scenario, company: company, at: at, mode: mode, state: fmt.Sprintf("state-%d", k.runs.Add(1))}
}

// once runs the scenario with a kill at one call.
func (k *killing) once(t *testing.T, at int, mode string) *killRun {
	t.Helper()
	r := k.newRun(k.companies[0], at, mode)
	mustTrace(t, r.run())
	return r
}

// mustTrace fails where the experiment itself failed, and passes over a system on which
// nobody may trace, but for CI, where nothing is passed over.
func mustTrace(t *testing.T, err error) {
	t.Helper()
	switch {
	case errors.Is(err, errUntraceable) && os.Getenv("CI") != "true":
		t.Skipf("NOT TESTED: %v", err)
	case err != nil:
		t.Fatal(err)
	}
}

// all kills at call 1, 2, 3, ... until a leader ends before it is killed.
func (k *killing) all(t *testing.T, mode string) []*killRun {
	t.Helper()
	var next, ended atomic.Int64
	var mu sync.Mutex
	var runs []*killRun
	var trouble error
	var wg sync.WaitGroup
	for _, company := range k.companies {
		wg.Go(func() {
			for ended.Load() == 0 {
				r := k.newRun(company, int(next.Add(1)), mode)
				err := r.run()
				mu.Lock()
				runs, trouble = append(runs, r), errors.Join(trouble, err)
				mu.Unlock()
				if err != nil || !r.killed {
					ended.Store(1)
				}
			}
		})
	}
	wg.Wait()
	mustTrace(t, trouble)
	return runs
}

// killsAreSlow leaves kills to the run without the race detector: what they are judged
// by is files and counts, and with it each of a hundred starts takes ten times as long.
func killsAreSlow(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("runs without the race detector, which sees nothing of it")
	}
}

// TestKillJudge shows that what TestKilledLeader wants can be missed.
func TestKillJudge(t *testing.T) {
	t.Parallel()
	killsAreSlow(t)
	dev := []string{"gatehop", "credential-process", "dev"}
	for _, c := range []struct {
		name string
		s    killScenario
		at   int // the only call to kill at, 0: all
		want string
	}{
		{"a file written in place",
			killScenario{prepare: [][]string{dev}, leader: []string{"gatehop-in-place"}, followers: dev, more: costs(1, 1, 1)},
			0, "is not whole"},
		{"a foreign file written in place",
			killScenario{leader: []string{"sh", "-c", "printf x >>$AWS_SHARED_CREDENTIALS_FILE"},
				followers: dev, costs: costs(1, 1, 1)},
			1000, "the credentials file was changed"},
		{"a section that is half there",
			killScenario{leader: []string{"sh", "-c", "printf '\n[w1]\naws_access_key_id = x\n' >>$AWS_SHARED_CREDENTIALS_FILE"},
				followers: dev, costs: costs(1, 1, 1), writes: "w1"},
			1000, "the credentials file holds"},
		{"an answer cut short",
			killScenario{leader: []string{"sh", "-c", "echo {"}, followers: dev, costs: costs(1, 1, 1), more: costs(0, 0, 0)},
			1000, "is cut short"},
		{"a lock that its holder must remove",
			killScenario{leader: append([]string{"gatehop-pid-file"}, dev[1:]...), followers: append([]string{"gatehop-pid-file"}, dev[1:]...),
				costs: costs(1, 1, 1), more: costs(1, 1, 1)},
			30, "follower 0: exit status 3"},
		{"followers that do not share",
			killScenario{leader: dev, followers: []string{"gatehop", "login", "dev", "--force"}, costs: costs(1, 1, 1), more: costs(1, 1, 1)},
			9, "times password, want at most 2"},
		{"answers that differ",
			killScenario{leader: dev, followers: []string{"sh", "-c", "echo $$"}, costs: costs(1, 1, 1), more: costs(1, 1, 1)},
			30, "different or no answers"},
		{"a session that nobody kept",
			killScenario{leader: dev, followers: []string{"echo", "ok"}, warm: dev, costs: costs(1, 1, 1), more: costs(1, 1, 1)},
			30, "when all is over costs 1 times"},
		{"a leader that fails by itself",
			killScenario{leader: []string{"gatehop", "credential-process", "none"}, followers: dev, costs: costs(1, 1, 1)},
			1000, `ended with "exit 2"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKilling(t, c.s, 1)
			var runs []*killRun
			if c.at > 0 {
				runs = append(runs, k.once(t, c.at, "entry"))
			} else {
				runs = k.all(t, "entry")
			}
			var all []error
			for _, r := range runs {
				all = append(all, r.problems...)
			}
			if err := errors.Join(all...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the judge says %v, want %q", err, c.want)
			}
		})
	}
	t.Run("a tracer that sees nothing", func(t *testing.T) {
		r := newKilling(t, killScenario{leader: []string{"gatehop", "version"}, followers: dev, costs: costs(1, 1, 1)}, 1).once(t, 0, "entry")
		if err := checkEnumeration(r.calls); err == nil || len(r.calls) == 0 {
			t.Errorf("checkEnumeration of gatehop version (%s) = %v, want an error", tally(r.calls), err)
		}
	})
	t.Run("a file that nobody knows", func(t *testing.T) {
		k := newKilling(t, killScenario{prepare: [][]string{dev}, leader: dev, followers: dev}, 1)
		r := k.newRun(k.companies[0], 0, "entry")
		if err := os.MkdirAll(r.dir(), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(r.dir(), "half"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		mustTrace(t, r.run())
		if err := errors.Join(r.problems...); err == nil || !strings.Contains(err.Error(), "nobody knows") {
			t.Errorf("the judge says %v", err)
		}
	})
}

// rewriteInPlace is a gatehop that writes into the file that others read.
func rewriteInPlace() {
	home := os.Getenv("GATEHOP_HOME")
	unlock, err := store.Locker(filepath.Join(home, "locks"))(context.Background(), "sessions")
	must(err)
	defer unlock()
	names, err := filepath.Glob(filepath.Join(home, "sessions", "*"))
	must(err)
	for _, name := range names {
		data, err := os.ReadFile(name)
		must(err)
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0o600)
		must(err)
		for _, half := range [][]byte{data[:len(data)/2], data[len(data)/2:]} {
			_, err := f.Write(half)
			must(err)
		}
		must(f.Close())
	}
}

// underPIDFile is a gatehop whose lock is that a file exists.
func underPIDFile() {
	name := os.Getenv("GATEHOP_HOME") + ".pid"
	for tries := 0; ; tries++ {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			must(f.Close())
			break
		}
		if tries == 20 {
			os.Exit(statusHuman)
		}
		time.Sleep(50 * time.Millisecond)
	}
	status := realMain(nil)
	must(os.Remove(name))
	os.Exit(status)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
