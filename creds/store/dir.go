package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gatehop/creds/store/paths"
)

// Dir is a folder that was found fit to hold secrets. The zero value is no folder, and
// every use of it fails.
type Dir struct{ path string }

// Path is the folder's absolute, clean path.
func (d Dir) Path() string { return d.path }

// DirError reports a folder that must not, or cannot, hold secrets.
type DirError struct {
	Path    string
	Problem string // "is a symbolic link", "can be used by others (mode 0755)", ...
	Err     error  // the system's reason, if it gave one; fs.ErrNotExist for a folder that is not there
}

func (e *DirError) Error() string { return withReason("use folder "+e.Path, e.Problem, e.Err) }

// Unwrap returns the system's reason.
func (e *DirError) Unwrap() error { return e.Err }

// OpenDir checks that the folder at path is ours: a folder and no symbolic link, of this
// user, and closed to all others (no wider than 0700). With create, a missing one is
// made so, its parents too. Only the last element is looked at: who may change the
// parents is the system's business. The error is a *DirError.
func OpenDir(path string, create bool) (Dir, error) {
	if !paths.IsAbs(path) {
		return Dir{}, &DirError{Path: path, Problem: "is not an absolute path"}
	}
	path = paths.Clean(path) // without the final slash that makes Lstat follow a link
	info, err := os.Lstat(path)
	if create && errors.Is(err, fs.ErrNotExist) {
		if err = makeDir(path); err != nil {
			return Dir{}, &DirError{Path: path, Problem: "cannot be created", Err: err}
		}
		info, err = os.Lstat(path)
	}
	if err != nil {
		return Dir{}, &DirError{Path: path, Problem: "cannot be read", Err: err}
	}
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return Dir{}, &DirError{Path: path, Problem: "is a symbolic link"}
	case !mode.IsDir() || mode&fs.ModeIrregular != 0: // irregular: a Windows mount point
		return Dir{}, &DirError{Path: path, Problem: "is not a folder"}
	}
	if problem, err := accessProblem(path, info); problem != "" {
		return Dir{}, &DirError{Path: path, Problem: problem, Err: err}
	}
	return Dir{path: path}, nil
}

// makeDir makes the folder for its owner alone. That another process made it first is
// no error: it is checked like any that was found.
func makeDir(path string) error {
	if err := os.MkdirAll(paths.Dir(path), 0o700); err != nil {
		return err
	}
	if err := makePrivate(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func withReason(doing, problem string, err error) string {
	text := doing + ": it " + problem
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path): // the path is in the text already
		text += fmt.Sprintf(": %v", path.Err)
	case errors.As(err, &link):
		text += fmt.Sprintf(": %v", link.Err)
	case err != nil:
		text += fmt.Sprintf(": %v", err)
	}
	return text
}
