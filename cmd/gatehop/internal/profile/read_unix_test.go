//go:build unix

package profile

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/anyurl"
)

// TestReadNoFile puts into the place of each file what is none, and wants it refused at
// once: a pipe that nobody writes would be waited for, for ever.
func TestReadNoFile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		plant   func(path string) error
		problem string // "" if it is taken
	}{
		{"a pipe", func(path string) error { return syscall.Mkfifo(path, 0o600) }, "is not a regular file"},
		{"a link to a pipe", func(path string) error {
			return errors.Join(syscall.Mkfifo(path+".pipe", 0o600), os.Symlink(path+".pipe", path))
		}, "is not a regular file"},
		{"a socket", func(path string) error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			if err != nil {
				return err
			}
			l.SetUnlinkOnClose(false)
			return l.Close()
		}, "is not a regular file"},
		{"another device", func(path string) error { return os.Symlink("/dev/zero", path) }, "is not a regular file"},
		{"a folder", func(path string) error { return os.Mkdir(path, 0o700) }, "is a folder"},
		{"a circle of links", func(path string) error { return os.Symlink(path, path) }, "cannot be read"},
		{"too long", func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, maxFile+1))
		}, "is longer than 16 MiB"},
		{"as long as may be", func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, maxFile))
		}, ""},
		{"the null device", func(path string) error { return os.Symlink(os.DevNull, path) }, ""},
		{"a link to a file", func(path string) error {
			return errors.Join(os.WriteFile(path+".real", []byte("# nothing\n"), 0o600), os.Symlink(path+".real", path))
		}, ""},
	} {
		for which, file := range []string{"config", "credentials"} {
			t.Run(tt.name+" as "+file, func(t *testing.T) {
				t.Parallel()
				dir, err := os.MkdirTemp("", "gatehop") // the name of a socket must be short
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = os.RemoveAll(dir) })
				f := Files{Config: filepath.Join(dir, "config"), Credentials: filepath.Join(dir, "credentials")}
				path := []string{f.Config, f.Credentials}[which]
				if err := tt.plant(path); err != nil {
					t.Fatal(err)
				}
				err, ended := readSoon(f)
				var bad *Error
				switch {
				case !ended:
					t.Fatal("Read waits")
				case tt.problem == "" && err != nil:
					t.Errorf("Read = %v, want it taken", err)
				case tt.problem != "" && (!errors.As(err, &bad) || bad.File != path || bad.Line != 0 || !strings.Contains(bad.Problem, tt.problem)):
					t.Errorf("Read = %v, want an *Error about %s: %s", err, path, tt.problem)
				}
			})
		}
	}
}

// readSoon is Read, given up after a time that is long enough for any machine.
func readSoon(f Files) (err error, ended bool) {
	done := make(chan error, 1)
	go func() {
		_, err := Read(f, anyurl.Read)
		done <- err
	}()
	select {
	case err := <-done:
		return err, true
	case <-time.After(20 * time.Second):
		return nil, false
	}
}
