package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehop/idp/idptest"
	"gatehop/saml/samltest"
)

func TestLoginChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.vars = []string{password(worldPassword)}
	w.run("login", "dev").want(t, 0, "arn:aws:sts::444444444444:assumed-role/Admins/alice", "in 12 h")
	w.run("login", "dev").want(t, 0)
	w.run("credential-process", "dev").want(t, 0, `"Version":1`)
	if n := w.logins(); n != 1 {
		t.Errorf("%d sign-ins for three runs, want 1", n)
	}
	if bugs := w.adfs.ClientBugs(); len(bugs) != 0 {
		t.Errorf("client bugs: %v", bugs)
	}
	// Renewal: the destination's hour ends long before the gateway's twelve.
	w.now = w.now.Add(50 * time.Minute)
	w.vars = nil
	w.run("credential-process", "dev").want(t, 0, "2026-03-01T10:50:00Z")
	if got := w.sts.Counts(); got.AssumeRole != 2 || got.AssumeRoleWithSAML != 1 {
		t.Errorf("counts after the renewal = %+v", got)
	}
	// In the last minutes of the gateway session, with nobody there, what is left is used.
	w.now = time.Date(2026, 3, 1, 20, 30, 0, 0, time.UTC)
	w.run("credential-process", "dev").want(t, 0, "T21:")
	w.now = time.Date(2026, 3, 1, 21, 0, 1, 0, time.UTC)
	w.run("credential-process", "gateway").want(t, statusHuman, "nobody to ask")
}

func TestLoginForce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.vars = []string{password(worldPassword)}
	w.run("login", "dev").want(t, 0)
	w.run("login", "dev", "--force").want(t, 0)
	if c := w.sts.Counts(); w.logins() != 2 || c.AssumeRoleWithSAML != 2 || c.AssumeRole != 2 {
		t.Errorf("after --force: %d sign-ins, %+v; want everything twice", w.logins(), c)
	}
	w.run("login", "gateway", "--duration", "1h").want(t, 0, "in 1 h")
}

// TestRoleChoice follows a choice through its life: asked once, remembered, replaced
// by --role, forgotten by logout.
func TestRoleChoice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.vars = []string{password(worldPassword)}
	w.run("login", "open").want(t, statusHuman, "username is needed")
	user := `GATEHOP_USERNAME=CORP\alice`
	out := w.runWith([]string{user}, "login", "open").want(t, statusAmbiguous, "offers 2 roles", "role/ReadOnly", "--role ACCOUNT/NAME")
	if out.stdout != "" {
		t.Errorf("stdout = %q, want nothing", out.stdout)
	}
	w.answer = map[string]string{"role": "arn:aws:iam::111111111111:role/ReadOnly"}
	w.runWith([]string{user}, "login", "open").want(t, 0, "assumed-role/ReadOnly/alice")
	w.run("login", "open", "--force").want(t, statusHuman, "username") // the environment's name is nobody's choice
	w.answer["username"] = `CORP\alice`
	w.run("login", "open", "--force").want(t, 0, "assumed-role/ReadOnly/alice")
	w.answer = nil // both are remembered
	w.run("login", "open", "--force").want(t, 0, "assumed-role/ReadOnly/alice")
	w.run("login", "open", "--role", "Gateway").want(t, 0, "assumed-role/Gateway/alice")
	w.run("credential-process", "open").want(t, 0)
	before := w.logins()
	w.run("login", "open", "--role", "Gateway").want(t, 0)
	w.run("login", "open", "--role", gatewayARN).want(t, 0)
	w.run("login", "open", "--role", "111111111111/Gateway").want(t, 0)
	if w.logins() != before {
		t.Error("the same role was signed in for again")
	}
	w.run("login", "open", "--role", "Nope").want(t, statusUsage, `does not offer the role "Nope"`)
	w.run("login", "open", "--role", "*").want(t, statusAmbiguous, "matches 2")
	w.run("logout", "open").want(t, 0, "choices of profile open")
	w.run("login", "open").want(t, statusHuman, "username is needed")
}

// TestSessionFits wants a cached session left alone when the user, the role or the
// settings that it was made under are not those of this run.
func TestSessionFits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		vars []string
		want int // status without a password at hand
	}{
		{"same", nil, 0},
		{"same user said again", []string{`GATEHOP_USERNAME=CORP\alice`}, 0},
		{"another user", []string{`GATEHOP_USERNAME=CORP\bob`}, statusHuman},
		{"another address", []string{"GATEHOP_URL=https://other.corp.example"}, statusHuman},
		{"another address of the same host", []string{"GATEHOP_URL=https://adfs.corp.example/realms/b"}, statusHuman},
		{"a proxy", []string{"GATEHOP_PROXY=http://127.0.0.1:9"}, statusHuman},
		{"another STS", []string{"AWS_ENDPOINT_URL_STS=https://sts.example"}, statusHuman},
		{"another region of the shell", []string{"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1"}, 0},
		{"another time-out", []string{"GATEHOP_TIMEOUT=5s"}, 0},
		{"an empty variable", []string{"GATEHOP_URL="}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{})
			w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, 0)
			w.runWith(c.vars, "credential-process", "dev").want(t, c.want)
		})
	}
}

// TestCAFileCounts wants the content of the CA file to count, not its name.
func TestCAFileCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: strings.ReplaceAll(worldConfig, "gatehop_store", "gatehop_ca_bundle = ../ca.pem\ngatehop_store")})
	ca, err := idptest.NewCA(newRandom(1), w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.write("ca.pem", string(ca.PEM()))
	w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, 0)
	w.run("credential-process", "dev").want(t, 0)
	other, err := idptest.NewCA(newRandom(2), w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.write("ca.pem", string(other.PEM()))
	w.run("credential-process", "dev").want(t, statusHuman)
}

// TestPins wants a changed issuer or gateway account confirmed by a person.
func TestPins(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, words string
		answer            map[string]string
		want              int
	}{
		{"unchanged", `{"open":{"issuer":"http://adfs.corp.example/adfs/services/trust","account":"111111111111"}}`, "", nil, 0},
		{"issuer, nobody there", `{"open":{"issuer":"http://evil.example"}}`, "the issuer was", nil, statusHuman},
		{"account, nobody there", `{"open":{"account":"999999999999"}}`, "the gateway account was", nil, statusHuman},
		{"an issuer that is gone", `{"open":{"issuer":"http://adfs.corp.example/adfs/services/trust","account":"222222222222"}}`, "the gateway account was", nil, statusHuman},
		{"issuer, declined", `{"open":{"issuer":"http://evil.example"}}`, "the issuer was", map[string]string{"confirm": "no"}, statusFailed},
		{"issuer, confirmed", `{"open":{"issuer":"http://evil.example"}}`, "", map[string]string{"confirm": "yes"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{roles: []string{samltest.RoleValue(gatewayAccount, "Gateway", sandboxProvider, true)}})
			w.write("state/choices.json", c.file)
			w.answer = c.answer
			vars := []string{password(worldPassword), `GATEHOP_USERNAME=CORP\alice`}
			out := w.runWith(vars, "login", "open").want(t, c.want, c.words)
			if c.want != 0 && w.sts.Counts().AssumeRoleWithSAML != 0 {
				t.Error("the assertion was used all the same")
			}
			if c.want == 0 && !strings.Contains(out.stdout, "111111111111") {
				t.Errorf("stdout = %q", out.stdout)
			}
			if c.name == "issuer, confirmed" { // and then it is the pinned one
				w.answer = nil
				w.runWith(vars, "login", "open", "--force").want(t, 0)
			}
		})
	}
}

// TestStateDirectory wants a directory that others may use refused.
func TestStateDirectory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	state := filepath.Join(w.home, "state")
	if err := os.Mkdir(state, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(state, 0o755); err != nil {
		t.Fatal(err)
	}
	w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, statusUsage, "chmod 700")
	if err := os.Chmod(state, 0o700); err != nil {
		t.Fatal(err)
	}
	w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, 0)
	for _, name := range files(t, state) {
		info, err := os.Stat(filepath.Join(state, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", name, info.Mode().Perm())
		}
	}
}

// TestStoreNone keeps no session and still works.
func TestStoreNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: strings.ReplaceAll(worldConfig, "gatehop_store = file", "gatehop_store = none")})
	w.vars = []string{password(worldPassword)}
	w.run("login", "dev").want(t, 0)
	w.run("credential-process", "dev").want(t, 0)
	if n := w.logins(); n != 2 {
		t.Errorf("%d sign-ins, want 2", n)
	}
	for _, name := range files(t, filepath.Join(w.home, "state")) {
		if strings.Contains(name, "session") {
			t.Errorf("%s was kept", name)
		}
	}
}

// TestShortSessions: a login says once that sessions under 30 minutes are trouble; other
// commands never do.
func TestShortSessions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		seconds string
		warned  int
	}{{"900", 1}, {"1799", 1}, {"1800", 0}, {"3600", 0}} {
		config := strings.Replace(worldConfig, "[profile dev]\n", "[profile dev]\ngatehop_duration_seconds = "+c.seconds+"\n", 1)
		w := newWorld(t, worldOptions{config: config})
		if out := w.runWith([]string{password(worldPassword)}, "credential-process", "dev").want(t, 0); out.stderr != "" {
			t.Errorf("credential-process with %s s says %q, want nothing", c.seconds, out.stderr)
		}
		out := w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, 0)
		if n := strings.Count(out.stderr, "sessions of profile dev last "); n != c.warned {
			t.Errorf("login with %s s warns %d times, want %d: %s", c.seconds, n, c.warned, out.stderr)
		}
		w.runWith([]string{password(worldPassword)}, "login", "gateway").want(t, 0)
	}
}

// TestHelperIsBrief: a program that runs gatehop gets at most three lines of detail, a
// person all of them.
func TestHelperIsBrief(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		command string
		lines   int
	}{{"credential-process", 6}, {"login", 8}} {
		config := strings.Replace(worldConfig, "444444444444", "666666666666", 1)
		w := newWorld(t, worldOptions{config: config})
		out := w.runWith([]string{password(worldPassword)}, c.command, "dev").want(t, statusAWS, "AccessDenied")
		if n := strings.Count(out.stderr, "\n"); c.lines == 6 && (n > c.lines || len(out.stderr) > 1024) || c.lines == 8 && n < c.lines {
			t.Errorf("%s says %d lines in %d bytes: %s", c.command, n, len(out.stderr), out.stderr)
		}
	}
}
