package main

import (
	"errors"
	"os"
)

// inherited is not for Windows, where programs do not inherit descriptors by number.
func inherited(int) (*os.File, error) {
	return nil, errors.New("Windows has no such descriptors; use --password-stdin")
}
