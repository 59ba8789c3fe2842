//go:build linux && (amd64 || arm64)

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// traced runs gatehop under the tracer and returns how many files and sockets the whole
// process opened, by the kernel's account, Go's own start included.
func (w *realCompany) traced(t *testing.T, vars []string, args ...string) (opened, sockets int) {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	cmd := w.command("state", "killer", append([]string{"0", "entry", out, filepath.Join(dir, "err"), "gatehop"}, args...)...)
	cmd.Env = append(cmd.Env, vars...)
	cmd.Stdin = strings.NewReader(strings.Repeat("go\n", 8)) // a lock is taken: go on
	said, err := cmd.Output()
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == untraceable {
		err = errUntraceable
	}
	mustTrace(t, err)
	for _, line := range strings.Split(string(said), "\n") {
		if _, err := fmt.Sscanf(line, "made %d %d", &opened, &sockets); err == nil {
			return opened, sockets
		}
	}
	t.Fatalf("the tracer did not say what was opened: %s", said)
	return 0, 0
}

// opens counts, by the kernel's own account, what is opened in some folders.
type opens struct {
	fd   int
	dirs map[int32]string
}

func watchOpens(t *testing.T, dirs map[string]string) *opens {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	o := &opens{fd: fd, dirs: map[int32]string{}}
	for name, path := range dirs {
		wd, err := syscall.InotifyAddWatch(fd, path, syscall.IN_OPEN)
		if err != nil {
			t.Fatal(err)
		}
		o.dirs[int32(wd)] = name
	}
	return o
}

// names are what was opened since the last call, sorted; hashed names are "entry".
func (o *opens) names(t *testing.T) (names []string) {
	t.Helper()
	buffer := make([]byte, 64<<10)
	n, err := syscall.Read(o.fd, buffer)
	if errors.Is(err, syscall.EAGAIN) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	for buffer = buffer[:n]; len(buffer) > 0; {
		end := syscall.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buffer[12:]))
		name := string(bytes.TrimRight(buffer[syscall.SizeofInotifyEvent:end], "\x00"))
		if len(name) == 64 {
			name = "entry"
		}
		names = append(names, filepath.Join(o.dirs[int32(binary.NativeEndian.Uint32(buffer))], name))
		buffer = buffer[end:]
	}
	slices.Sort(names)
	return names
}

// TestWarmOpens: an answer from the cache opens the AWS configuration and two files of
// the state, each once, and no socket. What else the process opens is what any gatehop
// opens before it has read its arguments. A CA bundle and a credentials file, where they
// are set, are one file more each. The controls are runs which the same count sees: one
// that is not the warm path, and one that signs in.
func TestWarmOpens(t *testing.T) {
	t.Parallel()
	rarelyRaced(t, "what is traced is slow, and one thing at a time")
	w := newRealCompany(t, realOptions{})
	if _, sockets := w.traced(t, nil, "credential-process", "dev"); sockets < 2 {
		t.Errorf("a cold run made %d sockets: the count is blind", sockets)
	}
	least, _ := w.traced(t, nil, "version")
	watch := watchOpens(t, map[string]string{"home": w.home, "state": filepath.Join(w.home, "state"), "sessions": filepath.Join(w.home, "state", "sessions")})
	credentials := filepath.Join(w.home, "credentials")
	if err := os.WriteFile(credentials, []byte("[other]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	watch.names(t)
	warm := []string{"home/ca.pem", "home/config", "sessions/entry", "state/session.key"}
	with := append([]string{"home/ca.pem", "home/config", "home/credentials"}, warm[2:]...)
	for _, c := range []struct {
		vars, args, want []string
	}{
		{nil, []string{"credential-process", "dev"}, warm},
		{nil, []string{"env", "gateway"}, warm},
		{nil, []string{"status", "dev", "--short"}, warm},
		{[]string{"AWS_SHARED_CREDENTIALS_FILE=" + credentials}, []string{"credential-process", "dev"}, with},
		{[]string{"AWS_CA_BUNDLE=" + filepath.Join(w.home, "ca.pem")}, []string{"credential-process", "dev"}, warm}, // for a connection only
	} {
		opened, sockets := w.traced(t, c.vars, c.args...)
		got := watch.names(t)
		if !slices.Equal(got, c.want) || opened-least != len(c.want) || sockets != 0 {
			t.Errorf("%q with %q opened %q, %d files beyond the %d of any start, and %d sockets; want %q and nothing else",
				c.args, c.vars, got, opened-least, least, sockets, c.want)
		}
	}
	if opened, _ := w.traced(t, nil, "status"); slices.Equal(watch.names(t), warm) || opened-least <= len(warm) {
		t.Errorf("status of all profiles opened %d files: the count is blind", opened-least)
	}
}
