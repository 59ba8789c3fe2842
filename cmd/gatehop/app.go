package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/gate"
	"gatehop/cmd/gatehop/internal/kept"
	"gatehop/cmd/gatehop/internal/names"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/cmd/gatehop/internal/session"
	"gatehop/cmd/gatehop/internal/tty"
	"gatehop/creds"
	"gatehop/creds/secret"
	"gatehop/creds/store"
	"gatehop/idp"
	"gatehop/saml"
	"gatehop/sts"
)

// app is one run of one command. What is slow or needs a person is made when it is
// first needed and then kept.
type app struct {
	process
	profileFlag             string
	secrets                 secrets
	verbose, quiet, noInput bool
	unattended              bool   // nobody may be asked, whatever terminal there is
	command                 string // as it was typed: "login"
	subject                 string // what of, for others to read; "" is the profile
	isLogin                 bool   // a person wants to see for themselves
	afresh                  bool   // no kept session of a provider is used
	keepsNone               bool   // and none is kept
	wait                    waits

	config    *profile.Config
	made      map[string]*settings  // by way
	madeMu    sync.Mutex            // guards made
	flows     map[string]*flow.Flow // by way
	signedIn  *store.Memory         // of this run: assertions, for all gateways of one provider; sessions that nothing else keeps
	mu        sync.Mutex            // guards what follows, which a flow under way may need
	said      bool                  // that nothing can be kept
	term      terminal
	termTried bool
	awsClient *http.Client
	ahead     *awsTransport // of awsClient, if that is the network
	book      names.Book
	cookies   map[string]kept.Book // by where they are kept: providers' sessions
	certs     clientCerts
	ring      sync.Mutex // one question to the keyring at a time
	offer     *offer     // the password that a person typed at the last sign-in
	realm     string     // the organisation that a person chose at the last sign-in

	progress *progress  // nil: there is no line to show it in
	gate     *gate.Gate // before the calls to AWS of several profiles; nil: there is none
}

func (a *app) checkFlags() error {
	if a.verbose && a.quiet {
		return &usageError{text: "--verbose and --quiet exclude each other"}
	}
	return a.checkSecretFlags()
}

// log is for --verbose; it gets no secret from anywhere.
func (a *app) log() *slog.Logger {
	if !a.verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// warn is one line about something that does not stop the work. That nothing can be
// kept is said once, however many things that are.
func (a *app) warn(err error) {
	if err == nil {
		return
	}
	var file *store.FileError
	var dir *store.DirError
	a.mu.Lock()
	defer a.mu.Unlock()
	if errors.As(err, &file) || errors.As(err, &dir) {
		if a.said {
			return
		}
		a.said = true
	}
	fmt.Fprintf(a.stderr, "gatehop: warning: %v\n", err)
}

// say is one line for a person, unless --quiet.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}

// profiles reads the AWS configuration once.
func (a *app) profiles() (*profile.Config, error) {
	if a.config != nil {
		return a.config, nil
	}
	files, err := a.awsFiles()
	if err != nil {
		return nil, err
	}
	a.config, err = profile.Read(files, anyurl.Read)
	return a.config, err
}

// chain finds the profile that the command line means and its chain.
func (a *app) chain(ctx context.Context, given []string) (profile.Chain, error) {
	config, err := a.profiles()
	if err != nil {
		return nil, err
	}
	name, err := a.profileName(ctx, config, given)
	if err != nil {
		return nil, err
	}
	ch, err := config.Chain(name)
	if variable := a.profileVariable(given); err != nil && variable != "" {
		return nil, &variableError{Variable: variable, Err: err}
	}
	return ch, err
}

// profileVariable is the variable that names the profile, "" if the command line does or
// nothing.
func (a *app) profileVariable(given []string) string {
	if len(given) > 0 || a.profileFlag != "" {
		return ""
	}
	for _, name := range []string{"GATEHOP_PROFILE", "AWS_PROFILE"} {
		if environ.Vars(a.env).Get(name) != "" {
			return name
		}
	}
	return ""
}

// variableError reports a profile that a variable names.
type variableError struct {
	Variable string
	Err      error
}

func (e *variableError) Error() string { return e.Err.Error() + " (" + e.Variable + " names it)" }

// Unwrap returns what is wrong with the profile.
func (e *variableError) Unwrap() error { return e.Err }

// profileName is the argument, the flag, GATEHOP_PROFILE, AWS_PROFILE, a gatehop
// profile called default, the only gateway, or the answer of a person.
func (a *app) profileName(ctx context.Context, config *profile.Config, given []string) (string, error) {
	if len(given) > 0 && a.profileFlag != "" && given[0] != a.profileFlag {
		return "", &usageError{text: fmt.Sprintf("two profiles are named: %q and --profile %q", given[0], a.profileFlag)}
	}
	if len(given) > 0 {
		return given[0], nil
	}
	if name := a.profileFlag; name != "" {
		return name, nil
	}
	if name := environ.Vars(a.env).First("GATEHOP_PROFILE", "AWS_PROFILE"); name != "" {
		return name, nil
	}
	if config.Mentions("default") { // with a mistake in it too: another one is not what is meant
		return "default", nil
	}
	gateways := config.Gateways()
	if len(gateways) == 1 {
		return gateways[0], nil
	}
	if len(gateways) == 0 {
		return "", &noProfilesError{}
	}
	return a.askProfile(ctx, config)
}

// prompter asks the demo's answers and the terminal, if a person may be asked. It
// opens nothing before the first question.
func (a *app) prompter() idp.Prompter { return asker{a} }

type asker struct{ a *app }

func (p asker) sources() idp.Prompter {
	ps := []idp.Prompter{}
	if p.a.answers != nil {
		ps = append(ps, p.a.answers)
	}
	if t := p.a.person(); t != nil {
		ps = append(ps, noticed{t, &p.a.wait})
	} else {
		ps = append(ps, toStderr{p.a.stderr})
	}
	return idp.FirstOf(ps...)
}

func (p asker) Ask(ctx context.Context, q idp.Question) (secret.Text, error) {
	return p.sources().Ask(ctx, q)
}

func (p asker) Tell(ctx context.Context, message string) { p.sources().Tell(ctx, message) }

// person is the terminal, or nil if nobody may or can be asked.
func (a *app) person() terminal {
	if a.unattended || a.noInput {
		return nil
	}
	a.mu.Lock()
	tried := a.termTried
	var problem error
	if !tried {
		a.termTried = true
		t, err := a.terminal()
		if err == nil {
			a.term = t
		} else if !errors.Is(err, tty.ErrNoTerminal) {
			problem = err
		}
	}
	term := a.term
	a.mu.Unlock()
	a.warn(problem)
	return term
}

// leaveTerminal gives the terminal back as it was found.
func (a *app) leaveTerminal() {
	if a.term != nil {
		a.term.Close()
		a.term = nil
	}
}

// toStderr answers nothing and tells on standard error what a provider has to say.
type toStderr struct{ w io.Writer }

func (toStderr) Ask(context.Context, idp.Question) (secret.Text, error) {
	return secret.Text{}, idp.ErrNoAnswer
}

func (s toStderr) Tell(_ context.Context, message string) { fmt.Fprintln(s.w, message) }

// flow builds the picture for one chain, once per run and gateway; nothing in it is
// opened yet.
func (a *app) flow(ch profile.Chain) (*flow.Flow, error) { return a.open(ch, true) }

// open is flow; without create, a state directory that is not there is not made.
func (a *app) open(ch profile.Chain, create bool) (*flow.Flow, error) {
	if f := a.flows[way(ch)]; f != nil {
		return f, nil
	}
	settings, err := a.settings(ch)
	if err != nil {
		return nil, err
	}
	dir, sessions, err := a.state(settings.SignIn.Store, create)
	if err != nil {
		return nil, err
	}
	choices := a.choices(dir)
	if settings.IsOpen(ch) {
		known, err := choices.Get(ch[0].Name)
		if err != nil {
			return nil, err
		}
		settings.Remember(ch, known)
	}
	f := &flow.Flow{
		Gateway: ch[0].Name, Want: flow.Want{User: settings.User, Settled: settings.Role}, Trust: settings.Digest(),
		STS:    func(profile.Chain) (*sts.Client, error) { return a.stsClient(settings) },
		Prompt: roleAsker{a, ch[0].Name, hostOf(settings.SignIn.URL), a.aliasesFor(settings)}, Choices: choices, Now: a.now, Confirm: a.confirm,
		Given: a.givenAliases, Aliases: a.aliasesFor(settings), Offering: a.offering(settings),
		Login: func(ctx context.Context) (flow.Signed, error) {
			// A session that looked live may have ended meanwhile. `login` is a person, and
			// hears what could not be asked.
			if a.noInput || a.isUnattended() && !a.isLogin {
				if err := a.canSignInAlone(ctx, ch); err != nil {
					return flow.Signed{}, err
				}
			}
			return a.signIn(ctx, ch[0].Name, settings, dir)
		},
		Learned: a.sayLongest,
	}
	var lock func(context.Context, string) (func(), error)
	if settings.SignIn.Store != "none" { // then nothing is shared, and waiting brings nothing
		lock = a.locker(dir, ch)
	}
	if a.flows == nil {
		a.flows, a.signedIn = map[string]*flow.Flow{}, store.NewMemory()
	}
	kept := sessions
	if _, none := kept.(store.None); none { // what this run has, its other profiles may use
		kept = a.signedIn
	}
	f.Sessions = &creds.Flight[flow.Session]{
		Store: kept, Lock: lock, Fresh: f.Fresh,
		Encode: session.Encode, Decode: session.Decode, Warn: a.warn,
	}
	f.SignIns = &creds.Flight[flow.Signed]{
		Store: a.signedIn, Lock: lock, Fresh: func(s flow.Signed) bool { return s.Assertion.Fresh(a.now()) },
		Encode: flow.EncodeSigned, Decode: flow.DecodeSigned, Warn: a.warn,
	}
	told, fs := a.failureStore(dir, sessions), a.failures(settings, f)
	share(f.Sessions, told, fs)
	share(f.SignIns, told, fs)
	a.wait.settle = append(a.wait.settle, f.Sessions.Settle, f.SignIns.Settle)
	a.flows[way(ch)] = f
	return f, nil
}

func (a *app) confirm(ctx context.Context, q idp.Question) (bool, error) {
	answer, err := a.prompter().Ask(ctx, q)
	return answer.Reveal() == "yes", err
}

// sayLongest tells a person once why a session is shorter than it was asked for.
func (a *app) sayLongest(roleARN string, longest time.Duration) {
	if arn, err := saml.ParseRoleARN(roleARN); err == nil && !a.isUnattended() {
		a.say("role %s allows sessions of %s and no longer", arn.Name, span(longest))
	}
}

// noProfilesError reports that no profile of the AWS configuration is gatehop's.
type noProfilesError struct{}

func (*noProfilesError) Error() string {
	return "no profile in the AWS configuration signs in with gatehop (gatehop_idp)"
}

// openProfileError reports that the command line leaves open which profile is meant.
type openProfileError struct{ names []string }

func (e *openProfileError) Error() string {
	return "no profile is named and there are several"
}
