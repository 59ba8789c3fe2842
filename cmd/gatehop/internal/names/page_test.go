package names_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/names"
)

func pages(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.html"))
	if err != nil || len(files) < 6 {
		t.Fatalf("pages: %v, %v", files, err)
	}
	return files
}

func TestParsePage(t *testing.T) {
	t.Parallel()
	for _, file := range pages(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			page, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found, err := names.ParsePage(page)
			var b strings.Builder
			if errors.Is(err, names.ErrUnknownPage) {
				fmt.Fprintln(&b, err)
			} else if err != nil {
				t.Fatalf("ParsePage = %v", err)
			}
			for _, account := range slices.Sorted(maps.Keys(found)) {
				fmt.Fprintf(&b, "%s %q\n", account, found[account])
			}
			golden := strings.TrimSuffix(file, ".html") + ".golden"
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("read\n%swant\n%s", b.String(), want)
			}
		})
	}
}

// huge is a page of n accounts in the older shape.
func huge(n int) []byte {
	var b strings.Builder
	b.WriteString(`<form id="saml_form"><fieldset>`)
	for i := range n {
		fmt.Fprintf(&b, `<div class="saml-account"><div class="saml-account-name">Account: team-%d (1%011d)</div><div class="saml-role"><input type="radio" name="roleIndex" value="arn:aws:iam::1%011d:role/Admins"></div></div>`, i, i, i)
	}
	return []byte(b.String() + "</fieldset></form>")
}

// TestParsePageHostile wants little memory of pages as large as they may be, and what
// stood before the damage.
func TestParsePageHostile(t *testing.T) {
	const size = 4 << 20
	fill := func(unit string) string { return strings.Repeat(unit, size/len(unit)) }
	head := string(huge(1))
	for name, c := range map[string]struct {
		page string
		want int // accounts; -1: the page is unknown
	}{
		"many accounts":      {string(huge(10000)), 10000},
		"deep":               {"<form id=saml_form>" + fill("<div>"), 0},
		"deep heading":       {"<form id=saml_form><div class=saml-account-name>" + fill("<div>"), 0},
		"endless heading":    {"<form id=saml_form><div class=saml-account-name>Account: " + fill("team "), 0},
		"endless tag":        {head + "<meta name=data content='" + fill("A"), 1},
		"many attributes":    {head + "<meta " + fill("a=b ") + ">", 1},
		"endless comment":    {head + "<!--" + fill("-"), 1},
		"endless script":     {head + "<script>" + fill("<div>"), 1},
		"many data":          {fill("<meta name=data content=e30=>"), -1},
		"deep JSON":          {"<meta name=data content=" + base64.StdEncoding.EncodeToString([]byte(`{"roles_accounts":`+strings.Repeat("[", 1<<20))) + ">", -1},
		"deep JSON of roles": {"<meta name=data content=" + base64.StdEncoding.EncodeToString([]byte(`{"roles_accounts":{"team (111111111111)":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+`}}`)) + ">", 1},
		"binary":             {fill("\x00\xff<\x80"), -1},
		"nothing":            {"", -1},
	} {
		t.Run(name, func(t *testing.T) {
			page := []byte(c.page)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			found, err := names.ParsePage(page)
			runtime.ReadMemStats(&after)
			if (err != nil) != (c.want < 0) || len(found) != max(c.want, 0) {
				t.Errorf("ParsePage = %d accounts, %v; want %d", len(found), err, c.want)
			}
			// The heap cannot have grown by more than all that was allocated and is not freed.
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 40<<20 {
				t.Errorf("the heap has grown by %d MiB", grown>>20)
			}
		})
	}
}

// FuzzParsePage: no panic, and nothing is a name that is none.
func FuzzParsePage(f *testing.F) {
	for _, file := range pages(f) {
		page, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(page)
	}
	f.Add(huge(3))
	f.Fuzz(func(t *testing.T, page []byte) {
		found, err := names.ParsePage(page)
		if err != nil && found != nil {
			t.Errorf("ParsePage = %v and %v", found, err)
		}
		for account, alias := range found {
			if !account12(account) || alias != "" && !names.IsAlias(alias) {
				t.Errorf("%q is called %q", account, alias)
			}
		}
	})
}

func account12(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func TestIsAlias(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"abc": true, "a-b": true, "prod-2": true, "0ab": true, "12345678901": true, "1234567890123": true,
		"123456789012": false, "ab": false, "": false, "-ab": false, "ab-": false, "a--b": false, "Abc": false, "a_b": false,
		"a/b": false, "a b": false, "ä-b": false, "a\u202eb": false, "*ab": false, "a.b": false,
		strings.Repeat("a", 63): true, strings.Repeat("a", 64): false,
	} {
		if got := names.IsAlias(name); got != want {
			t.Errorf("IsAlias(%q) = %v, want %v", name, got, want)
		}
	}
}

func BenchmarkParsePage(b *testing.B) {
	page := huge(500)
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := names.ParsePage(page); err != nil {
			b.Fatal(err)
		}
	}
}
