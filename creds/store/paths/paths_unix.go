//go:build unix

package paths

import (
	"os"
	"path"
)

// Join is filepath.Join.
func Join(elements ...string) string { return path.Join(elements...) }

// Clean is filepath.Clean.
func Clean(name string) string { return path.Clean(name) }

// Dir is filepath.Dir.
func Dir(name string) string { return path.Dir(name) }

// Base is filepath.Base.
func Base(name string) string { return path.Base(name) }

// IsAbs is filepath.IsAbs.
func IsAbs(name string) bool { return path.IsAbs(name) }

// Abs is filepath.Abs.
func Abs(name string) (string, error) {
	if path.IsAbs(name) {
		return path.Clean(name), nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return path.Join(here, name), nil
}
