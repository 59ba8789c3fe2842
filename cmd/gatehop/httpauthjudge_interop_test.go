//go:build interop

package main_test

import (
	"crypto/tls"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gatehop/sts/ststest"
)

// judged: what judges gatehop's sign-ins finds fault with those that are not as they
// should be.
func (h httpAuth) judged(t *testing.T, gatehop string) {
	t.Run("another person's ticket", func(t *testing.T) {
		meant := knock{name: "alice", path: "/kerberos", who: "alice", shows: []string{"Negotiate"}}
		taken := meant
		taken.keys = []string{auth + "kerberos", "gatehop_ccache = $BOB"}
		faults(t, meant.judge(taken.visit(t, h, gatehop).run(t, "login", "gateway")), `about "bob", want "alice"`)
	})
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:alice-pass"))
	ntlm := func(kind string) string {
		return "NTLM " + base64.StdEncoding.EncodeToString([]byte("NTLMSSP\x00"+kind+"\x00\x00\x00"))
	}
	tests := []struct {
		name, path string
		meant      []string
		sends      []string // Authorization, each on a connection of its own
		want       string
	}{
		{name: "password where a ticket is wanted", path: "/kerberos", sends: []string{basic}, want: "the password can be read in a request for /kerberos"},
		{name: "Basic is counted", path: "/kerberos", sends: []string{basic}, want: `shown ["Basic"], want []`},
		{name: "password twice", path: "/basic", meant: []string{"Basic"}, sends: []string{basic, basic}, want: `shown ["Basic" "Basic"]`},
		{name: "NTLM over two connections", path: "/ntlm", meant: []string{"NTLM 1", "NTLM 3"}, sends: []string{ntlm("\x01"), ntlm("\x03")},
			want: "another connection"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := h.idp.tap(t, false)
			for _, proof := range test.sends {
				send(t, "https://"+w.addr+test.path+"/", proof)
			}
			k := knock{path: test.path, password: "alice-pass", shows: test.meant}
			faults(t, k.judge(heard{requests: w.requests(t)}), test.want)
		})
	}
	t.Run("NTLM and HTTP/2", func(t *testing.T) {
		w := h.idp.tap(t, false)
		send(t, "https://"+w.addr+"/ntlm/", ntlm("\x01"))
		faults(t, knock{}.judge(heard{requests: w.requests(t), alpn: w.protocols()}), "HTTP/2 was offered")
	})
	t.Run("encoding", func(t *testing.T) {
		faults(t, knock{}.judge(heard{outcome: outcome{stderr: "the page is in windows-1252"}}), "encoding")
	})
	t.Run("another browser", func(t *testing.T) {
		faults(t, knock{agent: "Trident"}.judge(heard{requests: []said{{agent: "Go-http-client/1.1"}}}), `want "Trident" in it`)
	})
	t.Run("nothing as it should be", func(t *testing.T) {
		found := knock{status: 5, who: "alice", shows: []string{"Basic"}, stderr: []string{"a word"}}.judge(heard{})
		for _, want := range []string{"status 0, want 5", `about "", want "alice"`, `stdout has no "assumed-role/ReadOnly/alice@`, "STS counts", `stderr has no "a word"`,
			`shown [], want ["Basic"]`} {
			faults(t, found, want)
		}
		faults(t, knock{}.judge(heard{aws: ststest.Counts{AssumeRoleWithSAML: 1}}), "STS counts")
		faults(t, knock{}.judge(heard{aws: ststest.Counts{Refused: 1}}), "STS counts")
		faults(t, knock{password: "secret"}.judge(heard{outcome: outcome{stderr: "a secret"}}), "the password is in the output")
		faults(t, knock{}.judge(heard{requests: []said{{body: "x=y"}}}), `shown ["form"], want []`)
		faults(t, knock{password: "secret", path: "/basic"}.judge(heard{requests: []said{{path: "/a", all: "/a?b=secret"}}}), "can be read in a request for /a")
		if found := (knock{}).judge(heard{}); found != nil {
			t.Errorf("the judge says %q of a run that nothing was wanted of", found)
		}
	})
	t.Run("password for AWS", func(t *testing.T) {
		faults(t, knock{password: "alice-pass"}.judge(heard{sent: "x=alice-pass"}), "AWS has it")
	})
}

// faults fails unless the one thing wanted is among what was found.
func faults(t *testing.T, found []string, want string) {
	t.Helper()
	if !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, want) }) {
		t.Errorf("the judge says %q, want %q among it", found, want)
	}
}

// send makes a request over a connection of its own.
func send(t *testing.T, url, proof string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // the test's own server
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", proof)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}
