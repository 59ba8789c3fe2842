package challenge

import (
	"encoding/binary"
	"testing"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/patype"

	"gatehop/idp/idptest/kerberostest"
)

const (
	aes256 = etypeID.AES256_CTS_HMAC_SHA1_96
	aes128 = etypeID.AES128_CTS_HMAC_SHA1_96
	rc4    = etypeID.RC4_HMAC
	des3   = etypeID.DES3_CBC_SHA1_KD
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
		{"", []kerberostest.Key{{Type: aes256, Params: iterations(4096)}}},
		{"", []kerberostest.Key{{Type: aes256, Params: iterations(50000), Salt: "s"}}},
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
