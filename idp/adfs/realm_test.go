package adfs_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

const (
	partnerHost = "login.partner.example"
	partnerID   = "http://login.partner.example/simplesaml"
	partnerPass = "partner's own word"
)

// realm is an AD FS with a partner, and what a person trusts.
type realm struct {
	*rig
	partner *idptest.Form
}

// newRealm makes the two of them; the person trusts AD FS and the hosts listed.
func newRealm(t *testing.T, v version, wsFed bool, trusted []string, script map[string][]string) *realm {
	t.Helper()
	o := v.of(idptest.Options{
		ClaimsProviders: []string{partnerID, idptest.LocalAuthority, "urn:third"},
		Partners: []idptest.Partner{{
			ID: partnerID, Display: "Partner & Co", WSFed: wsFed,
			Entry: "https://" + partnerHost + "/simplesaml/saml2/idp/SSOService.php?spentityid=urn:corp:adfs",
		}},
	})
	r := newRig(t, o, script)
	partner, err := idptest.NewForm(idptest.FormOptions{
		Users: []idptest.User{{Name: "alice", Password: partnerPass}}, WSFed: wsFed,
		Party:  idptest.RelyingParty{ACS: "https://" + host + idptest.ADFSConsumer, Audience: "urn:corp:adfs"},
		Signer: signer(), Now: clock, Rand: rand.NewChaCha8([32]byte{8}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.session.Trust, err = idp.NewTrust(host, trusted, nil); err != nil {
		t.Fatal(err)
	}
	transport := idptest.Transport(map[string]http.Handler{host: r.p, partnerHost: partner, idptest.AnyHost: r.p.Elsewhere()})
	r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: r.session.Trust, Transport: transport, Now: clock, Timeout: 5 * time.Second})
	return &realm{r, partner}
}

// check is that neither server saw anything wrong, and how many passwords each got.
func (r *realm) check(t *testing.T, own, partners int) {
	t.Helper()
	for _, bug := range append(r.p.ClientBugs(), r.partner.ClientBugs()...) {
		t.Errorf("client bug: %s", bug)
	}
	if got := [2]int{r.p.Stats().Logins, r.partner.Stats().Logins}; got != [2]int{own, partners} {
		t.Errorf("AD FS and the partner were sent %v passwords, want %d and %d", got, own, partners)
	}
}

// TestHomeRealmChoice has T10: which of the organisations is taken, and who says so.
func TestHomeRealmChoice(t *testing.T) { each(t, testHomeRealmChoice) }

// TestHomeRealmChoice20 is the same at AD FS 2.0, whose page is another one.
func TestHomeRealmChoice20(t *testing.T) {
	t.Parallel()
	testHomeRealmChoice(t, version{name: "2.0", flavour: "2.0"})
}

func testHomeRealmChoice(t *testing.T, v version) {
	own := person(alice, idptest.AlicePassword)
	partners := person("alice", partnerPass)
	for _, c := range []struct {
		name, wish string
		url        string
		script     map[string][]string
		partner    bool
	}{
		{name: "T10 AD AUTHORITY unless said otherwise", script: own},
		{name: "AD AUTHORITY by its id", wish: "AD AUTHORITY", script: own},
		{name: "AD AUTHORITY by its name", wish: "active directory", script: own},
		{name: "the partner by its id", wish: partnerID, script: partners, partner: true},
		{name: "the partner by its name", wish: "partner  & CO", script: partners, partner: true},
		{name: "the partner in the address", url: "https://" + host + "/adfs/ls/idpinitiatedsignon.aspx?RedirectToIdentityProvider=" + partnerID, script: partners, partner: true},
	} {
		for _, wsFed := range []bool{false, true} {
			if wsFed && !c.partner || v.flavour == "2.0" && c.url != "" { // which the simulated 2.0 does not know
				continue
			}
			t.Run(c.name+map[bool]string{true: " by WS-Federation"}[wsFed], func(t *testing.T) {
				t.Parallel()
				r := newRealm(t, v, wsFed, []string{partnerHost}, c.script)
				a, err := r.login(t, adfs.Config{URL: c.url, HomeRealm: c.wish, Username: c.script["username"][0]})
				if err != nil || len(a.Roles) != 3 {
					t.Fatalf("Login = %v, want AD FS's assertion", err)
				}
				if a.Issuer != "http://"+host+"/adfs/services/trust" || !strings.HasPrefix(a.Destination, "https://signin.aws.amazon.com") {
					t.Errorf("the assertion is of %s for %s", a.Issuer, a.Destination)
				}
				if got := r.answers.Asked("home_realm"); got != 0 {
					t.Errorf("%d questions for the organisation, want none", got)
				}
				if c.partner {
					r.check(t, 0, 1)
				} else {
					r.check(t, 1, 0)
				}
			})
		}
	}
}

// TestHomeRealmOpen: what the setting leaves open is asked for, and refused with what is
// offered where nobody answers. Nothing is typed before that.
func TestHomeRealmOpen(t *testing.T) {
	t.Parallel()
	page := func(realms ...string) string {
		var b strings.Builder
		b.WriteString(`<form id=hrd method=post action=/adfs/ls/>`)
		for i := 0; i < len(realms); i += 2 {
			b.WriteString(`<div class=idp onclick="HRD.selection('` + realms[i] + `')"><span> ` + realms[i+1] + "\n</span></div>")
		}
		return b.String() + `<input id=hrdSelection type=hidden><input name=Email type=email></form>`
	}
	two := page("urn:a", "Nord", "urn:b", "Süd")
	same := page("urn:a", "Nord", "urn:b", "NORD", "AD AUTHORITY", "Us")
	refused := strings.Replace(loginPage, `for="">`, `for="">Falsch.`, 1)
	for _, c := range []struct {
		name, page, wish string
		answers          []string
		posted           string // the choice; "" for none
		offered          []string
	}{
		{"asked", two, "", []string{"Süd"}, "urn%3Ab", []string{"Nord", "Süd"}},
		{"nobody answers", two, "", []string{idptest.NoAnswer}, "", []string{"Nord", "Süd"}},
		{"neither fits", two, "West", []string{"Süd"}, "urn%3Ab", []string{"Nord", "Süd"}},
		{"neither fits and nobody answers", two, "West", []string{idptest.NoAnswer}, "", []string{"Nord", "Süd"}},
		{"an id in another case", two, "URN:B", nil, "urn%3Ab", nil},
		{"part of a name is none", two, "Nor", []string{idptest.NoAnswer}, "", []string{"Nord", "Süd"}},
		{"two of one name are asked for", same, "nord", []string{"NORD (urn:b)"}, "urn%3Ab", []string{"Nord (urn:a)", "NORD (urn:b)"}},
		{"two of one name and nobody answers", same, "nord", []string{idptest.NoAnswer}, "", []string{"Nord (urn:a)", "NORD (urn:b)"}},
		{"an id before a name", page("urn:a", "urn:b", "urn:b", "x"), "urn:b", nil, "urn%3Ab", nil},
		{"an answer that is not offered", two, "", []string{"West"}, "", []string{"Nord", "Süd"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			script := person("alice", idptest.AlicePassword)
			script["home_realm"] = c.answers
			s := &server{pages: []string{c.page, loginPage, refused}}
			r := newRig(t, idptest.Options{}, script)
			r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: r.session.Trust, Transport: idptest.Transport(map[string]http.Handler{host: s}), Now: clock})
			_, err := r.login(t, adfs.Config{HomeRealm: c.wish})
			want := idp.Rejected
			if c.posted == "" {
				want = idp.HomeRealm
			}
			got := wantVerdict(t, err, want)
			if want == idp.HomeRealm && !slices.Equal(got.Options, c.offered) {
				t.Errorf("Options = %q, want %q", got.Options, c.offered)
			}
			for _, q := range r.answers.Questions() {
				if q.Field == "home_realm" && (!slices.Equal(q.Options, c.offered) || !q.Public) {
					t.Errorf("asked %+v, want %q", q, c.offered)
				}
			}
			if n := r.answers.Asked("home_realm"); n != len(c.answers) {
				t.Errorf("%d questions, want %d", n, len(c.answers))
			}
			if len(s.posted) > 0 && s.posted[0] != "HomeRealmSelection="+c.posted+"&Email=" || (len(s.posted) == 0) != (c.posted == "") {
				t.Errorf("posted %q, want the choice %q", s.posted, c.posted)
			}
		})
	}
}

// TestPartnerNotTrusted: a partner whose host nobody listed is asked for its page, and is
// given nothing: the refusal names the host before any question.
func TestPartnerNotTrusted(t *testing.T) { each(t, testPartnerNotTrusted) }

func testPartnerNotTrusted(t *testing.T, v version) {
	for _, trusted := range [][]string{nil, {"partner.example"}, {partnerHost + ":8443"}} {
		r := newRealm(t, v, false, trusted, person("alice", partnerPass))
		_, err := r.login(t, adfs.Config{HomeRealm: partnerID})
		var origin *idp.OriginError
		if !errors.As(err, &origin) || origin.Untrusted != "https://"+partnerHost+":443" {
			t.Errorf("trusting %q: Login = %v, want a refusal that names %s", trusted, err, partnerHost)
		}
		if n := len(r.answers.Questions()); n != 0 {
			t.Errorf("trusting %q: %d questions, want none", trusted, n)
		}
		r.check(t, 0, 0)
	}
}

// TestPartnersAnswer: an answer is passed on from a trusted page to another trusted host
// and nowhere else, and never one for AWS.
func TestPartnersAnswer(t *testing.T) {
	t.Parallel()
	post := func(action, field string) string {
		return `<form method=post action="` + action + `"><input type=hidden name=` + field + ` value=` + strings.Repeat("QUJD", 5) + `><input type=hidden name=wctx value=x></form><script>document.forms[0].submit()</script>`
	}
	const fed = "wresult"
	cases := []struct {
		name    string
		trusted []string
		page    string // at the partner
		passed  bool
		want    idp.Verdict // "" for an untrusted origin
	}{
		{"WS-Federation to AD FS", []string{partnerHost}, post("https://"+host+"/adfs/ls/", fed), true, idp.Unknown},
		{"from a page that is not trusted", nil, post("https://"+host+"/adfs/ls/", fed), false, idp.WSFederation},
		{"to a host that is not trusted", []string{partnerHost}, post("https://other.example/adfs/ls/", fed), false, idp.WSFederation},
		{"to AWS", []string{partnerHost, "signin.aws.amazon.com"}, post("https://signin.aws.amazon.com/saml", fed), false, idp.WSFederation},
		{"to its own host", []string{partnerHost}, post("/again", fed), false, idp.WSFederation},
		{"by GET", []string{partnerHost}, strings.Replace(post("https://"+host+"/adfs/ls/", fed), "method=post", "method=get", 1), false, idp.WSFederation},
		{"with a button to press", []string{partnerHost}, strings.Replace(post("https://"+host+"/adfs/ls/", fed), "</form>", "<input name=n value=v type=submit></form>", 1), false, idp.WSFederation},
		{"beside a form that submits itself", []string{partnerHost}, post("https://"+host+"/adfs/ls/", "other") + `<input name=wresult value=x>`, false, idp.WSFederation},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			passed, err := answered(t, c.trusted, c.page)
			wantVerdict(t, err, c.want)
			if passed != c.passed {
				t.Errorf("passed on %t, want %t", passed, c.passed)
			}
			careless := form.Step{
				Name: "careless", Match: func(p *form.Page, _ *form.State) bool { return p.Has("[name=wresult]") },
				Act: func(_ context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
					return w.Press(p, p.Forms[0], p.Forms[0].Button(), form.Fill{})
				},
			}
			if passed, _ := answered(t, c.trusted, c.page, careless); !passed {
				t.Error("the control, which passes on everything, is not noticed")
			}
		})
	}
}

// answered walks from AD FS to a partner whose page is given, and says whether any server
// got a form from it. more are steps before the usual ones.
func answered(t *testing.T, trusted []string, page string, more ...form.Step) (passed bool, err error) {
	t.Helper()
	r := newRig(t, idptest.Options{}, nil)
	if r.session.Trust, err = idp.NewTrust(host, trusted, nil); err != nil {
		t.Fatal(err)
	}
	own, partner, other := &server{pages: []string{"<p>Nothing"}}, &server{pages: []string{page}}, &server{pages: []string{"<p>Nothing"}}
	first := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodGet && q.URL.Query().Has("loginToRp") {
			http.Redirect(w, q, "https://"+partnerHost+"/", http.StatusFound)
			return
		}
		own.ServeHTTP(w, q)
	})
	transport := idptest.Transport(map[string]http.Handler{host: first, partnerHost: partner, idptest.AnyHost: other})
	r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: r.session.Trust, Transport: transport, Now: clock})
	entry, err := url.Parse("https://" + host + idptest.ADFSEntry)
	if err != nil {
		t.Fatal(err)
	}
	_, err = (&form.Walk{Session: r.session, Entry: entry, Steps: append(more, adfs.StepsOf(t)...)}).Run(t.Context())
	return len(own.asked)+len(other.asked) > 0 || len(partner.asked) > 1, err
}

// TestHomeRealm20Own: AD FS's own directory has another id in 2.0, and is known by the
// usual one all the same.
func TestHomeRealm20Own(t *testing.T) {
	t.Parallel()
	const list = "ctl00$ContentPlaceHolder1$PassiveIdentityProvidersDropDownList"
	page := `<form method=post action="/adfs/ls/"><select name="` + list + `"><option value="urn:x">X</option><option value="http://` + host + `/adfs/services/trust">Corp</option></select><input type=submit name=go value=Go></form>`
	for _, wish := range []string{"", "ad authority", "Corp"} {
		s := &server{pages: []string{page, "<p>Nothing"}}
		r := newRig(t, idptest.Options{}, nil)
		r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: r.session.Trust, Transport: idptest.Transport(map[string]http.Handler{host: s}), Now: clock})
		_, err := r.login(t, adfs.Config{HomeRealm: wish})
		wantVerdict(t, err, idp.Unknown)
		if want := url.QueryEscape(list) + "=" + url.QueryEscape("http://"+host+"/adfs/services/trust") + "&go=Go"; len(s.posted) != 1 || s.posted[0] != want {
			t.Errorf("%q: posted %q, want %q", wish, s.posted, want)
		}
	}
}

// TestHomeRealmNeverAsked: a setting for a page that does not come changes nothing. The
// name is completed, and one that cannot be is not sent.
func TestHomeRealmNeverAsked(t *testing.T) {
	each(t, func(t *testing.T, v version) {
		for _, realm := range []string{"", "Active Directory", "Partner"} {
			r := newRig(t, v.of(idptest.Options{}), person("alice", idptest.AlicePassword))
			if _, err := r.login(t, adfs.Config{HomeRealm: realm, Domain: "CORP", Username: "alice"}); err != nil {
				t.Errorf("%s, %q: %v", v.name, realm, err)
			}
			r = newRig(t, v.of(idptest.Options{}), person("alice", idptest.AlicePassword))
			_, err := r.login(t, adfs.Config{HomeRealm: realm})
			wantVerdict(t, err, idp.BareUser)
			if n := r.p.Stats().Logins; n != 0 {
				t.Errorf("%s, %q: %d passwords were sent", v.name, realm, n)
			}
		}
	})
}
