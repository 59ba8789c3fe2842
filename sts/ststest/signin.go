package ststest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Shape is one of the forms that AWS's sign-in page has had.
type Shape int

// The shapes. The last two name no account.
const (
	ShapeForm   Shape = iota // headings in a form
	ShapeData                // JSON in a <meta>, for scripts to show
	ShapeScript              // a page that only runs a script
	ShapeError               // status 400, the page of a refusal
)

// SignIn is AWS's sign-in page at one host. It takes an assertion that one of Server's
// providers signed, shows the roles to choose from, and opens a console session at once
// where there is only one.
type SignIn struct {
	Server  *Server
	Shape   Shape
	Names   map[string]string // aliases by account
	Latency time.Duration

	mu       sync.Mutex
	requests []Request
	consoles int
}

// Requests returns what came, oldest first.
func (s *SignIn) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Consoles is how many console sessions were opened: by whoever followed the redirect.
func (s *SignIn) Consoles() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.consoles
}

// ServeHTTP answers one request.
func (s *SignIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	form, err := parseForm(string(body))
	note := Request{Op: r.Method + " " + r.URL.Path, Form: form, Header: r.Header.Clone(), Host: r.Host, Status: http.StatusOK}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests = append(s.requests, note)
	}()
	if !wait(r, s.Latency) {
		return
	}
	if r.URL.Path == "/console" {
		s.mu.Lock()
		s.consoles++
		s.mu.Unlock()
		return
	}
	w.Header().Set("Content-Type", "text/html;charset=UTF-8")
	a, err := s.accept(r, note.Get("SAMLResponse"), err)
	if err == nil && s.Shape == ShapeError {
		err = errors.New("as configured")
	}
	switch {
	case err != nil:
		note.Status, note.Code = http.StatusBadRequest, err.Error()
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "<html><body><h1>Your request included an invalid SAML response.</h1><!-- %s --></body></html>", html.EscapeString(err.Error()))
	case len(a.attrs[attrRole]) == 1:
		note.Status = http.StatusFound
		w.Header().Set("Set-Cookie", "aws-creds=simulated; Secure; HttpOnly")
		http.Redirect(w, r, "/console", http.StatusFound)
	default:
		w.Header().Set("Set-Cookie", "aws-ubid=simulated; Secure; HttpOnly")
		_, _ = io.WriteString(w, s.render(rolesByAccount(a.attrs[attrRole]), note.Get("SAMLResponse"), r.Header.Get("Accept-Language")))
	}
}

// accept checks the request and reads the assertion in it.
func (s *SignIn) accept(r *http.Request, encoded string, formErr error) (*assertion, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case formErr != nil || err != nil || kind != "application/x-www-form-urlencoded":
		return nil, errors.New("not a form")
	case r.TLS == nil || r.Method != http.MethodPost || r.URL.Path != "/saml" || r.URL.RawQuery != "":
		return nil, errors.New("not a POST to /saml over https")
	case len(r.Cookies()) > 0:
		return nil, errors.New("a cookie that nobody asked to keep")
	}
	return s.read(encoded, r.Host)
}

// read verifies the assertion as AssumeRoleWithSAML does, and that it is for this host.
func (s *SignIn) read(encoded, host string) (*assertion, error) {
	problem := errors.New("no provider vouches for it")
	for _, p := range s.Server.providers {
		a, err := readAssertion(encoded, p)
		if err != nil {
			problem = err
			continue
		}
		to, err := url.Parse(a.recipient)
		if err != nil || to.Host != host {
			return nil, fmt.Errorf("the recipient is %s, not this host", a.recipient)
		}
		c := &call{Server: s.Server, now: s.Server.opts.Now().UTC()}
		if no := c.checkTimes(a); no != nil {
			return nil, errors.New(no.Message)
		}
		return a, nil
	}
	return nil, problem
}

// rolesByAccount takes the values of the Role attribute apart.
func rolesByAccount(values []string) map[string][]string {
	roles := map[string][]string{}
	for _, v := range values {
		for half := range strings.SplitSeq(v, ",") {
			if a := splitARN(strings.TrimSpace(half)); strings.HasPrefix(a.resource, "role/") {
				roles[a.account] = append(roles[a.account], strings.TrimSpace(half))
			}
		}
	}
	return roles
}

func (s *SignIn) render(roles map[string][]string, encoded, language string) string {
	label := func(account string) string {
		if name := s.Names[account]; name != "" {
			return name + " (" + account + ")"
		}
		return account
	}
	switch s.Shape {
	case ShapeScript:
		return `<!DOCTYPE html><html><head><script>var hashArgs=location.hash;document.forms[0].submit()</script></head><body></body></html>`
	case ShapeData:
		data := map[string]any{"RelayState": "", "SAMLResponse": encoded, "region": "us-east-1", "problems": nil, "invalid_accounts": []string{}}
		accounts := map[string][]string{}
		for account, arns := range roles {
			accounts[label(account)] = arns
		}
		data["roles_accounts"] = accounts
		text, _ := json.Marshal(data)
		return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"/><meta name="data" content="` +
			base64.StdEncoding.EncodeToString(text) + `"/><title>Amazon Web Services Sign-In</title></head><body><div id="__next"></div></body></html>`
	}
	word := "Konto"
	if strings.HasPrefix(language, "en") {
		word = "Account"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<html><head><title>Amazon Web Services Sign-In</title></head><body>
<form id="saml_form" name="saml_form" action="/saml" method="post">
<input type="hidden" name="RelayState" value=""><input type="hidden" name="SAMLResponse" value="%s">
<p>Select a role:</p><fieldset>
`, encoded)
	for i, account := range slices.Sorted(maps.Keys(roles)) {
		fmt.Fprintf(&b, "<div class=\"saml-account\"><div onClick=\"expandCollapse(%d);\"><div class=\"saml-account-name\">%s: %s</div></div><hr>\n<div id=\"%d\" class=\"saml-account\">\n",
			i, word, html.EscapeString(label(account)), i)
		for _, arn := range roles[account] {
			fmt.Fprintf(&b, "<div class=\"saml-role\"><input type=\"radio\" name=\"roleIndex\" value=\"%s\"><label class=\"saml-role-description\" for=\"%s\">%s</label></div>\n",
				arn, arn, splitARN(arn).name())
		}
		b.WriteString("</div></div>\n")
	}
	b.WriteString("</fieldset></form></body></html>\n")
	return b.String()
}
