package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gatehop/creds/sink"
)

// worldOfEach is worldOfMany on a system with a shell.
func worldOfEach(t *testing.T) *world {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the commands are of a shell that is not at home there")
	}
	w := newWorld(t, worldOptions{config: worldOfMany})
	w.vars = []string{password(worldPassword)}
	return w
}

// each runs a script for every profile that the words fit.
func (w *world) each(status int, words, script string) output {
	w.t.Helper()
	return w.run(append(append([]string{"each"}, strings.Fields(words)...), "--", "sh", "-c", script)...).want(w.t, status)
}

// ordered are the lines of a text in order: commands end as they like.
func ordered(text string) string {
	lines := strings.SplitAfter(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// TestEach wants one command for every profile, with that profile's credentials as exec
// gives them, its lines marked, and one sign-in for all.
func TestEach(t *testing.T) {
	t.Parallel()
	w := worldOfEach(t)
	out := w.each(0, "dev s* gateway", `echo "$GATEHOP_PROFILE"; echo "$AWS_REGION" >&2; cat`)
	if got, want := ordered(out.stdout), "dev     | dev\ngateway | gateway\nstaging | staging\n"; got != want {
		t.Errorf("standard output is\n%swant\n%s", got, want)
	}
	if want := "3 of 3 ok\n"; ordered(out.stderr) != ordered("dev     | eu-west-1\ngateway | eu-west-1\nstaging | eu-west-1\n"+want) || !strings.HasSuffix(out.stderr, want) {
		t.Errorf("standard error is\n%s", out.stderr)
	}
	if c := w.sts.Counts(); w.logins() != 1 || c.AssumeRoleWithSAML != 1 || c.AssumeRole != 2 {
		t.Errorf("%d sign-ins, %+v; want 1, 1, 2", w.logins(), c)
	}
	w.vars = nil // what is kept needs nobody
	if out := w.each(0, "dev -q", `true`); out.stdout+out.stderr != "" {
		t.Errorf("each -q says %q", out.stdout+out.stderr)
	}
}

// TestEachEnvironment compares the environment of a command with that of exec's.
func TestEachEnvironment(t *testing.T) {
	t.Parallel()
	w := worldOfEach(t)
	w.vars = append(w.vars, "GATEHOP_OTP=654321", "AWS_PROFILE=gateway", "AWS_SECURITY_TOKEN=old", "AWS_CONTAINER_AUTHORIZATION_TOKEN=old", "MINE=1")
	want := w.run("exec", "dev", "--", "env").want(t, 0).child
	var got []string
	for line := range strings.Lines(w.run("each", "dev", "--", "env").want(t, 0).stdout) {
		got = append(got, strings.TrimSuffix(strings.TrimPrefix(line, "dev | "), "\n"))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the environment is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, entry := range got {
		name, _, _ := strings.Cut(entry, "=")
		if slices.Contains(ownSecrets, name) || slices.Contains(sink.Unset(), name) && name != "AWS_CREDENTIAL_EXPIRATION" {
			t.Errorf("the command has %s", name)
		}
	}
}

// TestEachFailures wants the others served, every failure said, and the status.
func TestEachFailures(t *testing.T) {
	t.Parallel()
	w := worldOfEach(t)
	out := w.each(statusFailed, "dev staging gateway", `test "$GATEHOP_PROFILE" != staging || exit 42; echo done`)
	if got, want := ordered(out.stdout), "dev     | done\ngateway | done\n"; got != want {
		t.Errorf("standard output is\n%s", got)
	}
	if want := "gatehop: staging: the command left with status 42\n2 of 3 ok, 1 failed\n"; out.stderr != want {
		t.Errorf("standard error is\n%swant\n%s", out.stderr, want)
	}
	w.each(statusAWS, "dev denied", "true").want(t, statusAWS, "AccessDenied", "1 of 2 ok, 1 failed")
	w.each(statusFailed, "dev denied", "false").want(t, statusFailed, "AccessDenied", "0 of 2 ok, 2 failed")
	w.each(statusFailed, "dev", "kill -9 $$").want(t, statusFailed, "dev: the command left with status 137")
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("#!/no/such/interpreter\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.run("each", "dev", "staging", "--", broken).want(t, statusNotFound, "0 of 2 ok, 2 failed")

	w.vars = nil
	w.answer = nil
	w.run("logout", "--all").want(t, 0)
	out = w.each(statusHuman, "dev staging", "echo ran")
	if out.stdout != "" || strings.Count(out.stderr, "hint:") != 1 {
		t.Errorf("without anybody to ask:\n%s%s", out.stdout, out.stderr)
	}
}

// TestEachRefused wants what is refused refused before anything is asked, sent or run.
func TestEachRefused(t *testing.T) {
	t.Parallel()
	w := worldOfEach(t)
	for args, c := range map[string]struct {
		status int
		words  string
	}{
		"dev":                             {statusUsage, "two dashes"},
		"dev --":                          {statusUsage, "two dashes"},
		"-- true":                         {statusUsage, "two dashes"},
		"dev true":                        {statusUsage, "two dashes"},
		"x* -- true":                      {statusUsage, `fits "x*"`},
		"nope -- true":                    {statusUsage, `"nope" is in neither`},
		"dev --parallel 0 -- true":        {statusUsage, "--parallel 0"},
		"dev -- no-such-command":          {statusNotFound, "not found"},
		"gateway elsewhere -- true":       {statusUsage, "GATEHOP_IDP_HOST must name"},
		"dev nope --fail-fast -- true":    {statusUsage, `"nope"`},
		"dev staging --profile x -- true": {statusUsage, `"x"`},
	} {
		w.run(append([]string{"each"}, strings.Fields(args)...)...).want(t, c.status, c.words)
	}
	if n := len(w.adfs.Requests()); n != 0 {
		t.Errorf("%d requests for what is refused", n)
	}
	w.run("each", "--profile", "dev", "--", "true").want(t, 0, "1 of 1 ok")
}

// TestEachFailFast wants no further command begun after a failure, and those that run left
// to finish.
func TestEachFailFast(t *testing.T) {
	t.Parallel()
	w := worldOfEach(t)
	const script = `case $GATEHOP_PROFILE in dev) exit 3;; esac; echo ran`
	out := w.each(statusFailed, "gateway dev staging brief --fail-fast --parallel 1", script)
	if out.stdout != "gateway | ran\n" || !strings.HasSuffix(out.stderr, "\n1 of 4 ok, 1 failed, 2 not started\n") {
		t.Errorf("with --fail-fast:\n%s%s", out.stdout, out.stderr)
	}
	out = w.each(statusFailed, "gateway dev staging brief --parallel 1", script) // the control
	if out.stdout != "gateway | ran\nstaging | ran\nbrief   | ran\n" || !strings.HasSuffix(out.stderr, "\n3 of 4 ok, 1 failed\n") {
		t.Errorf("without:\n%s%s", out.stdout, out.stderr)
	}
	// One that runs beside the one that fails: it begins before that and ends after it.
	dir := t.TempDir()
	out = w.each(statusFailed, "gateway dev staging --fail-fast --parallel 2", fmt.Sprintf(`cd %q
case $GATEHOP_PROFILE in
dev) until test -e begun; do sleep 0.02; done; touch failed; exit 3;;
*) touch begun; until test -e failed; do sleep 0.02; done; sleep 0.1; echo finished;; esac`, dir))
	if out.stdout != "gateway | finished\n" || !strings.HasSuffix(out.stderr, "\n1 of 3 ok, 1 failed, 1 not started\n") {
		t.Errorf("beside one that fails:\n%s%s", out.stdout, out.stderr)
	}
	w.write(".aws/config", worldOfMany+"\n[profile dev-typo]\ngatehop_rol_arn = x\ngatehop_source_profile = gateway\n")
	sent := len(w.adfs.Requests())
	out = w.each(statusUsage, "gateway dev* --fail-fast --parallel 1", "echo ran").want(t, statusUsage, "gatehop_rol_arn", "0 of 3 ok, 1 failed, 2 not started")
	if out.stdout != "" || len(w.adfs.Requests()) != sent {
		t.Errorf("beside a broken profile:\n%s%s", out.stdout, out.stderr)
	}
	w.each(statusUsage, "gateway dev*", "echo ran").want(t, statusUsage, "gateway  | ran", "2 of 3 ok, 1 failed")
	out = w.each(statusAWS, "denied dev staging --fail-fast --parallel 1", "echo ran")
	if out.stdout != "" || !strings.HasSuffix(out.stderr, "\n0 of 3 ok, 1 failed, 2 not started\n") {
		t.Errorf("after a hop that fails:\n%s%s", out.stdout, out.stderr)
	}
}

// TestEachJSON wants facts and output as JSON, and standard error still for people.
func TestEachJSON(t *testing.T) {
	t.Parallel()
	w := worldOfEach(t)
	out := w.each(statusFailed, "dev denied staging brief --json --parallel 1 --fail-fast",
		`echo "<out of $GATEHOP_PROFILE>"; printf 'no end'; echo err >&2; test "$GATEHOP_PROFILE" != dev`)
	var list []eachResult
	if err := json.Unmarshal([]byte(out.stdout), &list); err != nil {
		t.Fatalf("%v in\n%s", err, out.stdout)
	}
	if len(list) != 4 || list[0].Profile != "dev" || list[0].Result != eachFailed || *list[0].Status != 1 || *list[0].Output != "<out of dev>\nno end" ||
		list[0].Identity != "arn:aws:sts::444444444444:assumed-role/Admins/alice" || list[0].Expires == nil || list[0].Error == "" {
		t.Errorf("dev = %+v", list[0])
	}
	for _, r := range list[1:] {
		if r.Result != eachSkipped || r.Status != nil || r.Output != nil {
			t.Errorf("%+v", r)
		}
	}
	if !strings.Contains(out.stderr, "dev     | err\n") || strings.Contains(out.stdout, "err\n") {
		t.Errorf("standard error is\n%s", out.stderr)
	}
	out = w.each(statusAWS, "dev denied staging --json", fmt.Sprintf("head -c %d /dev/zero | tr '\\0' x", keptOutput+1))
	list = nil
	if err := json.Unmarshal([]byte(out.stdout), &list); err != nil || len(list) != 3 {
		t.Fatalf("%v, %d results", err, len(list))
	}
	for _, r := range list {
		if r.Profile == "denied" {
			if r.Status != nil || r.Output != nil || !strings.Contains(r.Error, "AccessDenied") {
				t.Errorf("denied = %+v", r)
			}
		} else if *r.Status != 0 || len(*r.Output) != keptOutput || !r.Cut {
			t.Errorf("%s: %d bytes of output, cut %v", r.Profile, len(*r.Output), r.Cut)
		}
	}
}

// TestEachWholeLines lets many commands write at once, in pieces, and wants no line of one
// in a line of another.
func TestEachWholeLines(t *testing.T) {
	t.Parallel()
	w := worldOfEach(t)
	const script = `for i in 1 2 3 4 5 6 7 8 9; do for s in out err; do { printf 'a%s' $i; printf 'b%s' $i; echo c$i; } >/dev/std$s; done; done; printf last`
	out := w.each(0, "dev staging gateway brief", script)
	for name, text := range map[string]string{"out": out.stdout, "err": strings.TrimSuffix(out.stderr, "4 of 4 ok\n")} {
		n := 0
		for line := range strings.Lines(text) {
			if n++; !regexp.MustCompile(`^(dev    |staging|gateway|brief  ) \| (a(\d)b(\d)c(\d)|last)\n$`).MatchString(line) {
				t.Errorf("std%s has the line %q", name, line)
			}
		}
		if want := map[string]int{"out": 40, "err": 36}[name]; n != want {
			t.Errorf("std%s has %d lines, want %d", name, n, want)
		}
	}
}

// TestLines wants lines whole however they are written, and a very long one in pieces.
func TestLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ pieces, want string }{
		{"", ""},
		{"one\n", "p one\n"},
		{"o|n|e|\n|t", "p one\np t\n"},
		{"one\n\ntwo\r\n|three", "p one\np \np two\r\np three\n"},
		{"\n", "p \n"},
	} {
		var b strings.Builder
		l := &lines{run: &eachRun{}, to: &b, prefix: "p "}
		for _, piece := range strings.Split(c.pieces, "|") {
			if n, err := l.Write([]byte(piece)); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := l.end(); err != nil || b.String() != c.want {
			t.Errorf("%q is passed on as %q, %v, want %q", c.pieces, b.String(), err, c.want)
		}
	}
	var b strings.Builder
	l := &lines{run: &eachRun{}, to: &b}
	for range 100 {
		_, _ = l.Write([]byte(strings.Repeat("x", 4096)))
	}
	if len(l.rest) > longestLine || strings.Count(b.String(), "x")+len(l.rest) != 100*4096 {
		t.Errorf("%d bytes are held and %d passed on", len(l.rest), b.Len())
	}
}

// FuzzLines wants nothing lost or changed of what is written, in whatever pieces, but for
// the prefixes and one line end.
func FuzzLines(f *testing.F) {
	f.Add("one\ntwo", 2)
	f.Add("\r\n\n", 1)
	f.Fuzz(func(t *testing.T, text string, size int) {
		var b strings.Builder
		l := &lines{run: &eachRun{}, to: &b, prefix: "p|"}
		for rest := text; rest != ""; {
			n := min(max(size%7, 1), len(rest))
			if _, err := l.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := l.end(); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for line := range strings.Lines(b.String()) {
			body, ok := strings.CutPrefix(line, "p|")
			if !ok {
				t.Fatalf("%q is no line of its own", line)
			}
			got.WriteString(body)
		}
		if want := text + strings.Repeat("\n", min(1, len(strings.TrimRight(text[max(0, len(text)-1):], "\n")))); got.String() != want {
			t.Errorf("%q is passed on as %q", text, got.String())
		}
	})
}

// TestEachLeftBehind wants an end although something that a command left behind keeps its
// output open.
func TestEachLeftBehind(t *testing.T) {
	t.Parallel()
	w := worldOfEach(t)
	pid := filepath.Join(t.TempDir(), "pid")
	out := w.each(0, "dev", fmt.Sprintf("sleep 600 & echo $! >%q; echo here", pid))
	if out.stdout != "dev | here\n" {
		t.Errorf("standard output is %q", out.stdout)
	}
	var n int
	if _, err := fmt.Sscan(readFile(t, pid), &n); err != nil {
		t.Fatal(err)
	}
	if p, err := os.FindProcess(n); err == nil {
		_ = p.Kill()
	}
}
