package challenge

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestOffers(t *testing.T) {
	t.Parallel()
	type offers []Offer
	p := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for _, c := range []struct {
		fields []string
		want   offers
	}{
		{nil, nil},
		{[]string{"", " , ,"}, nil},
		{[]string{"Negotiate", "NTLM"}, offers{{Scheme: "Negotiate"}, {Scheme: "NTLM"}}},
		{[]string{"Negotiate, NTLM"}, offers{{Scheme: "Negotiate"}, {Scheme: "NTLM"}}},
		{[]string{"NTLM TlRMTVNTUAAC+/=="}, offers{{Scheme: "NTLM", Token: "TlRMTVNTUAAC+/=="}}},
		{[]string{"Negotiate oQ==, NTLM"}, offers{{Scheme: "Negotiate", Token: "oQ=="}, {Scheme: "NTLM"}}},
		{[]string{`Basic realm="a, NTLM", Digest qop="auth" , NONCE = x`}, offers{{Scheme: "Basic", Params: p("realm", "a, NTLM")}, {Scheme: "Digest", Params: p("qop", "auth", "nonce", "x")}}},
		{[]string{`Digest realm="a\"b\\", nonce=`}, offers{{Scheme: "Digest", Params: p("realm", `a"b\`, "nonce", "")}}},
		{[]string{`Digest realm="first", realm="second"`}, offers{{Scheme: "Digest", Params: p("realm", "first")}}},
		{[]string{`Basic realm="never ends, Digest nonce=x`}, offers{{Scheme: "Basic", Params: p("realm", "never ends, Digest nonce=x")}}},
		{[]string{`Basic realm="x" junk=`, `"?`}, offers{{Scheme: "Basic", Params: p("realm", "x", "junk", "")}}},
		{[]string{"Basic\tcharset=UTF-8"}, offers{{Scheme: "Basic", Params: p("charset", "UTF-8")}}},
	} {
		got := Offers(http.StatusUnauthorized, http.Header{"Www-Authenticate": c.fields})
		same := slices.EqualFunc(got, c.want, func(a, b Offer) bool {
			return a.Scheme == b.Scheme && a.Token == b.Token && maps.Equal(a.Params, b.Params)
		})
		if !same {
			t.Errorf("%q: %q, want %q", c.fields, got, c.want)
		}
		if other := Offers(http.StatusOK, http.Header{"Www-Authenticate": c.fields}); other != nil {
			t.Errorf("%q: %q of a page that is no 401", c.fields, other)
		}
	}
}

func FuzzOffers(f *testing.F) {
	for _, seed := range []string{"Negotiate, NTLM", "NTLM AAAA=", `Digest realm="a\"b", qop="auth, auth-int", nonce=x, stale=TRUE`, `Basic realm="`, "a=b=c", ",\t,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, field string) {
		total := 0
		for _, o := range parse([]string{field}) {
			if o.Scheme == "" || strings.ContainsAny(o.Scheme, " ,\"") {
				t.Errorf("scheme %q", o.Scheme)
			}
			total += len(o.Scheme) + len(o.Token)
			for name, value := range o.Params {
				total += len(name) + len(value)
			}
			if canDigest(o) {
				if h := digest(o, "GET", "/x", Who{Name: "a"}); strings.ContainsAny(h, "\r\n") && !strings.ContainsAny(field, "\r\n") {
					t.Errorf("a line end in %q", h)
				}
			}
			KerberosRefusal("x", []Offer{o})
		}
		if total > 2*len(field) {
			t.Errorf("%d characters out of %d", total, len(field))
		}
	})
}

// TestChoose: what of several offers is answered, and that nothing is by another kind.
func TestChoose(t *testing.T) {
	t.Parallel()
	all := parse([]string{"Negotiate", "NTLM", `Basic realm="x"`, `Digest nonce="n", algorithm=MD4`, `Digest nonce="n", qop="auth-int"`, `Digest nonce="n", algorithm=SHA-256, qop="auth"`})
	for kind, want := range map[Kind]string{NTLM: "NTLM", Kerberos: "Negotiate", Basic: "Basic", Digest: "Digest", "": "", "forms": ""} {
		o, ok := kind.choose(all)
		if o.Scheme != want || ok != (want != "") {
			t.Errorf("%q takes %q", kind, o.Scheme)
		}
		if kind == Digest && o.Params["algorithm"] != "SHA-256" {
			t.Errorf("Digest takes %q, which it cannot do", o.Params)
		}
		for _, other := range all {
			sole := []Offer{other}
			if _, ok := kind.choose(sole); ok && !slices.Contains(kind.schemes(), strings.ToLower(other.Scheme)) {
				t.Errorf("%q answers %q", kind, other.Scheme)
			}
		}
	}
	if o, ok := NTLM.choose(parse([]string{"Negotiate"})); !ok || o.Scheme != "Negotiate" {
		t.Errorf("NTLM takes %q where Negotiate is offered alone", o.Scheme)
	}
	for _, none := range []string{`Digest algorithm=MD5`, `Digest nonce="n", algorithm=MD5-other`, `Digest nonce="n", qop="auth-int"`} {
		if _, ok := Digest.choose(parse([]string{none})); ok {
			t.Errorf("%s is answered", none)
		}
	}
	for auth, want := range map[string]bool{"ntlm": true, "kerberos": true, "basic": true, "digest": true, "forms": false, "certificate": false, "": false, "NTLM": false} {
		if _, ok := ParseKind(auth); ok != want {
			t.Errorf("ParseKind(%q) = %v", auth, ok)
		}
	}
}
