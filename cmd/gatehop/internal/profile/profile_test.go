package profile

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/anyurl"
)

// configure writes the two files; "" leaves one out.
func configure(t testing.TB, config, credentials string) (*Config, string) {
	t.Helper()
	dir := t.TempDir()
	f := Files{Config: filepath.Join(dir, "config"), Credentials: filepath.Join(dir, "credentials")}
	for path, text := range map[string]string{f.Config: config, f.Credentials: credentials} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Read(f, anyurl.Read)
	if err != nil {
		t.Fatal(err)
	}
	return c, dir
}

// example is the one of the design document.
const example = `[profile gateway]
gatehop_idp        = adfs
gatehop_url        = https://adfs.corp.example
gatehop_username   = CORP\alice
gatehop_role_arn   = arn:aws:iam::111111111111:role/Gateway
credential_process = "/usr/local/bin/gatehop" credential-process gateway
region             = eu-west-1

[profile prod]                       # plain AWS: any SDK can do this hop, and so can gatehop
role_arn       = arn:aws:iam::222222222222:role/Admins
source_profile = gateway
external_id    = example-7
region         = eu-central-1

[profile staging]                    # gatehop does both hops
gatehop_role_arn       = arn:aws:iam::333333333333:role/Admins
gatehop_source_profile = gateway
credential_process     = "/usr/local/bin/gatehop" credential-process staging
region                 = eu-west-1

[profile foreign]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
`

func TestChain(t *testing.T) {
	t.Parallel()
	c, dir := configure(t, example, "")
	got, err := c.Chain("prod")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "config")
	want := Chain{
		{
			Name: "gateway", File: file, Line: 1, RoleARN: "arn:aws:iam::111111111111:role/Gateway", Region: "eu-west-1",
			CredentialProcess: `"/usr/local/bin/gatehop" credential-process gateway`,
			SignIn: &SignIn{Kind: "adfs", URL: "https://adfs.corp.example", Username: `CORP\alice`, Settings: map[string]string{
				"url": "https://adfs.corp.example", "username": `CORP\alice`, "partition": "aws",
			}},
		},
		{Name: "prod", File: file, Line: 9, RoleARN: "arn:aws:iam::222222222222:role/Admins", ExternalID: "example-7", Region: "eu-central-1"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Chain = %+v\nwant %+v", got, want)
	}
	if got.Region() != "eu-west-1" {
		t.Errorf("Region = %q, want the gateway's", got.Region())
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	config := example + `
[profile b]
gatehop_idp = adfs
gatehop_urll = https://typo.example
[profile deep]
role_arn = arn:aws:iam::444444444444:role/x
source_profile = both
[profile circle]
role_arn = arn:aws:iam::444444444444:role/x
source_profile = circle
[profile copy]
gatehop_from = gateway
[default]
role_arn = arn:aws:iam::444444444444:role/x
source_profile = staging
[sso-session gateway]
[gateway]
`
	c, _ := configure(t, config, "[both]\nrole_arn = arn:aws:iam::555555555555:role/x\nsource_profile = prod\n[prod]\nregion = x\n")
	if got, want := c.Gateways(), []string{"gateway", "b", "copy"}; !slices.Equal(got, want) {
		t.Errorf("Gateways = %q, want %q", got, want)
	}
	if got, want := c.Names(), []string{"gateway", "prod", "staging", "deep", "copy", "default", "both"}; !slices.Equal(got, want) {
		t.Errorf("Names = %q, want %q", got, want)
	}
	chains, broken := c.Matching(func(name string) bool { return name != "prod" && name != "default" })
	var found []string
	for _, ch := range chains {
		found = append(found, ch[len(ch)-1].Name)
	}
	for _, b := range broken {
		found = append(found, b.Name+" "+b.Err.Key)
	}
	if want := []string{"gateway", "staging", "deep", "copy", "both", "b gatehop_urll"}; !slices.Equal(found, want) {
		t.Errorf("Matching = %q, want %q", found, want)
	}
	ch, err := c.Chain("deep")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range ch {
		names = append(names, p.Name)
	}
	if want := []string{"gateway", "prod", "both", "deep"}; !slices.Equal(names, want) {
		t.Errorf("chain of deep = %q, want %q", names, want)
	}
	if ch[1].Region != "x" {
		t.Errorf("region of prod = %q, want that of the credentials file", ch[1].Region)
	}
	if filepath.Base(ch[2].File) != "credentials" || filepath.Base(ch[1].File) != "config" {
		t.Errorf("files = %s, %s, want credentials for both, config for prod", ch[2].File, ch[1].File)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := filepath.Join(dir, "config")
	for name, f := range map[string]Files{
		"relative config":      {Config: ".aws/config", Credentials: good},
		"relative credentials": {Config: good, Credentials: ".aws/credentials"},
		"no path":              {Config: good},
		"a directory":          {Config: dir, Credentials: good},
	} {
		_, err := Read(f, anyurl.Read)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: Read = %v, want *Error", name, err)
		}
	}
	c, err := Read(Files{Config: good, Credentials: good}, anyurl.Read)
	if err != nil || len(c.Names()) != 0 {
		t.Errorf("Read of missing files = %v, want none", err)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	c, dir := configure(t, `[profile g]
gatehop_idp = adfs
gatehop_url = http://127.0.0.1:8443/adfs/ls?a=b   # a comment
gatehop_username = alice@corp.example
gatehop_relying_party = urn:x
gatehop_auth = forms
gatehop_user_agent = Mozilla/5.0 (x; y)
gatehop_ca_bundle = sub/../ca.pem
gatehop_proxy = http://user:secret@proxy.example:3128
gatehop_trusted_hosts = login.example, https://b.example:8443 ,c.example:444
gatehop_acs = https://acs.example/saml
gatehop_adfs_domain = corp.example
gatehop_timeout = 90s
gatehop_store = file
gatehop_account_names = none
gatehop_principal_arn = arn:aws-cn:iam::111111111111:saml-provider/ADFS
gatehop_session_duration = 8h
gatehop_role_arn = arn:aws-cn:iam::111111111111:role/a/b/Gateway
gatehop_alias = the gateway
ca_bundle = aws.pem
endpoint_url = https://sts.example
sso_session = s
login_session = l
`, "[g]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n")
	ch, err := c.Chain("g")
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(dir, "ca.pem")
	want := SignIn{
		Kind: "adfs", URL: "http://127.0.0.1:8443/adfs/ls?a=b", Username: "alice@corp.example", RelyingParty: "urn:x", Auth: "forms",
		UserAgent: "Mozilla/5.0 (x; y)", CABundle: ca, Proxy: "http://user:secret@proxy.example:3128", Store: "file",
		PrincipalARN: "arn:aws-cn:iam::111111111111:saml-provider/ADFS", AccountNames: NamesNone,
		TrustedHosts: []string{"login.example", "https://b.example:8443", "c.example:444"}, ACS: []string{"https://acs.example/saml"},
		Timeout: 90 * time.Second, SessionDuration: 8 * time.Hour,
		Settings: map[string]string{
			"url": "http://127.0.0.1:8443/adfs/ls?a=b", "username": "alice@corp.example", "relying_party": "urn:x", "auth": "forms",
			"user_agent": "Mozilla/5.0 (x; y)", "ca_bundle": ca, "proxy": "http://user:secret@proxy.example:3128", "store": "file",
			"principal_arn": "arn:aws-cn:iam::111111111111:saml-provider/ADFS",
			"trusted_hosts": "login.example, https://b.example:8443, c.example:444", "acs": "https://acs.example/saml",
			"adfs_domain": "corp.example", "account_names": "none", "timeout": "1m30s", "session_duration": "8h0m0s", "partition": "aws-cn",
		},
	}
	if !reflect.DeepEqual(*ch[0].SignIn, want) {
		t.Errorf("SignIn = %+v\nwant %+v", *ch[0].SignIn, want)
	}
	p := ch[0]
	if p.AWSCABundle != filepath.Join(dir, "aws.pem") || p.Endpoint != "https://sts.example" || p.Alias != "the gateway" ||
		p.StaticKeys != filepath.Join(dir, "credentials") || !slices.Equal(p.OtherSources, []string{"login_session", "sso_session"}) {
		t.Errorf("profile = %+v", p)
	}
	for _, key := range []string{ch.CacheKey(0), ch[0].SignIn.Key()} {
		if strings.Contains(key, "secret@") {
			t.Errorf("key %s holds the proxy's password", key)
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	c, _ := configure(t, "[profile g]\ngatehop_idp = adfs\ngatehop_url = https://a.example\ngatehop_adfs_domain = corp\ngatehop_session_duration = max\n", "")
	ch, err := c.Chain("g")
	if err != nil {
		t.Fatal(err)
	}
	type settings struct {
		URL       string `json:"url"`
		Domain    string `json:"adfs_domain"`
		Partition string `json:"partition"`
		Username  string `json:"username"`
		Duration  string `json:"session_duration"`
	}
	s := *ch[0].SignIn
	s.URL, s.Username = "https://b.example", "bob" // as a caller overrides them
	var got settings
	if err := s.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if want := (settings{"https://b.example", "corp", "aws", "bob", "max"}); got != want {
		t.Errorf("Decode = %+v, want %+v", got, want)
	}
	if ch[0].SignIn.Settings["url"] != "https://a.example" {
		t.Error("Decode changed the settings")
	}
	var number struct {
		URL int `json:"url"`
	}
	if err := s.Decode(&number); err == nil || strings.Contains(err.Error(), "b.example") {
		t.Errorf("Decode into a number = %v, want an error without the value", err)
	}
	if (&SignIn{}).Key() == s.Key() {
		t.Error("the zero SignIn has the key of another")
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	c, _ := configure(t, `[profile a]
gatehop_from = b
gatehop_username = own
region = cn-north-1
[profile b]
gatehop_from = c
gatehop_store = none
gatehop_username = not copied
gatehop_alias = B
gatehop_role_arn = arn:aws:iam::111111111111:role/B
gatehop_principal_arn = arn:aws:iam::111111111111:saml-provider/B
[profile c]
gatehop_idp = adfs
gatehop_url = https://c.example
gatehop_adfs_domain = corp
gatehop_store = file
gatehop_timeout = 5s
region = eu-west-1
[profile form]
gatehop_idp = form
gatehop_from = c
`, "")
	ch, err := c.Chain("a")
	if err != nil {
		t.Fatal(err)
	}
	s := ch[0].SignIn
	if s.Kind != "adfs" || s.URL != "https://c.example" || s.Username != "own" || s.Store != "none" || s.Timeout != 5*time.Second ||
		s.Settings["adfs_domain"] != "corp" || s.Settings["partition"] != "aws-cn" {
		t.Errorf("sign-in = %+v, want own keys, then those of b, then those of c", s)
	}
	if ch[0].Alias != "" || ch[0].RoleARN != "" || s.PrincipalARN != "" || ch[0].Region != "cn-north-1" {
		t.Errorf("profile = %+v: role, provider, alias and region are not to be copied", ch[0])
	}
	form, err := c.Chain("form")
	if err != nil {
		t.Fatal(err)
	}
	if s := form[0].SignIn; s.Kind != "form" || s.URL != "https://c.example" || s.Settings["adfs_domain"] != "" {
		t.Errorf("sign-in of another kind = %+v, want no key of adfs", s)
	}
}

func TestHop(t *testing.T) {
	t.Parallel()
	c, _ := configure(t, example+`[profile h]
gatehop_source_profile = gateway
source_profile = nowhere
gatehop_role_arn = arn:aws:iam::444444444444:role/Own # not the plain one
role_arn = not an ARN
gatehop_external_id = own
external_id = plain-7
gatehop_duration_seconds = 1800
duration_seconds = 900
gatehop_role_session_name = own
role_session_name = plain
gatehop_region = eu-north-1
region = eu-south-1
gatehop_source_identity = me@corp
gatehop_tags = team=a b,cost=1=2 , empty=
gatehop_transitive_tags = team, more=x
gatehop_alias = the hop
gatehop_color = 00FF7f
gatehop_note = ask Bob, first # not this
`, "")
	ch, err := c.Chain("h")
	if err != nil {
		t.Fatal(err)
	}
	got := ch[1]
	got.File, got.Line = "", 0
	want := Profile{
		Name: "h", RoleARN: "arn:aws:iam::444444444444:role/Own", ExternalID: "own", SessionName: "own", SourceIdentity: "me@corp",
		Tags: map[string]string{"team": "a b", "cost": "1=2", "empty": "", "more": "x"}, TransitiveTags: []string{"more", "team"},
		Duration: 30 * time.Minute, Region: "eu-north-1", Alias: "the hop", Color: "00ff7f", Note: "ask Bob, first",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("hop = %+v\nwant %+v", got, want)
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	const services = "[services s]\ns3 =\n  endpoint_url = https://s3.example\nsts =\n  endpoint_url = http://127.0.0.1:1\n[services t]\ns3 =\n  endpoint_url = https://s3.example\n"
	tests := []struct{ name, keys, credentials, want, problem string }{
		{"none", "", "", "", ""},
		{"for all services", "endpoint_url = https://all.example/x", "", "https://all.example/x", ""},
		{"loopback", "endpoint_url = http://[::1]:8080", "", "http://[::1]:8080", ""},
		{"of sts first", "endpoint_url = https://all.example\nservices = s", "", "http://127.0.0.1:1", ""},
		{"no sts block", "endpoint_url = https://all.example\nservices = t", "", "https://all.example", ""},
		{"ignored", "endpoint_url = https://all.example\nignore_configured_endpoint_urls = True", "", "", ""},
		{"not ignored", "endpoint_url = https://all.example\nignore_configured_endpoint_urls = false", "", "https://all.example", ""},
		{"neither", "endpoint_url = https://all.example\nignore_configured_endpoint_urls = yes", "", "", "is neither true nor false"},
		{"no such block", "services = u", "", "", "services section that does not exist"},
		{"plain http", "endpoint_url = http://sts.example", "", "", "neither an https URL nor a literal loopback address"},
		{"localhost is a name", "endpoint_url = http://localhost:1", "", "", "neither an https URL nor a literal loopback address"},
		{"with a password", "endpoint_url = https://a:b@sts.example", "", "", "user name or password"},
		{"with a query", "endpoint_url = https://sts.example/?a", "", "", "more than scheme, host and path"},
		{"in the credentials file", "", "[g]\nendpoint_url = https://all.example", "", "not every SDK reads it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := configure(t, services+"[profile g]\ngatehop_idp = adfs\n"+tt.keys+"\n", tt.credentials)
			ch, err := c.Chain("g")
			if tt.problem != "" {
				if err == nil || !strings.Contains(err.Error(), tt.problem) {
					t.Errorf("Chain = %v, want %q", err, tt.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if ch[0].Endpoint != tt.want {
				t.Errorf("Endpoint = %q, want %q", ch[0].Endpoint, tt.want)
			}
		})
	}
}
