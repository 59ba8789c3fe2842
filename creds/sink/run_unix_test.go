//go:build unix

package sink

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehop/creds/secret"
)

// printVariable makes the test binary print its environment, each entry ended by NUL: what
// a program started by the shell gets.
const printVariable = "GATEHOP_SINK_TEST_PRINT"

func TestMain(m *testing.M) {
	if os.Getenv(printVariable) != "" {
		for _, entry := range os.Environ() {
			fmt.Print(entry, "\x00")
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// shells are those found here. The system's own shell, which is always there, must read
// what bash reads; bash and zsh need not be there.
func shells(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{"bash": {"/bin/sh", "-c"}}
	if bash, err := exec.LookPath("bash"); err == nil {
		found["bash"] = []string{bash, "--noprofile", "--norc", "-c"}
	}
	if zsh, err := exec.LookPath("zsh"); err == nil {
		found["zsh"] = []string{zsh, "-f", "-c"}
	}
	return found
}

// evaluate runs a shell that evaluates the lines as a person's would, and returns the
// environment of a program that it starts after that.
func evaluate(t *testing.T, shell []string, lines string, environ []string) (after map[string]string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	source := filepath.Join(folder, "lines")
	if err := os.WriteFile(source, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	script := `eval "$(cat "$GATEHOP_SINK_TEST_LINES")"; exec "$GATEHOP_SINK_TEST_EXE"`
	cmd := exec.CommandContext(t.Context(), shell[0], append(slices.Clone(shell[1:]), script)...)
	cmd.Dir = folder
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), printVariable + "=1", "GATEHOP_SINK_TEST_LINES=" + source, "GATEHOP_SINK_TEST_EXE=" + exe}, environ...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Logf("%s: %v, %s", shell[0], err, stderr.String())
	}
	after = map[string]string{}
	for entry := range strings.SplitSeq(strings.TrimSuffix(string(output), "\x00"), "\x00") {
		name, value, _ := strings.Cut(entry, "=")
		after[name] = value
	}
	if left, _ := os.ReadDir(folder); len(left) != 1 {
		after["files made"] = fmt.Sprint(left)
	}
	for name := range after { // the shells' own and the test's
		if strings.HasPrefix(name, "GATEHOP_SINK_TEST_") || slices.Contains([]string{"_", "SHLVL", "PWD", "OLDPWD", "PATH", "HOME", "LOGNAME"}, name) {
			delete(after, name)
		}
	}
	return after
}

func asMap(environ []string) map[string]string {
	m := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		m[name] = value
	}
	return m
}

// TestShellsRun compares what a shell does with the lines with what Apply does, from an
// environment in which everything that shadows is set.
func TestShellsRun(t *testing.T) {
	t.Parallel()
	c := testCredentials()
	c.SecretAccessKey = secret.New("$(touch$IFS" + "made)${HOME}!!~*;&|<>(){}[]#%^=" + everyAllowed)
	c.SessionToken = secret.New(strings.Repeat(everyAllowed, 20) + "$(touch${IFS}made)&&touch>made")
	const profile, region = "a.b-c_d/e:f@g+h%i", "eu-west-1"
	poisoned := []string{"KEPT=kept value", "AWS_CONFIG_FILE=/config", "AWS_ACCESS_KEY_ID=AKIAOLD", "AWS_SECRET_ACCESS_KEY=old",
		"AWS_SESSION_TOKEN=old", "AWS_REGION=old", "AWS_DEFAULT_REGION=older", "GATEHOP_PROFILE=old"}
	for _, name := range Unset() {
		poisoned = append(poisoned, name+"=poison")
	}
	vars, err := Environ(c, region)
	if err != nil {
		t.Fatal(err)
	}
	want := asMap(Apply(poisoned, append(vars, Var{"GATEHOP_PROFILE", secret.New(profile)}), Unset()))
	for name, command := range shells(t) {
		lines, err := Shell(name, profile, c, region)
		if err != nil {
			t.Fatal(err)
		}
		if got := evaluate(t, command, string(lines), poisoned); !maps.Equal(got, want) {
			t.Errorf("%s: environment = %q, want %q", name, got, want)
		}
		for mutant, change := range map[string]func(string) string{
			"nothing unset": func(s string) string { _, rest, _ := strings.Cut(s, "\n"); return rest },
			"one not unset": func(s string) string { return strings.Replace(s, " AWS_PROFILE", "", 1) },
			"unset at last": func(s string) string { first, rest, _ := strings.Cut(s, "\n"); return rest + first + "\n" },
			"not exported": func(s string) string {
				return strings.Replace(s, "export GATEHOP_PROFILE", "unset GATEHOP_PROFILE; GATEHOP_PROFILE", 1)
			},
			"double quotes": func(s string) string { return strings.ReplaceAll(s, "'", `"`) },
			"no quotes":     func(s string) string { return strings.ReplaceAll(s, "'", "") },
			"another region": func(s string) string {
				return strings.Replace(s, "AWS_DEFAULT_REGION='eu", "AWS_DEFAULT_REGION='us", 1)
			},
		} {
			if got := evaluate(t, command, change(string(lines)), poisoned); maps.Equal(got, want) {
				t.Errorf("%s: the mutant %q passes", name, mutant)
			}
		}
	}
}

// TestQuotesRun gives hostile values, which the checks would never let so far, to the quoting.
func TestQuotesRun(t *testing.T) {
	t.Parallel()
	script := func(quote func(string) string) (lines string, want map[string]string) {
		want = map[string]string{}
		for n, value := range hostile() {
			name := fmt.Sprintf("V%d", n)
			lines += "export " + name + "=" + quote(value) + "\n"
			want[name] = value
		}
		return lines, want
	}
	for name, command := range shells(t) {
		for _, options := range []string{"", "setopt RC_QUOTES BANG_HIST 2>/dev/null\n"} {
			lines, want := script(quotePOSIX)
			if got := evaluate(t, command, options+lines, nil); !maps.Equal(got, want) {
				t.Errorf("%s: environment = %q, want %q", name, got, want)
			}
		}
		for mutant, quote := range wrongQuotes() {
			lines, want := script(quote)
			if got := evaluate(t, command, lines, nil); maps.Equal(got, want) {
				t.Errorf("%s: quoting with %s passes", name, mutant)
			}
		}
	}
}
