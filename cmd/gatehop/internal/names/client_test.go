package names_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/cmd/gatehop/internal/names"
	"gatehop/creds"
	"gatehop/idp/idptest"
	"gatehop/saml"
	"gatehop/saml/samltest"
	"gatehop/sts"
	"gatehop/sts/ststest"
)

const (
	entityID = "http://adfs.corp.example/adfs/services/trust"
	gateway  = "arn:aws:iam::111111111111:role/Gateway"
	admins   = "arn:aws:iam::222222222222:role/Admins"
	china    = "arn:aws-cn:iam::111111111111:role/Gateway"
)

// world is AWS with one identity provider that it trusts.
type world struct {
	idp    *samltest.IDP
	sts    *ststest.Server
	signIn *ststest.SignIn
	iam    *ststest.IAM
	net    *idptest.InProcess
	now    time.Time
}

// signingKey is made once: that takes longer than a test.
var signingKey = sync.OnceValues(samltest.NewKey)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{now: start}
	if time.Now().Year() == 2000 { // the clock of a synctest bubble
		w.now = time.Now()
	}
	key, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	if w.idp, err = samltest.WithKey(key, entityID, nil, w.now); err != nil {
		t.Fatal(err)
	}
	provider := func(partition, account string) ststest.Provider {
		return ststest.Provider{ARN: "arn:" + partition + ":iam::" + account + ":saml-provider/ADFS", EntityID: entityID, Certs: []*x509.Certificate{w.idp.Cert}}
	}
	p, cn := provider("aws", one), provider("aws-cn", one)
	w.sts = ststest.New(ststest.Options{
		Now: func() time.Time { return w.now }, Providers: []ststest.Provider{p, cn},
		Roles: []ststest.Role{
			{ARN: gateway, TrustProviders: []string{p.ARN}}, {ARN: admins, TrustRoles: []string{gateway}},
			{ARN: china, TrustProviders: []string{cn.ARN}},
		},
	})
	aliases := map[string]string{one: "corp-gateway"}
	w.signIn = &ststest.SignIn{Server: w.sts, Names: aliases}
	w.iam = &ststest.IAM{Server: w.sts, Region: "us-east-1", Aliases: aliases}
	w.net = idptest.Transport(map[string]http.Handler{
		"signin.aws.amazon.com": w.signIn, "iam.amazonaws.com": w.iam, "iam.cn-north-1.amazonaws.com.cn": w.iam,
		"sts.eu-west-1.amazonaws.com": w.sts, "sts.cn-north-1.amazonaws.com.cn": w.sts,
	})
	return w
}

func (w *world) client() names.Client {
	return names.Client{Transport: w.net, Now: func() time.Time { return w.now }}
}

// assertion is one with roles in three accounts unless a change says else.
func (w *world) assertion(t *testing.T, change func(*samltest.Response)) *saml.Assertion {
	t.Helper()
	r := samltest.Response{Issued: w.now, SessionName: "alice", Roles: []string{
		samltest.RoleValue(one, "Gateway", "ADFS", false), samltest.RoleValue(two, "Admins", "ADFS", true), samltest.RoleValue(two, "ReadOnly", "ADFS", true),
	}}
	if change != nil {
		change(&r)
	}
	encoded, err := w.idp.Issue(r)
	if err != nil {
		t.Fatal(err)
	}
	a, err := saml.Decode(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (w *world) gateway(t *testing.T, region string, role saml.Role, change func(*samltest.Response)) creds.Credentials {
	t.Helper()
	c := &sts.Client{Region: region, HTTP: &http.Client{Transport: w.net}, Now: func() time.Time { return w.now }}
	got, err := c.AssumeWithSAML(t.Context(), w.assertion(t, change), role, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// inBubble runs a test on a clock that stands still while there is work: 2 s are not
// much on a busy machine.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, test)
	})
}

func TestFromPage(t *testing.T) {
	t.Parallel()
	for _, shape := range []ststest.Shape{ststest.ShapeForm, ststest.ShapeData} {
		inBubble(t, fmt.Sprint(shape), func(t *testing.T) { testFromPage(t, shape) })
	}
}

func testFromPage(t *testing.T, shape ststest.Shape) {
	w := newWorld(t)
	w.signIn.Shape = shape
	w.signIn.Names = map[string]string{one: "corp-gateway", three: "not-offered"}
	got, err := w.client().FromPage(t.Context(), w.assertion(t, nil))
	if want := map[string]string{one: "corp-gateway", two: ""}; err != nil || !maps.Equal(got, want) {
		t.Errorf("shape %d: FromPage = %v, %v, want %v", shape, got, err, want)
	}
	n := w.signIn.Requests()
	if len(n) != 1 || len(n[0].Form) != 2 {
		t.Fatalf("requests %+v", n)
	}
	for name, want := range map[string]string{"Accept-Language": "en", "User-Agent": "gatehop", "Cookie": "", "Referer": "", "Origin": "", "Authorization": ""} {
		if got := n[0].Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestFromPageOffered: what the page does not name is not known to have no name, and
// what is not offered is nobody's business.
func TestFromPageOffered(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("testdata", "form.html"))
	if err != nil {
		t.Fatal(err)
	}
	inBubble(t, "form.html", func(t *testing.T) {
		w := newWorld(t)
		w.net = idptest.Transport(map[string]http.Handler{"signin.aws.amazon.com": http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "text/html")
			_, _ = rw.Write(page)
		})})
		got, err := w.client().FromPage(t.Context(), w.assertion(t, func(r *samltest.Response) {
			r.Roles[0] = samltest.RoleValue("444444444444", "Gateway", "ADFS", false)
		}))
		if want := map[string]string{two: ""}; err != nil || !maps.Equal(got, want) {
			t.Errorf("FromPage = %v, %v, want %v", got, err, want)
		}
	})
}

// TestFromPageInSilence: what names nobody is an error that holds nothing of the
// assertion, and no redirect is followed.
func TestFromPageInSilence(t *testing.T) {
	t.Parallel()
	answer := func(status int, kind, body string) func(*world) {
		return func(w *world) {
			w.net = idptest.Transport(map[string]http.Handler{"signin.aws.amazon.com": http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				text, _ := io.ReadAll(r.Body)
				rw.Header().Set("Content-Type", kind)
				rw.WriteHeader(status)
				_, _ = io.WriteString(rw, body+string(text))
			})})
		}
	}
	for name, c := range map[string]struct {
		change func(*world)
		want   string
	}{
		"script":  {func(w *world) { w.signIn.Shape = ststest.ShapeScript }, "names no accounts"},
		"refused": {func(w *world) { w.signIn.Shape = ststest.ShapeError }, "status 400"},
		"late":    {func(w *world) { w.now = w.now.Add(time.Hour) }, "status 400"},
		"JSON":    {answer(200, "application/json", ""), "not a page"},
		"huge":    {answer(200, "text/html", strings.Repeat("<p>", 2<<20)), "over 4194304 bytes"},
		"nobody":  {func(w *world) { w.net = idptest.Transport(nil) }, "cannot be looked up"},
		"redirect": {func(w *world) {
			page := w.signIn
			w.net = idptest.Transport(map[string]http.Handler{idptest.AnyHost: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/saml" {
					http.Redirect(rw, r, "https://signin.aws.amazon.com/console?secret="+w.idp.EntityID, http.StatusFound)
					return
				}
				page.ServeHTTP(rw, r)
			})})
		}, "status 302"},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := newWorld(t)
			a := w.assertion(t, nil)
			c.change(w)
			got, err := w.client().FromPage(t.Context(), a)
			if got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("FromPage = %v, %v, want %q", got, err, c.want)
			}
			if text := fmt.Sprintf("%+v %#v", err, err); strings.Contains(text, a.Encoded().Reveal()[100:140]) || strings.Contains(text, "secret=") {
				t.Errorf("the error holds what nobody may see: %s", text)
			}
			if n := w.signIn.Consoles(); n != 0 {
				t.Errorf("%d console sessions were opened", n)
			}
		})
	}
}

// TestFromPageControl: the fake sees a client that follows redirects, and one that asks
// for a single role.
func TestFromPageControl(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.assertion(t, func(r *samltest.Response) { r.Roles = r.Roles[:1] })
	resp, err := (&http.Client{Transport: w.net}).Post("https://signin.aws.amazon.com/saml", "application/x-www-form-urlencoded",
		strings.NewReader("RelayState=&SAMLResponse="+strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(a.Encoded().Reveal())))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if w.signIn.Consoles() != 1 {
		t.Errorf("a browser opened %d console sessions, want 1", w.signIn.Consoles())
	}
}

// TestSignInPage: which assertions leave for which host.
func TestSignInPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		change func(*samltest.Response)
		want   string // "": for none
	}{
		"commercial": {func(*samltest.Response) {}, "https://signin.aws.amazon.com/saml"},
		"regional": {func(r *samltest.Response) { r.Destination = "https://eu-west-1.signin.aws.amazon.com/saml" },
			"https://eu-west-1.signin.aws.amazon.com/saml"},
		"query": {func(r *samltest.Response) { r.Destination = "https://SIGNIN.aws.amazon.com/saml?x=y#z" }, "https://signin.aws.amazon.com/saml"},
		"China": {func(r *samltest.Response) {
			r.Destination = "https://signin.amazonaws.cn/saml"
			r.Roles = []string{samltest.RoleValueIn("aws-cn", one, "Gateway", "ADFS", false), samltest.RoleValueIn("aws-cn", two, "Admins", "ADFS", false)}
		}, "https://signin.amazonaws.cn/saml"},
		"one role":          {func(r *samltest.Response) { r.Roles = r.Roles[:1] }, ""},
		"no role":           {func(r *samltest.Response) { r.Roles = nil }, ""},
		"another partition": {func(r *samltest.Response) { r.Roles[0] = samltest.RoleValueIn("aws-cn", one, "Gateway", "ADFS", false) }, ""},
		"elsewhere":         {func(r *samltest.Response) { r.Destination = "https://sso.corp.example/saml" }, ""},
		"look-alike":        {func(r *samltest.Response) { r.Destination = "https://signin.aws.amazon.com.evil.example/saml" }, ""},
		"in clear":          {func(r *samltest.Response) { r.Destination = "http://signin.aws.amazon.com/saml" }, ""},
		"another port":      {func(r *samltest.Response) { r.Destination = "https://signin.aws.amazon.com:8443/saml" }, ""},
		"user":              {func(r *samltest.Response) { r.Destination = "https://a@signin.aws.amazon.com/saml" }, ""},
		"another path":      {func(r *samltest.Response) { r.Destination = "https://signin.aws.amazon.com/federation" }, ""},
		"encrypted":         {func(r *samltest.Response) { r.Encrypted = true }, ""},
	} {
		a := w.assertion(t, c.change)
		page, ok := names.SignInPage(a)
		if ok != (c.want != "") || ok && page.String() != c.want {
			t.Errorf("%s: SignInPage = %v, %v, want %q", name, page, ok, c.want)
		}
		if ok {
			continue
		}
		if got, err := w.client().FromPage(t.Context(), a); err == nil {
			t.Errorf("%s: FromPage = %v", name, got)
		}
	}
	if n := len(w.signIn.Requests()) + len(w.net.Refused()); n != 0 {
		t.Errorf("%d requests left for assertions without a page", n)
	}
}

func TestFromPageSlow(t *testing.T) {
	t.Parallel()
	for latency, want := range map[time.Duration]time.Duration{time.Second: time.Second, 3 * time.Second: names.Limit, time.Hour: names.Limit} {
		inBubble(t, latency.String(), func(t *testing.T) {
			w := newWorld(t)
			a := w.assertion(t, nil)
			w.signIn.Latency = latency
			from := time.Now()
			_, err := w.client().FromPage(t.Context(), a)
			if took := time.Since(from); took != want || (err == nil) != (latency < names.Limit) {
				t.Errorf("a page of %v took %v, want %v (%v)", latency, took, want, err)
			}
		})
	}
}

func TestFromIAM(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testFromIAM)
}

func testFromIAM(t *testing.T) {
	w := newWorld(t)
	c := w.gateway(t, "eu-west-1", saml.Role{ARN: gateway, Provider: "arn:aws:iam::111111111111:saml-provider/ADFS"}, nil)
	if got, err := w.client().FromIAM(t.Context(), c); got != "corp-gateway" || err != nil {
		t.Errorf("FromIAM = %q, %v", got, err)
	}
	w.iam.Aliases = nil
	if got, err := w.client().FromIAM(t.Context(), c); got != "" || err != nil {
		t.Errorf("FromIAM without alias = %q, %v", got, err)
	}
	w.iam.Aliases = map[string]string{one: "Not An Alias"}
	if got, err := w.client().FromIAM(t.Context(), c); got != "" || err != nil {
		t.Errorf("FromIAM with nonsense = %q, %v", got, err)
	}
	w.iam.Denied = []string{one}
	if got, err := w.client().FromIAM(t.Context(), c); got != "" || !errors.Is(err, names.ErrDenied) {
		t.Errorf("FromIAM denied = %q, %v", got, err)
	}
	// A clock that is off is known by the hop, and signs right.
	w.iam.Denied = nil
	skewed := w.client()
	skewed.Now = func() time.Time { return w.now.Add(-time.Hour) }
	if _, err := skewed.FromIAM(t.Context(), c); err == nil || errors.Is(err, names.ErrDenied) {
		t.Errorf("FromIAM an hour late = %v, want a refusal that is no denial", err)
	}
	c.Skew = time.Hour
	if _, err := skewed.FromIAM(t.Context(), c); err != nil {
		t.Errorf("FromIAM with the skew = %v", err)
	}
	for _, identity := range []string{"", "arn:aws-mars:sts::111111111111:assumed-role/A/b"} {
		c.Identity = identity
		if _, err := w.client().FromIAM(t.Context(), c); err == nil {
			t.Errorf("FromIAM for %q asks somebody", identity)
		}
	}
	if len(w.net.Refused()) != 0 {
		t.Errorf("left for elsewhere: %+v", w.net.Refused())
	}
}

// TestFromIAMPartition: another partition, another host and region.
func TestFromIAMPartition(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testFromIAMPartition)
}

func testFromIAMPartition(t *testing.T) {
	w := newWorld(t)
	w.iam.Region = "cn-north-1"
	c := w.gateway(t, "cn-north-1", saml.Role{ARN: china, Provider: "arn:aws-cn:iam::111111111111:saml-provider/ADFS"}, func(r *samltest.Response) {
		r.Destination = "https://signin.amazonaws.cn/saml"
		r.Roles = []string{samltest.RoleValueIn("aws-cn", one, "Gateway", "ADFS", false)}
	})
	if got, err := w.client().FromIAM(t.Context(), c); got != "corp-gateway" || err != nil {
		t.Errorf("FromIAM = %q, %v", got, err)
	}
	if n := w.iam.Requests(); len(n) != 1 || n[0].Host != "iam.cn-north-1.amazonaws.com.cn" {
		t.Errorf("requests %+v", n)
	}
}

func TestFromIAMSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := creds.Credentials{AccessKeyID: "ASIA", Identity: "arn:aws:sts::111111111111:assumed-role/Gateway/alice"}
		client := w.client()
		client.Transport = stuck{}
		from := time.Now()
		if _, err := client.FromIAM(context.Background(), c); err == nil || time.Since(from) != names.Limit {
			t.Errorf("FromIAM = %v after %v", err, time.Since(from))
		}
	})
}

// stuck never answers.
type stuck struct{}

func (stuck) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
