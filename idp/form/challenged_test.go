package form_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/challenge"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
	"gatehop/idp/idptest/kerberostest"
)

// authorize signs in at r by HTTP authentication.
func (r *rig) authorize(t testing.TB, c form.Config) error {
	t.Helper()
	if c.URL == "" {
		c.URL = entry
	}
	if c.Auth == "ntlm" && c.Username == "" { // else it is whoever is logged on to Windows
		c.Username = "alice"
	}
	a, err := form.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = a.Login(ctx, r.session)
	return err
}

// credentials are the schemes of the Authorization headers that requests had.
func credentials(requests []idptest.Request) (schemes []string) {
	for _, r := range requests {
		if h := r.Header.Get("Authorization"); h != "" {
			scheme, _, _ := strings.Cut(h, " ")
			schemes = append(schemes, scheme)
		}
	}
	return schemes
}

// TestAuthentication signs in by each kind at each server. Nothing is sent, and nobody
// asked, where the server offers something else.
func TestAuthentication(t *testing.T) {
	t.Parallel()
	takes := map[string][]idptest.HTTPAuth{
		"ntlm": {idptest.AuthIntegrated}, "basic": {idptest.AuthBasic, idptest.AuthDigest},
		"digest": {idptest.AuthDigest, idptest.AuthDigest256, idptest.AuthDigestSess}, "kerberos": nil, "": nil, "forms": nil,
	}
	for auth, of := range takes {
		for _, server := range idptest.HTTPAuths() {
			t.Run(auth+" at "+string(server), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, idptest.FormOptions{Auth: server}, correct())
				err := r.authorize(t, form.Config{Auth: auth, KerberosConf: filepath.Join(t.TempDir(), "none")})
				sent := credentials(r.p.Requests())
				switch {
				case server == idptest.AuthDigest && auth == "basic": // the simulator's Basic is only for show
					wantVerdict(t, err, idp.Rejected)
					return
				case slices.Contains(of, server):
					if err != nil || len(sent) == 0 || r.answers.Asked("username") != 1 || r.answers.Asked("password") != 1 {
						t.Errorf("Login = %v, sent %q, asked %+v", err, sent, r.answers.Questions())
					}
					if server == idptest.AuthDigest256 && len(sent) != 2 { // the first nonce is called stale
						t.Errorf("sent %q", sent)
					}
				case auth == "kerberos" && server == idptest.AuthIntegrated: // which has no realm
					var ticket *challenge.TicketError
					if !errors.As(err, &ticket) || ticket.Kind != challenge.NoRealm || sent != nil {
						t.Errorf("Login = %v, sent %q", err, sent)
					}
				default:
					want := idp.BasicAuth
					if server == idptest.AuthIntegrated {
						want = idp.Integrated
					}
					page := wantVerdict(t, err, want)
					if sent != nil || r.answers.Questions() != nil || page.Words == "" {
						t.Errorf("sent %q, asked %+v, Words %q", sent, r.answers.Questions(), page.Words)
					}
				}
				r.check(t)
			})
		}
	}
}

// TestAuthenticationRefused: a password that is refused is sent once, and the person asked
// for another one.
func TestAuthenticationRefused(t *testing.T) {
	t.Parallel()
	for auth, server := range map[string]idptest.HTTPAuth{"ntlm": idptest.AuthIntegrated, "basic": idptest.AuthBasic, "digest": idptest.AuthDigest} {
		for name, c := range map[string]struct {
			passwords []string
			signedIn  bool
			logins    int
		}{
			"right the second time": {[]string{"wrong", idptest.AlicePassword}, true, 2},
			"no second answer":      {[]string{"wrong", idptest.NoAnswer}, false, 1},
			"the same answer again": {[]string{"wrong", "wrong", idptest.NoAnswer}, false, 1},
			"three are enough":      {[]string{"wrong", "another", "a third", idptest.AlicePassword}, false, 3},
			"nobody answers":        {[]string{idptest.NoAnswer}, false, 0},
		} {
			t.Run(auth+": "+name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, idptest.FormOptions{Auth: server}, map[string][]string{"username": {"alice"}, "password": c.passwords})
				err := r.authorize(t, form.Config{Auth: auth})
				if (err == nil) != c.signedIn {
					t.Fatalf("Login = %v", err)
				}
				if got := r.p.Stats().Logins; got != c.logins {
					t.Errorf("%d passwords were sent, want %d", got, c.logins)
				}
				if !c.signedIn && c.logins > 0 {
					page := wantVerdict(t, err, idp.Rejected)
					kind, _ := challenge.ParseKind(auth)
					if page.Scheme != kind.Title() || page.Words == "" {
						t.Errorf("%+v", page)
					}
				}
				for i, q := range r.answers.Questions() {
					if q.Field == "password" && (q.Retry != "") != (i > 1) || q.Public != (q.Field == "username") {
						t.Errorf("question %d: %+v", i, q)
					}
				}
				r.check(t)
			})
		}
	}
}

// TestAuthenticationRepeatedControl: a client that proves a refused password again, in the
// same browser and with no new answer, is found out whichever way it proves it.
func TestAuthenticationRepeatedControl(t *testing.T) {
	t.Parallel()
	for auth, server := range map[string]idptest.HTTPAuth{"ntlm": idptest.AuthIntegrated, "basic": idptest.AuthBasic, "digest": idptest.AuthDigest} {
		t.Run(auth, func(t *testing.T) {
			t.Parallel()
			user := idptest.Alice()
			user.Name, user.State = "alice", idptest.UserLocked
			once := []string{idptest.AlicePassword, idptest.NoAnswer}
			r := newRig(t, idptest.FormOptions{Auth: server, Users: []idptest.User{user}},
				map[string][]string{"username": {"alice", "alice"}, "password": append(once, once...)})
			wantVerdict(t, r.authorize(t, form.Config{Auth: auth}), idp.Rejected)
			r.check(t)
			wantVerdict(t, r.authorize(t, form.Config{Auth: auth}), idp.Rejected)
			if bugs := r.p.ClientBugs(); len(bugs) != 1 || !strings.HasPrefix(bugs[0], "1: ") {
				t.Errorf("%q", bugs)
			}
		})
	}
}

// TestAuthenticationRefusedCharset: the encoding of a 401's page, as Apache has it, has no
// part in what was sent.
func TestAuthenticationRefusedCharset(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="corp"`)
		w.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "<title>401 Unauthorized</title>")
	}))
	defer server.Close()
	trust, err := idp.NewTrust(server.URL, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := form.New(form.Config{URL: server.URL, Auth: "basic"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Login(t.Context(), &idp.Session{
		HTTP: idp.NewClient(idp.ClientOptions{Trust: trust}), Trust: trust,
		Prompt: idp.FirstOf(idp.Fixed{"username": secret.New("alice"), "password": secret.New("wrong")}),
	})
	if page := wantVerdict(t, err, idp.Rejected); page.Charset != "" || page.Scheme != "Basic" {
		t.Errorf("Login = %+v, want no encoding", page)
	}
}

// TestAuthenticationTicket: a ticket signs in without a question, for a service of the
// configured host; one that the server does not take is not tried again.
func TestAuthenticationTicket(t *testing.T) {
	t.Parallel()
	const service = "HTTP/" + host
	realm, err := kerberostest.NewRealm("CORP", service)
	if err != nil {
		t.Fatal(err)
	}
	data, err := realm.Cache("alice", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), service)
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(t.TempDir(), "cc")
	if err := os.WriteFile(cache, data, 0o600); err != nil {
		t.Fatal(err)
	}
	named := func(check idptest.TicketCheck) idptest.TicketCheck {
		return func(token []byte) (string, []byte, bool) {
			name, reply, ok := check(token)
			name, _, _ = strings.Cut(name, "@")
			return name, reply, ok
		}
	}
	const tooFarApart = 37 // KRB_AP_ERR_SKEW (RFC 4120, section 7.5.9)
	skew, err := realm.Refusal(service, tooFarApart)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		check idptest.TicketCheck
		user  string
		want  idp.Verdict
		skew  bool
	}{
		"taken":                {check: named(realm.Tickets(service))},
		"taken, with a name":   {check: named(realm.Tickets(service)), user: "alice"},
		"of another service":   {check: named(realm.Tickets("HTTP/other.example")), want: idp.TicketRefused},
		"refused with a clock": {check: func([]byte) (string, []byte, bool) { return "", skew, false }, skew: true},
		"refused with a token": {check: func([]byte) (string, []byte, bool) { return "", []byte("\xa1\x07\x30\x05\xa0\x03\x0a\x01\x02"), false }, want: idp.TicketRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, idptest.FormOptions{Auth: idptest.AuthIntegrated, Tickets: c.check}, correct())
			err := r.authorize(t, form.Config{Auth: "kerberos", CCache: "FILE:" + cache, Username: c.user, KerberosConf: filepath.Join(t.TempDir(), "none")})
			var ticket *challenge.TicketError
			switch {
			case c.skew:
				if !errors.As(err, &ticket) || ticket.Kind != challenge.ClockSkew || ticket.Name != host {
					t.Errorf("Login = %v, want the clocks", err)
				}
			case c.want == "" && err != nil:
				t.Errorf("Login = %v", err)
			case c.want != "":
				wantVerdict(t, err, c.want)
			}
			if sent := credentials(r.p.Requests()); len(sent) != 1 || sent[0] != "Negotiate" || r.answers.Questions() != nil || r.p.Stats().Logins != 0 {
				t.Errorf("sent %q, asked %+v", sent, r.answers.Questions())
			}
			r.check(t)
		})
	}
}

// guarded is a site whose pages ask for Basic, or redirect; it notes what it is sent.
type guarded struct {
	mu    sync.Mutex
	sent  []string // HOST PATH USER:PASSWORD
	takes string   // the password
	next  map[string]string
	open  map[string]string // pages that ask for nothing
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	name, password, ok := r.BasicAuth()
	if ok {
		g.sent = append(g.sent, r.Host+r.URL.Path+" "+name+":"+password)
	}
	to, page := g.next[r.URL.Path], g.open[r.URL.Path]
	w.Header().Set("Content-Type", "text/html")
	switch {
	case page != "":
		_, _ = w.Write([]byte(page))
	case !ok || password != g.takes && to == "":
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	case to != "":
		http.Redirect(w, r, to, http.StatusFound)
	default:
		_, _ = w.Write([]byte(final(`<input type=hidden name=SAMLResponse value="%s">`)))
	}
}

// TestAuthenticationFurtherOn: where every page asks, the person is asked once; a server
// that redirects whoever it refuses does not get a password again and again.
func TestAuthenticationFurtherOn(t *testing.T) {
	t.Parallel()
	script := map[string][]string{"username": {"alice"}, "password": {"correct horse", idptest.NoAnswer}}
	signIn := func(g *guarded) (*idptest.Answers, error) {
		answers := idptest.NewAnswers(script)
		s := newSession(t, idptest.Transport(map[string]http.Handler{host: g, idptest.AnyHost: g}), start, answers)
		a, err := form.New(form.Config{URL: start, Auth: "basic"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Login(t.Context(), s)
		return answers, err
	}
	all := &guarded{takes: "correct horse", next: map[string]string{"/start": "/two", "/two": "/three"}}
	answers, err := signIn(all)
	want := []string{host + "/start alice:correct horse", host + "/two alice:correct horse", host + "/three alice:correct horse"}
	if err != nil || !slices.Equal(all.sent, want) || answers.Asked("password") != 1 {
		t.Errorf("Login = %v, sent %q, asked %d times", err, all.sent, answers.Asked("password"))
	}
	chain := map[string]string{"/start": "/1"}
	for i := range 12 {
		chain[fmt.Sprintf("/%d", i+1)] = fmt.Sprintf("/%d", i+2)
	}
	long := &guarded{takes: "correct horse", next: chain}
	if _, err := signIn(long); !errors.Is(err, &idp.PageError{Verdict: idp.Rejected}) || len(long.sent) != 3 {
		t.Errorf("of thirteen pages: Login = %v after %d answers", err, len(long.sent))
	}
	for name, next := range map[string]map[string]string{
		"to itself": {"/start": "/start"}, "there and back": {"/start": "/two", "/two": "/start"}, "with another query": {"/start": "/start?x=y"},
	} {
		loop := &guarded{takes: "another", next: next}
		answers, err := signIn(loop)
		if !errors.Is(err, &idp.PageError{Verdict: idp.Unexplained}) || len(loop.sent) > 2 || answers.Asked("password") != 1 {
			t.Errorf("%s: Login = %v, sent %q, asked %+v", name, err, loop.sent, answers.Questions())
		}
	}
}

// TestAuthenticationPost: a form that submits itself and is answered by a 401 is posted
// again with the answer, as it was.
func TestAuthenticationPost(t *testing.T) {
	t.Parallel()
	for auth, server := range map[string]idptest.HTTPAuth{"basic": idptest.AuthBasic, "digest": idptest.AuthDigest, "ntlm": idptest.AuthIntegrated} {
		inner, err := idptest.NewForm(idptest.FormOptions{Auth: server, Now: clock, Rand: rand.NewChaCha8([32]byte{3}), Signer: signer()})
		if err != nil {
			t.Fatal(err)
		}
		var bodies []string
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/start" {
				w.Header().Set("Content-Type", "text/html")
				_, _ = fmt.Fprintf(w, `<body onload="document.forms[0].submit()"><form method=post action="%s"><input type=hidden name=SAMLRequest value="a+b"></form>`, idptest.FormEntry)
				return
			}
			if r.Method == http.MethodPost {
				body, _ := io.ReadAll(r.Body)
				bodies = append(bodies, r.Header.Get("Content-Type")+" "+string(body))
			}
			inner.ServeHTTP(w, r)
		})
		a, err := form.New(form.Config{URL: start, Auth: auth, Username: "alice"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Login(t.Context(), newSession(t, idptest.Transport(map[string]http.Handler{host: handler}), start, idptest.NewAnswers(correct())))
		if err != nil || len(bodies) < 2 || slices.ContainsFunc(bodies, func(b string) bool { return b != "application/x-www-form-urlencoded SAMLRequest=a%2Bb" }) {
			t.Errorf("%s: Login = %v, posted %q", auth, err, bodies)
		}
	}
}

// TestAuthenticationCookie: a page that says no more than that one is signed in, and sets a
// cookie, leads back to the entry.
func TestAuthenticationCookie(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, err := r.Cookie("session")
		switch _, _, ok := r.BasicAuth(); {
		case err == nil:
			_, _ = w.Write([]byte(final(`<input type=hidden name=SAMLResponse value="%s">`)))
		case ok:
			w.Header().Set("Set-Cookie", "session=x; Secure")
			_, _ = w.Write([]byte("<p>Signed in."))
		default:
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	a, err := form.New(form.Config{URL: start, Auth: "basic"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Login(t.Context(), newSession(t, idptest.Transport(map[string]http.Handler{host: handler}), start, idptest.NewAnswers(correct()))); err != nil {
		t.Errorf("Login = %v", err)
	}
}
