package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/idp/idptest"
	"gatehop/saml/samltest"
)

// spellings are one person in three ways.
var spellings = []string{`CORP\alice`, `corp\ALICE`, "alice@corp"}

// commandWorld is a world whose password command is a shell script, which counts its
// runs.
func commandWorld(t *testing.T, script string, o worldOptions) *world {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the command is a shell script")
	}
	w := newWorld(t, o)
	program := filepath.Join(w.home, "pw")
	w.write("pw", "#!/bin/sh\necho run >> \"$HOME/runs\"\n"+script+"\n")
	if err := os.Chmod(program, 0o700); err != nil {
		t.Fatal(err)
	}
	w.write(".aws/config", strings.ReplaceAll(worldConfig, "gatehop_store = file", "gatehop_store = file\ngatehop_password_command = "+program))
	return w
}

// runs is how often the command ran.
func (w *world) runs() int {
	data, _ := os.ReadFile(filepath.Join(w.home, "runs"))
	return strings.Count(string(data), "run")
}

// TestRefusedOnceAnHour lets a tool ask every minute for an hour, with a command that
// always gives the same wrong password, and one that gives a new one each time. The
// clock is the bubble's.
func TestRefusedOnceAnHour(t *testing.T) {
	t.Parallel()
	rarelyRaced(t, "one run after another, three hundred of them")
	for _, c := range []struct {
		name, script, store string
		sent                int
	}{
		{"the same", "echo wrong", "file", 1},
		{"another each time", `echo "wrong $(wc -l < "$HOME/runs")"`, "file", 3},
		{"the same, nothing kept", "echo wrong", "none", 2}, // once in half an hour
		{"another each time, nothing kept", `echo "wrong $(wc -l < "$HOME/runs")"`, "none", 2},
		{"the right one", "echo '" + worldPassword + "'", "none", 60}, // the control: with nothing kept, each call signs in
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := commandWorld(t, c.script, worldOptions{})
				w.vars = append(w.vars, "GATEHOP_STORE="+c.store)
				for i := range 60 {
					w.runWith([]string{"GATEHOP_USERNAME=" + spellings[i%3]}, "credential-process", "gateway")
					time.Sleep(time.Minute)
					w.now = w.now.Add(time.Minute)
				}
				if n := w.logins(); n != c.sent {
					t.Errorf("%d passwords were sent in an hour, want %d", n, c.sent)
				}
			})
		})
	}
}

// TestRefusedWords has what a tool and a person see of a refusal that is remembered,
// and how it ends.
func TestRefusedWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	wrong := []string{password("wrong-one")}
	w.runWith(wrong, "credential-process", "dev").want(t, statusRefused, "Incorrect user ID or password")
	w.now = w.now.Add(12 * time.Minute)
	w.runWith(wrong, "credential-process", "dev").want(t, statusRefused,
		"the password from GATEHOP_PASSWORD was refused at 09:00 (12 min ago) and is not sent again", "`gatehop login gateway`")
	w.answer = map[string]string{"password": worldPassword}
	out := w.runWith(wrong, "login", "dev").want(t, 0)
	if len(w.asked) != 1 || w.logins() != 2 {
		t.Errorf("the person was asked %d times and %d passwords were sent, want 1 and 2\n%s", len(w.asked), w.logins(), out.stderr)
	}
	w.answer = nil
	w.run("logout", "gateway")
	w.runWith(wrong, "credential-process", "dev").want(t, statusRefused, "is not sent again") // still wrong
	w.runWith([]string{password(worldPassword)}, "credential-process", "dev").want(t, 0)      // corrected: at once
	w.run("logout", "--all").want(t, 0, "which passwords were refused")
	w.runWith(wrong, "credential-process", "dev").want(t, statusRefused, "Incorrect user ID")
}

// TestLogoutKeepsRefusals wants it said that refused passwords stay remembered, of whom
// it is true and of nobody else.
func TestLogoutKeepsRefusals(t *testing.T) {
	t.Parallel()
	const words = "refused passwords stay remembered; `gatehop logout --all` forgets them"
	for _, stored := range []string{"file", "none"} {
		w := newWorld(t, worldOptions{})
		w.vars = []string{"GATEHOP_STORE=" + stored}
		check := func(kept bool, vars []string, profile string) {
			t.Helper()
			out := w.runWith(vars, "logout", profile).want(t, 0)
			if got := strings.Count(out.stderr, words); (got == 1) != kept || got > 1 || kept && strings.Contains(out.stderr, "nothing was kept") {
				t.Errorf("%s: logout %s %v says %q, want the words: %v", stored, profile, vars, out.stderr, kept)
			}
			want := fmt.Sprintf(`"refusals_kept": %v`, kept)
			if out := w.runWith(vars, "logout", profile, "--json").want(t, 0, want); out.stderr != "" {
				t.Errorf("%s: logout --json says %q", stored, out.stderr)
			}
		}
		check(false, nil, "gateway")
		w.runWith([]string{password("wrong-one")}, "credential-process", "dev").want(t, statusRefused)
		bob := []string{`GATEHOP_USERNAME=CORP\bob`}
		check(true, nil, "gateway")
		check(true, nil, "dev")
		check(true, []string{"GATEHOP_USERNAME=alice@corp"}, "gateway")
		check(true, nil, "open") // nobody knows whose
		check(false, bob, "gateway")
		check(false, bob, "open")
		check(false, []string{"GATEHOP_URL=https://adfs.other.example"}, "gateway")
		w.write("state/choices.json", `{"open":{"user":"CORP\\bob"}}`)
		w.run("logout", "open").want(t, 0, "forgot the choices of profile open")
		check(true, nil, "open")
		w.run("logout", "--all", "--json").want(t, 0, `"refusals_kept": false`, "which passwords were refused")
		check(false, nil, "gateway")
		check(false, nil, "open")
	}
}

// TestLockout wants three different refusals to stop everything but a person, who is
// never stopped, until that person has signed in.
func TestLockout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	for i := range 3 {
		w.runWith([]string{password(fmt.Sprint("wrong ", i))}, "env", "gateway").want(t, statusRefused)
	}
	w.now = w.now.Add(48 * time.Hour)
	right := []string{password(worldPassword)}
	w.runWith(right, "credential-process", "gateway").want(t, statusHuman, "3 different passwords were refused", "`gatehop login gateway`")
	if n := w.logins(); n != 3 {
		t.Errorf("%d passwords were sent, want 3", n)
	}
	w.answer = map[string]string{"password": "mistyped"}
	w.run("login", "gateway").want(t, statusRefused)
	w.runWith(right, "credential-process", "gateway").want(t, statusHuman)
	w.answer = map[string]string{"password": worldPassword}
	w.run("login", "gateway").want(t, 0)
	w.answer = nil
	w.run("logout", "gateway").want(t, 0)
	w.runWith(right, "credential-process", "gateway").want(t, 0)
	w.run("logout", "gateway").want(t, 0)
	w.runWith([]string{password("mistyped")}, "credential-process", "gateway").want(t, statusRefused, "is not sent again") // what a person typed is known too
}

// TestNextSource wants a refused source followed by the next in order, and none of them
// asked that is not needed.
func TestNextSource(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, stdin, env, command, person string
		want, sent, runs, asked           int
	}{
		{name: "stdin first", stdin: worldPassword + "\nrest", env: "x", command: "echo y", want: 0, sent: 1},
		{name: "then the environment", stdin: "x\n", env: worldPassword, command: "echo y", want: 0, sent: 2},
		{name: "then the command", stdin: "x\n", env: "y", command: "echo '" + worldPassword + "'", want: 0, sent: 3, runs: 1},
		{name: "then a person", env: "x", command: "echo y", person: worldPassword, want: 0, sent: 3, runs: 1, asked: 1},
		{name: "nobody", env: "x", command: "echo y", want: statusRefused, sent: 2, runs: 1},
		{name: "the same twice", env: "x", command: "echo x", want: statusRefused, sent: 1, runs: 1},
		{name: "a command that fails", command: "echo words >&2; exit 3", want: statusFailed, runs: 1},
		{name: "a command that fails and a person", command: "exit 3", person: worldPassword, want: statusFailed, runs: 1},
		{name: "no password on stdin", stdin: "\n", env: worldPassword, want: statusUsage},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			script := c.command
			w := commandWorld(t, script, worldOptions{})
			if c.command == "" {
				w.write(".aws/config", worldConfig)
			}
			if c.env != "" {
				w.vars = append(w.vars, password(c.env))
			}
			if c.person != "" {
				w.answer = map[string]string{"password": c.person}
			}
			args := []string{"login", "gateway"}
			if c.stdin != "" {
				args = append(args, "--password-stdin")
				w.stdin = strings.NewReader(c.stdin)
			}
			out := w.run(args...).want(t, c.want)
			if w.logins() != c.sent || w.runs() != c.runs || len(w.asked) != c.asked {
				t.Errorf("%d sent, %d runs, %d asked, want %d, %d, %d\n%s", w.logins(), w.runs(), len(w.asked), c.sent, c.runs, c.asked, out.stderr)
			}
			if c.want == statusRefused && !strings.Contains(out.stderr, "Incorrect user ID") {
				t.Errorf("not in the provider's words: %s", out.stderr)
			}
			if left := rest(w.stdin); c.name == "stdin first" && left != "rest" {
				t.Errorf("the rest of standard input is %q", left)
			}
			before := w.runs()
			w.run("credential-process", "gateway")
			w.run("logout", "gateway")
			if c.want == 0 && w.runs() != before {
				t.Error("the command ran with a fresh session, or for logout")
			}
		})
	}
}

func rest(r io.Reader) string {
	if r == nil {
		return ""
	}
	text, _ := io.ReadAll(r)
	return string(text)
}

// TestRedirectedCommand wants no command run while the environment sends its secret
// another way, unless a person confirms both values.
func TestRedirectedCommand(t *testing.T) {
	t.Parallel()
	const other = "https://other.corp.example"
	for _, c := range []struct {
		name    string
		vars    []string
		confirm string // "" : nobody is there
		want    int
		words   string
		runs    int
	}{
		{"as configured", nil, "", 0, "", 1},
		{"the same value", []string{"GATEHOP_URL=https://adfs.corp.example", "GATEHOP_AUTH=forms"}, "", 0, "", 1},
		{"another address", []string{"GATEHOP_URL=" + other}, "", statusHuman, "gatehop_password_command is not run unasked while GATEHOP_URL overrides", 0},
		{"a proxy", []string{"GATEHOP_PROXY=http://u:hidden@proxy.example:1"}, "", statusHuman, "GATEHOP_PROXY", 0},
		{"declined", []string{"GATEHOP_URL=" + other}, "no", statusHuman, "is not run while GATEHOP_URL", 0},
		{"confirmed", []string{"GATEHOP_PROXY=none"}, "yes", 0, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var w *world
			w = commandWorld(t, "echo '"+worldPassword+"'", worldOptions{extra: map[string]http.Handler{
				"other.corp.example": http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.adfs.ServeHTTP(rw, r) }),
			}})
			args := []string{"credential-process", "gateway"}
			if c.confirm != "" {
				w.answer = map[string]string{"confirm": c.confirm}
				args = []string{"login", "gateway"}
			}
			out := w.runWith(c.vars, args...).want(t, c.want, c.words)
			if w.runs() != c.runs {
				t.Errorf("the command ran %d times, want %d\n%s", w.runs(), c.runs, out.stderr)
			}
			if c.confirm != "" && (len(w.asked) == 0 || !strings.Contains(w.asked[0].Label, "the profile has")) {
				t.Errorf("asked %+v, want both values", w.asked)
			}
			if strings.Contains(out.stderr, "hidden") {
				t.Errorf("the proxy's password is shown: %s", out.stderr)
			}
		})
	}
}

// TestRefusedOnceByMany starts processes for one person in three spellings, all with the
// same wrong password: it is sent once.
func TestRefusedOnceByMany(t *testing.T) {
	t.Parallel()
	for _, right := range []bool{false, true} {
		company := newRealCompany(t, realOptions{config: "gatehop_keep_session = no"})
		var wg sync.WaitGroup
		for i := range 2 * len(spellings) { // each recognises secrets, which is slow on purpose
			wg.Go(func() {
				cmd := company.command("state", "gatehop", "credential-process", "gateway")
				cmd.Env = append(cmd.Env, "GATEHOP_USERNAME="+spellings[i%3])
				if !right {
					cmd.Env = append(cmd.Env, password("the wrong one"))
				}
				out, _ := cmd.CombinedOutput()
				if !right && !strings.Contains(string(out), "Incorrect user ID") && !strings.Contains(string(out), "is not sent again") {
					t.Errorf("process %d: %s", i, out)
				}
			})
		}
		wg.Wait()
		posts := company.calls()["password"]
		if !right && posts != 1 {
			t.Errorf("%d passwords were sent, want 1", posts)
		}
		if right && posts < 3 { // the control: what is not refused is sent by each
			t.Errorf("%d right passwords were sent, want one for each spelling at least", posts)
		}
	}
}

// TestCommandOnlyWhenNeeded wants the command left alone by what fails before a
// password is needed, and by those who are told of such a failure.
func TestCommandOnlyWhenNeeded(t *testing.T) {
	t.Parallel()
	w := commandWorld(t, "echo '"+worldPassword+"'", worldOptions{})
	w.write(".aws/config", readFile(t, filepath.Join(w.home, ".aws", "config"))+
		"[profile denied]\ngatehop_role_arn = arn:aws:iam::666666666666:role/Admins\ngatehop_source_profile = gateway\n")
	w.run("credential-process", "dev").want(t, 0)
	if n := w.runs(); n != 1 {
		t.Fatalf("the command ran %d times for a sign-in, want 1", n)
	}
	for range 2 {
		w.run("credential-process", "denied").want(t, statusAWS, "AccessDenied")
	}
	if c := w.sts.Counts(); c.Refused != 1 {
		t.Errorf("AWS refused %d calls, want 1: the second run is told of the first", c.Refused)
	}
	if n := w.runs(); n != 1 {
		t.Errorf("the command ran %d times, want 1: nothing needed the password again", n)
	}
	// The control: one that signs in again runs it again.
	w.run("login", "dev", "--force").want(t, 0)
	if n := w.runs(); n != 2 {
		t.Errorf("the command ran %d times after a second sign-in, want 2", n)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestCodeCommand signs in where a code is asked for on a page of its own: the command
// gives one for each sign-in, and a refused code says nothing about the password.
func TestCodeCommand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, script string
		vars         []string
		status, runs int
	}{
		{"command", "echo " + idptest.MFACode, nil, 0, 1},
		{"environment first", "echo 999999", []string{"GATEHOP_OTP=" + idptest.MFACode}, 0, 0},
		{"refused", "echo 999999", nil, statusRefused, 1},
		{"broken", "exit 3", nil, statusFailed, 1},
		{"nothing gives a code", "", nil, statusHuman, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := commandWorld(t, c.script, worldOptions{})
			user := idptest.User{Name: "alice", Password: worldPassword, SessionName: "alice", MFA: true,
				Roles: []string{samltest.RoleValue(gatewayAccount, "Gateway", sandboxProvider, false)}}
			form, err := idptest.NewForm(idptest.FormOptions{Users: []idptest.User{user}, Signer: w.signer, Now: w.clock, Rand: newRandom(9)})
			if err != nil {
				t.Fatal(err)
			}
			w.net = idptest.Transport(map[string]http.Handler{"sso.corp.example": form, stsHost: w.sts})
			config := "[profile gateway]\ngatehop_idp = form\ngatehop_url = https://sso.corp.example" + idptest.FormEntry +
				"\ngatehop_username = alice\ngatehop_store = file\nregion = eu-west-1\n"
			if c.script != "" {
				config += "gatehop_otp_command = " + filepath.Join(w.home, "pw") + "\n"
			}
			w.write(".aws/config", config)
			w.vars = append([]string{password(worldPassword)}, c.vars...)
			w.run("credential-process", "gateway").want(t, c.status)
			if n := w.runs(); n != c.runs {
				t.Errorf("the command ran %d times, want %d", n, c.runs)
			}
			if c.status != statusRefused {
				return
			}
			// The control: with a right code the same password is sent again.
			w.runWith([]string{"GATEHOP_OTP=" + idptest.MFACode}, "credential-process", "gateway").want(t, 0)
		})
	}
}
