package askpass

import (
	"path/filepath"
	"strings"
)

// neutralDir is where programs run: the system's folder, which users cannot write.
func neutralDir(env []string) string {
	if root := lookup(env, "SystemRoot"); filepath.IsAbs(root) {
		return filepath.Join(root, "System32")
	}
	return `C:\Windows\System32`
}

// dirProblem is "": access lists of folders are not checked, as README.md says.
func dirProblem(string) string { return "" }

// fileProblem refuses what cannot be run without a shell.
func fileProblem(path string) string {
	if isBatch(path) {
		return "is a batch file, which only a shell can run"
	}
	return ""
}

// isBatch reports a file that only cmd.exe can run, which is a shell.
func isBatch(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".bat" || ext == ".cmd"
}
