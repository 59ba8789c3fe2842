package idp

import (
	"bytes"
	"encoding/base64"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// canaries are what no log may hold, one for each place of a request and a response.
var canaries = []string{
	"cnry/password+1 <&>", "cnryQuery", "cnryCookie", "cnryBody", "cnryLocation", "cnryAuth", "cnryHeader", "cnrySession", "cnryRaw",
}

// leaked lists the canaries that text holds, as they are or encoded.
func leaked(text string) []string {
	var out []string
	for _, c := range canaries {
		forms := []string{c, url.QueryEscape(c), url.PathEscape(c), html.EscapeString(c)}
		for offset := range 3 {
			all := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", offset) + c))
			forms = append(forms, all[4:len(all)-4])
		}
		if slices.ContainsFunc(forms, func(f string) bool { return strings.Contains(text, f) }) {
			out = append(out, c)
		}
	}
	return out
}

// signIn sends a few requests full of canaries through base and returns the log.
func signIn(t *testing.T, level slog.Level, wrap func(http.RoundTripper, *slog.Logger) http.RoundTripper) string {
	t.Helper()
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: level}))
	now := time.Unix(1700000000, 0)
	sim := transportFunc(func(req *http.Request) (*http.Response, error) {
		now = now.Add(25 * time.Millisecond)
		if req.Body != nil {
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				return nil, err
			}
		}
		header := http.Header{"Set-Cookie": {"MSISAuth=cnryCookie; Path=/"}}
		if req.URL.Path == "/adfs/ls" {
			header.Set("Location", "/adfs/next?x=cnryLocation")
			return answer(req, 302, header, "cnryBody"), nil
		}
		if req.URL.Path == "/down" {
			return nil, io.ErrUnexpectedEOF
		}
		return answer(req, 200, header, "cnryBody"), nil
	})
	client := NewClient(ClientOptions{
		Trust: Trust{Origins: []Origin{home}}, Transport: wrap(sim, log), Log: log, Now: func() time.Time { return now },
	})
	send := func(path, form string) {
		req := postForm(t, homeURL+path, nil)
		req, err := http.NewRequestWithContext(WithTyped(req.Context()), http.MethodPost, homeURL+path, strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "Basic cnryAuth")
		req.Header.Set("X-Other", "cnryHeader")
		resp, err := client.Do(req)
		if err != nil {
			return
		}
		if _, err := ReadPage(resp); err != nil {
			t.Fatal(err)
		}
	}
	send("/adfs/ls;jsessionid=cnrySession?q=cnryQuery", url.Values{"UserName": {"alice"}, "Password": {canaries[0]}}.Encode())
	send("/adfs/ls?q=cnryQuery", "ctl00%24Pass%5B0%5D="+url.QueryEscape(canaries[0])+"&cnryRaw&%22cnryRaw%22=1")
	send("/down?q=cnryQuery", "Password=cnryRaw")
	return text.String()
}

func TestLog(t *testing.T) {
	t.Parallel()
	as := func(base http.RoundTripper, _ *slog.Logger) http.RoundTripper { return base }
	text := signIn(t, slog.LevelDebug, as)
	if found := leaked(text); len(found) > 0 {
		t.Errorf("the log holds %q:\n%s", found, text)
	}
	for _, want := range []string{
		"msg=request method=POST host=adfs.corp.example path=/adfs/ls status=200 took=25ms fields=\"[Password UserName]\"",
		"method=GET host=adfs.corp.example path=/adfs/next status=200 took=25ms\n",
		"fields=\"[ctl00$Pass[0] ?]\"",
		"path=/down error=\"connection closed before the answer was complete\"",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not hold %q:\n%s", want, text)
		}
	}
	if text := signIn(t, slog.LevelInfo, as); text != "" {
		t.Errorf("logged above debug level:\n%s", text)
	}
}

// The controls: a logger of each kind that people write is noticed.
func TestLogNoticesLeaks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		say  func(*slog.Logger, *http.Request, *http.Response)
		want []string
	}{
		"url":     {func(l *slog.Logger, q *http.Request, _ *http.Response) { l.Debug(q.URL.String()) }, []string{"cnryQuery", "cnryLocation", "cnrySession"}},
		"headers": {func(l *slog.Logger, q *http.Request, _ *http.Response) { l.Debug("x", "h", q.Header) }, []string{"cnryAuth", "cnryHeader", "cnryCookie"}},
		"answer":  {func(l *slog.Logger, _ *http.Request, p *http.Response) { l.Debug("x", "h", p.Header) }, []string{"cnryCookie", "cnryLocation"}},
		"form": {func(l *slog.Logger, q *http.Request, _ *http.Response) {
			if q.GetBody != nil {
				rc, _ := q.GetBody()
				b, _ := io.ReadAll(rc)
				l.Debug(string(b))
			}
		}, []string{canaries[0], "cnryRaw"}},
		"base64": {func(l *slog.Logger, _ *http.Request, p *http.Response) {
			b, _ := io.ReadAll(p.Body)
			l.Debug(base64.StdEncoding.EncodeToString(append([]byte("<"), b...)))
		}, []string{"cnryBody"}},
	} {
		text := signIn(t, slog.LevelDebug, func(base http.RoundTripper, log *slog.Logger) http.RoundTripper {
			return transportFunc(func(req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err == nil {
					c.say(log, req, resp)
				}
				return resp, err
			})
		})
		found := leaked(text)
		for _, want := range c.want {
			if !slices.Contains(found, want) {
				t.Errorf("logging the %s: noticed %q, want %q among them", name, found, want)
			}
		}
	}
}
