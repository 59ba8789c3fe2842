//go:build !unix

package clientcert

import "io/fs"

// isLoose is never true: modes say nothing here.
func isLoose(fs.FileInfo) bool { return false }
