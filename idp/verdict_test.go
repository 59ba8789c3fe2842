package idp

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// verdicts reads the constants out of the source, so that none can be forgotten here.
func verdicts(t *testing.T) map[string]Verdict {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "verdict.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Verdict{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Verdict" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			out[spec.Names[0].Name] = Verdict(text)
		}
		return true
	})
	return out
}

// absent are the numbers of the catalogue's source that are no page's end.
var absent = map[string]string{
	"E19": "waited for", "E20": "answered with a code",
	"E40": "not given", "E43": "an encrypted assertion is good", "E53": "an ordinary sign-in page",
	"E54": "*NetworkError", "E55": "*OriginError", "E58": "success", "E59": "explained by the assertion",
	"E60": "a hint besides E01",
}

var (
	lowerCase = regexp.MustCompile(`^[a-z]`)
	advice    = regexp.MustCompile(`\b(gatehop|try|run|please|should|use a)\b`)
)

// flaws checks a catalogue against the constants and the contract.
func flaws(rows []Row, constants map[string]Verdict) (out []string) {
	classes := []Class{Auth, Config, Choice, MFA, Unsupported, Server, Net}
	ids, byVerdict := map[string]bool{}, map[Verdict]Row{}
	last := ""
	for _, r := range rows {
		known := false
		for _, v := range constants {
			known = known || v == r.Verdict
		}
		first, seen := byVerdict[r.Verdict]
		switch {
		case !known:
			out = append(out, r.ID+": verdict is no constant")
		case !slices.Contains(classes, r.Class):
			out = append(out, r.ID+": no such class")
		case seen && (first.Class != r.Class || first.Summary != r.Summary):
			out = append(out, r.ID+": differs from "+first.ID)
		case r.ID != "" && r.ID < last:
			out = append(out, r.ID+": out of order")
		case r.Summary == "" || len(r.Summary) > 80 || strings.HasSuffix(r.Summary, "."):
			out = append(out, r.ID+": summary")
		case !lowerCase.MatchString(r.Summary):
			out = append(out, r.ID+": upper case")
		case r.Verdict != Rejected && strings.Contains(r.Summary, "password"), r.Verdict == Rejected && !strings.Contains(r.Summary, "password"):
			out = append(out, r.ID+": password")
		case advice.MatchString(r.Summary):
			out = append(out, r.ID+": advice")
		}
		ids[r.ID], byVerdict[r.Verdict], last = true, r, max(last, r.ID)
	}
	for name, v := range constants {
		if _, ok := byVerdict[v]; !ok {
			out = append(out, name+": not in the catalogue")
		}
	}
	for i := 1; i <= 60; i++ {
		id := fmt.Sprintf("E%02d", i)
		if reason := absent[id]; ids[id] == (reason != "") {
			out = append(out, id+": in the catalogue "+fmt.Sprint(ids[id]))
		}
	}
	return out
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	constants := verdicts(t)
	if len(constants) < 30 {
		t.Fatalf("read %d constants", len(constants))
	}
	for _, f := range flaws(Catalogue(), constants) {
		t.Error(f)
	}
	Catalogue()[0].Summary = "changed"
	if Rejected.Summary() == "changed" {
		t.Error("a caller can change the catalogue")
	}
	for _, v := range constants {
		if v.Summary() == "" || v.Summary() == string(v) || v.Class() == "" {
			t.Errorf("%s: summary %q, class %q", v, v.Summary(), v.Class())
		}
	}
	if v := Verdict("made up"); v.Summary() != "made up" || v.Class() != Unsupported {
		t.Errorf("no verdict: %q, %q", v.Summary(), v.Class())
	}
}

// What exit statuses are made of, word for word of the contract.
func TestClasses(t *testing.T) {
	t.Parallel()
	for v, want := range map[Verdict]Class{
		Rejected: Auth, PasswordExpired: Auth, NotPermitted: Auth, NoRoles: Auth, HomeRealm: Choice, MethodChoice: Choice,
		MFADenied: MFA, MFATimeout: MFA, Unavailable: Net, ProviderError: Server, NeedsBrowser: Unsupported,
		Unknown: Unsupported, UnknownParty: Config, BareUser: Config, ProxyRefused: Net,
	} {
		if v.Class() != want {
			t.Errorf("%s is of class %s, want %s", v, v.Class(), want)
		}
	}
}

// The controls: each way to spoil the table is noticed.
func TestCatalogueNotices(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func([]Row) []Row{
		"missing row":     func(r []Row) []Row { return slices.Delete(r, 2, 3) },
		"missing id":      func(r []Row) []Row { r[1].ID = "E01"; return r },
		"foreign verdict": func(r []Row) []Row { r[2].Verdict = "odd"; return r },
		"foreign class":   func(r []Row) []Row { r[2].Class = "odd"; return r },
		"two classes":     func(r []Row) []Row { r[1].Class = Net; return r },
		"two summaries":   func(r []Row) []Row { r[1].Summary = "x"; return r },
		"order":           func(r []Row) []Row { slices.Reverse(r); return r },
		"no summary":      func(r []Row) []Row { r[2].Summary = ""; return r },
		"upper case":      func(r []Row) []Row { r[2].Summary = "Odd"; return r },
		"blames password": func(r []Row) []Row { r[2].Summary = "check the password"; return r },
		"advice":          func(r []Row) []Row { r[2].Summary = "try again"; return r },
		"row of no page":  func(r []Row) []Row { r[len(r)-1].ID = "E60"; return r },
	} {
		if len(flaws(spoil(Catalogue()), verdicts(t))) == 0 {
			t.Errorf("%s: goes unnoticed", name)
		}
	}
}

func TestPageErrorText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		e    PageError
		want string
	}{
		{PageError{Verdict: Rejected, URL: "https://h/p", Title: "Sign In", Words: "Incorrect user ID or password."}, `user name or password refused: "Incorrect user ID or password."`},
		{PageError{Verdict: Unknown, URL: "https://h/p", Title: "Update", Fingerprint: "Old:password"}, `https://h/p: page not recognised, titled "Update" (fields: Old:password)`},
		{PageError{Verdict: ProviderError, URL: "https://h/p", Activity: "id-1", Status: 500}, `https://h/p: the provider reports an error (HTTP status 500; activity ID id-1)`},
		{PageError{Verdict: HomeRealm, URL: "https://h/p", Options: []string{"A", "B"}}, `https://h/p: asks which organisation you belong to (offered: A, B)`},
		{PageError{Verdict: BareUser}, `the user name has no domain`},
	} {
		if got := c.e.Error(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if !errors.Is(fmt.Errorf("x: %w", &PageError{Verdict: Rejected, URL: "u"}), &PageError{Verdict: Rejected}) ||
		errors.Is(&PageError{Verdict: Rejected}, &PageError{Verdict: Unknown}) {
		t.Error("Is does not go by verdict alone")
	}
}
