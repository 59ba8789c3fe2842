package profile

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/awsfile"
)

// helperPaths are where a program may lie on a Unix machine.
var helperPaths = []string{
	"/usr/local/bin/gatehop", "/home/al ice/bin/gatehop", "/opt/$HOME/gatehop", "/opt/`id`/gatehop", `/opt/back\slash/gatehop`,
	`/opt/it's/gatehop`, `/opt/a"b/gatehop`, `/opt/'$a'/gatehop`, "/opt/(x86)/gate hop", "/opt/a*?[b]/gatehop", "/opt/~/gatehop",
	"/opt/a;b/gatehop", "/opt/a#b/gatehop", "/opt/ümlaut/gatehop", "/opt/100%/gatehop", "/opt/a&b|c/gatehop", "/opt/wow!/gatehop",
}

// TestCommandLine: a shell splits the line into what was meant, and so does gatehop's own
// reading of a POSIX shell; the AWS file keeps it as it is. Python's shlex is asked by
// the interoperability tests.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a POSIX shell")
	}
	for _, path := range helperPaths {
		line, problem := commandLine(path, "prod", false)
		if problem != "" {
			t.Errorf("%q: %s", path, problem)
			continue
		}
		want := path + "\ncredential-process\nprod\n"
		out, err := exec.Command("/bin/sh", "-c", `printf '%s\n' `+line).Output()
		if err != nil || string(out) != want {
			t.Errorf("sh reads %s as %q, %v, want %q", line, out, err, want)
		}
		if awsfile.StripComment(line) != line || strings.ContainsAny(line[:1], `"'`) && strings.HasSuffix(line, line[:1]) {
			t.Errorf("%s is not one value to every SDK", line)
		}
	}
	// The control: quotes of one kind for every path.
	out, _ := exec.Command("/bin/sh", "-c", `printf '%s\n' "/opt/$HOME/gatehop" credential-process prod`).Output()
	if string(out) == "/opt/$HOME/gatehop\ncredential-process\nprod\n" {
		t.Error("the shell expands nothing: the test sees nothing")
	}
}

func TestCommandLineWindows(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		`C:\tools\gatehop.exe`:               `C:\tools\gatehop.exe credential-process prod`,
		`C:\Program Files\gatehop.exe`:       `"C:\Program Files\gatehop.exe" credential-process prod`,
		`C:\Program Files (x86)\gatehop.exe`: "",
		`C:\100%\gatehop.exe`:                "",
		`C:\a&b\gatehop.exe`:                 "",
	} {
		line, problem := commandLine(path, "prod", true)
		if line != want || (problem == "") != (want != "") {
			t.Errorf("commandLine(%q) = %q, %q, want %q", path, line, problem, want)
		}
	}
}

func TestHelperProblem(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("paths of Unix")
	}
	for _, path := range []string{"gatehop", "./gatehop", "", "/opt/a #b/gatehop", "/opt/a ;b/gatehop", "/opt/a\nb/gatehop", "/opt/a\x1bb/gatehop"} {
		if HelperProblem(path) == "" {
			t.Errorf("HelperProblem(%q) finds nothing", path)
		}
	}
	for _, path := range helperPaths {
		if problem := HelperProblem(path); problem != "" {
			t.Errorf("HelperProblem(%q) = %q", path, problem)
		}
	}
}
