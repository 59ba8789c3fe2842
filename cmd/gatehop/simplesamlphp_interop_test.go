//go:build interop

package main_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehop/sts/ststest"
)

const (
	roleAdmin    = "arn:aws:iam::111111111111:role/GatewayAdmin"
	roleReadOnly = "arn:aws:iam::111111111111:role/ReadOnly"
	roleDeployer = "arn:aws:iam::222222222222:role/path/Deployer"
)

// simpleSAML is a running SimpleSAMLphp.
type simpleSAML struct {
	url, ca, log string
	cert         *x509.Certificate // that signs its assertions
}

// startSimpleSAML starts one of its own, with HTTP authentication as well if a realm is
// given; the test's end stops it.
func startSimpleSAML(t *testing.T, scheme string, realms ...realm) simpleSAML {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil { // Apache works as another user
		t.Fatal(err)
	}
	state := filepath.Join(dir, "ssp")
	script := filepath.Join(interopDir, "ssp")
	args := []string{state, scheme, strconv.Itoa(os.Getpid())}
	for _, r := range realms {
		args = append(args, r.state)
	}
	if out, err := exec.Command(filepath.Join(script, "up"), args...).CombinedOutput(); err != nil {
		t.Fatalf("start SimpleSAMLphp: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(state, "log", "simplesamlphp.log"))
			t.Logf("SimpleSAMLphp over %s:\n%s", scheme, text)
			text, _ = os.ReadFile(filepath.Join(state, "log", "server.log"))
			t.Logf("its server:\n%s", text)
		}
		if out, err := exec.Command(filepath.Join(script, "down"), state).CombinedOutput(); err != nil {
			t.Errorf("stop SimpleSAMLphp: %v\n%s", err, out)
		}
	})
	vars := map[string]string{}
	for line := range strings.Lines(readFile(t, filepath.Join(state, "env"))) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		vars[name] = value
	}
	block, _ := pem.Decode([]byte(readFile(t, vars["IDP_CERT"])))
	if block == nil {
		t.Fatalf("%s is not PEM", vars["IDP_CERT"])
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return simpleSAML{url: vars["LOGIN_URL"], ca: vars["CA"], log: vars["LOG"], cert: cert}
}

// passwords is how many passwords were posted so far, right and wrong ones, on the
// server's own word.
func (s simpleSAML) passwords(t *testing.T) (right, wrong int) {
	t.Helper()
	log := readFile(t, s.log)
	return strings.Count(log, "successfully authenticated"), strings.Count(log, "Unsuccessful login attempt")
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// startSTS is AWS with SAML providers that trust the given certificate.
func startSTS(t *testing.T, cert *x509.Certificate) (*ststest.Server, string) {
	t.Helper()
	options := ststest.Options{Now: time.Now}
	for _, account := range []string{"111111111111", "222222222222"} {
		options.Providers = append(options.Providers, ststest.Provider{
			ARN: "arn:aws:iam::" + account + ":saml-provider/CorpIdP", EntityID: "https://idp.corp.example/saml",
			Certs: []*x509.Certificate{cert},
		})
	}
	for _, arn := range []string{roleAdmin, roleReadOnly, roleDeployer} {
		options.Roles = append(options.Roles, ststest.Role{
			ARN: arn, MaxSession: time.Hour, TrustProviders: []string{"arn:aws:iam::" + strings.Split(arn, ":")[4] + ":saml-provider/CorpIdP"},
		})
	}
	options.Roles = append(options.Roles, ststest.Role{ARN: "arn:aws:iam::333333333333:role/Admins", TrustRoles: []string{roleReadOnly}})
	s := ststest.New(options)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL
}

// gatewayProfile is the configuration of a sign-in at s.
func (s simpleSAML) gatewayProfile(more ...string) []string {
	lines := []string{
		"[profile gateway]", "gatehop_idp = form", "gatehop_url = " + s.url, "gatehop_store = file", "region = eu-west-1",
	}
	if s.ca != "" {
		lines = append(lines, "gatehop_ca_bundle = "+s.ca)
	}
	return append(lines, more...)
}

// TestInteropSimpleSAMLphp signs in at a real identity provider.
func TestInteropSimpleSAMLphp(t *testing.T) {
	t.Parallel()
	gatehop := build(t, ".", "gatehop")
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			testSimpleSAML(t, gatehop, startSimpleSAML(t, scheme))
		})
	}
}

func testSimpleSAML(t *testing.T, gatehop string, idp simpleSAML) {
	for _, test := range signIns { // one after the other: the provider's counts are compared
		t.Run(test.name, func(t *testing.T) { test.run(t, gatehop, idp) })
	}
	t.Run("own words for each refusal", func(t *testing.T) { refusalsDiffer(t, gatehop, idp) })
	t.Run("kept session", func(t *testing.T) { keptSession(t, gatehop, idp) })
	t.Run("changed assertion", func(t *testing.T) { changedAssertion(t, gatehop, idp) })
	t.Run("other key", func(t *testing.T) { otherKey(t, gatehop, idp) })
	if idp.ca != "" {
		t.Run("unknown authority", func(t *testing.T) { unknownAuthority(t, gatehop, idp) })
	}
}

// signIn is one run of `gatehop login gateway` and how it must end.
type signIn struct {
	name, user, password string
	role                 string // configured; "" is none
	args                 []string
	status               int
	stdout, stderr       []string // what must be in them
	right, wrong         int      // passwords that the provider counts
	saml                 int      // AssumeRoleWithSAML calls
}

var signIns = []signIn{
	{name: "configured role", user: "alice", password: "alice-pass", role: roleAdmin, right: 1, saml: 1,
		stdout: []string{"arn:aws:sts::111111111111:assumed-role/GatewayAdmin/alice@corp.example"}},
	{name: "role whose provider comes first", user: "alice", password: "alice-pass", role: roleDeployer, right: 1, saml: 1,
		stdout: []string{"arn:aws:sts::222222222222:assumed-role/Deployer/alice@corp.example"}},
	{name: "role by flag", user: "alice", password: "alice-pass", args: []string{"--role", "ReadOnly"}, right: 1, saml: 1,
		stdout: []string{"arn:aws:sts::111111111111:assumed-role/ReadOnly/alice@corp.example"}},
	{name: "several roles and nobody to choose", user: "alice", password: "alice-pass", right: 1, status: 4,
		stderr: []string{roleAdmin, roleReadOnly, roleDeployer}},
	{name: "password that must be encoded", user: "zoë", password: `p&ss=w+rd %41"<é>`, role: roleReadOnly, right: 1, saml: 1,
		stdout: []string{"arn:aws:sts::111111111111:assumed-role/ReadOnly/zoe@corp.example"}},
	{name: "one role, no question", user: "bob", password: "bob-pass", args: []string{"--no-input"}, right: 1, saml: 1,
		stdout: []string{"arn:aws:sts::111111111111:assumed-role/ReadOnly/bob@corp.example"}},
	{name: "wrong password", user: "alice", password: "not-her-password", role: roleAdmin, wrong: 1, status: 5,
		stderr: []string{"Incorrect username or password"}},
	{name: "no role in AWS", user: "norole", password: "norole-pass", right: 1, status: 5,
		stderr: []string{"no AWS role"}},
}

func (s signIn) run(t *testing.T, gatehop string, idp simpleSAML) {
	aws, endpoint := startSTS(t, idp.cert)
	p := newPerson(t, "AWS_ENDPOINT_URL_STS="+endpoint)
	more := []string{"gatehop_username = " + s.user}
	if s.role != "" {
		more = append(more, "gatehop_role_arn = "+s.role)
	}
	p.configure(t, idp.gatewayProfile(more...)...)
	rightBefore, wrongBefore := idp.passwords(t)
	got := p.run(t, []string{"GATEHOP_PASSWORD=" + s.password}, gatehop, append([]string{"login", "gateway"}, s.args...)...)
	right, wrong := idp.passwords(t)
	right, wrong = right-rightBefore, wrong-wrongBefore
	s.check(t, got)
	if right != s.right || wrong != s.wrong {
		t.Errorf("%d right and %d wrong passwords were posted, want %d and %d", right, wrong, s.right, s.wrong)
	}
	if c := aws.Counts(); c.AssumeRoleWithSAML != s.saml || c.Refused != 0 {
		t.Errorf("STS counts %+v, want %d assertions and no refusal", c, s.saml)
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", got.stdout, got.stderr)
	}
}

func (s signIn) check(t *testing.T, got outcome) {
	t.Helper()
	if got.status != s.status {
		t.Errorf("status %d, want %d", got.status, s.status)
	}
	for _, want := range s.stdout {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("stdout has no %q", want)
		}
	}
	for _, want := range s.stderr {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("stderr has no %q", want)
		}
	}
	if s.status != 0 && got.stdout != "" {
		t.Errorf("stdout is not empty after a failure")
	}
	if strings.Contains(got.stdout+got.stderr, s.password) {
		t.Errorf("the password is in the output")
	}
}

// refusalsDiffer: only a refused password is blamed on the password.
func refusalsDiffer(t *testing.T, gatehop string, idp simpleSAML) {
	_, endpoint := startSTS(t, idp.cert)
	p := newPerson(t, "AWS_ENDPOINT_URL_STS="+endpoint)
	p.configure(t, idp.gatewayProfile()...)
	rejected := p.run(t, []string{"GATEHOP_USERNAME=norole", "GATEHOP_PASSWORD=no"}, gatehop, "login", "gateway")
	roleless := p.run(t, []string{"GATEHOP_USERNAME=norole", "GATEHOP_PASSWORD=norole-pass"}, gatehop, "login", "gateway")
	if rejected.status != 5 || !strings.Contains(rejected.stderr, "password") {
		t.Errorf("a wrong password: status %d\n%s", rejected.status, rejected.stderr)
	}
	if roleless.status != 5 || strings.Contains(roleless.stderr, "password") || !strings.Contains(roleless.stderr, "no AWS role") {
		t.Errorf("a person without roles: status %d\n%s", roleless.status, roleless.stderr)
	}
}

// keptSession: what was signed in once serves the SDK contract and the next hop without
// the provider.
func keptSession(t *testing.T, gatehop string, idp simpleSAML) {
	aws, endpoint := startSTS(t, idp.cert)
	p := newPerson(t, "AWS_ENDPOINT_URL_STS="+endpoint)
	p.configure(t, append(idp.gatewayProfile("gatehop_username = bob", ""),
		"[profile prod]", "gatehop_role_arn = arn:aws:iam::333333333333:role/Admins", "gatehop_source_profile = gateway")...)
	rightBefore, _ := idp.passwords(t)
	if got := p.run(t, []string{"GATEHOP_PASSWORD=bob-pass"}, gatehop, "login", "gateway"); got.status != 0 {
		t.Fatalf("login: status %d\n%s", got.status, got.stderr)
	}
	for _, profile := range []string{"gateway", "prod", "prod"} {
		got := p.run(t, nil, gatehop, "credential-process", profile)
		var out struct {
			Version                                                int
			AccessKeyId, SecretAccessKey, SessionToken, Expiration string
		}
		if err := json.Unmarshal([]byte(got.stdout), &out); err != nil || got.status != 0 || out.Version != 1 || out.AccessKeyId == "" ||
			out.SecretAccessKey == "" || out.SessionToken == "" || got.stderr != "" {
			t.Errorf("credential-process %s: status %d, %v\n%s", profile, got.status, err, got.stderr)
		}
	}
	if right, _ := idp.passwords(t); right-rightBefore != 1 {
		t.Errorf("%d passwords were posted, want 1", right-rightBefore)
	}
	if c := aws.Counts(); c.AssumeRoleWithSAML != 1 || c.AssumeRole != 1 || c.Refused != 0 {
		t.Errorf("STS counts %+v, want one of each call", c)
	}
}

// changedAssertion: the STS takes what SimpleSAMLphp signed, and nothing else. It is
// shown with the assertion that gatehop sent.
func changedAssertion(t *testing.T, gatehop string, idp simpleSAML) {
	aws, endpoint := startSTS(t, idp.cert)
	p := newPerson(t, "AWS_ENDPOINT_URL_STS="+endpoint)
	p.configure(t, idp.gatewayProfile("gatehop_username = alice", "gatehop_role_arn = "+roleAdmin)...)
	if got := p.run(t, []string{"GATEHOP_PASSWORD=alice-pass"}, gatehop, "login", "gateway"); got.status != 0 {
		t.Fatalf("login: status %d\n%s", got.status, got.stderr)
	}
	requests := aws.Requests()
	sent := requests[len(requests)-1]
	if sent.Op != "AssumeRoleWithSAML" {
		t.Fatalf("the last call is %s, want AssumeRoleWithSAML", sent.Op)
	}
	document, err := base64.StdEncoding.DecodeString(sent.Get("SAMLAssertion"))
	if err != nil {
		t.Fatal(err)
	}
	if status, body := replay(t, endpoint, sent, document); status != http.StatusOK {
		t.Fatalf("the assertion as it was sent is refused: %d %s", status, body)
	}
	// One byte each, of what the signature covers and of the signature itself.
	for _, after := range []string{
		"role/Gateway", ">ali", "saml-provider/Cor", "<ds:DigestValue>", "<ds:SignatureValue>", "RoleSessionName", "NotOnOrAfter=\"20",
	} {
		i := bytes.Index(document, []byte(after))
		if i < 0 {
			t.Errorf("the assertion has no %q", after)
			continue
		}
		i += len(after)
		changed := bytes.Clone(document)
		changed[i] = map[bool]byte{true: 'B', false: 'A'}[changed[i] == 'A']
		if after == "NotOnOrAfter=\"20" {
			changed[i] = '9' // seventy years more
		}
		if status, body := replay(t, endpoint, sent, changed); status == http.StatusOK || !strings.Contains(body, "InvalidIdentityToken") {
			t.Errorf("with a byte changed after %q: %d %s, want InvalidIdentityToken", after, status, body)
		}
	}
}

// replay makes the call again with another document.
func replay(t *testing.T, endpoint string, sent ststest.Request, document []byte) (int, string) {
	t.Helper()
	resp, err := http.PostForm(endpoint, url.Values{
		"Action": {"AssumeRoleWithSAML"}, "Version": {"2011-06-15"}, "RoleArn": {sent.Get("RoleArn")},
		"PrincipalArn": {sent.Get("PrincipalArn")}, "SAMLAssertion": {base64.StdEncoding.EncodeToString(document)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// otherKey: an STS that trusts another certificate refuses, and gatehop says so.
func otherKey(t *testing.T, gatehop string, idp simpleSAML) {
	stranger := startSimpleSAML(t, "http")
	aws, endpoint := startSTS(t, stranger.cert)
	p := newPerson(t, "AWS_ENDPOINT_URL_STS="+endpoint)
	p.configure(t, idp.gatewayProfile("gatehop_username = alice", "gatehop_role_arn = "+roleAdmin)...)
	got := p.run(t, []string{"GATEHOP_PASSWORD=alice-pass"}, gatehop, "login", "gateway")
	if got.status != 7 || !strings.Contains(got.stderr, "InvalidIdentityToken") {
		t.Errorf("status %d, want 7 with AWS's code\n%s", got.status, got.stderr)
	}
	if c := aws.Counts(); c.AssumeRoleWithSAML != 1 || c.Refused != 1 {
		t.Errorf("STS counts %+v, want one refused call", c)
	}
}

// unknownAuthority: without gatehop_ca_bundle nothing is sent to a server whose
// certificate the system does not know.
func unknownAuthority(t *testing.T, gatehop string, idp simpleSAML) {
	_, endpoint := startSTS(t, idp.cert)
	p := newPerson(t, "AWS_ENDPOINT_URL_STS="+endpoint)
	trusting := idp
	trusting.ca = ""
	p.configure(t, trusting.gatewayProfile("gatehop_username = bob")...)
	rightBefore, wrongBefore := idp.passwords(t)
	got := p.run(t, []string{"GATEHOP_PASSWORD=bob-pass"}, gatehop, "login", "gateway")
	right, wrong := idp.passwords(t)
	if got.status != 8 || right != rightBefore || wrong != wrongBefore {
		t.Errorf("status %d, want 8; %d passwords posted, want none\n%s", got.status, right+wrong-rightBefore-wrongBefore, got.stderr)
	}
}
