package store

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehop/creds"
)

// helperVariable makes the test binary another process of the product: its value is the
// name of the role it plays, its arguments are the role's.
const helperVariable = "GATEHOP_STORE_TEST_HELPER"

func TestMain(m *testing.M) {
	if role, ok := helpers()[os.Getenv(helperVariable)]; ok {
		if err := role(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func helpers() map[string]func(args []string) error {
	roles := systemHelpers()
	roles["hold"], roles["count"], roles["put"], roles["try"] = holdLock, countUnderLock, putEntry, tryOnce
	return roles
}

// holdLock DIR KEY takes the lock, says so, and keeps it until its input ends or it is killed.
func holdLock(args []string) error {
	unlock, err := Locker(args[0])(context.Background(), args[1])
	if err != nil {
		return err
	}
	defer unlock()
	fmt.Println("locked")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// countUnderLock DIR KEY FILE N adds one to the number in the file, N times.
func countUnderLock(args []string) error {
	var rounds int
	if _, err := fmt.Sscan(args[3], &rounds); err != nil {
		return err
	}
	for range rounds {
		if err := addOne(Locker(args[0]), args[1], args[2]); err != nil {
			return err
		}
	}
	return nil
}

// putEntry DIR KEY puts an entry into a sealed store of its own.
func putEntry(args []string) error {
	dir, err := OpenDir(args[0], true)
	if err != nil {
		return err
	}
	return NewSealed(dir, "session", rand.Reader, nil).Put(context.Background(), args[1], []byte("value of "+args[1]))
}

// tryOnce FILE tries the lock of the file, and says whether it got it.
func tryOnce(args []string) error {
	f, err := os.OpenFile(args[0], os.O_RDWR, 0)
	if err != nil {
		return err
	}
	taken, err := tryLock(f)
	fmt.Println(taken)
	return err
}

// helper starts the test binary in a role. Its input stays open until the test ends.
func helper(t *testing.T, role string, args ...string) (cmd *exec.Cmd, output *bufio.Reader) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), helperVariable+"="+role)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewReader(stdout)
}

func addOne(lock func(context.Context, string) (func(), error), key, path string) error {
	unlock, err := lock(context.Background(), key)
	if err != nil {
		return err
	}
	defer unlock()
	number := 0
	if data, err := os.ReadFile(path); err == nil {
		if _, err := fmt.Sscan(string(data), &number); err != nil {
			return err
		}
	}
	time.Sleep(100 * time.Microsecond) // widens the gap in which an unlocked counter loses; nothing waits for it
	return os.WriteFile(path, fmt.Append(nil, number+1), 0o600)
}

func tempDir(t testing.TB) Dir {
	t.Helper()
	dir, err := OpenDir(filepath.Join(t.TempDir(), "state"), true)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// files returns the names of all files under the folder, and their content.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		found[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func temporary(t *testing.T, dir string) (names []string) {
	t.Helper()
	for name := range files(t, dir) {
		if strings.HasPrefix(filepath.Base(name), tempPrefix) {
			names = append(names, name)
		}
	}
	return names
}

func mustPut(t testing.TB, s creds.Store, key, value string) {
	t.Helper()
	if err := s.Put(t.Context(), key, []byte(value)); err != nil {
		t.Fatalf("Put(%q) = %v, want nil", key, err)
	}
}

func mustWrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// appears is closed once there is something at path.
func appears(t *testing.T, path string) <-chan struct{} {
	t.Helper()
	there := make(chan struct{})
	go func() {
		defer close(there)
		for t.Context().Err() == nil {
			if _, err := os.Lstat(path); err == nil {
				return
			}
			wait(t.Context(), time.Millisecond)
		}
	}()
	return there
}
