package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehop/sts/ststest"
)

// worldOfMany has two gateways at one provider, one at another, and hops behind them.
const worldOfMany = worldConfig + `
[profile staging]
gatehop_role_arn = arn:aws:iam::333333333333:role/Admins
gatehop_source_profile = gateway

[profile brief]
gatehop_role_arn = arn:aws:iam::222222222222:role/Admins
gatehop_source_profile = gateway
gatehop_duration_seconds = 1800

[profile denied]
gatehop_role_arn = arn:aws:iam::666666666666:role/Admins
gatehop_source_profile = gateway

[profile reader]
gatehop_from = gateway
gatehop_role_arn = arn:aws:iam::111111111111:role/ReadOnly
region = eu-west-1

[profile elsewhere]
gatehop_idp = adfs
gatehop_url = https://adfs.other.example
gatehop_username = CORP\alice
gatehop_store = file
`

func (w *world) refresh(status int, args ...string) (list []refreshed) {
	w.t.Helper()
	out := w.run(append([]string{"refresh", "--json"}, args...)...).want(w.t, status)
	if err := json.Unmarshal([]byte(out.stdout), &list); err != nil && out.stdout != "" {
		w.t.Fatalf("refresh --json: %v\n%s", err, out.stdout)
	}
	return list
}

// results joins what became of each profile.
func results(list []refreshed) string {
	var words []string
	for _, r := range list {
		words = append(words, r.Profile+" "+r.Result)
	}
	return strings.Join(words, ", ")
}

// TestRefresh wants what is still good left alone and the rest renewed, with one
// sign-in for all of it.
func TestRefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: worldOfMany})
	w.vars = []string{password(worldPassword)}
	if got, want := results(w.refresh(0, "dev", "staging", "gateway", "dev")), "dev new, staging new, gateway new"; got != want {
		t.Errorf("refresh = %s, want %s", got, want)
	}
	w.now = w.now.Add(30 * time.Minute)
	list := w.refresh(0, "dev", "staging", "reader", "--at-least", "20m")
	if got, want := results(list), "dev cached, staging cached, reader new"; got != want {
		t.Errorf("refresh = %s, want %s", got, want)
	}
	if *list[0].Seconds != 1800 || list[0].Identity != "arn:aws:sts::444444444444:assumed-role/Admins/alice" {
		t.Errorf("dev = %+v", list[0])
	}
	list = w.refresh(0, "dev", "--at-least", "45m")
	if results(list) != "dev new" || *list[0].Seconds != 3600 {
		t.Errorf("refresh --at-least 45m = %+v", list)
	}
	// Nobody is needed as long as the gateway's session lives.
	w.vars = nil
	w.now = w.now.Add(10 * time.Hour)
	if got := results(w.refresh(0, "dev", "staging", "--at-least", "59m")); got != "dev new, staging new" {
		t.Errorf("refresh without a password = %s", got)
	}
	// Two gateways of one provider and user: half an hour later it still knows the person.
	if n := w.logins(); n != 1 {
		t.Errorf("%d passwords were sent, want 1", n)
	}
	w.run("refresh", "dev", "staging").want(t, 0, "PROFILE", "dev      cached  in 1 h")
}

// TestRefreshSharesAssertion wants two gateways of one provider and user made from one
// sign-in.
func TestRefreshSharesAssertion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: strings.ReplaceAll(worldOfMany, "gatehop_store", "gatehop_keep_session = no\ngatehop_store")})
	w.vars = []string{password(worldPassword)}
	w.refresh(0, "gateway", "reader", "dev")
	if c := w.sts.Counts(); w.logins() != 1 || c.AssumeRoleWithSAML != 2 {
		t.Errorf("%d sign-ins, %+v; want 1 sign-in for 2 sessions", w.logins(), c)
	}
	// The control: an assertion that is too old to be sent is fetched again.
	w.now = w.now.Add(11*time.Hour + 50*time.Minute)
	w.refresh(0, "gateway")
	w.refresh(0, "reader")
	if n := w.logins(); n != 3 {
		t.Errorf("%d sign-ins, want 3", n)
	}
}

// TestRefreshFailures wants what can be made made, each failure said once, and the
// status of the first.
func TestRefreshFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: worldOfMany})
	out := w.run("refresh", "dev", "staging").want(t, statusHuman, "dev      failed", "staging  failed", "run `gatehop login gateway`")
	if n := strings.Count(out.stderr, "gatehop: "); n != 1 {
		t.Errorf("%d lines say that a person is needed, want 1:\n%s", n, out.stderr)
	}
	w.vars = []string{password(worldPassword)}
	out = w.run("refresh", "denied", "dev").want(t, statusAWS, "denied   failed", "dev      new", "AccessDenied")
	if w.logins() != 1 {
		t.Errorf("%d sign-ins, want 1", w.logins())
	}
	list := w.refresh(statusAWS, "dev", "denied")
	if results(list) != "dev cached, denied failed" || !strings.Contains(list[1].Error, "AccessDenied") || list[1].Expires != nil {
		t.Errorf("refresh = %+v", list)
	}
	// What is left is no answer where more was asked for.
	w.vars = nil
	w.now = w.now.Add(11*time.Hour + 30*time.Minute)
	w.run("credential-process", "gateway").want(t, 0)
	w.run("refresh", "gateway", "--at-least", "1h").want(t, statusHuman, "nobody to ask")
}

// TestRefreshLimits wants refused, before anything is sent, what cannot be had.
func TestRefreshLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: worldOfMany, sts: func(o *ststest.Options) {
		o.Roles = []ststest.Role{{ARN: gatewayARN, MaxSession: 2 * time.Hour, TrustProviders: o.Roles[0].TrustProviders}}
	}})
	w.vars = []string{password(worldPassword)}
	for _, c := range []struct {
		args, words string
		status      int
	}{
		{"dev --at-least 1h", "59 min at most", statusUsage},
		{"brief --at-least 30m", "29 min at most", statusUsage},
		{"gateway --at-least 12h", "11 h 59 min at most", statusUsage},
		{"dev --at-least -1m", "not a time to come", statusUsage},
		{"dev nope", `"nope" is in neither`, statusUsage},
		{"gateway elsewhere", `GATEHOP_PASSWORD is set and the profiles sign in as CORP\alice at adfs.corp.example and as CORP\alice at adfs.other.example`, statusUsage},
	} {
		w.run(append([]string{"refresh"}, strings.Fields(c.args)...)...).want(t, c.status, c.words)
	}
	if n := w.logins(); n != 0 {
		t.Fatalf("%d sign-ins for what is refused, want none", n)
	}
	w.run("refresh", "gateway", "--at-least", "3h").want(t, statusFailed, "a new session has 2 h and not the 3 h")
	if n := w.logins(); n != 1 {
		t.Errorf("%d sign-ins, want 1", n)
	}
	// What AWS said then is known, and nothing is sent again.
	w.run("refresh", "gateway", "--at-least", "3h").want(t, statusUsage, "1 h 59 min at most (what its profile or its role allows")
	w.write(".aws/config", strings.Replace(worldOfMany, "gatehop_store", "gatehop_session_duration = 1h\ngatehop_store", 1))
	w.run("refresh", "gateway", "--at-least", "90m").want(t, statusUsage, "59 min at most")
	if n := w.logins(); n != 1 {
		t.Errorf("%d sign-ins for what is refused, want none", n-1)
	}
}

// TestRefreshAsksOnce wants a sign-in that a person failed at not begun again for every
// profile behind it, and what needs none made all the same.
func TestRefreshAsksOnce(t *testing.T) {
	t.Parallel()
	asked := func(names ...string) (n int) {
		w := newWorld(t, worldOptions{config: worldOfMany})
		w.answer = map[string]string{"password": "wrong"}
		w.run(append([]string{"refresh"}, names...)...).want(t, statusRefused, "dev", "failed")
		for _, q := range w.asked {
			if q.Field == "password" {
				n++
			}
		}
		return n
	}
	one, three := asked("dev"), asked("dev", "staging", "brief")
	if one == 0 || three != one {
		t.Errorf("the password was asked for %d times for one profile and %d times for three", one, three)
	}

	w := newWorld(t, worldOptions{config: worldOfMany})
	w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, 0)
	w.now = w.now.Add(11*time.Hour + 50*time.Minute) // the gateway is past its margin, and lives
	list := w.refresh(statusHuman, "gateway", "dev", "staging", "--at-least", "30m")
	if got := results(list); got != "gateway failed, dev new, staging new" {
		t.Errorf("refresh = %s", got)
	}
}

// TestRefreshOnePerson wants a password of the environment, and one line of standard
// input, sent for one person at one provider.
func TestRefreshOnePerson(t *testing.T) {
	t.Parallel()
	gateway := func(name, url, user string) string {
		return "\n[profile " + name + "]\ngatehop_idp = adfs\ngatehop_url = " + url + "\ngatehop_username = " + user + "\ngatehop_role_arn = " + gatewayARN + "\ngatehop_store = file\nregion = eu-west-1\n"
	}
	config := worldOfMany + gateway("bob", "https://adfs.corp.example", `CORP\bob`) + gateway("spelt", "https://adfs.corp.example", "alice@corp") +
		gateway("port", "https://adfs.corp.example:8443", `CORP\alice`)
	const known = `{"open":{"user":"CORP\\bob"}}`
	only := func(host string) string { return "GATEHOP_IDP_HOST=" + host }
	for _, c := range []struct{ profiles, host, choices, words string }{ // words "": it is let through
		{"gateway dev reader spelt", "", "", ""},
		{"gateway bob", "", "", `sign in as CORP\alice at adfs.corp.example and as CORP\bob at adfs.corp.example: refresh them one after the other`},
		{"gateway bob", only("adfs.corp.example"), "", `and as CORP\bob at adfs.corp.example: refresh`},
		{"bob gateway", only("ADFS.corp.example"), "", `sign in as CORP\bob at adfs.corp.example and as CORP\alice at adfs.corp.example: refresh`},
		{"gateway port", "", "", "at adfs.corp.example:8443: refresh"},
		{"gateway port", only("adfs.corp.example"), "", "at adfs.corp.example:8443: refresh"},
		{"gateway elsewhere", "", "", "at adfs.other.example: GATEHOP_IDP_HOST must name"},
		{"gateway elsewhere", only("adfs.corp.example"), "", ""},
		{"bob elsewhere", only("adfs.other.example"), "", ""},
		{"gateway open", "", "", ""}, // nobody knows yet who it is
		{"gateway open bob", "", "", `and as CORP\bob at adfs.corp.example`},
		{"open gateway bob", "", "", `sign in as CORP\alice at adfs.corp.example and as CORP\bob at`},
		{"open elsewhere", "", "", `sign in at adfs.corp.example and as CORP\alice at adfs.other.example`},
		{"gateway open", "", known, `and as CORP\bob at adfs.corp.example`},
		{"bob open", "", known, ""},
	} {
		w := newWorld(t, worldOptions{config: config})
		w.vars = []string{password("of one"), c.host}
		if c.choices != "" {
			w.write("state/choices.json", c.choices)
		}
		out := w.run(append([]string{"refresh"}, strings.Fields(c.profiles)...)...)
		refused := out.status == statusUsage && w.logins() == 0 && len(w.adfs.Requests()) == 0
		if refused != (c.words != "") || !strings.Contains(out.stderr, c.words) || !refused && strings.Contains(out.stderr, " is set and ") {
			t.Errorf("refresh %s, %q: status %d, %d sign-ins, want %q\n%s", c.profiles, c.host, out.status, w.logins(), c.words, out.stderr)
		}
	}
	w := newWorld(t, worldOptions{config: config})
	w.stdin = strings.NewReader(worldPassword + "\n")
	out := w.run("refresh", "dev", "bob", "spelt", "--password-stdin").want(t, statusUsage, "two persons or providers need one", "dev      new", "bob      failed", "spelt    new")
	if w.logins() == 0 || strings.Contains(out.stderr, "Incorrect") {
		t.Errorf("%d sign-ins\n%s", w.logins(), out.stderr)
	}
}

// TestRefreshParallel makes many hops at once; the race detector watches.
func TestRefreshParallel(t *testing.T) {
	t.Parallel()
	var config strings.Builder
	config.WriteString(worldConfig)
	names := []string{}
	for _, d := range destinations(sandboxOptions{accounts: 30})[3:] {
		names = append(names, d[0])
		config.WriteString("[profile " + d[0] + "]\ngatehop_role_arn = " + d[1] + "\ngatehop_source_profile = gateway\n")
	}
	w := newWorld(t, worldOptions{config: config.String(), sts: func(o *ststest.Options) {
		o.Roles = sandboxRoles(sandboxOptions{roles: 3, accounts: 30})
	}})
	w.vars = []string{password(worldPassword)}
	list := w.refresh(0, names...)
	for i, r := range list {
		if r.Profile != names[i] || r.Result != "new" || r.Identity == "" {
			t.Errorf("%d: %+v", i, r)
		}
	}
	if c := w.sts.Counts(); w.logins() != 1 || c.AssumeRoleWithSAML != 1 || c.AssumeRole != 30 {
		t.Errorf("%d sign-ins, %+v; want 1, 1, 30", w.logins(), c)
	}
}

// TestRefreshWrite wants the sections of all that could be refreshed written in one
// step, and what is refused refused before anything is sent.
func TestRefreshWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: worldOfMany})
	w.vars = []string{password(worldPassword)}
	const foreign = "# mine\n[other]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n"
	w.write(".aws/credentials", foreign+"\n[staging-session]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n")
	w.run("refresh", "dev", "staging", "--write").want(t, statusUsage, "staging-session")
	if n := w.logins(); n != 0 {
		t.Fatalf("%d sign-ins for what is refused, want none", n)
	}
	w.run("refresh", "dev", "--overwrite").want(t, statusUsage, "--overwrite goes with --write")
	w.write(".aws/credentials", foreign)
	out := w.run("refresh", "dev", "denied", "staging", "--write").want(t, statusAWS, "AccessDenied",
		"wrote sections [dev-session] [staging-session] of ")
	if strings.Contains(out.stdout+out.stderr, "wrote section [") {
		t.Errorf("written in more than one step:\n%s", out.stderr)
	}
	text := readFile(t, filepath.Join(w.home, ".aws", "credentials"))
	if !strings.HasPrefix(text, foreign) || strings.Count(text, "\naws_session_token = ") != 2 || strings.Contains(text, "denied") {
		t.Errorf("the credentials file is\n%s", text)
	}
	list := w.refresh(0, "staging", "--write")
	if list[0].Written != "staging-session" || readFile(t, filepath.Join(w.home, ".aws", "credentials")) != text {
		t.Errorf("the same again: %+v", list)
	}
}
