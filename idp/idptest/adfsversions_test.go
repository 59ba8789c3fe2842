package idptest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"gatehop/idp/idptest"
)

// version is one kind of sign-in pages of AD FS.
type version struct {
	name string
	as   func(idptest.Options) idptest.Options
	more int    // requests of a sign-in besides those of 3.0
	page string // that asks for the password
	says string // id of the element for words about a refused one
}

func versions() []version {
	flavour := func(f string, p idptest.Pagination) func(idptest.Options) idptest.Options {
		return func(o idptest.Options) idptest.Options {
			o.Flavour, o.Paginated = f, p
			return o
		}
	}
	return []version{
		{"3.0", flavour("3.0", idptest.PaginatedOff), 0, "adfs/login.html", "errorText"},
		{"2016", flavour("2016", idptest.PaginatedOff), 0, "adfs/login.html", "errorText"},
		{"2019", flavour("2019", idptest.PaginatedOff), 0, "adfs/login.html", "errorText"},
		{"2019 paginated", flavour("2019", idptest.PaginatedNative), 0, "adfs/paginated.html", "errorTextPassword"},
		{"2019 paginated in steps", flavour("2019", idptest.PaginatedSteps), 1, "adfs/paginated.html", "errorTextPassword"},
	}
}

// TestADFSMarkup is what tells the pages of the versions apart. No client may go by it.
func TestADFSMarkup(t *testing.T) {
	t.Parallel()
	tag := func(p *page, id string) string {
		if n := p.id(id); n != nil {
			return n.Data
		}
		return ""
	}
	meta := func(p *page) string {
		return val(all(p.doc, func(n *html.Node) bool { return val(n, "http-equiv") == "X-UA-Compatible" })[0], "content")
	}
	looks := []struct {
		name string
		of   func(*page) string
		want [3]string // in 3.0, 2016 and 2019
	}{
		{"compatible", meta, [3]string{"IE=10.000", "IE=edge", "IE=edge"}},
		{"errorText", func(p *page) string { return tag(p, "errorText") }, [3]string{"label", "span", "span"}},
		{"role of errorText", func(p *page) string { return val(p.id("errorText"), "role") }, [3]string{"", "", "alert"}},
		{"label of the user name", func(p *page) string { return tag(p, "userNameInputLabel") }, [3]string{"", "label", "label"}},
		{"label of the password", func(p *page) string { return tag(p, "passwordInputLabel") }, [3]string{"", "label", "label"}},
		{"main", func(p *page) string {
			return fmt.Sprint(len(all(p.doc, func(n *html.Node) bool { return n.Data == "main" })))
		}, [3]string{"0", "0", "1"}},
		{"footer", func(p *page) string { return tag(p, "footer") }, [3]string{"div", "div", "footer"}},
		{"copyright", func(p *page) string { return p.textOf("copyright") }, [3]string{"© 2013 Microsoft", "© 2016 Microsoft", "© 2018 Microsoft"}},
		{"submit control", func(p *page) string { return tag(p, "submitButton") }, [3]string{"span", "span", "span"}},
		{"role of the submit control", func(p *page) string { return val(p.id("submitButton"), "role") }, [3]string{"", "", "button"}},
		{"user name in the form of the methods", func(p *page) string { return tag(p, "userNameInputOptionsHolder") }, [3]string{"", "", "input"}},
		{"links", func(p *page) string { return tag(p, "authOptionLinks") }, [3]string{"", "", "div"}},
		{"waiting wheel", func(p *page) string { return tag(p, "waitingWheelDiv") + tag(p, "WaitingWheel") }, [3]string{"", "", "divdiv"}},
	}
	for i, flavour := range idptest.Flavours()[1:] { // 2.0 has pages of its own
		a := newADFS(t, idptest.Options{Flavour: flavour})
		p := newBrowser(t, a, a.Elsewhere()).get(entry)
		for _, l := range looks {
			if got := l.of(p); got != l.want[i] {
				t.Errorf("%s: %s = %q, want %q", flavour, l.name, got, l.want[i])
			}
		}
		for _, name := range []string{"div", "span", "form", "label", "main", "footer"} {
			if starts, ends := strings.Count(p.source, "<"+name), strings.Count(p.source, "</"+name+">"); starts != ends {
				t.Errorf("%s: %d starts of %s and %d ends", flavour, starts, name, ends)
			}
		}
	}
}

// TestADFSPaginated has the blocks of both paginated sign-ins, and what makes them hard
// to fill in.
func TestADFSPaginated(t *testing.T) {
	t.Parallel()
	blocks := func(p *page) string {
		var found []string
		for _, id := range []string{"usernamePage", "primaryOptionsPage", "passwordPage"} {
			if n := p.id(id); n != nil {
				found = append(found, id+map[bool]string{true: "!"}[val(n, "style") == ""])
			}
		}
		return strings.Join(found, " ")
	}
	a := newADFS(t, idptest.Options{Flavour: "2019", Paginated: idptest.PaginatedNative})
	b := newBrowser(t, a, a.Elsewhere())
	p := b.get(entry)
	if got, want := blocks(p), "usernamePage! primaryOptionsPage passwordPage"; got != want {
		t.Errorf("blocks = %s, want %s", got, want)
	}
	if n := p.id("userNameInputHolder"); n == nil || val(n, "type") != "hidden" || val(n, "name") != "UserName" || val(n, "value") != "" {
		t.Error("want an empty hidden user name beside the password")
	}
	if n := p.id("optionForms"); n == nil || p.form("Kmsi") == p.id("loginForm") || slices.Contains(p.controls(p.id("loginForm")), n) || slices.Contains(p.controls(p.id("options")), n) {
		t.Error("want AuthMethod outside of every form")
	}
	if !strings.Contains(p.source, `pages: ["usernamePage", "primaryOptionsPage", "passwordPage"]`) {
		t.Error("the script does not list the blocks")
	}
	if got, want := blocks(b.signIn(entry, alice, "wrong")), "usernamePage primaryOptionsPage passwordPage!"; got != want {
		t.Errorf("blocks after a refusal = %s, want %s", got, want)
	}

	a = newADFS(t, idptest.Options{Flavour: "2019", Paginated: idptest.PaginatedSteps, MethodChoice: true})
	b = newBrowser(t, a, a.Elsewhere())
	first := b.get(entry)
	nobody := b.submit(first, first.id("loginFormPaginated"), map[string]string{"UserName": ""})
	second := b.submit(nobody, nobody.id("loginFormPaginated"), map[string]string{"UserName": `CORP\nobody-knows`})
	third := b.submit(second, second.id("options"), map[string]string{"AuthMethod": "FormsAuthentication"})
	for i, want := range []string{"usernamePage!", "usernamePage!", "primaryOptionsPage!", "passwordPage!"} {
		if got := blocks([]*page{first, nobody, second, third}[i]); got != want {
			t.Errorf("blocks of page %d = %s, want %s", i, got, want)
		}
	}
	if n := second.id("FormsAuthentication"); n == nil || n.Data != "span" {
		t.Error("the method is no span of its own id")
	}
	if n := third.id("userNameInputHolder"); n == nil || val(n, "value") != "" || third.textOf("identityBanner") != `CORP\nobody-knows` {
		t.Error("want an empty hidden user name, and the name on the banner")
	}
	wantClean(t, a.ClientBugs())
}

// TestADFSThemed: the company's script speaks of forms that the page does not have.
func TestADFSThemed(t *testing.T) {
	t.Parallel()
	for _, flavour := range idptest.Flavours()[1:] { // 2.0 has pages of its own
		a := newADFS(t, idptest.Options{Flavour: flavour, Themed: true})
		p := newBrowser(t, a, a.Elsewhere()).get(entry)
		if !strings.Contains(p.source, "loginFormPaginated") || p.id("loginFormPaginated") != nil || p.id("nextButton") != nil {
			t.Errorf("%s: want the second form in the source and not on the page", flavour)
		}
	}
}
