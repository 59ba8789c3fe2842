package cells

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWidth(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"": 0, "prod": 4, "Überweisung": 11, "U\u0308ber": 4, "本番": 4, "本番-db": 7, "ｆｕｌｌ": 8, "ﾊﾝ": 2,
		"한국": 4, "\u1112\u1161\u11ab": 2, "\u200b": 0, "a\x1bb": 2,
		"🚀": 2, "👍🏽": 2, "👩\u200d💻": 2, "❤": 1, "❤\ufe0f": 2, "🇩🇪": 2, "e\u0301\u0301": 1,
	} {
		if got := Width(text); got != want {
			t.Errorf("Width(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text        string
		n           int
		want, right string
	}{
		{"production", 10, "production", "production"},
		{"production", 9, "product..", "..duction"},
		{"本番環境", 7, "本番..", "..環境"},
		{"本番環境", 6, "本番..", "..環境"},
		{"本番環境", 5, "本..", "..境"},
		{"ae\u0301io", 3, "a..", "..o"},
		{"abcdef", 2, "..", ".."},
		{"abcdef", 1, ".", "."},
		{"abcdef", 0, "", ""},
		{"abcdef", -1, "", ""},
	} {
		if got := Cut(c.text, c.n); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.text, c.n, got, c.want)
		}
		if got := CutLeft(c.text, c.n); got != c.right {
			t.Errorf("CutLeft(%q, %d) = %q, want %q", c.text, c.n, got, c.right)
		}
	}
}

func FuzzCut(f *testing.F) {
	for _, s := range []string{"prod", "本番", "e\u0301\u200d👩\u200d💻x", "\ufe0f\u200d\x1b[2J", "\xff\xfe"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		n %= 200
		whole := Width(s)
		for _, got := range []string{Cut(s, n), CutLeft(s, n)} {
			switch {
			case whole <= n && got != s:
				t.Fatalf("%q of %d cells is cut to %q for %d", s, whole, got, n)
			case whole > n && Width(got) > max(n, 0):
				t.Fatalf("%q for %d is %q of %d cells", s, n, got, Width(got))
			case utf8.ValidString(s) && !utf8.ValidString(got):
				t.Fatalf("%q for %d is %q", s, n, got)
			}
		}
		if got := Pad(s, n); Width(got) < n || !strings.HasPrefix(got, s) {
			t.Fatalf("Pad(%q, %d) = %q", s, n, got)
		}
	})
}
