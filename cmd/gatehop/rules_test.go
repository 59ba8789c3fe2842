package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/creds/store"
	"gatehop/idp/idptest"
	"gatehop/saml/samltest"
	"gatehop/sts/ststest"
)

// TestDamagedChoices wants a file that cannot be read refused, and left as it is: its
// pins would be passed over too.
func TestDamagedChoices(t *testing.T) {
	t.Parallel()
	const pins = `{"gateway":{"account":"999999999999"}}`
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
		want       int
	}{
		{"as it should be", pins, 0o600, statusHuman}, // the control: the pin speaks
		{"cut short", "{", 0o600, statusUsage},
		{"with a byte too many", pins + "x", 0o600, statusUsage},
		{"open to others", pins, 0o644, statusUsage},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{})
			w.write("state/choices.json", c.text)
			path := filepath.Join(w.home, "state", "choices.json")
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			w.vars = []string{password(worldPassword)}
			w.run("login", "gateway").want(t, c.want)
			if data, err := os.ReadFile(path); err != nil || string(data) != c.text && c.want == statusUsage {
				t.Errorf("the file is now %q, %v", data, err)
			}
			if n := w.sts.Counts().AssumeRoleWithSAML; n != 0 {
				t.Errorf("%d sessions were made", n)
			}
			w.run("logout", "--all").want(t, 0)
			w.run("login", "gateway").want(t, 0)
		})
	}
}

// TestSettledRole wants a hop made through the role that is chosen now.
func TestSettledRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: strings.ReplaceAll(worldConfig, "gatehop_source_profile = gateway", "gatehop_source_profile = open")})
	w.vars = []string{password(worldPassword), `GATEHOP_USERNAME=CORP\alice`}
	w.run("login", "dev", "--role", "Gateway").want(t, 0)
	w.run("login", "dev").want(t, 0)
	if n := w.sts.Counts().AssumeRole; n != 1 {
		t.Errorf("%d hops for one role, want 1", n)
	}
	w.run("login", "open", "--role", "ReadOnly").want(t, 0, "assumed-role/ReadOnly")
	w.run("login", "dev").want(t, statusAWS, "ReadOnly") // whom the destination does not trust
}

// TestRoleByAlias wants ALIAS/NAME to work for the account that an alias names.
func TestRoleByAlias(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: strings.Replace(worldConfig, "[profile open]\n", "[profile open]\ngatehop_alias = corp\n", 1)})
	w.vars = []string{password(worldPassword), `GATEHOP_USERNAME=CORP\alice`}
	w.run("login", "open", "--role", "corp/Gateway").want(t, statusUsage, "does not offer") // nobody knows yet whose name it is
	w.run("login", "open", "--role", "Gateway").want(t, 0)
	w.run("login", "open", "--role", "corp/ReadOnly").want(t, 0, "assumed-role/ReadOnly")
	w.run("roles", "open").want(t, 0, "corp ")
}

// TestTwoProviders offers one role through two SAML providers, of which the profile
// names the second.
func TestTwoProviders(t *testing.T) {
	t.Parallel()
	roles := []string{
		samltest.RoleValue(gatewayAccount, "Gateway", "Old", false),
		samltest.RoleValue(gatewayAccount, "Gateway", sandboxProvider, false),
	}
	w := newWorld(t, worldOptions{roles: roles})
	w.vars = []string{password(worldPassword)}
	w.run("login", "gateway").want(t, statusAmbiguous, "matches 2") // the control
	w = newWorld(t, worldOptions{roles: roles, config: strings.Replace(worldConfig, "gatehop_store", "gatehop_principal_arn = "+providerARN+"\ngatehop_store", 1)})
	w.vars = []string{password(worldPassword)}
	w.run("login", "gateway").want(t, 0, "assumed-role/Gateway")
}

// TestDefaultProfile wants a default profile with a mistake in it named, not passed over
// for another identity.
func TestDefaultProfile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, section string
		want          int
		words         string
	}{
		{"right", "gatehop_role_arn = arn:aws:iam::444444444444:role/Admins\ngatehop_source_profile = gateway\n", 0, "Version"},
		{"misspelt", "gatehop_role_arn = arn:aws:iam::444444444444:role/Admins\ngatehop_source_profil = gateway\n", statusUsage, "gatehop_source_profil"},
		{"not ours", "region = eu-west-1\n", 0, "Version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			gateway, _, _ := strings.Cut(worldConfig, "[profile open]")
			w := newWorld(t, worldOptions{config: "[default]\n" + c.section + "\n" + gateway})
			w.vars = []string{password(worldPassword)}
			w.run("credential-process").want(t, c.want, c.words)
			if hops := w.sts.Counts().AssumeRole; c.want == 0 && (hops == 1) != (c.name == "right") {
				t.Errorf("%d hops", hops)
			}
		})
	}
}

// TestAWSSideFirst wants what is wrong on AWS's side found before a password is sent.
func TestAWSSideFirst(t *testing.T) {
	t.Parallel()
	for _, variable := range []string{"AWS_ENDPOINT_URL_STS=http://192.0.2.1", "AWS_CA_BUNDLE=/no/such/file"} {
		w := newWorld(t, worldOptions{})
		if strings.HasPrefix(variable, "AWS_CA") {
			w.net = nil // the bundle is read for real connections only
		}
		w.vars = []string{password(worldPassword), variable}
		w.run("login", "gateway").want(t, statusUsage)
		if n := w.logins(); n != 0 {
			t.Errorf("%s: %d passwords were sent", variable, n)
		}
	}
}

// TestNoWaitWithoutSecret holds the locks as another gatehop does that asks a person,
// and wants a call that has nothing to sign in with to end at once.
func TestNoWaitWithoutSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, 0)
	w.run("logout", "gateway").want(t, 0)
	release := w.holdAllLocks()
	for _, args := range [][]string{{"credential-process", "dev"}, {"exec", "dev", "--", "sh"}, {"env", "dev"}, {"roles", "gateway"}, {"login", "dev", "--no-input"}} {
		before := time.Now()
		w.run(args...).want(t, statusHuman, "nobody to ask for the password")
		if waited := time.Since(before); waited > unattendedLimit/2 { // not a matter of speed: it must not wait at all
			t.Errorf("%v waited %v", args, waited)
		}
	}
	release()
	w.runWith([]string{password(worldPassword)}, "credential-process", "dev").want(t, 0)
	user := strings.Replace(worldConfig, `gatehop_username = CORP\alice`, "", 1)
	w.write(".aws/config", user)
	requests := w.adfs.Stats().Requests
	w.runWith([]string{password(worldPassword)}, "credential-process", "open").want(t, statusHuman, "user name")
	if n := w.adfs.Stats().Requests; n != requests {
		t.Errorf("%d requests with nothing to try", n-requests)
	}
}

// holdAllLocks takes every lock that this world's runs have used so far.
func (w *world) holdAllLocks() (release func()) {
	w.t.Helper()
	dir := filepath.Join(w.home, "state", "locks")
	var unlocks []func()
	for _, name := range files(w.t, dir)[1:] {
		unlock, err := store.LockFile(w.t.Context(), filepath.Join(dir, name))
		if err != nil {
			w.t.Fatal(err)
		}
		unlocks = append(unlocks, unlock)
	}
	if len(unlocks) < 3 {
		w.t.Fatalf("only %d locks were ever used", len(unlocks))
	}
	return func() {
		for _, unlock := range unlocks {
			unlock()
		}
	}
}

// TestHopParameters wants every parameter of a hop to reach AWS.
func TestHopParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: worldConfig + `
[profile full]
role_arn = arn:aws:iam::555555555555:role/Full
source_profile = gateway
external_id = example-7
duration_seconds = 1800
role_session_name = somebody
gatehop_source_identity = alice
gatehop_tags = team=blue, cost=42
gatehop_transitive_tags = team
region = us-east-1
`})
	w.vars = []string{password(worldPassword)}
	w.run("login", "full").want(t, 0, "assumed-role/Full/somebody", "in 30 min")
	var hop ststest.Request
	for _, r := range w.sts.Requests() {
		if r.Op == "AssumeRole" {
			hop = r
		}
	}
	for name, want := range map[string]string{
		"ExternalId": "example-7", "DurationSeconds": "1800", "RoleSessionName": "somebody", "SourceIdentity": "alice",
		"Tags.member.1.Key": "cost", "Tags.member.2.Value": "blue", "TransitiveTagKeys.member.1": "team",
	} {
		if got := hop.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	out := w.run("env", "full", "--shell", "bash").want(t, 0, "AWS_REGION='us-east-1'", "AWS_DEFAULT_REGION='us-east-1'")
	if hop.Host != stsHost {
		t.Errorf("the hop was made at %s, want the gateway's region\n%s", hop.Host, out.stdout)
	}
}

// TestEnvironmentRules covers the overrides and what they may not do.
func TestEnvironmentRules(t *testing.T) {
	t.Parallel()
	short := strings.ReplaceAll(worldConfig, "gatehop_store = file", "gatehop_store = file\ngatehop_session_duration = 2h")
	for _, c := range []struct {
		name, config string
		vars         []string
		args         []string
		want         int
		words        string
	}{
		{"session duration", short, nil, []string{"login", "gateway"}, 0, "in 2 h"},
		{"no session duration", "", nil, []string{"login", "gateway"}, 0, "in 12 h"},
		{"password for this host", "", []string{"GATEHOP_IDP_HOST=ADFS.corp.example"}, []string{"credential-process", "dev"}, 0, "Version"},
		{"password for another host", "", []string{"GATEHOP_IDP_HOST=other.example"}, []string{"credential-process", "dev"}, statusHuman, "nobody to ask"},
		{"region of another partition", strings.ReplaceAll(worldConfig, "region = eu-west-1", "region = cn-north-1"), nil, []string{"login", "gateway"}, statusUsage, "partition"},
		{"a second factor's method", "", []string{"GATEHOP_MFA=a\nb"}, []string{"login", "gateway"}, statusUsage, "GATEHOP_MFA"},
		{"a proxy that is none", "", []string{"GATEHOP_PROXY=junk"}, []string{"login", "gateway"}, statusUsage, "GATEHOP_PROXY"},
		{"a user agent in two lines", "", []string{"GATEHOP_USER_AGENT=a\r\nb"}, []string{"login", "gateway"}, statusUsage, "GATEHOP_USER_AGENT"},
		{"a bare user name", "", []string{"GATEHOP_USERNAME=alice"}, []string{"login", "gateway"}, statusUsage, `DOMAIN\name`},
		{"another's home", "", []string{"AWS_CONFIG_FILE=~nobody/config"}, []string{"login", "gateway"}, statusUsage, "AWS_CONFIG_FILE"},
		{"a relative state", "", []string{"GATEHOP_HOME=state"}, []string{"login", "gateway"}, statusUsage, "GATEHOP_HOME"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{config: c.config})
			w.vars = []string{password(worldPassword)}
			w.runWith(c.vars, c.args...).want(t, c.want, c.words)
			if c.want != 0 && w.adfs.Stats().Requests != 0 {
				t.Errorf("%d requests were made", w.adfs.Stats().Requests)
			}
		})
	}
}

// TestLogoutWithoutState makes no state where there is none, and does not stumble.
func TestLogoutWithoutState(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.run("logout", "--all").want(t, 0, "nothing was kept")
	w.run("logout", "gateway").want(t, 0, "nothing was kept")
	if _, err := os.Stat(filepath.Join(w.home, "state")); err == nil {
		t.Error("logout made a state directory")
	}
	w.write("file", "")
	w.runWith([]string{"GATEHOP_HOME=" + filepath.Join(w.home, "file", "state")}, "logout", "--all").want(t, 0)
	w.run("logout", "--all", "--profile", "gateway").want(t, statusUsage, "exclude")
}

// TestLookPath finds programs as a shell does.
func TestLookPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"first/tool": 0o600, "second/tool": 0o700, "first/text": 0o600, "only/sh-not-here": 0o700} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"PATH=relative" + string(os.PathListSeparator) + filepath.Join(dir, "first") + string(os.PathListSeparator) + filepath.Join(dir, "second")}
	if got, err := lookPath("tool", env); err != nil || got != filepath.Join(dir, "second", "tool") {
		t.Errorf("lookPath(tool) = %q, %v; want the one that may be run", got, err)
	}
	if _, err := lookPath("text", env); startProblem("x", err).(*startError).status != statusCannotRun {
		t.Errorf("lookPath(text) = %v, want it not allowed", err)
	}
	if _, err := lookPath("nothing", env); startProblem("x", err).(*startError).status != statusNotFound {
		t.Errorf("lookPath(nothing) = %v, want it not found", err)
	}
	t.Run("a relative folder", func(t *testing.T) {
		if got, err := lookPath("sh-not-here", []string{"PATH=" + relativeTo(t, filepath.Join(dir, "only"))}); err == nil {
			t.Errorf("lookPath took %q from a relative folder", got)
		}
		if _, err := lookPath("sh-not-here", []string{"PATH=" + filepath.Join(dir, "only")}); err != nil {
			t.Errorf("the control: %v", err)
		}
	})
}

func relativeTo(t *testing.T, dir string) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	rel, err := filepath.Rel(here, dir)
	if err != nil {
		t.Fatal(err)
	}
	return rel
}

// TestWaitEnds lets a call with a password wait for another gatehop that never finishes:
// it gives up after its limit and says for whom it waited. Time is the bubble's.
func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.vars = []string{password(worldPassword)}
		w.run("login", "dev").want(t, 0)
		w.run("logout", "gateway").want(t, 0)
		release := w.holdAllLocks()
		before := time.Now()
		w.run("credential-process", "dev").want(t, statusHuman)
		if waited := time.Since(before); waited < unattendedLimit || waited > unattendedLimit+time.Second {
			t.Errorf("waited %v, want %v", waited, unattendedLimit)
		}
		w.run("env", "dev", "--shell", "bash").want(t, statusHuman)
		w.answer = map[string]string{}
		before = time.Now()
		w.run("login", "dev").want(t, statusHuman, "waiting for another gatehop", "has not finished")
		if waited := time.Since(before); waited < attendedWait {
			t.Errorf("a person waited %v, want %v", waited, attendedWait)
		}
		release()
		w.run("credential-process", "dev").want(t, 0)
	})
}

// TestSlowProvider lets the provider take longer than nobody waits for.
func TestSlowProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{adfs: func(o *idptest.Options) { o.Latency = 6 * time.Second }})
		w.vars = []string{password(worldPassword)}
		w.run("credential-process", "dev").want(t, statusHuman, "longer than the 15s", "gatehop login gateway")
		w.run("login", "dev").want(t, 0) // the control: a person waits
	})
}
