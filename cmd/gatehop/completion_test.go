package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/tty"
)

// completed is what a shell would offer.
func (w *world) completed(t *testing.T, vars []string, words ...string) string {
	t.Helper()
	out := w.runWith(vars, append([]string{"__complete"}, words...)...).want(t, 0)
	lines := strings.Split(strings.TrimSpace(out.stdout), "\n")
	if rest := strings.TrimPrefix(out.stderr, "Completion ended with directive: "); strings.Count(rest, "\n") != 1 || strings.Contains(rest, ":") {
		t.Errorf("complete %q says %q", words, out.stderr) // cobra's own line, which the scripts throw away
	}
	return strings.Join(lines[:len(lines)-1], "|")
}

func TestComplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: strings.Replace(worldConfig, "[profile dev]\n", "[profile dev]\ngatehop_alias = corp-dev\n", 1)})
	w.answer = map[string]string{"username": `CORP\alice`, "role": "arn:aws:iam::111111111111:role/ReadOnly"}
	w.runWith([]string{password(worldPassword)}, "login", "open").want(t, 0)
	asked, logins := len(w.asked), w.logins()
	const all = "gateway\t111111111111 Gateway|open\ta role of your choice|dev\t444444444444 (corp-dev) Admins"
	for _, c := range []struct {
		words []string
		want  string
	}{
		{[]string{"login", ""}, all},
		{[]string{"login", "--profile", ""}, all},
		{[]string{"--profile", ""}, all},
		{[]string{"login", "dev", ""}, ""},
		{[]string{"refresh", "dev", ""}, "gateway\t111111111111 Gateway|open\ta role of your choice"},
		{[]string{"each", "dev", ""}, "gateway\t111111111111 Gateway|open\ta role of your choice"},
		{[]string{"exec", ""}, all},
		{[]string{"login", "open", "--role", ""}, "111111111111/ReadOnly|111111111111/Gateway"}, // the chosen one first
		{[]string{"login", "gateway", "--role", ""}, ""},                                        // refused there
		{[]string{"login", "nope", "--role", ""}, ""},
		{[]string{"env", "--shell", ""}, "bash|zsh"},
		{[]string{"sandbox", "--idp", ""}, strings.Join(sandboxProviders(), "|")},
		{[]string{"configure", "--idp", ""}, strings.Join(adapterKinds(), "|")},
		{[]string{"configure", "--import", ""}, "saml2aws|aws-adfs"},
		{[]string{"configure", "--username", ""}, ""},
		{[]string{"configure", "--role-n"}, "--role-name\tthe role in each of --accounts"},
		{[]string{"configure", "--team"}, "--team\tmerge the profiles of a FILE that your company hands out"},
		{[]string{"completion", ""}, "bash|zsh|fish|powershell"},
		{[]string{"login", "--duration", ""}, ""},
		{[]string{"man", "lo"}, strings.Join(commandNames(rootCommand(&app{})), "|")}, // the shell picks
	} {
		if got := w.completed(t, nil, c.words...); got != c.want {
			t.Errorf("complete %q = %q, want %q", c.words, got, c.want)
		}
	}
	if len(w.asked) != asked || w.logins() != logins {
		t.Error("completion asks or signs in")
	}
	w.run("completion", "fihs").want(t, statusUsage, `"fihs"`, `did you mean "fish"?`)
	w.run("completion").want(t, statusUsage)
}

// TestCompleteOnlyReads wants completion to open no terminal, send nothing, run nothing and
// make nothing, with a configuration that is whole, broken or not there.
func TestCompleteOnlyReads(t *testing.T) {
	t.Parallel()
	w := commandWorld(t, "echo x", worldOptions{})
	w.net = nil
	for name, config := range map[string]string{"whole": "", "broken": "[profile gateway\x00]\n\xff=\n[profile gateway]\n", "none": "-"} {
		path := filepath.Join(w.home, ".aws", "config")
		switch config {
		case "":
		case "-":
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		default:
			w.write(".aws/config", config)
		}
		before := files(t, w.home)
		for _, words := range [][]string{{"login", ""}, {"login", "open", "--role", ""}, {"login", "--role", ""}, {"exec", "dev", "--", "x"}, {"lo"}, {""}} {
			if status, did := w.watched(append([]string{"__complete"}, words...)...); status != 0 || did != 0 {
				t.Errorf("%s: complete %q: status %d, opened a terminal or sent something %d times", name, words, status, did)
			}
		}
		if after := files(t, w.home); strings.Join(after, " ") != strings.Join(before, " ") || w.runs() != 0 {
			t.Errorf("%s: completion made %q, ran %d commands", name, after, w.runs())
		}
	}
	// The control: what signs in is seen to.
	w.write(".aws/config", worldConfig)
	if _, did := w.watched("roles", "gateway"); did < 2 || len(files(t, filepath.Join(w.home, "state"))) == 0 {
		t.Errorf("roles opens no terminal or sends nothing: %d", did)
	}
}

// watched runs gatehop and counts terminals and requests.
func (w *world) watched(args ...string) (status, did int) {
	p := process{
		args: args, env: []string{"HOME=" + w.home, "GATEHOP_HOME=" + filepath.Join(w.home, "state"), password("x")},
		stdin: strings.NewReader(""), stdout: &strings.Builder{}, stderr: &strings.Builder{}, now: w.clock,
		terminal:  func() (terminal, error) { did++; return nil, tty.ErrNoTerminal },
		transport: refusing(func() { did++ }),
	}
	return run(w.t.Context(), p), did
}

// refusing is a network on which nobody answers.
type refusing func()

func (r refusing) RoundTrip(*http.Request) (*http.Response, error) {
	r()
	return nil, net.ErrClosed
}
