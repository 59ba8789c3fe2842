//go:build unix

package clientcert

import "io/fs"

// isLoose reports whether others than the owner may read the file.
func isLoose(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
