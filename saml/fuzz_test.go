package saml_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"gatehop/saml"
	"gatehop/saml/samltest"
)

// FuzzDecode feeds XML, and the text itself as base64: no input breaks the decoder, and
// what it reads holds together.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	for _, r := range []samltest.Response{
		{Roles: samltest.RoleValues(3, "P"), Unsigned: true},
		{Pretty: true, Prefixes: samltest.SAML2, Unsigned: true},
		{Comments: true, Prefixes: samltest.Unprefixed, Unsigned: true},
		{Encrypted: true},
	} {
		f.Add(plain(f, r))
	}
	f.Fuzz(func(t *testing.T, document string) {
		checkDecode(t, document)
		checkDecode(t, encode(document))
	})
}

func checkDecode(t *testing.T, encoded string) {
	a, err := saml.Decode(encoded)
	if err != nil {
		var status *saml.StatusError
		var syntax *saml.SyntaxError
		if a != nil || !errors.As(err, &status) && !errors.As(err, &syntax) && err != saml.ErrSeveralAssertions {
			t.Errorf("Decode = %v, %v", a, err)
		}
		if !presentable(err.Error()) {
			t.Errorf("the error is not fit to be shown: %q", err)
		}
		return
	}
	if a.Encoded().Reveal() != encoded {
		t.Error("Encoded is not what was received")
	}
	if err := checkMatch(a.Roles, a.Roles); err != nil {
		t.Errorf("roles: %v", err)
	}
	for _, r := range a.Roles {
		if again, err := saml.ParseRole(r.Provider + "\n, " + r.ARN); err != nil || again != r {
			t.Errorf("ParseRole of %v = %v, %v", r, again, err)
		}
	}
	for _, err := range a.Skipped {
		if !presentable(err.Error()) {
			t.Errorf("a reason is not fit to be shown: %q", err)
		}
	}
	if len(a.Skipped) > 101 || a.SessionDuration < 0 || a.Encrypted && len(a.Roles) > 0 {
		t.Errorf("%d skipped, duration %v, encrypted %v", len(a.Skipped), a.SessionDuration, a.Encrypted)
	}
	packed := strings.Join(strings.Fields(encoded), "")
	document, _ := base64.StdEncoding.DecodeString(packed)
	if strings.Contains(string(document), "<!DOCTYPE") && !strings.Contains(string(document), "<!--") && !strings.Contains(string(document), "<![CDATA[") && !strings.Contains(string(document), "<?") {
		t.Error("a document with a document type was read")
	}
}

// presentable reports whether text is short, of one line and of visible characters.
func presentable(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) < 1400 &&
		!strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) })
}

func TestPresentableControl(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a\nb", "a\x1bb", "a\u202eb", "a\xffb", strings.Repeat("a", 1500)} {
		if presentable(text) {
			t.Errorf("%.20q passes", text)
		}
	}
}

func FuzzParseRole(f *testing.F) {
	for _, value := range []string{
		roleA + "," + providerA, providerA + " ,\n" + roleA, roleP("a,arn:b/C,d") + "," + providerA,
		roleP("saml-provider/a") + "," + providerA, "arn:,arn:", ",arn:aws:iam::111111111111:role/a",
		roleA + "," + providerA + "," + providerA,
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r, err := saml.ParseRole(value)
		if err != nil {
			if r != (saml.Role{}) || !presentable(err.Error()) {
				t.Errorf("ParseRole = %v, %q", r, err)
			}
			return
		}
		// Nothing but a comma and white space is lost.
		rest, ok := strings.CutPrefix(strings.TrimSpace(value), r.ARN)
		last := r.Provider
		if !ok {
			rest, ok = strings.CutPrefix(strings.TrimSpace(value), r.Provider)
			last = r.ARN
		}
		rest, ended := strings.CutSuffix(rest, last)
		if !ok || !ended || strings.TrimSpace(rest) != "," {
			t.Errorf("ParseRole(%q) = %v", value, r)
		}
		for _, again := range []string{r.ARN + "," + r.Provider, r.Provider + "," + r.ARN} {
			if got, err := saml.ParseRole(again); err != nil || got != r {
				t.Errorf("ParseRole(%q) = %v, %v, want %v", again, got, err, r)
			}
		}
		a, err := saml.ParseRoleARN(r.ARN)
		if err != nil || a.String() != r.ARN || !slices.Contains(saml.Partitions(), a.Partition) || len(a.Account) != 12 || a.Name == "" {
			t.Errorf("ParseRoleARN(%q) = %+v, %v", r.ARN, a, err)
		}
		if !strings.HasPrefix(r.Provider, "arn:"+a.Partition+":iam::"+a.Account+":saml-provider/") {
			t.Errorf("provider %q of another account than %q", r.Provider, r.ARN)
		}
	})
}

func FuzzMatch(f *testing.F) {
	for _, want := range []string{"Admins", "111111111111/Gateway", "prod/*", "*min?", "arn:aws:iam::*:role/*", "team/a/Admins-ro", "odd*/Odd", "**/"} {
		f.Add(want, "prod", roleP("team/Ops,Night")+","+providerA)
	}
	f.Fuzz(func(t *testing.T, want, alias, value string) {
		roles := matchRoles()
		if r, err := saml.ParseRole(value); err == nil {
			roles = append([]saml.Role{r}, roles...)
		}
		before := slices.Clone(roles)
		got := saml.Match(roles, want, map[string]string{"111111111111": alias})
		if err := checkMatch(roles, got); err != nil {
			t.Errorf("Match(%q): %v", want, err)
		}
		if !slices.Equal(roles, before) {
			t.Error("Match changed what it was given")
		}
		if !strings.ContainsAny(want, "*?") {
			for _, r := range got {
				if r.ARN != want && !strings.HasSuffix(want, r.Name()) {
					t.Errorf("Match(%q) = %v", want, r)
				}
			}
		}
		// Every role is found by its ARN, by account and name, by name.
		for _, r := range got {
			if r.Name() == "" {
				continue
			}
			for _, spelling := range []string{r.ARN, r.Account() + "/" + r.Name(), r.Name()} {
				if !slices.Contains(saml.Match(roles, spelling, nil), r) {
					t.Errorf("Match(%q) does not find %v", spelling, r)
				}
			}
		}
	})
}

func FuzzSignInPartition(f *testing.F) {
	for _, rawURL := range []string{
		"https://signin.aws.amazon.com/saml", "https://us-east-1.signin.aws.amazon.com:443/saml", "https://signin.amazonaws.cn/saml/acs/A",
		"https://xsignin.aws.amazon.com/saml", "https://signin.aws.amazon.com.evil.example/saml", "https://a@signin.aws.amazon.com/saml",
		"https://signin.aws.amazon.com./saml", "https://signin.aws.amazon.com%2f.evil.example/saml", "https://signin.csphome.adc-e.u\u212a/saml",
	} {
		f.Add(rawURL)
	}
	f.Fuzz(func(t *testing.T, rawURL string) {
		partition, ok := saml.SignInPartition(rawURL)
		if ok != (partition != "") || ok && !slices.Contains(saml.Partitions(), partition) {
			t.Errorf("SignInPartition(%q) = %q, %v", rawURL, partition, ok)
		}
		if ok && !acsPattern.MatchString(rawURL) {
			t.Errorf("SignInPartition(%q) takes what the pattern refuses", rawURL)
		}
		// The pattern takes KELVIN SIGN for k; net/url refuses control characters and bad
		// escapes even where they say nothing.
		ascii := !strings.ContainsFunc(rawURL, func(r rune) bool { return r > '~' })
		if !ok && ascii && acsPattern.MatchString(rawURL) && !strings.ContainsAny(rawURL, "?#") {
			t.Errorf("SignInPartition(%q) refuses what the pattern takes", rawURL)
		}
	})
}
