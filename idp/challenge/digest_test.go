package challenge

import (
	"strings"
	"testing"

	"gatehop/creds/secret"
)

// TestDigest has the examples of RFC 7616 (section 3.9.1), RFC 2617 (section 3.5) and of
// RFC 2069 as its errata have it, then variants worked out with another program (Python's
// hashlib, over the formulas of RFC 7616).
func TestDigest(t *testing.T) {
	t.Parallel()
	const (
		rfc7616 = `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=ALG, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
		cnonce  = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
		rfc2617 = `Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`
	)
	of := func(algorithm string) string { return strings.Replace(rfc7616, "ALG", algorithm, 1) }
	mufasa := Who{"Mufasa", secret.New("Circle of Life")}
	for _, c := range []struct {
		name, offer, cnonce, want string
		who                       Who
		more                      []string
	}{
		{"RFC 7616, MD5", of("MD5"), cnonce, "8ca523f5e9506fed4657c9700eebdbec", mufasa, []string{`username="Mufasa"`, "algorithm=MD5", "qop=auth", "nc=00000001", `uri="/dir/index.html"`, `opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`}},
		{"RFC 7616, SHA-256", of("SHA-256"), cnonce, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", mufasa, nil},
		{"RFC 2617", rfc2617, "0a4f113b", "6629fae49393a05397450978507c4ef1", Who{"Mufasa", secret.New("Circle Of Life")}, nil},
		{"RFC 2069", `Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`, "unused", "1949323746fe6a43ef61f9606e7febea", Who{"Mufasa", secret.New("CircleOfLife")}, nil},
		{"MD5-sess", of("MD5-sess"), cnonce, "e783283f46242139c486a698fec7211d", mufasa, []string{"algorithm=MD5-sess", "cnonce="}},
		{"SHA-256-sess", of("sha-256-SESS"), cnonce, "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7", mufasa, []string{"algorithm=sha-256-SESS"}},
		{"SHA-512-256", of("SHA-512-256"), cnonce, "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0", mufasa, nil},
		{"hashed user name", of("SHA-256") + ", userhash=true", cnonce, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", mufasa, []string{"userhash=true", `username="a947aad205e80e429958a387394944c6b496301e79f89d35a4cc23b6ee12b5b6"`}},
		{"quotes", `Digest realm="a\"b", nonce="n"`, "", "c78874a9d74ea17c8b6282a6a1ffeeef", Who{`CORP\al"ice`, secret.New("p")}, []string{`realm="a\"b"`, `username="CORP\\al\"ice"`}},
	} {
		offers := parse([]string{c.offer})
		if len(offers) != 1 || !canDigest(offers[0]) {
			t.Errorf("%s: %q cannot be answered", c.name, c.offer)
			continue
		}
		got := digestWith(offers[0], "GET", "/dir/index.html", c.who, c.cnonce)
		for _, want := range append(c.more, `response="`+c.want+`"`) {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s, want %s in it", c.name, got, want)
			}
		}
		if qop := strings.Contains(c.offer, "qop"); qop != strings.Contains(got, "qop=auth,") || strings.Contains(got, "auth-int") {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	o := parse([]string{rfc2617})[0]
	if a, b := digest(o, "GET", "/", mufasa), digest(o, "GET", "/", mufasa); a == b {
		t.Error("two answers have one nonce of the client's")
	}
}
