package awsdisk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// TargetError reports a file that is not edited, or could not be. The file is as it was
// but where Problem says otherwise.
type TargetError struct {
	Path    string // resolved
	Kind    TargetKind
	Problem string // the end of a sentence that begins with the file
	Err     error  // the system's reason, if it gave one
}

// TargetKind says what a person can do about a TargetError.
type TargetKind uint8

// The kinds. The zero value is every other one.
const (
	TargetOther    TargetKind = iota
	TargetShared              // others can write in the folder
	TargetReadOnly            // the file's mode keeps its owner out
	TargetBusy                // another program writes there all the time
)

func (e *TargetError) Error() string {
	text := "edit " + e.Path + ": it " + e.Problem
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(e.Err, &path):
		return text + ": " + path.Err.Error()
	case errors.As(e.Err, &link):
		return text + ": " + link.Err.Error()
	case e.Err != nil:
		return text + ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the system's reason.
func (e *TargetError) Unwrap() error { return e.Err }

// longestChain is how many links are followed: what Linux follows.
const longestChain = 40

// resolve follows the symbolic links at path to the file that they mean, which need not
// exist. Folders on the way are resolved too, so that two names of one file are one.
func resolve(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return "", &TargetError{Path: path, Problem: "is not an absolute path"}
	}
	at := filepath.Clean(path)
	for range longestChain {
		dir, err := filepath.EvalSymlinks(filepath.Dir(at))
		if errors.Is(err, fs.ErrNotExist) {
			return at, nil // a link into nothing, or no folder yet
		}
		if err != nil {
			return "", &TargetError{Path: at, Problem: "cannot be found", Err: err}
		}
		at = filepath.Join(dir, filepath.Base(at))
		info, err := os.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return at, nil
		case err != nil:
			return "", &TargetError{Path: at, Problem: "cannot be found", Err: err}
		case info.Mode()&fs.ModeSymlink == 0:
			return at, nil
		}
		next, err := os.Readlink(at)
		if err != nil {
			return "", &TargetError{Path: at, Problem: "cannot be followed", Err: err}
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(dir, next)
		}
		at = next
	}
	return "", &TargetError{Path: path, Problem: "is a circle of symbolic links, or too many"}
}

// checkFolder refuses a folder in which others could put something in our place. One
// that does not exist is none.
func checkFolder(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &TargetError{Path: path, Problem: "is in a folder that cannot be read", Err: err}
	case !info.IsDir():
		return &TargetError{Path: path, Problem: "is not in a folder"}
	}
	if problem, kind := folderProblem(dir, info); problem != "" {
		return &TargetError{Path: path, Kind: kind, Problem: problem}
	}
	return nil
}

// checkTarget refuses what must not be replaced.
func checkTarget(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return &TargetError{Path: path, Problem: "is not a regular file"}
	}
	if info.Size() > maxFile {
		return &TargetError{Path: path, Problem: fmt.Sprintf("is longer than %d MiB", maxFile>>20)}
	}
	if problem, kind := targetProblem(info); problem != "" {
		return &TargetError{Path: path, Kind: kind, Problem: problem}
	}
	return nil
}
