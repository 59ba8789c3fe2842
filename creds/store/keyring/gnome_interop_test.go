//go:build interop && linux

package keyring

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"gatehop/creds/store"
)

// bus is a session bus of the test's own, with a home of its own.
type bus struct{ address, home string }

func newBus(t *testing.T) bus {
	t.Helper()
	b := bus{home: t.TempDir()}
	cmd := exec.Command("dbus-daemon", "--session", "--nofork", "--print-address=1")
	cmd.Env = b.env()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	b.address = strings.TrimSpace(line)
	return b
}

func (b bus) env() []string {
	env := []string{"HOME=" + b.home, "PATH=" + os.Getenv("PATH"), "XDG_RUNTIME_DIR=" + b.home, "XDG_DATA_HOME=" + filepath.Join(b.home, "data")}
	if b.address != "" {
		env = append(env, "DBUS_SESSION_BUS_ADDRESS="+b.address)
	}
	return env
}

// gnome starts gnome-keyring; with a password it opens, or makes, the login keyring.
func (b bus) gnome(t *testing.T, password string) {
	t.Helper()
	args := []string{"--foreground", "--components=secrets", "--control-directory=" + t.TempDir()}
	if password != "" {
		args = append(args, "--unlock")
	}
	cmd := exec.Command("gnome-keyring-daemon", args...)
	cmd.Env, cmd.Stdin = b.env(), strings.NewReader(password)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	b.wait(t)
}

// wait waits until somebody owns the name.
func (b bus) wait(t *testing.T) {
	t.Helper()
	conn, err := dbus.Connect(b.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for range 200 {
		var owned bool
		if err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&owned); err == nil && owned {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the keyring does not come up")
}

// ask makes the key of dir in a process of its own.
func (b bus) ask(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestInteropHelper$", "-test.v")
	cmd.Env = append(b.env(), "GATEHOP_KEYRING_HELPER="+dir)
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if answer, ok := strings.CutPrefix(strings.TrimSpace(line), "answer: "); ok {
			return answer
		}
	}
	t.Fatalf("no answer: %v\n%s", err, out)
	return ""
}

// TestInteropHelper is that process.
func TestInteropHelper(t *testing.T) {
	path := os.Getenv("GATEHOP_KEYRING_HELPER")
	if path == "" {
		t.Skip("the other tests run it")
	}
	dir, err := store.OpenDir(path, true)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	key, err := New(dir, Own(os.Environ())).Make(t.Context(), rand.Reader)
	var e *Error
	switch {
	case errors.As(err, &e):
		fmt.Printf("answer: %s after %v\n", e.Trouble, time.Since(begun).Round(time.Second))
	case err != nil:
		fmt.Printf("answer: %v %v\n", err, errors.Is(err, fs.ErrNotExist))
	default:
		fmt.Printf("answer: key %s\n", hex.EncodeToString(key[:4]))
	}
}

// TestInteropGnomeKeyring: one that is open keeps the key for the next process; one that is
// locked, absent or silent is said to be so, in time, and asks nobody.
func TestInteropGnomeKeyring(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	open := newBus(t)
	open.gnome(t, "the login password")
	first := open.ask(t, dir)
	if !strings.HasPrefix(first, "key ") || open.ask(t, dir) != first {
		t.Errorf("an open keyring: %q, then %q; want one key", first, open.ask(t, dir))
	}
	if other := open.ask(t, filepath.Join(t.TempDir(), "state")); other == first {
		t.Errorf("another directory has the same key %q", other)
	}

	locked := newBus(t)
	locked.gnome(t, "the login password")
	_ = locked.ask(t, dir)
	again := bus{address: newBus(t).address, home: locked.home}
	again.gnome(t, "")
	if got := again.ask(t, dir); !strings.HasPrefix(got, "is locked") {
		t.Errorf("a locked keyring: %q", got)
	}

	if got := (bus{home: t.TempDir()}).ask(t, dir); !strings.HasPrefix(got, "is not there") {
		t.Errorf("no bus: %q", got)
	}

	slow := newBus(t)
	conn, err := dbus.Connect(slow.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Export(sleeper{}, secretsPath, "org.freedesktop.DBus.Properties"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName(secretsName, 0); err != nil {
		t.Fatal(err)
	}
	if got := slow.ask(t, dir); got != "does not answer after 2s" {
		t.Errorf("a keyring that answers after 10 s: %q", got)
	}
}

// sleeper answers after 10 s.
type sleeper struct{}

func (sleeper) Get(string, string) (dbus.Variant, *dbus.Error) {
	time.Sleep(10 * time.Second)
	return dbus.MakeVariant([]dbus.ObjectPath{loginPath}), nil
}
