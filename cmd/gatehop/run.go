package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatehop/creds/store/keyring"
	"gatehop/idp"
)

// process is everything that gatehop takes from the process it runs in. Tests and
// the demo give it another one.
type process struct {
	args, env      []string
	looked         bool // in the cache, which does not answer
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
	keyring        keyring.System               // for the second key; nil: there is none
	patience       time.Duration                // of those that nobody waits for; 0 is unattendedLimit
	executable     func() (string, error)       // absolute path of the running binary
	terminal       func() (terminal, error)     // the person; tty.ErrNoTerminal if none is there
	tickets        func() string                // the file where kinit leaves them unless told otherwise, "" if it is not there; nil: nowhere
	transport      http.RoundTripper            // nil is the network
	answers        idp.Prompter                 // asked before the terminal; nil is none
	exec           func(child command) error    // replaces this process; nil: the platform's way
	locked         func(key string, taken bool) // hears of every lock taken and freed; nil: nobody does
	// signals makes a context that ends with the signals which end gatehop; nil: none do.
	signals func(context.Context) (context.Context, context.CancelFunc)
}

// unattendedWait is how long a sign-in may take that nobody waits for, and how long
// nobody waits for another gatehop.
func (p *process) unattendedWait() time.Duration { return cmp.Or(p.patience, unattendedLimit) }

// run dispatches one command line and returns the exit status.
func run(ctx context.Context, p process) (status int) {
	defer func() {
		if v := recover(); v != nil {
			status = reportBug(p.stderr)
		}
	}()
	// To hear signals takes threads of its own. From the cache there is nothing to clean
	// up, and whoever ends gatehop there ends it as the system does.
	if status, done := warm(ctx, p); done {
		return status
	}
	if p.signals != nil {
		var stop context.CancelFunc
		ctx, stop = p.signals(ctx)
		defer stop()
	}
	return runCommand(ctx, p)
}

// runCommand dispatches a command line through the command tree.
func runCommand(ctx context.Context, p process) int {
	a := &app{process: p}
	a.watchProgress()
	defer a.leaveTerminal()
	root := rootCommand(a)
	if len(p.args) > 0 && p.args[0] == cobra.ShellCompRequestCmd {
		plainUsages(root)
	}
	root.SetArgs(p.args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	err := commandError(root, root.ExecuteContext(ctx))
	a.progress.hold() // whoever still waits does so for nobody
	var child *childExit
	if ctx.Err() != nil && err != nil && !errors.As(err, &child) {
		err = ctx.Err()
		a.wait.leave()
	}
	status := a.report(err)
	a.passOverLineAtEnd(ctx)
	return status
}

// briefDetail is how many lines of detail a program gets that runs gatehop as its helper:
// SDKs put all of standard error into their own errors and logs.
const briefDetail = 3

// report says what went wrong and with which hint, and returns the exit status.
func (a *app) report(err error) int {
	var child *childExit
	var said *statusError
	switch {
	case errors.As(err, &said):
		return said.status
	case err == nil:
		return statusOK
	case errors.As(err, &child):
		return child.status
	}
	e := explain(err)
	if e.status == statusInterrupted && !errors.As(err, new(*sharedError)) {
		return e.status
	}
	a.tell(e)
	return e.status
}

// tell writes an explanation on standard error.
func (a *app) tell(e explanation) {
	fmt.Fprintf(a.stderr, "%s %v\n", a.lookOf(a.stderr).paint(paintBad, "gatehop:"), e.message)
	more := 0
	if a.unattended {
		more = max(0, len(e.detail)-briefDetail)
	}
	for _, line := range e.detail[:len(e.detail)-more] {
		fmt.Fprintf(a.stderr, "  %s\n", line)
	}
	if more > 0 {
		fmt.Fprintf(a.stderr, "  ... and %d more\n", more)
	}
	if e.hint != "" {
		fmt.Fprintf(a.stderr, "hint: %s\n", e.hint)
	}
}

// reportBug says where a panic came from and not what its value was: that may be a secret.
func reportBug(w io.Writer) int {
	fmt.Fprintln(w, "gatehop: internal error; please report these lines:")
	pcs := make([]uintptr, 24)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		fmt.Fprintf(w, "  %s:%d\n", f.Function, f.Line)
		if !more {
			return statusFailed
		}
	}
}

const rootHelp = `gatehop signs you in at your company's identity provider and hands out AWS
credentials of the gateway account and of every account behind it.

It reads the profiles of ~/.aws/config: one with gatehop_idp signs in, one with
a source profile is a hop behind it. To begin:

  gatehop configure           writes the profiles: it asks for what it needs
  gatehop demo                a guided tour on this machine alone
  gatehop sandbox -- bash     a shell with a simulated provider and AWS`

func rootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use: "gatehop", Short: "AWS credentials behind a company sign-in", Long: rootHelp,
		Example: `  gatehop login gateway            # sign in, once a day
  gatehop exec prod -- aws s3 ls   # run a command with credentials
  eval "$(gatehop env prod)"       # credentials for this shell`,
		SilenceErrors: true, SilenceUsage: true, Version: versionReport()["version"],
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			a.command = c.Name()
			return a.checkFlags()
		},
	}
	f := root.PersistentFlags()
	f.StringVar(&a.profileFlag, "profile", "", "the profile, instead of an argument")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "say on standard error what is done; never a secret")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "say nothing but errors and questions")
	f.BoolVar(&a.noInput, "no-input", false, "ask nobody; exit with status 3 or 4 where a person is needed")
	a.secrets.addFlags(f)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return flagError(c, err)
	})
	for _, add := range commands {
		root.AddCommand(add(a))
	}
	root.SetHelpCommand(helpCommand(root))
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages |", fmt.Sprintf(".FlagUsagesWrapped %d |", usualWidth)))
	a.addCompletions(root)
	return root
}

// helpCommand is cobra's, but for a command that does not exist: that is a mistake here.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "explain a command", Example: "  gatehop help login\n  gatehop help credential-process",
		ValidArgsFunction: func(_ *cobra.Command, given []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(given) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return commandNames(root), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, words []string) error {
			c, rest, err := root.Find(words)
			if err != nil || len(rest) > 0 && !c.HasParent() {
				return unknownCommand(root, strings.Join(words, " "))
			}
			return c.Help()
		},
	}
}

// commands is the command tree: one line and one file for each.
var commands = []func(*app) *cobra.Command{
	loginCommand, credentialProcessCommand, execCommand, serveCommand, eachCommand, envCommand, rolesCommand,
	statusCommand, refreshCommand, logoutCommand, configureCommand, sandboxCommand, demoCommand,
	completionCommand, manCommand, versionCommand,
}

// usageError is a command line that cannot be understood.
type usageError struct {
	text, command string
	near          string // what was meant, "" if nothing is near
	noCommand     bool   // it is about the name of a command
}

func (e *usageError) Error() string { return e.text }

// args is cobra's argument check with gatehop's own error.
func args(minimum, maximum int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		if n := len(given); n < minimum || n > maximum {
			return &usageError{text: fmt.Sprintf("%s takes %s, not %d arguments", c.CommandPath(), what, n), command: c.CommandPath()}
		}
		return nil
	}
}
