package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"gatehop/creds/store/paths"
)

// MaxFile is the largest file that ReadFile reads and WriteFile writes, in bytes.
const MaxFile = 4 << 20

const (
	tempPrefix = ".tmp-"
	// staleAfter is far longer than any write takes; a temporary file that old was left
	// behind by a process that died.
	staleAfter = time.Hour
)

// FileError reports a file in a Dir that must not, or cannot, be used.
type FileError struct {
	Path    string
	Problem string // "is a symbolic link", "can be read by others (mode 0644)", ...
	Err     error  // the system's reason, if it gave one; fs.ErrNotExist for a file that is not there
}

func (e *FileError) Error() string { return withReason("use file "+e.Path, e.Problem, e.Err) }

// Unwrap returns the system's reason.
func (e *FileError) Unwrap() error { return e.Err }

// ReadFile reads the file name of dir. It must be a regular file of this user, closed to
// all others and no longer than MaxFile; links are not followed. The error is a
// *FileError.
func ReadFile(dir Dir, name string) ([]byte, error) {
	path, err := dir.file(name)
	if err != nil {
		return nil, err
	}
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, &FileError{Path: path, Problem: "cannot be read", Err: err}
	}
	if problem := readProblem(info); problem != "" {
		return nil, &FileError{Path: path, Problem: problem}
	}
	data := make([]byte, info.Size())
	// Files are only ever replaced, never changed, so one that shrinks is not ours.
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, &FileError{Path: path, Problem: "cannot be read", Err: err}
	}
	return data, nil
}

func readProblem(info fs.FileInfo) string {
	switch {
	case info.Mode()&fs.ModeSymlink != 0: // Windows opens the link itself
		return "is a symbolic link"
	case !info.Mode().IsRegular():
		return "is not a regular file"
	case info.Size() > MaxFile:
		return "is too long"
	}
	return fileProblem(info)
}

// WriteFile replaces the file name of dir by one that holds data, mode 0600, in one
// step: a reader, and the disk after a crash, has all of the old or all of the new. A
// link in its place is replaced, not followed. What earlier writers that died left
// behind is removed once it is old. The error is a *FileError.
func WriteFile(dir Dir, name string, data []byte) error {
	written, err := replaceFile(context.Background(), dir, name, data)
	if err == nil {
		dir.sweep(written)
	}
	return err
}

// replaceFile returns the file's own time, which is the clock by which neighbours are old.
func replaceFile(ctx context.Context, dir Dir, name string, data []byte) (written time.Time, err error) {
	path, err := dir.file(name)
	if err != nil {
		return written, err
	}
	if len(data) > MaxFile {
		return written, &FileError{Path: path, Problem: "would be too long"}
	}
	temp, written, err := writeNew(dir.path, data)
	if err == nil {
		err = rename(ctx, temp, path)
	}
	if err != nil {
		if temp != "" {
			_ = os.Remove(temp)
		}
		return written, &FileError{Path: path, Problem: "cannot be written", Err: err}
	}
	return written, nil
}

// writeNew makes a file of its own for its owner alone. path is "" if there is none.
func writeNew(dir string, data []byte) (path string, written time.Time, err error) {
	f, err := os.CreateTemp(dir, tempPrefix+"*")
	if err != nil {
		return "", written, err
	}
	path = f.Name()
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := makeFilePrivate(f); err != nil { // a umask may have taken the owner's own bits
		return path, written, err
	}
	if _, err := f.Write(data); err != nil {
		return path, written, err
	}
	if err := f.Sync(); err != nil {
		return path, written, err
	}
	info, err := f.Stat()
	if err != nil {
		return path, written, err
	}
	return path, info.ModTime(), nil
}

// file returns the path of a file of this folder. Names that could lead out of it, or
// be taken for a temporary file, are refused.
func (d Dir) file(name string) (string, error) {
	switch {
	case d.path == "":
		return "", &FileError{Path: name, Problem: "has no folder"}
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\:\x00") || strings.HasPrefix(name, tempPrefix):
		return "", &FileError{Path: paths.Join(d.path, fmt.Sprintf("%q", name)), Problem: "has a name that is not one of a file here"}
	}
	return paths.Join(d.path, name), nil
}

// sweep removes temporary files that were old when a file written at now was new. What
// cannot be removed stays for the next time.
func (d Dir) sweep(now time.Time) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), tempPrefix) || entry.IsDir() {
			continue
		}
		if info, err := entry.Info(); err == nil && now.Sub(info.ModTime()) > staleAfter {
			_ = os.Remove(paths.Join(d.path, entry.Name()))
		}
	}
}

// isAbsent reports whether err means that there is no such file.
func isAbsent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
