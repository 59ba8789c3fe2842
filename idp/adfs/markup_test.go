package adfs_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
)

var (
	tagName = regexp.MustCompile(`<(/?)([a-z][a-z0-9]*)`)
	head    = regexp.MustCompile(`(?is)<head>.*?</head>|</?html[^>]*>|<!doctype[^>]*>`)
)

// TestMarkup has T24 of idp-pages 8.9: pages without a head, with tags in capitals, or both,
// as companies' own pages have them.
func TestMarkup(t *testing.T) {
	t.Parallel()
	capitals := func(page []byte) []byte {
		return tagName.ReplaceAllFunc(page, bytes.ToUpper)
	}
	headless := func(page []byte) []byte { return head.ReplaceAll(page, nil) }
	servers := []idptest.Options{in20(idptest.Options{})}
	for _, v := range versions() {
		servers = append(servers, v.of(idptest.Options{}))
	}
	for name, change := range map[string]func([]byte) []byte{
		"T24 upper-case tags": capitals, "T24 no head": headless, "T24 both": func(page []byte) []byte { return capitals(headless(page)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, o := range servers {
				r := newRig(t, o, person(alice, idptest.AlicePassword))
				changed := 0
				other := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					rec := httptest.NewRecorder()
					r.p.ServeHTTP(rec, req)
					page := rec.Body.Bytes()
					if strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") {
						if page = change(page); !bytes.Equal(page, rec.Body.Bytes()) {
							changed++
						}
					}
					for name, values := range rec.Header() {
						w.Header()[name] = values
					}
					w.Header().Del("Content-Length")
					w.WriteHeader(rec.Code)
					_, _ = w.Write(page)
				})
				r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: r.session.Trust, Now: clock, Timeout: 5 * time.Second,
					Transport: idptest.Transport(map[string]http.Handler{host: other, idptest.AnyHost: r.p.Elsewhere()})})
				a, err := r.login(t, adfs.Config{})
				if err != nil || len(a.Roles) != 3 || changed < 2 {
					t.Errorf("%s %s: %v after %d changed pages, want 3 roles and two pages at least", o.Flavour, o.Paginated, err, changed)
				}
				for _, bug := range r.p.ClientBugs() {
					t.Errorf("%s: client bug: %s", o.Flavour, bug)
				}
			}
		})
	}
}
