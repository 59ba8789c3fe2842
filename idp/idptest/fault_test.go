package idptest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/idp/idptest"
	"gatehop/saml"
)

// provider is what the two kinds have in common.
type provider interface {
	http.Handler
	Elsewhere() http.Handler
	ClientBugs() []string
	Stats() idptest.Stats
	Requests() []idptest.Request
	RequestsElsewhere() []idptest.Request
}

// seen is what a client sees that follows no redirect and stops at the first oddity.
type seen struct {
	entry  *page // the answer to the entry, or the page at the end of its redirects
	first  *http.Response
	posted *http.Response // the answer to the right password
	last   *page          // the last page of a whole sign-in
	err    error          // of reading the answer to the password
	body   int            // length of the first answer
}

// faultSigns says by what each fault can be told.
func faultSigns() map[idptest.Fault]func(seen) bool {
	elsewhere := "https://" + idptest.ForeignHost + "/"
	location := func(r *http.Response, prefix string) bool {
		return r != nil && strings.HasPrefix(r.Header.Get("Location"), prefix)
	}
	login := func(s seen, name string) string { return val(s.entry.form("Password", "password"), name) }
	challenge := func(s seen, want string) bool {
		return s.first.StatusCode == 401 && strings.Join(s.first.Header.Values("WWW-Authenticate"), ",") == want
	}
	decode := func(s seen) error { _, err := saml.Decode(s.last.assertion()); return err }
	return map[idptest.Fault]func(seen) bool{
		idptest.FaultForeignAction: func(s seen) bool { return strings.HasPrefix(login(s, "action"), elsewhere) },
		idptest.FaultPlainAction:   func(s seen) bool { return strings.HasPrefix(login(s, "action"), "http://"+host+"/") },
		idptest.FaultGetForm:       func(s seen) bool { return login(s, "method") == "get" },
		idptest.FaultTextPlain:     func(s seen) bool { return login(s, "enctype") == "text/plain" },
		idptest.FaultCaptcha:       func(s seen) bool { return strings.Contains(s.entry.source, "g-recaptcha") },
		idptest.FaultNoWords: func(s seen) bool {
			return s.last.form("Password", "password") != nil && s.last.textOf("errorText") == "" && !strings.Contains(s.last.source, "message-box")
		},
		idptest.FaultRedirect307:   func(s seen) bool { return s.posted.StatusCode == 307 && location(s.posted, elsewhere) },
		idptest.FaultRedirectPlain: func(s seen) bool { return s.posted.StatusCode == 302 && location(s.posted, "http://"+host+"/") },
		idptest.FaultCut:           func(s seen) bool { return errors.Is(s.err, io.ErrUnexpectedEOF) },
		idptest.FaultForeignPage:   func(s seen) bool { return location(s.first, elsewhere) },
		idptest.FaultRedirectLoop: func(s seen) bool {
			return location(s.first, "/") && strings.Contains(s.first.Header.Get("Location"), "&n=")
		},
		idptest.FaultJSON:       func(s seen) bool { return s.first.Header.Get("Content-Type") == "application/json" },
		idptest.FaultHuge:       func(s seen) bool { return s.body > 10_000_000 },
		idptest.FaultDeep:       func(s seen) bool { return s.body == 500_000 },
		idptest.FaultScriptOnly: func(s seen) bool { return strings.Contains(s.entry.source, `<script type="module"`) },
		idptest.FaultFirewall:   func(s seen) bool { return s.first.StatusCode == 403 && s.first.Header.Get("cf-mitigated") != "" },
		idptest.FaultProxy:      func(s seen) bool { return s.first.StatusCode == 407 },
		idptest.FaultNotFound:   func(s seen) bool { return s.first.StatusCode == 404 },
		idptest.FaultIntegrated: func(s seen) bool { return challenge(s, "Negotiate,NTLM") },
		idptest.FaultBasic:      func(s seen) bool { return challenge(s, `Basic realm="corp"`) },
		idptest.FaultConsent:    func(s seen) bool { return s.entry.form("yes") != nil && s.entry.form("no") != nil },
		idptest.FaultForeignACS: func(s seen) bool {
			a, err := saml.Decode(s.last.assertion())
			return err == nil && a.Destination == "https://sp.example/acs" && val(s.last.form("SAMLResponse"), "action") == a.Destination
		},
		idptest.FaultEmptyResponse: func(s seen) bool { return s.last.form("SAMLResponse") != nil && s.last.assertion() == "" },
		idptest.FaultBadResponse:   func(s seen) bool { return s.last.assertion() != "" && decode(s) != nil },
		idptest.FaultRefusedResponse: func(s seen) bool {
			var status *saml.StatusError
			return errors.As(decode(s), &status)
		},
		idptest.FaultEncrypted: func(s seen) bool {
			a, err := saml.Decode(s.last.assertion())
			return err == nil && a.Encrypted
		},
		idptest.FaultSeveralAssertions: func(s seen) bool { return errors.Is(decode(s), saml.ErrSeveralAssertions) },
		idptest.FaultWSFederation:      func(s seen) bool { return s.last.form("wresult") != nil },
		idptest.FaultForeignResponse:   func(s seen) bool { return s.last.url.Host == idptest.ForeignHost && decode(s) == nil },
	}
}

// TestFaults shows each fault at both kinds of provider, and, as the control, that
// without it the same client sees nothing of the kind.
func TestFaults(t *testing.T) {
	t.Parallel()
	kinds := map[string]func(*testing.T, idptest.Fault) (provider, string, []idptest.Field){
		"adfs": func(t *testing.T, f idptest.Fault) (provider, string, []idptest.Field) {
			return newADFS(t, idptest.Options{Fault: f}), entry, []idptest.Field{
				{Name: "UserName", Value: alice}, {Name: "Password", Value: idptest.AlicePassword}, {Name: "AuthMethod", Value: "FormsAuthentication"}}
		},
		"form": func(t *testing.T, f idptest.Fault) (provider, string, []idptest.Field) {
			return newForm(t, idptest.FormOptions{Fault: f}), formEntry, nil
		},
	}
	signs := faultSigns()
	for kind, open := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p, address, fields := open(t, "")
			healthy := look(t, p, address, fields)
			for _, info := range idptest.Faults() {
				sign := signs[info.Fault]
				if info.Fault == idptest.FaultHang || info.Fault == idptest.FaultHangPosted {
					continue // TestFaultHang, TestFaultHangPosted
				}
				if sign == nil || info.About == "" {
					t.Errorf("%s has no sign or no description", info.Fault)
					continue
				}
				p, address, fields := open(t, info.Fault)
				if !sign(look(t, p, address, fields)) {
					t.Errorf("%s does not show", info.Fault)
				}
				if sign(healthy) {
					t.Errorf("%s shows where it is not", info.Fault)
				}
			}
		})
	}
}

// look walks as far as the fault lets it.
func look(t *testing.T, p provider, address string, fields []idptest.Field) seen {
	t.Helper()
	var s seen
	b := newBrowser(t, p, p.Elsewhere())
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	first := b.get(address)
	s.first, s.body, s.entry = &http.Response{StatusCode: first.status, Header: first.header}, len(first.source), first
	for range 3 { // a redirect loop has no end
		if l := s.entry.header.Get("Location"); l != "" && s.entry.resolve(l, true).Host == host {
			s.entry = b.get(s.entry.resolve(l, true).String())
		}
	}
	form := s.entry.form("Password", "password")
	action := s.entry.url.String() // where the forms post to without a fault
	if form != nil && fields == nil {
		action = s.entry.resolve("?", true).String()
		fields, _ = s.entry.successful(form, map[string]string{"username": "alice", "password": idptest.AlicePassword})
	}
	if form == nil || fields == nil {
		s.posted, s.last = s.first, first
		return s
	}
	s.posted, s.err = send(t, b, action, fields)
	b.http.CheckRedirect = nil
	if s.err != nil || val(form, "method") != "post" || s.posted.StatusCode == 307 || strings.HasPrefix(s.posted.Header.Get("Location"), "http:") {
		s.last = first
		return s
	}
	s.last = first
	if l := s.posted.Header.Get("Location"); l != "" {
		s.last = b.get(l)
	} else if s.posted.StatusCode == 200 {
		s.last = b.signIn(address, map[bool]string{true: alice, false: "alice"}[strings.Contains(address, "/adfs/")], idptest.AlicePassword)
	}
	return s
}

func send(t *testing.T, b *browser, address string, fields []idptest.Field) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(encode(fields)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := b.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.ReadAll(resp.Body)
	return resp, err
}

// TestFaultHangPosted: only the password is never answered.
func TestFaultHangPosted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newADFS(t, idptest.Options{Fault: idptest.FaultHangPosted})
		b := newBrowser(t, a, a.Elsewhere())
		p := b.get(entry)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url.String(), strings.NewReader("UserName=CORP%5Calice&Password=x&AuthMethod=FormsAuthentication"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := b.http.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do = %v, want the deadline", err)
		}
		if got := a.Stats().Logins; got != 1 {
			t.Errorf("Logins = %d, want 1", got)
		}
	})
}

// TestElsewhereAssertion: only with its fault does another host offer an assertion.
func TestElsewhereAssertion(t *testing.T) {
	t.Parallel()
	a := newADFS(t, idptest.Options{})
	if p := newBrowser(t, a, a.Elsewhere()).get("https://" + idptest.ForeignHost + "/assertion"); p.assertion() != "" {
		t.Error("an assertion from nowhere")
	}
}
