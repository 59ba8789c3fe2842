package idp_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
	"gatehop/idp/idptest/kerberostest"
)

// The ledger of HTTP authentication: a provider leads to a 401, or on from an answered one,
// in every way and to every kind of host. The oracle is which origins were sent an
// Authorization header: the configured one, by the scheme that is configured, or none.

const authHome = "https://adfs.corp.example"

// authTargets are the origins that a page may lead to, the configured one first. Listed
// ones are in gatehop_trusted_hosts.
func authTargets() map[string]string {
	return map[string]string{
		"same": authHome, "its default port": authHome + ":443", "sub": "https://sub.adfs.corp.example", "sibling": "https://sts.corp.example", "parent": "https://corp.example",
		"look-alike": "https://adfs-corp.example", "userinfo": "https://adfs.corp.example:x@evil.example", "port": authHome + ":8443", "http": "http://adfs.corp.example",
		"loopback": "http://127.0.0.1", "trailing dot": "https://adfs.corp.example.", "capitals": "https://ADFS.Corp.Example", "listed": "https://listed.example",
	}
}

// authWays lead from the page at the entry, or from the answered challenge, to an address.
func authWays() map[string]func(w http.ResponseWriter, to string) {
	redirect := func(status int) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, to string) {
			w.Header().Set("Location", to)
			w.WriteHeader(status)
		}
	}
	page := func(text string) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, to string) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintf(w, text, to)
		}
	}
	return map[string]func(w http.ResponseWriter, to string){
		"301": redirect(301), "302": redirect(302), "303": redirect(303), "307": redirect(307), "308": redirect(308),
		"meta":   page(`<meta http-equiv=refresh content="0; url=%s">`),
		"script": page(`<script>window.location.href = "%s"</script>`),
		"get":    page(`<body onload="document.forms[0].submit()"><form action="%s"><input type=hidden name=a value=b></form>`),
		"post":   page(`<body onload="document.forms[0].submit()"><form method=post action="%s"><input type=hidden name=a value=b></form>`),
		"base":   page(`<base href="%s"><body onload="document.forms[0].submit()"><form method=post action="?a=b"><input type=hidden name=a value=b></form>`),
		"header": func(w http.ResponseWriter, to string) {
			w.Header().Set("Refresh", "0; url="+to)
			page("<p>%.0s")(w, to)
		},
	}
}

// authRun is one combination, and what its hosts were sent.
type authRun struct {
	way   func(w http.ResponseWriter, to string)
	to    string
	after bool // the way leads on from an answered challenge, else to the first one

	mu   sync.Mutex
	sent []string // ORIGIN SCHEME
}

func (a *authRun) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	origin := string(idp.OriginOf(&url.URL{Scheme: scheme, Host: r.Host}))
	kind, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if kind != "" {
		a.sent = append(a.sent, origin+" "+kind)
	}
	msg, _ := base64.StdEncoding.DecodeString(text)
	first := kind == "NTLM" && len(msg) > 8 && msg[8] == 1
	switch trick := strings.HasPrefix(r.URL.Path, "/trick/"); {
	case !trick && !a.after && kind == "":
		a.way(w, a.to+"/trick/wia")
	case first:
		m := append([]byte("NTLMSSP\x00\x02\x00\x00\x00"), make([]byte, 36)...)
		m[20] = 1
		w.Header().Set("WWW-Authenticate", "NTLM "+base64.StdEncoding.EncodeToString(m))
		w.WriteHeader(http.StatusUnauthorized)
	case kind != "" && a.after && !trick:
		a.way(w, a.to+"/trick/wia")
	case kind != "":
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<form method=post action="https://signin.aws.amazon.com/saml"><input type=hidden name=SAMLResponse value="%s"></form>`, assertion().encoded)
	default:
		w.Header()["Www-Authenticate"] = []string{"Negotiate", "NTLM", `Digest realm="x", nonce="y", qop="auth"`, `Basic realm="x"`}
		w.WriteHeader(http.StatusUnauthorized)
	}
}

// authTicket is a credential cache with tickets for every host of the ledger.
func authTicket(t *testing.T) string {
	t.Helper()
	var services []string
	for _, to := range authTargets() {
		if u, err := url.Parse(to); err == nil && !slices.Contains(services, "HTTP/"+strings.ToLower(u.Hostname())) {
			services = append(services, "HTTP/"+strings.ToLower(u.Hostname()))
		}
	}
	realm, err := kerberostest.NewRealm("CORP", services...)
	if err != nil {
		t.Fatal(err)
	}
	data, err := realm.Cache("alice", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), services...)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cc")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// problem signs in and says what is wrong with what the hosts were sent; found is whether
// the challenge was answered at all.
func (a *authRun) problem(t *testing.T, adapter idp.Adapter, client func(idp.ClientOptions) *http.Client, auth string) (wrong string, found bool) {
	t.Helper()
	trust, err := idp.NewTrust(authHome, []string{"listed.example"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &idp.Session{
		HTTP:  client(idp.ClientOptions{Trust: trust, Transport: idptest.Transport(map[string]http.Handler{idptest.AnyHost: a})}),
		Trust: trust, Prompt: idptest.NewAnswers(map[string][]string{"username": {`CORP\alice`}, "password": {"correct horse", idptest.NoAnswer}}),
	}
	_, _ = adapter.Login(t.Context(), s)
	schemes := map[string]string{"ntlm": "NTLM", "kerberos": "Negotiate", "basic": "Basic", "digest": "Digest", "": "none"}
	for _, sent := range a.sent {
		if sent != authHome+":443 "+schemes[auth] {
			return sent, true
		}
	}
	return "", len(a.sent) > 0
}

// TestLedgerAuthorization goes over every combination.
func TestLedgerAuthorization(t *testing.T) {
	t.Parallel()
	ticket := authTicket(t)
	answered, runs := 0, 0
	for name, adapterOf := range authAdapters(ticket) {
		for _, auth := range []string{"ntlm", "kerberos", "basic", "digest", ""} {
			for wayName, way := range authWays() {
				for target, to := range authTargets() {
					for _, after := range []bool{false, true} {
						run := &authRun{way: way, to: to, after: after}
						wrong, found := run.problem(t, adapterOf(t, auth), idp.NewClient, auth)
						if wrong != "" {
							t.Errorf("%s, %q: %s to %s, after %v: sent to %s", name, auth, wayName, target, after, wrong)
						}
						runs++
						if found {
							answered++
						}
						if same := target == "same"; found != (auth != "" && (after || same || target == "its default port" || target == "capitals")) && wayName != "307" && wayName != "308" {
							t.Errorf("%s, %q: %s to %s, after %v: answered %v", name, auth, wayName, target, after, found)
						}
					}
				}
			}
		}
	}
	if answered < runs/4 {
		t.Errorf("%d of %d challenges were answered: the check looks in the wrong place", answered, runs)
	}
}

func authAdapters(ticket string) map[string]func(t *testing.T, auth string) idp.Adapter {
	return map[string]func(t *testing.T, auth string) idp.Adapter{
		"adfs": func(t *testing.T, auth string) idp.Adapter {
			t.Helper()
			c := adfs.Config{URL: authHome, Auth: auth, Username: `CORP\alice`, KerberosConf: "/nowhere"}
			if auth == "kerberos" {
				c.CCache = ticket
			}
			a, err := adfs.New(c)
			if err != nil {
				t.Fatal(err)
			}
			return a
		},
		"form": func(t *testing.T, auth string) idp.Adapter {
			t.Helper()
			c := form.Config{URL: authHome + "/start", Auth: auth, Username: `CORP\alice`, KerberosConf: "/nowhere"}
			if auth == "kerberos" {
				c.CCache = ticket
			}
			a, err := form.New(c)
			if err != nil {
				t.Fatal(err)
			}
			return a
		},
	}
}

// careless puts an Authorization header on whatever it is led to, as clients do that sign
// in on every redirect.
type careless struct{ next http.RoundTripper }

func (c careless) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if strings.HasPrefix(r.URL.Path, "/trick/") {
		r.SetBasicAuth("alice", "correct horse")
	}
	return c.next.RoundTrip(r)
}

// TestLedgerAuthorizationControl: a client that answers wherever it is led is caught, at
// every host but the configured one.
func TestLedgerAuthorizationControl(t *testing.T) {
	t.Parallel()
	adapter := authAdapters("")["form"]
	for target, to := range authTargets() {
		run := &authRun{way: authWays()["302"], to: to}
		wrong, _ := run.problem(t, adapter(t, "basic"), func(o idp.ClientOptions) *http.Client {
			o.Transport = careless{o.Transport}
			return idp.NewClient(o)
		}, "basic")
		reached := target != "same" && target != "its default port" && target != "capitals" && target != "http" && target != "loopback"
		if reached != (wrong != "") && target != "userinfo" {
			t.Errorf("%s: caught %q", target, wrong)
		}
	}
}
