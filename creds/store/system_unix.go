//go:build unix

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

func accessProblem(_ string, info fs.FileInfo) (string, error) {
	if problem := ownerProblem(info); problem != "" {
		return problem, nil
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Sprintf("can be used by others (mode %04o)", mode), nil
	}
	return "", nil
}

func ownerProblem(info fs.FileInfo) string {
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
		return "belongs to another user"
	}
	return ""
}

// fileProblem asks the same of a file.
func fileProblem(info fs.FileInfo) string {
	problem, _ := accessProblem("", info)
	return problem
}

func makePrivate(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return os.Chmod(path, 0o700) // a umask may have taken the owner's own bits
}

func makeFilePrivate(f *os.File) error { return f.Chmod(0o600) }

// openFile opens for reading. O_NONBLOCK because opening a pipe would wait for a writer.
func openFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK): // FreeBSD has EMLINK
		return nil, &FileError{Path: path, Problem: "is a symbolic link"}
	case err != nil:
		return nil, &FileError{Path: path, Problem: "cannot be read", Err: err}
	}
	return f, nil
}

func rename(_ context.Context, from, to string) error { return os.Rename(from, to) }

// openLockFile opens or makes a lock file.
func openLockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
}

// tryLock takes the lock of the open file, or reports that somebody else has it. flock
// locks belong to the open file: closing another descriptor of the same file, which
// frees a POSIX record lock, does not free them, and the end of the process does.
func tryLock(f *os.File) (taken bool, err error) {
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		default:
			return false, err
		}
	}
}

func unlock(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
