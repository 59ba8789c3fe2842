package idptest_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehop/idp/idptest"
)

// TestADFSSession is the single sign-on: a kept cookie needs no password, for 8 hours.
func TestADFSSession(t *testing.T) {
	t.Parallel()
	for _, kmsi := range []bool{false, true} {
		c := &clock{now: time.Now()} // the cookie jar's clock cannot be set
		a := newADFS(t, idptest.Options{Now: c.Now, Kmsi: kmsi})
		b := newBrowser(t, a, a.Elsewhere())
		b.fields = func(f []idptest.Field) []idptest.Field {
			if kmsi {
				return append(f, idptest.Field{Name: "Kmsi", Value: "true"})
			}
			return f
		}
		p := b.signIn(entry, alice, idptest.AlicePassword)
		wantAssertion(t, p)
		if lasts := strings.Contains(p.header.Values("Set-Cookie")[1], "; expires="); lasts != kmsi {
			t.Errorf("the cookie outlives the browser = %v, want %v", lasts, kmsi)
		}
		c.advance(7 * time.Hour)
		wantAssertion(t, b.signIn(entry, alice))
		if got := a.Stats(); got.Logins != 1 || got.Requests != 5 {
			t.Errorf("Stats = %+v, want one login and one more request", got)
		}
		c.advance(2 * time.Hour)
		if signedIn := b.signIn(entry, alice).assertion() != ""; signedIn != kmsi {
			t.Errorf("after 9 hours signed in = %v, want %v", signedIn, kmsi)
		}
		c.advance(7 * 24 * time.Hour)
		if b.signIn(entry, alice).assertion() != "" {
			t.Error("still signed in after a week")
		}
		wantClean(t, a.ClientBugs())
	}
}

// TestADFSPathCase: the cookie's path is /adfs, so a client that keeps the letters of
// /ADFS/ never shows it, and is asked for the password for ever.
func TestADFSPathCase(t *testing.T) {
	t.Parallel()
	a := newADFS(t, idptest.Options{})
	p := newBrowser(t, a, a.Elsewhere()).signIn(base+strings.Replace(idptest.ADFSEntry, "/adfs/", "/ADFS/", 1), alice, idptest.AlicePassword)
	if p.id("loginForm") == nil || p.textOf("errorText") != "" {
		t.Error("want the sign-in page again, without words")
	}
}

// TestADFSCookies reads what the cookies say.
func TestADFSCookies(t *testing.T) {
	t.Parallel()
	a := newADFS(t, idptest.Options{})
	b := newBrowser(t, a, a.Elsewhere())
	p := b.signIn(entry, alice, idptest.AlicePassword)
	decode := func(name string) string {
		for _, c := range b.http.Jar.Cookies(p.url) {
			if c.Name == name {
				text, err := base64.StdEncoding.DecodeString(c.Value)
				if err != nil {
					t.Errorf("%s is not base64", name)
				}
				return string(text)
			}
		}
		return ""
	}
	for name, want := range map[string]string{
		"MSISAuthenticated":       "5/6/2024 7:08:09 AM",
		"MSISLoopDetectionCookie": `2024-05-06:07:08:09Z\1`,
		"MSISSignOut":             "signout:" + base + "/adfs/ls/",
	} {
		if got := decode(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if got := decode("MSISSamlRequest"); !strings.HasPrefix(got, "BaseUrl="+url.QueryEscape(base)) {
		t.Errorf("MSISSamlRequest = %q", got)
	}
	if n := len(decode("MSISAuth")); n < 1000 {
		t.Errorf("MSISAuth has %d bytes, want a long one", n)
	}
	for _, line := range p.header.Values("Set-Cookie") {
		for _, want := range []string{"; path=/adfs", "; HttpOnly", "; Secure"} {
			if !strings.Contains(line, want) {
				t.Errorf("Set-Cookie of %s has no %q", line[:strings.Index(line, "=")], want)
			}
		}
	}
	if auth := p.header.Values("Set-Cookie"); !strings.HasPrefix(auth[0], "MSISAuth=;") || !strings.HasPrefix(auth[1], "MSISAuth=") {
		t.Error("MSISAuth is not first cleared and then set")
	}
}

// TestADFSSameSite: from 2019 on every cookie says that other sites may bring it along.
func TestADFSSameSite(t *testing.T) {
	t.Parallel()
	for _, v := range versions() {
		a := newADFS(t, v.as(idptest.Options{}))
		p := newBrowser(t, a, a.Elsewhere()).signIn(entry, alice, idptest.AlicePassword)
		wantAssertion(t, p)
		for _, line := range p.header.Values("Set-Cookie") {
			if got := strings.Contains(line, "; SameSite=None"); got != strings.HasPrefix(v.name, "2019") {
				t.Errorf("%s: SameSite=None is %v in the cookie %s", v.name, got, line[:strings.Index(line, "=")])
			}
		}
	}
}

// TestADFSHeaderLimit: SamlSession grows with every sign-in until HTTP.sys has enough.
func TestADFSHeaderLimit(t *testing.T) {
	t.Parallel()
	c := &clock{now: start}
	a := newADFS(t, idptest.Options{Now: c.Now, HeaderLimit: 4096})
	b := newBrowser(t, a, a.Elsewhere())
	wantAssertion(t, b.signIn(entry, alice, idptest.AlicePassword))
	for range 100 {
		c.advance(time.Minute)
		if p := b.get(entry); p.status == http.StatusBadRequest {
			if !strings.Contains(p.source, "Request Too Long") {
				t.Error("400 without the words of HTTP.sys")
			}
			return
		}
	}
	t.Error("no request was refused for its cookies")
}

// TestADFSLoop: the sixth assertion within 20 seconds is refused; one second later
// than that it is not.
func TestADFSLoop(t *testing.T) {
	t.Parallel()
	c := &clock{now: start}
	a := newADFS(t, idptest.Options{Now: c.Now})
	b := newBrowser(t, a, a.Elsewhere())
	wantAssertion(t, b.signIn(entry, alice, idptest.AlicePassword))
	for range 4 {
		c.advance(time.Second)
		wantAssertion(t, b.get(entry))
	}
	if p := b.get(entry); p.id("errorArea") == nil || !strings.Contains(p.source, "MSIS7042") {
		t.Error("the sixth assertion was issued")
	}
	c.advance(16 * time.Second)
	wantAssertion(t, b.get(entry))
}

func TestADFSLockAfter(t *testing.T) {
	t.Parallel()
	for _, lock := range []int{0, 2} {
		a := newADFS(t, idptest.Options{LockAfter: lock})
		p := newBrowser(t, a, a.Elsewhere()).signIn(entry, alice, "wrong", "wrong too", idptest.AlicePassword)
		if locked := p.assertion() == ""; locked != (lock > 0) {
			t.Errorf("LockAfter %d: locked = %v", lock, locked)
		}
		wantClean(t, a.ClientBugs())
		if n := a.Stats().Logins; n != 3 {
			t.Errorf("Logins = %d, want 3", n)
		}
	}
}

// TestADFSGUID: the identifiers that AD FS makes are GUIDs of version 4 (RFC 9562,
// section 5.4), for programs that parse them.
func TestADFSGUID(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if bad := "00000000-0000-40000-0000-00000000000"; form.MatchString(bad) {
		t.Errorf("%s counts as a GUID", bad)
	}
	seen := map[string]bool{}
	a := newADFS(t, idptest.Options{})
	for range 50 {
		p := newBrowser(t, a, a.Elsewhere()).get(entry)
		id := p.url.Query().Get("client-request-id")
		if !form.MatchString(id) || seen[id] {
			t.Fatalf("client-request-id = %q, want a new GUID", id)
		}
		seen[id] = true
	}
}
