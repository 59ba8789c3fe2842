package ststest

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"gatehop/saml/samltest"
)

const (
	entityID = "http://adfs.corp.example/adfs/services/trust"

	provider  = "arn:aws:iam::111111111111:saml-provider/ADFS"
	provider2 = "arn:aws:iam::222222222222:saml-provider/ADFS"
	gateway   = "arn:aws:iam::111111111111:role/team/a/Gateway"
	admins    = "arn:aws:iam::222222222222:role/Admins"
	external  = "arn:aws:iam::222222222222:role/External"
	strict    = "arn:aws:iam::222222222222:role/Strict"
	mfa       = "arn:aws:iam::222222222222:role/MFA"
	closed    = "arn:aws:iam::222222222222:role/Closed"
	sso       = "arn:aws:iam::111111111111:role/AWSReservedSSO_Admin_0123456789abcdef"
	china     = "arn:aws-cn:iam::111111111111:role/Gateway"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// idps makes the keys once: the provider that is trusted and one that only looks like it.
var idps = sync.OnceValues(func() ([2]*samltest.IDP, error) {
	one, err := samltest.New(entityID, nil, start)
	if err != nil {
		return [2]*samltest.IDP{}, err
	}
	two, err := samltest.New(entityID, nil, start)
	return [2]*samltest.IDP{one, two}, err
})

func testIDPs(t testing.TB) (good, impostor *samltest.IDP) {
	t.Helper()
	both, err := idps()
	if err != nil {
		t.Fatal(err)
	}
	return both[0], both[1]
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func options(t testing.TB, c *clock) Options {
	idp, _ := testIDPs(t)
	certs := []*x509.Certificate{idp.Cert}
	trust := []string{provider}
	return Options{
		Now: c.now,
		Providers: []Provider{
			{ARN: provider, EntityID: entityID, Certs: certs},
			{ARN: provider2, EntityID: entityID, Certs: certs},
		},
		Roles: []Role{
			{ARN: gateway, MaxSession: 4 * time.Hour, TrustProviders: []string{provider, provider2}, AllowTags: true, AllowSourceIdentity: true},
			{ARN: "arn:aws:iam::111111111111:role/Plain", TrustProviders: trust},
			{ARN: "arn:aws:iam::111111111111:role/Needs,MFA", TrustProviders: trust, RequireMFA: true},
			{ARN: "arn:aws:iam::111111111111:role/Other", TrustRoles: []string{gateway}},
			{ARN: "arn:aws:iam::111111111111:role/Regional", TrustProviders: trust, Audience: []string{"https://eu-west-1.signin.aws.amazon.com/saml"}},
			{ARN: sso, TrustProviders: trust},
			{ARN: admins, MaxSession: 12 * time.Hour, TrustRoles: []string{gateway}, AllowTags: true, AllowSourceIdentity: true},
			{ARN: external, TrustRoles: []string{rootOf(splitARN(gateway))}, ExternalID: "example-7", AllowTags: true, AllowSourceIdentity: true},
			{ARN: strict, TrustRoles: []string{gateway, admins}},
			{ARN: mfa, TrustRoles: []string{gateway}, RequireMFA: true},
			{ARN: closed, TrustRoles: []string{admins}},
			{ARN: china, TrustRoles: []string{gateway}},
		},
	}
}

// response is what the provider issues for the gateway role unless a test says else.
func response(now time.Time) samltest.Response {
	return samltest.Response{
		SessionName: "alice",
		Roles: []string{
			provider + "," + gateway,
			samltest.RoleValue("111111111111", "Plain", "ADFS", false),
			samltest.RoleValue("111111111111", "Needs,MFA", "ADFS", false),
			samltest.RoleValue("111111111111", "Other", "ADFS", true),
			samltest.RoleValue("111111111111", "Regional", "ADFS", true),
			provider + " ,\n " + sso,
			provider2 + "," + gateway,
			provider + ",arn:aws:iam::111111111111:role/gateway",
		},
		Issued: now,
	}
}

func issue(t testing.TB, r samltest.Response) string {
	t.Helper()
	idp, _ := testIDPs(t)
	encoded, err := idp.Issue(r)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func samlForm(assertion string) url.Values {
	return url.Values{
		"Action":        {opSAML},
		"Version":       {apiVersion},
		"RoleArn":       {gateway},
		"PrincipalArn":  {provider},
		"SAMLAssertion": {assertion},
	}
}

func assumeForm(role string) url.Values {
	return url.Values{
		"Action":          {opAssume},
		"Version":         {apiVersion},
		"RoleArn":         {role},
		"RoleSessionName": {"alice"},
	}
}

// reply is an answer as a client sees it.
type reply struct {
	Status  int
	Type    string `xml:"Error>Type"`
	Code    string `xml:"Error>Code"`
	Message string `xml:"Error>Message"`
	SAML    *struct {
		Creds credentials     `xml:"Credentials"`
		User  assumedRoleUser `xml:"AssumedRoleUser"`

		Audience, Issuer, NameQualifier, Subject, SubjectType, SourceIdentity string
	} `xml:"AssumeRoleWithSAMLResult"`
	Assume *struct {
		Creds          credentials     `xml:"Credentials"`
		User           assumedRoleUser `xml:"AssumedRoleUser"`
		SourceIdentity string
	} `xml:"AssumeRoleResult"`
	Identity *identityResult `xml:"GetCallerIdentityResult"`

	Header http.Header
}

func send(t testing.TB, s http.Handler, r *http.Request) reply {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var got reply
	if err := xml.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("answer is not XML: %v\n%s", err, w.Body)
	}
	got.Status, got.Header = w.Code, w.Header()
	return got
}

func post(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://sts.test/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return r
}

// signed makes a signed request with the SDK's signer, which is not the code that
// verifies it.
func signed(t testing.TB, form url.Values, c credentials, at time.Time) *http.Request {
	t.Helper()
	return signedFor(t, form, c, at, "sts", "eu-west-1")
}

func signedFor(t testing.TB, form url.Values, c credentials, at time.Time, service, region string) *http.Request {
	t.Helper()
	body := form.Encode()
	r := post(body)
	sum := sha256.Sum256([]byte(body))
	err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{
		AccessKeyID: c.AccessKeyId, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken,
	}, r, hex.EncodeToString(sum[:]), service, region, at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// login opens the gateway role.
func login(t testing.TB, s *Server, r samltest.Response) credentials {
	t.Helper()
	got := send(t, s, post(samlForm(issue(t, r)).Encode()))
	if got.SAML == nil {
		t.Fatalf("AssumeRoleWithSAML = %d %s %s", got.Status, got.Code, got.Message)
	}
	return got.SAML.Creds
}

func decode(t testing.TB, encoded string) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func encode(xml string) string { return base64.StdEncoding.EncodeToString([]byte(xml)) }
