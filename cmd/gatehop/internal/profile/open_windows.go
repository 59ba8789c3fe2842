package profile

import (
	"io/fs"
	"os"
	"strings"
)

func openFile(path string) (*os.File, error) { return os.Open(path) }

// isNull reports NUL, whose name is reserved.
func isNull(info fs.FileInfo) bool {
	return info.Mode()&fs.ModeCharDevice != 0 && strings.EqualFold(info.Name(), os.DevNull)
}
