package challenge

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"

	"gatehop/idp/idptest/kerberostest"
)

const (
	aes256     = etypeID.AES256_CTS_HMAC_SHA1_96
	aes128     = etypeID.AES128_CTS_HMAC_SHA1_96
	aes256sha2 = etypeID.AES256_CTS_HMAC_SHA384_192
	aes128sha2 = etypeID.AES128_CTS_HMAC_SHA256_128
	rc4        = etypeID.RC4_HMAC
	des3       = etypeID.DES3_CBC_SHA1_KD
	des        = etypeID.DES_CBC_MD5
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
		{"", []kerberostest.Key{{Type: aes256sha2}}},
		{"", []kerberostest.Key{{Type: aes128sha2}}},
		{"", []kerberostest.Key{{Type: aes256, Salt: "another salt"}}},
		{"", []kerberostest.Key{{Type: aes256, Params: iterations(minIterations)}}},
		{"", []kerberostest.Key{{Type: aes256, Params: iterations(50000), Salt: strings.Repeat("s", maxSalt)}}},
		{"default_tkt_enctypes = arcfour-hmac", []kerberostest.Key{{Type: rc4}}},
		{"permitted_enctypes = rc4-hmac", []kerberostest.Key{{Type: rc4}}},
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

// TestWeakTypes: a KDC gets no proof by an encryption type that the configuration does not
// have, whatever it asks for.
func TestWeakTypes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		conf string
		keys []int32
		ok   bool
	}{
		{"", []int32{rc4}, false},
		{"", []int32{des}, false},
		{"", []int32{des3, rc4}, false},
		{"", []int32{rc4, aes256}, true}, // by the second one
		{"default_tkt_enctypes = aes128-cts", []int32{aes256}, false},
		{"permitted_enctypes = aes256-cts", []int32{aes128}, false},
		{"default_tkt_enctypes = arcfour-hmac aes256-cts\n permitted_enctypes = aes256-cts", []int32{rc4}, false},
		{"allow_weak_crypto = true\n default_tkt_enctypes = des-cbc-md5 des-cbc-crc aes256-cts", []int32{des}, false},
		{"allow_weak_crypto = true", []int32{rc4}, false},
		{"# default_tkt_enctypes = arcfour-hmac", []int32{rc4}, false},
		{"default_tgs_enctypes = arcfour-hmac", []int32{rc4}, false},
	} {
		for _, keytab := range []string{"", keytabOf(t, "alice@"+realm)} {
			k, l := goodKDC(t), &journal{}
			k.Careless, k.People["alice"] = true, "x" // as the keytab has it
			for _, kind := range c.keys {
				k.Keys = append(k.Keys, kerberostest.Key{Type: kind})
			}
			token, err := signIn(t, Config{Keytab: keytab, Conf: confFor(t, c.conf, realm+"="+l.serve(t, "1", k.Answer))}, "x")
			if c.ok {
				wantAlice(t, k.Realm, token, err)
				continue
			}
			wantKind(t, err, Encryption, fmt.Sprintf("type %d", c.keys[0]))
			if l.String() != "1" {
				t.Errorf("%q, %v: asked %q", c.conf, c.keys, l)
			}
		}
	}
}

// TestWeakAnswer: nor is an answer opened by one.
func TestWeakAnswer(t *testing.T) {
	t.Parallel()
	k, l := goodKDC(t), &journal{}
	k.Careless, k.Trusting, k.Keys = true, true, []kerberostest.Key{{Type: rc4}}
	_, err := signIn(t, Config{Conf: confFor(t, "", realm+"="+l.serve(t, "1", k.Answer))}, alicePassword)
	wantKind(t, err, Encryption, "type 23")
}

// TestOfferedTypes: a KDC is told the same.
func TestOfferedTypes(t *testing.T) {
	t.Parallel()
	for conf, want := range map[string][]int32{
		"":                                {aes256, aes128, aes256sha2, aes128sha2},
		"default_tkt_enctypes = rc4-hmac": {rc4},
		"permitted_enctypes = aes128-cts": {aes128},
		"default_tkt_enctypes = aes256-cts des-cbc-crc": {aes256},
	} {
		var got []int32
		address := (&journal{}).serve(t, "1", func(r []byte) []byte {
			var req messages.ASReq
			if req.Unmarshal(r) == nil {
				got = req.ReqBody.EType
			}
			return goodKDC(t).Answer(r)
		})
		_, _ = signIn(t, Config{Conf: confFor(t, conf, realm+"="+address)}, alicePassword)
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", conf, got, want)
		}
	}
	l := &journal{}
	_, err := signIn(t, Config{Conf: confFor(t, "default_tkt_enctypes = camellia256-cts", realm+"="+l.serve(t, "1", goodKDC(t).Answer))}, alicePassword)
	if wantKind(t, err, Encryption, "krb5.conf"); l.String() != "" {
		t.Errorf("asked %q", l)
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
