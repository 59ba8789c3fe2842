package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"gatehop/cmd/gatehop/internal/profile"
)

// environ looks variables up in a list of NAME=VALUE as a process gets it: the last
// entry of a name wins. An empty value counts as unset, as the AWS tools have it.
type environ []string

func (e environ) get(name string) string {
	for i := len(e) - 1; i >= 0; i-- {
		key, value, ok := strings.Cut(e[i], "=")
		if ok && (key == name || runtime.GOOS == "windows" && strings.EqualFold(key, name)) {
			return value
		}
	}
	return ""
}

// first returns the first of the named variables that has a value.
func (e environ) first(names ...string) string {
	for _, name := range names {
		if v := e.get(name); v != "" {
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

// home returns the home directory, or "" if there is no absolute one.
func (p process) home() string {
	home := environ(p.env).get("HOME")
	if runtime.GOOS == "windows" {
		home = environ(p.env).get("USERPROFILE")
	}
	if !filepath.IsAbs(home) {
		return ""
	}
	return home
}

// awsFiles returns the two AWS files as absolute paths.
func (p process) awsFiles() (profile.Files, error) {
	config, err := p.awsFile("AWS_CONFIG_FILE", "config")
	if err != nil {
		return profile.Files{}, err
	}
	credentials, err := p.awsFile("AWS_SHARED_CREDENTIALS_FILE", "credentials")
	return profile.Files{Config: config, Credentials: credentials}, err
}

func (p process) awsFile(variable, name string) (string, error) {
	path := environ(p.env).get(variable)
	rest, tilde := strings.CutPrefix(path, "~")
	switch {
	case path != "" && !tilde:
		return filepath.Abs(path)
	case rest != "" && !os.IsPathSeparator(rest[0]):
		return "", &usageError{text: fmt.Sprintf("%s=%q: only one's own home can be written as ~", variable, path)}
	}
	home := p.home()
	switch {
	case home == "":
		return "", &HomeError{For: "the AWS " + name + " file", Variable: variable}
	case path == "":
		return filepath.Join(home, ".aws", name), nil
	}
	return filepath.Join(home, rest), nil
}

// stateDir returns the state directory: GATEHOP_HOME, else the platform's place.
func (p process) stateDir() (string, error) {
	env := environ(p.env)
	if dir := env.get("GATEHOP_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	} else if dir != "" {
		return "", &usageError{text: fmt.Sprintf("GATEHOP_HOME=%q is not an absolute path", dir)}
	}
	if runtime.GOOS == "windows" {
		if dir := env.get("LocalAppData"); filepath.IsAbs(dir) {
			return filepath.Join(dir, "gatehop"), nil
		}
		return "", &HomeError{For: "gatehop's state", Variable: "GATEHOP_HOME"}
	}
	if dir := env.get("XDG_STATE_HOME"); filepath.IsAbs(dir) && runtime.GOOS != "darwin" {
		return filepath.Join(dir, "gatehop"), nil
	}
	home := p.home()
	if home == "" {
		return "", &HomeError{For: "gatehop's state", Variable: "GATEHOP_HOME"}
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "gatehop"), nil
	}
	return filepath.Join(home, ".local", "state", "gatehop"), nil
}
