package askpass

import (
	"runtime"
	"slices"
	"strings"
)

// allowed are the variables that a program gets, and prefixes of some: what password
// managers need to find their files, their agent, their terminal and their language. A
// name that ends in * is a prefix.
var allowed = []string{
	"HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "TERM", "XDG_*",
	"DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "SSH_AUTH_SOCK",
	"GPG_TTY", "GNUPGHOME", "GPG_AGENT_INFO", "PASSWORD_STORE_*",
}

// allowedOnWindows are without regard to case.
var allowedOnWindows = []string{
	"PATH", "PATHEXT", "SystemRoot", "SystemDrive", "windir", "ComSpec", "TEMP", "TMP", "USERPROFILE", "USERNAME", "USERDOMAIN",
	"HOMEDRIVE", "HOMEPATH", "HOME", "APPDATA", "LOCALAPPDATA", "ProgramData", "ProgramFiles", "ProgramFiles(x86)", "ProgramW6432",
	"GNUPGHOME", "PASSWORD_STORE_*",
}

// Allowed returns the entries of env that a program may have: never AWS_ variables, nor
// gatehop's own.
func Allowed(env []string) []string {
	names := allowed
	if runtime.GOOS == "windows" {
		names = allowedOnWindows
	}
	kept := []string{} // not nil: to os/exec that is everything
	for _, entry := range env {
		name, _, ok := strings.Cut(entry, "=")
		if ok && slices.ContainsFunc(names, func(pattern string) bool { return fits(name, pattern) }) {
			kept = append(kept, entry)
		}
	}
	return kept
}

func fits(name, pattern string) bool {
	if runtime.GOOS == "windows" {
		name, pattern = strings.ToUpper(name), strings.ToUpper(pattern)
	}
	prefix, wild := strings.CutSuffix(pattern, "*")
	return name == pattern || wild && strings.HasPrefix(name, prefix)
}

// lookup is the last value of a variable.
func lookup(env []string, name string) string {
	value := ""
	for _, entry := range env {
		if key, text, ok := strings.Cut(entry, "="); ok && fits(key, name) {
			value = text
		}
	}
	return value
}
