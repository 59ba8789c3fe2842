//go:build unix

package askpass

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// neutralDir is where programs run: a folder in which nobody leaves anything.
func neutralDir([]string) string { return "/" }

// dirProblem says why programs of a folder of PATH are not run unasked, or "".
func dirProblem(dir string) string { return othersProblem(dir) }

// fileProblem says why a program is not run, or "". Links are followed: what counts is
// the file that runs.
func fileProblem(path string) string { return othersProblem(path) }

func othersProblem(path string) string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "cannot be found: " + reason(err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return "cannot be looked at: " + reason(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return "belongs to another user"
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Sprintf("can be written by others (mode %04o)", mode)
	}
	return ""
}
