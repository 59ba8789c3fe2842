package sts

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehop/saml"
	"gatehop/saml/samltest"
)

func TestCheckEndpoint(t *testing.T) {
	t.Parallel()
	for raw, ok := range map[string]bool{
		"https://sts.example":                                    true,
		"https://sts.example:8443/":                              true,
		"https://vpce-0123.sts.eu-west-1.vpce.amazonaws.com/sts": true,
		"HTTPS://sts.example":                                    true,
		"http://127.0.0.1:4566":                                  true,
		"http://127.9.9.9":                                       true,
		"http://localhost:4566":                                  true,
		"http://LOCALHOST":                                       true,
		"http://[::1]:4566":                                      true,

		"":                                  false,
		"sts.example":                       false,
		"//sts.example":                     false,
		"http://sts.example":                false,
		"http://localhost.example":          false,
		"http://127.0.0.1.example":          false,
		"http://127.1":                      false,
		"http://0x7f000001":                 false,
		"http://2130706433":                 false,
		"http://0.0.0.0":                    false,
		"http://[::]":                       false,
		"http://[::1%25lo]":                 false,
		"http://10.0.0.1":                   false,
		"http://169.254.169.254":            false,
		"http://localhost.":                 false,
		"ftp://127.0.0.1":                   false,
		"file:///etc/passwd":                false,
		"https:sts.example":                 false,
		"https://":                          false,
		"https:///path":                     false,
		"https://:443":                      false,
		"https://user:hunter2@sts.example":  false,
		"https://user@sts.example":          false,
		"http://127.0.0.1@sts.example":      false,
		"https://sts.example?token=hunter2": false,
		"https://sts.example?":              false,
		"https://sts.example#hunter2":       false,
		"https://sts.example#":              false,
		"https://sts.exämple":               false,
		"https://sts.example\n":             false,
		"https://sts example":               false,
		"https://sts.example:hunter2":       false,
		"https://%73ts.example":             false,
	} {
		err := CheckEndpoint(raw)
		if (err == nil) != ok {
			t.Errorf("CheckEndpoint(%q) = %v, want ok %v", raw, err, ok)
		}
		var typed *EndpointError
		if err != nil && (!errors.As(err, &typed) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("CheckEndpoint(%q) = %T %v", raw, err, err)
		}
	}
}

// TestEndpointIsChecked: neither call sends anything to a bad endpoint.
func TestEndpointIsChecked(t *testing.T) {
	t.Parallel()
	w := directWorld(t, time.Hour)
	gw, good := w.login(t), w.client.Endpoint
	for endpoint, want := range map[string]int{"http://sts.example": 0, "https://u:p@sts.example": 0, good: 3} {
		w.client.Endpoint = endpoint
		before := len(w.sent)
		_, err1 := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, time.Hour)
		_, err2 := w.client.Assume(fixed(gw), Hop{RoleARN: admins})(t.Context())
		_, err3 := w.client.CallerIdentity(t.Context(), gw)
		for _, err := range []error{err1, err2, err3} {
			var bad *EndpointError
			if errors.As(err, &bad) != (want == 0) {
				t.Errorf("%s: %v", endpoint, err)
			}
		}
		if n := len(w.sent) - before; n != want {
			t.Errorf("%s: %d requests, want %d", endpoint, n, want)
		}
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"us-east-1": "aws", "eu-west-1": "aws", "ap-southeast-7": "aws", "mx-central-1": "aws", "il-central-1": "aws",
		"cn-north-1": "aws-cn", "cn-northwest-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "us-gov-east-1": "aws-us-gov",
		"us-iso-west-1": "aws-iso", "us-isob-east-1": "aws-iso-b", "eu-isoe-west-1": "aws-iso-e", "us-isof-south-1": "aws-iso-f",
		"eusc-de-east-1": "aws-eusc",
		"xx-new-1":       "", "": "", "us-east": "", "US-EAST-1": "",
	} {
		if got, ok := RegionPartition(region); got != want && ok || ok != (want != "") {
			t.Errorf("RegionPartition(%q) = %q, %v, want %q", region, got, ok, want)
		}
	}
	for region, want := range map[string]bool{
		"us-east-1": true, "xx-new-1": true, "a": true, "aws-global": true, strings.Repeat("a", 63): true,
		"": false, "-us": false, "us-": false, "us east": false, "us-east-1;id": false, "US-EAST-1": false,
		"us.east": false, "us_east": false, "ü": false, "$(id)": false, strings.Repeat("a", 64): false,
	} {
		if got := ValidRegion(region); got != want {
			t.Errorf("ValidRegion(%q) = %v", region, got)
		}
	}
	if DefaultRegion("aws-no") != "" {
		t.Error("a partition that does not exist has a default region")
	}
}

// TestHosts records where the assertion goes in each partition (hosts as the SDK's own
// endpoint rules had them in sts v1.51.8).
func TestHosts(t *testing.T) {
	t.Parallel()
	hosts := map[string]string{
		"aws": "sts.us-east-1.amazonaws.com", "aws-cn": "sts.cn-northwest-1.amazonaws.com.cn",
		"aws-us-gov": "sts.us-gov-west-1.amazonaws.com", "aws-eusc": "sts.eusc-de-east-1.amazonaws.eu",
		"aws-iso": "sts.us-iso-east-1.c2s.ic.gov", "aws-iso-b": "sts.us-isob-east-1.sc2s.sgov.gov",
		"aws-iso-e": "sts.eu-isoe-west-1.cloud.adc-e.uk", "aws-iso-f": "sts.us-isof-south-1.csp.hci.ic.gov",
	}
	for _, partition := range saml.Partitions() {
		region := DefaultRegion(partition)
		if p, ok := RegionPartition(region); !ok || p != partition {
			t.Errorf("default region %q of %s is of %q", region, partition, p)
		}
		var host string
		c := &Client{Region: region, Now: time.Now, HTTP: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			host = r.URL.Scheme + "://" + r.URL.Host
			return always(403, "")(r)
		})}}
		role := saml.Role{ARN: "arn:" + partition + ":iam::111111111111:role/G", Provider: "arn:" + partition + ":iam::111111111111:saml-provider/P"}
		a := directWorld(t, time.Hour).assertion(t, func(r *samltest.Response) { r.Destination = "https://acs.corp.example/" })
		_, err := c.AssumeWithSAML(t.Context(), a, role, time.Hour)
		var odd *ReplyError
		if !errors.As(err, &odd) {
			t.Errorf("%s: %v", partition, err)
		}
		if host != "https://"+hosts[partition] {
			t.Errorf("%s: sent to %s, want %s", partition, host, hosts[partition])
		}
	}
}
