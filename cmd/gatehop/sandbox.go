package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/near"
)

type sandboxOptions struct {
	idp, fault      string
	mfa, mfaResult  string // "": none, and approve
	roles, accounts int
	latency         time.Duration
	throttle        int // calls to the STS a second; 0 is any number
	stats           string
	noPassword      bool
	empty           bool
}

func sandboxCommand(a *app) *cobra.Command {
	o := sandboxOptions{}
	c := &cobra.Command{
		Use: "sandbox [flags] [-- COMMAND [ARG...]]", Short: "a simulated identity provider and AWS on this machine",
		Long: `Starts a simulated identity provider and a simulated STS on loopback, writes a
throw-away AWS configuration and runs COMMAND with it, or prints the variables
and stays until Ctrl-C. Nothing of yours is changed and nothing is left behind.
With --empty there is no AWS configuration but your own.

With --fault the identity provider or the account is not in order, or asks in
another way; --fault help says what each one does and where it can be had:
` + inLines(faultNames()) + `.

With --mfa a second factor is asked for after the password; --mfa help says what
each kind is, and what the code is:
` + inLines(factorNames()) + `.

User CORP\alice (alice with --idp form), password "correct horse". Profiles:
gateway, and behind it prod (a hop that any AWS tool makes by itself), staging
and dev.`,
		Example: `  gatehop sandbox -- gatehop login prod
  gatehop sandbox -- aws sts get-caller-identity --profile dev
  gatehop sandbox --idp adfs2019 -- gatehop login dev
  gatehop sandbox --idp form --roles 200 -- bash
  gatehop sandbox --idp adfs2019 --fault paginated -- gatehop login dev
  gatehop sandbox --mfa azure-number -- gatehop login dev`,
		RunE: func(c *cobra.Command, argv []string) error {
			if dash := c.ArgsLenAtDash(); len(argv) > 0 && dash != 0 {
				return &usageError{text: "sandbox takes a command after two dashes only", command: "gatehop sandbox"}
			}
			return a.sandbox(c.Context(), o, argv)
		},
	}
	f := c.Flags()
	f.StringVar(&o.idp, "idp", "adfs3", "the identity provider: adfs2, adfs3, adfs2016, adfs2019 or form")
	f.StringVar(&o.fault, "fault", "", "what is not in order there; help lists what can be")
	f.StringVar(&o.mfa, "mfa", "", "the second factor that is asked for; help lists the kinds")
	f.StringVar(&o.mfaResult, "mfa-result", "", "how it ends: approve (unless said otherwise), deny, never or notenrolled")
	f.IntVar(&o.roles, "roles", 3, "how many roles the assertion offers, 0 to 2000")
	f.IntVar(&o.accounts, "accounts", 0, "how many further destination profiles: acct-000, acct-001, ...")
	f.DurationVar(&o.latency, "latency", 0, "how long every response of the simulators takes")
	f.IntVar(&o.throttle, "throttle", 0, "how many calls a second the STS takes before it answers Throttling; 0 is any number")
	f.StringVar(&o.stats, "stats", "", "write what was asked of the simulators to this file on exit, as JSON")
	f.BoolVar(&o.noPassword, "no-password", false, "do not put the user name and the password into the environment")
	f.BoolVar(&o.empty, "empty", false, "no profiles: only the addresses of the simulators")
	return c
}

// sandboxProviders are the identity providers that can be simulated.
func sandboxProviders() []string { return []string{"adfs2", "adfs3", "adfs2016", "adfs2019", "form"} }

// flavour is the version of AD FS as the simulator calls it.
func (o sandboxOptions) flavour() string {
	switch o.idp {
	case "adfs2":
		return "2.0"
	case "adfs3":
		return "3.0"
	}
	return strings.TrimPrefix(o.idp, "adfs")
}

func (o sandboxOptions) check() error {
	switch {
	case !slices.Contains(sandboxProviders(), o.idp):
		return &usageError{text: fmt.Sprintf("--idp %q is not built (known: %s)", o.idp, strings.Join(sandboxProviders(), ", ")), command: "gatehop sandbox",
			near: near.Nearest(o.idp, sandboxProviders())}
	case o.roles < 0 || o.roles > 2000:
		return &usageError{text: fmt.Sprintf("--roles %d is not between 0 and 2000", o.roles), command: "gatehop sandbox"}
	case o.accounts < 0 || o.accounts > 1000:
		return &usageError{text: fmt.Sprintf("--accounts %d is not between 0 and 1000", o.accounts), command: "gatehop sandbox"}
	case o.latency < 0 || o.latency > time.Minute:
		return &usageError{text: fmt.Sprintf("--latency %v is not between 0 and 1m", o.latency), command: "gatehop sandbox"}
	}
	if o.throttle < 0 {
		return &usageError{text: fmt.Sprintf("--throttle %d is less than nothing", o.throttle), command: "gatehop sandbox"}
	}
	if _, err := o.kind(); err != nil {
		return err
	}
	return o.checkFactor()
}

func (a *app) sandbox(ctx context.Context, o sandboxOptions, argv []string) (err error) {
	switch "help" {
	case o.fault:
		_, err = fmt.Fprint(a.stdout, faultTable())
		return err
	case o.mfa:
		_, err = fmt.Fprint(a.stdout, factorTable())
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	if o.stats != "" {
		if o.stats, err = filepath.Abs(o.stats); err != nil {
			return err
		}
	}
	s, err := a.startSandbox(o)
	if err != nil {
		return err
	}
	defer func() {
		if problem := s.close(o.stats); problem != nil && err == nil {
			err = problem
		}
	}()
	if len(argv) == 0 {
		if err := a.printSandbox(s, o); err != nil {
			return err
		}
		<-ctx.Done()
		return nil // Ctrl-C is how it is meant to end
	}
	env := s.environ(a.env, o)
	path, err := lookPath(argv[0], env)
	if err != nil {
		return startProblem(argv[0], err)
	}
	a.passOverLine(ctx)
	return a.runChild(command{path: path, args: argv, env: env})
}

// printSandbox prints what another shell needs to use the sandbox.
func (a *app) printSandbox(s *sandbox, o sandboxOptions) error {
	var b strings.Builder
	if o.empty {
		b.WriteString("# 1. In another terminal, paste these lines")
		if !o.noPassword {
			b.WriteString(" (or be asked for the last two)")
		}
		b.WriteString(":\n")
	}
	for _, v := range s.variables(o) {
		fmt.Fprintf(&b, "export %s='%s'\n", v[0], strings.ReplaceAll(v[1], "'", `'\''`))
	}
	if o.empty {
		b.WriteString(a.emptyTour(s, o))
	}
	if _, err := fmt.Fprint(a.stdout, b.String()); err != nil {
		return err
	}
	a.say("the sandbox runs until Ctrl-C")
	return nil
}

// emptyTour says, in comments of a shell, how to come from nothing to a working aws. With
// the rest it fits a terminal of 24 lines.
func (a *app) emptyTour(s *sandbox, o sandboxOptions) string {
	own := "gatehop"
	if _, err := lookPath(own, a.env); err != nil {
		if exe, err := a.executable(); err == nil {
			own = exe
		}
	}
	var accounts []string
	for _, d := range destinations(o)[:3] {
		accounts = append(accounts, d[0]+"="+accountOf(d[1]))
	}
	return fmt.Sprintf(`# 2. There, write the profiles:
#      %s configure
# It asks for these:
# sign-in address: %s
# its CA:          %s
# user name:       %s
# password:        %s
# role:            %s
# accounts:        %s
# role in them:    %s
# 3. Then any AWS tool works there:
#      aws sts get-caller-identity --profile prod
`, own, s.idpURL, s.caFile, s.user, sandboxPassword, nameOf(gatewayARN), strings.Join(accounts, ", "), nameOf(destinations(o)[0][1]))
}

// inSandbox keeps the person's keyring out of a sandbox, whatever is set in it.
const inSandbox = "GATEHOP_SANDBOX"

// variables is what the sandbox exports, in a fixed order.
func (s *sandbox) variables(o sandboxOptions) [][2]string {
	vars := [][2]string{
		{"AWS_ENDPOINT_URL_STS", s.stsURL}, {"AWS_REGION", sandboxRegion}, {"AWS_DEFAULT_REGION", sandboxRegion},
		{"GATEHOP_HOME", filepath.Join(s.dir, "state")}, {inSandbox, "1"},
	}
	if !o.empty {
		vars = append(vars, [2]string{"AWS_CONFIG_FILE", filepath.Join(s.dir, "config")},
			[2]string{"AWS_SHARED_CREDENTIALS_FILE", filepath.Join(s.dir, "credentials")})
	}
	if !o.noPassword {
		vars = append(vars, [2]string{"GATEHOP_USERNAME", s.user}, [2]string{"GATEHOP_PASSWORD", sandboxPassword})
	}
	return vars
}

// environ is env without any AWS_ and GATEHOP_ variable but the sandbox's own and
// GATEHOP_PLAIN, which is the person's whatever is signed in to, with this gatehop first
// in PATH and loopback outside every proxy.
func (s *sandbox) environ(env []string, o sandboxOptions) []string {
	var kept []string
	path, noProxy := environ.Vars(env).Get("PATH"), environ.Vars(env).First("NO_PROXY", "no_proxy")
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		if runtime.GOOS == "windows" {
			name = strings.ToUpper(name)
		}
		switch {
		case name == "GATEHOP_PLAIN":
			kept = append(kept, entry)
		case strings.HasPrefix(name, "AWS_"), strings.HasPrefix(name, "GATEHOP_"):
		case name == "PATH", name == "NO_PROXY", name == "no_proxy":
		default:
			kept = append(kept, entry)
		}
	}
	for _, v := range s.variables(o) {
		kept = append(kept, v[0]+"="+v[1])
	}
	local := "127.0.0.1,127.0.0.2,localhost"
	if noProxy != "" {
		local = noProxy + "," + local
	}
	return append(kept, "PATH="+filepath.Join(s.dir, "bin")+string(os.PathListSeparator)+path,
		"NO_PROXY="+local, "no_proxy="+local)
}
