package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/near"
	"gatehop/creds/secret"
	"gatehop/creds/store"
	"gatehop/idp"
	"gatehop/sts"
)

// unattendedLimit is process.patience as people know it (design.md 4).
const unattendedLimit = 15 * time.Second

// needsLoginError reports that only a person can go on and that nothing was sent.
type needsLoginError struct {
	Profile, Why string
	Err          error // what showed it, if anything did
}

// Unwrap returns what showed it.
func (e *needsLoginError) Unwrap() error { return e.Err }

func (e *needsLoginError) Error() string {
	return fmt.Sprintf("profile %s: %s", e.Profile, e.Why)
}

// signInError says for which profile and where a sign-in failed.
type signInError struct {
	Profile, Host string
	Legacy        bool   // gatehop_tls = legacy was set
	Certificate   string // the file of the certificate that could be shown, "" for none
	Err           error
}

func (e *signInError) Error() string { return "sign in at " + e.Host + ": " + e.Err.Error() }

// Unwrap returns the failure.
func (e *signInError) Unwrap() error { return e.Err }

// signIn signs in once at the identity provider of the gateway called profile.
func (a *app) signIn(ctx context.Context, profile string, s *settings, dir store.Dir) (flow.Signed, error) {
	adapter, session, err := a.session(ctx, profile, s)
	if err != nil {
		return flow.Signed{}, err
	}
	person := &userRecorder{Prompter: labelled{Prompter: lister{a.prompter(), a}, host: hostOf(s.SignIn.URL), user: s.User, command: a.onBehalf()}}
	attempt, kept := a.attempt(profile, s, dir, person), a.stored(profile, s, dir)
	attempt.Sources = append(attempt.Sources, kept.source())
	session.Prompt = whilePosting{attempt, a.connectAhead}
	known := a.reuse(ctx, profile, s, dir, session)
	assertion, err := known.login(ctx, adapter, session)
	attempt.Done(ctx, err)
	kept.judge(ctx, err)
	if err != nil {
		a.dropAhead()
		if errors.As(err, new(*needsLoginError)) {
			return flow.Signed{}, err
		}
		return flow.Signed{}, &signInError{Profile: profile, Host: hostOf(s.SignIn.URL), Legacy: s.SignIn.IsLegacy(), Certificate: s.SignIn.ClientCert, Err: err}
	}
	known.save(ctx, cmp.Or(person.user, s.User), assertion)
	if kept.given && !person.password.IsZero() { // the person's was the right one
		kept.refuse(ctx)
	}
	kept.offered(cmp.Or(person.user, s.User), person.password)
	a.mu.Lock()
	a.realm = person.realm
	a.mu.Unlock()
	if person.user != "" {
		return flow.Signed{Assertion: assertion, User: person.user, Typed: true}, nil
	}
	return flow.Signed{Assertion: assertion, User: s.User}, nil
}

// session decides everything that an adapter gets decided for it.
func (a *app) session(ctx context.Context, profile string, s *settings) (idp.Adapter, *idp.Session, error) {
	kind, ok := adapters()[s.SignIn.Kind]
	if !ok {
		return nil, nil, &usageError{text: fmt.Sprintf("unknown identity provider kind %q (known: %s)", s.SignIn.Kind, knownAdapters()),
			near: near.Nearest(s.SignIn.Kind, adapterKinds())}
	}
	in := s.SignIn
	auth := a.challengeConfig(s)
	if in.CCache, in.Krb5Conf = auth.Cache, auth.Conf; !a.needsNoPassword(s) { // a ticket says itself whose it is
		in.Username = s.User
	}
	adapter, err := kind(in.Decode)
	var page *idp.PageError
	if errors.As(err, &page) {
		return nil, nil, err
	}
	if err != nil {
		return nil, nil, &usageError{text: err.Error()}
	}
	trust, err := idp.NewTrust(in.URL, in.TrustedHosts, in.ACS)
	if err != nil {
		return nil, nil, &usageError{text: err.Error()}
	}
	cert, err := a.clientCert(ctx, profile, s)
	if err != nil {
		return nil, nil, err
	}
	if err := a.mayProve(ctx, profile, s); err != nil {
		return nil, nil, err
	}
	if at, ok := adapter.(interface{ CertificateAt() []idp.Origin }); ok {
		trust.CertificateAt = at.CertificateAt()
	}
	roots, err := roots(in.CABundle)
	if err != nil {
		return nil, nil, err
	}
	proxy, err := a.idpProxy(in.Proxy)
	if err != nil {
		return nil, nil, err
	}
	if in.IsLegacy() {
		a.say("gatehop_tls = legacy: old TLS is accepted from %s", hostOf(in.URL))
	}
	client := idp.NewClient(idp.ClientOptions{
		Trust: trust, Roots: roots, Proxy: proxy, UserAgent: userAgent(s), OneConnection: isIntegrated(s), Timeout: in.Timeout,
		Transport: a.transport, Log: a.log(), Now: a.now,
		LegacyTLS: in.IsLegacy(), ClientCert: cert,
	})
	client.Transport = patient{client.Transport, a.progress}
	return adapter, &idp.Session{HTTP: client, Trust: trust, Log: a.log(), Waiting: a.waiting}, nil
}

// ownPassword is the password that this run can give without asking anybody; the zero
// value if it has none.
func (a *app) ownPassword(ctx context.Context, s *settings) (secret.Text, error) {
	for _, source := range a.sources(s, false) {
		if source.Field != "password" {
			continue
		}
		answer, err := source.Get(ctx)
		if errors.Is(err, idp.ErrNoAnswer) {
			continue
		}
		return answer, err
	}
	return secret.Text{}, nil
}

// labelled says in every question where the answer goes.
type labelled struct {
	idp.Prompter
	host, user string
	command    string // that asked, where the person did not begin it themselves; "": they did
}

// onBehalf is the command line that a question is for, where a tool may have run it: a
// prompt out of nowhere teaches people to answer any.
func (a *app) onBehalf() string {
	if a.command != "credential-process" {
		return ""
	}
	return idp.CleanWords("gatehop " + strings.Join(a.args, " "))
}

func (l labelled) Ask(ctx context.Context, q idp.Question) (secret.Text, error) {
	switch {
	case q.Field == "username":
		q.Label = "User name at " + l.host
	case q.Field == "password" && l.user != "":
		q.Label = "Password of " + l.user + " at " + l.host
	case q.Field == "password":
		q.Label = "Password at " + l.host
	case q.Field == "home_realm":
		q.Label = "Which organisation at " + l.host + "?"
	case q.Field == "mfa":
		q.Label = "Which way to sign in at " + l.host + "?"
	case q.Label != "":
		q.Label = l.host + ": " + q.Label
	}
	if l.command != "" {
		q.Label += " (for `" + l.command + "`)"
	}
	if q.Retry != "" {
		q.Retry = l.host + " says: " + q.Retry
	}
	return l.Prompter.Ask(ctx, q)
}

// Tell says for which command a tool has caused what the person is to do.
func (l labelled) Tell(ctx context.Context, message string) {
	if l.command != "" {
		message += " (for `" + l.command + "`)"
	}
	l.Prompter.Tell(ctx, message)
}

// userRecorder remembers what a person answered last.
type userRecorder struct {
	idp.Prompter
	user, realm string
	password    secret.Text
}

func (r *userRecorder) Ask(ctx context.Context, q idp.Question) (secret.Text, error) {
	answer, err := r.Prompter.Ask(ctx, q)
	switch {
	case err != nil:
	case q.Field == "username":
		r.user = answer.Reveal()
	case q.Field == "password":
		r.password = answer
	case q.Field == "home_realm":
		r.realm = answer.Reveal()
	}
	return answer, err
}

// idpProxy is gatehop_proxy, "none", or what the environment says.
func (a *app) idpProxy(setting string) (func(*http.Request) (*url.URL, error), error) {
	switch setting {
	case "none":
		return nil, nil
	case "":
		return a.environmentProxy(), nil
	}
	u, err := url.Parse(setting)
	if err != nil || u.Host == "" {
		return nil, &usageError{text: "gatehop_proxy is neither a URL nor none"}
	}
	return http.ProxyURL(u), nil
}

func (a *app) environmentProxy() func(*http.Request) (*url.URL, error) {
	env := environ.Vars(a.env)
	config := httpproxy.Config{
		HTTPProxy: env.First("HTTP_PROXY", "http_proxy"), HTTPSProxy: env.First("HTTPS_PROXY", "https_proxy"),
		NoProxy: env.First("NO_PROXY", "no_proxy"),
	}
	choose := config.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return choose(r.URL) }
}

// roots adds a bundle to the system's roots; nil means the system's alone.
func roots(bundle string) (*x509.CertPool, error) {
	pem, err := readBundle(bundle)
	if pem == nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM(pem)
	return pool, nil
}

// stsClient makes the one AWS client of this run; its connections are shared by all hops.
func (a *app) stsClient(s *settings) (*sts.Client, error) {
	if err := sts.CheckEndpoint(s.Endpoint); s.Endpoint != "" && err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	client := &sts.Client{Region: s.Region, Endpoint: s.Endpoint, HTTP: a.awsClient, Now: a.now}
	if client.HTTP == nil {
		rt := a.transport
		if rt == nil {
			bundle, err := readBundle(s.CABundle)
			if err != nil {
				return nil, err
			}
			to, _ := client.URL(context.Background()) // a call says what is wrong with it
			a.ahead = newAWSTransport(bundle, a.environmentProxy(), to)
			rt = a.ahead
		}
		a.awsClient = &http.Client{Transport: patient{logged{rt, a.log()}, a.progress}, Timeout: 30 * time.Second}
		client.HTTP = a.awsClient
	}
	if a.gate != nil {
		client.Enter = a.gate.Enter
	}
	return client, nil
}

// hostOf is the host of a configured sign-in address, which may be a bare host.
func hostOf(address string) string {
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return address
	}
	return strings.ToLower(u.Hostname())
}

// logged says at debug level that AWS was called: never with what.
type logged struct {
	next http.RoundTripper
	log  *slog.Logger
}

func (l logged) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	status := 0
	if err == nil {
		status = resp.StatusCode
	}
	l.log.Debug("call AWS", "host", r.URL.Host, "status", status)
	return resp, err
}

// fileProblem is what an operating system says of a file, without the path again.
func fileProblem(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
