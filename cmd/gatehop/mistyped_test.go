package main

import (
	"strings"
	"testing"

	"gatehop/saml/samltest"
)

// mistypedConfig has what a person names, right; what is wrong stands in the profiles
// called after it.
const mistypedConfig = worldConfig + `
[profile wrongsource]
role_arn = arn:aws:iam::444444444444:role/Admins
source_profile = gatway

[profile wrongkey]
gatehop_idp = adfs
gatehop_usrname = x

[profile wrongidp]
gatehop_idp = adsf
gatehop_url = https://adfs.corp.example

[profile wrongstore]
gatehop_idp = adfs
gatehop_store = keyrin

[profile wrongurl]
gatehop_idp = adfs
gatehop_url = htps://adfs.corp.example/adfs

[profile barehost]
gatehop_idp = adfs
gatehop_url = adfs.corp.example

[profile nohost]
gatehop_idp = adfs
gatehop_url = https:///adfs/ls

[profile wrongrole]
gatehop_idp = adfs
gatehop_url = https://adfs.corp.example
gatehop_username = CORP\alice
gatehop_role_arn = arn:aws:iam::111111111111:role/Gatway
`

// TestMistyped is the person who types wrong things: each mistake is named as it was
// typed, and the hint says what was nearest. What is near nothing gets no suggestion.
func TestMistyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: mistypedConfig, roles: []string{
		samltest.RoleValue(gatewayAccount, "Gateway", sandboxProvider, false),
		samltest.RoleValue(gatewayAccount, "ReadOnly", sandboxProvider, true),
	}})
	secret := password(worldPassword)
	for _, c := range []struct {
		args   string
		vars   []string
		status int
		typed  string // as the error names it
		meant  string // as the hint names it; "": nothing is suggested
	}{
		{"logn", nil, statusUsage, `"logn"`, "login"},
		{"stauts", nil, statusUsage, `"stauts"`, "status"},
		{"exe dev -- sh", nil, statusUsage, `"exe"`, "exec"},
		{"frobnicate", nil, statusUsage, `"frobnicate"`, ""},
		{"help lgoin", nil, statusUsage, `"lgoin"`, "login"},
		{"help frobnicate", nil, statusUsage, `"frobnicate"`, ""},

		{"login --rol x", nil, statusUsage, `"--rol"`, "--role"},
		{"login --forse", nil, statusUsage, `"--forse"`, "--force"},
		{"login --no-imput", nil, statusUsage, `"--no-imput"`, "--no-input"},
		{"status --jsno=1", nil, statusUsage, `"--jsno"`, "--json"},
		{"status -json", nil, statusUsage, `"-j"`, "--json"},
		{"login --frobnicate", nil, statusUsage, `"--frobnicate"`, ""},
		{"login -Z", nil, statusUsage, `"-Z"`, ""},

		{"login gatewya", nil, statusUsage, `"gatewya"`, "gateway"},
		{"login --profile gatewya", nil, statusUsage, `"gatewya"`, "gateway"},
		{"refresh dev gatewya", nil, statusUsage, `"gatewya"`, "gateway"},
		{"status gatewya", nil, statusUsage, `"gatewya"`, "gateway"},
		{"logout gatewya", nil, statusUsage, `"gatewya"`, "gateway"},
		{"credential-process gatewya", nil, statusUsage, `"gatewya"`, "gateway"},
		{"env", []string{"AWS_PROFILE=gatewya"}, statusUsage, `"gatewya" is in neither`, "gateway"},
		{"env", []string{"GATEHOP_PROFILE=gatewya"}, statusUsage, "GATEHOP_PROFILE names it", "gateway"},
		{"login frobnicate", nil, statusUsage, `"frobnicate"`, ""},
		{"login wrongsource", nil, statusUsage, `"gatway"`, "gateway"},

		{"login wrongkey", nil, statusUsage, "gatehop_usrname", "gatehop_username"},
		{"login wrongidp", []string{secret}, statusUsage, `"adsf"`, "adfs"},
		{"login wrongstore", nil, statusUsage, `"keyrin"`, "keyring"},
		{"login gateway", []string{"GATEHOP_STORE=fiel"}, statusUsage, `"fiel"`, "file"},
		{"login gateway", []string{"GATEHOP_STORE=frobnicate"}, statusUsage, "GATEHOP_STORE", ""},
		{"env dev --shell zssh", nil, statusUsage, `"zssh"`, "--shell zsh"},
		{"env dev --shell frobnicate", nil, statusUsage, `"frobnicate"`, ""},
		{"sandbox --idp adsf3", nil, statusUsage, `"adsf3"`, "adfs3"},
		{"sandbox --fault expird", nil, statusUsage, `"expird"`, "expired"},
		{"sandbox --empty --fault frobnicate -- true", nil, statusUsage, `"frobnicate"`, ""},
		{"sandbox --mfa azure-pus", nil, statusUsage, `"azure-pus"`, "azure-push"},
		{"sandbox --mfa frobnicate", nil, statusUsage, `"frobnicate"`, ""},
		{"sandbox --mfa azure-push --mfa-result dney", nil, statusUsage, `"dney"`, "deny"},
		{"sandbox --idp frobnicate", nil, statusUsage, `"frobnicate"`, ""},

		{"configure --import saml2asw", nil, statusUsage, `"saml2asw"`, "--import saml2aws"},
		{"configure --import frobnicate", nil, statusUsage, `"frobnicate"`, ""},
		{"configure --idp adsf", nil, statusUsage, `"adsf"`, "--idp adfs"},
		{"configure new --yes --url htps://adfs.corp.example", nil, statusUsage, `"htps://adfs.corp.example"`, "--url https://adfs.corp.example"},
		{"configure new --yes --url gopher://adfs.corp.example", nil, statusUsage, `"gopher://`, ""},
		{`configure new --yes --url adfs.corp.example --username CORP\alice --role Gatway`, []string{secret}, statusUsage, `"Gatway"`, "--role Gateway"},

		{"login wrongurl", nil, statusUsage, `"htps://adfs.corp.example/adfs"`, "https://adfs.corp.example/adfs"},
		{"login barehost", nil, statusUsage, `"adfs.corp.example"`, "https://adfs.corp.example"},
		{"login nohost", nil, statusUsage, `"https:///adfs/ls"`, "https://HOST/adfs/ls"},
		{"login gateway", []string{"GATEHOP_URL=https//adfs.corp.example"}, statusUsage, `"https//adfs.corp.example"`, "https://adfs.corp.example"},
		{"login gateway", []string{"GATEHOP_URL=gopher://adfs.corp.example"}, statusUsage, "GATEHOP_URL", ""},

		{"login open --role Gatway", []string{secret, `GATEHOP_USERNAME=CORP\alice`}, statusUsage, `"Gatway"`, "Gateway"},
		{"login open --role 111111111111/Readonly", []string{secret, `GATEHOP_USERNAME=CORP\alice`}, statusUsage, `"111111111111/Readonly"`, "111111111111/ReadOnly"},
		{"login open --role Billing", []string{secret, `GATEHOP_USERNAME=CORP\alice`}, statusUsage, `"Billing"`, ""},
		{"login wrongrole", []string{secret}, statusRefused, `role/Gatway"`, "arn:aws:iam::111111111111:role/Gateway"},
	} {
		t.Run(c.args, func(t *testing.T) {
			out := w.runWith(c.vars, strings.Fields(c.args)...).want(t, c.status)
			message, hint, _ := strings.Cut(out.stderr, "hint: ")
			if !strings.Contains(message, c.typed) || out.stdout != "" {
				t.Errorf("the error does not name %s, or something is on standard output %q:\n%s", c.typed, out.stdout, out.stderr)
			}
			if got := suggested(hint); got != c.meant {
				t.Errorf("suggested is %q, want %q:\n%s", got, c.meant, out.stderr)
			}
			if _, told, _ := strings.Cut(out.stderr, "gatehop: "); strings.Count(told, "\n") > 4 || strings.Count(out.stderr, "hint: ") > 1 {
				t.Errorf("more than an error and a hint:\n%s", out.stderr)
			}
		})
	}
}

// suggested is what a hint suggests, "" if it suggests nothing.
func suggested(hint string) string {
	_, rest, ok := strings.Cut(hint, `did you mean "`)
	meant, _, end := strings.Cut(rest, `"?`)
	if !ok || !end {
		return ""
	}
	return meant
}

// TestEmptyName names what is wrong with a variable that was not set.
func TestEmptyName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.run("refresh", "").want(t, statusUsage, "an empty name")
	w.run("each", "", "--", "true").want(t, statusUsage, "an empty name")
}
