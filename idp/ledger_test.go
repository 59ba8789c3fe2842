package idp_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// runs is the product of the axes, without what cannot be, which is returned with the
// reason and how often.
func runs() (all []run, left map[string]int) {
	left = map[string]int{}
	for _, s := range settings() {
		for _, to := range s.targets {
			for _, listed := range []bool{false, true} {
				for _, p := range places() {
					for _, c := range columns() {
						for _, adapter := range []string{"form", "adfs"} {
							r := run{s, to, listed, p, c, adapter}
							if why := r.impossible(); why != "" {
								left[why]++
								continue
							}
							all = append(all, r)
						}
					}
				}
			}
		}
	}
	return all, left
}

// impossible says why a combination cannot be; "" if it can.
func (r run) impossible() string {
	scheme := func(address string) string { return strings.ToLower(address[:strings.Index(address, ":")]) }
	same := r.target.origin == r.setting.origin
	switch {
	case r.listed && same:
		return "the configured origin need not be listed"
	case r.listed && r.target.unlistable:
		return "nobody can list plain http that is not this machine, or beside https"
	case strings.HasSuffix(r.place.name, "scheme") && scheme(r.target.url) != scheme(r.setting.url):
		return "another scheme cannot be left out of an address"
	case r.place.name == "401 to what was typed" && !same:
		return "no target is in a 401 of the configured host"
	case r.place.echoes && r.column.stage == user:
		return "providers hand the user name on in login_hint: it is public to them"
	case r.column.name == "certificate" && scheme(r.target.url) == "http" && scheme(r.setting.url) == "http":
		return "a certificate needs TLS"
	case r.adapter == "adfs" && r.column.stage == code:
		return "AD FS has pages of its own for the user name and the password; the code is a row of form"
	}
	return ""
}

// walk is what two combinations must share to be read from the same accounts.
type walk struct {
	home, target, place, adapter string
	listed                       bool
	column                       column
}

func (r run) walk() walk {
	c := r.column
	c.name = ""
	if r.place.where == end {
		c.stage = done // the trick comes after all of them
	}
	return walk{r.setting.url, r.target.name, r.place.name, r.adapter, r.listed, c}
}

// survey runs all combinations and returns what is wrong. That there is something to
// run is a part of it.
func survey(t testing.TB, n *internet, who subject, all []run) []string {
	t.Helper()
	var (
		mu    sync.Mutex
		found []string
		group sync.WaitGroup
	)
	if len(all) == 0 {
		found = append(found, "no combination was tried")
	}
	work := make(chan run)
	for range 4 {
		group.Go(func() {
			for r := range work {
				problems := who.sign(t, n, r).judge()
				mu.Lock()
				found = append(found, problems...)
				mu.Unlock()
			}
		})
	}
	walked := map[walk]bool{}
	for _, r := range all {
		if !walked[r.walk()] {
			walked[r.walk()] = true
			work <- r
		}
	}
	close(work)
	group.Wait()
	slices.Sort(found)
	return found
}

// some takes every nth of the walks, for a short run or one under the race detector. n
// has no divisor in common with the lengths of the inner axes, so that every value of
// every axis stays.
func some(all []run) []run {
	const n = 17
	number := map[walk]int{}
	var out []run
	for _, r := range all {
		k := r.walk()
		if _, known := number[k]; !known {
			number[k] = len(number)
		}
		if number[k]%n == 0 {
			out = append(out, r)
		}
	}
	return out
}

// TestLedger is the wire ledger: for every place of a sign-in in which an address can
// stand, every kind of address, and every secret, what each origin is sent, to the byte.
func TestLedger(t *testing.T) {
	t.Parallel()
	all, left := runs()
	if testing.Short() || raceDetector {
		all = some(all)
	}
	for _, problem := range survey(t, newInternet(t), subject{}, all) {
		t.Error(problem)
	}
	for _, missing := range unseen(all) {
		t.Error(missing)
	}
	t.Logf("%d combinations", len(all))
	for _, why := range slices.Sorted(maps.Keys(left)) {
		t.Logf("%d left out: %s", left[why], why)
	}
}

// unseen lists the values of the axes that no combination has.
func unseen(all []run) []string {
	missing := map[string]bool{}
	for _, s := range settings() {
		for _, to := range s.targets {
			missing["target "+to.name+" of "+s.url] = true
		}
	}
	for _, p := range places() {
		missing["place "+p.name] = true
	}
	for _, c := range columns() {
		missing["column "+c.name] = true
	}
	for _, r := range all {
		for _, seen := range []string{"target " + r.target.name + " of " + r.setting.url, "place " + r.place.name, "column " + r.column.name} {
			delete(missing, seen)
		}
	}
	var out []string
	for name := range missing {
		out = append(out, fmt.Sprintf("%s is in no combination", name))
	}
	slices.Sort(out)
	return out
}
