//go:build unix

package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// TestOpenDirRefuses plants one fault in a folder that was accepted, and takes it away
// again: what is refused is the fault.
func TestOpenDirRefuses(t *testing.T) {
	t.Parallel()
	move := func(path string) error { return os.Rename(path, path+".real") }
	for _, fault := range []struct {
		name          string
		plant, remove func(path string) error
		problem       string
	}{
		{"others may read", chmod(0o740), chmod(0o700), "can be used by others (mode 0740)"},
		{"others may enter", chmod(0o701), chmod(0o700), "can be used by others (mode 0701)"},
		{"others may write", chmod(0o702), chmod(0o700), "can be used by others (mode 0702)"},
		{"group may write", chmod(0o720), chmod(0o700), "can be used by others (mode 0720)"},
		{"everybody", chmod(0o777), chmod(0o700), "can be used by others (mode 0777)"},
		{"symbolic link",
			func(path string) error { return errors.Join(move(path), os.Symlink(path+".real", path)) },
			func(path string) error { return errors.Join(os.Remove(path), os.Rename(path+".real", path)) },
			"is a symbolic link"},
		{"symbolic link to nothing",
			func(path string) error { return errors.Join(move(path), os.Symlink(path+".none", path)) },
			func(path string) error { return errors.Join(os.Remove(path), os.Rename(path+".real", path)) },
			"is a symbolic link"},
		{"pipe",
			func(path string) error { return errors.Join(move(path), syscall.Mkfifo(path, 0o600)) },
			func(path string) error { return errors.Join(os.Remove(path), os.Rename(path+".real", path)) },
			"is not a folder"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			path := tempDir(t).path
			if err := fault.plant(path); err != nil {
				t.Fatal(err)
			}
			for _, spelling := range []string{path, path + "/", path + "/."} {
				_, err := OpenDir(spelling, true)
				var dirErr *DirError
				if !errors.As(err, &dirErr) || dirErr.Problem != fault.problem || dirErr.Path != path {
					t.Errorf("OpenDir(%q) = %v, want a *DirError that %s", spelling, err, fault.problem)
				}
			}
			if err := fault.remove(path); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenDir(path, false); err != nil {
				t.Errorf("OpenDir without the fault = %v, want nil", err)
			}
		})
	}
}

func chmod(mode fs.FileMode) func(string) error {
	return func(path string) error { return os.Chmod(path, mode) }
}

// foreign returns a folder, mode 0700 or not, and a file of it, that belong to another
// user: root can make them, and others find root's.
func foreign(t *testing.T, own string) (dir, file string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return "/", "/etc/passwd"
	}
	file = filepath.Join(own, "foreign")
	mustWrite(t, file, "foreign")
	for _, path := range []string{own, file} {
		if err := os.Lchown(path, 65534, -1); err != nil {
			t.Fatal(err)
		}
	}
	return own, file
}

func TestOtherOwner(t *testing.T) {
	t.Parallel()
	own := tempDir(t)
	if _, err := OpenDir(own.path, false); err != nil {
		t.Fatalf("OpenDir of our folder = %v, want nil", err)
	}
	path, file := foreign(t, own.path)
	_, err := OpenDir(path, true)
	var dirErr *DirError
	if !errors.As(err, &dirErr) || dirErr.Problem != "belongs to another user" {
		t.Errorf("OpenDir(%q) = %v, want a *DirError about its owner", path, err)
	}
	_, err = ReadFile(Dir{path: filepath.Dir(file)}, filepath.Base(file))
	var fileErr *FileError
	if !errors.As(err, &fileErr) || fileErr.Problem != "belongs to another user" {
		t.Errorf("ReadFile(%q) = %v, want a *FileError about its owner", file, err)
	}
	if _, err := LockFile(t.Context(), file); !errors.As(err, &fileErr) || fileErr.Problem != "belongs to another user" || fileErr.Err != nil {
		t.Errorf("LockFile(%q) = %v, want a *FileError about its owner", file, err)
	}
}

func TestReadFileRefuses(t *testing.T) {
	t.Parallel()
	away := func(path string) error { return os.Rename(path, path+".real") }
	for _, fault := range []struct {
		name    string
		plant   func(path string) error
		problem string
	}{
		{"others may read", chmod(0o604), "can be used by others (mode 0604)"},
		{"group may write", chmod(0o620), "can be used by others (mode 0620)"},
		{"symbolic link", func(path string) error { return errors.Join(away(path), os.Symlink(path+".real", path)) }, "is a symbolic link"},
		{"link to nothing", func(path string) error { return errors.Join(away(path), os.Symlink("none", path)) }, "is a symbolic link"},
		{"pipe", func(path string) error { return errors.Join(away(path), syscall.Mkfifo(path, 0o600)) }, "is not a regular file"},
		{"folder", func(path string) error { return errors.Join(away(path), os.Mkdir(path, 0o700)) }, "is not a regular file"},
		{"too long", func(path string) error { return os.Truncate(path, MaxFile+1) }, "is too long"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			if err := WriteFile(dir, "choices", []byte("content")); err != nil {
				t.Fatal(err)
			}
			if data, err := ReadFile(dir, "choices"); err != nil || string(data) != "content" {
				t.Fatalf("ReadFile before the fault = %q, %v, want the content", data, err)
			}
			if err := fault.plant(filepath.Join(dir.path, "choices")); err != nil {
				t.Fatal(err)
			}
			data, err := ReadFile(dir, "choices")
			var fileErr *FileError
			if !errors.As(err, &fileErr) || fileErr.Problem != fault.problem || data != nil {
				t.Errorf("ReadFile = %q, %v, want a *FileError that %s", data, err, fault.problem)
			}
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("ReadFile = %v, which passes for a file that is not there", err)
			}
		})
	}
}

func TestWriteFileReplacesLinks(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	victim := filepath.Join(t.TempDir(), "victim")
	mustWrite(t, victim, "mine")
	if err := os.Symlink(victim, filepath.Join(dir.path, "choices")); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(dir, "choices", []byte("new")); err != nil {
		t.Fatal(err)
	}
	data, err := ReadFile(dir, "choices")
	if err != nil || string(data) != "new" {
		t.Errorf("ReadFile = %q, %v, want what was written", data, err)
	}
	if content, err := os.ReadFile(victim); err != nil || string(content) != "mine" {
		t.Errorf("the link's target = %q, %v, want it untouched", content, err)
	}
	// The control: a plain write goes through the link, which is what this would show.
	link := filepath.Join(dir.path, "link")
	if err := errors.Join(os.Symlink(victim, link), os.WriteFile(link, []byte("new"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(victim); err != nil || string(content) != "new" {
		t.Errorf("the link's target after a plain write = %q, %v, want it changed", content, err)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dir, err := OpenDir(filepath.Join(parent, "deep", "state"), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(dir, "choices", nil); err != nil {
		t.Fatal(err)
	}
	unlock, err := Locker(filepath.Join(dir.path, "locks"))(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	mustPut(t, NewSealed(dir, "session", rand.Reader, nil), "key", "value")
	for path, want := range map[string]fs.FileMode{
		filepath.Join(parent, "deep"):      0o700,
		dir.path:                           0o700,
		filepath.Join(dir.path, "choices"): 0o600,
		filepath.Join(dir.path, "locks"):   0o700,
		filepath.Join(dir.path, "locks", hashName("key")+".lock"): 0o600,
		filepath.Join(dir.path, keyName):                          0o600,
		filepath.Join(dir.path, keyName+".lock"):                  0o600,
		filepath.Join(dir.path, "sessions"):                       0o700,
		filepath.Join(dir.path, "sessions", hashName("key")):      0o600,
	} {
		if got := mode(t, path); got != want {
			t.Errorf("mode of %s = %04o, want %04o", path, got, want)
		}
	}
}

func systemHelpers() map[string]func([]string) error {
	return map[string]func([]string) error{
		// DIR: makes a folder and a file under a umask that takes the owner's own bits.
		"umask": func(args []string) error {
			syscall.Umask(0o777)
			dir, err := OpenDir(args[0], true)
			if err != nil {
				return err
			}
			return WriteFile(dir, "choices", []byte("content"))
		},
		// FILE: tries a POSIX record lock once.
		"try record lock": func(args []string) error {
			f, err := os.OpenFile(args[0], os.O_RDWR, 0)
			if err != nil {
				return err
			}
			taken, err := recordLock(f)
			fmt.Println(taken)
			return err
		},
	}
}

func recordLock(f *os.File) (taken bool, err error) {
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Len: 1}
	err = syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &lock)
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return false, nil
	}
	return err == nil, err
}

func TestModesUnderUmask(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	cmd, _ := helper(t, "umask", path)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if dir, file := mode(t, path), mode(t, filepath.Join(path, "choices")); dir != 0o700 || file != 0o600 {
		t.Errorf("modes under umask 0777 = %04o and %04o, want 0700 and 0600", dir, file)
	}
}

// TestFlockAndNotRecordLocks: closing another descriptor of a locked file frees a POSIX
// record lock, as the control shows, and must not free ours.
func TestFlockAndNotRecordLocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		lock     func(*os.File) (bool, error)
		role     string
		wantFree bool
	}{
		{"ours", tryLock, "try", false},
		{"record lock", recordLock, "try record lock", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "lock")
			mustWrite(t, path, "")
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if taken, err := c.lock(f); !taken || err != nil {
				t.Fatalf("lock = %v, %v, want it taken", taken, err)
			}
			if _, err := os.ReadFile(path); err != nil { // opens and closes another descriptor
				t.Fatal(err)
			}
			_, output := helper(t, c.role, path)
			line, err := output.ReadString('\n')
			if got := strings.TrimSpace(line) == "true"; err != nil || got != c.wantFree {
				t.Errorf("another process finds it free: %v, %v, want %v", got, err, c.wantFree)
			}
		})
	}
}

func TestLockerRefuses(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(dir, lock string) error{
		"folder open to others": func(dir, _ string) error { return os.Chmod(dir, 0o755) },
		"link to a file":        func(dir, lock string) error { return os.Symlink(filepath.Join(dir, "target"), lock) },
		"pipe":                  func(_, lock string) error { return syscall.Mkfifo(lock, 0o600) },
		"folder as a lock":      func(_, lock string) error { return os.Mkdir(lock, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			if unlock, err := Locker(dir.path)(t.Context(), "other key"); err != nil {
				t.Fatalf("lock before the fault = %v, want nil", err)
			} else {
				unlock()
			}
			mustWrite(t, filepath.Join(dir.path, "target"), "")
			if err := plant(dir.path, filepath.Join(dir.path, hashName("key")+".lock")); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := Locker(dir.path)(ctx, "key")
			var dirErr *DirError
			var fileErr *FileError
			if !errors.As(err, &dirErr) && !errors.As(err, &fileErr) {
				t.Errorf("lock = %v, want a *DirError or *FileError at once", err)
			}
		})
	}
}
