//go:build interop

package form_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/form"
	"gatehop/saml"
)

// TestInteropSimpleSAMLphp signs in at a real SimpleSAMLphp with the adapter alone; the
// tests of cmd/gatehop do it with the whole program, and over https.
func TestInteropSimpleSAMLphp(t *testing.T) {
	scripts := "../../cmd/gatehop/testdata/interop/ssp"
	state := filepath.Join(t.TempDir(), "ssp")
	if out, err := exec.Command(scripts+"/up", state, "http", strconv.Itoa(os.Getpid())).CombinedOutput(); err != nil {
		t.Fatalf("start SimpleSAMLphp: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command(scripts+"/down", state).CombinedOutput(); err != nil {
			t.Errorf("stop SimpleSAMLphp: %v\n%s", err, out)
		}
	})
	env, err := os.ReadFile(filepath.Join(state, "env"))
	if err != nil {
		t.Fatal(err)
	}
	loginURL, _, _ := strings.Cut(strings.TrimPrefix(string(env), "LOGIN_URL="), "\n")
	role := func(account, name string) saml.Role {
		return saml.Role{ARN: "arn:aws:iam::" + account + ":role/" + name, Provider: "arn:aws:iam::" + account + ":saml-provider/CorpIdP"}
	}
	tests := []struct {
		name, user, password string
		roles                []saml.Role
		verdict              idp.Verdict
		words                string
	}{
		{name: "three roles", user: "alice", password: "alice-pass",
			roles: []saml.Role{role("111111111111", "GatewayAdmin"), role("111111111111", "ReadOnly"), role("222222222222", "path/Deployer")}},
		{name: "one role", user: "bob", password: "bob-pass", roles: []saml.Role{role("111111111111", "ReadOnly")}},
		{name: "hard password", user: "zoë", password: `p&ss=w+rd %41"<é>`, roles: []saml.Role{role("111111111111", "ReadOnly")}},
		{name: "wrong password", user: "alice", password: "wrong", verdict: idp.Rejected, words: "Incorrect username or password"},
		{name: "no role", user: "norole", password: "norole-pass", verdict: idp.NoRoles},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := signInAtSimpleSAML(t, loginURL, test.user, test.password)
			var page *idp.PageError
			switch {
			case test.verdict == "" && err != nil:
				t.Fatal(err)
			case test.verdict == "":
				if !slices.Equal(got.Roles, test.roles) || got.Issuer != "https://idp.corp.example/saml" || got.SessionDuration.Hours() != 1 {
					t.Errorf("assertion of %s for %v with %v, want %v for an hour", got.Issuer, got.SessionDuration, got.Roles, test.roles)
				}
			case !errors.As(err, &page) || page.Verdict != test.verdict || !strings.Contains(page.Words, test.words):
				t.Errorf("Login = %v, want verdict %s with the words %q", err, test.verdict, test.words)
			}
		})
	}
}

func signInAtSimpleSAML(t *testing.T, loginURL, user, password string) (*saml.Assertion, error) {
	t.Helper()
	adapter, err := form.New(form.Config{URL: loginURL})
	if err != nil {
		t.Fatal(err)
	}
	trust, err := idp.NewTrust(loginURL, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return adapter.Login(t.Context(), &idp.Session{
		HTTP: idp.NewClient(idp.ClientOptions{Trust: trust}), Trust: trust,
		Prompt: idp.FirstOf(idp.Fixed{"username": secret.New(user), "password": secret.New(password)}),
	})
}
