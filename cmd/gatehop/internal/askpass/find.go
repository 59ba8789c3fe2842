package askpass

import (
	"errors"
	"io/fs"
	"os/exec"
	"path/filepath"
)

// find returns the absolute path of a program: word itself, or word in one of the
// absolute folders of PATH that nobody else can write. Folders that others can write
// are passed over, and named if the program is there alone.
func find(word string, env []string) (path, problem string) {
	if filepath.IsAbs(word) {
		path, err := executable(word)
		if err != nil {
			return "", "cannot be run: " + reason(err)
		}
		return path, fileProblem(path)
	}
	problem = "is in no folder of PATH"
	if base(word) != word {
		return "", "is no program: the path is not absolute"
	}
	for _, dir := range filepath.SplitList(lookup(env, "PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		path, err := executable(filepath.Join(dir, word))
		if err != nil {
			continue
		}
		if unfit := dirProblem(dir); unfit != "" {
			problem = "is in a folder of PATH that " + unfit + ": " + dir
			continue
		}
		return path, fileProblem(path)
	}
	return "", problem
}

// executable finds the file to run, on Windows with one of the endings of programs.
func executable(path string) (string, error) {
	found, err := exec.LookPath(path)
	var lookup *exec.Error
	if errors.As(err, &lookup) {
		err = lookup.Err
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("there is no such program")
	}
	return found, err
}
