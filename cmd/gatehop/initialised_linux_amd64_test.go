package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// initialisedFor is the Go release that the list was written with: another one has other
// packages of its own to initialise.
const initialisedFor = "go1.26"

// initialised reads the names of packages that were initialised from what a Go program
// prints under GODEBUG=inittrace=1.
func initialised(trace string) []string {
	names := []string{}
	for lines := bufio.NewScanner(strings.NewReader(trace)); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) > 2 && words[0] == "init" && strings.HasPrefix(words[2], "@") {
			names = append(names, words[1])
		}
	}
	slices.Sort(names)
	return names
}

// grown compares two sorted lists.
func grown(kept, now []string) (more, less []string) {
	for _, name := range now {
		if _, ok := slices.BinarySearch(kept, name); !ok {
			more = append(more, name)
		}
	}
	for _, name := range kept {
		if _, ok := slices.BinarySearch(now, name); !ok {
			less = append(less, name)
		}
	}
	return more, less
}

// late are packages that an answer from the cache must not wait for. A slash at the end
// stands for all below.
var late = []string{"github.com/aws/aws-sdk-go-v2/service/", "github.com/spf13/", "golang.org/x/net/html", "golang.org/x/net/idna", "golang.org/x/net/http/", "net", "net/", "crypto/tls", "crypto/x509",
	"html", "html/", "text/", "log/slog", "path/filepath", "math/big", "main"}

// tooLate are those of names that are late.
func tooLate(names []string) (found []string) {
	for _, name := range names {
		if slices.ContainsFunc(late, func(l string) bool { return name == l || strings.HasSuffix(l, "/") && strings.HasPrefix(name, l) }) {
			found = append(found, name)
		}
	}
	return found
}

// TestInitialised compares the packages that an answer from the cache initialises with
// the list that was agreed to. UPDATE=1 rewrites it: measure first what the new ones cost
// (testdata/bench). The control is a run that is not answered so: it initialises what the
// other must not.
func TestInitialised(t *testing.T) {
	t.Parallel()
	rarelyRaced(t, "the gatehop that it builds is the same")
	if !strings.HasPrefix(runtime.Version()+".", initialisedFor+".") {
		t.Skipf("NOT TESTED: the list is for %s, this is %s", initialisedFor, runtime.Version())
	}
	exe := filepath.Join(t.TempDir(), "gatehop")
	build := exec.Command("go", "build", "-trimpath", "-o", exe, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	w := newRealCompany(t, realOptions{})
	trace := func(args ...string) []string {
		run := w.command("state", exe, args...)
		run.Env = append(run.Env, "GODEBUG=inittrace=1")
		var said strings.Builder
		run.Stderr = &said
		if out, err := run.Output(); err != nil || len(out) == 0 {
			t.Fatalf("%q: %v: %s", args, err, said.String())
		}
		return initialised(said.String())
	}
	cold := trace("credential-process", "dev")
	now := trace("credential-process", "dev")
	if len(now) < 20 || !slices.Contains(now, "runtime") || !slices.Contains(cold, "main") || len(tooLate(cold)) < 10 {
		t.Fatalf("only %q were initialised, and %q: the check sees too little", now, cold)
	}
	if found := tooLate(now); len(found) > 0 {
		t.Errorf("an answer from the cache waits for %q", found)
	}
	path := filepath.Join("testdata", "bench", "initialised.txt")
	head := fmt.Sprintf("# Packages that an answer from the cache initialises (linux/amd64, %s).\n# go test ./cmd/gatehop -run TestInitialised compares; UPDATE=1 rewrites.\n", initialisedFor)
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(path, []byte(head+strings.Join(now, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, ok := strings.CutPrefix(string(data), head)
	if !ok {
		t.Fatalf("%s does not begin with %q", path, head)
	}
	if more, less := grown(strings.Fields(text), now); more != nil || less != nil {
		t.Errorf("an answer from the cache initialises %q more and %q less than %s says: measure, then write it with UPDATE=1", more, less, path)
	}
}

// TestInitialisedControl plants a package, and takes one away.
func TestInitialisedControl(t *testing.T) {
	t.Parallel()
	trace := "gatehop: init of the day\ninit zlib @0.5 ms, 0.01 ms clock, 0 bytes, 0 allocs\ninit example.com/heavy @0.9 ms, 4.1 ms clock, 9 bytes, 1 allocs\n"
	now := initialised(trace)
	if !slices.Equal(now, []string{"example.com/heavy", "zlib"}) {
		t.Fatalf("initialised = %q", now)
	}
	more, less := grown([]string{"errors", "zlib"}, now)
	if !slices.Equal(more, []string{"example.com/heavy"}) || !slices.Equal(less, []string{"errors"}) {
		t.Errorf("grown = %q more and %q less", more, less)
	}
}
