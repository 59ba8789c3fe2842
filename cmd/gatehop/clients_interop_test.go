//go:build interop

package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// debianAWS is the AWS CLI of Debian's package, of before AWS_ENDPOINT_URL_STS.
const debianAWS = "/usr/bin/aws"

// TestInteropClients asks who one is with every real client, in every way of handing it
// credentials, inside `gatehop sandbox --`.
func TestInteropClients(t *testing.T) {
	t.Parallel()
	bin := t.TempDir() // the clients, as client-NAME [PROFILE]
	place(t, build(t, ".", "gatehop"), bin)
	node(t, bin)
	script(t, bin, "client-go", `exec `+build(t, interopDir+"/consumer", "consumer")+` "$@"`)
	script(t, bin, "client-debian", awsScript(debianAWS+` --endpoint-url "$AWS_ENDPOINT_URL_STS"`))
	script(t, bin, "client-routed", awsScript(debianAWS))
	clients := []string{"js", "go", "debian"}
	if newest := newestAWS(t); newest != "" {
		script(t, bin, "client-aws", awsScript(newest))
		clients = append(clients, "aws")
	} else {
		t.Log("no aws on PATH knows AWS_ENDPOINT_URL_STS: Debian's is routed instead")
	}
	front := build(t, interopDir+"/stsfront", "stsfront")
	dir, err := filepath.Abs(interopDir)
	if err != nil {
		t.Fatal(err)
	}
	p := newPerson(t)
	env := []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "WITHOUT_PROD=debian"}

	defer func() { // without its cache of hops the second round would show nothing
		kept, err := filepath.Glob(filepath.Join(p.home, ".aws/cli/cache/*.json"))
		if err != nil || len(kept) == 0 {
			t.Errorf("the AWS CLI keeps no hops in the home (%v)", err)
		}
	}()
	// Twice in a row with one home: what a client keeps there must not lead it to the
	// credentials of a sandbox that is gone.
	for round := range 2 {
		t.Run(fmt.Sprintf("round %d", round+1), func(t *testing.T) {
			stats := filepath.Join(t.TempDir(), "stats")
			argv := append([]string{"sandbox", "--stats", stats, "--", filepath.Join(dir, "clients")}, clients...)
			checkClients(t, p.run(t, env, filepath.Join(bin, "gatehop"), argv...), clients)
			checkStats(t, stats)
		})
		t.Run(fmt.Sprintf("round %d, routed", round+1), func(t *testing.T) {
			got := p.run(t, env, "unshare", "--net", "--mount", "sh", "-c", `ip link set lo up && exec "$@"`, "sh",
				filepath.Join(bin, "gatehop"), "sandbox", "--", filepath.Join(dir, "route"), front, filepath.Join(dir, "clients"), "routed")
			checkClients(t, got, []string{"routed"})
		})
	}
}

// ways says whose identity each way must end with.
var ways = map[string]*regexp.Regexp{
	"profile-prod":       regexp.MustCompile(`^arn:aws:sts::222222222222:assumed-role/Admins/[\w+=,.@-]+$`),
	"profile-dev":        regexp.MustCompile(`^arn:aws:sts::444444444444:assumed-role/Admins/[\w+=,.@-]+$`),
	"exec-dev":           regexp.MustCompile(`^arn:aws:sts::444444444444:assumed-role/Admins/[\w+=,.@-]+$`),
	"exec-dev-inherited": regexp.MustCompile(`^arn:aws:sts::444444444444:assumed-role/Admins/[\w+=,.@-]+$`),
	"env-dev":            regexp.MustCompile(`^arn:aws:sts::444444444444:assumed-role/Admins/[\w+=,.@-]+$`),
	"env-dev-inherited":  regexp.MustCompile(`^arn:aws:sts::444444444444:assumed-role/Admins/[\w+=,.@-]+$`),
}

// checkClients compares what the clients script printed with what every client must see.
func checkClients(t *testing.T, got outcome, clients []string) {
	t.Helper()
	if got.status != 0 {
		t.Errorf("status %d\nstdout:\n%s\nstderr:\n%s", got.status, got.stdout, got.stderr)
	}
	seen := map[string]string{}
	for line := range strings.Lines(got.stdout) {
		if fields := strings.SplitN(strings.TrimRight(line, "\n"), "\t", 3); len(fields) == 3 {
			seen[fields[0]+" "+fields[1]] = fields[2]
		} else {
			t.Errorf("odd line %q", line)
		}
	}
	for _, client := range clients {
		for way, want := range ways {
			if client == "debian" && way == "profile-prod" {
				continue // its --endpoint-url does not reach the hop that it makes itself
			}
			if arn := seen[client+" "+way]; !want.MatchString(arn) {
				t.Errorf("%s, %s: %q, want %s", client, way, arn, want)
			}
		}
	}
	// The control of the inherited ones: that variable does lead this client astray.
	if arn := seen["js trapped"]; slices.Contains(clients, "js") && !ways["profile-prod"].MatchString(arn) {
		t.Errorf("js with AWS_PROFILE=prod beside the keys of dev: %q, want prod: the inherited variable is no trap any more", arn)
	}
}

// checkStats: all that the clients did took one sign-in, and nothing was refused.
func checkStats(t *testing.T, file string) {
	t.Helper()
	var stats struct {
		IDP struct {
			Logins     int      `json:"logins"`
			ClientBugs []string `json:"client_bugs"`
		} `json:"idp"`
		STS struct {
			AssumeRoleWithSAML int
			Refused            int `json:"refused"`
		} `json:"sts"`
	}
	if err := json.Unmarshal([]byte(readFile(t, file)), &stats); err != nil {
		t.Fatal(err)
	}
	if stats.IDP.Logins != 1 || len(stats.IDP.ClientBugs) != 0 || stats.STS.AssumeRoleWithSAML != 1 || stats.STS.Refused != 0 {
		t.Errorf("the sandbox counted %+v, want one sign-in and no refusal", stats)
	}
}

// awsScript asks with an AWS CLI.
func awsScript(program string) string {
	return `exec ` + program + ` ${1:+--profile "$1"} sts get-caller-identity --query Arn --output text`
}

func script(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func place(t *testing.T, program, dir string) {
	t.Helper()
	if err := os.Symlink(program, filepath.Join(dir, filepath.Base(program))); err != nil {
		t.Fatal(err)
	}
}

// node makes client-js of the AWS SDK for JavaScript.
func node(t *testing.T, bin string) {
	t.Helper()
	script(t, bin, "client-js", "exec node --no-warnings "+filepath.Join(jsFolder(t), "identity.mjs")+` "$@"`)
}

// newestAWS finds the newest AWS CLI on PATH that knows AWS_ENDPOINT_URL_STS, or "".
func newestAWS(t *testing.T) string {
	t.Helper()
	best, bestVersion := "", []int{0}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, "aws")
		out, err := exec.Command(path, "--version").Output()
		if err != nil {
			continue
		}
		major, version := awsVersion(string(out))
		t.Logf("%s: %s", path, strings.TrimSpace(string(out)))
		// The variable came with 1.29 of the first line and 2.13 of the second.
		if known := map[int][]int{1: {29}, 2: {13}}[major]; known == nil || slices.Compare(version[1:], known) < 0 {
			continue
		}
		if slices.Compare(version, bestVersion) > 0 {
			best, bestVersion = path, version
		}
	}
	return best
}

// awsVersion reads "aws-cli/2.13.4 Python/...".
func awsVersion(text string) (major int, version []int) {
	number, _, _ := strings.Cut(strings.TrimPrefix(text, "aws-cli/"), " ")
	for part := range strings.SplitSeq(number, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		version = append(version, n)
	}
	if len(version) < 2 {
		return 0, []int{0, 0}
	}
	return version[0], version
}
