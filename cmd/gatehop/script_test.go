package main

import (
	"errors"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary double as gatehop, and as what the tests put beside it.
func TestMain(m *testing.M) {
	// Most of these tests wait for other processes: more of them fit than there are
	// processors. A -parallel on the command line comes after this and counts.
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	roles := map[string]func(){"gatehop": func() { os.Exit(realMain(nil)) }, "gatehop-gated": gated}
	maps.Copy(roles, systemRoles())
	testscript.Main(m, roles)
}

// rarelyRaced leaves a test of many runs to the step without the race detector, and to
// .ci/long: with it they take ten times as long.
func rarelyRaced(t *testing.T, why string) {
	t.Helper()
	if raceDetector && os.Getenv("RACE") != "all" {
		t.Skipf("without RACE=all not under the race detector: %s", why)
	}
}

// TestScript runs the stories of testdata/script, each in a folder and a home of its own.
func TestScript(t *testing.T) {
	t.Parallel()
	rarelyRaced(t, "commands one after another have little to race")
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, "home")
			e.Setenv("HOME", home)
			return os.Mkdir(home, 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits N COMMAND [ARG...] runs a command that must end with status N.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N command [arg...]")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exits: %q is not a number", args[0])
	}
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("exits: %v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}
