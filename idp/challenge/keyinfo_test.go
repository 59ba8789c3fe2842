package challenge

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/patype"

	"gatehop/idp/idptest/kerberostest"
)

const (
	aes256     = etypeID.AES256_CTS_HMAC_SHA1_96
	aes128     = etypeID.AES128_CTS_HMAC_SHA1_96
	aes256sha2 = etypeID.AES256_CTS_HMAC_SHA384_192
	rc4        = etypeID.RC4_HMAC
	des3       = etypeID.DES3_CBC_SHA1_KD
)

func iterations(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// TestKeys: every way to make a key of a password that is allowed is found.
func TestKeys(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		conf string
		keys []kerberostest.Key
	}{
		{"", nil},
		{"", []kerberostest.Key{{Type: aes128}}},
		{"", []kerberostest.Key{{Type: aes256, Salt: "another salt"}}},
		{"", []kerberostest.Key{{Type: aes256, Params: iterations(minIterations)}}},
		{"", []kerberostest.Key{{Type: aes256, Params: iterations(50000), Salt: strings.Repeat("s", maxSalt)}}},
		{"default_tkt_enctypes = arcfour-hmac", []kerberostest.Key{{Type: rc4}}},
		{"default_tkt_enctypes = des3-cbc-sha1-kd", []kerberostest.Key{{Type: des3}}},
	} {
		for _, trusting := range []bool{false, true} {
			k, l := goodKDC(t), &journal{}
			k.Keys, k.Trusting = c.keys, trusting
			token, err := signIn(t, Config{Conf: confFor(t, c.conf, realm+"="+l.serve(t, "1", k.Answer))}, alicePassword)
			t.Logf("%d: %s", i, l)
			wantAlice(t, k.Realm, token, err)
		}
	}
}

// TestKeyRefused: a key that is too cheap to guess the password by, or too dear to make, is
// not made, and nothing is proved by it.
func TestKeyRefused(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		key  kerberostest.Key
		text string
	}{
		{kerberostest.Key{Type: aes256, Params: iterations(0)}, "0 iterations"},
		{kerberostest.Key{Type: aes256, Params: iterations(1)}, "1 iterations"},
		{kerberostest.Key{Type: aes128, Params: iterations(minIterations - 1)}, "4095 iterations"},
		{kerberostest.Key{Type: aes256, Params: iterations(maxIterations + 1)}, "1048577 iterations"},
		{kerberostest.Key{Type: aes256sha2, Params: iterations(1<<32 - 1)}, "4294967295 iterations"},
		{kerberostest.Key{Type: aes256, Params: []byte{0, 16, 0}}, "3 bytes of parameters"},
		{kerberostest.Key{Type: aes256, Params: []byte{0, 0, 0, 16, 0}}, "5 bytes of parameters"},
		{kerberostest.Key{Type: rc4, Params: iterations(minIterations)}, "4 bytes of parameters"},
		{kerberostest.Key{Type: aes256, Salt: strings.Repeat("s", maxSalt+1)}, "salt of 1025 bytes"},
	} {
		k, l := goodKDC(t), &journal{}
		k.Keys, k.Careless = []kerberostest.Key{c.key}, true
		conf := confFor(t, "default_tkt_enctypes = aes256-cts aes128-cts aes256-sha2 arcfour-hmac", realm+"="+l.serve(t, "1", k.Answer))
		_, err := signIn(t, Config{Conf: conf}, alicePassword)
		if wantKind(t, err, OtherError, c.text); l.String() != "1" {
			t.Errorf("%d: asked %q", i, l)
		}
		// A keytab's key is made already: nothing is derived.
		if i == 0 {
			_, err := signIn(t, Config{Keytab: keytabOf(t, "alice@"+realm), Conf: conf}, alicePassword)
			if !strings.Contains(fmt.Sprint(err), "not the user's any more") {
				t.Errorf("by keytab: %v", err)
			}
		}
	}
	// The answer that gives a ticket says it again.
	for _, n := range []uint32{0, minIterations - 1} {
		k, l := goodKDC(t), &journal{}
		k.Keys, k.Trusting = []kerberostest.Key{{Type: aes256, Params: iterations(n)}}, true
		_, err := signIn(t, Config{Conf: confFor(t, "", realm+"="+l.serve(t, "1", k.Answer))}, alicePassword)
		wantKind(t, err, OtherError, fmt.Sprint(n)+" iterations")
	}
	for n, ok := range map[uint32]bool{minIterations: true, 50000: true, maxIterations: true, maxIterations + 1: false} {
		if _, err := (keyInfo{params: string(iterations(n))}).stringToKey("00001000"); (err == nil) != ok {
			t.Errorf("%d iterations: %v", n, err)
		}
	}
}

// TestOtherProof: a KDC that does not take passwords, or has no key to take them by, is sent
// none.
func TestOtherProof(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		without []int32
		kind    TicketKind
		text    string
	}{
		{[]int32{patype.PA_ENC_TIMESTAMP}, OtherError, "another proof"},
		{[]int32{patype.PA_ENC_TIMESTAMP, patype.PA_ETYPE_INFO2}, Encryption, realm},
		{[]int32{patype.PA_ETYPE_INFO2}, Encryption, realm},
	} {
		k, l := goodKDC(t), &journal{}
		address := l.serve(t, "1", func(r []byte) []byte { return withoutMethods(t, k.Answer(r), c.without...) })
		_, err := signIn(t, Config{Conf: confFor(t, "", realm+"="+address)}, alicePassword)
		if wantKind(t, err, c.kind, c.text); l.String() != "1" {
			t.Errorf("asked %q", l)
		}
	}
}
