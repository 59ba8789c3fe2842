package iam

import "strings"

// partition is what AWS's sign-in differs in from one partition to the next.
type partition struct {
	id           string
	signIn       string // host of the sign-in page; a regional one is REGION.signIn
	relyingParty string // entity ID of AWS as a service provider
	regions      string // prefixes of its region codes; the last one in the table that fits decides
	region       string // the region to call when nobody names one
}

// partitions lists what AWS has today; nothing writes to it. Identifiers, hosts and
// default regions are those of the endpoint data of the AWS SDKs (partitions.json,
// service "signin"). The relying parties are what AWS's service provider metadata at
// https://HOST/static/saml-metadata.xml names; the isolated partitions and the European
// one have none that is public, and theirs is taken to be the commercial one.
var partitions = [...]partition{
	{"aws", "signin.aws.amazon.com", commercialParty, "af- ap- ca- eu- il- me- mx- sa- us-", "us-east-1"},
	{"aws-cn", "signin.amazonaws.cn", commercialParty + ":cn-north-1", "cn-", "cn-northwest-1"},
	{"aws-us-gov", "signin.amazonaws-us-gov.com", commercialParty + ":govcloud", "us-gov-", "us-gov-west-1"},
	{"aws-iso", "signin.c2shome.ic.gov", commercialParty, "us-iso-", "us-iso-east-1"},
	{"aws-iso-b", "signin.sc2shome.sgov.gov", commercialParty, "us-isob-", "us-isob-east-1"},
	{"aws-iso-e", "signin.csphome.adc-e.uk", commercialParty, "eu-isoe-", "eu-isoe-west-1"},
	{"aws-iso-f", "signin.csphome.hci.ic.gov", commercialParty, "us-isof-", "us-isof-south-1"},
	{"aws-eusc", "signin.amazonaws-eusc.eu", commercialParty, "eusc-", "eusc-de-east-1"},
}

const commercialParty = "urn:amazon:webservices"

func partitionByID(id string) (partition, bool) {
	for _, p := range partitions {
		if p.id == id {
			return p, true
		}
	}
	return partition{}, false
}

// Partitions returns the identifiers of the known partitions, the commercial one first.
func Partitions() []string {
	var ids []string
	for _, p := range partitions {
		ids = append(ids, p.id)
	}
	return ids
}

// RelyingParty returns the entity ID under which identity providers know AWS in a
// partition; that of the commercial one for a partition that is not known.
func RelyingParty(partition string) string {
	if p, ok := partitionByID(partition); ok {
		return p.relyingParty
	}
	return commercialParty
}

// SignInHost returns the host of a partition's sign-in page, "" if the partition is
// not known. The isolated partitions and the European one answer only at
// REGION.SignInHost.
func SignInHost(partition string) string {
	p, _ := partitionByID(partition)
	return p.signIn
}

// DefaultRegion returns the region to call in a partition when nobody names one, ""
// if the partition is not known.
func DefaultRegion(partition string) string {
	p, _ := partitionByID(partition)
	return p.region
}

// RegionPartition returns the partition that a region code such as "us-gov-west-1"
// belongs to. ok is false for text that is not shaped like a region or whose prefix
// no partition has.
func RegionPartition(region string) (id string, ok bool) {
	if !IsRegion(region) {
		return "", false
	}
	for _, p := range partitions {
		for _, prefix := range strings.Fields(p.regions) {
			if strings.HasPrefix(region, prefix) {
				id = p.id
			}
		}
	}
	return id, id != ""
}

// IsRegion knows the shape of a region code: words of small letters and a number,
// "us-east-1", "us-gov-west-1".
func IsRegion(s string) bool {
	words := strings.Split(s, "-")
	if len(s) > 32 || len(words) < 3 {
		return false
	}
	for i, w := range words {
		last := i == len(words)-1
		ok := w != "" && Only(w, func(c byte) bool {
			return last && c >= '0' && c <= '9' || !last && c >= 'a' && c <= 'z'
		})
		if !ok {
			return false
		}
	}
	return len(words[len(words)-1]) <= 2
}

// Only reports whether every byte of s is allowed.
func Only(s string, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}

// IsWord is \w of AWS's patterns.
func IsWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
