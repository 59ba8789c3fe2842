package paths

import "path/filepath"

// Join is filepath.Join.
func Join(elements ...string) string { return filepath.Join(elements...) }

// Clean is filepath.Clean.
func Clean(name string) string { return filepath.Clean(name) }

// Dir is filepath.Dir.
func Dir(name string) string { return filepath.Dir(name) }

// Base is filepath.Base.
func Base(name string) string { return filepath.Base(name) }

// IsAbs is filepath.IsAbs.
func IsAbs(name string) bool { return filepath.IsAbs(name) }

// Abs is filepath.Abs.
func Abs(name string) (string, error) { return filepath.Abs(name) }
