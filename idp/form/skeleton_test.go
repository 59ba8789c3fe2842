package form

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// TestCountAttributes: what is counted before the tokenizer is what it then finds.
func TestCountAttributes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		tag  string
		want int
	}{
		{"text", 0}, {"", 0}, {"<", 0}, {"<p", 0}, {"<p>", 0}, {"<p/>", 0}, {"<p >a b", 0}, {"<1 a>", 0}, {"</p a>", 0}, {"<!-- a b -->", 0},
		{"<p a>", 1}, {"<P A=1 B>", 2}, {"<p\ta\nb\rc\fd>", 4}, {"<p/a/b/>", 2}, {"<p a = 1 b>", 2}, {"<p a=/ b>", 2},
		{"<p a='x y>z' b>", 2}, {`<p a="'" b='"'c>`, 3}, {"<p a=x'y z' b>", 3}, {"<p a=>b", 1}, {"<p =a =b>", 1}, {"<p = =>", 1}, {"<p =a/=b>", 2},
		{"<p a=b=c>", 1}, {"<p a/=b>", 2}, {`<p a"b c'd>`, 2}, {"<p a=\x00 \x00>", 2}, {"<pä ö ü>", 2}, {"<p a<b <c>", 2},
	}
	for _, c := range cases {
		if got := countAttributes([]byte(c.tag)); got != c.want {
			t.Errorf("%q: %d attributes, want %d", c.tag, got, c.want)
		}
		z := html.NewTokenizer(strings.NewReader(c.tag))
		if tt := z.Next(); tt != html.StartTagToken && tt != html.SelfClosingTagToken {
			continue
		}
		if got := len(z.Token().Attr); got != c.want {
			t.Errorf("%q: the tokenizer finds %d attributes, want %d", c.tag, got, c.want)
		}
	}
	if got := countAttributes([]byte("<p" + strings.Repeat(" a", 10_000))); got != maxTagAttributes+1 {
		t.Errorf("10,000 attributes count %d, want the count to end at %d", got, maxTagAttributes+1)
	}
}

// TestLimits has each limit with a page on either side of it, and pages that hold as
// much where it costs nothing.
func TestLimits(t *testing.T) {
	t.Parallel()
	tag := func(n int) string { return "<p" + strings.Repeat(" a=b", n) + ">" }
	value := func(n int, s string) string { return "<input value='" + strings.Repeat(s, n) + "'>" }
	paragraphs := strings.Repeat("<p>"+strings.Repeat("x", 1000), 2000)
	cases := []struct {
		name, page string
		ok         bool
	}{
		{"attributes of a tag", "<p>" + tag(256), true},
		{"too many attributes of a tag", "<p>" + tag(257), false},
		{"after a script", "<script>x</script>" + tag(257), false},
		{"after an empty script", "<script></script>" + tag(257), false},
		{"after a comment", "<!-- x -->" + tag(257), false},
		{"in noscript", "<noscript>" + tag(257), false},
		{"in a script", "<script>" + tag(257) + "</script>", true},
		{"in a text area", "<textarea>" + tag(257) + "</textarea>", true},
		{"in a comment", "<!--" + tag(257) + "-->", true},
		{"attributes of a page", strings.Repeat(tag(250), 400), true},
		{"too many attributes of a page", strings.Repeat(tag(250), 400) + tag(1), false},
		{"response with 2,000 roles", value(450_000, "A"), true},
		{"largest value", value(maxToken-100, "A"), true},
		{"too large a value", value(maxToken, "A"), false},
		{"characters to escape", value(maxToken/4, "&") + paragraphs, true},
		{"too many characters to escape", value(maxToken/2, "&") + paragraphs, false},
	}
	for _, c := range cases {
		err := checkLimits([]byte(c.page))
		if err == nil {
			var b bytes.Buffer
			_, err = b.ReadFrom(newSkeleton([]byte(c.page)))
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: %v, want it to pass: %t", c.name, err, c.ok)
		}
	}
}
