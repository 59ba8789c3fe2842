//go:build interop

package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// The readers of the AWS files that nobody here wrote, as readBack names them. A machine
// may have a second botocore, which must agree with the first.
const (
	botocore   = "botocore"
	botocoreII = "botocore of the AWS CLI"
	goSDK      = "the Go SDK"
	jsSDK      = "the JavaScript SDK"
)

// profileKeys are the keys of profiles by profile and key. A key in a nested block is
// called KEY.NAME.
type profileKeys map[string]map[string]string

// filePair is a config and a credentials file by path.
type filePair struct {
	Config      string `json:"config"`
	Credentials string `json:"credentials"`
}

// sdkReading is what one SDK reads in a pair of files. The JavaScript SDK takes a file
// that it refuses for an empty one.
type sdkReading struct {
	Config      profileKeys `json:"config"`
	Credentials profileKeys `json:"credentials"`
	Merged      profileKeys `json:"merged"`
	Error       string      `json:"error"` // why there is nothing in Merged
	Errors      struct {
		Config      string `json:"config"`
		Credentials string `json:"credentials"`
	} `json:"errors"`
}

// sdkReaders is a command line per SDK.
type sdkReaders map[string][]string

// readBack reads one pair of files with all the SDKs: SDK, profile, key, value, both files
// together. A file that does not exist is empty. An SDK that refuses a file fails the test.
func readBack(t *testing.T, config, credentials string) map[string]profileKeys {
	t.Helper()
	found := map[string]profileKeys{}
	for sdk, readings := range newSDKReaders(t).read(t, []filePair{{config, credentials}}) {
		if problem := readings[0].Error; problem != "" {
			t.Errorf("%s refuses %s with %s: %s", sdk, config, credentials, problem)
		}
		found[sdk] = readings[0].Merged
	}
	return found
}

// newSDKReaders makes the readers ready; the test fails where one cannot be had.
func newSDKReaders(t *testing.T) sdkReaders {
	t.Helper()
	readers := sdkReaders{goSDK: {goReader(t)}, jsSDK: {"node", "--no-warnings", filepath.Join(jsFolder(t), "read.mjs")}}
	versions := map[string]bool{}
	for _, python := range pythons(t) {
		script := filepath.Join(interopDir, "reader", "read.py")
		version, err := exec.Command(python, script, "--version").Output()
		if err != nil {
			t.Fatalf("%s %s: %v", python, script, err)
		}
		label := botocore
		if len(versions) > 0 {
			label = botocoreII
		}
		if !versions[string(version)] {
			readers[label] = []string{python, "-X", "utf8", script}
			t.Logf("%s: %s of %s", label, strings.TrimSpace(string(version)), python)
		}
		versions[string(version)] = true
	}
	return readers
}

// pythons are the interpreters that have a botocore, at most two.
func pythons(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		const probe = "try:\n import botocore.session\nexcept ImportError:\n import awscli, botocore.session"
		if err := exec.Command(python, "-c", probe).Run(); err == nil {
			found = append(found, python)
		}
	}
	if len(found) == 0 {
		t.Fatal("no python3 here has a botocore: .ci/steps/01-install brings Debian's")
	}
	return found
}

// goReader builds the reader of the Go SDK: a copy of the SDK's config package, as go.sum
// has it, with a probe added that hands out the keys.
func goReader(t *testing.T) string {
	t.Helper()
	from := filepath.Join(interopDir, "reader")
	return filepath.Join(installed(t, "reader", from, func(dir string) {
		command(t, dir, "go", "mod", "download", "github.com/aws/aws-sdk-go-v2/config")
		module := command(t, dir, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/config")
		if err := copyTree(filepath.Join(dir, "config"), strings.TrimSpace(module)); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "probe.go.txt"), filepath.Join(dir, "config", "probe.go")); err != nil {
			t.Fatal(err)
		}
		command(t, dir, "go", "mod", "edit", "-replace", "github.com/aws/aws-sdk-go-v2/config=./config")
		command(t, dir, "go", "build", "-trimpath", "-o", "reader", ".")
	}), "reader")
}

// jsFolder is a folder with the programs of testdata/interop/js and the packages that
// they need, as package-lock.json has them.
func jsFolder(t *testing.T) string {
	t.Helper()
	return installed(t, "js", filepath.Join(interopDir, "js"), func(dir string) {
		command(t, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	})
}

var installing sync.Mutex

// installed returns a folder with a copy of from that install has completed. It is made
// once for each content of from and kept with what the gate installs.
func installed(t *testing.T, name, from string, install func(dir string)) string {
	t.Helper()
	cache := os.Getenv("CI_CACHE")
	if user, err := os.UserCacheDir(); cache == "" && err == nil {
		cache = filepath.Join(user, "gatehop-ci")
	}
	if cache == "" {
		cache = t.TempDir()
	}
	installing.Lock() // once, and not once for each test that needs it
	defer installing.Unlock()
	sum := sha256.New()
	if err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		fmt.Fprintf(sum, "%q %q", path, readFile(t, path))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(sum, runtime.Version(), runtime.GOARCH)
	done := filepath.Join(cache, fmt.Sprintf("%s-%x", name, sum.Sum(nil)[:8]))
	if _, err := os.Stat(done); err == nil {
		return done
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	unfinished, err := os.MkdirTemp(cache, name+"-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(unfinished)
	if err := copyTree(unfinished, from); err != nil {
		t.Fatal(err)
	}
	install(unfinished)
	if err := os.Rename(unfinished, done); err != nil {
		if _, missing := os.Stat(done); missing != nil { // else another process was faster
			t.Fatal(err)
		}
	}
	return done
}

// command runs a program that must succeed and returns its standard output.
func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// copyTree copies files so that they may be changed: those of the module cache are read-only.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if target := filepath.Join(to, rel); d.IsDir() {
			return os.MkdirAll(target, 0o755)
		} else if data, err := os.ReadFile(path); err == nil {
			return os.WriteFile(target, data, 0o644)
		}
		return err
	})
}

// read reads many pairs, with one process per SDK for all of them.
func (r sdkReaders) read(t *testing.T, pairs []filePair) map[string][]sdkReading {
	t.Helper()
	var jobs bytes.Buffer
	for _, p := range pairs {
		if err := json.NewEncoder(&jobs).Encode(p); err != nil {
			t.Fatal(err)
		}
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	var problems []error
	found := map[string][]sdkReading{}
	for sdk, argv := range r {
		group.Go(func() {
			readings, err := readAll(argv, jobs.Bytes(), len(pairs))
			mu.Lock()
			defer mu.Unlock()
			if found[sdk] = readings; err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", sdk, err))
			}
		})
	}
	group.Wait()
	if len(problems) > 0 {
		t.Fatal(errors.Join(problems...))
	}
	return found
}

func readAll(argv []string, jobs []byte, want int) ([]sdkReading, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(jobs), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, stderr.String())
	}
	var readings []sdkReading
	for answers := json.NewDecoder(&stdout); ; {
		var one sdkReading
		if err := answers.Decode(&one); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		readings = append(readings, one)
	}
	if len(readings) != want {
		return nil, fmt.Errorf("%d answers for %d pairs", len(readings), want)
	}
	return readings, nil
}
