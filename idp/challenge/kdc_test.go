package challenge

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/idptest/kerberostest"
)

// TestProofOnce: what a password has made is shown to one KDC and once, whatever becomes of
// it. What holds no proof goes from one to the other.
func TestProofOnce(t *testing.T) {
	t.Parallel()
	unanswered := idp.Verdict("") // no verdict over a password, but TicketKind Unanswered
	for _, c := range []struct {
		name     string
		first    func(good func([]byte) []byte, request []byte) []byte // of two KDCs, whose second is good
		password string
		want     string // of the log
		verdict  idp.Verdict
	}{
		{"both good", func(good func([]byte) []byte, r []byte) []byte { return good(r) }, alicePassword, "1 1+ 1", "ok"},
		{"wrong password", func(good func([]byte) []byte, r []byte) []byte { return good(r) }, "wrong", "1 1+", idp.Rejected},
		{"hangs up at the proof", func(good func([]byte) []byte, r []byte) []byte {
			if kerberostest.HasProof(r) {
				return nil
			}
			return good(r)
		}, "wrong", "1 1+", unanswered},
		{"always hangs up", func(func([]byte) []byte, []byte) []byte { return nil }, alicePassword, "1 2 2+ 2", "ok"},
		{"always hangs up, wrong password", func(func([]byte) []byte, []byte) []byte { return nil }, "wrong", "1 2 2+", idp.Rejected},
		{"hangs up at what follows", func(good func([]byte) []byte, r []byte) []byte {
			if new(messages.TGSReq).Unmarshal(r) == nil {
				return nil
			}
			return good(r)
		}, alicePassword, "1 1+ 1 2", "ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k, l := goodKDC(t), &journal{}
			one := l.serve(t, "1", func(r []byte) []byte { return c.first(k.Answer, r) })
			two := l.serve(t, "2", k.Answer)
			// The first of them all takes no connection: that passes.
			conf := confFor(t, "", realm+"="+closedPort(t), realm+"="+one, realm+"="+two)
			token, err := signIn(t, Config{Conf: conf}, c.password)
			if l.String() != c.want {
				t.Errorf("asked %q, want %q", l, c.want)
			}
			var page *idp.PageError
			switch {
			case c.verdict == "ok":
				wantAlice(t, k.Realm, token, err)
			case c.verdict == unanswered:
				wantKind(t, err, Unanswered, realm)
			case !errors.As(err, &page) || page.Verdict != c.verdict:
				t.Errorf("%v, want %s", err, c.verdict)
			}
		})
	}
}

// TestProofByKeytab: the same of a keytab's.
func TestProofByKeytab(t *testing.T) {
	t.Parallel()
	k, l := goodKDC(t), &journal{}
	hangs := func(r []byte) []byte {
		if kerberostest.HasProof(r) {
			return nil
		}
		return k.Answer(r)
	}
	conf := confFor(t, "", realm+"="+l.serve(t, "1", hangs), realm+"="+l.serve(t, "2", hangs))
	_, err := signIn(t, Config{Keytab: keytabOf(t, "alice@"+realm), Conf: conf}, "x")
	if wantKind(t, err, Unanswered, realm); l.String() != "1 1+" {
		t.Errorf("asked %q", l)
	}
}

// TestLongAnswer: a KDC's word for the length of its answer is not believed. It runs alone:
// memory is counted for the whole process.
func TestLongAnswer(t *testing.T) {
	for size, ok := range map[uint32]bool{0: true, maxAnswer: true, maxAnswer + 1: false, 1<<31 - 1: false, 1 << 31: false, 1<<32 - 1: false} {
		var before, after runtime.MemStats
		head := binary.BigEndian.AppendUint32(nil, size)
		runtime.ReadMemStats(&before)
		data, err := readAnswer(io.MultiReader(bytes.NewReader(head), bytes.NewReader(make([]byte, min(size, maxAnswer)))))
		runtime.ReadMemStats(&after)
		if ok && (err != nil || len(data) != int(size)) || !ok && !errors.Is(err, errTooLong) {
			t.Errorf("%d: %d bytes, %v", size, len(data), err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
			t.Errorf("%d: took %d bytes of memory", size, used)
		}
	}
	if _, err := readAnswer(strings.NewReader("\x00\x00\x00\x05abcd")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an answer cut off: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		k := piped(func(string, []byte) []byte { asked++; return []byte{0x7f, 0xff, 0xff, 0xff} }, nil)(confOf("a", "b"))
		_, err := k.ask(t.Context(), realm, []byte("x"), false)
		if wantKind(t, err, OtherError, "too long"); asked != 1 {
			t.Errorf("%d were asked", asked)
		}
	})
}

// confOf has KDCs of the realm.
func confOf(addresses ...string) *config.Config {
	c := config.New()
	c.Realms = []config.Realm{{Realm: realm, KDC: addresses}}
	return c
}

// TestSilentKDC: a KDC that says nothing holds nobody up for long: not the one who gives up,
// who leaves no connection behind, nor the next KDC's turn.
func TestSilentKDC(t *testing.T) {
	t.Parallel()
	for _, proof := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			gone := make(chan string, 2)
			begun := make(chan bool, 2)
			k := piped(func(string, []byte) []byte { begun <- true; return nil }, func(a string) { gone <- a })(confOf("a", "b"))
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-begun; cancel() }()
			start := time.Now()
			_, err := k.ask(ctx, realm, []byte("x"), proof)
			if a := <-gone; a != "a:88" || err == nil || time.Since(start) != 0 {
				t.Errorf("%v after %v, %s is left", err, time.Since(start), a)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			k := piped(func(address string, _ []byte) []byte {
				if address == "a:88" {
					return nil
				}
				return framed([]byte("hello"))
			}, nil)(confOf("a", "b"))
			start := time.Now()
			answer, err := k.ask(t.Context(), realm, []byte("x"), proof)
			if proof {
				wantKind(t, err, Unanswered, realm)
			} else if string(answer) != "hello" || err != nil {
				t.Errorf("%q, %v", answer, err)
			}
			if time.Since(start) != answerLimit {
				t.Errorf("after %v", time.Since(start))
			}
		})
	}
}

// TestUnreachableKDC: the same of one that takes no connection, and of DNS.
func TestUnreachableKDC(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	synctest.Test(t, func(t *testing.T) {
		k := newKDCs(confOf("a", "b"))
		k.dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, hang(ctx) }
		start := time.Now()
		_, err := k.ask(t.Context(), realm, []byte("x"), true)
		if wantKind(t, err, NoKDC, realm); time.Since(start) != 2*dialLimit {
			t.Errorf("after %v", time.Since(start))
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Second); cancel() }()
		start = time.Now()
		if _, err := k.ask(ctx, realm, []byte("x"), true); err == nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		k := newKDCs(config.New())
		k.conf.LibDefaults.DNSLookupKDC = true
		k.lookup = func(ctx context.Context, _, _, _ string) (string, []*net.SRV, error) { return "", nil, hang(ctx) }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := k.ask(ctx, realm, []byte("x"), true); err == nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestAllSilent: however many KDCs say nothing, a sign-in ends in time.
func TestAllSilent(t *testing.T) {
	t.Parallel()
	conf := confFor(t, "", realm+"=a:1", realm+"=b:1", realm+"=c:1", realm+"=d:1", realm+"=e:1")
	page := serverURL(t)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := Config{Kind: Kerberos, Conf: conf}.ticketFrom(t.Context(), page, Who{"alice", secret.New("x")}, piped(func(string, []byte) []byte { return nil }, nil))
		if wantKind(t, err, NoKDC, realm); time.Since(start) != kdcLimit {
			t.Errorf("after %v", time.Since(start))
		}
	})
}

// TestAddresses: where KDCs are looked for.
func TestAddresses(t *testing.T) {
	t.Parallel()
	dns := func(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
		if service != "kerberos" || proto != "tcp" || name != realm+"." {
			t.Errorf("_%s._%s.%s is looked up", service, proto, name)
		}
		return "", []*net.SRV{{Target: "dc1.corp.example.", Port: 88}, {Target: ".", Port: 0}, {Target: "dc2.corp.example.", Port: 1088}}, nil
	}
	for _, c := range []struct {
		conf   []string
		lookup bool
		want   string
	}{
		{[]string{"a", "b:1088", "::1", "[::1]", "[::1]:1088"}, true, "a:88 b:1088 [::1]:88 [::1]:88 [::1]:1088"},
		{nil, true, "dc1.corp.example:88 dc2.corp.example:1088"},
		{nil, false, ""},
	} {
		k := newKDCs(confOf(c.conf...))
		k.conf.LibDefaults.DNSLookupKDC, k.lookup = c.lookup, dns
		if got := strings.Join(k.of(t.Context(), realm), " "); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestRefusal tells a KRB-ERROR from other answers.
func TestRefusal(t *testing.T) {
	t.Parallel()
	e := messages.NewKRBError(principalName("krbtgt/"+realm), realm, errorcode.KDC_ERR_POLICY, "")
	data, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var got messages.KRBError
	if !errors.As(refusal(data), &got) || got.ErrorCode != errorcode.KDC_ERR_POLICY || refusal([]byte("hello")) != nil || refusal(nil) != nil {
		t.Errorf("%+v", got)
	}
}
