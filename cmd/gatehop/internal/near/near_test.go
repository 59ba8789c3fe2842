package near

import "testing"

func TestNearest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		of         []string
	}{
		{"zssh", "zsh", []string{"bash", "zsh"}},
		{"bahs", "bash", []string{"zsh", "bash"}},
		{"adfs5", "adfs3", []string{"form", "adfs3"}},
		{"PROD", "prod", []string{"dev", "prod"}},
		{"stag", "staging", []string{"dev", "staging"}},
		{"production", "prod", []string{"prod", "dev"}},
		{"ADM", "Admins", []string{"Admins"}}, // letters of either size
		{"Admn", "Admins", []string{"ReadOnly", "Admins"}},
		{"logn", "login", []string{"logout", "login"}},
		{"xyz", "", []string{"dev"}}, // three letters off, of three
		{"zz", "", []string{"ab"}},
		{"powershell", "", []string{"bash", "zsh"}},
		{"fish", "", []string{"bash", "zsh"}}, // half of it other letters
		{"p", "pp", []string{"pp"}},
		{"", "", []string{"ab", "abc"}},
		{"dev", "", nil},
	} {
		if got := Nearest(c.name, c.of); got != c.want {
			t.Errorf("Nearest(%q, %q) = %q, want %q", c.name, c.of, got, c.want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"abcdef", "uvwxyz", 4}} {
		if got := distance(tt.a, tt.b, 4); got != tt.want {
			t.Errorf("distance(%s, %s) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
