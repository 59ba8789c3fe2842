package awsdisk

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// folderProblem is "": who may write in a folder of the user's profile is decided by an
// access list that the profile inherits, and the new file inherits it as the old did.
func folderProblem(string, fs.FileInfo) (problem string, kind TargetKind) { return "", TargetOther }

// targetProblem says why the file is not replaced.
func targetProblem(info fs.FileInfo) (problem string, kind TargetKind) {
	if info.Mode().Perm()&0o200 == 0 {
		return "is read-only", TargetReadOnly
	}
	return "", TargetOther
}

// openTarget opens the file for reading without standing in the way of a rename over it.
func openTarget(path string) (*os.File, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	handle, err := windows.CreateFile(name, windows.GENERIC_READ,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil,
		windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}

// hasModes says that modes keep others out. Here access lists do, which a new file
// inherits.
const hasModes = false

func setMode(*os.File, fs.FileInfo, fs.FileMode) error { return nil }

// isBusy reports a rename that may do in a moment: somebody has the file open.
func isBusy(err error) bool {
	return errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION) ||
		errors.Is(err, windows.ERROR_LOCK_VIOLATION)
}

// syncFolder does nothing: Windows has no way to ask for it.
func syncFolder(string) error { return nil }
