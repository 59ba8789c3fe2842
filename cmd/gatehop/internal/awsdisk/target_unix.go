//go:build unix

package awsdisk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// folderProblem says why nothing is written in the folder. The sticky bit does not help:
// somebody else's file may stand where the lock or the next version should.
func folderProblem(dir string, info fs.FileInfo) (problem string, kind TargetKind) {
	owner := ownerOf(info)
	switch {
	case owner != os.Geteuid() && owner != 0:
		return "is in a folder of another user", TargetOther
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Sprintf("is in a folder that others can write (%s, mode %04o)", dir, info.Mode().Perm()), TargetShared
	case unix.Access(dir, unix.W_OK) != nil:
		return "is in a folder that cannot be written", TargetOther
	}
	return "", TargetOther
}

// targetProblem says why the file is not replaced.
func targetProblem(info fs.FileInfo) (problem string, kind TargetKind) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case ownerOf(info) != os.Geteuid(): // root too: the new file would be root's
		return "belongs to another user", TargetOther
	case ok && stat.Nlink > 1:
		return fmt.Sprintf("has %d names (hard links), and the others would keep the old version", stat.Nlink), TargetOther
	case info.Mode().Perm()&0o200 == 0:
		return fmt.Sprintf("is read-only (mode %04o)", info.Mode().Perm()), TargetReadOnly
	}
	return "", TargetOther
}

func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// openTarget opens the file for reading. A pipe would make it wait, a link was followed
// already.
func openTarget(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}

// hasModes says that modes keep others out.
const hasModes = true

// setMode gives a new file the mode, and the group of the old one, which may be nil.
// Where the group cannot be given, it gets no rights either.
func setMode(f *os.File, old fs.FileInfo, mode fs.FileMode) error {
	if old != nil && mode&0o070 != 0 {
		if stat, ok := old.Sys().(*syscall.Stat_t); !ok || f.Chown(-1, int(stat.Gid)) != nil {
			mode &^= 0o070
		}
	}
	return f.Chmod(mode)
}

// isBusy reports a rename that may do in a moment.
func isBusy(err error) bool { return errors.Is(err, syscall.EBUSY) }

// syncFolder makes a rename in the folder last.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
