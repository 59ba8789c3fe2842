package challenge

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/spnego"
	"github.com/jcmturner/gokrb5/v8/types"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/idptest/kerberostest"
)

const (
	realm   = "CORP.EXAMPLE"
	server  = "adfs.corp.example"
	service = "HTTP/" + server
)

func serverURL(t testing.TB) *url.URL {
	t.Helper()
	u, err := url.Parse("https://ADFS.corp.example:8443/adfs/ls/wia?x=y")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// kdc answers every request over TCP with a KRB-ERROR of that code; 0: it hangs up; -1: it
// never answers. It returns a krb5.conf.
func kdc(t *testing.T, code int32, more string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	reply := messages.NewKRBError(types.PrincipalName{NameType: 2, NameString: []string{"krbtgt", realm}}, realm, code, "words of the KDC \x1b[31m")
	data, err := reply.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	go kerberostest.Serve(l, func([]byte) []byte {
		switch code {
		case 0:
			return nil
		case -1:
			<-t.Context().Done()
			return nil
		}
		return data
	})
	conf := filepath.Join(t.TempDir(), "krb5.conf")
	text := "includedir /nowhere\n[libdefaults]\n default_realm = " + realm + "\n dns_lookup_kdc = false\n" + more + "[realms]\n " + realm + " = {\n  kdc = " + l.Addr().String() + "\n }\n"
	write(t, conf, text)
	return conf
}

func write(t testing.TB, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func cacheOf(t testing.TB, user string, from, until time.Duration, services ...string) string {
	t.Helper()
	r, err := kerberostest.NewRealm(realm, services...)
	if err != nil {
		t.Fatal(err)
	}
	data, err := r.Cache(user, time.Now().Add(from), time.Now().Add(until), services...)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(t.TempDir(), "cc"), string(data))
}

func keytabOf(t testing.TB, users ...string) string {
	t.Helper()
	kt := keytab.New()
	for _, u := range users {
		name, r, _ := strings.Cut(u, "@")
		if err := kt.AddEntry(name, r, "x", time.Unix(1, 0), 1, etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
			t.Fatal(err)
		}
	}
	data, err := kt.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(t.TempDir(), "kt"), string(data))
}

var negotiate = []Offer{{Scheme: "Negotiate"}}

// TestTicket signs in by a credential cache: the token is for the host as it is configured,
// in small letters and without its port, and is taken by the service.
func TestTicket(t *testing.T) {
	t.Parallel()
	r, err := kerberostest.NewRealm(realm, service, "HTTP/other.example")
	if err != nil {
		t.Fatal(err)
	}
	data, err := r.Cache("alice", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), service, "HTTP/other.example")
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, filepath.Join(t.TempDir(), "cc"), string(data))
	for _, name := range []string{file, "FILE:" + file, "file:" + file} {
		for _, user := range []string{"", "alice", `CORP\ALICE`, "Alice@corp.example"} {
			c := Config{Kind: Kerberos, Cache: name, Username: user, Conf: kdc(t, errorcode.KRB_ERR_GENERIC, "")}
			a, err := c.Answer(t.Context(), http.MethodGet, serverURL(t), negotiate, Who{})
			if err != nil {
				t.Errorf("%s as %q: %v", name, user, err)
				continue
			}
			token, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(a.header, "Negotiate "))
			if err != nil || a.bound || a.begin != nil {
				t.Fatalf("%v: %+v", err, a)
			}
			if name, _, ok := r.Tickets(service)(token); !ok || name != "alice@"+realm {
				t.Errorf("the service sees %q, %v", name, ok)
			}
			if _, _, ok := r.Tickets("HTTP/other.example")(token); ok {
				t.Error("another service takes the token")
			}
		}
	}
}

// TestTicketErrors: why there is no ticket.
func TestTicketErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := cacheOf(t, "alice", -time.Hour, time.Hour, service)
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, text string) string { return write(t, filepath.Join(dir, name), text) }
	for _, c := range []struct {
		name string
		c    Config
		who  string
		code int32 // of the KDC
		want TicketKind
		text string // part of the error's
	}{
		{"no cache", Config{Cache: filepath.Join(dir, "none")}, "", 0, NoCache, "does not exist"},
		{"a folder", Config{Cache: dir}, "", 0, NoCache, "not a regular file"},
		{"something else", Config{Cache: file("else", "hello")}, "", 0, NoCache, "something else"},
		{"empty", Config{Cache: file("empty", "")}, "", 0, NoCache, "something else"},
		{"cut off", Config{Cache: file("cut", string(data[:len(data)/2]))}, "", 0, NoCache, "something else"},
		{"huge", Config{Cache: file("huge", strings.Repeat("x", maxFile+1))}, "", 0, NoCache, "too large"},
		{"DIR", Config{Cache: "DIR:/tmp/x"}, "", 0, CacheType, "DIR: "},
		{"KEYRING", Config{Cache: "KEYRING:persistent:0"}, "", 0, CacheType, "KEYRING: "},
		{"KCM", Config{Cache: "KCM:"}, "", 0, CacheType, "KCM: "},
		{"API", Config{Cache: "API:1234"}, "", 0, CacheType, "API: "},
		{"expired", Config{Cache: cacheOf(t, "alice", -2*time.Hour, -time.Hour, service)}, "", 0, ExpiredTicket, "(at 20"},
		{"somebody else's", Config{Cache: cacheOf(t, "bob", -time.Hour, time.Hour, service), Username: `CORP\alice`}, "", 0, OtherPerson, "(bob@" + realm + ")"},
		{"service unknown", Config{Cache: cacheOf(t, "alice", -time.Hour, time.Hour)}, "", errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN, UnknownService, service},
		{"no keytab", Config{Keytab: filepath.Join(dir, "none")}, "", 0, NoKeytab, "does not exist"},
		{"no keytab either", Config{Keytab: good}, "", 0, NoKeytab, "something else"},
		{"keys of two", Config{Keytab: keytabOf(t, "a@"+realm, "b@"+realm)}, "", 0, NoKey, "several users"},
		{"keys of others", Config{Keytab: keytabOf(t, "a@"+realm, "b@"+realm), Username: "alice"}, "", 0, NoKey, "alice"},
		{"key of another realm", Config{Keytab: keytabOf(t, "alice@OTHER"), Username: "alice@" + realm}, "", errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN, UnknownUser, "alice@" + realm},
		{"key refused", Config{Keytab: keytabOf(t, "alice@"+realm)}, "", errorcode.KRB_AP_ERR_BAD_INTEGRITY, KeyRefused, "alice@" + realm},
		{"no realm", Config{Conf: filepath.Join(dir, "none")}, "alice", 0, NoRealm, `"alice"`},
		{"no realm in a short name", Config{Conf: file("bare.conf", "")}, `CORP\alice`, 0, NoRealm, `"CORP\\alice"`},
		{"broken krb5.conf", Config{Conf: file("broken.conf", "[realms]\n X = {\n }\n }\n")}, "alice", 0, NoConf, "something else"},
		{"no krb5.conf", Config{Conf: dir}, "alice", 0, NoConf, "not a regular file"},
		{"user unknown", Config{}, "alice", errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN, UnknownUser, "alice@" + realm},
		{"wrong realm", Config{}, "alice", errorcode.KDC_ERR_POLICY, OtherError, "KDC_ERR_POLICY"},
		{"clock", Config{}, "alice", errorcode.KRB_AP_ERR_SKEW, ClockSkew, realm},
		{"locked", Config{}, "alice", errorcode.KDC_ERR_CLIENT_REVOKED, Revoked, "alice@" + realm},
		{"no type in common", Config{}, "alice", errorcode.KDC_ERR_ETYPE_NOSUPP, Encryption, realm},
		{"hangs up", Config{}, "alice", 0, NoKDC, realm},
		{"another realm without a KDC", Config{}, "alice@OTHER.EXAMPLE", 0, NoKDC, "OTHER.EXAMPLE"},
		{"a code that nobody knows", Config{}, "alice", 9999, OtherError, "9999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.c.Kind = Kerberos
			if c.c.Conf == "" {
				c.c.Conf = kdc(t, c.code, "")
			}
			_, err := c.c.Answer(t.Context(), http.MethodGet, serverURL(t), negotiate, Who{c.who, secret.New("correct horse")})
			var got *TicketError
			if !errors.As(err, &got) || got.Kind != c.want || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, want %q with %q", err, c.want, c.text)
			}
			if strings.ContainsAny(err.Error(), "\x1b\n") || strings.Contains(err.Error(), "correct horse") {
				t.Errorf("%q", err)
			}
		})
	}
}

// TestTicketRefusals: a KDC that does not take the password.
func TestTicketRefusals(t *testing.T) {
	t.Parallel()
	for code, want := range map[int32]idp.Verdict{errorcode.KDC_ERR_PREAUTH_FAILED: idp.Rejected, errorcode.KDC_ERR_KEY_EXPIRED: idp.PasswordExpired} {
		asked := asked{user: "alice", realm: realm, password: true}
		reply := messages.NewKRBError(types.PrincipalName{}, realm, code, "")
		var got *idp.PageError
		if !errors.As(asked.judge(reply), &got) || got.Verdict != want || got.Scheme != "Kerberos" {
			t.Errorf("%d: %+v, want %s", code, got, want)
		}
	}
	c := Config{Kind: Kerberos, Conf: kdc(t, errorcode.KRB_AP_ERR_BAD_INTEGRITY, "")}
	_, err := c.Answer(t.Context(), http.MethodGet, serverURL(t), negotiate, Who{"alice", secret.New("correct horse")})
	var page *idp.PageError
	if !errors.As(err, &page) || page.Verdict != idp.Rejected || page.URL != "https://ADFS.corp.example:8443/adfs/ls/wia" || !strings.Contains(page.Words, "alice@"+realm) {
		t.Errorf("%+v", page)
	}
}

// TestTicketHangs: a KDC that never answers holds nobody up who has given up.
func TestTicketHangs(t *testing.T) {
	t.Parallel()
	c := Config{Kind: Kerberos, Conf: kdc(t, -1, "")}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := c.Answer(ctx, http.MethodGet, serverURL(t), negotiate, Who{"alice", secret.New("x")})
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestPrincipal(t *testing.T) {
	t.Parallel()
	conf, err := readConf(kdc(t, 0, " forwardable = true\n"))
	if err != nil {
		t.Fatal(err)
	}
	if d := conf.LibDefaults; d.Forwardable || d.DNSLookupKDC {
		t.Errorf("%+v", d)
	}
	if plain, err := readConf(""); err != nil || !plain.LibDefaults.DNSLookupKDC {
		t.Errorf("without a file: %+v, %v", plain, err)
	}
	for name, want := range map[string]string{
		"alice": "alice@" + realm, `CORP\alice`: "alice@" + realm, `dev.corp.example\alice`: "alice@DEV.CORP.EXAMPLE", "alice@corp.example": "alice@" + realm,
		"alice@Dev.Corp": "alice@DEV.CORP", " alice ": "alice@" + realm, "": "", "@x": "", `x.y\`: "", "alice@": "",
	} {
		user, r, err := principal(name, conf)
		if got := user + "@" + r; err == nil && got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestCacheFile(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"/tmp/cc": "/tmp/cc", "FILE:/tmp/cc": "/tmp/cc", `C:\x\cc`: `C:\x\cc`, "/a:b/c": "/a:b/c", "cc": "cc", "MEMORY:x": "", "MSLSA:": "", "WRFILE:/x": "", "FILE": "FILE",
	} {
		got, err := cacheFile(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", name, got, err, want)
		}
	}
}

func FuzzCache(f *testing.F) {
	data, err := os.ReadFile(cacheOf(f, "alice", -time.Hour, time.Hour, service))
	if err != nil {
		f.Fatal(err)
	}
	conf := write(f, filepath.Join(f.TempDir(), "krb5.conf"), "[libdefaults]\n dns_lookup_kdc = false\n")
	f.Add(data, "FILE:x")
	f.Add([]byte{5, 4, 0, 0}, "KEYRING:x:y")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		if file, err := cacheFile(name); err == nil && !strings.HasSuffix(name, file) {
			t.Errorf("%q is the file %q", name, file)
		}
		if len(data) > 4<<10 {
			return
		}
		c := Config{Kind: Kerberos, Cache: write(t, filepath.Join(t.TempDir(), "cc"), string(data)), Conf: conf}
		_, err := c.Answer(t.Context(), http.MethodGet, serverURL(t), negotiate, Who{})
		if err != nil && !errors.As(err, new(*TicketError)) {
			t.Errorf("%v", err)
		}
	})
}

// TestKerberosRefusal: what a server says about clocks is heard, alone and in SPNEGO.
func TestKerberosRefusal(t *testing.T) {
	t.Parallel()
	token := func(code int32, wrapped bool) string {
		r, err := kerberostest.NewRealm(realm, service)
		if err != nil {
			t.Fatal(err)
		}
		text, err := r.Refusal(service, code)
		if err != nil {
			t.Fatal(err)
		}
		if wrapped {
			resp := spnego.NegTokenResp{NegState: 2, SupportedMech: gssapi.OIDKRB5.OID(), ResponseToken: text}
			if text, err = resp.Marshal(); err != nil {
				t.Fatal(err)
			}
		}
		return base64.StdEncoding.EncodeToString(text)
	}
	for _, c := range []struct {
		offer Offer
		want  bool
	}{
		{Offer{Scheme: "Negotiate", Token: token(errorcode.KRB_AP_ERR_SKEW, false)}, true},
		{Offer{Scheme: "negotiate", Token: token(errorcode.KRB_AP_ERR_SKEW, true)}, true},
		{Offer{Scheme: "Negotiate", Token: token(errorcode.KRB_AP_ERR_MODIFIED, true)}, false},
		{Offer{Scheme: "NTLM", Token: token(errorcode.KRB_AP_ERR_SKEW, true)}, false},
		{Offer{Scheme: "Negotiate", Token: "oQcwBaADCgEC"}, false},
		{Offer{Scheme: "Negotiate", Token: "YII="}, false},
		{Offer{Scheme: "Negotiate"}, false},
	} {
		err := KerberosRefusal(server, []Offer{{Scheme: "NTLM"}, c.offer})
		var got *TicketError
		if errors.As(err, &got) != c.want || c.want && (got.Kind != ClockSkew || got.Name != server) {
			t.Errorf("%+v: %v", c.offer, err)
		}
	}
}
