package saml

import (
	"errors"
	"fmt"
	"strings"

	"gatehop/saml/iam"
)

// ParseRole reads one value of the Role attribute: a role ARN and a SAML provider ARN
// of the same account in either order, a comma between them, white space anywhere
// around them. Both names and paths of roles may hold commas, so the cut is at a comma
// that "arn:" follows, and which half is the role is decided by its resource type.
func ParseRole(attr string) (Role, error) {
	text := strings.TrimSpace(attr)
	first, last := cuts(text)
	if first < 0 {
		return Role{}, roleError(attr, errors.New("it is not two ARNs with a comma between them"))
	}
	// A provider ARN holds no comma. If it comes first the cut is the first comma that
	// will do, if it comes last the last one; whatever is between belongs to a role path.
	cut := last
	if isProvider(text) {
		cut = first
	}
	r, err := pair(text, cut)
	if err != nil {
		return Role{}, roleError(attr, err)
	}
	return r, nil
}

func roleError(attr string, why error) error {
	return fmt.Errorf("read role value %q: %w", iam.Clean(attr), why)
}

// cuts returns the first and the last comma that is followed, after white space, by
// "arn:"; -1 for none.
func cuts(text string) (first, last int) {
	first, last = -1, -1
	for i := range len(text) {
		if text[i] != ',' || !strings.HasPrefix(strings.TrimSpace(text[i+1:]), "arn:") {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
	}
	return first, last
}

// pair reads the ARNs on both sides of the comma at cut.
func pair(text string, cut int) (Role, error) {
	one, two := strings.TrimSpace(text[:cut]), strings.TrimSpace(text[cut+1:])
	if isProvider(one) {
		one, two = two, one
	}
	role, err := iam.ReadRoleARN(one)
	if err != nil {
		return Role{}, err
	}
	partition, account, resource, err := iam.SplitARN(two)
	if err != nil {
		return Role{}, err
	}
	name, ok := strings.CutPrefix(resource, "saml-provider/")
	switch {
	case !ok:
		return Role{}, errors.New("neither ARN names a SAML provider")
	case len(name) < 1 || len(name) > 128 || !iam.Only(name, func(c byte) bool { return iam.IsWord(c) || c == '.' || c == '-' }):
		return Role{}, errors.New("the provider name is not 1 to 128 of letters, digits and _.-")
	case role.Partition != partition || role.Account != account:
		return Role{}, errors.New("role and provider are of different accounts")
	}
	return Role{ARN: one, Provider: two}, nil
}

// isProvider reports whether text begins with the ARN of a SAML provider.
func isProvider(text string) bool {
	_, _, resource, err := iam.SplitARN(text)
	return err == nil && strings.HasPrefix(resource, "saml-provider/")
}
