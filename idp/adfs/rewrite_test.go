package adfs_test

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// stale posts the first Context that it has posted ever after.
func stale() through {
	first := ""
	return func(next http.RoundTripper) http.RoundTripper {
		return tripper(func(r *http.Request) (*http.Response, error) {
			return next.RoundTrip(rewritten(r, func(fields url.Values) {
				if first == "" {
					first = fields.Get("Context")
				} else if fields.Has("Context") {
					fields.Set("Context", first)
				}
			}))
		})
	}
}

// twice posts a refused code once more by itself, where the newest page of it wants one.
func twice(next http.RoundTripper) http.RoundTripper {
	context := regexp.MustCompile(`name="Context" value="([^"]*)"`)
	return tripper(func(r *http.Request) (*http.Response, error) {
		var again *http.Request
		once := rewritten(r, func(fields url.Values) {
			if fields.Has("security_code") {
				again = r.Clone(r.Context())
			}
		})
		resp, err := next.RoundTrip(once)
		if again == nil || err != nil {
			return resp, err
		}
		page, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		body, err := once.GetBody()
		if err != nil {
			return nil, err
		}
		again.Body = body
		return next.RoundTrip(rewritten(again, func(fields url.Values) {
			fields.Set("Context", html.UnescapeString(context.FindStringSubmatch(string(page))[1]))
		}))
	})
}

// rewritten is a request with other fields, in another order.
func rewritten(r *http.Request, change func(url.Values)) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	fields, err := url.ParseQuery(string(text))
	if err != nil {
		panic(err)
	}
	change(fields)
	other := r.Clone(r.Context())
	other.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(fields.Encode())), nil }
	other.Body, _ = other.GetBody()
	other.ContentLength = int64(len(fields.Encode()))
	return other
}
