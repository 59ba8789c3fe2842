package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/cmd/gatehop/internal/setting"
	"gatehop/idp/idptest"
)

// secretSource is one way in which a script gives a password.
type secretSource struct {
	name string
	give func(w *world, dir, password string) (flags []string) // dir lies outside the home
}

func secretSources(t *testing.T) []secretSource {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the commands are shell scripts")
	}
	command := func(script string) func(w *world, dir, password string) []string {
		return func(w *world, dir, password string) []string {
			program := filepath.Join(dir, "pw")
			for path, text := range map[string]string{program: "#!/bin/sh\n" + strings.ReplaceAll(script, "FILE", filepath.Join(dir, "kept")) + "\n", filepath.Join(dir, "kept"): password + "\n"} {
				if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
					w.t.Fatal(err)
				}
			}
			w.write(".aws/config", strings.ReplaceAll(worldConfig, "gatehop_store = file", "gatehop_store = file\ngatehop_password_command = "+program))
			return nil
		}
	}
	return []secretSource{
		{"standard input", func(w *world, _, password string) []string {
			w.stdin = strings.NewReader(password + "\nmore\n")
			return []string{"--password-stdin"}
		}},
		{"a command", command("cat FILE; cat FILE >&2")},
		{"a command that fails", command("cat FILE; cat FILE >&2; exit 1")},
		{"a command that prints a page", command("cat FILE | tr -d '\\n'; printf '\\033[2J\\n'; cat FILE >&2")},
	}
}

// left is all that a run leaves outside the sinks, with the home's own path taken out.
func (w *world) left(dir string, out output, sink bool) string {
	text := fmt.Sprintf("status %d\n%s\n", out.status, out.stderr)
	if !sink {
		text += out.stdout
	}
	for _, name := range files(w.t, w.home) {
		text += name + "\n"
	}
	for _, entry := range out.child {
		if !strings.HasPrefix(entry, "AWS_") && !strings.HasPrefix(entry, "PATH=") {
			text += entry + "\n"
		}
	}
	return withoutChance(strings.NewReplacer(w.home, "HOME", dir, "DIR").Replace(text))
}

// TestSourceCanaries takes the password from every source, right and refused, and looks
// for it in all that is left; and wants no difference between two passwords.
func TestSourceCanaries(t *testing.T) {
	t.Parallel()
	for _, source := range secretSources(t) {
		for _, right := range []bool{true, false} {
			t.Run(fmt.Sprint(source.name, " ", right), func(t *testing.T) {
				t.Parallel()
				lines := [][]string{{"-v", "login", "dev"}, {"-v", "credential-process", "dev"}, {"-v", "exec", "dev", "--", "sh"}}
				if !right {
					lines = lines[1:2] // the others fail in the same way
				}
				for _, args := range lines {
					var seen [2]string
					for i, secret := range []string{worldPassword, "another " + worldPassword} {
						o := worldOptions{password: secret, seed: byte(i + 1)}
						if !right {
							o.password = "the right one"
						}
						w, dir := newWorld(t, o), t.TempDir()
						flags := source.give(w, dir, secret)
						line := append([]string{args[0], args[1], args[2]}, append(flags, args[3:]...)...)
						for range 2 { // the second run knows what was refused
							out := w.run(line...)
							seen[i] += w.left(dir, out, args[1] == "credential-process")
						}
						for _, name := range files(t, w.home) {
							if data, err := os.ReadFile(filepath.Join(w.home, name)); err == nil && leaks(string(data), secret) != nil {
								t.Errorf("the password is in %s", name)
							}
						}
						if found := leaks(seen[i], secret); found != nil {
							t.Errorf("%v leaves the password as %v:\n%s", args, found, seen[i])
						}
					}
					if seen[0] != seen[1] {
						t.Errorf("%v tells two passwords apart\n--- first\n%s\n--- second\n%s", args, seen[0], seen[1])
					}
				}
			})
		}
	}
}

// TestSourceCanariesControl plants the password where the search looks.
func TestSourceCanariesControl(t *testing.T) {
	t.Parallel()
	w, dir := newWorld(t, worldOptions{}), t.TempDir()
	for place, out := range map[string]output{
		"standard error": {stderr: "pw: " + worldPassword}, "standard output": {stdout: worldPassword}, "child": {child: []string{"X=" + worldPassword}},
	} {
		if leaks(w.left(dir, out, false), worldPassword) == nil {
			t.Errorf("the search does not see the %s", place)
		}
	}
	w.write("state/guard/x", "at "+worldPassword)
	if data, _ := os.ReadFile(filepath.Join(w.home, "state", "guard", "x")); leaks(string(data), worldPassword) == nil {
		t.Error("the search does not see a file")
	}
}

// TestOTPCommand wants a fresh code for every sign-in, from the command after the
// environment, and one that is refused not sent again.
func TestOTPCommand(t *testing.T) {
	t.Parallel()
	w := commandWorld(t, `case "$1" in otp) echo "12345$(wc -l < "$HOME/runs" | tr -d ' ')";; *) echo unused;; esac`, worldOptions{})
	a := &app{process: process{env: []string{"HOME=" + w.home, "PATH=" + os.Getenv("PATH")}}}
	a.secrets.fd = noFD
	s := &settings{}
	s.SignIn.OTPCommand = []string{filepath.Join(w.home, "pw"), "otp"}
	var codes []string
	for range 2 {
		for _, source := range a.sources(s, true) {
			answer, err := source.Get(t.Context())
			if err != nil || source.Field != "otp" {
				t.Fatalf("%s: %v", source.Name, err)
			}
			codes = append(codes, answer.Reveal())
		}
	}
	if strings.Join(codes, " ") != "123451 123452" {
		t.Errorf("codes = %q, want a fresh one each time", codes)
	}
	s.OTP = present("111111")
	if all := a.sources(s, true); len(all) != 2 || all[0].Name != "GATEHOP_OTP" {
		t.Errorf("%d sources, want the environment first", len(all))
	}
}

// TestSlowCommand lets the command take longer than nobody waits for. The provider's
// latency is the bubble's; a command's own time is real, so that it is the provider here
// that uses the time up.
func TestSlowCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := commandWorld(t, "echo '"+worldPassword+"'", worldOptions{adfs: func(o *idptest.Options) { o.Latency = 6 * time.Second }})
		w.run("credential-process", "gateway").want(t, statusHuman, "longer than the 15s")
		w.run("credential-process", "gateway").want(t, statusHuman, "longer than the 15s") // no verdict: nothing was remembered
		if n := w.runs(); n != 2 {
			t.Errorf("%d runs, want one for each sign-in", n)
		}
	})
}

// TestHangingCommand wants the command named that nobody waits for any longer, as one that
// fails in any other way is.
func TestHangingCommand(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"gateway", "dev"} { // one flight, and one in another
		w := commandWorld(t, "exec sleep 100", worldOptions{})
		a := &app{unattended: true, process: process{
			env:   []string{"HOME=" + w.home, "USERPROFILE=" + w.home, "GATEHOP_HOME=" + filepath.Join(w.home, "state"), "PATH=" + os.Getenv("PATH")},
			stdin: strings.NewReader(""), stderr: io.Discard, now: w.clock, transport: w.net, terminal: w.person}}
		a.secrets.fd = noFD
		ch, err := a.chain(t.Context(), []string{profile})
		if err != nil {
			t.Fatal(err)
		}
		f, err := a.flow(ch)
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.renewedWithin(t.Context(), time.Second, f, ch)
		if err == nil || w.runs() != 1 {
			t.Fatalf("%s: %v after %d runs", profile, err, w.runs())
		}
		e := explain(err)
		if e.message != "sign in at adfs.corp.example: gatehop_password_command: pw has not answered in time" || e.status != statusFailed || !strings.Contains(e.hint, "by hand") {
			t.Errorf("%s: %+v", profile, e)
		}
	}
}

// TestLateCommand wants word of a command that was cut off, and of no other.
func TestLateCommand(t *testing.T) {
	t.Parallel()
	w := commandWorld(t, `case "$1" in late) exec sleep 100;; *) echo x;; esac`, worldOptions{})
	a := &app{process: process{env: []string{"HOME=" + w.home, "PATH=" + os.Getenv("PATH")}}}
	for _, want := range []bool{true, false} {
		words := []string{filepath.Join(w.home, "pw"), map[bool]string{true: "late", false: "quick"}[want]}
		ctx, cancel := t.Context(), func() {}
		if want {
			ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
		}
		_, _ = a.runCommand(ctx, passwordCommandKey, words)
		cancel()
		if _, got := a.secrets.late.Load(strings.Join(words, "\x00")); got != want {
			t.Errorf("%s: word of it: %v, want %v", words[1], got, want)
		}
	}
}

// TestOneLineOnePerson wants the line given to one person at one provider, in whatever
// spelling, and to nobody else.
func TestOneLineOnePerson(t *testing.T) {
	t.Parallel()
	const here = "https://adfs.corp.example"
	for _, c := range []struct {
		name   string
		people []somebody // in this order
		served int        // so many; the next is refused
	}{
		{"one", []somebody{{here, `CORP\alice`}, {here + "/adfs", "alice@corp"}, {here, "ALICE"}}, 3},
		{"two", []somebody{{here, "alice"}, {here, "bob"}}, 1},
		{"two providers", []somebody{{here, "alice"}, {"https://other.example", "alice"}}, 1},
		{"two ports", []somebody{{here, "alice"}, {here + ":8443", "alice"}}, 1},
		{"nobody knows who", []somebody{{here, ""}, {here, "alice"}}, 2},
		{"nobody knows who, elsewhere", []somebody{{here, ""}, {"https://other.example", "alice"}}, 1},
		{"nobody knew who", []somebody{{here, ""}, {here, "alice"}, {here, "bob"}}, 2},
		{"nobody knows who any more", []somebody{{here, "alice"}, {here, ""}, {here, "bob"}}, 2},
	} {
		a := &app{process: process{stdin: strings.NewReader(worldPassword + "\nanother\n")}}
		a.secrets.fd, a.secrets.stdin = noFD, true
		for i, who := range c.people {
			s := &settings{Settings: setting.Settings{User: who.user}}
			s.SignIn.URL = string(who.origin)
			got, err := a.readLine(t.Context(), s)
			if i < c.served && (err != nil || got.Reveal() != worldPassword) {
				t.Errorf("%s: %v gets %v", c.name, who, err)
			}
			if i >= c.served && (err == nil || !got.IsZero() || explain(err).status != statusUsage || !strings.Contains(err.Error(), "two persons or providers")) {
				t.Errorf("%s: %v gets %v, want a refusal", c.name, who, err)
			}
		}
	}
}

// TestPassOverLine wants the line gone from standard input after any command, needed or
// not, and nothing behind it.
func TestPassOverLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	const flag = "--password-stdin"
	for _, args := range [][]string{
		{"credential-process", "dev", flag}, // signs in
		{"credential-process", "dev", flag}, {flag, "credential-process", "dev"}, {"login", "dev", flag}, {"env", "dev", flag}, {"refresh", "dev", flag},
		{"exec", "dev", flag, "--", "sh"}, {"exec", "dev", flag, "--", "no-such-program"}, {"status", flag}, {"version", flag}, {"login", "--help", flag},
		{"credential-process", "nope", flag}, {"login", "a", "b", flag}, {"login", flag, "--nope"}, {"version", "--password-fd", "0"}, {"logout", "dev", flag},
	} {
		w.stdin = strings.NewReader(worldPassword + "\nthe rest\n")
		out := w.run(args...)
		if left := rest(w.stdin); left != "the rest\n" || strings.Contains(out.stdout+out.stderr, worldPassword) {
			t.Errorf("%v leaves %q\n%s", args, left, out.stderr)
		}
	}
	if n := w.logins(); n != 1 {
		t.Errorf("%d sign-ins, want 1", n)
	}
	for _, args := range [][]string{{"version"}, {"env", "dev"}} { // the control: without the flag
		w.stdin = strings.NewReader("all\nof it\n")
		w.run(args...)
		if left := rest(w.stdin); left != "all\nof it\n" {
			t.Errorf("%v leaves %q", args, left)
		}
	}
}

// TestPassOverSilence wants a stream that says nothing waited for, but not for ever.
func TestPassOverSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		in, writer := io.Pipe()
		defer writer.Close()
		w.stdin = in
		w.run("version", "--password-stdin").want(t, 0)
		late, lateWriter := io.Pipe()
		w.stdin = late
		go func() { // the control: a line that comes late is waited for
			time.Sleep(passOverLimit / 2)
			_, _ = io.WriteString(lateWriter, "x\nrest\n")
			_ = lateWriter.Close()
		}()
		w.run("version", "--password-stdin").want(t, 0)
		if left := rest(late); left != "rest\n" {
			t.Errorf("what is left is %q", left)
		}
	})
}

// TestPassOverBegun wants a line left to whoever began to read it, though their time was
// up: two readers would take two lines.
func TestPassOverBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, writer := io.Pipe()
		a := &app{process: process{stdin: in}}
		a.secrets.fd, a.secrets.stdin = noFD, true
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.readLine(ctx, &settings{}); err == nil {
			t.Fatal("a line of a silent stream")
		}
		a.passOverLineAtEnd(t.Context())
		if _, err := io.WriteString(writer, "one\n"); err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = io.WriteString(writer, "two\n")
			_ = writer.Close()
		}()
		if left := rest(in); left != "two\n" {
			t.Errorf("what is left is %q", left)
		}
	})
}

// TestReadOnlyCommands wants no command run by what only reads.
func TestReadOnlyCommands(t *testing.T) {
	t.Parallel()
	w := commandWorld(t, "echo '"+worldPassword+"'", worldOptions{})
	for _, args := range [][]string{
		{"status"}, {"status", "--short"}, {"status", "--json"}, {"logout", "gateway"}, {"logout", "--all"}, {"version"}, {"help"},
		{"login", "--help"}, {"__complete", "login", ""}, {"refresh", "--help"},
	} {
		w.run(args...)
	}
	if n := w.runs(); n != 0 || w.adfs.Stats().Requests != 0 {
		t.Errorf("%d runs and %d requests, want none", n, w.adfs.Stats().Requests)
	}
	w.run("credential-process", "dev").want(t, 0) // the control
	if n := w.runs(); n != 1 {
		t.Errorf("%d runs for a sign-in, want 1", n)
	}
}

// TestOwnPassword wants the password that a sign-in would take first, whoever asks, with
// the command run once and the stream read once.
func TestOwnPassword(t *testing.T) {
	t.Parallel()
	w := commandWorld(t, "echo from the command; exit $(cat \"$HOME/status\" 2>/dev/null || echo 0)", worldOptions{})
	command := []string{filepath.Join(w.home, "pw")}
	for _, c := range []struct {
		name, stdin, env string
		command          []string
		changed          []setting.Changed
		want             string
	}{
		{name: "none"},
		{name: "the command", command: command, want: "from the command"},
		{name: "a command that may not run", command: command, changed: []setting.Changed{{Variable: "GATEHOP_URL"}}},
		{name: "the environment", env: "from the environment", command: command, want: "from the environment"},
		{name: "standard input", stdin: "from the stream\nrest", env: "x", command: command, want: "from the stream"},
	} {
		before := w.runs()
		a := &app{process: process{env: []string{"HOME=" + w.home, "PATH=" + os.Getenv("PATH")}, stdin: strings.NewReader(c.stdin)}, unattended: true}
		a.secrets.fd, a.secrets.stdin = noFD, c.stdin != ""
		s := &settings{Settings: setting.Settings{Changed: c.changed}, Password: present(c.env)}
		s.SignIn.PasswordCommand = c.command
		for range 2 {
			if got, err := a.ownPassword(t.Context(), s); err != nil || got.Reveal() != c.want || got.IsZero() != (c.want == "") {
				t.Errorf("%s: ownPassword = %q, %v, want %q", c.name, got.Reveal(), err, c.want)
			}
		}
		if n := w.runs() - before; (n != 0) != (c.want == "from the command") || n > 1 {
			t.Errorf("%s: %d runs", c.name, n)
		}
		if c.stdin == "" {
			continue
		}
		other := *s
		other.SignIn.URL = "https://other.example"
		if _, err := a.ownPassword(t.Context(), &other); err == nil || !strings.Contains(err.Error(), "two persons or providers") {
			t.Errorf("one line for two providers: %v", err)
		}
	}
	w.write("status", "3")
	a := &app{process: process{env: []string{"HOME=" + w.home, "PATH=" + os.Getenv("PATH")}}}
	s := &settings{}
	s.SignIn.PasswordCommand = command
	if got, err := a.ownPassword(t.Context(), s); err == nil || !got.IsZero() {
		t.Errorf("a command that fails: %v", err)
	}
}
