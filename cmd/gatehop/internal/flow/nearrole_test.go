package flow

import (
	"testing"

	"gatehop/saml"
)

func TestNearestRole(t *testing.T) {
	t.Parallel()
	var offered []saml.Role
	for _, arn := range []string{"arn:aws:iam::111111111111:role/Admins", "arn:aws:iam::111111111111:role/ReadOnly",
		"arn:aws:iam::222222222222:role/Deploy", "arn:aws:iam::222222222222:role/team/Auditor"} {
		offered = append(offered, saml.Role{ARN: arn})
	}
	aliases := map[string]string{"222222222222": "corp-prod"}
	for want, near := range map[string]string{
		"Admn":                                       "Admins",
		"readonly":                                   "ReadOnly",
		"111111111111/Admn":                          "111111111111/Admins",
		"11111111111/Admins":                         "111111111111/Admins",
		"corp-prd/Deploy":                            "corp-prod/Deploy",
		"corp-prod/Deplyo":                           "corp-prod/Deploy",
		"arn:aws:iam::111111111111:role/Admn":        "arn:aws:iam::111111111111:role/Admins",
		"arn:aws:iam::222222222222:role/Audito":      "",
		"arn:aws:iam::222222222222:role/team/Audito": "arn:aws:iam::222222222222:role/team/Auditor",

		"arn:aws:iam::111111111111:role/Billing": "",
		"111111111111/Deploy":                    "", // of the other account
		"999999999999/Admins":                    "",
		"Billing":                                "",
		"Admn*":                                  "",
		"":                                       "",
	} {
		if got := nearestRole(want, offered, aliases); got != near {
			t.Errorf("nearestRole(%q) = %q, want %q", want, got, near)
		}
	}
	if got := nearestRole("Admn", nil, nil); got != "" {
		t.Errorf("of no role: %q", got)
	}
}
