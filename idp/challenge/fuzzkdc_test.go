package challenge

import (
	"errors"
	"runtime"
	"testing"

	"github.com/jcmturner/gokrb5/v8/config"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/idptest/kerberostest"
)

// FuzzKDC signs in at a KDC that answers anything, to each request another thing: that ends
// in a verdict, and takes memory by what was sent and not by what that claims.
func FuzzKDC(f *testing.F) {
	for _, k := range []*kerberostest.KDC{
		goodKDC(f),
		{Realm: newRealm(f, realm, service), People: map[string]string{"alice": alicePassword}, Trusting: true},
		{Realm: newRealm(f, realm), People: map[string]string{"alice": alicePassword}, Careless: true, Keys: []kerberostest.Key{{Type: rc4}, {Type: aes128, Salt: "s", Params: iterations(minIterations)}}},
		{Realm: newRealm(f, realm)},
	} {
		var answers [3][]byte
		n := 0
		_, _ = Config{Kind: Kerberos, Conf: confFor(f, "", realm+"=a:1")}.ticketFrom(f.Context(), serverURL(f), Who{"alice", secret.New(alicePassword)}, piped(func(_ string, request []byte) []byte {
			answers[n%3] = framed(k.Answer(request))
			n++
			return answers[(n-1)%3]
		}, nil))
		f.Add(answers[0], answers[1], answers[2])
		if keyed := answers[0]; len(keyed) > 4 {
			f.Add(keyed, keyed[:len(keyed)/2], keyed[4:])
		}
	}
	f.Add([]byte{0x7f, 0xff, 0xff, 0xff}, []byte{0, 0, 0, 0}, []byte(nil))
	c := Config{Kind: Kerberos, Keytab: keytabOf(f, "alice@"+realm), Conf: confFor(f, "canonicalize = true", realm+"=a:1")}
	page := serverURL(f)
	f.Fuzz(func(t *testing.T, one, two, three []byte) {
		answers := [][]byte{one, two, three}
		at := func(conf *config.Config) *kdcs {
			n := 0
			return piped(func(string, []byte) []byte {
				n++
				if n > len(answers) || answers[n-1] == nil {
					return []byte{}
				}
				return answers[n-1]
			}, nil)(conf)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := c.ticketFrom(t.Context(), page, Who{}, at)
		runtime.ReadMemStats(&after)
		if err != nil && !errors.As(err, new(*TicketError)) && !errors.As(err, new(*idp.PageError)) {
			t.Errorf("%v", err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(8<<20+200*(len(one)+len(two)+len(three))) {
			t.Errorf("took %d bytes of memory", used)
		}
	})
}
