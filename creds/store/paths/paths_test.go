package paths

import (
	"path/filepath"
	"testing"
)

var seeds = []string{"", ".", "/", "//", "a", "a/", "/a/b/../c", "../a", "./a//b", "/..", "a/..", "~/x", `C:\a`, `C:a`, `a\b`, "é/ü", "/home/x/.aws/config"}

// check compares every function with the one of path/filepath.
func check(t *testing.T, a, b string) {
	t.Helper()
	for what, pair := range map[string][2]string{
		"Join":  {Join(a, b), filepath.Join(a, b)},
		"Clean": {Clean(a), filepath.Clean(a)},
		"Dir":   {Dir(a), filepath.Dir(a)},
		"Base":  {Base(a), filepath.Base(a)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s(%q, %q) = %q, want %q", what, a, b, pair[0], pair[1])
		}
	}
	if IsAbs(a) != filepath.IsAbs(a) {
		t.Errorf("IsAbs(%q) = %v", a, IsAbs(a))
	}
	got, err := Abs(a)
	want, wantErr := filepath.Abs(a)
	if got != want || (err == nil) != (wantErr == nil) {
		t.Errorf("Abs(%q) = %q, %v, want %q, %v", a, got, err, want, wantErr)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for _, a := range seeds {
		for _, b := range seeds {
			check(t, a, b)
		}
	}
}

func FuzzPaths(f *testing.F) {
	for _, a := range seeds {
		f.Add(a, "b")
	}
	f.Fuzz(check)
}
