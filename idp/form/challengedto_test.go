package form_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"testing"

	"gatehop/idp"
	"gatehop/idp/challenge"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

// TestAuthenticationElsewhere: a 401 of any origin but the configured one is not answered,
// be it listed as trusted.
func TestAuthenticationElsewhere(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]string{
		"another host": "https://other.example/x", "a listed host": "https://listed.example/x", "another port": "https://" + host + ":8443/x", "a sub-domain": "https://a." + host + "/x",
	} {
		for _, auth := range []string{"basic", "ntlm"} {
			g := &guarded{open: map[string]string{"/start": `<meta http-equiv=refresh content="0; url=` + to + `">`}}
			answers := idptest.NewAnswers(correct())
			trust, err := idp.NewTrust(start, []string{"listed.example"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if auth == "ntlm" && r.URL.Path != "/start" {
					w.Header().Set("WWW-Authenticate", "NTLM")
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				g.ServeHTTP(w, r)
			})
			transport := idptest.Transport(map[string]http.Handler{idptest.AnyHost: handler})
			s := &idp.Session{HTTP: idp.NewClient(idp.ClientOptions{Trust: trust, Transport: transport}), Trust: trust, Prompt: answers}
			a, err := form.New(form.Config{URL: start, Auth: auth})
			if err != nil {
				t.Fatal(err)
			}
			_, err = a.Login(t.Context(), s)
			var origin *idp.OriginError
			if !errors.As(err, &origin) || origin.Doing != idp.DoingAnswer || answers.Questions() != nil || g.sent != nil {
				t.Errorf("%s, %s: Login = %v, asked %+v, sent %q", name, auth, err, answers.Questions(), g.sent)
			}
		}
	}
	// The control: a client that answers wherever it is asked is noticed.
	g := &guarded{}
	req, err := http.NewRequest(http.MethodGet, "https://listed.example/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("alice", "x")
	if _, err := idptest.Transport(map[string]http.Handler{idptest.AnyHost: g}).RoundTrip(req); err != nil || g.sent == nil {
		t.Errorf("not noticed: %v", err)
	}
}

// TestFormInstead: a form is not filled in where HTTP authentication is configured; where
// it is not, a 401 with a form goes on by the form.
func TestFormInstead(t *testing.T) {
	t.Parallel()
	for _, auth := range []string{"ntlm", "kerberos", "basic", "digest"} {
		r := newRig(t, idptest.FormOptions{}, correct())
		page := wantVerdict(t, r.authorize(t, form.Config{Auth: auth}), idp.FormInstead)
		if kind, _ := challenge.ParseKind(auth); page.Words != kind.Title() || r.answers.Questions() != nil || r.p.Stats().Logins != 0 {
			t.Errorf("%s: %+v, asked %+v", auth, page, r.answers.Questions())
		}
		r.check(t)
	}
	mixed := `<form method=post action="/in"><input name=username><input type=password name=password></form>`
	for auth, want := range map[string]idp.Verdict{"": idp.Rejected, "basic": idp.Rejected} {
		var posted, basic int
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				posted++
			}
			if r.Header.Get("Authorization") != "" {
				basic++
			}
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`<p class=error>No.</p>` + mixed))
		})
		s := newSession(t, idptest.Transport(map[string]http.Handler{host: handler}), start, idptest.NewAnswers(correct()))
		a, err := form.New(form.Config{URL: start, Auth: auth})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Login(t.Context(), s)
		wantVerdict(t, err, want)
		if auth == "" && (posted != 1 || basic != 0) || auth != "" && (posted != 0 || basic != 1) {
			t.Errorf("%q: %d forms, %d headers", auth, posted, basic)
		}
	}
}

// TestAuthenticationLook: who only looks sends nothing, a ticket neither.
func TestAuthenticationLook(t *testing.T) {
	t.Parallel()
	for _, auth := range []string{"ntlm", "kerberos"} {
		r := newRig(t, idptest.FormOptions{Auth: idptest.AuthIntegrated}, nil)
		p, err := form.Look(t.Context(), r.session, form.Config{URL: entry, Auth: auth, CCache: "/nowhere/cc"})
		if err != nil || p == nil || p.Status != http.StatusUnauthorized || credentials(r.p.Requests()) != nil {
			t.Errorf("%s: %v, %v, sent %q", auth, p, err, credentials(r.p.Requests()))
		}
	}
}

// TestAuthenticationName: what a name may not hold, and that the password is not in what is
// said.
func TestAuthenticationName(t *testing.T) {
	t.Parallel()
	r := newRig(t, idptest.FormOptions{Auth: idptest.AuthBasic}, map[string][]string{"username": {"al:ice"}, "password": {idptest.AlicePassword}})
	wantVerdict(t, r.authorize(t, form.Config{Auth: "basic"}), idp.UnreadableForm)
	if sent := credentials(r.p.Requests()); sent != nil {
		t.Errorf("sent %q", sent)
	}
	basic := base64.StdEncoding.EncodeToString([]byte("alice:" + idptest.AlicePassword))
	r = newRig(t, idptest.FormOptions{Auth: idptest.AuthBasic}, correct())
	if err := r.authorize(t, form.Config{Auth: "basic"}); err != nil {
		t.Fatal(err)
	}
	var found bool
	for _, q := range r.p.Requests() {
		found = found || q.Header.Get("Authorization") == "Basic "+basic
	}
	if !found {
		t.Error("the name and the password were not sent as they are")
	}
}

// TestAuthenticationPostOnce: a code that was typed is not posted again because a 401
// answers it, and a form that was posted is not posted to a 401 further on.
func TestAuthenticationPostOnce(t *testing.T) {
	t.Parallel()
	const auto = `<body onload="document.forms[0].submit()"><form method=post action="/auto"><input type=hidden name=a value=b></form>`
	for name, c := range map[string]struct {
		pages map[string]string // by method and path, what an answered challenge gets
		want  []string
	}{
		"a code": {map[string]string{
			"GET /start": `<form method=post action="/code"><label>Code <input name=otp></label></form>`,
			"GET /code":  final(`<input type=hidden name=SAMLResponse value="%s">`),
		}, []string{"GET /start", "POST /code ", "GET /code"}},
		"further on": {map[string]string{
			"GET /start": auto, "POST /auto": `<meta http-equiv=refresh content="0; url=/further">`,
			"GET /further": final(`<input type=hidden name=SAMLResponse value="%s">`),
		}, []string{"GET /start", "POST /auto ", "POST /auto", "GET /further"}},
	} {
		var seen []string
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked := r.Method + " " + r.URL.Path
			_, _, ok := r.BasicAuth()
			if ok || r.Method == http.MethodPost {
				seen = append(seen, map[bool]string{true: asked, false: asked + " "}[ok]) // a space: without an answer
			}
			w.Header().Set("Content-Type", "text/html")
			if page := c.pages[asked]; ok && page != "" {
				_, _ = w.Write([]byte(page))
				return
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		})
		a, err := form.New(form.Config{URL: start, Auth: "basic"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Login(t.Context(), newSession(t, idptest.Transport(map[string]http.Handler{host: handler}), start, idptest.NewAnswers(correct())))
		if err != nil || !slices.Equal(seen, c.want) {
			t.Errorf("%s: Login = %v, seen %q, want %q", name, err, seen, c.want)
		}
	}
}
