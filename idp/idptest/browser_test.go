package idptest_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehop/idp/idptest"
	"gatehop/saml/samltest"
)

const (
	host = "adfs.corp.example"
	base = "https://" + host
)

var start = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// signer is one key for all tests of this package: making one takes longer than a test.
var signer = sync.OnceValues(func() (*samltest.IDP, error) {
	return samltest.New("http://"+host+"/adfs/services/trust", seed(), start)
})

func seed() io.Reader { return rand.NewChaCha8([32]byte{1}) }

// newADFS makes an AD FS of o with what every test needs.
func newADFS(t testing.TB, o idptest.Options) *idptest.ADFS {
	t.Helper()
	if o.Now == nil {
		o.Now = (&clock{now: start}).Now
	}
	o.Rand = seed()
	var err error
	if o.Signer, err = signer(); err != nil {
		t.Fatal(err)
	}
	a, err := idptest.NewADFS(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newForm(t testing.TB, o idptest.FormOptions) *idptest.Form {
	t.Helper()
	if o.Now == nil {
		o.Now = (&clock{now: start}).Now
	}
	o.Rand = seed()
	var err error
	if o.Signer, err = signer(); err != nil {
		t.Fatal(err)
	}
	f, err := idptest.NewForm(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// browser walks pages as a person with scripts off would, but that it also follows
// what a script does by itself. It shares no code with the product.
type browser struct {
	t      testing.TB
	http   *http.Client
	fields func([]idptest.Field) []idptest.Field // changes what a sign-in form sends
	header func(*http.Request)                   // changes every request
}

// newBrowser makes a browser over a provider, everything else being elsewhere.
func newBrowser(t testing.TB, provider, elsewhere http.Handler) *browser {
	t.Helper()
	return browserOver(t, idptest.Transport(map[string]http.Handler{host: provider, idptest.AnyHost: elsewhere}))
}

func browserOver(t testing.TB, rt http.RoundTripper) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, http: &http.Client{Transport: rt, Jar: jar}}
}

// page is a page as a browser shows it.
type page struct {
	status int
	url    *url.URL
	header http.Header
	source string
	doc    *html.Node
}

func (b *browser) get(address string) *page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req)
}

func (b *browser) post(address string, fields []idptest.Field) *page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, address, strings.NewReader(encode(fields)))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

func encode(fields []idptest.Field) string {
	var pairs []string
	for _, f := range fields {
		pairs = append(pairs, url.QueryEscape(f.Name)+"="+url.QueryEscape(f.Value))
	}
	return strings.Join(pairs, "&")
}

func (b *browser) do(req *http.Request) *page {
	b.t.Helper()
	if b.header != nil {
		b.header(req)
	}
	resp, err := b.http.Do(req)
	if err != nil {
		b.t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	source, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	if strings.Contains(resp.Header.Get("Content-Type"), "iso-8859-1") {
		source = []byte(latin1ToUTF8(source))
	}
	readable := source
	if len(readable) > 256<<10 { // FaultHuge, FaultDeep: no page to look into
		readable = nil
	}
	doc, err := html.ParseWithOptions(bytes.NewReader(readable), html.ParseOptionEnableScripting(false))
	if err != nil {
		b.t.Fatal(err)
	}
	return &page{resp.StatusCode, resp.Request.URL, resp.Header, string(source), doc}
}

func latin1ToUTF8(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		out.WriteRune(rune(c))
	}
	return out.String()
}

// submit sends form as its markup says.
func (b *browser) submit(p *page, form *html.Node, typed map[string]string) *page {
	b.t.Helper()
	fields, pressed := p.successful(form, typed)
	action, has := attr(form, "action")
	method := strings.ToUpper(val(form, "method"))
	if pressed != nil {
		if a, ok := attr(pressed, "formaction"); ok {
			action, has = a, true
		}
	}
	if p.id("passwordPage") != nil && inside(form, p.id("passwordPage")) { // its script takes the method along
		fields = append(fields, idptest.Field{Name: "AuthMethod", Value: "FormsAuthentication"})
	}
	if b.fields != nil && typed != nil && val(form, "id") != "loginFormPaginated" && val(form, "id") != "options" {
		fields = b.fields(fields)
	}
	target := p.resolve(action, has)
	if method != http.MethodPost {
		target.RawQuery = encode(fields)
		return b.get(target.String())
	}
	if strings.EqualFold(val(form, "enctype"), "multipart/form-data") {
		return b.postParts(target.String(), fields)
	}
	if strings.Contains(p.header.Get("Content-Type"), "iso-8859-1") {
		for i := range fields {
			fields[i].Value = utf8ToLatin1(fields[i].Value)
		}
	}
	return b.post(target.String(), fields)
}

func utf8ToLatin1(s string) string {
	var out []byte
	for _, r := range s {
		out = append(out, byte(r))
	}
	return string(out)
}

func (b *browser) postParts(address string, fields []idptest.Field) *page {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range fields {
		if err := w.WriteField(f.Name, f.Value); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, address, &body)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	return b.do(req)
}

// signIn walks from address until there is an assertion or nothing more to do, and
// returns the last page. Each entry of passwords is typed once.
func (b *browser) signIn(address, user string, passwords ...string) *page {
	b.t.Helper()
	p := b.get(address)
	for range 12 {
		typed := map[string]string{"UserName": user, "username": user, userField: user, "otp": idptest.MFACode}
		form := p.form("Password", "password", passField, "username", "otp")
		if form == nil {
			form = p.id("loginFormPaginated")
		}
		switch {
		case p.assertion() != "":
			return p
		case p.forward() != "":
			p = b.get(p.resolve(p.forward(), true).String())
		case form != nil && !strings.Contains(p.source, "new_password"):
			if slices.ContainsFunc(p.controls(form), func(n *html.Node) bool { return val(n, "type") == "password" }) {
				if len(passwords) == 0 {
					return p
				}
				typed["Password"], typed["password"], typed[passField] = passwords[0], passwords[0], passwords[0]
				passwords = passwords[1:]
			}
			p = b.submit(p, form, typed)
		case form == nil && p.id("FormsAuthentication") != nil:
			p = b.submit(p, p.id("options"), map[string]string{"AuthMethod": "FormsAuthentication"})
		case p.form("AuthState") != nil:
			p = b.submit(p, p.form("AuthState"), nil)
		default:
			return p
		}
	}
	b.t.Fatalf("no end after 12 steps, at %s", p.url.Path)
	return nil
}

// wantClean fails the test if the provider saw a client bug.
func wantClean(t testing.TB, bugs []string) {
	t.Helper()
	for _, b := range bugs {
		t.Errorf("client bug %s", b)
	}
}

// wantBug fails the test unless exactly the bugs of one rule were seen.
func wantBug(t testing.TB, bugs []string, want idptest.Bug) {
	t.Helper()
	prefix := fmt.Sprintf("%d: ", want)
	if !slices.ContainsFunc(bugs, func(b string) bool { return strings.HasPrefix(b, prefix) }) {
		t.Errorf("ClientBugs = %q, want one of rule %d", bugs, want)
	}
}
