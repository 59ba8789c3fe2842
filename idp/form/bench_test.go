package form_test

import (
	"bytes"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"gatehop/idp"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

func response(body []byte) form.Response {
	return form.Response{
		URL: &url.URL{Scheme: "https", Host: host, Path: "/"}, Status: 200,
		Header: http.Header{"Content-Type": {utf8HTML}}, Body: body,
	}
}

// BenchmarkParse reads AD FS's sign-in page.
func BenchmarkParse(b *testing.B) {
	page, err := idptest.Render("adfs/login.html", idptest.Page{Action: "/adfs/ls/", Title: "Sign In"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := form.Parse(response(page)); err != nil {
			b.Fatal(err)
		}
	}
}

// hostile are pages of the largest size that are made to cost as much as they can.
func hostile() map[string][]byte {
	repeat := func(before, unit, after string) []byte {
		n := (idp.MaxPage - len(before) - len(after)) / len(unit)
		return []byte(before + strings.Repeat(unit, n) + after)
	}
	elements := func(before, unit string, n int) []byte { return []byte(before + strings.Repeat(unit, n)) }
	return map[string][]byte{
		"text":               repeat("", "x", ""),
		"quotes":             repeat("", `"`, ""),
		"ampersands":         repeat("", "&", ""),
		"less-than signs":    repeat("", "< ", ""),
		"too many elements":  repeat("", "<br>", ""),
		"elements":           elements("", "<p>x", 49_000),
		"cells":              elements("<table>", "<td>x", 49_000),
		"attributes":         repeat("", "<p a b c d e f g h i j k l m n>", ""),
		"one tag":            repeat("<p ", "a=1 ", ">"),
		"controls":           elements("<form>", "<input name=a>", 4_900),
		"controls in labels": elements("<form><label for=a>"+strings.Repeat("x", 1<<20), "<input id=a>", 4_900),
		"controls deep down": elements("<form>"+strings.Repeat("<div style='"+strings.Repeat(" ", 4000)+"'>", 500), "<input name=a>", 4_900),
		"fieldsets":          elements("<form>"+strings.Repeat("<fieldset disabled>", 400), "<input name=a>", 4_900),
		"forms":              elements("", "<form></form>", 4_900),
		"options":            elements("<form><select>", "<option>x", 49_000),
		"formatting":         elements("<p>"+formatting(450), "<p>x", 49_000),
		"anchors":            elements("<a href=x>", "<p>x", 49_000),
		"scripts":            repeat("<script>", "document.forms.x.submit", "</script>"),
		"meta":               repeat("", "<meta http-equiv=content-type content='charset charset charset'>", ""),
		"errors":             elements(strings.Repeat("<div class=error hidden>", 400), "<p class=error> ", 40_000),
		"unclosed comment":   repeat("<!-- ", "x", ""),
		"utf-16":             append([]byte("\xff\xfe"), bytes.Repeat([]byte("<\x00p\x00>\x00"), 49_000)...),
	}
}

// BenchmarkHostile reads each hostile page and asks every question about it. MB-heap is
// what the heap had grown by at the end, garbage included.
func BenchmarkHostile(b *testing.B) {
	steps := form.Steps()
	for name, body := range hostile() {
		b.Run(name, func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for b.Loop() {
				p, err := form.Parse(response(body))
				if err != nil {
					continue
				}
				for _, s := range steps {
					_ = s.Match(p, &form.State{Passwords: 1})
				}
				_, _ = p.Words(), p.Fingerprint()
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapAlloc-min(before.HeapAlloc, after.HeapAlloc))/1e6, "MB-heap")
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/page")
		})
	}
}
