package profile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// refusal is a configuration that Chain refuses, and what makes it right: replacing
// from by to. The asked profile is p.
type refusal struct {
	name, config, credentials string
	from, to                  string
	key, near                 string
	line                      int
	profile                   string // that the error names, if not p
}

const (
	gatewayG = "[profile g]\ngatehop_idp = adfs\ngatehop_role_arn = arn:aws:iam::111111111111:role/G\n"
	gatewayP = "[profile p]\ngatehop_idp = adfs\n"
	hopP     = gatewayG + "[profile p]\nrole_arn = arn:aws:iam::222222222222:role/P\nsource_profile = g\n"
	ownHopP  = gatewayG + "[profile p]\ngatehop_role_arn = arn:aws:iam::222222222222:role/P\ngatehop_source_profile = g\n"
)

var refusals = []refusal{
	{name: "no such profile", config: "[profile prod]\ngatehop_idp = adfs\n", from: "[profile prod]", to: "[profile p]"},
	{name: "nearest profile", config: "[profile pp]\ngatehop_idp = adfs\n", from: "[profile pp]", to: "[profile p]", near: "pp"},
	{name: "header of the other file", config: "[p]\ngatehop_idp = adfs\n", from: "[p]", to: "[profile p]", line: 1},
	{name: "no gatehop profile", config: "[profile p]\nregion = x\n", from: "region = x", to: "gatehop_idp = adfs", line: 1},
	{name: "a role without a source", config: "[profile p]\nrole_arn = arn:aws:iam::222222222222:role/P\n" + gatewayG, from: "role/P", to: "role/P\nsource_profile = g", line: 1},
	{name: "a source without a role", config: gatewayG + "[profile p]\nsource_profile = g\n", from: "source_profile = g\n", to: "source_profile = g\nrole_arn = arn:aws:iam::222222222222:role/P\n", line: 4},
	{name: "a source that does not exist", config: strings.Replace(hopP, "= g", "= gg", 1), from: "= gg", to: "= g", key: "source_profile", near: "g", line: 6},
	{name: "a chain that ends elsewhere", config: strings.Replace(hopP, "gatehop_idp = adfs", "region = x", 1), from: "region = x", to: "gatehop_idp = adfs", key: "source_profile", line: 6},
	{name: "its own source", config: strings.Replace(hopP, "= g", "= p", 1), from: "= p", to: "= g", key: "source_profile", line: 6},
	{name: "gatehop_idp and a source", config: gatewayP + "gatehop_source_profile = g\n" + gatewayG, from: "gatehop_source_profile = g\n", to: "", key: "gatehop_source_profile", line: 3},
	{name: "gatehop_idp and a plain source", config: gatewayP + "source_profile = g\n" + gatewayG, from: "source_profile = g\n", to: "", key: "source_profile", line: 3},
	{name: "gatehop_from and a source", config: "[profile p]\ngatehop_from = g\nsource_profile = g\n" + gatewayG, from: "source_profile = g\n", to: "", key: "source_profile", line: 3},
	{name: "role_arn and credential_process", config: hopP + "credential_process = x\n", from: "credential_process = x\n", to: "", key: "credential_process", line: 7},
	{name: "the same in a gateway", config: gatewayP + "role_arn = arn:aws:iam::222222222222:role/P\ncredential_process = x\n", from: "credential_process = x\n", to: "", key: "credential_process", line: 4},
	{name: "the same over two files", config: hopP, credentials: "[p]\ncredential_process = x\n", from: "credential_process = x", to: "output = json", key: "credential_process", line: 2},
	{name: "with gatehop's own role", config: hopP + "credential_process = x\n", from: "role_arn = arn:aws:iam::222222222222:role/P\nsource_profile", to: "gatehop_role_arn = arn:aws:iam::222222222222:role/P\ngatehop_source_profile", key: "credential_process", line: 7},
	{name: "source_profile and credential_process", config: gatewayG + "[profile p]\ngatehop_role_arn = arn:aws:iam::222222222222:role/P\nsource_profile = g\ncredential_process = x\n", from: "\nsource_profile", to: "\ngatehop_source_profile", key: "credential_process", line: 7},
	{name: "source_profile and credential_source", config: hopP + "credential_source = Environment\n", from: "credential_source = Environment\n", to: "", key: "credential_source", line: 7},
	{name: "mfa_serial", config: hopP + "mfa_serial = arn:aws:iam::111111111111:mfa/a\n", from: "mfa_serial", to: "mfa_other", key: "mfa_serial", line: 7},
	{name: "gatehop_mfa_serial", config: hopP + "gatehop_mfa_serial = arn:aws:iam::111111111111:mfa/a\n", from: "gatehop_mfa_serial", to: "x_mfa_serial", key: "gatehop_mfa_serial", line: 7},
	{name: "unknown key", config: gatewayP + "gatehop_urll = https://a.example\n", from: "urll", to: "url", key: "gatehop_urll", near: "gatehop_url", line: 3},
	{name: "unknown key, shorter", config: gatewayP + "gatehop_user = a\n", from: "gatehop_user ", to: "gatehop_username ", key: "gatehop_user", near: "gatehop_username", line: 3},
	{name: "unknown key, letters swapped", config: gatewayP + "gatehop_porxy = none\n", from: "porxy", to: "proxy", key: "gatehop_porxy", near: "gatehop_proxy", line: 3},
	{name: "unknown key, nothing near", config: gatewayP + "gatehop_zzzzzzzz = x\n", from: "gatehop_zzzzzzzz = x\n", to: "", key: "gatehop_zzzzzzzz", line: 3},
	{name: "unknown key of an adapter", config: gatewayP + "gatehop_adfs_domian = x\n", from: "domian", to: "domain", key: "gatehop_adfs_domian", near: "gatehop_adfs_domain", line: 3},
	{name: "unknown key of the form adapter", config: gatewayP + "gatehop_form_x = x\n", from: "gatehop_form_x = x\n", to: "", key: "gatehop_form_x", line: 3},
	{name: "unknown key in the gateway of a hop", config: strings.Replace(hopP, "gatehop_idp", "gatehop_x = y\ngatehop_idp", 1), from: "gatehop_x = y\n", to: "", key: "gatehop_x", line: 2, profile: "g"},
	{name: "unknown key in a profile copied from", config: "[profile p]\ngatehop_from = g\n" + gatewayG + "gatehop_x = y\n", from: "gatehop_x = y\n", to: "", key: "gatehop_x", line: 6, profile: "g"},
	{name: "key in the credentials file", config: gatewayP, credentials: "[p]\ngatehop_username = a\n", from: "gatehop_username", to: "x_username", key: "gatehop_username", line: 2},
	{name: "gatehop_from that dangles", config: "[profile p]\ngatehop_from = gg\n" + gatewayG, from: "gg", to: "g", key: "gatehop_from", near: "g", line: 2},
	{name: "gatehop_from itself", config: "[profile p]\ngatehop_from = p\n" + gatewayG, from: "= p", to: "= g", key: "gatehop_from", line: 2},
	{name: "gatehop_from in a circle", config: "[profile p]\ngatehop_from = q\n[profile q]\ngatehop_from = p\n" + gatewayG, from: "= p", to: "= g", key: "gatehop_from", line: 4, profile: "q"},
	{name: "gatehop_from to no provider", config: "[profile p]\ngatehop_from = q\n[profile q]\nregion = x\n", from: "region = x", to: "gatehop_idp = adfs", key: "gatehop_from", line: 2},
	{name: "key of another kind of provider", config: "[profile p]\ngatehop_idp = form\ngatehop_adfs_domain = x\n", from: "= form", to: "= adfs", key: "gatehop_adfs_domain", line: 3},
	{name: "hop's key in a gateway", config: gatewayP + "gatehop_external_id = xx\n", from: "gatehop_external_id", to: "external_id", key: "gatehop_external_id", line: 3},
	{name: "gateway's key in a hop", config: hopP + "gatehop_url = https://a.example\n", from: "gatehop_url", to: "x_url", key: "gatehop_url", line: 7},
	{name: "a hop into another partition", config: strings.Replace(hopP, "arn:aws:iam::222222222222", "arn:aws-cn:iam::222222222222", 1), from: "aws-cn", to: "aws", key: "role_arn", line: 5},
	{name: "provider of another account", config: gatewayP + "gatehop_role_arn = arn:aws:iam::111111111111:role/G\ngatehop_principal_arn = arn:aws:iam::222222222222:saml-provider/A\n", from: "222222222222", to: "111111111111", key: "gatehop_principal_arn", line: 4},
	{name: "provider of another partition", config: gatewayP + "gatehop_role_arn = arn:aws:iam::111111111111:role/G\ngatehop_principal_arn = arn:aws-cn:iam::111111111111:saml-provider/A\n", from: "aws-cn", to: "aws", key: "gatehop_principal_arn", line: 4},
	{name: "transitive tag that is not set", config: ownHopP + "gatehop_tags = a=b\ngatehop_transitive_tags = c\n", from: "= c", to: "= a", key: "gatehop_transitive_tags", line: 8},
	{name: "transitive tag of another value", config: ownHopP + "gatehop_tags = a=b\ngatehop_transitive_tags = a=c\n", from: "a=c", to: "a=b", key: "gatehop_transitive_tags", line: 8},
	{name: "transitive tag in other letters", config: ownHopP + "gatehop_tags = a=b\ngatehop_transitive_tags = A=b\n", from: "A=b", to: "a=b", key: "gatehop_transitive_tags", line: 8},

	{name: "nearest value", config: gatewayP + "gatehop_store = keyrin\n", from: "keyrin", to: "keyring", key: "gatehop_store", near: "keyring", line: 3},
	{name: "a value that is near nothing", config: gatewayP + "gatehop_store = hunter2\n", from: "hunter2", to: "keyring", key: "gatehop_store", line: 3},
	{name: "another scheme by mistake", config: gatewayP + "gatehop_url = htps://alice:x@adfs.example/adfs?token=1\n", from: "htps://alice:x@", to: "https://", key: "gatehop_url", line: 3},
	{name: "nearest address", config: gatewayP + "gatehop_url = htps://adfs.example/adfs?token=1\n", from: "htps", to: "https", key: "gatehop_url", near: "https://adfs.example/adfs", line: 3},
	{name: "an address without a host", config: gatewayP + "gatehop_url = https:///adfs/ls\n", from: "///", to: "//a.example/", key: "gatehop_url", near: "https://HOST/adfs/ls", line: 3},

	// Where the SDKs differ.
	{name: "quoted header", config: "[profile \"p\"]\ngatehop_idp = adfs\n", from: "\"p\"", to: "p", line: 1},
	{name: "two sections", config: gatewayP + "[profile p]\nregion = x\n", from: "[profile p]\nregion", to: "[profile q]\nregion", line: 3},
	{name: "a key twice", config: gatewayP + "output = json\noutput = text\n", from: "output = text\n", to: "", line: 1},
	{name: "junk in the section", config: gatewayP + "gatehop_url\n", from: "gatehop_url\n", to: "", line: 1},
	{name: "junk in the gateway's section", config: gatewayG + "junk\n" + hopP[len(gatewayG):], from: "junk\n", to: "", line: 1, profile: "g"},
	{name: "a byte order mark above", config: "\ufeff" + gatewayP, from: "\ufeff", to: "\ufeff# c\n", line: 1},
	{name: "[DEFAULT] with a key that counts", config: "[DEFAULT]\nregion = x\n" + gatewayP, from: "region = x", to: "output = x", key: "region", line: 2},
	{name: "[DEFAULT] with a key of gatehop's", config: "[DEFAULT]\ngatehop_x = x\n" + gatewayP, from: "gatehop_x = x", to: "x = x", key: "gatehop_x", line: 2},
	{name: "a comment behind a plain key", config: gatewayP + "region = eu-west-1 # x\n", from: "region", to: "gatehop_region", key: "region", line: 3},
	{name: "a plain key in quotes", config: gatewayP + "region = \"eu-west-1\"\n", from: "\"eu-west-1\"", to: "eu-west-1", key: "region", line: 3},
	{name: "a plain key in large letters", config: gatewayP + "REGION = eu-west-1\n", from: "REGION", to: "region", key: "region", line: 3},
	{name: "a plain key with a colon", config: gatewayP + "region: eu-west-1\n", from: ":", to: " =", key: "region", line: 3},
	{name: "a plain key without value", config: gatewayP + "region =\n", from: "region =\n", to: "", key: "region", line: 3},
	{name: "source with a comment", config: strings.Replace(hopP, "= g\n", "= g ; x\n", 1), from: " ; x", to: "", key: "source_profile", line: 6},
	{name: "a key that an SDK takes for an indented one", config: gatewayP + "output = json\n  region = x\n", from: "  region", to: "region", line: 1},

	// Every value.
	{name: "a value in quotes", config: gatewayP + "gatehop_username = \"a\"\n", from: "\"a\"", to: "a", key: "gatehop_username", line: 3},
	{name: "a value that is comment", config: gatewayP + "gatehop_username = # a\n", from: "# a", to: "a # b", key: "gatehop_username", line: 3},
	{name: "a value of two lines", config: gatewayP + "gatehop_username = a\n  b\n", from: "a\n  b", to: "a b", key: "gatehop_username", line: 3},
	{name: "a control character", config: gatewayP + "gatehop_username = a\x07b\n", from: "\x07", to: "", key: "gatehop_username", line: 3},
	{name: "a turn of direction", config: gatewayP + "gatehop_username = a\u202eb\n", from: "\u202e", to: "", key: "gatehop_username", line: 3},
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := configure(t, tt.config, tt.credentials)
			_, err := c.Chain("p")
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("Chain = %v, want *Error", err)
			}
			profile := tt.profile
			if profile == "" {
				profile = "p"
			}
			if e.Key != tt.key || e.Near != tt.near || e.Line != tt.line || e.Profile != profile || !filepath.IsAbs(e.File) {
				t.Errorf("error = %#v, want key %q, near %q, line %d", *e, tt.key, tt.near, tt.line)
			}
			config := strings.Replace(tt.config, tt.from, tt.to, 1)
			credentials := strings.Replace(tt.credentials, tt.from, tt.to, 1)
			if config == tt.config && credentials == tt.credentials {
				t.Fatal("the control changes nothing")
			}
			c, _ = configure(t, config, credentials)
			if _, err := c.Chain("p"); err != nil {
				t.Errorf("control: Chain = %v", err)
			}
		})
	}
}

// TestGoldenErrors has the words of every refusal in one file.
func TestGoldenErrors(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, tt := range refusals {
		c, dir := configure(t, tt.config, tt.credentials)
		if _, err := c.Chain("p"); err != nil {
			fmt.Fprintf(&b, "%s\n\t%s\n", tt.name, strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""))
		}
	}
	const path = "testdata/errors.golden"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("errors differ from %s (UPDATE=1 rewrites it):\n%s", path, b.String())
	}
}

// TestElsewhere has what is wrong in sections that are not on the asked chain.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	c, _ := configure(t, gatewayP+"[profile q]\ngatehop_urll = x\njunk\n[profile q]\nk = \xff\n[profile r]\ngatehop_tls = legacy\nk = v\nk = w\n",
		"[q]\ngatehop_url = x\njunk\n")
	if _, err := c.Chain("p"); err != nil {
		t.Errorf("Chain = %v", err)
	}
	if got := c.Names(); len(got) != 1 {
		t.Errorf("Names = %q, want p alone", got)
	}
}

// TestNotBuilt refuses every key whose feature is not built, by name.
func TestNotBuilt(t *testing.T) {
	t.Parallel()
	seen := 0
	for i := range keys {
		k := &keys[i]
		if k.later == "" {
			continue
		}
		seen++
		c, _ := configure(t, gatewayP+k.full()+" = x\n", "")
		_, err := c.Chain("p")
		var e *Error
		if !errors.As(err, &e) || e.Key != k.full() || !strings.Contains(e.Problem, "not built yet") {
			t.Errorf("%s: Chain = %v, want it refused by name", k.full(), err)
		}
	}
	if seen != 1 {
		t.Errorf("%d keys are not built, want 1", seen)
	}
	for _, auth := range []string{"forms", "ntlm", "kerberos", "certificate", "basic", "digest"} {
		c, _ := configure(t, gatewayP+"gatehop_auth = "+auth+"\n", "")
		if _, err := c.Chain("p"); err != nil {
			t.Errorf("gatehop_auth = %s: %v", auth, err)
		}
	}
}
