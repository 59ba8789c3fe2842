package ststest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	chainedTooLong = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
	tagInherited   = "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."
	tagNotSent     = "The specified transitive tag key must be included in the requested tags."
	mfaIncomplete  = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
	mfaUnknown     = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
)

// answer runs the operation.
func (c *call) answer() (any, *Fault) {
	if c.op == opSAML {
		return c.assumeRoleWithSAML()
	}
	caller, no := c.caller()
	if no != nil {
		return nil, no
	}
	if c.op == opIdentity {
		return identityResult{Arn: caller.arn, UserId: caller.id, Account: caller.role.arn.account}, nil
	}
	return c.assumeRole(caller)
}

// assumeRole is always chained: the caller is a session of a role.
func (c *call) assumeRole(caller *session) (any, *Fault) {
	tags, no := c.tags(caller)
	if no != nil {
		return nil, no
	}
	r := c.roles[c.get("RoleArn")]
	source := c.get("SourceIdentity")
	if source == "" {
		source = caller.source
	}
	if no := c.trusts(caller, r, source, len(tags) > 0); no != nil {
		return nil, no
	}
	d := c.duration()
	if d > time.Hour {
		return nil, invalid(chainedTooLong)
	}
	inherited := maps.Clone(caller.tags)
	for _, k := range c.members("TransitiveTagKeys", "") {
		inherited[k] = tags[k]
	}
	s, err := c.open(r, c.get("RoleSessionName"), c.now.Add(d), source, inherited)
	if err != nil {
		return nil, fault(500, "InternalFailure", err.Error())
	}
	return assumeResult{
		AssumedRoleUser: assumedRoleUser{s.id, s.arn},
		Credentials:     s.credentials,
		SourceIdentity:  s.source,
	}, nil
}

// trusts is the destination's trust policy. Whether the role exists is not told.
func (c *call) trusts(caller *session, r *role, source string, tagged bool) *Fault {
	no := func(action string) *Fault {
		return denied(fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s", caller.arn, action, c.get("RoleArn")))
	}
	serial, code := c.get("SerialNumber"), c.get("TokenCode")
	switch {
	case (serial == "") != (code == ""):
		return denied(mfaIncomplete)
	case serial != "":
		return denied(mfaUnknown) // a session of a role has no MFA device
	case r == nil || r.arn.partition != caller.role.arn.partition:
		return no("sts:AssumeRole")
	case !slices.Contains(r.TrustRoles, caller.role.ARN) && !slices.Contains(r.TrustRoles, rootOf(caller.role.arn)):
		return no("sts:AssumeRole")
	case r.ExternalID != "" && c.get("ExternalId") != r.ExternalID, r.RequireMFA:
		return no("sts:AssumeRole")
	case (tagged || len(caller.tags) > 0) && !r.AllowTags:
		return no("sts:TagSession")
	case source != "" && !r.AllowSourceIdentity, caller.source != "" && source != caller.source:
		return no("sts:SetSourceIdentity")
	}
	return nil
}

func rootOf(a arn) string { return "arn:" + a.partition + ":iam::" + a.account + ":root" }

// tags returns the tags that were sent, once they fit the limits (IAM user guide, "Pass
// session tags in AWS STS").
func (c *call) tags(caller *session) (map[string]string, *Fault) {
	keys, transitive := c.members("Tags", ".Key"), c.members("TransitiveTagKeys", "")
	for label, n := range map[string]int{"tags": len(keys), "transitiveTagKeys": len(transitive)} {
		if n > 50 {
			return nil, constraint("'"+fmt.Sprintf("[%d members]", n)+"'", label, "Member must have length less than or equal to 50")
		}
	}
	tags, seen := map[string]string{}, map[string]bool{}
	for i, k := range keys {
		if seen[strings.ToLower(k)] {
			return nil, fault(400, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[strings.ToLower(k)] = true
		tags[k] = c.get(fmt.Sprintf("Tags.member.%d.Value", i+1))
		for inherited := range caller.tags {
			if strings.EqualFold(inherited, k) {
				return nil, fault(400, "InvalidParameterValue", tagInherited)
			}
		}
	}
	for _, k := range transitive {
		if _, ok := tags[k]; !ok {
			return nil, fault(400, "InvalidParameterValue", tagNotSent)
		}
	}
	if c.get("SourceIdentity") != "" && strings.HasPrefix(c.get("SourceIdentity"), "aws:") {
		return nil, constraint("'"+c.get("SourceIdentity")+"'", "sourceIdentity", "Member must not begin with aws:")
	}
	return tags, nil
}
