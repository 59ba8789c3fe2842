package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// tools are what examples run besides gatehop, each with the reason why the test puts a
// stand-in in its place. A stand-in fails without credentials, or without a page.
var tools = map[string]string{
	"aws":       "it is not on every machine, and would look for S3 behind the sandbox",
	"terraform": "it is not on every machine, and would look for a project",
	"man":       "it is not on every machine, and some have one that knows no -l",
}

const withCredentials = `#!/bin/sh
command="$1 $2"
profile=${AWS_PROFILE-dev}
while test $# -gt 0; do test "$1" = --profile && profile=$2; shift; done
test -n "$AWS_ACCESS_KEY_ID" || gatehop credential-process "$profile" --no-input >/dev/null || exit
test "$command" != "sts get-caller-identity" || gatehop status "$profile" --json |
  sed -n 's/^ *"identity": "\(arn.*\)",$/\1/p' | tail -1 | sed 's/.*/{"Arn": "&"}/'
`

const withPage = "#!/bin/sh\ngrep -q '^\\.TH '\n"

// runLines runs each line in one sandbox, as a shell would, and says what became of those
// that do not work.
func runLines(t *testing.T, lines []string) (problems []string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name := range tools {
		text := withCredentials
		if name == "man" {
			text = withPage
		}
		if err := os.WriteFile(filepath.Join(dir, "bin", name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	script := "cd \"$HOME\"\n"
	for i, line := range lines {
		script += ending(line) + fmt.Sprintf("bash -o pipefail -c %s </dev/null >%s/out.%d 2>&1; echo $? >%s/status.%d\n", quoted(line), dir, i, dir, i)
	}
	cmd := exec.Command("gatehop", "sandbox", "--", "bash", "-c", script)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TMPDIR="+t.TempDir(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("the sandbox: %v: %s", err, out)
	}
	for i, line := range lines {
		status, err := os.ReadFile(filepath.Join(dir, "status."+strconv.Itoa(i)))
		if err != nil {
			t.Fatal(err)
		}
		out, err := os.ReadFile(filepath.Join(dir, "out."+strconv.Itoa(i)))
		if err != nil {
			t.Fatal(err)
		}
		// A shell passes over what fails inside $( ).
		if s := string(bytes.TrimSpace(status)); s != "0" || bytes.Contains(append([]byte("\n"), out...), []byte("\ngatehop: ")) {
			problems = append(problems, fmt.Sprintf("%s: status %s: %s", line, s, out))
		}
	}
	return problems
}

// ending is what ends a line that a person ends with Ctrl-C.
func ending(line string) string {
	if strings.HasPrefix(line, "gatehop serve ") {
		return "timeout --foreground --preserve-status --signal INT 3 "
	}
	return ""
}

func quoted(line string) string { return "'" + strings.ReplaceAll(line, "'", `'\''`) + "'" }

// TestExamples runs every example of every --help in the sandbox, and wants two of each.
func TestExamples(t *testing.T) {
	t.Parallel()
	rarelyRaced(t, "shell lines one after another have little to race")
	if runtime.GOOS == "windows" {
		t.Skip("the examples are of a shell that is not at home there")
	}
	var lines []string
	for _, c := range pages() {
		own := strings.Split(c.Example, "\n")
		if len(own) < 2 {
			t.Errorf("%s --help has %d examples, want two", c.CommandPath(), len(own))
		}
		for _, line := range own {
			if line = strings.TrimPrefix(line, "  "); line == "" || strings.HasPrefix(line, " ") {
				t.Errorf("%s --help: example %q is not indented by two", c.CommandPath(), line)
			}
			lines = append(lines, line)
		}
	}
	for _, problem := range runLines(t, lines) {
		t.Error(problem)
	}
}

// TestExamplesControl runs lines that do not work.
func TestExamplesControl(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the examples are of a shell that is not at home there")
	}
	lines := []string{
		"gatehop login nosuch", `eval "$(gatehop env nosuch)"`, "gatehop exec dev -- nosuch-program", "gatehop env dev --shell nosuch",
		"gatehop login gateway            sign in, once a day", "gatehop serve nosuch", "env -u AWS_ACCESS_KEY_ID aws s3 ls --profile nosuch", "gatehop version | man -l -",
	}
	if problems := runLines(t, lines); len(problems) != len(lines) {
		t.Errorf("%d of %d lines that do not work are found: %q", len(problems), len(lines), problems)
	}
}
