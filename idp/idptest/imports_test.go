package idptest_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport says what the simulator, which is linked into the binary for the sandbox,
// may be made of: nothing that costs its start anything. MD4 is there for Kerberos anyway.
func mayImport(path string) bool {
	ours := []string{"golang.org/x/crypto/md4", "gatehop/creds/secret", "gatehop/idp", "gatehop/saml/samltest", "gatehop/testdata"}
	first, _, _ := strings.Cut(path, "/")
	return slices.Contains(ours, path) ||
		!strings.Contains(first, ".") && first != "gatehop" && path != "testing" && path != "net/http/httptest"
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"testing", "net/http/httptest", "golang.org/x/net/html", "gatehop/idp/form", "gatehop/sts"} {
		if mayImport(path) {
			t.Errorf("%s would be let in", path)
		}
	}
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			if path, err := strconv.Unquote(spec.Path.Value); err != nil || !mayImport(path) {
				t.Errorf("%s imports %s", name, spec.Path.Value)
			}
		}
	}
}
