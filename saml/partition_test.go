package saml_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehop/saml"
)

func TestSignInPartition(t *testing.T) {
	t.Parallel()
	for rawURL, want := range map[string]string{
		"https://signin.aws.amazon.com/saml":                                            "aws",
		"https://signin.aws.amazon.com:443/saml":                                        "aws",
		"HTTPS://SignIn.AWS.amazon.com/saml":                                            "aws",
		"https://us-east-1.signin.aws.amazon.com/saml":                                  "aws",
		"https://ap-southeast-7.signin.aws.amazon.com:443/saml":                         "aws",
		"https://signin.aws.amazon.com/saml?x=y":                                        "aws",
		"https://signin.aws.amazon.com/saml#top":                                        "aws",
		"https://signin.aws.amazon.com/saml/acs/SAMLSPEXAMPLE0000000000":                "aws",
		"https://eu-west-1.signin.aws.amazon.com/saml/acs/SAMLSPEXAMPLE0000000000":      "aws",
		"https://signin.amazonaws.cn/saml":                                              "aws-cn",
		"https://cn-northwest-1.signin.amazonaws.cn/saml":                               "aws-cn",
		"https://signin.amazonaws-us-gov.com/saml":                                      "aws-us-gov",
		"https://us-gov-east-1.signin.amazonaws-us-gov.com/saml":                        "aws-us-gov",
		"https://us-iso-east-1.signin.c2shome.ic.gov/saml":                              "aws-iso",
		"https://us-isob-east-1.signin.sc2shome.sgov.gov/saml":                          "aws-iso-b",
		"https://eu-isoe-west-1.signin.csphome.adc-e.uk/saml":                           "aws-iso-e",
		"https://us-isof-south-1.signin.csphome.hci.ic.gov/saml":                        "aws-iso-f",
		"https://eusc-de-east-1.signin.amazonaws-eusc.eu/saml/acs/SAMLSP-example_00000": "aws-eusc",
	} {
		if got, ok := saml.SignInPartition(rawURL); got != want || !ok {
			t.Errorf("SignInPartition(%q) = %q, %v, want %q", rawURL, got, ok, want)
		}
	}
}

// Each row differs in one thing from an address of TestSignInPartition.
func TestSignInPartitionRefused(t *testing.T) {
	t.Parallel()
	for _, rawURL := range []string{
		"",
		"/saml",
		"signin.aws.amazon.com/saml",
		"//signin.aws.amazon.com/saml",
		"http://signin.aws.amazon.com/saml",
		"http://signin.aws.amazon.com:443/saml",
		"ftp://signin.aws.amazon.com/saml",
		"https:signin.aws.amazon.com/saml",
		"https:///saml",
		"https://signin.aws.amazon.com:80/saml",
		"https://signin.aws.amazon.com:4430/saml",
		"https://signin.aws.amazon.com:0443/saml",
		"https://signin.aws.amazon.com:/saml",
		"https://signin.aws.amazon.com:443:443/saml",
		"https://user@signin.aws.amazon.com/saml",
		"https://user:pass@signin.aws.amazon.com/saml",
		"https://@signin.aws.amazon.com/saml",
		"https://signin.aws.amazon.com@evil.example/saml",
		"https://signin.aws.amazon.com:443@evil.example/saml",
		"https://evil.example\\@signin.aws.amazon.com/saml",
		"https://evil.example/https://signin.aws.amazon.com/saml",
		"https://evil.example?signin.aws.amazon.com/saml",
		"https://evil.example#signin.aws.amazon.com/saml",
		"https://signin.aws.amazon.com.evil.example/saml",
		"https://xsignin.aws.amazon.com/saml",
		"https://x-signin.aws.amazon.com/saml",
		"https://evil.signin.aws.amazon.com/saml",
		"https://.signin.aws.amazon.com/saml",
		"https://us-east-1..signin.aws.amazon.com/saml",
		"https://a.us-east-1.signin.aws.amazon.com/saml",
		"https://us-east-1.a.signin.aws.amazon.com/saml",
		"https://us-1.signin.aws.amazon.com/saml",
		"https://us-east.signin.aws.amazon.com/saml",
		"https://us-east-123.signin.aws.amazon.com/saml",
		"https://us--1.signin.aws.amazon.com/saml",
		"https://us-e1st-1.signin.aws.amazon.com/saml",
		"https://signin.aws.amazon.com./saml",
		"https://us-east-1.signin.aws.amazon.com./saml",
		"https://aws.amazon.com/saml",
		"https://console.aws.amazon.com/saml",
		"https://signin.aws.amazon.co/saml",
		"https://signin.aws.amazon.comm/saml",
		"https://signin.aws.amazоn.com/saml",                                 // a Cyrillic letter
		"https://us-iso-east-1.signin.csphome.adc-e.u\u212a/saml",            // KELVIN SIGN
		"https://signin%2eaws.amazon.com/saml",                               // an escaped dot
		"https://signin.aws.amazon.com%2f@evil.example/saml",                 //
		"https://[signin.aws.amazon.com]/saml",                               //
		"https://signin.aws.amazon.com\t/saml",                               //
		" https://signin.aws.amazon.com/saml",                                //
		"https://signin.aws.amazon.com /saml",                                //
		"https://signin.aws.amazon.com",                                      //
		"https://signin.aws.amazon.com/",                                     //
		"https://signin.aws.amazon.com/SAML",                                 //
		"https://signin.aws.amazon.com/saml/",                                //
		"https://signin.aws.amazon.com//saml",                                //
		"https://signin.aws.amazon.com/samlx",                                //
		"https://signin.aws.amazon.com/%73aml",                               //
		"https://signin.aws.amazon.com/x/../saml",                            //
		"https://signin.aws.amazon.com/saml/acs",                             //
		"https://signin.aws.amazon.com/saml/acs/",                            //
		"https://signin.aws.amazon.com/saml/acs/..",                          //
		"https://signin.aws.amazon.com/saml/acs/a/b",                         //
		"https://signin.aws.amazon.com/saml/acs/a%2fb",                       //
		"https://signin.aws.amazon.com/saml/other/A",                         //
		"https://signin.aws.amazon.com/oauth",                                //
		"https://signin.aws.amazon.com/saml/acs/" + strings.Repeat("A", 129), //
	} {
		if got, ok := saml.SignInPartition(rawURL); got != "" || ok {
			t.Errorf("SignInPartition(%q) = %q, %v, want none", rawURL, got, ok)
		}
	}
}

func TestPartitionTables(t *testing.T) {
	t.Parallel()
	want := []struct{ id, party, host, region string }{
		{"aws", "urn:amazon:webservices", "signin.aws.amazon.com", "us-east-1"},
		{"aws-cn", "urn:amazon:webservices:cn-north-1", "signin.amazonaws.cn", "cn-northwest-1"},
		{"aws-us-gov", "urn:amazon:webservices:govcloud", "signin.amazonaws-us-gov.com", "us-gov-west-1"},
		{"aws-iso", "urn:amazon:webservices", "signin.c2shome.ic.gov", "us-iso-east-1"},
		{"aws-iso-b", "urn:amazon:webservices", "signin.sc2shome.sgov.gov", "us-isob-east-1"},
		{"aws-iso-e", "urn:amazon:webservices", "signin.csphome.adc-e.uk", "eu-isoe-west-1"},
		{"aws-iso-f", "urn:amazon:webservices", "signin.csphome.hci.ic.gov", "us-isof-south-1"},
		{"aws-eusc", "urn:amazon:webservices", "signin.amazonaws-eusc.eu", "eusc-de-east-1"},
	}
	var ids []string
	for _, w := range want {
		ids = append(ids, w.id)
		if saml.RelyingParty(w.id) != w.party || saml.SignInHost(w.id) != w.host || saml.DefaultRegion(w.id) != w.region {
			t.Errorf("%s: %q %q %q, want %+v", w.id, saml.RelyingParty(w.id), saml.SignInHost(w.id), saml.DefaultRegion(w.id), w)
		}
		if got, ok := saml.RegionPartition(w.region); got != w.id || !ok {
			t.Errorf("RegionPartition(%q) = %q, %v, want %q", w.region, got, ok, w.id)
		}
	}
	if got := saml.Partitions(); !slices.Equal(got, ids) {
		t.Errorf("Partitions = %v, want %v", got, ids)
	}
	saml.Partitions()[0] = "changed"
	if saml.Partitions()[0] != "aws" {
		t.Error("a caller can change the table")
	}
	if saml.RelyingParty("moon") != "urn:amazon:webservices" || saml.SignInHost("moon") != "" || saml.DefaultRegion("") != "" {
		t.Error("an unknown partition has more than the commercial relying party")
	}
}

func TestRegionPartition(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"eu-west-1": "aws", "mx-central-1": "aws", "ap-southeast-7": "aws", "il-central-1": "aws", "us-west-2": "aws",
		"cn-north-1": "aws-cn", "us-gov-east-1": "aws-us-gov", "us-iso-west-1": "aws-iso", "us-isob-west-1": "aws-iso-b",
		"eu-isoe-west-1": "aws-iso-e", "us-isof-east-1": "aws-iso-f", "eusc-de-east-1": "aws-eusc",
		"": "", "us": "", "us-east": "", "us-1": "", "us-east-1a": "", "xx-new-1": "", "aws-global": "", "US-EAST-1": "",
		"us-east-1\n": "", "us-east-1.evil.example": "", "us-" + strings.Repeat("e", 40) + "-1": "",
	} {
		if got, ok := saml.RegionPartition(region); got != want || ok != (want != "") {
			t.Errorf("RegionPartition(%q) = %q, %v, want %q", region, got, ok, want)
		}
	}
}

// acsPattern is a second, independent statement of what SignInPartition takes.
var acsPattern = regexp.MustCompile(`^(?i:https)://(?i:([a-z]+-)+[a-z]+-[0-9]{1,2}\.)?(?i:signin\.(aws\.amazon\.com|amazonaws\.cn|` +
	`amazonaws-us-gov\.com|c2shome\.ic\.gov|sc2shome\.sgov\.gov|csphome\.adc-e\.uk|csphome\.hci\.ic\.gov|amazonaws-eusc\.eu))` +
	`(:443)?/saml(/acs/[A-Za-z0-9_-]{1,128})?([?#].*)?$`)
