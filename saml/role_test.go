package saml_test

import (
	"strings"
	"testing"

	"gatehop/saml"
)

const (
	roleA     = "arn:aws:iam::111111111111:role/Gateway"
	providerA = "arn:aws:iam::111111111111:saml-provider/ADFS"
)

func TestParseRole(t *testing.T) {
	t.Parallel()
	longName, longPath := strings.Repeat("n", 64), strings.Repeat("p", 510)
	longProvider := "arn:aws:iam::111111111111:saml-provider/" + strings.Repeat("q", 128)
	for _, c := range []struct{ name, value, role, provider string }{
		{"role first", roleA + "," + providerA, roleA, providerA},
		{"provider first", providerA + "," + roleA, roleA, providerA},
		{"space after the comma", providerA + ", " + roleA, roleA, providerA},
		{"space before the comma", providerA + " ," + roleA, roleA, providerA},
		{"pretty-printed", "\n\t  " + roleA + "\r\n  ,\n   " + providerA + "  \n", roleA, providerA},
		{"no-break spaces", "\u00a0" + roleA + "\u00a0,\u00a0" + providerA + "\u00a0", roleA, providerA},
		{"path", roleP("team/a/Ops") + "," + providerA, roleP("team/a/Ops"), providerA},
		{"comma in the name", roleP("Ops,Night") + "," + providerA, roleP("Ops,Night"), providerA},
		{"comma in the name, provider first", providerA + "," + roleP("Ops,Night"), roleP("Ops,Night"), providerA},
		{"commas at both ends of the name", providerA + "," + roleP(",Ops,"), roleP(",Ops,"), providerA},
		{"comma at the end, role first", roleP("Ops,") + "," + providerA, roleP("Ops,"), providerA},
		{"comma in the path", roleP("a,b/c,/Ops") + "," + providerA, roleP("a,b/c,/Ops"), providerA},
		{"comma and arn: in the path", roleP("a,arn:b/Ops") + "," + providerA, roleP("a,arn:b/Ops"), providerA},
		{"comma and most of an ARN in the path", roleP("a,arn:aws:iam:111111111111:role/Ops") + "," + providerA, roleP("a,arn:aws:iam:111111111111:role/Ops"), providerA},
		{"comma and arn: in the path, provider first", providerA + "," + roleP("a,arn:b/Ops"), roleP("a,arn:b/Ops"), providerA},
		{"saml-provider in the path", roleP("saml-provider/Ops") + "," + providerA, roleP("saml-provider/Ops"), providerA},
		{"saml-provider in the path, provider first", providerA + "," + roleP(":saml-provider/Ops"), roleP(":saml-provider/Ops"), providerA},
		{"role in the provider's name", "arn:aws:iam::111111111111:saml-provider/role," + roleA, roleA, "arn:aws:iam::111111111111:saml-provider/role"},
		{"every character of a name", roleP("aZ09_+=,.@-") + "," + providerA, roleP("aZ09_+=,.@-"), providerA},
		{"every character of a provider", "arn:aws:iam::111111111111:saml-provider/aZ09_.-," + roleA, roleA, "arn:aws:iam::111111111111:saml-provider/aZ09_.-"},
		{"every kind of character of a path", roleP("!#$%&*:;<>?[]^{|}~/Ops") + "," + providerA, roleP("!#$%&*:;<>?[]^{|}~/Ops"), providerA},
		{"three slashes", roleP("//Ops") + "," + providerA, roleP("//Ops"), providerA},
		{"longest name", roleP(longName) + "," + providerA, roleP(longName), providerA},
		{"longest path", roleP(longPath+"/Ops") + "," + providerA, roleP(longPath + "/Ops"), providerA},
		{"longest provider", roleA + "," + longProvider, roleA, longProvider},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := saml.ParseRole(c.value)
			if want := (saml.Role{ARN: c.role, Provider: c.provider}); err != nil || got != want {
				t.Errorf("ParseRole(%q) = %v, %v, want %v", c.value, got, err, want)
			}
		})
	}
}

func roleP(role string) string { return "arn:aws:iam::111111111111:role/" + role }

func TestParseRolePartitions(t *testing.T) {
	t.Parallel()
	want := []string{"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"}
	for _, partition := range want {
		role, provider := "arn:"+partition+":iam::000000000001:role/a/R", "arn:"+partition+":iam::000000000001:saml-provider/P"
		for _, value := range []string{role + "," + provider, provider + "," + role} {
			r, err := saml.ParseRole(value)
			if err != nil || r.ARN != role || r.Provider != provider {
				t.Errorf("ParseRole(%q) = %v, %v", value, r, err)
			}
			if r.Partition() != partition || r.Account() != "000000000001" || r.Name() != "R" || r.Path() != "/a/" {
				t.Errorf("parts of %q = %q %q %q %q", r.ARN, r.Partition(), r.Account(), r.Name(), r.Path())
			}
		}
		for _, other := range want {
			mixed := strings.Replace(role, partition, other, 1) + "," + provider
			if _, err := saml.ParseRole(mixed); (err == nil) != (other == partition) {
				t.Errorf("ParseRole(%q) = %v", mixed, err)
			}
		}
	}
}

// Each row differs in one thing from a value that TestParseRole shows to be read.
func TestParseRoleRefused(t *testing.T) {
	t.Parallel()
	const (
		shape     = "it is not arn:PARTITION:iam::ACCOUNT:RESOURCE"
		twoARNs   = "it is not two ARNs with a comma between them"
		partition = "its partition is unknown"
		account   = "its account is not twelve digits"
		accounts  = "role and provider are of different accounts"
		noRole    = "it names no role"
		noProv    = "neither ARN names a SAML provider"
		roleName  = "the role name is not 1 to 64 of letters, digits and _+=,.@-"
		rolePath  = "the role path is not 1 to 512 of visible ASCII characters"
		second    = "there is a second ARN in it"
		provName  = "the provider name is not 1 to 128 of letters, digits and _.-"
	)
	prov := strings.TrimSuffix(providerA, "ADFS")
	for _, c := range []struct{ name, value, why string }{
		{"nothing", "", twoARNs},
		{"white space", " \n", twoARNs},
		{"a role alone", roleA, twoARNs},
		{"a role and a comma", roleA + ",", twoARNs},
		{"no comma", roleA + " " + providerA, twoARNs},
		{"semicolon", roleA + ";" + providerA, twoARNs},
		{"capitals", strings.ToUpper(roleA + "," + providerA), twoARNs},
		{"two roles", roleA + "," + roleA, noProv},
		{"two providers", providerA + "," + providerA, noRole},
		{"a user", strings.Replace(roleA, ":role/", ":user/", 1) + "," + providerA, noRole},
		{"another kind of provider", roleA + "," + strings.Replace(providerA, "saml", "oidc", 1), noProv},
		{"role without slash", "arn:aws:iam::111111111111:role," + providerA, noRole},
		{"another service", strings.Replace(roleA, ":iam:", ":sts:", 1) + "," + providerA, shape},
		{"a region", strings.Replace(roleA, ":iam::", ":iam:us-east-1:", 1) + "," + providerA, shape},
		{"too few fields", "arn:aws:iam::111111111111," + providerA, shape},
		{"unknown partition", strings.ReplaceAll(roleA+","+providerA, ":aws:", ":aws-moon:"), partition},
		{"no partition", strings.ReplaceAll(roleA+","+providerA, ":aws:", "::"), partition},
		{"11 digits", strings.ReplaceAll(roleA+","+providerA, "111111111111", "11111111111"), account},
		{"13 digits", strings.ReplaceAll(roleA+","+providerA, "111111111111", "1111111111111"), account},
		{"letters for digits", strings.ReplaceAll(roleA+","+providerA, "111111111111", "11111111111a"), account},
		{"other digits", strings.ReplaceAll(roleA+","+providerA, "111111111111", "１１１１"), account},
		{"aws for the account", strings.ReplaceAll(roleA+","+providerA, "111111111111", "aws"), account},
		{"two accounts", roleA + "," + strings.Replace(providerA, "1", "2", 1), accounts},
		{"two partitions", roleA + "," + strings.Replace(providerA, ":aws:", ":aws-cn:", 1), accounts},
		{"no name", roleP("") + "," + providerA, roleName},
		{"no name after a path", roleP("team/") + "," + providerA, roleName},
		{"65 characters", roleP(strings.Repeat("n", 65)) + "," + providerA, roleName},
		{"space in the name", roleP("a b") + "," + providerA, roleName},
		{"colon in the name", roleP("a:b") + "," + providerA, roleName},
		{"letter outside ASCII", roleP("ä") + "," + providerA, roleName},
		{"space in the path", roleP("a b/Ops") + "," + providerA, rolePath},
		{"letter outside ASCII in the path", roleP("ä/Ops") + "," + providerA, rolePath},
		{"control character in the path", roleP("a\x7f/Ops") + "," + providerA, rolePath},
		{"two slashes", roleP("/Ops") + "," + providerA, rolePath},
		{"path of 513", roleP(strings.Repeat("p", 511)+"/Ops") + "," + providerA, rolePath},
		{"no provider name", roleA + "," + prov, provName},
		{"provider of 129", roleA + "," + prov + strings.Repeat("q", 129), provName},
		{"provider with a path", roleA + "," + prov + "a/b", provName},
		{"provider with a comma", roleA + "," + prov + "a,b", provName},
		{"provider with a plus", prov + "a+b," + roleA, provName},
		{"a third ARN at the end", roleA + "," + providerA + "," + providerA, second},
		{"a third ARN at the start", providerA + "," + providerA + "," + roleA, noRole},
		{"two roles and a provider", roleA + "," + roleA + "," + providerA, second},
		{"two roles and a provider, spaced", roleA + ", " + roleA + "," + providerA, rolePath},
		{"a provider and two roles", providerA + "," + roleA + "," + roleA, second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, err := saml.ParseRole(c.value)
			if err == nil || r != (saml.Role{}) {
				t.Fatalf("ParseRole(%q) = %v, %v, want an error", c.value, r, err)
			}
			if !strings.HasSuffix(err.Error(), ": "+c.why) {
				t.Errorf("ParseRole(%q) = %v, want %s", c.value, err, c.why)
			}
		})
	}
}

// What an error quotes is short and harmless.
func TestParseRoleQuotes(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		strings.Repeat("x", 200):                    strings.Repeat("x", 200),
		strings.Repeat("x", 201):                    strings.Repeat("x", 200) + "…",
		strings.Repeat("ä", 999):                    strings.Repeat("ä", 200) + "…",
		"a\x1b[31mb\u202ec\u200bd\x00e\xfff\u0085g": "a[31mbcdef g",
		" a \r\n\t b ":                              "a b",
	} {
		_, err := saml.ParseRole(value)
		const before, after = `read role value "`, `": it is not two ARNs with a comma between them`
		if err == nil || err.Error() != before+want+after {
			t.Errorf("ParseRole(%.20q) = %v, want %s quoted", value, err, want)
		}
	}
}

func TestParseRoleARN(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]saml.ARN{
		roleA: {Partition: "aws", Account: "111111111111", Path: "/", Name: "Gateway"},
		"arn:aws-cn:iam::222222222222:role/a/b/C":  {Partition: "aws-cn", Account: "222222222222", Path: "/a/b/", Name: "C"},
		"arn:aws:iam::111111111111:role/role/role": {Partition: "aws", Account: "111111111111", Path: "/role/", Name: "role"},
		"arn:aws:iam::111111111111:role/a:b/C":     {Partition: "aws", Account: "111111111111", Path: "/a:b/", Name: "C"},
	} {
		got, err := saml.ParseRoleARN(arn)
		if err != nil || got != want {
			t.Errorf("ParseRoleARN(%q) = %+v, %v, want %+v", arn, got, err, want)
		}
		if got.String() != arn {
			t.Errorf("String = %q, want %q", got, arn)
		}
	}
	for _, arn := range []string{"", "Gateway", providerA, roleA + " ", " " + roleA, roleA + "\n", roleA + "," + providerA, providerA + "," + roleA, "arn:aws:sts::111111111111:assumed-role/Gateway/alice"} {
		if got, err := saml.ParseRoleARN(arn); err == nil || got != (saml.ARN{}) {
			t.Errorf("ParseRoleARN(%q) = %+v, %v, want an error", arn, got, err)
		}
	}
	_, err := saml.ParseRoleARN("Gateway")
	if want := `read role ARN "Gateway": it is not arn:PARTITION:iam::ACCOUNT:RESOURCE`; err.Error() != want {
		t.Errorf("Error = %v, want %s", err, want)
	}
}

func TestRoleMadeByHand(t *testing.T) {
	t.Parallel()
	r := saml.Role{ARN: "Gateway"}
	if r.Partition()+r.Account()+r.Name()+r.Path() != "" {
		t.Errorf("parts of a Role that is none: %q %q %q %q", r.Partition(), r.Account(), r.Name(), r.Path())
	}
}
