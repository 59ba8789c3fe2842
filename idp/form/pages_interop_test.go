//go:build interop

package form_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pagesDir holds one page a file, NAME.http: header lines for the test, an empty line, and
// the page's bytes. Beside it lies NAME.sent: what Chromium sent for it.
//
//	Path: where the page stands
//	Content-Type: the page's header
//	Type: NAME=TEXT, what the person types; may be repeated
//	Form: id of the form that is sent; "f" if it is left out
//	Press: selector of the button; without it the form is sent without one
const pagesDir = "../../cmd/gatehop/testdata/interop/pages"

// testPage is a page with what a person does on it.
type testPage struct {
	name        string
	path        string // with its query
	contentType string
	html        []byte
	typed       [][2]string // name of the field, text
	form        string      // id of the form that is sent
	press       string      // CSS selector of the button; "" is none
}

func readPage(t *testing.T, file string) testPage {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(bytes.NewReader(content))
	header, err := textproto.NewReader(in).ReadMIMEHeader()
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	html, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	page := testPage{
		name: strings.TrimSuffix(filepath.Base(file), ".http"), path: header.Get("Path"),
		contentType: header.Get("Content-Type"), form: header.Get("Form"), press: header.Get("Press"), html: html,
	}
	if page.form == "" {
		page.form = "f"
	}
	for _, line := range header["Type"] {
		name, text, ok := strings.Cut(line, "=")
		if !ok {
			t.Fatalf("%s: Type: %q is not NAME=TEXT", file, line)
		}
		page.typed = append(page.typed, [2]string{name, text})
	}
	return page
}

func readPages(t *testing.T) []testPage {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(pagesDir, "*.http"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages in %s: %v", pagesDir, err)
	}
	var pages []testPage
	for _, file := range files {
		pages = append(pages, readPage(t, file))
	}
	return pages
}

// recorder serves one page at a time and records the one request that follows from it.
type recorder struct {
	*httptest.Server
	page chan testPage    // of length one: the page to be served next
	sent chan sentRequest // what came instead of a page
}

// sentRequest is a submitted form as it came over the wire.
type sentRequest struct {
	method, target, contentType string
	body                        []byte
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{page: make(chan testPage, 1), sent: make(chan sentRequest, 1)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/favicon.ico" || strings.HasPrefix(req.URL.Path, "/adfs/portal/") { // what a page is decorated with
			http.NotFound(w, req)
			return
		}
		select {
		case page := <-r.page:
			w.Header().Set("Content-Type", page.contentType)
			_, _ = w.Write(page.html)
			return
		default:
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			body = []byte("unreadable: " + err.Error())
		}
		r.sent <- sentRequest{req.Method, req.RequestURI, req.Header.Get("Content-Type"), body}
		w.WriteHeader(http.StatusNoContent) // a browser stays on its page
	}))
	t.Cleanup(r.Close)
	return r
}

// next returns the request that was recorded.
func (r *recorder) next(ctx context.Context) (sentRequest, error) {
	select {
	case s := <-r.sent:
		return s, nil
	case <-ctx.Done():
		return sentRequest{}, fmt.Errorf("nothing was sent: %w", ctx.Err())
	}
}

// String is the request with a fixed word for the boundary of a multipart body, which
// every sender draws by lot.
func (s sentRequest) String() string {
	contentType, body := s.contentType, string(s.body)
	if _, params, err := mime.ParseMediaType(contentType); err == nil && params["boundary"] != "" {
		contentType = strings.ReplaceAll(contentType, params["boundary"], "BOUNDARY")
		body = strings.ReplaceAll(body, params["boundary"], "BOUNDARY")
	}
	return fmt.Sprintf("%s %s\nContent-Type: %s\n\n%s", s.method, s.target, contentType, body)
}

// byHand does in the browser what the page says that a person does, and returns what was sent.
func byHand(t *testing.T, b *browser, r *recorder, page testPage) sentRequest {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r.page <- page
	b.open(t, ctx, r.URL+page.path)
	for _, typed := range page.typed {
		b.do(t, ctx, fmt.Sprintf(`{const e = document.querySelector('[name=' + CSS.escape(%q) + ']'); e.focus(); e.select()} ""`, typed[0]))
		b.typeText(t, ctx, typed[1])
	}
	if page.press == "" {
		b.do(t, ctx, fmt.Sprintf(`document.getElementById(%q).requestSubmit(); ""`, page.form))
	} else {
		b.do(t, ctx, fmt.Sprintf(`document.querySelector(%q).click(); ""`, page.press))
	}
	s, err := r.next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
