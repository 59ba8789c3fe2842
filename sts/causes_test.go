package sts

import (
	"regexp"
	"strings"
	"testing"
)

// TestCausesAreReached: each row of the table is the answer to its own code and text.
// A row that stands behind a wider one is dead.
func TestCausesAreReached(t *testing.T) {
	t.Parallel()
	if dead := unreached(causes()); len(dead) > 0 {
		t.Errorf("rows that no answer reaches: %v", dead)
	}
	// The control: a wide row in front kills others.
	wide := append([]cause{{opSAML, "InvalidIdentityToken", "", []string{"anything"}}}, causes()...)
	if dead := unreached(wide); len(dead) < 7 {
		t.Errorf("control: only %v found dead", dead)
	}
}

func unreached(rows []cause) []string {
	var dead []string
	for i, row := range rows {
		for _, op := range []string{opSAML, opAssume, opIdentity} {
			if !row.fits(op, row.code, row.has) {
				continue
			}
			for _, first := range rows[:i] {
				if first.fits(op, row.code, row.has) {
					dead = append(dead, op+" "+row.code+" "+row.has)
					break
				}
			}
		}
	}
	return dead
}

// TestCausesAreFacts: no flags, no advice, no secrets, lower case, no full stop.
func TestCausesAreFacts(t *testing.T) {
	t.Parallel()
	for _, row := range causes() {
		if len(row.facts) == 0 || row.has != strings.ToLower(row.has) {
			t.Errorf("row %q %q has no facts or a text with capitals", row.code, row.has)
		}
		for _, fact := range row.facts {
			if why := unfit(fact); why != "" {
				t.Errorf("%q %s", fact, why)
			}
		}
	}
	for _, bad := range []string{"Try again", "use --duration", "run gatehop login", "it failed.", "please check the role"} {
		if unfit(bad) == "" {
			t.Errorf("control: %q was found fit", bad)
		}
	}
}

func unfit(fact string) string {
	switch {
	case strings.Contains(fact, "--"):
		return "names a flag"
	case strings.HasSuffix(fact, "."):
		return "ends in a full stop"
	case strings.Contains(fact, "gatehop"):
		return "speaks of the program"
	case regexp.MustCompile(`^[A-Z][a-z]`).MatchString(fact):
		return "begins with a capital"
	case regexp.MustCompile(`(?i)\b(please|check|try|make sure|you|your)\b`).MatchString(fact):
		return "gives advice"
	}
	return ""
}

func TestCausesOf(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ op, code, message, want string }{
		{opSAML, "InvalidIdentityToken", "Response signature invalid", "certificate"},
		{opSAML, "InvalidIdentityToken", "Issuer not present in specified provider (Service: AWSOpenIdDiscoveryService; ...)", "another identity provider"},
		{opSAML, "InvalidIdentityToken", "RoleSessionName is required in AuthnResponse", "sends no attribute"},
		{opSAML, "InvalidIdentityToken", "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}", "character that AWS does not allow"},
		{opSAML, "InvalidIdentityToken", "Specified provider doesn't exist.", "no IAM SAML provider of that name"},
		{opSAML, "InvalidIdentityToken", "Response does not contain the required audience.", "audience"},
		{opSAML, "InvalidIdentityToken", "something new", "does not fit"},
		{opSAML, "ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance", "5 minutes"},
		{opSAML, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", "maximum session duration"},
		{opAssume, "AccessDenied", "User: arn:aws:sts::1:assumed-role/G/a is not authorized to perform: sts:TagSession on resource: arn", "sts:TagSession"},
		{opAssume, "AccessDenied", "User: x is not authorized to perform: sts:AssumeRole on resource: y because no identity-based policy allows the sts:AssumeRole action", "permission policies"},
		{opAssume, "AccessDenied", "User: x is not authorized to perform: sts:AssumeRole on resource: y", "does not exist"},
		{opAssume, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.", "at most 1 hour"},
		{opAssume, "SignatureDoesNotMatch", "Signature expired: 20220127T001427Z is now earlier than", "behind"},
		{opIdentity, "ExpiredToken", "The security token included in the request is expired", "expired"},
		{opIdentity, "Throttling", "Rate exceeded", "more STS calls"},
	} {
		got := causesOf(tc.op, tc.code, tc.message)
		if len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), tc.want) {
			t.Errorf("%s %s %q = %q, want %q", tc.op, tc.code, tc.message, got, tc.want)
		}
	}
	for _, tc := range [][3]string{
		{opSAML, "SignatureDoesNotMatch", ""}, // that call is not signed
		{opAssume, "IDPRejectedClaim", ""},
		{opSAML, "NewCode", "new"},
	} {
		if got := causesOf(tc[0], tc[1], tc[2]); got != nil {
			t.Errorf("%v = %q, want none", tc, got)
		}
	}
}
