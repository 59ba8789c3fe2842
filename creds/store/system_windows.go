package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// accessProblem looks at the folder's owner and at its access list: the user, the
// system and the administrators, who can reach it anyway, may stand there, nobody else.
func accessProblem(path string, _ fs.FileInfo) (string, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return "has an owner that cannot be compared with the user", err
	}
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
		windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return "has an access list that cannot be read", err
	}
	mayUse := func(sid *windows.SID) bool {
		return sid.Equals(user.User.Sid) || sid.IsWellKnown(windows.WinLocalSystemSid) ||
			sid.IsWellKnown(windows.WinBuiltinAdministratorsSid)
	}
	owner, _, err := sd.Owner()
	if err != nil || owner == nil || !mayUse(owner) { // elevated programs create in the administrators' name
		return "belongs to another user", err
	}
	list, _, err := sd.DACL()
	if err != nil || list == nil { // no list at all lets everybody in
		return "can be used by others (no access list)", err
	}
	for i := range uint32(list.AceCount) {
		var entry *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &entry); err != nil {
			return "has an access list that cannot be read", err
		}
		if entry.Header.AceType == windows.ACCESS_DENIED_ACE_TYPE {
			continue
		}
		sid := (*windows.SID)(unsafe.Pointer(&entry.SidStart))
		if entry.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || !mayUse(sid) && !sid.IsWellKnown(windows.WinCreatorOwnerSid) {
			return "can be used by others (access list)", nil
		}
	}
	return "", nil
}

// fileProblem is "": a file inherits the access list of its folder, which OpenDir checked.
func fileProblem(fs.FileInfo) string { return "" }

// ownerProblem is "": see fileProblem.
func ownerProblem(fs.FileInfo) string { return "" }

// makePrivate makes a folder with an access list of its own: the user and nobody else,
// inherited by all that is made in it, nothing inherited from above.
func makePrivate(path string) error {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return fmt.Errorf("find out the user: %w", err)
	}
	sid := user.User.Sid.String()
	sd, err := windows.SecurityDescriptorFromString("O:" + sid + "D:P(A;OICI;FA;;;" + sid + ")")
	if err != nil {
		return fmt.Errorf("make the access list: %w", err)
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	attributes := windows.SecurityAttributes{SecurityDescriptor: sd}
	attributes.Length = uint32(unsafe.Sizeof(attributes))
	if err := windows.CreateDirectory(name, &attributes); err != nil {
		return &fs.PathError{Op: "mkdir", Path: path, Err: err}
	}
	return nil
}

func makeFilePrivate(*os.File) error { return nil }

// openFile opens for reading: a link itself and not its target, and without standing in
// the way of a rename over the file.
func openFile(path string) (*os.File, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, &FileError{Path: path, Problem: "cannot be read", Err: err}
	}
	handle, err := windows.CreateFile(name, windows.GENERIC_READ,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil,
		windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return nil, &FileError{Path: path, Problem: "cannot be read", Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}

// rename tries for two seconds: a virus scanner or a backup may have the file open in a
// way that forbids it.
func rename(ctx context.Context, from, to string) error {
	const patience, pause = 2 * time.Second, 20 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		err := os.Rename(from, to)
		busy := errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION) ||
			errors.Is(err, windows.ERROR_LOCK_VIOLATION)
		if !busy || waited >= patience {
			return err
		}
		if !wait(ctx, pause) {
			return ctx.Err()
		}
	}
}

func openLockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|windows.O_FILE_FLAG_OPEN_REPARSE_POINT, 0o600)
}

// tryLock takes the lock of the open file, or reports that somebody else has it. The
// system frees it with the file, at the latest when the process ends.
func tryLock(f *os.File) (taken bool, err error) {
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, lockedByte())
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}

func unlock(f *os.File) {
	_ = windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, lockedByte())
}

// lockedByte lies behind all that is written: what is locked here cannot be read by others.
func lockedByte() *windows.Overlapped { return &windows.Overlapped{Offset: 1 << 30} }
