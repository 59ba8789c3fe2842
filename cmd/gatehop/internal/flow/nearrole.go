package flow

import (
	"maps"
	"slices"
	"strings"

	"gatehop/cmd/gatehop/internal/near"
	"gatehop/saml"
)

// nearestRole finds which of the offered roles want was most likely meant to be, spelt as
// want is: NAME, ACCOUNT/NAME, ALIAS/NAME or ARN. What stands before the name and the name
// must each be near: two ARNs of one account are alike for the most part, and yet two
// names.
func nearestRole(want string, offered []saml.Role, aliases map[string]string) string {
	if strings.ContainsAny(want, "*?") {
		return ""
	}
	byHead := map[string][]string{} // names by what stands before them
	for _, r := range offered {
		heads := []string{"", r.Account() + "/", strings.TrimSuffix(r.ARN, r.Name())}
		if alias := aliases[r.Account()]; alias != "" {
			heads = append(heads, alias+"/")
		}
		for _, head := range heads {
			byHead[head] = append(byHead[head], r.Name())
		}
	}
	cut := strings.LastIndexByte(want, '/') + 1
	head, names := closest(want[:cut], byHead)
	for _, name := range names {
		if name == want[cut:] {
			return head + name
		}
	}
	if name := near.Nearest(want[cut:], names); name != "" {
		return head + name
	}
	return ""
}

// closest is the key of byHead that is head, or is nearest to it, and what stands there.
func closest(head string, byHead map[string][]string) (string, []string) {
	if names, ok := byHead[head]; ok || head == "" {
		return head, names
	}
	meant := near.Nearest(head, slices.Sorted(maps.Keys(byHead)))
	if meant == "" {
		return "", nil
	}
	return meant, byHead[meant]
}
