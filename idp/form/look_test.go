package form_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"gatehop/idp"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

// TestLook goes as far as the page that asks, and says nothing there.
func TestLook(t *testing.T) {
	t.Parallel()
	for _, q := range append(idptest.Quirks(), "") {
		var quirks []idptest.Quirk
		if q != "" {
			quirks = append(quirks, q)
		}
		r := newRig(t, idptest.FormOptions{Quirks: quirks}, correct())
		p, err := form.Look(t.Context(), r.session, form.Config{URL: entry})
		_, asks := func() (form.Login, bool) {
			if p == nil {
				return form.Login{}, false
			}
			return p.Login()
		}()
		if err == nil && (!asks || len(form.Signs(p)) < 2) {
			t.Errorf("%q: Look ends at a page that shows nothing: %q", q, form.Signs(p))
		}
		if n := len(r.answers.Questions()); n != 0 || r.p.Stats().Logins != 0 {
			t.Errorf("%q: %d questions and %d passwords, want none", q, n, r.p.Stats().Logins)
		}
		signed := newRig(t, idptest.FormOptions{Quirks: quirks}, correct())
		if _, ok := signed.login(t); (ok == nil) != (err == nil) {
			t.Errorf("%q: Look = %v, and the sign-in: %v", q, err, ok)
		}
	}
}

// TestLookVerdict: what a sign-in would fail with before its first question, and the
// page that it is about.
func TestLookVerdict(t *testing.T) {
	t.Parallel()
	body := `<html><script src="/x.js"></script></html>`
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(body))
	})
	session := newSession(t, idptest.Transport(map[string]http.Handler{host: page}), entry, idptest.NewAnswers(correct()))
	p, err := form.Look(t.Context(), session, form.Config{URL: entry})
	var verdict *idp.PageError
	if !errors.As(err, &verdict) || verdict.Verdict != idp.ScriptOnly || p == nil || form.Signs(p) != nil {
		t.Errorf("Look = %v, %v, want the page and ScriptOnly", p, err)
	}
	body = `<form name="f" method="post"><input name="login" type="email"><input name="pw" type="password"></form>` // the control
	p, err = form.Look(t.Context(), session, form.Config{URL: entry})
	if err != nil || !slices.Equal(form.Signs(p), []string{"form f", "field login", "field pw"}) {
		t.Errorf("Look = %v, Signs %q", err, form.Signs(p))
	}
	if p, err = form.Look(t.Context(), session, form.Config{URL: "https://nowhere.example/"}); p != nil || err == nil {
		t.Errorf("Look at a host that is not there = %v, %v", p, err)
	}
}
