package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// emptySandbox is a running `gatehop sandbox --empty` and what it prints.
type emptySandbox struct {
	t             *testing.T
	cmd           *exec.Cmd
	home, url, ca string
	env           []string // of the other pane, without user name and password
	stats         string
}

func newEmptySandbox(t *testing.T) *emptySandbox {
	t.Helper()
	s := &emptySandbox{t: t, home: t.TempDir()}
	s.stats = filepath.Join(s.home, "stats.json")
	s.cmd = exec.Command("gatehop", "sandbox", "--empty", "--stats", s.stats)
	s.cmd.Env = append(os.Environ(), "HOME="+s.home, "TMPDIR="+t.TempDir())
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.end() })
	s.env = []string{"HOME=" + s.home, "PATH=" + filepath.Dir(s.program()), "TMPDIR=" + t.TempDir(), "TERM=dumb"}
	exported := regexp.MustCompile(`^export (\w+)='(.*)'$`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		if found := exported.FindStringSubmatch(line); found != nil && found[1] != "GATEHOP_USERNAME" && found[1] != "GATEHOP_PASSWORD" {
			s.env = append(s.env, found[1]+"="+found[2])
		}
		if rest, ok := strings.CutPrefix(line, "# sign-in address: "); ok {
			s.url = rest
		}
		if rest, ok := strings.CutPrefix(line, "# its CA: "); ok {
			s.ca = strings.TrimSpace(rest)
		}
		if strings.Contains(line, "aws sts get-caller-identity") {
			return s
		}
	}
	t.Fatalf("the sandbox does not say how to go on; it printed %q", s.env)
	return nil
}

// program is the test binary under gatehop's name.
func (s *emptySandbox) program() string {
	s.t.Helper()
	path, err := exec.LookPath("gatehop")
	if err != nil {
		s.t.Fatal(err)
	}
	return path
}

// end stops the sandbox and returns what was asked of it.
func (s *emptySandbox) end() (counts struct {
	IDP struct {
		Logins     int      `json:"logins"`
		ClientBugs []string `json:"client_bugs"`
	} `json:"idp"`
	STS struct{ AssumeRoleWithSAML int } `json:"sts"`
}) {
	s.t.Helper()
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Signal(unix.SIGTERM)
		_ = s.cmd.Wait()
	}
	data, err := os.ReadFile(s.stats)
	if err == nil {
		err = json.Unmarshal(data, &counts)
	}
	if err != nil {
		s.t.Error(err)
	}
	return counts
}

// configure starts the wizard on a terminal.
func (s *emptySandbox) configure(args ...string) *screen {
	s.t.Helper()
	cmd := exec.Command(s.program(), append([]string{"configure", "--helper", s.program()}, args...)...)
	cmd.Env = s.env
	return screenFor(s.t, cmd, s.home)
}

// file is the AWS config file that was written; "" if there is none.
func (s *emptySandbox) file() string {
	data, err := os.ReadFile(filepath.Join(s.home, ".aws", "config"))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return string(data)
}

// TestConfigureScreen is the wizard as a newcomer meets it, with what newcomers do wrong.
func TestConfigureScreen(t *testing.T) {
	t.Parallel()
	box := newEmptySandbox(t)
	s := box.configure()
	letGo := s.keepOpen()
	answer := func(question, keys string) {
		t.Helper()
		s.see(question)
		s.typeKeys(keys + "\r")
	}
	answer("Sign-in address", "127.0.0.1:1")
	s.see("hint: check the address")
	answer("connection refused", box.url)
	answer("CN=gatehop sandbox CA", "/no/such/file")
	answer(`"/no/such/file" cannot be read: no such file or directory.`, box.ca)
	answer("found form#loginForm and /adfs/", "alice")
	answer("has no domain", `CORP\alice`)
	s.see("Password of")
	s.waitForEcho(false)
	s.typeKeys("not-the-password\r")
	s.see("Incorrect user ID or password")
	s.waitForEcho(false)
	s.typeKeys(sandboxPassword + "\r")
	answer("3 roles are offered", gatewayARN)
	answer("Region [eu-west-1]", "")
	answer("Accounts [none]", "prod=222222222222, 33333333333")
	answer("\"33333333333\" is not an account", "prod=222222222222, gateway=333333333333")
	answer("\"gateway\" is the gateway's own name.", "prod=222222222222, prod=333333333333")
	answer(`"prod" is the name of another account already.`, "prod=222222222222, 333333333333")
	answer("Role in these accounts", "Admins")
	answer("Name of the profile for 333333333333 [Admins-333333333333]", "prod")
	answer(`"prod" is the name of another account already.`, "a b")
	answer(`"a b" is a name that not every SDK reads`, "staging")
	answer("Further accounts [none]", "")
	s.see("+[profile staging]")
	if box.file() != "" {
		t.Error("written before it was agreed to")
	}
	answer("Write this? [y/N]", "y")
	s.see("AWS says that you are arn:aws:sts::222222222222:assumed-role/Admins/alice")
	if status := s.leave(); status != 0 || !s.echoes() {
		t.Errorf("status %d, the terminal echoes: %v", status, s.echoes())
	}
	letGo()
	s.see("\x00end")
	if s.times(sandboxPassword) > 0 || s.times("not-the-password") > 0 {
		t.Error("a password was shown")
	}
	for _, p := range []string{"gateway", "prod", "staging"} {
		cmd := exec.Command(box.program(), "credential-process", p, "--no-input")
		cmd.Env = box.env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("credential-process %s: %v\n%s", p, err, out)
		}
	}
	if n := box.end(); n.IDP.Logins != 2 || n.STS.AssumeRoleWithSAML != 1 || len(n.IDP.ClientBugs) > 0 {
		t.Errorf("%+v, want the wrong password and the right one, once each", n)
	}
	if t.Failed() {
		t.Log(s.text.String())
	}
}

// TestConfigureLeaves: whoever leaves, or says no, has nothing written.
func TestConfigureLeaves(t *testing.T) {
	t.Parallel()
	box := newEmptySandbox(t)
	base := []string{"--url", box.url, "--ca-bundle", box.ca, "--username", `CORP\alice`, "--role", gatewayARN}
	for _, c := range []struct {
		name   string
		act    func(s *screen)
		status int
	}{
		{"Ctrl-C at the password", func(s *screen) {
			s.see("Password of")
			s.waitForEcho(false)
			s.typeKeys("\x03")
		}, statusInterrupted},
		{"no", func(s *screen) {
			s.see("Password of")
			s.waitForEcho(false)
			s.typeKeys(sandboxPassword + "\r")
			s.see("Accounts [none]")
			s.typeKeys("\r")
			s.see("Write this? [y/N]")
			s.typeKeys("n\r")
			s.see("nothing was written")
		}, statusFailed},
		{"yes, as the control", func(s *screen) { // what was signed in to is kept
			s.see("Accounts [none]")
			s.typeKeys("\r")
			s.see("Write this? [y/N]")
			s.typeKeys("y\r")
		}, 0},
	} {
		s := box.configure(append(base, "--region", "eu-west-1")...)
		letGo := s.keepOpen()
		c.act(s)
		if status := s.leave(); status != c.status || !s.echoes() {
			t.Errorf("%s: status %d, want %d; the terminal echoes: %v\n%s", c.name, status, c.status, s.echoes(), s.text.String())
		}
		letGo()
		if (box.file() != "") != (c.status == 0) {
			t.Errorf("%s: the file is %q", c.name, box.file())
		}
	}
	if n := box.end(); n.IDP.Logins != 1 {
		t.Errorf("%d sign-ins, want 1", n.IDP.Logins)
	}
}
