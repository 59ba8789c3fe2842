package idp

import (
	"encoding/base64"
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"gatehop/creds/secret"
)

func TestCleanWords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300)
	const pw = "correct horse/+é"
	for _, c := range []struct{ name, in, secret, want string }{
		{"plain", "Incorrect user ID or password.", "", "Incorrect user ID or password."},
		{"white space", " a\r\n\tb \u00a0 c\u2028d ", "", "a b c d"},
		{"control", "a\x00b\x1b[31mc\x7f\u0085d", "", "ab[31mc d"},
		{"bidi", "a\u202eb\u2066c\u200fd\u061c", "", "abcd"},
		{"invisible", "a\u200bb\u200dc\ufeffd\u00ade\u2060f\u034fg\u3164h\ufe0fi", "", "abcdefghi"},
		{"tags and private use", "a\U000e0041b\ue000c", "", "abc"},
		{"not utf-8", "a\xff\xfeb\xc3", "", "ab"},
		{"other scripts", "Benutzerkennung ungültig 無効 كلمة", "", "Benutzerkennung ungültig 無効 كلمة"},
		{"long", long, "", long[:200]},
		{"long in runes", strings.Repeat("é", 300), "", strings.Repeat("é", 200)},
		{"space at the cut", long[:199] + " b", "", long[:199]},
		{"only invisible", "\u200b \x00", "", ""},
		{"secret", "You typed correct horse/+é!", pw, "You typed [secret]!"},
		{"secret twice", pw + pw + " " + pw, pw, "[secret] [secret]"},
		{"secret with white space", "correct \n horse/+é", pw, "[secret]"},
		{"secret with invisible", "cor\u200brect hor\x00se/+é", pw, "[secret]"},
		{"url query", "p=correct+horse%2F%2B%C3%A9&x", pw, "p=[secret]&x"},
		{"url path", "/correct%20horse%2f+%c3%a9/x", pw, "/[secret]/x"},
		{"every byte escaped", "%63%6f%72%72%65%63%74%20%68%6f%72%73%65%2F%2B%C3%A9", pw, "[secret]"},
		{"html", `&lt;"a&b'&gt; &lt;&#34;a&amp;b&#39;&gt; &LT;&quot;a&amp;b&apos;&gt;`, `<"a&b'>`, "[secret] [secret] [secret]"},
		{"html of url", "correct+horse&#37;2F%2B%C3%A9", pw, "[secret]"},
		{"html of url, lower case", "correct+horse&#37;2f%2b%c3%a9", pw, "[secret]"},
		{"url of html", "%26lt%3Bab", "<ab", "[secret]"},
		{"url of html by number", "%26%2360%3Bab", "<ab", "[secret]"},
		{"html by number, percent meant", "&#60;%41&#62;", "<%41>", "[secret]"},
		{"secret of white space", "x a b y", "a \t b", "x [secret] y"},
		{"secret of white space, encoded", "x a%20%09%20b y", "a \t b", "x [secret] y"},
		{"base64", "x " + base64.StdEncoding.EncodeToString([]byte(pw)), pw, "x [secret]"},
		{"base64 in a form", url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("??>>??>>"))), "??>>??>>", "[secret]%3D"},
		{"in the middle of a percent escape", "0%00%200", "00 0", "0%[secret]"},
		{"in the middle of a form's escape", "0%00+0", "00 0", "0%[secret]"},
		{"in the middle of an entity", "&lt;&lt;", ";<", "&lt[secret]"},
		{"placeholder is the secret", "t", "t", "*"},
		{"placeholder is the secret, both", "* t", "*", "[secret] t"},
		{"past the cut", long[:199] + pw, pw, long[:199] + "["},
		{"empty secret", "abc", "", "abc"},
	} {
		got := CleanWords(c.in, secret.New(c.secret), secret.Text{})
		want := c.want
		if c.name == "base64" || c.name == "base64 in a form" { // padding may stay
			got, want = strings.TrimRight(got, "=%3D"), strings.TrimRight(want, "=%3D")
		}
		if got != want {
			t.Errorf("%s: CleanWords(%q) = %q, want %q", c.name, c.in, got, want)
		}
	}
	if got := CleanWords("* t", secret.New("*"), secret.New("t")); strings.ContainsAny(got, "*t") {
		t.Errorf("two secrets that are in every placeholder: %q", got)
	}
	if got := CleanWords("acbc", secret.New("ab"), secret.New("c"), secret.New("e"), secret.New("*")); got != "" {
		t.Errorf("a secret that appears when another is removed: %q, want nothing", got)
	}
}

// In the middle of a longer base64 text a secret shows differently at each offset.
func TestCleanWordsBase64Offsets(t *testing.T) {
	t.Parallel()
	const pw = "correct horse battery"
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for before := range 6 {
			for after := range 6 {
				text := enc.EncodeToString([]byte(strings.Repeat("{", before) + pw + strings.Repeat("}", after)))
				got := CleanWords("x "+text+" y", secret.New(pw))
				if !strings.Contains(got, secret.Redacted) || strings.Contains(got, text[8:24]) {
					t.Errorf("%d before, %d after: %q", before, after, got)
				}
			}
		}
	}
}

// However long a text is, it is looked at in a moment and no piece of a secret is left.
func TestCleanWordsHostile(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"same letter": strings.Repeat("a", 5<<20),
		"entities":    strings.Repeat("&#97;", 1<<20),
		"percents":    strings.Repeat("%61", 1<<20),
		"ampersands":  strings.Repeat("&", 1<<20),
		"cut within":  strings.Repeat("aaaab"+strings.Repeat("a", 995)+"c", 1<<10),
	} {
		pw := "b" + strings.Repeat("a", 995)
		got := CleanWords(text, secret.New(strings.Repeat("a", 1000)), secret.New(pw), secret.New("a"))
		if strings.Contains(got, "a") {
			t.Errorf("%s: %.40q...", name, got)
		}
	}
	// The source is cut in the middle of a secret; redaction shortens what is before it.
	pw := strings.Repeat("x", 1000) + "y"
	if got := CleanWords(strings.Repeat(pw+" ", 40), secret.New(pw)); strings.Contains(got, "x") {
		t.Errorf("a piece of the secret is left: %q", got)
	}
}

// forms are what the fuzz target and the control look for: what a program makes of a
// secret in one step.
func forms(pw string) []string {
	return []string{
		pw, url.QueryEscape(pw), url.PathEscape(pw), html.EscapeString(pw),
		base64.StdEncoding.EncodeToString([]byte(pw)), base64.URLEncoding.EncodeToString([]byte(pw)),
		base64.RawStdEncoding.EncodeToString([]byte(pw)), base64.RawURLEncoding.EncodeToString([]byte(pw)),
	}
}

// problems are what is wrong with words that are to be shown.
func problems(words, pw string) (out []string) {
	if utf8.RuneCountInString(words) > maxWords {
		out = append(out, "too long")
	}
	if strings.TrimSpace(words) != words || strings.Contains(words, "  ") {
		out = append(out, "white space not folded")
	}
	for _, r := range words {
		if r != ' ' && (!unicode.IsGraphic(r) || unicode.IsSpace(r) || r == utf8.RuneError || unicode.In(r, unicode.Cf, unicode.Bidi_Control)) {
			out = append(out, "control or invisible character")
		}
	}
	if pw == "" {
		return out
	}
	for _, f := range forms(pw) {
		if strings.Contains(words, f) {
			out = append(out, "holds the secret as "+f)
		}
	}
	return out
}

// The controls: each shorter way of cleaning is noticed by the check of the fuzz target.
func TestCleanWordsCheckNotices(t *testing.T) {
	t.Parallel()
	const pw = "p/w <1>"
	for name, words := range map[string]string{
		"nothing done":  "a\n" + pw,
		"only raw":      oneLine(strings.ReplaceAll("x "+url.QueryEscape(pw), pw, "*")),
		"no html":       html.EscapeString(pw),
		"no base64":     base64.StdEncoding.EncodeToString([]byte(pw)),
		"not cut":       strings.Repeat("x", 201),
		"bidi":          "a\u202eb",
		"filter before": strings.ReplaceAll(strings.ReplaceAll("p/w\u200b <1>", pw, "*"), "\u200b", ""),
	} {
		if len(problems(words, pw)) == 0 {
			t.Errorf("%s: goes unnoticed", name)
		}
	}
}

func FuzzCleanWords(f *testing.F) {
	f.Add("Incorrect user ID or password.", "correct horse", uint8(0))
	f.Add("a\u202eb \x1b[31m", "p/w <1>", uint8(3))
	f.Add("&lt;&#x27;%2", "t]x", uint8(5))
	f.Add("[secret]", "secret", uint8(1))
	f.Add("+%2B+", "a+b c", uint8(2))
	f.Fuzz(func(t *testing.T, text, pw string, where uint8) {
		planted := forms(pw)
		at := int(where) % (len(text) + 1)
		text = text[:at] + planted[int(where)%len(planted)] + text[at:]
		got := CleanWords(text, secret.New(pw))
		for _, p := range problems(got, pw) {
			t.Errorf("CleanWords(%q) with secret %q = %q: %s", text, pw, got, p)
		}
		if again := CleanWords(got, secret.New(pw)); again != got {
			t.Errorf("cleaned twice: %q, then %q", got, again)
		}
	})
}

func BenchmarkCleanWords(b *testing.B) {
	text := strings.Repeat("Incorrect user ID or password. ", 8)
	for b.Loop() {
		CleanWords(text, secret.New("correct horse"), secret.New("123456"))
	}
}
