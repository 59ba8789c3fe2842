package saml

import (
	"strings"
	"testing"
)

// plainGlob is glob as its sentence reads: every way to split is tried.
func plainGlob(pattern, s string, segments bool) bool {
	if pattern == "" {
		return s == ""
	}
	free := s != "" && !(segments && s[0] == '/')
	switch pattern[0] {
	case '*':
		return plainGlob(pattern[1:], s, segments) || free && plainGlob(pattern, s[1:], segments)
	case '?':
		return free && plainGlob(pattern[1:], s[1:], segments)
	default:
		return s != "" && s[0] == pattern[0] && plainGlob(pattern[1:], s[1:], segments)
	}
}

// words returns all words over the letters of up to n letters.
func words(letters string, n int) []string {
	all := []string{""}
	for from := 0; n > 0; n-- {
		to := len(all)
		for _, w := range all[from:to] {
			for _, l := range letters {
				all = append(all, w+string(l))
			}
		}
		from = to
	}
	return all
}

// Over all short patterns and texts, glob agrees with the plain reading.
func TestGlobExhaustive(t *testing.T) {
	t.Parallel()
	texts := words("ab/", 5)
	different := 0
	for _, pattern := range words("ab/*?", 5) {
		for _, s := range texts {
			for _, segments := range []bool{false, true} {
				want := plainGlob(pattern, s, segments)
				if got := glob(pattern, s, segments); got != want {
					t.Fatalf("glob(%q, %q, %v) = %v, want %v", pattern, s, segments, got, want)
				}
				if segments && want != plainGlob(pattern, s, false) {
					different++
				}
			}
		}
	}
	if different == 0 {
		t.Error("control: slashes made no difference anywhere")
	}
}

// A pattern of many stars costs what its length says, not two to the power of it.
func TestGlobManyStars(t *testing.T) {
	t.Parallel()
	s := strings.Repeat("a", 10_000)
	if glob(strings.Repeat("a*", 500)+"b", s, true) || !glob(strings.Repeat("a*", 500), s, true) {
		t.Error("glob of many stars is wrong")
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc", true)
	f.Add("*/x*", "a/b/xy", false)
	f.Fuzz(func(t *testing.T, pattern, s string, segments bool) {
		if len(s) > 12 || len(pattern) > 8 {
			return // the plain reading takes exponential time
		}
		if got, want := glob(pattern, s, segments), plainGlob(pattern, s, segments); got != want {
			t.Errorf("glob(%q, %q, %v) = %v, want %v", pattern, s, segments, got, want)
		}
	})
}
