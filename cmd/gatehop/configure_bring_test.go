package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

const saml2awsFile = `[default]
app_id =
url = https://adfs.corp.example/adfs/ls/IdpInitiatedSignOn.aspx?loginToRp=urn:amazon:webservices
username = alice
provider = ADFS
mfa = Auto
skip_verify = true
timeout = 0
aws_urn = urn:amazon:webservices
aws_session_duration = 3600
aws_profile = saml
role_arn = arn:aws:iam::111111111111:role/Gateway
region = eu-west-1
http_attempts_count =
http_retry_delay =
credentials_file =
saml_cache_file =
disable_remember_device = false
disable_sessions = false
download_browser_driver = false
prompter =

[okta]
url = https://corp.okta.com/home
provider = Okta
`

// TestConfigureImport takes over what saml2aws has, says of every setting what became of
// it, and what is written signs in.
func TestConfigureImport(t *testing.T) {
	t.Parallel()
	w := newcomer(t, worldOptions{})
	w.run("configure", "--import", "saml2aws", "--yes").want(t, statusUsage, ".saml2aws", "no such file")
	w.write(".saml2aws", saml2awsFile)
	w.run("configure", "--import", "saml2aws", "--yes").want(t, statusHuman, "--adfs-domain")
	if w.configFile() != "" {
		t.Errorf("written without a domain: %s", w.configFile())
	}
	o := w.run("configure", "--import", "saml2aws", "--adfs-domain", "CORP", "--dry-run").want(t, 0, "+gatehop_adfs_domain", "skip_verify: refused", "okta")
	if w.configFile() != "" || !strings.HasPrefix(o.stdout, "--- ") {
		t.Errorf("a dry run writes, or shows %q", o.stdout)
	}
	o = w.run("configure", "--import", "saml2aws", "--adfs-domain", "CORP", "--yes", "--json").want(t, 0)
	var report configured
	if err := json.Unmarshal([]byte(o.stdout), &report); err != nil || len(report.Profiles) != 1 {
		t.Fatalf("%v: %s", err, o.stdout)
	}
	notes := strings.Join(report.Notes, "\n")
	for line := range strings.Lines(saml2awsFile) {
		if key, _, ok := strings.Cut(line, " ="); ok && !strings.Contains(notes, "  "+key+": ") {
			t.Errorf("nothing is said of %s in\n%s", key, notes)
		}
	}
	if n := strings.Count(o.stderr, "it is empty") + strings.Count(o.stderr, "it is off"); n != 0 || len(tooWide(unset(o.stderr))) > 0 {
		t.Errorf("%d settings that set nothing have a line each, or their line is too wide:\n%s", n, o.stderr)
	}
	for _, key := range []string{"app_id", "disable_sessions", "prompter"} {
		if !strings.Contains(unset(o.stderr), key) {
			t.Errorf("%s is not among %q", key, unset(o.stderr))
		}
	}
	w.run("configure", "--import", "saml2aws", "--adfs-domain", "CORP", "--dry-run", "-v").want(t, 0, "app_id: not needed: it is empty")
	name := report.Profiles[0].Name
	w.runWith([]string{password(worldPassword)}, "login", name).want(t, 0, "assumed-role/Gateway/alice")
	w.run("configure", "--import", "saml2aws", "--adfs-domain", "CORP", "--yes").want(t, 0, "nothing to change")
	w.run("configure", "--import", "okta", "--yes").want(t, statusUsage, "--import")
	w.run("configure", "x", "--import", "saml2aws", "--yes").want(t, statusUsage, "name the profiles themselves")
}

// unset is what is said of settings that set nothing, up to the next line about another.
func unset(text string) string {
	_, rest, _ := strings.Cut(text, "  not needed, being empty or off:")
	rest, _, _ = strings.Cut(rest, "becomes profile")
	return rest
}

const teamFile = `[profile corp]
gatehop_idp = adfs
gatehop_url = https://adfs.corp.example
gatehop_role_arn = arn:aws:iam::111111111111:role/Gateway
region = eu-west-1

[profile prod]
gatehop_role_arn = arn:aws:iam::222222222222:role/Admins
gatehop_source_profile = corp
gatehop_alias = production
region = eu-west-1
`

// TestConfigureTeam merges a fragment: a person's own values stay unless they say
// otherwise, and the file is taken whole or not at all.
func TestConfigureTeam(t *testing.T) {
	t.Parallel()
	w := newcomer(t, worldOptions{})
	w.write("team.ini", teamFile)
	file := filepath.Join(w.home, "team.ini")
	w.run("configure", "--team", file, "--username", `CORP\alice`, "--yes").want(t, 0, "gatehop login corp")
	written := w.configFile()
	w.runWith([]string{password(worldPassword)}, "login", "prod").want(t, 0, "production", "assumed-role/Admins/alice")
	w.run("configure", "--team", file, "--yes").want(t, 0, "nothing to change")

	mine := strings.Replace(written, "https://adfs.corp.example", "https://other.corp.example", 1)
	w.write(".aws/config", mine)
	w.run("configure", "--team", file, "--yes").want(t, 0, "https://other.corp.example, and the company has", "nothing to change")
	w.answer = map[string]string{"take": "no", "write": "yes"}
	w.run("configure", "--team", file).want(t, 0)
	if w.configFile() != mine {
		t.Errorf("a person's own address is gone:\n%s", w.configFile())
	}
	w.answer["take"] = "yes" // the control
	w.run("configure", "--team", file).want(t, 0)
	if w.configFile() != written {
		t.Errorf("the company's address was not taken:\n%s", w.configFile())
	}
	w.answer = nil
	w.write("team.ini", teamFile+"gatehop_password_command = /bin/evil\n")
	w.run("configure", "--team", file, "--yes").want(t, statusUsage, "gatehop_password_command")
	w.run("configure", "--team", "https://corp.example/team.ini", "--yes").want(t, statusUsage)
	if w.configFile() != written {
		t.Errorf("something of a refused file is written:\n%s", w.configFile())
	}
}

// TestConfigureImportOver: what a person has for a sign-in of gatehop's stays against the
// file of another tool, unless they say otherwise: it decides where a password goes, and a
// command for it may stand beside it.
func TestConfigureImportOver(t *testing.T) {
	t.Parallel()
	const mine = "[profile saml]\ngatehop_idp = adfs\ngatehop_url = https://mine.example\ngatehop_username = CORP\\alice\ngatehop_password_command = /bin/echo x\n"
	w := newcomer(t, worldOptions{})
	w.write(".saml2aws", saml2awsFile)
	w.write(".aws/config", mine)
	w.run("configure", "--import", "saml2aws", "--adfs-domain", "CORP", "--yes").want(t, 0, "gatehop_url is https://mine.example", "what is there stays")
	if got := w.configFile(); !strings.HasPrefix(got, mine) || !strings.Contains(got, "gatehop_role_arn = "+gatewayARN) {
		t.Errorf("the file is\n%s", got)
	}
	before := w.configFile()
	w.answer = map[string]string{"take": "no", "write": "yes"}
	w.run("configure", "--import", "saml2aws", "--adfs-domain", "CORP").want(t, 0)
	if w.configFile() != before || w.askedFor("take") != 1 {
		t.Errorf("asked %d times; the file is\n%s", w.askedFor("take"), w.configFile())
	}
	w.answer["take"] = "yes" // the control
	w.run("configure", "--import", "saml2aws", "--adfs-domain", "CORP").want(t, 0)
	if got := w.configFile(); strings.Contains(got, "mine.example") || !strings.Contains(got, "gatehop_password_command") {
		t.Errorf("the file is\n%s", got)
	}
	w.answer = nil
	w.write(".aws/config", "[profile saml]\ngatehop_source_profile = x\ngatehop_role_arn = "+gatewayARN+"\n")
	w.run("configure", "--import", "saml2aws", "--adfs-domain", "CORP", "--yes").want(t, statusUsage, `profile "saml"`, "hop behind x")
}
