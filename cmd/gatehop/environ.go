package main

import (
	"errors"

	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/profile"
)

func (p process) home() string { return environ.Vars(p.env).Home() }

func (p process) awsFiles() (profile.Files, error) {
	files, err := environ.Vars(p.env).AWSFiles()
	return files, inUse(err)
}

func (p process) stateDir() (string, error) {
	dir, err := environ.Vars(p.env).StateDir()
	return dir, inUse(err)
}

// inUse makes a variable that cannot be used a mistake in how gatehop is called.
func inUse(err error) error {
	var value *environ.ValueError
	if errors.As(err, &value) {
		return &usageError{text: value.Error()}
	}
	return err
}
