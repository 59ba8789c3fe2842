package idp

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxLoggedForm is how much of a form's body is searched for the names of its fields.
const maxLoggedForm = 1 << 20

// logHop writes one line per request at debug level: method, host, path, status,
// duration, names of fields. Never a value, a query, a cookie or a body.
func (t *transport) logHop(req *http.Request, resp *http.Response, err error, took time.Duration) {
	if !t.log.Enabled(req.Context(), slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", req.Method),
		slog.String("host", req.URL.Host),
		slog.String("path", CleanWords(safePath(req.URL), secretsOf(req.Context())...)),
	}
	if err == nil {
		attrs = append(attrs, slog.Int("status", resp.StatusCode))
	} else {
		attrs = append(attrs, slog.String("error", errorName(err)))
	}
	attrs = append(attrs, slog.Duration("took", took.Round(time.Millisecond)))
	if names := fieldNames(req); len(names) > 0 {
		attrs = append(attrs, slog.Any("fields", names))
	}
	t.log.LogAttrs(req.Context(), slog.LevelDebug, "request", attrs...)
}

// errorName is what kind of error err is, in words that are all our own.
func errorName(err error) string {
	var (
		network *NetworkError
		page    *PageError
	)
	switch {
	case errors.As(err, &network):
		return string(network.Kind)
	case errors.As(err, &page):
		return string(page.Verdict)
	}
	return "canceled"
}

// fieldNames are the names in a posted form, in order. A name with anything but
// letters, digits and the marks that programs put into names is not shown: what a
// mistake in encoding makes of a value looks like that.
func fieldNames(req *http.Request) []string {
	if req.GetBody == nil || !strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil
	}
	rc, err := req.GetBody()
	if err != nil {
		return nil
	}
	defer func() { _ = rc.Close() }()
	form, err := io.ReadAll(io.LimitReader(rc, maxLoggedForm))
	if err != nil {
		return nil
	}
	var names []string
	for field := range strings.SplitSeq(string(form), "&") {
		name, _, found := strings.Cut(field, "=")
		if !found {
			continue // not a name for certain
		}
		if name, err = url.QueryUnescape(name); err != nil || !isFieldName(name) {
			name = "?"
		}
		names = append(names, name)
	}
	return names
}

func isFieldName(s string) bool {
	return s != "" && len(s) <= 80 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("_-.:$[]", r)
	})
}
