package profile

import (
	"path/filepath"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/anyurl"
)

// valueTests has, for every key that is built, values that are taken and values that
// are not.
var valueTests = map[string]struct{ good, bad []string }{
	"idp":                   {[]string{"adfs", "form", "my-idp2"}, []string{"ADFS", "a b", "2a", "-"}},
	"from":                  {[]string{"other"}, nil},
	"url":                   {[]string{"https://a.example", "https://a.example:8443/x?y=z#f", "http://127.0.0.1:1/x", "http://[::1]", "http://localhost:8080"}, []string{"a.example", "http://a.example", "https://", "https:///x", "ftp://a.example", "https://u@a.example", "https://u:p@a.example", "https://a.example/a b", "https://ä.example", "mailto:a@b", "http://127.0.0.1.example", "http://localhost.example", "https://a.example:port"}},
	"username":              {[]string{`CORP\alice`, "alice@corp.example", "Älice"}, nil},
	"relying_party":         {[]string{"urn:amazon:webservices"}, nil},
	"auth":                  {[]string{"forms", "ntlm", "kerberos", "certificate", "basic", "digest"}, []string{"form", "FORMS", "none", "NTLM", "negotiate"}},
	"krb5_conf":             {[]string{"krb5.conf", "/etc/krb5.conf"}, []string{"~/krb5.conf"}},
	"keytab":                {[]string{"me.keytab", "/etc/me.keytab"}, []string{"~/me.keytab"}},
	"ccache":                {[]string{"FILE:cc", "FILE:/tmp/krb5cc_0", "/tmp/krb5cc_0", "cc", "DIR:/tmp/cc", "KEYRING:persistent:0", "KCM:", "API:x"}, []string{"~/cc", "FILE:~/cc", "FILE:"}},
	"user_agent":            {[]string{"Mozilla/5.0 (X11; x)"}, []string{"Mözilla"}},
	"ca_bundle":             {[]string{"ca.pem", "/etc/ca.pem", "../ca.pem"}, []string{"~/ca.pem", "~"}},
	"client_cert":           {[]string{"me.p12", "/etc/me.pem"}, []string{"~/me.p12"}},
	"client_key":            {[]string{"me.key", "/etc/me.key"}, []string{"~"}},
	"adfs_certificate_port": {[]string{"49443", "1", "65535"}, []string{"0", "65536", "-1", "https", "1 2"}},
	"proxy":                 {[]string{"none", "http://p.example:3128", "https://p.example", "socks5://127.0.0.1:1", "http://u:p@p.example/"}, []string{"None", "p.example:3128", "ftp://p.example", "http://p.example/x", "http://", "http://p.example?x"}},
	"tls":                   {[]string{"legacy"}, []string{"Legacy", "1.0", "off"}},
	"trusted_hosts":         {[]string{"a.example", "a.example:8443", "https://a.example", "https://a.example/", "http://127.0.0.1:1", "a.example,b.example"}, []string{"*.example", "a.example/x", "http://a.example", "a.example,,b.example", ",", "a.example,", "u@a.example", "a.example?x", "a b"}},
	"acs":                   {[]string{"https://a.example/saml", "https://a.example/saml, https://b.example/saml"}, []string{"a.example", "http://a.example/saml", "https://a.example/saml,"}},
	"adfs_domain":           {[]string{"CORP", "corp.example", "a-b_c"}, []string{`CORP\`, "@corp", "a b"}},
	"home_realm":            {[]string{"AD AUTHORITY", "http://partner.example/adfs/services/trust", "Nord & Süd"}, nil},
	"mfa":                   {[]string{"push", "certificate", "AzurePrimaryAuthentication", "Code über SMS"}, nil},
	"timeout":               {[]string{"45s", "1m30s", "1h"}, []string{"45", "0s", "-1s", "61m", "soon"}},
	"store":                 {[]string{"keyring", "file", "none"}, []string{"Keyring", "memory"}},
	"keep_session":          {[]string{"yes", "no"}, []string{"Yes", "true", "1", "none"}},
	"account_names":         {[]string{"page", "iam", "none"}, []string{"Page", "yes", "iam, page", "off"}},
	"principal_arn":         {[]string{"arn:aws:iam::111111111111:saml-provider/ADFS", "arn:aws-cn:iam::111111111111:saml-provider/a.b-c_d"}, []string{"arn:aws:iam::111111111111:role/ADFS", "arn:aws:iam::11111111111:saml-provider/A", "arn:aws:iam::11111111111x:saml-provider/A", "arn:aws:iam::111111111111:saml-provider/", "arn:aws:iam::111111111111:saml-provider/a/b", "arn:aws:iam:x:111111111111:saml-provider/A", "arn:x:iam::111111111111:saml-provider/A", "ADFS", "arn:aws:iam::111111111111:saml-provider/" + strings.Repeat("a", 129)}},
	"session_duration":      {[]string{"8h", "max", "15m", "12h", "1h30m", "3600s"}, []string{"Max", "8", "14m", "12h1s", "900500ms", "-8h", "0"}},
	"role_arn":              {[]string{"arn:aws:iam::111111111111:role/x", "arn:aws-us-gov:iam::111111111111:role/a,b/x,y"}, []string{"x", "arn:aws:iam::111111111111:user/x", "arn:aws:iam::1:role/x", "arn:aws:sts::111111111111:assumed-role/x/y", "arn:aws:iam::111111111111:role/", "arn:aws:iam::111111111111:role/a b"}},
	"source_profile":        {[]string{"g"}, nil},
	"external_id":           {[]string{"ab", "a_+=,.@:/-1"}, []string{"a", "a b", "a#b", "ä1", strings.Repeat("a", 1225)}},
	"duration_seconds":      {[]string{"900", "3600", "43200", "99999999999999999999999"}, []string{"899", "0", "-900", "1h", "900.5", "0x900", "1_000"}},
	"role_session_name": {[]string{"ab", "a_+=,.@-1", strings.Repeat("a", 64)},
		[]string{"a", "a b", "a/b", "a:b", "ä1", strings.Repeat("a", 65)}},
	"password_command": {[]string{"pass show corp", `"/opt/my tools/pw" get "the corp" 'a $b'`}, []string{"", "./pw", "bin/pw", "A=1 pw", `"pass show corp"`, "pw $HOME", "pw | head -1", "pw 'a", `""`}},
	"otp_command":      {[]string{"oathtool -b --totp x", "/usr/bin/otp"}, []string{"~/bin/otp", "otp `date`"}},
	"notify_command":   {[]string{"notify-send gatehop", `/usr/bin/osascript -e 'on run a'`}, []string{"./show", "notify-send $USER", "a | b"}},
	"mfa_serial":       {nil, []string{"arn:aws:iam::111111111111:mfa/a"}},
	"source_identity":  {[]string{"me@corp"}, []string{"a", "aws:me"}},
	"tags":             {[]string{"a=b", "a=b, c=d", "a=", " a = b c ,ü=é", "a=b=c", "x:y=z"}, []string{"a", "=b", "a=b,", ",", "a=b,A=c", "aws:x=y", "AWS:x=y", "a=b*", "a=b;c", strings.Repeat("k", 129) + "=v", "k=" + strings.Repeat("v", 257), manyTags(51)}},
	"transitive_tags":  {[]string{"a=b", "a=b, c=d"}, []string{"=b", "a=b,", "a=b,A=b", "a=*"}},
	"region":           {[]string{"eu-west-1", "us-gov-west-1", "local"}, []string{"EU-west-1", "eu_west_1", "eu-west-1;x", "$(x)", "-x", "1-x", "a b", strings.Repeat("a", 64)}},
	"alias":            {[]string{"the gateway", "ä & ü"}, nil},
	"note":             {[]string{"ask Bob first", "für alle; # und mehr"}, nil},
	"color":            {[]string{"00ff7f", "336699", "00FF7F"}, []string{"00ff7", "00ff7g", "0000000", "red"}},
}

func manyTags(n int) string {
	var tags []string
	for i := range n {
		tags = append(tags, strings.Repeat("k", i+1)+"=v")
	}
	return strings.Join(tags, ",")
}

func TestValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range keys {
		k := &keys[i]
		if k.scope == scopeAWS || !k.isBuilt() {
			continue
		}
		tests, ok := valueTests[k.name]
		if !ok {
			t.Errorf("%s: no values to try", k.name)
		}
		for _, v := range tests.good {
			if _, problem := k.parse(v, Place{dir, anyurl.Read}); problem != "" || unprintable(v, k.runs) != "" {
				t.Errorf("%s = %q: %s", k.full(), v, problem)
			}
		}
		for _, v := range tests.bad {
			if _, problem := k.parse(v, Place{dir, anyurl.Read}); problem == "" {
				t.Errorf("%s = %q is taken", k.full(), v)
			} else if len(v) > 5 && strings.Contains(problem, v) {
				t.Errorf("%s: the problem %q holds the value", k.full(), problem)
			}
		}
	}
	if _, problem := tagPairs(manyTags(50), Place{}); problem != "" {
		t.Errorf("50 tags: %s", problem)
	}
}

func TestCredentialCache(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for value, want := range map[string]string{
		"cc": filepath.Join(dir, "cc"), "FILE:cc": filepath.Join(dir, "cc"), "file:/tmp/cc": filepath.Join("/tmp", "cc"), "/tmp/a:b": filepath.Join("/tmp", "a:b"),
		"DIR:/tmp/cc": "DIR:/tmp/cc", "KEYRING:persistent:0": "KEYRING:persistent:0",
	} {
		if got, problem := ccache(value, Place{Dir: dir}); got != want || problem != "" {
			t.Errorf("ccache(%s) = %s, %s, want %s", value, got, problem, want)
		}
	}
}

func TestHopSecondsAreLowered(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{"900": "900", "3599": "3599", "3600": "3600", "3601": "3600", "43200": "3600", "99999999999999999999999": "3600"} {
		if got, problem := hopSeconds(value, Place{}); got != want || problem != "" {
			t.Errorf("hopSeconds(%s) = %s, %s, want %s", value, got, problem, want)
		}
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for value, want := range map[string]string{
		"ca.pem": filepath.Join(dir, "ca.pem"), "../ca.pem": filepath.Join(filepath.Dir(dir), "ca.pem"), filepath.Join(dir, "x", "..", "ca.pem"): filepath.Join(dir, "ca.pem"),
	} {
		if got, problem := path(value, Place{Dir: dir}); got != want || problem != "" {
			t.Errorf("path(%s) = %s, %s, want %s", value, got, problem, want)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, want string }{
		{"gatehop_urll", "gatehop_url"}, {"gatehop_ulr", "gatehop_url"}, {"gatehop_user", "gatehop_username"}, {"gatehop_role", "gatehop_role_arn"},
		{"gatehop_adfs_domian", "gatehop_adfs_domain"}, {"gatehop_store_", "gatehop_store"}, {"gatehop_trusted_host", "gatehop_trusted_hosts"},
		{"gatehop_sesion_duration", "gatehop_session_duration"}, {"gatehop_", ""}, {"gatehop_completely_else", ""},
		{"gatehop_keytabb", "gatehop_keytab"}, {"gatehop_plugin_nam", ""}, // not built: nobody is sent to it
	}
	for _, tt := range tests {
		if got := nearestKey(tt.name); got != tt.want {
			t.Errorf("nearest to %s = %q, want %q", tt.name, got, tt.want)
		}
	}
}
