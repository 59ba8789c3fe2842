package challenge

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/types"

	"gatehop/creds/secret"
	"gatehop/idp/idptest/kerberostest"
)

const alicePassword = "correct horse"

// newRealm is a realm with the service, or another one without.
func newRealm(t testing.TB, name string, services ...string) *kerberostest.Realm {
	t.Helper()
	r, err := kerberostest.NewRealm(name, services...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// goodKDC is one of the realm with alice and the service.
func goodKDC(t testing.TB) *kerberostest.KDC {
	t.Helper()
	return &kerberostest.KDC{Realm: newRealm(t, realm, service), People: map[string]string{"alice": alicePassword}}
}

// journal is what KDCs were asked, a line for each request: their name, and + for a proof.
type journal struct {
	mu   sync.Mutex
	seen []string
}

func (l *journal) add(name string, request []byte) {
	if kerberostest.HasProof(request) {
		name += "+"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, name)
}

func (l *journal) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.seen, " ")
}

// serve has a KDC answer on loopback, and returns its address.
func (l *journal) serve(t testing.TB, name string, answer func(request []byte) []byte) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go kerberostest.Serve(listener, func(request []byte) []byte {
		l.add(name, request)
		return answer(request)
	})
	return listener.Addr().String()
}

// closedPort is an address where nobody listens.
func closedPort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	return listener.Addr().String()
}

// confFor is a krb5.conf with the KDCs of realms, written REALM=ADDRESS, and more lines of
// libdefaults.
func confFor(t testing.TB, more string, kdcs ...string) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("[libdefaults]\n default_realm = " + realm + "\n dns_lookup_kdc = false\n" + more + "\n[realms]\n")
	names := map[string][]string{}
	for _, k := range kdcs {
		name, address, _ := strings.Cut(k, "=")
		names[name] = append(names[name], address)
	}
	for name, addresses := range names {
		text.WriteString(name + " = {\n")
		for _, address := range addresses {
			text.WriteString(" kdc = " + address + "\n")
		}
		text.WriteString("}\n")
	}
	return write(t, filepath.Join(t.TempDir(), "krb5.conf"), text.String())
}

// signIn is alice's with a password, or with what c has, at the server.
func signIn(t testing.TB, c Config, password string) (token []byte, err error) {
	t.Helper()
	c.Kind = Kerberos
	a, err := c.Answer(t.Context(), http.MethodGet, serverURL(t), negotiate, Who{"alice", secret.New(password)})
	if err != nil {
		if strings.Contains(err.Error(), password) || strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%q", err)
		}
		return nil, err
	}
	token, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(a.header, "Negotiate "))
	if err != nil {
		t.Fatal(err)
	}
	return token, nil
}

// wantAlice checks that the service takes a token as alice's.
func wantAlice(t testing.TB, r *kerberostest.Realm, token []byte, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("no ticket: %v", err)
		return
	}
	if name, _, ok := r.Tickets(service)(token); !ok || name != "alice@"+realm {
		t.Errorf("the service sees %q, %v", name, ok)
	}
}

// wantKind checks for an error of tickets, with text.
func wantKind(t testing.TB, err error, kind TicketKind, text string) {
	t.Helper()
	var got *TicketError
	if !errors.As(err, &got) || got.Kind != kind || !strings.Contains(err.Error(), text) {
		t.Errorf("%v, want %q with %q", err, kind, text)
	}
}

// piped has KDCs that answer in memory, for a bubble of synctest. nil for an answer: it
// never comes, until the client hangs up, which gone is told.
func piped(answer func(address string, request []byte) []byte, gone func(address string)) func(*config.Config) *kdcs {
	return func(conf *config.Config) *kdcs {
		k := newKDCs(conf)
		k.dial = func(_ context.Context, _, address string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer func() { _ = theirs.Close() }()
				request, err := readAnswer(theirs)
				if err != nil {
					return
				}
				if reply := answer(address, request); reply != nil {
					_, _ = theirs.Write(reply)
					return
				}
				if _, err := theirs.Read(make([]byte, 1)); err != nil && gone != nil {
					gone(address)
				}
			}()
			return ours, nil
		}
		return k
	}
}

// framed is an answer as it is on the wire (RFC 4120, section 7.2.2).
func framed(answer []byte) []byte {
	var b bytes.Buffer
	n := len(answer)
	b.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	b.Write(answer)
	return b.Bytes()
}

func principalName(name string) types.PrincipalName {
	return types.NewPrincipalName(nametype.KRB_NT_SRV_INST, name)
}
