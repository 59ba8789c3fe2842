package profile

import (
	"runtime"
	"strings"

	"gatehop/creds/store/paths"
)

// HelperProblem says why path cannot be written as the program of credential_process for
// every tool, as the end of a sentence that begins with the path; "" if it can.
func HelperProblem(path string) string {
	if !paths.IsAbs(path) {
		return "is not an absolute path"
	}
	_, problem := commandLine(path, "x", runtime.GOOS == "windows")
	return problem
}

// What stands for itself between double quotes: to shlex of Python, which botocore
// splits with, and to /bin/sh, which the Go and JavaScript SDKs start, only these need
// other quotes.
const shellInDouble = "\"$`\\!"

// What cmd.exe does something with, also between quotes or by taking these away.
const cmdSpecial = "&<>()@^|%!\""

// commandLine is the value of credential_process that runs the program at path for a
// profile: read alike by all SDKs. The profile's name is of characters that need no
// quotes.
func commandLine(path, name string, windows bool) (line, problem string) {
	quoted := `"` + path + `"`
	switch {
	case strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", "holds a control character"
	case strings.Contains(path, " #"), strings.Contains(path, " ;"), strings.Contains(path, "\t"):
		return "", "holds what begins a comment in the AWS files"
	case windows && strings.ContainsAny(path, cmdSpecial):
		return "", "holds characters that the Windows command line does something with"
	case windows && !strings.Contains(path, " "):
		quoted = path
	case windows:
	case strings.ContainsAny(path, shellInDouble):
		quoted = `'` + strings.ReplaceAll(path, `'`, `'\''`) + `'`
	}
	return quoted + " credential-process " + name, ""
}
