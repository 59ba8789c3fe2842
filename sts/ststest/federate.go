package ststest

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// redeemWithin is how long after its issue AWS takes an assertion.
const redeemWithin = 5 * time.Minute

// AWS's texts (IAM user guide, "Troubleshoot SAML 2.0 federation with IAM", and public
// issue threads). For what has no published text this fake has words of its own.
const (
	notAuthorized = "Not authorized to perform sts:AssumeRoleWithSAML"
	tooLate       = "Token must be redeemed within 5 minutes of issuance"
	tooLong       = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
)

func badToken(message string) *Fault { return fault(400, "InvalidIdentityToken", message) }

// assumeRoleWithSAML checks in the order: the document, its times and attributes, whether
// the role may be opened with it, and for how long.
func (c *call) assumeRoleWithSAML() (any, *Fault) {
	p, ok := c.providers[c.get("PrincipalArn")]
	if !ok {
		return nil, badToken("Specified provider doesn't exist.")
	}
	a, err := readAssertion(c.get("SAMLAssertion"), p)
	switch {
	case errors.Is(err, errIssuer):
		return nil, badToken("Issuer not present in specified provider (Service: AWSOpenIdDiscoveryService; Status Code: 400; " +
			"Error Code: AuthSamlInvalidSamlResponseException; Request ID: " + c.id + "; Proxy: null)")
	case errors.Is(err, errSignature):
		return nil, badToken("Response signature invalid")
	case err != nil:
		return nil, badToken("The response cannot be used: " + err.Error())
	}
	for _, check := range []func(*assertion) *Fault{c.checkTimes, checkAudience, checkAttributes} {
		if no := check(a); no != nil {
			return nil, no
		}
	}
	r := c.roles[c.get("RoleArn")]
	if !c.opens(a, r, p) {
		return nil, denied(notAuthorized)
	}
	d, no := c.sessionLength(a, r)
	if no != nil {
		return nil, no
	}
	return c.federated(a, r, p, d)
}

func (c *call) checkTimes(a *assertion) *Fault {
	switch {
	case a.issued.IsZero():
		return badToken("The response cannot be used: the assertion has no IssueInstant")
	case c.now.Sub(a.issued) > redeemWithin:
		return fault(400, "ExpiredTokenException", tooLate)
	case a.issued.Sub(c.now) > redeemWithin:
		return badToken("The response cannot be used: the assertion is issued in the future")
	case c.now.Before(a.from):
		return badToken("The response cannot be used: the assertion is not valid yet")
	case !a.until.IsZero() && !c.now.Before(a.until):
		return fault(400, "ExpiredTokenException", "The response cannot be used: the assertion has expired")
	case a.recipient == "":
		return badToken("The response cannot be used: it has not exactly one bearer confirmation with Recipient and NotOnOrAfter")
	case !c.now.Before(a.confirm):
		return fault(400, "ExpiredTokenException", "The response cannot be used: the subject confirmation has expired")
	case !a.sessionNotOnOrAfter.IsZero() && !c.now.Before(a.sessionNotOnOrAfter):
		return fault(400, "ExpiredTokenException", "The response cannot be used: the session at the identity provider has ended")
	}
	return nil
}

// checkAudience takes AWS's entity ID, with the suffix that some partitions have, or a
// sign-in address.
func checkAudience(a *assertion) *Fault {
	const entityID = "urn:amazon:webservices"
	for _, v := range a.audiences {
		if v == entityID || strings.HasPrefix(v, entityID+":") || v == a.recipient {
			return nil
		}
	}
	return badToken("Response does not contain the required audience.")
}

func checkAttributes(a *assertion) *Fault {
	const pattern = "[a-zA-Z_0-9+=,.@-]{2,64}"
	name, source := a.one(attrName), a.one(attrSource)
	switch {
	case name == "":
		return badToken("RoleSessionName is required in AuthnResponse")
	case !isName(name):
		return badToken("RoleSessionName in AuthnResponse must match " + pattern)
	case source != "" && (!isName(source) || strings.HasPrefix(source, "aws:")):
		return badToken("Source Identity must match " + pattern + ` and not begin with "aws:"`)
	}
	tags, transitive := a.tags()
	if len(tags) > 50 || len(transitive) > 50 {
		return badToken("The response cannot be used: it has more than 50 session tags")
	}
	for k, v := range tags {
		if n := len([]rune(k)); n < 1 || n > 128 || len([]rune(v)) > 256 {
			return badToken("The response cannot be used: a session tag is too long")
		}
	}
	return nil
}

// opens is the role's trust policy, with all the reasons for which AWS has one text.
func (c *call) opens(a *assertion, r *role, p Provider) bool {
	if r == nil || a.subject == "" || strings.HasPrefix(r.arn.name(), "AWSReservedSSO_") {
		return false
	}
	provider := splitARN(p.ARN)
	tags, transitive := a.tags()
	return provider.account == r.arn.account && provider.partition == r.arn.partition &&
		slices.Contains(r.TrustProviders, p.ARN) &&
		slices.Contains(r.audience(), a.recipient) &&
		(r.AllowTags || len(tags)+len(transitive) == 0) &&
		(r.AllowSourceIdentity || a.one(attrSource) == "") &&
		!r.RequireMFA &&
		a.names(r.ARN, p.ARN)
}

// audience is what the role's condition on saml:aud allows.
func (r *role) audience() []string {
	if len(r.Audience) > 0 {
		return r.Audience
	}
	hosts := map[string]string{ // service endpoints of "signin" in the SDKs' endpoint data
		"aws":        "signin.aws.amazon.com",
		"aws-cn":     "signin.amazonaws.cn",
		"aws-us-gov": "signin.amazonaws-us-gov.com",
		"aws-eusc":   "eusc-de-east-1.signin.amazonaws-eusc.eu",
		"aws-iso":    "us-iso-east-1.signin.c2shome.ic.gov",
		"aws-iso-b":  "us-isob-east-1.signin.sc2shome.sgov.gov",
		"aws-iso-e":  "eu-isoe-west-1.signin.csphome.adc-e.uk",
		"aws-iso-f":  "us-isof-south-1.signin.csphome.hci.ic.gov",
	}
	return []string{"https://" + hosts[r.arn.partition] + "/saml"}
}

// sessionLength is what was asked for, or less where the assertion says so: SessionDuration
// and SessionNotOnOrAfter can only shorten.
func (c *call) sessionLength(a *assertion, r *role) (time.Duration, *Fault) {
	d := c.duration()
	if d > r.maxSession() {
		message := tooLong
		if c.opts.ShowLimit {
			message = fmt.Sprintf("%s The limit is %d seconds.", tooLong, int(r.maxSession().Seconds()))
		}
		return 0, invalid(message)
	}
	if n, err := strconv.Atoi(a.one(attrDuration)); err == nil && n >= 900 {
		d = min(d, time.Duration(n)*time.Second)
	}
	if !a.sessionNotOnOrAfter.IsZero() {
		d = min(d, a.sessionNotOnOrAfter.Sub(c.now))
	}
	return d, nil
}

func (c *call) federated(a *assertion, r *role, p Provider, d time.Duration) (any, *Fault) {
	tags, transitive := a.tags()
	for k := range tags {
		if !slices.Contains(transitive, k) {
			delete(tags, k)
		}
	}
	s, err := c.open(r, a.one(attrName), c.now.Add(d), a.one(attrSource), tags)
	if err != nil {
		return nil, fault(500, "InternalFailure", err.Error())
	}
	provider := splitARN(p.ARN)
	qualifier := sha1.Sum([]byte(a.issuer + provider.account + "/" + provider.name()))
	return samlResult{
		Audience:        a.recipient,
		AssumedRoleUser: assumedRoleUser{s.id, s.arn},
		Credentials:     s.credentials,
		Issuer:          a.issuer,
		NameQualifier:   base64.StdEncoding.EncodeToString(qualifier[:]),
		SourceIdentity:  s.source,
		Subject:         a.subject,
		SubjectType:     strings.TrimPrefix(a.format, "urn:oasis:names:tc:SAML:2.0:nameid-format:"),
	}, nil
}

// isName is [\w+=,.@-]{2,64}.
func isName(s string) bool {
	return len(s) >= 2 && len(s) <= 64 &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isWord(r) && !strings.ContainsRune("+=,.@-", r) })
}
