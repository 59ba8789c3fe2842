package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/cmd/gatehop/internal/setting"
	"gatehop/cmd/gatehop/internal/tty"
	"gatehop/creds/secret"
	"gatehop/idp"
)

// asking remembers what it was asked, and answers in turn.
type asking struct {
	answers []string
	asked   []idp.Question
}

func (p *asking) Ask(_ context.Context, q idp.Question) (secret.Text, error) {
	p.asked = append(p.asked, q)
	if len(p.asked) > len(p.answers) {
		return secret.Text{}, idp.ErrNoAnswer
	}
	return secret.New(p.answers[len(p.asked)-1]), nil
}

func (p *asking) Tell(context.Context, string) {}

func nobodyThere() (terminal, error) { return nil, tty.ErrNoTerminal }

// TestPassphrase asks the sources of passwords, each once, and then the person.
func TestPassphrase(t *testing.T) {
	t.Parallel()
	person := &asking{answers: []string{"third", "fourth"}}
	a := &app{process: process{answers: person, terminal: nobodyThere, stderr: io.Discard, stdin: strings.NewReader("first\n"), env: []string{"PATH=" + os.Getenv("PATH")}}}
	a.secrets.stdin, a.secrets.fd = true, noFD
	s := &settings{Password: secret.New("second")}
	give := a.passphrase(t.Context(), "p", s)
	var got []string
	for i := range 4 {
		text, err := give("/me.p12", i > 0)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, text.Reveal())
	}
	if want := []string{"first", "second", "third", "fourth"}; !slices.Equal(got, want) {
		t.Errorf("passphrases %q, want %q", got, want)
	}
	if q := person.asked[0]; len(person.asked) != 2 || q.Public || q.Field != "password" || q.Label != "Passphrase of /me.p12" || q.Retry == "" {
		t.Errorf("asked %+v, want twice for the passphrase of the file", person.asked)
	}
	var needs *needsLoginError
	if _, err := give("/me.p12", true); !errors.As(err, &needs) || needs.Profile != "p" {
		t.Errorf("nobody is left: %v, want a *needsLoginError", err)
	}
}

// TestMayShow lets a person say whether a certificate is shown where the environment leads.
func TestMayShow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		changed bool
		person  []string // nil: nobody
		want    bool
		asked   int
	}{
		{name: "as the profile says", want: true},
		{name: "nobody", changed: true},
		{name: "yes", changed: true, person: []string{"yes"}, want: true, asked: 1},
		{name: "no", changed: true, person: []string{"no"}, asked: 1},
	} {
		person := &asking{answers: c.person}
		a := &app{process: process{terminal: nobodyThere, stderr: io.Discard}}
		if c.person != nil {
			a.answers = person
		}
		s := &settings{}
		if c.changed {
			s.Changed = []setting.Changed{{Variable: "GATEHOP_URL", Was: "https://a.example", Now: "https://b.example"}}
		}
		err := a.mayShow(t.Context(), "p", s, "it is not shown", "Show it?")
		if (err == nil) != c.want || len(person.asked) != c.asked {
			t.Errorf("%s: %v, asked %d times; want %v, %d", c.name, err, len(person.asked), c.want, c.asked)
		}
		if c.asked > 0 && (!strings.Contains(person.asked[0].Label, "https://b.example") || !strings.Contains(person.asked[0].Label, "https://a.example")) {
			t.Errorf("%s: asked %q, want both values", c.name, person.asked[0].Label)
		}
	}
}

// TestCertificateSum: kept cookies and known failures are of one certificate, not of one
// name of a file.
func TestCertificateSum(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "c"), filepath.Join(dir, "k")
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &settings{}
	s.SignIn = profile.SignIn{Kind: "adfs", URL: "https://a.example", ClientCert: cert, ClientKey: key}
	write(cert, "one")
	write(key, "two")
	seen := map[string]string{keptTrust(s): "at first"}
	for _, change := range []struct {
		name string
		do   func()
	}{
		{"another certificate", func() { write(cert, "three") }},
		{"another key", func() { write(key, "four") }},
		{"the same bytes, divided otherwise", func() { write(cert, "threef"); write(key, "our") }},
		{"none", func() { s.SignIn.ClientCert, s.SignIn.ClientKey = "", "" }},
	} {
		change.do()
		if was := seen[keptTrust(s)]; was != "" {
			t.Errorf("%s is as %s", change.name, was)
		}
		seen[keptTrust(s)] = change.name
	}
	if s.CertificateSum() != "" {
		t.Error("the sum of no certificate is not empty")
	}
}
