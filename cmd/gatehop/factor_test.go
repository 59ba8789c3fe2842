package main

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/kept"
	"gatehop/creds/store"
	"gatehop/idp"
	"gatehop/idp/idptest"
	"gatehop/saml"
)

// factorWorld is a world whose AD FS asks Alice for a second factor.
func factorWorld(t *testing.T, kind idptest.Factor, more ...func(*idptest.Options)) *world {
	t.Helper()
	return newWorld(t, worldOptions{adfs: func(o *idptest.Options) {
		factor(kind)(o)
		o.MFAPolls = -1 // approved at the first look
		for _, change := range more {
			change(o)
		}
	}})
}

// TestFactorTold: what the person is to do reaches them at the terminal, with -q too, and
// with the command that a tool has run; and without a terminal on standard error.
func TestFactorTold(t *testing.T) {
	t.Parallel()
	const text = "adfs.corp.example: type "
	for _, c := range []struct {
		args     []string
		terminal bool
		suffix   string
	}{
		{[]string{"login", "gateway"}, true, " to go on."},
		{[]string{"login", "gateway"}, false, " to go on."},
		{[]string{"-q", "login", "dev"}, true, " to go on."},
		{[]string{"-q", "login", "dev"}, false, " to go on."},
		{[]string{"exec", "dev", "--", "true"}, true, " to go on."},
		{[]string{"-q", "credential-process", "dev", "--prompt"}, true, " to go on. (for `gatehop -q credential-process dev --prompt`)"},
	} {
		w := factorWorld(t, idptest.FactorAzureNumber)
		w.vars = []string{password(worldPassword)}
		if c.terminal {
			w.answer = map[string]string{}
		}
		o := w.run(c.args...).want(t, 0)
		told := strings.Join(w.told, "\n")
		if !c.terminal {
			told, _, _ = strings.Cut(o.stderr, "\n")
		}
		if !strings.HasPrefix(told, text) || !strings.HasSuffix(told, c.suffix) || strings.Contains(told, "\n") {
			t.Errorf("%q, terminal %v: told %q", c.args, c.terminal, told)
		}
		if strings.Contains(o.stdout, "type ") {
			t.Errorf("%q: standard output has it", c.args)
		}
		if n := w.adfs.Pushes(); n != 1 {
			t.Errorf("%q: %d pushes, want 1", c.args, n)
		}
	}
}

// TestPushNeverSilent: after a sign-in that was approved on a phone no tool makes it ring
// again, with whatever it could sign in, until somebody types login.
func TestPushNeverSilent(t *testing.T) {
	t.Parallel()
	w := factorWorld(t, idptest.FactorAzurePush)
	all := []string{password(worldPassword), "GATEHOP_OTP=" + idptest.MFACode}
	w.answer, w.vars = map[string]string{}, all
	for login := 1; login <= 2; login++ {
		w.run("login", "gateway", "--force").want(t, 0)
		w.answer = nil
		w.run("credential-process", "dev").want(t, 0)
		w.now = w.now.Add(13 * time.Hour) // neither the sessions nor the provider's are left
		for range 3 {
			w.run("credential-process", "dev").want(t, statusHuman, "something that only a person can do")
			w.run("refresh", "--all").want(t, statusHuman)
			w.now = w.now.Add(2 * time.Minute)
		}
		w.answer = map[string]string{}
		if n := w.adfs.Pushes(); n != login {
			t.Fatalf("%d pushes, want %d", n, login)
		}
	}
	// The control: codes that a program has are no person's.
	w = factorWorld(t, idptest.FactorVIP)
	w.vars = all
	w.run("credential-process", "dev").want(t, 0)
	w.now = w.now.Add(13 * time.Hour)
	w.run("credential-process", "dev").want(t, 0)
}

// TestFactorChoiceAlone: where nobody is, no method is chosen that may ring.
func TestFactorChoiceAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mfa    string
		otp    string
		status int
		words  string
		pushes int
	}{
		{"azure", "", statusHuman, "an approval on a phone may be needed", 0},
		{"SampleAdapter", idptest.CustomCode, 0, "", 0},
		{"", "", statusAmbiguous, "asks which way to sign in", 0},
	} {
		w := factorWorld(t, idptest.FactorChoice)
		w.vars = []string{password(worldPassword), "GATEHOP_MFA=" + c.mfa}
		if c.mfa == "" {
			w.vars = w.vars[:1]
		}
		if c.otp != "" {
			w.vars = append(w.vars, "GATEHOP_OTP="+c.otp)
		}
		w.run("credential-process", "dev").want(t, c.status, c.words)
		if n := w.adfs.Pushes(); n != c.pushes {
			t.Errorf("gatehop_mfa %q: %d pushes, want %d", c.mfa, n, c.pushes)
		}
	}
}

// TestFactorCommand: a program for codes is run when a code is asked for, once.
func TestFactorCommand(t *testing.T) {
	t.Parallel()
	w := factorWorld(t, idptest.FactorSymantec)
	w.write(".aws/config", strings.Replace(worldConfig, "gatehop_store = file", "gatehop_store = file\ngatehop_otp_command = /bin/echo "+idptest.MFACode, 1))
	w.vars = []string{password(worldPassword)}
	w.run("credential-process", "dev").want(t, 0)
	w.write(".aws/config", strings.Replace(worldConfig, "gatehop_store = file", "gatehop_store = file\ngatehop_otp_command = /bin/echo 654321", 1))
	w.run("logout", "--all").want(t, 0)
	w.run("credential-process", "dev").want(t, statusRefused, "the second factor was refused: \"The answer is not right.")
}

// TestWaitingIsAsking: whoever waits for this run sees that it waits for its person.
func TestWaitingIsAsking(t *testing.T) {
	t.Parallel()
	a := &app{process: process{terminal: nobodyThere}}
	done := a.waiting("your approval")
	if !a.wait.leftQuestion() {
		t.Error("a run that waits for an approval does not look like one with a question")
	}
	done()
	if a.wait.leftQuestion() {
		t.Error("it still does after that")
	}
}

// TestTicketRings: what signs in without a password is held back like one, once the provider
// is known to ring.
func TestTicketRings(t *testing.T) {
	t.Parallel()
	pushes := func(o *idptest.Options) { factor(idptest.FactorAzurePush)(o); o.MFAPolls = -1 }
	ticket := ticketWorldOf(t, "gatehop_auth = kerberos\ngatehop_ccache = cc\ngatehop_keep_session = no", pushes)
	var shown *world
	const asks = worldHost + ":49443"
	shown = newWorld(t, worldOptions{
		extra:  map[string]http.Handler{asks: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { shown.adfs.ServeHTTP(w, r) })},
		adfs:   func(o *idptest.Options) { pushes(o); o.CertificateLink = true },
		config: strings.Replace(worldConfig, "gatehop_store = file", "gatehop_store = file\ngatehop_keep_session = no\ngatehop_auth = certificate\ngatehop_client_cert = me.pem", 1),
	})
	shown.write(".aws/me.pem", personPEM(t, shown.now))
	shown.net.Show(&x509.Certificate{Subject: pkix.Name{CommonName: `CORP\alice`}}, asks)
	for name, w := range map[string]*world{"ticket": ticket, "certificate": shown} {
		for run, want := range []string{"an approval on a phone may be needed", "something that only a person can do", "something that only a person can do"} {
			w.run("credential-process", "gateway").want(t, statusHuman, want)
			if n := w.adfs.Pushes(); n != 1 {
				t.Errorf("%s, run %d: %d pushes, want the first one's", name, run+1, n)
			}
			w.now = w.now.Add(2 * time.Minute)
		}
		w.answer = map[string]string{}
		w.run("login", "gateway").want(t, 0)
		if n := w.adfs.Pushes(); n != 2 {
			t.Errorf("%s: %d pushes after a person's login, want 2", name, n)
		}
	}
}

// ringing is a provider that loses every sign-in, and asks for an approval first if it rings.
type ringing struct {
	rings  bool
	logins int
}

func (r *ringing) Login(ctx context.Context, s *idp.Session) (*saml.Assertion, error) {
	r.logins++
	if r.rings {
		if _, err := s.Prompt.Ask(ctx, idp.Question{Field: idp.Approval, Public: true, Options: []string{idp.ByPhone}}); err != nil {
			return nil, err
		}
	}
	return nil, &idp.PageError{Verdict: idp.StateLost}
}

// TestKeptRingsOnce: a sign-in with kept cookies that was lost is made again without them,
// but not once it has rung somebody's phone.
func TestKeptRingsOnce(t *testing.T) {
	t.Parallel()
	for rings, want := range map[bool]int{true: 1, false: 2} {
		answers := idptest.NewAnswers(nil)
		a := &app{process: process{terminal: nobodyThere, stderr: io.Discard, now: time.Now, answers: answers}}
		session := &idp.Session{HTTP: idp.NewClient(idp.ClientOptions{}), Prompt: answers}
		r := &reuse{a: a, s: &settings{}, book: kept.Book{Store: store.NewMemory(), Now: time.Now}, restored: true}
		r.freshJar(session)
		r.asked.Prompter, session.Prompt = answers, &r.asked
		adapter := &ringing{rings: rings}
		if _, err := r.login(t.Context(), adapter, session); !errors.Is(err, &idp.PageError{Verdict: idp.StateLost}) || adapter.logins != want {
			t.Errorf("rings %v: %d sign-ins, want %d (%v)", rings, adapter.logins, want, err)
		}
	}
}
