package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sourceFile is one Go file of the module as the import rules see it.
type sourceFile struct {
	pkg     string // path inside the module: "idp/form"
	name    string // base name of the file
	test    bool
	imports []string // of this module, without "gatehop/"
	calls   []string // "time.Now", "panic", ...
}

var fakes = []string{"saml/samltest", "idp/idptest", "idp/idptest/adaptertest", "idp/idptest/kerberostest", "sts/ststest", "creds/credstest", "testdata"}

// arrows says who may import what besides creds/secret, which everyone may. The first
// row that fits the importer decides; a trailing star stands for every sub-package.
var arrows = []struct {
	from string
	to   []string
}{
	{"cmd/*", []string{"cmd/*", "saml", "saml/iam", "idp", "idp/*", "sts", "creds", "creds/*"}},
	{"creds/secret", nil},
	{"creds/*", []string{"creds", "creds/*"}},
	{"creds", nil},
	{"saml/iam", nil},
	{"saml/*", []string{"saml"}},
	{"saml", []string{"saml/iam"}},
	{"idp/*", []string{"idp", "idp/*", "saml"}},
	{"idp", []string{"saml"}},
	{"sts/*", []string{"sts", "saml", "creds"}},
	{"sts", []string{"saml", "creds"}},
}

// mayImport is the arrow rule of the design.
func mayImport(f sourceFile, to string) bool {
	if slices.Contains(fakes, to) {
		return f.test || slices.Contains(fakes, f.pkg) ||
			f.pkg == "cmd/gatehop" && slices.Contains([]string{"sandbox.go", "simulators.go", "simcertificate.go", "factors.go", "faults.go", "demo.go"}, f.name)
	}
	root, _, _ := strings.Cut(f.pkg, "/")
	if to == "creds/secret" || f.test && under(to, root) {
		return true
	}
	for _, arrow := range arrows {
		if matches(arrow.from, f.pkg) {
			return slices.ContainsFunc(arrow.to, func(pattern string) bool { return matches(pattern, to) })
		}
	}
	return false
}

func matches(pattern, pkg string) bool {
	prefix, wild := strings.CutSuffix(pattern, "*")
	return pkg == pattern || wild && strings.HasPrefix(pkg, prefix)
}

func under(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

// policyCalls belong in cmd alone.
var policyCalls = []string{
	"time.Now", "os.Getenv", "os.LookupEnv", "os.Environ", "os.UserHomeDir", "os.Exit",
	"log.Fatal", "log.Fatalf", "log.Printf", "log.Println", "panic", "init", initialiser,
}

// initialiser is a variable of a package that a call without arguments sets: what acts
// before main and is not called init.
const initialiser = "initialiser"

// actsEarly is the one file that acts before main, and may end the process then.
func actsEarly(f sourceFile) bool {
	return f.pkg == "cmd/gatehop/internal/early" && f.name == "early.go"
}

// never is for nobody: no option anywhere skips certificate verification.
const never = "InsecureSkipVerify"

// ownClient is what gokrb5 has for HTTP and for KDCs: the one looks up other names for the
// host, and sends bodies again; the other shows a password to one KDC after another.
var ownClient = []string{
	"spnego.NewClient", "spnego.SetSPNEGOHeader", "spnego.Client",
	"client.NewWithPassword", "client.NewWithKeytab", "client.NewFromCCache",
}

func mayCall(f sourceFile, call string) bool {
	if call == never || slices.Contains(ownClient, call) {
		return f.test
	}
	if f.test || slices.Contains(fakes, f.pkg) && call != "init" && call != initialiser && call != "os.Exit" || !slices.Contains(policyCalls, call) {
		return true
	}
	if call == initialiser || call == "os.Exit" && actsEarly(f) {
		return actsEarly(f)
	}
	if under(f.pkg, "cmd") {
		return !slices.Contains([]string{"panic", "init", "log.Fatal", "log.Fatalf", "os.Exit"}, call) || f.name == "main.go" && call == "os.Exit"
	}
	return false
}

func TestImports(t *testing.T) {
	t.Parallel()
	files := moduleFiles(t, filepath.Join("..", ".."))
	if len(files) < 40 {
		t.Fatalf("only %d files were found: the check looks in the wrong place", len(files))
	}
	for _, f := range files {
		for _, to := range f.imports {
			if !mayImport(f, to) {
				t.Errorf("%s/%s must not import %s", f.pkg, f.name, to)
			}
		}
		for _, call := range f.calls {
			if !mayCall(f, call) {
				t.Errorf("%s/%s must not use %s", f.pkg, f.name, call)
			}
		}
	}
}

// TestImportsControl plants every kind of violation and wants each one caught.
func TestImportsControl(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file sourceFile
		to   string
		want bool
	}{
		{sourceFile{pkg: "idp", name: "x.go"}, "sts", false},
		{sourceFile{pkg: "sts", name: "x.go"}, "idp", false},
		{sourceFile{pkg: "creds", name: "x.go"}, "saml", false},
		{sourceFile{pkg: "creds/store", name: "x.go"}, "saml", false},
		{sourceFile{pkg: "creds", name: "x.go"}, "creds/store", false},
		{sourceFile{pkg: "saml", name: "x.go"}, "creds", false},
		{sourceFile{pkg: "saml", name: "x.go"}, "saml/samltest", false},
		{sourceFile{pkg: "saml/iam", name: "x.go"}, "saml", false},
		{sourceFile{pkg: "idp", name: "x.go"}, "idp/form", false},
		{sourceFile{pkg: "idp/form", name: "x.go"}, "cmd/gatehop/internal/flow", false},
		{sourceFile{pkg: "cmd/gatehop", name: "login.go"}, "idp/idptest", false},
		{sourceFile{pkg: "creds/secret", name: "x.go"}, "creds", false},
		{sourceFile{pkg: "cmd/gatehop", name: "sandbox.go"}, "idp/idptest", true},
		{sourceFile{pkg: "cmd/gatehop", name: "x_test.go", test: true}, "idp/idptest", true},
		{sourceFile{pkg: "idp/adfs", name: "x.go"}, "idp/form", true},
		{sourceFile{pkg: "idp/form", name: "x.go"}, "idp", true},
		{sourceFile{pkg: "sts", name: "x.go"}, "saml", true},
		{sourceFile{pkg: "saml", name: "x.go"}, "creds/secret", true},
		{sourceFile{pkg: "saml", name: "x.go"}, "saml/iam", true},
		{sourceFile{pkg: "creds/sink", name: "x.go"}, "creds", true},
	} {
		if got := mayImport(c.file, c.to); got != c.want {
			t.Errorf("mayImport(%s/%s, %s) = %v, want %v", c.file.pkg, c.file.name, c.to, got, c.want)
		}
	}
	for _, c := range []struct {
		pkg, name, call string
		want            bool
	}{
		{"saml", "x.go", "time.Now", false}, {"cmd/gatehop", "x.go", never, false}, {"idp/idptest", "x.go", never, false}, {"idp", "x.go", "os.Getenv", false}, {"sts", "x.go", "panic", false},
		{"cmd/gatehop", "x.go", "os.Exit", false}, {"cmd/gatehop", "main.go", "os.Exit", true}, {"cmd/gatehop", "x.go", "time.Now", true},
		{"cmd/gatehop/internal/early", "early.go", "os.Exit", true}, {"cmd/gatehop/internal/early", "answer.go", "os.Exit", false}, {"cmd/gatehop/internal/flow", "early.go", "os.Exit", false},
		{"cmd/gatehop/internal/early", "early.go", initialiser, true}, {"cmd/gatehop", "main.go", initialiser, false}, {"idp/idptest", "x.go", initialiser, false},
		{"cmd/gatehop/internal/early", "early.go", "init", false},
		{"idp/challenge", "x.go", "spnego.SetSPNEGOHeader", false},
		{"idp/challenge", "x.go", "spnego.NewClient", false},
		{"idp/challenge", "x.go", "spnego.NewNegTokenInitKRB5", true},
		{"idp/challenge", "x.go", "client.NewWithPassword", false},
		{"idp/challenge", "x.go", "client.Client", true},
	} {
		if got := mayCall(sourceFile{pkg: c.pkg, name: c.name}, c.call); got != c.want {
			t.Errorf("mayCall(%s/%s, %s) = %v, want %v", c.pkg, c.name, c.call, got, c.want)
		}
	}
	for _, src := range []string{"var _ = act()", "var acted = act()", "var (\n\ta = f(1)\n\tb = func() int { return 1 }()\n)"} {
		if f := parseSource(t, "idp/x.go", "package x\n"+src+"\n"); !slices.Equal(f.calls, []string{initialiser}) {
			t.Errorf("calls of a file with %s = %v, want %s", src, f.calls, initialiser)
		}
	}
	src := "package x\nimport n \"time\"\nfunc init() { _ = n.Now(); panic(1); c.InsecureSkipVerify = T{InsecureSkipVerify: true} }\n"
	f := parseSource(t, "idp/x.go", src)
	if want := []string{"init", "time.Now", "panic", never, never}; !slices.Equal(f.calls, want) {
		t.Errorf("calls of a planted file = %v, want %v", f.calls, want)
	}
}

// TestNotLinked keeps out what costs every start or reads the environment by itself.
func TestNotLinked(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	linked := strings.Fields(string(out))
	if !slices.Contains(linked, "gatehop/saml") {
		t.Fatal("go list -deps does not even name gatehop/saml: the check sees nothing")
	}
	for _, pkg := range []string{
		"github.com/aws/aws-sdk-go-v2/config", "github.com/aws/aws-sdk-go-v2/service/iam",
		"github.com/aws/aws-sdk-go-v2/service/organizations", "testing",
	} {
		if slices.Contains(linked, pkg) {
			t.Errorf("%s is linked into gatehop", pkg)
		}
	}
}

func moduleFiles(t *testing.T, root string) []sourceFile {
	t.Helper()
	var files []sourceFile
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		rel = filepath.ToSlash(rel)
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && rel != "." || d.Name() == "testdata" && rel != "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(rel, ".go") {
			files = append(files, parseFile(t, p, rel, nil))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func parseSource(t *testing.T, rel, src string) sourceFile {
	t.Helper()
	return parseFile(t, rel, rel, src)
}

func parseFile(t *testing.T, file, rel string, src any) sourceFile {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	f := sourceFile{pkg: path.Dir(rel), name: path.Base(rel), test: strings.HasSuffix(rel, "_test.go")}
	names := map[string]string{}
	for _, i := range parsed.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		name := path.Base(p)
		if i.Name != nil {
			name = i.Name.Name
		}
		names[name] = path.Base(p)
		if to, ok := strings.CutPrefix(p, "gatehop/"); ok {
			f.imports = append(f.imports, to)
		}
	}
	for range actors(parsed) {
		f.calls = append(f.calls, initialiser)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				f.calls = append(f.calls, "init")
			}
		case *ast.SelectorExpr:
			if n.Sel.Name == "InsecureSkipVerify" {
				f.calls = append(f.calls, n.Sel.Name)
			}
			if x, ok := n.X.(*ast.Ident); ok && names[x.Name] != "" {
				f.calls = append(f.calls, names[x.Name]+"."+n.Sel.Name)
			}
		case *ast.KeyValueExpr:
			if x, ok := n.Key.(*ast.Ident); ok && x.Name == "InsecureSkipVerify" {
				f.calls = append(f.calls, x.Name)
			}
		case *ast.CallExpr:
			if x, ok := n.Fun.(*ast.Ident); ok && x.Name == "panic" {
				f.calls = append(f.calls, "panic")
			}
		}
		return true
	})
	return f
}

// actors are the values of a file's variables that are calls of its package's functions,
// named or not, without arguments.
func actors(file *ast.File) (found []ast.Expr) {
	for _, decl := range file.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.VAR {
			continue
		}
		for _, spec := range d.Specs {
			for _, value := range spec.(*ast.ValueSpec).Values {
				call, ok := value.(*ast.CallExpr)
				if !ok || len(call.Args) > 0 {
					continue
				}
				switch call.Fun.(type) {
				case *ast.Ident, *ast.FuncLit:
					found = append(found, value)
				}
			}
		}
	}
	return found
}
