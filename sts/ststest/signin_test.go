package ststest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehop/saml/samltest"
)

func signInRequest(encoded string) *http.Request {
	form := url.Values{"SAMLResponse": {encoded}, "RelayState": {""}}
	r := httptest.NewRequest(http.MethodPost, "https://signin.aws.amazon.com/saml", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept-Language", "en")
	return r
}

// TestSignIn changes one thing of a good request at a time.
func TestSignIn(t *testing.T) {
	t.Parallel()
	good := response(start)
	for name, c := range map[string]struct {
		response func(*samltest.Response)
		impostor bool
		change   func(*http.Request)
		shape    Shape
		status   int
		has, not string
	}{
		"headings":         {status: 200, has: "<div class=\"saml-account-name\">Account: corp-gateway (111111111111)</div>"},
		"without alias":    {status: 200, has: ">Account: 222222222222<"},
		"data":             {shape: ShapeData, status: 200, has: `<meta name="data" content="`, not: "saml-account-name"},
		"script":           {shape: ShapeScript, status: 200, has: "<script>", not: "corp-gateway"},
		"error":            {shape: ShapeError, status: 400, has: "invalid SAML response"},
		"another language": {change: func(r *http.Request) { r.Header.Set("Accept-Language", "de") }, status: 200, has: "Konto: corp-gateway"},
		"JSON":             {change: func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, status: 400, has: "not a form"},
		"GET":              {change: func(r *http.Request) { r.Method = http.MethodGet }, status: 400, has: "not a POST"},
		"in clear":         {change: func(r *http.Request) { r.TLS = nil }, status: 400, has: "not a POST"},
		"cookie":           {change: func(r *http.Request) { r.Header.Set("Cookie", "a=b") }, status: 400, has: "a cookie"},
		"another host":     {change: func(r *http.Request) { r.Host = "eu-west-1.signin.aws.amazon.com" }, status: 400, has: "not this host"},
		"old":              {response: func(r *samltest.Response) { r.Issued = start.Add(-time.Hour) }, status: 400, has: "5 minutes"},
		"impostor":         {impostor: true, status: 400, has: "signature"},
		"nothing":          {change: func(r *http.Request) { *r = *signInRequest("") }, status: 400, has: "invalid SAML response"},
		"one role":         {response: func(r *samltest.Response) { r.Roles = r.Roles[:1] }, status: 302, not: "corp-gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := good
			made.Roles = append([]string{}, good.Roles...)
			made.Roles = append(made.Roles, samltest.RoleValue("222222222222", "Admins", "ADFS", false))
			if c.response != nil {
				c.response(&made)
			}
			idp, impostor := testIDPs(t)
			if c.impostor {
				idp = impostor
			}
			encoded, err := idp.Issue(made)
			if err != nil {
				t.Fatal(err)
			}
			r := signInRequest(encoded)
			if c.change != nil {
				c.change(r)
			}
			s := &SignIn{Server: New(options(t, &clock{t: start})), Shape: c.shape, Names: map[string]string{"111111111111": "corp-gateway"}}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			body := w.Body.String()
			if w.Code != c.status || !strings.Contains(body, c.has) || c.not != "" && strings.Contains(body, c.not) {
				t.Errorf("status %d, want %d; want %q, not %q in\n%s", w.Code, c.status, c.has, c.not, body)
			}
			if n := s.Requests(); len(n) != 1 || n[0].Status != c.status || s.Consoles() != 0 {
				t.Errorf("Requests = %+v, Consoles = %d", n, s.Consoles())
			}
		})
	}
}

// TestSignInConsole: whoever follows the redirect has opened a console session.
func TestSignInConsole(t *testing.T) {
	t.Parallel()
	s := &SignIn{Server: New(options(t, &clock{t: start}))}
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "https://signin.aws.amazon.com/console", nil))
	if s.Consoles() != 1 {
		t.Errorf("Consoles = %d, want 1", s.Consoles())
	}
}
