package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/session"
)

// statusReport is what `status --json` prints, as a script would read it.
type statusReport struct {
	Profiles []struct {
		Profile, State, Account, Role, Identity, User string
		Chain                                         []string
		Expires                                       string
		Seconds                                       *int64   `json:"seconds_left"`
		Endpoint                                      string   `json:"sts_endpoint"`
		Shadowed                                      []string `json:"shadowed_by"`
		Choices                                       *struct {
			User, Role, Issuer, Account string
			Recent                      []string `json:"recent_roles"`
		}
		Locked *struct{ User, Host, Since, Until string }
	}
	Environment []string
}

func (w *world) status(vars []string, args ...string) (r statusReport) {
	w.t.Helper()
	out := w.runWith(vars, append([]string{"status", "--json"}, args...)...).want(w.t, 0)
	if err := json.Unmarshal([]byte(out.stdout), &r); err != nil {
		w.t.Fatalf("status --json: %v\n%s", err, out.stdout)
	}
	return r
}

// TestStatusStates follows one session from its making to its end.
func TestStatusStates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	before := files(t, w.home)
	w.run("status", "dev").want(t, 0, "dev      gateway  -")
	w.run("status").want(t, 0, "no session is kept")
	w.run("status", "dev", "--short").want(t, 0, "none\n")
	if after := files(t, w.home); len(after) != len(before) {
		t.Errorf("status made files: %q", after)
	}
	w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, 0)
	for _, c := range []struct {
		after   time.Duration
		vars    []string
		state   session.State
		word    string
		seconds int64
	}{
		{0, nil, session.Good, "60m", 3600},
		{39 * time.Minute, nil, session.Good, "21m", 21 * 60},
		{41 * time.Minute, nil, session.Ending, "19m", 19 * 60},
		{59*time.Minute + 30*time.Second, nil, session.Ending, "0m", 30},
		{time.Hour, nil, session.Expired, "expired", 0},
		{3 * time.Hour, nil, session.Expired, "expired", 0},
		{0, []string{`GATEHOP_USERNAME=CORP\bob`}, session.Unused, "none", 3600},
		{0, []string{"GATEHOP_URL=https://other.corp.example"}, session.Unused, "none", 3600},
	} {
		w.now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC).Add(c.after)
		r := w.status(c.vars, "dev")
		if len(r.Profiles) != 2 {
			t.Fatalf("after %v: %+v, want the gateway and dev", c.after, r)
		}
		p := r.Profiles[1]
		if session.State(p.State) != c.state || p.Seconds == nil || *p.Seconds != c.seconds {
			t.Errorf("after %v with %q: %s with %v seconds, want %s with %d", c.after, c.vars, p.State, p.Seconds, c.state, c.seconds)
		}
		if p.Identity != "arn:aws:sts::444444444444:assumed-role/Admins/alice" || p.User != `CORP\alice` || strings.Join(p.Chain, ">") != "gateway>dev" || p.Expires != "2026-03-01T10:00:00Z" {
			t.Errorf("after %v: %+v", c.after, p)
		}
		w.runWith(c.vars, "status", "dev", "--short").want(t, 0, c.word+"\n")
	}
	w.now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	w.run("status", "gateway", "--short").want(t, 0, "12h\n")
	w.run("status", "--short").want(t, 0, "none\n") // two gateways, and nobody is asked which
	w.runWith([]string{"GATEHOP_PROFILE=dev"}, "status", "--short").want(t, 0, "60m\n")
	w.run("status", "--short", "--json").want(t, statusUsage)
	w.run("status", "nope").want(t, statusUsage)
	if n := w.logins(); n != 1 {
		t.Errorf("%d sign-ins, want 1: status is for reading", n)
	}
}

// TestStatusShadows wants everything named that keeps tools from asking gatehop.
func TestStatusShadows(t *testing.T) {
	t.Parallel()
	const key = "AKIAIOSFODNN7EXAMPLE"
	w := newWorld(t, worldOptions{})
	if by := w.status(nil, "gateway").Profiles[0].Shadowed; len(by) != 0 {
		t.Errorf("shadowed by %q, want nothing", by)
	}
	w.write(".aws/credentials", "[gateway]\naws_access_key_id = "+key+"\naws_secret_access_key = k4n4ry-key\n")
	out := w.run("status", "gateway").want(t, 0, "gateway: tools do not ask gatehop: static keys in "+filepath.Join(w.home, ".aws", "credentials"))
	if strings.Contains(out.stdout, key) || strings.Contains(out.stdout, "k4n4ry") {
		t.Errorf("the keys are shown: %s", out.stdout)
	}
	if err := os.Remove(filepath.Join(w.home, ".aws", "credentials")); err != nil {
		t.Fatal(err)
	}
	w.write(".aws/config", worldConfig+"sso_session = corp\n")
	w.run("status", "dev").want(t, 0, "dev: tools do not ask gatehop: sso_session in the profile")

	for _, c := range []struct {
		vars []string
		want string
	}{
		{nil, ""},
		{[]string{"AWS_ACCESS_KEY_ID=" + key}, "AWS_ACCESS_KEY_ID is set"},
		{[]string{"AWS_ACCESS_KEY_ID=" + key, "GATEHOP_PROFILE=dev", "AWS_CREDENTIAL_EXPIRATION=2026-03-01T09:47:00Z"}, "holds credentials of profile dev, which end 2026-03-01T09:47:00Z"},
		{[]string{"AWS_ACCESS_KEY_ID=" + key, "GATEHOP_PROFILE=dev", "AWS_CREDENTIAL_EXPIRATION=2026-03-01T08:47:00Z"}, "of profile dev in this environment have expired"},
		{[]string{"AWS_ACCESS_KEY_ID=" + key, "GATEHOP_PROFILE=\x1b[2Jdev", "AWS_CREDENTIAL_EXPIRATION=2026-03-01T09:47:00Z"}, `profile "\x1b[2Jdev"`},
	} {
		got := w.status(c.vars, "gateway").Environment
		if (len(got) == 0) != (c.want == "") || !strings.Contains(strings.Join(got, ""), c.want) {
			t.Errorf("with %q: environment %q, want %q", c.vars, got, c.want)
		}
	}
}

// TestStatusChoices wants shown what is remembered, and gone what was forgotten.
func TestStatusChoices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.answer = map[string]string{"username": `CORP\alice`, "role": "arn:aws:iam::111111111111:role/ReadOnly"}
	w.runWith([]string{password(worldPassword), "AWS_ENDPOINT_URL_STS=https://" + stsHost}, "login", "open").want(t, 0)
	w.run("status", "open").want(t, 0, `open: chosen user CORP\alice`, "open: chosen role arn:aws:iam::111111111111:role/ReadOnly",
		"open: first signed in at http://adfs.corp.example/adfs/services/trust, account 111111111111")
	r := w.status([]string{"AWS_ENDPOINT_URL_STS=https://" + stsHost}, "open").Profiles[0]
	if c := r.Choices; c == nil || c.User != `CORP\alice` || c.Account != "111111111111" || r.Endpoint != "https://"+stsHost || r.Role != "ReadOnly" {
		t.Errorf("status = %+v, %+v", r, c)
	}
	w.run("logout", "open").want(t, 0)
	if r := w.status(nil, "open").Profiles[0]; r.Choices != nil || session.State(r.State) != session.None {
		t.Errorf("status after logout = %+v", r)
	}
}

// TestStatusLocked wants shown who is locked out, before and after there is a session,
// until a person has signed in, or where nothing can be kept half an hour.
func TestStatusLocked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	refuse := func(vars []string, passwords ...string) {
		for _, p := range passwords {
			w.runWith(append([]string{password(p)}, vars...), "env", "gateway", "--shell", "bash").want(t, statusRefused)
		}
	}
	refuse(nil, "one", "two")
	if l := w.status(nil, "gateway").Profiles[0].Locked; l != nil {
		t.Errorf("locked after two refusals: %+v", l)
	}
	refuse(nil, "three")
	w.now = w.now.Add(2 * time.Hour)
	const line = `gateway: CORP\alice is locked out at adfs.corp.example: 3 different passwords were refused within 30 minutes`
	w.run("status", "gateway").want(t, 0, line, "only a person may try again (`gatehop login gateway`)")
	w.run("status").want(t, 0, line)
	r := w.status(nil)
	if len(r.Profiles) != 1 || r.Profiles[0].Locked == nil || *r.Profiles[0].Locked != (struct{ User, Host, Since, Until string }{`CORP\alice`, "adfs.corp.example", "2026-03-01T09:00:00Z", ""}) {
		t.Errorf("status --json = %+v", r)
	}
	if l := w.status([]string{`GATEHOP_USERNAME=CORP\bob`}, "gateway").Profiles[0].Locked; l != nil {
		t.Errorf("somebody else is locked out: %+v", l)
	}
	before := files(t, w.home)
	w.run("status", "gateway", "--short").want(t, 0, "none\n")
	if after := files(t, w.home); len(after) != len(before) {
		t.Errorf("status made files: %q, then %q", before, after)
	}
	w.answer = map[string]string{"password": worldPassword}
	w.run("login", "gateway").want(t, 0)
	if l := w.status(nil, "gateway").Profiles[0].Locked; l != nil {
		t.Errorf("locked after a sign-in: %+v", l)
	}
	w.run("logout", "--all").want(t, 0)
	none := []string{"GATEHOP_STORE=none"}
	w.answer = nil
	refuse(none, "one")
	if l := w.status(none, "gateway").Profiles[0].Locked; l == nil || l.Until != "2026-03-01T11:30:00Z" {
		t.Errorf("locked with nothing kept: %+v", l)
	}
	w.now = w.now.Add(31 * time.Minute)
	if l := w.status(none, "gateway").Profiles[0].Locked; l != nil {
		t.Errorf("locked for longer than half an hour: %+v", l)
	}
}
