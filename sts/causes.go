package sts

import (
	"slices"
	"strings"
)

// cause says what one answer of AWS can mean. AWS has one text for many causes; which
// one it is can only be seen in the account.
type cause struct {
	ops   string // operations, separated by a space; "" is every signed one, "*" every one
	code  string
	has   string // part of the message, any case; "" is every message
	facts []string
}

// causes is read from the top: the first row that fits is the answer. Codes and texts
// are those of the STS API reference, the IAM user guide ("Troubleshoot SAML 2.0
// federation with IAM", "Troubleshoot IAM roles", "Pass session tags in STS") and of
// public issue threads.
func causes() []cause {
	return slices.Concat(tokenCauses(), federationCauses(), hopCauses(), signatureCauses(), commonCauses())
}

// tokenCauses are about the assertion.
func tokenCauses() []cause {
	return []cause{
		{opSAML, "ExpiredTokenException", "", []string{
			"the assertion was issued more than 5 minutes ago",
			"the clock of the identity provider is wrong",
		}},
		{opSAML, "InvalidIdentityToken", "signature invalid", []string{
			"the identity provider signs with a certificate that is not in the metadata of the IAM SAML provider (a renewed one, usually)",
			"the assertion was changed on its way",
		}},
		{opSAML, "InvalidIdentityToken", "issuer not present", []string{
			"the IAM SAML provider was made from the metadata of another identity provider",
			"the entity ID of the identity provider has changed since",
		}},
		{opSAML, "InvalidIdentityToken", "rolesessionname is required", []string{
			"the identity provider sends no attribute https://aws.amazon.com/SAML/Attributes/RoleSessionName (names are case-sensitive)",
			"the person's account lacks the property that the attribute is made from",
		}},
		{opSAML, "InvalidIdentityToken", "rolesessionname in authnresponse", []string{
			"the RoleSessionName that the identity provider sends holds a character that AWS does not allow, such as a space or a backslash",
			"it is shorter than 2 or longer than 64 characters",
		}},
		{opSAML, "InvalidIdentityToken", "source identity", []string{
			"the SourceIdentity that the identity provider sends holds a character that AWS does not allow, is not 2 to 64 characters long, or begins with aws:",
		}},
		{opSAML, "InvalidIdentityToken", "provider doesn't exist", []string{
			"the account has no IAM SAML provider of that name (names are case-sensitive)",
			"the provider was deleted, or made again under another name",
		}},
		{opSAML, "InvalidIdentityToken", "required audience", []string{
			"the identity provider addresses the assertion to another audience than AWS's",
			"the Recipient of the assertion is not an AWS sign-in address of this partition",
		}},
		{opSAML, "InvalidIdentityToken", "", []string{
			"the assertion does not fit the IAM SAML provider that the role names",
			"the assertion is not valid yet, or no longer",
			"the assertion is encrypted and the IAM SAML provider holds no key for it",
		}},
	}
}

// federationCauses are about a role and an assertion that is good.
func federationCauses() []cause {
	return []cause{
		{opSAML, "IDPRejectedClaim", "", []string{
			"the identity provider or AWS rejected the claim: it may have been withdrawn",
		}},
		{opSAML, "AccessDenied", "", []string{
			"the role does not exist, or its name is spelled in other capitals",
			"the role's trust policy does not name this SAML provider, or does not allow sts:AssumeRoleWithSAML",
			"the trust policy's saml:aud condition does not list the assertion's Recipient",
			"the assertion carries session tags and the trust policy does not allow sts:TagSession",
			"the assertion carries a SourceIdentity and the trust policy does not allow sts:SetSourceIdentity",
			"the assertion's Role attribute does not hold this pair of role and provider",
			"the assertion names no subject (NameID)",
			"the role belongs to IAM Identity Center (AWSReservedSSO_), which no other provider can open",
		}},
		{opSAML, "ValidationError", "durationseconds", []string{
			"the role's maximum session duration is shorter than what was asked for",
		}},
		{opSAML, "ValidationError", "samlassertion", []string{
			"the assertion is longer than the 100,000 characters that AWS accepts, which happens with very many roles",
			"the assertion is empty or not base64",
		}},
	}
}

// hopCauses are about a role and the session that calls.
func hopCauses() []cause {
	return []cause{
		{opAssume, "AccessDenied", "multifactorauthentication", []string{
			"the role demands an MFA code, and a session that came from a SAML sign-in has no MFA device in AWS",
		}},
		{opAssume, "AccessDenied", "sts:tagsession", []string{
			"the role's trust policy does not allow sts:TagSession, which tags inherited from the sign-in need too",
			"the permission policies of the calling role do not allow sts:TagSession on this role",
		}},
		{opAssume, "AccessDenied", "sts:setsourceidentity", []string{
			"the role's trust policy does not allow sts:SetSourceIdentity",
			"the permission policies of the calling role do not allow sts:SetSourceIdentity on this role",
			"the session has another source identity already, which cannot be changed",
		}},
		{opAssume, "AccessDenied", "explicit deny", []string{
			"a policy forbids it: of the calling role, its permissions boundary, the organization, or the role's trust",
			"the sessions of the calling role that are older than some moment were revoked",
		}},
		{opAssume, "AccessDenied", "no identity-based policy", []string{
			"the permission policies of the calling role do not allow sts:AssumeRole on this role",
		}},
		{opAssume, "AccessDenied", "", []string{
			"the role does not exist, or its account, path or name is spelled otherwise",
			"the role's trust policy does not name the calling role or its account",
			"the permission policies of the calling role do not allow sts:AssumeRole on this role",
			"the trust policy demands an external ID, and another or none was sent",
			"the trust policy demands MFA, which a session that came from a SAML sign-in never has",
			"a condition of the trust policy (organization, source address, principal tag) is not met",
			"a policy of the organization or the permissions boundary of the calling role forbids it",
			"the sessions of the calling role were revoked",
		}},
		{opAssume, "ValidationError", "role chaining", []string{
			"a session of a role may open another for at most 1 hour, whatever that role's maximum is",
		}},
		{opAssume, "ValidationError", "durationseconds", []string{
			"the duration is less than 15 minutes or more than the role's maximum",
		}},
		{opAssume, "ValidationError", "rolesessionname", []string{
			"the session name is not 2 to 64 of letters, digits and _+=,.@-",
		}},
		{opAssume, "ValidationError", "at 'tags", []string{
			"the session tags are more, or longer, than AWS accepts: 50 of 128 characters with values of 256",
		}},
		{opAssume, "InvalidParameterValue", "transitive", []string{
			"a tag that the session inherited from the sign-in cannot be set again",
			"a transitive tag is not among the tags that were sent",
		}},
	}
}

// signatureCauses are about the credentials of a signed call.
func signatureCauses() []cause {
	return []cause{
		{"", "ExpiredToken", "", []string{
			"the credentials that signed the call have expired",
			"the local clock is behind, so that they were taken for good",
		}},
		{"", "InvalidClientTokenId", "", []string{
			"the credentials that signed the call are not known to this endpoint: they are of another partition, or damaged",
			"the region is not enabled in the account of the credentials",
		}},
		{"", "SignatureDoesNotMatch", "signature expired", []string{
			"the local clock is more than 15 minutes behind AWS's",
		}},
		{"", "SignatureDoesNotMatch", "not yet current", []string{
			"the local clock is more than 15 minutes ahead of AWS's",
		}},
		{"", "SignatureDoesNotMatch", "", []string{
			"the credentials that signed the call are damaged",
			"something between this machine and AWS changed the request",
			"the call was signed for another region than that of the endpoint",
		}},
		{"", "MissingAuthenticationToken", "", []string{
			"something between this machine and AWS took the signature out of the request",
		}},
	}
}

// commonCauses are about the service.
func commonCauses() []cause {
	return []cause{
		{opSAML + " " + opAssume, "PackedPolicyTooLarge", "", []string{
			"the session tags take more room than AWS gives them",
		}},
		{"*", "RegionDisabledException", "", []string{
			"STS is not activated for this region in the role's account",
		}},
		{"*", "IDPCommunicationError", "", []string{
			"AWS could not reach the identity provider",
		}},
		{"*", "Throttling", "", []string{
			"the calling account makes more STS calls in this region than AWS allows at the moment",
		}},
		{"*", "UnknownError", "", []string{
			"the endpoint, or something before it, is out of order at the moment",
		}},
		{"*", "InternalFailure", "", []string{
			"the endpoint is out of order at the moment",
		}},
		{"*", "ServiceUnavailable", "", []string{
			"the endpoint is out of order or overloaded at the moment",
		}},
	}
}

func (c cause) fits(op, code, message string) bool {
	switch c.ops {
	case "*":
	case "":
		if op == opSAML {
			return false
		}
	default:
		if !strings.Contains(" "+c.ops+" ", " "+op+" ") {
			return false
		}
	}
	return c.code == code && strings.Contains(strings.ToLower(message), c.has)
}

func causesOf(op, code, message string) []string {
	for _, c := range causes() {
		if c.fits(op, code, message) {
			return c.facts
		}
	}
	return nil
}

// isTransient knows the codes that come with a 4xx status and yet ask for patience.
// They are the retryable ones of the AWS SDKs' standard mode and of STS.
func isTransient(code string) bool {
	switch code {
	case "RequestTimeout", "RequestTimeoutException", "IDPCommunicationError":
		return true
	}
	return isThrottling(code)
}

// isThrottling knows the codes that say that there are too many calls.
func isThrottling(code string) bool {
	switch code {
	case "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
		"RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown":
		return true
	}
	return false
}
