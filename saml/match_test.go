package saml_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehop/saml"
)

func matchRoles() []saml.Role {
	role := func(arn string) saml.Role {
		account := strings.Split(arn, ":")[4]
		return saml.Role{ARN: arn, Provider: "arn:aws:iam::" + account + ":saml-provider/P"}
	}
	second := role("arn:aws:iam::111111111111:role/Admins")
	second.Provider = "arn:aws:iam::111111111111:saml-provider/Q"
	return []saml.Role{
		role("arn:aws:iam::111111111111:role/Gateway"),
		role("arn:aws:iam::111111111111:role/Admins"),
		role("arn:aws:iam::222222222222:role/Admins"),
		role("arn:aws:iam::222222222222:role/team/a/Admins-ro"),
		role("arn:aws:iam::333333333333:role/admins"),
		role("arn:aws:iam::333333333333:role/Adm,ins"),
		role("arn:aws:iam::333333333333:role/odd*/Odd"),
		role("arn:aws:iam::333333333333:role/oddball/Even"),
		second,
		role("arn:aws:iam::111111111111:role/Gateway"), // once more
		{ARN: "no ARN", Provider: "none"},
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	aliases := map[string]string{"111111111111": "prod", "222222222222": "dev-eu", "333333333333": ""}
	for _, c := range []struct {
		want string
		is   []int
	}{
		{"arn:aws:iam::222222222222:role/Admins", []int{2}},
		{"arn:aws:iam::111111111111:role/Admins", []int{1, 8}}, // two providers
		{"arn:aws:iam::444444444444:role/Admins", nil},
		{"222222222222/Admins", []int{2}},
		{"prod/Admins", []int{1, 8}},
		{"dev-eu/Admins-ro", []int{3}},
		{"Prod/Admins", nil},
		{"/Admins", nil},
		{"/admins", nil}, // the account whose alias is empty
		{"Admins", []int{1, 2, 8}},
		{"admins", []int{4}},
		{"ADMINS", nil},
		{"Admin", nil},
		{"Adm,ins", []int{5}},
		{"team/a/Admins-ro", []int{3}},
		{"/team/a/Admins-ro", nil},
		{"a/Admins-ro", nil},
		{"222222222222/team/a/Admins-ro", nil},
		{"Gateway", []int{0}},
		{"", nil},
		{"no ARN", []int{10}},
		// Patterns.
		{"Admins*", []int{1, 2, 3, 8}},
		{"*min*", []int{1, 2, 3, 4, 8}},
		{"*ins", []int{1, 2, 4, 5, 8}},
		{"?dmins", []int{1, 2, 4, 8}},
		{"Admins?", nil},
		{"Admins???", []int{3}},
		{"*", []int{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		{"**", []int{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		{"*/*", []int{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		{"prod/*", []int{0, 1, 8}},
		{"dev*/Admins*", []int{2, 3}},
		{"2*/Admins", []int{2}},
		{"????????????/Gateway", []int{0}},
		{"2*", nil}, // a star is of one segment
		{"team/*/Admins-??", []int{3}},
		{"team*ro", nil},
		{"arn:aws:iam::*:role/Admins", []int{1, 2, 8}},
		{"arn:aws:iam::2*", []int{2, 3}},
		{"arn:*/Admins-ro", []int{3}},
		{"arn:*", []int{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		{"arn:aws-cn:*", nil},
		{"ARN:*", nil},
		// An exact match beats a pattern.
		{"odd*/Odd", []int{6}},
		{"odd*/*", []int{6, 7}},
		{"[Aa]dmins*", nil},
	} {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			roles := matchRoles()
			var want []saml.Role
			for _, i := range c.is {
				want = append(want, roles[i])
			}
			equalRoles(t, saml.Match(roles, c.want, aliases), want)
			if !slices.Equal(roles, matchRoles()) {
				t.Error("Match changed what it was given")
			}
		})
	}
}

func TestMatchNoAliases(t *testing.T) {
	t.Parallel()
	roles := matchRoles()
	equalRoles(t, saml.Match(roles, "prod/Admins", nil), nil)
	equalRoles(t, saml.Match(roles, "Gateway", nil), roles[:1])
	equalRoles(t, saml.Match(nil, "*", nil), nil)
	equalRoles(t, saml.Match([]saml.Role{{}}, "", nil), nil)
}

// checkMatch says in what way got is no answer that Match may give.
func checkMatch(roles, got []saml.Role) error {
	at := -1
	for _, r := range got {
		i := slices.Index(roles, r)
		switch {
		case i < 0:
			return fmt.Errorf("%v was not given", r)
		case i == at:
			return fmt.Errorf("%v is there twice", r)
		case i < at:
			return fmt.Errorf("%v is out of order", r)
		}
		at = i
	}
	return nil
}

func TestCheckMatchControl(t *testing.T) {
	t.Parallel()
	roles := matchRoles()
	for name, got := range map[string][]saml.Role{
		"not given":    {pair("Other")},
		"twice":        {roles[0], roles[0]},
		"twice, apart": {roles[0], roles[9]},
		"out of order": {roles[2], roles[0]},
	} {
		if checkMatch(roles, got) == nil {
			t.Errorf("%s: the check is content", name)
		}
	}
	if err := checkMatch(roles, roles[:9]); err != nil {
		t.Errorf("a right answer: %v", err)
	}
}
