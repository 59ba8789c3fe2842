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

// TestInitialised compares the packages that every run initialises, the warm path too,
// with the list that was agreed to. UPDATE=1 rewrites it: measure first what the new ones
// cost (testdata/bench).
func TestInitialised(t *testing.T) {
	t.Parallel()
	if !strings.HasPrefix(runtime.Version()+".", initialisedFor+".") {
		t.Skipf("NOT TESTED: the list is for %s, this is %s", initialisedFor, runtime.Version())
	}
	exe := filepath.Join(t.TempDir(), "gatehop")
	build := exec.Command("go", "build", "-trimpath", "-o", exe, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	run := exec.Command(exe, "credential-process", "nobody")
	run.Env = []string{"GODEBUG=inittrace=1", "HOME=" + t.TempDir()}
	trace, _ := run.CombinedOutput() // there is no such profile
	now := initialised(string(trace))
	if len(now) < 40 || !slices.Contains(now, "main") || !slices.Contains(now, "runtime") {
		t.Fatalf("only %q were initialised: the check sees too little", now)
	}
	path := filepath.Join("testdata", "bench", "initialised.txt")
	head := fmt.Sprintf("# Packages that every run of gatehop initialises (linux/amd64, %s).\n# go test ./cmd/gatehop -run TestInitialised compares; UPDATE=1 rewrites.\n", initialisedFor)
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
		t.Errorf("every start initialises %q more and %q less than %s says: measure, then write it with UPDATE=1", more, less, path)
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
