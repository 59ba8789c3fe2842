package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"gatehop/creds"
	"gatehop/creds/secret"
)

// credentialsOf is the world's credentials file, "" if there is none.
func (w *world) credentials() string {
	data, err := os.ReadFile(filepath.Join(w.home, ".aws", "credentials"))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return string(data)
}

// keyOf is the value of a key in the last section of the credentials file.
func (w *world) keyOf(name string) string {
	text := w.credentials()
	_, value, _ := strings.Cut(text[strings.LastIndex(text, "\n[")+1:], name+" = ")
	value, _, _ = strings.Cut(value, "\n")
	return value
}

func TestLoginWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.vars = []string{password(worldPassword)}
	w.write(".aws/credentials", "# mine\n[other]\naws_access_key_id = AKIA0\n")
	o := w.run("login", "dev", "--write").want(t, statusOK, "IDENTITY", "wrote section [dev-session] of ")
	if got := w.credentials(); !strings.HasPrefix(got, "# mine\n[other]\naws_access_key_id = AKIA0\n\n[dev-session]\nx_gatehop_profile = dev\n") {
		t.Errorf("the file = %q", got)
	}
	secret, token := w.keyOf("aws_secret_access_key"), w.keyOf("aws_session_token")
	if len(secret) < 20 || len(token) < 20 || !strings.HasSuffix(w.keyOf("x_security_token_expires"), "Z") || w.keyOf("region") != "eu-west-1" {
		t.Errorf("the file = %q", w.credentials())
	}
	dry := w.run("login", "dev", "--write", "--dry-run").want(t, statusOK, "-aws_access_key_id = ASIA", "+aws_access_key_id = <after the sign-in>")
	again := w.run("login", "gateway", "--write=dev-session", "--json").want(t, statusOK, `"section": "dev-session"`)
	for name, value := range map[string]string{"secret": secret, "token": token} {
		for _, run := range []output{o, dry, again} {
			if forms := leaks(run.stdout+run.stderr, value); forms != nil {
				t.Errorf("gatehop %v shows the %s (%v)", run.argv, name, forms)
			}
		}
		if strings.Contains(w.credentials(), value) {
			t.Errorf("the old %s is still there", name)
		}
	}
	if forms := leaks(w.credentials(), secret+token); forms != nil { // the control of both
		t.Errorf("%v of what was never written", forms)
	}
	var report struct{ Written written }
	if err := json.Unmarshal([]byte(again.stdout), &report); err != nil || report.Written.File == "" || w.keyOf("x_gatehop_profile") != "gateway" {
		t.Errorf("JSON = %s, %v", again.stdout, err)
	}
}

// TestLoginWriteRefused: what is refused is refused before anything is asked or sent,
// and changes nothing.
func TestLoginWriteRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, config, credentials string
		args                      []string
		words                     []string
	}{
		{"a profile of gatehop's", "", "", []string{"--write=dev"}, []string{"gatehop_role_arn", "hint: choose a name"}},
		{"the same by force", "", "", []string{"--write=dev", "--overwrite"}, []string{"gatehop_role_arn"}},
		{"a role", "[profile x]\nrole_arn = y\n", "", []string{"--write=x", "--overwrite"}, []string{"role_arn"}},
		{"a process", "[profile x]\nregion = y\ncredential_process = y\n", "", []string{"--write=x"}, []string{"credential_process"}},
		{"single sign-on", "[profile x]\nsso_session = y\n", "", []string{"--write=x"}, []string{"sso_session"}},
		{"static keys", "[profile x]\naws_session_token = y\n", "", []string{"--write=x"}, []string{"aws_session_token"}},
		{"in a spelling of Go's", "[ profile x ]\nrole_arn = y\n", "", []string{"--write=x"}, []string{"role_arn"}},
		{"the default profile", "[default]\nrole_arn = y\n", "", []string{"--write=default"}, []string{"role_arn"}},
		{"somebody's keys", "", "[x]\naws_access_key_id = AKIA\n", []string{"--write=x"}, []string{"line 2", "--overwrite"}},
		{"somebody's region", "", "[x]\nregion = us-east-1\n", []string{"--write=x"}, []string{"line 2", "--overwrite"}},
		{"a section twice", "", "[x]\nk = v\n[x]\nk = v\n", []string{"--write=x", "--overwrite"}, []string{"line 3", "hint: edit"}},
		{"junk", "", "junk\n", []string{"--write=x"}, []string{"line 1", "hint: edit"}},
		{"an odd name", "", "", []string{"--write=a:b"}, []string{"not every SDK reads"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{config: worldConfig + tt.config})
			w.answer = map[string]string{"password": worldPassword}
			if tt.credentials != "" {
				w.write(".aws/credentials", tt.credentials)
			}
			o := w.run(append([]string{"login", "dev"}, tt.args...)...).want(t, statusUsage, tt.words...)
			if strings.Count(o.stderr, "\n") != 2 || o.stdout != "" {
				t.Errorf("it says %q and %q, want one line and one hint", o.stdout, o.stderr)
			}
			if len(w.adfs.Requests()) != 0 || len(w.asked) != 0 || w.credentials() != tt.credentials {
				t.Errorf("%d requests, %d questions, and the file is %q", len(w.adfs.Requests()), len(w.asked), w.credentials())
			}
			// The control: another name is asked for, sent and written.
			w.write(".aws/credentials", "")
			w.run("login", "dev", "--write=fine").want(t, statusOK)
			if len(w.adfs.Requests()) == 0 || len(w.asked) == 0 || !strings.Contains(w.credentials(), "[fine]") {
				t.Errorf("%d requests, %d questions, and the file is %q", len(w.adfs.Requests()), len(w.asked), w.credentials())
			}
		})
	}
}

// TestWriteDefault wants a word where a section is the one of every tool.
func TestWriteDefault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		said int
	}{
		{"--write=default", 1}, {"--write=default --quiet", 1}, {"--write=default --json", 1}, {"--write=default --dry-run", 1},
		{"--write=defaults", 0}, {"--write", 0},
	} {
		w := newWorld(t, worldOptions{})
		w.vars = []string{password(worldPassword)}
		o := w.run(append([]string{"login", "dev"}, strings.Fields(c.args)...)...).want(t, statusOK)
		const words = "gatehop: warning: section [default] will hold the credentials of profile dev: every tool that names no profile uses them\n"
		if n := strings.Count(o.stderr, words); n != c.said {
			t.Errorf("login dev %s warns %d times, want %d:\n%s", c.args, n, c.said, o.stderr)
		}
	}
}

// TestLoginDryRun leaves no trace at all.
func TestLoginDryRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.answer = map[string]string{"password": worldPassword}
	before := files(t, w.home)
	w.run("login", "dev", "--write", "--dry-run").want(t, statusOK, "+[dev-session]", "+aws_session_token = [secret]")
	w.run("login", "dev", "--write=x", "--dry-run", "--json").want(t, statusOK, `"section": "x"`, `"diff": "---`)
	if after := files(t, w.home); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("before: %v\nafter: %v", before, after)
	}
	if len(w.adfs.Requests()) != 0 || len(w.asked) != 0 {
		t.Errorf("%d requests and %d questions", len(w.adfs.Requests()), len(w.asked))
	}
}

// TestWriteFails: where the file cannot be written the session is there all the same.
func TestWriteFails(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the fault is one of Unix")
	}
	w := newWorld(t, worldOptions{})
	w.vars = []string{password(worldPassword)}
	w.write("state/backups", "in the way")
	w.write(".aws/credentials", "[other]\n")
	if err := os.Chmod(filepath.Join(w.home, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	o := w.run("login", "dev", "--write", "--json").want(t, statusUsage, `"identity"`, "back up")
	if strings.Contains(o.stdout, "written") || w.credentials() != "[other]\n" {
		t.Errorf("it says %s, and the file is %q", o.stdout, w.credentials())
	}
	asked := w.logins()
	w.run("credential-process", "dev").want(t, statusOK, "SessionToken")
	if w.logins() != asked || asked != 1 {
		t.Errorf("%d sign-ins, then %d, want 1", asked, w.logins())
	}
}

// TestWriteSections writes several profiles in one step, or none of them.
func TestWriteSections(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.write(".aws/credentials", "[c]\naws_access_key_id = AKIA\n")
	a := &app{process: process{env: []string{"HOME=" + w.home, "USERPROFILE=" + w.home, "GATEHOP_HOME=" + filepath.Join(w.home, "state")}, stderr: &strings.Builder{}}}
	plan := []writing{{Profile: "gateway", Section: "a", Region: "eu-west-1"}, {Profile: "dev", Section: "b"}}
	file, diff, err := a.planSections(t.Context(), plan, false)
	if err != nil || !strings.Contains(diff, "+[a]") || !strings.Contains(diff, "+[b]") || !strings.HasSuffix(file, "credentials") {
		t.Errorf("planSections = %q, %v:\n%s", file, err, diff)
	}
	if _, err := a.writeSections(t.Context(), plan, false); err == nil || w.credentials() != "[c]\naws_access_key_id = AKIA\n" {
		t.Errorf("writeSections without credentials = %v, and the file is %q", err, w.credentials())
	}
	session := creds.Credentials{
		AccessKeyID: "ASIAEXAMPLEEXAMPLE00", SecretAccessKey: secret.New("secret"), SessionToken: secret.New("token"),
		Expires: w.now.Add(time.Hour), Identity: "arn:aws:sts::444444444444:assumed-role/Admins/alice",
	}
	plan[0].Session, plan[1].Session = session, session
	if done, err := a.writeSections(t.Context(), plan, false); err != nil || !done.Changed {
		t.Errorf("writeSections = %+v, %v", done, err)
	}
	before := w.credentials()
	if !strings.Contains(before, "[a]\nx_gatehop_profile = gateway\n") || !strings.Contains(before, "[b]\nx_gatehop_profile = dev\n") {
		t.Errorf("the file = %q", before)
	}
	plan[0].Region = "eu-west-2"
	if _, err := a.writeSections(t.Context(), append(plan, writing{Profile: "dev", Section: "c", Session: session}), false); err == nil || w.credentials() != before {
		t.Errorf("writeSections with one that is refused = %v, and the file is %q", err, w.credentials())
	}
}
