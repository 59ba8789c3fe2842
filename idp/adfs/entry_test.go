package adfs_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

func TestEntryURL(t *testing.T) {
	t.Parallel()
	const (
		aws   = "?loginToRp=urn:amazon:webservices"
		entry = "https://adfs.corp.example/adfs/ls/IdpInitiatedSignOn.aspx"
	)
	relay := func(party, target string) string {
		state := "RPID=" + url.QueryEscape(party)
		if target != "" {
			state += "&RelayState=" + url.QueryEscape(target)
		}
		return "?RelayState=" + url.QueryEscape(state)
	}
	cases := []struct{ name, raw, party, want string }{
		{"host", "adfs.corp.example", "", entry + aws},
		{"host in capitals", " ADFS.Corp.Example ", "", entry + aws},
		{"host and port", "adfs.corp.example:8443", "", "https://adfs.corp.example:8443/adfs/ls/IdpInitiatedSignOn.aspx" + aws},
		{"host and empty port", "https://adfs.corp.example:/", "", entry + aws},
		{"host and path", "adfs.corp.example/adfs/ls/", "", entry + aws},
		{"host and a query with an address", "adfs.corp.example:443/adfs/ls/?x=https://other.example/", "", "https://adfs.corp.example:443/adfs/ls/IdpInitiatedSignOn.aspx" + aws},
		{"IPv6", "https://[2001:db8::1]:8443", "", "https://[2001:db8::1]:8443/adfs/ls/IdpInitiatedSignOn.aspx" + aws},
		{"loopback", "http://127.0.0.1:8080", "", "http://127.0.0.1:8080/adfs/ls/IdpInitiatedSignOn.aspx" + aws},
		{"URL", "https://adfs.corp.example", "", entry + aws},
		{"scheme in capitals", "HTTPS://adfs.corp.example/", "", entry + aws},
		{"fragment", "https://adfs.corp.example/#x", "", entry + aws},
		{"configured party", "adfs.corp.example", "urn:amazon:webservices:govcloud", entry + "?loginToRp=urn:amazon:webservices:govcloud"},
		{"configured party that is an address", "adfs.corp.example", "https://signin.aws.amazon.com/saml", entry + "?loginToRp=https:%2F%2Fsignin.aws.amazon.com%2Fsaml"},
		{"configured party with everything", "adfs.corp.example", "a b&c=d#é", entry + "?loginToRp=a+b%26c%3Dd%23%C3%A9"},
		{"entry", entry + aws, "", entry + aws},
		{"entry in small letters", "https://adfs.corp.example/adfs/ls/idpinitiatedsignon" + aws, "", "https://adfs.corp.example/adfs/ls/idpinitiatedsignon" + aws},
		{"entry in capitals", "https://adfs.corp.example/ADFS/LS/IDPINITIATEDSIGNON.ASPX", "", "https://adfs.corp.example/adfs/ls/IDPINITIATEDSIGNON.ASPX" + aws},
		{"entry as .htm", "https://adfs.corp.example/adfs/ls/idpinitiatedsignon.htm", "", "https://adfs.corp.example/adfs/ls/idpinitiatedsignon.htm" + aws},
		{"entry behind a prefix", "https://portal.example/sso/Adfs/ls/IdpInitiatedSignOn.aspx", "", "https://portal.example/sso/adfs/ls/IdpInitiatedSignOn.aspx" + aws},
		{"pasted party", entry + "?loginToRp=urn%3Aexample%3Aown", "", entry + "?loginToRp=urn:example:own"},
		{"pasted party, name in small letters", entry + "?logintorp=urn:example:own", "", entry + "?loginToRp=urn:example:own"},
		{"pasted and configured party", entry + "?loginToRp=urn:example:own", "urn:example:other", entry + "?loginToRp=urn:example:other"},
		{"pasted request ID", entry + aws + "&client-request-id=0-0", "", entry + aws},
		{"pasted home realm", entry + "?RedirectToIdentityProvider=AD+AUTHORITY&whr=corp", "", entry + aws + "&RedirectToIdentityProvider=AD+AUTHORITY&whr=corp"},
		{"SAML request", "https://adfs.corp.example/adfs/ls/?SAMLRequest=fZJ&RelayState=token&SigAlg=x", "", entry + aws},
		{"WS-Federation request", "https://adfs.corp.example/adfs/ls/?wa=wsignin1.0&wtrealm=urn:x&wctx=y", "", entry + aws},
		{"WIA page", "https://adfs.corp.example/adfs/ls/wia?client-request-id=1", "", entry + aws},
		{"metadata", "https://adfs.corp.example/FederationMetadata/2007-06/FederationMetadata.xml", "", entry + aws},
		{"relay state", entry + relay("urn:amazon:webservices", "https://console.example/?a=b&c"), "", entry + relay("urn:amazon:webservices", "https://console.example/?a=b&c")},
		{"relay state without a target", entry + relay("urn:x", ""), "", entry + relay("urn:x", "")},
		{"relay state and configured party", entry + relay("urn:x", "t"), "urn:y", entry + relay("urn:y", "t")},
		{"dots in the path", "https://adfs.corp.example/x/../adfs/ls/idpinitiatedsignon.aspx", "", entry + aws},
		{"letters whose small form is longer", "https://adfs.corp.example/İİİ/adfs/ls/idpinitiatedsignon", "", "https://adfs.corp.example/%C4%B0%C4%B0%C4%B0/adfs/ls/idpinitiatedsignon" + aws},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := adfs.EntryURL(c.raw, c.party)
			if err != nil || got != c.want {
				t.Errorf("EntryURL(%q, %q) = %s, %v, want %s", c.raw, c.party, got, err, c.want)
			}
			if again, err := adfs.EntryURL(got, c.party); err != nil || again != got {
				t.Errorf("EntryURL(%q, %q) = %s, %v, want itself", got, c.party, again, err)
			}
		})
	}
	for _, raw := range []string{
		"", " ", "https://", "//", "http://adfs.corp.example", "ftp://adfs.corp.example", "https://user:hunter2@adfs.corp.example/",
		"user:hunter2@adfs.corp.example", "https://adfs.corp.example/%zz?token=hunter2", "https://adfs .example/?hunter2", "https://bücher.example",
		"javascript:alert(1)", "adfs.corp.example:port", "https://[::1/hunter2",
	} {
		if got, err := adfs.EntryURL(raw, ""); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("EntryURL(%q) = %s, %v, want an error that quotes no secret", raw, got, err)
		}
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	cases := []struct {
		c  adfs.Config
		ok bool
	}{
		{adfs.Config{URL: host}, true},
		{adfs.Config{URL: host, Partition: "aws-cn"}, true},
		{adfs.Config{URL: host, Partition: "aws-nope"}, false},
		{adfs.Config{URL: host, Partition: "aws-nope", RelyingParty: "urn:x"}, true},
		{adfs.Config{URL: "http://" + host}, false},
		{adfs.Config{}, false},
	}
	for _, c := range cases {
		if _, err := adfs.New(c.c); (err == nil) != c.ok {
			t.Errorf("New(%+v) = %v, want ok %t", c.c, err, c.ok)
		}
	}
}

// FuzzEntryURL: no panic; what comes out is https, or http of this machine, of the
// origin that was given, and stays as it is.
func FuzzEntryURL(f *testing.F) {
	for _, raw := range []string{
		"adfs.corp.example", "adfs.corp.example:8443/adfs/ls", "https://adfs.corp.example/ADFS/ls/IdpInitiatedSignOn.aspx?loginToRp=urn:x&RelayState=RPID%3Durn",
		"http://localhost:1/adfs/ls/?wa=wsignin1.0", "https://[::1]/İ/adfs/ls/idpinitiatedsignon", "https://a@b/", "//x", "https:x", "%", "https://h/%2e%2e/adfs/ls/idpinitiatedsignon?%zz=%zz",
	} {
		f.Add(raw, "")
		f.Add(raw, "urn:amazon:webservices:cn-north-1")
	}
	f.Fuzz(func(t *testing.T, raw, party string) {
		got, err := adfs.EntryURL(raw, party)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil {
			t.Fatalf("EntryURL(%q) = %q, which is no URL: %v", raw, got, err)
		}
		if u.Scheme != "https" && !(u.Scheme == "http" && idp.IsLoopback(u.Hostname())) || u.User != nil || u.Fragment != "" {
			t.Errorf("EntryURL(%q) = %q", raw, got)
		}
		given := strings.TrimSpace(raw)
		if scheme, _, ok := strings.Cut(given, "://"); !ok || strings.ContainsAny(scheme, "/?#") {
			given = "https://" + strings.TrimLeft(given, "/")
		}
		if g, err := url.Parse(given); err != nil || idp.OriginOf(g) != idp.OriginOf(u) || idp.OriginOf(u) == "" {
			t.Errorf("EntryURL(%q) = %q, which is of another origin", raw, got)
		}
		again, err := adfs.EntryURL(got, party)
		if err != nil || again != got {
			t.Errorf("EntryURL(%q) = %q, and of that %q, %v", raw, got, again, err)
		}
	})
}

// TestEntryURLShapes has addresses as they are pasted: all of them lead to the entry of
// the same server, for AWS.
func TestEntryURLShapes(t *testing.T) {
	t.Parallel()
	const want = "https://adfs.corp.example/adfs/ls/IdpInitiatedSignOn.aspx?loginToRp=urn:amazon:webservices"
	for _, raw := range []string{
		"adfs.corp.example", "adfs.corp.example/", "//adfs.corp.example/adfs", "ADFS.CORP.EXAMPLE/ADFS/LS",
		"https://adfs.corp.example/adfs", "https://adfs.corp.example/adfs/ls", "https://adfs.corp.example/ADFS/LS/",
		"https://adfs.corp.example/adfs/ls/?SAMLRequest=nVNNj9owEL3zK6LcIR8kQCxAorAfSBQioD30Unm%2FZteSY7u2A8u%2Fr5MF&RelayState=https%3A%2F%2Fx.example&client-request-id=1b2c",
		"https://adfs.corp.example/adfs/ls/?wa=wsignin1.0&wtrealm=urn%3afederation%3aMicrosoftOnline&wctx=LoginOptions%3D3",
		"https://adfs.corp.example/adfs/ls/wia?client-request-id=1b2c3d4e-0000-0000-0000-000000000000",
		"https://adfs.corp.example/adfs/ls/WIA", "https://adfs.corp.example/adfs/ls/auth/integrated/?x=y",
		"https://adfs.corp.example/adfs/ls/FormsSignIn.aspx?ReturnUrl=%2fadfs", "https://adfs.corp.example/adfs/ls/HomeRealmDiscovery.aspx",
		"https://adfs.corp.example/adfs/portal/", "https://adfs.corp.example/adfs/portal/updatepassword/?username=CORP%5Calice",
		"https://adfs.corp.example/adfs/ls/idpinitiatedsignon.aspx/trailing", "https://adfs.corp.example/adfs/ls/idpinitiatedsignon.aspx%20",
		"https://adfs.corp.example/adfs/ls/#fragment", "  https://adfs.corp.example/adfs/ls/  ", "https://adfs.corp.example:/adfs/ls/",
		"https://adfs.corp.example/adfs/oauth2/authorize?client_id=1", "https://adfs.corp.example/?&&=&x", "https://adfs.corp.example?loginToRp=",
	} {
		if got, err := adfs.EntryURL(raw, ""); err != nil || got != want {
			t.Errorf("EntryURL(%q) = %s, %v, want %s", raw, got, err, want)
		}
	}
}

// TestLoginParties: each partition has an identifier of its own, and a configured one or
// one that was pasted, as loginToRp or in a RelayState, goes before it.
func TestLoginParties(t *testing.T) {
	t.Parallel()
	const gov, cn = "urn:amazon:webservices:govcloud", "urn:amazon:webservices:cn-north-1"
	relay := "https://" + host + "/adfs/ls/idpinitiatedsignon.aspx?RelayState=" + url.QueryEscape("RPID="+url.QueryEscape("urn:own")+"&RelayState=x")
	for _, c := range []struct {
		name  string
		c     adfs.Config
		party string
		acs   string
	}{
		{"commercial", adfs.Config{}, "urn:amazon:webservices", "https://signin.aws.amazon.com/saml"},
		{"GovCloud", adfs.Config{Partition: "aws-us-gov"}, gov, "https://signin.amazonaws-us-gov.com/saml"},
		{"China", adfs.Config{Partition: "aws-cn"}, cn, "https://signin.amazonaws.cn/saml"},
		{"configured", adfs.Config{Partition: "aws-cn", RelyingParty: "urn:own"}, "urn:own", "https://signin.amazonaws.cn/saml"},
		{"pasted", adfs.Config{URL: host + "/adfs/ls/idpinitiatedsignon?logintorp=urn%3Aown"}, "urn:own", "https://signin.aws.amazon.com/saml"},
		{"relayed", adfs.Config{URL: relay}, "urn:own", "https://signin.aws.amazon.com/saml"},
		{"relayed and configured", adfs.Config{URL: relay, RelyingParty: "urn:other"}, "urn:other", "https://signin.aws.amazon.com/saml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			parties := map[string]idptest.RelyingParty{c.party: {ACS: c.acs, Audience: c.party, Display: "AWS"}}
			r := newRig(t, idptest.Options{RelyingParties: parties}, person(alice, idptest.AlicePassword))
			a, err := r.login(t, c.c)
			if err != nil || a.Destination != c.acs {
				t.Fatalf("Login = %v, want an assertion for %s", err, c.acs)
			}
			r.check(t, 1, 4)
			r = newRig(t, idptest.Options{RelyingParties: map[string]idptest.RelyingParty{"urn:nobody": {Display: "Other"}}}, nil)
			_, err = r.login(t, c.c)
			if got := wantVerdict(t, err, idp.UnknownParty); got.Words != c.party {
				t.Errorf("Words = %q, want %q", got.Words, c.party)
			}
		})
	}
}

// TestLoginEntryRefused: a party that AD FS does not know or has switched off, and an
// entry that is switched off, with the error's number and without it.
func TestLoginEntryRefused(t *testing.T) { each(t, testLoginEntryRefused) }

func testLoginEntryRefused(t *testing.T, v version) {
	aws := idptest.RelyingParty{ACS: "https://signin.aws.amazon.com/saml", Audience: "urn:amazon:webservices", Display: "AWS"}
	off := aws
	off.Disabled = true
	parties := func(p idptest.RelyingParty) map[string]idptest.RelyingParty {
		return map[string]idptest.RelyingParty{"urn:amazon:webservices": p, "urn:x": {Display: "Payroll"}}
	}
	for _, c := range []struct {
		name     string
		o        idptest.Options
		want     idp.Verdict
		options  []string
		activity bool
		requests int
	}{
		{"disabled trust", idptest.Options{RelyingParties: parties(off)}, idp.UnknownParty, []string{"Payroll"}, false, 1},
		{"disabled trust as an error", idptest.Options{RelyingParties: parties(off), UnknownRPError: true}, idp.UnknownParty, nil, true, 1},
		{"disabled trust as an error without a number", idptest.Options{RelyingParties: parties(off), UnknownRPError: true, ErrorsBare: true}, idp.UnknownParty, []string{"Payroll"}, true, 2},
		{"entry switched off", idptest.Options{IdPInitiatedDisabled: true}, idp.EntryDisabled, nil, true, 1},
		{"entry switched off without a number", idptest.Options{IdPInitiatedDisabled: true, ErrorsBare: true}, idp.EntryDisabled, nil, true, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, v.of(c.o), nil)
			_, err := r.login(t, adfs.Config{})
			got := wantVerdict(t, err, c.want)
			if !slices.Equal(got.Options, c.options) || (got.Activity != "") != c.activity {
				t.Errorf("Options %q, Activity %q, want %q and one: %t", got.Options, got.Activity, c.options, c.activity)
			}
			if c.want == idp.UnknownParty && got.Words != "urn:amazon:webservices" {
				t.Errorf("Words = %q, want what was asked for", got.Words)
			}
			r.check(t, 0, c.requests)
		})
	}
}

// TestLoginPathCase: AD FS writes its addresses in capitals, and its cookies are for
// small letters. The control is the same sign-in as a browser would do it.
func TestLoginPathCase(t *testing.T) { each(t, testLoginPathCase) }

func testLoginPathCase(t *testing.T, v version) {
	for _, style := range []idptest.ActionStyle{idptest.ActionPath, idptest.ActionAbsolute, idptest.ActionAbsolute443} {
		r := newRig(t, v.of(idptest.Options{PathCase: idptest.PathUpper, Action: style}), person(alice, idptest.AlicePassword))
		if _, err := r.login(t, adfs.Config{}); err != nil {
			t.Errorf("%q: Login = %v", style, err)
		}
		r.check(t, 1, 4+v.more)
	}
	r := newRig(t, v.of(idptest.Options{PathCase: idptest.PathUpper}), person(alice, idptest.AlicePassword))
	entry, err := url.Parse("https://" + host + idptest.ADFSEntry)
	if err != nil {
		t.Fatal(err)
	}
	w := &form.Walk{Session: r.session, Entry: entry, Steps: adfs.StepsOf(t)}
	_, err = w.Run(t.Context())
	wantVerdict(t, err, idp.Unexplained)
}

// TestCookiePath: nothing but /adfs and /ls changes, and once is enough.
func TestCookiePath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/ADFS/LS/IdpInitiatedSignOn.aspx": "/adfs/ls/IdpInitiatedSignOn.aspx",
		"/Adfs/ls":                         "/adfs/ls",
		"/ADFS":                            "/adfs",
		"/ADFS/Portal/UpdatePassword/":     "/adfs/Portal/UpdatePassword/",
		"/SSO/ADFS/LS/x":                   "/SSO/adfs/ls/x",
		"/ADFSX/LS/":                       "/ADFSX/LS/",
		"/x/LS/":                           "/x/LS/",
		"/adfs/x/LS/":                      "/adfs/x/LS/",
		"":                                 "",
		"İ/ADFS/LS":                        "İ/adfs/ls",
	} {
		if got := adfs.CookiePath(path); got != want || adfs.CookiePath(got) != got {
			t.Errorf("CookiePath(%q) = %q, and of that %q, want %q", path, got, adfs.CookiePath(got), want)
		}
	}
}

// TestAddress: only the addresses of the configured server are written anew.
func TestAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://adfs.corp.example/ADFS/LS/?X=/ADFS/LS/":        "https://adfs.corp.example/adfs/ls/?X=/ADFS/LS/",
		"https://adfs.corp.example:443/ADFS/LS/a%2Fb":           "https://adfs.corp.example:443/adfs/ls/a%2Fb",
		"https://adfs.corp.example:49443/ADFS/LS/":              "https://adfs.corp.example:49443/ADFS/LS/",
		"https://login.partner.example/ADFS/LS/":                "https://login.partner.example/ADFS/LS/",
		"http://adfs.corp.example/ADFS/LS/":                     "http://adfs.corp.example/ADFS/LS/",
		"https://adfs.corp.example.partner.example/ADFS/LS/wia": "https://adfs.corp.example.partner.example/ADFS/LS/wia",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if adfs.Address(t, u); u.String() != want {
			t.Errorf("Address(%s) = %s, want %s", text, u, want)
		}
	}
}

// FuzzAddress: an address is written anew in the same letters, twice is once, and its
// origin stays.
func FuzzAddress(f *testing.F) {
	for _, raw := range []string{"https://adfs.corp.example/ADFS/LS/x", "https://adfs.corp.example/a%2Fb/ADFS/ls", "https://adfs.corp.example/%41DFS/LS/", "https://other.example/ADFS/LS/", "/ADFS/LS"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.Parse(raw)
		if err != nil {
			return
		}
		before, was := *u, u.String()
		adfs.Address(t, u)
		once := u.String()
		if idp.OriginOf(u) != idp.OriginOf(&before) || !strings.EqualFold(u.Path, before.Path) || u.RawQuery != before.RawQuery {
			t.Errorf("%q became %q", was, once)
		}
		if adfs.Address(t, u); u.String() != once {
			t.Errorf("%q became %q and then %q", was, once, u)
		}
	})
}
