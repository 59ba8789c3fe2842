package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"gatehop/cmd/gatehop/internal/askpass"
	"gatehop/cmd/gatehop/internal/guard"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/secret"
	"gatehop/creds/store"
	"gatehop/idp"
)

// secrets is where this run's secrets come from besides the environment and a person.
// Nothing is read, and nothing run, before a sign-in needs it.
type secrets struct {
	stdin bool
	fd    int      // noFD: none
	file  *os.File // of fd

	late sync.Map // *askpass.Error of commands that are under way or were cut off, by their words

	mu      sync.Mutex
	line    memo
	begun   bool            // somebody reads the line, or has
	lineFor somebody        // whose password the line is
	ran     map[string]memo // by the words of the command
	may     map[string]bool // whether a person let commands run, by profile settings
}

// memo is an answer that is asked for once.
type memo struct {
	done bool
	text secret.Text
	err  error
}

const noFD = -1

func (s *secrets) addFlags(f *pflag.FlagSet) {
	f.BoolVar(&s.stdin, "password-stdin", false, "read the password as one line of standard input, if a sign-in needs it; asked before GATEHOP_PASSWORD, gatehop_password_command and the terminal")
	s.fd = noFD
	f.Func("password-fd", "the same from the open file descriptor `N` (not on Windows)", func(text string) (err error) {
		if s.fd, err = strconv.Atoi(text); err != nil || s.fd < 0 || s.fd == 1 || s.fd == 2 {
			return errors.New("it is no descriptor to read from")
		}
		return nil
	})
}

// checkSecretFlags finds what is wrong with the flags before anything is done.
func (a *app) checkSecretFlags() error {
	s := &a.secrets
	switch {
	case s.fd == noFD && !s.stdin:
		return nil
	case s.fd != noFD && s.stdin:
		return &usageError{text: "--password-stdin and --password-fd exclude each other"}
	case s.fd == 0:
		s.stdin, s.fd = true, noFD
	}
	in, _ := a.stdin.(*os.File)
	if s.fd != noFD {
		var err error
		if in, err = inherited(s.fd); err != nil {
			return &usageError{text: fmt.Sprintf("--password-fd %d: %v", s.fd, err)}
		}
		a.secrets.file = in
	}
	if in != nil && term.IsTerminal(int(in.Fd())) {
		return &usageError{text: s.flag() + " reads from a terminal, which would show the password; leave the flag out to be asked"}
	}
	return nil
}

// flag is the flag that names a stream with the password, "" if none does.
func (s *secrets) flag() string {
	switch {
	case s.stdin:
		return "--password-stdin"
	case s.fd > 0:
		return fmt.Sprintf("--password-fd %d", s.fd)
	}
	return ""
}

// person is somebody at a provider. The user is "" where nobody has said yet who it is.
type somebody struct {
	origin idp.Origin
	user   string
}

func (s *settings) who() somebody { return somebody{s.origin(), s.User} }

// is reports whether both are, or may be, one.
func (p somebody) is(other somebody) bool {
	if p.user == "" || other.user == "" {
		return p.origin == other.origin
	}
	return guard.Key(string(p.origin), p.user) == guard.Key(string(other.origin), other.user)
}

// String is as a message has it: "as alice at adfs.example".
func (p somebody) String() string {
	at := "at " + strings.TrimSuffix(strings.TrimPrefix(string(p.origin), "https://"), ":443")
	if p.user == "" {
		return at
	}
	return "as " + idp.CleanWords(p.user) + " " + at
}

// readLine reads the line once, for one person.
func (a *app) readLine(ctx context.Context, s *settings) (secret.Text, error) {
	a.secrets.mu.Lock()
	defer a.secrets.mu.Unlock()
	flag := a.secrets.flag()
	who := s.who()
	if a.secrets.line.done && !who.is(a.secrets.lineFor) {
		return secret.Text{}, &usageError{text: flag + " gives one password, and two persons or providers need one"}
	}
	if !a.secrets.line.done || a.secrets.lineFor.user == "" {
		a.secrets.lineFor = who
	}
	return a.secrets.line.once(ctx, func() (secret.Text, error) {
		a.secrets.begun = true
		var from io.Reader = a.stdin
		if a.secrets.file != nil {
			from = a.secrets.file
		}
		answer, err := askpass.ReadLine(ctx, from)
		var empty *askpass.LineError
		if errors.As(err, &empty) {
			err = &usageError{text: flag + ": the stream holds " + empty.Problem + " where the password should be"}
		}
		return answer, err
	})
}

// passOverLine makes sure that what reads standard input after gatehop does not find the
// password there, because a sign-in was not needed. A line that somebody has begun to
// read is theirs: a second reader would take the next one.
func (a *app) passOverLine(ctx context.Context) {
	a.secrets.mu.Lock()
	defer a.secrets.mu.Unlock()
	if in, ok := a.stdin.(*os.File); ok && term.IsTerminal(int(in.Fd())) || ctx.Err() != nil {
		return
	}
	if a.secrets.begun || !a.secrets.stdin && a.secrets.fd != 0 {
		return
	}
	_, _ = a.secrets.line.once(ctx, func() (secret.Text, error) { return askpass.ReadLine(ctx, a.stdin) })
}

// passOverLimit is how long the end of a run waits for a line that nobody needed.
const passOverLimit = time.Second

func (a *app) passOverLineAtEnd(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, passOverLimit)
	defer cancel()
	a.passOverLine(limited)
}

// once asks unless there is an answer, or a failure that is not ctx's.
func (m *memo) once(ctx context.Context, ask func() (secret.Text, error)) (secret.Text, error) {
	if m.done {
		return m.text, m.err
	}
	text, err := ask()
	if err != nil && ctx.Err() != nil {
		return text, err
	}
	*m = memo{done: true, text: text, err: err}
	return text, err
}

const (
	passwordCommandKey = "gatehop_password_command"
	otpCommandKey      = "gatehop_otp_command"
)

// sources is what answers for secrets without a person, in order. With ask, a person
// may be asked whether a command is to run.
func (a *app) sources(s *settings, ask bool) []guard.Source {
	var all []guard.Source
	add := func(field, name string, get func(context.Context) (secret.Text, error)) {
		all = append(all, guard.Source{Field: field, Name: name, Get: get})
	}
	if flag := a.secrets.flag(); flag != "" {
		add("password", flag, func(ctx context.Context) (secret.Text, error) { return a.readLine(ctx, s) })
	}
	if !s.Password.IsZero() {
		add("password", "GATEHOP_PASSWORD", func(context.Context) (secret.Text, error) { return s.Password, nil })
	}
	if words := s.SignIn.PasswordCommand; words != nil {
		add("password", passwordCommandKey, func(ctx context.Context) (secret.Text, error) {
			if err := a.mayRun(ctx, s, passwordCommandKey, ask); err != nil {
				return secret.Text{}, err
			}
			return a.runOnce(ctx, passwordCommandKey, words)
		})
	}
	if !s.OTP.IsZero() {
		add("otp", "GATEHOP_OTP", func(context.Context) (secret.Text, error) { return s.OTP, nil })
	}
	if words := s.SignIn.OTPCommand; words != nil {
		add("otp", otpCommandKey, func(ctx context.Context) (secret.Text, error) { // a new code every time
			if err := a.mayRun(ctx, s, otpCommandKey, ask); err != nil {
				return secret.Text{}, err
			}
			return a.runCommand(ctx, otpCommandKey, words)
		})
	}
	return all
}

// runCommand leaves word of a command that is cut off: see lateCommand.
func (a *app) runCommand(ctx context.Context, key string, words []string) (secret.Text, error) {
	c, name := askpass.Command{Key: key, Words: words, Env: a.env}, strings.Join(words, "\x00")
	a.secrets.late.Store(name, c.Late())
	defer a.progress.hold()() // the command may have something to say on the terminal
	text, err := c.Run(ctx)
	if ctx.Err() == nil {
		a.secrets.late.Delete(name)
	}
	return text, err
}

// runOnce runs a command once per run of gatehop, whoever asks.
func (a *app) runOnce(ctx context.Context, key string, words []string) (secret.Text, error) {
	a.secrets.mu.Lock()
	defer a.secrets.mu.Unlock()
	name := strings.Join(words, "\x00")
	m := a.secrets.ran[name]
	text, err := m.once(ctx, func() (secret.Text, error) {
		return a.runCommand(ctx, key, words)
	})
	if a.secrets.ran == nil {
		a.secrets.ran = map[string]memo{}
	}
	a.secrets.ran[name] = m
	return text, err
}

// knownPassword is ownPassword as far as it is known without reading or running
// anything that has not been read or run.
func (a *app) knownPassword(s *settings) secret.Text {
	a.secrets.mu.Lock()
	defer a.secrets.mu.Unlock()
	switch {
	case a.secrets.flag() != "":
		return a.secrets.line.text
	case !s.Password.IsZero():
		return s.Password
	}
	return a.secrets.ran[strings.Join(s.SignIn.PasswordCommand, "\x00")].text
}

// hasOwnPassword reports whether a sign-in that asks nobody has a password to try, or
// needs none.
func (a *app) hasOwnPassword(ctx context.Context, s *settings) bool {
	if s.SignIn.Auth == profile.AuthCertificate || a.needsNoPassword(s) || a.secrets.flag() != "" || !s.Password.IsZero() || s.SignIn.PasswordCommand != nil && len(s.Changed) == 0 {
		return true
	}
	dir, _, err := a.state(s.SignIn.Store, false)
	return err == nil && a.stored("", s, dir).usable(ctx)
}

// whyNotRun says that a command is no source, for a sign-in that asks nobody.
func (s *settings) whyNotRun() string {
	if s.SignIn.PasswordCommand == nil || len(s.Changed) == 0 {
		return ""
	}
	return fmt.Sprintf(", and %s is not run unasked while %s overrides the profile", passwordCommandKey, s.Changed[0].Variable)
}

// mayRun lets a command run if its secret goes where the profile says, or if a person
// confirms where it goes instead. idp.ErrNoAnswer passes on to the next source.
func (a *app) mayRun(ctx context.Context, s *settings, key string, ask bool) error {
	if len(s.Changed) == 0 {
		return nil
	}
	where := s.SignIn.Kind + " " + s.SignIn.URL + " " + s.SignIn.CABundle + " " + s.SignIn.Proxy
	a.secrets.mu.Lock()
	may, asked := a.secrets.may[where]
	a.secrets.mu.Unlock()
	if !asked && ask && !a.isUnattended() {
		var err error
		if may, err = a.confirm(ctx, s.confirmation("Send there what "+key+" answers?")); err != nil {
			return err
		}
		a.secrets.mu.Lock()
		if a.secrets.may == nil {
			a.secrets.may = map[string]bool{}
		}
		a.secrets.may[where] = may
		a.secrets.mu.Unlock()
	}
	if !may {
		if ask {
			a.say("%s is not run while %s overrides the profile", key, s.Changed[0].Variable)
		}
		return idp.ErrNoAnswer
	}
	return nil
}

// confirmation shows both values of everything that is overridden, and asks for leave.
func (s *settings) confirmation(leave string) idp.Question {
	var parts []string
	for _, c := range s.Changed {
		parts = append(parts, fmt.Sprintf("%s is %s (the profile has %s)", c.Variable, shown(c.Now), shown(c.Was)))
	}
	return idp.Question{Field: "confirm", Public: true, Options: []string{"no", "yes"}, Label: strings.Join(parts, "; ") + ". " + leave}
}

// shown is a setting as a person may see it: without the password of a proxy.
func shown(value string) string {
	if value == "" {
		return "nothing"
	}
	if u, err := url.Parse(value); err == nil && u.User != nil {
		u.User = nil
		value = u.String()
	}
	return idp.CleanWords(value)
}

// origin is the provider's, as far as its address can be read.
func (s *settings) origin() idp.Origin {
	origin, err := idp.ParseOrigin(s.SignIn.URL)
	if err != nil {
		return idp.Origin(s.SignIn.URL)
	}
	return origin
}

// attempt puts one sign-in under guard.
func (a *app) attempt(profile string, s *settings, dir store.Dir, person idp.Prompter) *guard.Attempt {
	fixed := idp.Fixed{}
	if s.User != "" {
		fixed["username"] = secret.New(s.User)
	}
	return &guard.Attempt{
		Guard: a.guard(profile, s, dir), Origin: string(s.origin()), User: s.User, Fixed: fixed,
		Sources: a.sources(s, true), Person: person, Attended: !a.isUnattended(), Approves: a.hasPerson(), Login: a.isLogin,
	}
}

// guard remembers refusals in the state directory; where there is none, in memory.
func (a *app) guard(profile string, s *settings, dir store.Dir) *guard.Guard {
	if dir.Path() == "" {
		return &guard.Guard{Marks: store.NewMemory(), Times: store.NewMemory(), Keep: true, Now: a.now}
	}
	return &guard.Guard{
		Marks: store.NewSealed(dir, refusalKind, rand.Reader, a.warn), Times: times{filepath.Join(dir.Path(), timesDir)},
		Keep: s.SignIn.Store != "none", Lock: a.guardLock(dir, profile), Now: a.now, Warn: a.warn,
	}
}
