package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/gate"
	"gatehop/cmd/gatehop/internal/profile"
)

const (
	usualParallel = 10
	mostParallel  = 64
	// crowdWait is how long nobody waits for a hop that stands in line for AWS with others.
	crowdWait = 5 * time.Minute
)

// target is one of several profiles that a command is about.
type target struct {
	name  string
	chain profile.Chain // nil if the configuration has none
	err   error         // why it cannot take part; nil if it can
}

func addParallel(c *cobra.Command, n *int, what string) {
	c.Flags().IntVar(n, "parallel", usualParallel, "how many "+what+" at once, 1 to 64")
}

func checkParallel(n int, command string) error {
	if n < 1 || n > mostParallel {
		return &usageError{text: fmt.Sprintf("--parallel %d is not between 1 and %d", n, mostParallel), command: command}
	}
	return nil
}

// targets finds the profiles that words mean, each once: a name, or a pattern for names
// with * and ?. What a pattern finds broken takes no part; a name must be right.
func (a *app) targets(words []string) ([]target, error) {
	config, err := a.profiles()
	if err != nil {
		return nil, err
	}
	var all []target
	seen := map[string]bool{}
	add := func(t target) {
		if !seen[t.name] {
			seen[t.name] = true
			all = append(all, t)
		}
	}
	for _, word := range words {
		if word == "" {
			return nil, &usageError{text: "an empty name is no profile's", command: "gatehop " + a.command}
		}
		if !strings.ContainsAny(word, "*?") {
			ch, err := config.Chain(word)
			if err != nil {
				return nil, err
			}
			add(target{name: word, chain: ch})
			continue
		}
		found := matching(config, word)
		if len(found) == 0 {
			return nil, &noMatchError{Pattern: word}
		}
		for _, t := range found {
			add(t)
		}
	}
	return all, nil
}

func matching(config *profile.Config, pattern string) (found []target) {
	chains, broken := config.Matching(func(name string) bool { return matchesName(pattern, name) })
	for _, ch := range chains {
		found = append(found, target{name: ch[len(ch)-1].Name, chain: ch})
	}
	for _, b := range broken {
		found = append(found, target{name: b.Name, err: b.Err})
	}
	return found
}

// noMatchError reports a pattern that no profile of gatehop's fits.
type noMatchError struct{ Pattern string }

func (e *noMatchError) Error() string {
	if e.Pattern == everyProfile {
		return "no profile in the AWS configuration is gatehop's"
	}
	return fmt.Sprintf("no profile that gatehop knows fits %q", e.Pattern)
}

// everyProfile is the pattern of --all.
const everyProfile = "*"

// matchesName reports whether a name fits a pattern: * is any number of characters, ? is
// one, everything else is itself.
func matchesName(pattern, name string) bool {
	p, n := []rune(pattern), []rune(name)
	at, star, mark := 0, -1, 0 // in the pattern; the last * and what it has taken
	for i := 0; i < len(n); {
		switch {
		case at < len(p) && p[at] == '*':
			star, mark = at, i
			at++
		case at < len(p) && (p[at] == '?' || p[at] == n[i]):
			at++
			i++
		case star < 0:
			return false
		default:
			mark++
			at, i = star+1, mark
		}
	}
	return strings.Trim(string(p[at:]), "*") == ""
}

// nameCrowd says to other processes what this run is about.
func (a *app) nameCrowd(targets []target) {
	if n := len(targets) - 1; n > 0 {
		a.subject = fmt.Sprintf("%s and %s", targets[0].name, plural(n, "other"))
	}
}

// openAll opens the flow of every target, and has those stay out whose settings are wrong.
func (a *app) openAll(targets []target, check func(t target, f *flow.Flow) error) {
	for i, t := range targets {
		if t.err != nil {
			continue
		}
		f, err := a.flow(t.chain)
		if err == nil {
			_, err = a.regionOf(t.chain)
		}
		if err == nil && check != nil {
			err = check(t, f)
		}
		targets[i].err = err
	}
}

// firstOfAll is the error of the first target if none can take part.
func firstOfAll(targets []target) error {
	for _, t := range targets {
		if t.err == nil {
			return nil
		}
	}
	return targets[0].err
}

// behind is the targets of one gateway that a sign-in stands before.
type behind struct {
	flow    *flow.Flow
	waiting []int
}

// signInAll calls ready with the targets that need no sign-in, and then, gateway by
// gateway because a person may have to be asked, with those that one was made for. err is
// why it failed. lead makes sure of a target that is a gateway itself.
func (a *app) signInAll(ctx context.Context, targets []target, lead func(i int) error, ready func(targets []int, err error)) {
	crowds := map[string]*behind{}
	var order []string
	var alone []int
	for i, t := range targets {
		if t.err != nil {
			continue
		}
		f, way := a.flows[way(t.chain)], way(t.chain)
		if f.Alone(ctx, t.chain) {
			alone = append(alone, i)
			continue
		}
		if crowds[way] == nil {
			crowds[way] = &behind{flow: f}
			order = append(order, way)
		}
		crowds[way].waiting = append(crowds[way].waiting, i)
	}
	ready(alone, nil)
	failed := map[string]error{} // by whose sign-in, and where
	for _, way := range order {
		c := crowds[way]
		chain := targets[c.waiting[0]].chain[:1]
		who := chain[0].SignIn.Key() + a.madeFor(chain).User
		err := failed[who]
		leader := slices.IndexFunc(c.waiting, func(i int) bool { return len(targets[i].chain) == 1 })
		switch {
		case err != nil:
		case leader >= 0:
			err = lead(c.waiting[leader])
			c.waiting = slices.Delete(c.waiting, leader, leader+1)
		default:
			_, err = a.renewed(ctx, c.flow, chain)
		}
		if errors.As(err, new(*signInError)) {
			failed[who] = err // the same person fails at the same provider no second time
		}
		ready(c.waiting, err)
	}
}

// inCrowds runs work for every target, slots at once, each as soon as the sign-in that it
// needs is over.
func (a *app) inCrowds(ctx context.Context, targets []target, slots int, work func(i int, signIn error) error) {
	var wg sync.WaitGroup
	free := make(chan struct{}, slots)
	lead := func(i int) error { return work(i, nil) }
	a.signInAll(ctx, targets, lead, func(ready []int, err error) {
		for _, i := range ready {
			wg.Go(func() {
				free <- struct{}{}
				defer func() { <-free }()
				_ = work(i, err)
			})
		}
	})
	wg.Wait()
}

// openGate bounds the calls to AWS of this run, and lets them adapt to throttling.
func (a *app) openGate(parallel int) { a.gate = gate.New(parallel) }

// renewalWait is how long a renewal may take that nobody waits for.
func (a *app) renewalWait(ctx context.Context, f *flow.Flow, ch profile.Chain) time.Duration {
	if a.gate != nil && f.Alone(ctx, ch) { // it takes its turn, and no sign-in
		return crowdWait
	}
	return a.unattendedWait()
}
