//go:build interop

package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// httpAuth is Apache with mod_auth_gssapi, gss-ntlmssp, Basic and Digest in front of
// SimpleSAMLphp, and the KDC that it trusts.
type httpAuth struct {
	idp   simpleSAML
	realm realm
	words *strings.Replacer // of $ALICE and the like
}

// startHTTPAuth starts them, and what a case may name: $ALICE, $BOB and $EXPIRED are
// credential caches, $STATE the KDC's folder. $AHEAD is that of a KDC an hour ahead and
// $LATER alice's cache from there; $WRONG has a krb5.conf without a KDC and a wrong
// password for gss-ntlmssp.
func startHTTPAuth(t *testing.T) httpAuth {
	t.Helper()
	r := startRealm(t, "")
	ahead := startRealm(t, "+1h")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ntlm-users": "CORP:alice:not-hers\n",
		"krb5.conf":  "[libdefaults]\ndefault_realm = CORP.EXAMPLE\n[realms]\nCORP.EXAMPLE = {\nkdc = 127.0.0.1:1\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return httpAuth{realm: r, idp: startSimpleSAML(t, "https", r), words: strings.NewReplacer(
		"$ALICE", r.ticket(t, "alice"), "$BOB", r.ticket(t, "bob"), "$EXPIRED", r.expiredTicket(t, "alice"), "$STATE", r.state,
		"$AHEAD", ahead.state, "$LATER", ahead.ticket(t, "alice"), "$WRONG", dir)}
}

// door is where a sign-in starts that has the HTTP authentication of path before it.
func door(host, port, path string) string {
	return "https://" + net.JoinHostPort(host, port) + path + "/saml2/idp/SSOService.php?spentityid=urn:amazon:webservices"
}

// subject is whom a page with a SAML response, or the response alone, is about; "" if
// there is none.
func subject(t *testing.T, page string) string {
	t.Helper()
	if m := regexp.MustCompile(`name="SAMLResponse" value="([^"]*)"`).FindStringSubmatch(page); m != nil {
		page = m[1]
	}
	document, err := base64.StdEncoding.DecodeString(page)
	if err != nil {
		return ""
	}
	var response struct {
		NameID string `xml:"Assertion>Subject>NameID"`
	}
	if err := xml.Unmarshal(document, &response); err != nil {
		t.Errorf("a SAML response that is no XML: %v", err)
	}
	return response.NameID
}

// curl is the page that it gets, and how the last answer began.
func (h httpAuth) curl(t *testing.T, url string, env []string, args ...string) (page, status string) {
	t.Helper()
	cmd := exec.Command("curl", append([]string{"-s", "--noproxy", "*", "--max-time", "30", "--cacert", h.idp.ca, "-w", "%{stderr}%{http_code}", url}, args...)...)
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir()}, append(h.realm.env(), env...)...)
	var out, code bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &code
	if err := cmd.Run(); err != nil {
		t.Fatalf("curl %s: %v", url, err)
	}
	return out.String(), code.String()
}

// TestInteropHTTPAuthentication signs in where Apache asks for Kerberos, NTLM, Basic or
// Digest before SimpleSAMLphp is reached.
func TestInteropHTTPAuthentication(t *testing.T) {
	t.Parallel()
	h := startHTTPAuth(t)
	gatehop := build(t, ".", "gatehop")
	t.Run("other clients", func(t *testing.T) { h.otherClients(t) })
	t.Run("knocks", func(t *testing.T) {
		for _, k := range knocks {
			t.Run(k.name, func(t *testing.T) {
				t.Parallel()
				k.check(t, k.visit(t, h, gatehop).run(t, "login", "gateway"))
			})
		}
	})
	t.Run("each wrong password went to the KDC once", func(t *testing.T) {
		if a, b := h.realm.refused(t, "alice"), h.realm.refused(t, "bob"); a != 0 || b != 1 {
			t.Errorf("%d of alice and %d of bob, want none and one", a, b)
		}
	})
	for _, k := range refusedPasswords {
		t.Run("refused password/"+k.name, func(t *testing.T) { k.twice(t, h, gatehop) })
	}
	for _, k := range returns {
		t.Run("return/"+k.name, func(t *testing.T) { k.again(t, h, gatehop) })
	}
	t.Run("unattended", func(t *testing.T) { returns[0].unattended(t, h, gatehop) })
	t.Run("judge", func(t *testing.T) { h.judged(t, gatehop) })
}

// otherClients: the servers are what they are taken for, on the word of a client that is
// not gatehop. curl's own NTLM is not among them (gss-ntlmssp refuses its short first
// message), but libgssapi does NTLM for it.
func (h httpAuth) otherClients(t *testing.T) {
	server, err := url.Parse(h.idp.url)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path string
		env, args  []string
		who        string
	}{
		{name: "nothing at Kerberos", path: "/kerberos"},
		{name: "no ticket", path: "/kerberos", args: []string{"--negotiate", "-u", ":"}},
		{name: "alice's ticket", path: "/kerberos", env: []string{"KRB5CCNAME=FILE:$ALICE"}, args: []string{"--negotiate", "-u", ":"}, who: "alice"},
		{name: "bob's ticket", path: "/kerberos", env: []string{"KRB5CCNAME=FILE:$BOB"}, args: []string{"--negotiate", "-u", ":"}, who: "bob"},
		{name: "expired ticket", path: "/kerberos", env: []string{"KRB5CCNAME=FILE:$EXPIRED"}, args: []string{"--negotiate", "-u", ":"}},
		{name: "ticket for another key", path: "/stranger", env: []string{"KRB5CCNAME=FILE:$ALICE"}, args: []string{"--negotiate", "-u", ":"}},
		{name: "password at Kerberos", path: "/kerberos", args: []string{"--basic", "-u", "alice:alice-pass"}},
		{name: "NTLM", path: "/ntlm", env: []string{"NTLM_USER_FILE=$STATE/ntlm-users"}, args: []string{"--negotiate", "-u", ":"}, who: "alice"},
		{name: "NTLM, wrong", path: "/ntlm", env: []string{"NTLM_USER_FILE=$WRONG/ntlm-users"}, args: []string{"--negotiate", "-u", ":"}},
		{name: "ticket at NTLM", path: "/ntlm", env: []string{"KRB5CCNAME=FILE:$ALICE"}, args: []string{"--negotiate", "-u", ":"}},
		{name: "ticket at either", path: "/either", env: []string{"KRB5CCNAME=FILE:$ALICE"}, args: []string{"--negotiate", "-u", ":"}, who: "alice"},
		{name: "Basic", path: "/basic", args: []string{"--basic", "-u", "alice:alice-pass"}, who: "alice"},
		{name: "Basic, wrong", path: "/basic", args: []string{"--basic", "-u", "alice:not-hers"}},
		{name: "Digest", path: "/digest", args: []string{"--digest", "-u", "bob:bob-pass"}, who: "bob"},
		{name: "Digest, wrong", path: "/digest", args: []string{"--digest", "-u", "bob:not-his"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for i := range test.env {
				test.env[i] = h.words.Replace(test.env[i])
			}
			page, status := h.curl(t, door("localhost", server.Port(), test.path), test.env, test.args...)
			want := map[bool]string{true: "200", false: "401"}[test.who != ""]
			if who := subject(t, page); who != test.who || status != want {
				t.Errorf("curl got %s and an assertion about %q, want %s and %q", status, who, want, test.who)
			}
		})
	}
}
