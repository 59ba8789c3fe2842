package idptest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/go-ntlmssp"

	"gatehop/idp/idptest"
)

// talk is one client of NTLM over a transport.
type talk struct {
	t   testing.TB
	rt  http.RoundTripper
	url string
}

// send sends a message under a scheme and returns the status, and the server's message.
func (c talk) send(scheme string, msg []byte) (status int, offers []string, reply []byte) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if msg != nil {
		req.Header.Set("Authorization", scheme+" "+base64.StdEncoding.EncodeToString(msg))
	}
	resp, err := c.rt.RoundTrip(req)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = resp.Body.Close()
	offers = resp.Header.Values("WWW-Authenticate")
	if len(offers) == 1 {
		_, text, _ := strings.Cut(offers[0], " ")
		if reply, err = base64.StdEncoding.DecodeString(text); err != nil {
			c.t.Fatalf("%q: %v", offers, err)
		}
	}
	return resp.StatusCode, offers, reply
}

func negotiate(t testing.TB) []byte {
	t.Helper()
	msg, err := ntlmssp.NewNegotiateMessage("", "")
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// windowsAt are the addresses of integrated sign-in, by version.
func windowsAt() map[string]idptest.Options {
	return map[string]idptest.Options{
		base + "/adfs/ls/wia":              {Intranet: true},
		base + "/adfs/ls/auth/integrated/": {Flavour: "2.0", LocalAuthFirst: idptest.LocalIntegrated},
	}
}

// TestNTLM has the exchange, and every way to be refused. What the server computes is
// compared with a client that others wrote.
func TestNTLM(t *testing.T) {
	t.Parallel()
	for at, o := range windowsAt() {
		for name, c := range map[string]struct {
			user, password string
			change         func(msg []byte) []byte // of the last message
			scheme         string
			epa            bool
			state          idptest.UserState
			signedIn       bool
		}{
			"right":             {user: alice, signedIn: true},
			"in other letters":  {user: `corp\ALICE`, signedIn: true},
			"as UPN":            {user: "alice@corp", signedIn: true},
			"under Negotiate":   {user: alice, scheme: "Negotiate", signedIn: true},
			"wrong password":    {user: alice, password: "wrong"},
			"unknown user":      {user: `CORP\bob`},
			"wrong domain":      {user: `DEV\alice`},
			"bare name":         {user: "alice"},
			"locked":            {user: alice, state: idptest.UserLocked},
			"expired":           {user: alice, state: idptest.UserExpired},
			"not permitted":     {user: alice, state: idptest.UserNotPermitted, signedIn: true},
			"cut off":           {user: alice, change: func(m []byte) []byte { return m[:70] }},
			"too short":         {user: alice, change: func(m []byte) []byte { return m[:20] }},
			"another proof":     {user: alice, change: func(m []byte) []byte { m[binary.LittleEndian.Uint32(m[24:])] ^= 1; return m }},
			"other information": {user: alice, change: func(m []byte) []byte { m[binary.LittleEndian.Uint32(m[24:])+50] ^= 1; return m }},
			"not in Unicode":    {user: alice, change: func(m []byte) []byte { m[60] &^= 1; return m }},
			"an offset too far": {user: alice, change: func(m []byte) []byte { m[27] = 0x7f; return m }},
			"an answer too short": {user: alice, change: func(m []byte) []byte {
				binary.LittleEndian.PutUint16(m[20:], 8)
				return m
			}},
			"Extended Protection": {user: alice, epa: true},
		} {
			t.Run(at+" "+name, func(t *testing.T) {
				t.Parallel()
				o := o
				o.EPA = c.epa
				u := idptest.Alice()
				u.State = c.state
				o.Users = []idptest.User{u}
				p := newADFS(t, o)
				client := talk{t, idptest.Transport(map[string]http.Handler{host: p}), at}
				if status, offers, _ := client.send("", nil); status != 401 || !slices.Equal(offers, []string{"Negotiate", "NTLM"}) {
					t.Fatalf("first: %d, %q", status, offers)
				}
				if c.scheme == "" {
					c.scheme = "NTLM"
				}
				if c.password == "" {
					c.password = idptest.AlicePassword
				}
				status, offers, challenge := client.send(c.scheme, negotiate(t))
				if status != 401 || len(offers) != 1 || !strings.HasPrefix(offers[0], c.scheme+" ") {
					t.Fatalf("type 1: %d, %q", status, offers)
				}
				msg, err := ntlmssp.NewAuthenticateMessage(challenge, c.user, c.password, nil)
				if err != nil {
					t.Fatal(err)
				}
				if c.change != nil {
					msg = c.change(msg)
				}
				status, offers, _ = client.send(c.scheme, msg)
				if signedIn := status == http.StatusFound; signedIn != c.signedIn || !signedIn && !slices.Equal(offers, []string{"Negotiate", "NTLM"}) {
					t.Errorf("status %d, %q", status, offers)
				}
				if bugs := p.ClientBugs(); len(bugs) > 0 {
					t.Errorf("%q", bugs)
				}
			})
		}
	}
}

// TestNTLMBound: with a channel binding in the answer, which the simulator takes for the
// right one, Extended Protection lets it in.
func TestNTLMBound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		binding []byte
		want    int
	}{
		"bound": {bytes.Repeat([]byte{7}, 16), 302}, "to nothing": {make([]byte, 16), 401}, "too short": {[]byte{7}, 401},
	} {
		p := newADFS(t, idptest.Options{Intranet: true, EPA: true})
		client := talk{t, idptest.Transport(map[string]http.Handler{host: p}), base + "/adfs/ls/wia"}
		_, _, challenge := client.send("NTLM", negotiate(t))
		// The client library copies the target information, so that a pair put in there
		// comes back, under the proof.
		pair := append([]byte{10, 0, byte(len(c.binding)), 0}, c.binding...)
		at := binary.LittleEndian.Uint32(challenge[44:])
		size := binary.LittleEndian.Uint16(challenge[40:]) + uint16(len(pair))
		binary.LittleEndian.PutUint16(challenge[40:], size)
		binary.LittleEndian.PutUint16(challenge[42:], size)
		challenge = slices.Insert(challenge, int(at), pair...)
		msg, err := ntlmssp.NewAuthenticateMessage(challenge, alice, idptest.AlicePassword, nil)
		if err != nil {
			t.Fatal(err)
		}
		if status, _, _ := client.send("NTLM", msg); status != c.want {
			t.Errorf("%s: status %d, want %d", name, status, c.want)
		}
	}
}

// TestNTLMConnection: a challenge is for one connection, once. T07's mutants.
func TestNTLMConnection(t *testing.T) {
	t.Parallel()
	for at, o := range windowsAt() {
		for name, c := range map[string]struct {
			scatter, twice bool
			bugs           int
		}{"kept": {}, "another connection": {scatter: true, bugs: 1}, "the same message twice": {twice: true, bugs: 1}} {
			p := newADFS(t, o)
			transport := idptest.Transport(map[string]http.Handler{host: p})
			if c.scatter {
				transport.Scatter()
			}
			client := talk{t, transport, at}
			_, _, challenge := client.send("NTLM", negotiate(t))
			msg, err := ntlmssp.NewAuthenticateMessage(challenge, alice, idptest.AlicePassword, nil)
			if err != nil {
				t.Fatal(err)
			}
			status, _, _ := client.send("NTLM", msg)
			if (status == http.StatusFound) == c.scatter {
				t.Errorf("%s: status %d", name, status)
			}
			if c.twice {
				if status, _, _ := client.send("NTLM", msg); status != 401 {
					t.Errorf("%s: status %d", name, status)
				}
			}
			bugs := p.ClientBugs()
			if len(bugs) != c.bugs || len(bugs) > 0 && !strings.HasPrefix(bugs[0], "11: ") {
				t.Errorf("%s: %q", name, bugs)
			}
		}
	}
}

// FuzzNTLM sends messages of every kind: the server answers 401, or lets in who knows the
// password.
func FuzzNTLM(f *testing.F) {
	f.Add(negotiate(f), []byte("NTLMSSP\x00\x03\x00\x00\x00"))
	long := append([]byte("NTLMSSP\x00\x03\x00\x00\x00"), make([]byte, 200)...)
	long[20], long[24], long[60] = 60, 64, 1
	f.Add(long, long)
	f.Fuzz(func(t *testing.T, one, two []byte) {
		p := newADFS(t, idptest.Options{Intranet: true, EPA: len(one)%2 == 0})
		client := talk{t, idptest.Transport(map[string]http.Handler{host: p}), base + "/adfs/ls/wia"}
		_, _, _ = client.send("NTLM", negotiate(t))
		for _, msg := range [][]byte{one, two} {
			if status, _, _ := client.send("NTLM", msg); status != 401 {
				t.Errorf("status %d for %x", status, msg)
			}
		}
	})
}
