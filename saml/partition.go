package saml

import (
	"net/url"
	"strings"

	"gatehop/saml/iam"
)

// ARN is a role ARN taken apart.
type ARN = iam.ARN

// ParseRoleARN reads a role ARN as IAM writes it, nothing around it.
func ParseRoleARN(arn string) (ARN, error) { return iam.ParseRoleARN(arn) }

// Partitions returns the identifiers of the known partitions, the commercial one first.
func Partitions() []string { return iam.Partitions() }

// RelyingParty returns the entity ID under which identity providers know AWS in a
// partition; that of the commercial one for a partition that is not known.
func RelyingParty(partition string) string { return iam.RelyingParty(partition) }

// SignInHost returns the host of a partition's sign-in page, "" if the partition is
// not known.
func SignInHost(partition string) string { return iam.SignInHost(partition) }

// DefaultRegion returns the region to call in a partition when nobody names one, ""
// if the partition is not known.
func DefaultRegion(partition string) string { return iam.DefaultRegion(partition) }

// RegionPartition returns the partition that a region code belongs to.
func RegionPartition(region string) (id string, ok bool) { return iam.RegionPartition(region) }

// SignInPartition reports whether rawURL is an address at which AWS consumes
// assertions, and of which partition: https, port 443, no user, a sign-in host or
// REGION.HOST, path /saml or /saml/acs/ID. A query is allowed and says nothing.
func SignInPartition(rawURL string) (id string, ok bool) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "https" || u.User != nil || !isACSPath(u.EscapedPath()) {
		return "", false
	}
	// Lower-casing turns some letters outside ASCII (KELVIN SIGN) into ones inside.
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r > '~' }) {
		return "", false
	}
	host := strings.TrimSuffix(strings.ToLower(u.Host), ":443")
	for _, id := range iam.Partitions() {
		signIn := iam.SignInHost(id)
		if host == signIn {
			return id, true
		}
		if region, cut := strings.CutSuffix(host, "."+signIn); cut && iam.IsRegion(region) {
			return id, true
		}
	}
	return "", false
}

// isACSPath knows /saml and, for providers that encrypt, /saml/acs/ID with the one
// identifier that IAM gave the provider.
func isACSPath(path string) bool {
	if path == "/saml" {
		return true
	}
	id, ok := strings.CutPrefix(path, "/saml/acs/")
	return ok && id != "" && len(id) <= 128 && iam.Only(id, func(c byte) bool { return iam.IsWord(c) || c == '-' })
}
