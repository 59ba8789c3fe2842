package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/windows"
)

func systemHelpers() map[string]func([]string) error { return map[string]func([]string) error{} }

func setAccess(t *testing.T, path, sddl string) {
	t.Helper()
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := sd.DACL()
	if err != nil {
		t.Fatal(err)
	}
	if err := windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, list, nil); err != nil {
		t.Fatal(err)
	}
}

// TestOpenDirRefuses plants an entry of everybody's in the access list of a folder that
// was accepted.
func TestOpenDirRefuses(t *testing.T) {
	t.Parallel()
	path := tempDir(t).path
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	own := "D:P(A;OICI;FA;;;" + user.User.Sid.String() + ")"
	setAccess(t, path, own+"(A;OICI;FR;;;WD)")
	var dirErr *DirError
	if _, err := OpenDir(path, true); !errors.As(err, &dirErr) {
		t.Errorf("OpenDir of a folder that everybody can read = %v, want a *DirError", err)
	}
	setAccess(t, path, own)
	if _, err := OpenDir(path, true); err != nil {
		t.Errorf("OpenDir without the fault = %v, want nil", err)
	}
}

// TestRenameOverOpenFile: a reader that has the file open is in nobody's way.
func TestRenameOverOpenFile(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	if err := WriteFile(dir, "choices", []byte("old")); err != nil {
		t.Fatal(err)
	}
	f, err := openFile(filepath.Join(dir.path, "choices"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := WriteFile(dir, "choices", []byte("new")); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir.path, "choices")); err != nil || string(data) != "new" {
		t.Errorf("content = %q, %v, want what was written", data, err)
	}
}
