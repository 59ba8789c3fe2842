package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehop/saml/samltest"
)

// TestConfigure: asked or told by flags, one sign-in writes what a person would have
// written by hand, and what comes after it needs no other one.
func TestConfigure(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"a person": nil, "flags": byFlags("--yes")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newcomer(t, worldOptions{})
			if w.answer = wizard(); flags != nil {
				w.answer = nil
				w.vars = append(w.vars, password(worldPassword))
			} else {
				flags = []string{"configure"}
			}
			o := w.run(flags...).want(t, 0, "AD FS: found form#loginForm", "assumed-role/Admins/alice", "aws s3 ls --profile prod")
			if o.stdout != "" {
				t.Errorf("stdout has %q", o.stdout)
			}
			if got := w.configFile(); got != w.byHand() {
				t.Errorf("the file is\n%s, want\n%s", got, w.byHand())
			}
			if w.answer != nil && w.askedFor("password") != 1 {
				t.Errorf("asked for the password %d times", w.askedFor("password"))
			}
			w.answer, w.vars = nil, slices.DeleteFunc(w.vars, func(v string) bool { return strings.HasPrefix(v, "GATEHOP_PASSWORD=") })
			for _, p := range []string{"gateway", "prod", "staging"} {
				w.run("credential-process", p).want(t, 0, `"Version"`)
			}
			if counts := w.sts.Counts(); w.logins() != 1 || counts.AssumeRoleWithSAML != 1 {
				t.Errorf("%d sign-ins and %d exchanges, want one of each", w.logins(), counts.AssumeRoleWithSAML)
			}
			// The control: without what configure kept there is no session.
			w.run("logout", "--all")
			w.run("credential-process", "prod").want(t, statusHuman)
		})
	}
}

// TestConfigureAgain: the same answers change nothing, and another account only adds.
func TestConfigureAgain(t *testing.T) {
	t.Parallel()
	w := newcomer(t, worldOptions{})
	w.vars = append(w.vars, password(worldPassword))
	w.run(byFlags("--yes")...).want(t, 0)
	w.write(".aws/config", "# mine\r\n[profile other]\r\nregion=us-east-1 \r\n\r\n"+
		strings.Replace(strings.ReplaceAll(w.byHand(), "\n", "\r\n"), "gatehop_source_profile = gateway\r\n", "gatehop_source_profile = gateway ; mine\r\ngatehop_duration_seconds = 1800\r\n# keep\r\n", 1)+"# end")
	before := w.configFile()
	w.run(byFlags("--yes")...).want(t, 0, "nothing to change")
	w.answer = wizard() // Enter: what is there is offered
	w.answer["destinations"] = "prod=222222222222"
	w.run("configure").want(t, 0, "nothing to change")
	if w.configFile() != before {
		t.Errorf("the file is\n%q, want\n%q", w.configFile(), before)
	}
	if w.askedFor("write") != 0 || w.askedFor("role") != 0 {
		t.Error("asked about what does not change")
	}
	w.answer = nil
	w.run("configure", "--accounts", "dev=444444444444", "--role-name", "Admins", "--yes").want(t, 0)
	added := "\r\n\r\n[profile dev]\r\ngatehop_role_arn       = arn:aws:iam::444444444444:role/Admins\r\ngatehop_source_profile = gateway\r\n" +
		"credential_process     = \"" + w.home + "/gatehop\" credential-process dev\r\nregion                 = eu-west-1"
	if got := w.configFile(); got != before+added {
		t.Errorf("the file is\n%q, want\n%q", got, before+added)
	}
	w.run("configure", "--accounts", "dev=555555555555", "--role-name", "Full", "--external-id", "example-7", "--yes").want(t, 0)
	changed := strings.Replace(added, "444444444444:role/Admins", "555555555555:role/Full", 1) + "\r\ngatehop_external_id    = example-7"
	if got := w.configFile(); got != before+changed {
		t.Errorf("the file is\n%q, want\n%q", got, before+changed)
	}
	if w.logins() != 1 {
		t.Errorf("%d sign-ins, want 1", w.logins())
	}
}

// TestConfigureAnotherRole: run again with the name of another role, a gateway takes that
// one, and keeps all else.
func TestConfigureAnotherRole(t *testing.T) {
	t.Parallel()
	w := newcomer(t, worldOptions{})
	w.vars = append(w.vars, password(worldPassword))
	w.run(byFlags("--yes")...).want(t, 0)
	w.run("configure", "--role", "ReadOnly", "--dry-run").want(t, 0, "-gatehop_role_arn   = "+gatewayARN)
	w.run("configure", "--role", "ReadOnly", "--yes").want(t, 0, "role ReadOnly of account 111111111111 is yours")
	if got, want := w.configFile(), strings.Replace(w.byHand(), gatewayARN, strings.Replace(gatewayARN, "Gateway", "ReadOnly", 1), 1); got != want {
		t.Errorf("the file is\n%s, want\n%s", got, want)
	}
}

// TestConfigureUseless: what is written and gives no credentials is told so, with AWS's
// reason and what to look at.
func TestConfigureUseless(t *testing.T) {
	t.Parallel()
	w := newcomer(t, worldOptions{})
	w.vars = append(w.vars, password(worldPassword))
	flags := byFlags("--yes")
	flags[len(flags)-2] = "Admni"
	o := w.run(flags...).want(t, statusAWS, "gatehop: profile prod is written, but gives no credentials: assume arn:aws:iam::222222222222:role/Admni: ",
		"hint: check the account and the role's name")
	if strings.Contains(o.stderr, "AWS says that you are") {
		t.Errorf("that is no success: %s", o.stderr)
	}
	w.run(byFlags("--yes")...).want(t, 0, "AWS says that you are") // the control
}

// TestConfigureBundle: a bundle that cannot be used is named once, with what to give.
func TestConfigureBundle(t *testing.T) {
	t.Parallel()
	for file, words := range map[string]string{
		"/no/such.pem": `gatehop: CA bundle "/no/such.pem" cannot be read: `,
		"empty.pem":    `empty.pem" holds no certificate in PEM form`,
	} {
		w := newcomer(t, worldOptions{})
		if !filepath.IsAbs(file) {
			w.write(file, "nothing")
			file = filepath.Join(w.home, file)
		}
		o := w.run(byFlags("--yes", "--ca-bundle", file)...).want(t, statusUsage, words, "hint: give --ca-bundle FILE")
		if strings.Count(o.stderr, file) != 1 {
			t.Errorf("%s is named more than once: %s", file, o.stderr)
		}
	}
}

// TestConfigureMissing: without a person every answer that is missing names its flag.
func TestConfigureMissing(t *testing.T) {
	t.Parallel()
	without := func(flag string) []string {
		all := byFlags("--yes")
		i := slices.Index(all, flag)
		n := 2
		if flag == "--yes" {
			n = 1
		}
		return slices.Delete(all, i, i+n)
	}
	for _, c := range []struct {
		name   string
		args   []string
		vars   []string
		status int
		words  string
	}{
		{"nothing", byFlags("--yes"), []string{password(worldPassword)}, 0, ""},
		{"the address", without("--url"), []string{password(worldPassword)}, statusHuman, "--url"},
		{"the user", without("--username"), []string{password(worldPassword)}, statusHuman, "--username"},
		{"the role", without("--role"), []string{password(worldPassword)}, statusAmbiguous, "--role ACCOUNT/NAME"},
		{"the region", without("--region"), []string{password(worldPassword), "AWS_REGION=eu-west-1"}, 0, ""},
		{"the name of the role", without("--role-name"), []string{password(worldPassword)}, statusUsage, "--role-name"},
		{"the password", byFlags("--yes"), nil, statusHuman, "--password-stdin"},
		{"the yes", without("--yes"), []string{password(worldPassword)}, statusHuman, "--yes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newcomer(t, worldOptions{})
			o := w.runWith(c.vars, c.args...).want(t, c.status, c.words)
			if written := w.configFile() != ""; written != (c.status == 0) {
				t.Errorf("written: %v\n%s", written, o.stderr)
			}
			if c.status != 0 && c.status != statusAmbiguous && w.logins() > 0 {
				t.Error("a password was sent for nothing")
			}
		})
	}
}

// TestConfigureWrongPassword: a refused password is sent once, and the next run does not
// send it again; nothing is written.
func TestConfigureWrongPassword(t *testing.T) {
	t.Parallel()
	w := newcomer(t, worldOptions{})
	for range 2 {
		w.runWith([]string{password("not it")}, byFlags("--yes")...).want(t, statusRefused)
	}
	if w.logins() != 1 || w.configFile() != "" {
		t.Errorf("%d passwords sent, want 1; the file is %q", w.logins(), w.configFile())
	}
	w.runWith([]string{password(worldPassword)}, byFlags("--yes")...).want(t, 0) // the control
	if w.logins() != 2 {
		t.Errorf("%d passwords sent, want 2", w.logins())
	}
}

// TestConfigureRefusals: what is there and gets its credentials otherwise stays as it is.
// Each has a file that is taken, as its control.
func TestConfigureRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, config, mended string
		args                 []string
		words                string
	}{
		{"static keys", "[profile prod]\naws_access_key_id = AKIA\n", "[profile prod]\noutput = json\n", nil, "aws_access_key_id"},
		{"single sign-on", "[profile prod]\nsso_session = x\n", "[profile prod]\n", nil, "sso_session"},
		{"a hop of aws's own", "[profile prod]\nrole_arn = arn:aws:iam::222222222222:role/Admins\nsource_profile = gateway\n", "[profile x]\n", nil, "role_arn"},
		{"another helper", "[profile gateway]\ncredential_process = saml2aws\n", "[profile gateway]\nregion = eu-west-1\n", nil, "credential_process"},
		{"a hop for a gateway", "[profile gateway]\ngatehop_source_profile = x\ngatehop_role_arn = y\n", "", nil, "is a hop behind x"},
		{"a gateway for a hop", "[profile prod]\ngatehop_idp = form\n", "", nil, "is a gateway"},
		{"a hop behind another gateway", "[profile prod]\ngatehop_source_profile = other\n", "[profile prod]\ngatehop_source_profile = gateway\n", nil, "behind other"},
		{"a section twice", "[profile a]\n[profile a]\n", "[profile a]\n", nil, "stands twice"},
		{"a key twice", "[profile prod]\ngatehop_note = a\ngatehop_alias = a\ngatehop_alias = b\n", "[profile prod]\ngatehop_alias = a\n", nil, "twice"},
		{"an unknown key", "[profile prod]\ngatehop_source_profile = gateway\ngatehop_alais = x\n", "[profile prod]\ngatehop_alias = x\n", nil, "gatehop_alais"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newcomer(t, worldOptions{})
			w.vars = append(w.vars, password(worldPassword))
			w.write(".aws/config", c.config)
			w.run(byFlags("--yes")...).want(t, statusUsage, c.words, "hint: ")
			if got := w.configFile(); got != c.config {
				t.Errorf("the file is %q, want %q", got, c.config)
			}
			w.write(".aws/config", c.mended)
			w.run(byFlags("--yes")...).want(t, 0)
		})
	}
}

// TestConfigureFlags: flags that cannot be meant, beside ones that can.
func TestConfigureFlags(t *testing.T) {
	t.Parallel()
	base := []string{"configure", "--url", worldHost, "--username", `CORP\alice`, "--role", gatewayARN, "--yes"}
	for _, c := range []struct {
		args  []string
		words string // "": it is fine
	}{
		{nil, ""},
		{[]string{"--accounts", "2222-2222-2222", "--role-name", "Admins"}, ""},
		{[]string{"--accounts", "22222222222", "--role-name", "Admins"}, "12 digits"},
		{[]string{"--accounts", "222222222222", "--role-name", "no role"}, "is not the name of a role"},
		{[]string{"--accounts", "gateway=222222222222", "--role-name", "Admins"}, "gateway"},
		{[]string{"--accounts", "a=222222222222,a=333333333333", "--role-name", "Admins"}, "two profiles"},
		{[]string{"--accounts", "a b=222222222222", "--role-name", "Admins"}, "name"},
		{[]string{"--accounts", "arn:aws:iam::222222222222:role/Admins", "--role-name", "Admins"}, "--destination"},
		{[]string{"--destination", "prod=arn:aws:iam::222222222222:role/Admins"}, ""},
		{[]string{"--destination", "prod=arn:aws-us-gov:iam::222222222222:role/Admins"}, "partition aws-us-gov"},
		{[]string{"--destination", "prod=222222222222"}, "names no role"},
		{[]string{"--external-id", "x"}, "--external-id goes with"},
		{[]string{"--accounts", "222222222222", "--role-name", "Admins", "--external-id", "a b"}, "--external-id"},
		{[]string{"--region", "us-gov-west-1"}, "partition"},
		{[]string{"--region", "Europe"}, "region"},
		{[]string{"--idp", "okta"}, "--idp"},
		{[]string{"--dry-run"}, "exclude"},
		{[]string{"--url", "http://adfs.corp.example"}, "https"},
		{[]string{"--url", "https://u:p@adfs.corp.example"}, "user name"},
		{[]string{"--helper", "gatehop"}, "--helper"},
		{[]string{"--ca-bundle", "/no/such/file"}, "/no/such/file"},
		{[]string{"--username", "alice"}, "has no domain"},
		{[]string{"--username", "alice", "--adfs-domain", "CORP"}, ""},
	} {
		w := newcomer(t, worldOptions{})
		w.vars = append(w.vars, password(worldPassword))
		status := 0
		if c.words != "" {
			status = statusUsage
		}
		w.run(append(slices.Clone(base), c.args...)...).want(t, status, c.words)
		if status != 0 && w.logins() > 0 && !strings.Contains(c.words, "partition") {
			t.Errorf("%q: a password was sent first", c.args)
		}
		if written := w.configFile() != ""; written != (status == 0) {
			t.Errorf("%q: written: %v", c.args, written)
		}
	}
}

// TestConfigureDryRun shows the change on standard output and leaves nothing behind.
func TestConfigureDryRun(t *testing.T) {
	t.Parallel()
	w := newcomer(t, worldOptions{})
	o := w.run(byFlags("--dry-run")...).want(t, 0, "+[profile prod]")
	if !strings.HasPrefix(o.stdout, "--- ") || w.logins() != 0 {
		t.Errorf("stdout is %q after %d sign-ins", o.stdout, w.logins())
	}
	open := []string{"configure", "--url", worldHost, "--username", `CORP\alice`, "--role", "Gateway", "--dry-run", "--json"}
	o = w.runWith([]string{password(worldPassword)}, open...).want(t, 0)
	var report configured
	if err := json.Unmarshal([]byte(o.stdout), &report); err != nil || len(report.Roles) != 2 || report.Changed || report.Identity != nil {
		t.Errorf("%v: %s", err, o.stdout)
	}
	if !strings.Contains(report.Diff, "+gatehop_role_arn   = "+gatewayARN) {
		t.Errorf("the diff is\n%s", report.Diff)
	}
	if w.configFile() != "" || w.logins() != 1 {
		t.Errorf("the file is %q after %d sign-ins", w.configFile(), w.logins())
	}
	if w.run("status").want(t, 0); w.sts.Counts().AssumeRoleWithSAML != 0 {
		t.Error("a role was taken")
	}
}

// TestConfigureJSON prints the facts and nothing else.
func TestConfigureJSON(t *testing.T) {
	t.Parallel()
	w := newcomer(t, worldOptions{})
	o := w.runWith([]string{password(worldPassword)}, byFlags("--yes", "--json", "--quiet")...).want(t, 0)
	var report configured
	if err := json.Unmarshal([]byte(o.stdout), &report); err != nil {
		t.Fatalf("%v: %s", err, o.stdout)
	}
	if o.stderr != "" || report.Provider.Kind != "adfs" || report.User != `CORP\alice` || len(report.Profiles) != 3 || !report.Changed ||
		report.Profiles[1].State != "new" || report.Identity.Account != "222222222222" || report.Identity.By != "gatehop" {
		t.Errorf("%s%s", o.stderr, o.stdout)
	}
}

// TestConfigureOneRole takes the only role and says so.
func TestConfigureOneRole(t *testing.T) {
	t.Parallel()
	w := newcomer(t, worldOptions{roles: []string{samltest.RoleValue(gatewayAccount, "Gateway", sandboxProvider, false)}})
	w.runWith([]string{password(worldPassword)}, "configure", "corp", "--url", worldHost, "--username", `CORP\alice`, "--yes").
		want(t, 0, "the only one", "assumed-role/Gateway/alice")
	if !strings.HasPrefix(w.configFile(), "[profile corp]\n") {
		t.Errorf("the file is\n%s", w.configFile())
	}
}

// TestConfigureHelper: what is gone tomorrow is not written.
func TestConfigureHelper(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"/tmp/go-build123/b001/exe/gatehop": false, "/home/alice/go-build123x/gatehop": true, "/usr/bin/gatehop": true, "/opt/a #b/gatehop": false,
	} {
		c := &configuring{app: &app{process: process{executable: func() (string, error) { return path, nil }}}}
		if got, err := c.helperPath(); (err == nil) != want {
			t.Errorf("helperPath of %s = %q, %v, want it taken: %v", path, got, err, want)
		}
	}
}

// TestConfigurePins: the first sign-in pins whom one signs in to, as that of login does.
func TestConfigurePins(t *testing.T) {
	t.Parallel()
	w := newcomer(t, worldOptions{})
	w.runWith([]string{password(worldPassword)}, byFlags("--yes")...).want(t, 0)
	data, err := os.ReadFile(filepath.Join(w.home, "state", "choices.json"))
	var kept map[string]map[string]string
	if err == nil {
		err = json.Unmarshal(data, &kept)
	}
	if err != nil || kept["gateway"]["issuer"] != w.signer.EntityID || kept["gateway"]["account"] != gatewayAccount {
		t.Errorf("the choices are %s (%v)", data, err)
	}
}
