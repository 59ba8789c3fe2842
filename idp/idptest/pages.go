package idptest

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"gatehop/testdata"
)

// Page is what the templates of gatehop/testdata say about one page. Fields that a
// template does not use are ignored.
type Page struct {
	Text    Text // zero: English
	Title   string
	Company string
	Host    string

	Action   string // of the page's main form, as it shall stand in the source
	NoAction bool   // no action attribute at all; "" in Action is an empty one
	RawAmp   bool   // write the "&" of Action unescaped, as some AD FS pages do
	Method   string // "": post
	Enctype  string
	UserName string
	Error    string
	Captcha  bool

	// AD FS
	Flavour       string   // as in Options
	Themed        bool     // with the company's own script
	Blocks        []string // of a paginated page, in order
	Shown         string   // the block that is not hidden; "": the first
	OptionsAction string
	Options       []string // AuthMethod values of the alternative methods
	Kmsi          bool
	SignedIn      bool
	Forced        bool // the password must be changed
	Parties       []RelyingParty
	Providers     []ClaimsProvider
	Context       string
	AuthMethod    string // of the second factor
	Factor        Factor // "": FactorCustom
	Number        string // of the request on the phone
	Activity      string // also the report number of a form provider's error page
	Detail        string
	Display       string // of the relying party
	Time          string
	UserAgent     string
	WebForm       WebForm // of AD FS 2.0
	OtherSite     bool    // of AD FS 2.0: the list of relying parties can be used

	// the final page
	ACS, SAMLResponse, RelayState string
	Result                        string // what WS-Federation sends; RelayState is its context
	Decoy                         bool   // a form with an empty SAMLResponse first

	// form providers
	Quirks     []Quirk
	Ask        []string // fields of this step: "username", "password", "otp"
	AuthState  string
	Base       string
	Charset    string
	FormAction string
	Fixed      bool // the user name is disabled
	ErrorText  string
	Link       string
}

// WebForm is what ASP.NET puts into every page of AD FS 2.0.
type WebForm struct {
	ViewState, Generator, EventValidation string // base64, hexadecimal, base64
	DB                                    string // a small number of AD FS's own
	PostsBack                             bool   // with the fields that a script posts the page back with
	Asp4                                  bool   // ids as ASP.NET 4 makes them
}

// Name is the name of a control.
func (f WebForm) Name(control string) string { return "ctl00$ContentPlaceHolder1$" + control }

// ID is the id of a control.
func (f WebForm) ID(control string) string { return f.MasterID("ContentPlaceHolder1_" + control) }

// MasterID is the id of what is on every page.
func (f WebForm) MasterID(control string) string {
	if f.Asp4 {
		return control
	}
	return "ctl00_" + control
}

// ClaimsProvider is one organisation to choose from. The id of AD FS's own directory
// is "AD AUTHORITY".
type ClaimsProvider struct{ ID, Display string }

// Since2016 reports whether the page has what came with AD FS 2016.
func (p Page) Since2016() bool { return p.Flavour == "2016" || p.Since2019() }

// Since2019 reports whether the page has what came with AD FS 2019.
func (p Page) Since2019() bool { return p.Flavour == "2019" }

// HasBlock reports whether a paginated page has the block of that id.
func (p Page) HasBlock(id string) bool { return slices.Contains(p.Blocks, id) }

// Shows reports whether that block of a paginated page is the one not hidden.
func (p Page) Shows(id string) bool {
	if p.Shown == "" && len(p.Blocks) > 0 {
		return p.Blocks[0] == id
	}
	return p.Shown == id
}

// Has reports whether the page has that quirk.
func (p Page) Has(q Quirk) bool { return slices.Contains(p.Quirks, q) }

// Asks reports whether this step of a form provider has that field.
func (p Page) Asks(field string) bool { return slices.Contains(p.Ask, field) }

// templates are parsed at the first page, not at the start of a program that may never
// show one.
var templates = sync.OnceValues(func() (*template.Template, error) {
	t := template.New("").Funcs(template.FuncMap{
		"action": actionAttr, "base64": valueAttr, "click": clickAttr,
		"comment": comment, "refresh": refreshMeta, "script": scriptText,
	})
	err := fs.WalkDir(testdata.Pages, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(testdata.Pages, path)
		if err != nil {
			return err
		}
		_, err = t.New(path).Parse(string(text))
		return err
	})
	return t, err
})

// Render returns the source of a page by the path of its template: "adfs/login.html".
func Render(name string, p Page) ([]byte, error) {
	t, err := templates()
	if err != nil {
		return nil, fmt.Errorf("parse the pages: %w", err)
	}
	if t.Lookup(name) == nil {
		return nil, fmt.Errorf("no page %q", name)
	}
	if p.Text.Lang == "" {
		p.Text = texts["en"]
	}
	if p.Method == "" {
		p.Method = "post"
	}
	if p.Charset == "" {
		p.Charset = "utf-8"
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, p); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// PageNames returns the paths of all pages, sorted: for parsers that want every page
// as a seed.
func PageNames() ([]string, error) {
	var names []string
	for _, pattern := range []string{"adfs/*.html", "adfs20/*.html", "ssp/*.html", "form/*.html"} {
		found, err := fs.Glob(testdata.Pages, pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			if !strings.HasSuffix(name, "/chrome.html") && !strings.HasSuffix(name, "/factors.html") { // parts of other pages
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names, nil
}

// actionAttr writes an action with its ampersands escaped, as it should be, or raw, as
// some AD FS pages have them; html/template would also rewrite the URL itself.
func actionAttr(p Page) template.HTMLAttr {
	if p.NoAction {
		return ""
	}
	text := html.EscapeString(p.Action)
	if p.RawAmp {
		text = strings.ReplaceAll(text, "&amp;", "&")
	}
	return template.HTMLAttr(`action="` + text + `"`)
}

var errNotBase64 = errors.New("not base64")

// valueAttr writes a base64 value as it is: html/template would turn "+" into a
// character reference, which real pages do not.
func valueAttr(value string) (template.HTMLAttr, error) {
	if strings.ContainsFunc(value, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n", r)
	}) {
		return "", errNotBase64
	}
	return template.HTMLAttr(`value="` + value + `"`), nil
}

func clickAttr(function, argument string) template.HTMLAttr {
	argument = html.EscapeString(strings.ReplaceAll(argument, "'", ""))
	return template.HTMLAttr(`onclick="` + function + "('" + argument + `')"`)
}

// comment keeps a comment that html/template would drop.
func comment(text string) template.HTML { return template.HTML("<!-- " + text + " -->") }

func refreshMeta(link string) template.HTML {
	return template.HTML(`<META HTTP-EQUIV="Refresh" CONTENT="0; URL='` + html.EscapeString(link) + `'">`)
}

func scriptText(link string) template.JS {
	return template.JS("'" + strings.NewReplacer("'", "%27", "<", "%3C", `\`, "%5C", "\n", "").Replace(link) + "'")
}
