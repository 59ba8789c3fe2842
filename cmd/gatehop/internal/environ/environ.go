// Package environ reads the environment and finds the places that it names.
package environ

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/store/paths"
)

// Vars looks variables up in a list of NAME=VALUE as a process gets it: the last
// entry of a name wins. An empty value counts as unset, as the AWS tools have it.
type Vars []string

// Get returns the variable's value, or "".
func (e Vars) Get(name string) string {
	for i := len(e) - 1; i >= 0; i-- {
		key, value, ok := strings.Cut(e[i], "=")
		if ok && (key == name || runtime.GOOS == "windows" && strings.EqualFold(key, name)) {
			return value
		}
	}
	return ""
}

// First returns the first of the named variables that has a value.
func (e Vars) First(names ...string) string {
	for _, name := range names {
		if v := e.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// HomeError reports that there is no home directory to look for a file in. A
// relative path is never used instead: ./.aws/config belongs to whoever made the
// directory that gatehop happens to run in.
type HomeError struct{ For, Variable string }

func (e *HomeError) Error() string {
	return "there is no home directory to find " + e.For + " in (set " + e.Variable + ")"
}

// ValueError reports a variable that names no place.
type ValueError struct{ Variable, Value, Problem string }

func (e *ValueError) Error() string { return fmt.Sprintf("%s=%q%s", e.Variable, e.Value, e.Problem) }

// Home returns the home directory, or "" if there is no absolute one.
func (e Vars) Home() string {
	home := e.Get("HOME")
	if runtime.GOOS == "windows" {
		home = e.Get("USERPROFILE")
	}
	if !paths.IsAbs(home) {
		return ""
	}
	return home
}

// AWSFiles returns the two AWS files as absolute paths.
func (e Vars) AWSFiles() (profile.Files, error) {
	config, err := e.awsFile("AWS_CONFIG_FILE", "config")
	if err != nil {
		return profile.Files{}, err
	}
	credentials, err := e.awsFile("AWS_SHARED_CREDENTIALS_FILE", "credentials")
	return profile.Files{Config: config, Credentials: credentials}, err
}

func (e Vars) awsFile(variable, name string) (string, error) {
	path := e.Get(variable)
	rest, tilde := strings.CutPrefix(path, "~")
	switch {
	case path != "" && !tilde:
		return paths.Abs(path)
	case rest != "" && !os.IsPathSeparator(rest[0]):
		return "", &ValueError{variable, path, ": only one's own home can be written as ~"}
	}
	home := e.Home()
	switch {
	case home == "":
		return "", &HomeError{For: "the AWS " + name + " file", Variable: variable}
	case path == "":
		return paths.Join(home, ".aws", name), nil
	}
	return paths.Join(home, rest), nil
}

// StateDir returns the state directory: GATEHOP_HOME, else the platform's place.
func (e Vars) StateDir() (string, error) {
	if dir := e.Get("GATEHOP_HOME"); paths.IsAbs(dir) {
		return dir, nil
	} else if dir != "" {
		return "", &ValueError{"GATEHOP_HOME", dir, " is not an absolute path"}
	}
	if runtime.GOOS == "windows" {
		if dir := e.Get("LocalAppData"); paths.IsAbs(dir) {
			return paths.Join(dir, "gatehop"), nil
		}
		return "", &HomeError{For: "gatehop's state", Variable: "GATEHOP_HOME"}
	}
	if dir := e.Get("XDG_STATE_HOME"); paths.IsAbs(dir) && runtime.GOOS != "darwin" {
		return paths.Join(dir, "gatehop"), nil
	}
	home := e.Home()
	if home == "" {
		return "", &HomeError{For: "gatehop's state", Variable: "GATEHOP_HOME"}
	}
	if runtime.GOOS == "darwin" {
		return paths.Join(home, "Library", "Application Support", "gatehop"), nil
	}
	return paths.Join(home, ".local", "state", "gatehop"), nil
}

// Shell is the base name of $SHELL, else bash. The plain shells read what bash reads.
func (e Vars) Shell() string {
	name := strings.TrimSuffix(paths.Base(e.Get("SHELL")), ".exe")
	switch name {
	case ".", "sh", "dash", "ash", "ksh":
		return "bash"
	}
	return name
}
