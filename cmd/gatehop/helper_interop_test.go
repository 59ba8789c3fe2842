//go:build interop

package main_test

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// helped is a running sandbox whose profiles run gatehop through a program that counts
// its starts.
type helped struct {
	person
	env  []string // of the sandbox
	dir  string
	bin  string              // gatehop
	sdks map[string][]string // the start of a command line: PROFILE and TIMES follow
}

const anyARN = `^arn:aws:sts::\d{12}:assumed-role/`

func newHelped(t *testing.T) *helped {
	t.Helper()
	h := &helped{person: newPerson(t), dir: t.TempDir(), bin: build(t, ".", "gatehop")}
	h.sdks = map[string][]string{
		goSDK:    {build(t, interopDir+"/consumer", "consumer")},
		jsSDK:    {"node", "--no-warnings", filepath.Join(jsFolder(t), "identity.mjs")},
		botocore: {pythons(t)[0], absolute(t, filepath.Join(interopDir, "reader", "identity.py"))},
	}
	cmd := exec.Command(h.bin, "sandbox")
	cmd.Env = h.person.env
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	exported := regexp.MustCompile(`^export (\w+)='(.*)'\n$`)
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		found := exported.FindStringSubmatch(line)
		if err != nil || found == nil {
			t.Fatalf("the sandbox prints %q (%v)", line, err)
		}
		if h.env = append(h.env, found[1]+"="+found[2]); found[1] == "GATEHOP_PASSWORD" {
			return h
		}
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (h *helped) variable(name string) string {
	for _, v := range slices.Backward(h.env) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// with is the variables of the sandbox with a configuration of its own, as change makes
// it, an empty state, and the counting program as the helper. starts counts.
func (h *helped) with(t *testing.T, change func(config string) string, more ...string) (env []string, starts func() int) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "starts")
	script(t, dir, "helper", `echo start >>`+log+` && exec `+h.bin+` "$@"`)
	config := regexp.MustCompile(`credential_process = "[^"]*"`).
		ReplaceAllString(readFile(t, h.variable("AWS_CONFIG_FILE")), `credential_process = "`+filepath.Join(dir, "helper")+`"`)
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(change(config)), 0o600); err != nil {
		t.Fatal(err)
	}
	env = append(slices.Clone(h.env), "AWS_CONFIG_FILE="+filepath.Join(dir, "config"), "GATEHOP_HOME="+filepath.Join(dir, "state"))
	return append(env, more...), func() int {
		data, err := os.ReadFile(log)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return bytes.Count(data, []byte("\n"))
	}
}

// ask makes an SDK ask who it is.
func (h *helped) ask(t *testing.T, sdk string, env []string, profile string, times int) outcome {
	t.Helper()
	argv := slices.Concat(h.sdks[sdk], []string{profile, strconv.Itoa(times)})
	return h.person.run(t, env, argv[0], argv[1:]...)
}

func unchanged(config string) string { return config }

// inProfile adds a line to a profile of the sandbox.
func inProfile(profile, line string) func(string) string {
	return func(config string) string {
		header := "[profile " + profile + "]\n"
		return strings.Replace(config, header, header+line+"\n", 1)
	}
}

// TestInteropHelperStarts: a process that makes many calls starts gatehop once for a
// session of an hour. The control is a session that boto takes for nearly over.
func TestInteropHelperStarts(t *testing.T) {
	t.Parallel()
	h := newHelped(t)
	const calls = 20
	for sdk := range h.sdks {
		env, starts := h.with(t, unchanged)
		got := h.ask(t, sdk, env, "dev", calls)
		if !regexp.MustCompile(anyARN).MatchString(got.stdout) || got.status != 0 {
			t.Errorf("%s: status %d, %q\n%s", sdk, got.status, got.stdout, got.stderr)
		}
		if n := starts(); n != 1 {
			t.Errorf("%s starts gatehop %d times for %d calls, want once", sdk, n, calls)
		}
	}
	env, starts := h.with(t, inProfile("dev", "gatehop_duration_seconds = 900"))
	if got := h.ask(t, botocore, env, "dev", calls); got.status != 0 || starts() < calls {
		t.Errorf("%d starts for %d calls with sessions of 15 min, want one a call: the counter sees nothing\n%s", starts(), calls, got.stderr)
	}
	if got := h.person.run(t, env, h.bin, "login", "dev"); got.status != 0 || strings.Count(got.stderr, "sessions of profile dev last 15 min") != 1 {
		t.Errorf("login with sessions of 15 min: status %d, want one warning in %q", got.status, got.stderr)
	}
}

// TestInteropHelperFailures: whatever fails, gatehop as a helper prints nothing on
// standard output and at most a few short lines on standard error, the first of which
// every SDK shows or carries.
func TestInteropHelperFailures(t *testing.T) {
	t.Parallel()
	h := newHelped(t)
	for _, c := range []struct {
		name, profile string
		status        int
		change        func(string) string
		env           []string
	}{
		{"no session", "dev", 3, unchanged, []string{"GATEHOP_PASSWORD="}},
		{"wrong password", "dev", 5, unchanged, []string{"GATEHOP_PASSWORD=wrong"}},
		{"provider down", "dev", 8, replaced(`(gatehop_url = https://127\.0\.0\.1:)\d+`, "${1}1"), nil},
		{"AWS refuses", "dev", 7, replaced("444444444444", "555555555555"), nil},
		{"ambiguous role", "gateway", 4, replaced("gatehop_role_arn = arn:aws:iam::111111111111:role/Gateway\n", ""), nil},
		{"configuration", "dev", 2, inProfile("dev", "gatehop_colour = red"), nil},
		{"provider answers never", "dev", 8, replaced(`(gatehop_url = https://)127\.0\.0\.1:\d+`, "${1}"+silent(t)), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env, _ := h.with(t, c.change, c.env...)
			fresh := func() []string { return append(slices.Clone(env), "GATEHOP_HOME="+filepath.Join(t.TempDir(), "state")) }
			got := h.person.run(t, fresh(), h.bin, "credential-process", c.profile)
			if got.status != c.status {
				t.Errorf("status %d, want %d", got.status, c.status)
			}
			if problem := wordiness(got); problem != "" {
				t.Errorf("%s: stdout %q, stderr %q", problem, got.stdout, got.stderr)
			}
			line, _, _ := strings.Cut(got.stderr, "\n")
			for _, sdk := range slices.Sorted(maps.Keys(h.sdks)) {
				// Its chain of sources passes over a helper's words; this is the source alone.
				shown := h.ask(t, sdk, append(fresh(), "ONLY_PROCESS=1"), c.profile, 1)
				// Addresses and ports are the same in all runs; request ids are not.
				words := strings.Split(line, "(")[0]
				if all := shown.stdout + shown.stderr; shown.status == 0 || !strings.Contains(unescaped(all), words) {
					t.Errorf("%s: status %d, shows %q, want %q in it", sdk, shown.status, all, words)
				}
				if sdk == goSDK && !strings.Contains(shown.stderr, "exit status "+strconv.Itoa(c.status)) {
					t.Errorf("%s ends with %q, want gatehop's exit status %d", sdk, shown.stderr, c.status)
				}
			}
		})
	}
	for name, bad := range map[string]outcome{ // the control
		"half an answer": {stdout: `{"Version":1`, stderr: "gatehop: no\n"}, "silence": {}, "a page": {stderr: strings.Repeat("words\n", 20)},
		"a wall": {stderr: strings.Repeat("x", 2000) + "\n"},
	} {
		if wordiness(bad) == "" {
			t.Errorf("%s is not seen", name)
		}
	}
}

// wordiness says what is wrong with the streams of a helper that failed, or "".
func wordiness(got outcome) string {
	switch {
	case got.stdout != "":
		return "something on standard output"
	case !strings.HasPrefix(got.stderr, "gatehop: ") || !strings.HasSuffix(got.stderr, "\n"):
		return "no line of gatehop's on standard error"
	case len(got.stderr) > 1024 || strings.Count(got.stderr, "\n") > 6:
		return "too much on standard error"
	}
	return ""
}

// unescaped undoes what an SDK's own printing does to quotes.
func unescaped(text string) string {
	return strings.NewReplacer(`\"`, `"`, `\'`, `'`, `\\`, `\`).Replace(text)
}

func replaced(pattern, by string) func(string) string {
	return func(config string) string { return regexp.MustCompile(pattern).ReplaceAllString(config, by) }
}

// silent is the address of a server that accepts connections and never answers.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		var held []net.Conn
		for {
			conn, err := listener.Accept()
			if err != nil {
				for _, c := range held {
					_ = c.Close()
				}
				return
			}
			held = append(held, conn)
		}
	}()
	return listener.Addr().String()
}

// TestInteropHelperWaits: while another gatehop asks a person for the password, the Go
// SDK gets gatehop's own status and line, not the end of its 60 seconds.
func TestInteropHelperWaits(t *testing.T) {
	t.Parallel()
	h := newHelped(t)
	env, _ := h.with(t, unchanged)
	asking := exec.Command(h.bin, "login", "dev")
	asking.Env = append(append(slices.Clone(h.person.env), env...), "GATEHOP_PASSWORD=")
	terminal, err := pty.Start(asking)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_, _ = terminal.Write([]byte{3}) // Ctrl-C
		_, _ = io.Copy(io.Discard, terminal)
		_ = asking.Wait()
		_ = terminal.Close()
	}()
	var seen strings.Builder
	for one := make([]byte, 256); !strings.Contains(seen.String(), "assword"); {
		n, err := terminal.Read(one)
		if seen.Write(one[:n]); err != nil {
			t.Fatalf("no question but %q: %v", seen.String(), err)
		}
	}
	got := h.ask(t, goSDK, env, "dev", 1)
	if got.status == 0 || !strings.Contains(got.stderr, "exit status 3") || !strings.Contains(got.stderr, "gatehop: profile ") {
		t.Errorf("the Go SDK ends with status %d and %q, want gatehop's line and exit status 3", got.status, got.stderr)
	}
}
