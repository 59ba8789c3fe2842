//go:build interop

package main_test

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// emptied is a running `gatehop sandbox --empty`, as another shell sees it.
type emptied struct {
	person
	env     []string
	url, ca string
}

func newEmptied(t *testing.T, bin string) *emptied {
	t.Helper()
	e := &emptied{person: newPerson(t)}
	cmd := exec.Command(bin, "sandbox", "--empty")
	cmd.Env = e.person.env
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
	exported := regexp.MustCompile(`^export (\w+)='(.*)'$`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		if found := exported.FindStringSubmatch(line); found != nil {
			e.env = append(e.env, found[1]+"="+found[2])
		}
		if found := regexp.MustCompile(`^# sign-in address: (.*)`).FindStringSubmatch(line); found != nil {
			e.url = found[1]
		}
		if found := regexp.MustCompile(`^# its CA: +(.*)`).FindStringSubmatch(line); found != nil {
			e.ca = found[1]
		}
		if strings.Contains(line, "aws sts get-caller-identity") {
			return e
		}
	}
	t.Fatalf("the sandbox prints no more than %q", e.env)
	return nil
}

// hardPlace is a folder for gatehop with everything in its name that a shell does
// something with.
const hardPlace = "it's do\"uble $HOME `id` back\\slash a&b;c (x86) 100% ü a#b"

// TestInteropConfigure: after an unattended configure the AWS CLI and the SDKs get
// through, wherever gatehop lies, and read each key as it was meant.
func TestInteropConfigure(t *testing.T) {
	t.Parallel()
	h := newHelped(t)
	e := newEmptied(t, h.bin)
	helper := filepath.Join(t.TempDir(), hardPlace, "gatehop")
	if err := os.MkdirAll(filepath.Dir(helper), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(h.bin, helper); err != nil {
		t.Fatal(err)
	}
	got := e.run(t, e.env, h.bin, "configure", "--url", e.url, "--ca-bundle", e.ca, "--username", `CORP\alice`, "--role", "111111111111/Gateway",
		"--accounts", "prod=222222222222,333333333333", "--role-name", "Admins", "--helper", helper, "--yes", "--json")
	if got.status != 0 {
		t.Fatalf("configure: status %d\n%s", got.status, got.stderr)
	}
	var report struct{ Identity struct{ ARN, By string } }
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil || report.Identity.By != "aws" || !strings.Contains(report.Identity.ARN, "222222222222:assumed-role/Admins/alice") {
		t.Errorf("configure reports %s (%v)", got.stdout, err)
	}
	checkReadBack(t, e, helper)
	without := slices.DeleteFunc(slices.Clone(e.env), func(v string) bool { return strings.HasPrefix(v, "GATEHOP_PASSWORD=") })
	for sdk, argv := range h.sdks {
		out := e.run(t, without, argv[0], append(slices.Clone(argv[1:]), "prod", "1")...)
		if out.status != 0 || !strings.Contains(out.stdout, "222222222222:assumed-role/Admins/") {
			t.Errorf("%s: status %d, %q\n%s", sdk, out.status, out.stdout, out.stderr)
		}
	}
	if out := e.run(t, without, "aws", "sts", "get-caller-identity", "--profile", "Admins-333333333333"); !strings.Contains(out.stdout, "333333333333:assumed-role/Admins/alice") {
		t.Errorf("aws: status %d, %s%s", out.status, out.stdout, out.stderr)
	}
}

// checkReadBack compares what every SDK reads with what was meant.
func checkReadBack(t *testing.T, e *emptied, helper string) {
	t.Helper()
	config := filepath.Join(e.home, "config")
	for sdk, read := range readBack(t, config, filepath.Join(e.home, "credentials")) {
		for name, want := range map[string]map[string]string{
			"gateway": {"gatehop_idp": "adfs", "gatehop_url": e.url, "gatehop_username": `CORP\alice`, "gatehop_ca_bundle": e.ca,
				"gatehop_role_arn": "arn:aws:iam::111111111111:role/Gateway", "region": "eu-west-1"},
			"prod": {"gatehop_source_profile": "gateway", "gatehop_role_arn": "arn:aws:iam::222222222222:role/Admins", "region": "eu-west-1"},
		} {
			want["credential_process"] = lineOf(t, config, name)
			if got := read[name]; !maps.Equal(got, want) {
				t.Errorf("%s reads of %s\n%q, want\n%q", sdk, name, got, want)
			}
		}
	}
	line, split := lineOf(t, config, "prod"), `import shlex, sys; print("\n".join(shlex.split(sys.argv[1])))`
	if words := command(t, e.home, "python3", "-X", "utf8", "-c", split, line); words != helper+"\ncredential-process\nprod\n" {
		t.Errorf("shlex splits %s into %q", line, words)
	}
}

// lineOf is the value of credential_process that stands in a file for a profile.
func lineOf(t *testing.T, path, profile string) string {
	t.Helper()
	found := regexp.MustCompile(`credential_process += (.* credential-process ` + regexp.QuoteMeta(profile) + `)\n`).FindStringSubmatch(readFile(t, path))
	if found == nil {
		t.Fatalf("%s has no helper for %s", path, profile)
	}
	return found[1]
}
