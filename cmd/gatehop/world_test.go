package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/tty"
	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/idptest"
	"gatehop/saml/samltest"
	"gatehop/sts/ststest"
)

const (
	worldPassword = "k4n4ry-Pa55 w&rd=+ü"
	worldHost     = "adfs.corp.example"
	stsHost       = "sts.eu-west-1.amazonaws.com"
)

// world is a company in the test process: an AD FS and AWS's STS without sockets, a
// home directory, and a clock that stands still unless it is moved.
type world struct {
	t       testing.TB
	home    string
	now     time.Time
	bubble  bool
	signer  *samltest.IDP
	adfs    *idptest.ADFS
	sts     *ststest.Server
	net     *idptest.InProcess
	answer  map[string]string // what the person at the terminal answers; nil: nobody is there
	asked   []idp.Question
	told    []string
	tickets func() string // where kinit left them; nil: nowhere
	chosen  []tty.Choice
	onAsk   func() // before the answer
	vars    []string
	stdin   io.Reader // nil: nothing
	locked  func(key string, taken bool)
	ring    *testRing             // nil: there is no keyring
	child   func(c command) error // what exec runs; nil: what does nothing
}

// worldOptions vary a world.
type worldOptions struct {
	password string
	seed     byte                   // of everything random in the simulators
	roles    []string               // raw Role values; nil: Gateway and ReadOnly
	adfs     func(*idptest.Options) // further options
	sts      func(*ststest.Options)
	bubble   bool                    // the clock is that of testing/synctest
	skew     time.Duration           // the simulators' clock minus gatehop's
	config   string                  // replaces the usual profiles
	extra    map[string]http.Handler // further hosts
}

const worldConfig = `[profile gateway]
gatehop_idp = adfs
gatehop_url = https://adfs.corp.example
gatehop_username = CORP\alice
gatehop_role_arn = arn:aws:iam::111111111111:role/Gateway
gatehop_store = file
region = eu-west-1

[profile open]
gatehop_idp = adfs
gatehop_url = https://adfs.corp.example
gatehop_store = file
region = eu-west-1

[profile dev]
gatehop_role_arn = arn:aws:iam::444444444444:role/Admins
gatehop_source_profile = gateway
region = eu-west-1
`

func newWorld(t testing.TB, o worldOptions) *world {
	t.Helper()
	w := &world{t: t, home: t.TempDir(), now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	if w.bubble = o.bubble; w.bubble {
		w.now = time.Now()
	}
	clock := func() time.Time { return w.clock().Add(o.skew) }
	random := rand.NewChaCha8([32]byte{o.seed})
	if o.password == "" {
		o.password = worldPassword
	}
	if o.roles == nil {
		o.roles = []string{
			samltest.RoleValue(gatewayAccount, "Gateway", sandboxProvider, false),
			samltest.RoleValue(gatewayAccount, "ReadOnly", sandboxProvider, true),
		}
	}
	w.signer = testSigner(t, w.now)
	options := idptest.Options{
		Users:  []idptest.User{{Name: `CORP\alice`, Password: o.password, Roles: o.roles, SessionName: "alice"}},
		Signer: w.signer, Now: clock, Rand: random,
	}
	if o.adfs != nil {
		o.adfs(&options)
	}
	var err error
	if w.adfs, err = idptest.NewADFS(options); err != nil {
		t.Fatal(err)
	}
	aws := ststest.Options{
		Now: clock, Rand: random,
		Providers: []ststest.Provider{{ARN: providerARN, EntityID: w.signer.EntityID, Certs: []*x509.Certificate{w.signer.Cert}}},
		Roles: append(sandboxRoles(sandboxOptions{roles: 3}), ststest.Role{ARN: "arn:aws:iam::555555555555:role/Full",
			TrustRoles: []string{gatewayARN}, ExternalID: "example-7", AllowTags: true, AllowSourceIdentity: true}),
	}
	if o.sts != nil {
		o.sts(&aws)
	}
	w.sts = ststest.New(aws)
	routes := map[string]http.Handler{worldHost: w.adfs, stsHost: w.sts}
	for host, h := range o.extra {
		routes[host] = h
	}
	w.net = idptest.Transport(routes)
	if o.config == "" {
		o.config = worldConfig
	}
	w.write(".aws/config", o.config)
	return w
}

// signingKey is every simulated provider's: making one took a third of all these tests'
// time.
var signingKey = sync.OnceValues(samltest.NewKey)

// testSigner is an identity provider with that key. Those of two worlds differ in their
// clock alone.
func testSigner(t testing.TB, now time.Time) *samltest.IDP {
	t.Helper()
	key, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := samltest.WithKey(key, "http://"+worldHost+"/adfs/services/trust", rand.NewChaCha8([32]byte{1}), now.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func (w *world) clock() time.Time {
	if w.bubble {
		return time.Now()
	}
	return w.now
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.home, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// output is what one run of gatehop left.
type output struct {
	stdout, stderr string
	status         int
	child          []string // environment of the command that exec would have become
	childArgs      []string
	argv           []string
}

// run runs gatehop in this process, as a process of its own would run.
func (w *world) run(args ...string) output {
	w.t.Helper()
	return w.runWith(nil, args...)
}

func (w *world) runWith(vars []string, args ...string) output {
	w.t.Helper()
	var out, errs bytes.Buffer
	o := output{argv: args}
	p := w.around(&out, &errs, vars, args)
	p.exec = func(c command) error {
		o.child, o.childArgs = c.env, c.args
		if w.child != nil {
			return w.child(c)
		}
		return nil
	}
	o.status = run(context.Background(), p)
	o.stdout, o.stderr = out.String(), errs.String()
	return o
}

// around is what one run of gatehop has around it.
func (w *world) around(out, errs io.Writer, vars, args []string) process {
	env := append([]string{"HOME=" + w.home, "USERPROFILE=" + w.home, "GATEHOP_HOME=" + filepath.Join(w.home, "state"), "PATH=" + os.Getenv("PATH")}, w.vars...)
	stdin := w.stdin
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	p := process{
		args: args, env: append(env, vars...), stdin: stdin, stdout: out, stderr: errs,
		now:        w.clock,
		executable: func() (string, error) { return filepath.Join(w.home, "gatehop"), nil },
		terminal:   w.person,
		tickets:    w.tickets,
		locked:     w.locked,
	}
	if w.ring != nil {
		p.keyring = w.ring
	}
	if w.net != nil {
		p.transport = w.net
	}
	return p
}

func (w *world) person() (terminal, error) {
	if w.answer == nil {
		return nil, tty.ErrNoTerminal
	}
	return (*worldPerson)(w), nil
}

// worldPerson answers from the world's table and remembers what was asked.
type worldPerson world

func (p *worldPerson) Ask(_ context.Context, q idp.Question) (secret.Text, error) {
	p.asked = append(p.asked, q)
	if p.onAsk != nil {
		p.onAsk()
	}
	answer, ok := p.answer[q.Field]
	if !ok {
		return secret.Text{}, idp.ErrNoAnswer
	}
	return secret.New(answer), nil
}

// Choose answers as Ask does: the question's field is not told to a terminal, so the
// one that the list is about is found in the table.
func (p *worldPerson) Choose(ctx context.Context, c tty.Choice, _ tty.Look) (string, error) {
	p.chosen = append(p.chosen, c)
	for _, field := range []string{"role", "profile", "home_realm", "mfa"} {
		for _, item := range c.Items {
			if answer := p.answer[field]; answer != "" && answer == item.Answer {
				got, err := p.Ask(ctx, idp.Question{Field: field})
				return got.Reveal(), err
			}
		}
	}
	return "", idp.ErrNoAnswer
}

func (p *worldPerson) Tell(_ context.Context, message string) { p.told = append(p.told, message) }
func (p *worldPerson) Close()                                 {}

// logins is how many passwords the AD FS was sent.
func (w *world) logins() int { return w.adfs.Stats().Logins }

// want fails unless the run ended with status and its streams hold the given words.
func (o output) want(t testing.TB, status int, words ...string) output {
	t.Helper()
	if o.status != status {
		t.Errorf("gatehop %s: status %d, want %d\nstderr: %s", strings.Join(o.argv, " "), o.status, status, o.stderr)
	}
	for _, word := range words {
		if !strings.Contains(o.stdout+o.stderr, word) {
			t.Errorf("gatehop %s: no %q in\n%s%s", strings.Join(o.argv, " "), word, o.stdout, o.stderr)
		}
	}
	return o
}

// files lists the names of everything below a directory.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		names = append(names, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func password(text string) string { return fmt.Sprintf("GATEHOP_PASSWORD=%s", text) }
