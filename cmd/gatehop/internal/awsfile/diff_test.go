package awsfile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	old := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"
	for _, tt := range []struct{ name, before, after, want string }{
		{"nothing", old, old, ""},
		{"one line", old, strings.Replace(old, "6\n", "six\n", 1), "@@ -3,7 +3,7 @@\n 3\n 4\n 5\n-6\n+six\n 7\n 8\n 9\n"},
		{"two places", old, strings.Replace(strings.Replace(old, "1\n", "one\n", 1), "11\n", "", 1),
			"@@ -1,4 +1,4 @@\n-1\n+one\n 2\n 3\n 4\n@@ -8,5 +8,4 @@\n 8\n 9\n 10\n-11\n 12\n"},
		{"at the end", old, old + "13\n", "@@ -10,3 +10,4 @@\n 10\n 11\n 12\n+13\n"},
		{"a new file", "", "1\n2\n", "@@ -0,0 +1,2 @@\n+1\n+2\n"},
		{"no last line end", "1\n2", "1\n2\n3", "@@ -1,2 +1,3 @@\n 1\n-2\n\\ no line end at the end of the file\n+2\n+3\n\\ no line end at the end of the file\n"},
		{"control characters", "a\x1b[31m\r\nb\u202e\n", "a\x1b[31m\r\n", "@@ -1,2 +1,1 @@\n a\\x1b[31m\n-b\\u202e\n"},
	} {
		want := tt.want
		if want != "" {
			want = "--- f\n+++ f (after)\n" + want
		}
		if got := Diff("f", []byte(tt.before), []byte(tt.after)); got != want {
			t.Errorf("%s: Diff =\n%swant\n%s", tt.name, got, want)
		}
	}
}

// TestDiffPatches takes diffs of generated files to patch(1): the old version becomes
// the new one.
func TestDiffPatches(t *testing.T) {
	t.Parallel()
	patch, err := exec.LookPath("patch")
	if err != nil {
		t.Skip("there is no patch(1) here")
	}
	dir := t.TempDir()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		before, after := randomLines(r, nil), ""
		after = strings.Join(randomLines(r, before), "")
		text := strings.Join(before, "")
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d := Diff("f", []byte(text), []byte(after))
		if d == "" {
			continue
		}
		cmd := exec.Command(patch, "--posix", "-s", path)
		cmd.Stdin = strings.NewReader(d)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("patch: %v\n%s\n%s", err, out, d)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != after {
			t.Fatalf("seed %d: patched to %q, %v, want %q by\n%s", seed, got, err, after, d)
		}
	}
}

// randomLines makes lines, or changes some of those it is given.
func randomLines(r *rand.Rand, from []string) []string {
	var lines []string
	if from == nil {
		for range 1 + r.IntN(60) {
			lines = append(lines, fmt.Sprintf("line %d\n", r.IntN(40)))
		}
		return lines
	}
	for _, line := range from {
		switch r.IntN(12) {
		case 0:
		case 1:
			lines = append(lines, line, fmt.Sprintf("new %d\n", r.IntN(9)))
		default:
			lines = append(lines, line)
		}
	}
	return lines
}

// hiding are lines with secrets in every place of a file, whatever SDKs make of it.
var hiding = []string{
	"aws_secret_access_key = S3CRET",
	"aws_session_token=S3CRET",
	"AWS_SECURITY_TOKEN: S3CRET",
	"  aws_session_token = S3CRET  ",
	"aws_session_token =\n  S3CRET",
	"aws_session_token = S3CRET\n\n  # a comment\n  S3CRET = S3CRET\n\tS3CRET",
	"# aws_secret_access_key = S3CRET",
	";aws_session_token=S3CRET",
	"k = v\n  aws_session_token = S3CRET\n    S3CRET",
	"\"aws_session_token\" = S3CRET",
	"aws_session_token = S3CRET\rregion = x",
	"aws_session_token = a=S3CRET:S3CRET",
	"[p]\n[aws_session_token = S3CRET",
	"\u00a0aws_session_token\u00a0=\u00a0S3CRET",
	"x_other_secret = S3CRET",
	"x_secret_of_a_client = S3CRET",
	"credential_process = /x --password=S3CRET",
	"x_passphrase = S3CRET",
	"x_token_of_an_api = S3CRET",
	"x_api_key = S3CRET",
	"X-Api-Key: S3CRET",
	"x_apikey_2 = S3CRET",
	"x_private_key_pem =\n  S3CRET",
}

// shown returns what is wrong with the diffs that diff makes of files with text: a secret
// that is shown, or something else that is not.
func shown(diff func(before, after []byte) string, text string) (wrong []string) {
	for _, place := range []string{"%s\n", "[p]\nregion = eu\n%s\nregion = us\n", "[p]\n%s\n[w]\nk = v\n"} {
		file := fmt.Sprintf(place, text)
		for _, other := range []string{file + "# shown = 1\n", strings.Replace(file, text, "shown = 1", 1), ""} {
			for _, d := range []string{diff([]byte(file), []byte(other)), diff([]byte(other), []byte(file))} {
				if strings.Contains(d, "S3CRET") || !strings.Contains(d, Masked) || other != "" && !strings.Contains(d, "shown = 1") {
					wrong = append(wrong, d)
				}
			}
		}
	}
	return wrong
}

// TestDiffMasks wants no secret shown, and everything else shown.
func TestDiffMasks(t *testing.T) {
	t.Parallel()
	for _, text := range hiding {
		if wrong := shown(func(before, after []byte) string { return Diff("f", before, after) }, text); len(wrong) > 0 {
			t.Errorf("%q: the diff is\n%s", text, wrong[0])
		}
	}
	plain := "aws_access_key_id = SHOWN\nx_security_token_expires = SHOWN\nregion = SHOWN\n# a comment SHOWN\n" +
		"gatehop_keytab = SHOWN\nx_key = SHOWN\nx_pass = SHOWN\n"
	if d := Diff("f", nil, []byte(plain)); strings.Count(d, "SHOWN") != 7 {
		t.Errorf("too much is hidden:\n%s", d)
	}
}

// TestDiffMasksControls takes the mask away, or a part of it.
func TestDiffMasksControls(t *testing.T) {
	t.Parallel()
	only := func(names ...string) func([]byte) []byte {
		return func(data []byte) []byte {
			for _, name := range names {
				data = regexp.MustCompile("(?mi)"+name+"(.*?[=:]).*$").ReplaceAll(data, []byte("x$1 "+Masked))
			}
			return data
		}
	}
	for _, tt := range []struct {
		name string
		mask func([]byte) []byte
		all  bool // that every row must find it
	}{
		{"hides nothing", func(data []byte) []byte { return data }, true},
		{"hides everything", func(data []byte) []byte { return regexp.MustCompile(`(?m)^.*$`).ReplaceAll(data, []byte(Masked)) }, true},
		{"hides no continuation", func(data []byte) (out []byte) {
			for _, line := range splitLines(data) {
				out = append(out, mask([]byte(line))...)
			}
			return out
		}, false},
		{"knows AWS's names only", only("secret", "token"), false},
		{"leaves out comments", func(data []byte) (out []byte) {
			if bytes.HasPrefix(data, []byte("#")) {
				return data
			}
			return mask(data)
		}, false},
	} {
		found := 0
		for _, text := range hiding {
			if len(shown(func(before, after []byte) string { return diff("f", before, after, tt.mask) }, text)) > 0 {
				found++
			}
		}
		if found == 0 || tt.all && found < len(hiding) {
			t.Errorf("a mask that %s is found by %d rows of %d", tt.name, found, len(hiding))
		}
	}
}

// BenchmarkDiff30 is thirty sections refreshed in a file of a thousand.
func BenchmarkDiff30(b *testing.B) {
	before := many(1000)
	for i := range 30 {
		out, err := apply(before, sessionEdit(fmt.Sprintf("w%d", i), "1"))
		if err != nil {
			b.Fatal(err)
		}
		before = out
	}
	after := before
	for i := range 30 {
		after, _ = apply(after, sessionEdit(fmt.Sprintf("w%d", i), "2"))
	}
	for b.Loop() {
		Diff("f", before, after)
	}
}
