package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/cells"
	"gatehop/cmd/gatehop/internal/profile"
)

type eachOptions struct {
	parallel       int
	failFast, json bool
}

func eachCommand(a *app) *cobra.Command {
	var o eachOptions
	c := &cobra.Command{
		Use: "each GLOB... [flags] -- COMMAND [ARG...]", Short: "run a command once for every profile that fits",
		Long: `Runs COMMAND for every profile that a GLOB fits, --parallel at once, each with
the credentials of its profile in its environment, as exec would. GLOB is a
pattern for names with * and ?, or a name. Sign-ins come first, one for each
person and provider; what needs nobody asks nobody.

The commands have no standard input. Each line that one writes is passed on
whole, behind the name of its profile and with gatehop_color where the terminal
knows colours. Ctrl-C reaches them all, and no other is begun.

If some fail, the others run all the same, and the status is 1, or that of the
first reason where credentials could not be had; --fail-fast begins no further
ones and lets those that run finish. --json prints what became of each, in the
order in which they end, with what the command wrote on standard output, of
which it keeps the first MiB.`,
		Example: `  gatehop each '*' -- aws sts get-caller-identity
  gatehop each staging 'd*' --fail-fast -- terraform plan
  gatehop each 's*' --parallel 4 --json -- aws s3 ls`,
		ValidArgsFunction: a.completeEach,
		RunE: func(c *cobra.Command, given []string) error {
			dash := c.ArgsLenAtDash()
			if dash >= 0 && a.profileFlag != "" {
				given = append([]string{a.profileFlag}, given...)
				dash++
			}
			if dash < 1 || dash == len(given) {
				return &usageError{text: "each takes profiles or patterns for them, two dashes and a command", command: "gatehop each"}
			}
			return a.each(c.Context(), given[:dash], given[dash:], o)
		},
	}
	addParallel(c, &o.parallel, "commands")
	c.Flags().BoolVar(&o.failFast, "fail-fast", false, "begin no further command once one has failed")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

// What became of a profile.
const (
	eachOK      = "ok"
	eachFailed  = "failed"
	eachSkipped = "not started"
)

// eachResult is what became of the command of one profile.
type eachResult struct {
	Profile  string     `json:"profile"`
	Result   string     `json:"result"`           // eachOK, eachFailed or eachSkipped
	Status   *int       `json:"status,omitempty"` // the command's own; none if it never ran
	Identity string     `json:"identity,omitempty"`
	Expires  *time.Time `json:"expires,omitempty"`
	Error    string     `json:"error,omitempty"`
	Output   *string    `json:"output,omitempty"`
	Cut      bool       `json:"output_cut,omitempty"` // there was more of it

	err error
}

// fail fills in what went wrong.
func (r *eachResult) fail(err error) {
	r.Result, r.err, r.Error = eachFailed, err, explain(err).message
	var child *childExit
	if errors.As(err, &child) {
		r.Status = &child.status
	}
}

func (a *app) each(ctx context.Context, words, argv []string, o eachOptions) error {
	if err := checkParallel(o.parallel, "gatehop each"); err != nil {
		return err
	}
	path, err := lookPath(argv[0], a.env)
	if err != nil {
		return startProblem(argv[0], err)
	}
	targets, err := a.targets(words)
	if err != nil {
		return err
	}
	a.nameCrowd(targets)
	a.openAll(targets, nil)
	if err := a.oneProvider(targets); err != nil {
		return err
	}
	if err := firstOfAll(targets); err != nil {
		return err
	}
	a.openGate(o.parallel)
	if !o.failFast || !anyFailed(targets) {
		a.signInFirst(ctx, targets)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r := &eachRun{a: a, path: path, argv: argv, options: o, targets: targets, prefixes: a.prefixes(targets)}
	defer a.progress.hold()() // the terminal is the commands'
	results, err := r.all(ctx)
	if err != nil {
		return err
	}
	err = a.sumUp(results)
	if ctx.Err() != nil || r.signals > 0 {
		return context.Canceled
	}
	return err
}

// signInFirst makes every sign-in that is needed, so that no question comes between the
// lines of commands. A profile whose sign-in fails takes no part.
func (a *app) signInFirst(ctx context.Context, targets []target) {
	lead := func(i int) error {
		_, _, err := a.ensure(ctx, targets[i].chain)
		targets[i].err = a.unlessKept(ctx, targets[i].chain, err)
		return err
	}
	a.signInAll(ctx, targets, lead, func(ready []int, err error) {
		for _, i := range ready {
			targets[i].err = a.unlessKept(ctx, targets[i].chain, err)
		}
	})
}

// unlessKept is err, or nil where a session is kept that exec would use up, too.
func (a *app) unlessKept(ctx context.Context, ch profile.Chain, err error) error {
	if err == nil || !a.isUnattended() {
		return err
	}
	f, problem := a.flow(ch)
	if problem != nil {
		return err
	}
	if _, ok := a.rest(ctx, f, ch, err); ok {
		return nil
	}
	return err
}

func anyFailed(targets []target) bool {
	return slices.ContainsFunc(targets, func(t target) bool { return t.err != nil })
}

// eachEnviron is the environment of a chain's command, and fills in whose it is.
func (a *app) eachEnviron(ctx context.Context, ch profile.Chain, r *eachResult) ([]string, error) {
	f, err := a.flow(ch)
	if err != nil {
		return nil, err
	}
	s, err := a.sourceOf(ctx, f, ch)
	if err != nil {
		return nil, err
	}
	r.Identity, r.Expires = s.Identity, new(s.Expires.UTC())
	return a.childEnviron(ch, s)
}

// sumUp says what failed, what to do about it, and how many did not. The status is that of
// the first that failed, where a command of any status counts as 1.
func (a *app) sumUp(results []eachResult) error {
	first, said, counts := statusOK, map[string]bool{}, map[string]int{}
	for _, r := range results {
		counts[r.Result]++
		if r.err == nil {
			continue
		}
		var child *childExit
		if errors.As(r.err, &child) {
			first = firstOf(first, statusFailed)
			a.tell(explanation{message: r.Profile + ": " + child.Error()})
			continue
		}
		e := explain(r.err)
		first = firstOf(first, e.status)
		a.tellOnce(said, r.Error, e, r.err)
	}
	parts := []string{fmt.Sprintf("%d of %d ok", counts[eachOK], len(results))}
	for _, result := range []string{eachFailed, eachSkipped} {
		if counts[result] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[result], result))
		}
	}
	a.say("%s", strings.Join(parts, ", "))
	if first == statusOK {
		return nil
	}
	return &statusError{status: first}
}

// firstOf is the status so far, or the next where that is good.
func firstOf(status, next int) int {
	if status == statusOK {
		return next
	}
	return status
}

// prefixes are what stands before every line of a profile's command on standard output and
// on standard error, by target. The lines begin in one column, unless a name is very long.
func (a *app) prefixes(targets []target) [][2]string {
	const widest = 32
	width, coloured := 0, false
	colour := func(t target) string {
		if t.chain == nil {
			return ""
		}
		return t.chain[len(t.chain)-1].Color
	}
	for _, t := range targets {
		width = min(max(width, cells.Width(t.name)), widest)
		coloured = coloured || colour(t) != ""
	}
	looks := [2]look{a.lookOf(a.stdout), a.lookOf(a.stderr)}
	all := make([][2]string, len(targets))
	for i, t := range targets {
		for n, l := range looks {
			all[i][n] = cells.Pad(t.name, width) + " | "
			if coloured && l.colour {
				all[i][n] = l.mark(colour(t)) + " " + all[i][n]
			}
		}
	}
	return all
}
