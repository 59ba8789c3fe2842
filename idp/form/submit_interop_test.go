//go:build interop

package form_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/form"
)

// byEngine does with this package what byHand does in the browser.
func byEngine(t *testing.T, r *recorder, page testPage) (sentRequest, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	parsed := fetch(t, ctx, r, page)
	f := parsed.FormByID(page.form)
	if f == nil {
		return sentRequest{}, fmt.Errorf("the page has no form #%s", page.form)
	}
	var button *form.Control
	fill := form.Fill{Values: map[*form.Control]secret.Text{}}
	for _, c := range f.Controls {
		if page.press != "" && "#"+c.ID == page.press {
			button = c
		}
		for _, typed := range page.typed {
			if c.Name == typed[0] {
				fill.Values[c] = secret.New(typed[1])
			}
		}
	}
	if page.press != "" && button == nil {
		return sentRequest{}, fmt.Errorf("form #%s has no button %s", page.form, page.press)
	}
	s, err := f.Submit(button, fill)
	if err != nil {
		return sentRequest{}, err
	}
	req, err := http.NewRequestWithContext(ctx, s.Method, s.URL, strings.NewReader(s.Body.Reveal()))
	if err != nil {
		return sentRequest{}, err
	}
	if s.ContentType != "" {
		req.Header.Set("Content-Type", s.ContentType)
	}
	resp, err := r.Client().Do(req)
	if err != nil {
		return sentRequest{}, err
	}
	_ = resp.Body.Close()
	return r.next(ctx)
}

// fetch gets the page from the recorder and reads it.
func fetch(t *testing.T, ctx context.Context, r *recorder, page testPage) *form.Page {
	t.Helper()
	r.page <- page
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL+page.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := r.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := idp.ReadPage(resp)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(r.URL + page.path)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := form.Parse(form.Response{URL: u, Status: resp.StatusCode, Header: resp.Header, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestInteropChromiumPages compares, for every page of pagesDir, what this package sends
// with what Chromium sends and with what is recorded. UPDATE=1 records it anew.
func TestInteropChromiumPages(t *testing.T) {
	b, r := startBrowser(t), newRecorder(t)
	for _, page := range readPages(t) {
		t.Run(page.name, func(t *testing.T) {
			want := byHand(t, b, r, page).String()
			file := filepath.Join(pagesDir, page.name+".sent")
			if os.Getenv("UPDATE") == "1" {
				if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			recorded, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if string(recorded) != want {
				t.Errorf("Chromium sends\n%q\nrecorded was\n%q", want, recorded)
			}
			got, err := byEngine(t, r, page)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != want {
				t.Errorf("this package sends\n%q\nChromium sends\n%q", got.String(), want)
			}
		})
	}
}

// TestInteropChromiumGenerated does the same with pages made by lot: INTEROP_PAGES of
// them, 150 if it is not set.
func TestInteropChromiumGenerated(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("INTEROP_PAGES"))
	if err != nil {
		n = 150
	}
	b, r := startBrowser(t), newRecorder(t)
	for seed := range uint64(n) {
		page := generate(seed)
		want := byHand(t, b, r, page).String()
		got, err := byEngine(t, r, page)
		if err != nil {
			t.Errorf("%s: %v\n%s", page.name, err, page.html)
		} else if got.String() != want {
			t.Errorf("%s: this package sends\n%q\nChromium sends\n%q\nfor (%s)\n%s", page.name, got.String(), want, page.contentType, page.html)
		}
	}
}

// TestInteropChromiumControl shows that the comparison notices: a client that escapes
// with net/url, that sends a disabled field, or that drops the button differs.
func TestInteropChromiumControl(t *testing.T) {
	b, r := startBrowser(t), newRecorder(t)
	page := readPage(t, filepath.Join(pagesDir, "encoding.http"))
	want := byHand(t, b, r, page).String()
	mutants := map[string]func(url.Values) url.Values{
		"net/url":   func(v url.Values) url.Values { return v },
		"no button": func(v url.Values) url.Values { v.Del("go"); return v },
		"one more":  func(v url.Values) url.Values { v.Set("off", "x"); return v },
	}
	for name, mutate := range mutants {
		_, body, _ := strings.Cut(want, "\n\n")
		values, err := url.ParseQuery(body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := r.Client().PostForm(r.URL+"/sent", mutate(values))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		got, err := r.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.String() == want {
			t.Errorf("the mutant %q sends what Chromium sends", name)
		}
	}
}
